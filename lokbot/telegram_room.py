"""Telegram's chats: store each update once, in order, and only then ask for what comes after it.

What became of an update is committed together with the message it made; the next question confirms it to Telegram. A
crash before the commit makes Telegram give it again, a crash after it finds it known. A reply in the coordinators'
group is a message of its case, which nobody takes for the asker's.
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot import desk_settings, desk_texts, telegram_links
from lokbot.channels import telegram_updates
from lokbot.channels.telegram import TelegramChannel, TelegramSettings
from lokbot.channels.telegram_updates import Arrived, RemoteFile
from lokbot.config import Settings
from lokbot.conversation import account_mail, coordinator_group, intake
from lokbot.conversation.decision import WITH_A_PERSON
from lokbot.knowledge import loading
from lokbot.knowledge.problems import KnowledgeError
from lokbot.loops import Service, clock, persist
from lokbot.model import FROM_GROUP, ChannelError, ChannelName, IncomingMessage, OutboxKind
from lokbot.store import queries
from lokbot.store.schema import Contact, Conversation, OutboxItem, TelegramUpdate
from lokbot.store.session import exclusive

log = logging.getLogger(__name__)

LOCK_SECONDS = 1.0
# "If there are no new updates for at least a week, then identifier of the next update will be chosen randomly" (Bot
# API, Update). Before that an old offset must be forgotten: a higher one would confirm, unseen, what has a lower id.
NUMBERS_HOLD = timedelta(days=6)
_CODE = re.compile(rf"(?:/(?:start|koppla)\s+)?({telegram_links.CODE}[a-z0-9]{{8,40}})", re.IGNORECASE)
_ASKS_NUMBER = re.compile(r"/grupp(?:@\w+)?", re.IGNORECASE)
_CASE = re.compile(r"LOK-\d{4}-\d{5,}")
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
    if arrived.kind == "message" and (said := _aside(room, arrived)) is not None:
        log.info("update %s is said to the bot itself", arrived.update_id)
        with suppress(ChannelError):  # whoever asked sees that nothing came, and asks again
            if said:
                room.channel.say(arrived.chat, said)
        return
    incoming = arrived.incoming
    if incoming is not None and arrived.file is not None:
        incoming = telegram_updates.with_file(incoming, arrived.file, _content(room, arrived.update_id, arrived.file))
    received = None
    is_bots_turn = False
    with service.sessions.begin() as session:
        if incoming is not None:
            post = _told_there(session, arrived)
            incoming = (
                _of_the_group(incoming, arrived, post) if post else _pressed(session, incoming, arrived.reference)
            )
            received = intake.receive(session, incoming, now=clock())
            status = session.get_one(Conversation, received.conversation_id).status
            is_bots_turn = received.is_new and post is None and status not in WITH_A_PERSON
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


# ------------------------------------------------------------------ coordinators


def _aside(room: Room, arrived: Arrived) -> str | None:
    """What to say to somebody who means the bot itself and no case: a code that links an account, a group that asks for
    its number, a word in the coordinators' group that is no reply to a case. None for everything else.

    What follows from it is committed here, with the update.
    """
    words = arrived.words.strip()
    code = _CODE.fullmatch(words) if not arrived.is_group else None
    is_number = arrived.is_group and _ASKS_NUMBER.fullmatch(words) is not None
    if not (code or arrived.is_group):
        return None
    with room.service.sessions.begin() as session:
        settings = desk_settings.current(session, room.service.settings)
        is_ours = arrived.is_group and arrived.chat == settings.telegram.coordinators_chat
        is_lost = is_ours and _told_there(session, arrived) is None
        if not (code or is_number or is_lost):
            return None
        said = ""  # while their file is broken nothing is said, and whoever asked asks again
        with suppress(KnowledgeError):
            phrases = desk_texts.phrases(session, loading.phrases(settings.knowledge_dir))
            if code:
                said = _link(session, arrived, code[1], settings, phrases)
            elif is_number:
                said = phrases["sv"]["group.number"].format(number=arrived.chat)
            else:
                said = phrases["sv"]["group.no-case"]
        session.merge(
            TelegramUpdate(bot_id=room.bot.id, update_id=arrived.update_id, message_id=None, fate="aside", at=clock())
        )
    return said


def _link(session: Session, arrived: Arrived, code: str, settings: Settings, phrases: desk_texts.Phrases) -> str:
    name = arrived.incoming.sender.name if arrived.incoming else ""
    user = telegram_links.use_code(session, code.lower(), telegram_id=arrived.user, name=name, now=clock())
    if user is None:
        return phrases["sv"]["group.code-unknown"]
    account_mail.send_telegram_linked(
        session,
        user,
        f"{settings.web.public_url}/konto",
        who=f"”{name}”",
        settings=settings,
        phrases=phrases,
        now=clock(),
    )
    return phrases[user.language]["group.linked"].format(name=user.name)


def _told_there(session: Session, arrived: Arrived) -> OutboxItem | None:
    """What we told a group of coordinators and this is a reply to, by the case's number in its first line: that holds
    for one that was sent twice, too. None for all else.
    """
    number = arrived.answered.split("\n", 1)[0].strip()
    if not (arrived.is_group and _CASE.fullmatch(number)):
        return None
    case = queries.numbered(session, number)  # the whole, where it has become part of another
    if case is None or case.erased_at is not None:
        return None
    told = session.scalars(
        select(OutboxItem)
        .where(
            OutboxItem.conversation_id == case.id,
            OutboxItem.kind == OutboxKind.NOTIFICATION,
            OutboxItem.channel == ChannelName.TELEGRAM,
        )
        .order_by(OutboxItem.id.desc())
    )
    return next((item for item in told if [one["email"] for one in item.to] == [arrived.chat]), None)


def _of_the_group(incoming: IncomingMessage, arrived: Arrived, post: OutboxItem) -> IncomingMessage:
    """A reply in the group belongs to its case and is read by itself. Who wrote it is looked up when it acts."""
    words = incoming.new_text if not arrived.words.lstrip().startswith("/") else arrived.words.strip()
    return replace(
        incoming,
        sender=replace(incoming.sender, email=f"{coordinator_group.UNKNOWN}{arrived.user}"),
        command=FROM_GROUP,
        new_text=words,
        in_reply_to=(post.external_id,),
    )


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
