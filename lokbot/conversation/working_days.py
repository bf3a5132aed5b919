"""When somebody answers: Swedish working days, and how a day is written out."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Protocol
from zoneinfo import ZoneInfo

import holidays

SWEDEN = ZoneInfo("Europe/Stockholm")


class Promise(Protocol):
    """When somebody answers, as the settings say it."""

    @property
    def working_days(self) -> int: ...
    @property
    def day_begins(self) -> time: ...
    @property
    def day_ends(self) -> time: ...
    @property
    def closed_days(self) -> Collection[date]: ...


def promised_day(arrived: datetime, promise: Promise) -> date:
    """The day a receipt names, by the settings."""
    return answer_day(
        arrived, working_days=promise.working_days, day_ends=promise.day_ends, closed_days=promise.closed_days
    )


def answer_day(arrived: datetime, *, working_days: int, day_ends: time, closed_days: Collection[date]) -> date:
    """The latest day somebody answers what came in at ``arrived``.

    What comes after ``day_ends`` or on a day off counts as arriving on the next working day.
    """
    local = arrived.astimezone(SWEDEN)
    day = local.date()
    if local.time() >= day_ends:
        day += timedelta(days=1)
    while not is_working_day(day, closed_days):
        day += timedelta(days=1)
    for _ in range(working_days):
        day += timedelta(days=1)
        while not is_working_day(day, closed_days):
            day += timedelta(days=1)
    return day


def is_working_day(day: date, closed_days: Collection[date] = ()) -> bool:
    """Neither weekend, Swedish holiday (lag 1989:253), midsummer, Christmas or New Year's eve, nor a closed day."""
    return day.weekday() < 5 and day not in closed_days and day not in _holidays(day.year)


def working_minutes(start: datetime, end: datetime, promise: Promise) -> int:
    """Minutes from ``start`` to ``end`` within working hours: what an asker waits, nights and days off left out.

    Wall clock times are subtracted: no change to or from summer time falls within working hours.
    """
    first, last = start.astimezone(SWEDEN), end.astimezone(SWEDEN)
    total, day = 0, first.date()
    while day <= last.date():
        if is_working_day(day, promise.closed_days):
            begins = max(promise.day_begins, first.time()) if day == first.date() else promise.day_begins
            ends = min(promise.day_ends, last.time()) if day == last.date() else promise.day_ends
            total += max(0, _minutes(ends) - _minutes(begins))
        day += timedelta(days=1)
    return total


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def written_out(day: date, language: str) -> str:
    """``tisdag den 24 november 2026`` / ``Tuesday 24 November 2026``."""
    if language == "en":
        return f"{_WEEKDAYS['en'][day.weekday()]} {day.day} {MONTHS['en'][day.month - 1]} {day.year}"
    return f"{_WEEKDAYS['sv'][day.weekday()]} den {day.day} {MONTHS['sv'][day.month - 1]} {day.year}"


def loosely_dated(value: str, language: str) -> str:
    """A date as a source shows it (``2017-03-14``, ``2020-12``, ``2020``, or words), as people write it."""
    match = re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", value)
    if match is None or not 1 <= int(match[2]) <= 12:
        return value
    month = MONTHS["en" if language == "en" else "sv"][int(match[2]) - 1]
    return f"{int(match[3])} {month} {match[1]}" if match[3] else f"{month} {match[1]}"


def clock_time(moment: datetime, language: str) -> str:
    """``klockan 18.42`` / ``18:42``, in Sweden."""
    local = moment.astimezone(SWEDEN)
    return f"{local:%H:%M}" if language == "en" else f"klockan {local:%H.%M}"


@cache
def _holidays(year: int) -> frozenset[date]:
    # "de facto": the eves, which no law makes holidays but on which nobody at the city is at work.
    return frozenset(holidays.country_holidays("SE", years=year, categories=("public", "de_facto")))


_WEEKDAYS = {
    "sv": ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
MONTHS = {
    "sv": (
        "januari", "februari", "mars", "april", "maj", "juni",
        "juli", "augusti", "september", "oktober", "november", "december",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
