"""What coordinators do in a case, and the pause. Each act is one of ``conversation.escalation``, as by mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import delete
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from lokbot import accounts, desk_settings, register
from lokbot.conversation import corrections, escalation, steering, uploads
from lokbot.conversation.escalation import NotPossible, PauseScope
from lokbot.conversation.working_days import SWEDEN
from lokbot.model import Attachment, ChannelName, OutboxKind, OutboxStatus, Role, UserError
from lokbot.store import queries
from lokbot.store.schema import Conversation, Draft, QuestionRecord
from lokbot.web import joining, thread
from lokbot.web.cases import CHANNELS, names
from lokbot.web.thread import ANSWER, NOTE
from lokbot.web.visit import Visit

LONGEST_TEXT = 100_000


def act(visit: Visit) -> Response:
    """Do what the form asks for. Where somebody else was first, or it cannot be done, nothing written is lost."""
    perform = ACTS.get(visit.path("act"))
    if perform is None:
        raise HTTPException(404)
    conversation = thread.find(visit)
    news = thread.since(visit, conversation, visit.form["seen"])
    typed = _typed(visit)
    if news and not visit.form["anyway"]:
        _keep(visit, conversation, typed)
        return thread.show(visit, conversation, status=409, typed=typed, news=news)
    try:
        done = perform(visit, conversation)
    except UserError as error:
        visit.session.rollback()
        conversation = thread.find(visit)
        _keep(visit, conversation, typed)
        return thread.show(visit, conversation, status=409, typed=typed, error=visit.told(error))
    if isinstance(done, Response):
        return done
    return visit.to(f"/arenden/{conversation.case_number}", **done)


def _typed(visit: Visit) -> dict[str, str]:
    """The texts of a form that has a field for them."""
    fields = dict(visit.form.fields)
    return {kind: fields[kind][:LONGEST_TEXT] for kind in (ANSWER, NOTE) if kind in fields}


def _keep(visit: Visit, conversation: Conversation, typed: Mapping[str, str]) -> None:
    for kind, text in typed.items():
        visit.session.merge(
            Draft(conversation_id=conversation.id, user_id=visit.user.id, kind=kind, text=text, saved_at=visit.now)
        )


def _drop(visit: Visit, conversation: Conversation, kind: str) -> None:
    visit.session.execute(
        delete(Draft).where(
            Draft.conversation_id == conversation.id, Draft.user_id == visit.user.id, Draft.kind == kind
        )
    )


# ------------------------------------------------------------------ the acts; each gives what the page then says


def _leaves_at(visit: Visit) -> datetime | None:
    minutes = visit.settings.answering.undo_minutes
    return visit.now + timedelta(minutes=minutes) if minutes else None


def _done(key: str, leaves_at: datetime | None) -> dict[str, str]:
    if leaves_at is None:
        return {"klart": f"{key}-now"}
    return {"klart": key, "kl": f"{leaves_at.astimezone(SWEDEN):%H.%M}"}


def _answer(visit: Visit, conversation: Conversation) -> dict[str, str]:
    at = _leaves_at(visit)
    escalation.coordinator_reply(
        visit.session,
        conversation,
        visit.form[ANSWER].replace("\r\n", "\n")[:LONGEST_TEXT],
        actor=visit.actor,
        settings=visit.settings,
        now=visit.now,
        not_before=at,
        cc=visit.form.all("cc"),
        attachments=_attachments(visit, conversation),
    )
    _drop(visit, conversation, ANSWER)
    return _done("answered", at)


def _attachments(visit: Visit, conversation: Conversation) -> list[Attachment]:
    """What goes along: files of an answer that was taken back or suggested, where they are ticked, and new ones."""
    at_hand = {str(each.id): each for each in thread.at_hand(conversation)}
    ticked = dict.fromkeys(visit.form.all("along"))
    if not ticked.keys() <= at_hand.keys():
        raise NotPossible("En fil som du valde går inte att skicka med längre. Inget är skickat. Välj filen igen.")
    found = [
        Attachment(each.name, each.content_type, each.size, each.sha256, each.content.content)
        for each in map(at_hand.__getitem__, ticked)
    ]
    return [*found, *(uploads.read(file.name, file.content, file.content_type) for file in visit.form.files)]


def _note(visit: Visit, conversation: Conversation) -> dict[str, str]:
    text = visit.form[NOTE].replace("\r\n", "\n")[:LONGEST_TEXT]
    escalation.note(visit.session, conversation, text, actor=visit.actor, now=visit.now)
    _drop(visit, conversation, NOTE)
    return {"klart": "noted"}


def _take(visit: Visit, conversation: Conversation) -> dict[str, str]:
    escalation.take_over(visit.session, conversation, actor=visit.actor, now=visit.now)
    return {"klart": "taken"}


def _hand_back(visit: Visit, conversation: Conversation) -> dict[str, str]:
    escalation.hand_back(visit.session, conversation, actor=visit.actor, now=visit.now)
    return {"klart": "handed-back"}


def _assign(visit: Visit, conversation: Conversation) -> dict[str, str]:
    user = accounts.find(visit.session, visit.form["to"])
    if user is None or not user.is_active or Role.COORDINATOR not in user.roles:
        raise NotPossible("Välj en samordnare.")
    escalation.assign(visit.session, conversation, user.email, actor=visit.actor, now=visit.now)
    return {"klart": "assigned"}


def _release(visit: Visit, conversation: Conversation) -> dict[str, str]:
    at = _leaves_at(visit)
    escalation.release(visit.session, conversation, actor=visit.actor, now=visit.now, not_before=at)
    return _done("released", at)


def _refuse(visit: Visit, conversation: Conversation) -> dict[str, str]:
    escalation.refuse(visit.session, conversation, actor=visit.actor, now=visit.now)
    return {"klart": "refused"}


def _edit(visit: Visit, conversation: Conversation) -> dict[str, str]:
    """The suggestion becomes a draft of one's own: what is sent is then what the coordinator sees."""
    held = [item for item in conversation.outbox if item.status is OutboxStatus.HELD]
    if not held:
        raise NotPossible("{case} har inget förslag.", case=conversation.case_number)
    _keep(visit, conversation, {ANSWER: "\n\n".join(item.text for item in held)})
    return {"klart": "draft"}


