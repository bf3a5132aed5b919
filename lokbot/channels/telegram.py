"""Telegram's Bot API: ask for updates and files, send messages with buttons. Spoken by python-telegram-bot's ``Bot``.

Text goes without a parse mode, so that nothing in it is ever markup. The library's own ``run_polling`` is not used: it
confirms updates before they are handled, and a crash would lose them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputFile, LinkPreviewOptions, ReplyParameters
from telegram.constants import ChatAction
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from lokbot.channels import telegram_updates
from lokbot.channels.telegram_updates import WANTED
from lokbot.model import Button, ChannelError, OutgoingMessage

T = TypeVar("T")

# The library gives times as timedelta only where this is set, and else warns of the day when it always will.
os.environ.setdefault("PTB_TIMEDELTA", "true")
# The address of each request holds the token, and what cannot be parsed is logged whole.
for _name in ("httpx", "httpcore", "telegram"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

# Bot API, sendMessage: so many UTF-16 code units.
LONGEST_TEXT = 4096
# Bot API, InlineKeyboardButton: so many bytes of callback data.
LONGEST_DATA = 64
_LONGEST_LABEL = 60  # what a phone shows of a button
_STOP_SECONDS = 0.2
# How much of what was sent in part is remembered.
_MOST_PARTS = 1000


@dataclass(frozen=True, slots=True)
class TelegramSettings:
    """Where the Bot API is, and as whom. Durations are seconds."""

    token: str
    api_url: str = "https://api.telegram.org"
    poll_seconds: int = 30
    timeout_seconds: float = 30.0


class TelegramChannel:
    """One connection to the Bot API, for one thread. A context manager; ``send`` may be used without.

    Every method raises ``ChannelError``; ``permanent`` only where the chat itself takes nothing (any more).
    """

    def __init__(self, settings: TelegramSettings) -> None:
        self._settings = settings
        timeout = settings.timeout_seconds
        asking, telling = (
            HTTPXRequest(
                connection_pool_size=4,
                read_timeout=timeout,
                write_timeout=timeout,
                connect_timeout=timeout,
                pool_timeout=timeout,
                media_write_timeout=timeout,
            )
            for _ in range(2)
        )
        url = settings.api_url.rstrip("/")
        self._bot = Bot(
            settings.token,
            base_url=f"{url}/bot",
            base_file_url=f"{url}/file/bot",
            request=telling,
            get_updates_request=asking,
        )
        self._requests = (asking, telling)
        self._runner = asyncio.Runner()
        self._sent_parts: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        async def shut() -> None:
            await asyncio.gather(*(request.shutdown() for request in self._requests))

        self._runner.run(shut())
        self._runner.close()

    def me(self) -> telegram_updates.Bot:
        """Who the token belongs to."""
        user = self._call(self._bot.get_me())
        return telegram_updates.Bot(user.id, user.username or "")

    def updates(self, offset: int | None, is_stopped: Callable[[], bool]) -> Sequence[Mapping[str, Any]]:
        """What is new from ``offset`` on, waited for; asking confirms all that is before it. Empty when stopped.

        An update is given again until it is confirmed.
        """
        asked = self._bot.get_updates(offset=offset, timeout=self._settings.poll_seconds, allowed_updates=WANTED)
        try:
            found = self._call(_unless(asked, is_stopped))
        except (AttributeError, KeyError, TypeError, ValueError):
            # One of them is of a form that the library does not know. All are waiting still, and are taken as they are.
            return self._unparsed_updates(offset)
        return [update.to_dict() for update in found or ()]

    def _unparsed_updates(self, offset: int | None) -> Sequence[Mapping[str, Any]]:
        given = {"timeout": 0, "allowed_updates": list(WANTED)} | ({"offset": offset} if offset is not None else {})
        # In small letters, which Telegram takes as well: the library warns of asking so for what it has a method for.
        found = self._call(self._bot.do_api_request("getupdates", api_kwargs=given))
        return [update for update in found if isinstance(update, dict)] if isinstance(found, list) else []

    def file(self, identity: str) -> bytes:
        """The content of a file."""

        async def fetch() -> bytes:
            found = await self._bot.get_file(identity)
            return bytes(await found.download_as_bytearray())

        return self._call(fetch())

    def show_typing(self, chat: str) -> None:
        """Tell the other side that something is being written, for five seconds or until it comes."""
        self._call(self._bot.send_chat_action(chat, ChatAction.TYPING))

    def say(self, chat: str, text: str) -> None:
        """A word that belongs to no case and is kept nowhere."""
        self._call(self._bot.send_message(chat, text), is_sending=True)

    def confirm_press(self, press_id: str) -> None:
        """Let the pressed button come to rest."""
        self._call(self._bot.answer_callback_query(press_id))

    def send(self, message: OutgoingMessage) -> bytes:
        """Send ``message`` to its one chat, in several parts where it is long; gives what went, as JSON.

        A part that has gone is not sent again when a later one fails and the message is tried once more from here.
        """
        (to,) = message.to
        texts = parts(message.text)
        steps: list[Callable[[], Coroutine[Any, Any, Any]]] = [
            lambda text=text, is_last=text is texts[-1]: self._bot.send_message(  # type: ignore[misc]
                to.email,
                text,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                reply_markup=_keyboard(message) if is_last else None,
                reply_parameters=_under(message, to.email) if text is texts[0] else None,
            )
            for text in texts
        ]
        steps += [
            lambda file=file: self._bot.send_document(  # type: ignore[misc]
                to.email, InputFile(file.content, filename=file.name)
            )
            for file in message.attachments
        ]
        for number in range(self._sent_parts.get(message.external_id, 0), len(steps)):
            self._call(steps[number](), is_sending=True)
            self._sent_parts[message.external_id] = number + 1
        self._sent_parts.pop(message.external_id, None)
        if len(self._sent_parts) > _MOST_PARTS:
            self._sent_parts.clear()
        labels = [[button.label, button.command] for button in message.buttons]
        return json.dumps({"chat": to.email, "texts": texts, "buttons": labels}, ensure_ascii=False).encode(
            "utf-8", "replace"
        )

    def _call(self, asked: Coroutine[Any, Any, T], *, is_sending: bool = False) -> T:
        try:
            return self._runner.run(asked)
        except TelegramError as error:
            raise self._trouble(error, is_sending=is_sending) from None

    def _trouble(self, error: TelegramError, *, is_sending: bool) -> ChannelError:
        """What a person and the outbox need to know. The library's words may hold the token or what somebody wrote, so
        only those of the two errors are passed on that are Telegram's own about the chat.
        """
        where = self._settings.api_url
        match error:
            case RetryAfter():
                wait = error.retry_after
                seconds = float(wait if isinstance(wait, int) else wait.total_seconds())
                return ChannelError(
                    f"{where} asks to be left alone for {seconds:.0f} s.", permanent=False, retry_after=seconds
                )
            case Forbidden() | BadRequest():
                return ChannelError(f"Telegram: {error.message}", permanent=True)
            case ChatMigrated():
                return ChannelError("Telegram: the group has become another chat.", permanent=True)
            case InvalidToken():
                text = f"{where} does not know the token. Check telegram.token against @BotFather."
            case Conflict():
                text = f"{where}: another program reads this bot's messages, or it has a webhook. Stop the other one."
            case TimedOut():
                return ChannelError(f"{where} did not answer in time.", permanent=False, in_doubt=is_sending)
            case NetworkError():
                cause = type(error.__cause__).__name__ if error.__cause__ else "an error of the server's"
                text = f"{where} could not be reached or could not answer ({cause})."
            case _:
                text = f"{where} could not do it ({type(error).__name__})."
        return ChannelError(text, permanent=False)


async def _unless(asked: Coroutine[Any, Any, T], is_stopped: Callable[[], bool]) -> T | None:
    """What ``asked`` gives; None, and the question withdrawn, where we are told to stop meanwhile."""
    task = asyncio.ensure_future(asked)
    while not task.done():
        if is_stopped():
            task.cancel()
            await asyncio.wait({task})
            return None
        await asyncio.wait({task}, timeout=_STOP_SECONDS)
    return task.result()


def _under(message: OutgoingMessage, chat: str) -> ReplyParameters | None:
    """The message of somebody else's in the chat that ours stands under, where that is still there."""
    where, _, number = (message.in_reply_to or "").partition(".")
    number = number.partition(".")[0]  # of an edit: what follows is the update's
    if where != chat or not number.isdecimal():
        return None
    return ReplyParameters(int(number), allow_sending_without_reply=True)


