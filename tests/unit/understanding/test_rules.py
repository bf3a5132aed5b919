"""The rule language of the intents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.model import Intent, IntentAction, Rule
from lokbot.understanding.rules import Rules, Term, Text, hits
from tests.unit.understanding.knowledge_sample import INTENTS


def found(term: str, text: str) -> str | None:
    return Term(term).found_in(Text.of(text))


@pytest.mark.parametrize(
    ("term", "text", "expected"),
    [
        ("tack", "Tack!", "tack"),
        ("tack", "tacka", None),
        ("överklag*", "Jag vill ÖVERKLAGA", "överklaga"),
        ("överklag*", "jag vill overklaga", "overklaga"),
        ("overklag*", "vi överklagar", "överklagar"),
        ("överklag*", "vi vill över klaga beslutet", "över klaga"),
        ("*bidrag", "vårt kulturbidrag", "kulturbidrag"),
        ("*bidrag", "bidraget", None),
        ("*bidrag*", "föreningsbidraget", "föreningsbidraget"),
        ("lämna ut", "kan ni lämna ut handlingen", "lämna ut"),
        ("lämna ut", "kan ni lämna oss ut", None),
        ("allmän* handling*", "begär allmänna handlingar", "allmänna handlingar"),
        ("LOK-stöd*", "hur söks LOK-stödet", "lok stödet"),
        ("lokstöd", "hur söks lok-stöd", "lok stöd"),
        ("ut", "en avslutad utskrift", None),
        ("utbetal*", "ut och betala", None),
        ("an*", "i a n", None),
        ("idé", "en IDE\u0301 bara", "idé"),
        ("e", "va e det", "e"),
    ],
)
def test_term(term: str, text: str, expected: str | None) -> None:
    assert found(term, text) == expected


@pytest.mark.parametrize(
    ("term", "text", "is_hit"),
    [
        ("låser", "Han låser in henne", True),
        ("låser", "han laser in henne", True),  # written without the keys for it
        ("låser", "Var läser man om det?", False),  # another word, though both fold to "laser"
        ("överklag*", "vi øverklagar", True),
        ("*låst*", "Hon är inlåst", True),
        ("*låst*", "Det är väl utläst", False),
    ],
)
def test_another_accented_letter_is_another_word(term: str, text: str, is_hit: bool) -> None:
    assert (Term(term).found_in(Text.of(text)) is not None) is is_hit


@pytest.mark.parametrize("term", ["", "*", "?!"])
def test_a_term_without_a_word_is_refused(term: str) -> None:
    with pytest.raises(ValueError, match="term without a word"):
        Term(term)


def intent(*rules: Rule, action: IntentAction = IntentAction.ROUTE, name: str = "x") -> Intent:
    return Intent(name, action, "topic", rules)


@pytest.mark.parametrize(
    ("rule", "text", "is_hit"),
    [
        (Rule(all=("handling*", "begär*")), "vi begär en handling", True),
        (Rule(all=("handling*", "begär*")), "vi begär hjälp", False),
        (Rule(all=("handling*",), any=("begär*", "lämna ut")), "lämna ut handlingen", True),
        (Rule(all=("handling*",), any=("begär*", "lämna ut")), "handlingen", False),
        (Rule(any=("tack",), none=("men",)), "tack så mycket", True),
        (Rule(any=("tack",), none=("men",)), "tack men nej", False),
        (Rule(any=("tack",), max_words=3), "tack så mycket", True),
        (Rule(any=("tack",), max_words=3), "tack så väldigt mycket", False),
        (Rule(none=("tack",)), "hej", False),
    ],
)
def test_rule(rule: Rule, text: str, is_hit: bool) -> None:
    assert bool(hits(text, [intent(rule)])) is is_hit


def test_several_rules_are_one_or_the_other() -> None:
    either = intent(Rule(all=("inte svarat",)), Rule(all=("ansökan",)))
    assert hits("ni har inte svarat", [either])
    assert hits("hur går ansökan", [either])


def test_hits_are_ordered_by_strength_then_by_file() -> None:
    rule = Rule(any=("hej",))
    intents = [intent(rule, action=action, name=f"{action}-{n}") for n in (1, 2) for action in reversed(IntentAction)]
    assert [hit.intent.id for hit in Rules(intents).hits("hej")] == [f"{a}-{n}" for a in IntentAction for n in (1, 2)]


def test_the_evidence_names_the_words() -> None:
    (hit,) = Rules(INTENTS).hits("Kan jag få prata med en Människa?")
    assert hit.intent.id == "manniska"
    assert hit.evidence.matcher == "rule"
    assert "prata med" in hit.evidence.detail
    assert "människa" in hit.evidence.detail


def test_no_intents_no_hits() -> None:
    assert Rules(()).hits("hej") == ()


WORDS = st.lists(
    st.sampled_from("överklaga beslutet vi vill tack prata med människa ansökan lök stöd".split()), max_size=12
)


@given(WORDS)
def test_the_index_of_terms_misses_nothing(chosen: list[str]) -> None:
    text = " ".join(chosen)
    prepared = Text.of(text)
    plain = {
        each.id
        for each in INTENTS
        for rule in each.rules
        if all(Term(term).found_in(prepared) for term in rule.all)
        and (not rule.any or any(Term(term).found_in(prepared) for term in rule.any))
        and not any(Term(term).found_in(prepared) for term in rule.none)
        and len(prepared.words) <= (rule.max_words or len(prepared.words))
    }
    assert {hit.intent.id for hit in Rules(INTENTS).hits(text)} == plain


@given(st.text(max_size=200))
def test_no_text_breaks_the_rules(text: str) -> None:
    Rules(INTENTS).hits(text)


def test_a_term_longer_than_the_text_does_not_hit_it() -> None:
    term = Term("hur gar vi med i lok")
    for text in ("", "lok", "hur lok", "hur gar vi med lok", "lok hur gar vi med i"):
        assert term.found_in(Text.of(text)) is None
    assert term.found_in(Text.of("hur går vi med i LÖK")) == "hur går vi med i lök"


def test_the_evidence_holds_the_words_of_the_asker_and_nothing_of_ours() -> None:
    intent = Intent("vart-eget-id", IntentAction.ROUTE, "bidrag", (Rule(all=("boll*",)),), administration="kultur")
    (hit,) = Rules([intent]).hits("Var finns bollhallen?")
    assert hit.evidence.detail == "bollhallen"
