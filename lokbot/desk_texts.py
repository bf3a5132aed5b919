"""What coordinators set of the files' content in the desk: the fixed phrases, and where administrations are written to.

A phrase is what the city says, so it is written first and approved by name, and only then said; by another than its
writer where ``texts.second_person`` asks for that. What is set wins over knowledge/phrases.yaml and
knowledge/administrations.yaml until it is left to them again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lokbot import desk_settings
from lokbot.conversation import parties
from lokbot.conversation.phrases import REQUIRED_PHRASES
from lokbot.desk_settings import NotUsable, Setting
from lokbot.knowledge import checks
from lokbot.model import Administration, AdministrationKind, Knowledge, NotPossible
from lokbot.store.schema import DeskSetting

PHRASE, DRAFT, OWNER = "phrase-", "draft-", "administration-"
Phrases = Mapping[str, Mapping[str, str]]
"""Language -> key -> sentence."""

LONGEST_PHRASE = 4000  # characters; a chat's message holds 4096
LONGEST_BUTTON = 60  # what a phone shows of one

# What stands in a preview for each word that is filled in.
EXAMPLES: Mapping[str, str] = {
    "act": "#ta",
    "addresses": "anna@forening.example",
    "answer_by": "fredag den 27 november",
    "answer_to": "–",
    "as_of": "november 2026",
    "browser": "Firefox, Windows",
    "case": "LOK-2026-00123",
    "count": "3",
    "date": "2026-11-02",
    "day": "torsdag den 26 november",
    "detail": "En mer än väntat.",
    "error": "okänd adress",
    "held": "boten är pausad",
    "inviter": "Kim Sand",
    "kind": "frånvaro",
    "link": "https://lokbot.example/lank",
    "matters": "föreningsbidrag och lokaler",
    "minutes": "10",
    "moment": "i dag 10.42",
    "name": "Kim Sand",
    "names": "protokoll.pdf",
    "number": "1",
    "question": "Hur går vi med?",
    "reason": "boten hittade inget svar",
    "sender": "anna@forening.example",
    "sources": "Lokal överenskommelse",
    "subject": "Vår ansökan",
    "text": "Hur går vi med?",
    "time": "klockan 10.42",
    "title": "Lokal överenskommelse",
    "to": "anna@forening.example",
    "topic": "Bidrag",
    "who": "Kim Sand",
    "why": "Mejlet har en bilaga.",
    "word": "svar",
    "words": "bidrag, ansökan",
}


def current(session: Session, knowledge: Knowledge) -> Knowledge:
    """``knowledge`` with what the desk has set. A phrase that does not fit any more, as after an update of lokbot that
    fills in other words, is the file's again.
    """
    is_ours = or_(DeskSetting.name.startswith(PHRASE), DeskSetting.name.startswith(OWNER))
    rows = {row.name: row.value for row in session.scalars(select(DeskSetting).where(is_ours))}
    if not rows:
        return knowledge
    owners = dict(knowledge.administrations)
    for name, value in rows.items():
        if name.startswith(OWNER) and (owner := owners.get(name.removeprefix(OWNER))) is not None:
            owners[owner.id] = replace(owner, address=value["address"] or None, auto_forward=value["auto_forward"])
    phrases = _laid_over(knowledge.phrases, rows)
    told = json.dumps(rows, sort_keys=True)
    digest = hashlib.sha256(f"{knowledge.digest}{told}".encode()).hexdigest()
    return replace(knowledge, phrases=phrases, administrations=owners, digest=digest)


# ------------------------------------------------------------------ phrases


def phrases(session: Session, of_files: Phrases) -> Phrases:
    """The fixed sentences by language, with those that the desk has set: for whoever needs nothing else."""
    rows = session.scalars(select(DeskSetting).where(DeskSetting.name.startswith(PHRASE)))
    return _laid_over(of_files, {row.name: row.value for row in rows})


def _laid_over(of_files: Phrases, rows: Mapping[str, Any]) -> Phrases:
    said = {language: dict(texts) for language, texts in of_files.items()}
    for name, value in rows.items():
        if name.startswith(PHRASE) and is_fitting(of_files, name, value["text"]):
            language, key = parts(name)
            said[language][key] = value["text"]
    return said


@dataclass(frozen=True, slots=True)
class Draft:
    """A phrase that is written and not approved."""

    text: str
    by: str
    at: datetime
    stamp: str


def parts(name: str) -> tuple[str, str]:
    """The language and the key in a phrase's name."""
    language, _, key = name.removeprefix(PHRASE).partition("-")
    return language, key


