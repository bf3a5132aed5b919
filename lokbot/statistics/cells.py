"""How many facts of a month fall into each category: counted as facts change, so that a page reads sums only.

A cell is a category of a dimension, among all facts (scope ``""``) or within one category of another dimension
(``topic=lokaler``). What a machine wrote is no question and counts in a cell of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, cast

from sqlalchemy import Table, delete, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lokbot.model import FactOutcome
from lokbot.statistics.months import Month
from lokbot.store.schema import FactCell
from lokbot.store.session import take_turns

SCOPES = ("topic", "administration", "channel")
"""What figures can be narrowed to, one at a time."""

WITHIN = (
    "question", "conversation", "topic", "administration", "channel", "language",
    "outcome", "waiting", "forwarded", "feedback", "verdict", "kind", "unknown",
)  # fmt: skip
"""What is counted within such a category too. Articles, themes and associations are too many for it."""

_CROSSED = [(place, dimension) for place in SCOPES for dimension in WITHIN if dimension != place]
_CROSSED += [("kind", "outcome"), ("kind", "waiting")]

KIND_UNKNOWN, KIND_OTHER = "unknown", "other"
"""Categories of ``kind``: the association is not known; it is, but not what kind it is."""

RETURNED = "returned"
"""The category of ``forwarded`` of what an administration sent back as not theirs, however often it was sent on."""

# The longest wait of each category, in working minutes; a working day is eight hours.
WAITS = (("1h", 60), ("4h", 240), ("1d", 480), ("2d", 960), ("5d", 2400))
LONGER = "longer"

# Written without the ORM, which takes longer over thousands of rows than the database does.
TABLE = cast(Table, FactCell.__table__)

Key = tuple[str, str, Month, str]
"""Scope, dimension, month, category."""


class Countable(Protocol):
    """What is counted of a fact."""

    @property
    def month(self) -> str: ...
    @property
    def is_first(self) -> bool: ...
    @property
    def channel(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def topic(self) -> str | None: ...
    @property
    def administration(self) -> str | None: ...
    @property
    def article(self) -> str | None: ...
    @property
    def outcome(self) -> FactOutcome: ...
    @property
    def is_unknown(self) -> bool: ...
    @property
    def feedback(self) -> str | None: ...
    @property
    def verdict(self) -> str | None: ...
    @property
    def first_reply_minutes(self) -> int | None: ...
    @property
    def forwarded(self) -> int: ...
    @property
    def returned(self) -> int: ...
    @property
    def association(self) -> str | None: ...
    @property
    def association_kind(self) -> str | None: ...
    @property
    def theme(self) -> str | None: ...


def categories(fact: Countable) -> dict[str, str]:
    """The category of a question in each dimension; ``""`` where it has none."""
    is_article_told = fact.outcome in (FactOutcome.BOT, FactOutcome.SUGGESTION)
    return {
        "question": "",
        "conversation": "first" if fact.is_first else "later",
        "topic": fact.topic or "",
        "administration": fact.administration or "",
        "channel": str(fact.channel),
        "language": fact.language,
        "outcome": str(fact.outcome),
        "article": (fact.article or "") if is_article_told else "",
        "waiting": wait(fact.first_reply_minutes),
        "forwarded": RETURNED if fact.returned else str(min(fact.forwarded, 2)),
        "feedback": fact.feedback or "",
        "verdict": fact.verdict or "",
        "kind": (fact.association_kind or KIND_OTHER) if fact.association else KIND_UNKNOWN,
        "unknown": "yes" if fact.is_unknown else "no",
        "theme": fact.theme or "",
    }


def wait(minutes: int | None) -> str:
    """The category of a wait for a person's first reply."""
    if minutes is None:
        return ""
    return next((name for name, longest in WAITS if minutes <= longest), LONGER)


def scope_of(dimension: str, category: str) -> str:
    return f"{dimension}={category}"


def counted(facts: Iterable[Countable]) -> Counter[Key]:
    """How many of these facts count in each cell.

    A column at a time: counting fact by fact takes four times as long, and a rebuild counts hundreds of thousands.
    """
    found: Counter[Key] = Counter()
    of_month: dict[Month, list[Countable]] = defaultdict(list)
    for fact in facts:
        of_month[fact.month].append(fact)
    for month, there in of_month.items():
        asked = [fact for fact in there if fact.outcome is not FactOutcome.AUTOMATIC]
        if len(asked) < len(there):
            found["", "automatic", month, ""] = len(there) - len(asked)
        for association, count in Counter(fact.association for fact in asked if fact.association).items():
            found["", "association", month, association] = count
        columns: dict[str, list[str]] = defaultdict(list)
        for fact in asked:
            for dimension, category in categories(fact).items():
                columns[dimension].append(category)
        for dimension, column in columns.items():
            for category, count in Counter(column).items():
                found["", dimension, month, category] = count
        for place, dimension in _CROSSED:
            for (inside, category), count in Counter(zip(columns[place], columns[dimension], strict=True)).items():
                found[scope_of(place, inside), dimension, month, category] = count
    return found


def change(session: Session, before: Iterable[Countable], after: Iterable[Countable]) -> None:
    """Facts that were ``before`` are ``after`` from now on."""
    changed = counted(after)
    changed.subtract(counted(before))
    changes = {key: count for key, count in changed.items() if count}
    if not changes:
        return
    # Every question of a month counts in the same few cells: whoever comes second waits here, and not crosswise.
    take_turns(session, "facts")
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(TABLE)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["scope", "dimension", "month", "category"],
            set_={"questions": TABLE.c.questions + statement.excluded.questions},
        ),
        rows(changes),
    )


def recount(session: Session, month: Month, facts: Iterable[Countable]) -> None:
    """Count a month anew from all of its facts."""
    session.execute(delete(FactCell).where(FactCell.month == month))
    if counts := counted(facts):
        session.execute(insert(TABLE), rows(counts))


def rows(counts: Mapping[Key, int]) -> list[dict[str, Any]]:
    """Cells as rows of ``fact_cells`` or ``published_cells``, always in the same order."""
    return [
        {"scope": scope, "dimension": dimension, "month": month, "category": category, "questions": count}
        for (scope, dimension, month, category), count in sorted(counts.items())
    ]
