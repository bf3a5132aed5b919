"""Who coordinators are in Telegram: a code from the desk, sent to the bot, links a user of Telegram to an account.

The code works once, for a quarter of an hour, and is kept as its SHA-256. The caller commits.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot import audit
from lokbot.store import queries
from lokbot.store.schema import TelegramLink, User

CODE = "koppla-"
"""What each code begins with, so that no question is ever taken for one."""
HOLDS = timedelta(minutes=15)
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what looks like something else
_LETTERS = 16  # 79 bits: none is ever guessed


def link_of(session: Session, user: User) -> TelegramLink | None:
    """The link of an account, or the code that waits for one; None where there is neither."""
    return session.get(TelegramLink, user.id)


def linked(session: Session) -> Mapping[int, str]:
    """Whose accounts are linked (their ids), and what they are called in Telegram."""
    rows = session.execute(select(TelegramLink.user_id, TelegramLink.telegram_name).where(TelegramLink.telegram_id > 0))
    return {user: name or "" for user, name in rows}


def new_code(session: Session, user: User, *, now: datetime) -> str:
    """A code for ``user`` to send to the bot; the one before it is void. An older link holds until it is used."""
    code = CODE + "".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))
    link = link_of(session, user) or TelegramLink(user_id=user.id)
    link.code, link.code_expires_at = _digest(code), now + HOLDS
    session.add(link)
    queries.record(session, "telegram-code", actor=user.email, now=now, user=user.id)
    return code


def use_code(session: Session, code: str, *, telegram_id: int, name: str, now: datetime) -> User | None:
    """Link whoever sent ``code`` to the account that it was made for; None where it is not valid (any more).

    One user of Telegram is one account: a link that they had to another ends.
    """
    link = session.scalar(select(TelegramLink).where(TelegramLink.code == _digest(code)).with_for_update())
    if link is None or link.code_expires_at is None or link.code_expires_at < now or not link.user.is_active:
        return None
    older = session.scalar(
        select(TelegramLink).where(TelegramLink.telegram_id == telegram_id, TelegramLink.user_id != link.user_id)
    )
    if older is not None:
        unlink(session, older.user, actor=link.user.email, source="telegram", now=now)
        session.flush()
    link.code = link.code_expires_at = None
    link.telegram_id, link.telegram_name, link.linked_at = telegram_id, name[:300], now
    audit.record(session, "linked-telegram", actor=link.user.email, source="telegram", now=now, user=link.user_id)
    return link.user


def unlink(session: Session, user: User, *, actor: str, source: audit.Source = "web", now: datetime) -> bool:
    """What is written from there counts for nobody from now on; whether there was anything to end."""
    link = link_of(session, user)
    if link is None:
        return False
    session.delete(link)
    audit.record(session, "unlinked-telegram", actor=actor, source=source, now=now, user=user.id)
    return True


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
