"""Where each piece of content stands: the line in the file, so that a message can point at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Trail: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys and list places, e.g. ``("articles", "ansluta-forening", "sv", "questions", 2)``."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file.

    ``line`` (1-based) is where the key or the list item stands, None for a folder as a whole.
    ``text_line`` is where the first line of a block text (``|``) stands, None for every other value.
    ``raw`` is a plain value as written, before YAML read it as a number, a date or yes/no.
    """

    file: Path
    line: int | None
    text_line: int | None = None
    raw: str = ""

    def line_at(self, text: str, index: int) -> int | None:
        """The line of character ``index`` of ``text``, the value at this position."""
        return self.line if self.text_line is None else self.text_line + text.count("\n", 0, index)


@dataclass(frozen=True, slots=True)
class Positions:
    """Positions by trail. The first word of a trail is a field of ``model.Knowledge``, the second an id."""

    marks: Mapping[Trail, Position]

    def find(self, *trail: str | int) -> Position:
        """The position of the value, or of the nearest thing around it that has one.

        Raises KeyError where nothing of the trail is known.
        """
        for length in range(len(trail), -1, -1):
            if (position := self.marks.get(trail[:length])) is not None:
                return position
        raise KeyError(trail)
