"""What the loops of one process share: settings, store, the time, and that no error ends a loop.

Each loop survives what it meets: a lost server is tried again with growing waits, a broken message becomes a visible
failure, a database that is away is waited for. Only wrong settings stop the start.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from lokbot.channels.oauth import TokenSource
from lokbot.config import Settings
from lokbot.conversation.pipeline import Plan
from lokbot.model import ChannelError
from lokbot.store import queries
from lokbot.store.schema import OutboxItem
from lokbot.store.session import Sessions

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
BEAT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Observer:
    """Who wants to hear what happens, such as the demo's terminal. Called in the loops' own threads."""

    received: Callable[[int], None] = lambda _message_id: None
    handled: Callable[[int, Plan], None] = lambda _message_id, _plan: None
    sent: Callable[[OutboxItem], None] = lambda _item: None


@dataclass(frozen=True, slots=True)
class Service:
    """What the loops of one process share."""

    settings: Settings
    engine: Engine
    sessions: Sessions
    observer: Observer = Observer()
    tokens: TokenSource | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    news: threading.Event = field(default_factory=threading.Event)
    process: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}")
    _beats: dict[str, float] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def beat(self, part: str) -> None:
        """Show that a part lives; to be called often, written down every ten seconds."""
        if time.monotonic() - self._beats.get(part, -BEAT_SECONDS) < BEAT_SECONDS:
            return
        with self.sessions.begin() as session:
            queries.beat(session, part, self.process, now=clock())
        self._beats[part] = time.monotonic()

    def tell_once(self, what: str) -> None:
        """A warning in the log that need not be repeated as long as this process lives."""
        if what not in self._told:
            log.warning("%s", what)
            self._told.add(what)


def clock() -> datetime:
    """Now, in UTC: the one place where the loops ask the time."""
    return datetime.now(UTC)


def persist(service: Service, doing: str, turn: Callable[[], None]) -> None:
    """Take one ``turn`` after another until told to stop; after an error with growing waits.

    A loop that ended would leave mail lying without anybody knowing, so no error at all may end it.
    """
    wait = FIRST_WAIT
    while not service.stop.is_set():
        began = time.monotonic()
        try:
            turn()
            wait = FIRST_WAIT
        except Exception as error:  # noqa: BLE001 - promise 1: see above
            if time.monotonic() - began > LONGEST_WAIT:  # no timeout is so long, so it went well for a while
                wait = FIRST_WAIT
            asked_for = error.retry_after if isinstance(error, ChannelError) else 0.0
            log.warning("could not %s, trying again in %.0f s: %s", doing, max(wait, asked_for), loggable(error))
            service.stop.wait(max(wait, asked_for))
            wait = min(wait * 2, LONGEST_WAIT)


def loggable(error: Exception) -> str:
    """A ChannelError names host and remedy; the words of any other may hold what somebody wrote."""
    if isinstance(error, ChannelError):
        return str(error)
    if isinstance(error, DBAPIError):
        code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
        return f"{type(error.orig).__name__} {code or ''}".strip()
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {place.name} line {place.lineno}"
