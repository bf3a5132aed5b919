"""The long-running loops: read the mailbox and the chats, handle what is stored, send what is queued. Wired here."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from lokbot import accounts, ageing, balance, desk_settings, desk_texts, gaps, mailroom, records
from lokbot.ahead import Helper
from lokbot.balance import Balance
from lokbot.channels.imap import Mailbox, MailboxSettings
from lokbot.channels.oauth import OAuthSettings, TokenSource
from lokbot.channels.smtp import SmtpChannel, SmtpSettings
from lokbot.channels.webchat import WebChannel
from lokbot.config import Settings
from lokbot.content import Content
from lokbot.conversation import delivery, digest, outbox, pipeline, reading, reminders, snoozing, staff_mail
from lokbot.conversation.delivery import Sender
from lokbot.conversation.working_days import SWEDEN
from lokbot.loops import BEAT_SECONDS, Observer, Service, clock, persist
from lokbot.mailroom import Room
from lokbot.model import ChannelName, Knowledge
from lokbot.statistics import closing, facts, report
from lokbot.store.session import Sessions, connect, session_factory
from lokbot.store.session import reading as reading_sessions
from lokbot.understanding import Encoder

log = logging.getLogger(__name__)

# RFC 5321 4.5.3.2.6: what a server may take after the final dot.
FINAL_TIMEOUT = 600.0
POLL_SECONDS = 1.0
LEAST_SECONDS = 0.02
# How many messages are begun with at once; an order to stop waits for them, about a second. With vectors, which
# cannot be computed ahead (``ahead``) and take ten times as long, it is what one commit takes.
MESSAGES_A_TURN = 100
REMIND_SECONDS = 60.0
# A part that has not shown itself for so long is taken for dead by `lokbot health`.
SILENCE = timedelta(seconds=60)


def open_service(settings: Settings, observer: Observer | None = None) -> Service:
    """Connect to the database of ``settings``."""
    engine = connect(settings.database)
    tokens = token_source(settings)
    sessions = facts.follow(session_factory(engine), lambda session: desk_settings.promise(session, settings))
    return Service(settings, engine, sessions, observer or Observer(), tokens=tokens)


def token_source(settings: Settings) -> TokenSource | None:
    """Where access tokens come from; None where both servers take a password."""
    if "xoauth2" not in (settings.imap.auth, settings.smtp.auth):
        return None
    oauth = settings.oauth
    return TokenSource(
        OAuthSettings(
            token_url=oauth.token_url,
            client_id=oauth.client_id,
            client_secret=oauth.client_secret.get_secret_value(),
            scope=oauth.scope,
            refresh_token=oauth.refresh_token.get_secret_value(),
            keep=settings.var_dir / "refresh-token.json",
            timeout_seconds=settings.imap.timeout_seconds,
        )
    )


@contextmanager
def running(service: Service, parts: Sequence[str]) -> Iterator[list[threading.Thread]]:
    """Run ``parts`` ("mail", "telegram", "worker", "web") in threads of this process until the block ends."""
    for part in parts:
        service.beat(part)  # a part that never gets to its work is then missed by `lokbot health`
    loops = {"mail": read_mailbox, "telegram": read_telegram, "worker": work, "web": serve}
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


# ------------------------------------------------------------------ the mailbox


def mailbox_settings(settings: Settings, tokens: TokenSource | None) -> MailboxSettings:
    imap = settings.imap
    return MailboxSettings(
        host=imap.host,
        port=imap.port,
        user=imap.user,
        password=imap.password.get_secret_value(),
        tls=imap.tls,
        folder=imap.folder,
        junk_folder=imap.junk_folder,
        sent_folder=imap.sent_folder,
        timeout_seconds=imap.timeout_seconds,
        idle_seconds=imap.idle_seconds,
        poll_seconds=imap.poll_seconds,
        largest_mail_bytes=imap.max_mail_bytes,
        tokens=tokens if imap.auth == "xoauth2" else None,
    )


def read_mailbox(service: Service) -> None:
    """Visit the mailbox's folders until told to stop. One reader per mailbox: another waits until it is gone."""
    settings = mailbox_settings(service.settings, service.tokens)

    def turn() -> None:
        with mailroom.only_reader(service) as is_ours:
            if not is_ours:
                return
            with Mailbox(settings) as mailbox:
                rooms: Sequence[Room] = mailroom.rooms(service, mailbox)
                for room in rooms:
                    mailroom.reconcile(service, mailbox, room)
                struck = balance.last_struck(service)
                while not service.stop.is_set():
                    rooms = visit(service, mailbox, rooms)
                    if balance.is_due(struck, at=service.settings.imap.balance_at, now=clock()):
                        balance.strike(service, mailbox, rooms)
                        struck = clock()
                        continue  # to the INBOX, whose news are waited for
                    _wait(service, mailbox)

    persist(service, "read the mailbox", turn)


