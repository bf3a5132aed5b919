"""Shares and their intervals, calibration, precision and coverage. Pure arithmetic on numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby, pairwise

BINS = 10


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``total``; ``low`` and ``high`` bound the true share with 95 % confidence."""

    hits: int
    total: int

    @classmethod
    def of(cls, hits: Iterable[bool]) -> Share:
        found = list(hits)
        return cls(sum(found), len(found))

    @property
    def share(self) -> float:
        """From 0 to 1; 0 where there is nothing to share."""
        return self.hits / self.total if self.total else 0.0

    @property
    def low(self) -> float:
        return interval(self.hits, self.total)[0]

    @property
    def high(self) -> float:
        return interval(self.hits, self.total)[1]


def share_as_json(share: Share) -> dict[str, float]:
    """A share with its bounds as plain JSON values."""
    return {**asdict(share), "share": share.share, "low": share.low, "high": share.high}


def interval(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, "Probable inference", J. Am. Stat. Assoc. 22).

    Unlike the textbook interval it stays within 0 and 1 and says something at 0 of n: at most about 3.8 / n.
    """
    if total == 0:
        return 0.0, 1.0
    z, share = 1.959964, hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Scored:
    """How sure the bot was that its best article answers a question (0-1), and whether it does."""

    confidence: float
    is_right: bool


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of like confidence: how many, how sure on average, how often right."""

    count: int
    confidence: float
    accuracy: Share


def bins(scored: Iterable[Scored], number: int = BINS) -> tuple[Bin, ...]:
    """The reliability table: at most ``number`` bins of equal mass, the least sure first.

    Equal mass rather than equal width, so that no bin rests on two questions (Nguyen & O'Connor 2015, "Posterior
    calibration and exploratory analysis for natural language processing models").
    """
    ordered = sorted(scored, key=lambda one: one.confidence)
    edges = [round(place * len(ordered) / number) for place in range(number + 1)]
    found = []
    for start, end in pairwise(edges):
        if part := ordered[start:end]:
            mean = sum(one.confidence for one in part) / len(part)
            found.append(Bin(len(part), mean, Share.of(one.is_right for one in part)))
    return tuple(found)


def calibration_error(reliability: Sequence[Bin]) -> float:
    """The expected calibration error (ECE): the mean distance of confidence and accuracy, bins weighted by count.

    Naeini, Cooper & Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning". 0 is perfect.
    """
    total = sum(one.count for one in reliability)
    return sum(one.count * abs(one.accuracy.share - one.confidence) for one in reliability) / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Point:
    """Answering what is at least ``threshold`` sure: ``answered`` of ``total`` questions, ``right`` of those."""

    threshold: float
    answered: int
    right: int
    total: int

    @property
    def coverage(self) -> float:
        """The share of the questions that is answered."""
        return self.answered / self.total if self.total else 0.0

    @property
    def precision(self) -> float:
        """The share of the answers that is right; 1 where there are none."""
        return self.right / self.answered if self.answered else 1.0


def at_threshold(scored: Sequence[Scored], threshold: float) -> Point:
    """What answering at ``threshold`` gives."""
    answered = [one for one in scored if one.confidence >= threshold]
    return Point(threshold, len(answered), sum(one.is_right for one in answered), len(scored))


def curve(scored: Sequence[Scored]) -> tuple[Point, ...]:
    """Every point that some threshold gives, from the surest answer alone to all answered."""
    points = []
    answered = right = 0
    for confidence, same in groupby(sorted(scored, key=lambda one: -one.confidence), key=lambda one: one.confidence):
        group = list(same)
        answered += len(group)
        right += sum(one.is_right for one in group)
        points.append(Point(confidence, answered, right, len(scored)))
    return tuple(points)


def threshold_for(scored: Iterable[Scored], *, wrong_rate: float, total: int) -> float:
    """The least threshold at which at most ``wrong_rate`` of ``total`` questions are answered wrongly.

    Infinite where even the surest answers are wrong too often.
    """
    chosen, wrong = math.inf, 0
    for confidence, same in groupby(sorted(scored, key=lambda one: -one.confidence), key=lambda one: one.confidence):
        wrong += sum(not one.is_right for one in same)
        if wrong > wrong_rate * total:
            break
        chosen = confidence
    return chosen


def percentile(values: Iterable[float], share: float) -> float:
    """The least value that ``share`` of the values do not exceed (nearest rank); 0 where there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0
