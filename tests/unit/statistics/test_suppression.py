"""Somebody who sees every published figure, and knows every sum, tries to work out a hidden one."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from lokbot.statistics import closing, demo
from lokbot.statistics.suppression import OUTCOME, Cell, Count, Month, primary, published
from tests import sample_knowledge as sample

LEAST = 5
MARGINS = {
    "topic": ["a", "b", "c", "d"],
    "channel": ["mail", "chat"],
    "kind": ["sport"],
    "language": ["sv", "en", "other"],
    OUTCOME: ["bot", "person", "open"],
}
CROSSED = ("topic", "channel", "kind")

Question = dict[str, str]


@st.composite
def questions(draw: st.DrawFn) -> list[tuple[Question, int]]:
    """Questions with who asked: most alike, some rare, as real ones are."""
    count = draw(st.integers(0, 60))
    people = draw(st.integers(1, 40))
    chance = draw(st.randoms(use_true_random=False))
    skew = draw(st.floats(0.5, 4))
    return [
        (
            {name: found[int(len(found) * 0.999 * chance.random() ** skew)] for name, found in MARGINS.items()},
            chance.randrange(people),
        )
        for _ in range(count)
    ]


def counted(asked: list[tuple[Question, int]]) -> Month:
    numbers: Counter[Cell] = Counter()
    people: dict[Cell, set[int]] = defaultdict(set)
    for question, who in asked:
        cells: list[Cell] = [(name, question[name]) for name in MARGINS]
        cells += [(name, question[name], question[OUTCOME]) for name in CROSSED]
        for cell in cells:
            numbers[cell] += 1
            people[cell].add(who)
    counts = {cell: Count(number, len(people[cell])) for cell, number in numbers.items()}
    return Month(Count(len(asked), len({who for _, who in asked})), counts, MARGINS, CROSSED)


class Attacker:
    """Knows the published figures and that each table adds up; reckons with any numbers from nought upwards."""

    def __init__(self, month: Month, shown: dict[Cell, int], *, closed: bool = False) -> None:
        """``closed``: leave out what adds up to nothing."""
        self.unknown = [
            cell for cell in month.cells() if cell not in shown and not (closed and cell[0] in month.open_ended)
        ]
        place = {cell: number for number, cell in enumerate(self.unknown)}
        sums: list[tuple[list[Cell], int | Cell]] = [
            ([(name, one) for one in found], month.total.questions) for name, found in month.margins.items()
        ]
        for name in month.crossed:
            outcomes = month.margins[OUTCOME]
            sums += [([(name, one, end) for end in outcomes], (name, one)) for one in month.margins[name]]
            sums += [([(name, one, end) for one in month.margins[name]], (OUTCOME, end)) for end in outcomes]
        rows, right = [], []
        for parts, whole in sums:
            row, rest = np.zeros(len(self.unknown)), 0.0
            for cell in parts:
                if cell in place:
                    row[place[cell]] += 1
                else:
                    rest -= shown[cell]
            if isinstance(whole, int):
                rest += whole
            elif whole in place:
                row[place[whole]] -= 1
            else:
                rest += shown[whole]
            rows.append(row)
            right.append(rest)
        self.matrix, self.right = np.array(rows), np.array(right)

    def range_of(self, cell: Cell) -> tuple[float, float]:
        """The least and the most that a hidden cell can be."""
        aim = np.zeros(len(self.unknown))
        aim[self.unknown.index(cell)] = 1
        ends = []
        for sign in (1, -1):
            found = linprog(sign * aim, A_eq=self.matrix, b_eq=self.right, bounds=(0, None))
            ends.append(sign * found.fun if found.status == 0 else float("inf"))
        return ends[0], ends[1]

    def solves(self, month: Month) -> list[Cell]:
        """The hidden cells that somebody stands behind and that the sums alone give: all solutions agree on them."""
        _, sizes, directions = np.linalg.svd(self.matrix)
        free = directions[(sizes > 1e-9).sum() :]
        fixed = np.abs(free).max(axis=0, initial=0) < 1e-9
        return [cell for cell, is_fixed in zip(self.unknown, fixed, strict=True) if is_fixed and month.questions(cell)]

    def recovers(self, month: Month, *, most: int | None = None) -> list[Cell]:
        """The hidden cells that somebody stands behind and that can be only one number; of the ``most`` smallest."""
        found = []
        stands = sorted((cell for cell in self.unknown if month.questions(cell)), key=month.questions)
        for cell in stands[:most]:
            low, high = self.range_of(cell)
            if high - low < 1e-6:
                found.append(cell)
        return found


@settings(max_examples=60, deadline=None)
@given(questions())
def test_nobody_works_out_a_hidden_figure(asked: list[tuple[Question, int]]) -> None:
    month = counted(asked)
    shown = published(month, least=LEAST)
    if shown is None:
        assert month.total.people < LEAST
        return
    attacker = Attacker(month, shown)
    assert attacker.solves(month) == []
    assert attacker.recovers(month, most=12) == []


@settings(max_examples=60, deadline=None)
@given(questions())
def test_what_is_shown_is_true_and_of_enough_people(asked: list[tuple[Question, int]]) -> None:
    month = counted(asked)
    for cell, number in (published(month, least=LEAST) or {}).items():
        assert number == month.questions(cell)
        assert month.counts[cell].people >= LEAST


def without_complementary(month: Month) -> dict[Cell, int]:
    hidden = primary(month, least=LEAST)
    return {cell: month.questions(cell) for cell in month.cells() if cell not in hidden}


def test_hiding_the_small_figures_alone_gives_them_away() -> None:
    """The attacker is a real one: without the second step it reads the figure of three people off the page."""
    common = {"topic": "a", "channel": "mail", "kind": "sport", "language": "sv", OUTCOME: "bot"}
    asked = [(common, who) for who in range(20)]
    asked += [({**common, "topic": "b", "language": "en"}, who) for who in range(20, 28)]
    asked += [({**common, "channel": "chat"}, who) for who in range(30, 33)]
    month = counted(asked)
    naive = without_complementary(month)
    assert ("channel", "chat") not in naive
    assert ("channel", "chat") in Attacker(month, naive).recovers(month)
    assert Attacker(month, naive).range_of(("channel", "chat")) == pytest.approx((3, 3))
    shown = published(month, least=LEAST)
    assert shown is not None
    assert Attacker(month, shown).recovers(month) == []
    assert ("topic", "a") in shown, "what has nothing to do with it stays"


def test_generated_months_often_give_something_away_without_complementary_suppression() -> None:
    chance = np.random.default_rng(1)
    given_away = 0
    for _ in range(12):
        asked = [
            ({name: found[int(len(found) * chance.random() ** 2.5)] for name, found in MARGINS.items()}, who)
            for who in range(25)
        ]
        month = counted(asked)
        given_away += bool(Attacker(month, without_complementary(month)).solves(month))
        shown = published(month, least=LEAST)
        assert shown is not None
        assert Attacker(month, shown).recovers(month) == []
    assert given_away >= 4


def test_a_month_of_few_people_shows_nothing_at_all() -> None:
    asked = [(dict.fromkeys(MARGINS, ""), 1)] * 40
    month = Month(Count(40, 1), {("topic", ""): Count(40, 1)}, {"topic": [""]}, ())
    assert len(asked) == 40
    assert published(month, least=LEAST) is None


def test_many_questions_of_few_people_are_hidden() -> None:
    counts: dict[Cell, Count] = {
        ("topic", "a"): Count(30, 20),
        ("topic", "b"): Count(40, 4),
        ("topic", "c"): Count(9, 9),
    }
    month = Month(Count(79, 33), counts, {"topic": ["a", "b", "c"]}, ())
    shown = published(month, least=LEAST)
    assert shown == {("topic", "a"): 30}, "b is 4 people's, and c is hidden so that b is no rest"


def test_nought_and_few_look_the_same() -> None:
    counts: dict[Cell, Count] = {("topic", "a"): Count(30, 20), ("topic", "b"): Count(2, 2)}
    month = Month(Count(32, 22), counts, {"topic": ["a", "b", "c"]}, ())
    assert published(month, least=LEAST) == {("topic", "a"): 30}


def test_open_ended_dimensions_are_shown_one_by_one() -> None:
    counts: dict[Cell, Count] = {
        ("topic", "a"): Count(9, 9),
        ("article", "x"): Count(6, 6),
        ("article", "y"): Count(3, 3),
    }
    month = Month(Count(9, 9), counts, {"topic": ["a"]}, (), {"article": ["x", "y"]})
    assert published(month, least=LEAST) == {("topic", "a"): 9, ("article", "x"): 6}


def test_tables_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="topic do not add up"):
        Month(Count(3, 3), {("topic", "a"): Count(2, 2)}, {"topic": ["a"]}, ())
    with pytest.raises(ValueError, match="crossed by the outcome"):
        Month(Count(0, 0), {}, {"topic": ["a"]}, ("topic",))


def test_every_combination_of_two_categories_is_safe() -> None:
    """All small tables of two by two, exhaustively: three topics' worth of counts up to the least."""
    margins = {"topic": ["a", "b"], OUTCOME: ["x", "y"]}
    for numbers in product((0, 4, 7), repeat=4):
        cells = list(product(margins["topic"], margins[OUTCOME]))
        asked: list[tuple[Question, int]] = []
        for (topic, end), number in zip(cells, numbers, strict=True):
            for _ in range(number):
                asked.append(({**{n: f[0] for n, f in MARGINS.items()}, "topic": topic, OUTCOME: end}, len(asked)))
        mapped = {"x": "bot", "y": "person"}
        month = counted([({**q, OUTCOME: mapped[q[OUTCOME]]}, who) for q, who in asked])
        shown = published(month, least=LEAST)
        if shown is not None:
            assert Attacker(month, shown).recovers(month) == [], numbers


@pytest.mark.parametrize("seed", [1, 2])
def test_nobody_works_out_a_hidden_figure_of_a_whole_month_as_it_is_closed(seed: int) -> None:
    """All tables that are published, on a month of invented facts; without complementary suppression some are lost."""
    knowledge = sample.knowledge()
    rows = [SimpleNamespace(**row) for row in demo.demo_facts(seed, until=date(2026, 4, 30), knowledge=knowledge)]
    asked = [row for row in rows if row.month == "2026-04" and row.outcome != "automatic"]
    month = closing.counted(asked, closing.catalogue(knowledge))
    shown = published(month, least=LEAST)
    assert shown is not None
    assert len(shown) > 40
    of_sums = {cell for cell in shown if cell[0] not in month.open_ended}
    attacker = Attacker(month, {cell: shown[cell] for cell in of_sums}, closed=True)
    assert attacker.solves(month) == []
    assert attacker.recovers(month, most=15) == []
    assert Attacker(month, without_complementary(month), closed=True).solves(month) != []
