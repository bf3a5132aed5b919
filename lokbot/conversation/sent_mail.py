"""What people write from the mailbox with a mail program of theirs: read into its conversation, and the bot is silent.

Everything in the folder of sent mail comes by here: our own copies, which are left alone, and what a person sent. To
the asker it is an answer, and the case is settled as by ``escalation.coordinator_reply``; to others only it is a
forward, and the case is with whoever sent it. Nothing here is ever sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import escalation, intake, outbox
from lokbot.conversation.working_days import SWEDEN
from lokbot.model import ChannelName, ConversationStatus, IncomingMessage, OutboxKind, OutboxStatus
from lokbot.store import queries, tombstones
from lokbot.store.queries import MAILBOX
from lokbot.store.schema import Conversation, Message, OutboxItem

# sent: a person's mail, stored now. duplicate: a person's mail that was stored before, and may be erased by now. own:
# ours. automatic: a machine's, such as an autosvar or a calendar reply, which settles nothing. internal: to nobody but
# ourselves.
Fate = Literal["sent", "duplicate", "own", "automatic", "internal"]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a sent mail belongs, and the message that it answers, if that is known."""

    conversation: Conversation
    answers: Message | None


def take_in(session: Session, mail: IncomingMessage, *, is_ours: bool, settings: Settings, now: datetime) -> Fate:
    """Read one mail from the folder of sent mail, in the caller's transaction.

    ``is_ours``: it carries the loop header of lokbot's own mail. Exchange may have given it another Message-ID.
    """
    mail = intake.storable(mail)
    identity = mail.message_id or mail.external_id
    known = session.scalar(select(OutboxItem).where(OutboxItem.external_id == identity))
    if known is not None:
        return "duplicate" if known.created_by == MAILBOX else "own"
    if is_ours:
        return "own"
    key = queries.signing_key(session, now=now)
    if tombstones.over(session, tombstones.marks(key, ChannelName.MAIL, identity, mail.raw)):
        return "duplicate"
    if mail.automatic.is_automatic:
        return "automatic"
    recipients = set(_in_order(mail))
    place = _place(session, mail, recipients)
    if place is None:
        outside = [email for email in _in_order(mail) if email not in _inside(settings)]
        if not outside:
            return "internal"
        place = _Place(_open(session, mail, outside[0], now), None)
    _store(session, mail, place, identity, is_to_asker=bool(recipients & _askers(place.conversation)), now=now)
    return "sent"


def _store(
    session: Session, mail: IncomingMessage, place: _Place, identity: str, *, is_to_asker: bool, now: datetime
) -> None:
    conversation = queries.hold_whole(session, place.conversation)
    place = replace(place, conversation=conversation)
    item = OutboxItem(
        conversation=conversation,
        message_id=place.answers.id if place.answers else None,
        kind=OutboxKind.ANSWER if is_to_asker else OutboxKind.FORWARD,
        channel=ChannelName.MAIL,
        external_id=identity,
        to=queries.as_json(mail.to),
        cc=queries.as_json(mail.cc),
        subject=mail.subject,
        text=mail.new_text or mail.text,
        html=None,
        language=conversation.language,
        in_reply_to=next(iter(mail.in_reply_to), None),
        references=list(mail.references),
        is_automatic=False,
        status=OutboxStatus.SENT,
        created_by=MAILBOX,
        created_at=mail.received_at,
        queued_at=mail.received_at,
        not_before=mail.received_at,
        attempts=0,
        was_in_doubt=False,
        sent_at=mail.received_at,
        raw=mail.raw,
    )
    session.add(item)
    session.flush()
    cancelled = _silence(session, place, item, now)
    queries.record(
        session,
        "answered" if is_to_asker else "forwarded",
        actor=MAILBOX,
        now=now,
        conversation=conversation,
        item=item,
        cancelled=cancelled,
    )


def _silence(session: Session, place: _Place, item: OutboxItem, now: datetime) -> int:
    """Take back what the bot was about to say, and settle or take the case; returns how much was taken back.

    A message that came after the person wrote is not answered by it: what is queued for that one stays, and so does the
    case's state.
    """
    conversation = place.conversation
    if item.kind is OutboxKind.FORWARD:
        cancelled = outbox.cancel_automatic(session, conversation, now=now)
        escalation.wake(session, conversation, actor=MAILBOX, now=now)
        if conversation.status is not ConversationStatus.TAKEN:
            conversation.status, conversation.taken_by, conversation.updated_at = ConversationStatus.TAKEN, MAILBOX, now
        return cancelled
    newer = {
        message.id
        for message in conversation.messages
        if message.received_at > item.created_at and message is not place.answers
    }
    cancelled = outbox.cancel_automatic(session, conversation, now=now, but_for=newer)
    latest = escalation.latest_from_asker(conversation)
    if latest is None or latest.id not in newer:
        escalation.settle(conversation, now)
    return cancelled


def _place(session: Session, mail: IncomingMessage, recipients: set[str]) -> _Place | None:
    """The conversation that the mail's references lead to; one that a recipient takes part in comes first.

    Our own mailbox sent it, so unlike with a stranger's mail the references prove where it belongs.
    """
    ids = list(dict.fromkeys((*mail.in_reply_to, *reversed(mail.references))))
    if not ids:
        return None
    places = [
        *(_Place(message.conversation, message) for message in _messages(session, ids)),
        *(_Place(item.conversation, _answered(session, item)) for item in _items(session, ids)),
    ]
    return next((place for place in places if recipients & _askers(place.conversation)), next(iter(places), None))


def _messages(session: Session, ids: Sequence[str]) -> Sequence[Message]:
    found = session.scalars(
        select(Message).where(Message.channel == ChannelName.MAIL, Message.message_id.in_(ids)).order_by(Message.id)
    ).all()
    return sorted(found, key=lambda message: ids.index(message.message_id or ""))


def _items(session: Session, ids: Sequence[str]) -> Sequence[OutboxItem]:
    found = session.scalars(select(OutboxItem).where(OutboxItem.external_id.in_(ids))).all()
    return sorted(found, key=lambda item: ids.index(item.external_id))


def _answered(session: Session, item: OutboxItem) -> Message | None:
    return session.get(Message, item.message_id) if item.message_id is not None else None


def _in_order(mail: IncomingMessage) -> list[str]:
    """The recipients, the first one first."""
    return [address.email.lower() for address in (*mail.to, *mail.cc) if address.email]


def _askers(conversation: Conversation) -> set[str]:
    """The addresses that an answer to the asker may go to."""
    latest = escalation.asker(conversation)
    return {conversation.contact.address.lower(), latest.email.lower() if latest else ""} - {""}


def _inside(settings: Settings) -> set[str]:
    return {address.lower() for address in (*settings.coordinators, settings.smtp.from_address, settings.imap.user)}


def _open(session: Session, mail: IncomingMessage, email: str, now: datetime) -> Conversation:
    """A person writes first: the conversation is settled, and there for the answer to thread into."""
    name = next((address.name for address in (*mail.to, *mail.cc) if address.email.lower() == email), "")
    contact = queries.contact_at(session, ChannelName.MAIL, email, name, now=now)
    conversation = Conversation(
        case_number=queries.next_case_number(session, now.astimezone(SWEDEN).year),
        channel=ChannelName.MAIL,
        contact=contact,
        subject=mail.subject,
        language="sv",
        status=ConversationStatus.RESOLVED,
        is_urgent=False,
        created_at=now,
        updated_at=now,
    )
    session.add(conversation)
    session.flush()
    return conversation
