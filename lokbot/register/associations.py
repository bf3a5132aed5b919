"""Associations: find one by any of its names, however it is spelt; add one, change what is known of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot import audit
from lokbot.audit import Source
from lokbot.conversation.escalation import NotPossible
from lokbot.model import ASSOCIATION_KINDS
from lokbot.register.names import FREEMAIL, fits, folded, nearest
from lokbot.store import queries
from lokbot.store.schema import Association
from lokbot.store.session import take_turns

LEAST = 0.62
"""Fit from which a name is shown: one slip in a word of four letters is near it."""

_LONGEST_NAME = 300
_DOMAIN = re.compile(r"(?=.{4,255}$)(?:[a-z0-9åäöéü](?:[a-z0-9åäöéü-]*[a-z0-9åäöéü])?\.)+[a-z]{2,}")
_ORGANISATION_NUMBER = re.compile(r"(\d{6})-?(\d{4})")


@dataclass(frozen=True, slots=True)
class Found:
    """An association, how well it fits (0-1), and by which of its names."""

    association: Association
    fit: float
    name: str


def everyone(session: Session) -> Sequence[Association]:
    """All associations, by name."""
    return sorted(session.scalars(select(Association)), key=lambda one: folded(one.name))


@dataclass(frozen=True, slots=True)
class Known:
    """One of the names in the register: folded, as it is written, and whose it is (``id``, ``owner``)."""

    folded: str
    name: str
    id: int
    owner: str


def known(session: Session) -> list[Known]:
    """Every name and alias of the register, those of one association together."""
    rows = session.execute(select(Association.id, Association.name, Association.aliases).order_by(Association.id))
    return [Known(folded(name), name, number, owner) for number, owner, more in rows for name in (owner, *(more or ()))]


def search(session: Session, typed: str, *, limit: int = 8) -> list[Found]:
    """The associations whose name or alias fits ``typed``, the best first; nothing for an empty word.

    Spelling is forgiven: case, å ä ö without dots, slips, the order of words, "IF" for "idrottsförening".
    """
    wanted, register = folded(typed), known(session)
    best: dict[int, tuple[float, Known]] = {}
    for place in nearest(wanted, [one.folded for one in register], most=10 * limit):
        one = register[place]
        fit = fits(wanted, one.folded)
        if fit >= max(LEAST, best.get(one.id, (0.0, one))[0]):
            best[one.id] = (fit, one)
    ranked = sorted(best.values(), key=lambda pair: (-pair[0], folded(pair[1].owner)))[:limit]
    return [Found(session.get_one(Association, one.id), fit, one.name) for fit, one in ranked]


def names_of(association: Association) -> tuple[str, ...]:
    """What it is called: its name, then the others."""
    return (association.name, *(association.aliases or ()))


def find(session: Session, name: str) -> Association:
    """The one association that is called so, by name or alias, or has this row number. Raises NotPossible."""
    number = queries.row_number(name)
    if number and (numbered := session.get(Association, number)):
        return numbered
    wanted = folded(name)
    exact = [one for one in everyone(session) if wanted in map(folded, names_of(one))]
    if len(exact) == 1:
        return exact[0]
    near = exact or [found.association for found in search(session, name, limit=5)]
    hint = "; ".join(f"{one.id} {one.name}" for one in near)
    if exact:
        raise NotPossible("Flera föreningar heter så, ange numret: {hint}", hint=hint)
    if hint:
        raise NotPossible("Ingen förening heter ”{name}”. Menar du någon av dem? {hint}", name=name, hint=hint)
    raise NotPossible("Ingen förening heter ”{name}”. Lägg till den först.", name=name)


def create(
    session: Session,
    name: str,
    *,
    actor: str,
    source: Source,
    now: datetime,
    aliases: Sequence[str] = (),
    domain: str | None = None,
    organisation_number: str | None = None,
    notes: str = "",
    kind: str | None = None,
) -> Association:
    """Add an association. Raises NotPossible where one is called so already, and for what is no name or domain."""
    take_turns(session, "register")
    association = Association(
        name=_name(name),
        aliases=_aliases(aliases),
        domain=_domain(domain),
        organisation_number=_organisation_number(organisation_number),
        notes=notes.strip(),
        kind=_kind(kind),
        created_by=actor,
        created_at=now,
    )
    _must_be_alone(session, association)
    session.add(association)
    session.flush()
    audit.record(session, "added-association", actor=actor, source=source, now=now, association=association)
    return association


def change(
    session: Session,
    association: Association,
    *,
    actor: str,
    source: Source,
    now: datetime,
    name: str | None = None,
    aliases: Sequence[str] | None = None,
    domain: str | None = None,
    organisation_number: str | None = None,
    notes: str | None = None,
    kind: str | None = None,
) -> None:
    """Change what is known of it: None leaves as it is, "" takes away. Raises NotPossible as ``create`` does."""
    take_turns(session, "register")
    session.refresh(association, with_for_update=True)
    new = {
        "name": association.name if name is None else _name(name),
        "aliases": list(association.aliases or ()) if aliases is None else _aliases(aliases),
        "domain": association.domain if domain is None else _domain(domain),
        "organisation_number": association.organisation_number
        if organisation_number is None
        else _organisation_number(organisation_number),
        "notes": association.notes if notes is None else notes.strip(),
        "kind": association.kind if kind is None else _kind(kind),
    }
    changed = [key for key, value in new.items() if value != getattr(association, key)]
    if not changed:
        return
    with session.no_autoflush:
        for key, value in new.items():
            setattr(association, key, value)
        _must_be_alone(session, association)
    session.flush()
    audit.record(
        session, "changed-association", actor=actor, source=source, now=now, association=association, changed=changed
    )


def _kind(kind: str | None) -> str | None:
    if kind and kind not in ASSOCIATION_KINDS:
        known = ", ".join(ASSOCIATION_KINDS)
        raise NotPossible("Det finns inget slag av förening ”{kind}”. Välj bland: {known}.", kind=kind, known=known)
    return kind or None


def _must_be_alone(session: Session, association: Association) -> None:
    mine = set(map(folded, names_of(association)))
    for other in known(session):
        if other.id != association.id and other.folded in mine:
            raise NotPossible(
                "”{name}” finns redan i registret: {number} {owner}.",
                name=other.name,
                number=other.id,
                owner=other.owner,
            )


def _name(name: str) -> str:
    """On one line. Raises NotPossible where it has no letters or is too long."""
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not folded(name) or len(name) > _LONGEST_NAME:
        raise NotPossible("Ange föreningens namn, högst {count} tecken.", count=_LONGEST_NAME)
    return name


def _aliases(aliases: Sequence[str]) -> list[str]:
    return list({folded(alias): _name(alias) for alias in aliases if alias.strip()}.values())


def _domain(domain: str | None) -> str | None:
    """The domain of mail addresses, lower case. Raises NotPossible for what is none, or everybody's."""
    if domain is None or not domain.strip():
        return None
    bare = domain.strip().lower().rpartition("@")[2].removeprefix("www.")
    if not _DOMAIN.fullmatch(bare):
        raise NotPossible("”{domain}” är ingen domän. Skriv till exempel forening.se.", domain=domain)
    if bare in FREEMAIL:
        raise NotPossible("{domain} är en vanlig mejltjänst och säger inget om föreningen.", domain=bare)
    return bare


def _organisation_number(number: str | None) -> str | None:
    if number is None or not number.strip():
        return None
    found = _ORGANISATION_NUMBER.fullmatch(number.strip())
    if found is None:
        raise NotPossible("Ett organisationsnummer har tio siffror, till exempel 802400-0000.")
    return f"{found[1]}-{found[2]}"
