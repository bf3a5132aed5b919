"""Templates: filled in, escaped, in Swedish or English. The Swedish sentence is the key to its English one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from lokbot.conversation.working_days import SWEDEN, written_out
from lokbot.model import Role
from lokbot.web import live

if TYPE_CHECKING:
    from lokbot.web.visit import Visit

HERE = Path(__file__).parent

# What a page says after an act, by the word in its address: never words from outside.
DONE = {
    "answered": "Svaret skickas {at}. Du kan ångra dig till dess.",
    "answered-now": "Svaret skickas.",
    "noted": "Anteckningen är sparad. Den går inte till någon.",
    "taken": "Ärendet är ditt. Boten är tyst.",
    "moved": "Ärendet är flyttat. Den som skrev får veta det i chatten.",
    "handed-back": "Ärendet är lämnat tillbaka.",
    "released": "Förslaget skickas {at}. Du kan ångra dig till dess.",
    "released-now": "Förslaget skickas.",
    "refused": "Förslaget är draget tillbaka. Skriv ett eget svar.",
    "forwarded": "Frågan skickas vidare {at}. Du kan ångra dig till dess.",
    "forwarded-now": "Frågan skickas vidare.",
    "resolved": "Ärendet är klart.",
    "reopened": "Ärendet är öppnat igen.",
    "stopped": "Det är stoppat. Ingenting har gått i väg.",
    "retried": "Det görs ett nytt försök.",
    "corrected": "Rättelsen är sparad. Boten lär av den när någon har godkänt den.",
    "assigned": "Ärendet är tilldelat.",
    "draft": "Utkastet är sparat.",
    "paused": "Boten är pausad.",
    "resumed": "Boten svarar igen.",
    "resting": "Ärendet vilar. Det kommer tillbaka den dagen, eller när någon skriver.",
    "awake": "Ärendet vilar inte längre.",
    "to-steering": "Det är samlat till styrgruppens nästa möte.",
    "not-to-steering": "Det är borttaget från styrgruppens möte.",
    "met": "Mötet är hållet. Det som kommer nu samlas till nästa.",
    "part": "Numret du valde är en del av det här ärendet.",
    "merged": "Ärendena är ihopslagna. Du kan ta isär dem igen under Hör ihop.",
    "taken-apart": "Ärendena är isärtagna.",
    "split": "Det här är det nya ärendet. Det är länkat till det gamla.",
    "linked-case": "Ärendena är länkade. Länken syns i båda.",
    "unlinked-case": "Länken är borttagen.",
    "linked": "Kontakten hör till föreningen.",
    "unlinked": "Kontakten hör inte till föreningen längre.",
    "classed": "Uppgiften om diariet är sparad.",
    "reviewed": "Bedömningen är sparad.",
    "logged": "Samtalet är sparat som ett ärende.",
    "corrected-all": "Rättelserna skickas efter ångertiden. Till dess kan du stoppa dem.",
    "stopped-all": "Rättelserna som inte hade gått är stoppade.",
    "template-removed": "Mallen är borttagen. Den kan läggas tillbaka ur historiken.",
    "erased": "Ärendet är raderat. Databasfilen städas inom några minuter.",
    "reported": "Tack! Vi har fått din rapport.",
    "saved": "Ändringen är sparad.",
    "text-saved": "Utkastet är sparat. Här är kontrollen av det.",
    "text-approved": "Texten är godkänd och gäller direkt.",
    "phrase-draft": "Utkastet är sparat. Det sägs först när någon har godkänt det.",
    "value-again": "Det tidigare gäller igen.",
    "telegram-unlinked": "Kopplingen till Telegram är borttagen.",
    "golden-saved": "Facitfrågan är sparad i filerna.",
    "text-back": "Den tidigare versionen gäller igen.",
    "text-back-draft": "Den tidigare versionen är nu ett utkast.",
    "invited": "Inbjudan är skickad.",
    "reading-link": "Länken till statistiken är skickad. Den gäller tills du återkallar den.",
    "password": "Lösenordet är bytt.",
    "factor-removed": "Den gamla appen är borttagen. Ställ in den nya nu.",
    "factor-reset": "Personens engångskoder är borttagna. De ställer in nya vid nästa inloggning.",
    "browser-out": "Den webbläsaren är utloggad.",
    "logged-out": "Du är utloggad.",
    "expired": "Du hade blivit utloggad. Inget är skickat eller ändrat. Logga in och gör om det.",
    "reset": "Om adressen har ett konto har vi skickat en länk dit.",
}


def say(swedish: str, language: str, /, **words: object) -> str:
    """A sentence in the page's language; Swedish where it has no English yet."""
    text = english().get(swedish, swedish) if language == "en" else swedish
    return text.format(**words) if words else text


