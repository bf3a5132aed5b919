"""What simpler matching would have done with the same questions: the figures that lokbot's have to beat.

Each baseline finds the best article and a score for a message; it answers from the score on that keeps wrong answers on
the train split within the stated rate. ``alone`` it meets every message; ``behind_rules`` it meets those that lokbot's
own rules (urgent, own matters, hand-ins ...) leave to the scores, and the rest ends as with lokbot.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz, process

from lokbot.evaluation.counting import Scored, Share, share_as_json, threshold_for
from lokbot.evaluation.grading import Grade, Graded, is_scored
from lokbot.model import Article, GoldenQuestion, Outcome
from lokbot.understanding import Encoder, Understander
from lokbot.understanding.normalize import fold, grams, stem, words

Best = tuple[str, float]
"""An article and its score, in the baseline's own unit."""

Search = Callable[[str], Best]


@dataclass(frozen=True, slots=True)
class Measured:
    """A baseline at its threshold: right of the answerable questions, wrong of all questions."""

    threshold: float
    right: Share
    wrong: Share


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the comparison. lokbot as it is has no ``alone``: its rules are part of it."""

    name: str
    behind_rules: Measured
    alone: Measured | None = None


# --------------------------------------------------------------------------- the searches


def wratio(articles: Iterable[Article]) -> Search:
    """The nearest wording by rapidfuzz's WRatio: what a bot gets that compares strings and nothing else."""
    wordings = [(article, " ".join(words(question))) for article, question in _wordings(articles)]
    texts = [text for _, text in wordings]

    def search(text: str) -> Best:
        found = process.extractOne(" ".join(words(text)), texts, scorer=fuzz.WRatio)
        return (wordings[found[2]][0], found[1] / 100) if found else ("", 0.0)

    return search


def stems(articles: Iterable[Article]) -> Search:
    """BM25 over Snowball stems of questions and answers, in the article's language."""
    return _bm25(articles, lambda text, language: [stem(fold(word), language) for word in words(text)])


def four_grams(articles: Iterable[Article]) -> Search:
    """BM25 over character 4-grams of questions and answers."""
    return _bm25(articles, lambda text, _: grams(tuple(fold(word) for word in words(text))))


def vectors(articles: Iterable[Article], encoder: Encoder) -> Search:
    """The nearest wording by the cosine of sentence vectors. Raises LookupError where there are none just now."""
    wordings = list(_wordings(articles))
    encoded = encoder.wordings([question for _, question in wordings])
    if encoded is None:
        raise LookupError("no vectors of the wordings")

    def search(text: str) -> Best:
        asked = encoder.questions([text])
        if asked is None or not wordings:
            return "", 0.0
        cosines = encoded @ asked[0]
        place = int(cosines.argmax())
        return wordings[place][0], float(cosines[place])

    return search


def own(understander: Understander) -> Search:
    """lokbot's own scores: how it would do at the same allowed rate as the others."""

    def search(text: str) -> Best:
        best = [match for question in understander.understand(text).questions if (match := question.best())]
        surest = max(best, key=lambda match: match.confidence, default=None)
        return (surest.article, surest.confidence) if surest else ("", 0.0)

    return search


def _wordings(articles: Iterable[Article]) -> Iterable[tuple[str, str]]:
    for article in articles:
        for text in article.texts.values():
            yield from ((article.id, question) for question in text.questions)


