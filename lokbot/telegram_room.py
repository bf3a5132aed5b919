"""Telegram's chats: store each update once, in order, and only then ask for what comes after it.

What became of an update is committed together with the message it made; the next question confirms it to Telegram. A
crash before the commit makes Telegram give it again, a crash after it finds it known.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot.channels import telegram_updates
from lokbot.channels.telegram import TelegramChannel, TelegramSettings
from lokbot.channels.telegram_updates import Arrived, RemoteFile
from lokbot.config import Settings
from lokbot.conversation import intake
from lokbot.conversation.decision import WITH_A_PERSON
from lokbot.loops import Service, clock, persist
from lokbot.model import ChannelError, ChannelName, IncomingMessage
from lokbot.store import queries
from lokbot.store.schema import Contact, Conversation, OutboxItem, TelegramUpdate
from lokbot.store.session import exclusive

log = logging.getLogger(__name__)

LOCK_SECONDS = 1.0
# "If there are no new updates for at least a week, then identifier of the next update will be chosen randomly" (Bot
# API, Update). Before that an old offset must be forgotten: a higher one would confirm, unseen, what has a lower id.
NUMBERS_HOLD = timedelta(days=6)
# How often a file is tried to be fetched before its message is stored without it.
FILE_TRIES = 3


@dataclass(frozen=True, slots=True)
class Room:
    """The chats of one bot, with the files that could not be fetched yet (by update, how often)."""

    service: Service
    channel: TelegramChannel
    bot: telegram_updates.Bot
    tried: dict[int, int] = field(default_factory=dict)


def channel_settings(settings: Settings) -> TelegramSettings:
    telegram = settings.telegram
    return TelegramSettings(
        token=telegram.token.get_secret_value(),
        api_url=telegram.api_url,
        poll_seconds=telegram.poll_seconds,
        timeout_seconds=telegram.timeout_seconds,
    )


def read_chats(service: Service) -> None:
    """Take in what is written to the bot until told to stop. One reader per bot: another waits until it is gone."""
    settings = channel_settings(service.settings)
    # The part before the colon is the bot's id, the same with a new token.
    name = f"telegram {settings.token.partition(':')[0]}"
    is_told = False

    def turn() -> None:
        nonlocal is_told
        service.beat("telegram")
        with exclusive(service.engine, name, service.settings.var_dir) as is_ours:
            if not is_ours:
                if not is_told:
                    log.info("another process reads the bot's messages; waiting until it is gone")
                    is_told = True
                service.stop.wait(LOCK_SECONDS)
                return
            with TelegramChannel(settings) as channel:
                room = Room(service, channel, channel.me())
                while not service.stop.is_set():
                    service.beat("telegram")
                    take_in(room)

    persist(service, "read Telegram", turn)


def take_in(room: Room) -> None:
    """Ask once for what is new, and store it."""
    with room.service.sessions.begin() as session:
        offset = next_offset(session, room.bot.id)
    for update in room.channel.updates(offset, room.service.stop.is_set):
        if room.service.stop.is_set():
            return  # what is not stored yet comes again
        _store(room, telegram_updates.read(update, room.bot, now=clock()))


def next_offset(session: Session, bot_id: int) -> int | None:
    """The first update that is not stored yet; None where Telegram is to begin with the first that it still has."""
    latest = session.scalar(
        select(TelegramUpdate)
        .where(TelegramUpdate.bot_id == bot_id)
        .order_by(TelegramUpdate.at.desc(), TelegramUpdate.update_id.desc())
        .limit(1)
    )
    return latest.update_id + 1 if latest is not None and latest.at > clock() - NUMBERS_HOLD else None


def _store(room: Room, arrived: Arrived) -> None:
    service = room.service
    if _is_known(room, arrived):
        return
    incoming = arrived.incoming
    if incoming is not None and arrived.file is not None:
        incoming = telegram_updates.with_file(incoming, arrived.file, _content(room, arrived.update_id, arrived.file))
    received = None
    is_bots_turn = False
    with service.sessions.begin() as session:
        if incoming is not None:
            incoming = _pressed(session, incoming, arrived.reference)
            received = intake.receive(session, incoming, now=clock())
            status = session.get_one(Conversation, received.conversation_id).status
            is_bots_turn = received.is_new and status not in WITH_A_PERSON
        elif arrived.kind in ("blocked", "unblocked"):
            _note_blocked(session, arrived)
        session.merge(
            TelegramUpdate(
                bot_id=room.bot.id,
                update_id=arrived.update_id,
                message_id=received.message_id if received else None,
                fate=arrived.kind,
                at=clock(),
            )
        )
    log.info("update %s is %s", arrived.update_id, arrived.kind)
    if received is not None and received.is_new:
        service.observer.received(received.message_id)
        service.news.set()
    with suppress(ChannelError):  # a courtesy: what matters is stored
        if arrived.press_id is not None:
            room.channel.confirm_press(arrived.press_id)
        if is_bots_turn:
            room.channel.show_typing(arrived.chat)


def _is_known(room: Room, arrived: Arrived) -> bool:
    with room.service.sessions.begin() as session:
        known = session.get(TelegramUpdate, (room.bot.id, arrived.update_id))
        return known is not None and known.at > clock() - NUMBERS_HOLD


def _content(room: Room, update_id: int, file: RemoteFile) -> bytes | None:
    """The file; None where it is not to be had. Raises ChannelError while it is worth another try."""
    if not telegram_updates.is_taken(file, room.service.settings.telegram.max_file_bytes):
        return None
    try:
        content = room.channel.file(file.id)
    except ChannelError as error:
        room.tried[update_id] = room.tried.get(update_id, 0) + 1
        if error.permanent or room.tried[update_id] >= FILE_TRIES:
            return None
        raise
    return content if len(content) <= room.service.settings.telegram.max_file_bytes else None


def _pressed(session: Session, incoming: IncomingMessage, reference: str | None) -> IncomingMessage:
    """A pressed button with its label for words, tied to the message of ours that it stood under, if it did: a program
    may send us anything as one.
    """
    if reference is None:
        return incoming
    label = incoming.command or ""
    item = session.get(OutboxItem, int(reference)) if reference.isdecimal() and len(reference) < 10 else None
    if item is not None and queries.addresses(item.to) and item.channel is ChannelName.TELEGRAM:
        is_theirs = any(address.email == incoming.sender.email for address in queries.addresses(item.to))
        labels = {command: label for label, command in item.buttons or ()}
        if is_theirs and incoming.command in labels:
            label = labels[incoming.command]
            incoming = replace(incoming, in_reply_to=(item.external_id,))
    return replace(incoming, text=label, new_text=label)


def _note_blocked(session: Session, arrived: Arrived) -> None:
    """Whoever blocks the bot cannot be written to until they let it again; shown with the contact."""
    contact: Contact | None = session.scalar(
        select(Contact).where(Contact.channel == ChannelName.TELEGRAM, Contact.address == arrived.chat)
    )
    if contact is not None:
        contact.undeliverable_at = clock() if arrived.kind == "blocked" else None


def sender(settings: Settings) -> TelegramChannel:
    """The door that the outbox sends through; for one thread."""
    return TelegramChannel(channel_settings(settings))
