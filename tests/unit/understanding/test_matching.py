"""The articles of one language, searched."""

from __future__ import annotations

import pytest

from lokbot.model import Match
from lokbot.understanding.confidence import ANSWER_THRESHOLD
from lokbot.understanding.matching import Matcher
from lokbot.understanding.split import Part, split
from tests.unit.understanding.knowledge_sample import ARTICLES, GLOSSARY

MATCHER = Matcher(ARTICLES, GLOSSARY, "sv")


def ask(question: str) -> tuple[Match, ...]:
    return MATCHER.matches(split(question)[0])


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("Hur går vi med i den lokala överenskommelsen?", "ansluta-forening"),
        ("hur gar foreningen med i overenskommelsen", "ansluta-forening"),
        ("hur ansluter vi föreningen till överenskomelsen", "ansluta-forening"),
        ("Kan ett förbund som är en paraply organisation ansluta sig?", "paraply-ansluta"),
        ("När är nästa förenings konferens?", "nasta-konferens"),
        ("Finns det gratis sal för föreningar?", "lokaler"),
        ("Hur mycket pengar kan man få i en snabb slant?", "en-snabb-slant"),
        ("Vilka är ledamöter i styrgruppen?", "styrgruppen-vilka"),
        ("Hur startar vi en ny förening?", "starta-forening"),
    ],
)
def test_the_right_article_comes_first_and_is_likely(question: str, article: str) -> None:
    best, *others = ask(question)
    assert best.article == article
    assert best.confidence > 0.5
    assert all(best.confidence > other.confidence for other in others)


@pytest.mark.parametrize(
    "question",
    [
        "Hur mycket får man i projektstöd för kultur?",  # no amount in the article
        "När är sista dagen för projektstöd kultur?",  # no date
        "Vem är handläggare för kulturstöd och vad heter hon?",  # no name
        "Hur anmäler jag mig till simskolan i badhuset?",  # nothing of ours
        "Kan ni klippa gräset på lekplatsen?",
        "Hur gör man?",  # too little
        "Vad kostar det?",
        "Kan en paraplyorganisation få kulturstöd till badminton i Lund?",
        "🙂",
        "",
    ],
)
def test_what_the_knowledge_does_not_hold_is_left_to_a_person(question: str) -> None:
    assert all(match.confidence < ANSWER_THRESHOLD for match in ask(question))


def test_a_question_of_nothing_known_has_no_match() -> None:
    assert ask("xqzw") == ()


def test_what_was_said_before_tips_the_scales() -> None:
    alone = {match.article: match.confidence for match in MATCHER.matches(Part("", "Vilket stöd finns?"))}
    with_background = MATCHER.matches(Part("", "Vilket stöd finns?", "Vi är en kulturförening som spelar teater."))
    assert with_background[0].article == "kulturstod"
    assert with_background[0].confidence > alone["kulturstod"]


def test_the_evidence_names_words_wording_and_what_is_missing() -> None:
    articles = {each.id: each for each in ARTICLES}
    best = ask("Hur mycket kan kulturföreningar få i projektstöd till badminton?")[0]
    evidence = {each.matcher: each for each in best.evidence}
    assert "projektstod" in evidence["lexical"].detail
    assert evidence["fuzzy"].detail in articles[best.article].texts["sv"].questions
    assert "badminton" in evidence["missing"].detail
    assert evidence["kind"].detail == "amount"


def test_an_article_without_a_text_in_the_language_is_not_searched() -> None:
    english = Matcher(ARTICLES, GLOSSARY, "en")
    assert english.matches(Part("", "How do we join the agreement?"))[0].article == "ansluta-forening"
    assert "paraply-ansluta" not in english.lexical("umbrella")


def test_confidence_is_shared_among_the_candidates() -> None:
    for question in ("förening", "överenskommelsen", "Hur går vi med?"):
        assert sum(match.confidence for match in ask(question)) <= 1.0


def test_no_articles_at_all() -> None:
    assert Matcher((), (), "sv").matches(Part("hej", "hej", "hej")) == ()


def test_a_wording_word_for_word_is_as_good_as_certain() -> None:
    for article in ARTICLES:
        for question in article.texts["sv"].questions:
            matches = MATCHER.matches(Part(question.upper(), question.upper()))
            assert matches[0].article == article.id
            assert matches[0].confidence > 0.95
            assert sum(match.confidence for match in matches) <= 1.0001
