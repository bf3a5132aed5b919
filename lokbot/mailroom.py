"""The mailbox's folders, and what is done in them: store what comes, read what people sent, keep a copy of ours.

One connection visits the folders in turn: servers limit how many a mailbox may have. Each folder has a cursor and an
account of every mail of its own, committed together with what became of the mail.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Literal

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from lokbot import desk_settings
from lokbot.channels import mime
from lokbot.channels.imap import NO_FOLDER, FetchedMail, Mailbox, MailboxState, VanishedMail
from lokbot.channels.smtp import LOOP_HEADER
from lokbot.config import Settings
from lokbot.conversation import intake, sent_mail
from lokbot.loops import Service, clock, loggable
from lokbot.model import JUNK, LEFT_ON_SERVER, ChannelError, IncomingMessage
from lokbot.store import mailboxes, queries
from lokbot.store.schema import Mailbox as Account
from lokbot.store.schema import OutboxItem
from lokbot.store.session import exclusive

log = logging.getLogger(__name__)

LOCK_SECONDS = 1.0
# How much is put away in one round, so that a backlog does not keep new mail waiting.
AT_ONCE = 100
# How much is stored in one transaction: enough that a backlog is quick, so little that others get to write meanwhile.
MAILS_PER_COMMIT, BYTES_PER_COMMIT = 25, 4 * 1024 * 1024

Fetched = FetchedMail | VanishedMail
Reader = Callable[[FetchedMail], IncomingMessage]


@dataclass(frozen=True, slots=True)
class Room:
    """A folder that is read. ``name`` is that of its account, ``folder`` what the server calls it."""

    kind: Literal["inbox", "junk", "sent"]
    folder: str
    name: str


def name_of(settings: Settings, folder: str) -> str:
    """What a folder's account is called: without the port, as a mailbox is the same one when it is read over TLS."""
    return f"{settings.imap.user}@{settings.imap.host}/{folder}"


@contextmanager
def only_reader(service: Service) -> Iterator[bool]:
    """Wait to be the only one who reads the mailbox; yields False when told to stop meanwhile."""
    is_told = False
    while not service.stop.is_set():
        with reading(service) as is_ours:
            if is_ours:
                yield True
                return
        if not is_told:
            log.info("another process reads the mailbox; waiting until it is gone")
            is_told = True
        service.stop.wait(LOCK_SECONDS)
    yield False


@contextmanager
def reading(service: Service) -> Iterator[bool]:
    """Hold the mailbox's lock; yields False where another has it."""
    name = name_of(service.settings, service.settings.imap.folder)
    with exclusive(service.engine, f"mailbox {name}", service.settings.var_dir) as is_ours:
        yield is_ours


# ------------------------------------------------------------------ the folders


def rooms(service: Service, mailbox: Mailbox) -> tuple[Room, ...]:
    """The folders to read, in the order to read them in; each has its account from here on.

    Sent mail comes first: then the bot knows that a person has answered before it sees what was asked.
    """
    folders = mailbox.find_folders()
    settings = service.settings
    for setting, folder in (("junk_folder", folders.junk), ("sent_folder", folders.sent)):
        if folder is None and getattr(settings.imap, setting) != NO_FOLDER:
            service.tell_once(f"no folder found for imap.{setting}: name it, or write - where there is none")
    found = [
        Room("sent", folders.sent, name_of(settings, folders.sent)) if folders.sent else None,
        Room("junk", folders.junk, name_of(settings, folders.junk)) if folders.junk else None,
        Room("inbox", folders.inbox, name_of(settings, folders.inbox)),
    ]
    usable = [(room, state) for room in found if room is not None and (state := _state(service, mailbox, room))]
    _begin(service, mailbox, usable)
    return tuple(room for room, _ in usable)


def _state(service: Service, mailbox: Mailbox, room: Room) -> MailboxState | None:
    """The folder's numbering. None where it cannot be opened, unless it is the INBOX: the others must not stop that."""
    try:
        mailbox.open(room.folder)
        return mailbox.state()
    except ChannelError as error:
        if room.kind == "inbox" or mailbox.is_spent:
            raise
        service.tell_once(f"the folder {room.folder} is not read: {error}")
        return None


