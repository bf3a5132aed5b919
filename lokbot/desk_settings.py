"""What coordinators set in the desk, laid over the settings file: closed days, hours, who answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot import accounts
from lokbot.config import Settings
from lokbot.model import UserError
from lokbot.store import queries
from lokbot.store.schema import DeskSetting

CLOSED_DAYS, DAY_ENDS, WORKING_DAYS = "closed-days", "day-ends", "working-days"


class NotUsable(UserError):
    """A value that cannot be set; the message says which and why."""

    exit_code = 4


def current(session: Session, settings: Settings) -> Settings:
    """The settings as they hold now: the file's, with what the desk has set, and everybody who answers."""
    stored = {row.name: row.value for row in session.scalars(select(DeskSetting))}
    promise: dict[str, Any] = {}
    if CLOSED_DAYS in stored:
        days = {*settings.promise.closed_days, *map(date.fromisoformat, stored[CLOSED_DAYS])}
        promise["closed_days"] = tuple(sorted(days))
    if DAY_ENDS in stored:
        promise["day_ends"] = time.fromisoformat(stored[DAY_ENDS])
    if WORKING_DAYS in stored:
        promise["working_days"] = stored[WORKING_DAYS]
    everybody = dict.fromkeys((*(one.lower() for one in settings.coordinators), *accounts.coordinators(session)))
    update: dict[str, Any] = {"coordinators": tuple(everybody)}
    if promise:
        update["promise"] = settings.promise.model_copy(update=promise)
    return settings.model_copy(update=update)


def set_promise(
    session: Session,
    *,
    closed_days: Sequence[date],
    day_ends: time,
    working_days: int,
    actor: str,
    now: datetime,
) -> None:
    """When somebody answers. What was promised before stands."""
    if not 0 <= working_days <= 30:
        raise NotUsable("Antalet arbetsdagar ska vara mellan 0 och 30.")
    if len(closed_days) > 400:
        raise NotUsable("Högst 400 stängda dagar kan anges.")
    _set(session, CLOSED_DAYS, sorted({day.isoformat() for day in closed_days}), actor=actor, now=now)
    _set(session, DAY_ENDS, day_ends.isoformat("minutes"), actor=actor, now=now)
    _set(session, WORKING_DAYS, working_days, actor=actor, now=now)


def own_closed_days(session: Session) -> Sequence[date]:
    """The closed days that the desk has set, beside those of the settings file."""
    row = session.get(DeskSetting, CLOSED_DAYS)
    return tuple(map(date.fromisoformat, row.value)) if row else ()


def _set(session: Session, name: str, value: Any, *, actor: str, now: datetime) -> None:
    row = session.get(DeskSetting, name)
    if row is not None and row.value == value:
        return
    queries.record(session, "setting", actor=actor, now=now, name=name, before=row.value if row else None, after=value)
    session.merge(DeskSetting(name=name, value=value, changed_by=actor, changed_at=now))
