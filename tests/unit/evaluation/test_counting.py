"""The arithmetic: against numbers worked out by hand or given in the sources."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.evaluation.counting import (
    Scored,
    Share,
    at_threshold,
    bins,
    calibration_error,
    curve,
    interval,
    percentile,
    threshold_for,
)

SCORED = st.lists(st.builds(Scored, st.floats(0, 1), st.booleans()), max_size=60)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, "Two-sided confidence intervals", table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_interval_is_wilsons(hits: int, total: int, low: float, high: float) -> None:
    assert interval(hits, total) == pytest.approx((low, high), abs=0.0001)


@given(st.integers(1, 500).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_interval_holds_the_share_and_stays_within_bounds(counts: tuple[int, int]) -> None:
    share = Share(*counts)
    assert 0 <= share.low <= share.share + 1e-12
    assert share.share - 1e-12 <= share.high <= 1


def test_the_calibration_error_is_the_mean_distance() -> None:
    sure = [Scored(0.9, True)] * 9 + [Scored(0.9, False)]
    assert calibration_error(bins(sure)) == pytest.approx(0.18)  # nine bins 0.1 off, one 0.9
    assert calibration_error(bins(sure, 1)) == pytest.approx(0.0)
    assert calibration_error(bins([Scored(0.5, True)] * 20)) == pytest.approx(0.5)
    assert calibration_error(()) == 0.0


@given(SCORED)
def test_bins_have_equal_mass_and_hold_everything(scored: list[Scored]) -> None:
    found = bins(scored)
    assert sum(one.count for one in found) == len(scored)
    if len(scored) >= 10:
        assert len(found) == 10
        assert max(one.count for one in found) - min(one.count for one in found) <= 1
    assert [one.confidence for one in found] == sorted(one.confidence for one in found)
    assert 0 <= calibration_error(found) <= 1


def test_precision_falls_as_more_is_answered() -> None:
    scored = [Scored(0.9, True), Scored(0.8, True), Scored(0.8, False), Scored(0.3, False)]
    points = [(point.threshold, point.coverage, point.precision) for point in curve(scored)]
    assert points == [(0.9, 0.25, 1.0), (0.8, 0.75, pytest.approx(2 / 3)), (0.3, 1.0, 0.5)]
    assert at_threshold(scored, 0.5) == at_threshold(scored, 0.8).__class__(0.5, 3, 2, 4)
    assert at_threshold([], 0.5).precision == 1.0


def test_the_threshold_answers_as_much_as_the_rate_allows() -> None:
    scored = [Scored(0.9, True), Scored(0.8, False), Scored(0.7, True), Scored(0.6, False), Scored(0.5, True)]
    assert threshold_for(scored, wrong_rate=0.0, total=10) == 0.9
    assert threshold_for(scored, wrong_rate=0.1, total=10) == 0.7
    assert threshold_for(scored, wrong_rate=0.2, total=10) == 0.5
    assert threshold_for([Scored(0.9, False)], wrong_rate=0.0, total=10) == math.inf


@given(SCORED, st.floats(0, 0.5))
def test_the_threshold_keeps_its_promise(scored: list[Scored], rate: float) -> None:
    point = at_threshold(scored, threshold_for(scored, wrong_rate=rate, total=len(scored)))
    assert point.answered - point.right <= rate * len(scored)


def test_a_percentile_is_one_of_the_values() -> None:
    values = [5.0, 1.0, 3.0, 2.0, 4.0]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 3.0, 5.0, 5.0]
    assert percentile([], 0.5) == 0.0
