"""One case: what was written by time, what is known of it, why the bot did what it did, and the places to act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lokbot import audit, desk_settings, records, register
from lokbot.conversation import escalation, forwarding, parties, steering, uploads
from lokbot.conversation.corrections import questions_of
from lokbot.conversation.working_days import SWEDEN
from lokbot.describing import WARNINGS
from lokbot.model import (
    ASSOCIATION_KINDS,
    Authentication,
    ChannelName,
    MessageState,
    OutboxKind,
    OutboxStatus,
    Outcome,
    Role,
)
from lokbot.store import queries
from lokbot.store.schema import (
    Association,
    AttachmentContent,
    Contact,
    Conversation,
    Draft,
    Event,
    Message,
    MessageAttachment,
    Note,
    OutboxAttachment,
    OutboxItem,
    Presence,
    SteeringMatter,
)
from lokbot.web import related, rendering
from lokbot.web.cases import CHANNELS, STATUSES, colleagues, names, tongue
from lokbot.web.visit import Visit

ANSWER, NOTE = "answer", "note"
OTHER_LANGUAGE = "other-language.line"
"""The phrase for who writes in a language that nobody here reads."""
HERE_FOR = timedelta(seconds=45)

# What an event is called, where a reader of the case wants to know of it; the others are seen by what they did.
EVENTS = {
    "escalated": "Ärendet gick till en person",
    "took-over": "tog ärendet",
    "assigned": "tilldelade ärendet till {to}",
    "handed-back": "lämnade tillbaka ärendet",
    "refused": "drog tillbaka förslaget",
    "stopped": "stoppade ett utskick",
    "forwarded": "skickade frågan vidare",
    "resolved": "markerade ärendet som klart",
    "reopened": "öppnade ärendet igen",
    "retried": "försökte igen",
    "snoozed": "lät ärendet vila",
    "woke": "tog tillbaka ärendet från vilan",
    "logged": "skrev ner ett samtal eller besök",
    "classified": "bedömde ärendet för diariet",
    "corrected": "rättade vad boten förstod",
    "reminded-urgent-again": "Påminnelse: brådskande",
    "reminded-overdue": "Påminnelse: den lovade dagen har passerat",
    "bounced": "Ett mejl kom i retur",
    "gave-up-sending": "Ett mejl gick inte att skicka",
    "reachable": "Den som skrev sa hur ett svar når fram",
    "copied": "Den som skrev bad om en kopia av chatten med mejl",
    "moved": "flyttade ärendet från chatten till mejl eller telefon",
    "merged": "slog ihop ärendet med {case}",
    "taken-apart": "tog isär ärendet från {case}",
    "split": "flyttade meddelanden till {case}",
    "split-from": "gav meddelanden ur {case} det här ärendet",
    "linked-case": "länkade ärendet till {case}",
    "unlinked-case": "tog bort länken till {case}",
    "hidden": "Den som skrev har dolt chatten för sig. Inget är borttaget.",
}
# What a pressed button or a command asks for (``model.Button``).
PRESSED = {
    "yes": "Ja, det löste frågan",
    "no": "Nej, jag vill prata med en människa",
    "person": "Människa",
    "more": "Läs mer",
    "none": "Inget av dem",
    "start": "Början",
    "help": "Hjälp",
    "language": "Språk",
    "lang": "Språk",
    "hide": "Dölj min chatt",
}
KINDS = {
    OutboxKind.REPLY: "Botens svar",
    OutboxKind.RECEIPT: "Kvitto",
    OutboxKind.INFORMATION: "Botens hälsning eller hjälp",
    OutboxKind.ANSWER: "Svar",
    OutboxKind.FORWARD: "Till förvaltning",
    OutboxKind.NOTIFICATION: "Till samordnarna",
    OutboxKind.CORRECTION: "Rättelse",
}
SENDING = {
    OutboxStatus.HELD: "Förslag, inte skickat",
    OutboxStatus.QUEUED: "Väntar på att skickas",
    OutboxStatus.CLAIMED: "Skickas nu",
    OutboxStatus.SENT: "Skickat",
    OutboxStatus.FAILED: "Gick inte att skicka",
    OutboxStatus.CANCELLED: "Draget tillbaka",
}
OUTCOMES = {
    Outcome.ANSWER: "ett svar",
    Outcome.CLARIFY: "en motfråga",
    Outcome.ROUTE: "att frågan hör till någon annan",
    Outcome.ESCALATE: "att en person behövs",
    Outcome.IGNORE: "att inget svar behövs",
}
# What a ground of a decision is, by its matcher. Some quote what the asker wrote, others a sentence of ours.
GROUNDS = {
    "rule": "Ord som avgjorde",
    "lexical": "Ord som finns i svaret",
    "wording": "Samma fråga som",
    "fuzzy": "Skrivs ungefär som",
    "semantic": "Betyder ungefär som",
    "missing": "Ord som svaret saknar",
    "kind": "Uppgift som svaret saknar",
    "choice": "Valde nummer",
    "button": "Tryckte på",
}
FACTS = {
    "amount": "belopp",
    "date": "datum",
    "past": "när något var",
    "now": "hur det är just nu",
    "duration": "hur länge",
    "frequency": "hur ofta",
    "person": "en persons namn",
    "list": "vilka det är",
    "contact": "kontaktuppgift",
    "mobile": "mobilnummer",
    "place": "plats",
    "count": "hur många",
    "form": "blankett eller bilaga",
    "letters": "vad en förkortning betyder",
    "opinion": "vad vi tycker",
    "elsewhere": "hur det är i en annan kommun",
    "difference": "vad som skiljer",
    "national": "hur det är i hela landet",
    "shape": "annat språk eller annan form",
    "reason": "varför",
    "rank": "vilken som är störst eller först",
    "law": "vilken lag som säger det",
    "check": "vem som följer upp",
    "consequence": "vad som händer annars",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened in a case, of the kind that the template knows to show."""

    at: datetime
    kind: str
    message: Message | None = None
    item: OutboxItem | None = None
    note: Note | None = None
    event: Event | None = None


