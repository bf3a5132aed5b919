"""What coordinators set in the desk, laid over the settings file: days, hours, what the bot may send, who is away,
meetings, templates. Every change is kept, and an earlier value can be taken again.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot import accounts
from lokbot.config import Answering, Promise, Settings
from lokbot.model import AnsweringMode, ChannelName, UserError
from lokbot.store import queries
from lokbot.store.schema import DeskSetting, Event, User
from lokbot.store.session import take_turns

TEMPLATE = "template-"
"""What the name of each template's setting begins with."""

CLOSED_DAYS, DAY_ENDS, WORKING_DAYS, MEETINGS = "closed-days", "day-ends", "working-days", "meetings"
DAY_BEGINS, UNDO = "day-begins", "undo-minutes"
MODE, MODE_CHANNEL, MODE_TOPIC = "answering-default", "answering-channel-", "answering-topic-"
GROUP, GROUP_TEXT = "telegram-group", "telegram-text"
ABSENCE = "absence-"
"""What the name of each account's absence begins with; the absence itself stands with the account."""

MEANWHILE = (
    "Någon annan ändrade samma sak medan du skrev. Inget är sparat. Det som gäller nu står överst. "
    "Spara igen om ditt ska gälla."
)

FOLLOW = "follow"
"""A channel without a mode of its own follows what holds in general, a topic its channel."""


class NotUsable(UserError):
    """A value that cannot be set; the message says which and why."""

    exit_code = 4


class ChangedMeanwhile(NotUsable):
    """Somebody else has set the same since it was read: nothing is written over unseen."""


def current(session: Session, settings: Settings) -> Settings:
    """The settings as they hold now: the file's, with what the desk has set, and everybody who answers."""
    stored = _stored(session)
    everybody = dict.fromkeys((*(one.lower() for one in settings.coordinators), *accounts.coordinators(session)))
    update: dict[str, Any] = {
        "coordinators": tuple(everybody),
        "promise": _promise(stored, settings),
        "answering": _answering(stored, settings.answering),
    }
    if GROUP in stored or GROUP_TEXT in stored:
        update["telegram"] = settings.telegram.model_copy(
            update={
                "coordinators_chat": stored.get(GROUP, settings.telegram.coordinators_chat),
                "coordinators_text": stored.get(GROUP_TEXT, settings.telegram.coordinators_text),
            }
        )
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
    if DAY_BEGINS in stored:
        update["day_begins"] = time.fromisoformat(stored[DAY_BEGINS])
    if DAY_ENDS in stored:
        update["day_ends"] = time.fromisoformat(stored[DAY_ENDS])
    if WORKING_DAYS in stored:
        update["working_days"] = stored[WORKING_DAYS]
    return settings.promise.model_copy(update=update) if update else settings.promise


def _answering(stored: Mapping[str, Any], file: Answering) -> Answering:
    update: dict[str, Any] = {}
    if MODE in stored:
        update["default"] = AnsweringMode(stored[MODE])
    if UNDO in stored:
        update["undo_minutes"] = stored[UNDO]
    for field, prefix in (("channels", MODE_CHANNEL), ("topics", MODE_TOPIC)):
        own = {name.removeprefix(prefix): mode for name, mode in stored.items() if name.startswith(prefix)}
        modes = {str(key): str(mode) for key, mode in getattr(file, field).items()} | own
        if own:
            key_of: Callable[[str], Any] = ChannelName if field == "channels" else str
            update[field] = {key_of(key): AnsweringMode(mode) for key, mode in modes.items() if mode != FOLLOW}
    return file.model_copy(update=update) if update else file


# ------------------------------------------------------------------ one setting at a time


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds now. ``of_file`` is what the settings file (or its default) says, ``is_own`` whether the desk has
    another word. ``stamp`` names the value that was read: whoever writes gives it back.
    """

    name: str
    value: Any
    of_file: Any
    is_own: bool
    changed_by: str
    changed_at: datetime | None
    stamp: str


def setting(session: Session, name: str, settings: Settings) -> Setting:
    """One of them; ``settings`` are the file's. Raises NotUsable for a name that is none."""
    return laid_over(session, name, of_file(name, settings))


