"""What the commands share: the time, the settings, a transaction on the store."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click

from lokbot import config, understanding, vectors
from lokbot.config import Settings, SettingsError
from lokbot.knowledge import loading
from lokbot.model import Knowledge, UserError
from lokbot.understanding import Active

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

P = ParamSpec("P")
T = TypeVar("T")


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def with_settings(
    command: Callable[Concatenate[Settings, P], T],
) -> Callable[P, T]:
    """Give a command the settings as its first argument."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        settings = config.load(click.get_current_context().find_root().obj)
        logging.basicConfig(
            level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
        )
        logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every look at the schema
        return command(settings, *args, **kwargs)

    return wrapper


def make_var_dir(settings: Settings) -> None:
    """Make the directory that lokbot writes in. Raises SettingsError where that cannot be."""
    try:
        settings.var_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"var_dir: {settings.var_dir} cannot be made ({error.strerror}). Name a directory that lokbot may write in."
        ) from None


def active_of_files(settings: Settings) -> Active:
    """What the content of the files makes the bot know, drafts and all; the vectors' process ends with the command."""
    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    encoder = vectors.of_use(vectors.for_settings(settings), len(knowledge.articles))
    if encoder is not None:
        click.get_current_context().call_on_close(encoder.close)
        encoder.start()  # loads the model while the articles are indexed
    return Active(knowledge, understanding.build(knowledge, encoder))


def as_it_holds(session: Session, settings: Settings) -> tuple[Settings, Knowledge]:
    """The settings and the content of the files, with what the desk has set over them."""
    from lokbot import desk_settings, desk_texts  # as in ``open_store``

    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    return desk_settings.current(session, settings), desk_texts.current(session, knowledge)


class DatabaseError(UserError):
    """The database cannot be used; the message says what to look at."""

    exit_code = 5


@contextmanager
def database_in_words() -> Iterator[None]:
    """Turn the driver's errors into one message that a person can act on."""
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as error:
        kind = type(error.orig).__name__
        raise DatabaseError(
            f"The database cannot be used ({kind}). Check database_url (SQLite: var_dir) and that it runs."
        ) from None


@contextmanager
def open_store(settings: Settings) -> Iterator[Session]:
    """One transaction on a store that has the schema we expect."""
    # These take half a second to import, which `lokbot ask` can do without.
    from lokbot import desk_settings
    from lokbot.statistics import facts
    from lokbot.store.migrations import is_current
    from lokbot.store.session import connect, session_factory

    make_var_dir(settings)
    engine = connect(settings.database)
    try:
        with database_in_words():
            if not is_current(engine):
                raise SettingsError("The database does not have this version's tables. Run: lokbot migrate")
            sessions = facts.follow(session_factory(engine), lambda session: desk_settings.promise(session, settings))
            with sessions.begin() as session:
                yield session
    finally:
        engine.dispose()
