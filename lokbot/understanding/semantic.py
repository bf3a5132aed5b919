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
from itertools import chain, islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lokbot.understanding.nearest import NOBODY, NOTHING, Places, most, votes

Vectors = NDArray[np.float32]
Scores = NDArray[np.float64]

WINDOW = 3  # sentences of an answer that are read together
_HUB_NEIGHBOURS = 10
_MOST_REFERENCES = 512  # more of them change the mean of the ten nearest little, and cost time at start
_MOST_COMPARED = 40_000  # vectors that a question is compared with; a hundred articles have a good half of that
_MOST_EXACT = 40_000  # vectors kept as they are: 60 megabytes
_BATCH = 1024
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


def windows(answer: str, title: str = "", *, step: int = 1) -> tuple[str, ...]:
    """An answer as overlapping windows of three sentences: what a question asks for stands in a few of them.

    ``step`` is sentences from the beginning of one to that of the next.
    """
    found = [each.strip() for each in _SENTENCE_END.split(answer) if len(each.strip()) >= _SHORTEST_SENTENCE]
    sentences = found or [answer]
    lead = f"{title}: " if title else ""
    starts = range(0, max(1, len(sentences) - WINDOW + step), step)
    return tuple(lead + " ".join(sentences[start : start + WINDOW]) for start in starts)


