"""What protects every page: headers, host names, where a form comes from, how large a request may be."""

from __future__ import annotations

import hmac
from datetime import timedelta
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lokbot import accounts
from lokbot.config import Settings
from lokbot.store.schema import WebSession

# Form fields are words that people write; files are counted apart.
FORM_BYTES = 2_000_000

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


_NOWHERE = HEADERS["content-security-policy"]


class Headers:
    """Adds the headers to every answer; pages are kept by nobody, files under static/ by whoever wants to."""

    def __init__(self, app: ASGIApp, *, is_tls: bool) -> None:
        self._app = app
        self._headers = dict(HEADERS)
        if is_tls:
            self._headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_framed = "frame-ancestors 'none'" not in headers.get("content-security-policy", _NOWHERE)
                for name, value in self._headers.items():
                    if name != "x-frame-options" or not is_framed:  # the old one knows no list of pages
                        headers.setdefault(name, value)
                is_static = scope["path"].startswith("/static/") and message["status"] == 200
                headers.setdefault("cache-control", "public, max-age=31536000, immutable" if is_static else "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


def middleware(settings: Settings) -> list[Middleware]:
    """What stands before every page. A request by another host name gets no link of ours with that name in it."""
    url = urlsplit(settings.web.public_url)
    hosts = [url.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"]
    return [
        Middleware(Headers, is_tls=url.scheme == "https"),
        Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
    ]


def is_from_here(request: Request) -> bool:
    """Whether a form was sent from one of our own pages (Fetch Metadata; older browsers: Origin or Referer)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin") or request.headers.get("referer") or ""
    return bool(origin) and urlsplit(origin).netloc == request.headers.get("host", "")


def has_token(login: WebSession | None, token: str) -> bool:
    """Whether a form carries the secret of this browser session."""
    return login is not None and hmac.compare_digest(login.csrf.encode(), token.encode())


def largest_request(settings: Settings) -> int:
    """Bytes of the largest request that is read."""
    return settings.web.max_upload_bytes + FORM_BYTES


def next_page(wanted: str) -> str:
    """Where to go after logging in: a path of ours, never another site."""
    is_ours = (
        wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and "\n" not in wanted and "\r" not in wanted
    )
    return wanted if is_ours else "/"


def cookie_name(public_url: str, of: str = "lokbot") -> str:
    """Over TLS the prefix binds the cookie to this host and to TLS (RFC 6265bis 4.1.3.2)."""
    return f"__Host-{of}" if urlsplit(public_url).scheme == "https" else of


def with_cookie(
    response: Response, token: str, public_url: str, *, of: str = "lokbot", lasts: timedelta = accounts.LONGEST
) -> Response:
    """The browser keeps ``token`` until it is taken away or its time is over; no script can read it."""
    response.set_cookie(
        cookie_name(public_url, of),
        token,
        max_age=int(lasts.total_seconds()),
        secure=urlsplit(public_url).scheme == "https",
        httponly=True,
        samesite="lax",
        path="/",
    )
    return response
