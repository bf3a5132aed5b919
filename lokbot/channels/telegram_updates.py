"""Read what Telegram tells of a chat: an update of the Bot API -> an ``IncomingMessage``, a button pressed, or nothing
for us.

Pure, and never raises: what cannot be read is a message marked unreadable, with its raw original. Groups are left alone
unless they address the bot. Field names are those of https://core.telegram.org/bots/api#update.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from lokbot.channels.attachments import attachment, safe_name
from lokbot.model import NOT_FETCHED, Address, Attachment, ChannelName, IncomingMessage

# message: stored. elsewhere: a group that talks among itself, a channel, another bot. service: Telegram's own words
# ("joined the group"). blocked, unblocked: the user has stopped the bot, or lets it write again.
Kind = Literal["message", "elsewhere", "service", "blocked", "unblocked"]

# What the bot asks Telegram for; all else it never hears of.
WANTED = ("message", "edited_message", "callback_query", "my_chat_member")

COMMANDS: Mapping[str, str] = {
    **{"start": "start", "hjalp": "help", "hjälp": "help", "help": "help"},
    **{"manniska": "person", "människa": "person", "person": "person", "human": "person"},
    **{
        "sprak": "language",
        "språk": "language",
        "language": "language",
        "dolj": "hide",
        "dölj": "hide",
        "hide": "hide",
    },
}
_COMMAND = re.compile(r"/(\w{1,32})(?:@(\w+))?(?:\s+(.*))?", re.DOTALL)
_START_PAYLOAD = re.compile(r"[\w-]{1,64}")  # of a link t.me/bot?start=...

# A kind of content that a person has to look at, and what its file is called where Telegram keeps no name.
_FILES = {
    "animation": "animation.mp4",
    "document": "dokument",
    "audio": "ljud",
    "voice": "röstmeddelande.ogg",
    "video": "film.mp4",
    "video_note": "film.mp4",
    "photo": "bild.jpg",
}
# These have no file and no words either.
_OTHER_CONTENT = (
    "contact",
    "poll",
    "dice",
    "game",
    "story",
    "checklist",
    "paid_media",
    "invoice",
    "gift",
    "unique_gift",
)
_TYPES_TAKEN = re.compile(
    r"image/(?!svg)|audio/|video/|text/(?:plain|csv|vcard)|application/(?:pdf|rtf|msword|geo\+json|vnd\.ms-(?:excel|powerpoint)"
    r"|vnd\.openxmlformats-officedocument\.|vnd\.oasis\.opendocument\.)"
)


@dataclass(frozen=True, slots=True)
class Bot:
    """Who we are in Telegram."""

    id: int
    username: str


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that Telegram holds for us. ``size`` is 0 where it does not say."""

    id: str
    name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """One update, read. ``reference`` names the message of ours whose button was pressed, ``press_id`` the press, which
    Telegram waits to see confirmed.

    ``user`` is who wrote (a chat is somebody's own or a group), ``words`` what they wrote as it stands, ``answered``
    the words of the message of ours that theirs is a reply to.
    """

    update_id: int
    kind: Kind
    chat: str = ""
    incoming: IncomingMessage | None = None
    file: RemoteFile | None = None
    press_id: str | None = None
    reference: str | None = None
    user: int = 0
    is_group: bool = False
    words: str = ""
    answered: str = ""


def read(update: Mapping[str, Any], bot: Bot, *, now: datetime) -> Arrived:
    """What an update says. ``now`` is the time of what has none of its own (a button pressed)."""
    try:
        return _read(update, bot, now)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError):
        identity = int(update["update_id"])
        unreadable = _incoming(update, f"update.{identity}", Address("", ""), now, "")
        return Arrived(identity, "message", incoming=replace(unreadable, is_readable=False, warnings=("unreadable",)))


def with_file(incoming: IncomingMessage, file: RemoteFile, content: bytes | None) -> IncomingMessage:
    """``incoming`` with the file that was fetched for it; marked where there is none, or of a kind we do not take."""
    found = attachment(file.name, file.content_type, content) if content is not None else None
    if found is None or not _TYPES_TAKEN.match(found.content_type):
        return replace(incoming, warnings=(*incoming.warnings, NOT_FETCHED))
    return replace(incoming, attachments=(*incoming.attachments, found))


def is_taken(file: RemoteFile, most_bytes: int) -> bool:
    """Whether a file is worth fetching, by what Telegram says of it."""
    return file.size <= most_bytes and (not file.content_type or _TYPES_TAKEN.match(file.content_type) is not None)


