"""What the steering group hears of at its next meeting: a coordinator's line about a case, without personal data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from lokbot.masking import mask_personal_data
from lokbot.model import NotPossible
from lokbot.store import queries
from lokbot.store.schema import Conversation, SteeringMatter

LONGEST = 300  # characters


def mark(session: Session, conversation: Conversation, line: str, *, actor: str, now: datetime) -> SteeringMatter:
    """Collect a case for the next meeting; another line takes the place of the one that waits there.

    Raises NotPossible without a line, with a long one, and where it seems to hold personal data.
    """
    line = " ".join(line.split())
    if not line:
        raise NotPossible("Skriv en rad om vad styrgruppen ska få veta.")
    if len(line) > LONGEST:
        raise NotPossible("Raden är för lång. Högst {count} tecken.", count=LONGEST)
    if mask_personal_data(line) != line:
        raise NotPossible(
            "Raden verkar innehålla ett namn, ett nummer eller en adress. Skriv den utan personuppgifter."
        )
    matter = _waiting(session, conversation)
    if matter is None:
        matter = SteeringMatter(conversation_id=conversation.id, line=line, marked_by=actor, marked_at=now)
        session.add(matter)
    matter.line, matter.marked_by, matter.marked_at = line, actor, now
    queries.record(session, "to-steering", actor=actor, now=now, conversation=conversation)
    return matter


def unmark(session: Session, conversation: Conversation, *, actor: str, now: datetime) -> None:
    """The steering group need not hear of it. Raises NotPossible where nothing waits for a meeting."""
    matter = _waiting(session, conversation)
    if matter is None:
        raise NotPossible("{case} väntar inte på något möte.", case=conversation.case_number)
    session.delete(matter)
    queries.record(session, "not-to-steering", actor=actor, now=now, conversation=conversation)


def collected(session: Session) -> Sequence[SteeringMatter]:
    """What was collected since the last meeting, oldest first, with its cases."""
    query = select(SteeringMatter).options(selectinload(SteeringMatter.conversation))
    return session.scalars(query.where(SteeringMatter.brought_up_on.is_(None)).order_by(SteeringMatter.id)).all()


def hold_meeting(session: Session, on: date, *, actor: str, now: datetime) -> int:
    """The group has heard of all that was collected; returns how much that was. From now on the next is collected."""
    matters = collected(session)
    for matter in matters:
        matter.brought_up_on = on
    queries.record(session, "steering-met", actor=actor, now=now, on=on.isoformat(), count=len(matters))
    return len(matters)


def _waiting(session: Session, conversation: Conversation) -> SteeringMatter | None:
    return session.scalar(
        select(SteeringMatter).where(
            SteeringMatter.conversation_id == conversation.id, SteeringMatter.brought_up_on.is_(None)
        )
    )
