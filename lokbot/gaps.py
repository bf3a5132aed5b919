"""What people ask that no text of ours answers: questions in themes, the largest first, and a skeleton to answer one.

Grouping is by words and letters: Snowball stems and character 4-grams of the folded words, weighted by rarity among the
questions, and by sentence vectors where there is an encoder. Each question joins the theme whose middle is nearest;
then the middles are taken anew and each is asked again. The same questions give the same themes, in whatever order.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from lokbot.conversation.working_days import SWEDEN
from lokbot.describing import moment
from lokbot.masking import mask_personal_data
from lokbot.model import AdministrationKind, Knowledge
from lokbot.store import queries
from lokbot.store.schema import DecisionRecord
from lokbot.understanding import Encoder
from lokbot.understanding.function_words import FUNCTION_WORDS, LIGHT_WORDS
from lokbot.understanding.normalize import fold, grams, stem, words

NEAR = 0.22
"""Cosine to a theme's middle from which a question belongs to it. Tried on the 66 near misses of the golden questions:
at 0.15 the one word "förening" draws questions together, at 0.26 "nästa styrgruppsmöte?" no longer joins "När träffas
styrgruppen?"."""

LEAST_TO_CENTRE = 10
"""Questions from which sentence vectors are used: the mean of a few is no mean."""

ROUNDS = 3
MOST = 3000
"""Questions that are grouped, the newest: with words alone 3,000 take about ten seconds."""

EXAMPLES = 3
_LONGEST = 160  # characters of an example
_MASKED = re.compile(r"\[[^\]\s]+\]")

