"""The gate to what is stored: every look-up that more than one room needs, each said once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from lokbot.model import Address, ChannelName, ConversationStatus, MessageState, OutboxKind, OutboxStatus, Outcome
from lokbot.store.schema import (
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
)

# Reasons to escalate that say: the knowledge holds no answer, or none that is sure enough.
NOT_KNOWN = ("nothing-found", "not-sure")

TO_THE_ASKER = (OutboxKind.REPLY, OutboxKind.RECEIPT, OutboxKind.ANSWER)


def addresses(values: Iterable[dict[str, str]]) -> tuple[Address, ...]:
    """Addresses as they stand in a JSON column."""
    return tuple(Address(value["name"], value["email"]) for value in values)


def as_json(values: Iterable[Address]) -> list[dict[str, str]]:
    """Addresses as a JSON column holds them."""
    return [{"name": value.name, "email": value.email} for value in values]


def next_case_number(session: Session, year: int) -> str:
    """The next ``LOK-2026-00123``. The row is locked until the transaction ends, so numbers have no holes or twins."""
    number = session.scalar(
        update(CaseNumber).where(CaseNumber.year == year).values(last=CaseNumber.last + 1).returning(CaseNumber.last)
    )
    if number is not None:
        return f"LOK-{year}-{number:05d}"
    # Of two that want the first number of a year, one makes the row and the other, having waited for it, does not.
    with suppress(IntegrityError), session.begin_nested():
        session.add(CaseNumber(year=year, last=0))
    return next_case_number(session, year)


def contact_at(session: Session, channel: ChannelName, address: str, name: str, *, now: datetime) -> Contact:
    """The contact with this address in this channel, made where there is none."""
    contact = session.scalar(select(Contact).where(Contact.channel == channel, Contact.address == address))
    if contact is None:
        contact = Contact(channel=channel, address=address, name=name[:300], created_at=now)
        session.add(contact)
        session.flush()
    elif name and not contact.name:
        contact.name = name[:300]
    return contact


def conversation_for(session: Session, case: str | int) -> Conversation | None:
    """One conversation by its case number (``LOK-2026-00123``, also ``123`` of the newest year) or row id."""
    query = select(Conversation).options(
        selectinload(Conversation.messages).selectinload(Message.questions).selectinload(QuestionRecord.decisions),
        selectinload(Conversation.messages).selectinload(Message.questions).selectinload(QuestionRecord.corrections),
        selectinload(Conversation.outbox),
    )
    if isinstance(case, int):
        return session.scalar(query.where(Conversation.id == case))
    case = case.strip().upper()
    if case.isdecimal():
        year = session.scalar(select(func.max(CaseNumber.year)))
        case = f"LOK-{year}-{int(case):05d}"
    return session.scalar(query.where(Conversation.case_number == case))


def hold(session: Session, conversation: Conversation) -> None:
    """Let nobody else change a case until the transaction ends, and see it as it stands now.

    Whoever decides about a case starts with this: else the bot's decision would undo that a person took it over
    meanwhile. It is a row lock on PostgreSQL; on SQLite whoever writes is alone.
    """
    session.flush()
    session.expire_all()
    session.refresh(conversation, with_for_update={"key_share": True})


def conversations(session: Session, *statuses: ConversationStatus) -> Sequence[Conversation]:
    """Conversations in these states (all where none is named): urgent first, then those that waited longest."""
    query = select(Conversation).options(selectinload(Conversation.contact))
    if statuses:
        query = query.where(Conversation.status.in_(statuses))
    return session.scalars(
        query.order_by(Conversation.is_urgent.desc(), Conversation.waiting_since.is_(None), Conversation.waiting_since)
    ).all()


def failed_messages(session: Session) -> Sequence[Message]:
    return session.scalars(select(Message).where(Message.state == MessageState.FAILED).order_by(Message.id)).all()


def failed_outbox(session: Session) -> Sequence[OutboxItem]:
    return session.scalars(
        select(OutboxItem).where(OutboxItem.status == OutboxStatus.FAILED).order_by(OutboxItem.id)
    ).all()


def events_of(session: Session, conversation: Conversation) -> Sequence[Event]:
    return session.scalars(select(Event).where(Event.conversation_id == conversation.id).order_by(Event.id)).all()


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
    """Decisions of the period by which a question went to a person because no text of ours fitted it well enough."""
    return session.scalars(
        select(DecisionRecord)
        .options(
            selectinload(DecisionRecord.question)
            .selectinload(QuestionRecord.message)
            .selectinload(Message.conversation)
        )
        .where(
            DecisionRecord.outcome == Outcome.ESCALATE,
            DecisionRecord.reason.in_(NOT_KNOWN),
            DecisionRecord.decided_at >= since,
            DecisionRecord.decided_at < until,
        )
        .order_by(DecisionRecord.id)
    ).all()


def told(session: Session, conversation: Conversation) -> Sequence[OutboxItem]:
    """What went or is going to the asker in this conversation, oldest first."""
    return session.scalars(
        select(OutboxItem)
        .where(
            OutboxItem.conversation_id == conversation.id,
            OutboxItem.kind.in_(TO_THE_ASKER),
            OutboxItem.status.in_((OutboxStatus.QUEUED, OutboxStatus.CLAIMED, OutboxStatus.SENT)),
        )
        .order_by(OutboxItem.id)
    ).all()


def articles_told(session: Session, conversation: Conversation) -> frozenset[str]:
    """Ids of the articles that the asker has already got in this conversation."""
    query = (
        select(DecisionRecord.article)
        .join(OutboxItem, OutboxItem.id == DecisionRecord.outbox_id)
        .where(
            OutboxItem.conversation_id == conversation.id,
            OutboxItem.status.in_((OutboxStatus.QUEUED, OutboxStatus.CLAIMED, OutboxStatus.SENT)),
            DecisionRecord.article.is_not(None),
        )
    )
    return frozenset(article for article in session.scalars(query) if article)


def automatic_mails(session: Session, *, since: datetime, conversation: Conversation | None = None) -> int:
    """How many automatic texts were queued to askers since then: in all, or to this conversation's contact."""
    query = select(func.count(OutboxItem.id)).where(
        OutboxItem.is_automatic,
        OutboxItem.kind.in_(TO_THE_ASKER),
        OutboxItem.created_at >= since,
        OutboxItem.status.in_((OutboxStatus.QUEUED, OutboxStatus.CLAIMED, OutboxStatus.SENT)),
    )
    if conversation is not None:
        query = query.join(Conversation).where(Conversation.contact_id == conversation.contact_id)
    return session.scalar(query) or 0


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
    session.flush()
    session.add(
        Event(
            at=now,
            actor=actor,
            verb=verb,
            conversation_id=conversation.id if conversation else None,
            message_id=message.id if message else None,
            outbox_id=item.id if item else None,
            detail=detail,
        )
    )


def beat(session: Session, part: str, process: str, *, now: datetime) -> None:
    """Show that a part of lokbot lives."""
    session.merge(Heartbeat(part=part, process=process, at=now))


def silent_parts(session: Session, *, now: datetime, after: timedelta) -> tuple[list[str], list[str]]:
    """Parts that showed themselves within ``after``, and those that did not."""
    beats = session.scalars(select(Heartbeat).order_by(Heartbeat.part)).all()
    alive = [beat.part for beat in beats if now - beat.at <= after]
    return alive, [beat.part for beat in beats if now - beat.at > after]
