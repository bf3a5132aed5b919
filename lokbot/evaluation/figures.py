"""All figures of a run over golden questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lokbot.evaluation.counting import (
    Bin,
    Point,
    Scored,
    Share,
    at_threshold,
    bins,
    calibration_error,
    curve,
    percentile,
    share_as_json,
)
from lokbot.evaluation.grading import NEVER_ANSWERED, Grade, Graded, is_scored
from lokbot.model import Outcome

NOBODY = "-"
"""Stands for the owner where none was named."""

Counts = Mapping[str, Mapping[Grade, int]]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run gave. *Answerable* questions are those whose only right outcome is an answer.

    ``right`` and ``needless`` count answerable Swedish questions, ``right_english`` English ones, ``wrong`` and the
    clarifications all questions, ``near_wrong`` near misses, ``never`` what only a person may answer, ``urgent`` how
    many of the urgent were marked so, ``others_*`` what is in neither language. ``helped`` counts answerable Swedish
    questions that were answered right, or whose asker was offered a right answer while they wait; ``offered_right``
    those among all that needlessly went to a person, ``offered_in_vain`` what rightly did and was offered something.
    ``owner`` counts questions with a known owner for which the bot named one, ``owner_of_all`` those for which it did
    not too. ``confusion`` counts (right owner, named owner).
    """

    questions: int
    right: Share
    right_english: Share
    needless: Share
    helped: Share
    offered_right: Share
    offered_in_vain: Share
    wrong: Share
    wrong_pointer: Share
    near_wrong: Share
    never: Share
    urgent: Share
    right_clarify: Share
    wrong_clarify: Share
    others_right: Share
    others_wrong: Share
    owner: Share
    owner_of_all: Share
    owners: Mapping[str, Share]
    confusion: Mapping[tuple[str, str], int]
    by_language: Counts
    by_style: Counts
    chosen: Point
    curve: tuple[Point, ...]
    reliability: tuple[Bin, ...]
    calibration_error: float
    p50: float
    p99: float


def figures(graded: Sequence[Graded], *, threshold: float) -> Figures:
    """All figures. ``threshold`` is the confidence that the bot answered with, marked as the chosen point."""

    def share(condition: Callable[[Graded], bool], of: Callable[[Graded], bool] = lambda _: True) -> Share:
        return Share.of(condition(one) for one in graded if of(one))

    def has(*grades: Grade) -> Callable[[Graded], bool]:
        return lambda one: one.grade in grades

    scored = scores(graded)
    reliability = bins(scored)
    pairs = [(one.golden.administration, named_owner(one)) for one in graded if one.golden.administration]
    named = [(right, got) for right, got in pairs if got != NOBODY]
    return Figures(
        questions=len(graded),
        right=share(has(Grade.RIGHT_ANSWER), _answerable("sv")),
        right_english=share(has(Grade.RIGHT_ANSWER), _answerable("en")),
        needless=share(has(Grade.NEEDLESS_PERSON), _answerable("sv")),
        helped=share(lambda one: one.grade is Grade.RIGHT_ANSWER or one.is_offered_right, _answerable("sv")),
        offered_right=share(lambda one: one.is_offered_right, has(Grade.NEEDLESS_PERSON)),
        offered_in_vain=share(lambda one: bool(one.offered), has(Grade.RIGHT_OTHERWISE)),
        wrong=share(has(Grade.WRONG_ANSWER)),
        wrong_pointer=share(has(Grade.WRONG_POINTER)),
        near_wrong=share(has(Grade.WRONG_ANSWER), lambda one: one.golden.style == "near-miss"),
        never=share(lambda one: one.is_answered, lambda one: one.golden.style in NEVER_ANSWERED),
        urgent=share(lambda one: one.is_marked_urgent, lambda one: one.golden.is_urgent),
        right_clarify=share(has(Grade.RIGHT_CLARIFY)),
        wrong_clarify=share(has(Grade.WRONG_CLARIFY)),
        others_right=share(has(Grade.RIGHT_ANSWER), _has_an_answer_in_another_language),
        others_wrong=share(has(Grade.WRONG_ANSWER), _is_in_another_language),
        owner=Share.of(right == got for right, got in named),
        owner_of_all=Share.of(right == got for right, got in pairs),
        owners={
            owner: Share.of(got == owner for right, got in named if right == owner)
            for owner in sorted({right for right, _ in named})
        },
        confusion=dict(sorted(Counter(pairs).items())),
        by_language=_counts(graded, lambda one: one.golden.language),
        by_style=_counts(graded, lambda one: one.golden.style),
        chosen=at_threshold(scored, threshold),
        curve=curve(scored),
        reliability=reliability,
        calibration_error=calibration_error(reliability),
        p50=1000 * percentile((one.seconds for one in graded), 0.5),
        p99=1000 * percentile((one.seconds for one in graded), 0.99),
    )


def _answerable(language: str) -> Callable[[Graded], bool]:
    return lambda one: one.golden.language == language and one.golden.outcomes == {Outcome.ANSWER}


def _is_in_another_language(graded: Graded) -> bool:
    return graded.golden.language not in ("sv", "en")


def _has_an_answer_in_another_language(graded: Graded) -> bool:
    return _is_in_another_language(graded) and bool(graded.golden.articles)


def _counts(graded: Sequence[Graded], group: Callable[[Graded], str]) -> Counts:
    found: dict[str, Counter[Grade]] = {}
    for one in graded:
        found.setdefault(group(one), Counter())[one.grade] += 1
    return dict(sorted(found.items(), key=lambda entry: (-entry[1].total(), entry[0])))


def scores(graded: Sequence[Graded]) -> tuple[Scored, ...]:
    """The confidence in the best article of each question that the scores had a say in, and whether it was right."""
    return tuple(
        Scored(best.confidence, best.article in one.golden.articles)
        for one in graded
        for decision in one.asked.decisions
        if is_scored(decision) and (best := decision.question.best()) is not None
    )


def named_owner(graded: Graded) -> str:
    """Whose matter the bot said it is: the right owner where one of the decisions names it, else the first named."""
    named = [decision.administration for decision in graded.asked.decisions if decision.administration]
    if graded.golden.administration in named:
        return str(graded.golden.administration)
    return named[0] if named else NOBODY


def as_json(found: Figures) -> dict[str, Any]:
    """The figures as plain JSON values; shares with their bounds."""
    plain: dict[str, Any] = {}
    for name in Figures.__slots__:
        value = getattr(found, name)
        if isinstance(value, Share):
            plain[name] = share_as_json(value)
        elif isinstance(value, Point):
            plain[name] = _point(value)
        else:
            plain[name] = value
    plain["owners"] = {owner: share_as_json(share) for owner, share in found.owners.items()}
    plain["confusion"] = [
        {"right": right, "named": got, "count": count} for (right, got), count in found.confusion.items()
    ]
    plain["curve"] = [_point(point) for point in found.curve]
    plain["reliability"] = [
        {"count": one.count, "confidence": one.confidence, "accuracy": share_as_json(one.accuracy)}
        for one in found.reliability
    ]
    return plain


def _point(point: Point) -> dict[str, float]:
    return {**asdict(point), "coverage": point.coverage, "precision": point.precision}
