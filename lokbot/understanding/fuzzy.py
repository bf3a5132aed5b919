"""Near-identical wordings and misspelt names, by rapidfuzz: question to question and name to name.

Never question to answer: measured on the SweFAQ dev file, plain ratios between those find one right answer in fifty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def name_in(words: Sequence[str], name: Sequence[str]) -> tuple[str, float]:
    """The words that spell ``name``, with at most small slips, and their likeness (0-1); ("", 0.0) if not there.

    Both are folded words; each word of the name has to be found.
    """
    found: list[str] = []
    worst = 1.0
    for wanted in name:
        best, likeness = wanted, 1.0 if wanted in words else 0.0
        for word in words if not likeness else ():
            # A short word is a name only when it is spelled right.
            if len(word) >= _SHORTEST_NAME_WORD and (near := _likeness(word, wanted)) > likeness:
                best, likeness = word, near
        if not likeness:
            return "", 0.0
        found.append(best)
        worst = min(worst, likeness)
    return " ".join(found), worst if found else 0.0


@lru_cache(maxsize=20_000)
def _likeness(word: str, wanted: str) -> float:
    # The genitive and the indefinite form ("kulturförvaltningens", "kulturförvaltning") are the same name.
    if wanted.startswith(word) and len(wanted) - len(word) <= 2:
        return 1.0
    if len(wanted) < _SHORTEST_NAME_WORD:
        return 0.0
    return float(OSA.normalized_similarity(word, wanted, score_cutoff=_NAME_LIKENESS))