def _forward(visit: Visit, conversation: Conversation) -> dict[str, str]:
    at = _leaves_at(visit)
    text = visit.form["text"].replace("\r\n", "\n")[:LONGEST_TEXT]
    escalation.forward(
        visit.session,
        conversation,
        visit.form["administration"],
        actor=visit.actor,
        settings=visit.settings,
        knowledge=visit.knowledge,
        now=visit.now,
        address=visit.form["address"].strip() or None,
        not_before=at,
        text=text if text.strip() else None,
        names_asker=visit.form["names_asker"] == "1",
        directly=visit.form["directly"] == "1",
        messages={queries.row_number(one) or 0 for one in visit.form.all("whole")},
        attachments=_enclosed(visit, conversation),
    )
    return _done("forwarded", at)


def _enclosed(visit: Visit, conversation: Conversation) -> list[Attachment]:
    """Files of the asker's that are ticked to go along to an administration, where such a kind may be sent on."""
    at_hand = {str(each.id): each for each in thread.of_asker(conversation)}
    ticked = dict.fromkeys(visit.form.all("enclosed"))
    if not ticked.keys() <= at_hand.keys():
        raise NotPossible("En fil som du valde går inte att skicka med längre. Inget är skickat. Välj filen igen.")
    files = map(at_hand.__getitem__, ticked)
    return [uploads.read(file.name, file.content.content, file.content_type) for file in files]


def _resolve(visit: Visit, conversation: Conversation) -> dict[str, str]:
    escalation.resolve(visit.session, conversation, actor=visit.actor, now=visit.now)
    return {"klart": "resolved"}


def _reopen(visit: Visit, conversation: Conversation) -> dict[str, str]:
    escalation.reopen(visit.session, conversation, actor=visit.actor, now=visit.now)
    return {"klart": "reopened"}


def _stop(visit: Visit, conversation: Conversation) -> dict[str, str]:
    """What was stopped stands in the answer's field again, as a draft: one's own words, the bot's that one had sent,
    and what an administration had answered directly.
    """
    stopped = [
        item.text
        for item in conversation.outbox
        if item.status is OutboxStatus.QUEUED
        and item.kind in (OutboxKind.ANSWER, OutboxKind.REPLY)
        and not item.is_automatic
        and (item.created_by == visit.actor or escalation.is_passed_on(item))
    ]
    escalation.stop(visit.session, conversation, actor=visit.actor, now=visit.now)
    if stopped:
        _keep(visit, conversation, {ANSWER: "\n\n".join(stopped)})
    return {"klart": "stopped"}


def _retry(visit: Visit, conversation: Conversation) -> dict[str, str]:
    escalation.retry(visit.session, conversation, actor=visit.actor, now=visit.now)
    return {"klart": "retried"}


def _rest(visit: Visit, conversation: Conversation) -> dict[str, str]:
    try:
        until = date.fromisoformat(visit.form["until"])
    except ValueError:
        raise NotPossible("Välj en dag.") from None
    escalation.snooze(visit.session, conversation, until, actor=visit.actor, now=visit.now)
    return {"klart": "resting"}


