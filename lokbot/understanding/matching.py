"""The articles of one language, searched for one question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lokbot.model import Article, ArticleText, Evidence, GlossaryEntry, Match
from lokbot.understanding import fuzzy, kinds
from lokbot.understanding.confidence import Signals
from lokbot.understanding.kinds import Kind
from lokbot.understanding.lexical import Index, Scores, rarity
from lokbot.understanding.normalize import fold, grams, without_links, words
from lokbot.understanding.retrieval import GramIndex, fused, gram_counts
from lokbot.understanding.semantic import Meant
from lokbot.understanding.split import Part
from lokbot.understanding.vocabulary import LIGHT, QueryWord, Vocabulary

_WORDING_WEIGHT = 3.0  # a wording is what the article answers; the answer's text mentions much besides
_GRAM_SHARE = 0.8  # of the lexical score; the rest is keys (SweFAQ dev: .750 with grams alone, .758 so)
_BACKGROUND_SHARE = 0.3  # what was said around a question only tips the scales
_CANDIDATES = 10
_LIGHT_WEIGHT = 0.25  # at most, of a word that carries no matter alone
_MOST_MISSING = 3.0
_NEAREST = 3  # wordings: one may be near by chance
_WRITTEN = ("sv", "en")  # what articles are written in; the first is whole
_AS_WRITTEN = 0.98  # the question is a wording of the article, word for word


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that may answer, with what speaks for it."""

    article: str
    signals: Signals
    evidence: tuple[Evidence, ...]
    is_whole: bool = True  # has a text in the question's language


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
    is_whole: bool


@dataclass(frozen=True, slots=True)
class _Query:
    folded: tuple[str, ...]
    words: tuple[QueryWord, ...]
    keys: Mapping[str, float]
    grams: Mapping[str, int]
    gram_weight: float
    kinds: frozenset[Kind]


