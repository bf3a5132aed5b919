"""What a message asks: its questions, their language, what they want, which articles may answer, whose matter.

    split       a message -> its questions, each with what was said around it
    language    sv, en, another, or unknown            function_words   the small words of each language
    rules       intents/ on normalised words           normalize        text -> comparable words
    heard       intents/ by meaning, where no rule hits
    matching    the articles of one language           vocabulary       a question's words among the knowledge's own
                  lexical (BM25), fuzzy (rapidfuzz), semantic (vectors), kinds (asked and held; question_words)
    confidence  what the matchers saw -> one calibrated probability, by the numbers of fitted.json
    owners      whose matter, from names, words, rules and the best article

Pure: knowledge in, values out; sentence vectors come from an encoder that is handed in. Nothing here decides;
``conversation.decision`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lokbot.model import AdministrationKind, Article, IntentAction, IntentHit, Knowledge, Match, Question, Understanding
from lokbot.understanding import confidence, kinds
from lokbot.understanding.confidence import LEXICAL, SEMANTIC, Circumstances, Model
from lokbot.understanding.heard import FOR_A_PERSON, NOTHING_HEARD, Ear, Heard, spoken
from lokbot.understanding.kinds import FIGURES, Kind
from lokbot.understanding.language import UNKNOWN, detect
from lokbot.understanding.matching import Candidate, Matcher
from lokbot.understanding.normalize import words
from lokbot.understanding.owners import Owners
from lokbot.understanding.rules import Rules
from lokbot.understanding.semantic import Encoder, VectorIndex, Vectors, windows
from lokbot.understanding.split import Part, matters, split

__all__ = ["DECIDING", "LEXICAL", "SEMANTIC", "Active", "Encoder", "Understander", "answer_threshold", "build"]

_LANGUAGES = ("sv", "en")
_MOST_MATCHES = 5
_LEAST = 0.01  # a candidate below one in a hundred is no candidate
# Said anywhere in a message, these concern all of it: nobody who appeals wants an automatic answer beside it.
_WHOLE_MESSAGE = (IntentAction.URGENT, IntentAction.PERSON)
# A rule that says what is to be done knows the words; what they sound like is not asked then.
DECIDING = frozenset({*FOR_A_PERSON, IntentAction.ANSWER, IntentAction.IGNORE})
_ENOUGH_WORDS = 5  # to tell a question's own language from the message's
_LONG_QUESTION = 20  # words
_MOST_PASSAGES = 40_000  # of answers, each window of them; a hundred articles have two thousand


@dataclass(frozen=True, slots=True)
class Weighed:
    """The candidates of one question, best first, what the best is trusted by, and the intents recognised."""

    candidates: tuple[Candidate, ...]
    ranks: tuple[float, ...]
    circumstances: Circumstances
    hits: tuple[IntentHit, ...]

    def signals(self) -> dict[str, float]:
        """What the trust in the best candidate rests on. There has to be one."""
        return confidence.trust_signals(self.candidates[0].signals, self.circumstances, self.ranks)

    def share_told(self, candidate: Candidate) -> float:
        """The share of a candidate's probability that counts; an article without a text in the language is a hint only,
        unless its answer can be told in another.
        """
        is_told = candidate.is_whole or self.circumstances.is_other
        return 1.0 if is_told and not self.circumstances.is_vetoed else confidence.HINT_ONLY


@dataclass(frozen=True, slots=True)
class Meanings:
    """The vectors of a question: of what is asked, and of that with all that was said around it."""

    focus: Vectors
    whole: Vectors


class Understander:
    """One knowledge, indexed. It never changes what it says, and threads may share it.

    With an ``encoder`` that has vectors, articles are also found by meaning, in any language; where it has none for
    a question, that question is understood by words alone, on a calibration of its own.
    """

    def __init__(
        self, knowledge: Knowledge, encoder: Encoder | None = None, models: Mapping[str, Model] | None = None
    ) -> None:
        self.digest = knowledge.digest
        self.articles = tuple(knowledge.articles.values())
        self._models = confidence.fitted() if models is None else models
        self._administrations = {article.id: article.administration for article in self.articles}
        self._topics = frozenset(article.topic for article in self.articles)
        self._rules = Rules(knowledge.intents)
        self._held = {
            article.id: frozenset[Kind]().union(*(kinds.held(text.answer) for text in article.texts.values()))
            for article in self.articles
        }
        self._outside = {
            each.id for each in knowledge.administrations.values() if each.kind is AdministrationKind.OUTSIDE
        }
        self._owners = Owners(knowledge.administrations.values())
        self._glossary = knowledge.glossary
        self._matchers = {code: Matcher(self.articles, self._glossary, code) for code in _LANGUAGES}
        # Ten of them take as long as Swedish does, and most are not asked in for days: each is made when it is.
        self._others = {language for article in self.articles for language in article.wordings}
        # For a language without any wordings: nothing to compare words with.
        self._wordless = Matcher(self.articles, (), UNKNOWN)
        self._vocabularies = {code: self._matchers[code].vocabulary.words for code in _LANGUAGES}
        self.encoder = encoder
        self._index: VectorIndex | None = None
        self._ear: Ear | None = None
        if encoder is not None:
            self._index_vectors(encoder, knowledge)

    def _index_vectors(self, encoder: Encoder, knowledge: Knowledge) -> None:
        try:
            wordings, answers, _ = texts_to_encode(knowledge)
            near_misses = [article.near_misses for article in self.articles]
            self._index = VectorIndex(wordings, answers, encoder, near_misses=near_misses)
            asked = [text for own, near in zip(wordings, near_misses, strict=True) for text in (*own, *near)]
            asked += unspoken(knowledge)
            self._ear = Ear(knowledge.intents, asked, encoder)
        except LookupError:
            self._index = None

    @property
    def is_semantic(self) -> bool:
        """Whether articles are found by meaning too."""
        return self._index is not None

    def understand(self, text: str, *, subject: str = "") -> Understanding:
        """What was understood of a message, at least one question. Never raises on any text.

        ``text`` is what was written now; ``subject`` is the mail's, and counts where it says something.
        """
        parts = split(text, subject)
        language = detect(" ".join(part.text for part in parts), self._vocabularies)
        # What is one question, as most of what is asked in chat, has its own hits and no further ones.
        is_one = len(parts) == 1 and parts[0].text == text.strip()
        hits = () if is_one else self._rules.hits(text)
        whole = tuple(hit for hit in hits if hit.intent.action in _WHOLE_MESSAGE)
        vectors: Sequence[Meanings | None] = [None] * len(parts)
        if self._index is not None and self.encoder is not None:
            vectors = self.meanings(parts, language, self.encoder.questions)
        return Understanding(
            language,
            tuple(self._question(part, language, whole, vector) for part, vector in zip(parts, vectors, strict=True)),
        )

    def meanings(
        self, parts: Sequence[Part], language: str, encode: Callable[[Sequence[str]], Vectors | None]
    ) -> Sequence[Meanings | None]:
        """The vectors of each part; None for each where there are none to be had."""
        spelled = [self._spelled(part, language) for part in parts]
        texts = list(dict.fromkeys(text for part in spelled for text in (part.focus, part.whole)))
        found = encode(texts)
        if found is None:
            return [None] * len(parts)
        by_text = dict(zip(texts, found, strict=True))
        return [Meanings(by_text[part.focus], by_text[part.whole]) for part in spelled]

    def _spelled(self, part: Part, language: str) -> Part:
        if language not in _LANGUAGES:
            return part
        spelled = self._matchers[language].vocabulary.spelled
        return replace(part, focus=spelled(part.focus), background=spelled(part.background))

    def _question(
        self,
        part: Part,
        message_language: str,
        whole: tuple[IntentHit, ...],
        vector: Meanings | None,
    ) -> Question:
        language = self._language(part.text, message_language)
        weighed = self.weigh(part, language, vector, hits=_merged(whole, self._rule_hits(part.text)))
        matches = self._matches(part, language, vector, weighed)
        owners = self._owners.of(part.text, weighed.hits, matches, self._administrations)
        return Question(part.text, language, weighed.hits, matches, owners, LEXICAL if vector is None else SEMANTIC)

    def _language(self, text: str, message_language: str) -> str:
        own = detect(text, self._vocabularies)
        is_own = own != UNKNOWN and (message_language == UNKNOWN or len(words(text)) >= _ENOUGH_WORDS)
        return own if is_own else message_language

    def weigh(
        self,
        part: Part,
        language: str,
        vector: Meanings | None,
        *,
        hits: Sequence[IntentHit] | None = None,
    ) -> Weighed:
        """The candidates for one question ranked, and what the best is to be trusted by (training asks this too).

        ``hits`` are the rules that hit it, if that is known already; what is heard by meaning is added to them.
        """
        part = self._spelled(part, language)
        matcher = self._matcher(language)
        model = self._models[LEXICAL if vector is None else SEMANTIC]
        meant = whole = None
        if vector is not None and self._index is not None:
            meant = self._index.meant(vector.focus)
            whole = self._index.meant(vector.whole) if part.background else meant
        heard = self.heard(vector)
        hits = self._rule_hits(part.text) if hits is None else hits
        if not any(hit.intent.action in DECIDING for hit in hits):
            hits = _merged(hits, heard.above(model.heard))
        owners = self._pointed_to(hits)
        seen = [self._pointed(each, owners) for each in matcher.candidates(part, meant, whole)]
        ranked = sorted(
            ((confidence.rank(each.signals, model), each) for each in seen),
            key=lambda pair: (-pair[0], pair[1].article),
        )
        asked = words(part.focus)
        circumstances = Circumstances(
            length=min(1.0, len(asked) / _LONG_QUESTION),
            is_english=language == "en",
            is_other=language not in _LANGUAGES,
            for_a_person=heard.for_a_person,
            is_matterless=language in _LANGUAGES and not matters(part.whole),
        )
        ordered, ranks = tuple(each for _, each in ranked), tuple(value for value, _ in ranked)
        return Weighed(ordered, ranks, circumstances, tuple(hits))

    def _matcher(self, language: str) -> Matcher:
        if language not in self._matchers and language in self._others:
            # Two threads may make it at once; one of the two, which are alike, is kept.
            self._matchers.setdefault(language, Matcher(self.articles, self._glossary, language))
        return self._matchers.get(language, self._wordless)

    def _rule_hits(self, text: str) -> tuple[IntentHit, ...]:
        """The rules that hit one question. Who asks for a figure about a narrow name is not helped by the article of
        that name if it holds none: the rule then points to whoever has it, where that is somebody outside. (A date is
        another thing: such an article says where the dates stand.)
        """
        wanted = FIGURES & kinds.asked(text)
        found = []
        for hit in self._rules.hits(text):
            held = self._held.get(hit.intent.article or "", wanted)
            if hit.intent.action is not IntentAction.ANSWER or wanted <= held:
                found.append(hit)
            elif hit.intent.administration in self._outside:
                found.append(replace(hit, intent=replace(hit.intent, action=IntentAction.ROUTE, article=None)))
        return tuple(found)

    def heard(self, vector: Meanings | None) -> Heard:
        """What the question sounds like, by itself or with what is said around it, whichever says more."""
        if vector is None or self._ear is None:
            return NOTHING_HEARD
        focus = self._ear.heard(vector.focus)
        return focus if vector.whole is vector.focus else focus.or_more(self._ear.heard(vector.whole))

    def _pointed_to(self, hits: Sequence[IntentHit]) -> frozenset[str] | None:
        """The administrations whose articles rules point to; none where they point to what no article is about, such as
        a private person's matter. None where they point nowhere.
        """
        found = [hit.intent for hit in hits if hit.intent.action is IntentAction.ROUTE and hit.intent.administration]
        owners = frozenset(each.administration for each in found if each.administration and each.topic in self._topics)
        return owners if found else None

    def _pointed(self, candidate: Candidate, owners: frozenset[str] | None) -> Candidate:
        if owners is None:
            return candidate
        is_its_own = self._administrations[candidate.article] in owners
        signals = replace(candidate.signals, is_pointed_to=is_its_own, is_pointed_elsewhere=not is_its_own)
        return replace(candidate, signals=signals)

    def _matches(
        self,
        part: Part,
        language: str,
        vector: Meanings | None,
        weighed: Weighed,
    ) -> tuple[Match, ...]:
        """The likeliest articles, best first, each with how likely it answers."""
        matcher = self._matcher(language)
        if matcher is self._wordless and vector is None:
            return ()
        found: list[Match] = []
        if weighed.candidates:
            model = self._models[LEXICAL if vector is None else SEMANTIC]
            chances = confidence.probabilities(model.trust.value(weighed.signals()), weighed.ranks)
            found = [
                Match(each.article, chance * weighed.share_told(each), each.evidence)
                for each, chance in zip(weighed.candidates, chances, strict=True)
            ]
        if written := matcher.written(part):
            rest = 1 - written.confidence
            found = [
                written,
                *(replace(m, confidence=rest * m.confidence) for m in found if m.article != written.article),
            ]
        found.sort(key=lambda match: -match.confidence)
        return tuple(match for match in found[:_MOST_MATCHES] if match.confidence >= _LEAST)


def texts_to_encode(knowledge: Knowledge) -> tuple[list[tuple[str, ...]], Passages, tuple[str, ...]]:
    """What vectors are needed of: each article's wordings, the parts of its answers, and what is not answered."""
    wordings = []
    for article in knowledge.articles.values():
        questions = [question for text in article.texts.values() for question in text.questions]
        wordings.append((*questions, *(each for found in article.wordings.values() for each in found)))
    sounds = (text for intent in knowledge.intents for text in spoken(intent))
    near_misses = (text for each in knowledge.articles.values() for text in each.near_misses)
    return wordings, passages(knowledge.articles.values()), (*sounds, *near_misses, *unspoken(knowledge))


