"""The whole room: a message in, an understanding out."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.model import Administration, AdministrationKind, Intent, IntentAction, Rule
from lokbot.understanding import build
from lokbot.understanding.confidence import LEXICAL, fitted
from tests.unit.understanding.knowledge_sample import KNOWLEDGE
from tests.unit.understanding.language_samples import SAMPLES

UNDERSTANDER = build(KNOWLEDGE)
THRESHOLD = fitted()[LEXICAL].threshold(0.01)


def test_a_plain_question() -> None:
    understanding = UNDERSTANDER.understand("Hej! Hur går vi med i den lokala överenskommelsen? Mvh Bo")
    (question,) = understanding.questions
    best = question.best()
    assert understanding.language == question.language == "sv"
    assert question.text == "Hur går vi med i den lokala överenskommelsen?"
    assert best is not None
    assert best.article == "ansluta-forening"
    assert best.confidence >= THRESHOLD
    assert question.owners[0].administration == "samordnare"


def test_each_question_is_understood_by_itself() -> None:
    first, second = UNDERSTANDER.understand("När är nästa föreningskonferens? Var kan vi låna en möteslokal?").questions
    assert first.matches[0].article == "nasta-konferens"
    assert second.matches[0].article == "lokaler"


def test_a_telling_subject_is_evidence() -> None:
    (bare,) = UNDERSTANDER.understand("Hej, hur gör vi?", subject="Fråga").questions
    (told,) = UNDERSTANDER.understand("Hej, hur gör vi?", subject="Gå med i överenskommelsen").questions
    assert told.matches[0].article == "ansluta-forening"
    assert told.matches[0].confidence > max((match.confidence for match in bare.matches), default=0.0)


def test_an_appeal_anywhere_concerns_every_question() -> None:
    message = "Hur startar man en förening? Får vi låna en lokal? Annars vill vi överklaga."
    understanding = UNDERSTANDER.understand(message)
    assert len(understanding.questions) > 1
    assert all(question.hit(IntentAction.URGENT) for question in understanding.questions)


def test_an_own_matter_in_the_statement_is_seen() -> None:
    (question,) = UNDERSTANDER.understand("Vi skickade vår ansökan i maj. När hör ni av er?").questions
    assert question.hit(IntentAction.OWN_MATTER)


def test_an_intent_is_given_once_and_the_strongest_first() -> None:
    (question,) = UNDERSTANDER.understand("Jag vill överklaga och prata med en människa om kulturstöd").questions
    assert [hit.intent.action for hit in question.intents] == sorted(
        {hit.intent.action for hit in question.intents}, key=list(IntentAction).index
    )


def test_thanks_alone_is_thanks() -> None:
    (question,) = UNDERSTANDER.understand("Tack så mycket!").questions
    assert question.hit(IntentAction.IGNORE)


def test_english_finds_the_english_text() -> None:
    understanding = UNDERSTANDER.understand("How do we join the agreement?")
    assert understanding.language == "en"
    assert understanding.questions[0].matches[0].article == "ansluta-forening"


def test_english_finds_a_swedish_article_by_its_name_only_and_unsurely() -> None:
    (question,) = UNDERSTANDER.understand("Could you tell me what the grant En snabb slant is?").questions
    assert question.language == "en"
    assert question.matches[0].article == "en-snabb-slant"
    assert question.matches[0].confidence < THRESHOLD


@pytest.mark.parametrize("language", ["ar", "uk", "so", "pl", "fi", "de"])
def test_a_language_that_the_knowledge_lacks_has_no_matches(language: str) -> None:
    for text in SAMPLES[language]:
        understanding = UNDERSTANDER.understand(text)
        assert understanding.language == language
        assert all(not question.matches for question in understanding.questions)


def test_a_question_in_another_language_than_the_message() -> None:
    message = "Hur går vi med i den lokala överenskommelsen? Hur startar man en förening? Can we borrow a meeting room?"
    understanding = UNDERSTANDER.understand(message)
    assert understanding.language == "sv"
    assert [question.language for question in understanding.questions] == ["sv", "sv", "en"]


HOSTILE = {
    "empty": "",
    "spaces": " \n\t\r\n ",
    "emoji": "👩‍👩‍👧‍👦🙏🏽" * 50,
    "zero width": "\u200b\u200c\u200d\ufeff",
    "right to left": "\u202everklaga beslutet\u202c \u2067هل\u2069",
    "marks": "a" + "\u0301" * 5_000,
    "one long word": "å" * 100_000,
    "hundred kilobytes": "Hur går vi med i överenskommelsen? " * 3_000,
    "one line": "bidrag " * 15_000,
    "question marks": "?" * 50_000,
    "stops": "a.b! " * 20_000,
    "lines": "\n- " * 30_000,
    "control": "\x00\x01\x1b[31m\x7f hej?",
    "surrogates": "\ud800\udfff hej?",
    "template": "{{ config.items() }} ${jndi:ldap://x} '; DROP TABLE messages; --",
    "digits": "1234567890 " * 5_000,
    "greetings": "Hej! " * 5_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_breaks_it(name: str) -> None:
    understanding = UNDERSTANDER.understand(HOSTILE[name], subject=HOSTILE[name][:500])
    assert 1 <= len(understanding.questions) <= 8


@given(st.text(max_size=500), st.text(max_size=80))
def test_any_text_is_understood_somehow(text: str, subject: str) -> None:
    assert UNDERSTANDER.understand(text, subject=subject).questions


def test_random_mixtures_of_real_words_keep_their_promises() -> None:
    pieces = [question for each in KNOWLEDGE.articles.values() for question in each.texts["sv"].questions]
    dice = random.Random(1)
    for _ in range(50):
        understanding = UNDERSTANDER.understand(" ".join(dice.choices(pieces, k=dice.randint(1, 12))))
        for question in understanding.questions:
            assert sum(match.confidence for match in question.matches) <= 1.0
            assert all(match.evidence for match in question.matches)
            assert all(owner.evidence for owner in question.owners)


def test_the_same_question_is_always_understood_alike() -> None:
    text = "Vi är en kulturförening. Kan vi få projektstöd och var finns en lokal?"
    assert build(KNOWLEDGE).understand(text) == UNDERSTANDER.understand(text)


def test_knowledge_of_nothing() -> None:
    empty = replace(KNOWLEDGE, articles={}, intents=(), administrations={}, glossary=())
    (question,) = build(empty).understand("Hur går vi med?").questions
    assert (question.intents, question.matches, question.owners) == ((), (), ())


def test_a_rule_without_a_word_is_refused_at_the_start() -> None:
    broken = replace(KNOWLEDGE, intents=(Intent("x", IntentAction.ROUTE, "t", (Rule(any=("*",)),)),))
    with pytest.raises(ValueError, match="term without a word"):
        build(broken)


def test_the_digest_tells_which_knowledge_it_is() -> None:
    assert UNDERSTANDER.digest == KNOWLEDGE.digest


def test_a_narrow_name_leads_to_no_article_without_the_figure_asked_for() -> None:
    rule = Intent(
        "svar-lokaler", IntentAction.ANSWER, "t", (Rule(any=("rum",)),), administration="rf-sisu", article="lokaler"
    )
    outside = replace(KNOWLEDGE.administrations["rf-sisu"], kind=AdministrationKind.OUTSIDE)

    def hits(text: str, administrations: Mapping[str, Administration]) -> list[tuple[IntentAction, str | None]]:
        knowledge = replace(KNOWLEDGE, intents=(rule,), administrations=administrations)
        (question,) = build(knowledge).understand(text).questions
        return [(hit.intent.action, hit.intent.article) for hit in question.intents]

    theirs = {**KNOWLEDGE.administrations, "rf-sisu": outside}
    assert hits("Var hittar vi ett rum?", theirs) == [(IntentAction.ANSWER, "lokaler")]
    assert hits("Hur många kronor kostar ett rum?", theirs) == [(IntentAction.ROUTE, None)]
    assert hits("Hur många kronor kostar ett rum?", KNOWLEDGE.administrations) == []
    assert hits("Vilken dag ska vi lämna in om ett rum?", theirs) == [(IntentAction.ANSWER, "lokaler")]
