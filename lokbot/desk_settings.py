"""What coordinators set in the desk, laid over the settings file: days, hours, who answers, meetings, templates."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot import accounts
from lokbot.config import Promise, Settings
from lokbot.model import UserError
from lokbot.store import queries
from lokbot.store.schema import DeskSetting, Event

TEMPLATE = "template-"
"""What the name of each template's setting begins with."""

CLOSED_DAYS, DAY_ENDS, WORKING_DAYS, MEETINGS = "closed-days", "day-ends", "working-days", "meetings"


class NotUsable(UserError):
    """A value that cannot be set; the message says which and why."""

    exit_code = 4


def current(session: Session, settings: Settings) -> Settings:
    """The settings as they hold now: the file's, with what the desk has set, and everybody who answers."""
    stored = _stored(session)
    everybody = dict.fromkeys((*(one.lower() for one in settings.coordinators), *accounts.coordinators(session)))
    update: dict[str, Any] = {"coordinators": tuple(everybody), "promise": _promise(stored, settings)}
    if MEETINGS in stored:
        meetings = {*settings.statistics.meetings, *map(date.fromisoformat, stored[MEETINGS])}
        update["statistics"] = settings.statistics.model_copy(update={"meetings": tuple(sorted(meetings))})
    return settings.model_copy(update=update)


def promise(session: Session, settings: Settings) -> Promise:
    """When people work and answer, as it holds now."""
    return _promise(_stored(session), settings)


def _stored(session: Session) -> dict[str, Any]:
    return {row.name: row.value for row in session.scalars(select(DeskSetting))}


def _promise(stored: Mapping[str, Any], settings: Settings) -> Promise:
    update: dict[str, Any] = {}
    if CLOSED_DAYS in stored:
        days = {*settings.promise.closed_days, *map(date.fromisoformat, stored[CLOSED_DAYS])}
        update["closed_days"] = tuple(sorted(days))
    if DAY_ENDS in stored:
        update["day_ends"] = time.fromisoformat(stored[DAY_ENDS])
    if WORKING_DAYS in stored:
        update["working_days"] = stored[WORKING_DAYS]
    return settings.promise.model_copy(update=update) if update else settings.promise


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


def set_meetings(session: Session, meetings: Collection[date], *, actor: str, now: datetime) -> None:
    """When the steering group meets and met, beside the dates of the settings file."""
    if len(meetings) > 200:
        raise NotUsable("Högst 200 möten kan anges.")
    _set(session, MEETINGS, sorted({day.isoformat() for day in meetings}), actor=actor, now=now)


def own_meetings(session: Session) -> Sequence[date]:
    """The meetings that the desk has set, beside those of the settings file."""
    return _days(session, MEETINGS)


def own_closed_days(session: Session) -> Sequence[date]:
    """The closed days that the desk has set, beside those of the settings file."""
    return _days(session, CLOSED_DAYS)


def _days(session: Session, name: str) -> Sequence[date]:
    row = session.get(DeskSetting, name)
    return tuple(map(date.fromisoformat, row.value)) if row else ()


# ------------------------------------------------------------------ templates


@dataclass(frozen=True, slots=True)
class Template:
    """Words of the coordinators' own to put into an answer: what they call it, and its texts by language (``sv``
    always, ``en`` perhaps).
    """

    key: str
    name: str
    texts: Mapping[str, str]
    changed_by: str
    changed_at: datetime

    def text(self, language: str) -> str:
        """In the asker's language where there is one, else in Swedish."""
        return self.texts.get(language) or self.texts["sv"]


def templates(session: Session) -> Sequence[Template]:
    """All of them, by name."""
    rows = session.scalars(select(DeskSetting).where(DeskSetting.name.startswith(TEMPLATE, autoescape=True)))
    found = [Template(row.name, row.value["name"], row.value["texts"], row.changed_by, row.changed_at) for row in rows]
    return sorted(found, key=lambda one: one.name.casefold())


def set_template(
    session: Session, key: str | None, name: str, texts: Mapping[str, str], *, actor: str, now: datetime
) -> str:
    """Keep a template, a new one without ``key``; returns its key. What it said before stands in its history.

    Raises NotUsable without a name or a Swedish text, for a name that another has, and for one that is unknown.
    """
    name = " ".join(name.split())
    kept = {language: text.strip() for language, text in texts.items() if text.strip()}
    if not name or "sv" not in kept:
        raise NotUsable("Mallen behöver ett namn och en text på svenska.")
    if len(name) > 100 or any(len(text) > 10_000 for text in kept.values()):
        raise NotUsable("Namnet får ha 100 tecken och texten 10 000.")
    others = templates(session)
    if any(one.name.casefold() == name.casefold() and one.key != key for one in others):
        raise NotUsable("Det finns redan en mall med det namnet.")
    if key is not None and not any(one.key == key for one in template_history(session, most=2_000)):
        raise NotUsable("Mallen finns inte.")
    key = key or f"{TEMPLATE}{secrets.token_hex(8)}"
    _set(session, key, {"name": name, "texts": kept}, actor=actor, now=now)
    session.flush()
    return key


def remove_template(session: Session, key: str, *, actor: str, now: datetime) -> None:
    """Take a template away. Its history stays, and it can be put back from there."""
    row = session.get(DeskSetting, key) if key.startswith(TEMPLATE) else None
    if row is None:
        raise NotUsable("Mallen finns inte.")
    queries.record(session, "setting", actor=actor, now=now, name=key, before=row.value, after=None)
    session.delete(row)
    session.flush()


@dataclass(frozen=True, slots=True)
class Change:
    """That somebody wrote a template (``after``), or took it away (None)."""

    key: str
    at: datetime
    actor: str
    after: Mapping[str, Any] | None


def template_history(session: Session, *, most: int = 200) -> Sequence[Change]:
    """What has been done to the templates, newest first."""
    query = select(Event).where(Event.verb == "setting").order_by(Event.id.desc()).limit(2_000)
    found = [
        Change(event.detail["name"], event.at, event.actor, event.detail["after"])
        for event in session.scalars(query)
        if event.detail["name"].startswith(TEMPLATE)
    ]
    return found[:most]


def _set(session: Session, name: str, value: Any, *, actor: str, now: datetime) -> None:
    row = session.get(DeskSetting, name)
    if row is not None and row.value == value:
        return
    queries.record(session, "setting", actor=actor, now=now, name=name, before=row.value if row else None, after=value)
    session.merge(DeskSetting(name=name, value=value, changed_by=actor, changed_at=now))
