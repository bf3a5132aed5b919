"""The child process: whatever happens to it, the caller has vectors or None, in time."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from lokbot.vectors.process import Child
from tests.servers import wait_until
from tests.unit.vectors.pretending import CRASH, HANG, NONSENSE

COMMAND = (sys.executable, "-m", "tests.unit.vectors.pretending")
SECONDS = 20.0


class Clock:
    """Real time that can be moved on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def child(clock: Clock) -> Iterator[Child]:
    found = Child(COMMAND, clock)
    yield found
    found.close()


def length(child: Child, text: str, seconds: float = SECONDS) -> float | None:
    found = child.encode("q", [text], seconds=seconds)
    return None if found is None else float(found[0][0])


def test_texts_come_back_as_vectors_in_their_order(child: Child) -> None:
    found = child.encode("p", ["a", "å ä ö", "x" * 100_000], seconds=SECONDS)
    assert found is not None
    assert found[:2].tolist() == [[1.0, 2.0], [5.0, 2.0]]


def test_a_text_longer_than_the_pipe_is_written_in_pieces(child: Child) -> None:
    assert child.encode("q", ["lång text " * 100_000], seconds=SECONDS) is not None


def test_a_child_killed_between_two_questions_is_started_anew(child: Child) -> None:
    assert length(child, "hej") == 3
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    assert length(child, "hej") is None
    assert length(child, "hej igen") == 8


def test_a_child_stopped_between_two_questions_is_given_up_at_the_deadline(child: Child) -> None:
    assert length(child, "hej") == 3
    stopped = child.pid
    assert stopped is not None
    os.kill(stopped, signal.SIGSTOP)
    before = time.monotonic()
    assert length(child, "hej", seconds=0.2) is None
    assert time.monotonic() - before < 5
    with pytest.raises(ProcessLookupError):
        os.kill(stopped, 0)  # killed and waited for: no process is left behind
    assert length(child, "hej igen") == 8


@pytest.mark.parametrize("failure", [CRASH, NONSENSE])
def test_a_failure_at_a_question_is_no_vectors_for_that_question(child: Child, failure: str) -> None:
    assert length(child, failure) is None
    assert length(child, "hej") == 3


def test_a_hang_at_a_question_ends_at_the_deadline(child: Child) -> None:
    assert length(child, "hej") == 3
    assert length(child, HANG, seconds=0.2) is None
    assert length(child, "hej") == 3


def test_after_each_failure_the_pause_is_longer(child: Child, clock: Clock) -> None:
    for pause in (0.0, 1.0, 5.0, 30.0, 120.0, 120.0):
        assert length(child, CRASH) is None
        if pause:
            assert length(child, "hej") is None
            assert child.pid is None, "no new child before the pause is over"
        clock.ahead += pause
    assert length(child, "hej") == 3
    assert length(child, CRASH) is None
    assert length(child, "hej") == 3, "a success forgets the failures before it"


def test_a_program_that_is_not_there_is_no_vectors() -> None:
    missing = Child(("/nonexistent/python",))
    missing.start()
    assert length(missing, "hej") is None


def test_who_finds_the_child_busy_waits_no_longer_than_its_own_deadline(child: Child) -> None:
    assert length(child, "hej") == 3
    busy = threading.Thread(target=length, args=(child, HANG, 2.0))
    busy.start()
    wait_until(lambda: child.is_busy, "a question that hangs")
    before = time.monotonic()
    assert length(child, "hej", seconds=0.1) is None
    assert time.monotonic() - before < 1
    busy.join()


def test_many_threads_share_one_child(child: Child) -> None:
    found: dict[int, float | None] = {}

    def ask(size: int) -> None:
        found[size] = length(child, "x" * size)

    threads = [threading.Thread(target=ask, args=(size,)) for size in range(1, 20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == {size: float(size) for size in range(1, 20)}


def test_many_texts_are_shared_among_children_and_come_back_in_order(child: Child) -> None:
    texts = ["x" * (number % 500) for number in range(2000)]
    found = child.encode_many("p", texts, seconds=SECONDS, cores=3)
    assert found is not None
    assert found[:, 0].tolist() == [float(number % 500) for number in range(2000)]


def test_where_one_of_many_fails_there_are_none(child: Child) -> None:
    texts = ["x" * (number % 500) for number in range(2000)]
    assert child.encode_many("p", [*texts, CRASH], seconds=SECONDS, cores=2) is None
    assert child.encode_many("p", texts[:100], seconds=SECONDS, cores=2) is not None
