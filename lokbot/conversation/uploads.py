"""A file that a coordinator attaches to an answer: a safe name, and the type that its bytes show."""

from __future__ import annotations

from lokbot.channels.attachments import attachment
from lokbot.model import Attachment, NotPossible


def read(name: str, content: bytes, declared_type: str = "") -> Attachment:
    """The file as ``escalation.coordinator_reply`` takes it. Raises NotPossible for an empty one."""
    if not content:
        raise NotPossible(f"Filen {name} är tom.")
    return attachment(name, declared_type, content)
