"""What somebody does in the web chat, taken in on the path of every message: words, a file, a button, a command."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from lokbot.channels import webchat
from lokbot.channels.attachments import attachment
from lokbot.config import Settings
from lokbot.conversation import intake
from lokbot.conversation.intake import Received
from lokbot.model import Attachment, ChannelName
from lokbot.store import queries
from lokbot.store.schema import OutboxItem

Unfit = Literal["file-empty", "file-large", "file-kind"]

# What the page itself has buttons for, with the phrase on each.
COMMANDS = {
    "help": "button.help",
    "person": "button.person",
    "language": "button.language",
    "hide": "button.hide",
    "lang-sv": "button.this-language",
    "lang-en": "button.this-language",
}


def read_file(name: str, content: bytes, declared_type: str, settings: Settings) -> Attachment | Unfit:
    """A file that was chosen, or why we do not take it."""
    if not content:
        return "file-empty"
    if len(content) > settings.chat.max_file_bytes:
        return "file-large"
    found = attachment(name, declared_type, content)
    return found if found.content_type in webchat.FILE_TYPES else "file-kind"


def write(
    session: Session,
    address: str,
    text: str,
    *,
    nonce: str,
    file: Attachment | None,
    language: str,
    settings: Settings,
    now: datetime,
) -> Received:
    """Words, or a file, or both. The same form sent once more is the same message."""
    message = webchat.incoming(
        address,
        webchat.one_of(nonce, text, file),
        text,
        now=now,
        longest=settings.chat.max_letters,
        language=language,
        file=file,
    )
    return intake.receive(session, message, now=now)


def command(session: Session, address: str, name: str, label: str, *, nonce: str, language: str, now: datetime) -> None:
    """A button of the page itself (one of ``COMMANDS``)."""
    message = webchat.incoming(
        address, f"{nonce[:40]}.{name}", label, now=now, longest=len(label), language=language, command=name
    )
    intake.receive(session, message, now=now)


def press(session: Session, address: str, pressed: str, *, now: datetime) -> bool:
    """A button under a message of ours (``12:yes``); the same one pressed twice is one wish. False where this chat has
    no such button: a program may send anything.
    """
    reference, _, wanted = pressed.partition(":")
    item = session.get(OutboxItem, queries.row_number(reference) or 0)
    if item is None or item.channel is not ChannelName.WEBCHAT:
        return False
    labels = {name: label for label, name in item.buttons or ()}
    if wanted not in labels or all(to.email != address for to in queries.addresses(item.to)):
        return False
    message = webchat.incoming(
        address,
        f"{reference}.{wanted}",
        labels[wanted],
        now=now,
        longest=len(labels[wanted]),
        command=wanted,
        above=item.external_id,
    )
    intake.receive(session, message, now=now)
    return True