Vector = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that went to a person because nothing fitted. ``nearest`` is the article that came nearest, if any;
    ``contact`` is a row's number and tells who asked apart from others, not who it is.
    """

    text: str
    language: str
    contact: int
    at: datetime
    nearest: str | None = None
    topic: str | None = None
    administration: str | None = None


@dataclass(frozen=True, slots=True)
class Theme:
    """Questions about one thing, the most typical first, and the words that tell it from other themes."""

    words: tuple[str, ...]
    questions: tuple[Unanswered, ...]

    @property
    def contacts(self) -> int:
        """How many different people asked."""
        return len({question.contact for question in self.questions})

    def commonest(self, values: Iterable[str | None]) -> str | None:
        """The commonest of ``values`` that is not None; of equally common ones the first by alphabet."""
        counts = Counter(value for value in values if value)
        return min(counts, key=lambda value: (-counts[value], value), default=None)


def unanswered(session: Session, *, since: datetime, until: datetime) -> list[Unanswered]:
    """The questions of the period that were escalated as nothing-found or not-sure, oldest first."""
    return [_unanswered(decision) for decision in queries.unanswered(session, since=since, until=until)]


def themes_of_month(session: Session, month: str, encoder: Encoder | None = None) -> dict[int, str]:
    """The theme of each question (id) that was asked in a month (``2026-11``) and that no text of ours answered.

    What is published of a theme is its words, so they are taken from what is masked, and only where
    at least two people asked.
    """
    year, place = map(int, month.split("-"))
    begin = datetime(year, place, 1, tzinfo=SWEDEN)
    end = datetime(year + place // 12, place % 12 + 1, 1, tzinfo=SWEDEN)
    decisions = queries.unanswered(session, since=begin, until=end)
    questions = [_unanswered(decision) for decision in decisions]
    ids = {id(one): decision.question_id for one, decision in zip(questions, decisions, strict=True)}
    return {
        ids[id(one)]: ", ".join(theme.words)
        for theme in themes(questions, encoder)
        if theme.contacts > 1
        for one in theme.questions
    }


def _unanswered(decision: DecisionRecord) -> Unanswered:
    question = decision.question
    matches = question.understanding.get("matches") or [{}]
    return Unanswered(
        text=question.text,
        language=question.language,
        contact=question.message.conversation.contact_id,
        at=decision.decided_at,
        nearest=matches[0].get("article"),
        topic=decision.topic,
        administration=decision.administration,
    )


# ------------------------------------------------------------------ themes


def themes(questions: Sequence[Unanswered], encoder: Encoder | None = None) -> tuple[Theme, ...]:
    """All questions in themes, the most asked first, then those that most people ask."""
    newest = sorted(questions, key=lambda one: (one.at, one.text))[-MOST:]
    ordered = sorted(newest, key=lambda one: (fold(one.text.casefold()), one.at, one.contact))
    vectors = _vectors(ordered, encoder)
    labels = _grouped(vectors)
    members: dict[int, list[int]] = {}
    for number, label in enumerate(labels):
        members.setdefault(label, []).append(number)
    spread = Counter(word for one in ordered for word in set(_content_words(one)))
    found = [_theme([ordered[n] for n in group], [vectors[n] for n in group], spread) for group in members.values()]
    return tuple(sorted(found, key=lambda theme: (-len(theme.questions), -theme.contacts, theme.words)))


def _theme(questions: Sequence[Unanswered], vectors: Sequence[Vector], spread: Mapping[str, int]) -> Theme:
    middle = _sum(vectors)
    order = sorted(range(len(questions)), key=lambda n: (-_dot(vectors[n], middle), n))
    counts = Counter(word for one in questions for word in set(_content_words(one)))
    # A word of this theme and of few others; of two equally so, the longer says more.
    typical = sorted(counts, key=lambda word: (-(counts[word] ** 2) / spread[word], -len(word), word))
    named: dict[str, str] = {}  # "förvaltning" and "forvaltningar" are one word
    for word in typical:
        named.setdefault(stem(fold(word), "sv"), word)
    return Theme(tuple(named.values())[:3], tuple(questions[n] for n in order))


def _content_words(question: Unanswered) -> list[str]:
    """The words that carry a matter; where all are small words, those. Who asked is no matter and names no theme."""
    written = words(_MASKED.sub(" ", mask_personal_data(question.text)))
    small = FUNCTION_WORDS.get(question.language, FUNCTION_WORDS["sv"]) | LIGHT_WORDS
    return [word for word in written if word not in small] or list(written)


def _vectors(questions: Sequence[Unanswered], encoder: Encoder | None) -> list[Vector]:
    """A vector of length 1 for each question: stems and 4-grams in equal parts, sentence vectors as much again."""
    kinds: list[list[Counter[str]]] = [[], []]
    for question in questions:
        folded = [fold(word) for word in _content_words(question)]
        kinds[0].append(Counter(f"s {stem(word, question.language)}" for word in folded))
        kinds[1].append(Counter(f"g {gram}" for gram in grams(tuple(folded))))
    parts = [[_unit(vector) for vector in _weighted(kind)] for kind in kinds]
    if encoder is not None and len(questions) >= LEAST_TO_CENTRE:
        # As questions, not as wordings: those are kept on disk, and what people wrote is not.
        dense = encoder.questions([question.text for question in questions])
        if dense is not None:
            parts += 2 * [_centred(dense.tolist())]
    return [_unit(_sum(of_one)) for of_one in zip(*parts, strict=True)]


def _centred(dense: Sequence[Sequence[float]]) -> list[Vector]:
    """Sentence vectors without what all of them share: else any two sentences seem alike (cosine 0.7 and more)."""
    mean = [sum(values) / len(dense) for values in zip(*dense, strict=True)]
    return [
        _unit({f"v {n}": value - middle for n, (value, middle) in enumerate(zip(vector, mean, strict=True))})
        for vector in dense
    ]


def _weighted(counted: Sequence[Counter[str]]) -> list[Vector]:
    """Counts weighted by rarity: what every question holds tells none apart."""
    holders = Counter(key for counts in counted for key in counts)
    total = len(counted)
    return [{key: n * math.log(1 + total / holders[key]) for key, n in counts.items()} for counts in counted]


def _unit(vector: Vector) -> Vector:
    length = math.sqrt(sum(value * value for value in vector.values()))
    return {key: value / length for key, value in vector.items()} if length else vector


def _sum(vectors: Iterable[Vector]) -> dict[str, float]:
    total: dict[str, float] = {}
    for vector in vectors:
        for key, value in vector.items():
            total[key] = total.get(key, 0.0) + value
    return total


def _dot(one: Vector, other: Vector) -> float:
    return sum(value * other.get(key, 0.0) for key, value in one.items())


def _grouped(vectors: Sequence[Vector]) -> list[int]:
    """The number of each vector's theme."""
    middles = _Middles()
    labels = [middles.join(vector) for vector in vectors]
    for _ in range(ROUNDS):
        settled = _Middles.of(vectors, labels)
        again = [settled.nearest(vector, besides=label) for vector, label in zip(vectors, labels, strict=True)]
        if again == labels:
            break
        labels = again
    return labels


