"""The gate to what is stored: every look-up that more than one room needs, each said once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import BindParameter, ColumnElement, FunctionFilter, Select, bindparam, event, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, contains_eager, selectinload, undefer

from lokbot.model import (
    Address,
    Attachment,
    ChannelName,
    ConversationStatus,
    MessageState,
    NotPossible,
    OutboxKind,
    OutboxStatus,
    Outcome,
)
from lokbot.store.schema import (
    AttachmentContent,
    CaseNumber,
    Contact,
    Conversation,
    Correction,
    DecisionRecord,
    Event,
    Heartbeat,
    Message,
    OutboxItem,
    Pause,
    QuestionRecord,
    SigningKey,
    TelegramLink,
    User,
)

_T = TypeVar("_T")

_FLUSHES = "flushes"

# Who wrote what was found in the mailbox's folder of sent mail; shown to people.
MAILBOX = "brevlådan"
# Reasons to escalate that say: the knowledge holds no answer, or none that is sure enough.
NOT_KNOWN = ("nothing-found", "not-sure")

_ON_ITS_WAY = (OutboxStatus.QUEUED, OutboxStatus.CLAIMED, OutboxStatus.SENT)
TO_THE_ASKER = (
    *(OutboxKind.REPLY, OutboxKind.RECEIPT, OutboxKind.ANSWER, OutboxKind.INFORMATION),
    OutboxKind.CORRECTION,
)
# Which of these say nothing of the matter.
WITHOUT_AN_ANSWER = (OutboxKind.RECEIPT, OutboxKind.INFORMATION)


_MOST_DIGITS = 9  # of a number that every column of ids holds


def row_number(text: str) -> int | None:
    """The number that a text of an address or a form names; None where no row can have it."""
    is_one = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if is_one else None


def addresses(values: Iterable[dict[str, str]]) -> tuple[Address, ...]:
    """Addresses as they stand in a JSON column."""
    return tuple(Address(value["name"], value["email"]) for value in values)


def as_json(values: Iterable[Address]) -> list[dict[str, str]]:
    """Addresses as a JSON column holds them."""
    return [{"name": value.name, "email": value.email} for value in values]


def signing_key(session: Session, name: str = "mail", *, now: datetime) -> bytes:
    """This installation's secret called ``name``, made when it is first asked for."""
    known: SigningKey | None = session.info.get(("signing key", name))
    if known is not None and known in session:
        return known.key
    with session.no_autoflush:
        found = session.get(SigningKey, name)
    if found is None:
        # Of two that make it at once one waits for the other, and takes the other's.
        with suppress(IntegrityError), session.begin_nested():
            session.add(SigningKey(name=name, key=secrets.token_bytes(32), created_at=now))
        found = session.get_one(SigningKey, name)
    session.info["signing key", name] = found  # a session forgets what nobody holds, and would ask again each time
    return found.key


_NEXT_CASE_NUMBERS = (
    update(CaseNumber)
    .where(CaseNumber.year == bindparam("of"))
    .values(last=CaseNumber.last + bindparam("wanted"))
    .returning(CaseNumber.last)
    .execution_options(synchronize_session=False)  # nobody keeps such a row
)


def next_case_number(session: Session, year: int) -> str:
    """The next ``LOK-2026-00123``."""
    (number,) = next_case_numbers(session, year, 1)
    return number


def next_case_numbers(session: Session, year: int, wanted: int) -> list[str]:
    """The next so many. The row is locked until the transaction ends, so numbers have no holes or twins."""
    if not wanted:
        return []
    last = session.scalar(_NEXT_CASE_NUMBERS, {"of": year, "wanted": wanted})
    if last is not None:
        return [f"LOK-{year}-{number:05d}" for number in range(last - wanted + 1, last + 1)]
    # Of two that want the first number of a year, one makes the row and the other, having waited for it, does not.
    with suppress(IntegrityError), session.begin_nested():
        session.add(CaseNumber(year=year, last=0))
    return next_case_numbers(session, year, wanted)


_CONTACTS_AT = select(Contact).where(
    Contact.channel == bindparam("channel", type_=Contact.channel.type),
    Contact.address.in_(bindparam("addresses", expanding=True)),
)