def phrase(session: Session, of_files: Phrases, name: str) -> Setting:
    """One phrase as it is said now. Raises NotUsable for one that is not there."""
    language, key = parts(name)
    said = of_files.get(language, {}).get(key)
    if said is None:
        raise NotUsable("Det finns ingen sådan fras.")
    return desk_settings.laid_over(session, name, {"text": said})


def touched(session: Session) -> frozenset[str]:
    """The names of the phrases that the desk has set, or has a draft of."""
    rows = session.scalars(
        select(DeskSetting.name).where(or_(DeskSetting.name.startswith(PHRASE), DeskSetting.name.startswith(DRAFT)))
    )
    return frozenset(name.removeprefix(DRAFT) for name in rows)


def draft(session: Session, name: str) -> Draft | None:
    """What waits to be approved in its place."""
    row = session.get(DeskSetting, f"{DRAFT}{name}")
    if row is None:
        return None
    return Draft(row.value["text"], row.changed_by, row.changed_at, desk_settings.stamp(row.value))


def expected(of_files: Phrases, name: str) -> frozenset[str]:
    """The words that a phrase must have room for."""
    language, key = parts(name)
    return REQUIRED_PHRASES.get(key, checks.placeholders(of_files[language][key]))


def is_fitting(of_files: Phrases, name: str, text: str) -> bool:
    """Whether a text can stand in a phrase's place."""
    language, key = parts(name)
    if key not in of_files.get(language, {}):
        return False
    try:  # the settings' page says where one does not: to log it here would be to say it at each mail
        refuse_unfit(of_files, name, text)
    except NotUsable:
        return False
    return True


def refuse_unfit(of_files: Phrases, name: str, text: str) -> None:
    """Raises NotUsable, which says what is wrong with a text and what would mend it."""
    wanted = expected(of_files, name)
    longest = LONGEST_BUTTON if parts(name)[1].startswith("button.") else LONGEST_PHRASE
    if not text.strip():
        raise NotUsable("Frasen är tom. Skriv en text.")
    if len(text) > longest:
        raise NotUsable("Texten har {count} tecken. Den får ha {most}.", count=len(text), most=longest)
    try:
        found = checks.placeholders(text)
    except ValueError:
        raise NotUsable("En klammer saknar sin andra hälft. Skriv med båda, som {example}.", example="{namn}") from None
    if missing := sorted(wanted - found):
        raise NotUsable("Texten saknar {words}. Skriv det med klamrar där det ska stå.", words=_listed(missing))
    if extra := sorted(found - wanted):
        raise NotUsable("{words} fylls inte i här. Ta bort det, klamrarna också.", words=_listed(extra))


