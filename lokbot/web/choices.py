"""What coordinators set, all in one place: what holds now, where it comes from, who changed it, what it was before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from lokbot import accounts, audit, desk_settings, desk_texts
from lokbot.conversation.escalation import NotPossible
from lokbot.conversation.working_days import SWEDEN
from lokbot.desk_settings import FOLLOW, NotUsable, Setting
from lokbot.model import AnsweringMode, ChannelName, UserError
from lokbot.store import queries
from lokbot.store.schema import User
from lokbot.web.cases import CHANNELS, names
from lokbot.web.visit import Visit

LABELS = {
    desk_settings.DAY_BEGINS: "Dagen börjar",
    desk_settings.DAY_ENDS: "Dagen slutar",
    desk_settings.WORKING_DAYS: "En person svarar inom",
    desk_settings.CLOSED_DAYS: "Stängda dagar",
    desk_settings.MODE: "Överallt där inget annat är valt",
    desk_settings.UNDO: "Ångertid",
    desk_settings.GROUP: "Samordnarnas grupp i Telegram",
    desk_settings.GROUP_TEXT: "Vad gruppen får läsa",
}
HINTS = {
    desk_settings.DAY_BEGINS: "Statistiken räknar väntan i arbetstid.",
    desk_settings.DAY_ENDS: "Det som kommer senare än så räknas till nästa dag.",
    desk_settings.WORKING_DAYS: "Kvittot till den som skrev nämner dagen. Det som redan är lovat ändras inte.",
    desk_settings.CLOSED_DAYS: (
        "En dag på varje rad (2026-12-23). Lördagar, söndagar och helgdagar är redan undantagna."
    ),
    desk_settings.MODE: "Boten skickar bara svar som någon har godkänt. Ska den vara helt tyst? Pausa den i stället.",
    desk_settings.UNDO: "Så många minuter kan ett svar från mejl eller skrivbordet stoppas innan det går.",
    desk_settings.GROUP: (
        "Ärenden som väntar berättas där och kan besvaras där. Skriv /grupp i gruppen, så får du dess nummer. "
        "Lämna tomt för ingen grupp."
    ),
    desk_settings.GROUP_TEXT: (
        "Telegram är ett företag utanför staden. Det brådskande, och det som har personnummer eller filer, "
        "visas aldrig där."
    ),
}
MODES = {
    AnsweringMode.SEND: "Boten skickar godkända svar själv",
    AnsweringMode.SUGGEST: "Boten föreslår, en person skickar",
}
FOLLOWS = {"channel": "Som överallt", "topic": "Som kanalen"}
GROUP_TEXTS = {"": "Bara ärendenummer, rubrik och länk", "1": "Också det som stod, med namn och nummer dolda"}
# What phrases are for, by how their keys begin: first what those who ask read, then what others do.
TO_ASKERS = {
    "opening": "Inledning",
    "draft": "Märkning av utkast",
    "question": "Flera frågor i ett mejl",
    "source": "Källa",
    "as-of": "Uppgifternas ålder",
    "route": "Visa vidare",
    "receipt": "Kvitto",
    "contact": "Vägen till en person",
    "personal-number": "När någon skrev ett personnummer",
    "greeting": "Hälsning i en chatt",
    "hello": "Svar på ett hej",
    "help": "Hjälp i en chatt",
    "language": "Val av språk",
    "hidden": "När någon döljer sin chatt",
    "moved": "När ett ärende flyttas",
    "solved": "Efter ett svar i en chatt",
    "person": "Före en persons svar i en chatt",
    "button": "Knapp",
    "reached": "Mejl till den som chattade",
    "copy": "Kopia av en chatt",
    "clarify": "Fråga tillbaka",
    "offer": "Erbjuda svar under väntan",
    "case": "Ärendenummer",
    "subject": "Ämnesrad",
    "english-below": "Hänvisning till engelskan",
    "other-language": "På ett annat språk",
    "forwarded": "När en fråga har skickats vidare",
    "passed-on": "Före en förvaltnings svar",
    "correction": "Rättelse",
    "signature": "Signatur",
}
TO_STAFF = {
    "notify": "Mejl till samordnarna",
    "group": "Samordnarnas grupp i Telegram",
    "digest": "Mejlet på morgonen",
    "forward": "Mejl till en förvaltning",
    "account": "Mejl om konton",
    "accessibility": "Rapport om tillgänglighet",
    "reason": "Varför ett ärende väntar",
    "held": "Varför ett svar inte skickas",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One setting as the page shows it: what it is called, what holds now in words, and the stored value behind it."""

    name: str
    label: str
    shown: str
    setting: Setting
    language: str = ""
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    key: str
    title: str
    lines: Sequence[Line]


