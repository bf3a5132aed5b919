"""Patterns made of many phrases, written one a line, so that people can read, check and extend them."""

from __future__ import annotations

import re


def one_of(phrases: str) -> str:
    """A regular expression for any of the lines; a line from ``#`` on is a remark."""
    lines = (line.partition("#")[0].strip() for line in phrases.splitlines())
    return "(?:" + "|".join(line for line in lines if line) + ")"


def begins_with(phrases: str, *, after: str = "") -> re.Pattern[str]:
    """Matches a text whose first words, in any case, are one of the lines, followed by the expression ``after``."""
    return re.compile(rf"[\W_]*{one_of(phrases)}{after}", re.IGNORECASE)


def holds(phrases: str) -> re.Pattern[str]:
    """Finds any of the lines in a text, in any case."""
    return re.compile(one_of(phrases), re.IGNORECASE)
