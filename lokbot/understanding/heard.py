"""What only a person may answer, heard by meaning where no rule knows the words: examples of it, against all that texts
answer or are asked about.

Rules see what they were written for. Whoever is in need, appeals or hands something in finds other words, and those
are nearer in meaning to how others put it than to any question that a text answers. Each intent's examples and the
questions that are no such matter vote as wordings do for articles (``nearest``).

Pure: the encoder is handed in. The least votes for a hit are fitted (``training``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lokbot.model import Evidence, Intent, IntentAction, IntentHit
from lokbot.understanding.nearest import NOBODY, Places, votes
from lokbot.understanding.semantic import Encoder, Table, Vectors, kernel

# What only a person may answer.
FOR_A_PERSON = (IntentAction.URGENT, IntentAction.PERSON, IntentAction.OWN_MATTER, IntentAction.HAND_IN)

_SHARPNESS = 10.0  # of the kernel: examples of one intent lie further apart than wordings of one article
_NEIGHBOURS = 150
_MOST_ASKED = 8000  # questions that texts answer to compare with; of more, as many are taken evenly


@dataclass(frozen=True, slots=True)
class Heard:
    """How far the examples nearest to a question speak for each action (about 1: for it alone, about 0: not), and the
    intent that most of it is for, with the nearest example of it.
    """

    votes: Mapping[IntentAction, float]
    hits: Mapping[IntentAction, IntentHit]

    def or_more(self, other: Heard) -> Heard:
        """Each action as the one of the two has it that speaks more for it."""
        stronger = {
            action: self if self.votes.get(action, 0.0) >= other.votes.get(action, 0.0) else other
            for action in self.votes.keys() | other.votes.keys()
        }
        return Heard(
            {action: one.votes[action] for action, one in stronger.items()},
            {action: one.hits[action] for action, one in stronger.items()},
        )

    @property
    def for_a_person(self) -> float:
        """How far they speak for what only a person may answer, whichever it is."""
        return sum(self.votes.get(action, 0.0) for action in FOR_A_PERSON)

    def above(self, least: Mapping[str, float]) -> tuple[IntentHit, ...]:
        """The hits of the actions with at least so many votes; of an action that is not named, none."""
        return tuple(hit for action, hit in self.hits.items() if self.votes[action] >= least.get(action, np.inf))


NOTHING_HEARD = Heard({}, {})


class Ear:
    """The intents that can be heard by meaning. Immutable once built; raises LookupError where there are no vectors."""

    def __init__(self, intents: Sequence[Intent], asked: Sequence[str], encoder: Encoder) -> None:
        """``asked`` are questions that are none of their matter: the wordings and near misses of articles."""
        self._intents = tuple(intent for intent in intents if spoken(intent))
        self._texts = tuple(text for intent in self._intents for text in spoken(intent))
        others = asked[:: max(1, -(-len(asked) // _MOST_ASKED))]
        self._table = Table(encoder.wordings, [*(spoken(intent) for intent in self._intents), others])
        is_example = self._table.owners < len(self._intents)
        self._owners: Places = np.where(is_example, self._table.owners, NOBODY)
        self._everywhere = self._table.of(None)

    def heard(self, question: Vectors) -> Heard:
        """What the question with this vector sounds like."""
        near = self._table.likeness(self._everywhere, question)
        found, _ = votes(kernel(near, _SHARPNESS), self._among, self._owners, len(self._intents), _NEIGHBOURS)
        by_action: dict[IntentAction, float] = {}
        strongest: dict[IntentAction, int] = {}
        for number, intent in enumerate(self._intents):
            by_action[intent.action] = by_action.get(intent.action, 0.0) + float(found[number])
            if found[number] > found[strongest.setdefault(intent.action, number)]:
                strongest[intent.action] = number
        return Heard(by_action, {action: self._hit(number, near) for action, number in strongest.items()})

    def _hit(self, number: int, near: np.ndarray) -> IntentHit:
        own = np.flatnonzero(self._owners == number)
        nearest = int(own[np.argmax(near[own])])
        return IntentHit(self._intents[number], Evidence("semantic", self._texts[nearest], float(near[nearest])))

    def _among(self, places: Places) -> np.ndarray:
        rows = self._table.rows(places)
        return kernel(rows @ rows.T, _SHARPNESS)


def spoken(intent: Intent) -> tuple[str, ...]:
    """How an intent sounds, if it is to be heard by meaning: what it is given for that, and where only a person may
    answer the examples of its rules too.
    """
    return (*intent.sounds_like, *(intent.examples if intent.action in FOR_A_PERSON else ()))
