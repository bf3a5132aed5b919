"""A coordinator of a generated store, and a browser in which that one is logged in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine
from starlette.testclient import TestClient

from lokbot import accounts
from lokbot.config import Settings
from lokbot.content import Content
from lokbot.loops import Service
from lokbot.model import Role
from lokbot.store.session import Sessions
from lokbot.web.app import create_app

USER, PASSWORD = "kim@stad.example", "korrekt häst batteri"
_SITE = "http://localhost:8080"


def let_in(sessions: Sessions, now: datetime) -> None:
    """Makes the account, as from an invitation that was followed."""
    with sessions.begin() as session:
        _, token = accounts.invite(session, USER, "Kim", (Role.COORDINATOR,), actor="-", now=now)
        link = accounts.open_link(session, token, now=now)
        assert link is not None
        accounts.follow_link(session, link, PASSWORD, now=now)


def logged_in(engine: Engine, sessions: Sessions, settings: Settings, now: datetime) -> TestClient:
    """A client of the whole application, without a network between them."""
    content = Content(settings, sessions, lambda: now)
    content.current()
    app = create_app(Service(settings, engine, sessions), content, now=lambda: now)
    client = TestClient(app, base_url=_SITE, headers={"origin": _SITE})
    client.post("/logga-in", data={"email": USER, "password": PASSWORD})
    return client