# ------------------------------------------------------------------ the page of all


def listed(visit: Visit) -> Response:
    """Everything that coordinators set, in groups."""
    return visit.page(
        "choices.html",
        groups=[
            Group("tider", visit.say("Öppettider och stängda dagar"), _lines(visit, _HOURS)),
            Group("plats", visit.say("Vem som är på plats"), [_away(visit, user) for user in _coordinators(visit)]),
            Group("lage", visit.say("När boten svarar själv"), _lines(visit, _modes(visit))),
            Group("mallar", visit.say("Mallar och signaturer"), _lines(visit, _SIGNATURES)),
            Group("fraser", visit.say("Fasta fraser"), _changed_phrases(visit)),
            Group("forvaltningar", visit.say("Förvaltningarnas adresser"), _lines(visit, _owners(visit))),
            Group("telegram", visit.say("Samordnarna i Telegram"), _lines(visit, _TELEGRAM)),
        ],
        people=names(visit),
        templates=len(desk_settings.templates(visit.session)),
        phrases=sum(len(said) for said in visit.of_files.phrases.values()),
        pauses=len(queries.pauses(visit.session)),
        telegram_allowed=visit.settings.telegram.is_allowed,
    )


_HOURS = (desk_settings.DAY_BEGINS, desk_settings.DAY_ENDS, desk_settings.WORKING_DAYS, desk_settings.CLOSED_DAYS)
_TELEGRAM = (desk_settings.GROUP, desk_settings.GROUP_TEXT)
_SIGNATURES = tuple(f"{desk_texts.PHRASE}{language}-signature" for language in ("sv", "en"))


def _modes(visit: Visit) -> Sequence[str]:
    channels = [f"{desk_settings.MODE_CHANNEL}{one}" for one in ChannelName if not one.is_logged]
    topics = [f"{desk_settings.MODE_TOPIC}{one}" for one in visit.of_files.topics]
    return (desk_settings.MODE, desk_settings.UNDO, *channels, *topics)


def _owners(visit: Visit) -> Sequence[str]:
    owners = visit.of_files.administrations.values()
    return [f"{desk_texts.OWNER}{one.id}" for one in owners if desk_texts.may_be_written_to(one)]


def _coordinators(visit: Visit) -> Sequence[User]:
    active = {user.email: user for user in accounts.everybody(visit.session) if user.is_active}
    return [active[email] for email in accounts.coordinators(visit.session) if email in active]


def _lines(visit: Visit, found: Sequence[str]) -> Sequence[Line]:
    return [_line(visit, name) for name in found]


def _changed_phrases(visit: Visit) -> Sequence[Line]:
    """Those that the desk has another word for, or a draft."""
    return [one for one in _phrases(visit) if (one.setting.is_own or one.waits) and one.name not in _SIGNATURES]


def _phrases(visit: Visit) -> Sequence[Line]:
    said = visit.of_files.phrases
    own = desk_texts.touched(visit.session)
    found = []
    for language, texts in said.items():
        for key, text in texts.items():
            name = f"{desk_texts.PHRASE}{language}-{key}"
            if name in own:
                found.append(_line(visit, name))
            else:
                setting = Setting(name, {"text": text}, {"text": text}, False, "", None, "")
                found.append(Line(name, _phrase_label(visit, key), text, setting, language))
    return found


def phrases_page(visit: Visit) -> Response:
    """All fixed sentences, or those with certain words in them."""
    wanted = " ".join(visit.query("q").lower().split())[:200]
    lines = [one for one in _phrases(visit) if wanted in one.label.lower() or wanted in one.shown.lower()]
    return visit.page(
        "choices_phrases.html",
        groups=[
            Group("fraga", visit.say("Till den som frågar"), [one for one in lines if not _is_for_staff(one.name)]),
            Group("inne", visit.say("Till er som arbetar här"), [one for one in lines if _is_for_staff(one.name)]),
        ],
        wanted=wanted,
        people=names(visit),
    )


