"""What a conversation is as a public document, and its number in the city's diary."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from lokbot import audit
from lokbot.audit import Source
from lokbot.conversation.escalation import NotPossible
from lokbot.model import RecordClass
from lokbot.store import queries
from lokbot.store.schema import Conversation

_LONGEST = 64


def classify(
    session: Session,
    conversation: Conversation,
    record_class: RecordClass,
    *,
    actor: str,
    source: Source,
    now: datetime,
    diary_number: str | None = None,
) -> None:
    """Say what a conversation is; ``diary_number`` sets the diarienummer ("" takes it away, None leaves it as it is).

    What it was before stands in the event. Raises NotPossible for a number that no diary gives.
    """
    queries.hold(session, conversation)
    number = conversation.diary_number if diary_number is None else " ".join(diary_number.split()) or None
    if number is not None and (len(number) > _LONGEST or not number.isprintable()):
        raise NotPossible("Ett diarienummer har högst {count} tecken, alla synliga.", count=_LONGEST)
    if (record_class, number) == (conversation.record_class, conversation.diary_number):
        return
    change: dict[str, Any] = {
        "before": str(conversation.record_class),
        "after": str(record_class),
        "diary_before": conversation.diary_number,
        "diary_after": number,
    }
    conversation.record_class, conversation.diary_number, conversation.updated_at = record_class, number, now
    queries.record(session, "classified", actor=actor, now=now, conversation=conversation, **change)
    audit.record(session, "classified", actor=actor, source=source, now=now, conversation=conversation, **change)
