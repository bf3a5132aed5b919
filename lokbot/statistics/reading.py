"""Read the cells of a view: of what there is now, or of what was published; whoever sees the one reads no other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from lokbot.config import StatisticsSettings
from lokbot.model import FactOutcome, LocalText
from lokbot.statistics import cells, months, wording
from lokbot.statistics.months import Month, Period
from lokbot.statistics.shapes import Cell, Filter, View
from lokbot.store.schema import Fact, FactCell, PublishedCell, PublishedMonth


@dataclass(frozen=True, slots=True)
class Sum:
    """A figure over months: what is shown of it, and in how many of them it is hidden."""

    shown: int
    hidden: int
    months: int
    least: int

    @property
    def number(self) -> int | None:
        return None if self.hidden else self.shown

    def text(self) -> LocalText:
        if not self.hidden:
            return wording.plain(self.shown)
        return wording.at_least(wording.plain(self.shown)) if self.shown else wording.hidden(self.least, self.months)

    def of(self, noun: str) -> LocalText:
        """``31 frågor``, ``minst 20 frågor``, ``färre än 5 frågor varje månad``"""
        if self.hidden and not self.shown:
            return wording.hidden(self.least, self.months, noun)
        return wording.of(noun, self.text())

    def cell(self) -> Cell:
        return Cell(self.text(), self.number, self.shown if self.hidden else 0)


_NOTHING: Mapping[Month, int] = {}


@dataclass(frozen=True, slots=True)
class Read:
    """The cells of a view. ``found``: by scope, dimension and category the number of each month."""

    view: View
    period: Period
    filter: Filter | None
    scope: str
    months: tuple[Month, ...]
    before: tuple[Month, ...]
    least: int
    found: Mapping[tuple[str, str], Mapping[str, Mapping[Month, int]]]
    distinct_associations: int | None
    oldest: date | None
    today: date
    _sums: dict[tuple[str, str, str], Sum] = field(default_factory=dict, compare=False, repr=False)

    def sum(
        self, dimension: str, category: str = "", *, over: Sequence[Month] | None = None, scope: str | None = None
    ) -> Sum:
        """A category over months (those of the period)."""
        if over is not None:
            return self._added_up(self.of(dimension, scope).get(category, _NOTHING), over)
        # Sentences, tables and pictures ask for the same again and again.
        which = dimension, category, self.scope if scope is None else scope
        if which not in self._sums:
            self._sums[which] = self._added_up(self.of(dimension, scope).get(category, _NOTHING), self.months)
        return self._sums[which]

    def _added_up(self, values: Mapping[Month, int], over: Sequence[Month]) -> Sum:
        there = [values[month] for month in over if month in values]
        # Coordinators see all there is, so what is not there is nought.
        hidden = len(over) - len(there) if self.view is View.STEERING else 0
        return Sum(sum(there), hidden, len(over), self.least)

    def of(self, dimension: str, scope: str | None = None) -> Mapping[str, Mapping[Month, int]]:
        return self.found.get((self.scope if scope is None else scope, dimension), {})

    def categories(self, dimension: str) -> list[str]:
        """Those with something to show in the period, the most asked about first; what has no category last."""
        sums = {category: self.sum(dimension, category).shown for category in self.of(dimension)}
        return sorted(
            (category for category, shown in sums.items() if shown),
            key=lambda category: (category == "", -sums[category], category),
        )

    def kinds(self) -> list[str]:
        prefix = cells.scope_of("kind", "")
        return sorted({scope.removeprefix(prefix) for scope, _ in self.found if scope.startswith(prefix)})

    @property
    def total(self) -> Sum:
        """All questions; of a selection those in it, which is published as a category among all."""
        if self.filter is not None and self.view is View.STEERING:
            return self.sum(self.filter.dimension, self.filter.category, scope="")
        return self.sum("question")

    @property
    def is_narrowed(self) -> bool:
        """Whether there is less to show: published figures within a selection are its outcomes alone."""
        return self.filter is not None and self.view is View.STEERING

    def conversations(self) -> Sum:
        return self.sum("conversation", "first")

    def associations(self) -> Cell:
        if self.distinct_associations is not None:
            return Cell(wording.plain(self.distinct_associations), self.distinct_associations)
        if self.filter is not None:
            # No page tells it of a selection, and counting it there would take most of a page's time.
            return Cell(wording.NOT_SHOWN)
        known = [month for month in self.months if month in self.of("associations").get("", {})]
        if not known:
            return Cell(wording.hidden(self.least, len(self.months)))
        total = sum(self.of("associations")[""][month] for month in known)
        average = (2 * total + len(known)) // (2 * len(known))
        return Cell(wording.plain(average), average)

    def unknown_share(self) -> Cell:
        unknown = self.sum("kind", cells.KIND_UNKNOWN)
        if unknown.number is None or self.total.number is None:
            return Cell(wording.NOT_SHOWN)
        return share(unknown.number, self.total.number)

    def wait(self, scope: str, over: Sequence[Month]) -> int | None:
        """The bound that half of the waits lie within; None where it may not be shown, or nobody waited.

        Published: if half lay within a bound in each month, half lie within the longest of these in all.
        """
        if self.view is View.STEERING:
            known = [self.of("wait", scope).get("", {}).get(month) for month in over]
            shown = [bound for bound in known if bound is not None]
            return None if not shown else 0 if 0 in shown else max(shown)
        counts = [(bound, self.sum("waiting", name, over=over, scope=scope).shown) for name, bound in cells.WAITS]
        counts.append((0, self.sum("waiting", cells.LONGER, over=over, scope=scope).shown))
        total = sum(count for _, count in counts)
        seen = 0
        for bound, count in counts:
            seen += count
            # The upper of two in the middle, as in ``closing``.
            if total and seen > total // 2:
                return bound
        return None

    def weeks(self) -> int | None:
        """Whole weeks that the oldest question without an answer has waited at most."""
        if self.view is View.COORDINATORS:
            return None if self.oldest is None else (self.today - self.oldest).days // 7 + 1
        published = self.of("oldest").get("", {})
        return max((published[month] for month in self.months if month in published), default=None)


def available(session: Session, view: View, *, today: date) -> Period | None:
    """From the first through the last month that a view has figures of; None where there are none."""
    if view is View.STEERING:
        begin, end = session.execute(select(func.min(PublishedMonth.month), func.max(PublishedMonth.month))).one()
        return Period(begin, end) if begin is not None and end is not None else None
    first = session.scalar(select(func.min(Fact.month)))
    return Period(first, max(first, months.month_of(today))) if first is not None else None


READ = tuple(sorted({*cells.WITHIN, "article", "theme", "automatic", "associations", "wait", "oldest"}))
"""Dimensions that pages tell of: all but ``association``, whose thousands of categories are only counted."""

_COMPARED = ("question", "topic")
"""What of the period before is told beside the period."""


def read(
    session: Session, period: Period, filters: Filter | None, view: View, settings: StatisticsSettings, today: date
) -> Read:
    scope = cells.scope_of(filters.dimension, filters.category) if filters else ""
    before = period.before()
    if view is View.STEERING:
        table: type[FactCell] | type[PublishedCell] = PublishedCell
        is_within = PublishedMonth.month.between(before.first, period.last)
        there = set(session.scalars(select(PublishedMonth.month).where(is_within)))
        least = session.scalar(select(func.max(PublishedMonth.least)).where(is_within)) or settings.least
    else:
        table = FactCell
        first = session.scalar(select(func.min(Fact.month)))
        this = months.month_of(today)
        there = {month for span in (before, period) for month in span if first is not None and first <= month <= this}
        least = settings.least
    scopes = [scope] if filters else ["", *_kinds(session, table)]
    found: dict[tuple[str, str], dict[str, dict[Month, int]]] = defaultdict(lambda: defaultdict(dict))
    for span, dimensions in ((period, READ), (before, _COMPARED)):
        for place, dimension, category, month, questions in _cells(session, table, scopes, dimensions, span):
            found[place, dimension][category][month] = questions
    if filters is not None and view is View.STEERING:
        for _, _, category, month, questions in _cells(session, table, [""], [filters.dimension], period):
            found["", filters.dimension][category][month] = questions
    inside = tuple(month for month in period if month in there)
    # Half of what was before compares with nothing.
    earlier = tuple(before) if all(month in there for month in before) and inside == tuple(period) else ()
    is_raw = view is View.COORDINATORS
    return Read(
        view=view,
        period=period,
        filter=filters,
        scope=scope,
        months=inside,
        before=earlier,
        least=least,
        found=found,
        distinct_associations=_associations(session, period) if is_raw and filters is None else None,
        oldest=_oldest(session, filters, period) if is_raw else None,
        today=today,
    )


def _cells(
    session: Session,
    table: type[FactCell] | type[PublishedCell],
    scopes: Sequence[str],
    dimensions: Sequence[str],
    span: Period,
) -> Sequence[Row[str, str, str, Month, int]]:
    """Scope, dimension, category, month, questions: found by the key, so that nothing else is looked through, and read
    without the ORM, which takes as long over thousands of cells as the database does.
    """
    cell = table.__table__.c
    return session.execute(
        select(cell.scope, cell.dimension, cell.category, cell.month, cell.questions).where(
            cell.scope.in_(scopes),
            cell.dimension.in_(dimensions),
            cell.month.between(span.first, span.last),
            cell.questions > 0,
        )
    ).all()


def _kinds(session: Session, table: type[FactCell] | type[PublishedCell]) -> list[str]:
    query = select(table.category).where(table.scope == "", table.dimension == "kind").distinct()
    return [cells.scope_of("kind", category) for category in session.scalars(query)]


def _associations(session: Session, period: Period) -> int:
    """How many different ones: they cannot be added up from months."""
    different = (
        select(FactCell.category)
        .where(
            FactCell.scope == "",
            FactCell.dimension == "association",
            FactCell.month.between(period.first, period.last),
            FactCell.questions > 0,
        )
        .distinct()
    )
    # Not count(distinct ...), for which PostgreSQL sorts them all.
    return session.scalar(select(func.count()).select_from(different.subquery())) or 0


def _oldest(session: Session, filters: Filter | None, period: Period) -> date | None:
    # By days, as the index has them: by months all that was ever left open would be looked through.
    query = select(func.min(Fact.day)).where(
        Fact.outcome == FactOutcome.OPEN,
        Fact.day.between(months.first_day(period.first), months.last_day(period.last)),
    )
    if filters:
        query = query.where(getattr(Fact, filters.dimension) == filters.category)
    return session.scalar(query)


# ------------------------------------------------------------------ cells


def share(part: int | None, whole: int | None) -> Cell:
    """Whole percent; a dash where either is hidden."""
    if part is None or whole is None:
        return dash()
    return Cell(wording.percent(part, whole), (200 * part + whole) // (2 * whole) if whole else None)


def number(number: int | None) -> Cell:
    return dash() if number is None else Cell(wording.plain(number), number)


def dash() -> Cell:
    return Cell(LocalText("–", "–"))


def change(now: Sum, before: Sum) -> Cell:
    """How many more or fewer; a dash where either is hidden or there is nothing to compare with."""
    if now.number is None or before.number is None or not before.months:
        return dash()
    by = now.number - before.number
    return Cell(wording.plain(f"+{by}" if by > 0 else f"−{-by}" if by < 0 else "0"), by)