@dataclass(frozen=True, slots=True)
class Passages:
    """The windows of each article's answers, made anew each time they are gone through: they say all three times."""

    articles: Collection[Article]
    step: int = 1  # sentences

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        for article in self.articles:
            yield tuple(part for text in article.texts.values() for part in windows(text.answer, step=self.step))


def passages(articles: Collection[Article]) -> Passages:
    """The windows of each article's answers; of very many every second one, which together still hold all that is said:
    they help to find candidates, and nothing else rests on them.
    """
    every = Passages(articles)
    return every if sum(map(len, every)) <= _MOST_PASSAGES else replace(every, step=2)


def unspoken(knowledge: Knowledge) -> tuple[str, ...]:
    """Examples of intents that are not to be heard by meaning: thanks, greetings, what an article answers."""
    return tuple(text for intent in knowledge.intents if not spoken(intent) for text in intent.examples)


def answer_threshold(understanding: Understanding, rate: float) -> float:
    """The least confidence to answer with so that at most ``rate`` (a share of 1) of all questions go wrong.

    Where the message's questions differ in language or in how they were understood, the strictest counts for all.
    """
    models = confidence.fitted()
    kinds = {(each.calibration, each.language not in _LANGUAGES) for each in understanding.questions}
    return max((models[calibration].threshold(rate, is_other=is_other) for calibration, is_other in kinds), default=1.0)


