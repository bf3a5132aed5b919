"""The articles of one language, searched for one question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lokbot.model import Article, ArticleText, Evidence, GlossaryEntry, Match
from lokbot.understanding import confidence, fuzzy, kinds
from lokbot.understanding.confidence import Signals
from lokbot.understanding.kinds import Kind
from lokbot.understanding.lexical import Index, rarity
from lokbot.understanding.normalize import fold, grams, without_links, words
from lokbot.understanding.split import Part
from lokbot.understanding.vocabulary import LIGHT, QueryWord, Vocabulary

_WORDING_WEIGHT = 3.0  # a wording is what the article answers; the answer's text mentions much besides
_GRAM_SHARE = 0.8  # of the lexical score; the rest is keys (SweFAQ dev: .750 with grams alone, .758 so)
_BACKGROUND_SHARE = 0.3  # what was said around a question only tips the scales
_CANDIDATES = 10
_LIGHT_WEIGHT = 0.25  # at most, of a word that carries no matter alone
_MOST_MISSING = 3.0
_LONG_QUESTION = 20  # words
_NEAREST = 3  # wordings: one may be near by chance
_MATTERLESS = 0.5  # of the confidence is left where no word says what the question is about
_AS_WRITTEN = 0.98  # the question is a wording of the article, word for word


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that may answer, with what speaks for it."""

    article: str
    signals: Signals
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class _Wording:
    grams: frozenset[str]
    weight: float
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class _Entry:
    article: str
    keys: frozenset[str]
    questions: tuple[str, ...]
    folded: tuple[str, ...]
    wordings: tuple[_Wording, ...]
    held: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class _Query:
    folded: tuple[str, ...]
    words: tuple[QueryWord, ...]
    keys: Mapping[str, float]
    grams: Mapping[str, int]
    gram_weight: float
    kinds: frozenset[Kind]


