"""Invented messages for tests, as a door would give them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from lokbot.model import Address, Attachment, ChannelName, IncomingMessage

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday, 10.30 in Sweden
ANNA = Address("Anna Prov", "anna@forening.example")
STRANGER = Address("Stran Ger", "stran@annan.example")
LOK = Address("", "lok@stad.example")


def mail(
    text: str = "Hur gör vi?", *, sender: Address = ANNA, message_id: str | None = "", **values: Any
) -> IncomingMessage:
    """A mail to lok@. Its Message-ID follows from its words unless another, or None, is given."""
    mark = hashlib.sha256(repr((text, sender, sorted(values.items(), key=str))).encode("utf-8", "replace")).hexdigest()
    if message_id == "":
        message_id = f"{mark[:12]}@{sender.email.rpartition('@')[2]}"
    defaults: dict[str, Any] = {
        "channel": ChannelName.MAIL,
        "external_id": f"{message_id or ''}#{mark[:32]}",
        "received_at": NOW,
        "raw": f"Subject: Fråga\r\n\r\n{text}".encode("utf-8", "replace"),
        "sender": sender,
        "subject": "Fråga",
        "text": text,
        "new_text": text,
        "to": (LOK,),
        "message_id": message_id,
    }
    return IncomingMessage(**{**defaults, **values})


def attachment(content: bytes = b"%PDF-1.7", name: str = "protokoll.pdf", kind: str = "application/pdf") -> Attachment:
    return Attachment(name, kind, len(content), hashlib.sha256(content).hexdigest(), content)
