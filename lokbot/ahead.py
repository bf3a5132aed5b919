"""A second process that understands what a backlog holds, while the worker writes what came before.

To understand takes about as long as to write, and Python does one at a time in a process. The process is started when
more waits than one commit takes, gets the worker's own ``Understander``, and ends when nothing waits any more, or with
the worker, however that ends: its input is then closed. Run as ``python -m lokbot.ahead``.
"""

from __future__ import annotations

import logging
import os
import pickle
import select
import subprocess
import sys
import threading
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from queue import Queue
from typing import IO, Any, BinaryIO

from lokbot.model import Understanding
from lokbot.understanding import Active, Understander

log = logging.getLogger(__name__)

Texts = Collection[tuple[str, str]]
"""What is to be understood: texts with their subjects."""

COMMAND = (sys.executable, "-m", "lokbot.ahead")
READY = "ready"
PATIENCE = 30.0  # a part takes a tenth of a second
FAILURES = (OSError, EOFError, pickle.UnpicklingError)


class Helper:
    """The process, for one thread. What it cannot do is left to whoever asks: nothing depends on it. It is ended where
    it takes longer than ``patience`` (seconds) over one part.
    """

    def __init__(self, command: Sequence[str] = COMMAND, patience: float = PATIENCE) -> None:
        self._command = command
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._understander: Understander | None = None
        self._is_ready = False
        self._begun: Texts | None = None

    def read(self, active: Active, parts: Sequence[Texts], following: Texts = ()) -> Generator[Active, None, None]:
        """``active`` for each part of a backlog, in turn, with what the part's texts mean understood. While the caller
        is busy with one part, the next are being understood, and after the last what is likely to come ``following``.
        """
        if not self._can_help(active, parts):
            yield from read_here(active, parts)
            return
        rest = list(parts)
        try:
            if self._begun is not None and not set(rest[0]) <= set(self._begun):
                self._answer()  # to what nobody asks for any more
                self._begun = None
            for texts in rest if self._begun is None else rest[1:]:
                self._ask(list(texts))
            self._begun = list(following) or None
            if self._begun is not None:
                self._ask(self._begun)
            while rest:
                known: Mapping[tuple[str, str], Understanding] = self._answer()
                rest.pop(0)
                yield replace(active, read_ahead=known)
        except FAILURES as error:
            self._give_up(error)
            yield from read_here(active, rest)
        except GeneratorExit:
            self.end()  # an answer that nobody waits for may be on its way
            raise

    def end(self) -> None:
        """Let the process go; it is started again for the next backlog."""
        process, self._process, self._understander, self._is_ready = self._process, None, None, False
        self._begun = None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def _can_help(self, active: Active, parts: Sequence[Texts]) -> bool:
        """Whether the process is there and knows what ``active`` knows. Starts it where it would be of use: until it
        has taken that in, which takes a second, whoever asks does the work.
        """
        # What computes vectors is a process of its own already, and cannot be sent to another.
        if len(parts) < 2 or active.understander.encoder is not None or _processors() < 2:
            return False
        if self._understander is not active.understander:
            self.end()
            self._understander = active.understander  # where it cannot start it is not tried again with the same
            try:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
                self._ask(active.understander)
            except OSError as error:
                self._give_up(error)
        if not self._is_ready and self._process is not None and _has_answered(self._process):
            try:
                self._is_ready = self._answer() == READY
            except FAILURES as error:
                self._give_up(error)
        return self._is_ready

    def _give_up(self, error: Exception) -> None:
        """Do without the process until there is other knowledge or another backlog."""
        log.warning("no second process understands ahead (%s); it is done in this one", type(error).__name__)
        understander = self._understander
        self.end()
        self._understander = understander

    def _ask(self, what: object) -> None:
        with self._in_time() as process:
            assert process.stdin is not None
            send(process.stdin, what)

    def _answer(self) -> Any:
        with self._in_time() as process:
            assert process.stdout is not None
            return pickle.load(process.stdout)

    @contextmanager
    def _in_time(self) -> Iterator[subprocess.Popen[bytes]]:
        """The process, which is killed when it makes the caller wait: its pipes then end, and so does the wait."""
        assert self._process is not None
        timer = threading.Timer(self._patience, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            yield self._process
        finally:
            timer.cancel()


def _has_answered(process: subprocess.Popen[bytes]) -> bool:
    assert process.stdout is not None
    return bool(select.select([process.stdout], [], [], 0)[0])


def read_here(active: Active, parts: Sequence[Texts], _following: Texts = ()) -> Iterator[Active]:
    """``Helper.read`` in this process: each part is understood when its turn has come."""
    for texts in parts:
        try:
            known = active.reading_ahead(texts)
        except Exception as error:  # noqa: BLE001 - the message that does it is found and set aside by whoever asks
            log.warning("could not read ahead: %s", type(error).__name__)
            known = active
        yield known


def send(pipe: IO[bytes], what: object) -> None:
    pickle.dump(what, pipe, pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more requests. The first is an ``Understander``.

    Requests are taken in while others are being answered: whoever asks never waits for that.
    """
    understander: Understander = pickle.load(requests)
    send(answers, READY)
    waiting: Queue[Texts | None] = Queue()

    def take_in() -> None:
        try:
            while True:
                waiting.put(pickle.load(requests))
        except (EOFError, pickle.UnpicklingError):
            waiting.put(None)

    threading.Thread(target=take_in, daemon=True).start()
    while (texts := waiting.get()) is not None:
        known = {}
        for text, subject in texts:
            try:
                known[text, subject] = understander.understand(text, subject=subject)
            except Exception:  # noqa: BLE001 - the parent meets the same, and says which message it was
                continue
        send(answers, known)


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get among the answers
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
