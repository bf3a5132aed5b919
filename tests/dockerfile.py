"""Reads a Dockerfile into its instructions, and tells which files its .dockerignore lets through to the builder."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step: ``RUN --mount=type=cache pip ...`` has the word ``RUN``, one flag, and the rest as its value."""

    word: str
    flags: tuple[str, ...]
    value: str

    @property
    def sources(self) -> tuple[str, ...]:
        """Of COPY: what is copied, relative to the builder's context."""
        return tuple(shlex.split(self.value)[:-1])

    @property
    def target(self) -> str:
        """Of COPY: where to."""
        return shlex.split(self.value)[-1]


def instructions(text: str) -> list[Instruction]:
    """The steps of a Dockerfile in order (https://docs.docker.com/reference/dockerfile): comments out, lines joined."""
    code = "\n".join(line for line in text.splitlines() if not re.match(r"\s*(#|$)", line))
    steps = []
    for line in re.sub(r"\\\n\s*", "", code).splitlines():
        word, rest = line.split(maxsplit=1)
        flags = re.match(r"(--\S+\s+)*", rest)
        assert flags is not None
        value = rest if word.upper() == "HEALTHCHECK" else rest[flags.end() :]
        steps.append(Instruction(word.upper(), tuple(flags.group().split()), value))
    return steps


def is_sent(path: str, ignore: str) -> bool:
    """Whether .dockerignore sends ``path`` to the builder: the last line that matches it or a parent decides.

    Of Docker's patterns those of this repository are known: names with ``*``, a leading ``**/`` and a leading ``!``.
    """
    parts = Path(path).parts
    candidates = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    sent = True
    for line in ignore.splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        anywhere = pattern.startswith("**/")
        if any(_matches(name, pattern.removeprefix("**/"), anywhere=anywhere) for name in candidates):
            sent = line.startswith("!")
    return sent


def _matches(name: str, pattern: str, *, anywhere: bool) -> bool:
    """As Go's filepath.Match: a ``*`` stays within one part of the path."""
    parts, wanted = name.split("/"), pattern.split("/")
    if anywhere:
        parts = parts[-len(wanted) :]
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