def find(visit: Visit) -> Conversation:
    """The case that the address names."""
    found = queries.conversation_for(visit.session, visit.path("case"))
    if found is None:
        raise HTTPException(404)
    return found


def thread(visit: Visit) -> Response:
    """Show the case. That somebody looked is written down, but not for each time the page renews itself."""
    conversation = find(visit)
    if queries.is_part(visit.session, visit.path("case")):
        return visit.to(f"/arenden/{conversation.case_number}", klart="part")
    if visit.request.headers.get("x-live") is None:
        looked(visit, conversation)
    if visit.has(Role.COORDINATOR):
        arrive(visit, conversation)
    return show(visit, conversation)


def show(
    visit: Visit,
    conversation: Conversation,
    *,
    status: int = 200,
    error: str = "",
    typed: dict[str, str] | None = None,
    news: Sequence[str] = (),
    wanted: str = "",
    near: Sequence[str] = (),
) -> Response:
    """The page. ``typed`` is what somebody wrote and what could not be done; it stands in its field again. ``near``
    are associations that are called nearly as is ``wanted``.
    """
    session, can_act = visit.session, visit.has(Role.COORDINATOR)
    drafts = {
        draft.kind: draft.text
        for draft in session.scalars(
            select(Draft).where(Draft.conversation_id == conversation.id, Draft.user_id == visit.user.id)
        )
    }
    to = escalation.asker(conversation)
    latest = escalation.latest_from_asker(conversation)
    likely = _likely(visit, conversation)
    door = parties.door(conversation, (to,) if to else (), latest)
    leaving = [
        item
        for item in conversation.outbox
        if item.status is OutboxStatus.QUEUED and not item.is_automatic and item.not_before > visit.now
    ]
    return visit.page(
        "thread.html",
        status=status,
        case=conversation,
        entries=entries(_events(visit, conversation), conversation),
        to=to,
        latest=latest,
        leaving=leaving,
        suggestions=[item for item in conversation.outbox if item.status is OutboxStatus.HELD],
        failed=_has_failed(conversation),
        earlier=_earlier(visit, conversation),
        related=related.related(visit, conversation),
        parts=[one for one in queries.parts(session, conversation) if one.merged_into_id == conversation.id],
        drafts={**drafts, **(typed or {})},
        door=door,
        greeting=_greeting(visit, conversation, door),
        likely=likely,
        articles=_articles(visit, likely),
        templates=desk_settings.templates(session),
        line=line_of(visit, conversation),
        line_key=OTHER_LANGUAGE,
        wanted=wanted,
        near=near,
        forwarding=visit.form if visit.request.path_params.get("act") == "skicka-vidare" else None,
        questions=questions_of(conversation),
        seen=seen(visit, conversation),
        others=others(visit, conversation),
        copies=escalation.others(conversation, visit.settings) if can_act else (),
        copied={email.lower() for email in visit.form.all("cc")},
        at_hand=at_hand(conversation),
        along=_along(visit, conversation),
        lost_files=[uploads.shown(file.name) for file in visit.form.files],
        largest=visit.settings.web.max_upload_bytes,
        file_endings=uploads.ENDINGS,
        is_passed_on=escalation.is_passed_on,
        coordinators=[user for user in colleagues(visit) if user.email != conversation.taken_by],
        people=people_of(visit),
        can_act=can_act,
        is_mine=conversation.taken_by == visit.actor,
        undo=visit.settings.answering.undo_minutes,
        error=error,
        news=news,
        concerned=forwarding.concerned(conversation),
        written=parties.from_asker(conversation),
        enclosures=of_asker(conversation),
        administrations=forwarding.receivers(visit.knowledge),
        may_go_directly=bool(visit.settings.imap.authserv_ids),
        association=_association(visit, conversation),
        association_kinds=ASSOCIATION_KINDS,
        matter=_matter(visit, conversation),
        classes=records.CLASSES,
        tomorrow=visit.now.astimezone(SWEDEN).date() + timedelta(days=1),
        authentication=lambda message: Authentication(**message.authentication) if message.authentication else None,
        warnings=WARNINGS,
        statuses=STATUSES,
        channels=CHANNELS,
        tongue=lambda code: tongue(code, visit),
        kinds=KINDS,
        pressed=lambda command: _pressed(visit, command),
        shown=lambda address: parties.shown(address, conversation),
        sending=SENDING,
        outcomes=OUTCOMES,
        grounds=lambda evidence: grounds(visit, evidence),
        event_names=EVENTS,
        reason=lambda key: _reason(visit, key),
        escalated=lambda event: _escalated(visit, conversation, event),
        article_name=lambda key: article_name(visit, key),
        owner_name=lambda key: owner_name(visit, key),
    )


