"""What counts as right, as wrong, and as a person's time wasted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lokbot.evaluation.grading import Grade
from lokbot.model import Decision, GoldenQuestion, Outcome
from tests.unit.evaluation.graded import DANGER, JOIN, NEAR, OWN, POLICE, THANKS, decided, graded

ANSWER, CLARIFY, ROUTE, ESCALATE, IGNORE = Outcome
EITHER = replace(JOIN, outcomes=frozenset({ANSWER, ESCALATE}))
ASK_BACK = replace(NEAR, outcomes=frozenset({CLARIFY, ESCALATE}))


@pytest.mark.parametrize(
    ("golden", "decisions", "expected"),
    [
        (JOIN, [decided(ANSWER, "ga-med")], Grade.RIGHT_ANSWER),
        (JOIN, [decided(ANSWER, "lokaler")], Grade.WRONG_ANSWER),
        (JOIN, [decided(ANSWER, "ga-med"), decided(ANSWER, "lokaler")], Grade.WRONG_ANSWER),
        (JOIN, [decided(ANSWER, "ga-med"), decided(ESCALATE)], Grade.RIGHT_ANSWER),
        (JOIN, [decided(ESCALATE)], Grade.NEEDLESS_PERSON),
        (JOIN, [decided(ROUTE, administration="polisen")], Grade.WRONG_POINTER),
        (JOIN, [decided(IGNORE)], Grade.WRONG_OTHERWISE),
        (EITHER, [decided(ESCALATE)], Grade.RIGHT_OTHERWISE),
        (NEAR, [decided(ANSWER, "bidrag")], Grade.WRONG_ANSWER),
        (NEAR, [decided(ESCALATE)], Grade.RIGHT_OTHERWISE),
        (replace(NEAR, articles=("bidrag",)), [decided(ANSWER, "bidrag")], Grade.WRONG_ANSWER),
        (POLICE, [decided(ROUTE, administration="polisen")], Grade.RIGHT_OTHERWISE),
        (POLICE, [decided(ROUTE, administration="kultur")], Grade.WRONG_POINTER),
        (DANGER, [decided(ESCALATE, is_urgent=True)], Grade.RIGHT_OTHERWISE),
        (DANGER, [decided(ESCALATE)], Grade.WRONG_OTHERWISE),
        (THANKS, [decided(IGNORE)], Grade.RIGHT_OTHERWISE),
        (JOIN, [decided(CLARIFY, choices=("lokaler", "ga-med"))], Grade.RIGHT_CLARIFY),
        (JOIN, [decided(CLARIFY, choices=("lokaler", "bidrag"))], Grade.WRONG_CLARIFY),
        (JOIN, [decided(CLARIFY)], Grade.WRONG_CLARIFY),
        (NEAR, [decided(CLARIFY, choices=("bidrag",))], Grade.WRONG_CLARIFY),
        (ASK_BACK, [decided(CLARIFY, choices=("bidrag",))], Grade.RIGHT_CLARIFY),
        (JOIN, [decided(CLARIFY, choices=("ga-med",)), decided(ESCALATE)], Grade.RIGHT_CLARIFY),
        (JOIN, [decided(CLARIFY, choices=("ga-med",)), decided(ANSWER, "lokaler")], Grade.WRONG_ANSWER),
    ],
)
def test_the_grade_is_strict(golden: GoldenQuestion, decisions: list[Decision], expected: Grade) -> None:
    assert graded(golden, *decisions).grade is expected


def test_to_ask_back_about_somebodys_own_matter_is_to_answer_it() -> None:
    assert graded(OWN, decided(ANSWER, "ga-med")).is_answered
    assert graded(OWN, decided(CLARIFY, choices=("ga-med",))).is_answered
    assert not graded(OWN, decided(ESCALATE)).is_answered
