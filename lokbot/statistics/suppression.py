"""Which figures of a month may be shown, so that nobody can reckon out the others. Pure.

A month's questions are counted in a fixed list of tables: how many of each category of a dimension, and some dimensions
crossed by the outcome. What fewer than ``least`` people are behind is hidden (nought too: that nobody asked looks the
same). A hidden figure would often be the rest of a sum, so others are hidden with it until each has a *witness*:
other whole numbers of questions that would show the very same page. Whoever sees the page, and knows every sum and
this rule, cannot tell the two apart, whatever they reckon with.

A witness moves one question. Within a crossed table four hidden cells at the corners of a rectangle go up and down by
one, and no sum changes (``_rectangles``). Where a sum itself is hidden, a question moves to another hidden category, in
the margin and in each crossed table that the dimension stands in (``_transfers``). All crossed tables share the outcome
and nothing else, so numbers that add up in each of them are always the numbers of some questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

Cell = tuple[str, ...]
"""``(dimension, category)`` of a margin, ``(dimension, category, outcome)`` of a crossed table."""

OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class Count:
    """Questions, and how many different people asked them."""

    questions: int
    people: int


@dataclass(frozen=True, slots=True)
class Month:
    """What is counted of one month. ``margins`` are the dimensions whose categories add up to ``total``, each with its
    categories, also those that nobody asked about; ``crossed`` are those of them that are crossed by the outcome.
    ``open_ended`` dimensions add up to nothing that is shown.
    """

    total: Count
    counts: Mapping[Cell, Count]
    margins: Mapping[str, Sequence[str]]
    crossed: Sequence[str]
    open_ended: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.crossed and OUTCOME not in self.margins:
            raise ValueError("tables are crossed by the outcome, so it must be a margin")
        for dimension in self.margins:
            if sum(self.questions((dimension, one)) for one in self.margins[dimension]) != self.total.questions:
                raise ValueError(f"the categories of {dimension} do not add up to the total")

    def questions(self, cell: Cell) -> int:
        return self.counts[cell].questions if cell in self.counts else 0

    def cells(self) -> Iterable[Cell]:
        """All cells, shown or not."""
        for dimension, categories in (*self.margins.items(), *self.open_ended.items()):
            for category in categories:
                yield dimension, category
        for dimension in self.crossed:
            for category, outcome in product(self.margins[dimension], self.margins[OUTCOME]):
                yield dimension, category, outcome


def published(month: Month, *, least: int) -> dict[Cell, int] | None:
    """The figures that may be shown; None where not even the total may, and nothing is."""
    if month.total.people < least:
        return None
    hidden = primary(month, least=least)
    _Hiding(month, hidden).hide()
    return {cell: month.questions(cell) for cell in month.cells() if cell not in hidden}


def primary(month: Month, *, least: int) -> set[Cell]:
    """The cells that are too small to be shown by themselves."""
    return {cell for cell in month.cells() if cell not in month.counts or month.counts[cell].people < least}


class _Hiding:
    """Hides more cells until each hidden one that somebody stands behind has a witness. Hiding more spoils none."""

    def __init__(self, month: Month, hidden: set[Cell]) -> None:
        self._month, self._hidden = month, hidden
        self._witnessed: set[Cell] = set()

    def hide(self) -> None:
        for dimension, categories in self._month.margins.items():
            for category in categories:
                if self._is_in_need((dimension, category)):
                    self._take(self._transfers(dimension, category))
        for dimension in self._month.crossed:
            for category, outcome in product(self._month.margins[dimension], self._month.margins[OUTCOME]):
                cell = dimension, category, outcome
                if self._is_in_need(cell):
                    # Without a rectangle it is all that its row or column has: then that sum is hidden with it.
                    self._take(
                        list(self._rectangles(cell))
                        or [
                            *self._transfers(dimension, category, by=cell),
                            *self._transfers(OUTCOME, outcome, by=cell),
                        ]
                    )

    def _is_in_need(self, cell: Cell) -> bool:
        return cell in self._hidden and cell not in self._witnessed and self._month.questions(cell) > 0

    def _take(self, witnesses: Iterable[Sequence[Cell]]) -> None:
        """Hide the cells of the witness that costs least."""
        cheapest = min(witnesses, key=self._cost)
        self._hidden.update(cheapest)
        self._witnessed.update(cheapest)

    def _cost(self, cells: Iterable[Cell]) -> tuple[int, int]:
        """How many questions, and in how many cells, would be hidden for it."""
        more = set(cells) - self._hidden
        return sum(self._month.questions(cell) for cell in more), len(more)

    def _rectangles(self, cell: Cell) -> Iterable[Sequence[Cell]]:
        """The cells of each move of one question that changes this cell of a crossed table and no sum."""
        dimension, category, outcome = cell
        for other, otherwise in product(self._month.margins[dimension], self._month.margins[OUTCOME]):
            if other == category or otherwise == outcome:
                continue
            corners = (dimension, category, otherwise), (dimension, other, outcome), (dimension, other, otherwise)
            beside, below, across = (self._month.questions(corner) for corner in corners)
            # Two opposite corners give a question each; this cell has one to give.
            if across or (beside and below):
                yield (cell, *corners)

    def _transfers(self, dimension: str, category: str, *, by: Cell | None = None) -> Iterable[Sequence[Cell]]:
        """The cells of each move of one question between this category and another of its dimension.

        ``by``: in that cell's table it has to go through that cell.
        """
        for other in self._month.margins[dimension]:
            if other == category:
                continue
            for giver, taker in ((category, other), (other, category)):
                if self._month.questions((dimension, giver)) == 0:
                    continue
                cells: list[Cell] = [(dimension, giver), (dimension, taker)]
                for pairs in self._ways(dimension, giver, taker):
                    open_ways = [
                        pair for pair in pairs if self._month.questions(pair[0]) and (by is None or _is_by(by, pair))
                    ]
                    if not open_ways:
                        break
                    cells.extend(min(open_ways, key=self._cost))
                else:
                    yield cells

    def _ways(self, dimension: str, giver: str, taker: str) -> Iterable[list[tuple[Cell, Cell]]]:
        """For each crossed table with the dimension in it: the pairs of cells that a question can go between."""
        if dimension == OUTCOME:
            for row in self._month.crossed:
                yield [((row, each, giver), (row, each, taker)) for each in self._month.margins[row]]
        elif dimension in self._month.crossed:
            outcomes = self._month.margins[OUTCOME]
            yield [((dimension, giver, each), (dimension, taker, each)) for each in outcomes]


def _is_by(cell: Cell, pair: tuple[Cell, Cell]) -> bool:
    return pair[0][0] != cell[0] or cell in pair
