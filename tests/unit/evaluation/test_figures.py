"""All figures, counted on a handful of questions; how they read in a terminal and as a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest

from lokbot.evaluation import baselines, floors, page, text
from lokbot.evaluation.baselines import compare
from lokbot.evaluation.counting import Share
from lokbot.evaluation.figures import NOBODY, Figures, as_json, figures
from lokbot.evaluation.floors import Floors
from lokbot.evaluation.grading import Grade, Graded
from lokbot.model import Article, Outcome
from lokbot.understanding.semantic import Vectors
from tests import sample_knowledge as sample
from tests.unit.evaluation.graded import DANGER, JOIN, NEAR, OWN, POLICE, decided, graded

ANSWER, CLARIFY, ROUTE, ESCALATE, IGNORE = Outcome
ARABIC = replace(JOIN, id="g7", language="ar", style="other-language", outcomes=frozenset({ANSWER, ESCALATE}))

RUN = (
    graded(JOIN, decided(ANSWER, "ga-med", confidence=0.9, administration="samordnare"), seconds=0.004),
    graded(replace(JOIN, id="g8"), decided(ESCALATE, best="ga-med", confidence=0.4), seconds=0.002),
    graded(replace(JOIN, id="g9"), decided(CLARIFY, best="x", confidence=0.3, choices=("x", "ga-med"))),
    graded(replace(JOIN, id="g10", language="en", style="english"), decided(ANSWER, "ga-med", confidence=0.8)),
    graded(NEAR, decided(ANSWER, "bidrag", confidence=0.7)),
    graded(replace(NEAR, id="g11"), decided(ESCALATE)),
    graded(OWN, decided(ESCALATE, intent="own", confidence=1.0, best="ga-med")),
    graded(POLICE, decided(ROUTE, administration="kultur", intent="r")),
    graded(replace(POLICE, id="g12"), decided(ROUTE, administration="polisen", intent="r")),
    graded(DANGER, decided(ESCALATE, is_urgent=True, intent="u")),
    graded(ARABIC, decided(ANSWER, "ga-med", confidence=0.6, administration="kultur")),
    graded(replace(ARABIC, id="g13"), decided(ANSWER, "x", confidence=0.6)),
)


def found() -> Figures:
    return figures(RUN, threshold=0.6)


def test_every_share_counts_its_own_questions() -> None:
    assert found().questions == 12
    assert found().right == Share(1, 3)
    assert found().needless == Share(1, 3)
    assert found().right_english == Share(1, 1)
    assert found().wrong == Share(2, 12)
    assert found().near_wrong == Share(1, 2)
    assert found().never == Share(0, 2)
    assert found().urgent == Share(1, 1)
    assert (found().right_clarify, found().wrong_clarify) == (Share(1, 12), Share(0, 12))
    assert (found().others_right, found().others_wrong) == (Share(1, 2), Share(1, 2))


def test_what_is_offered_to_who_waits_is_counted_apart() -> None:
    run = (
        *RUN,
        graded(replace(JOIN, id="g20"), decided(ESCALATE, best="ga-med", choices=("x", "ga-med"))),
        graded(replace(JOIN, id="g21"), decided(ESCALATE, best="x", choices=("x",))),
        graded(replace(NEAR, id="g22"), decided(ESCALATE, choices=("ga-med",))),
        graded(replace(JOIN, id="g23"), decided(ROUTE, choices=("ga-med",), administration="kultur")),
    )
    counted = figures(run, threshold=0.6)
    assert counted.helped == Share(3, 6)
    assert counted.offered_right == Share(1, 3)
    assert counted.offered_in_vain == Share(1, 5)
    assert counted.right == Share(1, 6)
    assert counted.never == found().never


def test_owners_are_counted_apart_for_those_that_were_named() -> None:
    assert found().owner == Share(2, 4)
    assert found().owner_of_all == Share(2, 8)
    assert found().owners == {"polisen": Share(1, 2), "samordnare": Share(1, 2)}
    assert found().confusion == {
        ("polisen", "kultur"): 1,
        ("polisen", "polisen"): 1,
        ("samordnare", NOBODY): 4,
        ("samordnare", "kultur"): 1,
        ("samordnare", "samordnare"): 1,
    }


def test_what_a_rule_decided_says_nothing_of_the_scores() -> None:
    """The own matter has a right-looking match that no score of ours was asked for."""
    assert found().chosen.total == 7
    assert (found().chosen.answered, found().chosen.right) == (5, 3)
    assert len(found().reliability) == 7


def test_groups_hold_every_question_once() -> None:
    for counts in (found().by_language, found().by_style):
        assert sum(sum(by_grade.values()) for by_grade in counts.values()) == 12
    assert list(found().by_language) == ["sv", "ar", "en"]
    assert found().by_style["near-miss"] == {Grade.WRONG_ANSWER: 1, Grade.RIGHT_OTHERWISE: 1}


def test_latency_is_in_milliseconds() -> None:
    assert (found().p50, found().p99) == (1.0, 4.0)


def test_the_figures_are_json() -> None:
    value = json.loads(json.dumps(as_json(found()), allow_nan=False))
    assert value["right"] == {
        **{"hits": 1, "total": 3, "share": 1 / 3},
        **{"low": found().right.low, "high": found().right.high},
    }
    assert value["by_style"]["near-miss"] == {"wrong-answer": 1, "right-otherwise": 1}
    assert value["chosen"]["coverage"] == 5 / 7


def test_a_run_without_questions_of_a_kind_has_figures_too() -> None:
    empty = figures((), threshold=0.5)
    assert empty.right == Share(0, 0)
    assert "inga frågor" in text.report(empty)
    assert "<svg" in page.report(empty, (), (), {}, HEADING)


def test_the_terminal_shows_shares_tables_and_the_chosen_point() -> None:
    shown = text.report(found())
    assert "Besvarade fel, av alla" in shown
    assert "2/12 = 16,7 % (4,7-44,8 %)" in shown
    assert "<- vald" in shown
    assert "polisen                 1/2" in shown
    assert "kultur 1" in shown


def test_mistakes_are_told_with_what_is_right() -> None:
    lines = text.mistakes(RUN).splitlines()
    assert len(lines) == 4
    assert lines[0] == "g8 i onödan till en person: 'Hur går vi med?' -> till en person 0.40  (rätt: svar ga-med)"


def test_an_explanation_tells_every_rule_and_all_evidence() -> None:
    shown = text.explained(RUN[4], sample.knowledge())
    for words in (
        "Bedömning: fel svar, eftersom boten svarade med bidrag, som inte är ett rätt svar.",
        "Frågad före, utan åsikt: another_rule",
        "lexical: går med (0.50)",
        "near-miss",
    ):
        assert words in shown


# ------------------------------------------------------------------ the page

HEADING = page.Heading("utveckling", datetime(2026, 11, 24, 12, tzinfo=UTC), "0123456789abcdef", "abc")


class Outline(HTMLParser):
    """What a page is made of; fails where a tag is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def shown_page(run: tuple[Graded, ...] = RUN) -> Outline:
    return Outline(page.report(found(), run, (), {}, HEADING))


