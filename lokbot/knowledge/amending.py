"""Add one thing to a content file that people edit: a wording to an article, a golden question to a pool.

The file's own text is kept, with its comments, order and layout; only the new lines are ours. What was written is read
back, and where anything but the addition differs, nothing is changed. Pure: text in, text out.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from lokbot.knowledge.document import Document, Loader, parse
from lokbot.model import GoldenQuestion, UserError

GOLDEN_HEAD = """\
# Questions that people wrote and a coordinator corrected, put here by `lokbot promote`, personal data masked.
"""

_PLAIN = re.compile(r"[^\W\d_][^:#\[\]{}\",&*!|>'%@`\\]*[^\s:#\[\]{}\",&*!|>'%@`\\]")


class NotAmendable(UserError):
    """The file is laid out in a way that nothing can be added to; the message says what to do by hand."""

    exit_code = 4


def with_wording(text: str, file: Path, *, language: str, wording: str) -> str:
    """The article's file with one more question in ``language``. ``file`` is only for the messages.

    Raises NotAmendable where the file cannot be read or holds no such list of questions.
    """
    before = _read(text, file)
    node = _node(text, file, language, "questions")
    last = node.value[-1]
    scalar = _scalar(wording)
    lines = text.splitlines(keepends=True)
    if node.flow_style:
        row, column = node.end_mark.line, node.end_mark.column - 1
        line = lines[row]
        kept = line[:column].rstrip()
        comma = "" if kept.endswith((",", "[")) else ","
        lines[row] = f"{kept}{comma} {json.dumps(wording, ensure_ascii=False)}{line[column:]}"
    else:
        dash = lines[last.start_mark.line][: last.start_mark.column].rindex("-")
        row = last.end_mark.line if last.end_mark.column == 0 else last.end_mark.line + 1
        if row and not lines[row - 1].endswith("\n"):
            lines[row - 1] += "\n"
        lines.insert(row, f"{' ' * dash}- {scalar}\n")
    after = "".join(lines)
    _expect(
        after, file, {**before, language: {**before[language], "questions": [*_questions(before, language), wording]}}
    )
    return after


def with_golden_question(text: str, file: Path, golden: GoldenQuestion) -> str:
    """The pool's file with one more question at its end; ``text`` is empty where there is no file yet."""
    before = _read(text, file) if text.strip() else []
    expect: dict[str, Any] = {"outcome": sorted(str(outcome) for outcome in golden.outcomes)}
    if golden.articles:
        expect["articles"] = list(golden.articles)
    if golden.administration:
        expect["administration"] = golden.administration
    if golden.is_urgent:
        expect["urgent"] = True
    item = {"id": golden.id, "q": golden.text, "language": golden.language, "style": golden.style, "expect": expect}
    said = yaml.safe_dump(expect, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000).strip()
    after = "\n".join(
        (
            (text or GOLDEN_HEAD).rstrip("\n"),
            f"- id: {golden.id}",
            f"  q: {json.dumps(golden.text, ensure_ascii=False)}",
            f"  language: {_scalar(golden.language)}",
            f"  style: {golden.style}",
            f"  expect: {said}",
            "",
        )
    )
    _expect(after, file, [*before, item])
    return after


def _read(text: str, file: Path) -> Any:
    document: Document = parse(text.encode(), file)
    if not document.is_readable or document.problems:
        raise NotAmendable(f"{file} har fel. Rätta dem först: lokbot check")
    return document.value


def _expect(text: str, file: Path, value: object) -> None:
    document = parse(text.encode(), file)
    if document.problems or document.value != value:
        raise NotAmendable(f"Det går inte att lägga till raden i {file}. Skriv in den för hand.")


def _questions(article: Any, language: str) -> list[str]:
    return list(article[language]["questions"])


def _node(text: str, file: Path, *trail: str) -> yaml.SequenceNode:
    """The list at ``trail``. The text has been read by ``document`` before, which counts its depth."""
    node = yaml.compose(text, Loader=Loader)
    for step in trail:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for key, value in pairs if key.value == step), None)
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        raise NotAmendable(f"{file} har inga frågor på språket ”{trail[0]}”. Lägg till dem för hand.")
    return node


def _scalar(text: str) -> str:
    """``text`` without quotes where YAML reads it as that very text, else within them (JSON is YAML)."""
    if _PLAIN.fullmatch(text) and parse(text.encode(), Path()).value == text:
        return text
    return json.dumps(text, ensure_ascii=False)
