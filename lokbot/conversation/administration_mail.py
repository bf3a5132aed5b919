"""What an administration answers to what we sent on to it, from its own mail program.

It lands in the case for a coordinator, ready to be passed on. Where the coordinator chose so it goes to the asker by
itself after the undo time, if nothing about it can be a slip or a forgery: from the very address that was asked, which
our own mail server vouches for (DMARC), no machine's, with words, to us and to nobody else. "Inte vårt" gives the case
back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import handover, notification, outbox, parties, snoozing, working_days
from lokbot.conversation.decision import answer_language
from lokbot.conversation.reply import as_html, reply_subject
from lokbot.conversation.working_days import SWEDEN, clock_time
from lokbot.model import Authentication, ConversationStatus, Knowledge, OutboxKind, Reply
from lokbot.store import queries
from lokbot.store.schema import Conversation, Forward, Message, OutboxItem

# The first line of a mail that says so, in whatever case and with whatever signs around.
NOT_OURS = frozenset(
    {
        *("inte vår", "inte vårt", "inte våra", "inte vår fråga", "inte vårt ärende", "inte vårt bord"),
        *("ej vår", "ej vårt", "ej våra", "hör inte till oss", "hör inte hit", "not ours", "not our question"),
    }
)
_GREETINGS = frozenset({"", "hej", "hejsan", "hej igen", "god morgon", "goddag", "hello", "hi"})

# How many returns, by an administration or of a case, say that something is wrong with where questions go.
TOO_MANY = 2
_COUNTED = timedelta(days=365)


def is_return(text: str) -> bool:
    """Whether the words that somebody wrote now begin by saying that the question is not theirs. Pure."""
    lines = (re.sub(r"[\W_]+", " ", line).strip().lower() for line in text.strip().split("\n"))
    first = next((line for line in lines if line not in _GREETINGS), "")
    return first in NOT_OURS


def take_in(session: Session, message: Message, *, settings: Settings, knowledge: Knowledge, now: datetime) -> None:
    """Do what follows from the answer, in the caller's transaction."""
    item = parties.forward_answered(message)
    if item is None or item.forward is None:
        raise ValueError(f"message {message.id} answers no forward")
    answer = _Answer(session, message, item, item.forward, settings, knowledge, now)
    if is_return(message.new_text):
        _take_back(answer)
    elif not item.forward.is_direct:
        _keep(answer, None)
    elif why := _obstacle(answer):
        _keep(answer, why)
    else:
        _pass_on_directly(answer)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What an administration wrote, and what it answers."""

    session: Session
    message: Message
    item: OutboxItem
    forward: Forward
    settings: Settings
    knowledge: Knowledge
    now: datetime

    @property
    def conversation(self) -> Conversation:
        return self.message.conversation

    @property
    def actor(self) -> str:
        return f"{parties.ADMINISTRATION}{self.forward.administration}"

    def name(self, language: str = notification.LANGUAGE) -> str:
        owner = self.knowledge.administrations.get(self.forward.administration)
        return owner.name.get(language) if owner else self.forward.administration

    def say(self, key: str, **words: str) -> str:
        return self.knowledge.phrases[notification.LANGUAGE][key].format(**words)

    def came_back(self, key: str, *more: str) -> Reply:
        return notification.came_back(
            key,
            self.name(),
            self.conversation.case_number,
            self.conversation.subject,
            self.message.new_text,
            self.knowledge,
            *more,
        )


def _obstacle(answer: _Answer) -> str | None:
    """Why the answer may not go to the asker by itself; None where it may. The first that holds is told."""
    message, say = answer.message, answer.say
    key = queries.signing_key(answer.session, now=answer.now)
    if not parties.is_proven_answer(answer.session, message, answer.item, key):
        return say("notify.administration.why.not-them", sender=message.sender_email)
    if Authentication(**(message.authentication or {})).dmarc != "pass":
        return say("notify.administration.why.not-proven")
    if "perhaps-automatic" in message.warnings or not message.is_readable:
        return say("notify.administration.why.machine")
    if others := parties.other_recipients(message, answer.settings):
        return say("notify.administration.why.others", addresses=", ".join(others))
    if parties.has_attachment(message):
        return say("notify.administration.why.attachment")
    if not message.new_text.strip():
        return say("notify.mail.why.empty")
    is_first = answer.forward.answered_at is None and answer.forward.returned_at is None
    if not is_first or answer.conversation.status is not ConversationStatus.WITH_ADMINISTRATION:
        return say("notify.administration.why.moved")
    if parties.asker(answer.conversation) is None:
        return say("notify.administration.why.no-address")
    return None


def _pass_on_directly(answer: _Answer) -> None:
    """To the asker after the undo time. Until then the case stays where it is, and any coordinator may stop it."""
    leaves_at = answer.now + timedelta(minutes=answer.settings.answering.undo_minutes)
    item = _enqueue(answer, not_before=leaves_at)
    _record_answer(answer, directly=True)
    if item is None:
        raise ValueError("an answer that may go has an address to go to")
    time = clock_time(leaves_at.astimezone(SWEDEN), notification.LANGUAGE)
    to = ", ".join(address["email"] for address in item.to)
    leaves = answer.say("notify.administration.leaves", time=time, to=to)
    _tell(answer, answer.came_back("administration.answered", leaves))


def _keep(answer: _Answer, why: str | None) -> None:
    """For a coordinator: as a suggestion, so that it is passed on, edited or refused like any other."""
    suggestion = _enqueue(answer, is_held=True)
    _give_back(answer, "from-administration")
    _record_answer(answer, directly=False)
    more = [answer.say("notify.administration.kept", why=why)] if why else []
    if suggestion is not None:
        case = answer.conversation.case_number
        by_mail = answer.settings.imap.authserv_ids
        key = "notify.administration.pass-on" if by_mail else "notify.release"
        more.append(answer.say(key, case=case))
        if suggestion.attachments:
            names = ", ".join(each.name for each in suggestion.attachments)
            more.append(answer.say("notify.administration.attachments", names=names))
    _tell(answer, answer.came_back("administration.answered", *more))


def _take_back(answer: _Answer) -> None:
    """It is not theirs: the case waits again, and who returns often, or a case that wanders, is warned of."""
    forward, conversation = answer.forward, answer.conversation
    is_counted = forward.returned_at is None
    forward.returned_at = forward.returned_at or answer.now
    forward.answer_id = forward.answer_id or answer.message.id
    if conversation.administration == forward.administration:
        conversation.administration = None
    if conversation.status is ConversationStatus.WITH_ADMINISTRATION:
        conversation.taken_by = None
    _give_back(answer, "returned")
    queries.record(
        answer.session,
        "returned",
        actor=answer.actor,
        now=answer.now,
        conversation=conversation,
        message=answer.message,
        item=answer.item,
        administration=forward.administration,
    )
    since = answer.now - _COUNTED
    theirs = returns(answer.session, since=since).get(forward.administration, 0)
    of_case = sum(item.forward is not None and item.forward.returned_at is not None for item in conversation.outbox)
    warnings = []
    if theirs >= TOO_MANY:
        warnings.append(answer.say("notify.administration.returns-often", name=answer.name(), count=str(theirs)))
    if of_case >= TOO_MANY:
        warnings.append(answer.say("notify.administration.wanders", count=str(of_case)))
    if warnings and is_counted:
        queries.record(
            answer.session,
            "returned-often",
            actor="bot",
            now=answer.now,
            conversation=conversation,
            administration=forward.administration,
            by_administration=theirs,
            of_case=of_case,
        )
    reply = answer.came_back("administration.returned", *warnings)
    handover.tell_coordinators(answer.session, conversation, reply, settings=answer.settings, now=answer.now)


def returns(session: Session, *, since: datetime) -> dict[str, int]:
    """How many forwards each administration has returned since then, by its id."""
    query = (
        select(Forward.administration, func.count(Forward.outbox_id))
        .where(Forward.returned_at >= since)
        .group_by(Forward.administration)
    )
    return {administration: count for administration, count in session.execute(query)}  # noqa: C416 (a row is no pair)


def _enqueue(answer: _Answer, *, not_before: datetime | None = None, is_held: bool = False) -> OutboxItem | None:
    """What the administration wrote (no quotes, no signature), in its name."""
    conversation = answer.conversation
    to, text = parties.asker(conversation), answer.message.new_text.strip()
    if to is None or not text:
        return None
    language = answer_language(conversation.language) or "sv"
    opening = answer.knowledge.phrases[language]["passed-on"].format(name=answer.name(language))
    whole = f"{opening}\n\n{text}"
    return outbox.enqueue(
        answer.session,
        conversation,
        Reply(reply_subject(conversation.subject, language), whole, as_html(whole, language), language),
        kind=OutboxKind.ANSWER,
        to=(to,),
        settings=answer.settings,
        answers=parties.latest_from_asker(conversation),
        is_automatic=False,
        is_held=is_held,
        created_by=answer.actor,
        now=answer.now,
        not_before=not_before,
        attachments=parties.attachments(answer.session, answer.message),
    )


def _give_back(answer: _Answer, reason: str) -> None:
    """To whoever had the case, else to all. A case that a person is busy with stays with them."""
    conversation = answer.conversation
    if conversation.status not in (ConversationStatus.WAITING, ConversationStatus.TAKEN):
        is_theirs = conversation.taken_by is not None
        conversation.status = ConversationStatus.TAKEN if is_theirs else ConversationStatus.WAITING
        conversation.reason = reason
    snoozing.wake(answer.session, conversation, actor=answer.actor, now=answer.now)
    if conversation.waiting_since is None:
        arrived = answer.message.received_at
        conversation.waiting_since = arrived
        conversation.answer_by = working_days.promised_day(arrived, answer.settings.promise)
    conversation.updated_at = answer.now


def _record_answer(answer: _Answer, *, directly: bool) -> None:
    answer.forward.answered_at = answer.forward.answered_at or answer.now
    answer.forward.answer_id = answer.forward.answer_id or answer.message.id
    queries.record(
        answer.session,
        "administration-answered",
        actor=answer.actor,
        now=answer.now,
        conversation=answer.conversation,
        message=answer.message,
        item=answer.item,
        administration=answer.forward.administration,
        directly=directly,
    )


def _tell(answer: _Answer, reply: Reply) -> None:
    handover.tell_those_with(answer.session, answer.conversation, reply, settings=answer.settings, now=answer.now)