class Matcher:
    """Searches the articles that have a text in ``language``. Immutable once built."""

    def __init__(self, articles: Iterable[Article], glossary: Sequence[GlossaryEntry], language: str) -> None:
        texts = [(article.id, text) for article in articles if (text := article.text(language))]
        self.vocabulary = Vocabulary((_whole(text) for _, text in texts), glossary, language)
        # Case and punctuation aside, the very words that somebody wrote for this article: nothing is left to weigh.
        self._written = {
            words(question): Match(article, _AS_WRITTEN, (Evidence("wording", question, 1.0),))
            for article, text in texts
            for question in text.questions
        }
        documents = [self._counted(text) for _, text in texts]
        self._keys = Index([keys for keys, _ in documents])
        self._grams = Index([found for _, found in documents])
        wordings = [frozenset(grams(_folded_words(each))) for _, text in texts for each in text.questions]
        holders = Counter(gram for wording in wordings for gram in wording)
        self._gram_rarity = {gram: rarity(count, len(wordings)) for gram, count in holders.items()}
        self._unseen_gram = rarity(0, len(wordings))
        self._entries = tuple(
            self._entry(article, text, keys) for (article, text), (keys, _) in zip(texts, documents, strict=True)
        )

    def _counted(self, text: ArticleText) -> tuple[dict[str, float], dict[str, float]]:
        keys: dict[str, float] = {}
        found: dict[str, float] = {}
        for part, weight in (("\n".join(text.questions), _WORDING_WEIGHT), (text.answer, 1.0)):
            for key, count in self.vocabulary.document_keys(part).items():
                keys[key] = keys.get(key, 0.0) + count * weight
            for gram, count in Counter(grams(_folded_words(part))).items():
                found[gram] = found.get(gram, 0.0) + count * weight
        return keys, found

    def _entry(self, article: str, text: ArticleText, keys: Mapping[str, float]) -> _Entry:
        folded = tuple(" ".join(_folded_words(question)) for question in text.questions)
        return _Entry(
            article=article,
            keys=frozenset(keys),
            questions=text.questions,
            folded=folded,
            wordings=tuple(self._wording(each) for each in folded),
            held=kinds.held(text.answer),
        )

    def _wording(self, folded: str) -> _Wording:
        found = frozenset(grams(tuple(folded.split())))
        return _Wording(found, self._gram_weight(found), kinds.asked(folded))

    def _gram_weight(self, found: Iterable[str]) -> float:
        return sum(self._gram_rarity.get(gram, self._unseen_gram) for gram in found)

    def matches(self, part: Part) -> tuple[Match, ...]:
        """The candidate articles for the question, best first, each with its evidence."""
        seen = self.candidates(part)
        chances = confidence.probabilities([confidence.score(each.signals) for each in seen])
        if not part.background and all(word.written in LIGHT for word in self.vocabulary.query_words(part.focus)):
            # "Hur fungerar det?" fits every article and asks for none.
            chances = tuple(_MATTERLESS * chance for chance in chances)
        found = [Match(each.article, chance, each.evidence) for each, chance in zip(seen, chances, strict=True)]
        if not part.background and (written := self._written.get(words(part.focus))):
            rest = [
                replace(match, confidence=(1 - _AS_WRITTEN) * match.confidence)
                for match in found
                if match.article != written.article
            ]
            found = [written, *rest]
        return tuple(sorted(found, key=lambda match: -match.confidence))

    def candidates(self, part: Part) -> tuple[Candidate, ...]:
        """The articles that share most with the question, and what speaks for each."""
        query = self._query(part.focus)
        lexical = self._lexical(query)
        background = self._lexical(self._query(part.background)) if part.background else [0.0] * len(lexical)
        order = sorted(range(len(lexical)), key=lambda n: (-lexical[n] - _BACKGROUND_SHARE * background[n], n))
        chosen = [n for n in order[:_CANDIDATES] if lexical[n] > 0]
        best, second = [*sorted((lexical[n] for n in chosen), reverse=True), 0.0, 0.0][:2]
        return tuple(
            self._candidate(
                query,
                self._entries[n],
                lexical=lexical[n],
                lead=lexical[n] - (second if lexical[n] == best else best),
                background=background[n],
            )
            for n in chosen
        )

    def lexical(self, text: str) -> dict[str, float]:
        """Each article's share of the words and 4-grams of ``text``: what ranks the candidates (for measuring)."""
        scores = self._lexical(self._query(text))
        return {entry.article: score for entry, score in zip(self._entries, scores, strict=True)}

    def _query(self, text: str) -> _Query:
        query_words = self.vocabulary.query_words(text)
        keys: dict[str, float] = {}
        for word in query_words:
            for key, sure in word.keys.items():
                keys[key] = max(sure, keys.get(key, 0.0))
        folded = _folded_words(text)
        found = Counter(grams(folded))
        return _Query(folded, query_words, keys, found, self._gram_weight(found), kinds.asked(" ".join(folded)))

    def _lexical(self, query: _Query) -> list[float]:
        by_key, by_gram = self._keys.scores(query.keys), self._grams.scores(query.grams)
        return [(1 - _GRAM_SHARE) * k + _GRAM_SHARE * g for k, g in zip(by_key, by_gram, strict=True)]

    def _candidate(self, query: _Query, entry: _Entry, *, lexical: float, lead: float, background: float) -> Candidate:
        likenesses = [self._likeness(query, wording) for wording in entry.wordings]
        near = sorted(likenesses, reverse=True)[:_NEAREST]
        nearest, ratio = fuzzy.closest(" ".join(query.folded), entry.folded)
        alike = likenesses.index(near[0]) if near else -1
        agreed = entry.held.union(*(entry.wordings[n].kinds for n in {nearest, alike} if n >= 0))
        missing = {word.written: self._missing(word, entry) for word in query.words}
        signals = Signals(
            lexical=lexical,
            lead=lead,
            background=background,
            wording=sum(near) / _NEAREST,
            ratio=ratio,
            missing=min(_MOST_MISSING, sum(missing.values())),
            length=min(1.0, len(query.folded) / _LONG_QUESTION),
            is_kind_missing=bool(query.kinds - agreed),
        )
        evidence = [Evidence("lexical", " ".join(w for w, lacks in missing.items() if lacks < 0.5), lexical)]
        if nearest >= 0:
            evidence.append(Evidence("fuzzy", entry.questions[nearest], ratio))
        if strange := [word for word, lacks in missing.items() if lacks >= 0.5]:
            evidence.append(Evidence("missing", " ".join(strange), signals.missing))
        if signals.is_kind_missing:
            evidence.append(Evidence("kind", " ".join(sorted(query.kinds - agreed)), 0.0))
        return Candidate(entry.article, signals, tuple(evidence))

    def _likeness(self, query: _Query, wording: _Wording) -> float:
        whole = query.gram_weight + wording.weight
        return 2 * self._gram_weight(wording.grams.intersection(query.grams)) / whole if whole else 0.0

    def _missing(self, word: QueryWord, entry: _Entry) -> float:
        """How much of a matter the article lacks in not having the word (0-1): more for a rare word."""
        surest = max(word.keys.values())
        unseen = self._keys.unseen
        weight = max(self._keys.rarity.get(key, unseen) for key, sure in word.keys.items() if sure == surest) / unseen
        if word.written in LIGHT:
            weight = min(weight, _LIGHT_WEIGHT)
        return weight * (1 - max((sure for key, sure in word.keys.items() if key in entry.keys), default=0.0))


def _whole(text: ArticleText) -> str:
    return "\n".join((*text.questions, text.answer))


def _folded_words(text: str) -> tuple[str, ...]:
    return tuple(fold(word) for word in words(without_links(text)))