def grounds(visit: Visit, evidence: Sequence[Mapping[str, Any]]) -> Sequence[tuple[str, str]]:
    """Why the bot decided so: what each ground is, and its words."""
    found = []
    for one in evidence:
        detail = str(one["detail"])
        if one["matcher"] == "kind":
            detail = ", ".join(visit.say(FACTS[fact]) for fact in detail.split() if fact in FACTS)
        elif one["matcher"] in ("wording", "fuzzy", "semantic"):
            detail = f"”{detail}”"
        found.append((visit.say(GROUNDS.get(one["matcher"], "Ord som avgjorde")), detail))
    return found


def suggested_associations(visit: Visit) -> Response:
    """Whom the contact may write for. A page of its own, since it asks the whole register: the case's fetches it."""
    conversation = find(visit)
    return visit.page(
        "suggested.html",
        case=conversation,
        suggested=register.suggest_association(visit.session, conversation)[:3],
        seen=seen(visit, conversation),
    )


def at_hand(conversation: Conversation) -> Sequence[OutboxAttachment]:
    """Files that an answer of one's own may take along: those of what is suggested, and of an answer that was taken
    back while nothing has taken its place.
    """
    found: Sequence[OutboxAttachment] = ()
    for item in conversation.outbox:
        if item.kind in (OutboxKind.ANSWER, OutboxKind.REPLY):
            is_unsent = item.status in (OutboxStatus.HELD, OutboxStatus.CANCELLED)
            found = item.attachments if is_unsent else ()
    return found


def of_asker(conversation: Conversation) -> Sequence[MessageAttachment]:
    """The asker's files, which may go along to an administration; not the logotypes of signatures."""
    return [file for message in parties.from_asker(conversation) for file in parties.attached(message)]


def _along(visit: Visit, conversation: Conversation) -> set[str]:
    """Which of them are ticked: as the form had it, else those of an answer that the reader has just taken back."""
    if visit.form.fields:
        return set(visit.form.all("along"))
    stopped = select(Event.outbox_id).where(
        Event.conversation_id == conversation.id, Event.verb == "stopped", Event.actor == visit.actor
    )
    known = set(visit.session.scalars(stopped))
    return {str(each.id) for each in at_hand(conversation) if each.outbox_id in known}


def entries(events: Sequence[Event], conversation: Conversation) -> Sequence[Entry]:
    """Everything by time. What the bot did in the same breath as a message stands after it."""
    found = [Entry(message.received_at, "message", message=message) for message in conversation.messages]
    found += [Entry(item.created_at, "item", item=item) for item in conversation.outbox]
    found += [Entry(note.at, "note", note=note) for note in conversation.notes]
    found += [
        Entry(event.at, "event", event=event) for event in events if event.verb in EVENTS and not _is_no_news(event)
    ]
    order = {"message": 0, "event": 1, "item": 2, "note": 3}
    return sorted(found, key=lambda entry: (entry.at, order[entry.kind]))