def _listed(names: list[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


def example(text: str) -> str:
    """A phrase as somebody could read it, with examples where something is filled in."""
    return text.format(**EXAMPLES)


def save_draft(
    session: Session, of_files: Phrases, name: str, text: str, *, seen: str, actor: str, now: datetime
) -> None:
    """Keep what somebody wrote until it is approved. Raises NotUsable, ChangedMeanwhile."""
    text = text.replace("\r\n", "\n").strip()
    phrase(session, of_files, name)
    refuse_unfit(of_files, name, text)
    desk_settings.put(session, f"{DRAFT}{name}", {"text": text}, seen=seen, actor=actor, now=now)


def drop_draft(session: Session, name: str, *, seen: str, actor: str, now: datetime) -> None:
    """What was written is not to be said."""
    desk_settings.put(session, f"{DRAFT}{name}", None, seen=seen, actor=actor, now=now)


def approve(
    session: Session,
    of_files: Phrases,
    name: str,
    *,
    seen: str,
    by: str,
    actor: str,
    second_person: bool,
    now: datetime,
) -> None:
    """``by`` (a name) approves what is written, as read: it is said from now on. Raises NotUsable, ChangedMeanwhile."""
    row = desk_settings.held(session, f"{DRAFT}{name}")
    if row is None:
        raise NotUsable("Det finns inget utkast att godkänna. Någon kan redan ha godkänt det.")
    if second_person and row.changed_by == actor:
        raise NotUsable("Någon annan än den som skrev texten ska godkänna den. Be en kollega.")
    text, writer = row.value["text"], row.changed_by
    refuse_unfit(of_files, name, text)
    drop_draft(session, name, seen=seen, actor=actor, now=now)
    now_said = desk_settings.stamp(row.value if (row := desk_settings.held(session, name)) else None)
    said = {"text": text, "approved_by": by, "written_by": writer}
    desk_settings.put(session, name, said, seen=now_said, actor=actor, now=now)


def say_again(
    session: Session,
    of_files: Phrases,
    name: str,
    value: Mapping[str, Any] | None,
    *,
    seen: str,
    by: str,
    actor: str,
    now: datetime,
) -> None:
    """A text that was said before, approved then, is said again (None: the file's), by ``by``'s name."""
    if value is not None:
        refuse_unfit(of_files, name, value["text"])
        value = {**value, "approved_by": by}
    desk_settings.put(session, name, value, seen=seen, actor=actor, now=now)


# ------------------------------------------------------------------ administrations


def owner(session: Session, knowledge: Knowledge, name: str) -> Setting:
    """Where an administration is written to, and whether by itself; ``knowledge`` is the files'. Raises NotUsable."""
    found = _owner(knowledge, name)
    return desk_settings.laid_over(session, name, {"address": found.address or "", "auto_forward": found.auto_forward})


def _owner(knowledge: Knowledge, name: str) -> Administration:
    found = knowledge.administrations.get(name.removeprefix(OWNER))
    if found is None or not may_be_written_to(found):
        raise NotUsable("Det finns ingen sådan förvaltning i staden.")
    return found


def may_be_written_to(owner: Administration) -> bool:
    """Whether questions may be sent on to it: not to those outside the city, nor to the coordinators themselves."""
    return owner.kind not in (AdministrationKind.OUTSIDE, AdministrationKind.COORDINATORS)


def read_owner(address: str, auto_forward: bool, *, ours: str) -> dict[str, Any]:
    """What somebody wrote, as it is stored; ``ours`` is the bot's own address. Raises NotUsable."""
    if address.strip():
        try:
            address = parties.mail_address(address)
        except NotPossible as error:
            raise NotUsable("”{address}” är ingen mejladress.", address=error.words["address"]) from None
        if address == ours.lower():
            raise NotUsable("Det är botens egen adress. Skriv förvaltningens.")
    elif auto_forward:
        raise NotUsable("För att frågor ska gå dit av sig själva behövs en mejladress.")
    return {"address": address.strip(), "auto_forward": auto_forward}


def put_owner(
    session: Session,
    knowledge: Knowledge,
    name: str,
    value: Mapping[str, Any] | None,
    *,
    seen: str,
    actor: str,
    now: datetime,
) -> None:
    """Set it, or leave it to the file again (None). Raises NotUsable, ChangedMeanwhile."""
    _owner(knowledge, name)
    desk_settings.put(session, name, value, seen=seen, actor=actor, now=now)
