"""What a message asks: its questions, their language, what they want, which articles may answer, whose matter.

    split       a message -> its questions, each with what was said around it
    language    sv, en, another, or unknown            function_words   the small words of each language
    rules       intents/ on normalised words           normalize        text -> comparable words
    matching    the articles of one language           vocabulary       a question's words among the knowledge's own
                  lexical (BM25), fuzzy (rapidfuzz), kinds (asked and held), confidence (one probability)
    owners      whose matter, from names, words, rules and the best article

Pure: knowledge in, values out. Nothing here decides; ``conversation.decision`` does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lokbot.model import IntentAction, IntentHit, Knowledge, Match, Question, Understanding
from lokbot.understanding.confidence import ANSWER_THRESHOLD
from lokbot.understanding.language import UNKNOWN, detect
from lokbot.understanding.matching import Matcher
from lokbot.understanding.normalize import words
from lokbot.understanding.owners import Owners
from lokbot.understanding.rules import Rules
from lokbot.understanding.split import Part, split

__all__ = ["ANSWER_THRESHOLD", "Active", "Understander", "build"]

_LANGUAGES = ("sv", "en")
_MOST_MATCHES = 5
_LEAST = 0.01  # a candidate below one in a hundred is no candidate
# An English question that finds a Swedish article shares its names only ("LOK-stöd", "Inva-Sam").
_OTHER_LANGUAGE = 0.3
# Said anywhere in a message, these concern all of it: nobody who appeals wants an automatic answer beside it.
_WHOLE_MESSAGE = (IntentAction.URGENT, IntentAction.PERSON)
_ENOUGH_WORDS = 5  # to tell a question's own language from the message's


class Understander:
    """One knowledge, indexed. Immutable once built, so threads may share it."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.digest = knowledge.digest
        articles = tuple(knowledge.articles.values())
        self._administrations = {article.id: article.administration for article in articles}
        self._rules = Rules(knowledge.intents)
        self._owners = Owners(knowledge.administrations.values())
        self._matchers = {code: Matcher(articles, knowledge.glossary, code) for code in _LANGUAGES}
        self._vocabularies = {code: matcher.vocabulary.words for code, matcher in self._matchers.items()}

    def understand(self, text: str, *, subject: str = "") -> Understanding:
        """What was understood of a message, at least one question. Never raises on any text.

        ``text`` is what was written now; ``subject`` is the mail's, and counts where it says something.
        """
        parts = split(text, subject)
        language = detect(" ".join(part.text for part in parts), self._vocabularies)
        whole = tuple(hit for hit in self._rules.hits(text) if hit.intent.action in _WHOLE_MESSAGE)
        return Understanding(language, tuple(self._question(part, language, whole) for part in parts))

    def _question(self, part: Part, message_language: str, whole: tuple[IntentHit, ...]) -> Question:
        language = self._language(part.text, message_language)
        hits = _merged(whole, self._rules.hits(part.text))
        matches = self._matches(part, language)
        owners = self._owners.of(part.text, hits, matches, self._administrations)
        return Question(part.text, language, hits, matches, owners)

    def _language(self, text: str, message_language: str) -> str:
        own = detect(text, self._vocabularies)
        is_own = own != UNKNOWN and (message_language == UNKNOWN or len(words(text)) >= _ENOUGH_WORDS)
        return own if is_own else message_language

    def _matches(self, part: Part, language: str) -> tuple[Match, ...]:
        """The likeliest articles; none for a question in a language that the knowledge is not written in."""
        if language not in self._matchers:
            return ()
        found = list(self._matchers[language].matches(part))
        if language == "en":
            seen = {match.article for match in found}
            found += [
                replace(match, confidence=_OTHER_LANGUAGE * match.confidence)
                for match in self._matchers["sv"].matches(part)
                if match.article not in seen
            ]
            found.sort(key=lambda match: -match.confidence)
        return tuple(match for match in found[:_MOST_MATCHES] if match.confidence >= _LEAST)


@dataclass(frozen=True, slots=True)
class Active:
    """What the bot knows just now: the knowledge, and what understands questions by it."""

    knowledge: Knowledge
    understander: Understander


def build(knowledge: Knowledge) -> Understander:
    """``knowledge`` indexed for ``Understander.understand``. Raises ValueError when a rule's term has no word."""
    return Understander(knowledge)


def _merged(whole: tuple[IntentHit, ...], own: tuple[IntentHit, ...]) -> tuple[IntentHit, ...]:
    """The hits of the message and of the question, each intent once, strongest first."""
    strength = {action: place for place, action in enumerate(IntentAction)}
    by_intent = {hit.intent.id: hit for hit in (*whole, *own)}
    return tuple(sorted(by_intent.values(), key=lambda hit: strength[hit.intent.action]))
