"""Let a case rest until a day, and wake it: that morning, by a new message, or by whoever acts in it.

While it rests it is in no queue. What was promised to the asker is not put off by it: a case whose day has passed is
told of as any other.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot.conversation.working_days import SWEDEN
from lokbot.model import ConversationStatus, NotPossible
from lokbot.store import queries
from lokbot.store.schema import Conversation

LONGEST = timedelta(days=366)


def snooze(session: Session, conversation: Conversation, until: date, *, actor: str, now: datetime) -> None:
    """Let a case that waits or is taken rest until the morning of ``until``. An urgent one is taken first."""
    queries.hold(session, conversation)
    today = now.astimezone(SWEDEN).date()
    if conversation.status not in (ConversationStatus.WAITING, ConversationStatus.TAKEN):
        raise NotPossible("{case} väntar inte på någon av er, så det kan inte vila.", case=conversation.case_number)
    if conversation.is_urgent and conversation.status is ConversationStatus.WAITING:
        raise NotPossible("{case} är brådskande. Ta det först.", case=conversation.case_number)
    if not today < until <= today + LONGEST:
        raise NotPossible("Välj en dag från i morgon och högst ett år fram.")
    conversation.snoozed_until, conversation.updated_at = until, now
    queries.record(session, "snoozed", actor=actor, now=now, conversation=conversation, until=until.isoformat())


def wake(session: Session, conversation: Conversation, *, actor: str, now: datetime) -> bool:
    """Put a case that rests back among the others; returns whether it rested."""
    if conversation.snoozed_until is None:
        return False
    conversation.snoozed_until, conversation.updated_at = None, now
    queries.record(session, "woke", actor=actor, now=now, conversation=conversation)
    return True


def wake_due(session: Session, *, now: datetime) -> int:
    """Wake every case whose day has come, in the caller's transaction; returns how many."""
    today = now.astimezone(SWEDEN).date()
    due = session.scalars(
        select(Conversation).where(Conversation.snoozed_until <= today).order_by(Conversation.id)
    ).all()
    woken = 0
    for conversation in due:
        queries.hold(session, conversation)
        is_due = conversation.snoozed_until is not None and conversation.snoozed_until <= today
        woken += is_due and wake(session, conversation, actor="bot", now=now)
    return woken
