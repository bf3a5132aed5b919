"""Fitting: the same numbers each time, proved on questions they were not fitted on, thresholds that keep their rate."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest

from lokbot import training
from lokbot.model import GoldenQuestion, Knowledge, Outcome
from lokbot.training import Example, Judged
from lokbot.understanding import LEXICAL, confidence
from lokbot.understanding.confidence import Circumstances
from tests.unit.understanding.knowledge_sample import KNOWLEDGE

OUT_OF_SCOPE = (
    "Vad kostar en påse potatis?",
    "Hur mycket får vi i bidrag nästa år?",
    "Vem är ordförande i schackklubben?",
    "När öppnar badhuset på julafton?",
    "Kan ni laga vår skrivare?",
    "Hur varmt är det i havet?",
)


@cache
def knowledge() -> Knowledge:
    asked: list[tuple[str, tuple[str, ...]]] = [
        (f"Jag undrar: {question.lower()}", (article.id,))
        for article in KNOWLEDGE.articles.values()
        for question in article.texts["sv"].questions[:3]
    ]
    asked += [(question, ()) for question in OUT_OF_SCOPE]
    golden = tuple(
        GoldenQuestion(
            id=f"g{number}",
            text=text,
            language="sv",
            style="plain" if articles else "near-miss",
            outcomes=frozenset({Outcome.ANSWER if articles else Outcome.ESCALATE}),
            articles=articles,
        )
        for number, (text, articles) in enumerate(asked)
    )
    return replace(KNOWLEDGE, golden=golden)


def test_the_same_knowledge_gives_the_same_file() -> None:
    first, second = (training.as_text(training.train(knowledge(), None), {}) for _ in range(2))
    assert first == second
    assert list(confidence.read(first)) == [LEXICAL]


def test_a_calibration_that_was_not_fitted_stays_as_it_was() -> None:
    text = training.as_text(training.train(knowledge(), None), confidence.fitted())
    assert confidence.read(text).keys() == confidence.fitted().keys()
    assert json.loads(text)["models"]["semantic"]["trust"]["weights"] == dict(
        confidence.fitted()["semantic"].trust.weights
    )


def test_every_golden_question_with_a_candidate_is_judged_once() -> None:
    fitted = training.train(knowledge(), None)
    ids = [each.example.id for each in fitted.judged[LEXICAL]]
    assert len(ids) == len(set(ids)) > len(knowledge().golden) * 0.9
    report = training.report(knowledge(), fitted)
    assert "Nästan-träffar" in report


def test_a_part_turned_off_weighs_nothing() -> None:
    fitted = training.train(knowledge(), None, without=frozenset({"ratio"}))
    assert "ratio" not in fitted.models[LEXICAL].trust.weights
    assert "utan rapidfuzz" in training.ablation(knowledge(), None)


def judged(confidence: float, *, is_right: bool, is_decided_by_rule: bool = False) -> Judged:
    right = frozenset({"a"}) if is_right else frozenset[str]()
    example = Example("", "", "sv", "", right, (), (), Circumstances(), is_decided_by_rule=is_decided_by_rule)
    return Judged(example, "a", confidence)


def test_a_threshold_lets_no_more_wrong_answers_through_than_its_rate() -> None:
    wrong = [judged(0.4 + n / 100, is_right=False) for n in range(50)]
    right = [judged(0.5 + n / 100, is_right=True) for n in range(50)]
    decided = [judged(0.99, is_right=False, is_decided_by_rule=True)]
    for rate, least in training.thresholds([*wrong, *right, *decided], asked=100):
        assert sum(each.confidence >= least for each in wrong) <= rate * 100


def test_near_misses_that_look_like_wordings_make_the_thresholds_stricter() -> None:
    golden, wordings, _ = training.examples(knowledge(), None)
    sly = [replace(each, style="near-miss", right=frozenset[str](), weight=0.0) for each in wordings]
    plain, _ = training.fit(golden, wordings, is_semantic=False)
    warned, _ = training.fit(golden, [*wordings, *sly], is_semantic=False)
    assert warned.trust == plain.trust, "they weigh nothing in the fit, and yet"
    assert warned.threshold(0.01) > plain.threshold(0.01)
    assert training.stricter(((0.01, 0.9), (0.02, 0.7)), ((0.01, 0.8), (0.02, 0.75))) == ((0.01, 0.9), (0.02, 0.75))


@pytest.mark.parametrize(("told", "error"), [(0.5, 0.0), (0.9, 0.4)])
def test_the_calibration_error_is_how_far_the_told_is_from_what_was(told: float, error: float) -> None:
    found = [judged(told, is_right=n % 2 == 0) for n in range(100)]
    assert training.calibration_error(found) == pytest.approx(error)


def test_the_area_is_a_half_where_nothing_is_told_apart() -> None:
    assert training.area([judged(0.5, is_right=True), judged(0.5, is_right=False)]) == 0.5
    assert training.area([judged(0.6, is_right=True), judged(0.5, is_right=False)]) == 1.0


def test_near_misses_teach_that_nothing_answers_them() -> None:
    near = tuple(
        f"Hur {each} är avtalet?" for each in ("långt", "tungt", "dyrt", "gammalt", "snabbt", "tjockt", "fint")
    )
    first = next(iter(knowledge().articles.values()))
    known = replace(knowledge(), articles={**knowledge().articles, first.id: replace(first, near_misses=near)})
    examples = [each for each in training.content_examples(known, None) if each.style == "near-miss"]
    assert examples
    assert {each.id for each in examples} <= set(near)
    assert all(each.right == frozenset() and each.group == first.id for each in examples)
    assert all(each.style == "wording" for each in training.content_examples(knowledge(), None))
