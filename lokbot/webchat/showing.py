"""What a browser may see of its chat: who said what, what can be pressed, whether something is being written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import Session, selectinload, undefer

from lokbot.conversation import parties
from lokbot.conversation.decision import WITH_A_PERSON
from lokbot.masking import mask_personal_numbers
from lokbot.model import Button, ChannelName, MessageState, OutboxKind, OutboxStatus
from lokbot.store import queries
from lokbot.store.schema import Contact, Conversation, Message, OutboxAttachment, OutboxItem

# So many of the latest lines are shown.
MOST = 200

# Statements are put together once: for a hundred open chats that would take longer than the database's answers.
_IS_THEIRS = Conversation.contact_id == bindparam("contact", type_=Conversation.contact_id.type)
_IS_SENT_HERE = and_(OutboxItem.channel == ChannelName.WEBCHAT, OutboxItem.status == OutboxStatus.SENT)

_CONTACT = select(Contact).where(
    Contact.channel == ChannelName.WEBCHAT, Contact.address == bindparam("address", type_=Contact.address.type)
)
_LATEST = (
    select(Conversation)
    .where(_IS_THEIRS, Conversation.merged_into_id.is_(None))
    .order_by(Conversation.id.desc())
    .limit(1)
)
_ASKED = (
    select(Message)
    .join(Conversation, Conversation.id == Message.conversation_id)
    .options(selectinload(Message.attachments))
    .where(_IS_THEIRS, Conversation.hidden_at.is_(None), Message.channel == ChannelName.WEBCHAT)
    .order_by(Message.id.desc())
    .limit(MOST)
)
# Of a chat that is hidden only what was said from then on: that it is, and what a person answers all the same.
_TOLD = (
    select(OutboxItem)
    .join(Conversation, Conversation.id == OutboxItem.conversation_id)
    .options(undefer(OutboxItem.raw), selectinload(OutboxItem.attachments))
    .where(
        _IS_THEIRS,
        or_(Conversation.hidden_at.is_(None), OutboxItem.created_at >= Conversation.hidden_at),
        _IS_SENT_HERE,
        OutboxItem.kind.in_(queries.TO_THE_ASKER),
    )
    .order_by(OutboxItem.id.desc())
    .limit(MOST)
)
_CASES = select(Conversation.id).where(_IS_THEIRS).scalar_subquery()
# Whether the bot reads what was written, or has said something that is about to come.
_IS_WRITING = or_(
    exists().where(Message.conversation_id == Conversation.id, _IS_THEIRS, Message.state == MessageState.STORED),
    exists().where(
        OutboxItem.conversation_id == Conversation.id,
        _IS_THEIRS,
        OutboxItem.channel == ChannelName.WEBCHAT,
        OutboxItem.is_automatic,
        OutboxItem.status.in_((OutboxStatus.QUEUED, OutboxStatus.CLAIMED)),
        Conversation.status.not_in(WITH_A_PERSON),
    ),
)
_PROGRESS = select(
    _IS_WRITING,
    select(func.max(Message.id)).where(Message.conversation_id.in_(_CASES)).scalar_subquery(),
    select(func.count(OutboxItem.id)).where(OutboxItem.conversation_id.in_(_CASES), _IS_SENT_HERE).scalar_subquery(),
    select(func.max(OutboxItem.id)).where(OutboxItem.conversation_id.in_(_CASES), _IS_SENT_HERE).scalar_subquery(),
)


@dataclass(frozen=True, slots=True)
class File:
    """A file with a message; ``id`` where it can be fetched: what the asker sent is not handed out again."""

    name: str
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One message as the page shows it. ``key`` is its name on every page."""

    key: str
    who: Literal["asker", "bot", "person"]
    text: str
    at: datetime
    language: str | None = None
    buttons: Sequence[Button] = ()
    reference: str = ""
    files: Sequence[File] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A chat as it stands. ``latest`` is the conversation that goes on, None where none does."""

    lines: Sequence[Line] = ()
    is_writing: bool = False
    latest: Conversation | None = None
    language: str | None = None
    stamp: str = ""

    @property
    def is_with_a_person(self) -> bool:
        return self.latest is not None and self.latest.status in WITH_A_PERSON

    @property
    def asks_how_to_reach(self) -> bool:
        """Whether to ask how an answer finds them: once a person has the question, never where it is urgent (nobody is
        then asked who they are), and once.
        """
        latest = self.latest
        is_unasked = latest is not None and latest.reach_by is None and not latest.moved_to and not latest.is_urgent
        return self.is_with_a_person and is_unasked


def contact_of(session: Session, address: str | None) -> Contact | None:
    if address is None:
        return None
    return session.scalar(_CONTACT, {"address": address})


def view(session: Session, address: str | None) -> View:
    """The chat with this address; an empty one where nothing has been written."""
    contact = contact_of(session, address)
    if contact is None:
        return View()
    # First: on PostgreSQL each statement sees what was told meanwhile, and a page that says that it has more than it
    # shows would not be fetched anew.
    is_writing, stamp = _progress(session, contact)
    latest = session.scalar(_LATEST, {"contact": contact.id})
    if latest is None or latest.hidden_at is not None:
        latest = None
    lines = sorted([*_asked(session, contact), *_told(session, contact)], key=lambda line: line.at)[-MOST:]
    return View(_pressable(lines), is_writing, latest, contact.language, stamp)


def stamp(session: Session, address: str | None) -> str | None:
    """How far a chat has come, in a word that changes when there is something else to see; None where there is no chat.

    A browser that hears it fetches the page, so what changes nothing on it is not counted.
    """
    contact = contact_of(session, address)
    return None if contact is None else _progress(session, contact)[1]


def _progress(session: Session, contact: Contact) -> tuple[bool, str]:
    """Whether something is being written, and the chat's ``stamp``."""
    is_writing, asked, count, told = session.execute(_PROGRESS, {"contact": contact.id}).one()
    return bool(is_writing), f"{asked or 0}.{count}.{told or 0}.{int(is_writing)}"