class VectorIndex:
    """Vectors of documents' wordings and answers. Immutable once built; the encoder gives the vectors.

    A question is compared with all of them, or where they are very many with those of the documents whose vectors are
    nearest on average.
    """

    def __init__(
        self,
        wordings: Sequence[Sequence[str]],
        answers: Iterable[Sequence[str]],
        encoder: Encoder,
        references: Sequence[str] | None = None,
        near_misses: Sequence[Sequence[str]] | None = None,
    ) -> None:
        """Documents by their ``wordings`` and the passages of their ``answers``; ``near_misses`` only sound like them.

        ``references`` are questions to measure hubness by; without them the wordings serve. Raises LookupError where
        the encoder has no vectors.
        """
        self.size = len(wordings)
        missed = [()] * self.size if near_misses is None else near_misses
        self._texts = tuple(tuple(each) for each in wordings)
        # Each document's wordings, then its near misses, in one table.
        asked = [(*own, *near) for own, near in zip(wordings, missed, strict=True)]
        counts = [n for own, near in zip(wordings, missed, strict=True) for n in (len(own), len(near))]
        self._is_wording = np.repeat(np.tile([True, False], self.size), counts)
        self._asked = Table(encoder.wordings, asked)
        self._answered = Table(encoder.passages, answers)
        own = np.flatnonzero(self._is_wording)
        if references is None:
            chosen = own[:: max(1, -(-len(own) // _MOST_REFERENCES))]
            near, near_owner = self._asked.rows(chosen), self._asked.owners[chosen]
        else:
            near = _encoded(encoder.wordings, references)
            near_owner = np.full(len(near), NOBODY)
        self._asked_hub = _hubness(self._asked, near, near_owner)
        self._answered_hub = _hubness(self._answered, near, near_owner)
        self._centres: Vectors | None = None
        if len(self._asked.owners) + len(self._answered.owners) > _MOST_COMPARED:
            self._centres = self._asked.sums(self.size)
            self._centres += self._answered.sums(self.size)
            self._centres /= np.linalg.norm(self._centres, axis=1, keepdims=True) + 1e-9

    def meant(self, question: Vectors) -> Meant:
        """How near the question with this vector is to each document."""
        documents = self._nearest(question)
        asked, answered = self._asked.of(documents), self._answered.of(documents)
        plain = self._asked.likeness(asked, question)
        is_wording, owners = self._is_wording[asked], self._asked.owners[asked]
        own = owners[is_wording]
        unhubbed = 2 * plain[is_wording] - self._asked_hub[asked[is_wording]]
        answer = 2 * self._answered.likeness(answered, question) - self._answered_hub[answered]
        wording = most(unhubbed, own, self.size)
        cosine = most(plain[is_wording], own, self.size)
        mistaken = most(plain[~is_wording], owners[~is_wording], self.size)
        near_miss = np.where((mistaken > NOTHING) & (cosine > NOTHING), mistaken - cosine, 0.0)
        found, for_none = votes(
            kernel(plain),
            lambda places: self._among(asked[places]),
            np.where(is_wording, owners, NOBODY),
            self.size,
            _NEIGHBOURS,
        )
        return Meant(
            wording,
            cosine,
            most(answer, self._answered.owners[answered], self.size),
            near_miss,
            found,
            for_none,
            self._words(wording, unhubbed, own),
        )

    def _nearest(self, question: Vectors) -> Places | None:
        """The documents to compare the question with, rising; None where all are."""
        if self._centres is None:
            return None
        count = max(1, _MOST_COMPARED * self.size // (len(self._asked.owners) + len(self._answered.owners)))
        return np.sort(np.argpartition(-(self._centres @ question), min(count, self.size - 1))[:count])

    def _words(self, wording: Scores, values: Scores, owners: Places) -> tuple[str, ...]:
        found = [""] * self.size
        starts = np.searchsorted(owners, owners)  # of each document's own
        for place in np.flatnonzero(values == wording[owners]).tolist()[::-1]:
            found[owners[place]] = self._texts[owners[place]][place - starts[place]]
        return tuple(found)

    def _among(self, places: Places) -> NDArray[np.float32]:
        rows = self._asked.rows(places)
        return kernel(rows @ rows.T)


class Table:
    """Vectors of each document's texts. Very many are kept with eight bits a number: a fourth of the memory, a likeness
    off by 0.0005, three times the time.
    """

    def __init__(self, encode: _Encode, texts: Iterable[Sequence[str]]) -> None:
        """``texts`` are gone through twice, and may be made anew each time: only a batch of them is held."""
        counts = np.array([len(each) for each in texts], dtype=np.int64)
        self.owners: Places = np.repeat(np.arange(len(counts)), counts)
        self._ends = np.cumsum(counts)
        size = len(self.owners)
        self._numbers: NDArray[Any] = np.zeros((0, 1), dtype=np.float32)
        self._scales = np.empty(size, dtype=np.float32) if size > _MOST_EXACT else None
        flat = chain.from_iterable(texts)
        for start in range(0, size, _BATCH):
            vectors = _encoded(encode, list(islice(flat, _BATCH)))
            if not start:
                # All at once: batches put together in the end would be there twice.
                shape = size, vectors.shape[1]
                self._numbers = np.empty(shape, dtype=np.float32 if self._scales is None else np.int8)
            if self._scales is not None:
                scales = np.maximum(vectors.max(axis=1), -vectors.min(axis=1)) / 127 + 1e-12
                vectors = vectors / scales[:, None]
                np.rint(vectors, out=vectors)
                self._scales[start : start + _BATCH] = scales
            self._numbers[start : start + _BATCH] = vectors

    def of(self, documents: Places | None) -> Places:
        """The places of the documents' texts, in order."""
        if documents is None:
            return np.arange(len(self.owners))
        stretches = [np.arange(self._ends[n - 1] if n else 0, self._ends[n]) for n in documents.tolist()]
        return np.concatenate(stretches) if stretches else np.zeros(0, dtype=np.int64)

    def rows(self, places: Places) -> Vectors:
        found: Vectors = self._numbers[places]
        return found if self._scales is None else found * self._scales[places, None]

    def likeness(self, places: Places, question: Vectors) -> Scores:
        """The cosine of each place's vector to the question's."""
        if not len(places):
            return np.zeros(0)
        if self._scales is None:
            numbers = self._numbers[places] if len(places) < len(self.owners) else self._numbers
            return (numbers @ question).astype(np.float64)
        found = np.zeros(len(places))
        for start in range(0, len(places), _BATCH):
            some = places[start : start + _BATCH]
            found[start : start + len(some)] = (self._numbers[some].astype(np.float32) @ question) * self._scales[some]
        return found

    def sums(self, size: int) -> Vectors:
        """The sum of each document's vectors."""
        found = np.zeros((size, self._numbers.shape[1]), dtype=np.float32)
        for start in range(0, len(self.owners), _BATCH):
            places = np.arange(start, min(start + _BATCH, len(self.owners)))
            np.add.at(found, self.owners[places], self.rows(places))
        return found


def kernel(cosines: NDArray[Any], sharpness: float = _SHARPNESS) -> NDArray[Any]:
    """A Gaussian of the distance between unit vectors, 1 where they are the same."""
    return np.exp(sharpness * (cosines - 1))


def standard(scores: Scores) -> Scores:
    """``scores`` with mean 0 and deviation 1, so that those of different matchers can be added."""
    deviation = float(scores.std()) if len(scores) else 0.0
    return (scores - scores.mean()) / deviation if deviation else np.zeros(len(scores))


def _encoded(encode: _Encode, texts: Sequence[str]) -> Vectors:
    found = encode(texts)
    if found is None:
        raise LookupError("no vectors")
    return found


class _Encode(Protocol):
    def __call__(self, texts: Sequence[str], /) -> Vectors | None: ...


def _hubness(passages: Table, questions: Vectors, question_owner: Places) -> Scores:
    hubs = np.zeros(len(passages.owners))
    for start in range(0, len(hubs) if len(questions) else 0, 1024):
        places = np.arange(start, min(start + 1024, len(hubs)))
        likeness = passages.rows(places) @ questions.T
        likeness[passages.owners[places, None] == question_owner[None, :]] = NOTHING
        count = min(_HUB_NEIGHBOURS, likeness.shape[1])
        nearest = np.partition(likeness, likeness.shape[1] - count, axis=1)[:, -count:]
        hubs[places] = nearest.mean(axis=1)
    return hubs
