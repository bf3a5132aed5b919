"""A question's words among the knowledge's own: compounds, synonyms, spelling."""

from __future__ import annotations

import pytest

from lokbot.model import GlossaryEntry
from lokbot.understanding.vocabulary import Vocabulary, content_words

TEXTS = (
    "Hur söker vi föreningsbidrag för kultur och lokaler i Helsingborg?",
    "bidrag till förening, tillstånd för loppis",
    *["Hur ansluter vi oss till överenskommelsen?"] * 8,
    "anslutning till överrenskomelsen",
)
GLOSSARY = (
    GlossaryEntry("föreningsbidrag", ("stöd till klubbar", "slantar")),
    GlossaryEntry("i o p", ()),
)
VOCABULARY = Vocabulary(TEXTS, GLOSSARY, "sv")


def keys(text: str) -> dict[str, dict[str, float]]:
    return {word.written: dict(word.keys) for word in VOCABULARY.query_words(text)}


def test_small_words_links_and_single_letters_are_no_content() -> None:
    assert content_words("Hur går det med vår x på https://example.org 5 gånger?", "sv") == ("5", "ganger")
    assert content_words("How do we join?", "en") == ("join",)
    assert content_words("hur når vi", "fi") == ("hur", "nar", "vi")


def test_a_known_word_is_known_in_every_form() -> None:
    for written in ("bidrag", "bidraget", "BIDRAGEN"):
        (word,) = VOCABULARY.query_words(written)
        assert word.keys["bidrag"] == 1.0


def test_a_split_compound_is_joined() -> None:
    (first, second) = VOCABULARY.query_words("förenings bidrag")
    assert first.keys["foreningsbidrag"] == second.keys["foreningsbidrag"] > 0.9


def test_a_compound_is_taken_apart_on_both_sides() -> None:
    assert "bidrag" in keys("föreningsbidrag")["foreningsbidrag"]
    assert VOCABULARY.document_keys("föreningsbidrag")["bidrag"] == 1


def test_an_unknown_compound_of_known_words_is_nearly_known() -> None:
    (word,) = VOCABULARY.query_words("kulturbidrag")
    assert 0.5 < word.keys["kultur"] == word.keys["bidrag"] < 1


def test_an_unknown_compound_with_a_known_end_is_half_known() -> None:
    (word,) = VOCABULARY.query_words("lotteritillstånd")
    assert [sure for key, sure in word.keys.items() if "tillst" in key and "lott" not in key] == [0.4]


def test_a_strange_word_is_unknown() -> None:
    (word,) = VOCABULARY.query_words("simskola")
    assert list(word.keys.values()) == [1.0]
    assert not set(word.keys) & set(VOCABULARY.document_keys(" ".join(TEXTS)))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("overenskomelsen", "overenskommelsen"),
        ("bidarg", "bidrag"),
        ("loppsi", "loppis"),
        ("kutlur", "kultur"),
        ("oss1", ""),
        ("kull", ""),
        ("badminton", ""),
    ],
)
def test_repair(written: str, meant: str) -> None:
    assert VOCABULARY.repair(written) == meant


def test_a_repaired_word_counts_less_than_a_right_one() -> None:
    (word,) = VOCABULARY.query_words("bidarg")
    assert 0 < word.keys["bidrag"] < 1


def test_a_misspelling_among_the_wordings_means_the_commoner_word() -> None:
    right = VOCABULARY.document_keys("överenskommelsen")
    wrong = VOCABULARY.document_keys("överrenskomelsen")
    assert set(right) & set(wrong)
    (asked,) = VOCABULARY.query_words("överrenskomelsen")
    assert set(asked.keys) & set(right)


def test_synonyms_meet_in_one_key_also_over_several_words() -> None:
    entry = "=foreningsbidrag"
    assert all(entry in found for found in keys("stöd till klubbar").values())
    assert entry in keys("slantar")["slantar"]
    assert VOCABULARY.document_keys("föreningsbidrag")[entry] == 1


def test_each_word_is_given_once() -> None:
    assert len(VOCABULARY.query_words("bidrag bidrag bidrag")) == 1


def test_an_empty_vocabulary_knows_nothing_and_breaks_on_nothing() -> None:
    (word,) = Vocabulary((), (), "sv").query_words("bidrag")
    assert dict(word.keys) == {"bidrag": 1.0}
