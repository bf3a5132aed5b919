"""The report by mail: seven days before each meeting, and each time a month was closed where that is wanted.

``due`` says which reports nobody has got yet, ``compose`` writes one, ``mark`` remembers that it was put in line. The
caller mails it to ``statistics.report_to``, in the same transaction as ``mark``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lokbot.config import StatisticsSettings
from lokbot.conversation.working_days import written_out
from lokbot.model import Knowledge, LocalText
from lokbot.statistics import demo, files, months
from lokbot.statistics.figures import View, default_period, figures
from lokbot.statistics.months import Period
from lokbot.store import queries
from lokbot.store.schema import Event, PublishedMonth

_SENT = "statistics-reported"
BEFORE_MEETING = LocalText(
    "Statistik till styrgruppens möte {day}", "Statistics for the steering group's meeting {day}"
)
OF_MONTH = LocalText("Statistik för {month}", "Statistics for {month}")


@dataclass(frozen=True, slots=True)
class Report:
    """A report that is due: before a ``meeting``, or of a ``month`` that was closed."""

    meeting: date | None = None
    month: str | None = None

    @property
    def key(self) -> str:
        return f"meeting {self.meeting.isoformat()}" if self.meeting else f"month {self.month}"


def due(session: Session, settings: StatisticsSettings, *, today: date) -> Sequence[Report]:
    """The reports that are due today and have not been mailed."""
    sent = {detail.get("report") for detail in session.scalars(select(Event.detail).where(Event.verb == _SENT))}
    early = timedelta(days=settings.report_days_before)
    found = [Report(meeting=meeting) for meeting in settings.meetings if meeting - early <= today <= meeting]
    newest = session.scalar(select(func.max(PublishedMonth.month)))
    if settings.report_monthly and newest is not None:
        found.append(Report(month=newest))
    return [report for report in found if report.key not in sent]


def compose(
    session: Session,
    report: Report,
    *,
    knowledge: Knowledge,
    settings: StatisticsSettings,
    today: date,
    language: str = "sv",
) -> tuple[str, str]:
    """Subject and text, of published figures only."""
    if report.month is not None:
        period = Period(report.month, report.month)
        subject = OF_MONTH.get(language).format(month=months.name(report.month).get(language))
    else:
        period = default_period(settings, View.STEERING, today=today)
        day = written_out(report.meeting, language) if report.meeting else ""
        subject = BEFORE_MEETING.get(language).format(day=day)
    found = figures(session, period, None, View.STEERING, knowledge=knowledge, settings=settings, today=today)
    return subject, files.as_mail(found, language, is_demo=demo.is_demo(session))


def mark(session: Session, report: Report, *, now: datetime) -> None:
    """It has been put in line: it is not due any more."""
    queries.record(session, _SENT, actor="bot", now=now, report=report.key)
