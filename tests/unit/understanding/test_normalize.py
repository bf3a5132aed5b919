"""Words, accents, stems and 4-grams."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.understanding.normalize import clean, fold, grams, stem, without_links, words


def test_words_are_lower_case_without_punctuation_and_hyphens() -> None:
    assert words("Hur söker vi LOK-stöd, egentligen?!") == ("hur", "söker", "vi", "lok", "stöd", "egentligen")


def test_a_decomposed_and_a_composed_letter_are_the_same() -> None:
    assert words("fo\u0308rening") == words("förening") == ("förening",)


def test_invisible_characters_do_not_hide_a_word() -> None:
    assert words("över\u200bklag\u00adan\ufeff") == ("överklagan",)


def test_an_apostrophe_does_not_part_a_word() -> None:
    assert words("don't can’t") == ("dont", "cant")


@pytest.mark.parametrize(("written", "plain"), [("åäöÅÄÖ", "aaoaao"), ("idéerna", "ideerna"), ("bødæ", "boda")])
def test_fold_gives_plain_letters(written: str, plain: str) -> None:
    assert fold(clean(written)) == plain


def test_accents_that_are_not_in_the_short_list_are_folded_too() -> None:
    assert fold("ñčşå") == "ncsa"


def test_one_stem_with_and_without_accents() -> None:
    assert stem(fold("föreningarna"), "sv") == stem(fold("förening"), "sv") == stem("foreningar", "sv")
    assert stem("associations", "en") == stem("association", "en")


def test_a_language_without_a_stemmer_keeps_its_words() -> None:
    assert stem("yhdistyksen", "fi") == "yhdistyksen"


def test_grams_see_through_a_compound() -> None:
    assert set(grams(("bidraget",))) & set(grams(("foreningsbidraget",))) >= {"bidr", "idra", "drag", "get "}


def test_a_short_word_is_one_gram() -> None:
    assert grams(("a",)) == (" a ",)
    assert grams(()) == ()


def test_addresses_are_no_words() -> None:
    text = "Skriv till lok@helsingborg.se eller se https://helsingborg.se/x och www.example.org nu"
    assert without_links(text).split() == ["Skriv", "till", "eller", "se", "och", "nu"]


@given(st.text(max_size=300))
def test_words_are_stable(text: str) -> None:
    once = words(text)
    assert words(" ".join(once)) == once


@given(st.text(max_size=300))
def test_fold_leaves_no_combining_mark_and_can_be_repeated(text: str) -> None:
    assert fold(fold(clean(text))) == fold(clean(text))
