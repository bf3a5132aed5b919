"""What the bot says of itself in a chat: who it is, what it can do, in which language, how a chat is hidden.

Whoever writes for the first time is told before anything else that this is a machine, that the city keeps what is
written and others may ask to read it, and how to reach a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import escalation, outbox, parties
from lokbot.model import Button, Decision, Knowledge, OutboxKind, Reply
from lokbot.store import queries
from lokbot.store.schema import Message

LANGUAGES = ("sv", "en")


def greet(
    session: Session,
    message: Message,
    decisions: Sequence[Decision],
    knowledge: Knowledge,
    settings: Settings,
    *,
    now: datetime,
) -> None:
    """Tell whoever writes in a chat for the first time what they write to. Not where it is urgent: then what they get
    is who helps them, and nothing before it.
    """
    contact = message.conversation.contact
    is_urgent = any(decision.is_urgent for decision in decisions)
    if not message.channel.is_chat or contact.greeted_at is not None or is_urgent:
        return
    if message.conversation.status in outbox.SILENT:
        return
    language = parties.language_of(message.conversation)
    say = knowledge.phrases[language]
    other = knowledge.phrases["sv" if language == "en" else "en"]
    pressable = (
        Button(say["button.person"], "person"),
        Button(say["button.help"], "help"),
        Button(other["button.this-language"], "lang-sv" if language == "en" else "lang-en"),
    )
    _say(session, message, say["greeting"], language, pressable, settings, now=now)
    contact.greeted_at = now


def say_hello(session: Session, message: Message, knowledge: Knowledge, settings: Settings, *, now: datetime) -> None:
    """To somebody who comes back with no more than "hej": a chat that says nothing looks broken."""
    language = parties.language_of(message.conversation)
    say = knowledge.phrases[language]
    _say(session, message, say["hello"], language, (Button(say["button.person"], "person"),), settings, now=now)


def obey(
    session: Session, message: Message, knowledge: Knowledge, settings: Settings, *, is_greeted: bool, now: datetime
) -> None:
    """Do and say what a command asks for. ``is_greeted`` is whether the greeting has only just been said, which tells
    as much as the help does.
    """
    contact, conversation = message.conversation.contact, message.conversation
    command = message.command or ""
    if command.startswith("lang-"):
        chosen = command.removeprefix("lang-")
        contact.language = chosen if chosen in LANGUAGES else contact.language
    language = parties.language_of(message.conversation)
    say = knowledge.phrases[language]
    person = Button(say["button.person"], "person")
    if command == "yes":
        _say(session, message, say["solved.thanks"], language, (), settings, now=now)
    elif command == "hide":
        conversation.hidden_at = now
        queries.record(session, "hidden", actor=str(message.channel), now=now, conversation=conversation)
        _say(session, message, say[f"hidden.{message.channel}"], language, (), settings, now=now)
    elif command == "language":
        names = tuple(Button(knowledge.phrases[each]["button.this-language"], f"lang-{each}") for each in LANGUAGES)
        _say(session, message, say["language.which"], language, names, settings, now=now)
    elif command.startswith("lang-"):
        _say(session, message, say["language.chosen"], language, (person,), settings, now=now)
    elif command in ("start", "help") and not is_greeted:
        _say(session, message, say[f"help.{message.channel}"], language, (person,), settings, now=now)


def _say(
    session: Session,
    message: Message,
    text: str,
    language: str,
    buttons: tuple[Button, ...],
    settings: Settings,
    *,
    now: datetime,
) -> None:
    to = escalation.asker(message.conversation, message)
    if to is not None:
        outbox.enqueue(
            session,
            message.conversation,
            Reply("", text, None, language, buttons),
            kind=OutboxKind.INFORMATION,
            to=(to,),
            settings=settings,
            answers=message,
            now=now,
        )
