"""Counts of raw facts by any of their columns, and the questions behind a figure, for those who may see raw figures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from lokbot.model import FactOutcome, UserError
from lokbot.statistics import cells
from lokbot.statistics.months import Period
from lokbot.statistics.shapes import Filter
from lokbot.store.schema import Conversation, Fact

COLUMNS = (
    "month", "day", "topic", "intent", "administration", "channel", "language", "outcome", "article", "feedback",
    "verdict", "association_kind", "theme",
)  # fmt: skip

A_PAGE = 100

Format = Literal["table", "csv", "json"]


class ListingError(UserError):
    """Facts cannot be counted so; the message says by what they can."""


def counted(session: Session, *, since: date, until: date, by: Sequence[str]) -> list[tuple[str, ...]]:
    """A row for each combination of ``by`` (in that order) with the questions and the different people who asked.

    What machines wrote is counted only where the outcome is asked for. Raises ListingError for a column there is not,
    and for language by kind of association, which nobody is to be sorted by.
    """
    for name in by:
        if name not in COLUMNS:
            raise ListingError(f"”{name}” går inte att räkna efter. Välj bland: {', '.join(COLUMNS)}.")
    if {"language", "association_kind"} <= set(by):
        raise ListingError("Språk räknas aldrig tillsammans med slag av förening. Välj ett av dem.")
    columns = [getattr(Fact, name) for name in by]
    query = select(*columns, func.count(), func.count(Fact.contact.distinct())).where(Fact.day.between(since, until))
    if "outcome" not in by:
        query = query.where(Fact.outcome != FactOutcome.AUTOMATIC)
    rows = session.execute(query.group_by(*columns)).all()
    return sorted(tuple("" if value is None else str(value) for value in row) for row in rows)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question behind a figure. ``case_number`` is None where its case is gone."""

    day: date
    topic: str
    channel: str
    outcome: FactOutcome
    case_number: str | None
    is_erased: bool


def behind(
    session: Session, period: Period, dimension: str, category: str, filters: Filter | None, *, page: int = 1
) -> tuple[list[Asked], bool]:
    """The questions that a figure of coordinators counts, newest first, and whether there are more.

    Raises ListingError where the questions of ``dimension`` cannot be listed.
    """
    where = [*_of(dimension, category), Fact.month.between(period.first, period.last)]
    where.append(Fact.outcome != FactOutcome.AUTOMATIC)
    if filters is not None:
        where += _of(filters.dimension, filters.category)
    query = (
        select(Fact, Conversation.case_number, Conversation.erased_at)
        .outerjoin(Conversation, Conversation.id == Fact.conversation_id)
        .where(*where)
        .order_by(Fact.day.desc(), Fact.question_id.desc())
        .offset((page - 1) * A_PAGE)
        .limit(A_PAGE + 1)
    )
    found = [
        Asked(fact.day, fact.topic or "", str(fact.channel), fact.outcome, number, erased_at is not None)
        for fact, number, erased_at in session.execute(query)
    ]
    return found[:A_PAGE], len(found) > A_PAGE


def _of(dimension: str, category: str) -> list[ColumnElement[bool]]:
    """What is true of a fact in a category, as ``cells.categories`` has it."""
    match dimension:
        case "topic" | "administration" | "channel" | "language" | "outcome" | "feedback" | "verdict" | "theme":
            return [getattr(Fact, dimension) == category]
        case "article":
            return [Fact.article == category, Fact.outcome.in_((FactOutcome.BOT, FactOutcome.SUGGESTION))]
        case "kind" if category == cells.KIND_UNKNOWN:
            return [Fact.association.is_(None)]
        case "kind" if category == cells.KIND_OTHER:
            return [Fact.association.is_not(None), Fact.association_kind.is_(None)]
        case "kind":
            return [Fact.association.is_not(None), Fact.association_kind == category]
        case "forwarded" if category == cells.RETURNED:
            return [Fact.returned > 0]
        case "forwarded":
            return [
                Fact.returned == 0,
                Fact.forwarded >= 2 if category == "2" else Fact.forwarded == int(category == "1"),
            ]
    raise ListingError(f"Frågorna bakom ”{dimension}” går inte att lista.")


def written(rows: Sequence[tuple[str, ...]], by: Sequence[str], form: Format) -> str:
    """The rows with their heads."""
    heads = (*by, "questions", "people")
    if form == "json":
        return json.dumps([_typed(heads, row) for row in rows], ensure_ascii=False, indent=1)
    if form == "csv":
        out = io.StringIO()
        writer = csv.writer(out, delimiter=";", lineterminator="\n")
        writer.writerows([heads, *rows])
        return out.getvalue().rstrip("\n")
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    return "\n".join(
        "  ".join(
            value.rjust(width) if place >= len(by) else value.ljust(width)
            for place, (value, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, *rows)
    )


def _typed(heads: Sequence[str], row: Sequence[str]) -> dict[str, str | int]:
    return {
        name: int(value) if name in ("questions", "people") else value for name, value in zip(heads, row, strict=True)
    }
