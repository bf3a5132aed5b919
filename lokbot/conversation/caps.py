"""The last line against storms of mail: how much may go out by itself within an hour or a day (settings ``caps``).

Every rule that knows a machine can be wrong about the next one; a count cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.model import OutboxKind
from lokbot.store import queries
from lokbot.store.schema import Conversation, OutboxItem

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

# A coordinator whose program answers our answer to their note gets no more of them.
NOTES_PER_DAY = 3

Cap = Literal["sender", "case", "outbox"]


def reached(
    session: Session, conversation: Conversation, told: Sequence[OutboxItem], settings: Settings, *, now: datetime
) -> Cap | None:
    """Which cap forbids another automatic mail in this conversation, where ``told`` went; None where one may go."""
    caps = settings.caps
    if queries.automatic_mails(session, since=now - HOUR) >= caps.outbox_per_hour:
        return "outbox"
    if queries.automatic_mails(session, since=now - DAY, contact=conversation.contact_id) >= caps.per_sender_per_day:
        return "sender"
    in_case = sum(item.is_automatic and item.created_at >= now - DAY for item in told)
    return "case" if in_case >= caps.per_case_per_day else None


def had_receipt(told: Sequence[OutboxItem], *, now: datetime) -> bool:
    """Whether a receipt has gone out within a day: what it promised still stands."""
    return any(item.kind is OutboxKind.RECEIPT and item.created_at >= now - DAY for item in told)


def notifications(session: Session, settings: Settings, *, now: datetime) -> Literal["free", "last", "full"]:
    """Whether the coordinators may get another mail about a waiting case; "last" where it has to say so itself."""
    limit = settings.caps.notifications_per_hour * max(1, len(settings.coordinators))
    count = queries.notifications(session, since=now - HOUR)
    if count < limit:
        return "free"
    return "last" if count < limit + len(settings.coordinators) else "full"


def notes(conversation: Conversation, sender: str, *, now: datetime) -> int:
    """How many answers to notes have gone to this coordinator in the conversation within a day."""
    return sum(_is_answer_to(item, sender) and item.created_at >= now - DAY for item in conversation.outbox)


def _is_answer_to(item: OutboxItem, sender: str) -> bool:
    is_answer = item.kind is OutboxKind.NOTIFICATION and item.message_id is not None
    return is_answer and any(address["email"].lower() == sender for address in item.to)
