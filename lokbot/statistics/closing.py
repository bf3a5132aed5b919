"""Close a month: decide once, over all its tables together, what may be published of it, and store that for good.

What changes afterwards (an answer, an erasure, a setting) changes what coordinators see and nothing published: the
difference of two published figures would be somebody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from statistics import median_high
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from lokbot.config import StatisticsSettings
from lokbot.model import ChannelName, FactOutcome, Knowledge
from lokbot.statistics import cells, facts, suppression
from lokbot.statistics.cells import Key
from lokbot.statistics.months import Month, last_closed, last_day, moved
from lokbot.statistics.suppression import OUTCOME, Cell, Count
from lokbot.store.schema import Fact, PublishedCell, PublishedMonth
from lokbot.store.session import take_turns

MARGINS = (
    "topic", "administration", "channel", "language", OUTCOME, "forwarded", "feedback", "verdict", "kind", "theme",
)  # fmt: skip
"""Dimensions whose categories are published, and add up to the month's questions."""

CROSSED = ("topic", "administration", "channel", "kind")
"""Dimensions that are published crossed by the outcome, too."""

OPEN_ENDED = {"article": "", "conversation": "later"}
"""Dimensions of which each category is published by itself, but for this one, so that they add up to nothing. (That a
question was the second in its case is no category that anything else is told of.)"""

Themes = Callable[[Month], dict[int, str]]
"""What nobody could answer in a month: the theme of each question (id) that has one, in words without personal data."""


def close_due(
    session: Session,
    settings: StatisticsSettings,
    knowledge: Knowledge,
    *,
    now: datetime,
    today: date,
    themes: Themes | None = None,
) -> list[Month]:
    """Close every month that is due and is not closed yet, oldest first; returns which.

    Without ``themes`` what nobody could answer keeps those it has.
    """
    take_turns(session, "closing")
    closed = due(session, settings, today=today)
    for month in closed:
        if themes is not None:
            facts.name_themes(session, month, themes(month))
        _close(session, month, knowledge, least=settings.least, now=now)
    return closed


def due(session: Session, settings: StatisticsSettings, *, today: date) -> list[Month]:
    """The months that are over and not closed yet, oldest first."""
    last = last_closed(today, closes_after_days=settings.closes_after_days)
    month = session.scalar(select(func.min(Fact.month)))
    done = set(session.scalars(select(PublishedMonth.month)))
    found = []
    while month is not None and month <= last:
        if month not in done:
            found.append(month)
        month = moved(month, 1)
    return found


def _close(session: Session, month: Month, knowledge: Knowledge, *, least: int, now: datetime) -> None:
    rows = session.execute(select(*Fact.__table__.c).where(Fact.month == month)).all()
    found = publishable(month, rows, catalogue(knowledge), least=least)
    session.add(PublishedMonth(month=month, least=least, closed_at=now))
    if found:
        session.execute(insert(PublishedCell), cells.rows(found))


def catalogue(knowledge: Knowledge) -> dict[str, set[str]]:
    """The categories that anybody knows to exist, asked about or not."""
    return {
        "topic": {*knowledge.topics, ""},
        "administration": {*knowledge.administrations, ""},
        "channel": {str(channel) for channel in ChannelName},
        OUTCOME: {str(outcome) for outcome in FactOutcome if outcome is not FactOutcome.AUTOMATIC},
        "article": set(knowledge.articles),
    }


def publishable(month: Month, rows: Sequence[Any], known: dict[str, set[str]], *, least: int) -> dict[Key, int]:
    """What of a month may be shown, by cell; ``rows`` are all of its facts."""
    asked = [row for row in rows if row.outcome != FactOutcome.AUTOMATIC]
    found: dict[Key, int] = {}
    if shown := suppression.published(counted(asked, known), least=least):
        found[("", "question", month, "")] = len(asked)
        for cell, questions in shown.items():
            found[_key(month, cell)] = questions
        found.update(_beside(month, asked, least=least))
    automatic = [row for row in rows if row.outcome == FactOutcome.AUTOMATIC]
    if _people(automatic) >= least:
        found[("", "automatic", month, "")] = len(automatic)
    return found


def counted(asked: Sequence[Any], known: dict[str, set[str]]) -> suppression.Month:
    """A month's facts as the tables that are decided on together."""
    questions: dict[Cell, int] = defaultdict(int)
    people: dict[Cell, set[str]] = defaultdict(set)
    categories: dict[str, set[str]] = {name: set(known.get(name, ())) for name in (*MARGINS, *OPEN_ENDED)}
    for row in asked:
        of_row = cells.categories(row)
        for name in categories:
            categories[name].add(of_row[name])
        counts: list[Cell] = [(name, of_row[name]) for name in categories]
        counts += [(name, of_row[name], of_row[OUTCOME]) for name in CROSSED]
        for cell in counts:
            questions[cell] += 1
            people[cell].add(row.contact)
    for name, rest in OPEN_ENDED.items():
        categories[name].discard(rest)
    return suppression.Month(
        total=Count(len(asked), _people(asked)),
        counts={cell: Count(count, len(people[cell])) for cell, count in questions.items()},
        margins={name: sorted(categories[name]) for name in MARGINS},
        crossed=CROSSED,
        open_ended={name: sorted(categories[name]) for name in OPEN_ENDED},
    )


def _key(month: Month, cell: Cell) -> Key:
    if len(cell) == 2:
        return "", cell[0], month, cell[1]
    return cells.scope_of(cell[0], cell[1]), OUTCOME, month, cell[2]


def _beside(month: Month, asked: Sequence[Any], *, least: int) -> dict[Key, int]:
    """Figures that are no counts of questions, each only where enough people are behind it.

    ``associations``: how many different ones. ``wait``: working minutes, the upper bound of the category that the
    middle wait falls into (0: longer than all), so that no single wait shows. ``oldest``: whole weeks that what was
    still open when the month was closed had waited at most at the month's end.
    """
    found: dict[Key, int] = {}
    associations = {row.association for row in asked if row.association}
    if len(associations) >= least:
        found[("", "associations", month, "")] = len(associations)
    for scope, rows in (("", asked), *_by_kind(asked)):
        replied = [row for row in rows if row.first_reply_minutes is not None]
        if _people(replied) >= least:
            found[(scope, "wait", month, "")] = middle_wait(row.first_reply_minutes for row in replied)
    still = [row for row in asked if row.outcome == FactOutcome.OPEN]
    if _people(still) >= least:
        found[("", "oldest", month, "")] = (last_day(month) - min(row.day for row in still)).days // 7 + 1
    return found


def middle_wait(minutes: Iterable[int]) -> int:
    """The upper bound, in working minutes, of the category of the middle wait; 0 where it is longer than all."""
    bounds = dict(cells.WAITS)
    return bounds.get(cells.wait(median_high(minutes)), 0)


def _by_kind(asked: Sequence[Any]) -> list[tuple[str, list[Any]]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in asked:
        found[cells.scope_of("kind", cells.categories(row)["kind"])].append(row)
    return sorted(found.items())


def _people(rows: Iterable[Any]) -> int:
    return len({row.contact for row in rows})
