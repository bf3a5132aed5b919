"""The content folders -> ``model.Knowledge``, or everything that is wrong with them.

    articles/*.yaml, administrations.yaml, phrases.yaml, glossary.yaml, people.yaml   knowledge/
    development/*.yaml, unseen/*.yaml                                                 knowledge/golden/
    topics.yaml, <group>.yaml                                                         intents/

Here files become values; whether the values make sense together is asked in ``checks``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lokbot.knowledge.document import MAX_BYTES, Document, parse
from lokbot.knowledge.explain import explain
from lokbot.knowledge.positions import Position, Positions, Trail
from lokbot.knowledge.problems import KnowledgeError, Problem, Severity, in_order, quoted
from lokbot.knowledge.schemas import (
    AdministrationSchema,
    ArticleSchema,
    GlossarySchema,
    GoldenSchema,
    IntentSchema,
    PersonSchema,
    PhrasesSchema,
    TopicSchema,
)
from lokbot.model import GoldenQuestion, Knowledge

S = TypeVar("S", bound=BaseModel)

KNOWLEDGE_FILES = ("administrations", "phrases", "glossary", "people")
POOLS = ("development", "unseen")
"""The folders of golden questions. Nobody who tunes matching reads the second."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reading of the folders gave. ``knowledge`` is None when any problem is an error."""

    knowledge: Knowledge | None
    problems: tuple[Problem, ...]
    positions: Positions


def load(knowledge_dir: Path, intents_dir: Path) -> Knowledge:
    """All content of the two folders. Raises KnowledgeError with every problem found."""
    reading = read(knowledge_dir, intents_dir)
    if reading.knowledge is None:
        raise KnowledgeError(reading.problems)
    return reading.knowledge


def read(knowledge_dir: Path, intents_dir: Path) -> Reading:
    """All content of the two folders with the problems found on the way and the line of each value."""
    reader = _Reader()
    expected = {f"{name}.yaml" for name in KNOWLEDGE_FILES} | {"articles", "golden"}
    reader.look_around(reader.entries(knowledge_dir), expected)
    articles = [reader.article(file) for file in reader.files(knowledge_dir / "articles", "articles")]

    def items(kind: str, key: str, schema: type[S], *, is_needed: bool) -> list[S]:
        return reader.items(knowledge_dir / f"{kind}.yaml", kind, key, schema, is_needed=is_needed)

    administrations = items("administrations", "id", AdministrationSchema, is_needed=True)
    glossary = items("glossary", "term", GlossarySchema, is_needed=False)
    people = items("people", "name", PersonSchema, is_needed=False)
    golden = reader.golden(knowledge_dir / "golden")
    phrases = reader.phrases(knowledge_dir / "phrases.yaml")

    topics_file = intents_dir / "topics.yaml"
    topics = reader.items(topics_file, "topics", "id", TopicSchema, is_needed=True)
    intents = [
        schema.value()
        for file in reader.files(intents_dir, "intents")
        if file != topics_file
        for schema in reader.items(file, "intents", "id", IntentSchema, is_needed=True)
    ]

    knowledge = None
    if not any(problem.severity is Severity.ERROR for problem in reader.problems):
        knowledge = with_digest(
            Knowledge(
                articles={schema.id: schema.value() for schema in articles if schema is not None},
                topics={schema.id: schema.value() for schema in topics},
                intents=tuple(intents),
                administrations={schema.id: schema.value() for schema in administrations},
                phrases=phrases,
                glossary=tuple(schema.value() for schema in glossary),
                people=tuple(schema.value() for schema in people),
                golden=golden,
                digest="",
            )
        )
    return Reading(knowledge, in_order(reader.problems), Positions(reader.marks))


def phrases(knowledge_dir: Path) -> Mapping[str, Mapping[str, str]]:
    """The fixed sentences alone, per language. Raises KnowledgeError with every problem of their file."""
    reader = _Reader()
    found = reader.phrases(knowledge_dir / "phrases.yaml")
    if reader.problems:
        raise KnowledgeError(in_order(reader.problems))
    return found


def golden_from(paths: Iterable[Path]) -> tuple[GoldenQuestion, ...]:
    """Golden questions of files, and of folders with all below them, wherever they lie: such as knowledge/golden.

    What lies in a folder called ``unseen`` belongs to that pool. Raises KnowledgeError with every problem found, also
    where an id stands twice or a path leads nowhere.
    """
    reader = _Reader()
    found: list[GoldenQuestion] = []
    for path in paths:
        if path.is_dir():
            found += reader.golden_below(path)
        else:
            found += reader.golden_file(path, is_unseen=_is_in_unseen(path))
    if any(problem.severity is Severity.ERROR for problem in reader.problems):
        raise KnowledgeError(in_order(reader.problems))
    return tuple(found)


