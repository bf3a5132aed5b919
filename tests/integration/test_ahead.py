"""A backlog understood by a real second process: the same as here, and without it all goes on."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from lokbot import ahead
from lokbot.ahead import Helper
from lokbot.understanding import Active, build
from tests import sample_knowledge

ARTICLES = sample_knowledge.knowledge().articles.values()
QUESTIONS = [question for article in ARTICLES if (text := article.text("sv")) for question in text.questions]
PARTS = [{(question, "Fråga")} for question in QUESTIONS[:4]]


@pytest.fixture
def active() -> Active:
    knowledge = sample_knowledge.knowledge()
    return Active(knowledge, build(knowledge))


@pytest.fixture
def helper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Helper]:
    monkeypatch.setattr(ahead, "_processors", lambda: 2)
    helper = Helper()
    yield helper
    helper.end()


def made_ready(helper: Helper, active: Active) -> int:
    """Ask until the process has taken the knowledge in; its number."""
    while not helper._can_help(active, PARTS):
        pass
    assert helper._process is not None
    return helper._process.pid


def test_what_the_second_process_understands_is_what_this_one_would(helper: Helper, active: Active) -> None:
    process = made_ready(helper, active)
    understood = [dict(each.read_ahead) for each in helper.read(active, PARTS)]
    assert understood == [dict(each.read_ahead) for each in ahead.read_here(active, PARTS)]
    assert helper._process is not None
    assert helper._process.pid == process
    # A wording that is told from others by its very words, too: nothing in there may be true of one process only.
    best = next(iter(understood[0].values())).questions[0].best()
    assert best is not None
    assert best.evidence[0].matcher == "wording"


def test_what_is_likely_to_follow_is_understood_before_it_is_asked_for(
    helper: Helper, active: Active, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = made_ready(helper, active)
    now, then = PARTS[:2], PARTS[2:]
    here = [dict(each.read_ahead) for each in ahead.read_here(active, PARTS)]
    understood = [dict(each.read_ahead) for each in helper.read(active, now, then[0])]
    sent: list[object] = []
    ask = helper._ask

    def note(what: object) -> None:
        sent.append(what)
        ask(what)

    monkeypatch.setattr(helper, "_ask", note)
    understood += [dict(each.read_ahead) for each in helper.read(active, then)]
    assert understood == here
    assert sent == [list(then[1])], "the first of them had been asked for"
    assert helper._process is not None
    assert helper._process.pid == process


def test_what_was_expected_and_did_not_follow_is_no_answer_to_what_did(helper: Helper, active: Active) -> None:
    process = made_ready(helper, active)
    list(helper.read(active, PARTS[:2], PARTS[2]))
    understood = [dict(each.read_ahead) for each in helper.read(active, [PARTS[3], PARTS[0]])]
    assert understood == [dict(each.read_ahead) for each in ahead.read_here(active, [PARTS[3], PARTS[0]])]
    assert helper._process is not None
    assert helper._process.pid == process


def test_a_process_that_dies_on_the_way_is_done_without(helper: Helper, active: Active) -> None:
    made_ready(helper, active)
    turns = helper.read(active, PARTS)
    understood = [next(turns)]
    assert helper._process is not None
    helper._process.kill()
    understood += turns
    assert [set(each.read_ahead) for each in understood] == PARTS


def test_a_process_that_hangs_is_not_waited_for(helper: Helper, active: Active) -> None:
    process = made_ready(helper, active)
    helper._patience = 0.5
    os.kill(process, signal.SIGSTOP)
    os.waitid(os.P_PID, process, os.WSTOPPED)  # before it is asked: else it may have answered all
    understood = list(helper.read(active, PARTS))
    assert [set(each.read_ahead) for each in understood] == PARTS
    assert helper._process is None


def test_a_process_that_cannot_start_is_done_without(helper: Helper, active: Active) -> None:
    helper._command = (sys.executable, "-c", "")
    assert [set(each.read_ahead) for each in helper.read(active, PARTS)] == PARTS
    assert [set(each.read_ahead) for each in helper.read(active, PARTS)] == PARTS


def test_whoever_turns_away_leaves_no_answer_for_the_next(helper: Helper, active: Active) -> None:
    made_ready(helper, active)
    turns = helper.read(active, PARTS)
    next(turns)
    turns.close()
    assert helper._process is None
    made_ready(helper, active)
    assert [set(each.read_ahead) for each in helper.read(active, PARTS)] == PARTS
