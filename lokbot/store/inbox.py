"""The desk's folders: which conversations stand where, how many, what filters leave, what a search finds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, String, and_, cast, exists, false, func, literal, not_, or_, select, text, union
from sqlalchemy.orm import Session, selectinload

from lokbot.model import ChannelName, ConversationStatus, OutboxKind, OutboxStatus
from lokbot.store import queries, search
from lokbot.store.schema import Association, Contact, Conversation, Message, OutboxItem, SearchDocument
from lokbot.store.search import Excerpt, Term

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
_BOUNCED = (
    select(OutboxItem.conversation_id)
    .join(Conversation, Conversation.id == OutboxItem.conversation_id)
    .where(OutboxItem.bounced_at.is_not(None), Conversation.status.in_(WITH_A_PERSON))
)
_HELD = select(OutboxItem.conversation_id).where(
    text("outbox.status = 'held'"), OutboxItem.kind.in_((OutboxKind.REPLY, OutboxKind.ANSWER))
)
_AUTOMATIC = select(Message.conversation_id).where(Message.automatic_kind.is_not(None))


def _is_awake() -> ColumnElement[bool]:
    return Conversation.snoozed_until.is_(None)


def _has_suggestion() -> ColumnElement[bool]:
    return Conversation.id.in_(_HELD)


def _has_failed() -> ColumnElement[bool]:
    # One list: PostgreSQL goes through every case for several with "or" between them.
    return Conversation.id.in_(union(_FAILED_MESSAGES, _FAILED_ITEMS, _BOUNCED))


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


def _is_whole() -> ColumnElement[bool]:
    """Not a part of another by now. Such a one is resolved and holds nothing, so that no other folder has it."""
    return Conversation.merged_into_id.is_(None)


_FOLDERS: Mapping[Folder, Callable[[str], ColumnElement[bool]]] = {
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
    Folder.RESOLVED: lambda _me: and_(Conversation.status == ConversationStatus.RESOLVED, _is_whole()),
    Folder.ALL: lambda _me: _is_whole(),
}

# Work that somebody must do: longest waiting first. In the others the newest stands first.
QUEUES = frozenset({Folder.URGENT, Folder.WAITING, Folder.SUGGESTIONS, Folder.MINE, Folder.WITH_ADMINISTRATION})
# How many stand in the others says nothing about work, and counting them costs.
COUNTED = (*sorted(QUEUES), Folder.SNOOZED, Folder.FAILED)


def counts(session: Session, me: str) -> Mapping[Folder, int]:
    """How many cases stand in each folder where somebody has something to do."""
    columns = [
        select(func.count(Conversation.id)).where(_FOLDERS[folder](me)).scalar_subquery().label(folder.name)
        for folder in COUNTED
    ]
    return dict(zip(COUNTED, session.execute(select(*columns)).one(), strict=True))


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of cases, and whether there are more. Of a search also where the words were found, by the case's id;
    ``is_cut`` says that older ones were not looked through.
    """

    cases: Sequence[Conversation]
    has_more: bool
    excerpts: Mapping[int, Excerpt] = field(default_factory=dict)
    is_cut: bool = False


