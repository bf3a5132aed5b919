"""The desk's folders: which conversations stand where, how many, and what filters leave of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select, text
from sqlalchemy.orm import Session, selectinload

from lokbot.model import ChannelName, ConversationStatus, OutboxKind, OutboxStatus
from lokbot.store import search
from lokbot.store.schema import Association, Contact, Conversation, Message, OutboxItem

PAGE = 50

WITH_A_PERSON = (ConversationStatus.WAITING, ConversationStatus.TAKEN, ConversationStatus.WITH_ADMINISTRATION)


class Folder(StrEnum):
    """The folders, in the order of the desk; the value is the word in the address."""

    URGENT = "bradskande"
    WAITING = "vantar"
    SUGGESTIONS = "forslag"
    MINE = "mina"
    WITH_ADMINISTRATION = "forvaltning"
    SNOOZED = "vilar"
    BOT = "boten"
    AUTOMATIC = "automatiska"
    FAILED = "misslyckade"
    RESOLVED = "klara"
    ALL = "alla"


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for beside the folder; empty means everything. Times are [since, until)."""

    topic: str = ""
    administration: str = ""
    channel: str = ""
    status: str = ""
    association: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""

    def __bool__(self) -> bool:
        return self != Filters()


# Said in words and not as parameters, so that the databases see that the indexes of these few rows fit.
_FAILED_MESSAGES = select(Message.conversation_id).where(text("messages.state = 'failed'"))
_FAILED_ITEMS = select(OutboxItem.conversation_id).where(text("outbox.status = 'failed'"))
_BOUNCED = select(OutboxItem.conversation_id).where(OutboxItem.bounced_at.is_not(None))
_HELD = select(OutboxItem.conversation_id).where(
    text("outbox.status = 'held'"), OutboxItem.kind.in_((OutboxKind.REPLY, OutboxKind.ANSWER))
)
_AUTOMATIC = select(Message.conversation_id).where(Message.automatic_kind.is_not(None))


def _is_awake() -> ColumnElement[bool]:
    return Conversation.snoozed_until.is_(None)


def _has_suggestion() -> ColumnElement[bool]:
    return Conversation.id.in_(_HELD)


def _has_failed() -> ColumnElement[bool]:
    is_back = and_(Conversation.status.in_(WITH_A_PERSON), Conversation.id.in_(_BOUNCED))
    return or_(Conversation.id.in_(_FAILED_MESSAGES), Conversation.id.in_(_FAILED_ITEMS), is_back)


def _is_automatic() -> ColumnElement[bool]:
    """Nobody but machines has written."""
    is_human = exists().where(Message.conversation_id == Conversation.id, Message.automatic_kind.is_(None))
    return and_(Conversation.id.in_(_AUTOMATIC), not_(is_human))


def _told_by_the_bot() -> ColumnElement[bool]:
    return exists().where(
        OutboxItem.conversation_id == Conversation.id,
        OutboxItem.status == OutboxStatus.SENT,
        OutboxItem.kind == OutboxKind.REPLY,
        OutboxItem.is_automatic,
    )


_FOLDERS: Mapping[Folder, Callable[[str], ColumnElement[bool] | None]] = {
    Folder.URGENT: lambda _me: and_(Conversation.is_urgent, Conversation.status.in_(WITH_A_PERSON), _is_awake()),
    Folder.WAITING: lambda _me: and_(Conversation.status == ConversationStatus.WAITING, _is_awake()),
    Folder.SUGGESTIONS: lambda _me: and_(
        Conversation.status == ConversationStatus.WAITING, _has_suggestion(), _is_awake()
    ),
    Folder.MINE: lambda me: and_(
        Conversation.status == ConversationStatus.TAKEN, Conversation.taken_by == me, _is_awake()
    ),
    Folder.WITH_ADMINISTRATION: lambda _me: Conversation.status == ConversationStatus.WITH_ADMINISTRATION,
    Folder.SNOOZED: lambda _me: Conversation.snoozed_until.is_not(None),
    Folder.BOT: lambda _me: _told_by_the_bot(),
    Folder.AUTOMATIC: lambda _me: _is_automatic(),
    Folder.FAILED: lambda _me: _has_failed(),
    Folder.RESOLVED: lambda _me: Conversation.status == ConversationStatus.RESOLVED,
    Folder.ALL: lambda _me: None,
}

