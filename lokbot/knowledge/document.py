"""One YAML text -> plain values with their lines, refusing all in YAML that surprises people.

Built on the parser's events and not on PyYAML's node tree: composing deeply nested brackets recurses
in C and kills the process (segmentation fault with 300,000 ``[``, PyYAML 6.0.3), and an anchor with
aliases lets a small file grow without bound. Here depth is counted and aliases are refused.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from lokbot.knowledge.positions import Position, Positions, Trail
from lokbot.knowledge.problems import Problem, Severity, quoted

Value: TypeAlias = "str | int | float | bool | date | list[Value] | dict[str, Value] | None"

# libyaml reads the 99 articles of 2026 in 15 ms, the Python parser in 280 ms. The latter is a little stricter:
# a question mark that ends a text within [ ] needs quotes.
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_BYTES = 1_000_000
MAX_DEPTH = 12
"""The deepest content format has five levels."""

UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML 1.1 (5.1) does not allow in a file."""

STANDARD_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content. ``broken`` are the trails whose value is already reported and stands as None."""

    value: Value
    positions: Positions
    problems: tuple[Problem, ...]
    broken: frozenset[Trail] = frozenset()
    is_readable: bool = True


def parse(content: bytes, file: Path) -> Document:
    """Never raises: what is wrong is in ``problems``. ``file`` is only for the messages."""
    builder = _Builder(file)
    try:
        text = _decode(content)
        return builder.document(text)
    except _Unreadable as error:
        builder.complain(error.line, error.message, error.remedy)
    return Document(None, Positions(builder.marks), tuple(builder.problems), is_readable=False)


class _Unreadable(Exception):
    """The file cannot be read any further."""

    def __init__(self, line: int | None, message: str, remedy: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.remedy = remedy


def _decode(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise _Unreadable(None, "filen är större än 1 MB", "Dela upp den i flera filer.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unreadable(
            content.count(b"\n", 0, error.start) + 1,
            "filen är inte sparad som UTF-8, så å, ä och ö kan inte läsas",
            "Öppna filen och spara om den med teckenkodningen UTF-8.",
        ) from error
    if (strange := UNPRINTABLE.search(text)) is not None:
        raise _Unreadable(
            text.count("\n", 0, strange.start()) + 1,
            f"raden har ett osynligt styrtecken (U+{ord(strange[0]):04X})",
            "Ta bort tecknet. Skriv om raden för hand om det inte syns.",
        )
    # macOS and some web forms write å as a + ring; one form only makes wordings comparable.
    return unicodedata.normalize("NFC", text)


class _Builder:
    """Walks the events of one text and keeps values, lines and problems."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.marks: dict[Trail, Position] = {(): Position(file, 1)}
        self.problems: list[Problem] = []
        self.broken: set[Trail] = set()
        self.loader: Any = None

    def complain(self, line: int | None, message: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, line, Severity.ERROR, message, remedy))

    def document(self, text: str) -> Document:
        self.loader = Loader(text)
        try:
            value = self._only_document()
        except yaml.MarkedYAMLError as error:
            raise _explained(error, text) from error
        finally:
            self.loader.dispose()
        return Document(value, Positions(self.marks), tuple(self.problems), frozenset(self.broken))

    def _only_document(self) -> Value:
        self.loader.get_event()  # the start of the stream
        if isinstance(self.loader.get_event(), yaml.StreamEndEvent):
            raise _Unreadable(1, "filen är tom", "Skriv innehållet, eller ta bort filen.")
        value = self._value((), self.loader.get_event())
        self.loader.get_event()  # the end of the document
        following = self.loader.get_event()
        if not isinstance(following, yaml.StreamEndEvent):
            raise _Unreadable(
                following.start_mark.line + 1,
                "raden --- börjar ett nytt dokument i samma fil",
                "Ta bort raden, eller dela filen i två.",
            )
        return value

    def _value(self, trail: Trail, event: Any, line: int | None = None) -> Value:
        """The value that begins with ``event``; ``line`` is its key's line where it has a key."""
        line = event.start_mark.line + 1 if line is None else line
        if len(trail) > MAX_DEPTH:
            raise _Unreadable(line, "för många nivåer i varandra", "Kontrollera indrag och hakparenteser på raden.")
        self.marks[trail] = Position(self.file, line)
        if (odd := _odd(event)) is not None:
            self._refuse(trail, line, *odd)
        if isinstance(event, yaml.AliasEvent):
            return None
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(trail)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(trail)
        return self._scalar(trail, event, line)

    def _refuse(self, trail: Trail, line: int, message: str, remedy: str) -> None:
        self.broken.add(trail)
        self.complain(line, message, remedy)

    def _sequence(self, trail: Trail) -> Value:
        items: list[Value] = []
        while not isinstance(event := self.loader.get_event(), yaml.SequenceEndEvent):
            items.append(self._value((*trail, len(items)), event))
        return items

    def _mapping(self, trail: Trail) -> Value:
        fields: dict[str, Value] = {}
        while not isinstance(event := self.loader.get_event(), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            key = self._key(trail, event, line)
            # A refused key's value is read, for what is wrong inside it, and then left out.
            place: Trail = (*trail, key) if key is not None else (*trail, "?", line)
            if key is not None and key in fields:
                first = self.marks[place].line
                self.complain(
                    line,
                    f"fältet {quoted(key)} står två gånger, första gången på rad {first}",
                    "Behåll det ena och ta bort det andra.",
                )
                place, key = (*place, "?", line), None
            value = self._value(place, self.loader.get_event(), line)
            if key is not None:
                fields[key] = value
        return fields

    def _key(self, trail: Trail, event: Any, line: int) -> str | None:
        if isinstance(event, yaml.CollectionStartEvent):
            self.complain(line, "ett fältnamn måste vara ett ord", "Kontrollera parenteser och frågetecken på raden.")
            self._value((*trail, "?", line), event, line)
            return None
        if (odd := _odd(event)) is not None:
            self.complain(line, *odd)
            return None
        if (kind := self._kind(event)) != "str":
            what = {"bool": "ja eller nej", "null": "tomt"}.get(kind, "ett tal eller datum")
            self.complain(
                line,
                f"fältnamnet {quoted(event.value)} läses av YAML som {what}, inte som text",
                f'Sätt citattecken: "{event.value}":',
            )
            return None
        return str(event.value)

    def _scalar(self, trail: Trail, event: Any, line: int) -> Value:
        raw: str = event.value
        # Leading blank lines are stripped from every text by the schemas.
        blank = len(raw) - len(raw.lstrip("\n"))
        text_line = event.start_mark.line + 2 + blank if event.style == "|" else None
        self.marks[trail] = Position(self.file, line, text_line, raw)
        kind = self._kind(event)
        if kind == "null":
            return None
        if kind == "bool":
            return raw.lower() in {"yes", "true", "on"}
        if kind in {"int", "float"}:
            return _number(raw)
        if kind == "timestamp" and re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", raw):
            try:
                return date(*(int(part) for part in raw.split("-")))
            except ValueError:
                self._refuse(trail, line, f"datumet {quoted(raw)} finns inte", "Skriv år-månad-dag.")
                return None
        return raw

    def _kind(self, event: Any) -> str:
        """How YAML 1.1 reads a plain value: str, null, bool, int, float or timestamp."""
        tag: str = self.loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        kind = tag.removeprefix(STANDARD_TAG)
        return kind if kind in {"null", "bool", "int", "float", "timestamp"} else "str"


def _odd(event: Any) -> tuple[str, str] | None:
    """Message and remedy for what YAML has beyond plain values: aliases, anchors and tags."""
    if isinstance(event, yaml.AliasEvent):
        remedy = f'Sätt citattecken om det är text: "*{event.anchor}". Hänvisningar används inte här.'
        return f"{quoted(f'*{event.anchor}')} läses som en hänvisning (alias)", remedy
    if event.anchor is not None:
        remedy = "Sätt citattecken runt texten. Ankare används inte här."
        return f"{quoted(f'&{event.anchor}')} läses som ett ankare", remedy
    if event.tag is not None:
        remedy = "Sätt citattecken runt texten. Taggar används inte här."
        return f"{quoted(event.tag)} läses som en tagg, eftersom det börjar med utropstecken", remedy
    return None


def _number(raw: str) -> int | float:
    """Whole decimal numbers as such. Every other kind (hexadecimal, 12:30 as minutes) is no number here."""
    try:
        return int(raw)
    except ValueError:
        return float("nan")


def _explained(error: yaml.MarkedYAMLError, text: str) -> _Unreadable:
    """A syntax error of PyYAML or libyaml (their wordings differ) in Swedish, on the line to mend."""
    problem, context = error.problem or "", error.context or ""
    mark = error.problem_mark or error.context_mark
    lines = text.splitlines()
    line = mark.line + 1 if mark is not None else 1
    begin = error.context_mark.line + 1 if error.context_mark is not None else line
    row = lines[line - 1] if line <= len(lines) else ""
    column = mark.column if mark is not None else 0

    indent = row[: len(row) - len(row.lstrip())]

    if "tab character" in problem or "\t" in indent or row[column : column + 1] == "\t":
        return _Unreadable(line, "raden är indragen med tabb", "Byt tabben mot mellanslag.")
    if "mapping values are not allowed" in problem:
        return _Unreadable(
            line, "texten har ett kolon som YAML läser som ett fält", "Sätt citattecken runt hela texten."
        )
    if "scanning an alias" in context:
        return _Unreadable(line, "ett ord som börjar med * behöver citattecken", 'Skriv till exempel "*bidrag*".')
    if "unexpected end of stream" in problem:
        return _Unreadable(begin, "ett citattecken öppnas men stängs aldrig", "Stäng det, eller ta bort det.")
    if "',' or ']'" in problem or "',' or '}'" in problem:
        bracket = "]" if "']'" in problem else "}"
        return _Unreadable(
            line,
            f"listan eller gruppen som börjar på rad {begin} är inte avslutad med {bracket}",
            "Sätt dit tecknet, och komma mellan delarna. Texter med komma eller kolon behöver citattecken.",
        )
    if "could not find expected ':'" in problem:
        return _Unreadable(
            begin, "raden är varken ett fält eller en del av en lista", "Skriv fältnamn, kolon, mellanslag, värde."
        )
    if "sequence entries are not allowed" in problem:
        return _Unreadable(line, "en lista kan inte börja på samma rad som fältnamnet", "Börja listan på nästa rad.")
    if "escape character" in problem:
        return _Unreadable(
            line,
            "ett omvänt snedstreck betyder något särskilt inom dubbla citattecken",
            "Ta bort det, eller använd enkla citattecken runt texten.",
        )
    if "cannot start any token" in problem:
        return _Unreadable(
            line,
            f"en text kan inte börja med tecknet {quoted(row[column : column + 1])}",
            "Sätt citattecken runt hela texten.",
        )
    if "expected key" in problem or "<block end>" in problem or "'-' indicator" in problem:
        if row[:column].strip():
            return _Unreadable(
                line, "texten fortsätter efter ett stängt citattecken", "Sätt citattecken runt hela texten."
            )
        return _Unreadable(
            line,
            "raden är indragen på ett sätt som inte passar raderna ovanför",
            "Gör indraget lika stort som på övriga rader av samma slag.",
        )
    return _Unreadable(
        line, f"filen går inte att läsa som YAML ({problem or error})", "Jämför raden med en fil som fungerar."
    )
