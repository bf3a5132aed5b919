"""The knowledge's own words in one language, and what a question's words are among them.

Compounds are taken apart and put together, synonyms of the glossary meet in one key, and a word that the
knowledge does not have is repaired only to one that it has. Keys are what the indexes are built on: stems of
folded words, and ``=term`` for a glossary entry.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz import process
from rapidfuzz.distance import OSA

from lokbot.model import GlossaryEntry
from lokbot.understanding.function_words import FUNCTION_WORDS, LIGHT_WORDS
from lokbot.understanding.normalize import clean, fold, stem, without_links, words

_SHORTEST_PART = 4  # letters of a compound's part: shorter ones ("ans", "val") are found in half of all words
_LINKS = ("", "s", "e", "a", "o", "u")  # what Swedish puts between the parts: förening-s-bidrag, gat-u-fest

_RARE = 2  # times in the knowledge: as often as a typing error
_MUCH_COMMONER = 4
_SURELY_MISSPELT = 7  # letters: many a shorter word, near one of the knowledge's, is another word

# How sure a key is to mean what the asker wrote.
EXACT, JOINED, SYNONYM, PARTS, REPAIRED, HALF = 1.0, 0.95, 0.9, 0.85, 0.8, 0.4


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A content word of a question: what was written, and the keys it may stand for with how sure each is (0-1)."""

    written: str
    keys: Mapping[str, float]


def content_words(text: str, language: str) -> tuple[str, ...]:
    """The folded words of ``text`` that carry a matter: no small words, no links, no single letters."""
    small = _SMALL.get(language, frozenset())
    return tuple(
        folded
        for word in words(without_links(text))
        if word not in small and (folded := fold(word)) not in small and (len(folded) > 1 or folded.isdigit())
    )


_SMALL = {
    "sv": FUNCTION_WORDS["sv"] | {fold(word) for word in FUNCTION_WORDS["sv"]},
    "en": FUNCTION_WORDS["en"],
}


LIGHT = frozenset(fold(word) for word in LIGHT_WORDS)


# What people type in a chat for the words that a sentence hangs on.
_CHAT = {
    "e": "är", "o": "och", "mkt": "mycket", "oxå": "också", "ngn": "någon", "ngt": "något", "me": "med", "te": "till",
    "nä": "när", "org": "organisations", "nr": "nummer",
}  # fmt: skip
_TOKEN = re.compile(r"\w+")
_BEFORE_VAR = frozenset({"när", "nar", "hur", "vem", "vilka", "vilken", "vilket", "vad", "det", "den", "som"})
_BEFORE_VAD = frozenset({"undrar", "vet", "o", "och", "om", "på", "berätta", "", "säg", "hej", "men"})


