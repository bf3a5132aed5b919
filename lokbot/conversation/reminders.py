"""What nobody has taken care of is told again: the urgent until somebody takes it, the overdue when its day is past."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import escalation, notification
from lokbot.conversation.decision import WITH_A_PERSON
from lokbot.conversation.working_days import SWEDEN, written_out
from lokbot.model import ConversationStatus, Knowledge
from lokbot.store import queries
from lokbot.store.schema import Conversation, Event
from lokbot.store.session import take_turns


def remind(session: Session, *, settings: Settings, knowledge: Knowledge, now: datetime) -> int:
    """Tell the coordinators, and the deputies, of every case that is due for it; returns of how many.

    In the caller's transaction. Several workers may call it at once: each case is told once.
    """
    take_turns(session, "reminders")
    count = 0
    for conversation in _urgent(session):
        if _is_due(session, conversation, settings, now):
            _tell(session, conversation, "urgent-again", settings=settings, knowledge=knowledge, now=now)
            count += 1
    for conversation in _overdue(session, now):
        if _last(session, conversation, "reminded-overdue", since=conversation.waiting_since) is None:
            _tell(session, conversation, "overdue", settings=settings, knowledge=knowledge, now=now)
            count += 1
    return count


def _urgent(session: Session) -> list[Conversation]:
    """Urgent cases that nobody has taken."""
    query = select(Conversation).where(
        Conversation.is_urgent,
        Conversation.status == ConversationStatus.WAITING,
        Conversation.waiting_since.is_not(None),
    )
    return list(session.scalars(query.order_by(Conversation.id)))


def _is_due(session: Session, conversation: Conversation, settings: Settings, now: datetime) -> bool:
    told = _last(session, conversation, "escalated", "reminded-urgent-again", since=conversation.waiting_since)
    every = timedelta(minutes=settings.alarm.repeat_minutes)
    return (told or conversation.waiting_since or now) <= now - every


def _overdue(session: Session, now: datetime) -> list[Conversation]:
    """Cases whose promised day has passed without an answer."""
    today = now.astimezone(SWEDEN).date()
    query = select(Conversation).where(Conversation.status.in_(WITH_A_PERSON), Conversation.answer_by < today)
    return list(session.scalars(query.order_by(Conversation.id)))


def _last(session: Session, conversation: Conversation, *verbs: str, since: datetime | None) -> datetime | None:
    query = select(Event.at).where(Event.conversation_id == conversation.id, Event.verb.in_(verbs))
    if since is not None:
        query = query.where(Event.at >= since)
    return session.scalar(query.order_by(Event.id.desc()).limit(1))


def _tell(
    session: Session, conversation: Conversation, key: str, *, settings: Settings, knowledge: Knowledge, now: datetime
) -> None:
    answer_by = conversation.answer_by
    reply = notification.plain(
        f"notify.{key}",
        conversation.case_number,
        conversation.subject,
        knowledge,
        subject_key="notify.subject.urgent" if conversation.is_urgent else "notify.subject.overdue",
        who=conversation.taken_by or "-",
        answer_by=written_out(answer_by, notification.LANGUAGE) if answer_by else "-",
    )
    escalation.tell_coordinators(session, conversation, reply, settings=settings, now=now, also=settings.alarm.deputies)
    queries.record(session, f"reminded-{key}", actor="bot", now=now, conversation=conversation)