def test_the_page_needs_nothing_but_itself() -> None:
    html = page.report(found(), RUN, (), {}, HEADING)
    assert "<script" not in html
    assert "http" not in html
    assert "url(" not in html
    assert html.startswith("<!doctype html>")
    assert '<html lang="sv">' in html


def test_every_plot_has_a_title_a_description_and_a_table() -> None:
    outline = shown_page()
    plots = [svg for svg in outline.all("svg") if "aria-hidden" not in svg]
    assert len(plots) == 5
    identities = {attributes["id"] for _, attributes in outline.tags if "id" in attributes}
    for plot in plots:
        assert plot["role"] == "img"
        assert set(str(plot["aria-labelledby"]).split()) <= identities
    assert len(outline.all("title")) == len(plots) + 1
    assert len(outline.all("desc")) == len(plots)
    assert len(outline.all("table")) >= len(plots)
    assert len(outline.all("caption")) == len(outline.all("table"))
    assert all(head.get("scope") for head in outline.all("th"))


def test_a_question_is_text_and_never_code() -> None:
    golden = replace(JOIN, id="g99", text="<script>alert('hej')</script>")
    outline = shown_page((graded(golden, decided(ESCALATE)),))
    assert "<script>alert('hej')</script>" in outline.text
    assert outline.all("script") == []


