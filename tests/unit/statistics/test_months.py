"""Months are Sweden's: through the nights when clocks change, and over New Year."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from lokbot.config import Promise
from lokbot.conversation.working_days import SWEDEN, working_minutes
from lokbot.statistics import months
from lokbot.statistics.months import Period, PeriodError

PROMISE = Promise()


@pytest.mark.parametrize(
    ("moment", "month"),
    [
        (datetime(2026, 12, 31, 22, 59, tzinfo=UTC), "2026-12"),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), "2027-01"),
        (datetime(2026, 3, 31, 21, 59, tzinfo=UTC), "2026-03"),
        (datetime(2026, 3, 31, 22, 0, tzinfo=UTC), "2026-04"),  # summer time: two hours ahead
        (datetime(2026, 10, 31, 22, 59, tzinfo=UTC), "2026-10"),
        (datetime(2026, 10, 31, 23, 0, tzinfo=UTC), "2026-11"),  # winter time again
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "2026-03"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10"),
    ],
)
def test_a_question_belongs_to_the_month_it_is_in_sweden(moment: datetime, month: str) -> None:
    assert months.month_of(months.day_of(moment)) == month


def test_months_follow_each_other_over_new_year() -> None:
    period = Period("2026-11", "2027-02")
    assert [*period] == ["2026-11", "2026-12", "2027-01", "2027-02"]
    assert len(period) == 4
    assert period.before() == Period("2026-07", "2026-10")
    assert months.last_day("2028-02") == date(2028, 2, 29)
    assert months.first_day("2026-12") == date(2026, 12, 1)
    assert period.name().sv == "november 2026 till februari 2027"
    assert period.name().en == "November 2026 to February 2027"
    assert Period("2026-11", "2026-11").name().sv == "november 2026"
    assert months.short_name("2026-05").sv == "maj 26"


@pytest.mark.parametrize("written", ["2026", "2026-13", "2026-00", "26-11", "november", "2026-1", ""])
def test_what_is_no_month_is_said(written: str) -> None:
    with pytest.raises(PeriodError, match="till exempel 2026-11"):
        Period(written, "2026-12")


def test_a_period_that_ends_before_it_begins_is_said() -> None:
    with pytest.raises(PeriodError, match="Byt plats"):
        Period("2026-12", "2026-11")


@pytest.mark.parametrize(
    ("today", "closed"),
    [
        (date(2026, 11, 7), "2026-09"),
        (date(2026, 11, 8), "2026-10"),
        (date(2027, 1, 7), "2026-11"),
        (date(2027, 1, 8), "2026-12"),
    ],
)
def test_a_month_is_closed_a_week_after_its_end(today: date, closed: str) -> None:
    assert months.last_closed(today, closes_after_days=7) == closed


def test_since_the_last_meeting() -> None:
    meetings = (date(2026, 6, 10), date(2026, 9, 15), date(2026, 12, 3))
    today = date(2026, 11, 26)
    assert months.since_last_meeting(meetings, today, last="2026-10") == Period("2026-09", "2026-10")
    assert months.since_last_meeting((), today, last="2026-10") == Period("2025-11", "2026-10")
    # Right after a meeting nothing new is closed yet: the last closed month is better than nothing.
    assert months.since_last_meeting((date(2026, 11, 20),), today, last="2026-10") == Period("2026-10", "2026-10")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SWEDEN)


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2026-11-24 09:00", "2026-11-24 10:30", 90),
        ("2026-11-24 07:00", "2026-11-24 09:00", 60),  # before the day begins
        ("2026-11-24 15:30", "2026-11-25 08:30", 60),  # over a night
        ("2026-11-27 15:00", "2026-11-30 09:00", 120),  # over a weekend
        ("2026-12-23 15:00", "2026-12-28 09:00", 120),  # over Christmas
        ("2026-11-28 10:00", "2026-11-28 12:00", 0),  # a Saturday
        ("2026-11-24 18:00", "2026-11-24 20:00", 0),
        ("2026-10-23 15:00", "2026-10-26 09:00", 120),  # the clock is set back in between
        ("2026-11-24 10:00", "2026-11-24 09:00", 0),
    ],
)
def test_waiting_is_counted_in_working_time(start: str, end: str, minutes: int) -> None:
    assert working_minutes(at(start), at(end), PROMISE) == minutes
