"""Which articles mean what a question means: sentence vectors, where there is an encoder.

Question to wording and question to answer, each with its hubness taken away. Some passages are near to every
question (hubs); cross-domain similarity local scaling (CSLS, Conneau et al. 2018) takes from a passage's likeness
how near it is to questions in general: ``2 * cos - the mean of its ten nearest reference questions``. The reference
questions are the knowledge's own wordings, of other articles than the passage's.

Pure: the encoder is handed in, and may at any time have no vectors to give.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Scores = NDArray[np.float64]

WINDOW = 3  # sentences of an answer that are read together
_NEIGHBOURS = 10
_MOST_REFERENCES = 512  # more of them change the mean of the ten nearest little, and cost time at start
_NEAREST = 3
_NOTHING = -1.0  # of an article without such a text
_SENTENCE_END = re.compile(r"(?<=[.!?:])\s+|\n+")
_SHORTEST_SENTENCE = 4  # characters


class Encoder(Protocol):
    """Texts to unit vectors, one row each; None where there are none to be had just now.

    ``questions`` are asked now and wait for no long; ``wordings`` are the knowledge's own, in the same space.
    """

    def questions(self, texts: Sequence[str]) -> Vectors | None: ...

    def wordings(self, texts: Sequence[str]) -> Vectors | None: ...

    def passages(self, texts: Sequence[str]) -> Vectors | None: ...


@dataclass(frozen=True, slots=True)
class Meant:
    """How near a question is in meaning to each article, in the order given to ``VectorIndex``.

    ``wording`` and ``answer`` are without hubness, ``cosine`` is the plain one to the nearest wording, ``wordings``
    the mean of the three nearest wordings; ``words`` are each document's nearest wording ("": it has none).
    """

    wording: Scores
    wordings: Scores
    cosine: Scores
    answer: Scores
    words: tuple[str, ...]

    @property
    def best(self) -> Scores:
        return np.maximum(self.wording, self.answer)


def windows(answer: str, title: str = "") -> tuple[str, ...]:
    """An answer as overlapping windows of three sentences: what a question asks for stands in a few of them."""
    found = [each.strip() for each in _SENTENCE_END.split(answer) if len(each.strip()) >= _SHORTEST_SENTENCE]
    sentences = found or [answer]
    lead = f"{title}: " if title else ""
    return tuple(
        lead + " ".join(sentences[start : start + WINDOW]) for start in range(max(1, len(sentences) - WINDOW + 1))
    )


class VectorIndex:
    """Vectors of documents' wordings and answers. Immutable once built; ``encode`` gives the vectors."""

    def __init__(
        self,
        wordings: Sequence[Sequence[str]],
        answers: Sequence[Sequence[str]],
        encoder: Encoder,
        references: Sequence[str] | None = None,
    ) -> None:
        """Documents by their ``wordings`` and the passages of their ``answers``.

        ``references`` are questions to measure hubness by; without them the wordings serve. Raises LookupError where
        the encoder has no vectors.
        """
        self.size = len(wordings)
        self._texts = tuple(tuple(each) for each in wordings)
        self._wording_owner = _owners(wordings)
        self._answer_owner = _owners(answers)
        self._wordings = _encoded(encoder.wordings, wordings)
        self._answers = _encoded(encoder.passages, answers)
        if references is None:
            step = max(1, -(-len(self._wordings) // _MOST_REFERENCES))
            near, near_owner = self._wordings[::step], self._wording_owner[::step]
        else:
            found = encoder.wordings(references) if references else _none()
            if found is None:
                raise LookupError("no vectors")
            near, near_owner = found, np.full(len(found), -1)
        self._wording_hub = _hubness(self._wordings, self._wording_owner, near, near_owner)
        self._answer_hub = _hubness(self._answers, self._answer_owner, near, near_owner)

    def meant(self, question: Vectors) -> Meant:
        """How near the question with this vector is to each document."""
        plain = _likeness(self._wordings, question)
        scaled = 2 * plain - self._wording_hub
        answers = 2 * _likeness(self._answers, question) - self._answer_hub
        wording, wordings, nearest = _best(scaled, self._wording_owner, self.size)
        cosine, _, _ = _best(plain, self._wording_owner, self.size)
        answer, _, _ = _best(answers, self._answer_owner, self.size)
        words = tuple(own[n] if n >= 0 else "" for own, n in zip(self._texts, nearest.tolist(), strict=True))
        return Meant(wording, wordings, cosine, answer, words)


def standard(scores: Scores) -> Scores:
    """``scores`` with mean 0 and deviation 1, so that those of different matchers can be added."""
    deviation = float(scores.std()) if len(scores) else 0.0
    return (scores - scores.mean()) / deviation if deviation else np.zeros(len(scores))


def _likeness(passages: Vectors, question: Vectors) -> Scores:
    return (passages @ question).astype(float) if len(passages) else np.zeros(0)


def _none() -> Vectors:
    return np.zeros((0, 1), dtype=np.float32)


def _owners(texts: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(texts)), [len(each) for each in texts]) if len(texts) else np.zeros(0, np.int64)


def _encoded(encode: _Encode, texts: Iterable[Sequence[str]]) -> Vectors:
    flat = [text for each in texts for text in each]
    found = encode(flat) if flat else _none()
    if found is None:
        raise LookupError("no vectors")
    return found


class _Encode(Protocol):
    def __call__(self, texts: Sequence[str], /) -> Vectors | None: ...


def _hubness(
    passages: Vectors, owner: NDArray[np.int64], questions: Vectors, question_owner: NDArray[np.int64]
) -> Scores:
    hubs = np.zeros(len(passages))
    if not len(passages) or not len(questions):
        return hubs
    for start in range(0, len(passages), 1024):
        rows = slice(start, start + 1024)
        likeness = passages[rows] @ questions.T
        likeness[owner[rows, None] == question_owner[None, :]] = _NOTHING
        count = min(_NEIGHBOURS, likeness.shape[1])
        nearest = np.partition(likeness, likeness.shape[1] - count, axis=1)[:, -count:]
        hubs[rows] = nearest.mean(axis=1)
    return hubs


def _best(values: Scores, owner: NDArray[np.int64], size: int) -> tuple[Scores, Scores, NDArray[np.int64]]:
    """For each document the best of its values, the mean of its three best, and the place of the best among its own."""
    best, several = np.full(size, _NOTHING), np.full(size, _NOTHING)
    place = np.full(size, -1)
    order = np.lexsort((-values, owner))
    starts = np.searchsorted(owner[order], np.arange(size))
    ends = np.searchsorted(owner[order], np.arange(size), side="right")
    has = ends > starts
    best[has] = values[order][starts[has]]
    firsts = np.searchsorted(owner, np.arange(size))
    place[has] = order[starts[has]] - firsts[has]
    summed = np.concatenate([[0.0], np.cumsum(values[order])])
    until = np.minimum(ends, starts + _NEAREST)
    several[has] = (summed[until] - summed[starts])[has] / (until - starts)[has]
    return best, several, place
