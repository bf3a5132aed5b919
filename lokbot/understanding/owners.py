"""Whose matter a question seems to be: from names, from words that point there, from rules and from the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lokbot.model import Administration, Evidence, IntentAction, IntentHit, Match, Owner
from lokbot.understanding import fuzzy
from lokbot.understanding.rules import Terms, Text
from lokbot.understanding.vocabulary import content_words

# How far each kind of evidence is to be believed by itself (0-1). A rule was written for the very purpose; a name
# may be mentioned in passing; a word may be said in many matters.
_BY_RULE = 0.9
_BY_NAME = 0.8
_BY_WORD = 0.6
_BY_ANSWER = 0.9  # of the article's own confidence
_LEAST_ANSWER = 0.1  # below this the best article is only the least unlikely


@dataclass(frozen=True, slots=True)
class _Known:
    id: str
    names: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]


class Owners:
    """The administrations with their names and words, compiled. Raises ValueError at a term without a word."""

    def __init__(self, administrations: Iterable[Administration]) -> None:
        self._known = tuple(
            _Known(
                each.id,
                tuple(
                    dict.fromkeys(
                        (content_words(each.name.sv, "sv"), content_words(each.name.en or each.name.sv, "en"))
                    )
                ),
                each.words,
            )
            for each in administrations
        )
        self._names = frozenset(word for each in self._known for name in each.names for word in name)
        self._terms = Terms(word for each in self._known for word in each.words)

    def of(
        self,
        text: str,
        hits: Sequence[IntentHit],
        matches: Sequence[Match],
        administrations: Mapping[str, str],
    ) -> tuple[Owner, ...]:
        """The owners that anything speaks for, surest first; ``administrations`` gives each article's.

        Several pieces of evidence add up as independent chances: 1 - (1-a)(1-b).
        """
        evidence: dict[str, list[Evidence]] = {}
        for administration, found in self._named(text):
            evidence.setdefault(administration, []).append(found)
        for hit in hits:
            if hit.intent.administration and hit.intent.action in (IntentAction.ROUTE, IntentAction.ANSWER):
                found = Evidence("rule", hit.evidence.detail, _BY_RULE)
                evidence.setdefault(hit.intent.administration, []).append(found)
        if matches and matches[0].confidence >= _LEAST_ANSWER:
            best = matches[0]
            found = Evidence("article", best.article, _BY_ANSWER * best.confidence)
            evidence.setdefault(administrations[best.article], []).append(found)
        owners = (Owner(each, _together(found), tuple(found)) for each, found in evidence.items())
        return tuple(sorted(owners, key=lambda owner: -owner.confidence))

    def _named(self, text: str) -> Iterable[tuple[str, Evidence]]:
        prepared = Text.of(text)
        terms = self._terms.found_in(prepared)
        names = fuzzy.spellings(prepared.folded, self._names)
        for known in self._known:
            spelled, likeness = max((fuzzy.name_in(names, name) for name in known.names), key=lambda n: n[1])
            if spelled:
                yield known.id, Evidence("name", spelled, _BY_NAME * likeness)
            for word in dict.fromkeys(terms[each] for each in known.words if each in terms):
                yield known.id, Evidence("word", word, _BY_WORD)


def _together(evidence: Sequence[Evidence]) -> float:
    doubt = 1.0
    for each in evidence:
        doubt *= 1 - each.score
    return 1 - doubt