def laid_over(session: Session, name: str, of_file: Any) -> Setting:
    """What the desk has set under a name, over what the files say."""
    row = session.get(DeskSetting, name)
    if row is None:
        return Setting(name, of_file, of_file, False, "", None, stamp(None))
    return Setting(name, row.value, of_file, True, row.changed_by, row.changed_at, stamp(row.value))


def stamp(value: Any) -> str:
    """What names a stored value, or that there is none."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def of_file(name: str, settings: Settings) -> Any:
    """What the file's settings say, as it would be stored. Raises NotUsable for a name that is no setting."""
    answering, found = settings.answering, _SETTINGS.get(name)
    if found is not None:
        return found[0](settings)
    if name.startswith(MODE_CHANNEL):
        channel = name.removeprefix(MODE_CHANNEL)
        if channel in set(ChannelName):
            return str(answering.channels.get(ChannelName(channel), FOLLOW))
    elif name.startswith(MODE_TOPIC):
        return str(answering.topics.get(name.removeprefix(MODE_TOPIC), FOLLOW))
    raise NotUsable("Det finns ingen sådan inställning.")


def read(name: str, written: str) -> Any:
    """What somebody wrote, as it is stored. Raises NotUsable, which names the place and the remedy."""
    if name in _SETTINGS:
        return _SETTINGS[name][1](written)
    if written not in (FOLLOW, *AnsweringMode):
        raise NotUsable("Välj ett av sätten.")
    return written


def put(session: Session, name: str, value: Any, *, seen: str, actor: str, now: datetime) -> None:
    """Set it (None: as the file has it again) for whoever has read what ``seen`` names. Raises ChangedMeanwhile."""
    row = held(session, name)
    if stamp(row.value if row else None) != seen:
        raise ChangedMeanwhile(MEANWHILE)
    if value is not None:
        _set(session, name, value, actor=actor, now=now)
    elif row is not None:
        queries.record(session, "setting", actor=actor, now=now, name=name, before=row.value, after=None)
        session.delete(row)
    session.flush()


def put_setting(
    session: Session, name: str, value: Any, *, seen: str, settings: Settings, actor: str, now: datetime
) -> None:
    """``put`` for a setting of the file's; what would not hold together with the others is refused."""
    of_file(name, settings)
    put(session, name, value, seen=seen, actor=actor, now=now)
    hours = promise(session, settings)
    if hours.day_begins >= hours.day_ends:
        raise NotUsable(
            "Dagen börjar {begins} och slutar {ends}. Den ska börja före den slutar: ändra den andra tiden först.",
            begins=f"{hours.day_begins:%H.%M}",
            ends=f"{hours.day_ends:%H.%M}",
        )


def held(session: Session, name: str) -> DeskSetting | None:
    """What is stored under a name, as it stands; nobody else writes any until the transaction ends."""
    take_turns(session, "desk settings")
    return session.get(DeskSetting, name, populate_existing=True)


@dataclass(frozen=True, slots=True)
class Change:
    """That somebody set something (``after``), or left it to the files again, or took it away (None)."""

    id: int
    name: str
    at: datetime
    actor: str
    before: Any
    after: Any


def history(session: Session, name: str, *, most: int = 100) -> Sequence[Change]:
    """What has been set under a name, newest first."""
    query = select(Event).where(Event.verb == "setting", Event.detail["name"].as_string() == name)
    return [_change(event) for event in session.scalars(query.order_by(Event.id.desc()).limit(most))]


def change(session: Session, name: str, number: int) -> Change:
    """One of its changes. Raises NotUsable where it has none such."""
    event = session.get(Event, number)
    if event is None or event.verb != "setting" or event.detail["name"] != name:
        raise NotUsable("Välj ett tidigare värde.")
    return _change(event)