def contacts_at(session: Session, channel: ChannelName, addresses: Collection[str]) -> dict[str, Contact]:
    """The contacts that there are with these addresses in this channel."""
    found = session.scalars(_CONTACTS_AT, {"channel": channel, "addresses": list(addresses)})
    return {contact.address: contact for contact in found}


def contact_at(
    session: Session,
    channel: ChannelName,
    address: str,
    name: str,
    *,
    now: datetime,
    known: Mapping[str, Contact] | None = None,
) -> Contact:
    """The contact with this address in this channel, made where there is none. ``known``: what ``contacts_at`` has said
    in this transaction, of this address too.
    """
    contact = (contacts_at(session, channel, [address]) if known is None else known).get(address)
    if contact is None:
        contact = next(
            (new for new in _unflushed(session, Contact) if (new.channel, new.address) == (channel, address)), None
        )
    if contact is None:
        contact = Contact(channel=channel, address=address, name=name[:300], undeliverable_at=None, created_at=now)
        session.add(contact)
    elif name and not contact.name:
        contact.name = name[:300]
    return contact


def keep_content(session: Session, attachment: Attachment) -> None:
    """Store the bytes of an attachment, unless they are there."""
    if session.get(AttachmentContent, attachment.sha256) is not None:
        return
    # Of two that store the same bytes at once one waits for the other, and is told that they are there.
    with suppress(IntegrityError), session.begin_nested():
        session.add(AttachmentContent(sha256=attachment.sha256, size=attachment.size, content=attachment.content))


def name_of(session: Session, actor: str) -> str:
    """The name of whoever acts, who signs with a mail address or, from the command line, with a name."""
    return session.scalar(select(User.name).where(User.email == actor.strip().lower())) or actor


def user_at(session: Session, email: str) -> User | None:
    """The active account with this address."""
    return session.scalar(select(User).where(User.email == email.strip().lower(), User.is_active))


def user_in_telegram(session: Session, telegram_id: int) -> User | None:
    """The active account that is linked to this user of Telegram."""
    query = select(User).join(TelegramLink, TelegramLink.user_id == User.id)
    return session.scalar(query.where(TelegramLink.telegram_id == telegram_id, User.is_active))


def away(session: Session, today: date) -> dict[str, str | None]:
    """Who is away today, and who hears of what is theirs meanwhile (None: everybody)."""
    query = select(User.email, User.deputy).where(User.is_active, User.absent_until >= today)
    return {email: deputy.lower() if deputy else None for email, deputy in session.execute(query)}


def conversation_for(session: Session, case: str | int) -> Conversation | None:
    """One conversation by its case number (``LOK-2026-00123``, also ``123`` of the newest year) or row id; of one that
    has become part of another, that other.
    """
    query = select(Conversation).options(
        selectinload(Conversation.messages).selectinload(Message.questions).selectinload(QuestionRecord.decisions),
        selectinload(Conversation.messages).selectinload(Message.questions).selectinload(QuestionRecord.corrections),
        selectinload(Conversation.outbox).selectinload(OutboxItem.attachments),
        selectinload(Conversation.outbox).selectinload(OutboxItem.forward),
    )
    if isinstance(case, int):
        found = session.scalar(query.where(Conversation.id == case))
    else:
        case = case.strip().upper()
        if number := row_number(case):
            year = session.scalar(select(func.max(CaseNumber.year)))
            case = f"LOK-{year}-{number:05d}"
        found = session.scalar(query.where(Conversation.case_number == case))
    if found is not None and found.merged_into_id is not None:
        return conversation_for(session, whole(session, found).id)
    return found


def whole(session: Session, conversation: Conversation) -> Conversation:
    """What a conversation is a part of, and that of; itself where it is whole."""
    while conversation.merged_into_id is not None:
        conversation = session.get_one(Conversation, conversation.merged_into_id)
    return conversation


def is_part(session: Session, number: str) -> bool:
    """Whether the case with this number has become part of another."""
    found = select(Conversation.merged_into_id).where(Conversation.case_number == number.strip().upper())
    return session.scalar(found) is not None


def parts(session: Session, conversation: Conversation) -> Sequence[Conversation]:
    """The conversations that have become part of this one, and of those, oldest first."""
    found: list[Conversation] = []
    wanted = [conversation.id]
    while wanted:
        query = select(Conversation).where(Conversation.merged_into_id.in_(wanted)).order_by(Conversation.id)
        nearest = session.scalars(query).all()
        found += nearest
        wanted = [one.id for one in nearest]
    return sorted(found, key=lambda one: one.id)


