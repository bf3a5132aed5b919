"""A real SMTP server that takes mail in, turns it away or breaks off, as the test says.

Inside a test: ``SmtpSink``. As a process of its own, to outlive a sender that is killed:
``python -m tests.smtp_sink PORT DIRECTORY`` writes each mail that it accepts to ``DIRECTORY/0001.eml`` (and its
envelope to ``0001.json``) before it says so, prints ``ready PORT`` when it listens, and reads how to behave from
``DIRECTORY/behaviour`` (a ``Behaviour`` value) anew for every mail; PORT 0 takes a free one.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from lokbot.channels.smtp import SmtpSettings

HOST = "127.0.0.1"


class Behaviour(StrEnum):
    """What happens after the final dot."""

    ACCEPT = "accept"
    POSTPONE = "postpone"  # 451: not now
    REFUSE = "refuse"  # 554: never
    DROP = "drop"  # the mail is kept, and the connection breaks before the sender hears of it
    LOSE = "lose"  # the connection breaks and the mail is not kept
    HANG = "hang"  # the mail is kept, and the answer never comes


@dataclass(frozen=True, slots=True)
class Accepted:
    """A mail that the sink has kept, with its envelope."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes


class _Door:
    """aiosmtpd's handler. ``behaviour`` is asked anew for each mail, ``keep`` is called before the answer is given."""

    def __init__(self, behaviour: Callable[[], Behaviour], keep: Callable[[Accepted], None]) -> None:
        self.refused: dict[str, str] = {}
        self.refused_senders: dict[str, str] = {}
        self._behaviour = behaviour
        self._keep = keep

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused_senders:
            return self.refused_senders[address]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        behaviour = self._behaviour()
        if behaviour is Behaviour.POSTPONE:
            return "451 4.3.2 Try again later"
        if behaviour is Behaviour.REFUSE:
            return "554 5.7.1 We do not want this"
        if behaviour is not Behaviour.LOSE:
            content = envelope.original_content or b""
            sender = (envelope.mail_from or "").strip("<>")  # aiosmtpd leaves the brackets of an empty path
            self._keep(Accepted(sender, tuple(envelope.rcpt_tos), content))
        if behaviour in (Behaviour.DROP, Behaviour.LOSE) and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        if behaviour is Behaviour.HANG:
            await asyncio.Event().wait()
        return "250 OK"


class _TokenDoor(_Door):
    """One that logs in whoever has a token (SASL XOAUTH2), and refuses as Google does: by a challenge first."""

    def __init__(
        self, behaviour: Callable[[], Behaviour], keep: Callable[[Accepted], None], knows: Callable[[str, str], bool]
    ) -> None:
        super().__init__(behaviour, keep)
        self._knows = knows

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 5.7.57 Client not authenticated"
        return await super().handle_MAIL(server, session, envelope, address, options)

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        user, bearer, *_ = base64.b64decode(args[1]).decode().split("\x01")
        if self._knows(user.removeprefix("user="), bearer.removeprefix("auth=Bearer ")):
            return AuthResult(success=True)
        await server.challenge_auth(b'{"status":"401"}')
        return AuthResult(success=False, handled=False)


class SmtpSink:
    """The sink in a thread of this process; a context manager.

    ``accepted`` holds the mails kept so far; ``refused`` maps an address to the reply that its RCPT gets, and
    ``refused_senders`` one to that of its MAIL. With a ``tls_context`` it offers STARTTLS, or speaks TLS from the
    first byte if ``is_tls``. With ``login`` it takes mail only after STARTTLS and from nobody else; with ``knows``,
    asked for a user and a token, only after a login by XOAUTH2.
    """

    def __init__(
        self,
        *,
        tls_context: ssl.SSLContext | None = None,
        is_tls: bool = False,
        login: tuple[str, str] | None = None,
        knows: Callable[[str, str], bool] | None = None,
    ) -> None:
        self.behaviour = Behaviour.ACCEPT
        self.accepted: list[Accepted] = []
        self.port = 0
        self._takes_tokens = knows is not None
        self._door = (
            _TokenDoor(lambda: self.behaviour, self.accepted.append, knows)
            if knows
            else _Door(lambda: self.behaviour, self.accepted.append)
        )
        self._tls_context = tls_context
        self._is_tls = is_tls
        self._login = login
        self._connections: WeakSet[SMTP] = WeakSet()
        self._is_ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="smtp-sink", daemon=True)

    @property
    def refused(self) -> dict[str, str]:
        return self._door.refused

    @property
    def refused_senders(self) -> dict[str, str]:
        return self._door.refused_senders

    @property
    def settings(self) -> SmtpSettings:
        """How to send to it in plain text, as lok@test.example."""
        return SmtpSettings(HOST, self.port, "", "", from_address="lok@test.example", tls="none")

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._is_ready.wait(10) or not self.port:
            raise RuntimeError("the SMTP sink did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._is_ready.set()

    async def _serve(self) -> None:
        loop = self._loop = asyncio.get_running_loop()
        server = await loop.create_server(self._connection, HOST, 0, ssl=self._tls_context if self._is_tls else None)
        self.port = server.sockets[0].getsockname()[1]
        self._is_ready.set()
        await self._stopping.wait()
        server.close()
        for connection in self._connections:
            transport = connection.transport
            if isinstance(transport, asyncio.Transport) and not transport.is_closing():
                transport.abort()

    def _connection(self) -> SMTP:
        connection = SMTP(
            self._door,
            hostname="localhost",
            loop=asyncio.get_running_loop(),
            tls_context=None if self._is_tls else self._tls_context,
            authenticator=self._authenticate if self._login else None,
            auth_required=self._login is not None,
            auth_require_tls=not self._takes_tokens,
        )
        self._connections.add(connection)
        return connection

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given == self._login, handled=False)  # aiosmtpd then gives the reply


def main(port: int, directory: Path) -> None:
    """Serve until killed."""
    directory.mkdir(parents=True, exist_ok=True)
    asyncio.run(_serve_into(port, directory))


async def _serve_into(port: int, directory: Path) -> None:
    wish = directory / "behaviour"

    def behaviour() -> Behaviour:
        return Behaviour(wish.read_text(encoding="ascii").strip()) if wish.exists() else Behaviour.ACCEPT

    def keep(mail: Accepted) -> None:
        name = f"{len(list(directory.glob('*.eml'))) + 1:04d}"
        envelope = {"sender": mail.sender, "recipients": mail.recipients}
        (directory / f"{name}.json").write_text(json.dumps(envelope), encoding="ascii")
        unfinished = directory / f"{name}.part"
        unfinished.write_bytes(mail.raw)
        unfinished.rename(directory / f"{name}.eml")

    door = _Door(behaviour, keep)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(door, hostname="localhost", loop=loop), HOST, port)
    sys.stdout.write(f"ready {server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