def _change(event: Event) -> Change:
    detail = event.detail
    return Change(event.id, detail["name"], event.at, event.actor, detail["before"], detail["after"])


# ------------------------------------------------------------------ what may be written


def _read_days(written: str) -> list[str]:
    days = {day_of(line.strip()).isoformat() for line in written.splitlines() if line.strip()}
    if len(days) > 400:
        raise NotUsable("Högst 400 stängda dagar kan anges.")
    return sorted(days)


def _read_time(written: str) -> str:
    try:
        return time.fromisoformat(written.strip().replace(".", ":")).isoformat("minutes")
    except ValueError:
        raise NotUsable("Klockslaget ska skrivas som 16:00.") from None


def _read_working_days(written: str) -> int:
    if not (written.strip().isdecimal() and len(written) < 5 and int(written) <= 30):
        raise NotUsable("Antalet arbetsdagar ska vara mellan 0 och 30.")
    return int(written)


def _read_undo(written: str) -> int:
    if not (written.strip().isdecimal() and len(written) < 5 and int(written) <= 120):
        raise NotUsable("Ångertiden ska vara mellan 0 och 120 minuter.")
    return int(written)


def _read_mode(written: str) -> str:
    if written not in set(AnsweringMode):
        raise NotUsable("Välj ett av sätten.")
    return written


def _read_group(written: str) -> str:
    number = written.strip().replace("−", "-")
    if number and not re.fullmatch(r"-\d{1,20}", number):
        raise NotUsable("Gruppens nummer börjar med minus, som -1001234567890. Skriv /grupp i gruppen, så får du det.")
    return number


def day_of(value: str) -> date:
    """The day that was written. Raises NotUsable for what is none."""
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise NotUsable("”{value}” är inget datum. Skriv som 2026-12-23.", value=value[:40]) from None


# Each setting of the file: what the file says, and how what somebody writes is read. The desk's closed days come
# beside the file's, so that alone they are none.
_SETTINGS: Mapping[str, tuple[Callable[[Settings], Any], Callable[[str], Any]]] = {
    DAY_BEGINS: (lambda settings: settings.promise.day_begins.isoformat("minutes"), _read_time),
    DAY_ENDS: (lambda settings: settings.promise.day_ends.isoformat("minutes"), _read_time),
    WORKING_DAYS: (lambda settings: settings.promise.working_days, _read_working_days),
    CLOSED_DAYS: (lambda _: [], _read_days),
    MODE: (lambda settings: str(settings.answering.default), _read_mode),
    UNDO: (lambda settings: settings.answering.undo_minutes, _read_undo),
    GROUP: (lambda settings: settings.telegram.coordinators_chat, _read_group),
    GROUP_TEXT: (lambda settings: settings.telegram.coordinators_text, lambda written: written == "1"),
}


# ------------------------------------------------------------------ who is away


def absence(session: Session, user: User) -> Setting:
    """Until when somebody is away and who hears of what is theirs meanwhile."""
    value = {"until": user.absent_until.isoformat() if user.absent_until else "", "deputy": user.deputy or ""}
    last = next(iter(history(session, f"{ABSENCE}{user.id}", most=1)), None)
    by, at = (last.actor, last.at) if last else ("", None)
    return Setting(f"{ABSENCE}{user.id}", value, None, True, by, at, stamp(value))


def set_absence(session: Session, user: User, until: str, deputy: str, *, seen: str, actor: str, now: datetime) -> None:
    """Set it for whoever has read what ``seen`` names. Raises NotUsable, ChangedMeanwhile."""
    take_turns(session, "desk settings")
    session.refresh(user, ("absent_until", "deputy"))
    before, deputy = absence(session, user), deputy.strip().lower()
    if before.stamp != seen:
        raise ChangedMeanwhile(MEANWHILE)
    if deputy and not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", deputy):
        raise NotUsable("Ersättarens adress är ingen mejladress. Skriv som namn@stad.example.")
    if deputy == user.email:
        raise NotUsable("Ersättaren ska vara någon annan.")
    user.deputy = deputy[:320] or None
    user.absent_until = day_of(until) if until else None
    after = {"until": until, "deputy": user.deputy or ""}
    if after != before.value:
        queries.record(session, "setting", actor=actor, now=now, name=before.name, before=before.value, after=after)
    session.flush()


