"""A mailbox and a mail server inside this process, for the demo and for quick tests. All in memory, loopback only.

pymap is the IMAP server, aiosmtpd the SMTP server. Mail to the mailbox's address lands in its INBOX, as an ordinary
mail server would deliver it; mail to anyone else has left the city and is kept in ``outgoing`` for all to see.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import threading
from argparse import Namespace
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from types import TracebackType
from typing import Self
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session
from proxyprotocol.sock import SocketInfo
from proxyprotocol.version import ProxyProtocolVersion
from pymap.backend.dict import Config, Login
from pymap.concurrent import Subsystem
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

from lokbot.channels.imap import MailboxSettings
from lokbot.channels.smtp import SmtpSettings

_HOST = "127.0.0.1"
_START_SECONDS = 10.0
_SENT_FOLDER = "Sent"


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that left for somebody else than the mailbox's own address. ``sender`` and ``recipients`` are the
    envelope's; ``sender`` is empty for a bounce."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes = field(repr=False)


class EmbeddedServers:
    """The two servers, in a thread of their own from ``start`` until ``stop``; a context manager.

    ``outgoing`` grows in the order of sending; ``on_outgoing`` is called with each such mail in the servers' thread,
    so it must not wait for the servers.
    """

    def __init__(self, address: str, password: str, on_outgoing: Callable[[SentMail], None] | None = None) -> None:
        self.address = address
        self.outgoing: list[SentMail] = []
        self._password = password
        self._on_outgoing = on_outgoing
        self._thread = threading.Thread(target=self._run, name="embedded-mail", daemon=True)
        self._is_ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._imap_port = 0
        self._smtp_port = 0

    def start(self) -> Self:
        """Return once both servers listen. Raises ``RuntimeError`` where they do not within ten seconds."""
        self._thread.start()
        if not self._is_ready.wait(_START_SECONDS) or not self._smtp_port:
            raise RuntimeError("the embedded mail servers did not start")
        return self

    def stop(self) -> None:
        """Close both servers and every connection to them. To stop twice does no harm."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def mailbox(self) -> MailboxSettings:
        """How to read the mailbox."""
        # pymap tells an IDLE only what happens after it began, so one that begins too late is not left for long.
        return MailboxSettings(
            _HOST,
            self._imap_port,
            self.address,
            self._password,
            tls="none",
            sent_folder=_SENT_FOLDER,
            idle_seconds=2.0,
        )

    @property
    def smtp(self) -> SmtpSettings:
        """How to send, as the mailbox's address."""
        return SmtpSettings(_HOST, self._smtp_port, "", "", from_address=self.address, tls="none")

    def hand_in(self, mail: EmailMessage) -> None:
        """Send ``mail`` over SMTP to whom it names, as anybody's mail program would."""
        with smtplib.SMTP(_HOST, self._smtp_port, timeout=_START_SECONDS) as server:
            server.send_message(mail)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._is_ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        config = _config(self.address, self._password)
        login = Login(config)
        await login.demo_user_identity.set(UserMetadata(config, self.address, password=self._password))
        async with login.demo_user_identity.new_session() as session:
            await session.create_mailbox(_SENT_FOLDER)

            async def deliver(raw: bytes) -> None:
                await session.append_messages("INBOX", [AppendMessage(raw, datetime.now(UTC))])

            serve_imap = IMAPServer(login, config)

            # pymap's own way starts a task that nothing refers to, and from Python 3.13 on it is collected as garbage
            # in the middle of an IDLE. asyncio keeps hold of this one.
            async def imap_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await serve_imap(reader, writer, SocketInfo.get(writer, None))

            imap = await asyncio.start_server(imap_connection, _HOST, 0)
            door = _SmtpDoor(self.address, deliver, self._keep)
            smtp = await self._loop.create_server(door.connection, _HOST, 0)
            self._imap_port = imap.sockets[0].getsockname()[1]
            self._smtp_port = smtp.sockets[0].getsockname()[1]
            self._is_ready.set()
            await self._stopping.wait()
            imap.close()
            smtp.close()
            door.hang_up()
        # asyncio.run cancels what is left: pymap says BYE to each of its clients.

    def _keep(self, mail: SentMail) -> None:
        self.outgoing.append(mail)
        if self._on_outgoing is not None:
            self._on_outgoing(mail)


def start(
    address: str = "lok@demo.example",
    password: str = "demo",
    *,
    on_outgoing: Callable[[SentMail], None] | None = None,
) -> EmbeddedServers:
    """Start both servers on free ports. Use it as ``with start() as servers:`` or call ``stop`` oneself."""
    return EmbeddedServers(address, password, on_outgoing).start()


class _Config(Config):
    """pymap's settings, with a greeting that does not look the machine's name up in DNS."""

    @property
    def greeting(self) -> bytes:
        return b"Server ready"


def _config(user: str, password: str) -> _Config:
    return _Config(
        Namespace(),
        host=_HOST,
        port=0,
        demo_data=False,
        demo_user=user,
        demo_password=password,
        ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        tls_enabled=False,
        hash_context=Cleartext(),
        cpu_subsystem=Subsystem.for_asyncio(),
        proxy_protocol=ProxyProtocolVersion.get(),
        reject_dnsbl=False,
    )


class _SmtpDoor:
    """What happens to a mail that somebody hands to the SMTP server."""

    def __init__(
        self, address: str, deliver: Callable[[bytes], Awaitable[None]], keep: Callable[[SentMail], None]
    ) -> None:
        self._address = address
        self._deliver = deliver
        self._keep = keep
        self._connections: WeakSet[SMTP] = WeakSet()

    def connection(self) -> SMTP:
        connection = SMTP(self, hostname="localhost", enable_SMTPUTF8=True, loop=asyncio.get_running_loop())
        self._connections.add(connection)
        return connection

    def hang_up(self) -> None:
        for connection in self._connections:
            transport = connection.transport
            if isinstance(transport, asyncio.Transport) and not transport.is_closing():
                transport.abort()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        sender = (envelope.mail_from or "").strip("<>")  # aiosmtpd leaves the brackets of an empty path
        others = tuple(one for one in envelope.rcpt_tos if one.lower() != self._address.lower())
        if len(others) < len(envelope.rcpt_tos):
            # A mail server leaves its trace at delivery (RFC 5321 4.4); the path shows what is a bounce.
            received = f"Received: by localhost; {format_datetime(datetime.now(UTC))}\r\n"
            await self._deliver(f"Return-Path: <{sender}>\r\n{received}".encode() + raw)
        if others:
            self._keep(SentMail(sender, others, raw))
        return "250 OK"
