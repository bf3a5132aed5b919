"""Connections: SQLite made durable and safe for several writers, PostgreSQL as it is; locks that die with us."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.orm import Session, sessionmaker

Sessions = sessionmaker[Session]

# How often to try to turn a new SQLite file's journal to WAL while others do the same.
_TURNS = 20


def connect(url: str) -> Engine:
    """An engine for ``url`` (SQLite or PostgreSQL). Makes the SQLite file's directory where it is missing."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).resolve().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": 30})
    event.listen(engine, "connect", _make_durable)
    event.listen(engine, "begin", _begin_as_writer)
    return engine


def session_factory(engine: Engine) -> Sessions:
    """Sessions that keep what they loaded after a commit (the loops read a row's id when its work is done)."""
    return sessionmaker(engine, expire_on_commit=False)


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


def _begin_as_writer(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later fails at once with "database is locked" when another
    # wrote in between, whatever the timeout; IMMEDIATE waits its turn instead.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


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


def _key(name: str) -> int:
    """PostgreSQL's advisory locks have numbers of 64 bits for names."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
