"""BM25 over an inverted index."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lokbot.understanding.lexical import Index, rarity

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
