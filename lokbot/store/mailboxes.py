"""How far each mailbox is read: which mails are accounted for, by UIDVALIDITY and UID and never by ``\\Seen``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot.store.schema import Mailbox, MailboxMail

CLOCK_DIFFERENCE = timedelta(minutes=10)

Fate = Literal["stored", "duplicate", "old", "vanished"]


def known(session: Session, name: str) -> Mailbox | None:
    """The mailbox, if lokbot has read it before."""
    return session.scalar(select(Mailbox).where(Mailbox.name == name))


def begin(session: Session, name: str, *, uidvalidity: int, uidnext: int, now: datetime) -> Mailbox:
    """The very first start at a mailbox: everything in it is old mail and is left alone."""
    mailbox = Mailbox(name=name, uidvalidity=uidvalidity, first_uid=uidnext, cursor=uidnext - 1, started_at=now)
    session.add(mailbox)
    session.flush()
    return mailbox


def renumber(mailbox: Mailbox, *, uidvalidity: int, first_uid: int, now: datetime) -> None:
    """The server has given every mail a new UID (RFC 3501 2.3.1.1): what was known by the old ones says nothing now.

    ``first_uid`` is the lowest that can belong to mail that came after lokbot first started.
    """
    mailbox.uidvalidity, mailbox.first_uid, mailbox.cursor = uidvalidity, first_uid, first_uid - 1
    mailbox.renumbered_at = now


def is_old(mailbox: Mailbox, received_at: datetime) -> bool:
    """Whether a mail came before lokbot first started, and is left alone.

    Asked of the server's arrival time only where UIDs cannot tell, since two clocks never agree: a mail near the
    boundary is taken for new, as a mail too many costs less than one lost.
    """
    return mailbox.renumbered_at is not None and received_at < mailbox.started_at - CLOCK_DIFFERENCE


def account(
    session: Session, mailbox: Mailbox, uid: int, fate: Fate, *, now: datetime, message_id: int | None = None
) -> None:
    """Write down what became of a mail, and move the cursor past it. In the same transaction as the message itself."""
    session.merge(
        MailboxMail(
            mailbox_id=mailbox.id, uidvalidity=mailbox.uidvalidity, uid=uid, message_id=message_id, fate=fate, at=now
        )
    )
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
