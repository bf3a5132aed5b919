"""The rule language of ``intents/``: terms on normalised words, compiled once, asked often.

A term is one or more words in a row; ``*`` at a word's start or end stands for any letters there. Both sides are
compared cleaned and folded, so "overklaga" hits "överklag*"; but where both are written with a letter of å, ä and ö
it is the same one, so "läser" does not hit "låser". A one-word term is also looked for in two neighbouring words
written as one, so "över klaga" hits too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from lokbot.model import Evidence, Intent, IntentAction, IntentHit, Rule
from lokbot.understanding.normalize import fold, words

_STRENGTH = {action: place for place, action in enumerate(IntentAction)}
# A joined pair must reach this many letters into its second word, else the first word alone would be the hit.
_REACH = 2
_MARKED = frozenset("åäö")
_AS_SWEDISH = str.maketrans("æø", "äö")  # what a Dane or a Norwegian types
_ANCHOR = 4  # letters of a word within another that must occur before the word is looked for


@dataclass(frozen=True, slots=True)
class Text:
    """A text prepared for many terms: its words, the same folded, pairs of neighbours as one word."""

    words: tuple[str, ...]
    folded: tuple[str, ...]
    squeezed: str
    distinct: frozenset[str]  # of the folded words
    beginnings: frozenset[str]  # all that a word, or two in a row as one, begins with
    anchors: frozenset[str]  # the same of whatever begins somewhere within, some letters each

    @classmethod
    @lru_cache(maxsize=64)  # the rules and the owners look at the same question
    def of(cls, text: str) -> Text:
        found = words(text)
        folded = tuple(fold(word) for word in found)
        squeezed = "".join(folded)
        anchors = {squeezed[i : i + n] for n in range(1, _ANCHOR + 1) for i in range(len(squeezed) - n + 1)}
        joined = (left + right for left, right in pairwise(folded))
        beginnings = {word[:n] for word in (*folded, *joined) for n in range(1, len(word) + 1)}
        return cls(found, folded, squeezed, frozenset(folded), frozenset(beginnings), frozenset(anchors))


@dataclass(frozen=True, slots=True)
class _Pattern:
    literal: str
    open_start: bool
    open_end: bool
    written: str  # the literal with its accents

    def fits(self, word: str) -> bool:
        if self.open_start:
            return self.literal in word if self.open_end else word.endswith(self.literal)
        return word.startswith(self.literal) if self.open_end else word == self.literal

    def agrees(self, folded: str, word: str) -> bool:
        """Whether ``word``, which fits as ``folded``, has no other of å, ä and ö where the literal has one."""
        if len(word) != len(folded) or len(self.written) != len(self.literal):
            return True  # a script that folds otherwise
        start = folded.rfind(self.literal) if self.open_start else 0
        beside = zip(self.written, word[start:].translate(_AS_SWEDISH), strict=False)
        return not any(own != other and own in _MARKED and other in _MARKED for own, other in beside)


class Term:
    """A compiled term. Raises ValueError for a term without a letter or digit, which could never be meant."""

    __slots__ = ("_longest", "_whole", "patterns", "written")

    def __init__(self, written: str) -> None:
        self.written = written
        self.patterns = tuple(_patterns(written))
        if not self.patterns:
            raise ValueError(f"term without a word: {written!r}")
        self._whole = frozenset(each.literal for each in self.patterns if not (each.open_start or each.open_end))
        self._longest = max((pattern.literal for pattern in self.patterns), key=len)

    def found_in(self, text: Text) -> str | None:
        """The words of ``text`` (as written, lower case) that the term hits first, or None."""
        if self._longest not in text.squeezed:
            return None
        first, size = self.patterns[0], len(self.patterns)
        if self._whole <= text.distinct:
            for start, word in enumerate(text.folded[: max(0, len(text.folded) - size + 1)]):
                # The first test only spares the others: most words do not hold the literal at all.
                if first.literal in word and all(
                    pattern.fits(text.folded[start + offset])
                    and pattern.agrees(text.folded[start + offset], text.words[start + offset])
                    for offset, pattern in enumerate(self.patterns)
                ):
                    return " ".join(text.words[start : start + size])
        return self._found_in_pairs(text) if size == 1 else None

    def _found_in_pairs(self, text: Text) -> str | None:
        pattern = self.patterns[0]
        for place, (left, right) in enumerate(zip(text.folded, text.folded[1:], strict=False)):
            written = text.words[place] + text.words[place + 1]
            if (
                len(pattern.literal) >= len(left) + _REACH
                and pattern.fits(left + right)
                and pattern.agrees(left + right, written)
            ):
                return f"{text.words[place]} {text.words[place + 1]}"
        return None


def _patterns(written: str) -> Iterable[_Pattern]:
    # A star stands beside its word; clean() would part it from there, so each word is cleaned by itself.
    for chunk in written.split():
        parts = words(chunk)
        for place, part in enumerate(parts):
            yield _Pattern(
                literal=fold(part),
                open_start=place == 0 and chunk.startswith("*"),
                open_end=place == len(parts) - 1 and chunk.endswith("*"),
                written=part.translate(_AS_SWEDISH),
            )


class Terms:
    """Many terms to look for at once. Raises ValueError for one without a word.

    Few of them are in one text: each is looked for only where the word is that fewest of them share.
    """

    __slots__ = ("_by_anchor", "_by_beginning")

    def __init__(self, written: Iterable[str]) -> None:
        self._by_beginning: dict[str, list[Term]] = {}
        self._by_anchor: dict[str, dict[str, list[Term]]] = {}
        terms = [Term(each) for each in dict.fromkeys(written)]
        shared = Counter(pattern.literal for term in terms for pattern in term.patterns)
        for term in terms:
            rarest = min(term.patterns, key=lambda pattern: (shared[pattern.literal], -len(pattern.literal)))
            if rarest.open_start:
                alike = self._by_anchor.setdefault(rarest.literal[:_ANCHOR], {})
                alike.setdefault(rarest.literal, []).append(term)
            else:
                self._by_beginning.setdefault(rarest.literal, []).append(term)

    def found_in(self, text: Text) -> dict[str, str]:
        """The terms that occur in ``text``, as they are written, with the words that hit."""
        return {term.written: words for term in self._perhaps_in(text) if (words := term.found_in(text)) is not None}

    def _perhaps_in(self, text: Text) -> Iterator[Term]:
        for beginning in text.beginnings & self._by_beginning.keys():
            yield from self._by_beginning[beginning]
        for anchor in text.anchors & self._by_anchor.keys():
            for literal, terms in self._by_anchor[anchor].items():
                if literal in text.squeezed:
                    yield from terms


class Rules:
    """The rules of all intents, compiled. Raises ValueError when a term is without a word."""

    __slots__ = ("_intents", "_rules", "_terms")

    def __init__(self, intents: Iterable[Intent]) -> None:
        self._intents = tuple(sorted(intents, key=lambda intent: _STRENGTH[intent.action]))
        # Rules share many of their terms: each is looked for once, and a rule is asked only where a term that it cannot
        # do without occurs.
        self._rules: dict[str, list[tuple[int, int]]] = {}
        written: list[str] = []
        for number, intent in enumerate(self._intents):
            for place, rule in enumerate(intent.rules):
                written += (*rule.all, *rule.any, *rule.none)
                for needed in rule.all[:1] or rule.any:
                    self._rules.setdefault(needed, []).append((number, place))
        self._terms = Terms(written)

    def hits(self, text: str) -> tuple[IntentHit, ...]:
        """The intents with a rule that hits ``text``, by strength of action, then in the order of the files.

        The evidence names the words that hit; its score is 1, since a rule hits or does not.
        """
        prepared = Text.of(text)
        found = self._terms.found_in(prepared)
        asked = sorted({where for term in found for where in self._rules.get(term, ())})
        hits: dict[int, tuple[str, ...]] = {}
        for number, place in asked:
            if number not in hits and (words := _hit(self._intents[number].rules[place], found, len(prepared.words))):
                hits[number] = words
        return tuple(IntentHit(self._intents[n], Evidence("rule", ", ".join(words), 1.0)) for n, words in hits.items())


def _hit(rule: Rule, found: Mapping[str, str], size: int) -> tuple[str, ...] | None:
    """The words that hit the rule, or None. A rule with neither ``all`` nor ``any`` hits nothing."""
    if rule.max_words is not None and size > rule.max_words:
        return None
    if not all(term in found for term in rule.all) or any(term in found for term in rule.none):
        return None
    either = next((term for term in rule.any if term in found), None)
    if rule.any and either is None:
        return None
    hit = (*rule.all, either) if either is not None else rule.all
    return tuple(dict.fromkeys(found[term] for term in hit)) or None


def hits(text: str, intents: Iterable[Intent]) -> tuple[IntentHit, ...]:
    """``Rules(intents).hits(text)`` for a single question; compile ``Rules`` once where there are many."""
    return Rules(intents).hits(text)
