"""What the checks look at: all content with its lines, and every text that may reach an asker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from lokbot.knowledge.positions import Positions, Trail
from lokbot.knowledge.problems import Problem, Severity
from lokbot.model import Article, Knowledge, LocalText


@dataclass(frozen=True, slots=True)
class Content:
    """What the checks look at. ``required_phrases`` gives the placeholders of each key that the replies use."""

    knowledge: Knowledge
    positions: Positions
    today: date
    required_phrases: Mapping[str, frozenset[str]]
    lix_limit: float

    def error(self, trail: Trail, message: str, remedy: str, *, text: str = "", index: int = 0) -> Problem:
        """An error at the value; with ``text``, the value itself, at the line of its character ``index``."""
        return self._problem(Severity.ERROR, trail, message, remedy, text, index)

    def warning(self, trail: Trail, message: str, remedy: str, *, text: str = "", index: int = 0) -> Problem:
        return self._problem(Severity.WARNING, trail, message, remedy, text, index)

    def info(self, trail: Trail, message: str, remedy: str = "") -> Problem:
        return self._problem(Severity.INFO, trail, message, remedy, "", 0)

    def _problem(self, severity: Severity, trail: Trail, message: str, remedy: str, text: str, index: int) -> Problem:
        position = self.positions.find(*trail)
        line = position.line_at(text, index) if text else position.line
        return Problem(position.file, line, severity, message, remedy)


@dataclass(frozen=True, slots=True)
class Said:
    """A text that may reach an asker, and where it stands."""

    trail: Trail
    text: str
    language: str = "sv"


def answers(article: Article) -> Iterator[Said]:
    """The long and the short answer in every language; the last step of the trail tells which."""
    for language, text in article.texts.items():
        yield Said(("articles", article.id, language, "answer"), text.answer, language)
        if text.short:
            yield Said(("articles", article.id, language, "short"), text.short, language)


def all_answers(knowledge: Knowledge) -> Iterator[Said]:
    for article in knowledge.articles.values():
        yield from answers(article)


def source_urls(article: Article) -> Iterator[Said]:
    """The addresses of the sources, which go out below an answer."""
    for index, source in enumerate(article.sources):
        if source.url is not None:
            yield Said(("articles", article.id, "sources", index, "url"), source.url)


def shown(knowledge: Knowledge) -> Iterator[Said]:
    """Every text that may be shown to somebody who asks."""
    for article in knowledge.articles.values():
        yield from answers(article)
        for language, text in article.texts.items():
            for index, question in enumerate(text.questions):
                yield Said(("articles", article.id, language, "questions", index), question, language)
        for index, source in enumerate(article.sources):
            yield Said(("articles", article.id, "sources", index, "title"), source.title)
    for owner in knowledge.administrations.values():
        for field, local in (("name", owner.name), ("matters", owner.matters), ("contact", owner.contact)):
            yield from _both(("administrations", owner.id, field), local)
    for topic in knowledge.topics.values():
        yield from _both(("topics", topic.id, "name"), topic.name)
    for entry in knowledge.glossary:
        if entry.explanation is not None:
            yield from _both(("glossary", entry.term, "explanation"), entry.explanation)
    for language, texts in knowledge.phrases.items():
        for key, phrase in texts.items():
            yield Said(("phrases", language, key), phrase, language)


def _both(trail: Trail, text: LocalText) -> Iterator[Said]:
    yield Said((*trail, "sv"), text.sv)
    yield Said((*trail, "en"), text.en, "en")
