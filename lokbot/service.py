"""The long-running loops: read the mailbox, handle what is stored, send what is queued. Wired here, used by the cli.

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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from lokbot.channels import mime
from lokbot.channels.imap import FetchedMail, Mailbox, MailboxSettings, VanishedMail
from lokbot.channels.smtp import SmtpChannel, SmtpSettings
from lokbot.config import Settings
from lokbot.content import Content
from lokbot.conversation import delivery, intake, pipeline
from lokbot.conversation.intake import Received
from lokbot.conversation.pipeline import Plan
from lokbot.model import LEFT_ON_SERVER, ChannelError, ChannelName, IncomingMessage
from lokbot.store import mailboxes, queries
from lokbot.store.schema import OutboxItem
from lokbot.store.session import Sessions, connect, exclusive, session_factory

log = logging.getLogger(__name__)

# RFC 5321 4.5.3.2.6: what a server may take after the final dot.
FINAL_TIMEOUT = 600.0
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
POLL_SECONDS = 1.0
BEAT_SECONDS = 10.0
# A part that has not shown itself for so long is taken for dead by `lokbot health`.
SILENCE = timedelta(seconds=60)


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
    stop: threading.Event = field(default_factory=threading.Event)
    news: threading.Event = field(default_factory=threading.Event)
    process: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}")
    _beats: dict[str, float] = field(default_factory=dict)

    def beat(self, part: str) -> None:
        """Show that a part lives; to be called often, written down every ten seconds."""
        if time.monotonic() - self._beats.get(part, -BEAT_SECONDS) < BEAT_SECONDS:
            return
        with self.sessions.begin() as session:
            queries.beat(session, part, self.process, now=clock())
        self._beats[part] = time.monotonic()


def clock() -> datetime:
    """Now, in UTC: the one place where the loops ask the time."""
    return datetime.now(UTC)


def open_service(settings: Settings, observer: Observer | None = None) -> Service:
    """Connect to the database of ``settings``."""
    engine = connect(settings.database)
    return Service(settings, engine, session_factory(engine), observer or Observer())


@contextmanager
def running(service: Service, parts: Sequence[str]) -> Iterator[list[threading.Thread]]:
    """Run ``parts`` ("mail", "worker") in threads of this process until the block ends."""
    for part in parts:
        service.beat(part)  # a part that never gets to its work is then missed by `lokbot health`
    loops = {"mail": read_mailbox, "worker": work}
    threads = [threading.Thread(target=loops[part], args=(service,), name=part, daemon=True) for part in parts]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        service.stop.set()
        service.news.set()
        for thread in threads:
            thread.join(timeout=15)


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
            log.warning("could not %s, trying again in %.0f s: %s", doing, wait, _loggable(error))
            service.stop.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT)


def _loggable(error: Exception) -> str:
    """A ChannelError names host and remedy; the words of any other may hold what somebody wrote."""
    if isinstance(error, ChannelError):
        return str(error)
    if isinstance(error, DBAPIError):
        code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
        return f"{type(error.orig).__name__} {code or ''}".strip()
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {place.name} line {place.lineno}"


# ------------------------------------------------------------------ the mailbox


def mailbox_settings(settings: Settings) -> MailboxSettings:
    imap = settings.imap
    return MailboxSettings(
        host=imap.host,
        port=imap.port,
        user=imap.user,
        password=imap.password.get_secret_value(),
        tls=imap.tls,
        folder=imap.folder,
        timeout_seconds=imap.timeout_seconds,
        idle_seconds=imap.idle_seconds,
        poll_seconds=imap.poll_seconds,
        largest_mail_bytes=imap.max_mail_bytes,
    )


def read_mailbox(service: Service) -> None:
    """Fetch mail until told to stop. One reader per mailbox: another process waits until this one is gone."""
    settings = mailbox_settings(service.settings)
    # Without the port: a mailbox is the same one when it is read over TLS from now on.
    name = f"{settings.user}@{settings.host}/{settings.folder}"

    def turn() -> None:
        with _only_reader(service, name) as is_ours:
            if not is_ours:
                return
            with Mailbox(settings) as mailbox:
                reconcile(service, mailbox, name)
                while not service.stop.is_set():
                    service.beat("mail")
                    if mailbox.wait(BEAT_SECONDS, service.stop.is_set):
                        fetch_new(service, mailbox, name)

    persist(service, "read the mailbox", turn)


@contextmanager
def _only_reader(service: Service, name: str) -> Iterator[bool]:
    """Wait to be the only one who reads a mailbox; yields False when told to stop meanwhile."""
    is_told = False
    while not service.stop.is_set():
        with exclusive(service.engine, f"mailbox {name}", service.settings.var_dir) as is_ours:
            if is_ours:
                yield True
                return
        if not is_told:
            log.info("another process reads the mailbox; waiting until it is gone")
            is_told = True
        service.stop.wait(POLL_SECONDS)
    yield False


def reconcile(service: Service, mailbox: Mailbox, name: str) -> None:
    """At each start: every mail since the very first start is accounted for, whatever happened meanwhile."""
    state = mailbox.state()
    with service.sessions.begin() as session:
        row = mailboxes.known(session, name)
        if row is None:
            mailboxes.begin(session, name, uidvalidity=state.uidvalidity, uidnext=state.uidnext, now=clock())
            log.info("first start at this mailbox: mail that is already there is left alone")
            return
    if row.uidvalidity != state.uidvalidity:
        log.warning("the mailbox has been renumbered: everything since the first start is looked at again")
        candidates = mailbox.uids_since(row.started_at.date() - timedelta(days=1))
        with service.sessions.begin() as session:
            row = session.merge(row)
            first = min(candidates, default=state.uidnext)
            mailboxes.renumber(row, uidvalidity=state.uidvalidity, first_uid=first, now=clock())
    uids = mailbox.uids(row.first_uid - 1)
    with service.sessions() as session:
        missing = mailboxes.unaccounted(session, row, uids)
    store_mails(service, mailbox, name, missing)


def fetch_new(service: Service, mailbox: Mailbox, name: str) -> None:
    """What has come since the last look."""
    with service.sessions() as session:
        row = mailboxes.known(session, name)
        assert row is not None, "a mailbox is reconciled before it is watched"
        cursor, uidvalidity = row.cursor, row.uidvalidity
    if mailbox.state().uidvalidity != uidvalidity:
        reconcile(service, mailbox, name)
        return
    store_mails(service, mailbox, name, mailbox.uids(cursor))


def store_mails(service: Service, mailbox: Mailbox, name: str, uids: Sequence[int]) -> None:
    """Fetch and store mails one by one."""
    for mail in mailbox.fetch(uids):
        service.beat("mail")
        try:
            received = _store(service, name, mail, partial(incoming, settings=service.settings))
        except (OperationalError, InterfaceError):
            raise  # the database is away, the mail still there
        except Exception as error:  # noqa: BLE001 - one mail that cannot be stored must not keep all later ones out
            log.error("mail %s is kept unread, for a person to see: %s", mail.uid, _loggable(error))
            received = _store(service, name, mail, unread)
        if received is not None and received.is_new:
            service.observer.received(received.message_id)
            service.news.set()


def _store(
    service: Service, name: str, mail: FetchedMail | VanishedMail, read: Callable[[FetchedMail], IncomingMessage]
) -> Received | None:
    """Store a mail and its account in one transaction: only then does the cursor move."""
    with service.sessions.begin() as session:
        row = mailboxes.known(session, name)
        assert row is not None, "a mailbox is reconciled before it is watched"
        now = clock()
        if isinstance(mail, VanishedMail) or mailboxes.is_old(row, mail.received_at):
            fate: mailboxes.Fate = "vanished" if isinstance(mail, VanishedMail) else "old"
            mailboxes.account(session, row, mail.uid, fate, now=now)
            return None
        received = intake.receive(session, read(mail), now=now)
        fate = "stored" if received.is_new else "duplicate"
        mailboxes.account(session, row, mail.uid, fate, now=now, message_id=received.message_id)
        return received


def incoming(mail: FetchedMail, settings: Settings) -> IncomingMessage:
    """The message in a fetched mail; of one that stays on the server, what its headers say."""
    servers = settings.imap.authserv_ids
    if mail.raw is not None:
        return mime.parse(mail.raw, received_at=mail.received_at, authserv_ids=servers)
    if not mail.headers:
        return unread(mail)
    message = mime.parse(mail.headers, received_at=mail.received_at, authserv_ids=servers)
    return replace(message, is_readable=False, warnings=(*message.warnings, LEFT_ON_SERVER))


def unread(mail: FetchedMail) -> IncomingMessage:
    """A mail as bytes that nobody has read yet, told from others by where it lies."""
    return replace(
        mime.parse(b"", received_at=mail.received_at),
        external_id=f"#{mail.uidvalidity}.{mail.uid}",
        raw=mail.raw or mail.headers,
        warnings=("unreadable",) if mail.raw else (LEFT_ON_SERVER,),
    )


# ------------------------------------------------------------------ the work


def work(service: Service) -> None:
    """Handle what is stored and send what is queued until told to stop: one thing a turn, what came in first."""
    doors = {ChannelName.MAIL: SmtpChannel(smtp_settings(service.settings))} if service.settings.smtp.host else {}
    content: Content | None = None

    def turn() -> None:
        nonlocal content
        content = content or Content(service.settings, service.sessions, clock)
        service.beat("worker")
        service.news.clear()  # before looking: what comes from now on cuts the rest short
        active = content.current()
        if handled := pipeline.handle_next(service.sessions, active, service.settings, now=clock()):
            service.observer.handled(*handled)
        elif item := delivery.deliver_next(
            service.sessions, doors, service.settings, active.knowledge, worker=service.process, now=clock()
        ):
            service.observer.sent(item)
        else:
            service.news.wait(POLL_SECONDS)

    persist(service, "handle and send", turn)


def smtp_settings(settings: Settings) -> SmtpSettings:
    smtp = settings.smtp
    return SmtpSettings(
        host=smtp.host,
        port=smtp.port,
        user=smtp.user,
        password=smtp.password.get_secret_value(),
        tls=smtp.tls,
        timeout_seconds=smtp.timeout_seconds,
        # Shorter than the lease: while one worker still waits for the server's last word, none other may send.
        final_timeout_seconds=min(FINAL_TIMEOUT, settings.outbox.lease_seconds * 0.8),
        from_address=smtp.from_address,
        from_name=smtp.from_name,
    )