# Work that somebody must do: longest waiting first. In the others the newest stands first.
QUEUES = frozenset({Folder.URGENT, Folder.WAITING, Folder.SUGGESTIONS, Folder.MINE, Folder.WITH_ADMINISTRATION})
# How many stand in the others says nothing about work, and counting them costs.
COUNTED = (*sorted(QUEUES), Folder.SNOOZED, Folder.FAILED)


def counts(session: Session, me: str) -> Mapping[Folder, int]:
    """How many cases stand in each folder where somebody has something to do."""
    columns = [
        select(func.count(Conversation.id)).where(_condition(folder, me)).scalar_subquery().label(folder.name)
        for folder in COUNTED
    ]
    return dict(zip(COUNTED, session.execute(select(*columns)).one(), strict=True))


def cases(
    session: Session, folder: Folder, filters: Filters, me: str, *, page: int = 1
) -> tuple[Sequence[Conversation], bool]:
    """One page of a folder, and whether there are more."""
    query = (
        select(Conversation)
        .options(selectinload(Conversation.contact))
        .where(_condition(folder, me), *_filtered(filters), *_said(session, filters.words))
        .limit(PAGE + 1)
        .offset((page - 1) * PAGE)
    )
    if folder in QUEUES:
        query = query.order_by(
            Conversation.is_urgent.desc(),
            Conversation.waiting_since.is_(None),
            Conversation.waiting_since,
            Conversation.id,
        )
    elif folder is Folder.SNOOZED:
        query = query.order_by(Conversation.snoozed_until, Conversation.id)
    else:
        query = query.order_by(Conversation.updated_at.desc(), Conversation.id.desc())
    found = session.scalars(query).all()
    return found[:PAGE], len(found) > PAGE


def _said(session: Session, words: str) -> list[ColumnElement[bool]]:
    """Where the words stand: in what was written, in the case number, in the association's name or the contact's."""
    if not words:
        return []
    number = words.upper()
    if session.scalar(select(exists().where(Conversation.case_number == number))):
        return [Conversation.case_number == number]  # whoever gives the whole number means that case
    places: list[ColumnElement[bool]] = [Conversation.case_number.icontains(words, autoescape=True)]
    contacts = select(Contact.id).outerjoin(Association, Association.id == Contact.association_id)
    named = or_(
        Association.name.icontains(words, autoescape=True),
        Contact.name.icontains(words, autoescape=True),
        Contact.address.icontains(words, autoescape=True),
    )
    places.append(Conversation.contact_id.in_(contacts.where(named)))
    written = search.conversations(session, words)
    if written:
        places.append(Conversation.id.in_(written))
    return [or_(*places)]


def _condition(folder: Folder, me: str) -> ColumnElement[bool]:
    condition = _FOLDERS[folder](me)
    return Conversation.id.is_not(None) if condition is None else condition


def _filtered(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for column, value in (
        (Conversation.topic, filters.topic),
        (Conversation.administration, filters.administration),
    ):
        if value:
            conditions.append(column == value)
    if filters.channel:
        known = filters.channel in set(ChannelName)
        conditions.append(Conversation.channel == ChannelName(filters.channel) if known else false())
    if filters.status:
        known = filters.status in set(ConversationStatus)
        conditions.append(Conversation.status == ConversationStatus(filters.status) if known else false())
    if filters.association is not None:
        conditions.append(
            Conversation.contact_id.in_(select(Contact.id).where(Contact.association_id == filters.association))
        )
    if filters.since is not None:
        conditions.append(Conversation.created_at >= filters.since)
    if filters.until is not None:
        conditions.append(Conversation.created_at < filters.until)
    return conditions
