"""One request as a page's function sees it: who asks, what they sent, the open transaction, how to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lokbot.config import Settings
from lokbot.loops import Service
from lokbot.model import Knowledge, Role, UserError
from lokbot.store.schema import User, WebSession
from lokbot.understanding import Active
from lokbot.web import rendering

LANGUAGES = ("sv", "en")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a form. The name is the sender's word."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """What a form sent: text fields (a name may come more than once) and files."""

    fields: Sequence[tuple[str, str]] = ()
    files: Sequence[Upload] = ()

    def __getitem__(self, name: str) -> str:
        return next((value for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]


@dataclass(frozen=True, slots=True)
class Visit:
    """A request at a page. ``session`` is one transaction: committed when the page's function returns.

    ``settings`` and ``active`` hold what the desk has set; ``service.settings`` and ``of_files`` what the files say.
    """

    request: Request
    service: Service
    session: Session
    settings: Settings
    active: Active
    of_files: Knowledge
    login: WebSession | None
    form: Form
    now: datetime
    speaks: str | None = None

    @property
    def user(self) -> User:
        """Who asks; only on pages that demand a role."""
        assert self.login is not None
        return self.login.user

    @property
    def actor(self) -> str:
        """How the acts of who asks are signed: their mail address, as when they act by mail."""
        return self.user.email

    @property
    def knowledge(self) -> Knowledge:
        return self.active.knowledge

    @property
    def language(self) -> str:
        """Of the page: the one it has chosen (``speaks``), the user's choice, else the link's, else what the browser
        asks for, else Swedish.
        """
        if self.speaks is not None:
            return self.speaks
        if self.login is not None:
            return self.login.user.language
        asked = self.request.query_params.get("sprak", "")
        if asked in LANGUAGES:
            return asked
        wanted = self.request.headers.get("accept-language", "").lower()
        first = wanted.split(",")[0].split(";")[0].split("-")[0].strip()
        return first if first in LANGUAGES else "sv"

    @property
    def place(self) -> str:
        """The address of the browser, or of the last proxy that is not trusted."""
        return place_of(self.request, self.settings)

    @property
    def agent(self) -> str:
        """What the browser calls itself."""
        return self.request.headers.get("user-agent", "")

    def path(self, name: str) -> str:
        value: str = self.request.path_params[name]
        return value

    def query(self, name: str) -> str:
        return self.request.query_params.get(name, "")

    def has(self, *roles: Role) -> bool:
        """Whether who asks has one of these roles."""
        return self.login is not None and any(role in self.login.user.roles for role in roles)

    def say(self, swedish: str, /, **words: object) -> str:
        """A sentence of the page in its language."""
        return rendering.say(swedish, self.language, **words)

    def told(self, error: UserError) -> str:
        """Why something was not possible, in the page's language."""
        return rendering.say(error.sentence, self.language, **error.words)

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Render a template."""
        return rendering.page(self, template, status=status, values=values)

    def to(self, path: str, **query: str) -> Response:
        """Go on to another page of ours (303: with GET, RFC 9110 15.4.4)."""
        return RedirectResponse(path + (f"?{urlencode(query)}" if query else ""), status_code=303)


def place_of(request: Request, settings: Settings) -> str:
    """Where a request comes from. ``X-Forwarded-For`` is believed from the right, as far as trusted proxies go."""
    place = request.client.host if request.client else ""
    hops = [hop.strip() for hop in request.headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    while place in settings.web.trusted_proxies and hops:
        place = hops.pop()
    return place


def first(values: Mapping[str, str]) -> str:
    """The first key, where a form must have one chosen."""
    return next(iter(values))
