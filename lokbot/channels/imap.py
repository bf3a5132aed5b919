"""The mailbox: reads mail over IMAP as the server holds it, folder by folder over one connection.

A folder is read with EXAMINE and bodies are asked for with BODY.PEEK (RFC 3501 6.3.2, 6.4.5), so that reading leaves no
trace. Only ``label``, ``move`` and ``append`` change anything, and nothing here deletes: there is no EXPUNGE. Where
lokbot has come to is (UIDVALIDITY, UID) and is kept by the caller.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Any, Literal, Self

from imapclient import SEEN, IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, LoginError, ProtocolError
from imapclient.imapclient import JUNK, SENT
from imapclient.response_parser import parse_fetch_response

from lokbot.channels.oauth import TokenSource, xoauth2
from lokbot.model import ChannelError

# RFC 7162 section 4: a command line should stay under 8192 octets; 500 UIDs of ten digits do.
_UIDS_PER_COMMAND = 500
_MAILS_PER_FETCH = 50
_BYTES_PER_FETCH = 8 * 1024 * 1024
_STOP_CHECK_SECONDS = 0.5

# A server says no also because it has a bad moment (RFC 5530; Dovecot and Exchange in words of their own).
_LATER = re.compile(r"\[(UNAVAILABLE|LIMIT|INUSE)|temporar|unavailable|maximum number|too many", re.IGNORECASE)

# What imapclient lets slip when a server answers in a way that it did not foresee.
_UNREADABLE_ANSWER = (ValueError, LookupError, TypeError, AttributeError)

_Given = dict[int, Mapping[bytes, Any]]

# What servers and mail programs call the two folders where none is marked (RFC 6154 is optional, and Exchange does
# without); Outlook names them in the language of whoever opened the mailbox first.
_JUNK_NAMES = ("junk", "junk email", "junk e-mail", "skräppost", "spam", "skräp", "junk mail", "bulk mail")
_SENT_NAMES = (
    *("sent", "sent items", "sent messages", "sent mail", "skickat", "skickade objekt", "skickade", "skickade mejl"),
    *("skickade meddelanden", "skickad e-post"),
)
# In place of a folder's name: there is none and none is to be looked for.
NO_FOLDER = "-"


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """Where the mailbox is and how to open it. Durations are seconds, sizes bytes.

    ``tls`` is "tls" (from the first byte, usually port 993), "starttls" (usually 143) or "none" (loopback only).
    Certificates are always checked; a certificate authority of one's own is named by ``SSL_CERT_FILE``.
    ``timeout_seconds`` bounds each wait for the server. IDLE is renewed every ``idle_seconds``: RFC 2177 allows 29
    minutes, but routers forget a silent connection much sooner, and a dead one shows only when it is spoken to.
    Where the server has no IDLE it is asked every ``poll_seconds``. A mail over ``largest_mail_bytes`` is left on
    the server. An empty ``junk_folder`` or ``sent_folder`` is looked for (``find_folders``), "-" means none.
    With ``tokens`` the login is SASL XOAUTH2 and ``password`` is not used.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: Literal["tls", "starttls", "none"] = "tls"
    folder: str = "INBOX"
    junk_folder: str = ""
    sent_folder: str = ""
    timeout_seconds: float = 30.0
    idle_seconds: float = 240.0
    poll_seconds: float = 30.0
    largest_mail_bytes: int = 25 * 1024 * 1024
    tokens: TokenSource | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders that matter, by the names the server knows them by; None where there is no such folder."""

    inbox: str
    junk: str | None
    sent: str | None


@dataclass(frozen=True, slots=True)
class MailboxState:
    """Which numbering the folder has now, and the UID that the next mail will get at the least (RFC 3501 2.3.1.1)."""

    uidvalidity: int
    uidnext: int


@dataclass(frozen=True, slots=True)
class FetchedMail:
    """One mail as the server holds it. ``received_at`` is the server's INTERNALDATE, in UTC (should it give none,
    the time of fetching).

    ``raw`` is None where the mail stays on the server: it is larger than the limit, or the server lists it and
    refuses to hand it out. ``headers`` is then what it gave of the header block, perhaps nothing.
    """

    uid: int
    uidvalidity: int
    received_at: datetime
    size: int
    raw: bytes | None = field(repr=False)
    headers: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class VanishedMail:
    """A mail that a person moved or deleted after its UID was listed."""

    uid: int
    uidvalidity: int


class Mailbox:
    """One live connection, with one folder open at a time (first that of the settings); a context manager, for one
    thread at a time.

    After a ``ChannelError`` the connection is spent: leave the context and open another. Wrong credentials are
    ``permanent=True``; everything else may pass by itself and is ``permanent=False``.
    """

    def __init__(self, settings: MailboxSettings) -> None:
        self._settings = settings
        self._client: IMAPClient = None
        self._folder = settings.folder
        self._state = MailboxState(0, 0)
        self._is_spent = False

    def __enter__(self) -> Self:
        with self._errors("open the mailbox"):
            self._client = _connected(self._settings)
            try:
                self._state = self._examine()
            except BaseException:
                _hang_up(self._client)
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and not self._is_spent:
            with suppress(IMAPClientError, OSError):
                self._client.logout()
        # After an error a LOGOUT could wait out the whole timeout on a connection that is dead anyway.
        _hang_up(self._client)

    @property
    def is_spent(self) -> bool:
        """Whether the connection is of no more use, as after most errors; a server's plain no leaves it good."""
        return self._is_spent

    def find_folders(self) -> Folders:
        """Which folders are the INBOX, junk and sent mail: as set, else as marked (RFC 6154), else by usual names."""
        with self._errors("list the folders"):
            listed = self._list()
        return Folders(
            inbox=self._settings.folder,
            junk=_find(self._settings.junk_folder, JUNK, _JUNK_NAMES, listed),
            sent=_find(self._settings.sent_folder, SENT, _SENT_NAMES, listed),
        )

    def open(self, folder: str) -> None:
        """Read ``folder`` from now on. Raises ``ChannelError``; ``permanent`` where there is no such folder."""

        def examine() -> None:
            self._folder = folder
            self._state = self._examine()

        self._command("open the folder", examine)

    def state(self) -> MailboxState:
        """The folder's numbering as it is now. On the very first start the cursor is ``uidnext - 1``."""
        with self._errors("read the state of the folder"):
            self._state = self._examine()
        return self._state

    def uids(self, since_uid: int) -> list[int]:
        """The UIDs above ``since_uid``, ascending; 0 gives all."""
        # Forget what was announced so far. What is announced from here on may come too late for the search, and
        # then wait() returns at once.
        self._client._imap.response("EXISTS")
        # "n:*" always holds the last mail even where its UID is below n (RFC 3501 6.4.8), hence the filter.
        return [uid for uid in self._search(["UID", f"{since_uid + 1}:*"]) if uid > since_uid]

    def uids_since(self, day: date) -> list[int]:
        """The UIDs of mails that arrived on ``day`` (in the server's time zone) or later, ascending."""
        return self._search(["SINCE", day])

    def fetch(self, uids: Iterable[int]) -> Iterator[FetchedMail | VanishedMail]:
        """The mails in ascending order of UID, one result for each, asked for in batches of bounded size.

        Lazy: no more than one batch (8 MiB, or one larger mail) is in memory at a time. A server that hangs up over
        one mail (Dovecot does) gets its ``ChannelError`` after the mails before it and that mail, with ``raw`` None,
        have been given: whoever stores them and comes back with the next UID gets past it.
        """
        wanted = sorted(set(uids))
        for start in range(0, len(wanted), _UIDS_PER_COMMAND):
            group = wanted[start : start + _UIDS_PER_COMMAND]
            facts, broken = self._ask(group, ["RFC822.SIZE", "INTERNALDATE"])
            if broken is not None:
                raise broken
            for batch in self._batches(group, facts):
                yield from self._fetch_batch(batch, facts)

    def wait(self, seconds: float, should_stop: Callable[[], bool] = lambda: False) -> bool:
        """Wait for new mail for at most ``seconds``; whether something may have come since ``uids`` was called.

        True also at once when mail was announced during an earlier command. ``should_stop`` is asked about twice a
        second; when it says yes the answer is False.
        """
        deadline = time.monotonic() + seconds
        with self._errors("wait for new mail"):
            listen = self._idle if self._client.has_capability("IDLE") else self._poll
            while not self._has_announced_mail():
                if should_stop() or time.monotonic() >= deadline:
                    return False
                listen(deadline, should_stop)
        return True

    def holds(self, message_id: str) -> bool:
        """Whether a mail with this Message-ID (without angle brackets) is in the open folder."""
        return bool(self._search(["HEADER", "Message-ID", f"<{message_id}>"]))

    def append(self, folder: str, raw: bytes, flags: Sequence[bytes] = (SEEN,)) -> None:
        """Put a mail into ``folder``, marked as read unless ``flags`` says otherwise.

        Raises ``ChannelError``; after a plain no the connection is still good (``is_spent``).
        """
        self._command("save a copy of a sent mail", lambda: self._client.append(folder, raw, flags))

    def can_move(self) -> bool:
        """Whether the server moves mail in one step (RFC 6851)."""
        with self._errors("ask what the server can do"):
            return bool(self._client.has_capability("MOVE"))

    def label(self, uids: Sequence[int], keyword: str) -> None:
        """Give mails of the open folder a keyword (RFC 3501 2.3.2). One that is gone is no error.

        Raises ``ChannelError``; ``permanent`` where the server keeps no such keywords.
        """

        def store() -> None:
            answer = self._client.select_folder(self._folder)
            kept = answer.get(b"PERMANENTFLAGS", ())
            if kept and b"\\*" not in kept and keyword.encode() not in kept:
                raise IMAPClientError(f"the server keeps no keywords such as {keyword}")
            for start in range(0, len(uids), _UIDS_PER_COMMAND):
                self._client.add_flags(uids[start : start + _UIDS_PER_COMMAND], [keyword], silent=True)

        self._change("label handled mail", store)

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Move mails of the open folder to ``folder``, which is made where there is none. One that is gone is no error.

        Only in one step (RFC 6851): to copy and delete could lose a mail in between. Raises ``ChannelError``;
        ``permanent`` where the server itself said no.
        """

        def move() -> None:
            if not self._client.folder_exists(folder):
                self._client.create_folder(folder)
                self._client.subscribe_folder(folder)
            self._client.select_folder(self._folder)
            for start in range(0, len(uids), _UIDS_PER_COMMAND):
                self._client.move(uids[start : start + _UIDS_PER_COMMAND], folder)

        self._change("move handled mail", move)

    def _change(self, doing: str, act: Callable[[], None]) -> None:
        """Act on the folder, opened for writing meanwhile. Refuses where it has been renumbered."""
        known = self._state.uidvalidity
        if self.state().uidvalidity != known:
            raise ChannelError(f"Could not {doing}: the folder has been renumbered.", permanent=False)
        try:
            self._command(doing, act)
        finally:
            if not self._is_spent:
                self.state()

    def _command(self, doing: str, act: Callable[[], object]) -> None:
        """One command whose refusal costs nothing but that command: see ``is_spent``."""
        try:
            act()
        except (IMAPClientError, OSError, *_UNREADABLE_ANSWER) as error:
            is_answer = isinstance(error, IMAPClientError) and not isinstance(
                error, IMAPClientAbortError | ProtocolError
            )
            self._is_spent = self._is_spent or not is_answer
            raised = _channel_error(self._settings, self._folder, doing, error)
            raise ChannelError(str(raised), permanent=is_answer and self._is_refusal(error)) from error

    def _list(self) -> list[tuple[tuple[bytes, ...], bytes, str]]:
        """Every folder. A server need not tell in a plain LIST what a folder is for (RFC 6154 2)."""
        client = self._client
        if not (client.has_capability("SPECIAL-USE") and client.has_capability("LIST-EXTENDED")):
            return list(client.list_folders())
        answer, lines = client._imap._simple_command("LIST", '""', '"*"', "RETURN", "(SPECIAL-USE)")
        client._checkok("LIST", answer, lines)
        _, lines = client._imap._untagged_response(answer, lines, "LIST")
        return list(client._proc_folder_list(lines))

    def _examine(self) -> MailboxState:
        answer = self._client.select_folder(self._folder, readonly=True)
        if b"UIDNEXT" not in answer:  # optional in SELECT, never in STATUS (RFC 3501 6.3.1, 6.3.10)
            answer |= self._client.folder_status(self._folder, ["UIDNEXT"])
        if b"UIDVALIDITY" not in answer:
            raise IMAPClientError("the folder has no UIDVALIDITY, so its mails cannot be told apart")
        return MailboxState(int(answer[b"UIDVALIDITY"]), int(answer[b"UIDNEXT"]))

    def _search(self, criteria: list[str | date]) -> list[int]:
        with self._errors("list the mails"):
            # A server may answer a search from its last view of the folder; NOOP makes it look again.
            self._client.noop()
            return sorted(self._client.search(criteria))

    def _ask(self, uids: Sequence[int], items: list[str]) -> tuple[_Given, ChannelError | None]:
        """What the server gives of each mail, and the error if it hung up over one of them.

        A NO on account of one mail costs only that mail: what came before the NO counts, and the rest is asked for
        one by one.
        """
        try:
            with self._errors("fetch mail"):
                return self._client.fetch(uids, items), None
        except ChannelError as error:
            if not self._is_refusal(error.__cause__):
                raise
            given = self._take_given()
            if isinstance(error.__cause__, IMAPClientAbortError):
                return given, error
        if len(uids) > 1:
            for uid in uids:
                if uid not in given:
                    more, broken = self._ask([uid], items)
                    given |= more
                    if broken is not None:
                        return given, broken
        return given, None

    def _is_refusal(self, error: BaseException | None) -> bool:
        """Whether the server itself said no, for good; a broken connection or an unreadable answer is none."""
        if not isinstance(error, IMAPClientError) or isinstance(error, ProtocolError) or _LATER.search(str(error)):
            return False
        return not isinstance(error, IMAPClientAbortError) or "BYE" in self._client._imap.untagged_responses

    def _take_given(self) -> _Given:
        """What came before a NO or BYE. imapclient leaves it lying when it raises."""
        _, lines = self._client._imap.response("FETCH")
        with self._errors("fetch mail"):
            return dict(parse_fetch_response(lines, normalise_times=False))

    def _batches(self, uids: Sequence[int], facts: _Given) -> Iterator[list[int]]:
        """Mails to ask for in one go, in order; one that is too large to fetch is a batch by itself."""
        batch: list[int] = []
        weight = 0
        for uid in uids:
            size = _size(facts.get(uid, {}))
            if batch and (len(batch) >= _MAILS_PER_FETCH or weight + size > _BYTES_PER_FETCH):
                yield batch
                batch, weight = [], 0
            batch.append(uid)
            weight += size
            if self._is_large(size):
                *before, large = batch
                yield from ([before] if before else [])
                yield [large]
                batch, weight = [], 0
        if batch:
            yield batch

    def _fetch_batch(self, batch: list[int], facts: _Given) -> Iterator[FetchedMail | VanishedMail]:
        is_large = self._is_large(_size(facts.get(batch[0], {})))
        part = "HEADER" if is_large else ""
        given, broken = self._ask(batch, [f"BODY.PEEK[{part}]"])
        texts = {uid: found.get(f"BODY[{part}]".encode()) for uid, found in given.items()}
        # A mail without text was moved or deleted by a person, or is still there and cannot be had.
        without = [uid for uid in batch if not texts.get(uid)]
        existing = self._search(["UID", ",".join(map(str, without))]) if without and broken is None else without
        for uid in batch:
            if broken is not None and uid not in texts:
                raise broken
            if uid in without and uid not in existing:
                yield VanishedMail(uid, self._state.uidvalidity)
                continue
            text: bytes | None = texts.get(uid) or None
            yield FetchedMail(
                uid=uid,
                uidvalidity=self._state.uidvalidity,
                received_at=_arrival(facts.get(uid, {})),
                size=_size(facts.get(uid, {})),
                raw=None if is_large else text,
                headers=text or b"" if is_large else b"",
            )
        if broken is not None:
            raise broken

    def _is_large(self, size: int) -> bool:
        return size > self._settings.largest_mail_bytes

    def _has_announced_mail(self) -> bool:
        # imaplib keeps every untagged EXISTS, whichever command it came with, until response() takes it away.
        return bool(self._client._imap.untagged_responses.get("EXISTS"))

    def _idle(self, deadline: float, should_stop: Callable[[], bool]) -> None:
        """One round of IDLE, until the server says something, the round is over, or it is time to stop.

        imapclient's idle_check takes a closed connection for silence, and polls the socket only. Here DONE ends
        each round and its answer is read under the socket's timeout, so that a dead connection raises.
        """
        self._client.noop()  # some servers (pymap) report in IDLE only what happens after it began
        if self._has_announced_mail():
            return
        renewal = min(deadline, time.monotonic() + self._settings.idle_seconds)
        self._client.idle()
        if not self._has_unread_lines():
            poller = select.poll()
            poller.register(self._client.socket().fileno(), select.POLLIN)
            while (remaining := renewal - time.monotonic()) > 0 and not should_stop():
                if poller.poll(1000 * min(remaining, _STOP_CHECK_SECONDS)):
                    break
        self._client.idle_done()

    def _has_unread_lines(self) -> bool:
        """Whether lines that came together with "+ idling" lie in imaplib's buffer, where no poll sees them."""
        imap = self._client._imap
        if hasattr(imap, "_readbuf"):  # Python 3.14 and later
            return bool(imap._readbuf)
        connection = self._client.socket()
        connection.setblocking(False)
        try:
            return bool(imap.file.peek(1))
        except ssl.SSLWantReadError:
            return False
        finally:
            connection.settimeout(self._settings.timeout_seconds)

    def _poll(self, deadline: float, should_stop: Callable[[], bool]) -> None:
        """One round without IDLE: ask, and if there is nothing rest until it is time to ask again."""
        self._client.noop()
        pause = min(deadline, time.monotonic() + self._settings.poll_seconds)
        while not self._has_announced_mail() and not should_stop():
            remaining = pause - time.monotonic()
            if remaining <= 0:
                return
            time.sleep(min(remaining, _STOP_CHECK_SECONDS))

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except ChannelError:  # that of the token source: it has its words already
            self._is_spent = True
            raise
        except (IMAPClientError, OSError, *_UNREADABLE_ANSWER) as error:
            self._is_spent = True
            raise _channel_error(self._settings, self._folder, doing, error) from error


