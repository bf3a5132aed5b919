"""What holds lokbot up at a chosen point: a tap on a TCP connection, SQLite's write lock."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers import HOST


class Tap:
    """A TCP connection to ``port`` by way of ``self.port``, listened in on.

    ``on_sent`` sees what the client sends before the server does, ``on_answered`` the other way round. After the end
    of its context nobody listens there; another one may, at the same port by ``listen``.
    """

    def __init__(
        self,
        port: int,
        *,
        listen: int = 0,
        on_sent: Callable[[bytes], None] = lambda _: None,
        on_answered: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self._target = port
        self._on_sent = on_sent
        self._on_answered = on_answered
        self._listener = socket.create_server((HOST, listen))
        self._ends: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((HOST, self._target))
                self._ends += (client, server)
                for source, sink, hear in ((client, server, self._on_sent), (server, client, self._on_answered)):
                    threading.Thread(target=self._carry, args=(source, sink, hear), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket, hear: Callable[[bytes], None]) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                hear(data)
                sink.sendall(data)


class WriteLock:
    """SQLite's one write lock, to be taken and released from any thread; a context manager that releases it."""

    def __init__(self, database: Path) -> None:
        self._connection = sqlite3.connect(database, timeout=30, isolation_level=None, check_same_thread=False)
        self._is_in_use = threading.Lock()  # SQLite crashes where one thread closes what another waits on

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._is_in_use:
            self._connection.close()

    def take(self) -> None:
        """Wait for it, if it is not ours already."""
        with self._is_in_use:
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        with self._is_in_use:
            self._connection.execute("ROLLBACK")
