"""LIX and sentence length, by values counted by hand."""

from __future__ import annotations

import pytest

from lokbot.knowledge.readability import lix, mean_sentence, sentences


def lengths(text: str) -> list[int]:
    return [len(words) for words in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Vi läser. Ni skriver till oss.", [2, 4]),
        ("Går det? Ja: Det går. ”Bra.” Slut", [2, 1, 2, 1, 1]),
        ("Det gäller t.ex. Malmö och kl. 18 och nr. 3.", [10]),
        ("Rubrik utan punkt\n\nNytt stycke\nsom fortsätter här.", [3, 5]),
        ("Ta med:\n- kaka\n- te, mjölk\n1. Först\n2) Sedan", [2, 1, 2, 1, 1]),
        ("Ring 042-10 50 00. Läs på https://helsingborg.se/a.b?c=D och lok@helsingborg.se nu.", [4, 4]),
        ("Den 14 mars 2017 kl. 18.30 är 1,5 timmar.", [9]),
        ("", []),
        (" - \n\n...", []),
    ],
)
def test_sentences(text: str, expected: list[int]) -> None:
    assert lengths(text) == expected


def test_lix_by_hand() -> None:
    # Ten words in two sentences, three of them with more than six letters: 10/2 + 100*3/10.
    text = "Föreningen skickar ett brev till oss. Vi svarar ganska snabbt."
    assert [len(words) for words in sentences(text)] == [6, 4]
    assert lix(text) == pytest.approx(5 + 20)
    assert lix("Styrelsen beslutar.") == pytest.approx(2 + 100)


def test_seven_letters_are_long_and_digits_are_no_letters() -> None:
    assert lix("abcdefg") == 101
    assert lix("abcdef") == 1
    assert lix("042-105000") == 1
    assert lix("LOK-stöd") == 101


def test_a_text_without_words_has_no_lix() -> None:
    assert lix("https://helsingborg.se") == 0
    assert mean_sentence("") == 0


def test_mean_sentence() -> None:
    assert mean_sentence("Ett två. Tre fyra fem sex.") == 3
