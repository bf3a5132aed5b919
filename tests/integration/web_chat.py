"""Browsers that chat, without a browser: the application over a ``World``, and what a page shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape

from starlette.testclient import TestClient

from lokbot.channels.webchat import WebChannel
from lokbot.conversation import delivery
from lokbot.conversation.delivery import Sender
from lokbot.model import ChannelName
from lokbot.store.schema import OutboxItem
from tests.integration.browser import SITE, DeskWorld
from tests.integration.world import World

PDF = b"%PDF-1.4\n%%EOF\n"


def deliver(world: World) -> None:
    """Send all that is due: to browsers by their door, to others by the world's."""
    doors: dict[ChannelName, Sender] = {**dict.fromkeys(ChannelName, world), ChannelName.WEBCHAT: WebChannel()}
    show(world)
    while delivery.deliver_next(
        world.sessions, doors, world.settings, world.active.knowledge, worker="w", now=world.now
    ):
        pass


def show(world: World, door: Sender | None = None) -> Sequence[OutboxItem]:
    """What is due in web chats, in one commit; gives what is shown now."""
    return delivery.show_due(
        world.sessions, door or WebChannel(), world.settings, world.active.knowledge, worker="w", now=world.now
    )


def work(world: World) -> None:
    """Handle and send all that is due."""
    while world.handle_next():
        pass
    deliver(world)


@dataclass(repr=False)
class Surfer:
    """Somebody at a browser who chats. Time passes only where it is said to."""

    desk: DeskWorld
    panel: bool = False
    client: TestClient = field(init=False)

    def __post_init__(self) -> None:
        headers = {"origin": SITE, "accept-language": "sv-SE,sv;q=0.9,en;q=0.8"}
        # A panel's cookie is for TLS only, and a browser takes localhost for that.
        site = SITE.replace("http:", "https:") if self.panel else SITE
        self.client = TestClient(self.desk.app, base_url=site, follow_redirects=True, headers=headers)

    @property
    def world(self) -> World:
        return self.desk.world

    @property
    def query(self) -> str:
        return "?panel=1" if self.panel else ""

    def see(self, path: str = "/chatt") -> str:
        """The chat's page."""
        response = self.client.get(path + self.query)
        assert response.status_code == 200, response.status_code
        self.page = response.text
        return self.page

    def send(self, path: str = "/chatt", *, file: tuple[str, bytes, str] | None = None, **fields: str) -> int:
        """Send a form of the page that was seen last (or of a new one); gives the status in the end."""
        if not hasattr(self, "page"):
            self.see()
        hidden = {name: self.hidden(name) for name in ("csrf", "nonce") if f'name="{name}"' in self.page}
        files = {"file": file} if file else None
        response = self.client.post(path + self.query, data={**hidden, **fields}, files=files)
        self.page = response.text
        return response.status_code

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        assert found is not None, name
        return found[1]

    def write(self, text: str) -> list[str]:
        """Write, pause, and read the whole chat."""
        self.world.later(seconds=1)  # nobody answers in no time
        assert self.send(text=text) == 200
        return self.pause()

    def press(self, label: str) -> list[str]:
        """Press the button with this label under the latest message that has it."""
        self.world.later(seconds=1)
        found = re.findall(r'<button name="(press|command)" value="([^"]+)"[^>]*>([^<]+)</button>', self.see())
        name, value = next((name, value) for name, value, known in reversed(found) if unescape(known) == label)
        assert self.send(**{name: value}) == 200
        return self.pause()

    def pause(self, seconds: float = 2.0) -> list[str]:
        """Time passes, what is due is handled and sent, and the page is read anew."""
        self.world.later(seconds=seconds)
        work(self.world)
        self.see()
        return self.lines()

    def deliver(self) -> None:
        deliver(self.world)

    def lines(self) -> list[str]:
        """The texts of the chat, as a reader sees them."""
        texts = re.findall(r'<div class="text"[^>]*>(.*?)</div>', self.page, re.DOTALL)
        return [re.sub(r"\n{2,}", "\n\n", unescape(re.sub(r"<[^>]+>", "\n", text)).strip()) for text in texts]

    def labels(self) -> list[str]:
        """What can be pressed under messages."""
        return [unescape(one) for one in re.findall(r'<button name="press"[^>]*>([^<]+)</button>', self.page)]
