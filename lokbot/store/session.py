"""Connections: SQLite made durable and safe for several writers, PostgreSQL as it is; locks that die with us."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

Sessions = sessionmaker[Session]

# The turns that those share who decide what the bot says, and that who silences it takes.
ANSWERING = "answering"

# How often to try to turn a new SQLite file's journal to WAL while others do the same.
_TURNS = 20
# How long whoever writes waits for others, and how often it looks.
_TIMEOUT, _LOOK_AGAIN = 30, 0.002  # seconds
# How long a scrubbing waits for others: they take milliseconds, or as long as they like.
_PATIENCE = 2000  # milliseconds


def connect(url: str) -> Engine:
    """An engine for ``url`` (SQLite or PostgreSQL). Makes the SQLite file's directory where it is missing."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).resolve().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": _TIMEOUT})
    event.listen(engine, "connect", _make_durable)
    waiting = threading.Lock()
    event.listen(engine, "begin", lambda connection: _begin_as_writer(connection, waiting))
    return engine


def session_factory(engine: Engine) -> Sessions:
    """Sessions that keep what they loaded after a commit (the loops read a row's id when its work is done)."""
    return sessionmaker(engine, expire_on_commit=False)


def reading(sessions: Sessions) -> Sessions:
    """The same store for those who only read: on SQLite they wait for nobody who writes, and nobody for them."""
    engine: Engine = sessions.kw["bind"]
    return sessionmaker(engine.execution_options(is_reading=True), expire_on_commit=False, autoflush=False)


def _make_durable(connection: Any, _record: Any) -> None:
    # The driver's own transaction handling is switched off, so that BEGIN is ours to say.
    connection.isolation_level = None
    cursor = connection.cursor()
    _write_ahead(cursor)
    # FULL: a commit is on the disk before anybody hears of it ("nothing is lost").
    for pragma in ("synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Keep the journal as WAL, so that others read while one writes. The file remembers it: only the first one turns.

    Where several open a new file at once, all but one are told at once that it is locked, whatever the timeout; to
    begin and end a transaction does wait, and then the turn is made or can be.
    """
    for _ in range(_TURNS):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("COMMIT")
    cursor.execute("PRAGMA journal_mode = WAL")


def _begin_as_writer(connection: Connection, waiting: threading.Lock) -> None:
    # A deferred transaction that reads first and writes later fails at once with "database is locked" when another
    # wrote in between, whatever the timeout; IMMEDIATE waits its turn instead.
    if connection.get_execution_options().get("is_reading", False):
        connection.exec_driver_sql("BEGIN")
        return
    # SQLite's own waiting sleeps longer and longer, up to a tenth of a second, and whoever writes again and again is
    # back before it wakes: a click in the desk would wait for a whole backlog. So the waiting is done here.
    deadline = time.monotonic() + _TIMEOUT
    # One thread of a process looks at a time: forty that look again every two milliseconds leave Python no time for the
    # one that writes (measured with a hundred web chats at once).
    is_first = waiting.acquire(timeout=_TIMEOUT)
    try:
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except OperationalError as error:
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise
            time.sleep(_LOOK_AGAIN)
    finally:
        if is_first:
            waiting.release()
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {_TIMEOUT * 1000}")


def scrub(engine: Engine) -> bool:
    """Write SQLite's file anew and empty its journal: both still hold, in places, what rows said before an erasure.

    ``PRAGMA secure_delete`` does not do it: what a page held before its cells were moved to another stays in it
    (measured: words of 3 in 150 erased conversations). Takes some seconds for each gigabyte, in which others read but
    wait to write, and needs as much room again for a while. Returns False where somebody else held the file for too
    long; call it again. On PostgreSQL there is nothing to do: its own VACUUM runs by itself.
    """
    if engine.dialect.name != "sqlite":
        return True
    with engine.connect() as connection:
        # SQLAlchemy has begun a transaction, and within one neither may be done.
        connection.exec_driver_sql("ROLLBACK")
        usual = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {_PATIENCE}")
        try:
            connection.exec_driver_sql("VACUUM")
            return not connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        except OperationalError as error:
            if _is_busy(error):
                return False
            raise
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {usual}")


def _is_busy(error: OperationalError) -> bool:
    return getattr(error.orig, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


@contextmanager
def exclusive(engine: Engine, name: str, directory: Path) -> Iterator[bool]:
    """Hold the one lock called ``name``; yields False when another process holds it.

    An advisory lock on PostgreSQL, a file lock in ``directory`` beside SQLite: both end when the process dies, however.
    """
    if engine.dialect.name == "postgresql":
        key = _key(name)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            held = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}))
            try:
                yield held
            finally:
                if held:
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
        return
    directory.mkdir(parents=True, exist_ok=True)
    file = os.open(directory / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(file)


def take_turns(session: Session, name: str) -> None:
    """Wait until nobody else is in a transaction that has called this with ``name``; others wait for ours to end.

    On SQLite there is nothing to do: whoever writes is alone.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _key(name)})


def share_turns(session: Session, name: str) -> None:
    """Wait until nobody is in a transaction that has called ``take_turns`` with ``name``; whoever wants to be in one
    waits for ours to end, others who share do not.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _key(name)})


def _key(name: str) -> int:
    """PostgreSQL's advisory locks have numbers of 64 bits for names."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
