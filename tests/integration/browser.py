"""The desk over a ``World``, and people who use it through Starlette's client: what a browser sends, without one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from starlette.testclient import TestClient

from lokbot import accounts
from lokbot.loops import Service
from lokbot.model import Role
from lokbot.store.schema import User
from lokbot.understanding import Active
from lokbot.web.app import create_app
from tests.integration.world import World

PASSWORD = "korrekt häst batteri"
SITE = "http://localhost:8080"


@dataclass(repr=False)
class DeskWorld:
    """The web application over a world; its clock is the world's."""

    world: World
    service: Service = field(init=False)

    def __post_init__(self) -> None:
        self.service = Service(self.world.settings, self.world.sessions.kw["bind"], self.world.sessions)
        self.app = create_app(self.service, self, now=lambda: self.world.now)

    def lately(self) -> Active:
        return self.current()

    def current(self) -> Active:
        return self.world.active

    def account(
        self, email: str = "kim@stad.example", name: str = "Kim Sand", roles: Collection[Role] = (Role.COORDINATOR,)
    ) -> User:
        """Somebody who has followed their invitation."""
        with self.world.sessions.begin() as session:
            user, token = accounts.invite(session, email, name, roles, actor="test", now=self.world.now)
            link = accounts.open_link(session, token, now=self.world.now)
            assert link is not None
            accounts.follow_link(session, link, PASSWORD, now=self.world.now)
            return user

    def user(self, email: str) -> User:
        with self.world.sessions() as session:
            user = accounts.find(session, email)
            assert user is not None
            return user

    def stranger(self) -> Person:
        """A browser that nobody has logged in with."""
        return Person(TestClient(self.app, base_url=SITE, follow_redirects=False, headers={"origin": SITE}))

    def person(
        self, email: str = "kim@stad.example", name: str = "Kim Sand", roles: Collection[Role] = (Role.COORDINATOR,)
    ) -> Person:
        """A browser that somebody with a new account has logged in with."""
        self.account(email, name, roles)
        person = self.stranger()
        person.log_in(email)
        return person


@dataclass(repr=False)
class Person:
    """Somebody at a browser."""

    client: TestClient
    csrf: str = ""

    def log_in(self, email: str, password: str = PASSWORD) -> int:
        """Gives the status. A browser keeps the cookie and every form of ours its token."""
        response = self.client.post("/logga-in", data={"email": email, "password": password})
        if response.status_code == 303:
            self.csrf = hidden(self.client.get("/konto").text, "csrf")
        return response.status_code

    def see(self, path: str) -> str:
        """A page that must be there."""
        response = self.client.get(path)
        assert response.status_code == 200, f"{path}: {response.status_code}"
        return response.text

    def do(self, path: str, **fields: str) -> tuple[int, str]:
        """Send a form; gives the status and where it leads, or else the page."""
        response = self.client.post(path, data={"csrf": self.csrf, **fields})
        return response.status_code, response.headers.get("location", response.text)


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, f"no field {name}"
    return found[1]
