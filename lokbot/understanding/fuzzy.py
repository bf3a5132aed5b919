"""Near-identical wordings and misspelt names, by rapidfuzz: question to question and name to name.

Never question to answer: measured on the SweFAQ dev file, plain ratios between those find one right answer in fifty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

_SHORTEST_NAME_WORD = 6  # letters: shorter words are names only when spelled right
_NAME_LIKENESS = 0.85  # of OSA's normalised likeness: two slips in a name of fourteen letters


def in_order(words: Iterable[str]) -> str:
    """Words in an order of their own, for ``closest``: what is compared again and again is sorted once."""
    return " ".join(sorted(words))


def closest(question: str, wordings: Sequence[str]) -> tuple[int, float]:
    """The number of the wording nearest to ``question`` and the likeness (0-1); (-1, 0.0) where there is none.

    Both sides are folded words ``in_order``, so that the order they were written in does not matter.
    """
    found = process.extractOne(question, wordings, scorer=fuzz.ratio) if question else None
    return (found[2], found[1] / 100) if found else (-1, 0.0)


def spellings(words: Iterable[str], wanted: frozenset[str]) -> dict[str, tuple[str, float]]:
    """The ``wanted`` words of names that ``words`` spell, with at most small slips: how it is spelled and the likeness
    (0-1). All are folded.
    """
    found: dict[str, tuple[str, float]] = {}
    for word in words:
        for name, likeness in _likenesses(word, wanted):
            if likeness > found.get(name, ("", 0.0))[1]:
                found[name] = word, likeness
    return found


def name_in(spelled: Mapping[str, tuple[str, float]], name: Sequence[str]) -> tuple[str, float]:
    """How ``name`` is spelled, of whose words all have to be ``spelled``, and the likeness; ("", 0.0) if not there."""
    if not name or not all(word in spelled for word in name):
        return "", 0.0
    return " ".join(spelled[word][0] for word in name), min(spelled[word][1] for word in name)


@lru_cache(maxsize=20_000)  # people use the same words again and again
def _likenesses(word: str, wanted: frozenset[str]) -> tuple[tuple[str, float], ...]:
    if word in wanted:
        return ((word, 1.0), *((name, near) for name in wanted - {word} if (near := _likeness(word, name))))
    return tuple((name, near) for name in wanted if (near := _likeness(word, name)))


def _likeness(word: str, wanted: str) -> float:
    # A short word is a name only when it is spelled right.
    if min(len(word), len(wanted)) < _SHORTEST_NAME_WORD:
        return 0.0
    # The genitive and the indefinite form ("kulturförvaltningens", "kulturförvaltning") are the same name.
    if wanted.startswith(word) and len(wanted) - len(word) <= 2:
        return 1.0
    return float(OSA.normalized_similarity(word, wanted, score_cutoff=_NAME_LIKENESS))
