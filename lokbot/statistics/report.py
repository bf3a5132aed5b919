"""The report by mail: seven days before each meeting, and each time a month was closed where that is wanted.

``due`` says which reports nobody has got yet, ``compose`` writes one, ``send_due`` puts them in line for
everybody in the steering group and for ``statistics.report_to``, and remembers it in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lokbot import accounts
from lokbot.config import Settings, StatisticsSettings
from lokbot.conversation import staff_mail
from lokbot.conversation.working_days import SWEDEN, written_out
from lokbot.model import Knowledge, LocalText
from lokbot.statistics import demo, files, images, months
from lokbot.statistics.figures import View, default_period, figures
from lokbot.statistics.months import Period
from lokbot.store import queries
from lokbot.store.schema import Event, PublishedMonth
from lokbot.store.session import take_turns

_SENT = "statistics-reported"
BEFORE_MEETING = LocalText(
    "Statistik till styrgruppens möte {day}", "Statistics for the steering group's meeting {day}"
)
ON_THE_WEB = LocalText("Med bilder på webben: {page}", "With pictures on the web: {page}")
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
    early = timedelta(days=settings.report_days_before)
    found = [Report(meeting=meeting) for meeting in settings.meetings if meeting - early <= today <= meeting]
    newest = session.scalar(select(func.max(PublishedMonth.month)))
    if settings.report_monthly and newest is not None:
        found.append(Report(month=newest))
    if not found:
        return []
    sent = {detail.get("report") for detail in session.scalars(select(Event.detail).where(Event.verb == _SENT))}
    return [report for report in found if report.key not in sent]


def send_due(session: Session, *, settings: Settings, knowledge: Knowledge, now: datetime) -> int:
    """Mail every report that is due, each in its receiver's language; returns how many mails were put in line.

    Several workers may call it at once. Without anybody to send to it stays due.
    """
    today = now.astimezone(SWEDEN).date()
    take_turns(session, "report")
    readers = {user.email: user.language for user in accounts.steering(session)}
    receivers = {**{address.lower(): "sv" for address in settings.statistics.report_to}, **readers}
    reports = due(session, settings.statistics, today=today) if receivers else []
    for report in reports:
        written = {
            language: compose(
                session,
                report,
                knowledge=knowledge,
                settings=settings.statistics,
                today=today,
                language=language,
                site=settings.web.public_url,
            )
            for language in set(receivers.values())
        }
        for address, language in receivers.items():
            subject, text, page = written[language]
            staff_mail.enqueue(session, address, subject, text, settings=settings, now=now, page=page)
        mark(session, report, now=now)
    return len(reports) * len(receivers)


def compose(
    session: Session,
    report: Report,
    *,
    knowledge: Knowledge,
    settings: StatisticsSettings,
    today: date,
    language: str = "sv",
    site: str = "",
) -> tuple[str, str, staff_mail.Page]:
    """Subject, text, and the same with pictures, of published figures only. ``site``: where to look at them."""
    if report.month is not None:
        period = Period(report.month, report.month)
        subject = OF_MONTH.get(language).format(month=months.name(report.month).get(language))
    else:
        period = default_period(settings, View.STEERING, today=today)
        day = written_out(report.meeting, language) if report.meeting else ""
        subject = BEFORE_MEETING.get(language).format(day=day)
    found = figures(session, period, None, View.STEERING, knowledge=knowledge, settings=settings, today=today)
    is_demo = demo.is_demo(session)
    text = files.as_mail(found, language, is_demo=is_demo)
    address = f"{site}/statistik?fran={period.first}&till={period.last}" if site else ""
    if address:
        text += f"\n\n{ON_THE_WEB.get(language).format(page=address)}\n"
    return subject, text, images.as_page(found, language, is_demo=is_demo, address=address)


def mark(session: Session, report: Report, *, now: datetime) -> None:
    """It has been put in line: it is not due any more."""
    queries.record(session, _SENT, actor="bot", now=now, report=report.key)