def test_the_questions_of_a_test_are_not_listed() -> None:
    assert JOIN.text in shown_page().text
    assert JOIN.text not in shown_page(()).text


# ------------------------------------------------------------------ baselines


def articles() -> tuple[Article, ...]:
    return tuple(sample.knowledge().articles.values())


def test_each_baseline_finds_a_wording_of_the_knowledge() -> None:
    for search in (baselines.wratio(articles()), baselines.stems(articles()), baselines.four_grams(articles())):
        assert search(sample.PREMISES)[0] == "lana-lokal"
        assert search(sample.JOIN_EN)[0] == "ga-med"
        assert search("")[1] == 0.0


class Letters:
    """An encoder: how often each letter occurs."""

    def questions(self, texts: Sequence[str]) -> Vectors:
        counts = [[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyzåäö"] for text in texts]
        found = np.asarray(counts, dtype=np.float32)
        unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit

    wordings = passages = questions


class Away(Letters):
    """An encoder whose process is away."""

    def wordings(self, _texts: Sequence[str]) -> Vectors | None:  # type: ignore[override]
        return None


def test_no_vectors_are_said_and_not_guessed() -> None:
    with pytest.raises(LookupError):
        baselines.vectors(articles(), Away())


def test_vectors_search_by_cosine_wherever_there_is_an_encoder() -> None:
    article, cosine = baselines.vectors(articles(), Letters())(sample.AMOUNT)
    assert article == "startbidrag"
    assert abs(cosine - 1) < 1e-6


def test_the_comparison_keeps_the_allowed_rate_on_train_and_lokbots_rules() -> None:
    scores = {JOIN.text: ("ga-med", 0.9), NEAR.text: ("bidrag", 0.5), OWN.text: ("ga-med", 1.0)}
    rows = compare({"prov": lambda text: scores.get(text, ("", 0.0))}, RUN, RUN, wrong_rate=0.0)
    assert [row.name for row in rows] == ["lokbot", "prov"]
    assert rows[0].behind_rules.right == Share(2, 4)
    behind, alone = rows[1].behind_rules, rows[1].alone
    assert behind.threshold == 0.9
    assert behind.right == Share(4, 4)
    assert behind.wrong == Share(0, 12)
    assert alone is not None
    assert alone.right == Share(0, 4), "alone it would have answered somebody's own matter first"
    assert baselines.as_json(rows[1])["alone"]["threshold"] is None
    shown = text.comparison(rows, {"vektorer": "Det finns inga."})
    assert "vektorer: hoppades över. Det finns inga." in shown
    outline = Outline(page.report(found(), RUN, rows, {}, HEADING))
    assert "Jämfört med enklare sökning" in outline.text


# ------------------------------------------------------------------ floors

FLOORS = Floors(
    right_at_least=0.3,
    wrong_at_most=0.2,
    near_misses_wrong_at_most=0.5,
    never_answered_at_most=0,
    urgent_marked_at_least=1,
    owner_right_at_least=0.5,
    calibration_error_at_most=1,
    known_mistakes={"g8": Grade.NEEDLESS_PERSON, "g2": Grade.NEEDLESS_PERSON, "g1": Grade.WRONG_ANSWER},
)


def test_floors_that_hold_say_nothing() -> None:
    assert floors.broken(FLOORS, found()) == ()


def test_a_floor_that_does_not_hold_is_told() -> None:
    broken = FLOORS.model_copy(update={"right_at_least": 0.5, "wrong_at_most": 0.1})
    assert floors.broken(broken, found()) == (
        "besvarade rätt: 33,3 %, minst 50,0 %",
        "besvarade fel: 16,7 %, högst 10,0 %",
    )


def test_what_changed_is_told_question_by_question() -> None:
    changed = floors.changed(FLOORS, RUN)
    assert [line.split(":")[0] for line in changed] == ["ny", "ny", "ny", "rättad"]
    assert "g2 fel svar" in changed[0], "known as another mistake"
    assert changed[-1] == "rättad: g1 (var: fel svar)"