def _find(
    wanted: str, mark: bytes, names: Sequence[str], listed: Sequence[tuple[tuple[bytes, ...], bytes, str]]
) -> str | None:
    if wanted:
        return None if wanted == NO_FOLDER else wanted
    usable = [(flags, delimiter, name) for flags, delimiter, name in listed if b"\\Noselect" not in flags]
    for flags, _, name in usable:
        if mark in flags:
            return name
    # In order of the names, so that a folder that somebody made beside the real one does not win.
    last = {
        name.rpartition(delimiter.decode() if delimiter else "/")[2].casefold(): name for _, delimiter, name in usable
    }
    return next((last[name] for name in names if name in last), None)


def _connected(settings: MailboxSettings) -> IMAPClient:
    """A connection that is logged in. A token that the server refuses is replaced once."""
    client = _connect(settings)
    try:
        token = settings.tokens.token() if settings.tokens else ""
        try:
            _log_in(client, settings, token)
        except LoginError as error:
            if not settings.tokens or _LATER.search(str(error)):
                raise
            settings.tokens.forget(token)
            _hang_up(client)
            client = _connect(settings)
            _log_in(client, settings, settings.tokens.token())
    except BaseException:
        _hang_up(client)
        raise
    return client


def _connect(settings: MailboxSettings) -> IMAPClient:
    client = IMAPClient(
        settings.host,
        settings.port,
        ssl=settings.tls == "tls",
        ssl_context=ssl.create_default_context() if settings.tls == "tls" else None,
        timeout=SocketTimeout(settings.timeout_seconds, settings.timeout_seconds),
    )
    client.normalise_times = False  # aware datetimes
    # imapclient has imaplib format every line and body for a debug log. That log would hold citizens' words.
    client._imap.debug = 0
    # imapclient writes a search in pieces; Nagle's algorithm would hold the last back for a delayed ACK (40 ms).
    client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def _log_in(client: IMAPClient, settings: MailboxSettings, token: str) -> None:
    if settings.tls == "starttls":
        client.starttls(ssl.create_default_context())
    if settings.tokens:
        # A refusal comes as a second challenge, which wants an empty answer before the NO.
        answers = iter([xoauth2(settings.user, token).encode("utf-8")])
        client.sasl_login("XOAUTH2", lambda _: next(answers, b""))
        return
    # imaplib sends LOGIN in ASCII; SASL PLAIN is UTF-8 (RFC 4616).
    is_ascii = (settings.user + settings.password).isascii()
    try:
        (client.login if is_ascii else client.plain_login)(settings.user, settings.password)
    except LoginError as error:
        # imapclient also calls it a LoginError when the connection breaks half-way.
        if isinstance(error.__context__, IMAPClientAbortError):
            raise error.__context__ from None
        raise