def _is_for_staff(name: str) -> bool:
    return desk_texts.parts(name)[1].partition(".")[0] in TO_STAFF


# ------------------------------------------------------------------ one of them


def _line(visit: Visit, name: str) -> Line:
    """One setting by its name. Raises NotUsable where there is none."""
    session = visit.session
    if name.startswith(desk_texts.PHRASE):
        setting = desk_texts.phrase(session, visit.of_files.phrases, name)
        language, key = desk_texts.parts(name)
        waits = desk_texts.draft(session, name) is not None
        return Line(name, _phrase_label(visit, key), _said(visit, name), setting, language, waits)
    if name.startswith(desk_texts.OWNER):
        setting = desk_texts.owner(session, visit.of_files, name)
        label = visit.of_files.administrations[name.removeprefix(desk_texts.OWNER)].name.get(visit.language)
        return Line(name, label, _shown_owner(visit, setting.value), setting)
    if name.startswith(desk_settings.ABSENCE):
        return _away(visit, _user(visit, name))
    setting = desk_settings.setting(session, name, visit.service.settings)
    return Line(name, _label(visit, name), shown(visit, name, setting.value), setting)


def _phrase_label(visit: Visit, key: str) -> str:
    if key == "signature":
        return visit.say("Signatur under en samordnares mejl")
    kind = (TO_ASKERS | TO_STAFF).get(key.partition(".")[0])
    return f"{visit.say(kind)} ({key})" if kind else key


def _said(visit: Visit, name: str) -> str:
    """As it is said now: a text of the desk's that does not fit any more is not."""
    language, key = desk_texts.parts(name)
    return visit.knowledge.phrases[language][key]


def _user(visit: Visit, name: str) -> User:
    number = queries.row_number(name.removeprefix(desk_settings.ABSENCE))
    user = visit.session.get(User, number) if number else None
    if user is None or user.email not in accounts.coordinators(visit.session):
        raise NotUsable("Det finns ingen sådan inställning.")
    return user


def _away(visit: Visit, user: User) -> Line:
    setting = desk_settings.absence(visit.session, user)
    return Line(setting.name, user.name, _shown_absence(visit, setting.value), setting)


def _label(visit: Visit, name: str) -> str:
    if name.startswith(desk_settings.MODE_CHANNEL):
        return visit.say(CHANNELS[name.removeprefix(desk_settings.MODE_CHANNEL)])
    if name.startswith(desk_settings.MODE_TOPIC):
        topic = visit.of_files.topics.get(name.removeprefix(desk_settings.MODE_TOPIC))
        if topic is None:
            raise NotUsable("Det finns ingen sådan inställning.")
        return visit.say("Rubrik: {name}", name=topic.name.get(visit.language))
    return visit.say(LABELS[name])


def shown(visit: Visit, name: str, value: Any) -> str:
    """A stored value in words."""
    if name.startswith(desk_texts.PHRASE):
        return str(value["text"])
    if name.startswith(desk_texts.OWNER):
        return _shown_owner(visit, value)
    if name.startswith(desk_settings.ABSENCE):
        return _shown_absence(visit, value)
    if value == FOLLOW:
        return visit.say(FOLLOWS["topic" if name.startswith(desk_settings.MODE_TOPIC) else "channel"])
    if name.startswith("answering-"):
        return visit.say(MODES[AnsweringMode(value)])
    how = _SHOWN.get(name)
    return how(visit, value) if how else str(value).replace(":", ".")


def _shown_days(visit: Visit, days: Sequence[str]) -> str:
    of_file = (one.isoformat() for one in visit.service.settings.promise.closed_days)
    return ", ".join(sorted({*days, *of_file})) or visit.say("Inga")


_SHOWN: Mapping[str, Callable[[Visit, Any], str]] = {
    desk_settings.CLOSED_DAYS: _shown_days,
    desk_settings.WORKING_DAYS: lambda visit, value: (
        visit.say("1 arbetsdag") if value == 1 else visit.say("{count} arbetsdagar", count=value)
    ),
    desk_settings.UNDO: lambda visit, value: (
        visit.say("1 minut") if value == 1 else visit.say("{count} minuter", count=value)
    ),
    desk_settings.GROUP: lambda visit, value: str(value) or visit.say("Ingen grupp"),
    desk_settings.GROUP_TEXT: lambda visit, value: visit.say(GROUP_TEXTS["1" if value else ""]),
}