def _keyboard(message: OutgoingMessage) -> InlineKeyboardMarkup | None:
    """The buttons, one below the other: their labels are sentences."""
    rows = [
        [InlineKeyboardButton(_label(button), callback_data=f"{message.reference}:{button.command}"[:LONGEST_DATA])]
        for button in message.buttons
    ]
    return InlineKeyboardMarkup(rows) if rows else None


def _label(button: Button) -> str:
    label = button.label
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 2].rsplit(' ', 1)[0]} …"


def parts(text: str, longest: int = LONGEST_TEXT) -> list[str]:
    """``text`` in as few parts as hold ``longest`` UTF-16 code units each, cut between paragraphs, else lines, words or
    anywhere. Nothing but white space around the cuts is left out; at least one part, never an empty one.
    """
    left = text.strip() or "…"
    found = []
    while _units(left) > longest:
        head = _head(left, longest)
        cut = next((at for mark in ("\n\n", "\n", " ") if (at := head.rfind(mark)) > len(head) // 4), len(head))
        found.append(left[:cut].rstrip())
        left = left[cut:].lstrip()
    return [*found, left] if left else found


def _head(text: str, longest: int) -> str:
    """As many characters from the start as hold so many code units: one outside the first plane holds two."""
    units = 0
    for index, letter in enumerate(text):
        units += 2 if ord(letter) > 0xFFFF else 1
        if units > longest:
            return text[:index]
    return text


def _units(text: str) -> int:
    return len(text) + sum(ord(letter) > 0xFFFF for letter in text)
