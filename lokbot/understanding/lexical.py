"""Which articles share words with a question: BM25 over an inverted index, one for keys and one for 4-grams.

BM25 after Robertson & Zaragoza, "The Probabilistic Relevance Framework" (2009), with the weights of several
fields added into one term frequency before saturation (BM25F). Character 4-grams stand beside word keys because
they see through compounds and typing errors: on the SweFAQ dev file they reach nDCG@10 .750 alone, stems .678.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75

_STRETCH = 100_000  # entries sorted at a time

Scores = NDArray[np.float64]
Numbers = NDArray[np.unsignedinteger]


def rarity(holders: int, documents: int) -> float:
    """How rare a key is that ``holders`` of ``documents`` have: BM25's idf, from nearly 0 upwards, never negative."""
    return math.log(1 + (documents - holders + 0.5) / (holders + 0.5))


@dataclass(frozen=True, slots=True)
class Packed:
    """Texts as flat arrays: text n has the keys and counts from ``starts[n]`` until ``starts[n + 1]``."""

    numbers: Mapping[str, int]
    keys: Numbers
    counts: NDArray[np.float32]
    starts: NDArray[np.int64]

    def stretches(self) -> Iterator[tuple[slice, Numbers]]:
        """The entries of some texts at a time, and the text of each."""
        size = len(self.starts) - 1
        lengths = np.diff(self.starts)
        first = 0
        while first < size:
            # As many texts as fit, but at least one.
            stop = max(first + 1, int(np.searchsorted(self.starts, self.starts[first] + _STRETCH, side="right")) - 1)
            owners = np.repeat(np.arange(first, stop, dtype=_dtype(size)), lengths[first:stop])
            yield slice(int(self.starts[first]), int(self.starts[stop])), owners
            first = stop


def _dtype(size: int) -> np.dtype[np.unsignedinteger]:
    """The smallest for ``size`` numbers from 0: there are millions of entries."""
    return np.dtype(np.uint16 if size <= np.iinfo(np.uint16).max else np.uint32)


def packed(texts: Iterable[Mapping[str, float]]) -> Packed:
    """Texts (counts by key) as flat arrays, taken one by one: thousands of dictionaries are never held at once."""
    numbers: dict[str, int] = {}
    keys, counts, starts = array("i"), array("f"), array("q", [0])
    for text in texts:
        keys.extend([numbers.setdefault(key, len(numbers)) for key in text])
        counts.extend(text.values())
        starts.append(len(keys))
    return Packed(
        numbers,
        np.array(keys, dtype=_dtype(len(numbers))),
        np.frombuffer(counts, dtype=np.float32),
        np.frombuffer(starts, dtype=np.int64),
    )


class _Holders:
    """Which texts hold a key, and with what weight: the entries of all keys, one key's after the other's."""

    __slots__ = ("owners", "size", "starts", "weights")

    def __init__(self, texts: Packed, weigh: Callable[[slice, Numbers], NDArray[np.float32]]) -> None:
        """``weigh`` gives the weights of a stretch of the texts' entries, which are those of the numbered texts."""
        self.size = len(texts.starts) - 1
        counts = np.bincount(texts.keys, minlength=len(texts.numbers))
        starts = np.concatenate([[0], np.cumsum(counts)])
        self.starts: list[int] = starts.tolist()
        # One array for all keys: thousands of small arrays take seconds to make. Sorted into it stretch by stretch: to
        # sort all at once would take several times the memory of what is kept.
        self.owners = np.empty(len(texts.keys), dtype=_dtype(self.size))
        self.weights = np.empty(len(texts.keys), dtype=np.float32)
        free = starts[:-1]  # where the next entry of each key goes
        for stretch, owners in texts.stretches():
            order = np.argsort(texts.keys[stretch], kind="stable")
            keys = texts.keys[stretch][order]
            places = free[keys] + np.arange(len(keys)) - np.searchsorted(keys, keys)
            self.owners[places] = owners[order]
            self.weights[places] = weigh(stretch, owners)[order]
            free += np.bincount(keys, minlength=len(free))

    def of(self, number: int) -> slice:
        """Where the entries of a key stand."""
        return slice(self.starts[number], self.starts[number + 1])

    def sums(self, wanted: Sequence[tuple[int, float]]) -> Scores:
        """For each text the sum of its weights for these keys, each times what it is given (number, factor)."""
        if not wanted:
            return np.zeros(self.size)
        places = [self.of(number) for number, _ in wanted]
        weights = np.concatenate([self.weights[place] for place in places])
        weights *= np.repeat([factor for _, factor in wanted], [place.stop - place.start for place in places])
        owners = np.concatenate([self.owners[place] for place in places])
        return np.bincount(owners, weights, self.size).astype(np.float64, copy=False)


