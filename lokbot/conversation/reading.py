"""What is read as one in a chat: what was written in one breath, with edits in the place of what they replace.

People send a thought in three messages and mend the second. Every one of them is stored as it came; understood is what
they add up to, once the writer has paused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from lokbot.model import CHATS, NOT_FETCHED, MessageState
from lokbot.store.schema import Message

# Whoever never pauses is read all the same, after so many quiet times.
_LONGEST_BREATH = 15

_QUESTION_WORD = re.compile(
    r"(?:hur|var|vart|vad|va|när|vem|vilk\w+|varför|kan|får|finns|ska|måste|har|är|"
    r"how|where|what|when|who|which|why|can|may|is|are|do|does|must|should)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What is handled together: ``messages``, the latest of which the reply answers.

    ``before`` is what had been handled already and is read again, since something in it has been written anew; what was
    told in answer to the messages with the ids ``superseded`` counts no longer.
    """

    messages: tuple[Message, ...]
    before: tuple[Message, ...] = ()
    superseded: tuple[int, ...] = ()

    @property
    def message(self) -> Message:
        """The latest."""
        return self.messages[-1]

    @property
    def parts(self) -> Sequence[Message]:
        """What is read, in the order in which it was first written."""
        return _with_edits((*self.before, *self.messages))

    @property
    def text(self) -> str:
        return one_breath(text for part in self.parts if (text := part.new_text or part.text))

    @property
    def has_file(self) -> bool:
        """Whether something was sent that only a person can look at, fetched or not."""
        return any(part.attachments or NOT_FETCHED in part.warnings for part in self.parts)


def words(parts: Iterable[Message]) -> str:
    """What was written in them, one below the other."""
    return "\n".join(text for part in parts if (text := part.new_text or part.text))


def one_breath(texts: Iterable[str]) -> str:
    """Texts as they would have been written in one message. Who sends half a sentence goes on with a small letter; a
    new thought begins with a capital or a question word.
    """
    whole = ""
    for text in texts:
        goes_on = whole and whole[-1].isalnum() and text[0].islower() and not _QUESTION_WORD.match(text)
        whole += (" " if goes_on else "\n" if whole else "") + text
    return whole


def is_due(*, quiet: timedelta, now: datetime) -> ColumnElement[bool]:
    """Whether a stored message may be handled: in a chat once its writer has paused for ``quiet``. What is pressed is
    whole at once.
    """
    later = aliased(Message)
    is_writing = exists().where(
        later.conversation_id == Message.conversation_id,
        later.channel == Message.channel,
        later.state == MessageState.STORED,
        later.command.is_(None),
        later.stored_at > now - quiet,
    )
    return or_(
        Message.channel.not_in(CHATS),
        Message.command.is_not(None),
        ~is_writing,
        Message.stored_at <= now - quiet * _LONGEST_BREATH,
    )


def next_due(session: Session, *, quiet: timedelta) -> datetime | None:
    """When the writer of some chat that waits has paused for long enough, unless they go on; None where none waits."""
    latest = (
        select(func.max(Message.stored_at).label("at"))
        .where(Message.state == MessageState.STORED, Message.channel.in_(CHATS))
        .group_by(Message.conversation_id)
        .subquery()
    )
    at = session.scalar(select(func.min(latest.c.at)))
    return at + quiet if at is not None else None


def turn(session: Session, message: Message) -> Turn:
    """All that is read together with ``message``, which is stored and not handled yet."""
    if not message.channel.is_chat or message.command is not None:
        return Turn((message,))
    waiting = session.scalars(
        select(Message)
        .where(
            Message.conversation_id == message.conversation_id,
            Message.channel == message.channel,
            Message.state == MessageState.STORED,
            Message.command.is_(None),
        )
        .order_by(Message.id)
        # One that another worker has begun with is that worker's; to wait for it could be to wait for each other.
        .with_for_update(skip_locked=True)
    ).all()
    before, superseded = _written_anew(session, waiting)
    return Turn(tuple(waiting), before, superseded)


def join(turn: Turn, *, now: datetime) -> None:
    """What the turn's last message was read as one with is handled by it."""
    for message in turn.messages[:-1]:
        message.state, message.handled_at, message.read_with_id = MessageState.HANDLED, now, turn.message.id


def whole(message: Message) -> str:
    """All the words that were read as one with a message, its own too."""
    return words(mates(message)) if message.channel.is_chat else message.new_text or message.text


def mates(message: Message) -> Sequence[Message]:
    """A message and those that were read as one with it."""
    if not message.channel.is_chat:
        return (message,)
    return _with_edits(one for one in message.conversation.messages if one is message or one.read_with_id == message.id)


def _written_anew(session: Session, waiting: Sequence[Message]) -> tuple[tuple[Message, ...], tuple[int, ...]]:
    """What was read before with the messages that ``waiting`` has edits of, and the ids that it was decided under."""
    roots = {message.replaces_id for message in waiting if message.replaces_id is not None}
    if not roots:
        return (), ()
    versions = session.scalars(
        select(Message).where(
            or_(Message.id.in_(roots), Message.replaces_id.in_(roots)), Message.state == MessageState.HANDLED
        )
    ).all()
    decided_under = {version.read_with_id or version.id for version in versions}
    before = session.scalars(
        select(Message)
        .where(or_(Message.id.in_(decided_under), Message.read_with_id.in_(decided_under)))
        .order_by(Message.id)
    ).all()
    return tuple(before), tuple(sorted(decided_under))


def _with_edits(messages: Iterable[Message]) -> list[Message]:
    """Each message once, in its latest version, in the place where it was first written."""
    latest: dict[int, Message] = {}
    for message in messages:
        latest[message.replaces_id or message.id] = message
    return list(latest.values())