def _shown_owner(visit: Visit, value: Mapping[str, Any]) -> str:
    if not value["address"]:
        return visit.say("Ingen adress")
    how = visit.say("av sig själv") if value["auto_forward"] else visit.say("när någon skickar dit")
    return f"{value['address']}, {how}"


def _shown_absence(visit: Visit, value: Mapping[str, str]) -> str:
    today = visit.now.astimezone(SWEDEN).date().isoformat()
    if not value["until"] or value["until"] < today:
        return visit.say("På plats")
    if not value["deputy"]:
        return visit.say("Borta till och med {day}", day=value["until"])
    return visit.say("Borta till och med {day}. Ersättare: {who}", day=value["until"], who=value["deputy"])


def one_page(visit: Visit) -> Response:
    """One setting: what holds now, a form, and its history."""
    return _page(visit, visit.path("name"))


def _page(
    visit: Visit,
    name: str,
    *,
    status: int = 200,
    error: str = "",
    typed: Mapping[str, str] | None = None,
    preview: str = "",
) -> Response:
    try:
        line = _line(visit, name)
    except NotUsable:
        raise HTTPException(404) from None
    is_phrase = name.startswith(desk_texts.PHRASE)
    draft = desk_texts.draft(visit.session, name) if is_phrase else None
    value = _as_form(line.setting.value) | ({"text": draft.text} if draft else {})
    return visit.page(
        "choice.html",
        status=status,
        line=line,
        kind=_kind(name),
        form={**value, **(typed or {})},
        error=error,
        preview=preview,
        approved_by=line.setting.value.get("approved_by", "") if is_phrase else "",
        is_unfit=is_phrase and line.shown != line.setting.value["text"],
        draft=draft,
        draft_shown=desk_texts.example(draft.text) if draft else "",
        seen=desk_settings.stamp({"text": draft.text} if draft else None) if is_phrase else line.setting.stamp,
        said_stamp=line.setting.stamp,
        words=sorted(desk_texts.expected(visit.of_files.phrases, name)) if is_phrase else (),
        hint=visit.say(HINTS[name]) if name in HINTS else "",
        modes=_choices(visit, name),
        history=desk_settings.history(visit.session, name),
        of_file=shown(visit, name, line.setting.of_file) if line.setting.of_file is not None else "",
        shown=lambda value: shown(visit, name, value),
        people=names(visit),
        is_own_draft=draft is not None and visit.settings.texts.second_person and draft.by == visit.actor,
        of_the_file=visit.service.settings.promise.closed_days if name == desk_settings.CLOSED_DAYS else (),
    )


def _kind(name: str) -> str:
    for prefix, kind in (
        (desk_texts.PHRASE, "phrase"),
        (desk_texts.OWNER, "owner"),
        (desk_settings.ABSENCE, "absence"),
        ("answering-", "mode"),
    ):
        if name.startswith(prefix):
            return kind
    return _KINDS[name]


_KINDS = {
    **{desk_settings.DAY_BEGINS: "time", desk_settings.DAY_ENDS: "time", desk_settings.CLOSED_DAYS: "days"},
    **{desk_settings.WORKING_DAYS: "number", desk_settings.UNDO: "number"},
    **{desk_settings.GROUP: "line", desk_settings.GROUP_TEXT: "mode"},
}


def _choices(visit: Visit, name: str) -> Mapping[str, str]:
    if name == desk_settings.GROUP_TEXT:
        return {key: visit.say(text) for key, text in GROUP_TEXTS.items()}
    modes = {str(mode): visit.say(text) for mode, text in MODES.items()}
    if name == desk_settings.MODE or not name.startswith("answering-"):
        return modes
    follows = FOLLOWS["topic" if name.startswith(desk_settings.MODE_TOPIC) else "channel"]
    return {FOLLOW: visit.say(follows), **modes}


def _as_form(value: Any) -> dict[str, str]:
    """A stored value as its form shows it."""
    if isinstance(value, dict):
        return {key: _as_form(each)["value"] for key, each in value.items()}
    if isinstance(value, list):
        return {"value": "\n".join(value)}
    if isinstance(value, bool):
        return {"value": "1" if value else ""}
    return {"value": str(value)}


