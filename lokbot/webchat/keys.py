"""What opens a web chat: the secret of a browser, and return codes. Only their hashes are stored."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lokbot.store.schema import ChatKey

BROWSER_FOR = CODE_FOR = timedelta(days=30)

# Crockford's base 32: no letter that is taken for another. Twelve hold 60 bits, and tries are counted (``limits``).
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")
_CODE_LENGTH = 12
_TOKEN = re.compile(r"[\w-]{32,64}")


def new_token() -> str:
    """The secret of a browser that has none yet. It opens nothing until something is written with it."""
    return secrets.token_urlsafe(32)


def form_token(token: str) -> str:
    """What a form carries to show that it comes from a page that this browser was given."""
    return hashlib.sha256(f"lokbot form {token}".encode()).hexdigest()[:32]


def is_form_of(token: str, given: str) -> bool:
    return bool(token) and hmac.compare_digest(form_token(token).encode(), given.encode("utf-8", "replace"))


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def address_of(session: Session, token: str, *, now: datetime) -> str | None:
    """The chat that a browser's secret opens; None for none, or when its time is over."""
    return _opened(session, token, "browser", now) if is_token(token) else None


def begin(session: Session, token: str, *, now: datetime) -> str:
    """The address of this browser's chat, a new one where it has none; open from now on for another thirty days."""
    forget_old(session, now=now)
    # Of two first messages at once one makes the chat and the other, having waited for it, finds it.
    with suppress(IntegrityError), session.begin_nested():
        if session.get(ChatKey, _digest(token)) is None:
            _open(session, token, "browser", f"w{secrets.token_hex(12)}", now, BROWSER_FOR)
    key = session.get_one(ChatKey, _digest(token), with_for_update=True)
    key.expires_at = now + BROWSER_FOR
    return key.address


def new_code(session: Session, address: str, *, now: datetime) -> str:
    """A return code for a chat, as people write it down: ``7KQF-29XM-R4TD``. An earlier one no longer works."""
    session.execute(delete(ChatKey).where(ChatKey.address == address, ChatKey.kind == "code"))
    code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
    _open(session, code, "code", address, now, CODE_FOR)
    return "-".join(code[start : start + 4] for start in range(0, _CODE_LENGTH, 4))


def come_back(session: Session, code: str, token: str, *, now: datetime) -> bool:
    """Let a browser into the chat that ``code`` opens, however it is written; False where it opens none (any more)."""
    plain = re.sub(r"[\s–-]", "", code).upper().translate(_MISREAD)
    address = _opened(session, plain, "code", now) if len(plain) == _CODE_LENGTH else None
    if address is None:
        return False
    _open(session, token, "browser", address, now, BROWSER_FOR)
    return True


def forget_old(session: Session, *, now: datetime) -> None:
    session.execute(delete(ChatKey).where(ChatKey.expires_at <= now))


def _opened(session: Session, secret: str, kind: str, now: datetime) -> str | None:
    return session.scalar(
        select(ChatKey.address).where(ChatKey.digest == _digest(secret), ChatKey.kind == kind, ChatKey.expires_at > now)
    )


def _open(session: Session, secret: str, kind: str, address: str, now: datetime, lasts: timedelta) -> None:
    session.merge(ChatKey(digest=_digest(secret), address=address, kind=kind, created_at=now, expires_at=now + lasts))
    session.flush()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
