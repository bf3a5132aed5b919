"""Somebody who chats with the bot, through the whole path in one process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlalchemy import select

from lokbot.channels.attachments import attachment
from lokbot.conversation import intake
from lokbot.conversation.pipeline import Plan
from lokbot.model import Address, ChannelName, IncomingMessage, OutgoingMessage
from lokbot.store.schema import Message, OutboxItem
from tests.integration.world import Case, World

PDF = attachment("protokoll.pdf", "application/pdf", b"%PDF-1.4\n%%EOF\n")

_numbers = count(1)


@dataclass
class Chat:
    """One chat. Time passes only where it is said to."""

    world: World
    address: str = "7001"
    name: str = "Anna Prov"
    channel: ChannelName = ChannelName.TELEGRAM
    plans: list[Plan] = field(default_factory=list)

    def store(self, text: str = "", **values: Any) -> int:
        """A message arrives; gives its id."""
        identity = f"{self.address}.{next(_numbers)}"
        incoming = {
            "channel": self.channel,
            "external_id": identity,
            "received_at": self.world.now,
            "raw": text.encode("utf-8", "replace"),
            "sender": Address(self.name, self.address),
            "subject": "",
            "text": text,
            "new_text": text,
            **values,
        }
        with self.world.sessions.begin() as session:
            return intake.receive(session, IncomingMessage(**incoming), now=self.world.now).message_id

    def write(self, *texts: str, **values: Any) -> list[str]:
        """Write, pause, and get what the bot says to it."""
        for text in texts or ("",):
            self.last = self.store(text, **values)
        return self.pause()

    def edit(self, message_id: int, text: str) -> list[str]:
        """Mend a message, pause, and get what the bot says to it."""
        self.last = self.store(text, replaces=self.message(message_id).external_id)
        return self.pause()

    def press(self, label: str) -> list[str]:
        """Press the button under the latest message that has it."""
        with self.world.sessions.begin() as session:
            items = session.scalars(select(OutboxItem).order_by(OutboxItem.id.desc())).all()
            item, command = next(
                (item, command)
                for item in items
                if item.channel is self.channel and item.to[0]["email"] == self.address
                for known, command in item.buttons or ()
                if known == label
            )
        self.last = self.store(label, command=command, in_reply_to=(item.external_id,))
        return self.handle()

    def command(self, command: str) -> list[str]:
        self.last = self.store(f"/{command}", command=command)
        return self.handle()

    def pause(self, seconds: float = 2.0) -> list[str]:
        """Time passes, and what is due is handled and sent."""
        self.world.later(seconds=seconds)
        return self.handle()

    def handle(self) -> list[str]:
        while found := self.world.handle_next():
            self.plans.append(found[1])
        return [message.text for message in self.sent_now()]

    def sent_now(self) -> Sequence[OutgoingMessage]:
        """What goes out to this chat now."""
        return [message for message in self.world.deliver() if message.to[0].email == self.address]

    def buttons(self) -> list[str]:
        """The labels under the latest message to this chat."""
        ours = [message for message in self.world.sent if message.to[0].email == self.address]
        return [button.label for button in ours[-1].buttons]

    def message(self, message_id: int) -> Message:
        with self.world.sessions.begin() as session:
            return session.get_one(Message, message_id)

    @property
    def case(self) -> Case:
        """The case of the latest message."""
        return Case(self.world, self.last, self.plans[-1])