class Vocabulary:
    """The words of ``texts`` and of the glossary, in one language. Immutable once built."""

    def __init__(self, texts: Iterable[str], glossary: Sequence[GlossaryEntry], language: str) -> None:
        self.language = language
        counted: Counter[str] = Counter()
        written: Counter[str] = Counter()
        for text in texts:
            counted.update(content_words(text, language))
            written.update(words(text))
        phrases = [
            (f"={fold(entry.term).casefold()}", content_words(phrase, language))
            for entry in glossary
            for phrase in (entry.term, *entry.synonyms)
        ]
        for _, parts in phrases:
            counted.update(parts)
        self.words = frozenset(counted)
        self._stems = {word: stem(word, language) for word in counted}
        self._known_stems = frozenset(self._stems.values())
        self._counted = counted
        self._phrases = self._by_first_stem(phrases)
        by_length: dict[int, list[str]] = {}
        for word in sorted(counted):
            if word.isalpha():
                by_length.setdefault(len(word), []).append(word)
        self._by_length = {length: tuple(found) for length, found in by_length.items()}
        for entry in glossary:
            written.update(word for phrase in (entry.term, *entry.synonyms) for word in words(phrase))
        self._written = written
        # The commonest last, so that it is the one that stays.
        self._spelling = {fold(word): word for word, _ in reversed(written.most_common())}
        self._small = _SMALL.get(language, frozenset())
        self._meant = {word: meant for word in sorted(counted) if (meant := self._commoner(word))}

    def _by_first_stem(self, phrases: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, list[tuple[str, ...]]]:
        found: dict[str, list[tuple[str, ...]]] = {}
        for key, parts in phrases:
            if parts:
                stems = tuple(stem(part, self.language) for part in parts)
                found.setdefault(stems[0], []).append((key, *stems))
        return found

    def spelled(self, text: str) -> str:
        """``text`` as the knowledge would spell it, for what reads whole sentences: å ä ö where they were left out,
        typing errors and chat forms repaired, compounds in one word. Words that the knowledge does not know stay.
        """
        found: list[str] = []
        end = 0
        for token in _TOKEN.finditer(text):
            word = clean(token[0])
            between = text[end : token.start()]
            if word == "va" and self.language == "sv":
                spelled = _spelled_va(clean(found[-1]) if found and between == " " else "")
            else:
                spelled = self._spelled(word)
            joined = self._joined(found[-1], spelled) if found and between == " " else ""
            if joined:
                found[-1] = joined
            else:
                found += [between, token[0] if spelled == word else spelled]
            end = token.end()
        return "".join([*found, text[end:]])

    def _joined(self, left: str, right: str) -> str:
        folded = fold(clean(left) + right)
        is_compound = min(len(left), len(right)) >= _SHORTEST_PART and self._small.isdisjoint((clean(left), right))
        return self._spelling[folded] if is_compound and self._counted[folded] > _RARE else ""

    def _spelled(self, word: str) -> str:
        if self.language == "sv" and word in _CHAT:
            return _CHAT[word]
        folded = fold(word)
        if best := self._spelling.get(folded):
            is_plainer = word == folded and self._written[best] >= _MUCH_COMMONER * self._written[word]
            return best if is_plainer else word
        slips = 0 if len(word) < _SURELY_MISSPELT else 1 if len(word) < _SURELY_MISSPELT + 3 else 2
        is_a_word = stem(folded, self.language) in self._known_stems or word in self._small or self.parts(folded)
        if not slips or is_a_word:
            return word
        # The first letter is seldom wrong, and another one makes another word of it.
        near = [each for each in self._near(folded, slips) if each[2][0] == folded[0]]
        return self._spelling[min(near)[2]] if near else word

    def document_keys(self, text: str) -> Counter[str]:
        """The keys of a text of the knowledge: stems, the parts of its compounds, and its glossary entries."""
        found = content_words(text, self.language)
        stems = [stem(word, self.language) for word in found]
        keys = Counter(stems)
        for word in found:
            keys.update(self.parts(word))
            if word in self._meant:
                keys[stem(self._meant[word], self.language)] += 1
        keys.update(key for key, _ in self._synonyms(stems))
        return keys

    def query_words(self, text: str) -> tuple[QueryWord, ...]:
        """The content words of a question, each once, with the keys they may stand for."""
        found = content_words(text, self.language)
        stems = [stem(word, self.language) for word in found]
        keys = [self._keys(word, stemmed) for word, stemmed in zip(found, stems, strict=True)]
        for place, (left, right) in enumerate(pairwise(found)):
            joined = stem(left + right, self.language)
            if joined in self._known_stems:
                keys[place][joined] = keys[place + 1][joined] = JOINED
        for key, places in self._synonyms(stems):
            for at in places:
                keys[at][key] = SYNONYM
        first = {word: QueryWord(word, own) for word, own in reversed(list(zip(found, keys, strict=True)))}
        return tuple(first[word] for word in dict.fromkeys(found))

    def _keys(self, word: str, stemmed: str) -> dict[str, float]:
        parts = dict.fromkeys(self.parts(word), PARTS)
        if stemmed in self._known_stems:
            meant = {stem(self._meant[word], self.language): REPAIRED} if word in self._meant else {}
            return {**parts, **meant, stemmed: EXACT}
        if parts:
            return {**parts, stemmed: EXACT}
        repaired = self.repair(word)
        if repaired:
            again = dict.fromkeys(self.parts(repaired), REPAIRED * PARTS)
            return {**again, stem(repaired, self.language): REPAIRED}
        half = self._half(word)
        return {stemmed: EXACT, half: HALF} if half else {stemmed: EXACT}

    def _synonyms(self, stems: Sequence[str]) -> Iterable[tuple[str, range]]:
        for start, first in enumerate(stems):
            for key, *phrase in self._phrases.get(first, ()):
                if list(stems[start : start + len(phrase)]) == phrase:
                    yield key, range(start, start + len(phrase))

    def parts(self, word: str) -> tuple[str, ...]:
        """The stems of the two known words that ``word`` is put together of, with a linking letter or without."""
        for cut in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1):
            right = word[cut:]
            if right not in self._stems and stem(right, self.language) not in self._known_stems:
                continue
            for link in _LINKS:
                left = word[:cut]
                if not left.endswith(link) or len(left) - len(link) < _SHORTEST_PART:
                    continue
                left_stem = stem(left[: len(left) - len(link)], self.language)
                if left_stem in self._known_stems:
                    return left_stem, stem(right, self.language)
        return ()

    def _half(self, word: str) -> str:
        """The stem of a known word that ``word`` ends with: "lotteritillstånd" is some kind of "tillstånd"."""
        for cut in range(3, len(word) - _SHORTEST_PART + 1):
            right = stem(word[cut:], self.language)
            if word[cut:] in self._stems and right in self._known_stems:
                return right
        return ""

    def repair(self, word: str) -> str:
        """The known word that an unknown one is a misspelling of, or "".

        One slip (a letter more, less, other, or two swapped) in 5-7 letters, two in 8 or more: fewer letters or
        more slips make another word of it ("Lund" is not "kund"). Of several the nearest wins, then the commonest.
        """
        slips = 0 if len(word) < 5 else 1 if len(word) < 8 else 2
        near = self._near(word, slips) if slips else []
        return min(near)[2] if near else ""

    def _commoner(self, word: str) -> str:
        """The much commoner word that a rare known one misspells: wordings hold typing errors on purpose."""
        count = self._counted[word]
        if count > _RARE or len(word) < 7:
            return ""
        near = [each for each in self._near(word, 1 if len(word) < 10 else 2) if -each[1] >= _MUCH_COMMONER * count]
        return min(near)[2] if near else ""

    def _near(self, word: str, slips: int) -> list[tuple[float, int, str]]:
        """The known words within ``slips`` slips: distance, minus how often it occurs, the word."""
        if not word.isalpha():
            return []
        return [
            (distance, -self._counted[known], known)
            for length in range(len(word) - slips, len(word) + slips + 1)
            for known, distance, _ in process.extract(
                word, self._by_length.get(length, ()), scorer=OSA.distance, score_cutoff=slips, limit=5
            )
            if known != word
        ]


def _spelled_va(before: str) -> str:
    """What a "va" after a word stands for: "vad va det", "kan han va med"."""
    if before in _BEFORE_VAR:
        return "var"
    return "vad" if before in _BEFORE_VAD else "vara"