def _is_no_news(event: Event) -> bool:
    """Whether it says only that a case went to a person which was with one already."""
    return event.verb == "escalated" and event.detail.get("reason") == "with-a-person"


def _pressed(visit: Visit, command: str) -> str:
    """What was pressed, in words; a choice by its number, and what nobody offered as it came."""
    name = PRESSED.get(command.partition("-")[0])
    return visit.say(name) if name else visit.say("Val {number}", number=command[:32])


def _events(visit: Visit, conversation: Conversation) -> Sequence[Event]:
    return [event for event in queries.events_of(visit.session, conversation) if event.verb in EVENTS]


def _association(visit: Visit, conversation: Conversation) -> Association | None:
    number = conversation.contact.association_id
    return visit.session.get(Association, number) if number is not None else None


def _matter(visit: Visit, conversation: Conversation) -> SteeringMatter | None:
    """What the steering group's next meeting is to hear of the case."""
    return next((one for one in steering.collected(visit.session) if one.conversation_id == conversation.id), None)


def _has_failed(conversation: Conversation) -> bool:
    return any(message.state is MessageState.FAILED for message in conversation.messages) or any(
        item.status is OutboxStatus.FAILED for item in conversation.outbox
    )


def _earlier(visit: Visit, conversation: Conversation) -> Sequence[Conversation]:
    """The contact's other cases, newest first; of a known association all of its contacts'."""
    contact = conversation.contact
    whose = Conversation.contact_id == contact.id
    if contact.association_id is not None:
        whose = Conversation.contact_id.in_(select(Contact.id).where(Contact.association_id == contact.association_id))
    query = select(Conversation).where(whose, Conversation.id != conversation.id, Conversation.merged_into_id.is_(None))
    return visit.session.scalars(query.order_by(Conversation.id.desc()).limit(10)).all()


def _greeting(visit: Visit, conversation: Conversation, door: ChannelName) -> str:
    """How an answer may begin and end; the coordinator writes between. A chat says by itself who answers."""
    if door.is_chat:
        return ""
    if conversation.language == "en":
        return f"Hello!\n\n\n\nKind regards\n{visit.user.name}\nCoordinator for associations, City of Helsingborg"
    return f"Hej!\n\n\n\nVänliga hälsningar\n{visit.user.name}\nföreningssamordnare, Helsingborgs stad"


def _likely(visit: Visit, conversation: Conversation) -> list[tuple[str, str]]:
    """Articles that may be of use here, the likeliest first: (id, first wording)."""
    near: dict[str, float] = {}
    for question in questions_of(conversation):
        for match in question.understanding.get("matches", ()):
            near[match["article"]] = max(near.get(match["article"], 0.0), match["confidence"])
    known = visit.knowledge.articles
    likely = [key for key, _ in sorted(near.items(), key=lambda pair: -pair[1]) if key in known][:5]
    return [(key, article_name(visit, key)) for key in likely]


