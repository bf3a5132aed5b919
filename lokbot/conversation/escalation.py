"""What a person does in a case: take over, assign, hand back, note, answer, release, refuse, stop, resolve, reopen,
retry; and, from the rooms beside this one, forward, pause, resume and whatever hands a case to people.

Every act changes the state first and is the same from the command line, from mail and from the desk. The caller
commits. Acts that a person cannot do here and now raise ``NotPossible`` with a sentence that says why.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import outbox
from lokbot.conversation.decision import UNSURE
from lokbot.conversation.forwarding import forward, forward_by_itself, tell_of_forward
from lokbot.conversation.handover import (
    escalate,
    note_bounce,
    notify,
    raise_alarm,
    sound_the_breaker,
    tell_coordinators,
    tell_of_failure,
    tell_of_undelivered,
)
from lokbot.conversation.linking import link, unlink
from lokbot.conversation.merging import merge, split, take_apart
from lokbot.conversation.moving import move
from lokbot.conversation.parties import (
    asker,
    door,
    fits_in_a_mail,
    is_from_inside,
    is_passed_on,
    latest_from_asker,
    others,
)
from lokbot.conversation.pausing import PauseScope, is_paused, pause, resume
from lokbot.conversation.reply import as_html, reply_subject
from lokbot.conversation.snoozing import snooze, wake
from lokbot.model import (
    Address,
    Attachment,
    ConversationStatus,
    MessageState,
    NotPossible,
    OutboxKind,
    OutboxStatus,
    Outcome,
    Reply,
)
from lokbot.store import queries
from lokbot.store.schema import Conversation, Note, OutboxItem

# Whoever acts finds every act here, wherever it is written.
__all__ = [
    "NotPossible",
    "PauseScope",
    "asker",
    "assign",
    "coordinator_reply",
    "escalate",
    "forward",
    "forward_by_itself",
    "hand_back",
    "is_from_inside",
    "is_passed_on",
    "is_paused",
    "latest_from_asker",
    "link",
    "merge",
    "move",
    "note",
    "note_bounce",
    "notify",
    "others",
    "pause",
    "raise_alarm",
    "refuse",
    "release",
    "reopen",
    "resolve",
    "resume",
    "retry",
    "settle",
    "settle_when_sent",
    "snooze",
    "sound_the_breaker",
    "split",
    "stop",
    "take_apart",
    "take_over",
    "tell_coordinators",
    "tell_of_failure",
    "tell_of_forward",
    "tell_of_undelivered",
    "unlink",
    "wake",
]


def take_over(session: Session, conversation: Conversation, *, actor: str, now: datetime) -> int:
    """The bot is silent from now on. Returns how many automatic texts were taken back from the outbox."""
    queries.hold(session, conversation)
    if conversation.status is ConversationStatus.TAKEN and conversation.taken_by not in (None, actor):
        raise NotPossible("{case} är redan taget av {who}.", case=conversation.case_number, who=conversation.taken_by)
    _put(conversation, ConversationStatus.TAKEN, actor, now)
    cancelled = outbox.cancel_automatic(session, conversation, now=now)
    queries.record(session, "took-over", actor=actor, now=now, conversation=conversation, cancelled=cancelled)
    return cancelled


def assign(session: Session, conversation: Conversation, to: str, *, actor: str, now: datetime) -> None:
    """Give a case to a colleague (a coordinator's address), whoever has it now. The bot is silent in it."""
    queries.hold(session, conversation)
    _put(conversation, ConversationStatus.TAKEN, to, now)
    cancelled = outbox.cancel_automatic(session, conversation, now=now)
    queries.record(session, "assigned", actor=actor, now=now, conversation=conversation, to=to, cancelled=cancelled)


def note(session: Session, conversation: Conversation, text: str, *, actor: str, now: datetime) -> Note:
    """Words for the other coordinators. Nothing that sends ever reads them."""
    if not text.strip():
        raise NotPossible("Anteckningen är tom. Skriv en text först.")
    composed = unicodedata.normalize("NFC", text.strip())  # as it is searched for
    written = Note(conversation_id=conversation.id, author=actor, text=composed, at=now)
    session.add(written)
    queries.record(session, "noted", actor=actor, now=now, conversation=conversation)
    return written


def hand_back(session: Session, conversation: Conversation, *, actor: str, now: datetime) -> None:
    """Back to the others where the asker still waits for an answer, else to the bot. What the bot had queued while
    it had to be silent is out of date by now, and taken back.
    """
    queries.hold(session, conversation)
    outbox.cancel_automatic(session, conversation, now=now)
    is_waiting = conversation.waiting_since is not None
    _put(conversation, ConversationStatus.WAITING if is_waiting else ConversationStatus.BOT, None, now)
    queries.record(session, "handed-back", actor=actor, now=now, conversation=conversation)


def coordinator_reply(
    session: Session,
    conversation: Conversation,
    text: str,
    *,
    actor: str,
    settings: Settings,
    now: datetime,
    not_before: datetime | None = None,
    cc: Collection[str] = (),
    attachments: Sequence[Attachment] = (),
) -> OutboxItem:
    """A coordinator's own words to the asker; what the bot had suggested or queued is taken back. Resolves the case.

    With ``not_before`` it leaves then, and until it has left the case is the coordinator's. ``cc`` are addresses of
    ``others``, who take part in the thread: nobody else can be written to from here. ``attachments`` (``uploads.read``)
    may be ``web.max_upload_bytes`` together.
    """
    queries.hold(session, conversation)
    to = asker(conversation)
    if to is None:
        raise NotPossible("{case} har ingen adress att svara till.", case=conversation.case_number)
    if not text.strip():
        raise NotPossible("Svaret är tomt. Skriv en text först.")
    copies = _copies(conversation, cc, settings)
    if copies and door(conversation, (to,), latest_from_asker(conversation)).is_chat:
        raise NotPossible("Kopior kan inte skickas i en chatt. Flytta ärendet till mejl först.")
    fits_in_a_mail(attachments, settings)
    outbox.cancel_automatic(session, conversation, now=now)
    item = outbox.enqueue(
        session,
        conversation,
        Reply(_subject(conversation), text.strip(), as_html(text, conversation.language), conversation.language),
        kind=OutboxKind.ANSWER,
        to=(to,),
        settings=settings,
        answers=latest_from_asker(conversation),
        is_automatic=False,
        created_by=actor,
        now=now,
        not_before=not_before,
        cc=copies,
        attachments=attachments,
    )
    queries.record(session, "answered", actor=actor, now=now, conversation=conversation, item=item)
    _settle_or_hold(conversation, actor, now, not_before)
    return item


def _copies(conversation: Conversation, wanted: Collection[str], settings: Settings) -> list[Address]:
    known = {one.email: one for one in others(conversation, settings)}
    unknown = [email for email in wanted if email.lower() not in known]
    if unknown:
        raise NotPossible(
            "{address} är inte med i {case} och kan inte få en kopia.",
            address=unknown[0],
            case=conversation.case_number,
        )
    return [known[email] for email in dict.fromkeys(map(str.lower, wanted))]


def _settle_or_hold(conversation: Conversation, actor: str, now: datetime, not_before: datetime | None) -> None:
    if not_before is None:
        settle(conversation, now)
    else:
        _put(conversation, ConversationStatus.TAKEN, actor, now)


def settle_when_sent(session: Session, item: OutboxItem, *, now: datetime) -> None:
    """An answer that waited out its undo time has left: the case is resolved, unless somebody wrote or acts since."""
    conversation = item.conversation
    is_theirs = (
        conversation.status is ConversationStatus.WITH_ADMINISTRATION
        if is_passed_on(item)
        else conversation.status is ConversationStatus.TAKEN and conversation.taken_by == item.created_by
    )
    if item.is_automatic or item.kind not in (OutboxKind.ANSWER, OutboxKind.REPLY) or not is_theirs:
        return
    latest = latest_from_asker(conversation)
    has_news = latest is not None and latest.received_at > item.queued_at
    # What the coordinators are told of this very answer may still wait, where there is no undo time.
    is_more_coming = any(one.kind is not OutboxKind.NOTIFICATION for one in outbox.unsent(session, conversation))
    if not (has_news or is_more_coming or _waits_for_more(conversation, item)):
        settle(conversation, now)


def release(
    session: Session, conversation: Conversation, *, actor: str, now: datetime, not_before: datetime | None = None
) -> Sequence[OutboxItem]:
    """Send the suggestion as it stands: a person has read it, so it goes whatever the bot may do. Resolves the case,
    unless something else in it still waits for a person.
    """
    queries.hold(session, conversation)
    held = [item for item in outbox.unsent(session, conversation) if item.status is OutboxStatus.HELD]
    if not held:
        raise NotPossible("{case} har inget förslag att skicka.", case=conversation.case_number)
    for item in held:
        item.status, item.is_automatic, item.created_by = OutboxStatus.QUEUED, False, actor
        item.queued_at, item.not_before = now, not_before or now
        queries.record(session, "released", actor=actor, now=now, conversation=conversation, item=item)
    if not_before is not None:
        outbox.cancel_automatic(session, conversation, now=now)  # a receipt that a person overtook
    if not_before is not None or not _waits_for_more(conversation, held[0]):
        _settle_or_hold(conversation, actor, now, not_before)
    return held


def refuse(session: Session, conversation: Conversation, *, actor: str, now: datetime) -> int:
    """What the bot suggests is not to be sent; the case stays where it is. Returns how many texts it was."""
    queries.hold(session, conversation)
    held = [item for item in outbox.unsent(session, conversation) if item.status is OutboxStatus.HELD]
    if not held:
        raise NotPossible("{case} har inget förslag.", case=conversation.case_number)
    for item in held:
        item.status = OutboxStatus.CANCELLED
        queries.record(session, "refused", actor=actor, now=now, conversation=conversation, item=item)
    conversation.updated_at = now
    return len(held)


def stop(session: Session, conversation: Conversation, *, actor: str, now: datetime) -> int:
    """Take back what this person, or an administration that we asked, sent off and what has not left yet: the case is
    theirs. Returns how many mails.
    """
    queries.hold(session, conversation)
    waiting = [
        item
        for item in outbox.unsent(session, conversation)
        if item.status is OutboxStatus.QUEUED
        and (item.created_by == actor or is_passed_on(item))
        and not item.is_automatic
    ]
    if not waiting:
        raise NotPossible(
            "Det finns inget att stoppa i {case}. Det kan redan vara skickat.", case=conversation.case_number
        )
    for item in waiting:
        item.status = OutboxStatus.CANCELLED
        queries.record(session, "stopped", actor=actor, now=now, conversation=conversation, item=item)
    take_over(session, conversation, actor=actor, now=now)
    return len(waiting)


def _waits_for_more(conversation: Conversation, sent: OutboxItem) -> bool:
    """Whether there are questions, since the case began to wait, that only a person can answer and nobody has."""
    if sent.kind is OutboxKind.ANSWER:
        return False
    return _needs_a_person(conversation, but_for=("from-coordinator", "from-administration"))


def waits_for_trust_alone(conversation: Conversation, *, but_for: Collection[int]) -> bool:
    """Whether somebody is waited for only because the bot was not sure what is asked: the asker, who knows, can then
    end the waiting. Messages of the ids ``but_for`` do not count.
    """
    if conversation.status is not ConversationStatus.WAITING:
        return False
    is_suggested = any(item.status is OutboxStatus.HELD for item in conversation.outbox)
    return not is_suggested and not _needs_a_person(conversation, but_for=UNSURE, but_for_messages=but_for)


def _needs_a_person(
    conversation: Conversation, *, but_for: Collection[str], but_for_messages: Collection[int] = ()
) -> bool:
    """Whether a question since the case began to wait was given to a person, for other reasons than ``but_for``."""
    since = conversation.waiting_since
    return since is not None and any(
        message.state is not MessageState.HANDLED
        or any(
            decision.outcome is Outcome.ESCALATE and decision.reason not in but_for
            for question in message.questions
            for decision in question.decisions
        )
        for message in conversation.messages
        if message.received_at >= since and message.id not in but_for_messages
    )


def resolve(session: Session, conversation: Conversation, *, actor: str, now: datetime) -> None:
    """Nothing more to do; suggestions are taken back. A new message opens it again."""
    queries.hold(session, conversation)
    outbox.cancel_automatic(session, conversation, now=now)
    settle(conversation, now)
    queries.record(session, "resolved", actor=actor, now=now, conversation=conversation)


def reopen(session: Session, conversation: Conversation, *, actor: str, now: datetime) -> None:
    """Somebody finds that a case is not done after all: it is theirs."""
    queries.hold(session, conversation)
    if conversation.status is not ConversationStatus.RESOLVED:
        raise NotPossible("{case} är inte klart.", case=conversation.case_number)
    _put(conversation, ConversationStatus.TAKEN, actor, now)
    conversation.waiting_since = now
    queries.record(session, "reopened", actor=actor, now=now, conversation=conversation)


def retry(session: Session, conversation: Conversation, *, actor: str, now: datetime) -> int:
    """Try again what failed in this case; returns how much that was."""
    queries.hold(session, conversation)
    count = 0
    for message in conversation.messages:
        if message.state is MessageState.FAILED:
            message.state, message.failure, message.attempts = MessageState.STORED, None, 0
            count += 1
    for item in conversation.outbox:
        if item.status is OutboxStatus.FAILED:
            item.status, item.not_before, item.queued_at, item.attempts = OutboxStatus.QUEUED, now, now, 0
            count += 1
    if not count:
        raise NotPossible("Inget i {case} har misslyckats.", case=conversation.case_number)
    if conversation.status is ConversationStatus.WAITING and conversation.reason == "failed":
        # It waited for nothing but this; left so, the bot would leave the message to a person unread.
        conversation.status, conversation.waiting_since = ConversationStatus.BOT, None
        conversation.answer_by = conversation.reason = None
    queries.record(session, "retried", actor=actor, now=now, conversation=conversation, count=count)
    return count


def settle(conversation: Conversation, now: datetime) -> None:
    """Nobody has anything left to do in the case."""
    _put(conversation, ConversationStatus.RESOLVED, None, now)
    conversation.is_urgent = False
    conversation.waiting_since = conversation.answer_by = None


def _put(conversation: Conversation, status: ConversationStatus, taken_by: str | None, now: datetime) -> None:
    """Where the case is, and whose it is, from now on. It no longer rests."""
    conversation.status, conversation.taken_by = status, taken_by
    conversation.snoozed_until, conversation.updated_at = None, now


def _subject(conversation: Conversation) -> str:
    return reply_subject(conversation.subject, conversation.language)
