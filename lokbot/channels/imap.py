"""The mailbox: reads mail over IMAP as the server holds it, and leaves everything there as it was.

The folder is opened with EXAMINE and bodies are asked for with BODY.PEEK (RFC 3501 6.3.2, 6.4.5): nothing here
marks a mail as read, moves or deletes it. Where lokbot has come to is (UIDVALIDITY, UID) and is kept by the caller.
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
from imapclient.imapclient import SENT
from imapclient.response_parser import parse_fetch_response

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


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """Where the mailbox is and how to open it. Durations are seconds, sizes bytes.

    ``tls`` is "tls" (from the first byte, usually port 993), "starttls" (usually 143) or "none" (loopback only).
    Certificates are always checked; a certificate authority of one's own is named by ``SSL_CERT_FILE``.
    ``timeout_seconds`` bounds each wait for the server. IDLE is renewed every ``idle_seconds``: RFC 2177 allows 29
    minutes, but routers forget a silent connection much sooner, and a dead one shows only when it is spoken to.
    Where the server has no IDLE it is asked every ``poll_seconds``. A mail over ``largest_mail_bytes`` is left on
    the server. ``sent_folder`` None means the folder that the server marks as ``\\Sent`` (RFC 6154).
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: Literal["tls", "starttls", "none"] = "tls"
    folder: str = "INBOX"
    sent_folder: str | None = None
    timeout_seconds: float = 30.0
    idle_seconds: float = 240.0
    poll_seconds: float = 30.0
    largest_mail_bytes: int = 25 * 1024 * 1024


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
    """One live connection to one folder; a context manager, for one thread at a time.

    After a ``ChannelError`` the connection is spent: leave the context and open another. Wrong credentials are
    ``permanent=True``; everything else may pass by itself and is ``permanent=False``.
    """

    def __init__(self, settings: MailboxSettings) -> None:
        self._settings = settings
        self._client: IMAPClient = None
        self._state = MailboxState(0, 0)
        self._is_spent = False

    def __enter__(self) -> Self:
        with self._errors("open the mailbox"):
            self._client = _connect(self._settings)
            try:
                _log_in(self._client, self._settings)
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

    def append_sent(self, raw: bytes, flags: Sequence[bytes] = (SEEN,)) -> None:
        """Put a copy of what was sent into the Sent folder, marked as read unless ``flags`` says otherwise."""
        with self._errors("save a copy of a sent mail"):
            folder = self._settings.sent_folder or self._client.find_special_folder(SENT)
            if folder is None:
                raise IMAPClientError("the server marks no folder as Sent; name it in sent_folder")
            self._client.append(folder, raw, flags)

    def _examine(self) -> MailboxState:
        answer = self._client.select_folder(self._settings.folder, readonly=True)
        if b"UIDNEXT" not in answer:  # optional in SELECT, never in STATUS (RFC 3501 6.3.1, 6.3.10)
            answer |= self._client.folder_status(self._settings.folder, ["UIDNEXT"])
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
        except (IMAPClientError, OSError, *_UNREADABLE_ANSWER) as error:
            self._is_spent = True
            raise _channel_error(self._settings, doing, error) from error


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


def _log_in(client: IMAPClient, settings: MailboxSettings) -> None:
    if settings.tls == "starttls":
        client.starttls(ssl.create_default_context())
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


def _channel_error(settings: MailboxSettings, doing: str, error: Exception) -> ChannelError:
    detail = str(error) or type(error).__name__
    if settings.password:
        detail = detail.replace(settings.password, "***")
    is_refused_login = isinstance(error, LoginError) and not _LATER.search(detail)
    return ChannelError(
        f"Could not {doing} at {settings.host}:{settings.port} ({settings.folder}): {detail}. "
        f"{_remedy(settings, error, is_refused_login=is_refused_login)}",
        permanent=is_refused_login,
    )


def _remedy(settings: MailboxSettings, error: Exception, *, is_refused_login: bool) -> str:
    match error:
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
