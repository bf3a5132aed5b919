"""The second factor: codes from an authenticator app (TOTP, RFC 6238), and recovery codes for whoever lost the app.

The caller commits. A code works once: each accepted one raises the account's last time step by a conditional UPDATE, so
that of two requests with the same code one gets in (RFC 6238 5.2).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from hmac import compare_digest
from typing import cast

import pyotp
import segno
from sqlalchemy import CursorResult, delete, func, or_, select, update
from sqlalchemy.orm import Session

from lokbot import accounts, audit
from lokbot.model import Role
from lokbot.store import queries
from lokbot.store.schema import RecoveryCode, User, WebSession

ISSUER = "lokbot Helsingborgs stad"
STEP = 30  # seconds
# RFC 6238 5.2: one step before and after, for a clock that goes wrong and a code that was typed slowly.
STEPS_ASIDE = 1
RECOVERY_CODES = 10


def has(user: User) -> bool:
    return user.totp_secret is not None


def is_missing(login: WebSession, required: Collection[Role]) -> bool:
    """Whether this browser may see nothing before its user has set up a second factor. Whoever came by the city's own
    log-in has shown there all that the city asks for.
    """
    user = login.user
    return not login.by_city and not has(user) and any(role in user.roles for role in required)


def offer(login: WebSession) -> str:
    """The secret that this browser is shown to set an app up with; the same until it is confirmed."""
    if login.offered_secret is None:
        login.offered_secret = pyotp.random_base32()  # 160 bits, RFC 4226 4
    return login.offered_secret


def address(user: User, secret: str) -> str:
    """What the QR code holds: the ``otpauth:`` address that authenticator apps read."""
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)


def picture(text: str) -> str:
    """A QR code as SVG for a page: no style, script or address in it, so that the strictest CSP shows it."""
    return segno.make(text, error="m", micro=False).svg_inline(
        scale=4, border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )


def confirm(session: Session, login: WebSession, code: str, *, now: datetime) -> Sequence[str] | None:
    """Set the offered secret, once a code shows that the app has it. Gives the recovery codes, to be shown this once.

    None where the code is wrong, or a second factor was set meanwhile. Other browsers are logged out.
    """
    user, secret = login.user, login.offered_secret
    step = _step_of(secret, code, now) if secret and not has(user) else None
    if step is None:
        return None
    user.totp_secret, user.totp_step, login.offered_secret = secret, step, None
    accounts.log_out_everywhere(session, user, but_for=login.id)
    queries.record(session, "second-factor-set", actor=user.email, now=now, user=user.id)
    return new_recovery_codes(session, user, now=now)


def new_recovery_codes(session: Session, user: User, *, now: datetime) -> Sequence[str]:
    """Ten new codes, each for one log-in without the app. Earlier ones no longer work; only hashes are kept."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(id=_digest(code), user_id=user.id, created_at=now) for code in codes)
    queries.record(session, "recovery-codes-made", actor=user.email, now=now, user=user.id)
    return codes


def recovery_codes_left(session: Session, user: User) -> int:
    unused = select(func.count()).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def is_right(session: Session, user: User, code: str, *, now: datetime) -> bool:
    """Whether ``code`` is the app's, or a recovery code. It is used up by asking."""
    code = "".join(code.split()).lower()
    if user.totp_secret is None:
        return False
    if (step := _step_of(user.totp_secret, code, now)) is not None:
        later = or_(User.totp_step.is_(None), User.totp_step < step)
        return _changed(session, update(User).where(User.id == user.id, later).values(totp_step=step))
    mine = (RecoveryCode.id == _digest(code), RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    if not _changed(session, update(RecoveryCode).where(*mine).values(used_at=now)):
        return False
    queries.record(session, "recovery-code-used", actor=user.email, now=now, user=user.id)
    return True


def remove(session: Session, user: User, *, now: datetime) -> None:
    """Take one's own second factor away, to set up another app."""
    accounts.forget_second_factor(session, user)
    queries.record(session, "second-factor-removed", actor=user.email, now=now, user=user.id)


def reset(session: Session, user: User, *, actor: str, source: audit.Source, now: datetime) -> None:
    """Take away the second factor of somebody who has neither app nor recovery codes. Logs them out everywhere."""
    accounts.forget_second_factor(session, user)
    accounts.log_out_everywhere(session, user)
    audit.record(session, "second-factor-reset", actor=actor, source=source, now=now, user=user.id)


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step that ``code`` is for, among those that are accepted at ``now``."""
    code = "".join(code.split())
    if len(code) != 6 or not (code.isascii() and code.isdecimal()):
        return None
    app, current = pyotp.TOTP(secret, interval=STEP), int(now.timestamp()) // STEP
    near = range(current - STEPS_ASIDE, current + STEPS_ASIDE + 1)
    return next((step for step in near if compare_digest(app.generate_otp(step), code)), None)


def _changed(session: Session, statement: object) -> bool:
    result = cast("CursorResult[object]", session.execute(statement))  # type: ignore[call-overload]
    return result.rowcount == 1


def _recovery_code() -> str:
    """80 bits of chance in four groups of letters and digits."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def _digest(code: str) -> str:
    """A fast hash will do for 80 bits of chance. People may leave out the hyphens."""
    return hashlib.sha256(code.replace("-", "").encode()).hexdigest()
