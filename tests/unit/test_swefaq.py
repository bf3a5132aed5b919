"""The measure on SweFAQ: how a file is read, how ranks and ties are counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lokbot import swefaq
from lokbot.cli import main
from lokbot.swefaq import Questions, judge

ANSWERS = ["Ansök om pass hos polisen.", "Skatten betalas in i mars.", "Parkera på torget mot avgift."]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows = [
        {"question": q, "candidate_answers": ANSWERS, "label": n, "category_id": 1, "meta": {"category": "Allt"}}
        for n, q in enumerate(["Var ansöker jag om pass?", "När betalas skatten in?", "Var får man parkera?"])
    ]
    found = tmp_path / "swefaq.jsonl"
    found.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return found


def test_the_answers_of_all_rows_are_pooled_once(file: Path) -> None:
    questions = swefaq.read(file)
    assert questions.answers == tuple(ANSWERS)
    assert questions.right == (0, 1, 2)


def test_words_find_what_shares_them(file: Path) -> None:
    figures = swefaq.measure(swefaq.read(file))
    assert figures[swefaq.WITHOUT_VECTORS].recall == 1.0
    assert swefaq.WITH_VECTORS not in figures


def test_ties_count_as_the_mean_rank_and_the_category_is_judged_by_itself() -> None:
    questions = Questions(("?",), ("a", "b", "c"), ("", "", ""), (1, 1, 2), (0,))
    tied = judge(np.array([[1.0, 1.0, 0.0]]), questions)
    assert tied.recall == 0.0
    assert tied.gain == pytest.approx(1 / np.log2(2.5))
    beaten_outside = judge(np.array([[1.0, 0.0, 2.0]]), questions)
    assert (beaten_outside.recall, beaten_outside.accuracy) == (0.0, 1.0)


def test_the_command_prints_the_table_or_says_what_is_wrong(file: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["evaluate", "--swefaq", str(file)], env={"LOKBOT_SEMANTIC": "off"})
    assert run.exit_code == 0
    assert "lokbot utan vektorer" in run.output
    (tmp_path / "other.jsonl").write_text('{"a": 1}')
    wrong = CliRunner().invoke(main, ["evaluate", "--swefaq", str(tmp_path / "other.jsonl")])
    assert wrong.exit_code != 0
