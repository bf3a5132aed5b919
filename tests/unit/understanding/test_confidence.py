"""From signals to a probability, and from a rate of wrong answers to a threshold."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.understanding import confidence
from lokbot.understanding.confidence import (
    LEXICAL,
    RANK_SIGNALS,
    SEMANTIC,
    TRUST_SIGNALS,
    Circumstances,
    Line,
    Model,
    Signals,
    chance,
    fitted,
    probabilities,
    rank,
    trust_signals,
)

STRONG = Signals(
    lexical=0.8,
    background=0.0,
    votes=0.8,
    whole_votes=0.8,
    votes_for_none=0.0,
    near_miss=-0.4,
    ratio=0.85,
    missing=0.0,
    is_kind_missing=False,
    meant_votes=0.8,
    meant_whole_votes=0.8,
    meant_votes_for_none=0.0,
    meant_near_miss=-0.05,
)
MIDDLE_LONG = Circumstances(length=0.4, for_a_person=0.1)
BOTH = pytest.mark.parametrize("name", [LEXICAL, SEMANTIC])


def trusted(signals: Signals, name: str, circumstances: Circumstances = MIDDLE_LONG, *, gap: float = 6.0) -> float:
    """Trust in a candidate that leads by ``gap`` in rank."""
    model = fitted()[name]
    ranks = [rank(signals, model), rank(signals, model) - gap]
    return chance(model.trust.value(trust_signals(signals, circumstances, ranks)))


@BOTH
def test_a_strong_candidate_is_answered_and_a_weak_one_is_not(name: str) -> None:
    least = fitted()[name].threshold(0.01)
    weak = replace(
        STRONG,
        lexical=0.4,
        votes=0.2,
        whole_votes=0.2,
        ratio=0.5,
        missing=0.8,
        meant_votes=0.2,
        meant_whole_votes=0.1,
    )
    assert trusted(weak, name, gap=0.5) < least < trusted(STRONG, name)


@BOTH
def test_a_fact_of_a_kind_that_the_answer_lacks_is_not_answered(name: str) -> None:
    assert trusted(replace(STRONG, is_kind_missing=True), name, gap=4.0) < fitted()[name].threshold(0.01)
    assert trusted(STRONG, name, gap=4.0) > fitted()[name].threshold(0.01)


@BOTH
def test_no_signal_weighs_against_sense(name: str) -> None:
    """A bad signal never helps and a good one never harms: else nobody could read the file."""
    against = {"missing", "is_pointed_elsewhere", "is_kind_missing", "near_miss", "votes_for_none"}
    against |= {"meant_near_miss", "meant_votes_for_none", "for_a_person"}
    either = {"length", "is_english", "is_other"}
    for line in (fitted()[name].rank, fitted()[name].trust):
        for signal, weight in line.weights.items():
            is_of_order = line is fitted()[name].rank and signal in {"near_miss", "meant_near_miss"}
            assert signal in either or is_of_order or (weight <= 0 if signal in against else weight >= 0), signal


def test_every_weight_is_of_a_known_signal_and_words_alone_need_no_vectors() -> None:
    for model in fitted().values():
        assert set(model.rank.weights) <= set(RANK_SIGNALS)
        assert set(model.trust.weights) <= set(TRUST_SIGNALS)
    by_meaning = {"meant_votes", "meant_whole_votes", "meant_votes_for_none", "meant_near_miss", "for_a_person"}
    assert not by_meaning & {*fitted()[LEXICAL].rank.weights, *fitted()[LEXICAL].trust.weights}
    # Without a matter nothing is trusted: that is no matter of weight.
    every = {"gap", "share"} | {each.name for each in (*fields(Signals), *fields(Circumstances))}
    assert every == {*TRUST_SIGNALS, "is_matterless"}


@BOTH
def test_a_stricter_rate_never_asks_for_less(name: str) -> None:
    model = fitted()[name]
    leasts = [model.threshold(rate / 1000) for rate in range(1, 200)]
    assert leasts == sorted(leasts, reverse=True)
    assert 0.3 <= model.threshold(0.01) < 1.0


def test_between_two_measured_rates_the_stricter_counts_and_below_all_nothing_is_sure() -> None:
    model = Model(Line(0, {}), Line(0, {}), ((0.01, 0.8), (0.02, 0.6)))
    assert [model.threshold(rate) for rate in (0.005, 0.01, 0.015, 0.02, 0.1)] == [1.0, 0.8, 0.8, 0.6, 0.6]


def test_a_fitted_file_is_read_as_it_was_written() -> None:
    line = {"constant": -1.5, "weights": {"lexical": 2.0}}
    models = confidence.read(
        json.dumps({"models": {"lexical": {"rank": line, "trust": line, "thresholds": {"0.02": 0.5, "0.01": 0.7}}}})
    )
    assert models["lexical"] == Model(
        Line(-1.5, {"lexical": 2.0}), Line(-1.5, {"lexical": 2.0}), ((0.01, 0.7), (0.02, 0.5))
    )


def test_no_candidate_no_probability() -> None:
    assert probabilities(3.0, []) == ()


@given(st.floats(-12, 12), st.lists(st.floats(-12, 12), min_size=1, max_size=10))
def test_probabilities_are_probabilities_and_the_best_stays_first(best: float, ranks: list[float]) -> None:
    chances = probabilities(best, sorted(ranks, reverse=True))
    assert all(0.0 <= each <= chances[0] for each in chances)
    assert sum(chances) <= 1.0 + 1e-9
    assert list(chances) == sorted(chances, reverse=True)


def test_what_means_a_matter_for_a_person_is_out_of_the_question_only_where_rules_miss_much() -> None:
    assert Circumstances(is_other=True, for_a_person=0.51).is_vetoed
    assert not Circumstances(is_other=True, for_a_person=0.49).is_vetoed
    assert not Circumstances(is_english=True, for_a_person=0.51).is_vetoed
