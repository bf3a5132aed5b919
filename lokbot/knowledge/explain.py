"""pydantic's verdict on a value -> what is wrong in Swedish, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from lokbot.knowledge.positions import Trail
from lokbot.knowledge.problems import did_you_mean, quoted
from lokbot.knowledge.schemas import OWN_ERROR

MEANINGS: Mapping[str, str] = {
    "id": "det korta namnet, som andra filer hänvisar med",
    "topic": "rubriken i statistiken, ett id i intents/topics.yaml",
    "administration": "vems ärendet är, ett id i knowledge/administrations.yaml",
    "responsible": "den roll i staden som vårdar texten, aldrig en persons namn",
    "sources": "var det står, minst en källa med title",
    "sv": "den svenska texten",
    "en": "den engelska texten",
    "questions": "hur föreningar frågar, en formulering per rad",
    "answer": "svaret som det skickas",
    "short": "ett kort svar för chatt",
    "title": "vad källan heter",
    "url": "webbadressen, med https:// först",
    "date": "vilket datum källan visar",
    "as_of": 'när uppgifterna gällde, till exempel "2020-12"',
    "perishable": "vilka slags uppgifter som blir gamla",
    "checked_on": "dagen då uppgifterna stämdes av med staden, eller null",
    "link_checked_on": "dagen då länkarna provades, eller null",
    "review_by": "dagen då texten senast ska ses över, eller null",
    "approve_first": "en mening om varför texten bör godkännas bland de första, eller null",
    "approved_by": "vem i staden som har godkänt texten, eller null",
    "approved_on": "dagen då texten godkändes, eller null",
    "name": "namnet som det står inne i en mening",
    "kind": "city, coordinators, contact-centre eller outside",
    "matters": "vad de har hand om",
    "contact": "hur föreningar når dem, i hela meningar",
    "words": "ord som pekar hit",
    "address": "mejladressen att vidarebefordra till, eller null",
    "auto_forward": "om ärenden vidarebefordras av sig själva, true eller false",
    "source": "var det står",
    "term": "det officiella ordet",
    "synonyms": "vad folk säger i stället",
    "explanation": "vad ordet betyder",
    "represents": "vem personen företräder",
    "interests": "vad personen vill arbeta med",
    "definition": "en rad om vad rubriken omfattar",
    "elsewhere": "vad som räknas någon annanstans",
    "action": "vad som ska hända",
    "article": "artikeln som svarar",
    "rules": "hur frågan känns igen",
    "examples": "frågor som ska träffa",
    "counterexamples": "frågor som inte får träffa",
    "sounds_like": "meddelanden som betyder ungefär detsamma, i vilka ord som helst",
    "all": "sökord som alla ska finnas",
    "any": "sökord där minst ett ska finnas",
    "none": "sökord som inte får finnas",
    "max_words": "högsta antal ord i frågan",
    "q": "frågan",
    "language": "frågans språk, med två bokstäver",
    "style": "hur frågan är skriven",
    "expect": "vad som är rätt",
    "outcome": "answer, route, escalate, clarify eller ignore",
    "articles": "de svar som är rätt",
    "urgent": "om frågan är brådskande, true eller false",
}
"""What each field is for, as it stands in a remedy."""

TERM_LISTS = {"all", "any", "none"}


def explain(error: Mapping[str, Any], trail: Trail, raw: str) -> tuple[str, str]:
    """Message and remedy for one of ``ValidationError.errors()``.

    ``trail`` leads to the value from the top of its item, ``raw`` is the value as written in the file.
    """
    kind: str = error["type"]
    given: object = error["input"]
    context: Mapping[str, Any] = error.get("ctx", {})
    field = next((str(step) for step in reversed(trail) if isinstance(step, str)), "")
    is_item = bool(trail) and isinstance(trail[-1], int)
    what = f"en punkt i {quoted(field)}" if is_item and field else quoted(field) if field else "innehållet"

    if kind == OWN_ERROR:
        return context["message"], context["remedy"]
    if kind == "missing":
        meaning = MEANINGS.get(field)
        return f"fältet {quoted(field)} saknas", f"Lägg till {field}: {meaning}." if meaning else "Lägg till det."
    # Where languages are fields, pydantic says that an unknown field is no language code.
    if kind == "extra_forbidden" or (kind == "string_pattern_mismatch" and given == field):
        remedy = f"{did_you_mean(field, MEANINGS)}Rätta stavningen eller ta bort fältet."
        return f"okänt fält {quoted(field)}", remedy
    if kind == "string_pattern_mismatch":
        return f"{quoted(given)} är inte en språkkod", "Skriv två bokstäver (ISO 639-1): sv, en, ar."
    if kind in {"string_too_short", "too_short"} or given is None:
        return f"{what} saknar innehåll", f"Skriv {MEANINGS.get(field, 'ett värde')}, eller ta bort raden."
    if kind == "string_type":
        return f"{what} är inte en text: {_seen(given, raw)}", _remedy_for_text(given, raw, field)
    if kind in {"list_type", "tuple_type"}:
        return f"{what} ska vara en lista: {_seen(given, raw)}", "Skriv en rad för varje del, med »- » först."
    if kind in {"model_type", "dict_type", "model_attributes_type"}:
        return f"{what} ska ha egna fält: {_seen(given, raw)}", "Skriv fälten på raderna under, indragna."
    if kind in {"enum", "literal_error"}:
        allowed = context["expected"].replace("'", "").replace(" or ", " eller ")
        return f"{quoted(raw or given)} är inte ett värde för {quoted(field)}", f"Skriv {allowed}."
    if kind.startswith("date"):
        return f"{what} är inte ett datum: {_seen(given, raw)}", "Skriv år-månad-dag: 2026-03-01."
    if kind == "bool_type":
        return f"{what} ska vara true eller false: {_seen(given, raw)}", "Skriv true eller false utan citattecken."
    if kind in {"int_type", "greater_than_equal", "finite_number", "int_from_float"}:
        return f"{what} ska vara ett helt tal större än noll: {_seen(given, raw)}", "Skriv talet med siffror."
    return f"{what} är inte rätt ({error['msg']})", "Jämför med en fil som fungerar."


def _seen(given: object, raw: str) -> str:
    """What YAML made of the value."""
    if isinstance(given, bool):
        return f"{quoted(raw)} läses som {'ja' if given else 'nej'}"
    if isinstance(given, date):
        return f"{quoted(raw)} läses som ett datum"
    if isinstance(given, (int, float)):
        return f"{quoted(raw)} läses som ett tal"
    if isinstance(given, list):
        return "här står en lista"
    if isinstance(given, dict):
        return f"här står fältet {quoted(next(iter(given)))}" if given else "här står en tom grupp"
    return f"här står {quoted(raw or given)}"


def _remedy_for_text(given: object, raw: str, field: str) -> str:
    if isinstance(given, list) and field in TERM_LISTS:
        return "En lista i en lista går inte. Skriv två regler i stället."
    if isinstance(given, list):
        return "Skriv en text på en rad."
    if isinstance(given, dict) and len(given) == 1:
        return "Sätt citattecken runt texten om den innehåller ett kolon."
    if isinstance(given, dict):
        return "Skriv en text på en rad."
    return f'Sätt citattecken: "{raw}".'
