"""Language of short messages, measured on ``language_samples``."""

from __future__ import annotations

import pytest

from lokbot.understanding.language import detect
from tests.unit.understanding.language_samples import SAMPLES

# What the product gives ``detect``: words of the articles in each language, folded.
VOCABULARIES = {
    "sv": frozenset(
        "lok stod protokoll lokal bidrag styrgruppen ordforande kontaktcenter registerutdrag nummer deadline".split()
    ),
    "en": frozenset("grant grants agreement conference premises phone number deadline".split()),
}
# Lines that are right in either language, or that hold nothing but a name: left out of no figure, allowed here.
MOST_WRONG = {"sv": 4, "en": 1}


@pytest.mark.parametrize("language", SAMPLES)
def test_the_language_of_short_messages(language: str) -> None:
    wrong = [(text, guess) for text in SAMPLES[language] if (guess := detect(text, VOCABULARIES)) != language]
    assert len(wrong) <= MOST_WRONG.get(language, 0), wrong


def test_all_samples_together_are_right_but_for_one_in_fifty() -> None:
    right = [detect(text, VOCABULARIES) == language for language, texts in SAMPLES.items() for text in texts]
    assert sum(right) / len(right) >= 0.98


def test_the_knowledge_own_words_decide_where_there_are_no_small_words() -> None:
    assert detect("lok stod?", VOCABULARIES) == "sv"


def test_scripts_that_the_lists_do_not_hold() -> None:
    assert detect("Πώς μπορούμε να γίνουμε μέλος;") == "el"
    assert detect("ማሕበርና ብኸመይ ክጽምበር ይኽእል?") == "ti"
    assert detect("Где можемо да тражимо новац за наше удружење?") == "sr"
    assert detect("چۆن دەتوانین بەشداری بکەین؟") == "ckb"


def test_serbian_in_latin_letters_is_as_bosnian() -> None:
    assert detect("Kako možemo da se pridružimo sporazumu i koliko to košta naše udruženje?") == "bs"


def test_a_long_line_in_an_unexpected_language_is_not_swedish() -> None:
    swahili = "Tunawezaje kujiunga na makubaliano haya na inagharimu kiasi gani kwa chama chetu cha utamaduni?"
    assert detect(swahili) == "sw"


def test_a_danish_line_is_danish_only_with_its_own_letters_or_words() -> None:
    assert detect("Jeg kan ikke finde ud af hvordan vi bliver medlem") == "da"
    assert detect("Positivt heltal") == "sv"


def test_a_huge_text_costs_no_more_than_its_beginning() -> None:
    assert detect("hur går vi med i överenskommelsen " * 10_000) == "sv"
