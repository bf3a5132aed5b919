"""The steps from one schema to the next, run by Alembic; ``migrate`` is the one way to take them."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

_LOCK = 5_702_391_104  # any number of our own: two processes that start at once must not both migrate


def config_of(connection: Connection | None = None) -> Config:
    """What Alembic needs to know to run the steps of this directory on ``connection``."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema; safe to call at every start and from several processes at once."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        command.upgrade(config_of(connection), "head")


def is_current(engine: Engine) -> bool:
    """Whether the database has the schema that this code expects."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        return context.get_current_revision() == ScriptDirectory.from_config(config_of()).get_current_head()
