"""How far each mailbox is read: which mails are accounted for, by UIDVALIDITY and UID and never by ``\\Seen``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lokbot.model import MessageState
from lokbot.store.schema import Mailbox, MailboxMail, Message

CLOCK_DIFFERENCE = timedelta(minutes=10)

# stored: a message now. duplicate: of one stored before. old: from before the first start. vanished: gone before it
# could be read. failed: could not be stored, which no mail may. The others are sent mail: what a person wrote (sent),
# what lokbot did (own), a machine's (automatic), to nobody outside (internal).
Fate = Literal["stored", "duplicate", "old", "vanished", "failed", "sent", "own", "automatic", "internal"]


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What became of the mails that are in a folder now, by fate; ``missing`` ones have no account, and ``lost`` ones
    are accounted for as stored while the message is not in the store."""

    fates: Mapping[str, int]
    missing: int
    lost: int


def known(session: Session, name: str) -> Mailbox | None:
    """The mailbox, if lokbot has read it before."""
    return session.scalar(select(Mailbox).where(Mailbox.name == name))


def begin(session: Session, name: str, *, uidvalidity: int, uidnext: int, now: datetime) -> Mailbox:
    """The very first start at a mailbox: everything in it is old mail and is left alone."""
    mailbox = Mailbox(name=name, uidvalidity=uidvalidity, first_uid=uidnext, cursor=uidnext - 1, started_at=now)
    session.add(mailbox)
    session.flush()
    return mailbox


def begin_late(session: Session, name: str, *, uidvalidity: int, first_uid: int, started_at: datetime) -> Mailbox:
    """A folder that was not there, or not read, when lokbot first started at the mailbox (``started_at``): what came to
    it since then counts."""
    mailbox = Mailbox(
        name=name, uidvalidity=uidvalidity, first_uid=first_uid, cursor=first_uid - 1, started_at=started_at
    )
    session.add(mailbox)
    session.flush()
    return mailbox


def renumber(mailbox: Mailbox, *, uidvalidity: int, first_uid: int, now: datetime) -> None:
    """The server has given every mail a new UID (RFC 3501 2.3.1.1): what was known by the old ones says nothing now.

    ``first_uid`` is the lowest that can belong to mail that came after lokbot first started.
    """
    mailbox.uidvalidity, mailbox.first_uid, mailbox.cursor = uidvalidity, first_uid, first_uid - 1
    mailbox.renumbered_at = now


def is_old(mailbox: Mailbox, received_at: datetime, *, is_moved_to: bool = False) -> bool:
    """Whether a mail came before lokbot first started, and is left alone.

    Asked of the server's arrival time only where UIDs cannot tell, since two clocks never agree: a mail near the
    boundary is taken for new, as a mail too many costs less than one lost. They cannot tell after a renumbering, nor in
    a folder that people tidy old mail into (``is_moved_to``), where it gets a new UID and keeps its arrival.
    """
    is_unclear = mailbox.renumbered_at is not None or is_moved_to
    return is_unclear and received_at < mailbox.started_at - CLOCK_DIFFERENCE


def account(
    session: Session, mailbox: Mailbox, uid: int, fate: Fate, *, now: datetime, message_id: int | None = None
) -> None:
    """Write down what became of a mail, and move the cursor past it. In the same transaction as the message itself."""
    mail = MailboxMail(
        mailbox_id=mailbox.id, uidvalidity=mailbox.uidvalidity, uid=uid, message_id=message_id, fate=fate, at=now
    )
    if uid > mailbox.cursor:  # nothing can be written down about it yet
        session.add(mail)
    else:
        session.merge(mail)
    mailbox.cursor = max(mailbox.cursor, uid)


def unaccounted(session: Session, mailbox: Mailbox, uids: Iterable[int]) -> list[int]:
    """Those of ``uids`` that nothing is written down about, ascending."""
    accounted = set(
        session.scalars(
            select(MailboxMail.uid).where(
                MailboxMail.mailbox_id == mailbox.id, MailboxMail.uidvalidity == mailbox.uidvalidity
            )
        )
    )
    return sorted(uid for uid in uids if uid >= mailbox.first_uid and uid not in accounted)


def untidied(session: Session, mailbox: Mailbox, *, most: int) -> list[int]:
    """UIDs of mails whose message has been handled, and that have not been labelled or moved since: the first ones."""
    return list(
        session.scalars(
            select(MailboxMail.uid)
            .join(Message, Message.id == MailboxMail.message_id)
            .where(
                MailboxMail.mailbox_id == mailbox.id,
                MailboxMail.uidvalidity == mailbox.uidvalidity,
                MailboxMail.tidied_at.is_(None),
                Message.state == MessageState.HANDLED,
            )
            .order_by(MailboxMail.uid)
            .limit(most)
        )
    )


def tidied(session: Session, mailbox: Mailbox, uids: Collection[int], *, now: datetime) -> None:
    """They have been labelled or moved, or were gone already."""
    session.execute(
        update(MailboxMail)
        .where(
            MailboxMail.mailbox_id == mailbox.id,
            MailboxMail.uidvalidity == mailbox.uidvalidity,
            MailboxMail.uid.in_(uids),
        )
        .values(tidied_at=now)
    )


def reckon(session: Session, mailbox: Mailbox, uids: Iterable[int]) -> Reckoning:
    """What became of the mails ``uids`` of the folder."""
    accounts = {
        account.uid: account
        for account in session.execute(
            select(MailboxMail.uid, MailboxMail.fate, MailboxMail.message_id, Message.id.label("message"))
            .outerjoin(Message, Message.id == MailboxMail.message_id)
            .where(MailboxMail.mailbox_id == mailbox.id, MailboxMail.uidvalidity == mailbox.uidvalidity)
        )
    }
    fates: Counter[str] = Counter()
    missing = lost = 0
    for uid in uids:
        account = accounts.get(uid)
        if account is None:
            missing += 1
        elif account.message_id is not None and account.message is None:
            lost += 1
        else:
            fates[account.fate] += 1
    return Reckoning(dict(fates), missing, lost)