def file_for(session: Session, address: str | None, number: int) -> OutboxAttachment | None:
    """A file that a person attached to an answer in this chat."""
    found = session.get(OutboxAttachment, number)
    item = session.get(OutboxItem, found.outbox_id) if found is not None else None
    contact = contact_of(session, address)
    if item is None or contact is None or item.conversation.contact_id != contact.id or not _is_told(item):
        return None
    return found


def _asked(session: Session, contact: Contact) -> list[Line]:
    return [
        Line(
            f"m{message.id}",
            "asker",
            mask_personal_numbers(message.text),
            message.stored_at,
            files=[File(each.name) for each in message.attachments],
        )
        for message in reversed(session.scalars(_ASKED, {"contact": contact.id}).all())
    ]


def _told(session: Session, contact: Contact) -> list[Line]:
    return [_line(item) for item in reversed(session.scalars(_TOLD, {"contact": contact.id}).all())]


def _line(item: OutboxItem) -> Line:
    is_persons = item.kind is OutboxKind.ANSWER and not item.is_automatic and not parties.is_passed_on(item)
    text = json.loads(item.raw)["text"] if item.raw else item.text
    buttons = [Button(label, command) for label, command in item.buttons or ()]
    if item.kind is OutboxKind.INFORMATION:
        # The page has these itself, always in the same place.
        buttons = [button for button in buttons if button.command not in ("person", "help")]
    return Line(
        f"s{item.id}",
        "person" if is_persons else "bot",
        text,
        item.sent_at or item.created_at,
        item.language,
        buttons,
        str(item.id),
        [File(each.name, each.id) for each in item.attachments],
    )


def _pressable(lines: Sequence[Line]) -> list[Line]:
    """Only under what was said last there is something to press; the whole of an answer can always be read."""
    last = max((index for index, line in enumerate(lines) if line.who == "asker"), default=-1)
    return [
        line
        if index > last
        else Line(
            line.key,
            line.who,
            line.text,
            line.at,
            line.language,
            [button for button in line.buttons if button.command.startswith("more")],
            line.reference,
            line.files,
        )
        for index, line in enumerate(lines)
    ]


def _is_told(item: OutboxItem) -> bool:
    return item.channel is ChannelName.WEBCHAT and item.status is OutboxStatus.SENT