def _begin(service: Service, mailbox: Mailbox, found: Sequence[tuple[Room, MailboxState]]) -> None:
    """Open the accounts that are missing: at the very first start all at once, so that all begin at the same moment."""
    with service.sessions() as session:
        accounts = {room.name: mailboxes.known(session, room.name) for room, _ in found}
    inbox = next(accounts[room.name] for room, _ in found if room.kind == "inbox")
    if inbox is None:
        with service.sessions.begin() as session:
            for room, state in found:
                if accounts[room.name] is None:
                    mailboxes.begin(
                        session, room.name, uidvalidity=state.uidvalidity, uidnext=state.uidnext, now=clock()
                    )
        log.info("first start at this mailbox: mail that is already there is left alone")
        return
    for room, state in found:
        if accounts[room.name] is None:
            mailbox.open(room.folder)
            since = mailbox.uids_since(inbox.started_at.date() - timedelta(days=1))
            with service.sessions.begin() as session:
                mailboxes.begin_late(
                    session,
                    room.name,
                    uidvalidity=state.uidvalidity,
                    first_uid=min(since, default=state.uidnext),
                    started_at=inbox.started_at,
                )


def account_of(session: Session, room: Room) -> Account:
    """The account of a folder that is read."""
    account = mailboxes.known(session, room.name)
    assert account is not None, "a folder gets its account before it is read"
    return account


# ------------------------------------------------------------------ what is in them


def reconcile(service: Service, mailbox: Mailbox, room: Room) -> None:
    """At each start: every mail since the very first start is accounted for, whatever happened meanwhile."""
    mailbox.open(room.folder)
    state = mailbox.state()
    with service.sessions() as session:
        account = account_of(session, room)
    if account.uidvalidity != state.uidvalidity:
        log.warning("the mailbox has been renumbered: everything since the first start is looked at again")
        candidates = mailbox.uids_since(account.started_at.date() - timedelta(days=1))
        with service.sessions.begin() as session:
            account = session.merge(account)
            first = min(candidates, default=state.uidnext)
            mailboxes.renumber(account, uidvalidity=state.uidvalidity, first_uid=first, now=clock())
    uids = mailbox.uids(account.first_uid - 1)
    with service.sessions() as session:
        missing = mailboxes.unaccounted(session, account, uids)
    _store_all(service, mailbox, room, missing)


def look_into(service: Service, mailbox: Mailbox, room: Room) -> None:
    """What has come since the last look."""
    mailbox.open(room.folder)
    with service.sessions() as session:
        account = account_of(session, room)
        cursor, uidvalidity = account.cursor, account.uidvalidity
    if mailbox.state().uidvalidity != uidvalidity:
        reconcile(service, mailbox, room)
        return
    _store_all(service, mailbox, room, mailbox.uids(cursor))


def _store_all(service: Service, mailbox: Mailbox, room: Room, uids: Sequence[int]) -> None:
    """Fetch and store mails, several in a transaction; where one cannot be stored, one by one."""
    # What people sent touches cases that others hold meanwhile, so each has a transaction of its own.
    most = 1 if room.kind == "sent" else MAILS_PER_COMMIT
    read = partial(incoming, settings=service.settings)
    for mails in _in_batches(mailbox.fetch(uids), most):
        service.beat("mail")
        try:
            _store(service, room, mails, read)
        except (OperationalError, InterfaceError):
            raise  # the database is away, the mails still there
        except Exception:  # noqa: BLE001 - one mail that cannot be stored must not keep any other out
            for mail in mails:
                _store_alone(service, room, mail, read)


def _in_batches(mails: Iterator[Fetched], most: int) -> Iterator[list[Fetched]]:
    """What came before the server hung up is given all the same."""
    batch: list[Fetched] = []
    weight = 0
    try:
        for mail in mails:
            batch.append(mail)
            weight += mail.size if isinstance(mail, FetchedMail) else 0
            if len(batch) >= most or weight >= BYTES_PER_COMMIT:
                yield batch
                batch, weight = [], 0
    except ChannelError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _store_alone(service: Service, room: Room, mail: Fetched, read: Reader) -> None:
    service.beat("mail")
    try:
        _store(service, room, [mail], read)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - see above
        log.error("mail %s of %s is kept unread, for a person to see: %s", mail.uid, room.kind, loggable(error))
        _store(service, room, [mail], unread)