class Index:
    """An inverted index over documents given as weighted key counts; documents are numbered as given."""

    __slots__ = ("_holders", "_numbers", "_rarity", "size")

    def __init__(self, documents: Iterable[Mapping[str, float]]) -> None:
        texts = packed(documents)
        self.size = len(texts.starts) - 1
        lengths = np.add.reduceat(np.append(texts.counts, np.float32(0)), texts.starts[:-1], dtype=float) * (
            np.diff(texts.starts) > 0
        )
        average = float(lengths.mean()) if lengths.any() else 1.0
        floors = (K1 * (1 - B + B * lengths / average)).astype(np.float32)
        holders = np.bincount(texts.keys, minlength=len(texts.numbers))
        self._numbers = texts.numbers
        self._rarity = [rarity(found, self.size) for found in holders.tolist()]
        rarities = np.array(self._rarity, dtype=np.float32)

        def weigh(entries: slice, owners: Numbers) -> NDArray[np.float32]:
            counts = texts.counts[entries]
            return counts / (counts + floors[owners]) * rarities[texts.keys[entries]]

        self._holders = _Holders(texts, weigh)

    def holders(self, key: str) -> Numbers:
        """The numbers of the documents that have the key, rising."""
        number = self._numbers.get(key)
        return self._holders.owners[slice(0) if number is None else self._holders.of(number)]

    @property
    def unseen(self) -> float:
        """The rarity of a key that no document has."""
        return rarity(0, self.size)

    def rarity(self, key: str) -> float:
        """How rare a key is among the documents."""
        number = self._numbers.get(key)
        return self.unseen if number is None else self._rarity[number]

    def scores(self, query: Mapping[str, float]) -> Scores:
        """For each document the share (0-1) of the query's weight that it holds; ``query`` is weight by key."""
        whole = sum(wanted * self.rarity(key) for key, wanted in query.items())
        known = [(number, wanted) for key, wanted in query.items() if (number := self._numbers.get(key)) is not None]
        totals = self._holders.sums(known)
        return totals / whole if whole else totals


@dataclass(frozen=True, slots=True)
class Selection:
    """Texts of ``Likenesses`` by their numbers, which rise: their keys and counts, and where each text begins."""

    numbers: NDArray[np.int64]
    keys: Numbers
    counts: NDArray[np.uint8]
    starts: NDArray[np.int64]