@cache
def english() -> Mapping[str, str]:
    """Swedish sentence -> English."""
    found: dict[str, str] = yaml.safe_load((HERE / "english.yaml").read_text(encoding="utf-8"))
    return found


def page(visit: Visit, template: str, *, status: int, values: Mapping[str, Any]) -> Response:
    """``template`` filled in for this visit. Nothing of it may be kept by anybody on the way."""

    def translated(swedish: str, /, **words: object) -> str:
        return say(swedish, visit.language, **words)

    text = (
        _environment()
        .get_template(template)
        .render(
            {
                **values,
                "_": translated,
                "visit": visit,
                "user": visit.login.user if visit.login else None,
                "csrf": visit.login.csrf if visit.login else "",
                "language": visit.language,
                "stamp": live.newest(visit.session) if visit.login else "",
                "Role": Role,
                "done": _done(visit),
                "asset": asset,
                "moment": lambda at: moment(at, visit.now, visit.language),
                "exact": exact,
                "day": lambda on: day(on, visit.now, visit.language),
                "since": lambda at: since(at, visit.now, visit.language),
            }
        )
    )
    return HTMLResponse(text, status_code=status)


def _done(visit: Visit) -> str:
    sentence = DONE.get(visit.query("klart"), "")
    at = visit.query("kl")
    is_clock = len(at) == 5 and at[:2].isdecimal() and at[3:].isdecimal()
    return visit.say(sentence).format(at=visit.say("klockan {time}", time=at) if is_clock else "").replace(" .", ".")


def download(content: bytes, name: str) -> Response:
    """RFC 6266: the name in UTF-8; the sandbox is for browsers that show it nevertheless."""
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "content-security-policy": "sandbox; default-src 'none'",
        },
    )


@cache
def asset(name: str) -> str:
    """The address of a file under static/, new whenever the file is."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["lines"] = lines
    environment.filters["linked"] = linked
    return environment


def lines(text: str) -> Markup:
    """Text as people wrote it: escaped, with its line breaks and paragraphs."""
    paragraphs = (part for part in text.strip().replace("\r\n", "\n").split("\n\n") if part.strip())
    return Markup("").join(
        Markup("<p>{}</p>").format(Markup("<br>").join(escape(line) for line in part.strip("\n").split("\n")))
        for part in paragraphs
    )


def linked(text: str) -> Markup:
    """``lines`` of our own words, whose web addresses can be followed."""
    parts = re.split(r"(https://[^\s<>\"]*[^\s<>\".,;:!?)\]'’”»])", text)
    marks = {f"\x00{index}\x00": part for index, part in enumerate(parts) if index % 2}
    shown = lines("".join(f"\x00{index}\x00" if index % 2 else part for index, part in enumerate(parts)))
    for mark, url in marks.items():
        link = Markup('<a href="{url}" target="_blank" rel="noopener noreferrer">{url}</a>').format(url=url)
        shown = Markup(shown.replace(mark, link))
    return shown


def moment(at: datetime, now: datetime, language: str) -> str:
    """When, as short as it can be understood: ``i dag 10.42``, ``i går 10.42``, ``tis 24 nov 10.42``."""
    local = at.astimezone(SWEDEN)
    clock = f"{local:%H:%M}" if language == "en" else f"{local:%H.%M}"
    return f"{day(local.date(), now, language)} {clock}"


def day(on: date, now: datetime, language: str) -> str:
    """``i dag``, ``i morgon``, ``tis 24 nov``, in another year ``24 nov 2025``."""
    today = now.astimezone(SWEDEN).date()
    near = {
        today: ("i dag", "today"),
        today - timedelta(days=1): ("i går", "yesterday"),
        today + timedelta(days=1): ("i morgon", "tomorrow"),
    }
    if on in near:
        return near[on][language == "en"]
    weekday, number, month, year = written_out(on, language).replace("den ", "").split()
    return f"{number} {month[:3]} {year}" if on.year != today.year else f"{weekday[:3]} {number} {month[:3]}"


def exact(at: datetime) -> str:
    """``2026-11-24 10:42``, in Sweden, for a title or a table that is sorted."""
    return f"{at.astimezone(SWEDEN):%Y-%m-%d %H:%M}"


def since(at: datetime, now: datetime, language: str) -> str:
    """How long ago: ``3 min``, ``5 tim``, ``2 dagar``."""
    minutes = max(0, int((now - at).total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    if hours < 24:
        return f"{hours} {'h' if language == 'en' else 'tim'}"
    days = hours // 24
    word = ("day" if days == 1 else "days") if language == "en" else ("dag" if days == 1 else "dagar")
    return f"{days} {word}"