def _store(service: Service, room: Room, mails: Sequence[Fetched], read: Reader) -> None:
    """Store mails and their account in one transaction: only then does the cursor move."""
    # They are read before it begins: on SQLite nobody else can write meanwhile.
    messages = [read(mail) if isinstance(mail, FetchedMail) and room.kind != "sent" else None for mail in mails]
    if room.kind == "junk":
        messages = [message and replace(message, warnings=(*message.warnings, JUNK)) for message in messages]
    fates: dict[int, mailboxes.Fate] = {}
    wanted: dict[int, IncomingMessage] = {}
    with service.sessions.begin() as session:
        account = account_of(session, room)
        for mail, message in zip(mails, messages, strict=True):
            if isinstance(mail, VanishedMail):
                fates[mail.uid] = "vanished"
            elif mailboxes.is_old(account, mail.received_at, is_moved_to=room.kind != "inbox"):
                fates[mail.uid] = "old"
            elif message is None:
                fates[mail.uid] = _take_in_sent(session, service.settings, mail) if read is not unread else "failed"
            else:
                wanted[mail.uid] = message
        now = clock()
        received = dict(zip(wanted, intake.receive_all(session, list(wanted.values()), now=now), strict=True))
        for uid, each in received.items():
            fates[uid] = "stored" if each.is_new else "duplicate"
        for mail in mails:
            message_id = received[mail.uid].message_id if mail.uid in received else None
            mailboxes.account(session, account, mail.uid, fates[mail.uid], now=now, message_id=message_id)
    new = [each.message_id for each in received.values() if each.is_new]
    for number in new:
        service.observer.received(number)
    if new:
        service.news.set()


def _take_in_sent(session: Session, settings: Settings, mail: FetchedMail) -> sent_mail.Fate:
    head = (mail.raw or mail.headers).replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    is_ours = f"\n{LOOP_HEADER}:".encode().lower() in b"\n" + head.lower()
    return sent_mail.take_in(
        session,
        incoming(mail, settings),
        is_ours=is_ours,
        settings=desk_settings.current(session, settings),
        now=clock(),
    )


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


# ------------------------------------------------------------------ what is put there


def copy_sent(service: Service, mailbox: Mailbox, room: Room) -> None:
    """Put what was sent into the folder of sent mail, where it is not there already: Exchange keeps a copy by itself.

    The try is counted before it is made: a copy that breaks the connection each time is given up too. Whatever happens,
    the mail itself has been sent and is not sent again.
    """
    tried: set[int] = set()
    while len(tried) < AT_ONCE and not service.stop.is_set():
        service.beat("mail")
        with service.sessions.begin() as session:
            item = queries.copy_wanted(session, tried)
            if item is None:
                return
            tries_left = item.copy_tries = (item.copy_tries or 1) - 1
            tried.add(item.id)
        if len(tried) == 1:
            mailbox.open(room.folder)
        try:
            if item.raw is not None and not mailbox.holds(item.external_id):
                mailbox.append(room.folder, item.raw)
        except ChannelError as error:
            log.warning("outbox %s is sent, but has no copy (%s tries left): %s", item.id, tries_left, error)
            if mailbox.is_spent:
                raise
        else:
            with service.sessions.begin() as session:
                session.get_one(OutboxItem, item.id).copy_tries = None


def tidy(service: Service, mailbox: Mailbox, room: Room) -> bool:
    """Label or move what has been handled, if that is set; returns whether there was something to do.

    Without MOVE (RFC 6851) a mail could be moved only by deleting the original, so it is labelled instead.
    """
    imap = service.settings.imap
    if imap.after_handling == "nothing":
        return False
    with service.sessions() as session:
        account = account_of(session, room)
        uids = mailboxes.untidied(session, account, most=AT_ONCE)
    if not uids:
        return False
    mailbox.open(room.folder)
    if mailbox.state().uidvalidity != account.uidvalidity:
        return True  # it has been renumbered, and is looked into again
    moves = imap.after_handling == "move"
    if moves and not mailbox.can_move():
        service.tell_once(f"the server cannot move mail in one step: handled mail is labelled {imap.handled_label}")
        moves = False
    try:
        if moves:
            mailbox.move(uids, imap.handled_folder)
        else:
            mailbox.label(uids, imap.handled_label)
    except ChannelError as error:
        if mailbox.is_spent:
            raise
        service.tell_once(f"handled mail stays where it is, as it was: {error}")
        return True
    with service.sessions.begin() as session:
        mailboxes.tidied(session, account, uids, now=clock())
    return True
