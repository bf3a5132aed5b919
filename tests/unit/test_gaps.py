"""Unanswered questions in themes: the same whatever the order, masked where they are shown, and a skeleton."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lokbot.gaps import DRAFT, Unanswered, draft, examples, listed, themes
from lokbot.understanding.semantic import Vectors
from tests import sample_knowledge as sample

START = datetime(2026, 9, 1, tzinfo=UTC)

SAUNA = ("Finns det en bastu att hyra?", "Vem hyr ut bastu vid havet?", "kan vi hyra bastu på kvällen", "bastu hyra")
BOATS = ("Var får vi lägga våra båtar i vinter?", "vinterplats för båt", "Båtarna behöver en vinterplats")
ALONE = ("Vem stämmer pianot i aulan?",)


def asked(*texts: str, contacts: int = 100) -> list[Unanswered]:
    return [
        Unanswered(text, "sv", number % contacts, START + timedelta(days=number)) for number, text in enumerate(texts)
    ]


def grouped(questions: Sequence[Unanswered]) -> list[set[str]]:
    return [{question.text for question in theme.questions} for theme in themes(questions)]


def test_questions_about_one_thing_are_one_theme_the_largest_first() -> None:
    assert grouped(asked(*BOATS, *ALONE, *SAUNA)) == [set(SAUNA), set(BOATS), set(ALONE)]
    sauna, boats, _ = themes(asked(*BOATS, *ALONE, *SAUNA))
    assert "hyra" in sauna.words
    assert any(word.startswith("bastu") for word in sauna.words)
    assert "vinterplats" in boats.words


def test_the_order_of_the_questions_makes_no_difference() -> None:
    questions = asked(*SAUNA, *BOATS, *ALONE)
    expected = themes(questions)
    for seed in range(20):
        random.Random(seed).shuffle(questions)
        assert themes(questions) == expected


@given(st.lists(st.text(max_size=30), max_size=12))
def test_every_question_is_in_one_theme(texts: list[str]) -> None:
    found = themes(asked(*texts))
    assert sorted(question.text for theme in found for question in theme.questions) == sorted(texts)


def test_people_are_counted_once() -> None:
    (theme,) = themes(asked(*SAUNA, contacts=2))
    assert (len(theme.questions), theme.contacts) == (4, 2)
    assert "4 frågor från 2 personer, senast 2026-09-04" in listed([theme])
    assert ": 1 fråga från 1 person, " in listed(themes(asked(*ALONE)))


def test_of_equally_large_themes_the_one_that_more_people_ask_is_first() -> None:
    one_person = [replace(question, contact=1) for question in asked(*SAUNA[:3])]
    assert grouped([*one_person, *asked(*BOATS)]) == [set(BOATS), set(SAUNA[:3])]


def test_examples_are_masked_short_and_each_told_once() -> None:
    texts = ("Kan vi hyra bastu? Mvh Eva Ek", "kan vi hyra bastu  mvh eva ek", "Hyra bastu? " + "Vi är många. " * 40)
    (theme,) = themes(asked(*texts))
    found = examples(theme)
    assert len(found) == 2
    assert not any("Ek" in example for example in found)
    assert max(map(len, found)) == 160


def test_who_asked_neither_names_a_theme_nor_sets_it_apart() -> None:
    texts = (
        "Kan vi hyra bastu?",
        "Hyra bastu, undrar Eva Ek",
        "Jag heter Bo Alm, hyra bastu? bo@alm.example 0701234567",
    )
    (theme,) = themes(asked(*texts))
    assert set(theme.words) == {"bastu", "hyra"}


def test_a_theme_is_named_by_different_words() -> None:
    (theme,) = themes(asked("Vilka förvaltningar deltar?", "forvaltning deltar", "förvaltningen"))
    assert len(theme.words) == 2


def test_the_list_shows_ten_and_says_how_many_there_are() -> None:
    words = "zebra yxa xylofon vante uggla tupp sebra räv quilt pumpa orgel narr".split()
    shown = listed(themes(asked(*words)))
    assert "Obesvarade frågor: 12, i 12 teman. De 10 största:" in shown
    assert " 10. " in shown
    assert " 11. " not in shown
    assert listed(()) == "Inga obesvarade frågor i perioden."


class Meaning:
    """An encoder for which all words for boats mean one thing; every vector has much in common with every other."""

    def questions(self, texts: Sequence[str]) -> Vectors:
        return np.array(
            [[3.0, "båt" in text or "kanot" in text, "bastu" in text.lower()] for text in texts], np.float32
        )

    wordings = passages = questions


def test_vectors_join_what_no_word_joins() -> None:
    texts = ("Var ligger båthuset?", "Tar ni emot kanoter?", *SAUNA, *(f"bastu {n}" for n in range(6)))
    apart, together = (
        next(theme for theme in themes(asked(*texts), encoder) if any("kanot" in one.text for one in theme.questions))
        for encoder in (None, Meaning())
    )
    assert len(apart.questions) == 1
    assert {one.text for one in together.questions} == set(texts[:2])


# ------------------------------------------------------------------ the skeleton


def test_the_skeleton_guesses_what_it_can_and_leaves_the_answer() -> None:
    questions = [
        replace(one, nearest="lana-lokal", topic="bidrag" if n else None, administration="kultur")
        for n, one in enumerate(asked(*SAUNA))
    ]
    (theme,) = themes(questions)
    value = yaml.safe_load(draft(theme, sample.knowledge()))
    assert value["topic"] == "bidrag"
    assert value["administration"] == "kultur"
    assert value["sv"]["approved_by"] is None
    assert value["sv"]["answer"] is None
    assert value["sources"] == [{"title": None}]
    assert sorted(value["sv"]["questions"]) == sorted(SAUNA)


def test_the_skeleton_says_what_must_be_filled_in() -> None:
    assert all(word in DRAFT for word in ("Fyll i: answer", "title i sources", "lokbot check"))


@pytest.mark.parametrize(
    ("nearest", "topic", "owner"), [("skatepark", "lokaler", "fritid"), (None, None, "samordnare")]
)
def test_without_a_guess_the_nearest_article_or_the_coordinators_stand_in(
    nearest: str | None, topic: str | None, owner: str
) -> None:
    (theme,) = themes([replace(one, nearest=nearest) for one in asked(*SAUNA)])
    value = yaml.safe_load(draft(theme, sample.knowledge()))
    assert value["topic"] == (topic or next(iter(sample.knowledge().topics)))
    assert value["administration"] == owner


def test_the_skeleton_takes_no_id_and_no_wording_that_is_taken() -> None:
    (theme,) = themes(asked("Bastu?", "bastu", sample.PREMISES.lower())[:2])
    first = yaml.safe_load(draft(theme, sample.knowledge()))["id"]
    taken = sample.with_article(replace(sample.knowledge().articles["ga-med"], id=first))
    assert yaml.safe_load(draft(theme, taken))["id"] == f"{first}-2"
    (theme,) = themes(asked(sample.PREMISES))
    assert sample.PREMISES not in draft(theme, sample.knowledge())
