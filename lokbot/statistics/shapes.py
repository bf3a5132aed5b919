"""What figures look like to whoever writes them down: cells, tables, pictures, sentences. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Literal

from lokbot.model import LocalText, UserError
from lokbot.statistics import cells
from lokbot.statistics.months import Month, Period


class View(StrEnum):
    """Who looks."""

    COORDINATORS = "coordinators"
    STEERING = "steering"


class FilterError(UserError):
    """Figures cannot be narrowed so; the message says to what they can."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One category that figures are narrowed to. Two at once would point somebody out."""

    dimension: str
    category: str

    def __post_init__(self) -> None:
        if self.dimension not in cells.SCOPES:
            raise FilterError(f"”{self.dimension}” är inget urval. Välj bland: {', '.join(cells.SCOPES)}.")


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table. ``number`` is None where it is hidden, not whole, or words; ``floor`` is what is shown of
    a number that is not whole ("minst 20").
    """

    text: LocalText
    number: int | None = None
    floor: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """``key`` is the category, for links; empty where there is none to link to. ``is_aside``: not in print and mail."""

    key: str
    label: LocalText
    cells: tuple[Cell, ...]
    is_aside: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """``columns`` begin with the heading of the labels. ``dimension``: what the rows' keys are categories of, where the
    questions behind a row can be listed. ``others`` says in print and mail what the rows that are aside would.
    """

    id: str
    title: LocalText
    columns: tuple[LocalText, ...]
    rows: tuple[Row, ...]
    dimension: str = ""
    others: LocalText | None = None

    def brief(self) -> Table:
        """What of it stands in print and mail."""
        return replace(self, rows=tuple(row for row in self.rows if not row.is_aside))


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of a table. ``panels``: a small picture for each row over the columns; ``stack``: a bar for each
    column, a part for each row; ``bars``: a bar for each row's first cell; ``none``: the table says it better.
    ``unit`` is of numbers.
    """

    kind: Literal["panels", "stack", "bars", "none"]
    table: Table
    description: LocalText
    unit: Literal["", "%"] = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is shown of a period. ``through`` is the last day that the figures hold; None where none do."""

    view: View
    period: Period
    filter: Filter | None
    months: tuple[Month, ...]
    through: date | None
    questions: Cell
    conversations: Cell
    associations: Cell
    unknown_share: Cell
    sentences: tuple[LocalText, ...]
    table: Table
    charts: tuple[Chart, ...]
    notes: tuple[LocalText, ...]