def _is_in_unseen(path: Path) -> bool:
    return path.resolve().parent.name == "unseen"


class _Reader:
    """Reads one file after another and keeps what was wrong and where everything stands."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.marks: dict[Trail, Position] = {}

    def complain(self, position: Position, message: str, remedy: str) -> None:
        self.problems.append(Problem(position.file, position.line, Severity.ERROR, message, remedy))

    # ---- folders

    def entries(self, folder: Path) -> list[Path]:
        try:
            return sorted(folder.iterdir())
        except OSError as error:
            remedy = "Kontrollera att mappen finns och får läsas, eller rätta inställningen."
            self.complain(Position(folder, None), f"mappen går inte att läsa ({error.strerror})", remedy)
            return []

    def files(self, folder: Path, kind: str) -> list[Path]:
        """The YAML files of a folder by name; ``kind`` is the field of ``Knowledge`` that they fill."""
        self.marks[(kind,)] = Position(folder, None)
        entries = self.entries(folder)
        found = [path for path in entries if path.suffix == ".yaml" and not path.name.startswith(".")]
        self.look_around(entries, {path.name for path in found})
        ours: list[Path] = []
        for path in found:
            if (fault := _not_ours(path)) is None:
                ours.append(path)
            else:
                self._warn(path, *fault)
        return ours

    def look_around(self, entries: Iterable[Path], expected: Container[str]) -> None:
        """Warn of what somebody may believe is read but is not. Hidden files and editors' leftovers are no matter."""
        for path in entries:
            if path.name in expected or path.name.startswith((".", "#")) or path.name.endswith("~"):
                continue
            remedy = "Flytta den härifrån om den inte hör till innehållet."
            if path.suffix == ".yml":
                remedy = f"Byt namn till {path.stem}.yaml."
            self._warn(path, "läses inte", remedy)

    def _warn(self, path: Path, message: str, remedy: str) -> None:
        self.problems.append(Problem(path, None, Severity.WARNING, message, remedy))

    # ---- files

    def document(self, file: Path, *, is_needed: bool) -> Document | None:
        """The parsed file; None when it cannot be read, or is not there and need not be."""
        if not os.path.lexists(file):
            if is_needed:
                self.complain(Position(file, None), "filen saknas", "Skapa den efter mönstret i dokumentationen.")
            return None
        if (fault := _not_ours(file)) is not None:
            self.complain(Position(file, None), *fault)
            return None
        try:
            with file.open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
        except OSError as error:
            remedy = "Kontrollera att filen får läsas."
            self.complain(Position(file, None), f"filen går inte att läsa ({error.strerror})", remedy)
            return None
        document = parse(content, file)
        self.problems.extend(document.problems)
        return document if document.is_readable else None

    def article(self, file: Path) -> ArticleSchema | None:
        if (document := self.document(file, is_needed=True)) is None:
            return None
        self.mark(document, {(): ("articles", file.stem)})
        schema = self.validated(document, (), document.value, ArticleSchema)
        if schema is not None and schema.id != file.stem:
            self.complain(
                document.positions.find("id"),
                f"id {quoted(schema.id)} är inte samma som filnamnet {quoted(file.name)}",
                f"Byt filens namn till {schema.id}.yaml, eller rätta id.",
            )
        return schema

    def items(self, file: Path, kind: str, key: str, schema: type[S], *, is_needed: bool) -> list[S]:
        """The valid items of a file that is a list; ``key`` is the field that tells them apart."""
        if (document := self.document(file, is_needed=is_needed)) is None:
            return []
        if not isinstance(document.value, list):
            remedy = "Börja varje del med »- » längst till vänster."
            self.complain(document.positions.find(), "filen ska vara en lista", remedy)
            return []
        valid: list[S] = []
        trails: dict[Trail, Trail] = {}
        for index, value in enumerate(document.value):
            if (item := self.validated(document, (index,), value, schema)) is None:
                continue
            name = str(getattr(item, key))
            here = document.positions.find(index, key)
            if (first := self.marks.get((kind, name))) is not None:
                place = f"rad {first.line}" if first.file == file else f"{first.file.name} rad {first.line}"
                remedy = "Byt namn på den ena, eller ta bort den."
                self.complain(here, f"{quoted(name)} finns redan, på {place}", remedy)
                continue
            self.marks[(kind, name)] = here
            trails[(index,)] = (kind, name)
            valid.append(item)
        self.mark(document, trails)
        return valid

    def golden(self, folder: Path) -> tuple[GoldenQuestion, ...]:
        """The golden questions of both pools, () where there is no such folder: a bot can do without being measured."""
        found: list[GoldenQuestion] = []
        if not folder.exists():
            return ()
        self.look_around(self.entries(folder), {*POOLS, "README.md"})
        for pool in POOLS:
            if (folder / pool).exists():
                for file in self.files(folder / pool, "golden"):
                    found += self.golden_file(file, is_unseen=pool == "unseen")
        self.marks[("golden",)] = Position(folder, None)
        return tuple(found)

    def golden_below(self, folder: Path) -> list[GoldenQuestion]:
        files = sorted(file for file in folder.rglob("*.yaml") if not file.name.startswith("."))
        if not files:
            self.complain(Position(folder, None), "mappen har inga YAML-filer", "Ange en fil, eller en annan mapp.")
        return [one for file in files for one in self.golden_file(file, is_unseen=_is_in_unseen(file))]

    def golden_file(self, file: Path, *, is_unseen: bool) -> list[GoldenQuestion]:
        schemas = self.items(file, "golden", "id", GoldenSchema, is_needed=True)
        return [replace(schema.value(), is_unseen=is_unseen) for schema in schemas]

    def phrases(self, file: Path) -> Mapping[str, Mapping[str, str]]:
        """The fixed sentences per language, {} when they cannot be read."""
        if (document := self.document(file, is_needed=True)) is None:
            return {}
        self.mark(document, {(): ("phrases",)})
        schema = self.validated(document, (), document.value, PhrasesSchema)
        return schema.value() if schema is not None else {}

    # ---- values

    def validated(self, document: Document, trail: Trail, value: object, schema: type[S]) -> S | None:
        """The value in the form of the schema, or None with one problem for each place that is wrong."""
        try:
            return schema.model_validate(value)
        except ValidationError as invalid:
            errors = invalid.errors(include_url=False)
        told: set[Trail] = set()
        for error in errors:
            inner: Trail = tuple(step for step in error["loc"] if step != "[key]")
            place = (*trail, *inner)
            # A key that is wrong also has a value that is; and what YAML refused is reported already.
            if inner in told or any(place[:length] in document.broken for length in range(len(place) + 1)):
                continue
            told.add(inner)
            position = document.positions.find(*place)
            message, remedy = explain(error, inner, position.raw)
            self.complain(position, message, remedy)
        return None

    def mark(self, document: Document, trails: Mapping[Trail, Trail]) -> None:
        """Keep the document's positions by id: ``(0, "name")`` becomes ``("topics", "anslutning", "name")``."""
        depth = max((len(trail) for trail in trails), default=0)
        for trail, position in document.positions.marks.items():
            name = trails.get(trail[:depth])
            if name is not None:
                self.marks[(*name, *trail[depth:])] = position


def _not_ours(path: Path) -> tuple[str, str] | None:
    """Message and remedy unless it is an ordinary file, or a link within its folder (as in a Kubernetes ConfigMap).

    A link out of the folder could show any file of the machine in an error message.
    """
    if path.is_symlink() and not path.resolve().is_relative_to(path.parent.resolve()):
        return "läses inte, eftersom den är en länk ut ur mappen", "Lägg filen här i stället."
    if not path.is_file():
        return "läses inte, eftersom den inte är en vanlig fil", "Ta bort den."
    return None


# ------------------------------------------------------------------------------- digest


def with_digest(knowledge: Knowledge) -> Knowledge:
    """The same content with the digest that belongs to it: SHA-256 over all its values, as a hexadecimal text.

    Comments and layout of the files do not count; which article stands in which place of the mapping neither.
    """
    values = {field.name: getattr(knowledge, field.name) for field in fields(knowledge) if field.name != "digest"}
    text = json.dumps(_plain(values), ensure_ascii=False, sort_keys=True)
    return replace(knowledge, digest=hashlib.sha256(text.encode()).hexdigest())


def _plain(value: Any) -> object:
    """Nouns as plain JSON values with one spelling each."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(str(item) for item in value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    return value
