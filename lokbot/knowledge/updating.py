"""An article's file with what the article says now: what has not changed stays as people wrote it, to the letter.

Comments, order, quotes and layout are the file's own; only values that differ are written anew. What was written is
read back, and where it is not that very article nothing is changed. Pure: text in, text out.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from lokbot.knowledge.amending import NotAmendable
from lokbot.knowledge.document import Loader, parse
from lokbot.knowledge.schemas import ArticleSchema
from lokbot.knowledge.writing import dumped, fields_of
from lokbot.model import Article


@dataclass(frozen=True, slots=True)
class _Edit:
    """Characters ``begin`` to ``end`` of the file become ``text``."""

    begin: int
    end: int
    text: str


def with_article(text: str, file: Path, article: Article) -> str:
    """``text``, the article's file, saying what ``article`` says. ``file`` is only for the messages.

    Raises NotAmendable where the file cannot be read, or is laid out so that a value cannot be replaced in it.
    """
    known = _read(text, file)
    if not text.endswith("\n"):
        text += "\n"
    root = yaml.compose(text, Loader=Loader)
    assert isinstance(root, yaml.MappingNode), "it has been read as an article"
    edits = sorted(
        _File(text).mapping(root, fields_of(known), fields_of(article)), key=lambda one: (one.begin, one.end)
    )
    after, place = [], 0
    for edit in edits:
        after += [text[place : edit.begin], edit.text]
        place = edit.end
    result = "".join((*after, text[place:]))
    if _read(result, file) != _unversioned(article):
        raise NotAmendable(f"Det går inte att uppdatera {file} på plats. Skriv in ändringen för hand.")
    return result


def _read(text: str, file: Path) -> Article:
    document = parse(text.encode(), file)
    try:
        if document.is_readable and not document.problems:
            return ArticleSchema.model_validate(document.value).value()
    except ValidationError:
        pass
    raise NotAmendable(f"{file} har fel. Rätta dem först: lokbot check")


def _unversioned(article: Article) -> Article:
    texts = {code: replace(one, version=None, revision_id=None) for code, one in article.texts.items()}
    return replace(article, texts=texts)


class _File:
    """A file's text and where its lines begin."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def mapping(self, node: yaml.MappingNode, known: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[_Edit]:
        """What makes of a block of fields that says ``known`` one that says ``wanted``."""
        nodes = {key.value: (key, value) for key, value in node.value}
        column = node.start_mark.column
        for name in nodes.keys() & known.keys() - wanted.keys():
            yield self._lines(nodes[name][0], nodes[name][1], "")
        before = None  # the last field of the file that comes before this one
        for name, value in wanted.items():
            if name not in nodes and value != known.get(name):
                yield self._inserted(self._after(nodes[before][1]) if before else 0, {name: value}, column)
            elif name in nodes and value != known[name]:
                yield from self._field(*nodes[name], known[name], value)
            if name in nodes:
                before = name

    def _field(self, key: yaml.Node, node: yaml.Node, known: Any, value: Any) -> Iterator[_Edit]:
        if isinstance(node, yaml.CollectionNode) and node.flow_style:
            yield self._span(node, dumped(value, flow=True))
        elif isinstance(node, yaml.MappingNode) and isinstance(value, Mapping):
            yield from self.mapping(node, known, value)
        elif isinstance(node, yaml.SequenceNode) and isinstance(value, Sequence) and not isinstance(value, str):
            yield from self._sequence(node, known, value)
        else:
            yield self._scalar(key, node, value)

    def _scalar(self, key: yaml.Node, node: yaml.Node, value: Any) -> _Edit:
        style = node.style if isinstance(node, yaml.ScalarNode) else None
        new = dumped({key.value: value})
        head, _, body = new.partition("\n")
        is_block = head.endswith("|")
        if (
            not is_block
            and not body
            and isinstance(node, yaml.ScalarNode)
            and style not in ("|", ">")
            and self._is_one_line(node)
        ):
            return self._span(node, head.partition(": ")[2])
        if is_block and style == "|" and self.lines[key.start_mark.line].split("#")[0].rstrip().endswith(head):
            begin = self.starts[key.start_mark.line + 1]  # the line of the field's name may hold a comment
            return _Edit(begin, self._after(node), textwrap.indent(body, " " * key.start_mark.column))
        return self._lines(key, node, textwrap.indent(new, " " * key.start_mark.column))

    def _sequence(self, node: yaml.SequenceNode, known: Sequence[Any], wanted: Sequence[Any]) -> Iterator[_Edit]:
        items, column = node.value, node.start_mark.column
        matcher = SequenceMatcher(None, [repr(one) for one in known], [repr(one) for one in wanted], autojunk=False)
        for _, begin, end, first, last in (step for step in matcher.get_opcodes() if step[0] != "equal"):
            shared = min(end - begin, last - first)
            for old, new in zip(items[begin : begin + shared], wanted[first : first + shared], strict=True):
                written = textwrap.indent(dumped([new]), " " * column)
                if isinstance(old, yaml.ScalarNode) and old.style not in ("|", ">") and self._is_one_line(old):
                    head, _, body = dumped([new]).partition("\n")
                    if not body and not head.endswith("|"):
                        yield self._span(old, head.removeprefix("- "))
                        continue
                yield self._lines(old, old, written)
            for old in items[begin + shared : end]:
                yield self._lines(old, old, "")
            if first + shared < last:
                place = begin + shared
                at = self._after(items[place - 1]) if place else self.starts[items[0].start_mark.line]
                yield self._inserted(at, list(wanted[first + shared : last]), column)

    def _inserted(self, at: int, value: Any, column: int) -> _Edit:
        return _Edit(at, at, textwrap.indent(dumped(value), " " * column))

    def _span(self, node: yaml.Node, text: str) -> _Edit:
        begin, end = (self.starts[mark.line] + mark.column for mark in (node.start_mark, node.end_mark))
        return _Edit(begin, end, f" {text}" if begin == end else text)  # nothing stands after the colon

    def _lines(self, first: yaml.Node, last: yaml.Node, text: str) -> _Edit:
        return _Edit(self.starts[first.start_mark.line], self._after(last), text)

    def _is_one_line(self, node: yaml.Node) -> bool:
        return bool(node.start_mark.line == node.end_mark.line)

    def _after(self, node: yaml.Node) -> int:
        """Where the line after a value begins. What PyYAML calls its end may lie behind comments and empty lines."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._after(last[1] if isinstance(last, tuple) else last)
        line = node.end_mark.line
        if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
            line -= node.end_mark.column == 0
            while line > node.start_mark.line and not self.lines[line].strip():
                line -= 1
        return self.starts[line + 1]
