"""Somebody of the steering group puts together everything they can get, and tries to work out a hidden figure.

They take the file of every period with every selection, read it as text, know every sum, and reckon with whole numbers.
What stands in the other files, on the page and in the mail is the same, cell by cell (``test_web_statistics``).
"""

from __future__ import annotations

import csv
import io
import random
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from sqlalchemy import delete, insert, select

from lokbot.config import StatisticsSettings
from lokbot.model import Knowledge
from lokbot.statistics import closing, files, suppression, wording
from lokbot.statistics.figures import Figures, Filter, Period, View, figures
from lokbot.statistics.months import first_day
from lokbot.store.schema import Fact, PublishedCell, PublishedMonth
from lokbot.store.session import Sessions, connect, session_factory
from tests import sample_knowledge as sample

TODAY = date(2026, 11, 26)
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
SETTINGS = StatisticsSettings()
SPAN = Period("2026-08", "2026-10")
CHOICES: dict[str, Sequence[Any]] = {
    "topic": ("lokaler", "bidrag", "anslutning", None),
    "administration": ("fritid", "kultur", None),
    "channel": ("mail", "webchat", "phone"),
    "language": ("svenska", "engelska", "annat"),
    "outcome": ("bot", "person", "pointed", "open", "suggestion"),
    "feedback": (None, "yes", "no"),
    "verdict": (None, "right", "wrong"),
    "association_kind": ("idrott", "kultur", "social"),
    "forwarded": (0, 1, 2),
}

Unknown = tuple[str, ...]
"""A month with a cell of it: dimension and category, and the outcome where it is crossed; the total has no cell."""


def knowledge() -> Knowledge:
    """A small one, so that there is little to hide among."""
    whole = sample.knowledge()
    return replace(
        whole,
        topics={one: whole.topics[one] for one in ("lokaler", "bidrag", "anslutning")},
        administrations={one: whole.administrations[one] for one in ("fritid", "kultur")},
        articles={one: whole.articles[one] for one in ("ga-med", "lana-lokal", "skatepark")},
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Sessions]:
    """One for all examples, emptied before each. What is published of what is no matter of the database."""
    file = tmp_path_factory.mktemp("attacked") / "lokbot.db"
    file.write_bytes(migrated_file.read_bytes())
    engine = connect(f"sqlite:///{file}")
    yield session_factory(engine)
    engine.dispose()


