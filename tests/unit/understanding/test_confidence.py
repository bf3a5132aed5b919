"""From signals to a probability."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.understanding.confidence import ANSWER_THRESHOLD, WEIGHTS, Signals, probabilities, score

STRONG = Signals(
    lexical=0.9, lead=0.4, background=0.0, wording=0.7, ratio=0.95, missing=0.0, length=0.4, is_kind_missing=False
)


def chance(signals: Signals) -> float:
    return probabilities([score(signals)])[0]


def test_a_strong_candidate_is_answered_and_a_weak_one_is_not() -> None:
    assert chance(STRONG) > 0.9 > ANSWER_THRESHOLD
    assert chance(replace(STRONG, lexical=0.4, lead=0.0, wording=0.25, ratio=0.5)) < ANSWER_THRESHOLD


@pytest.mark.parametrize(
    "worse",
    [
        {"lexical": 0.5},
        {"lead": -0.2},
        {"wording": 0.2},
        {"ratio": 0.4},
        {"missing": 2.0},
        {"length": 0.1},
        {"is_kind_missing": True},
    ],
)
def test_each_signal_takes_confidence_away(worse: dict[str, float]) -> None:
    assert score(replace(STRONG, **worse)) < score(STRONG)  # type: ignore[arg-type]


def test_a_fact_of_a_kind_that_the_answer_lacks_is_not_answered() -> None:
    middling = replace(STRONG, lexical=0.8, lead=0.3, wording=0.5, ratio=0.75)
    assert chance(middling) > ANSWER_THRESHOLD
    assert chance(replace(middling, is_kind_missing=True)) < ANSWER_THRESHOLD


def test_words_that_the_article_lacks_go_to_a_person() -> None:
    middling = replace(STRONG, lexical=0.6, lead=0.2, wording=0.45, ratio=0.75, length=0.3)
    assert chance(replace(middling, missing=2.5)) < ANSWER_THRESHOLD < chance(middling)


def test_two_equal_candidates_cannot_both_be_likely() -> None:
    first, second = probabilities([score(STRONG)] * 2)
    assert first == second < 0.5


def test_no_candidate_no_probability() -> None:
    assert probabilities([]) == ()


def test_every_signal_has_its_weight() -> None:
    assert set(WEIGHTS) == set(Signals.__slots__)


@given(st.lists(st.floats(-800, 800), max_size=10))
def test_probabilities_are_probabilities_in_the_order_of_the_scores(scores: list[float]) -> None:
    chances = probabilities(scores)
    assert all(0.0 <= each <= 1.0 for each in chances)
    assert sum(chances) <= 1.0 + 1e-9
    assert [chances[n] for n in sorted(range(len(scores)), key=scores.__getitem__)] == sorted(chances)
