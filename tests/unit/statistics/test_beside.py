"""What is published of a month beside its counts: waits and the oldest, each only with enough people behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from lokbot.model import ChannelName, FactOutcome
from lokbot.statistics import closing

MONTH = "2026-03"
LEAST = 5
NOTHING: dict[str, set[str]] = {
    "topic": {""},
    "administration": {""},
    "channel": {"mail"},
    "outcome": set(),
    "article": set(),
}


def asked(number: int, *, contact: str | None = None, **said: Any) -> SimpleNamespace:
    """A question of a person of its own that the bot answered, but for what is said."""
    plain = {
        "question_id": number,
        "contact": contact or f"person {number}",
        "association": None,
        "association_kind": None,
        "day": date(2026, 3, 2),
        "month": MONTH,
        "is_first": True,
        "topic": None,
        "administration": None,
        "channel": ChannelName.MAIL,
        "language": "sv",
        "outcome": FactOutcome.BOT,
        "article": None,
        "first_reply_minutes": None,
        "forwarded": 0,
        "returned": 0,
        "feedback": None,
        "verdict": None,
        "is_unknown": False,
        "theme": None,
    }
    return SimpleNamespace(**plain | said)


def published(rows: Sequence[SimpleNamespace]) -> set[str]:
    return {key[1] for key in closing.publishable(MONTH, rows, NOTHING, least=LEAST)}


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        ("wait", {"outcome": FactOutcome.PERSON, "first_reply_minutes": 30}),
        ("oldest", {"outcome": FactOutcome.OPEN}),
    ],
)
def test_a_wait_is_published_with_enough_people_behind_it(figure: str, said: dict[str, Any]) -> None:
    others = [asked(number) for number in range(100, 120)]
    few = [asked(number, **said) for number in range(LEAST - 1)]
    assert figure not in published([*others, *few])
    assert figure not in published([*others, *few, asked(50, contact="person 0", **said)]), "one person twice is one"
    assert figure in published([*others, *few, asked(50, **said)])
