"""Fixtures for tests of what is stored: each runs on SQLite and on PostgreSQL, in a database of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from lokbot.config import Settings
from lokbot.statistics import facts
from lokbot.store.migrations import migrate
from lokbot.store.schema import Base
from lokbot.store.session import Sessions, connect, session_factory
from tests.servers import PostgresCluster


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The kinds of database that lokbot runs on, in turn."""
    kind: str = request.param
    return kind


@pytest.fixture
def empty_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if database == "sqlite":
        return f"sqlite:///{tmp_path / 'lokbot.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with this version's tables, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "lokbot.db"
    engine = connect(f"sqlite:///{file}")
    migrate(engine)
    engine.dispose()
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres_cluster: PostgresCluster) -> str:
    """A PostgreSQL database with this version's tables, emptied before each test: much quicker than a new one."""
    url = postgres_cluster.create_database()
    engine = connect(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture
def emptied_postgres_url(migrated_postgres: str) -> str:
    """For what can only happen on PostgreSQL: on SQLite, whoever writes is alone."""
    engine = connect(migrated_postgres)
    with engine.begin() as connection:
        tables = ", ".join(f'"{table}"' for table in (*Base.metadata.tables, "search"))
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    engine.dispose()
    return migrated_postgres


@pytest.fixture
def postgres(emptied_postgres_url: str) -> Iterator[Engine]:
    engine = connect(emptied_postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture
def database_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with this version's tables and nothing in them."""
    if database == "sqlite":
        file: Path = request.getfixturevalue("migrated_file")
        return f"sqlite:///{shutil.copy(file, tmp_path)}"
    url: str = request.getfixturevalue("emptied_postgres_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    """As in a running lokbot: whatever is committed, its facts are."""
    return facts.follow(session_factory(engine), lambda _: Settings().promise)
