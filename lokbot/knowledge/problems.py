"""What is wrong with the content, where it stands, and what to do about it, in words for a coordinator."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lokbot.model import UserError


class Severity(StrEnum):
    """How bad: an error keeps the content from being used, a warning is for reading, info only tells."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


LABELS = {Severity.ERROR: "fel", Severity.WARNING: "varning", Severity.INFO: "upplysning"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. ``line`` is 1-based, None where the finding is about the whole file or folder."""

    file: Path
    line: int | None
    severity: Severity
    message: str
    remedy: str = ""


class KnowledgeError(UserError):
    """The content cannot be used. ``problems`` holds everything that was found, warnings too."""

    exit_code = 3

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        lines = [format_problem(problem, Path.cwd()) for problem in errors]
        super().__init__("\n".join([*lines, f"{len(errors)} fel i kunskapsfilerna. Rätta dem och kör: lokbot check"]))
        self.problems = problems


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By file, then line; what concerns a whole file comes before its lines."""
    return tuple(sorted(problems, key=lambda problem: (problem.file.as_posix(), problem.line or 0)))


def format_problem(problem: Problem, root: Path) -> str:
    """One line for the terminal, with the file as seen from ``root`` where it lies below it."""
    file = problem.file.relative_to(root) if problem.file.is_relative_to(root) else problem.file
    place = "" if problem.line is None else f":{problem.line}"
    said = f"{_printable(file.as_posix())}{place}: {LABELS[problem.severity]}: {problem.message}"
    return f"{said}  Gör så här: {problem.remedy}" if problem.remedy else said


def quoted(text: object, longest: int = 60) -> str:
    """Text from a file as it may stand in a message: one line, cut short, nothing a terminal would obey."""
    line = _printable(str(text)).strip()
    return f"»{line}»" if len(line) <= longest else f"»{line[: longest - 1].rstrip()}…»"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known word, or nothing when none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Menade du {quoted(near[0])}? " if near else ""
