"""Take a message in: store the raw original, once, in the conversation that `threads` finds or in a new one."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import chain

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lokbot.conversation import threads, tokens
from lokbot.conversation.working_days import SWEDEN
from lokbot.model import Address, Authentication, Automatic, ConversationStatus, IncomingMessage, MessageState
from lokbot.store import queries, tombstones
from lokbot.store.schema import (
    AttachmentContent,
    Contact,
    Conversation,
    Message,
    MessageAttachment,
    MessageReference,
)

# As the columns of ``messages`` and ``contacts`` hold them.
_LONGEST_ID, _LONGEST_NAME, _LONGEST_EMAIL, _LONGEST_KIND = 500, 300, 320, 32
# A thread hangs together by its first and its latest ids; strangers may write a hundred thousand.
_MOST_IDS = 100
# One that waited for another finds the message, its sender or an attachment stored, and looks again.
_TRIES = 5

_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Received:
    """Where a message was stored; ``is_new`` is False when it had come before."""

    message_id: int
    conversation_id: int
    is_new: bool


def receive(session: Session, incoming: IncomingMessage, *, now: datetime) -> Received:
    """``receive_all`` for a single one."""
    (received,) = receive_all(session, [incoming], now=now)
    return received


def receive_all(session: Session, messages: Sequence[IncomingMessage], *, now: datetime) -> list[Received]:
    """Store ``messages`` in the caller's transaction, each unless a message with its channel and external id is there,
    or was before its conversation was erased. Returns where each is, in their order.

    The caller commits, together with whatever says that they have been fetched; only then may the door forget them.
    """
    key = queries.signing_key(session, now=now)
    session.flush()  # what the caller has put there counts too
    wanted = [_recognised(storable(each), key) for each in messages]
    return [received for group in _strangers(wanted) for received in _receive(session, group, key, now)]


def _strangers(messages: Iterable[IncomingMessage]) -> Iterator[list[IncomingMessage]]:
    """``messages`` in their order, in groups through one door in which none has to do with another: they are written
    at once.

    That a mail names a case of its own group cannot be: nobody knows its number yet.
    """
    group: list[IncomingMessage] = []
    known: set[str] = set()
    for each in messages:
        chat = f"{each.channel} {each.sender.email}" if each.channel.is_chat else None
        ids = (each.external_id, each.message_id, each.replaces, each.bounce.original_message_id, chat)
        files = (attachment.sha256 for attachment in each.attachments)
        marks = {mark for mark in (*ids, *each.in_reply_to, *each.references, *files) if mark}
        if group and (group[0].channel != each.channel or not marks.isdisjoint(known)):
            yield group
            group, known = [], set()
        group.append(each)
        known |= marks
    if group:
        yield group


def _receive(
    session: Session, group: Sequence[IncomingMessage], key: bytes, now: datetime, tries_left: int = _TRIES - 1
) -> list[Received]:
    try:
        with _on_trial(session):
            with session.no_autoflush:
                known = _known(session, group, key)
                found = [known.stored.get(each.external_id) or known.erased.get(each.external_id) for each in group]
                new = [each for each, place in zip(group, found, strict=True) if place is None]
                messages = iter(_store_all(session, new, key, now))
            session.flush()
    except IntegrityError:
        # Another stored the same message, sender or attachment between our look and our insert.
        if not tries_left:
            raise
        return [received for each in group for received in _receive(session, [each], key, now, tries_left - 1)]
    return [place or _place(next(messages)) for place in found]


def _place(message: Message) -> Received:
    return Received(message.id, message.conversation_id, is_new=True)


def _on_trial(session: Session) -> AbstractContextManager[object]:
    """What can be taken back by itself where another may store the same; on SQLite whoever writes is alone."""
    return nullcontext() if session.get_bind().dialect.name == "sqlite" else session.begin_nested()


# Statements of this room are put together once: that takes longer than the database's answer.
_WITH_IDS = select(Message.external_id, Message.id, Message.conversation_id).where(
    Message.channel == bindparam("channel", type_=Message.channel.type),
    Message.external_id.in_(bindparam("ids", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class _Known:
    """Where messages are, or were before an erasure, that had come before; by external id."""

    stored: Mapping[str, Received]
    erased: Mapping[str, Received]


def _known(session: Session, group: Sequence[IncomingMessage], key: bytes) -> _Known:
    """Asked once for the whole group: nearly all are new."""
    ids = {"channel": group[0].channel, "ids": [each.external_id for each in group]}
    stored = {row.external_id: Received(row.id, row.conversation_id, False) for row in session.execute(_WITH_IDS, ids)}
    marks = {each.external_id: tombstones.marks(key, each.channel, each.external_id, each.raw) for each in group}
    stones = tombstones.over(session, list(chain.from_iterable(marks.values())))
    return _Known(
        stored,
        {
            external_id: Received(stone.message_id, stone.conversation_id, is_new=False)
            for external_id, digests in marks.items()
            for stone in map(stones.get, digests)
            if stone is not None and stone.message_id is not None
        },
    )


def _recognised(incoming: IncomingMessage, key: bytes) -> IncomingMessage:
    """``incoming`` with what only its Message-ID tells: that we wrote it, or perhaps another lokbot did."""
    identity = incoming.message_id or ""
    if tokens.conversation_of(key, identity) is not None:
        return replace(incoming, automatic=Automatic(True, "own", "a Message-ID that we have signed"))
    if tokens.looks_ours(identity) and not incoming.automatic.is_automatic:
        return replace(incoming, warnings=(*incoming.warnings, "perhaps-automatic"))
    return incoming


def _store_all(session: Session, new: Sequence[IncomingMessage], key: bytes, now: datetime) -> list[Message]:
    """Store messages of a group, each in its conversation. What the store holds is asked for all of them at once."""
    if not new:
        return []
    heard_of = threads.heard_of(session, new)
    found = [threads.find(session, each, key, heard_of) for each in new]
    unplaced = sum(thread.conversation is None for thread in found)
    numbers = iter(queries.next_case_numbers(session, now.astimezone(SWEDEN).year, unplaced))
    contacts = queries.contacts_at(session, new[0].channel, {asker(each).email for each in new})
    messages = []
    for incoming, thread in zip(new, found, strict=True):
        sender = asker(incoming)
        contact = queries.contact_at(session, incoming.channel, sender.email, sender.name, now=now, known=contacts)
        if not (incoming.automatic.is_automatic or incoming.bounce.is_bounce):
            contact.undeliverable_at = None  # who writes can be written to
        conversation = _whole(session, thread.conversation)
        if conversation is None:
            conversation = _open(session, incoming, contact, thread.related, next(numbers), now)
        messages.append(_store(session, incoming, conversation, now))
    return messages


def _store(session: Session, incoming: IncomingMessage, conversation: Conversation, now: datetime) -> Message:
    automatic = incoming.automatic
    message = Message(
        channel=incoming.channel,
        external_id=incoming.external_id,
        conversation=conversation,
        raw=incoming.raw,
        message_id=incoming.message_id,
        in_reply_to=list(incoming.in_reply_to),
        references=list(incoming.references),
        sender_name=incoming.sender.name,
        sender_email=incoming.sender.email,
        reply_to=queries.as_json(incoming.reply_to),
        to=queries.as_json(incoming.to),
        cc=queries.as_json(incoming.cc),
        subject=incoming.subject,
        text=incoming.text,
        new_text=incoming.new_text,
        claimed_date=incoming.date,
        authentication=asdict(incoming.authentication) if incoming.authentication != Authentication() else None,
        received_at=incoming.received_at,
        command=incoming.command,
        replaces_id=_replaced(session, incoming),
        is_readable=incoming.is_readable,
        warnings=list(incoming.warnings),
        automatic_kind=(automatic.kind or "automatic")[:_LONGEST_KIND] if automatic.is_automatic else None,
        automatic_reason=_text(automatic.reason or "")[:_LONGEST_NAME] if automatic.is_automatic else None,
        bounce=_bounce(incoming),
        state=MessageState.STORED,
        attempts=0,
        stored_at=now,
    )
    session.add(message)
    conversation.updated_at = now
    ids = dict.fromkeys((*incoming.in_reply_to, *incoming.references))
    message.referred_to = [MessageReference(identity=identity) for identity in ids]
    message.attachments = _attached(session, incoming)
    queries.record(
        session, "received", actor=str(incoming.channel), now=now, conversation=conversation, message=message
    )
    return message


_MERGED_INTO = (
    select(Conversation.merged_into_id)
    .where(Conversation.id == bindparam("case", type_=Conversation.id.type))
    .with_for_update(key_share=True)
)


def _whole(session: Session, conversation: Conversation | None) -> Conversation | None:
    """The case that a message belongs to: where somebody makes it part of another just now, that is waited for."""
    while conversation is not None:
        into = session.scalar(_MERGED_INTO, {"case": conversation.id})
        if into is None:
            break
        conversation = session.get_one(Conversation, into)
    return conversation


def _attached(session: Session, incoming: IncomingMessage) -> list[MessageAttachment]:
    contents: dict[str, AttachmentContent] = {}
    for each in incoming.attachments:
        if each.sha256 not in contents:
            new = AttachmentContent(sha256=each.sha256, size=each.size, content=each.content)
            contents[each.sha256] = session.get(AttachmentContent, each.sha256) or new
    return [
        MessageAttachment(content=contents[each.sha256], name=each.name, content_type=each.content_type, size=each.size)
        for each in incoming.attachments
    ]


def _replaced(session: Session, incoming: IncomingMessage) -> int | None:
    """The message that this one is an edit of; none where that never reached us."""
    if incoming.replaces is None:
        return None
    return session.scalar(
        select(Message.id).where(Message.channel == incoming.channel, Message.external_id == incoming.replaces)
    )


def asker(incoming: IncomingMessage) -> Address:
    """Who is to get the answer: a form or a no-reply sender names the person in Reply-To (RFC 5322 3.6.2)."""
    if len(incoming.reply_to) == 1 and incoming.reply_to[0].email:
        return incoming.reply_to[0]
    return incoming.sender


def storable(incoming: IncomingMessage) -> IncomingMessage:
    """``incoming`` as every database can hold it; the raw original still has what is left out here.

    PostgreSQL holds no NUL in a text, no database a lone surrogate, and a column so many characters; other control
    characters do things to the terminals that show them. Texts and names are in NFC, as they are searched for: a Mac
    may write "ö" as two characters. An address or an id stays as it is, for others know it so.
    """
    return replace(
        incoming,
        external_id=_id(incoming.external_id),
        sender=_address(incoming.sender),
        reply_to=tuple(_address(each) for each in incoming.reply_to),
        to=tuple(_address(each) for each in incoming.to),
        cc=tuple(_address(each) for each in incoming.cc),
        delivered_to=tuple(_address(each) for each in incoming.delivered_to),
        subject=_composed(incoming.subject),
        text=_composed(incoming.text),
        new_text=_composed(incoming.new_text),
        command=_text(incoming.command)[:_LONGEST_KIND] if incoming.command else None,
        message_id=_id(incoming.message_id or "") or None,
        in_reply_to=_ids(incoming.in_reply_to),
        references=_ids(incoming.references),
        bounce=replace(incoming.bounce, original_message_id=_id(incoming.bounce.original_message_id or "") or None),
        attachments=tuple(
            replace(each, name=_composed(each.name)[:_LONGEST_NAME], content_type=_text(each.content_type)[:200])
            for each in incoming.attachments
        ),
    )


def _text(text: str) -> str:
    return _UNSTORABLE.sub("", text)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", _text(text))


def _id(identity: str) -> str:
    """A long id is cut, and its hash keeps it apart from others that begin alike."""
    identity = _text(identity)
    if len(identity) <= _LONGEST_ID:
        return identity
    digest = hashlib.sha256(identity.encode()).hexdigest()
    return f"{identity[: _LONGEST_ID - len(digest) - 1]}#{digest}"


def _ids(ids: Sequence[str]) -> tuple[str, ...]:
    kept = ids if len(ids) <= _MOST_IDS else (ids[0], *ids[1 - _MOST_IDS :])
    return tuple(each for each in map(_id, kept) if each)


def _address(address: Address) -> Address:
    """An address that would have to be changed is no longer that address."""
    is_whole = len(address.email) <= _LONGEST_EMAIL and not _UNSTORABLE.search(address.email)
    return Address(_composed(address.name)[:_LONGEST_NAME], address.email if is_whole else "")


def _bounce(incoming: IncomingMessage) -> dict[str, object] | None:
    if not incoming.bounce.is_bounce:
        return None
    return {
        "recipients": list(incoming.bounce.recipients),
        "permanent": incoming.bounce.permanent,
        "original_message_id": incoming.bounce.original_message_id,
    }


def _open(
    session: Session,
    incoming: IncomingMessage,
    contact: Contact,
    related: Conversation | None,
    case_number: str,
    now: datetime,
) -> Conversation:
    conversation = Conversation(
        case_number=case_number,
        channel=incoming.channel,
        contact=contact,
        subject=incoming.subject,
        language=incoming.language if incoming.language in ("sv", "en") else "sv",  # until we have read a word
        status=ConversationStatus.BOT,
        is_urgent=False,
        related_to_id=related.id if related else None,
        created_at=now,
        updated_at=now,
    )
    session.add(conversation)
    return conversation