def visit(service: Service, mailbox: Mailbox, rooms: Sequence[Room]) -> Sequence[Room]:
    """One round through the folders, which ends in the INBOX. Returns the folders of the next round."""
    if {room.kind for room in rooms} != {"sent", "junk", "inbox"}:
        rooms = mailroom.rooms(service, mailbox)  # perhaps it has been made by now
    for room in rooms:
        mailroom.look_into(service, mailbox, room)
        if room.kind == "sent":
            mailroom.copy_sent(service, mailbox, room)
        if room.kind == "inbox" and mailroom.tidy(service, mailbox, room):
            mailroom.look_into(service, mailbox, room)
    return rooms


def _wait(service: Service, mailbox: Mailbox) -> None:
    """Until something comes to the INBOX, or it is time to look at the other folders."""
    until = time.monotonic() + service.settings.imap.poll_seconds
    while not service.stop.is_set() and (remaining := until - time.monotonic()) > 0:
        service.beat("mail")
        if mailbox.wait(min(BEAT_SECONDS, remaining), service.stop.is_set):
            return


def strike_balance(service: Service) -> Balance:
    """Count the mailbox against what is stored, here and now, whether or not another process reads it."""
    with Mailbox(mailbox_settings(service.settings, service.tokens)) as mailbox:
        return balance.strike_beside(service, mailbox, mailroom.rooms(service, mailbox))


# ------------------------------------------------------------------ the chats


def read_telegram(service: Service) -> None:
    """Take in what is written to the bot in Telegram until told to stop."""
    from lokbot import telegram_room  # its library takes a second to import, which an installation without it need not

    telegram_room.read_chats(service)


# ------------------------------------------------------------------ the work


def doors(service: Service) -> dict[ChannelName, Sender]:
    """The doors that are set up to send through, for one thread."""
    settings = service.settings
    found: dict[ChannelName, Sender] = {ChannelName.WEBCHAT: WebChannel()}
    if settings.smtp.host:
        found[ChannelName.MAIL] = SmtpChannel(smtp_settings(settings, service.tokens))
    if settings.telegram.token.get_secret_value():
        from lokbot import telegram_room  # see read_telegram

        found[ChannelName.TELEGRAM] = telegram_room.sender(settings)
    return found


def work(service: Service) -> None:
    """Handle what is stored and send what is queued until told to stop: a few things a turn, what came in first."""
    senders = doors(service)
    chats: dict[ChannelName, Sender] = {}
    chats |= {name: door for name, door in senders.items() if name.is_chat and name is not ChannelName.WEBCHAT}
    content: Content | None = None
    helper = Helper()
    reads = reading_sessions(service.sessions)
    reminded = 0.0

    def turn() -> None:
        nonlocal content, reminded
        if content is None:
            content = Content(service.settings, service.sessions, clock)
            gc.freeze()  # what was just read lives on: to go through it again and again takes a tenth of the time
        service.beat("worker")
        service.news.clear()  # before looking: what comes from now on cuts the rest short
        active = content.lately()
        with reads() as session:
            settings = desk_settings.current(session, service.settings)
            active = replace(active, knowledge=desk_texts.current(session, active.knowledge))
        if time.monotonic() - reminded > REMIND_SECONDS:
            every_minute(service, settings, active.knowledge, content.encoder)
            reminded = time.monotonic()

        def send(through: Mapping[ChannelName, Sender]) -> bool:
            if not through:
                return False
            with reads() as session:
                if not outbox.due_cases(session, channels=tuple(through), now=clock(), most=1):
                    return False
            item = delivery.deliver_next(
                service.sessions, through, settings, active.knowledge, worker=service.process, now=clock()
            )
            if item is not None:
                service.observer.sent(item)
            return item is not None

        def show() -> bool:
            shown = delivery.show_due(
                service.sessions,
                senders[ChannelName.WEBCHAT],
                settings,
                active.knowledge,
                worker=service.process,
                now=clock(),
            )
            for item in shown:
                service.observer.sent(item)
            return bool(shown)

        has_handled = False
        most = pipeline.MESSAGES_A_COMMIT if active.understander.is_semantic else MESSAGES_A_TURN
        for commit in pipeline.handle_waiting(
            service.sessions, active, settings, most=most, clock=clock, read=helper.read
        ):
            for handled in commit:
                service.observer.handled(*handled)
                has_handled = True
            # Whoever chats sits and waits: not until everything that waits is handled. To show an answer in the web
            # chat takes no network, which might be slow; of the others one goes at a time.
            show()
            send(chats)
        if has_handled:
            return
        helper.end()
        mail = senders.get(ChannelName.MAIL)
        if (
            show()
            or send(chats)
            or send(senders)
            or (mail and staff_mail.deliver_next(service.sessions, mail, settings, now=clock()))
        ):
            return
        service.news.wait(_idle_seconds(reads, settings))

    try:
        persist(service, "handle and send", turn)
    finally:
        helper.end()


