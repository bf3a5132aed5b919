"""The daily balance: every mail in the mailbox is accounted for, and nothing waits for hours without anybody seeing.

What is missing is fetched first. What then still differs is a real hole, and the coordinators are told.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy.orm import Session

from lokbot import desk_settings, desk_texts
from lokbot.channels.imap import Mailbox
from lokbot.conversation import escalation, outbox
from lokbot.conversation.working_days import SWEDEN
from lokbot.knowledge import loading
from lokbot.loops import Service, clock
from lokbot.mailroom import Room, account_of, reading, reconcile
from lokbot.store import mailboxes, queries
from lokbot.store.mailboxes import Reckoning

log = logging.getLogger(__name__)

LONG = timedelta(hours=1)
# A little less than a day, as the clock changes twice a year.
BETWEEN_ALARMS = timedelta(hours=22)
# How often a running reader is waited for, a second each, where the balance is struck beside it.
PATIENCE = 30


@dataclass(frozen=True, slots=True)
class Balance:
    """What is in each folder and what became of it; how many messages and mails have waited for over an hour."""

    folders: Mapping[str, Reckoning]
    unhandled: int
    stuck: int

    @property
    def holes(self) -> int:
        """Mails that are in the mailbox and not in the store."""
        return sum(one.missing + one.lost + one.fates.get("failed", 0) for one in self.folders.values())

    @property
    def adds_up(self) -> bool:
        return not (self.holes or self.unhandled or self.stuck)

    @property
    def difference(self) -> str:
        """What does not add up, in Swedish."""
        parts = (
            (self.holes, "mejl i brevlådan är inte sparade"),
            (self.unhandled, "meddelanden har väntat mer än en timme på att hanteras"),
            (self.stuck, "mejl har väntat mer än en timme på att skickas"),
        )
        return ", ".join(f"{number} {words}" for number, words in parts if number) + "."


def is_due(last: datetime | None, *, at: time, now: datetime) -> bool:
    """Whether the balance of the day has not been struck: ``at`` is Swedish time, ``last`` when it was last struck."""
    local = now.astimezone(SWEDEN)
    due = datetime.combine(local.date(), at, SWEDEN)
    if local < due:
        due = datetime.combine(local.date() - timedelta(days=1), at, SWEDEN)
    return last is None or last < due


def last_struck(service: Service) -> datetime | None:
    with service.sessions() as session:
        return queries.last_event(session, "balanced")


def strike(service: Service, mailbox: Mailbox, rooms: Sequence[Room]) -> Balance:
    """Fetch what is missing, count, write it down, and tell the coordinators of a hole (at most once a day)."""
    for room in rooms:
        reconcile(service, mailbox, room)
    found = count(service, mailbox, rooms)
    if any(one.missing for one in found.folders.values()):
        # What came in while we looked is no hole.
        for room in rooms:
            reconcile(service, mailbox, room)
        found = count(service, mailbox, rooms)
    return _conclude(service, found)


def strike_beside(service: Service, mailbox: Mailbox, rooms: Sequence[Room]) -> Balance:
    """As ``strike``, from another process than the one that reads the mailbox: that one fetches what is missing."""
    with reading(service) as is_ours:
        if is_ours:
            return strike(service, mailbox, rooms)
    found = count(service, mailbox, rooms)
    for _ in range(PATIENCE):
        if not any(one.missing for one in found.folders.values()) or service.stop.wait(1):
            break
        found = count(service, mailbox, rooms)
    return _conclude(service, found)


def count(service: Service, mailbox: Mailbox, rooms: Sequence[Room]) -> Balance:
    """Count, and change nothing."""
    folders: dict[str, Reckoning] = {}
    for room in rooms:
        mailbox.open(room.folder)
        with service.sessions() as session:
            first_uid = account_of(session, room).first_uid
        uids = mailbox.uids(first_uid - 1)
        with service.sessions() as session:
            folders[room.folder] = mailboxes.reckon(session, account_of(session, room), uids)
    since = clock() - LONG
    with service.sessions() as session:
        return Balance(folders, queries.unhandled(session, since=since), outbox.stuck(session, since=since))


def _conclude(service: Service, found: Balance) -> Balance:
    now = clock()
    with service.sessions.begin() as session:
        queries.record(
            session,
            "balanced",
            actor="lokbot",
            now=now,
            folders={
                folder: {**one.fates, "missing": one.missing, "lost": one.lost} for folder, one in found.folders.items()
            },
            unhandled=found.unhandled,
            stuck=found.stuck,
            adds_up=found.adds_up,
        )
        last = queries.last_event(session, "alarmed")
    if found.adds_up:
        return found
    log.error(
        "the balance does not add up: %s mails not stored, %s messages not handled, %s mails not sent",
        found.holes,
        found.unhandled,
        found.stuck,
    )
    if last is None or last <= now - BETWEEN_ALARMS:
        with service.sessions.begin() as session:
            alarm(session, service, found, now=now)
    return found


def alarm(session: Session, service: Service, found: Balance, *, now: datetime) -> None:
    """Open a case, or use the one that still waits, and mail the coordinators."""
    # Read here and now: whoever only reads the mailbox has no other use for the texts.
    files = loading.load(service.settings.knowledge_dir, service.settings.intents_dir)
    settings, knowledge = desk_settings.current(session, service.settings), desk_texts.current(session, files)
    escalation.raise_alarm(session, "balance", settings=settings, knowledge=knowledge, now=now, detail=found.difference)