class _Middles:
    """The sums of the vectors of each theme, searched through the keys that a question shares with them."""

    def __init__(self) -> None:
        self._postings: dict[str, dict[int, float]] = {}
        self._squares: dict[int, float] = {}

    @classmethod
    def of(cls, vectors: Sequence[Vector], labels: Sequence[int]) -> _Middles:
        middles = cls()
        for vector, label in zip(vectors, labels, strict=True):
            middles._add(label, vector)
        return middles

    def join(self, vector: Vector) -> int:
        """Add ``vector`` to the nearest theme, or to a new one where none is near; gives its number."""
        cosines = self._cosines(vector)
        label = max(cosines, key=lambda number: (cosines[number], -number), default=-1)
        if label < 0 or cosines[label] < NEAR:
            label = len(self._squares)
        self._add(label, vector)
        return label

    def nearest(self, vector: Vector, *, besides: int) -> int:
        """The theme that lies nearest; ``besides``, its own, where no other is nearer."""
        cosines = self._cosines(vector)
        best = max(cosines, key=lambda number: (cosines[number], number == besides, -number), default=besides)
        return best if cosines.get(best, 0.0) >= NEAR else besides

    def _add(self, label: int, vector: Vector) -> None:
        square = self._squares.get(label, 0.0)
        for key, value in vector.items():
            sums = self._postings.setdefault(key, {})
            before = sums.get(label, 0.0)
            sums[label] = before + value
            square += (before + value) ** 2 - before**2
        self._squares[label] = square

    def _cosines(self, vector: Vector) -> dict[int, float]:
        dots: dict[int, float] = {}
        for key, value in vector.items():
            for label, total in self._postings.get(key, {}).items():
                dots[label] = dots.get(label, 0.0) + value * total
        return {label: dot / math.sqrt(self._squares[label]) for label, dot in dots.items() if self._squares[label] > 0}


# ------------------------------------------------------------------ what is shown of them


def listed(found: Sequence[Theme], *, most: int = 10) -> str:
    """The largest themes, numbered, with how many asked and a few masked examples."""
    total = sum(len(theme.questions) for theme in found)
    if not total:
        return "Inga obesvarade frågor i perioden."
    lines = [f"Obesvarade frågor: {total}, i {len(found)} teman. De {min(most, len(found))} största:"]
    for number, theme in enumerate(found[:most], start=1):
        newest = max(question.at for question in theme.questions)
        lines.append(f"{number:>3}. {', '.join(theme.words)}: {_asked(theme)}, senast {moment(newest)}")
        nearest = theme.commonest(question.nearest for question in theme.questions)
        if nearest:
            lines.append(f"     närmaste artikel: {nearest}")
        lines += [f"     ”{example}”" for example in examples(theme)]
    return "\n".join(lines)


def _asked(theme: Theme) -> str:
    """``3 frågor från 1 person``"""
    count, people = len(theme.questions), theme.contacts
    return f"{count} {'fråga' if count == 1 else 'frågor'} från {people} {'person' if people == 1 else 'personer'}"


def examples(theme: Theme, *, most: int = EXAMPLES) -> list[str]:
    """The most typical questions, each wording once, on one line, personal data masked, cut where they are long."""
    found: dict[tuple[str, ...], str] = {}
    for question in theme.questions:
        line = " ".join(mask_personal_data(question.text).split())
        short = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"
        found.setdefault(words(short), short)
    return list(found.values())[:most]


DRAFT = """\
# Utkast till en artikel, efter {asked}. Inget är godkänt, och inget är besvarat än.
# Fyll i: answer (svaret, med egna ord, bara det källan säger) och title i sources (med url och date om de finns).
# Se över: id, topic, administration, responsible och frågorna. Skriv om det som står inom hakparentes.
# Spara som knowledge/articles/{id}.yaml och kör: lokbot check
id: {id}
topic: {topic}
administration: {administration}
responsible: föreningssamordnare
sources:
  - title:
sv:
  approved_by: null
  approved_on: null
  questions:
{questions}
  answer:
"""


def draft(theme: Theme, knowledge: Knowledge) -> str:
    """The skeleton of an article for a theme: its questions, and guesses to look over. `lokbot check` accepts it when
    the answer and the source are filled in; in English it warns that there is no translation.
    """
    nearest = knowledge.articles.get(theme.commonest(one.nearest for one in theme.questions) or "")
    topic = theme.commonest(one.topic for one in theme.questions if one.topic in knowledge.topics)
    owner = theme.commonest(
        one.administration for one in theme.questions if one.administration in knowledge.administrations
    )
    taken = {
        words(text)
        for article in knowledge.articles.values()
        for one in article.texts.values()
        for text in one.questions
    }
    taken |= {words(golden.text) for golden in knowledge.golden}
    own = [line for line in examples(theme, most=8) if words(line) not in taken] or [" ".join(theme.words)]
    return DRAFT.format(
        asked=_asked(theme),
        id=_identity(theme.words, knowledge.articles),
        topic=topic or (nearest.topic if nearest else next(iter(knowledge.topics))),
        administration=owner or (nearest.administration if nearest else _coordinators(knowledge)),
        questions="\n".join(f"    - {json.dumps(line, ensure_ascii=False)}" for line in own),
    )


def _identity(parts: Sequence[str], taken: Collection[str]) -> str:
    """An id from a theme's words that no article has."""
    name = "-".join(filter(None, (re.sub(r"[^a-z0-9]+", "", fold(part)) for part in parts))) or "nytt-svar"
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _coordinators(knowledge: Knowledge) -> str:
    kinds = {owner.id: owner.kind for owner in knowledge.administrations.values()}
    return next((name for name, kind in kinds.items() if kind is AdministrationKind.COORDINATORS), next(iter(kinds)))
