"""A golden question is on one side for ever, and the test split is of the unseen pool only."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from lokbot.evaluation.splits import Split, of_split, split_of
from lokbot.model import GoldenQuestion, Outcome

QUESTION = GoldenQuestion("g001", "Hur går vi med?", "sv", "plain", frozenset({Outcome.ANSWER}), ("ga-med",))


def questions(count: int, *, is_unseen: bool) -> list[GoldenQuestion]:
    return [replace(QUESTION, id=f"q{number:05d}", is_unseen=is_unseen) for number in range(count)]


def test_the_split_rests_on_the_id_alone() -> None:
    """Written down, since a change of the hash would move what was trained on into what is measured on."""
    assert [split_of(replace(QUESTION, id=f"g{number:03d}")) for number in range(1, 7)] == [
        *(Split.DEV, Split.DEV, Split.TRAIN, Split.DEV, Split.DEV, Split.DEV),
    ]
    assert split_of(replace(QUESTION, text="Annat", style="chat")) is split_of(QUESTION)


def test_the_development_pool_is_halved_and_never_tested_on() -> None:
    counts = Counter(map(split_of, questions(2000, is_unseen=False)))
    assert set(counts) == {Split.TRAIN, Split.DEV}
    assert 900 < counts[Split.DEV] < 1100


def test_most_of_the_unseen_pool_is_the_test() -> None:
    counts = Counter(map(split_of, questions(4000, is_unseen=True)))
    assert 0.83 < counts[Split.TEST] / 4000 < 0.87
    assert 0.8 < counts[Split.DEV] / counts[Split.TRAIN] < 1.25


def test_questions_of_a_split_keep_their_order() -> None:
    mixed = questions(50, is_unseen=False) + questions(50, is_unseen=True)
    kept = of_split(mixed, Split.TRAIN, Split.DEV)
    assert [one for one in mixed if split_of(one) is not Split.TEST] == list(kept)
