"""How often something may be done in the web chat: by a chat, from a place, to a mail address. Kept in the database, so
that it holds for several processes and over a restart.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.store import queries
from lokbot.store.schema import ChatAct

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Guesses of a return code: from one place within a quarter of an hour, and from everywhere.
CODE_WINDOW, CODES_FROM_A_PLACE, CODES_IN_ALL = timedelta(minutes=15), 10, 300
# Copies by mail, in a day: of one chat, from one place, to one address.
COPIES = 3


def may_write(session: Session, address: str, place: str, settings: Settings, *, now: datetime) -> bool:
    """Whether one more message may come. It is counted, too."""
    chat = settings.chat
    return _may(
        session, now, (f"write {address}", MINUTE, chat.per_minute), (f"from {place}", HOUR, chat.per_place_per_hour)
    )


def may_try_code(session: Session, place: str, *, now: datetime) -> bool:
    """Whether one more return code may be tried."""
    return _may(session, now, (f"code {place}", CODE_WINDOW, CODES_FROM_A_PLACE), ("code", CODE_WINDOW, CODES_IN_ALL))


def may_copy(session: Session, address: str, place: str, mail: str, *, now: datetime) -> bool:
    """Whether one more copy may be mailed."""
    return _may(session, now, *((f"copy {what}", DAY, COPIES) for what in (address, place, mail)))


def _may(session: Session, now: datetime, *bounds: tuple[str, timedelta, int]) -> bool:
    secret = queries.signing_key(session, "chat", now=now)
    keys = [hmac.new(secret, what.encode(), hashlib.sha256).hexdigest() for what, _, _ in bounds]
    for key, (_, within, most) in zip(keys, bounds, strict=True):
        counted = session.scalar(select(func.count(ChatAct.id)).where(ChatAct.key == key, ChatAct.at > now - within))
        if (counted or 0) >= most:
            return False
    session.execute(delete(ChatAct).where(ChatAct.at <= now - DAY))
    session.add_all(ChatAct(key=key, at=now) for key in keys)
    session.flush()
    return True