def _articles(visit: Visit, likely: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """All the others, by name."""
    rest = ((key, article_name(visit, key)) for key in visit.knowledge.articles if key not in dict(likely))
    return sorted(rest, key=lambda one: one[1].casefold())


def article_name(visit: Visit, key: str) -> str:
    """An article by the first question that it answers."""
    article = visit.knowledge.articles.get(key)
    return article.texts["sv"].questions[0] if article else key


def owner_name(visit: Visit, key: str | None) -> str:
    owner = visit.knowledge.administrations.get(key or "")
    return owner.name.get(visit.language) if owner else (key or "")


def people_of(visit: Visit) -> Mapping[str, str]:
    """Who acts in cases, by how the acts are signed: everybody with an account, and the administrations."""
    owners = visit.knowledge.administrations
    return {**names(visit), **{f"{parties.ADMINISTRATION}{key}": owner_name(visit, key) for key in owners}}


def _reason(visit: Visit, key: str | None) -> str:
    """Why, in a sentence."""
    return visit.knowledge.phrases[visit.language].get(f"reason.{key}", key or "").format(kind="-", held="")


def _escalated(visit: Visit, conversation: Conversation, event: Event) -> str:
    """Why a case went to a person: where the bot knew an answer and might not send it, why it might not."""
    reason = event.detail.get("reason")
    held = (
        decision.held_because
        for message in conversation.messages
        for question in message.questions
        for decision in question.decisions
        if decision.held_because and decision.reason == reason
    )
    if because := next(held, None):
        return visit.knowledge.phrases[visit.language][f"held.{because}"]
    return _reason(visit, reason) if reason else ""


def line_of(visit: Visit, conversation: Conversation) -> str:
    """A fixed sentence in the asker's language, where it is neither Swedish nor English and there is one."""
    return visit.knowledge.phrases.get(conversation.language, {}).get(OTHER_LANGUAGE, "")


# ------------------------------------------------------------------ who is here, and what they have seen


def seen(visit: Visit, conversation: Conversation) -> str:
    """What a page shows of a case, in a word: what others do afterwards changes it, looking does not."""
    session = visit.session
    event = session.scalar(select(func.max(Event.id)).where(Event.conversation_id == conversation.id))
    message = session.scalar(select(func.max(Message.id)).where(Message.conversation_id == conversation.id))
    return f"{event or 0}.{message or 0}"


def since(visit: Visit, conversation: Conversation, known: str) -> Sequence[str]:
    """What others have done, and what has come in, since a page showed ``known``; a sentence each."""
    event, message = (queries.row_number(part) for part in known.partition(".")[::2])
    if event is None or message is None:
        return ()
    people = people_of(visit)
    found = [
        visit.say("{who} {what}", who=people.get(one.actor, one.actor), what=_what(visit, one))
        for one in visit.session.scalars(
            select(Event)
            .where(Event.conversation_id == conversation.id, Event.id > event, Event.actor != visit.actor)
            .order_by(Event.id)
        )
        if one.verb in HAPPENED
    ]
    count = visit.session.scalar(
        select(func.count(Message.id)).where(Message.conversation_id == conversation.id, Message.id > message)
    )
    if count:
        found.append(visit.say("Det har kommit ett nytt meddelande i ärendet."))
    return found


HAPPENED = {
    "took-over": "tog ärendet",
    "assigned": "tilldelade ärendet",
    "handed-back": "lämnade tillbaka ärendet",
    "answered": "svarade",
    "released": "skickade förslaget",
    "refused": "drog tillbaka förslaget",
    "forwarded": "skickade frågan vidare",
    "snoozed": "lät ärendet vila",
    "resolved": "markerade ärendet som klart",
    "reopened": "öppnade ärendet igen",
    "merged": "slog ihop ärendet med ett annat",
    "taken-apart": "tog isär ärendet från ett annat",
    "split": "delade ärendet",
}


def _what(visit: Visit, event: Event) -> str:
    return visit.say(HAPPENED[event.verb])


def arrive(visit: Visit, conversation: Conversation, *, is_writing: bool = False) -> None:
    """Whoever has the case open is here for a while."""
    visit.session.execute(delete(Presence).where(Presence.at < visit.now - HERE_FOR))
    visit.session.merge(
        Presence(conversation_id=conversation.id, user_id=visit.user.id, is_writing=is_writing, at=visit.now)
    )


def others(visit: Visit, conversation: Conversation) -> Sequence[Presence]:
    """Colleagues who have the case open just now."""
    return visit.session.scalars(
        select(Presence).where(
            Presence.conversation_id == conversation.id,
            Presence.user_id != visit.user.id,
            Presence.at >= visit.now - HERE_FOR,
        )
    ).all()


# ------------------------------------------------------------------ files


def attachment(visit: Visit) -> Response:
    """An attachment as a download: never shown in the page's own name, whatever it says it is."""
    found = visit.session.get(MessageAttachment, visit.request.path_params["attachment"])
    content = visit.session.get(AttachmentContent, found.sha256) if found is not None else None
    message = visit.session.get(Message, found.message_id) if found is not None else None
    if found is None or content is None or message is None:
        raise HTTPException(404)
    looked(visit, message.conversation, attachment=found.id)
    return rendering.download(content.content, found.name or "bilaga")


def sent_attachment(visit: Visit) -> Response:
    """What went, or is to go, along with a mail of ours."""
    found = visit.session.get(OutboxAttachment, visit.request.path_params["attachment"])
    item = visit.session.get(OutboxItem, found.outbox_id) if found is not None else None
    if found is None or item is None:
        raise HTTPException(404)
    looked(visit, item.conversation, sent_attachment=found.id)
    return rendering.download(found.content.content, found.name or "bilaga")


def original(visit: Visit) -> Response:
    """The exact bytes that reached us."""
    message = visit.session.get(Message, visit.request.path_params["message"])
    if message is None:
        raise HTTPException(404)
    looked(visit, message.conversation, original=message.id)
    return rendering.download(message.raw, f"{message.conversation.case_number}-{message.id}.eml")


def looked(visit: Visit, conversation: Conversation, **what: Any) -> None:
    """Who saw what of a case stands in the audit log."""
    audit.record(
        visit.session,
        audit.LOOKED_AT,
        actor=visit.actor,
        source="web",
        now=visit.now,
        conversation=conversation,
        **what,
    )
