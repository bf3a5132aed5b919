"""The articles of one language, searched for one question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lokbot.model import Article, ArticleText, Evidence, GlossaryEntry, Match
from lokbot.understanding import fuzzy, kinds
from lokbot.understanding.confidence import Signals
from lokbot.understanding.kinds import Bits, Kind
from lokbot.understanding.language import detect
from lokbot.understanding.lexical import Index, Likenesses, Scores, Selection
from lokbot.understanding.nearest import NOBODY, NOTHING, Places, most, owners_of, votes
from lokbot.understanding.normalize import fold, grams, without_links, words
from lokbot.understanding.retrieval import GramIndex, fused, gram_counts
from lokbot.understanding.semantic import Meant
from lokbot.understanding.split import Part
from lokbot.understanding.vocabulary import EXACT, LIGHT, QueryWord, Vocabulary

_WORDING_WEIGHT = 3.0  # a wording is what the article answers; the answer's text mentions much besides
_GRAM_SHARE = 0.8  # of the lexical score; the rest is keys (SweFAQ dev: .750 with grams alone, .758 so)
_BACKGROUND_SHARE = 0.3  # what was said around a question only tips the scales
_CANDIDATES = 10
_LIGHT_WEIGHT = 0.25  # at most, of a word that carries no matter alone
_VOTED = 3  # and so many by the votes of their wordings
_NEIGHBOURS = 80  # wordings that vote (60 and 200 are as good)
# A question is compared with all wordings and near misses up to so many (they are kept by key for it; a hundred
# articles have half of that); of more, with those of so many articles nearest in words: as many as the numbers of
# fitted.json were fitted among. Among fewer, fewer near misses speak against an answer, and it is trusted too much.
_ALL_COMPARED = 40_000
_COMPARED = 100
_MOST_MISSING = 3.0
Number = TypeVar("Number", int, float)
_WRITTEN = ("sv", "en")  # what articles are written in; the first is whole
_OFTEN = 3  # wordings
_OF_ONE_THING = frozenset({Kind.AMOUNT, Kind.DATE, Kind.DURATION})
_AS_WRITTEN = 0.98  # the question is a wording of the article, word for word


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that may answer, with what speaks for it."""

    article: str
    signals: Signals
    evidence: tuple[Evidence, ...]
    is_whole: bool = True  # has a text in the question's language


@dataclass(frozen=True, slots=True)
class _Entry:
    article: str
    questions: tuple[str, ...]
    sorted: str  # the folded words of each, a line each: a hundred thousand strings would take half as much again
    answer: str
    held: frozenset[Kind]
    is_whole: bool
    asked_in_writing: tuple[str, ...] = ()  # its wordings where it has a text, for a language in which it has none


@dataclass(frozen=True, slots=True)
class _Query:
    sorted: str  # its folded words
    words: tuple[QueryWord, ...]
    keys: Mapping[str, float]
    grams: Mapping[str, int]
    kinds: frozenset[Kind]

    @property
    def bits(self) -> Bits:
        return np.array([kinds.bits(self.kinds)], dtype=np.uint32)


@dataclass(frozen=True, slots=True)
class _Alike:
    """How far the wordings near a question in words speak for each article."""

    votes: Scores
    votes_for_none: float
    near_miss: Scores  # how much nearer to its near misses than to its wordings


