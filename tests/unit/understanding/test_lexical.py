"""BM25 over an inverted index."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.understanding import lexical
from lokbot.understanding.lexical import Index, Likenesses, rarity

INDEX = Index([{"lokal": 3.0, "boka": 1.0}, {"bidrag": 2.0, "lokal": 1.0}, {"bidrag": 1.0}])


def test_the_document_with_most_of_the_rare_key_wins() -> None:
    scores = INDEX.scores({"boka": 1.0, "lokal": 1.0})
    assert scores.argmax() == 0
    assert scores[2] == 0.0


def test_a_key_in_a_short_document_weighs_more_than_in_a_long_one() -> None:
    first, second = Index([{"a": 1.0}, {"a": 1.0, "b": 9.0}]).scores({"a": 1.0})
    assert first > second > 0


def test_an_unknown_key_takes_from_the_share() -> None:
    assert INDEX.scores({"boka": 1.0, "segla": 1.0})[0] < INDEX.scores({"boka": 1.0})[0]


def test_a_rare_key_is_rarer_than_a_common_one_and_never_negative() -> None:
    assert INDEX.unseen > INDEX.rarity("boka") > INDEX.rarity("lokal") > 0
    assert rarity(10, 10) > 0


def test_nothing_asked_or_nothing_known() -> None:
    assert INDEX.scores({}).tolist() == [0.0, 0.0, 0.0]
    assert Index([]).scores({"a": 1.0}).tolist() == []
    assert Index([{}]).scores({"a": 1.0}).tolist() == [0.0]


KEYS = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.1, 5), max_size=5)


@given(st.lists(KEYS, max_size=6), KEYS)
def test_scores_are_shares(documents: list[dict[str, float]], query: dict[str, float]) -> None:
    assert all(0.0 <= score <= 1.0 + 1e-9 for score in Index(documents).scores(query))


TEXTS = st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9), max_size=5), min_size=1, max_size=6)


@given(TEXTS, KEYS)
def test_likenesses_are_cosines_of_some_texts_as_of_all(texts: list[dict[str, int]], asked: dict[str, float]) -> None:
    likenesses = Likenesses(texts, most=10)
    near = likenesses.near(asked)
    assert all(-1e-5 <= each <= 1 + 1e-5 for each in near)
    np.testing.assert_allclose(Likenesses(texts, most=0).near(asked), near, atol=1e-5)
    some = np.arange(0, len(texts), 2)
    np.testing.assert_allclose(likenesses.near(asked, likenesses.select(some)), near[some], atol=1e-5)
    among = likenesses.among(some)
    np.testing.assert_allclose(np.diag(among), 1.0)
    for place, number in enumerate(some):
        if texts[number]:
            np.testing.assert_allclose(likenesses.near(texts[number], likenesses.select(some)), among[place], atol=1e-5)


@given(st.lists(KEYS, max_size=6), TEXTS, st.integers(1, 7))
def test_what_is_sorted_in_stretches_is_as_if_sorted_at_once(
    documents: list[dict[str, float]], texts: list[dict[str, int]], stretch: int
) -> None:
    index, likenesses = Index(documents), Likenesses(texts, most=10)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lexical, "_STRETCH", stretch)
        again, alike = Index(documents), Likenesses(texts, most=10)
    for key in "abcdef":
        held = [number for number, each in enumerate(documents) if key in each]
        assert again.holders(key).tolist() == index.holders(key).tolist() == held
        assert again.scores({key: 1.0}).tolist() == index.scores({key: 1.0}).tolist()
        assert alike.near({key: 1.0}).tolist() == likenesses.near({key: 1.0}).tolist()


def test_a_text_is_most_like_itself() -> None:
    texts = [{"lokal": 1, "boka": 1}, {"lokal": 2, "hyra": 1}, {}]
    assert Likenesses(texts, most=10).near({"lokal": 1, "boka": 1}).argmax() == 0
    assert Likenesses(texts, most=10).near({}).tolist() == [0.0, 0.0, 0.0]
    assert Likenesses([], most=10).near({"lokal": 1}).tolist() == []