def asked(chance: random.Random, *, most: int, people: int, skew: float) -> list[dict[str, Any]]:
    """Facts of three months: most of them alike, some rare, as real ones are."""
    rows: list[dict[str, Any]] = []
    for month in SPAN:
        for _ in range(chance.randint(most // 3, most)):
            chosen = {name: some[int(len(some) * 0.999 * chance.random() ** skew)] for name, some in CHOICES.items()}
            who = chance.randrange(people)
            is_known = who % 5 != 0
            day = first_day(month).replace(day=chance.randint(1, 28))
            is_human = chosen["outcome"] in ("person", "suggestion")
            rows.append(
                {
                    **chosen,
                    "question_id": len(rows) + 1,
                    "conversation_id": len(rows) + 1,
                    "asked_at": datetime(day.year, day.month, day.day, 10, tzinfo=UTC),
                    "day": day,
                    "month": month,
                    "is_first": chance.random() < 0.9,
                    "intent": None,
                    "article": "ga-med" if chosen["topic"] == "anslutning" else "lana-lokal",
                    "revision_id": None,
                    "confidence": 0.5,
                    "is_unknown": chosen["outcome"] == "open",
                    "first_reply_minutes": chance.randrange(3000) if is_human else None,
                    "returned": int(chosen["forwarded"] == 2 and chance.random() < 0.5),
                    "contact": f"{who:032x}",
                    "association": f"{who % 7:032x}" if is_known else None,
                    "association_kind": chosen["association_kind"] if is_known else None,
                    "theme": "parkering" if chosen["outcome"] == "open" else None,
                    "is_anonymised": False,
                }
            )
    return rows


def closed(store: Sessions, rows: Sequence[dict[str, Any]]) -> None:
    """These facts and no others, with their months closed."""
    with store.begin() as session:
        for table in (Fact, PublishedCell, PublishedMonth):
            session.execute(delete(table))
        session.execute(insert(Fact), rows)
        closing.close_due(session, SETTINGS, knowledge(), now=NOW, today=TODAY)


# ------------------------------------------------------------------ what they get


def everything(store: Sessions) -> Iterator[tuple[Period, Filter | None, list[list[list[str]]]]]:
    """Each period and each selection with its file, as text: sentences in the first block, then the tables."""
    known = knowledge()
    chosen = [None, *(Filter("topic", one) for one in known.topics)]
    chosen += [Filter("administration", one) for one in known.administrations]
    chosen += [Filter("channel", str(one)) for one in CHOICES["channel"]]
    months = [*SPAN]
    with store() as session:
        for place, first in enumerate(months):
            for last in months[place:]:
                for one in chosen:
                    found = figures(
                        session,
                        Period(first, last),
                        one,
                        View.STEERING,
                        knowledge=known,
                        settings=SETTINGS,
                        today=TODAY,
                    )
                    yield Period(first, last), one, written(found)


def written(found: Figures) -> list[list[list[str]]]:
    text = files.as_csv(found, "sv").decode("utf-8-sig")
    blocks: list[list[list[str]]] = [[]]
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=";"):
        if row:
            blocks[-1].append([value.removeprefix("'") for value in row])
        else:
            blocks.append([])
    return blocks[:-1]


# ------------------------------------------------------------------ what they make of it


@dataclass
class Said:
    """Something that is true of sums of unknowns: how often each is counted, and between what the sum lies."""

    parts: Counter[Unknown]
    low: float
    high: float


class Attacker:
    """Collects what is said, and reckons."""

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        # Of the facts themselves they know only which categories there are.
        categories = closing.catalogue(knowledge())
        by_month = {month: [SimpleNamespace(**row) for row in rows if row["month"] == month] for month in SPAN}
        self.true = {month: closing.counted(found, categories) for month, found in by_month.items()}
        self.said: list[Said] = []
        self._matrix: np.ndarray[Any, Any] | None = None
        self.unknown: dict[Unknown, int] = {}
        for month, truth in self.true.items():
            self._place((month,))
            for dimension, found in truth.margins.items():
                self._say(Counter((month, dimension, one) for one in found), (month,))
            for dimension in truth.crossed:
                ends = truth.margins[suppression.OUTCOME]
                for one in truth.margins[dimension]:
                    self._say(Counter((month, dimension, one, end) for end in ends), (month, dimension, one))
                for end in ends:
                    inside: Counter[Unknown] = Counter((month, dimension, one, end) for one in truth.margins[dimension])
                    self._say(inside, (month, suppression.OUTCOME, end))

    def _place(self, cell: Unknown) -> None:
        self.unknown.setdefault(cell, len(self.unknown))

    def _say(self, parts: Counter[Unknown], whole: Unknown) -> None:
        parts.subtract([whole])
        self.add(parts, 0, 0)

    def add(self, parts: Counter[Unknown], low: float, high: float) -> None:
        for part in parts:
            self._place(part)
        self.said.append(Said(parts, low, high))

    def read(self, period: Period, chosen: Filter | None, shown: Sequence[list[list[str]]]) -> None:
        """Everything that a file says."""
        if chosen is None:
            told = re.match(r"Under perioden .* kom (.*) frågor(?: varje månad)? i (.*) ärenden", shown[0][0][0])
            assert told is not None, shown[0]
            self._number([*period], (), told[1])
            self._number([*period], ("conversation", "first"), told[2])
        for (title,), heads, *rows in shown[1:]:
            match title:
                case "Frågor per rubrik":
                    self._parts(period, chosen, "topic", rows)
                case "Frågor per förvaltning":
                    self._parts(period, chosen, "administration", rows)
                case "Hur frågorna kom in":
                    self._parts(period, chosen, "channel", rows)
                case "Frågor per språk":
                    self._parts(period, chosen, "language", rows)
                case "Vad hände med frågorna":
                    self._parts(period, chosen, "outcome", rows)
                case "Frågor som inget svar finns till":
                    self._parts(period, chosen, "theme", rows)
                case "Svaren, och hur ofta de skickades":
                    self._parts(period, chosen, "article", rows, has_shares=False)
                case "Skickade vidare":
                    self._parts(period, chosen, "forwarded", rows, has_shares=False)
                case "Hjälpte svaret?":
                    self._parts(period, chosen, "feedback", rows, has_shares=False)
                case "Granskade svar från boten":
                    self._parts(period, chosen, "verdict", rows, has_shares=False)
                case "Rubrikernas andel per månad":
                    for label, *values in rows:
                        if label != "Övrigt":
                            for month, value in zip(period, values, strict=True):
                                self._share([month], ("topic", self._named("topic", label)), value)
                case "Vad hände med frågorna, månad för månad":
                    for label, *values in rows:
                        for month, value in zip(period, values, strict=True):
                            self._number([month], self._cell(chosen, "outcome", label), value)
                case "Lika villkor":
                    for label, questions, answered, _ in rows:
                        cell = "kind", self._named("kind", label)
                        self._number([*period], cell, questions)
                        self._answered([*period], cell, answered)
                case "Frågor utan svar":
                    self._number([*period], self._cell(chosen, "outcome", "Väntar på svar"), rows[0][1])
                case "Så länge dröjde svar av en människa":
                    continue  # no counts
                case _:
                    raise AssertionError(f"nobody reads ”{title}” {heads}")

    def _named(self, dimension: str, label: str) -> str:
        """The category that a label is the name of."""
        there = {*wording.NAMES.get(dimension, ())}
        there |= {one for truth in self.true.values() for one in truth.margins.get(dimension, ())}
        there |= {one for truth in self.true.values() for one in truth.open_ended.get(dimension, ())}
        names: dict[str, str] = {wording.name(dimension, one, knowledge()).sv.casefold(): one for one in sorted(there)}
        return names[label.casefold()]

    def _cell(self, chosen: Filter | None, dimension: str, label: str) -> Unknown:
        category = self._named(dimension, label)
        return (dimension, category) if chosen is None else (chosen.dimension, chosen.category, category)

    def _parts(
        self,
        period: Period,
        chosen: Filter | None,
        dimension: str,
        rows: Sequence[Sequence[str]],
        *,
        has_shares: bool = True,
    ) -> None:
        """A table of the categories of a dimension, now and in the period before, with what is left of the whole."""
        whole: Unknown = () if chosen is None else (chosen.dimension, chosen.category)
        before = [*period.before()]
        shown, rest = 0, None
        for label, value, *more in rows:
            if label == "Alla frågor":
                self._number([*period], (), value)
                self._difference(period, (), more)
                continue
            if label.startswith("Övrigt"):
                rest = int(value)
                continue
            named = self._named(dimension, label)
            cell = (dimension, named) if chosen is None else (chosen.dimension, chosen.category, named)
            shown += self._number([*period], cell, value)
            if has_shares and more:
                self._share([*period], cell, more[0], whole)
            if len(more) == 3 and before[0] >= SPAN.first:
                self._number(before, cell, more[1])
                self._difference(period, cell, more)
        if rest is not None:
            # What is left is the whole without what stands above it: that gives the whole.
            self.add(self._of([*period], whole), rest + shown, rest + shown)

    def _of(self, months: Sequence[str], cell: Unknown) -> Counter[Unknown]:
        return Counter((month, *cell) for month in months)

    def _number(self, months: Sequence[str], cell: Unknown, text: str) -> int:
        """A figure; gives what is shown of it."""
        if re.fullmatch(r"\d+", text):
            self.add(self._of(months, cell), int(text), int(text))
            return int(text)
        if found := re.fullmatch(r"minst (\d+)", text):
            self.add(self._of(months, cell), int(found[1]), np.inf)
            return int(found[1])
        assert re.fullmatch("färre än 5( varje månad)?", text), text
        return 0

    def _difference(self, period: Period, cell: Unknown, more: Sequence[str]) -> None:
        if found := re.fullmatch(r"([+−]?)(\d+)", more[2]):
            number = int(found[2]) * (-1 if found[1] == "−" else 1)
            parts = self._of([*period], cell)
            parts.subtract(self._of([*period.before()], cell))
            self.add(parts, number, number)

    def _share(self, months: Sequence[str], cell: Unknown, text: str, whole: Unknown = ()) -> None:
        if found := re.fullmatch(r"(\d+)\s%", text):
            self._between(self._of(months, cell), self._of(months, whole), int(found[1]) - 0.5, int(found[1]) + 0.5)

    def _answered(self, months: Sequence[str], cell: Unknown, text: str) -> None:
        if found := re.fullmatch(r"(minst )?(\d+)\s%", text):
            parts: Counter[Unknown] = Counter()
            for end in ("bot", "suggestion", "person", "pointed"):
                parts += self._of(months, (*cell, end))
            high = 100.0 if found[1] else int(found[2]) + 0.5
            self._between(parts, self._of(months, cell), int(found[2]) - 0.5, high)

    def _between(self, part: Counter[Unknown], whole: Counter[Unknown], low: float, high: float) -> None:
        """``part`` is between these percents of ``whole``."""
        for percent, is_least in ((low, True), (high, False)):
            parts: Counter[Any] = Counter({one: 100 * count for one, count in part.items()})
            for one, count in whole.items():
                parts[one] -= percent * count  # type: ignore[assignment]
            self.add(parts, 0 if is_least else -np.inf, np.inf if is_least else 0)

    # -------------------------------------------------------------- and reckon

    def recovers(self, decided: Collection[Unknown]) -> list[Unknown]:
        """Cells that somebody stands behind, that were not ``decided`` to be published, and can be one number only.
        (What was decided may be given by a sum without standing on any page.)
        """
        found = []
        for cell in sorted(self.unknown):
            if self._questions(cell) and cell not in decided:
                ends = {self._end(cell, sign) for sign in (1, -1)}
                if len(ends) == 1:
                    assert ends == {self._questions(cell)}, "whoever reckons right is right"
                    found.append(cell)
        return found

    def _questions(self, cell: Unknown) -> int:
        truth = self.true[cell[0]]
        return truth.total.questions if len(cell) == 1 else truth.questions(cell[1:])

    def _end(self, cell: Unknown, sign: int) -> int:
        """The least (or the most, within a thousand) that a cell can be."""
        if self._matrix is None:
            self._matrix = np.zeros((len(self.said), len(self.unknown)))
            for row, one in enumerate(self.said):
                for part, count in one.parts.items():
                    self._matrix[row, self.unknown[part]] = count
        aim = np.zeros(len(self.unknown))
        aim[self.unknown[cell]] = sign
        true = LinearConstraint(self._matrix, [one.low for one in self.said], [one.high for one in self.said])
        solved = milp(aim, constraints=true, integrality=np.ones(len(aim)), bounds=Bounds(0, 1000))
        assert solved.x is not None, f"what is said contradicts itself: {solved.message}"
        least: float = sign * solved.fun
        return round(least)


def attack(store: Sessions, rows: Sequence[dict[str, Any]]) -> list[Unknown]:
    """What somebody works out who reads everything."""
    closed(store, rows)
    attacker = Attacker(rows)
    for period, chosen, file in everything(store):
        attacker.read(period, chosen, file)
    return attacker.recovers(decided(store))


def decided(store: Sessions) -> set[Unknown]:
    """What was published on purpose."""
    with store() as session:
        stored = session.execute(select(*PublishedCell.__table__.c)).all()
    found: set[Unknown] = set()
    for cell in stored:
        dimension, _, category = cell.scope.partition("=")
        inside = (dimension, category, cell.category) if dimension else (cell.dimension, cell.category)
        found.add((cell.month,) if cell.dimension == "question" else (cell.month, *inside))
    return found


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32), st.integers(12, 130), st.integers(6, 40), st.floats(0.7, 3))
def test_nobody_works_out_a_hidden_figure_from_all_periods_selections_and_files(
    store: Sessions, seed: int, most: int, people: int, skew: float
) -> None:
    assert attack(store, asked(random.Random(seed), most=most, people=people, skew=skew)) == []


def test_without_complementary_suppression_the_same_attacker_does(
    store: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = asked(random.Random(1), most=120, people=30, skew=1.3)
    assert attack(store, rows) == []

    def naive(month: suppression.Month, *, least: int) -> dict[suppression.Cell, int]:
        hidden = suppression.primary(month, least=least)
        return {cell: month.questions(cell) for cell in month.cells() if cell not in hidden}

    monkeypatch.setattr(suppression, "published", naive)
    lost = attack(store, rows)
    assert len(lost) > 5
    assert ("2026-09", "topic", "", "open") in lost, "the question of one person"