@dataclass(frozen=True, slots=True)
class Active:
    """What the bot knows just now: the knowledge, and what understands questions by it."""

    knowledge: Knowledge
    understander: Understander
    read_ahead: Mapping[tuple[str, str], Understanding] = field(default_factory=dict)

    def understand(self, text: str, *, subject: str = "") -> Understanding:
        """``Understander.understand``, or what was understood ahead."""
        return self.read_ahead.get((text, subject)) or self.understander.understand(text, subject=subject)

    def reading_ahead(self, texts: Collection[tuple[str, str]]) -> Active:
        """The same, having understood these texts (with their subjects) already."""
        known = {(text, subject): self.understander.understand(text, subject=subject) for text, subject in texts}
        return replace(self, read_ahead=known)


def build(knowledge: Knowledge, encoder: Encoder | None = None) -> Understander:
    """``knowledge`` indexed for ``Understander.understand``. Raises ValueError when a rule's term has no word."""
    return Understander(knowledge, encoder)


def _merged(whole: Sequence[IntentHit], own: Sequence[IntentHit]) -> tuple[IntentHit, ...]:
    """Both, each intent once as the second has it, strongest first."""
    strength = {action: place for place, action in enumerate(IntentAction)}
    by_intent = {hit.intent.id: hit for hit in (*whole, *own)}
    return tuple(sorted(by_intent.values(), key=lambda hit: strength[hit.intent.action]))
