"""The one query of the statistics: page, CSV, XLSX, print and mail only write down what ``figures`` gives.

Coordinators see every fact as it stands now, through today. The steering group sees closed months as they were decided
(``closing``), and nothing else: for them nothing but published cells is read, and a longer period adds those up.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from lokbot.config import StatisticsSettings
from lokbot.model import Knowledge
from lokbot.statistics import months
from lokbot.statistics.months import Period
from lokbot.statistics.reading import Read, available, read
from lokbot.statistics.shapes import Cell, Chart, Figures, Filter, FilterError, Row, Table, View
from lokbot.statistics.showing import Shown
from lokbot.statistics.telling import Told

__all__ = [
    "Cell", "Chart", "Figures", "Filter", "FilterError", "Period", "Row", "Table", "View", "available",
    "default_period", "figures",
]  # fmt: skip


def default_period(settings: StatisticsSettings, view: View, *, today: date) -> Period:
    """Since the last meeting: for the steering group through the last closed month, for coordinators through today."""
    closed = months.last_closed(today, closes_after_days=settings.closes_after_days)
    last = closed if view is View.STEERING else months.month_of(today)
    return months.since_last_meeting(settings.meetings, today, last=last)


def figures(
    session: Session,
    period: Period,
    filters: Filter | None,
    view: View,
    *,
    knowledge: Knowledge,
    settings: StatisticsSettings,
    today: date,
) -> Figures:
    """All figures of a period of whole months. Raises PeriodError and FilterError for what cannot be shown."""
    found = read(session, period, filters, view, settings, today)
    shown, told = Shown(found, knowledge), Told(found, knowledge)
    return Figures(
        view=view,
        period=period,
        filter=filters,
        months=found.months,
        through=_through(found),
        questions=found.total.cell(),
        conversations=found.conversations().cell(),
        associations=found.associations(),
        unknown_share=found.unknown_share(),
        sentences=told.sentences(),
        table=shown.table(),
        charts=tuple(shown.charts()),
        notes=tuple(told.notes()),
    )


def _through(found: Read) -> date | None:
    if not found.months:
        return None
    last = months.last_day(found.months[-1])
    return last if found.view is View.STEERING else min(last, found.today)
