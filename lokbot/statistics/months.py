"""Months and periods as Sweden has them: when one begins, when it is closed, what "since the last meeting" is. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from lokbot.conversation.working_days import MONTHS, SWEDEN
from lokbot.model import LocalText, UserError

Month = str
"""``2026-11``: sorts by time, and reads as what it is."""


class PeriodError(UserError):
    """A period that cannot be; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole months, the first and the last among them."""

    first: Month
    last: Month

    def __post_init__(self) -> None:
        if _number(self.first) > _number(self.last):
            raise PeriodError(f"Perioden börjar ({self.first}) efter att den slutar ({self.last}). Byt plats på dem.")

    def __iter__(self) -> Iterator[Month]:
        return (_month(number) for number in range(_number(self.first), _number(self.last) + 1))

    def __len__(self) -> int:
        return _number(self.last) - _number(self.first) + 1

    def before(self) -> Period:
        """The same number of months right before."""
        return Period(moved(self.first, -len(self)), moved(self.first, -1))

    def name(self) -> LocalText:
        """``september till oktober 2026``, ``december 2025 till mars 2026``"""
        first, last = name(self.first), name(self.last)
        if self.first == self.last:
            return first
        if self.first[:4] == self.last[:4]:
            first = LocalText(first.sv[:-5], first.en[:-5])
        return LocalText(f"{first.sv} till {last.sv}", f"{first.en} to {last.en}")


def day_of(moment: datetime) -> date:
    """The day in Sweden."""
    return moment.astimezone(SWEDEN).date()


def month_of(day: date) -> Month:
    return f"{day:%Y-%m}"


def first_day(month: Month) -> date:
    """Its first day. Raises PeriodError where ``month`` is not written as one."""
    year, place = divmod(_number(month), 12)
    return date(year, place + 1, 1)


def last_day(month: Month) -> date:
    return first_day(moved(month, 1)) - timedelta(days=1)


def moved(month: Month, by: int) -> Month:
    """The month so many later (earlier where ``by`` is negative)."""
    return _month(_number(month) + by)


def name(month: Month) -> LocalText:
    """``november 2026`` / ``November 2026``"""
    year, place = divmod(_number(month), 12)
    return LocalText(f"{MONTHS['sv'][place]} {year}", f"{MONTHS['en'][place]} {year}")


def short_name(month: Month) -> LocalText:
    """``nov 26``, for axes."""
    year, place = divmod(_number(month), 12)
    return LocalText(f"{MONTHS['sv'][place][:3]} {year % 100:02}", f"{MONTHS['en'][place][:3]} {year % 100:02}")


def last_closed(today: date, *, closes_after_days: int) -> Month:
    """The newest month that has been over for so many days, so that what was asked in its end has been answered."""
    return moved(month_of(today - timedelta(days=closes_after_days)), -1)


def since_last_meeting(meetings: Collection[date], today: date, *, last: Month) -> Period:
    """From the month of the last meeting (which saw the months before it) through ``last``; without one, a year."""
    held = [meeting for meeting in meetings if meeting < today]
    first = month_of(max(held)) if held else moved(last, -11)
    return Period(min(first, last), last)


def _number(month: Month) -> int:
    """Months since year 0."""
    try:
        year, _, place = month.partition("-")
        if len(year) == 4 and len(place) == 2 and 1 <= int(place) <= 12 and int(year) >= 1:
            return int(year) * 12 + int(place) - 1
    except ValueError:
        pass
    raise PeriodError(f"”{month}” är ingen månad. Skriv år och månad, till exempel 2026-11.")


def _month(number: int) -> Month:
    return f"{number // 12:04}-{number % 12 + 1:02}"
