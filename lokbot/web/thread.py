"""One case: what was written by time, what is known of it, why the bot did what it did, and the places to act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import Select, delete, func, select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lokbot import audit, records, register
from lokbot.channels.mime import WARNINGS
from lokbot.conversation import escalation, forwarding, steering
from lokbot.conversation.corrections import questions_of
from lokbot.conversation.working_days import SWEDEN
from lokbot.model import Authentication, MessageState, OutboxKind, OutboxStatus, Outcome, Role
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
    OutboxItem,
    Presence,
    SteeringMatter,
    User,
)
from lokbot.web.cases import CHANNELS, STATUSES, names, tongue
from lokbot.web.visit import Visit

ANSWER, NOTE = "answer", "note"
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
}
KINDS = {
    OutboxKind.REPLY: "Botens svar",
    OutboxKind.RECEIPT: "Kvitto",
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
    if visit.request.headers.get("x-live") is None:
        _looked(visit, conversation)
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
) -> Response:
    """The page. ``typed`` is what somebody wrote and what could not be done; it stands in its field again."""
    session, can_act, contact_of = visit.session, visit.has(Role.COORDINATOR), conversation.contact
    drafts = {
        draft.kind: draft.text
        for draft in session.scalars(
            select(Draft).where(Draft.conversation_id == conversation.id, Draft.user_id == visit.user.id)
        )
    }
    to = escalation.asker(conversation)
    latest = escalation.latest_from_asker(conversation)
    leaving = [
        item
        for item in conversation.outbox
        if item.status is OutboxStatus.QUEUED and not item.is_automatic and item.not_before > visit.now
    ]
    return visit.page(
        "thread.html",
        status=status,
        case=conversation,
        entries=entries(session.scalars(_events(conversation)).all(), conversation),
        to=to,
        latest=latest,
        leaving=leaving,
        suggestions=[item for item in conversation.outbox if item.status is OutboxStatus.HELD],
        failed=_has_failed(conversation),
        earlier=_earlier(visit, conversation),
        related=session.get(Conversation, conversation.related_to_id) if conversation.related_to_id else None,
        drafts={**drafts, **(typed or {})},
        greeting=_greeting(visit, conversation),
        articles=_articles(visit, conversation),
        questions=questions_of(conversation),
        seen=seen(visit, conversation),
        others=others(visit, conversation),
        coordinators=[user for user in _colleagues(visit) if user.email != conversation.taken_by],
        people=names(visit),
        can_act=can_act,
        is_mine=conversation.taken_by == visit.actor,
        undo=visit.settings.answering.undo_minutes,
        error=error,
        news=news,
        concerned=forwarding.concerned(conversation),
        may_go_directly=bool(visit.settings.imap.authserv_ids),
        association=_association(visit, conversation),
        suggested=register.suggest_association(session, conversation)
        if can_act and not contact_of.association_id
        else (),
        matter=_matter(visit, conversation),
        classes=records.CLASSES,
        tomorrow=visit.now.astimezone(SWEDEN).date() + timedelta(days=1),
        authentication=lambda message: Authentication(**message.authentication) if message.authentication else None,
        warnings=WARNINGS,
        statuses=STATUSES,
        channels=CHANNELS,
        tongue=lambda code: tongue(code, visit),
        kinds=KINDS,
        sending=SENDING,
        outcomes=OUTCOMES,
        event_names=EVENTS,
        reason=lambda key: _reason(visit, key),
        article_name=lambda key: article_name(visit, key),
        owner_name=lambda key: owner_name(visit, key),
    )


def entries(events: Sequence[Event], conversation: Conversation) -> Sequence[Entry]:
    """Everything by time. What the bot did in the same breath as a message stands after it."""
    found = [Entry(message.received_at, "message", message=message) for message in conversation.messages]
    found += [Entry(item.created_at, "item", item=item) for item in conversation.outbox]
    found += [Entry(note.at, "note", note=note) for note in conversation.notes]
    found += [Entry(event.at, "event", event=event) for event in events if event.verb in EVENTS]
    order = {"message": 0, "event": 1, "item": 2, "note": 3}
    return sorted(found, key=lambda entry: (entry.at, order[entry.kind]))


def _events(conversation: Conversation) -> Select[Event]:
    return select(Event).where(Event.conversation_id == conversation.id, Event.verb.in_(EVENTS)).order_by(Event.id)


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
    query = select(Conversation).where(whose, Conversation.id != conversation.id)
    return visit.session.scalars(query.order_by(Conversation.id.desc()).limit(10)).all()


def _greeting(visit: Visit, conversation: Conversation) -> str:
    """How an answer may begin and end; the coordinator writes between."""
    if conversation.language == "en":
        return f"Hello!\n\n\n\nKind regards\n{visit.user.name}\nCoordinator for associations, City of Helsingborg"
    return f"Hej!\n\n\n\nVänliga hälsningar\n{visit.user.name}\nföreningssamordnare, Helsingborgs stad"


def _articles(visit: Visit, conversation: Conversation) -> Sequence[tuple[str, str]]:
    """Articles that may be of use here, the likeliest first, then all the others by name: (id, first wording)."""
    near: dict[str, float] = {}
    for question in questions_of(conversation):
        for match in question.understanding.get("matches", ()):
            near[match["article"]] = max(near.get(match["article"], 0.0), match["confidence"])
    known = visit.knowledge.articles
    likely = [key for key, _ in sorted(near.items(), key=lambda pair: -pair[1]) if key in known][:5]
    rest = sorted((key for key in known if key not in likely), key=lambda key: article_name(visit, key))
    return [(key, article_name(visit, key)) for key in (*likely, *rest)]


def article_name(visit: Visit, key: str) -> str:
    """An article by the first question that it answers."""
    article = visit.knowledge.articles.get(key)
    return article.texts["sv"].questions[0] if article else key


def owner_name(visit: Visit, key: str | None) -> str:
    owner = visit.knowledge.administrations.get(key or "")
    return owner.name.get(visit.language) if owner else (key or "")


def _reason(visit: Visit, key: str | None) -> str:
    """Why, in a sentence."""
    return visit.knowledge.phrases[visit.language].get(f"reason.{key}", key or "").format(kind="-", held="")


def _colleagues(visit: Visit) -> Sequence[User]:
    users = visit.session.scalars(select(User).where(User.is_active).order_by(User.name))
    return [user for user in users if Role.COORDINATOR in user.roles]


# ------------------------------------------------------------------ who is here, and what they have seen


def seen(visit: Visit, conversation: Conversation) -> str:
    """What a page shows of a case, in a word: what others do afterwards changes it, looking does not."""
    session = visit.session
    event = session.scalar(select(func.max(Event.id)).where(Event.conversation_id == conversation.id))
    message = session.scalar(select(func.max(Message.id)).where(Message.conversation_id == conversation.id))
    return f"{event or 0}.{message or 0}"


def since(visit: Visit, conversation: Conversation, known: str) -> Sequence[str]:
    """What others have done, and what has come in, since a page showed ``known``; a sentence each."""
    event, _, message = known.partition(".")
    if not (event.isdecimal() and message.isdecimal()):
        return ()
    people = names(visit)
    found = [
        visit.say("{who} {what}", who=people.get(one.actor, one.actor), what=_what(visit, one))
        for one in visit.session.scalars(
            select(Event)
            .where(Event.conversation_id == conversation.id, Event.id > int(event), Event.actor != visit.actor)
            .order_by(Event.id)
        )
        if one.verb in HAPPENED
    ]
    count = visit.session.scalar(
        select(func.count(Message.id)).where(Message.conversation_id == conversation.id, Message.id > int(message))
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
    "resolved": "markerade ärendet som klart",
    "reopened": "öppnade ärendet igen",
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
    _looked(visit, message.conversation, attachment=found.id)
    return _download(content.content, found.name or "bilaga")


def original(visit: Visit) -> Response:
    """The exact bytes that reached us."""
    message = visit.session.get(Message, visit.request.path_params["message"])
    if message is None:
        raise HTTPException(404)
    _looked(visit, message.conversation, original=message.id)
    return _download(message.raw, f"{message.conversation.case_number}-{message.id}.eml")


def _looked(visit: Visit, conversation: Conversation, **what: Any) -> None:
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


def _download(content: bytes, name: str) -> Response:
    """RFC 6266: the name in UTF-8; the sandbox is for browsers that show it nevertheless."""
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "content-security-policy": "sandbox; default-src 'none'",
        },
    )