# ------------------------------------------------------------------ the steering group's meetings


def set_meetings(session: Session, meetings: Collection[date], *, actor: str, now: datetime) -> None:
    """When the steering group meets and met, beside the dates of the settings file."""
    if len(meetings) > 200:
        raise NotUsable("Högst 200 möten kan anges.")
    _set(session, MEETINGS, sorted({day.isoformat() for day in meetings}), actor=actor, now=now)


def own_meetings(session: Session) -> Sequence[date]:
    """The meetings that the desk has set, beside those of the settings file."""
    row = session.get(DeskSetting, MEETINGS)
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
    stamp: str

    def text(self, language: str) -> str:
        """In the asker's language where there is one, else in Swedish."""
        return self.texts.get(language) or self.texts["sv"]


def templates(session: Session) -> Sequence[Template]:
    """All of them, by name."""
    rows = session.scalars(select(DeskSetting).where(DeskSetting.name.startswith(TEMPLATE, autoescape=True)))
    found = [
        Template(row.name, row.value["name"], row.value["texts"], row.changed_by, row.changed_at, stamp(row.value))
        for row in rows
    ]
    return sorted(found, key=lambda one: one.name.casefold())


def set_template(
    session: Session,
    key: str | None,
    name: str,
    texts: Mapping[str, str],
    *,
    actor: str,
    now: datetime,
    seen: str | None = None,
) -> str:
    """Keep a template, a new one without ``key``; returns its key. What it said before stands in its history.

    Raises NotUsable without a name or a Swedish text, for a name that another has, and for one that is unknown;
    ChangedMeanwhile where it is no longer what ``seen`` names, "" where there was none.
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
    if key is not None and not any(one.name == key for one in template_history(session, most=2_000)):
        raise NotUsable("Mallen finns inte.")
    key = key or f"{TEMPLATE}{secrets.token_hex(8)}"
    _refuse_changed(session, key, seen)
    _set(session, key, {"name": name, "texts": kept}, actor=actor, now=now)
    session.flush()
    return key


def _refuse_changed(session: Session, key: str, seen: str | None) -> None:
    row = held(session, key)
    if seen is not None and seen != (stamp(row.value) if row else ""):
        raise ChangedMeanwhile(MEANWHILE)


def remove_template(session: Session, key: str, *, actor: str, now: datetime, seen: str | None = None) -> None:
    """Take a template away. Its history stays, and it can be put back from there."""
    row = session.get(DeskSetting, key) if key.startswith(TEMPLATE) else None
    if row is None:
        raise NotUsable("Mallen finns inte.")
    _refuse_changed(session, key, seen)
    queries.record(session, "setting", actor=actor, now=now, name=key, before=row.value, after=None)
    session.delete(row)
    session.flush()


def template_history(session: Session, *, most: int = 200) -> Sequence[Change]:
    """What has been done to the templates, newest first."""
    is_template = Event.detail["name"].as_string().startswith(TEMPLATE, autoescape=True)
    query = select(Event).where(Event.verb == "setting", is_template).order_by(Event.id.desc()).limit(most)
    return [_change(event) for event in session.scalars(query)]


def _set(session: Session, name: str, value: Any, *, actor: str, now: datetime) -> None:
    row = session.get(DeskSetting, name)
    if row is not None and row.value == value:
        return
    queries.record(session, "setting", actor=actor, now=now, name=name, before=row.value if row else None, after=value)
    session.merge(DeskSetting(name=name, value=value, changed_by=actor, changed_at=now))