class Likenesses:
    """Short texts and how alike they are: the cosine of their keys' weights (count and rarity). Immutable once built.

    Kept text by text, five bytes a key: five thousand articles have some hundred thousand wordings. Up to ``most`` of
    them are kept by key as well, with which all are compared three times as fast.
    """

    __slots__ = ("_counts", "_holders", "_keys", "_norms", "_numbers", "_rarity", "_starts", "size")

    def __init__(self, texts: Iterable[Mapping[str, int]], *, most: int) -> None:
        """``texts`` as counts by key."""
        found = packed(each or _NOTHING for each in texts)
        self.size = len(found.starts) - 1
        self._numbers = found.numbers
        self._starts = found.starts
        self._keys = found.keys
        self._counts = np.empty(len(found.keys), dtype=np.uint8)
        np.minimum(found.counts, 255, out=self._counts, casting="unsafe")
        holders = np.bincount(self._keys, minlength=len(found.numbers))
        self._rarity = np.log1p((self.size - holders + 0.5) / (holders + 0.5)).astype(np.float32)
        self._norms = np.empty(self.size, dtype=np.float32)
        for entries, owners in found.stretches():
            squares = self._counts[entries] * self._rarity[self._keys[entries]]
            squares *= squares
            some = slice(int(owners[0]), int(owners[-1]) + 1)
            self._norms[some] = np.sqrt(np.add.reduceat(squares, self._starts[some] - entries.start))
        self._holders: _Holders | None = None
        if self.size <= most:
            self._holders = _Holders(
                found, lambda each, owners: self._counts[each] * self._rarity[self._keys[each]] / self._norms[owners]
            )

    def select(self, numbers: NDArray[np.int64]) -> Selection:
        """The texts of these numbers, to compare several asked texts with."""
        # Those of one article stand side by side: to copy runs is several times as fast as to pick entries.
        runs = np.split(numbers, np.flatnonzero(np.diff(numbers) != 1) + 1)
        stretches = [slice(self._starts[run[0]], self._starts[run[-1] + 1]) for run in runs if len(run)] or [slice(0)]
        lengths = self._starts[numbers + 1] - self._starts[numbers]
        return Selection(
            numbers,
            np.concatenate([self._keys[each] for each in stretches]),
            np.concatenate([self._counts[each] for each in stretches]),
            np.cumsum(lengths) - lengths,
        )

    def near(self, asked: Mapping[str, float], selected: Selection | None = None) -> NDArray[np.float32]:
        """How alike the asked text (counts by key) is to each text, or each of those ``selected``, 0 to 1.

        Unknown keys make it less like any.
        """
        known: list[tuple[int, float]] = []
        whole = 0.0
        unseen = rarity(0, self.size)
        for key, count in asked.items():
            number = self._numbers.get(key)
            weight = count * (unseen if number is None else float(self._rarity[number]))
            whole += weight * weight
            if number is not None:
                known.append((number, weight))
        scale = 1 / math.sqrt(whole) if whole else 0.0
        if selected is None and self._holders is not None:
            return (self._holders.sums(known) * scale).astype(np.float32)
        wanted = np.zeros(len(self._rarity), dtype=np.float32)
        for number, weight in known:
            wanted[number] = weight * self._rarity[number] * scale
        selected = self.select(np.arange(self.size)) if selected is None else selected
        if not len(selected.numbers):
            return np.zeros(0, dtype=np.float32)
        weights = np.take(wanted, selected.keys)  # twice as fast as an index
        weights *= selected.counts
        held: NDArray[np.float32] = np.add.reduceat(weights, selected.starts)
        held /= self._norms[selected.numbers]
        return held

    def _places(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the keys of the texts of these numbers stand, and where in that each text begins."""
        lengths = self._starts[numbers + 1] - self._starts[numbers]
        starts = np.cumsum(lengths) - lengths
        return np.arange(lengths.sum()) + np.repeat(self._starts[numbers] - starts, lengths), starts

    def among(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """How alike the texts of these numbers are to each other."""
        places, starts = self._places(numbers)
        keys = self._keys[places]
        # What one text alone has makes it like no other.
        is_shared = np.bincount(keys, minlength=len(self._rarity)) > 1
        columns = np.cumsum(is_shared) - 1
        kept = is_shared[keys]
        keys, places, rows = (
            keys[kept],
            places[kept],
            np.repeat(np.arange(len(numbers)), np.diff(starts, append=len(places)))[kept],
        )
        table = np.zeros((len(numbers), int(columns[-1]) + 1), dtype=np.float32)
        table[rows, columns[keys]] = self._counts[places] * self._rarity[keys]
        table /= self._norms[numbers][:, None]
        alike: NDArray[np.float32] = table @ table.T
        alike[np.arange(len(numbers)), np.arange(len(numbers))] = 1.0
        return alike


_NOTHING = {"": 1}  # the key of a text without any, which nobody asks for
