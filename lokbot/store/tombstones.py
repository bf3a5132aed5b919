"""Mails of erased conversations: known again when a mailbox gives them once more, and nothing else kept of them.

A mail is known by its external id and, whatever a later version makes of that id, by its bytes; both as HMAC-SHA256
with this installation's key, since a plain hash of an id that can be guessed tells whoever guesses (EDPB guidelines
01/2025 on pseudonymisation).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from lokbot.model import ChannelName
from lokbot.store.schema import Tombstone


def marks(key: bytes, channel: ChannelName, external_id: str, raw: bytes | None) -> tuple[str, ...]:
    """What a message is known by after an erasure. In a chat two people may send the same bytes: there only the id."""
    found = [_digest(key, f"id {channel} {external_id}".encode("utf-8", "replace"))]
    if raw and channel is ChannelName.MAIL:
        found.append(_digest(key, b"raw " + raw))
    return tuple(found)


def raise_over(session: Session, conversation_id: int, message_id: int | None, digests: tuple[str, ...]) -> None:
    """Remember a message that is erased in the caller's transaction."""
    for digest in digests:
        session.merge(Tombstone(digest=digest, conversation_id=conversation_id, message_id=message_id))


_OVER = select(Tombstone).where(Tombstone.digest.in_(bindparam("digests", expanding=True)))


def over(session: Session, digests: Collection[str]) -> dict[str, Tombstone]:
    """The tombstones of messages that have been erased, by those of these marks that they were known by."""
    return {stone.digest: stone for stone in session.scalars(_OVER, {"digests": list(digests)})}


def _digest(key: bytes, value: bytes) -> str:
    return hmac.new(key, b"erased " + value, hashlib.sha256).hexdigest()