class Matcher:
    """Searches all articles by their texts in ``language``, and by meaning where vectors are given. Immutable.

    An article without a text in the language is searched by its wordings in it, else by meaning alone.
    """

    def __init__(self, articles: Iterable[Article], glossary: Sequence[GlossaryEntry], language: str) -> None:
        texts = [(article.id, _searched(article, language)) for article in articles]
        self.language = language
        self.vocabulary = Vocabulary((_whole(text) for _, text in texts), glossary, language)
        # Case and punctuation aside, the very words that somebody wrote for this article: nothing is left to weigh.
        self._written = {
            words(question): Match(article, _AS_WRITTEN, (Evidence("wording", question, 1.0),))
            for article, text in texts
            for question in text.questions
        }
        documents = [self._counted(text) for _, text in texts]
        self._keys = Index([keys for keys, _ in documents])
        asked = [(n, gram_counts(each)) for n, (_, text) in enumerate(texts) for each in text.questions]
        self._grams = GramIndex([found for _, found in documents], [found for _, found in asked], [n for n, _ in asked])
        wordings = [frozenset(found) for _, found in asked]
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
            for gram, count in gram_counts(part).items():
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
            is_whole=bool(text.answer) and text.language == self.language,
        )

    def _wording(self, folded: str) -> _Wording:
        found = frozenset(grams(tuple(folded.split())))
        return _Wording(found, self._gram_weight(found), kinds.asked(folded))

    def _gram_weight(self, found: Iterable[str]) -> float:
        return sum(self._gram_rarity.get(gram, self._unseen_gram) for gram in found)

    def written(self, part: Part) -> Match | None:
        """The article that has the question among its wordings, word for word."""
        return None if part.background else self._written.get(words(part.focus))

    def is_matterless(self, part: Part) -> bool:
        """Whether no word says what it is about: "Hur fungerar det?" fits every article and asks for none."""
        return not part.background and all(word.written in LIGHT for word in self.vocabulary.query_words(part.focus))

    def candidates(self, part: Part, meant: Meant | None = None) -> tuple[Candidate, ...]:
        """The articles nearest to the question in words or meaning, and what speaks for each."""
        query = self._query(part.focus)
        by_grams = self._grams.shares(query.grams)
        lexical = self._lexical(query, by_grams)
        background = np.zeros(len(lexical))
        if part.background:
            around = self._query(part.background)
            around_by_grams = self._grams.shares(around.grams)
            background = self._lexical(around, around_by_grams)
            by_grams = by_grams + _BACKGROUND_SHARE * around_by_grams
        by_words = lexical + _BACKGROUND_SHARE * background
        chosen = [int(n) for n in np.argsort(-by_words, kind="stable")[:_CANDIDATES] if lexical[n] > 0]
        if meant is not None:
            nearest = np.argsort(-fused(self._grams.unhubbed(by_grams), meant), kind="stable")[:_CANDIDATES]
            farther = np.argsort(-meant.best, kind="stable")[: _CANDIDATES // 2]
            chosen = list(dict.fromkeys(int(n) for n in (*nearest, *farther, *chosen[: _CANDIDATES // 2])))
        lead = _leads(lexical, chosen)
        meant_lead = _leads(meant.best, chosen) if meant is not None else dict.fromkeys(chosen, 0.0)
        return tuple(
            self._candidate(
                query,
                n,
                meant,
                lexical=float(lexical[n]),
                lead=lead[n],
                background=float(background[n]),
                meant_lead=meant_lead[n],
            )
            for n in chosen
        )

    def _query(self, text: str) -> _Query:
        query_words = self.vocabulary.query_words(text)
        keys: dict[str, float] = {}
        for word in query_words:
            for key, sure in word.keys.items():
                keys[key] = max(sure, keys.get(key, 0.0))
        folded = _folded_words(text)
        found = Counter(grams(folded))
        return _Query(folded, query_words, keys, found, self._gram_weight(found), kinds.asked(" ".join(folded)))

    def _lexical(self, query: _Query, by_grams: Scores) -> Scores:
        return (1 - _GRAM_SHARE) * self._keys.scores(query.keys) + _GRAM_SHARE * by_grams

    def _candidate(
        self,
        query: _Query,
        number: int,
        meant: Meant | None,
        *,
        lexical: float,
        lead: float,
        background: float,
        meant_lead: float,
    ) -> Candidate:
        entry = self._entries[number]
        likenesses = [self._likeness(query, wording) for wording in entry.wordings]
        near = sorted(likenesses, reverse=True)[:_NEAREST]
        nearest, ratio = fuzzy.closest(" ".join(query.folded), entry.folded)
        alike = likenesses.index(near[0]) if near else -1
        agreed = entry.held.union(*(entry.wordings[n].kinds for n in {nearest, alike} if n >= 0))
        # In a language without answers nearly every word is missing, and says nothing.
        missing = {word.written: self._missing(word, entry) for word in query.words if self.language in _WRITTEN}
        lacked = sum(missing.values())
        signals = Signals(
            lexical=lexical,
            lead=lead,
            background=background,
            wording=sum(near) / _NEAREST,
            nearest=near[0] if near else 0.0,
            ratio=ratio,
            missing=min(_MOST_MISSING, lacked),
            lacking=lacked / sum(map(self._weight, query.words)) if lacked else 0.0,
            is_kind_missing=bool(query.kinds - agreed),
        )
        evidence = []
        if lexical > 0:
            evidence.append(Evidence("lexical", " ".join(w for w, lacks in missing.items() if lacks < 0.5), lexical))
        if nearest >= 0:
            evidence.append(Evidence("fuzzy", entry.questions[nearest], ratio))
        if meant is not None:
            signals = replace(
                signals,
                meant=float(meant.wording[number]),
                meant_wordings=float(meant.wordings[number]),
                meant_answer=float(meant.answer[number]),
                meant_lead=meant_lead,
                cosine=float(meant.cosine[number]),
            )
            evidence.append(Evidence("semantic", meant.words[number], signals.meant))
        if strange := [word for word, lacks in missing.items() if lacks >= 0.5]:
            evidence.append(Evidence("missing", " ".join(strange), signals.missing))
        if signals.is_kind_missing:
            evidence.append(Evidence("kind", " ".join(sorted(query.kinds - agreed)), 0.0))
        return Candidate(entry.article, signals, tuple(evidence), entry.is_whole)

    def _likeness(self, query: _Query, wording: _Wording) -> float:
        whole = query.gram_weight + wording.weight
        return 2 * self._gram_weight(wording.grams.intersection(query.grams)) / whole if whole else 0.0

    def _missing(self, word: QueryWord, entry: _Entry) -> float:
        """How much of a matter the article lacks in not having the word (0-1): more for a rare word."""
        had = max((sure for key, sure in word.keys.items() if key in entry.keys), default=0.0)
        return self._weight(word) * (1 - had)

    def _weight(self, word: QueryWord) -> float:
        """How much of a matter a word carries (0-1): more for a rare one."""
        surest = max(word.keys.values())
        unseen = self._keys.unseen
        weight = max(self._keys.rarity.get(key, unseen) for key, sure in word.keys.items() if sure == surest) / unseen
        return min(weight, _LIGHT_WEIGHT) if word.written in LIGHT else weight


def _leads(scores: Scores, chosen: Sequence[int]) -> dict[int, float]:
    """For each chosen one how much it is above the best of the others."""
    best, second = [*sorted((float(scores[n]) for n in chosen), reverse=True), 0.0, 0.0][:2]
    return {n: float(scores[n]) - (second if scores[n] == best else best) for n in chosen}


def _searched(article: Article, language: str) -> ArticleText:
    """What an article is searched by in a language: its text in it, with further wordings; Swedish beside English."""
    wordings = tuple(article.wordings.get(language, ()))
    text = article.text(language)
    if text is None and language in _WRITTEN:
        text = article.text(_WRITTEN[0])
    if text is None:
        return ArticleText(language, wordings, "")
    return replace(text, questions=(*text.questions, *wordings)) if wordings else text


def _whole(text: ArticleText) -> str:
    return "\n".join((*text.questions, text.answer))


def _folded_words(text: str) -> tuple[str, ...]:
    return tuple(fold(word) for word in words(without_links(text)))