def _wake(visit: Visit, conversation: Conversation) -> dict[str, str]:
    escalation.wake(visit.session, conversation, actor=visit.actor, now=visit.now)
    return {"klart": "awake"}


def _move(visit: Visit, conversation: Conversation) -> dict[str, str]:
    escalation.move(
        visit.session,
        conversation,
        visit.form["moved_to"],
        actor=visit.actor,
        settings=visit.settings,
        knowledge=visit.knowledge,
        now=visit.now,
    )
    return {"klart": "moved"}


def _to_steering(visit: Visit, conversation: Conversation) -> dict[str, str]:
    steering.mark(visit.session, conversation, visit.form["line"], actor=visit.actor, now=visit.now)
    return {"klart": "to-steering"}


def _not_to_steering(visit: Visit, conversation: Conversation) -> dict[str, str]:
    steering.unmark(visit.session, conversation, actor=visit.actor, now=visit.now)
    return {"klart": "not-to-steering"}


def _link(visit: Visit, conversation: Conversation) -> dict[str, str] | Response:
    """The contact writes for an association: one of the register's, or a new one by the name that was written, once
    the coordinator has seen those that are called nearly so.
    """
    session, name = visit.session, " ".join(visit.form["association"].split())
    if not name:
        raise NotPossible("Skriv eller välj en förening.")
    known = {one.name.casefold(): one for one in register.everyone(session)}
    kind = visit.form["kind"]
    association = known.get(name.casefold())
    if association is None:
        if visit.form["new"] != "1" and (near := register.search(session, name, limit=5)):
            return thread.show(visit, conversation, wanted=name, near=[one.association.name for one in near])
        association = register.create(session, name, actor=visit.actor, source="web", now=visit.now, kind=kind)
    elif kind:
        register.change(session, association, actor=visit.actor, source="web", now=visit.now, kind=kind)
    register.link(session, conversation, association, actor=visit.actor, source="web", now=visit.now)
    return {"klart": "linked"}


def _unlink(visit: Visit, conversation: Conversation) -> dict[str, str]:
    register.unlink(visit.session, conversation, actor=visit.actor, source="web", now=visit.now)
    return {"klart": "unlinked"}


def _correct(visit: Visit, conversation: Conversation) -> dict[str, str]:
    wanted = visit.form["question"]
    question = visit.session.get(QuestionRecord, number) if (number := queries.row_number(wanted)) else None
    if question is None or question.message.conversation_id != conversation.id:
        raise NotPossible("Välj en fråga i ärendet.")
    article = visit.form["article"]
    corrections.correct(
        visit.session,
        conversation,
        question,
        knowledge=visit.knowledge,
        actor=visit.actor,
        now=visit.now,
        article=article if article and article != "-" else None,
        topic=visit.form["topic"] or None,
        administration=visit.form["administration"] or None,
        is_nothing=article == "-",
    )
    return {"klart": "corrected"}


def _merge(visit: Visit, conversation: Conversation) -> dict[str, str] | Response:
    part = joining.named(visit, visit.form["part"])
    if news := thread.since(visit, part, visit.form["seen_part"]):
        return joining.compare(visit, conversation, part, status=409, error=" ".join(news))
    escalation.merge(
        visit.session,
        conversation,
        part,
        actor=visit.actor,
        now=visit.now,
        are_strangers_seen=visit.form["strangers"] == "1",
    )
    return {"klart": "merged"}


def _take_apart(visit: Visit, conversation: Conversation) -> dict[str, str]:
    number = visit.form["part"]
    part = next((one for one in queries.parts(visit.session, conversation) if one.case_number == number), None)
    if part is None:
        raise NotPossible("{case} är inte en del av {other}.", case=number[:40], other=conversation.case_number)
    escalation.take_apart(visit.session, conversation, part, actor=visit.actor, now=visit.now)
    return {"klart": "taken-apart"}


def _split(visit: Visit, conversation: Conversation) -> Response:
    chosen = [number for one in visit.form.all("message") if (number := queries.row_number(one))]
    promise = visit.settings.promise
    new = escalation.split(visit.session, conversation, chosen, actor=visit.actor, promise=promise, now=visit.now)
    return visit.to(f"/arenden/{new.case_number}", klart="split")


def _link_case(visit: Visit, conversation: Conversation) -> dict[str, str]:
    other = joining.named(visit, visit.form["other"])
    escalation.link(visit.session, conversation, other, actor=visit.actor, now=visit.now)
    return {"klart": "linked-case"}