def numbered(session: Session, number: str) -> Conversation | None:
    """The conversation that a whole case number leads to."""
    found = session.scalar(select(Conversation).where(Conversation.case_number == number))
    return whole(session, found) if found is not None else None


def numbered_like(session: Session, part: str, *, most: int) -> set[int]:
    """The conversations (ids) that case numbers with this in them lead to, the newest ``most`` of them."""
    query = select(Conversation.id, Conversation.merged_into_id).where(
        Conversation.case_number.contains(part, autoescape=True)
    )
    found = session.execute(query.order_by(Conversation.id.desc()).limit(most)).all()
    return {
        number if into is None else whole(session, session.get_one(Conversation, into)).id for number, into in found
    }


def hold(session: Session, conversation: Conversation) -> None:
    """Let nobody else change a case until the transaction ends, and see it as it stands now.

    Whoever decides about a case starts with this: else the bot's decision would undo that a person took it over
    meanwhile. It is a row lock on PostgreSQL; on SQLite whoever writes is alone. Raises NotPossible where the case has
    become part of another meanwhile.
    """
    lock(session, conversation)
    if conversation.merged_into_id is not None:
        other = whole(session, conversation).case_number
        raise NotPossible(
            "{case} har blivit en del av {other}. Läs det och gör om det där.",
            case=conversation.case_number,
            other=other,
        )


def lock(session: Session, conversation: Conversation) -> None:
    """As ``hold``, also where the case has become part of another meanwhile."""
    session.flush()
    session.expire_all()
    session.refresh(conversation, with_for_update={"key_share": True})


def hold_free(session: Session, ids: Collection[int]) -> Sequence[int]:
    """As ``hold``, of several, those that nobody else holds; gives their ids."""
    query = select(Conversation.id).where(Conversation.id.in_(ids)).order_by(Conversation.id)
    return session.scalars(query.with_for_update(skip_locked=True, key_share=True)).all()


def hold_whole(session: Session, conversation: Conversation) -> Conversation:
    """As ``hold``, of the case that it is a part of by then; for what must not fail since two are made one."""
    lock(session, conversation)
    while conversation.merged_into_id is not None:
        conversation = whole(session, conversation)
        lock(session, conversation)
    return conversation


def once(session: Session, what: str, ask: Callable[[], _T]) -> _T:
    """What ``ask`` said when it was first asked in this transaction, of what was stored by then: it is no reason to
    write what waits to be written, which is quickest all at once.
    """
    transaction, known = session.info.get("once", (None, {}))
    if transaction is not session.get_transaction():
        known = {}
        session.info["once"] = session.get_transaction(), known
    if what not in known:
        with session.no_autoflush:
            known[what] = ask()
    answer: _T = known[what]
    return answer


def take_up(session: Session, ids: Collection[int], *, is_waiting: bool) -> Sequence[Message]:
    """The messages of these that nobody has handled yet, oldest first, with what is asked of their cases.

    Nobody else changes the messages or their cases until the transaction ends (see ``hold``). A case that somebody else
    holds is waited for, or left out where not ``is_waiting``.
    """
    case = contains_eager(Message.conversation)
    return session.scalars(
        select(Message)
        .join(Message.conversation)
        .options(
            # Asked after the locks are there: joined, it would be as it was before whoever held the case let it go.
            case.selectinload(Conversation.contact),
            case.selectinload(Conversation.messages),
            case.selectinload(Conversation.outbox),
            selectinload(Message.attachments),
            selectinload(Message.answers),
        )
        .where(Message.id.in_(ids), Message.state == MessageState.STORED)
        .order_by(Message.id)
        .with_for_update(of=(Message, Conversation), key_share=True, skip_locked=not is_waiting)
    ).all()


def conversations(session: Session, *statuses: ConversationStatus) -> Sequence[Conversation]:
    """Conversations in these states (all where none is named): urgent first, then those that waited longest."""
    query = select(Conversation).options(selectinload(Conversation.contact))
    query = query.where(Conversation.merged_into_id.is_(None))
    if statuses:
        query = query.where(Conversation.status.in_(statuses))
    return session.scalars(
        query.order_by(Conversation.is_urgent.desc(), Conversation.waiting_since.is_(None), Conversation.waiting_since)
    ).all()


