"""Several at once: threads that start together, and whether one waits for another's lock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Engine, text

T = TypeVar("T")


def in_threads(count: int, act: Callable[[int], T]) -> list[T]:
    """``act`` by so many threads that start at the same moment; gives their results, raises their errors."""
    gate = threading.Barrier(count)

    def run(number: int) -> T:
        gate.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(run, number) for number in range(count)]]


def waits_for_a_lock(engine: Engine) -> bool:
    """Whether a connection to this PostgreSQL database waits for what another holds."""
    with engine.connect() as connection:
        waiting = connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        )
    return bool(waiting)