def _read(update: Mapping[str, Any], bot: Bot, now: datetime) -> Arrived:
    identity = int(update["update_id"])
    if pressed := update.get("callback_query"):
        return _press(update, identity, pressed, now)
    if changed := update.get("my_chat_member"):
        is_gone = changed["new_chat_member"]["status"] in ("kicked", "left")
        return Arrived(identity, "blocked" if is_gone else "unblocked", chat=str(changed["chat"]["id"]))
    edit = update.get("edited_message")
    message: Mapping[str, Any] | None = edit or update.get("message")
    if message is None:
        return Arrived(identity, "elsewhere")
    chat = message["chat"]
    sender = message.get("from") or {}
    if sender.get("is_bot") or chat["type"] == "channel":
        return Arrived(identity, "elsewhere")
    written = str(message.get("text") or message.get("caption") or "")
    if chat["type"] != "private" and not _is_addressed(message, written, bot):
        return Arrived(identity, "elsewhere")
    file = _file(message)
    content, is_strange = _without_file(message)
    if not (written or file or content or is_strange or "sticker" in message):
        return Arrived(identity, "service")
    text = written or str((message.get("sticker") or {}).get("emoji") or "")
    command, words = _command(text, bot)
    original = f"{chat['id']}.{message['message_id']}"
    incoming = replace(
        _incoming(
            update,
            f"{original}.{identity}" if edit else original,
            Address(_name(sender), str(chat["id"])),
            _time(message.get("edit_date") if edit else message["date"], now),
            text,
        ),
        new_text=words,
        command=command if edit is None else None,  # nobody means to ask for the same once more
        replaces=original if edit else None,
        language=_language(sender),
        attachments=content,
        warnings=(NOT_FETCHED,) if is_strange else (),
    )
    return Arrived(
        identity,
        "message",
        str(chat["id"]),
        incoming,
        file,
        user=int(sender.get("id") or 0),
        is_group=chat["type"] != "private",
        words=written,
        answered=_answered(message, bot),
    )


def _press(update: Mapping[str, Any], identity: int, pressed: Mapping[str, Any], now: datetime) -> Arrived:
    above = pressed.get("message")
    data = str(pressed.get("data") or "")
    if above is None or not data:
        return Arrived(identity, "elsewhere", press_id=str(pressed["id"]))
    chat = str(above["chat"]["id"])
    reference, _, command = data.partition(":")
    sender = pressed["from"]
    incoming = replace(
        # The same button pressed twice is one wish: people press again when nothing has happened yet.
        _incoming(update, f"{chat}.{above['message_id']}.{data}", Address(_name(sender), chat), now, ""),
        command=command or data,
        language=_language(sender),
    )
    return Arrived(identity, "message", chat, incoming, press_id=str(pressed["id"]), reference=reference)


def _incoming(
    update: Mapping[str, Any], external_id: str, sender: Address, received_at: datetime, text: str
) -> IncomingMessage:
    return IncomingMessage(
        channel=ChannelName.TELEGRAM,
        external_id=external_id,
        received_at=received_at,
        raw=json.dumps(update).encode(),
        sender=sender,
        subject="",
        text=text,
        new_text=text,
    )


def _is_addressed(message: Mapping[str, Any], text: str, bot: Bot) -> bool:
    """By name, by a command with our name, as an answer to a message of ours, or to be told the group's number."""
    is_answer = _author(message.get("reply_to_message") or {}) == bot.id
    return (
        is_answer
        or text.strip().lower() == "/grupp"
        or re.search(rf"@{re.escape(bot.username)}\b", text, re.IGNORECASE) is not None
    )


def _author(message: Mapping[str, Any]) -> int | None:
    return (message.get("from") or {}).get("id")


def _answered(message: Mapping[str, Any], bot: Bot) -> str:
    above = message.get("reply_to_message") or {}
    return str(above.get("text") or "") if _author(above) == bot.id else ""


def _command(text: str, bot: Bot) -> tuple[str | None, str]:
    """What a command asks for, and the words. Whoever writes a question behind a command asks the question."""
    match = _COMMAND.fullmatch(text.strip())
    if match is None:
        return None, re.sub(rf"\s*@{re.escape(bot.username)}\b[,:]?", "", text, flags=re.IGNORECASE).strip()
    name, _, words = match.groups(default="")
    command = COMMANDS.get(name.lower(), "help")
    if command == "person" or not words or (command == "start" and _START_PAYLOAD.fullmatch(words)):
        return command, words if command == "person" and words else text.strip()
    return None, words


def _file(message: Mapping[str, Any]) -> RemoteFile | None:
    for kind, default in _FILES.items():
        found = message.get(kind)
        if not found:
            continue
        if kind == "photo":  # in several sizes, the largest last
            found = found[-1]
        declared = str(found.get("mime_type") or ("image/jpeg" if kind == "photo" else ""))
        name = safe_name(str(found.get("file_name") or default))
        return RemoteFile(str(found["file_id"]), name, declared, int(found.get("file_size") or 0))
    return None


def _without_file(message: Mapping[str, Any]) -> tuple[tuple[Attachment, ...], bool]:
    """Content that is kept as a small file of our own; and whether there is some that we have no form for."""
    place = message.get("location") or (message.get("venue") or {}).get("location")
    if place:
        point = {"type": "Point", "coordinates": [float(place["longitude"]), float(place["latitude"])]}  # RFC 7946
        return (attachment("plats.geojson", "application/geo+json", json.dumps(point).encode()),), False
    return (), any(message.get(kind) for kind in _OTHER_CONTENT)


def _name(sender: Mapping[str, Any]) -> str:
    return " ".join(str(sender[part]) for part in ("first_name", "last_name") if sender.get(part))


def _language(sender: Mapping[str, Any]) -> str | None:
    """What the app is set to, an IETF tag such as ``sv`` or ``pt-br``."""
    return str(sender.get("language_code") or "")[:8].partition("-")[0].lower() or None


def _time(seconds: Any, now: datetime) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else now