_FIELDS = ("value", "text", "address", "auto_forward", "until", "deputy")


# ------------------------------------------------------------------ changing


def change(visit: Visit) -> Response:
    """Keep what was written; a phrase is a draft until it is approved. What cannot be kept stands in its fields."""
    name, form = visit.path("name"), visit.form
    typed = {field: form[field].replace("\r\n", "\n")[:50_000] for field in _FIELDS}
    try:
        key = _change(visit, name, typed)
    except UserError as error:
        visit.session.rollback()
        return _page(visit, name, status=409, error=visit.told(error), typed=typed)
    if key == "preview":
        return _page(visit, name, typed=typed, preview=desk_texts.example(typed["text"].strip()))
    audit.record(visit.session, "set", actor=visit.actor, source="web", now=visit.now, setting=name)
    return visit.to(f"/installningar/{name}", klart=key)


def _change(visit: Visit, name: str, typed: Mapping[str, str]) -> str:
    session, act, seen = visit.session, visit.form["act"], visit.form["seen"]
    by: dict[str, Any] = {"actor": visit.actor, "now": visit.now}
    if name.startswith(desk_texts.PHRASE):
        of_files = visit.of_files.phrases
        if act == "preview":
            desk_texts.phrase(session, of_files, name)
            desk_texts.refuse_unfit(of_files, name, typed["text"])
            return "preview"
        if act == "approve":
            desk_texts.approve(
                session,
                of_files,
                name,
                seen=seen,
                by=visit.user.name,
                second_person=visit.settings.texts.second_person,
                **by,
            )
            return "text-approved"
        if act == "drop":
            desk_texts.drop_draft(session, name, seen=seen, **by)
            return "saved"
        desk_texts.save_draft(session, of_files, name, typed["text"], seen=seen, **by)
        return "phrase-draft"
    if name.startswith(desk_texts.OWNER):
        value = desk_texts.read_owner(
            typed["address"], typed["auto_forward"] == "1", ours=visit.settings.smtp.from_address
        )
        desk_texts.put_owner(session, visit.of_files, name, value, seen=seen, **by)
    elif name.startswith(desk_settings.ABSENCE):
        desk_settings.set_absence(session, _user(visit, name), typed["until"], typed["deputy"], seen=seen, **by)
    else:
        settings = visit.service.settings
        desk_settings.of_file(name, settings)
        _label(visit, name)
        value = desk_settings.read(name, typed["value"])
        desk_settings.put_setting(session, name, value, seen=seen, settings=settings, **by)
    return "saved"


def take_again(visit: Visit) -> Response:
    """An earlier value, or what the files say, holds again."""
    name, seen = visit.path("name"), visit.form["seen"]
    try:
        number = visit.form["change"]
        if number == "file":
            value = None
        else:
            change = queries.row_number(number)
            if change is None:
                raise NotPossible("Välj ett tidigare värde.")
            value = desk_settings.change(visit.session, name, change).after
        _take_again(visit, name, value, seen)
    except UserError as error:
        visit.session.rollback()
        return _page(visit, name, status=409, error=visit.told(error))
    audit.record(visit.session, "set", actor=visit.actor, source="web", now=visit.now, setting=name)
    return visit.to(f"/installningar/{name}", klart="value-again")


def _take_again(visit: Visit, name: str, value: Any, seen: str) -> None:
    session = visit.session
    by: dict[str, Any] = {"actor": visit.actor, "now": visit.now}
    if name.startswith(desk_texts.PHRASE):
        desk_texts.phrase(session, visit.of_files.phrases, name)
        desk_texts.say_again(session, visit.of_files.phrases, name, value, seen=seen, by=visit.user.name, **by)
    elif name.startswith(desk_texts.OWNER):
        desk_texts.put_owner(session, visit.of_files, name, value, seen=seen, **by)
    elif name.startswith(desk_settings.ABSENCE):
        kept = value or {"until": "", "deputy": ""}
        desk_settings.set_absence(session, _user(visit, name), kept["until"], kept["deputy"], seen=seen, **by)
    else:
        desk_settings.of_file(name, visit.service.settings)
        _label(visit, name)
        desk_settings.put_setting(session, name, value, seen=seen, settings=visit.service.settings, **by)