def _bm25(articles: Iterable[Article], keys: Callable[[str, str], Iterable[str]]) -> Search:
    """Okapi BM25 (Robertson & Zaragoza 2009; k1 1.2, b 0.75). The score is the share of the message's weight that
    the article holds, so that one threshold fits short and long messages.
    """
    texts = [(article.id, text) for article in articles for text in article.texts.values()]
    documents = [Counter(keys("\n".join((*text.questions, text.answer)), text.language)) for _, text in texts]
    holders = Counter(key for document in documents for key in document)
    idf = {key: math.log(1 + (len(documents) - n + 0.5) / (n + 0.5)) for key, n in holders.items()}
    unseen = math.log(1 + (len(documents) + 0.5) / 0.5)
    average = sum(document.total() for document in documents) / len(documents) if documents else 1.0
    postings: dict[str, list[tuple[int, float]]] = {}
    for number, document in enumerate(documents):
        floor = 1.2 * (1 - 0.75 + 0.75 * document.total() / average)
        for key, count in document.items():
            postings.setdefault(key, []).append((number, idf[key] * count * 2.2 / (count + floor)))

    def search(text: str) -> Best:
        totals = [0.0] * len(documents)
        for language in ("sv", "en"):  # the message's language is not told: the better of both readings counts
            query = Counter(keys(text, language))
            whole = sum(count * idf.get(key, unseen) for key, count in query.items()) or 1.0
            found = [0.0] * len(documents)
            for key, count in query.items():
                for number, weight in postings.get(key, ()):
                    found[number] += count * weight / whole
            totals = [
                max(total, score) if texts[number][1].language == language else total
                for number, (total, score) in enumerate(zip(totals, found, strict=True))
            ]
        place = max(range(len(totals)), key=totals.__getitem__, default=-1)
        return (texts[place][0], totals[place]) if place >= 0 else ("", 0.0)

    return search


# --------------------------------------------------------------------------- the comparison


def compare(
    searches: Mapping[str, Search], train: Sequence[Graded], graded: Sequence[Graded], *, wrong_rate: float
) -> tuple[Row, ...]:
    """lokbot first, then each search at the threshold that keeps wrong answers on ``train`` within ``wrong_rate``."""
    rows = [
        Row(
            "lokbot",
            Measured(
                math.nan,
                Share.of(one.grade is Grade.RIGHT_ANSWER for one in graded if _is_answerable(one.golden)),
                Share.of(one.grade is Grade.WRONG_ANSWER for one in graded),
            ),
        )
    ]
    for name, search in searches.items():
        found = {one.golden.id: search(one.golden.text) for one in (*train, *graded)}
        behind, alone = (
            _measured(found, train, graded, wrong_rate=wrong_rate, has_rules=has_rules) for has_rules in (True, False)
        )
        rows.append(Row(name, behind, alone))
    return tuple(rows)


def _measured(
    found: Mapping[str, Best], train: Sequence[Graded], graded: Sequence[Graded], *, wrong_rate: float, has_rules: bool
) -> Measured:
    def is_left(one: Graded) -> bool:
        return not has_rules or any(is_scored(decision) for decision in one.asked.decisions)

    def is_right(golden: GoldenQuestion) -> bool:
        return Outcome.ANSWER in golden.outcomes and found[golden.id][0] in golden.articles

    scored = [Scored(found[one.golden.id][1], is_right(one.golden)) for one in train if is_left(one)]
    given = sum(one.grade is Grade.WRONG_ANSWER for one in train if not is_left(one))
    threshold = threshold_for(scored, wrong_rate=wrong_rate - given / max(1, len(train)), total=len(train))

    def grade(one: Graded) -> Grade:
        if not is_left(one):
            return one.grade
        if found[one.golden.id][1] < threshold:
            return Grade.NEEDLESS_PERSON
        return Grade.RIGHT_ANSWER if is_right(one.golden) else Grade.WRONG_ANSWER

    grades = [(one, grade(one)) for one in graded]
    return Measured(
        threshold,
        Share.of(got is Grade.RIGHT_ANSWER for one, got in grades if _is_answerable(one.golden)),
        Share.of(got is Grade.WRONG_ANSWER for _, got in grades),
    )


def _is_answerable(golden: GoldenQuestion) -> bool:
    return golden.outcomes == {Outcome.ANSWER}


def as_json(row: Row) -> dict[str, Any]:
    """A line of the comparison as plain JSON values; a threshold that does not exist is null."""
    measured = {"behind_rules": row.behind_rules, "alone": row.alone}
    return {"name": row.name} | {
        name: one
        and {
            "threshold": one.threshold if math.isfinite(one.threshold) else None,
            "right": share_as_json(one.right),
            "wrong": share_as_json(one.wrong),
        }
        for name, one in measured.items()
    }
