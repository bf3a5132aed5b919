"""Which articles mean what a question means: sentence vectors, where there is an encoder.

Question to wording and question to answer, each with its hubness taken away. Some passages are near to every
question (hubs); cross-domain similarity local scaling (CSLS, Conneau et al. 2018) takes from a passage's likeness
how near it is to questions in general: ``2 * cos - the mean of its ten nearest reference questions``. The reference
questions are the knowledge's own wordings, of other articles than the passage's.

Pure: the encoder is handed in, and may at any time have no vectors to give.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lokbot.understanding.nearest import NOBODY, NOTHING, Groups, owners_of, votes

Vectors = NDArray[np.float32]
Scores = NDArray[np.float64]

WINDOW = 3  # sentences of an answer that are read together
_HUB_NEIGHBOURS = 10
_MOST_REFERENCES = 512  # more of them change the mean of the ten nearest little, and cost time at start
_NEIGHBOURS = 150  # wordings that vote (100 and 300 are as good)
_SHARPNESS = 15.0  # of the kernel; 10 and 20 are as good
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

    ``wording`` and ``answer`` are without hubness, ``cosine`` is the plain one to the nearest wording; ``words`` are
    each document's nearest wording ("": it has none).
    ``near_miss`` is how much nearer it is to what only sounds like the document than to its wordings, ``votes`` how far
    the nearest wordings of all documents speak for it (``votes_for_none``: how far near misses do).
    """

    wording: Scores
    cosine: Scores
    answer: Scores
    near_miss: Scores
    votes: Scores
    votes_for_none: float
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
        near_misses: Sequence[Sequence[str]] = (),
    ) -> None:
        """Documents by their ``wordings`` and the passages of their ``answers``; ``near_misses`` only sound like them.

        ``references`` are questions to measure hubness by; without them the wordings serve. Raises LookupError where
        the encoder has no vectors.
        """
        self.size = len(wordings)
        self._texts = tuple(tuple(each) for each in wordings)
        self._wordings = Groups(owners_of(wordings), self.size)
        self._answers = Groups(owners_of(answers), self.size)
        self._near_misses = Groups(owners_of(near_misses), self.size)
        asked = [text for each in wordings for text in each]
        # Wordings first, near misses after them, in one table.
        self._asked = _encoded(encoder.wordings, [*asked, *(text for each in near_misses for text in each)])
        self._owners = np.concatenate([self._wordings.owners, np.full(len(self._asked) - len(asked), NOBODY)])
        self._answered = _encoded(encoder.passages, [text for each in answers for text in each])
        own = self._asked[: len(asked)]
        if references is None:
            step = max(1, -(-len(own) // _MOST_REFERENCES))
            near, near_owner = own[::step], self._wordings.owners[::step]
        else:
            near = _encoded(encoder.wordings, references)
            near_owner = np.full(len(near), NOBODY)
        self._wording_hub = _hubness(own, self._wordings.owners, near, near_owner)
        self._answer_hub = _hubness(self._answered, self._answers.owners, near, near_owner)

    def meant(self, question: Vectors) -> Meant:
        """How near the question with this vector is to each document."""
        plain = _likeness(self._asked, question)
        own = plain[: len(self._wording_hub)]
        wording, numbers = self._wordings.best(2 * own - self._wording_hub)
        cosine, _ = self._wordings.best(own)
        answer, _ = self._answers.best(2 * _likeness(self._answered, question) - self._answer_hub)
        mistaken, _ = self._near_misses.best(plain[len(own) :])
        near_miss = np.where((mistaken > NOTHING) & (cosine > NOTHING), mistaken - cosine, 0.0)
        found, for_none = votes(_kernel(plain), self._among, self._owners, self.size, _NEIGHBOURS)
        words = tuple(own[n] if n >= 0 else "" for own, n in zip(self._texts, numbers.tolist(), strict=True))
        return Meant(wording, cosine, answer, near_miss, found, for_none, words)

    def _among(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        rows = self._asked[places]
        return _kernel(rows @ rows.T)


def _kernel(cosines: NDArray[Any]) -> NDArray[Any]:
    """A Gaussian of the distance between unit vectors, 1 where they are the same."""
    return np.exp(_SHARPNESS * (cosines - 1))


def standard(scores: Scores) -> Scores:
    """``scores`` with mean 0 and deviation 1, so that those of different matchers can be added."""
    deviation = float(scores.std()) if len(scores) else 0.0
    return (scores - scores.mean()) / deviation if deviation else np.zeros(len(scores))


def _likeness(passages: Vectors, question: Vectors) -> Scores:
    return (passages @ question).astype(float) if len(passages) else np.zeros(0)


def _none() -> Vectors:
    return np.zeros((0, 1), dtype=np.float32)


def _encoded(encode: _Encode, texts: Sequence[str]) -> Vectors:
    found = encode(texts) if texts else _none()
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
        likeness[owner[rows, None] == question_owner[None, :]] = NOTHING
        count = min(_HUB_NEIGHBOURS, likeness.shape[1])
        nearest = np.partition(likeness, likeness.shape[1] - count, axis=1)[:, -count:]
        hubs[rows] = nearest.mean(axis=1)
    return hubs
