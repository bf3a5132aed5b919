"""A lokbot of processes that is in Telegram, on an emulated Bot API."""

from __future__ import annotations

from pathlib import Path

from lokbot.channels.imap import MailboxSettings
from tests.processes import Installation, Process
from tests.smtp_sink import SmtpSink
from tests.telegram_server import ANNA, TOKEN, TelegramServer

NO_MAILBOX = MailboxSettings(host="127.0.0.1", port=1, user="", password="", tls="none")


class TelegramTown(Installation):
    """Its parts `telegram` and `worker` need no mailbox; `run` reads the one that is given."""

    def __init__(
        self,
        directory: Path,
        telegram: TelegramServer,
        sink: SmtpSink,
        mailbox: MailboxSettings = NO_MAILBOX,
        **settings: str,
    ) -> None:
        chosen = {
            "telegram__token": TOKEN,
            "telegram__decision": "KS 2026/123",
            "telegram__assessment": "KS 2026/124",
            "telegram__api_url": telegram.url,
            "chat__quiet_seconds": "0.3",
            **settings,
        }
        super().__init__(directory, mailbox, sink, **chosen)
        self.telegram = telegram

    def start_parts(self) -> tuple[Process, Process]:
        """`lokbot telegram` and `lokbot worker`, at work."""
        reader = self.start("telegram")
        # The one makes the tables, so that the other does not wait for it.
        self.until(lambda: "getUpdates" in self.telegram.calls, "Telegram is asked for news")
        worker = self.start("worker")
        return reader, worker

    def got(self, count: int, chat: int = ANNA) -> list[str]:
        """The texts of a chat when there are so many of them."""
        self.until(lambda: len(self.telegram.texts(chat)) >= count, f"{count} messages in the chat")
        return self.telegram.texts(chat)
