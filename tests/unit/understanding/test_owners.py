"""Whose matter a question seems to be."""

from __future__ import annotations

from lokbot.model import Match
from lokbot.understanding.owners import Owners
from lokbot.understanding.rules import Rules
from tests.unit.understanding.knowledge_sample import ADMINISTRATIONS, ARTICLES, INTENTS

OWNERS = Owners(ADMINISTRATIONS)
RULES = Rules(INTENTS)
OF_ARTICLE = {each.id: each.administration for each in ARTICLES}


def owners(text: str, *matches: Match) -> dict[str, float]:
    found = OWNERS.of(text, RULES.hits(text), matches, OF_ARTICLE)
    assert [each.confidence for each in found] == sorted((each.confidence for each in found), reverse=True)
    return {each.administration: each.confidence for each in found}


def test_a_name_with_a_slip_is_known() -> None:
    assert next(iter(owners("Vem når jag på kulturförvaltnigen?"))) == "kultur"


def test_a_name_of_two_words_and_its_english() -> None:
    assert "vard" in owners("telefon till vård- och omsorgsförvaltningen")
    assert "social" in owners("phone to the social services administration")


def test_a_word_points_to_its_owner() -> None:
    assert owners("alkoholtillstandet") == {"social": 0.6}


def test_a_rule_is_surer_than_a_word_and_both_are_surer_still() -> None:
    assert owners("kulturbidrag")["kultur"] == 0.9
    assert owners("kulturbidrag och kulturstöd")["kultur"] > 0.9


def test_the_best_article_says_whose_matter_it_is_as_far_as_it_is_sure() -> None:
    assert owners("hm", Match("lokaler", 0.8, ()))["kontaktcenter"] > 0.7
    assert owners("hm", Match("lokaler", 0.05, ())) == {}


def test_an_intent_that_only_vetoes_names_no_owner() -> None:
    assert owners("vår ansökan") == {}


def test_the_evidence_says_why() -> None:
    (owner,) = OWNERS.of("lotteriet", (), (), OF_ARTICLE)
    assert [(each.matcher, each.detail) for each in owner.evidence] == [("word", "lotteriet")]


def test_a_city_name_alone_is_not_the_contact_centre() -> None:
    assert owners("vi bor i Helsingborg") == {}
