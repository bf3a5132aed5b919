"""How good the retriever is on SweFAQ 2.0, a public set of Swedish authorities' questions and answers (CC BY 4.0).

The answers of all categories are pooled, ties count as the mean rank. There are no wordings: what finds an answer is
its text and the name of its category, as an article's would be its text and topic. The rows are what one may build
instead; the last is lokbot's own: ``retrieval.fused``, as it chooses the candidates for every question.

CSLS needs questions to measure hubness by. Here they are the file's own, without their labels, in all rows that use it.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lokbot.understanding.lexical import Index
from lokbot.understanding.normalize import fold, grams, stem, words
from lokbot.understanding.retrieval import GramIndex, fused, gram_counts, unhubbed
from lokbot.understanding.semantic import Encoder, VectorIndex, windows
from lokbot.understanding.vocabulary import content_words

Table = NDArray[np.float64]

WITHOUT_VECTORS = "lokbot utan vektorer"
WITH_VECTORS = "lokbot"


@dataclass(frozen=True, slots=True)
class Questions:
    """A SweFAQ file: its questions, the pooled answers with their categories, and which answer is right."""

    asked: tuple[str, ...]
    answers: tuple[str, ...]
    titles: tuple[str, ...]
    categories: tuple[int, ...]
    right: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Recall at 1 and nDCG at 10 over the pool, and accuracy among the answers of the question's own category."""

    recall: float
    gain: float
    accuracy: float


def read(file: Path) -> Questions:
    """The questions of a ``swefaq_*.jsonl``. Raises OSError, ValueError or KeyError where it is no such file."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    pool: dict[tuple[int, str], str] = {}
    for row in rows:
        for answer in row["candidate_answers"]:
            pool.setdefault((row["category_id"], answer), row["meta"]["category"])
    places = {key: place for place, key in enumerate(pool)}
    return Questions(
        asked=tuple(row["question"] for row in rows),
        answers=tuple(answer for _, answer in pool),
        titles=tuple(pool.values()),
        categories=tuple(category for category, _ in pool),
        right=tuple(places[row["category_id"], row["candidate_answers"][row["label"]]] for row in rows),
    )


def measure(questions: Questions, encoder: Encoder | None = None) -> dict[str, Figures]:
    """The figures of each retriever, lokbot's own last. Without an encoder only those that need none."""
    texts = questions.answers
    tables = {
        "BM25 ord": _bm25([Counter(words(each)) for each in texts], [Counter(words(q)) for q in questions.asked]),
        "BM25 stammar": _bm25([_stems(each) for each in texts], [_stems(q) for q in questions.asked]),
        "BM25 4-gram": _bm25([_grams(each) for each in texts], [_grams(q) for q in questions.asked]),
    }
    asked = [gram_counts(question) for question in questions.asked]
    index = GramIndex(
        [gram_counts(f"{title}\n{text}") for title, text in zip(questions.titles, texts, strict=True)], questions.asked
    )
    by_words = [index.unhubbed(index.shares(question)) for question in asked]
    tables[WITHOUT_VECTORS] = np.array([fused(each, None) for each in by_words])
    if encoder is not None:
        vectors = encoder.wordings(questions.asked)
        passages = encoder.passages(texts)
        if vectors is None or passages is None:
            raise LookupError("no vectors")
        tables["vektorer"] = (vectors @ passages.T).astype(float)
        tables["vektorer, CSLS"] = unhubbed(tables["vektorer"])
        tables["CSLS + 0,3 4-gram"] = tables["vektorer, CSLS"] + 0.3 * tables["BM25 4-gram"]
        meaning = VectorIndex([()] * len(texts), [windows(text) for text in texts], encoder, questions.asked)
        tables[WITH_VECTORS] = np.array(
            [fused(each, meaning.meant(vector)) for each, vector in zip(by_words, vectors, strict=True)]
        )
    return {name: judge(table, questions) for name, table in tables.items()}


def judge(scores: Table, questions: Questions) -> Figures:
    """The figures of a table of scores, a row for each question and a column for each answer."""
    categories = np.array(questions.categories)
    recall = gain = accuracy = 0.0
    for row, right in zip(scores, questions.right, strict=True):
        rank = _rank(row, right)
        recall += rank == 1
        gain += 1 / math.log2(rank + 1) if rank <= 10 else 0.0
        same = np.flatnonzero(categories == categories[right])
        accuracy += _rank(row[same], int(np.flatnonzero(same == right)[0])) == 1
    count = len(questions.right)
    return Figures(recall / count, gain / count, accuracy / count)


def report(figures: Mapping[str, Figures]) -> str:
    """The table in Swedish."""
    lines = [f"{'SweFAQ':<24}{'R@1':>8}{'nDCG@10':>10}{'i kategorin':>13}"]
    for name, each in figures.items():
        lines.append(f"{name:<24}{each.recall:>8.3f}{each.gain:>10.3f}{each.accuracy:>13.3f}")
    return "\n".join(lines)


def _rank(scores: Table, right: int) -> float:
    return float((scores > scores[right]).sum() + ((scores == scores[right]).sum() + 1) / 2)


def _bm25(documents: Sequence[Mapping[str, float]], asked: Sequence[Mapping[str, float]]) -> Table:
    index = Index(documents)
    return np.array([index.scores(question) for question in asked])


def _stems(text: str) -> Counter[str]:
    return Counter(stem(word, "sv") for word in content_words(text, "sv"))


def _grams(text: str) -> Counter[str]:
    return Counter(grams(tuple(fold(word) for word in words(text))))
