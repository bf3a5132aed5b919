"""What every door that sends must be able to do."""

from __future__ import annotations

from typing import Protocol

from lokbot.model import OutgoingMessage


class Channel(Protocol):
    """A door that a message leaves by. ``outbox.deliver`` knows no more of it than this."""

    def send(self, message: OutgoingMessage) -> None:
        """Hand ``message`` over; returning means that the counterpart has taken responsibility for it.

        Raises ``ChannelError``: ``permanent`` where trying again cannot help, ``in_doubt`` where the message
        may have gone, ``refused`` with the addresses turned away where the others did get it.
        """
