"""From what the matchers saw to one probability that an article answers the question.

Two weighted sums, fitted by ``lokbot train`` on the golden questions and written to ``fitted.json``, which can be read
and checked by hand. The first ranks the candidates by their own signals (a conditional logit: what brings the right one
first). The second, a logistic regression, trusts or distrusts the best: by its lead over the runner-up, its signals and
the question's. There is one pair with sentence vectors and one without, and for each the least confidence
that keeps to a stated rate of wrong answers.
"""

from __future__ import annotations

import json
import math
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache

LEXICAL, SEMANTIC = "lexical", "semantic"

FITTED = "fitted.json"
_MOST = 12.0  # log-odds: nothing measured can say more than this
HINT_ONLY = 0.3  # of the probability of what must not be answered with, but may tell a person what it is about


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for one candidate; shares and likenesses from 0 to 1 unless it says otherwise."""

    lexical: float  # share of the question's keys and 4-grams in the article, rare ones weigh more
    background: float  # the same share for what was said around the question
    votes: float  # how far the wordings nearest in words speak for it (about 1: for it alone, about 0: not)
    whole_votes: float  # the same by all that was said, the question and what is around it
    votes_for_none: float  # how far the near misses among them speak for no article
    near_miss: float  # how much nearer in words to its near misses than to its wordings
    ratio: float  # likeness to its nearest wording by rapidfuzz, small words included
    missing: float  # weight of the question's content words that the article lacks (1 = one rare word), at most 3
    is_kind_missing: bool  # it asks for an amount, a date, a name ... that the answer does not hold
    is_pointed_to: bool = False  # a rule says that the question belongs to the article's owner
    is_pointed_elsewhere: bool = False  # rules say that it belongs to others
    meant_votes: float = 0.0  # as above, by the wordings nearest in meaning
    meant_whole_votes: float = 0.0
    meant_votes_for_none: float = 0.0
    meant_near_miss: float = 0.0


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the question itself says of how far its best candidate is to be trusted."""

    length: float = 0.0  # words, 1 = twenty or more
    is_english: bool = False
    is_other: bool = False  # neither Swedish nor English
    for_a_person: float = 0.0  # how far it sounds like what only a person may answer (``heard``)
    is_matterless: bool = False  # no word of it carries a matter ("Hur gör man?")

    @property
    def is_vetoed(self) -> bool:
        """Whether nothing may be trusted: without a matter all is near by chance; and rules miss much in another
        language, where meaning may say that it is for a person. (In Swedish and English rules see what is.)
        """
        return self.is_matterless or (self.is_other and self.for_a_person > 0.5)


@dataclass(frozen=True, slots=True)
class Line:
    """A weighted sum: ``constant`` and the weight of each signal by name."""

    constant: float
    weights: Mapping[str, float]

    def value(self, signals: Mapping[str, float]) -> float:
        return self.constant + sum(weight * signals[name] for name, weight in self.weights.items())


@dataclass(frozen=True, slots=True)
class Model:
    """What was fitted for one calibration. ``thresholds``: (rate of wrong answers, least confidence), rising rates."""

    rank: Line
    trust: Line
    thresholds: tuple[tuple[float, float], ...]
    thresholds_other: tuple[tuple[float, float], ...] = ()  # in other languages than Swedish and English
    heard: Mapping[str, float] = field(default_factory=dict)  # the least votes for what is heard, by action

    def threshold(self, rate: float, *, is_other: bool = False) -> float:
        """The least confidence to answer with, so that at most ``rate`` of all questions are answered wrongly.

        Between two measured rates the stricter one counts; below the least measured one, nothing is sure enough.
        """
        table = self.thresholds_other if is_other else self.thresholds
        return next((least for measured, least in reversed(table) if measured <= rate), 1.0)


RANK_SIGNALS = tuple(each.name for each in fields(Signals))
TRUST_SIGNALS = ("gap", "share", *RANK_SIGNALS, "length", "is_english", "is_other", "for_a_person")


def read(text: str) -> Mapping[str, Model]:
    """The models of a fitted file, by calibration."""
    return {
        name: Model(
            Line(each["rank"]["constant"], each["rank"]["weights"]),
            Line(each["trust"]["constant"], each["trust"]["weights"]),
            _table(each.get("thresholds", {})),
            _table(each.get("thresholds_other", {})),
            {action: float(least) for action, least in each.get("heard", {}).items()},
        )
        for name, each in json.loads(text)["models"].items()
    }


def _table(written: Mapping[str, float]) -> tuple[tuple[float, float], ...]:
    return tuple(sorted((float(rate), float(least)) for rate, least in written.items()))


@cache
def fitted() -> Mapping[str, Model]:
    """What `lokbot train` wrote last."""
    content = pkgutil.get_data("lokbot.understanding", FITTED)
    assert content is not None
    return read(content.decode("utf-8"))


def rank(signals: Signals, model: Model) -> float:
    """How far the candidate goes before others, by its own signals: the log of its share among them."""
    return model.rank.value(plain(signals))


def trust_signals(signals: Signals, circumstances: Circumstances, ranks: Sequence[float]) -> dict[str, float]:
    """All that the best candidate is trusted by; ``ranks`` of all candidates, best first."""
    gap = ranks[0] - ranks[1] if len(ranks) > 1 else _MOST
    share = 1 / sum(math.exp(value - ranks[0]) for value in ranks)
    return {"gap": min(gap, _MOST), "share": share, **plain(signals), **plain(circumstances)}


def probabilities(best: float, ranks: Sequence[float]) -> tuple[float, ...]:
    """The probability of each candidate, best first: ``best`` log-odds for the first, the rest by their ranks.

    Together they never exceed 1; what is missing is the probability that none is right.
    """
    if not ranks:
        return ()
    top = chance(best)
    likely = [math.exp(value - ranks[0]) for value in ranks]
    rest = (1 - top) / sum(likely)
    return (top, *(min(top, rest * each) for each in likely[1:]))


def chance(log_odds: float) -> float:
    """Log-odds as a probability."""
    return 1 / (1 + math.exp(-max(-_MOST, min(_MOST, log_odds))))


def log_odds(probability: float) -> float:
    """A probability as log-odds."""
    return math.log(probability / (1 - probability))


def plain(value: Signals | Circumstances) -> dict[str, float]:
    """The fields by name, as numbers."""
    return {name: float(getattr(value, name)) for name in _NAMES[type(value)]}


_NAMES: Mapping[type, tuple[str, ...]] = {
    kind: tuple(each.name for each in fields(kind)) for kind in (Signals, Circumstances)
}