class Matcher:
    """Searches all articles by their texts in ``language``, and by meaning where vectors are given. Immutable.

    An article without a text in the language is searched by its wordings in it, else by meaning alone.
    """

    def __init__(self, articles: Iterable[Article], glossary: Sequence[GlossaryEntry], language: str) -> None:
        articles = tuple(articles)
        texts = [(article.id, _searched(article, language)) for article in articles]
        near_misses = [_near_misses(article, language) for article in articles]
        self.language = language
        self.vocabulary = Vocabulary((_whole(text) for _, text in texts), glossary, language)
        self._entries = tuple(self._entry(article, text) for article, (_, text) in zip(articles, texts, strict=True))
        self._written = self._written_words()
        self._keys = Index(self._counted(text, self.vocabulary.document_keys) for _, text in texts)
        self._grams = GramIndex(
            (self._counted(text, gram_counts) for _, text in texts),
            [question for _, text in texts for question in text.questions],
            owners_of([text.questions for _, text in texts]),
        )
        # Each article's wordings, then its near misses.
        asked = [(*text.questions, *missed) for (_, text), missed in zip(texts, near_misses, strict=True)]
        self._likenesses = Likenesses((self._asked(each) for several in asked for each in several), most=_ALL_COMPARED)
        self._articles = owners_of(asked)
        counts = [(len(text.questions), len(missed)) for (_, text), missed in zip(texts, near_misses, strict=True)]
        self._is_wording = np.repeat(np.tile([True, False], len(counts)), [n for each in counts for n in each])
        self._kinds = _kinds_asked(each for own in asked for each in own)
        self._owners = np.where(self._is_wording, self._articles, NOBODY)
        # Asked for by several of an article's wordings: it answers them in some way ("see the page on ...").
        is_wording = self._is_wording
        self._often = kinds.often(self._kinds[is_wording], self._articles[is_wording], len(texts), _OFTEN)

    @staticmethod
    def _counted(text: ArticleText, count: Callable[[str], Mapping[str, int]]) -> dict[str, float]:
        found: dict[str, float] = {}
        for part, weight in (("\n".join(text.questions), _WORDING_WEIGHT), (text.answer, 1.0)):
            for key, times in count(part).items():
                found[key] = found.get(key, 0.0) + times * weight
        return found

    def _asked(self, wording: str) -> dict[str, int]:
        return {**gram_counts(wording), **_marked(self.vocabulary.document_keys(wording))}

    def _entry(self, article: Article, text: ArticleText) -> _Entry:
        told = None if text.answer else article.text(_WRITTEN[0])
        return _Entry(
            article=article.id,
            questions=text.questions,
            sorted="\n".join(fuzzy.in_order(_folded_words(question)) for question in text.questions),
            answer=text.answer,
            held=kinds.held(told.answer if told else text.answer),
            is_whole=bool(text.answer) and text.language == self.language,
            asked_in_writing=told.questions if told else (),
        )

    def _written_words(self) -> tuple[NDArray[np.uint64], Places]:
        """The hashes of the words of all wordings, rising, and the article of each."""
        asked = [entry.questions for entry in self._entries]
        hashes = np.array([_hash(words(each)) for own in asked for each in own], dtype=np.uint64)
        order = np.argsort(hashes, kind="stable")
        return hashes[order], owners_of(asked)[order]

    def written(self, part: Part) -> Match | None:
        """The article that has the question among its wordings, word for word, case and punctuation aside: nothing is
        left to weigh.
        """
        asked = words(part.focus)
        hashes, owners = self._written
        wanted = np.uint64(_hash(asked))
        place = int(np.searchsorted(hashes, wanted, side="right")) - 1  # of several the last
        if part.background or place < 0 or hashes[place] != wanted:
            return None
        entry = self._entries[owners[place]]
        same = next((each for each in entry.questions if words(each) == asked), None)
        return Match(entry.article, _AS_WRITTEN, (Evidence("wording", same, 1.0),)) if same is not None else None

    def candidates(
        self, part: Part, meant: Meant | None = None, meant_whole: Meant | None = None
    ) -> tuple[Candidate, ...]:
        """The articles nearest to the question in words or meaning, and what speaks for each.

        ``meant`` is how near its focus is in meaning, ``meant_whole`` the same of all that was said (the same where the
        focus is all).
        """
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
        compared = self._compared(by_words)
        alike = self._alike(query, compared)
        whole_votes = alike.votes
        if part.background:
            whole = self._query(part.whole)
            whole_votes, _ = self._votes(whole, self._near(whole, compared), compared)
        chosen = _first(by_words, _CANDIDATES if meant is None else _CANDIDATES // 2, above=0.0)
        chosen += _first(alike.votes + whole_votes, _VOTED, above=0.0)
        if meant is not None:
            meant_whole = meant_whole or meant
            chosen = (
                _first(fused(self._grams.unhubbed(by_grams), meant), _CANDIDATES)
                + _first(meant.best, _CANDIDATES // 2)
                + _first(meant.votes + meant_whole.votes, _VOTED)
                + chosen
            )
        chosen = list(dict.fromkeys(chosen))
        seen = {
            "lexical": lexical,
            "background": background,
            "near_miss": alike.near_miss,
            "votes": alike.votes,
            "whole_votes": whole_votes,
        }
        if meant is not None and meant_whole is not None:
            seen |= {
                "meant_votes": meant.votes,
                "meant_whole_votes": meant_whole.votes,
                "meant_near_miss": meant.near_miss,
            }
        told = {name: scores[chosen].tolist() for name, scores in seen.items()}
        missing = self._missing(query, chosen)
        return tuple(
            self._candidate(query, n, meant, alike, missing[place], {name: each[place] for name, each in told.items()})
            for place, n in enumerate(chosen)
        )

    def _query(self, text: str) -> _Query:
        query_words = self.vocabulary.query_words(text)
        keys: dict[str, float] = {}
        for word in query_words:
            for key, sure in word.keys.items():
                keys[key] = max(sure, keys.get(key, 0.0))
        folded = _folded_words(text)
        return _Query(fuzzy.in_order(folded), query_words, keys, Counter(grams(folded)), kinds.asked(text))

    def _lexical(self, query: _Query, by_grams: Scores) -> Scores:
        return (1 - _GRAM_SHARE) * self._keys.scores(query.keys) + _GRAM_SHARE * by_grams

    def _compared(self, by_words: Scores) -> Selection | None:
        """The wordings and near misses to compare the question with: those of articles near in words. None: all."""
        if self._likenesses.size <= _ALL_COMPARED:
            return None
        is_near = np.zeros(len(by_words), dtype=bool)
        is_near[_first(by_words, _COMPARED)] = True
        return self._likenesses.select(np.flatnonzero(is_near[self._articles]))

    def _near(self, query: _Query, compared: Selection | None) -> NDArray[np.float32]:
        return self._likenesses.near({**query.grams, **_marked(query.keys)}, compared)

    def _votes(self, query: _Query, near: NDArray[np.float32], compared: Selection | None) -> tuple[Scores, float]:
        bits = self._kinds if compared is None else self._kinds[compared.numbers]

        def among(places: Places) -> NDArray[np.float32]:
            found = self._likenesses.among(places if compared is None else compared.numbers[places])
            found *= kinds.alike(bits[places, None], bits[None, places])
            return found

        owners = self._owners if compared is None else self._owners[compared.numbers]
        return votes(near * kinds.alike(bits, query.bits), among, owners, len(self._entries), _NEIGHBOURS)

    def _alike(self, query: _Query, compared: Selection | None) -> _Alike:
        near = self._near(query, compared)
        articles, is_wording = self._articles, self._is_wording
        if compared is not None:
            articles, is_wording = articles[compared.numbers], is_wording[compared.numbers]
        nearest = most(near[is_wording], articles[is_wording], len(self._entries))
        mistaken = most(near[~is_wording], articles[~is_wording], len(self._entries))
        near_miss = np.where((mistaken > NOTHING) & (nearest > NOTHING), mistaken - nearest, 0.0)
        return _Alike(*self._votes(query, near, compared), near_miss)

    def _candidate(
        self,
        query: _Query,
        number: int,
        meant: Meant | None,
        alike: _Alike,
        missing: Mapping[str, float],
        told: Mapping[str, Any],
    ) -> Candidate:
        entry = self._entries[number]
        nearest, ratio = fuzzy.closest(query.sorted, entry.sorted.splitlines())
        lacking = query.kinds - entry.held
        lacking -= kinds.among(lacking, int(self._often[number]) | _often_asked(entry.asked_in_writing))
        if self.language not in _WRITTEN and Kind.PAST in entry.held:
            lacking -= {Kind.DATE}  # nobody knows their past tenses here
        lacking |= self._told_of_another(query, entry)
        signals = Signals(
            **told,
            ratio=ratio,
            missing=min(_MOST_MISSING, sum(missing.values())),
            is_kind_missing=bool(lacking),
            votes_for_none=alike.votes_for_none,
            meant_votes_for_none=meant.votes_for_none if meant is not None else 0.0,
        )
        evidence = []
        if signals.lexical > 0:
            had = " ".join(word for word, lacks in missing.items() if lacks < 0.5)
            evidence.append(Evidence("lexical", had, signals.lexical))
        if nearest >= 0:
            evidence.append(Evidence("fuzzy", entry.questions[nearest], ratio))
        if meant is not None:
            evidence.append(Evidence("semantic", meant.words[number], float(meant.cosine[number])))
        if strange := [word for word, lacks in missing.items() if lacks >= 0.5]:
            evidence.append(Evidence("missing", " ".join(strange), signals.missing))
        if signals.is_kind_missing:
            evidence.append(Evidence("kind", " ".join(sorted(lacking)), 0.0))
        return Candidate(entry.article, signals, tuple(evidence), entry.is_whole)

    def _told_of_another(self, query: _Query, entry: _Entry) -> frozenset[Kind]:
        """The kinds that the answer holds only in items of a list that are about something else than was asked: the
        date of one grant is no answer on another.
        """
        asked = query.kinds & entry.held & _OF_ONE_THING
        if not asked:
            return frozenset()
        around, items = _items(entry.answer)
        held = [kinds.held(item) for item in items]
        keys = [frozenset(self.vocabulary.document_keys(item)) for item in items]
        named = {key for word in query.words for key, sure in word.keys.items() if sure == EXACT}
        found = set()
        for kind in asked - kinds.held(around):
            telling = frozenset[str]().union(*(own for own, of in zip(keys, held, strict=True) if kind in of))
            silent = frozenset[str]().union(*(own for own, of in zip(keys, held, strict=True) if kind not in of))
            if named & (silent - telling) and not named & (telling - silent):
                found.add(kind)
        return frozenset(found)

    def _missing(self, query: _Query, chosen: Sequence[int]) -> list[dict[str, float]]:
        """For each chosen article how much of a matter (0-1) it lacks in not having each word of the question."""
        found: list[dict[str, float]] = [{} for _ in chosen]
        # In a language without answers nearly every word is missing, and says nothing.
        for word in query.words if self.language in _WRITTEN else ():
            weight = self._weight(word)
            had = np.zeros(len(self._entries))
            for key, sure in word.keys.items():
                holders = self._keys.holders(key)
                had[holders] = np.maximum(had[holders], sure)
            for place, n in enumerate(chosen):
                found[place][word.written] = weight * (1 - float(had[n]))
        return found

    def _weight(self, word: QueryWord) -> float:
        """How much of a matter a word carries (0-1): more for a rare one."""
        surest = max(word.keys.values())
        unseen = self._keys.unseen
        weight = max(self._keys.rarity(key) for key, sure in word.keys.items() if sure == surest) / unseen
        return min(weight, _LIGHT_WEIGHT) if word.written in LIGHT else weight


def _marked(keys: Mapping[str, Number]) -> dict[str, Number]:
    """Keys under names that no 4-gram has."""
    return {f"{key}\n": weight for key, weight in keys.items()}


@lru_cache(maxsize=2_000)
def _items(answer: str) -> tuple[str, tuple[str, ...]]:
    """The items of an answer's list, and what stands around it."""
    lines = answer.splitlines()
    return "\n".join(line for line in lines if not line.startswith("- ")), tuple(
        line for line in lines if line.startswith("- ")
    )


def _kinds_asked(questions: Iterable[str]) -> Bits:
    return np.array([kinds.bits(kinds.asked(each)) for each in questions], dtype=np.uint32)


@lru_cache(maxsize=10_000)
def _often_asked(questions: tuple[str, ...]) -> int:
    """The kinds that several wordings of one article ask for, as bits."""
    found = _kinds_asked(questions)
    return int(kinds.often(found, np.zeros(len(found), dtype=np.int64), 1, _OFTEN)[0])


def _first(scores: Scores, count: int, *, above: float = -np.inf) -> list[int]:
    """The numbers of the ``count`` highest scores, highest first; of equal ones the first."""
    if len(scores) > 4 * count:  # to sort thousands takes longer than all the rest
        least = -np.partition(-scores, count - 1)[count - 1]
        places = np.flatnonzero(scores >= least)
        found = places[np.argsort(-scores[places], kind="stable")][:count]
    else:
        found = np.argsort(-scores, kind="stable")[:count]
    return [int(n) for n in found if scores[n] > above]


def _searched(article: Article, language: str) -> ArticleText:
    """What an article is searched by in a language: its text in it, with further wordings; Swedish beside English."""
    wordings = tuple(article.wordings.get(language, ()))
    text = article.text(language)
    if text is None and language in _WRITTEN:
        text = article.text(_WRITTEN[0])
    if text is None:
        return ArticleText(language, wordings, "")
    return replace(text, questions=(*text.questions, *wordings)) if wordings else text


def _hash(found: Sequence[str]) -> int:
    """Of words, the same in every process: the second one is given all of this."""
    return int.from_bytes(blake2b(" ".join(found).encode("utf-8", "replace"), digest_size=8).digest(), "big")


def _near_misses(article: Article, language: str) -> tuple[str, ...]:
    return tuple(text for text in article.near_misses if _language(text) == language)


_language = lru_cache(maxsize=65_536)(detect)  # asked anew by the matcher of each language


def _whole(text: ArticleText) -> str:
    return "\n".join((*text.questions, text.answer))


def _folded_words(text: str) -> tuple[str, ...]:
    return tuple(fold(word) for word in words(without_links(text)))
