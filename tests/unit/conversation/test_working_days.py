"""Swedish working days, and days written out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.conversation.working_days import (
    SWEDEN,
    answer_day,
    clock_time,
    is_working_day,
    loosely_dated,
    written_out,
)

FIRST = datetime(2020, 1, 1, tzinfo=UTC)


def answered(arrived: datetime, *, days: int = 1, closed: tuple[date, ...] = ()) -> date:
    return answer_day(arrived, working_days=days, day_ends=time(16), closed_days=closed)


def in_sweden(year: int, month: int, day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SWEDEN)


@pytest.mark.parametrize(
    ("arrived", "expected"),
    [
        (in_sweden(2026, 11, 17), date(2026, 11, 18)),  # Tuesday
        (in_sweden(2026, 11, 17, 15, 59), date(2026, 11, 18)),
        (in_sweden(2026, 11, 17, 16, 0), date(2026, 11, 19)),  # the day has ended: as if it came on Wednesday
        (in_sweden(2026, 11, 20, 10), date(2026, 11, 23)),  # Friday morning
        (in_sweden(2026, 11, 20, 18, 42), date(2026, 11, 24)),  # Friday evening: as if it came on Monday
        (in_sweden(2026, 11, 21), date(2026, 11, 24)),  # Saturday
        (in_sweden(2026, 11, 22, 23, 59), date(2026, 11, 24)),  # Sunday night
        (in_sweden(2026, 12, 23, 10), date(2026, 12, 28)),  # before Christmas: eve to Sunday off
        (in_sweden(2026, 12, 24, 10), date(2026, 12, 29)),
        (in_sweden(2026, 12, 30, 17), date(2027, 1, 5)),  # New Year's Eve and Day off, then a weekend: as if on Monday
        (in_sweden(2026, 4, 2, 10), date(2026, 4, 7)),  # Maundy Thursday: Good Friday to Easter Monday off
        (in_sweden(2026, 6, 18, 10), date(2026, 6, 22)),  # midsummer's eve is a Friday
        (in_sweden(2026, 5, 13, 10), date(2026, 5, 15)),  # Ascension Day is a Thursday
        (in_sweden(2026, 6, 5, 10), date(2026, 6, 8)),  # the national day is a Saturday
        (in_sweden(2025, 6, 5, 10), date(2025, 6, 9)),  # and a Friday
        (in_sweden(2026, 4, 30, 10), date(2026, 5, 4)),  # the first of May is a Friday
        (in_sweden(2027, 1, 5, 10), date(2027, 1, 7)),  # Epiphany is a Wednesday
    ],
)
def test_the_latest_day_of_an_answer(arrived: datetime, expected: date) -> None:
    assert answered(arrived) == expected


def test_the_days_clock_is_swedish_in_summer_and_in_winter() -> None:
    assert answered(datetime(2026, 3, 27, 14, 59, tzinfo=UTC)) == date(2026, 3, 30)  # 15.59, winter time
    assert answered(datetime(2026, 3, 27, 15, 0, tzinfo=UTC)) == date(2026, 3, 31)
    assert answered(datetime(2026, 3, 30, 13, 59, tzinfo=UTC)) == date(2026, 3, 31)  # 15.59, summer time
    assert answered(datetime(2026, 3, 30, 14, 0, tzinfo=UTC)) == date(2026, 4, 1)
    assert answered(datetime(2026, 10, 26, 14, 59, tzinfo=UTC)) == date(2026, 10, 27)
    assert answered(datetime(2026, 10, 26, 15, 0, tzinfo=UTC)) == date(2026, 10, 28)


def test_late_in_the_utc_evening_it_is_tomorrow_in_sweden() -> None:
    assert answered(datetime(2026, 11, 19, 23, 30, tzinfo=UTC)) == date(2026, 11, 23)  # 00.30 on Friday


def test_closed_days_are_no_working_days() -> None:
    closed = (date(2026, 11, 18), date(2026, 11, 19))
    assert answered(in_sweden(2026, 11, 17), closed=closed) == date(2026, 11, 20)
    assert answered(in_sweden(2026, 11, 18), closed=closed) == date(2026, 11, 23)


def test_more_days_and_none() -> None:
    assert answered(in_sweden(2026, 11, 17), days=5) == date(2026, 11, 24)
    assert answered(in_sweden(2026, 11, 17), days=0) == date(2026, 11, 17)
    assert answered(in_sweden(2026, 11, 20, 17), days=0) == date(2026, 11, 23)


@given(
    arrived=st.integers(0, 25 * 365 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes)),
    days=st.integers(0, 10),
)
def test_an_answer_is_promised_on_a_working_day_after_so_many_others(arrived: datetime, days: int) -> None:
    day = answer_day(arrived, working_days=days, day_ends=time(16), closed_days=())
    local = arrived.astimezone(SWEDEN)
    assert is_working_day(day)
    first = local.date() + timedelta(days=local.time() >= time(16))
    between = [first + timedelta(days=number) for number in range((day - first).days + 1)]
    assert sum(is_working_day(each) for each in between) == days + 1


@pytest.mark.parametrize("day", [date(2026, 12, 24), date(2026, 12, 31), date(2026, 6, 19), date(2026, 10, 31)])
def test_the_eves_and_all_saints_are_off(day: date) -> None:
    assert not is_working_day(day)


@pytest.mark.parametrize("day", [date(2026, 1, 5), date(2026, 4, 2), date(2026, 4, 30), date(2026, 12, 23)])
def test_the_days_before_a_holiday_are_not(day: date) -> None:
    assert is_working_day(day)


def test_days_are_written_out() -> None:
    assert written_out(date(2026, 11, 24), "sv") == "tisdag den 24 november 2026"
    assert written_out(date(2026, 11, 1), "en") == "Sunday 1 November 2026"
    assert written_out(date(2026, 5, 1), "so") == "fredag den 1 maj 2026"


def test_the_clock_is_swedish() -> None:
    assert clock_time(datetime(2026, 7, 1, 16, 5, tzinfo=UTC), "sv") == "klockan 18.05"
    assert clock_time(datetime(2026, 12, 1, 16, 5, tzinfo=UTC), "en") == "17:05"


@pytest.mark.parametrize(
    ("value", "swedish", "english"),
    [
        ("2017-03-14", "14 mars 2017", "14 March 2017"),
        ("2020-12", "december 2020", "December 2020"),
        ("2020-01-01", "1 januari 2020", "1 January 2020"),
        ("2020", "2020", "2020"),
        ("hösten 2019", "hösten 2019", "hösten 2019"),
        ("2020-13", "2020-13", "2020-13"),
        ("2020-00-01", "2020-00-01", "2020-00-01"),
    ],
)
def test_a_sources_date_as_people_write_it(value: str, swedish: str, english: str) -> None:
    assert (loosely_dated(value, "sv"), loosely_dated(value, "en")) == (swedish, english)