def cases(session: Session, folder: Folder, filters: Filters, me: str, *, page: int = 1) -> Listed:
    """One page of a folder. What is searched for comes as ``search.conversations`` says, else see ``QUEUES``."""
    conditions = [_FOLDERS[folder](me), *_filtered(filters)]
    if filters.words:
        is_narrowed = folder is not Folder.ALL or filters != Filters(words=filters.words)
        return _searched(session, filters.words, conditions, page, is_narrowed=is_narrowed)
    query = (
        select(Conversation)
        .options(selectinload(Conversation.contact))
        .where(*conditions)
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
    return Listed(found[:PAGE], len(found) > PAGE)


# ------------------------------------------------------------------ search

_NUMBER = re.compile(r"(LOK-)?[\d-]*\d[\d-]*", re.IGNORECASE)
# Whoever searches for so common a name sees the newest of these.
_MOST_NAMED = 2000


def _searched(
    session: Session, words: str, conditions: list[ColumnElement[bool]], page: int, *, is_narrowed: bool
) -> Listed:
    """Where the words stand: in what was written, in the case number, in the association's name or the contact's."""
    words = unicodedata.normalize("NFC", words)
    if numbered := queries.numbered(session, words.upper()):
        # Whoever gives the whole number means that case, whatever it has become a part of.
        query = select(Conversation).where(Conversation.id == numbered.id, *conditions)
        return Listed(session.scalars(query.options(selectinload(Conversation.contact))).all(), False)
    wanted, until = search.terms(words), page * PAGE + 1
    if not wanted:
        return Listed((), False)
    written = search.conversations(session, wanted, *conditions, most=until, is_narrowed=is_narrowed)
    named = _named(session, words, wanted, conditions, until)
    newest = {**named, **written.documents}
    order = sorted(newest, key=lambda one: (0 if written.is_by_case else -newest[one], -one))
    shown = order[(page - 1) * PAGE : page * PAGE]
    loaded = session.scalars(
        select(Conversation).options(selectinload(Conversation.contact)).where(Conversation.id.in_(shown))
    )
    known = {one.id: one for one in loaded}
    listed = [known[one] for one in shown if one in known]
    return Listed(
        listed,
        len(order) > page * PAGE,
        _excerpts(session, listed, written.documents, wanted),
        written.is_cut and len(order) <= page * PAGE,
    )


def _named(
    session: Session, words: str, wanted: Sequence[Term], conditions: list[ColumnElement[bool]], most: int
) -> dict[int, int]:
    """Cases by their number, contact or association, with their newest documents."""
    asked = re.sub("([/%_])", r"/\1", words)
    contacts = session.scalars(
        select(Contact.id)
        .where(
            or_(
                # Both at once, and no ILIKE: twice as quick on PostgreSQL.
                func.lower(Contact.name + " " + Contact.address).like(func.lower(f"%{asked}%"), escape="/"),
                Contact.association_id.in_(_associations(session, wanted)),
            )
        )
        .order_by(Contact.id.desc())
        .limit(_MOST_NAMED)
    ).all()
    places: list[ColumnElement[bool]] = [Conversation.contact_id.in_(contacts)] if contacts else []
    if _NUMBER.fullmatch(words) and (numbers := queries.numbered_like(session, words.upper(), most=_MOST_NAMED)):
        places.append(Conversation.id.in_(numbers))
    if not places:
        return {}
    chosen = select(Conversation.id).where(*conditions, or_(*places)).order_by(Conversation.id.desc())
    near = chosen.limit(_MOST_NAMED).subquery()
    # Asked for each by itself: for a join PostgreSQL goes through all documents.
    its = select(func.max(SearchDocument.id)).where(SearchDocument.conversation_id == near.c.id)
    newest = func.coalesce(its.scalar_subquery(), 0).label("newest")
    rows = session.execute(select(near.c.id, newest).order_by(newest.desc(), near.c.id.desc()).limit(most))
    return {row.id: row.newest for row in rows}


def _associations(session: Session, wanted: Sequence[Term]) -> list[int]:
    """Those in whose name, or one of whose other names, all of it stands."""
    named = select(Association.id, Association.name, literal(None))
    # Few have other names, and to read a list of them takes longer than all else here.
    other = select(Association.id, Association.name, Association.aliases).where(
        cast(Association.aliases, String).not_in(("[]", "null"))
    )
    return sorted(
        {
            number
            for query in (named, other)
            for number, name, aliases in session.execute(query)
            if search.holds(" | ".join((name, *(aliases or ()))), wanted)
        }
    )


def _excerpts(
    session: Session, listed: Sequence[Conversation], documents: Mapping[int, int], wanted: Sequence[Term]
) -> Mapping[int, Excerpt]:
    of_documents = search.excerpts(session, [documents[one.id] for one in listed if one.id in documents], wanted)
    linked = {one.contact.association_id for one in listed} - {None}
    names = dict(session.execute(select(Association.id, Association.name).where(Association.id.in_(linked))).all())
    found: dict[int, Excerpt] = {}
    for one in listed:
        places = (
            ("association", names.get(one.contact.association_id or 0, "")),
            ("contact", "" if one.contact.channel.is_chat else one.contact.address),
        )
        known = of_documents.get(documents.get(one.id, 0)) or next(
            (excerpt for kind, name in places if (excerpt := search.excerpt(kind, [name], wanted))), None
        )
        if known is not None:
            found[one.id] = known
    return found


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
