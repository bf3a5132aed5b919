"""The desk as a real server over a real store, for the real Chromium of tests/conftest.py."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page
from pydantic import SecretStr

from lokbot.config import ChatSettings, SmtpSettings, SsoSettings, TelegramSettings, WebSettings
from lokbot.loops import clock
from lokbot.model import Role
from lokbot.statistics import facts
from lokbot.store.migrations import migrate
from lokbot.store.session import Sessions, connect, session_factory
from lokbot.web.app import create_app
from tests import openid_provider
from tests.integration.browser import PASSWORD, DeskWorld
from tests.integration.world import SUGGEST, World
from tests.servers import wait_until

DESKTOP, PHONE = (1280, 900), (320, 640)
# What is left of DESKTOP where everything is twice as large (WCAG 2.2, 1.4.4 and 1.4.10): with ``scale=2``.
ZOOMED = (640, 450)


@dataclass(repr=False)
class Office:
    """The desk on a port of its own. Its clock stands still unless a test moves it."""

    desk: DeskWorld
    browser: Browser
    site: str
    contexts: list[BrowserContext] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.desk.world

    def page(self, size: tuple[int, int] = DESKTOP, *, scripts: bool = True, scale: float = 1) -> Page:
        """A browser of its own; its screen has ``scale`` points for each pixel of ``size``. Whatever goes wrong in its
        console fails the test when it closes.
        """
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            device_scale_factor=scale,
            java_script_enabled=scripts,
            locale="sv-SE",
        )
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        return page

    def log_in(self, page: Page, email: str = "kim@stad.example") -> Page:
        page.goto(f"{self.site}/logga-in")
        page.fill("[name=email]", email)
        page.fill("[name=password]", PASSWORD)
        page.click("main button")
        page.wait_for_url("**/arenden*")
        return page

    def log_out(self, page: Page) -> None:
        """By the menu, which is folded on a phone."""
        menu = page.locator(".menu > summary")
        if menu.is_visible():
            menu.click()
        page.locator("text=Logga ut").first.click()


@pytest.fixture
def office(browser: Browser, tmp_path: Path, migrated: Path) -> Iterator[Office]:
    """An office with an empty inbox where the bot may only suggest; Kim Sand and Alex Berg work there."""
    with _office(browser, Path(shutil.copy(migrated, tmp_path / "lokbot.db"))) as found:
        found.desk.account()
        found.desk.account("alex@stad.example", "Alex Berg")
        yield found


@pytest.fixture
def city_office(browser: Browser, tmp_path: Path, migrated: Path, openid_issuer: str) -> Iterator[Office]:
    """An office that is entered by the city's own log-in, or by a password."""
    sso = SsoSettings(
        issuer=openid_issuer,
        client_id=openid_provider.CLIENT_ID,
        client_secret=SecretStr(openid_provider.CLIENT_SECRET),
        roles={Role.COORDINATOR: ("g-samordnare",)},
    )
    with _office(browser, Path(shutil.copy(migrated, tmp_path / "lokbot.db")), sso=sso) as found:
        yield found


@pytest.fixture
def telegram_office(browser: Browser, tmp_path: Path, migrated: Path) -> Iterator[Office]:
    """An office in a city that has decided to be on Telegram; Kim Sand works there."""
    telegram = TelegramSettings(token=SecretStr("1:x"), decision="KS 1", assessment="KS 2")
    with _office(browser, Path(shutil.copy(migrated, tmp_path / "lokbot.db")), telegram=telegram) as found:
        found.desk.account()
        yield found


@contextmanager
def _office(browser: Browser, file: Path, **settings: object) -> Iterator[Office]:
    engine = connect(f"sqlite:///{file}")
    sessions = facts.follow(session_factory(engine), lambda _: SUGGEST.promise)
    server, port, thread, desk = _serve(sessions, settings)
    found = Office(desk, browser, f"http://localhost:{port}")
    try:
        yield found
    finally:
        for context in found.contexts:
            context.close()
        desk.service.stop.set()
        server.should_exit = True
        thread.join(timeout=10)
        engine.dispose()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("office") / "lokbot.db"
    engine = connect(f"sqlite:///{file}")
    migrate(engine)
    engine.dispose()
    return file


def _serve(
    sessions: Sessions, changed: Mapping[str, object]
) -> tuple[uvicorn.Server, int, threading.Thread, DeskWorld]:
    listening = socket.create_server(("127.0.0.1", 0))
    port: int = listening.getsockname()[1]
    settings = SUGGEST.model_copy(
        update={
            "web": WebSettings(port=port, public_url=f"http://localhost:{port}"),
            "smtp": SmtpSettings(from_address="lok@stad.example"),
            "chat": ChatSettings(embed_on=("http://127.0.0.1:*",)),
            **changed,
        }
    )
    world = World(sessions, settings, now=clock() - timedelta(hours=2))
    desk = DeskWorld(world)
    app = create_app(desk.service, desk, now=lambda: world.now)
    config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the desk listens")
    return server, port, thread, desk
