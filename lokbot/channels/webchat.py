"""The web chat as a door: what a browser sent as an ``IncomingMessage``, and what it may read from now on.

A browser asks for what it has not seen yet, so sending is no more than to say what is there for it: that something was
sent, and when, is what the outbox writes down. Nothing can be undeliverable here, and no answer ends with a browser.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from lokbot.channels.attachments import attachment
from lokbot.model import Address, Attachment, ChannelName, IncomingMessage, OutgoingMessage

# What minutes, statutes and pictures of them come as, by their first bytes.
FILE_TYPES = frozenset(
    {"application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "image/heic", "image/heif"}
)


class WebChannel:
    """The outbox's way to the browsers."""

    def send(self, message: OutgoingMessage) -> bytes:
        """What the browser may read from now on, as JSON."""
        labels = [[button.label, button.command] for button in message.buttons]
        return json.dumps({"text": message.text, "buttons": labels}, ensure_ascii=False).encode("utf-8", "replace")


def incoming(
    address: str,
    what: str,
    text: str,
    *,
    now: datetime,
    longest: int,
    language: str | None = None,
    command: str | None = None,
    above: str | None = None,
    file: Attachment | None = None,
) -> IncomingMessage:
    """What was written or pressed. ``what`` tells it from everything else in the chat, also when it is sent once more;
    ``above`` is the external id of the message of ours that a button stood under. Of a text with more than ``longest``
    letters the beginning is the message, and the whole a file that goes with it.
    """
    files: Sequence[Attachment] = [file] if file is not None else []
    shown = text
    if len(text) > longest:
        shown = text[:longest].rstrip() + " …"
        whole = attachment("meddelande.txt", "text/plain", text.encode("utf-8", "replace"))
        files = [*files, whole]
    raw = {"chat": address, "text": text, "command": command, "file": file.name if file else None}
    return IncomingMessage(
        channel=ChannelName.WEBCHAT,
        external_id=f"{address}.{what}",
        received_at=now,
        raw=json.dumps(raw, ensure_ascii=False).encode("utf-8", "replace"),
        sender=Address("", address),
        subject="",
        text=shown,
        new_text=shown,
        in_reply_to=(above,) if above else (),
        attachments=tuple(files),
        command=command,
        language=language,
    )


def one_of(nonce: str, text: str, file: Attachment | None) -> str:
    """What tells a message from the others: a form sent twice is one message, with other words it is another."""
    content = f"{text}\0{file.sha256 if file else ''}"
    return f"{nonce[:40]}.{hashlib.sha256(content.encode('utf-8', 'replace')).hexdigest()[:24]}"
