"""Send what the outbox holds, one thing at a time, and say what follows from it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import escalation, moving, outbox, parties
from lokbot.model import ChannelError, ChannelName, Knowledge, OutboxKind, OutboxStatus, OutgoingMessage
from lokbot.store import queries
from lokbot.store.schema import Conversation, OutboxItem
from lokbot.store.session import Sessions, reading

log = logging.getLogger(__name__)

# How often the mailbox is asked to keep a copy of a sent mail.
COPY_TRIES = 5
# Of how many chats the answers are shown in one commit.
SHOWN_AT_ONCE = 20


class Sender(Protocol):
    """A door that can send; gives the bytes of what went, where it keeps any."""

    def send(self, message: OutgoingMessage) -> bytes | None: ...


def deliver_next(
    sessions: Sessions,
    doors: Mapping[ChannelName, Sender],
    settings: Settings,
    knowledge: Knowledge,
    *,
    worker: str,
    now: datetime,
) -> OutboxItem | None:
    """Send the next thing that is due; None when nothing is.

    The claim is committed before the door is asked and the result after: a crash in between repeats the same mail.
    """
    with sessions.begin() as session:
        lease = timedelta(seconds=settings.outbox.lease_seconds)
        item = outbox.claim(session, worker=worker, channels=tuple(doors), lease=lease, now=now)
        if item is None:
            return None
        outgoing = _signed(session, outbox.outgoing(item), item, knowledge)
    try:
        raw = doors[item.channel].send(outgoing)
    except ChannelError as error:
        log.warning("outbox %s could not be sent (permanent: %s)", item.id, error.permanent)
        _not_sent(sessions, item, error, settings, knowledge, now=now)
    except Exception as error:  # noqa: BLE001 - promise 1: a fault of ours is shown, and the next thing is still sent
        # Its kind only: its words may be somebody's.
        log.error("outbox %s could not be sent: %s", item.id, type(error).__name__)
        fault = ChannelError(f"{type(error).__name__} in lokbot itself.", permanent=True)
        _not_sent(sessions, item, fault, settings, knowledge, now=now)
    else:
        with sessions.begin() as session:
            item = _as_it_stands(session, item)
            is_again = item.status is OutboxStatus.SENT  # our lease ran out, and another has sent it meanwhile
            _sent(session, item, raw, settings, knowledge, now=now)
            if not is_again:
                moving.also_by_mail(session, item, outgoing.text, settings=settings, knowledge=knowledge, now=now)
    return item


def show_due(
    sessions: Sessions, door: Sender, settings: Settings, knowledge: Knowledge, *, worker: str, now: datetime
) -> Sequence[OutboxItem]:
    """Show what is due in the web chat; returns it, empty where nothing is.

    Nothing leaves this machine, so what is claimed is sent in the same commit, and many answers in one: a crash leaves
    all of it as it was. What goes wrong with one of them is for ``deliver_next``, which sets that one aside.
    """
    with reading(sessions)() as session:
        due = outbox.due_cases(session, channels=(ChannelName.WEBCHAT,), now=now, most=SHOWN_AT_ONCE)
    if not due:
        return ()
    lease = timedelta(seconds=settings.outbox.lease_seconds)
    shown: list[OutboxItem] = []
    try:
        with sessions.begin() as session:
            # The cases before what is in them, and none that somebody else holds: nobody waits for each other.
            held = queries.hold_free(session, due)
            # Of each chat at first what comes first, then what waited for it.
            while items := outbox.claim_several(
                session,
                worker=worker,
                channels=(ChannelName.WEBCHAT,),
                lease=lease,
                now=now,
                most=SHOWN_AT_ONCE,
                cases=held,
            ):
                for item in items:
                    outgoing = _signed(session, outbox.outgoing(item), item, knowledge)
                    _sent(session, item, door.send(outgoing), settings, knowledge, now=now)
                    moving.also_by_mail(session, item, outgoing.text, settings=settings, knowledge=knowledge, now=now)
                shown += items
    except DBAPIError:
        raise
    except Exception as error:  # noqa: BLE001 - promise 1: the others' answers do not wait for a fault of ours
        log.error("some of %s answers could not be shown together: %s", len(due), type(error).__name__)
        return ()
    return shown


def _signed(session: Session, outgoing: OutgoingMessage, item: OutboxItem, knowledge: Knowledge) -> OutgoingMessage:
    """In a chat a person's words say whose they are: everything else there was written by the bot."""
    is_theirs = item.kind is OutboxKind.ANSWER and not item.is_automatic and not parties.is_passed_on(item)
    if not item.channel.is_chat or not is_theirs:
        return outgoing
    say = knowledge.phrases["en" if item.language == "en" else "sv"]
    name = first_name(queries.name_of(session, item.created_by))
    who = say["person.named"].format(name=name) if name else say["person"]
    return replace(outgoing, text=f"{who}\n\n{outgoing.text}")


def first_name(actor: str) -> str:
    """The first name of whoever acts, where it is written as one; empty for a login or an address."""
    first = actor.split()[0] if actor.strip() else ""
    is_name = first[:1].isupper() and first.replace("-", "").isalpha() and not first.isupper()
    return first if is_name else ""


def _sent(
    session: Session, item: OutboxItem, raw: bytes | None, settings: Settings, knowledge: Knowledge, *, now: datetime
) -> None:
    is_copied = raw is not None and item.channel is ChannelName.MAIL and _keeps_copies(settings)
    outbox.sent(session, item, now=now, raw=raw, copy_tries=COPY_TRIES if is_copied else None)
    if item.kind is OutboxKind.FORWARD:
        escalation.tell_of_forward(session, item, settings=settings, knowledge=knowledge, now=now)
    escalation.settle_when_sent(session, item, now=now)


def _keeps_copies(settings: Settings) -> bool:
    imap = settings.imap
    return settings.smtp.copy_to_sent and bool(imap.host) and imap.sent_folder != "-"


def _as_it_stands(session: Session, claimed: OutboxItem) -> OutboxItem:
    """The case is held before what is in it, as by those who take a case over: else each may wait for the other."""
    where = select(OutboxItem.conversation_id).where(OutboxItem.id == claimed.id)
    number = None
    while (found := session.scalar(where)) != number:  # it was moved while we waited for the case
        number = found
        queries.lock(session, session.get_one(Conversation, number))
    return session.get_one(OutboxItem, claimed.id, with_for_update=True)


def _not_sent(
    sessions: Sessions,
    claimed: OutboxItem,
    error: ChannelError,
    settings: Settings,
    knowledge: Knowledge,
    *,
    now: datetime,
) -> None:
    with sessions.begin() as session:
        item = _as_it_stands(session, claimed)
        if item.status is not OutboxStatus.CLAIMED or item.claimed_by != claimed.claimed_by:
            return  # our lease ran out, and another has it or has sent it
        if error.refused:
            whole, item = item, outbox.split_off(session, item, error.refused, settings)
            _sent(session, whole, error.raw, settings, knowledge, now=now)
        is_given_up = outbox.not_sent(
            session,
            item,
            error,
            retry_seconds=settings.outbox.retry_seconds,
            give_up_after=timedelta(hours=settings.outbox.give_up_hours),
            now=now,
        )
        if is_given_up:
            escalation.tell_of_undelivered(session, item, settings=settings, knowledge=knowledge, now=now)
