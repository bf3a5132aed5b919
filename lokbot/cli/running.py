"""The commands that run: demo, run and its parts, migrate, health."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import click

from lokbot import describing, records, service
from lokbot.cli.common import database_in_words, make_var_dir, now, open_store, with_settings
from lokbot.config import Settings, SettingsError
from lokbot.knowledge import loading
from lokbot.model import ChannelError, UserError
from lokbot.store import queries
from lokbot.store.migrations import migrate
from lokbot.store.session import connect


@click.command()
@click.option("--once", is_flag=True, help="End by itself; exit 0 only if every sample ended as it should.")
def demo(once: bool) -> None:
    """The whole path on embedded servers with invented mails: see it work, write your own mail to it."""
    from lokbot import demo as story

    with _stopping() as stop:
        sys.exit(story.run(once=once, stop=stop))


def _run(settings: Settings, parts: tuple[str, ...]) -> None:
    if settings.drafts_allowed:
        raise SettingsError("drafts_allowed: only `lokbot demo` may send what nobody has approved. Remove the setting.")
    if "mail" in parts and not settings.imap.host:
        raise SettingsError("imap.host: no mailbox is set. Copy lokbot.example.yaml to lokbot.yaml and fill it in.")
    if "worker" in parts and not settings.smtp.host:
        raise SettingsError("smtp.host: no server to send through is set. See lokbot.example.yaml.")
    if not settings.coordinators:
        raise SettingsError("coordinators: nobody would hear of what the bot cannot answer. Give at least one address.")
    make_var_dir(settings)
    running = service.open_service(settings)
    with database_in_words():
        migrate(running.engine)
        records.sweep(running.engine, now=now())  # an erasure that was cut short
    loading.load(settings.knowledge_dir, settings.intents_dir)  # broken content stops the start here, with its lines
    log = logging.getLogger(__name__)
    if "web" in parts and (link := service.first_account(running)):
        log.warning("nobody can log in yet; make the first account at %s", link)
    with _stopping() as stop, service.running(running, parts):
        log.info("lokbot %s runs: %s", version("lokbot"), ", ".join(parts))
        stop.wait()


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that Ctrl-C and `kill` set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    yield stop


@click.command()
@with_settings
def run(settings: Settings) -> None:
    """Everything in one process: read the mailbox, handle, send, and the desk."""
    _run(settings, ("mail", "worker", "web"))


@click.command()
@with_settings
def mail(settings: Settings) -> None:
    """Only read the mailbox and store what comes; a `worker` handles it."""
    _run(settings, ("mail",))


@click.command()
@with_settings
def worker(settings: Settings) -> None:
    """Only handle what is stored and send what is queued."""
    _run(settings, ("worker",))


@click.command()
@with_settings
def web(settings: Settings) -> None:
    """Only the desk and the public pages."""
    _run(settings, ("web",))


@click.command("migrate")
@with_settings
def migrate_command(settings: Settings) -> None:
    """Bring the database to this version's tables."""
    make_var_dir(settings)
    engine = connect(settings.database)
    with database_in_words():
        migrate(engine)
    engine.dispose()
    click.echo("The database has this version's tables.")


@click.command()
@with_settings
def balance(settings: Settings) -> None:
    """Count the mailbox against what is stored; exit 0 when everything is accounted for, else 1."""
    if not settings.imap.host:
        raise SettingsError("imap.host: no mailbox is set. Copy lokbot.example.yaml to lokbot.yaml and fill it in.")
    make_var_dir(settings)
    counting = service.open_service(settings)
    try:
        with database_in_words():
            migrate(counting.engine)
            found = service.strike_balance(counting)
    except ChannelError as error:
        raise MailboxError(str(error)) from None
    finally:
        counting.engine.dispose()
    click.echo(describing.balance(found))
    sys.exit(0 if found.adds_up else 1)


class MailboxError(UserError):
    """The mailbox cannot be read; the message says what to look at."""

    exit_code = 6


@click.command()
@with_settings
def health(settings: Settings) -> None:
    """Exit 0 when every part that has started has shown itself within a minute, else 1."""
    with open_store(settings) as session:
        alive, silent = queries.silent_parts(session, now=now(), after=service.SILENCE)
    click.echo(f"alive: {', '.join(alive) or 'none'}; silent: {', '.join(silent) or 'none'}")
    sys.exit(0 if alive and not silent else 1)
