"""The parent's side: a child process with a deadline, killed when it is late, started anew with growing pauses.

The model is native code. A crash there, a hang, a processor it was not built for: all end in the child, and the
question is understood by words alone.
"""

from __future__ import annotations

import json
import logging
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from time import monotonic
from typing import IO

import numpy as np

from lokbot.understanding.semantic import Vectors

log = logging.getLogger(__name__)

START_SECONDS = 20.0  # to load the model from a slow disk, beside the deadline of the first question
_PAUSES = (0.0, 1.0, 5.0, 30.0, 120.0)  # after so many failures in a row no new child is started for so long
_BATCH = 16  # texts given to a child at a time where there are many
_WORTH_A_CHILD = 20  # batches; fewer are done before it has loaded the model
# As a file, not as a module of the package: all that lokbot imports would be another 28 megabytes. -P: modules beside
# the file must not hide those of the standard library.
COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("child.py")))


class Late(Exception):
    """The child did not answer in time, or is gone."""


class Child:
    """One child at most, shared by threads; a thread that finds it busy waits no longer than its own deadline."""

    def __init__(self, command: Sequence[str] = COMMAND, clock: Callable[[], float] = monotonic) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._command = command
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._not_before = 0.0

    def __del__(self) -> None:
        self._end()  # a child that nobody can ask any more

    @property
    def pid(self) -> int | None:
        """The process that runs now, if one does."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start loading the model, so that the first question need not wait for it."""
        with self._lock:
            self._running()

    def encode(self, kind: str, texts: Sequence[str], *, seconds: float) -> Vectors | None:
        """The texts' vectors, "q" for questions or "p" for passages; None after ``seconds`` or a failure."""
        until = self._clock() + seconds
        if not self._lock.acquire(timeout=seconds):
            return None
        try:
            if self._clock() < self._not_before:
                return None
            is_new = self._process is None
            process = self._running()
            if process is None:
                return None
            try:
                found = self._ask(process, kind, texts, until + (START_SECONDS if is_new else 0.0))
            except (Late, OSError, ValueError) as error:
                self._fail(type(error).__name__)
                return None
            self._failures = 0
            return found
        finally:
            self._lock.release()

    def encode_many(self, kind: str, texts: Sequence[str], *, seconds: float, cores: int) -> Vectors | None:
        """As ``encode``, for thousands of texts: ``seconds`` are for a batch of them, and where it is worth it further
        children of the kind work beside this one, one for each of ``cores``, until all is done.
        """
        batches = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
        beside = [Child(self._command, self._clock) for _ in range(min(cores, len(batches) // _WORTH_A_CHILD) - 1)]
        free: SimpleQueue[Child] = SimpleQueue()
        for child in (self, *beside):
            free.put(child)

        def encoded(batch: Sequence[str]) -> Vectors | None:
            child = free.get()
            try:
                return child.encode(kind, batch, seconds=seconds)
            finally:
                free.put(child)

        try:
            with ThreadPoolExecutor(1 + len(beside)) as pool:
                found = list(pool.map(encoded, batches))
        finally:
            for child in beside:
                child.close()
        whole = [vectors for vectors in found if vectors is not None]
        return np.concatenate(whole) if len(whole) == len(batches) else None

    @property
    def is_busy(self) -> bool:
        """Whether some thread waits for the child just now."""
        return self._lock.locked()

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end()

    def _running(self) -> subprocess.Popen[bytes] | None:
        if self._process is None:
            try:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
                )
            except OSError as error:
                self._fail(type(error).__name__)
                return None
            assert self._process.stdin is not None
            os.set_blocking(self._process.stdin.fileno(), False)
        return self._process

    def _ask(self, process: subprocess.Popen[bytes], kind: str, texts: Sequence[str], until: float) -> Vectors:
        assert process.stdin is not None
        assert process.stdout is not None
        request = json.dumps({"kind": kind, "texts": list(texts)}).encode() + b"\n"
        self._write(process.stdin, request, until)
        head = bytearray()
        while not head.endswith(b"\n"):
            head += self._read(process.stdout, 1, until)
        shape = json.loads(head)
        size = shape["rows"] * shape["columns"] * 4
        body = bytearray()
        while len(body) < size:
            body += self._read(process.stdout, size - len(body), until)
        found: Vectors = np.frombuffer(bytes(body), dtype=np.float32).reshape(shape["rows"], shape["columns"])
        if len(found) != len(texts) or not np.isfinite(found).all():
            raise ValueError("not the vectors that were asked for")
        return found

    def _write(self, pipe: IO[bytes], data: bytes, until: float) -> None:
        rest = memoryview(data)
        while rest:
            _, ready, _ = select.select([], [pipe], [], max(0.0, until - self._clock()))
            if not ready:
                raise Late
            rest = rest[os.write(pipe.fileno(), rest) :]

    def _read(self, pipe: IO[bytes], size: int, until: float) -> bytes:
        ready, _, _ = select.select([pipe], [], [], max(0.0, until - self._clock()))
        if not ready:
            raise Late
        found = os.read(pipe.fileno(), size)
        if not found:
            raise Late
        return found

    def _fail(self, why: str) -> None:
        self._end()
        pause = _PAUSES[min(self._failures, len(_PAUSES) - 1)]
        self._failures += 1
        self._not_before = self._clock() + pause
        log.warning("the process for sentence vectors failed (%s); by words alone for %.0f s", why, pause)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