def _unlink_case(visit: Visit, conversation: Conversation) -> dict[str, str]:
    other = joining.named(visit, visit.form["other"])
    escalation.unlink(visit.session, conversation, other, actor=visit.actor, now=visit.now)
    return {"klart": "unlinked-case"}


ACTS: Mapping[str, Callable[[Visit, Conversation], dict[str, str] | Response]] = {
    "svara": _answer,
    "anteckna": _note,
    "ta": _take,
    "lamna-tillbaka": _hand_back,
    "tilldela": _assign,
    "skicka-forslag": _release,
    "avsla-forslag": _refuse,
    "andra-forslag": _edit,
    "skicka-vidare": _forward,
    "klar": _resolve,
    "oppna": _reopen,
    "stoppa": _stop,
    "forsok-igen": _retry,
    "ratta": _correct,
    "vila": _rest,
    "vack": _wake,
    "flytta": _move,
    "till-styrgruppen": _to_steering,
    "inte-till-styrgruppen": _not_to_steering,
    "sla-ihop": _merge,
    "ta-isar": _take_apart,
    "dela": _split,
    "lanka": _link_case,
    "ta-bort-lank": _unlink_case,
    "hor-till": _link,
    "hor-inte-till": _unlink,
}


# ------------------------------------------------------------------ drafts, and who is here


def save_draft(visit: Visit) -> Response:
    """Keep what is written so far; with an article's or a template's text in it where one was chosen."""
    conversation = thread.find(visit)
    typed = _typed(visit)
    chosen = _chosen_text(visit, conversation)
    if chosen and ANSWER in typed:
        typed[ANSWER] = _inserted(typed[ANSWER], chosen)
    _keep(visit, conversation, typed)
    if visit.request.headers.get("x-live") is not None:
        return JSONResponse({"saved": True})
    return visit.to(f"/arenden/{conversation.case_number}", klart="draft")


def _chosen_text(visit: Visit, conversation: Conversation) -> str:
    chosen = visit.form["insert"]
    if article := visit.knowledge.articles.get(chosen):
        return (article.text(conversation.language) or article.texts["sv"]).answer.strip()
    if chosen == thread.OTHER_LANGUAGE:
        return thread.line_of(visit, conversation)
    found = (one.text(conversation.language) for one in desk_settings.templates(visit.session) if one.key == chosen)
    return next(found, "")


def _inserted(text: str, more: str) -> str:
    """``more`` before the last greeting, where there is one; else at the end."""
    text = text.replace("\r\n", "\n")
    for sign in ("\nVänliga hälsningar", "\nKind regards"):
        before, found, after = text.rpartition(sign)
        if found:
            return f"{before.rstrip()}\n\n{more}\n{found}{after}"
    return f"{text.rstrip()}\n\n{more}".lstrip()


def here(visit: Visit) -> Response:
    """A browser says that its user still has the case open, and hears who else does."""
    conversation = thread.find(visit)
    thread.arrive(visit, conversation, is_writing=visit.form["writing"] == "1")
    return visit.page("others.html", others=thread.others(visit, conversation))


# ------------------------------------------------------------------ the pause


def pauses_page(visit: Visit) -> Response:
    knowledge = visit.knowledge
    return visit.page(
        "pauses.html",
        pauses=queries.pauses(visit.session),
        people=names(visit),
        topics={key: topic.name.get(visit.language) for key, topic in knowledge.topics.items()},
        articles=sorted(((key, thread.article_name(visit, key)) for key in knowledge.articles), key=lambda one: one[1]),
        channels=CHANNELS,
    )


def pause(visit: Visit) -> Response:
    scope, value = _scope(visit)
    escalation.pause(
        visit.session,
        scope,
        value,
        actor=visit.actor,
        settings=visit.settings,
        knowledge=visit.knowledge,
        now=visit.now,
    )
    back = visit.form["back"]
    return visit.to(f"/version/{back}" if back.isdecimal() else "/paus", klart="paused")


def resume(visit: Visit) -> Response:
    scope, value = _scope(visit)
    escalation.resume(visit.session, scope, value, actor=visit.actor, now=visit.now)
    return visit.to("/paus", klart="resumed")


def _scope(visit: Visit) -> tuple[PauseScope, str]:
    """What the form names: ``all``, or ``channel:mail``, ``topic:...``, ``article:...``."""
    scope, _, value = visit.form["what"].partition(":")
    if scope == "all" and not value:
        return "all", ""
    if scope == "channel" and value in set(map(str, ChannelName)):
        return "channel", value
    if scope == "topic" and value in visit.knowledge.topics:
        return "topic", value
    if scope == "article" and value in visit.knowledge.articles:
        return "article", value
    raise NotPossible("Välj vad som ska pausas.")