def _hang_up(client: IMAPClient) -> None:
    with suppress(IMAPClientError, OSError):
        client.shutdown()


def _size(facts: Mapping[bytes, Any]) -> int:
    return int(facts.get(b"RFC822.SIZE") or 0)


def _arrival(facts: Mapping[bytes, Any]) -> datetime:
    received: datetime | None = facts.get(b"INTERNALDATE")
    return received.astimezone(UTC) if received is not None else datetime.now(UTC)


def _channel_error(settings: MailboxSettings, folder: str, doing: str, error: Exception) -> ChannelError:
    detail = str(error) or type(error).__name__
    if settings.password:
        detail = detail.replace(settings.password, "***")
    is_refused_login = isinstance(error, LoginError) and not _LATER.search(detail)
    return ChannelError(
        f"Could not {doing} at {settings.host}:{settings.port} ({folder}): {detail}. "
        f"{_remedy(settings, error, is_refused_login=is_refused_login)}",
        permanent=is_refused_login,
    )


def _remedy(settings: MailboxSettings, error: Exception, *, is_refused_login: bool) -> str:
    match error:
        case LoginError() if is_refused_login and settings.tokens:
            return (
                f"Check that the application of oauth.client_id may open the mailbox {settings.user} "
                "(Exchange: New-ServicePrincipal, Add-MailboxPermission) and that IMAP is on for it."
            )
        case LoginError() if is_refused_login:
            return f"Check the password of {settings.user}, and that the account may use IMAP."
        case CapabilityError():
            return "The server does not offer this; check the TLS setting and the port."
        case ssl.SSLCertVerificationError():
            return "Check the host name; if the authority is your own, name its file in SSL_CERT_FILE."
        case ssl.SSLError():
            return "Check the TLS setting and the port: 993 is usually tls, 143 starttls."
        case socket.gaierror():
            return "Check the host name and the machine's DNS."
        case ConnectionRefusedError():
            return "Check the host and port, and that the server is running."
        case TimeoutError():
            return f"It did not answer in {settings.timeout_seconds:g} s; check the network and firewall."
        case _:
            return "A new connection will be tried."
