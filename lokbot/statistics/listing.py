"""Counts of raw facts by any of their columns, for a terminal and for those who know what may be published."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import date
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lokbot.model import FactOutcome, UserError
from lokbot.store.schema import Fact

COLUMNS = (
    "month", "day", "topic", "intent", "administration", "channel", "language", "outcome", "article", "feedback",
    "verdict", "association_kind", "theme",
)  # fmt: skip

Format = Literal["table", "csv", "json"]


class ListingError(UserError):
    """Facts cannot be counted so; the message says by what they can."""


def counted(session: Session, *, since: date, until: date, by: Sequence[str]) -> list[tuple[str, ...]]:
    """A row for each combination of ``by`` (in that order) with the questions and the different people who asked.

    What machines wrote is counted only where the outcome is asked for. Raises ListingError for a column there is not.
    """
    for name in by:
        if name not in COLUMNS:
            raise ListingError(f"”{name}” går inte att räkna efter. Välj bland: {', '.join(COLUMNS)}.")
    columns = [getattr(Fact, name) for name in by]
    query = select(*columns, func.count(), func.count(Fact.contact.distinct())).where(Fact.day.between(since, until))
    if "outcome" not in by:
        query = query.where(Fact.outcome != FactOutcome.AUTOMATIC)
    rows = session.execute(query.group_by(*columns)).all()
    return sorted(tuple("" if value is None else str(value) for value in row) for row in rows)


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