def close_months(
    sessions: Sessions, knowledge: Knowledge, encoder: Encoder | None, settings: Settings, *, now: datetime
) -> None:
    """Decide what may be published of the months that are over. What nobody could answer gets its themes before anybody
    has to wait for it, as that may take seconds.
    """
    today = now.astimezone(SWEDEN).date()
    with reading_sessions(sessions)() as session:
        themes = {
            month: gaps.themes_of_month(session, month, encoder)
            for month in closing.due(session, settings.statistics, today=today)
        }
    if not themes:
        return
    with sessions.begin() as session:
        closing.close_due(
            session,
            settings.statistics,
            knowledge,
            now=now,
            today=today,
            themes=lambda month: themes.get(month, {}),
        )


def every_minute(service: Service, settings: Settings, knowledge: Knowledge, encoder: Encoder | None) -> None:
    """What is due by the clock, and the rest of an erasure: on SQLite the file is written anew, which takes a while."""
    close_months(service.sessions, knowledge, encoder, settings, now=clock())
    with service.sessions.begin() as session:
        ageing.send_due(session, settings=settings, knowledge=knowledge, now=clock())
        report.send_due(session, settings=settings, knowledge=knowledge, now=clock())
        snoozing.wake_due(session, now=clock())
        reminders.remind(session, settings=settings, knowledge=knowledge, now=clock())
        digest.send_due(session, settings=settings, knowledge=knowledge, now=clock())
    if not records.sweep(service.engine, now=clock()):
        log.info("what was erased still stands in places of the database file; it is tried again in a minute")


def _idle_seconds(reads: Sessions, settings: Settings) -> float:
    """How long there is nothing to do: in a chat the answer comes when its writer has paused, not a second later."""
    with reads() as session:
        due = reading.next_due(session, quiet=timedelta(seconds=settings.chat.quiet_seconds))
    left = (due - clock()).total_seconds() if due is not None else POLL_SECONDS
    return min(POLL_SECONDS, max(left, LEAST_SECONDS))


# ------------------------------------------------------------------ the web


def serve(service: Service) -> None:
    """Answer browsers until told to stop."""

    def turn() -> None:
        from lokbot.web import server  # whoever only reads mail needs no web server in memory

        server.serve(service, Content(_words_only(service.settings), service.sessions, clock))

    persist(service, "serve the web", turn)


def first_account(service: Service) -> str | None:
    """Where the first account is made, while nobody can let others in; a new address each time, the older ones end."""
    with service.sessions.begin() as session:
        token = accounts.first_link(session, now=clock())
    return f"{service.settings.web.public_url}/valkommen/{token}" if token else None


def _words_only(settings: Settings) -> Settings:
    """The desk looks texts up; it understands no questions, so it needs no vectors."""
    return settings.model_copy(update={"semantic": "off"})


def smtp_settings(settings: Settings, tokens: TokenSource | None) -> SmtpSettings:
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
        tokens=tokens if smtp.auth == "xoauth2" else None,
    )