def failed_messages(session: Session) -> Sequence[Message]:
    return session.scalars(select(Message).where(Message.state == MessageState.FAILED).order_by(Message.id)).all()


def failed_outbox(session: Session) -> Sequence[OutboxItem]:
    """What could not be sent, and what came back."""
    return session.scalars(
        select(OutboxItem)
        .where(or_(OutboxItem.status == OutboxStatus.FAILED, OutboxItem.bounced_at.is_not(None)))
        .order_by(OutboxItem.id)
    ).all()


def events_of(session: Session, conversation: Conversation) -> Sequence[Event]:
    """What has been done in a conversation, and in those that have become part of it."""
    numbers = [conversation.id, *(one.id for one in parts(session, conversation))]
    return session.scalars(select(Event).where(Event.conversation_id.in_(numbers)).order_by(Event.id)).all()


def corrections(session: Session) -> Sequence[Correction]:
    """What people have corrected, oldest first, with the question and its case."""
    return session.scalars(
        select(Correction)
        .options(
            selectinload(Correction.question).selectinload(QuestionRecord.message).selectinload(Message.conversation)
        )
        .order_by(Correction.id)
    ).all()


def unanswered(session: Session, *, since: datetime, until: datetime) -> Sequence[DecisionRecord]:
    """Decisions of the period by which a question went to a person because no text of ours fitted it well enough; but
    for those of which somebody has said since which text does.
    """
    corrected = (
        select(Correction.article)
        .where(Correction.question_id == DecisionRecord.question_id)
        .order_by(Correction.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return session.scalars(
        select(DecisionRecord)
        .join(DecisionRecord.question)
        .join(QuestionRecord.message)
        .join(Message.conversation)
        .options(
            selectinload(DecisionRecord.question)
            .selectinload(QuestionRecord.message)
            .selectinload(Message.conversation)
        )
        .where(
            DecisionRecord.outcome == Outcome.ESCALATE,
            DecisionRecord.reason.in_(NOT_KNOWN),
            corrected.is_(None),
            DecisionRecord.decided_at >= since,
            DecisionRecord.decided_at < until,
            Conversation.erased_at.is_(None),
        )
        .order_by(DecisionRecord.id)
    ).all()


def told(conversation: Conversation) -> Sequence[OutboxItem]:
    """What went or is going to the asker in this conversation, oldest first."""
    return [item for item in conversation.outbox if item.kind in TO_THE_ASKER and item.status in _ON_ITS_WAY]


def articles_told(session: Session, conversation: Conversation, *, but_for: Collection[int] = ()) -> frozenset[str]:
    """Ids of the articles that the asker has already got in this conversation, other than in answer to the messages
    ``but_for``."""
    query = (
        select(DecisionRecord.article)
        .join(OutboxItem, OutboxItem.id == DecisionRecord.outbox_id)
        .where(
            OutboxItem.conversation_id == conversation.id,
            OutboxItem.status.in_(_ON_ITS_WAY),
            DecisionRecord.article.is_not(None),
            OutboxItem.message_id.not_in(but_for),
        )
    )
    return frozenset(article for article in session.scalars(query) if article)


def _last_told(session: Session, conversation: Conversation) -> DecisionRecord | None:
    """The last decision that the asker was told of in this conversation."""
    return session.scalar(
        select(DecisionRecord)
        .join(OutboxItem, OutboxItem.id == DecisionRecord.outbox_id)
        .where(
            OutboxItem.conversation_id == conversation.id,
            OutboxItem.status.in_(_ON_ITS_WAY),
        )
        .order_by(OutboxItem.id.desc(), DecisionRecord.id.desc())
        .limit(1)
    )


def last_topic_told(session: Session, conversation: Conversation) -> str | None:
    """The topic of the last answer in this conversation; what a short question after it leans on."""
    last = _last_told(session, conversation)
    return last.topic if last is not None and last.article else None


def open_choices(session: Session, conversation: Conversation) -> tuple[str, ...]:
    """The articles that the asker was last asked to choose between, or offered while they wait, if nothing has been
    told since, nor anything written by a person.
    """
    last = _last_told(session, conversation)
    if last is None or last.outbox_id is None:
        return ()
    since = last.outbox_id
    if any(item.kind is OutboxKind.ANSWER and item.id > since for item in told(conversation)):
        return ()
    decided = session.scalars(
        select(DecisionRecord).where(DecisionRecord.outbox_id == since).order_by(DecisionRecord.id)
    )
    return tuple(choice for decision in decided for choice in decision.choices or ())


def chosen_last(session: Session, conversation: Conversation, *, but_for: Collection[int] | None = None) -> str | None:
    """The article that the asker was last told, where they had chosen it themselves; with ``but_for`` only where no
    message but those of these ids has come since.
    """
    last = _last_told(session, conversation)
    if last is None or last.reason != "chosen":
        return None
    since = last.question.message_id
    is_last = but_for is None or all(each.id <= since or each.id in but_for for each in conversation.messages)
    return last.article if is_last else None


def decided_above(session: Session, message: Message) -> Sequence[DecisionRecord] | None:
    """The decisions, in their order, that were told in the message of ours under which a button was pressed; None
    where none was, or not in this conversation.
    """
    if message.command is None or not message.in_reply_to:
        return None
    above = session.scalar(
        select(OutboxItem.id).where(
            OutboxItem.conversation_id == message.conversation_id, OutboxItem.external_id.in_(message.in_reply_to)
        )
    )
    if above is None:
        return None
    return session.scalars(
        select(DecisionRecord).where(DecisionRecord.outbox_id == above).order_by(DecisionRecord.id)
    ).all()


def decided_of(session: Session, messages: Collection[int]) -> Sequence[DecisionRecord]:
    """What was last decided of those of these messages that anything was decided of."""
    return session.scalars(
        select(DecisionRecord)
        .join(QuestionRecord)
        .where(QuestionRecord.message_id.in_(messages))
        .order_by(QuestionRecord.message_id, QuestionRecord.position, DecisionRecord.id)
    ).all()


def solved_at(session: Session, conversation: Conversation) -> datetime | None:
    """When the asker last said that an answer of this conversation had solved it."""
    return session.scalar(
        select(func.max(Message.stored_at)).where(
            Message.conversation_id == conversation.id, Message.command == "yes", Message.handled_at.is_not(None)
        )
    )


def written_after(session: Session, message: Message, *, by: str) -> Sequence[OutboxItem]:
    """What ``by`` had sent since ``message`` came, in its conversation or in answer to it."""
    with session.no_autoflush:
        sent = dict.fromkeys((*message.conversation.outbox, *message.answers))
    return [item for item in sent if item.created_by == by and item.created_at >= message.received_at]


# What the caps ask for each message, put together once: that takes longer than the database's answer. Which rows count
# is said apart from where they lie (by time, or in the contact's conversations): SQLite would take the index of the
# states for the narrower one, and go through all that was ever sent.
_SINCE, _CONTACT_SINCE = (bindparam(name, type_=OutboxItem.created_at.type) for name in ("since", "contact_since"))


def _counted(since: BindParameter[datetime], *which: ColumnElement[bool]) -> FunctionFilter[int]:
    return func.count().filter(
        OutboxItem.is_automatic,
        OutboxItem.kind.in_(TO_THE_ASKER),
        OutboxItem.created_at >= since,
        OutboxItem.status.in_(_ON_ITS_WAY),
        *which,
    )


_AUTOMATIC = (
    select(_counted(_SINCE, OutboxItem.channel == ChannelName.MAIL))
    .select_from(OutboxItem)
    .where(OutboxItem.created_at >= _SINCE)
)
_AUTOMATIC_TO = (
    select(Conversation.contact_id, _counted(_CONTACT_SINCE))
    .join(OutboxItem, OutboxItem.conversation_id == Conversation.id)
    .where(Conversation.contact_id.in_(bindparam("contacts", expanding=True)))
    .group_by(Conversation.contact_id)
)


_NOTIFICATIONS = (
    select(func.count())
    .select_from(OutboxItem)
    .where(
        OutboxItem.kind == OutboxKind.NOTIFICATION,
        OutboxItem.channel == ChannelName.MAIL,
        OutboxItem.created_at >= _SINCE,
    )
)


def automatic_texts(session: Session, *, since: datetime, contact: int, contact_since: datetime) -> tuple[int, int]:
    """How many automatic texts were queued to askers since then: of mails in all, and to one contact (its id)."""
    in_all = _stored_since(session, "automatic texts", _AUTOMATIC, since)
    to_contact = _stored_to(session, contact, contact_since)
    for item in _unflushed(session, OutboxItem):
        if item.is_automatic and item.kind in TO_THE_ASKER and item.status in _ON_ITS_WAY:
            in_all += item.channel is ChannelName.MAIL and item.created_at >= since
            to_contact += item.conversation.contact_id == contact and item.created_at >= contact_since
    return in_all, to_contact


def notifications(session: Session, *, since: datetime) -> int:
    """How many mails to coordinators were queued since then."""
    stored = _stored_since(session, "notifications", _NOTIFICATIONS, since)
    new = (
        item.kind is OutboxKind.NOTIFICATION and item.channel is ChannelName.MAIL and item.created_at >= since
        for item in _unflushed(session, OutboxItem)
    )
    return stored + sum(new)


def _stored_since(session: Session, what: str, counting: Select[int], since: datetime) -> int:
    """What ``counting`` says of ``what``, asked again only when this session has written rows: it goes through all that
    was sent in an hour, and of a backlog of thousands each message asks.
    """
    flushes = session.info.get(_FLUSHES, 0)
    return once(session, f"{what} since {since} at {flushes}", lambda: session.scalar(counting, {"since": since}) or 0)


def _stored_to(session: Session, contact: int, since: datetime) -> int:
    """How many automatic texts to a contact are stored; asked for all that the session knows of at once."""

    def ask() -> dict[int, int]:
        ids = {contact, *(each.id for each in session.identity_map.values() if isinstance(each, Contact))}
        counted = dict.fromkeys(ids, 0)
        for known, count in session.execute(_AUTOMATIC_TO, {"contacts": list(ids), "contact_since": since}):
            counted[known] = count
        return counted

    what = f"automatic texts to contacts since {since} at {session.info.get(_FLUSHES, 0)}"
    found = once(session, what, ask)
    return found[contact] if contact in found else once(session, f"{what}, {contact}", ask)[contact]


@event.listens_for(Session, "after_flush")
def _note_flush(session: Session, _context: Any) -> None:
    session.info[_FLUSHES] = session.info.get(_FLUSHES, 0) + 1


def _unflushed(session: Session, kind: type[_T]) -> Iterator[_T]:
    """The rows of this kind that the session has and not written yet: a flush for each question would cost more."""
    return (row for row in session.new if isinstance(row, kind))


def last_event(session: Session, verb: str) -> datetime | None:
    """When this was last done."""
    return session.scalar(select(func.max(Event.at)).where(Event.verb == verb))


def unhandled(session: Session, *, since: datetime) -> int:
    """How many messages have waited to be handled since then."""
    query = select(func.count(Message.id)).where(Message.state == MessageState.STORED, Message.stored_at <= since)
    return session.scalar(query) or 0


def copy_wanted(session: Session, but_for: Collection[int]) -> OutboxItem | None:
    """The oldest sent thing that is to be copied among the mailbox's sent mail, other than those."""
    return session.scalar(
        select(OutboxItem)
        .where(OutboxItem.copy_tries > 0, OutboxItem.id.not_in(but_for))
        .order_by(OutboxItem.id)
        .limit(1)
        .options(undefer(OutboxItem.raw))
    )


def pauses(session: Session) -> Sequence[Pause]:
    return session.scalars(select(Pause).order_by(Pause.scope, Pause.value)).all()


def record(
    session: Session,
    verb: str,
    *,
    actor: str,
    now: datetime,
    conversation: Conversation | None = None,
    message: Message | None = None,
    item: OutboxItem | None = None,
    **detail: Any,
) -> None:
    """Write down who did what (append-only). ``detail`` holds ids and our own words, never an asker's text."""
    session.add(
        Event(at=now, actor=actor, verb=verb, conversation=conversation, message=message, item=item, detail=detail)
    )


def beat(session: Session, part: str, process: str, *, now: datetime) -> None:
    """Show that a part of lokbot lives."""
    session.merge(Heartbeat(part=part, process=process, at=now))


def silent_parts(session: Session, *, now: datetime, after: timedelta) -> tuple[list[str], list[str]]:
    """Parts that showed themselves within ``after``, and those that did not."""
    beats = session.scalars(select(Heartbeat).order_by(Heartbeat.part)).all()
    alive = [beat.part for beat in beats if now - beat.at <= after]
    return alive, [beat.part for beat in beats if now - beat.at > after]
