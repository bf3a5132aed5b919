"""A real token endpoint (RFC 6749) that a mail server may ask about its tokens (RFC 7662), on loopback."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

HOST = "127.0.0.1"


class TokenServer:
    """A context manager. It gives ``token-1``, ``token-2`` and so on to whoever has the right secret, or refresh token.

    ``asked`` holds the form of every request for a token. A token is good for ``user`` until it is in ``revoked``.
    ``refusal`` is what every request gets instead, if set.
    """

    def __init__(self, user: str = "lok@test.example", *, secret: str = "hemlighet-7", lasts: int = 3600) -> None:
        self.user = user
        self.secret = secret
        self.lasts = lasts
        self.asked: list[dict[str, str]] = []
        self.given: list[str] = []
        self.revoked: set[str] = set()
        self.refresh_token = ""
        self.refusal: tuple[int, bytes] | None = None
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_port}/token"

    @property
    def introspection(self) -> str:
        return f"http://{HOST}:{self._server.server_port}/introspect"

    def knows(self, user: str, token: str) -> bool:
        return user == self.user and token in self.given and token not in self.revoked

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """What a request gets: status and JSON."""
        if path == "/introspect":
            is_active = self.knows(self.user, form.get("token", ""))
            return 200, {"active": is_active, "username": self.user} if is_active else {"active": False}
        self.asked.append(form)
        if form.get("client_secret") != self.secret:
            return 401, {"error": "invalid_client", "error_description": f"AADSTS7000215 {form.get('client_secret')}"}
        renewed = {}
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] != self.refresh_token:
                return 400, {"error": "invalid_grant", "error_description": "AADSTS700082: it has expired"}
            self.refresh_token = f"refresh-{len(self.given) + 2}"
            renewed = {"refresh_token": self.refresh_token}
        self.given.append(f"token-{len(self.given) + 1}")
        return 200, {"access_token": self.given[-1], "token_type": "Bearer", "expires_in": self.lasts} | renewed

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(sent).items()}
                if server.refusal:
                    status, said = server.refusal
                else:
                    status, answered = server.answer(self.path, form)
                    said = json.dumps(answered).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

        return Handler
