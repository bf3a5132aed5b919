"""What only a person may answer, heard by meaning, with an encoder that knows five concepts in any words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from lokbot.model import Intent, IntentAction, Rule
from lokbot.understanding import SEMANTIC, build
from lokbot.understanding.confidence import fitted
from lokbot.understanding.heard import NOTHING_HEARD, Ear, Heard, spoken
from lokbot.understanding.semantic import Vectors
from tests.unit.understanding.knowledge_sample import KNOWLEDGE

CONCEPTS = (
    ("gå med", "ansl"),
    ("bidrag", "stöd"),
    ("brinner", "lågor", "flammen"),
    ("pengarna", "utbetalning"),
    ("nyckel", "lokal"),
)
FIRE = Intent("eld", IntentAction.URGENT, "fara", (), sounds_like=("Det brinner i köket!",))
MONEY = Intent(
    "pengar", IntentAction.OWN_MATTER, "eget-arende", (Rule(any=("utbetalning*",)),), examples=("utbetalning dröjer",)
)
KEY = Intent("nyckel", IntentAction.ROUTE, "lokaler", (Rule(any=("nyckel",)),), "fastighet", examples=("nyckel",))
ASKED = ("Hur går vi med?", "gå med", "Vilka bidrag finns?", "stöd")


class Encoder:
    def questions(self, texts: Sequence[str]) -> Vectors:
        rows = [[0.1, *(float(any(word in text.lower() for word in each)) for each in CONCEPTS)] for text in texts]
        found = np.array(rows, dtype=np.float32)
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)

    passages = wordings = questions


def heard(text: str, *intents: Intent) -> Heard:
    return Ear(intents or (FIRE, MONEY, KEY), ASKED, Encoder()).heard(Encoder().questions([text])[0])


def test_other_words_of_the_same_meaning_are_heard_with_the_nearest_example() -> None:
    found = heard("Lågor slår ut genom taket")
    assert found.votes[IntentAction.URGENT] > 0.8
    (hit,) = found.above({"urgent": 0.5, "own-matter": 0.5})
    assert (hit.intent.id, hit.evidence.matcher, hit.evidence.detail) == ("eld", "semantic", "Det brinner i köket!")
    assert hit.evidence.score == pytest.approx(1.0, abs=0.01)


def test_examples_of_rules_are_heard_too_where_only_a_person_may_answer() -> None:
    assert heard("När kommer pengarna?").above({"own-matter": 0.5})[0].intent is MONEY
    assert spoken(MONEY) == ("utbetalning dröjer",)
    assert spoken(KEY) == ()
    assert IntentAction.ROUTE not in heard("Vems nyckel?").votes


def test_what_texts_answer_speaks_against() -> None:
    found = heard("Kan vi gå med och få stöd?")
    assert found.for_a_person < 0.2
    assert found.above({"urgent": 0.3, "own-matter": 0.3}) == ()


def test_an_action_without_a_fitted_number_is_never_heard() -> None:
    assert heard("Lågor!").above({}) == ()


def test_of_two_hearings_each_action_counts_as_the_one_that_says_more() -> None:
    fire, money = heard("Lågor!"), heard("pengarna")
    both = fire.or_more(money)
    assert both.votes[IntentAction.URGENT] == fire.votes[IntentAction.URGENT]
    assert both.votes[IntentAction.OWN_MATTER] == money.votes[IntentAction.OWN_MATTER]
    assert {hit.intent.id for hit in both.above({"urgent": 0.5, "own-matter": 0.5})} == {"eld", "pengar"}
    assert fire.or_more(NOTHING_HEARD) == fire
    assert NOTHING_HEARD.for_a_person == 0.0


def test_of_several_intents_of_an_action_the_one_with_most_votes_is_told() -> None:
    threat = Intent("hot", IntentAction.URGENT, "fara", (), sounds_like=("utbetalning, annars smäller det",))
    assert heard("Det brinner", FIRE, threat).above({"urgent": 0.5})[0].intent is FIRE


def test_without_any_intent_nothing_is_heard() -> None:
    assert Ear((), ASKED, Encoder()).heard(Encoder().questions(["Lågor!"])[0]) == NOTHING_HEARD


@pytest.mark.parametrize("text", ["Lågor slår ut ur huset", "Flammen überall im Haus, bitte kommen Sie schnell"])
def test_a_message_that_sounds_urgent_is_so_without_any_rule_in_any_language(text: str) -> None:
    knowledge = replace(KNOWLEDGE, intents=(*KNOWLEDGE.intents, FIRE))
    (question,) = build(knowledge, Encoder()).understand(text).questions
    hit = question.hit(IntentAction.URGENT)
    assert hit is not None
    assert hit.intent is FIRE
    assert build(knowledge).understand(text).questions[0].hit(IntentAction.URGENT) is None, "no rule knows the words"


def test_what_a_rule_says_of_the_words_holds_whatever_they_sound_like() -> None:
    thanks = Intent("tack", IntentAction.IGNORE, "ovrigt", (Rule(any=("tack",)),))
    knowledge = replace(KNOWLEDGE, intents=(FIRE, thanks))
    (question,) = build(knowledge, Encoder()).understand("tack, lågor").questions
    assert [hit.intent.id for hit in question.intents] == ["tack"]


def test_what_is_heard_is_fitted_for_vectors_only() -> None:
    assert set(fitted()[SEMANTIC].heard) == {"urgent", "person", "own-matter", "hand-in", "route"}
    assert all(0.3 <= least <= 1.0 for least in fitted()[SEMANTIC].heard.values())
