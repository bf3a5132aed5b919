"""Who may log in: people and their roles, one-time links, browsers that are logged in, lock-out by rate.

The caller commits. What a person may hear about a log-in that failed is one sentence for all causes, and it takes the
same time, so that nobody learns who has an account.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import CursorResult, delete, func, or_, select
from sqlalchemy.orm import Session

from lokbot import audit, passwords
from lokbot.model import Role, UserError
from lokbot.store import queries
from lokbot.store.schema import AccountLink, FailedLogin, KnownDevice, ReadingLink, RecoveryCode, User, WebSession

INVITED_FOR = timedelta(days=7)
RESET_FOR = timedelta(hours=2)
ON_SERVER_FOR = timedelta(hours=1)
# A browser that was not used for so long, or was logged in so long ago, is logged out.
IDLE, LONGEST = timedelta(hours=12), timedelta(days=14)
# The city's log-in knows who has left and who has other duties; it is asked again each working day.
LONGEST_BY_CITY = timedelta(hours=12)
# A browser that was not used for so long is a new one.
DEVICE_KNOWN_FOR = timedelta(days=365)
SEEN_EVERY = timedelta(minutes=5)
# How long a browser that gave the right password may take to give the code.
CODE_WITHIN = timedelta(minutes=10)
# Wrong passwords within WINDOW: for one account, and from one place (a town hall shares an address).
WINDOW, FOR_ONE_ACCOUNT, FROM_ONE_PLACE = timedelta(minutes=15), 5, 30

_EMAIL = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\"]+")


class NotAllowed(UserError):
    """The account cannot be made, changed or entered so; the message says why and what to do."""

    exit_code = 4


# ------------------------------------------------------------------ people


def find(session: Session, email: str) -> User | None:
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def everybody(session: Session) -> Sequence[User]:
    return session.scalars(select(User).order_by(User.is_active.desc(), User.name)).all()


def coordinators(session: Session) -> Sequence[str]:
    """The addresses of those who answer and have an account."""
    users = session.scalars(select(User).where(User.is_active).order_by(User.id))
    return tuple(user.email for user in users if Role.COORDINATOR in user.roles)


def has_admin(session: Session) -> bool:
    """Whether somebody can let others in."""
    has_come = or_(User.password_hash.is_not(None), User.city_account.is_not(None))
    users = session.scalars(select(User).where(User.is_active, has_come))
    return any(Role.ADMIN in user.roles for user in users)


def invite(
    session: Session, email: str, name: str, roles: Collection[Role], *, actor: str, now: datetime, language: str = "sv"
) -> tuple[User, str]:
    """A new account and the token of the link that sets its password. Raises NotAllowed for what cannot be."""
    email, name = email.strip().lower(), " ".join(name.split())
    if not _EMAIL.fullmatch(email) or len(email) > 320:
        raise NotAllowed("”{address}” är ingen mejladress.", address=email)
    if not name:
        raise NotAllowed("Skriv ett namn.")
    if not roles:
        raise NotAllowed("Välj minst en roll.")
    if find(session, email) is not None:
        raise NotAllowed("{address} har redan ett konto.", address=email)
    user = User(
        email=email,
        name=name[:200],
        roles=sorted(roles),
        language=language,
        is_active=True,
        created_by=actor,
        created_at=now,
    )
    session.add(user)
    session.flush()
    queries.record(session, "invited", actor=actor, now=now, user=user.id, roles=sorted(roles))
    return user, _link(session, user, now, INVITED_FOR)


def change(
    session: Session, user: User, *, roles: Collection[Role], is_active: bool, actor: str, now: datetime
) -> None:
    """Other roles, or none: who is no longer active is logged out everywhere. The last admin stays."""
    if not roles:
        raise NotAllowed("Välj minst en roll.")
    user.roles, user.is_active = sorted(roles), is_active
    session.flush()
    if not has_admin(session):
        raise NotAllowed("Minst en person måste vara administratör.")
    if not is_active:
        log_out_everywhere(session, user)
    queries.record(
        session, "account-changed", actor=actor, now=now, user=user.id, roles=sorted(roles), is_active=is_active
    )


# ------------------------------------------------------------------ links that set a password


def first_link(session: Session, *, now: datetime) -> str | None:
    """The token of a link that makes the first admin; None where there is one. Older ones no longer work.

    It is told in the log of the server, and opens as one made there.
    """
    if has_admin(session):
        return None
    session.execute(delete(AccountLink).where(AccountLink.user_id.is_(None)))
    return _link(session, None, now, INVITED_FOR, on_server=True)


def reset_link(session: Session, user: User, *, actor: str, now: datetime) -> str:
    """The token of a link for a forgotten password; earlier ones no longer work."""
    session.execute(delete(AccountLink).where(AccountLink.user_id == user.id, AccountLink.used_at.is_(None)))
    queries.record(session, "reset-asked", actor=actor, now=now, user=user.id)
    return _link(session, user, now, RESET_FOR if user.password_hash else INVITED_FOR)


def let_in(session: Session, email: str, *, make_admin: bool, actor: str, now: datetime) -> str:
    """For whoever stands at the server when nobody gets in: the token of a link that opens an account whatever stands
    in its way. It is opened if it was closed, and its second factor is taken away.

    With ``make_admin`` the account becomes an admin's, and is made where there is none.
    """
    user = find(session, email)
    if user is None:
        if not make_admin:
            raise NotAllowed("{address} har inget konto.", address=email)
        user, _ = invite(session, email, email.partition("@")[0], (Role.ADMIN,), actor=actor, now=now)
    if make_admin:
        user.roles = sorted({*user.roles, Role.ADMIN})
    user.is_active = True
    forget_second_factor(session, user)
    session.execute(delete(AccountLink).where(AccountLink.user_id == user.id))
    session.execute(delete(FailedLogin).where(FailedLogin.key == _account(user.email)))
    log_out_everywhere(session, user)
    audit.record(session, "let-in", actor=actor, source="cli", now=now, user=user.id, admin=make_admin)
    return _link(session, user, now, ON_SERVER_FOR, on_server=True)


def forget_second_factor(session: Session, user: User) -> None:
    """Without app and recovery codes, as a new account."""
    user.totp_secret = user.totp_step = None
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    session.flush()


def open_link(session: Session, token: str, *, now: datetime, passwords_open: bool = True) -> AccountLink | None:
    """The link with this token, if it may still be used. Where nobody may log in with a password
    (not ``passwords_open``), only one that was made on the server.
    """
    link = session.get(AccountLink, _digest(token))
    if link is None or link.used_at is not None or link.expires_at <= now:
        return None
    if not (passwords_open or link.on_server):
        return None
    if link.user is None:
        return None if has_admin(session) else link
    return link if link.user.is_active else None


def follow_link(
    session: Session, link: AccountLink, password: str, *, now: datetime, email: str = "", name: str = ""
) -> User:
    """Set the password that the link is for (and make the first account). Logs the account out everywhere else."""
    user = link.user
    if user is None:
        user, _ = invite(session, email, name, (Role.ADMIN, Role.COORDINATOR), actor="start", now=now)
        session.execute(delete(AccountLink).where(AccountLink.user_id == user.id))
    set_password(session, user, password, actor=user.email, now=now)
    link.used_at = now
    return user


def set_password(session: Session, user: User, password: str, *, actor: str, now: datetime) -> None:
    """Give an account a new password. Raises NotAllowed where it is too easy to guess."""
    match passwords.weakness(password, (user.email, user.name)):
        case "short":
            raise NotAllowed(
                "Lösenordet är för kort. Skriv minst {count} tecken, gärna flera ord efter varandra.",
                count=passwords.SHORTEST,
            )
        case "long":
            raise NotAllowed("Lösenordet är för långt. Högst 1 000 tecken.")
        case "guessable":
            raise NotAllowed("Lösenordet är för lätt att gissa. Välj flera ord som inte hör ihop med dig.")
    user.password_hash = _hasher().hash(password)
    log_out_everywhere(session, user)
    queries.record(session, "password-set", actor=actor, now=now, user=user.id)


def _link(session: Session, user: User | None, now: datetime, lasts: timedelta, *, on_server: bool = False) -> str:
    token = secrets.token_urlsafe(32)
    session.add(
        AccountLink(
            id=_digest(token),
            user_id=user.id if user else None,
            created_at=now,
            expires_at=now + lasts,
            on_server=on_server,
        )
    )
    session.flush()
    return token


# ------------------------------------------------------------------ links that only show the statistics


def reading_link(session: Session, user: User, *, actor: str, now: datetime) -> str:
    """The token of a personal link to the statistics, which lasts until it is revoked; an earlier one no longer works.

    Raises NotAllowed for whom it is not meant.
    """
    if not _may_read(user):
        raise NotAllowed(
            "Bara den som är med i styrgruppen kan få en länk till statistiken. Ge personen den rollen först."
        )
    session.execute(delete(ReadingLink).where(ReadingLink.user_id == user.id))
    token = secrets.token_urlsafe(32)
    session.add(ReadingLink(id=_digest(token), user_id=user.id, created_by=actor, created_at=now))
    session.flush()
    queries.record(session, "reading-link-made", actor=actor, now=now, user=user.id)
    return token


def revoke_reading_link(session: Session, user: User, *, actor: str, now: datetime) -> None:
    """The link shows nothing any more."""
    session.execute(delete(ReadingLink).where(ReadingLink.user_id == user.id))
    queries.record(session, "reading-link-revoked", actor=actor, now=now, user=user.id)


def reader_of(session: Session, token: str) -> User | None:
    """Whose link it is, as long as they are in the steering group."""
    link = session.get(ReadingLink, _digest(token))
    return link.user if link is not None and _may_read(link.user) else None


def reading_links(session: Session) -> Mapping[int, datetime]:
    """User id -> since when they have a link."""
    return {link.user_id: link.created_at for link in session.scalars(select(ReadingLink))}


def steering(session: Session) -> Sequence[User]:
    """Those in the steering group, who get its reports."""
    return [user for user in session.scalars(select(User).order_by(User.id)) if _may_read(user)]


def _may_read(user: User) -> bool:
    return user.is_active and Role.STEERING in user.roles


# ------------------------------------------------------------------ logging in and out


def is_locked(session: Session, email: str, place: str, *, now: datetime) -> bool:
    """Whether too many wrong passwords were tried for this account, or from this place, a short time ago."""
    caps = ((_account(email), FOR_ONE_ACCOUNT), (_place(place), FROM_ONE_PLACE))
    return any(
        (
            session.scalar(
                select(func.count(FailedLogin.id)).where(FailedLogin.key == key, FailedLogin.at > now - WINDOW)
            )
            or 0
        )
        >= cap
        for key, cap in caps
    )


def check_password(user: User | None, password: str) -> bool:
    """Whether it is this user's. Takes as long without a user, so that time does not tell who has an account."""
    known = user.password_hash if user is not None and user.is_active else None
    try:
        return _hasher().verify(known or _nobody(), password) and known is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def note_failure(session: Session, email: str, place: str, *, now: datetime) -> None:
    """Remember a wrong password, and forget those that no longer count."""
    session.execute(delete(FailedLogin).where(FailedLogin.at <= now - WINDOW))
    session.add_all(FailedLogin(key=key, at=now) for key in (_account(email), _place(place)))


def log_in(
    session: Session, user: User, *, agent: str, now: datetime, awaits_code: bool = False, by_city: bool = False
) -> str:
    """A new browser session; gives what its cookie holds. An id that the browser had before is never taken over.

    With ``awaits_code`` it is half a session: it opens nothing, and wrong passwords before it still count. With
    ``by_city`` the city's own log-in has said who it is.
    """
    token = secrets.token_urlsafe(32)
    session.execute(delete(WebSession).where(WebSession.created_at <= now - LONGEST))
    session.add(
        WebSession(
            id=_digest(token),
            user=user,
            csrf=secrets.token_urlsafe(32),
            agent=agent[:300],
            created_at=now,
            seen_at=now,
            awaits_code=awaits_code,
            by_city=by_city,
        )
    )
    if awaits_code:
        return token
    session.execute(delete(FailedLogin).where(FailedLogin.key == _account(user.email)))
    user.last_login_at = now
    queries.record(session, "logged-in", actor=user.email, now=now, user=user.id, by_city=by_city)
    return token


def is_new_device(session: Session, user: User, device: str, *, now: datetime) -> bool:
    """Whether somebody has not logged in before with the browser whose cookie is ``device``; now it is known.

    The first browser of an account is nothing to tell of.
    """
    known, key = select(func.count()).where(KnownDevice.user_id == user.id), _digest(f"device {device} {user.id}")
    session.execute(delete(KnownDevice).where(KnownDevice.seen_at <= now - DEVICE_KNOWN_FOR))
    found, others = session.get(KnownDevice, key), session.scalar(known) or 0
    if found is not None:
        found.seen_at = now
        return False
    session.add(KnownDevice(id=key, user_id=user.id, seen_at=now))
    return others > 0


def session_of(session: Session, token: str, *, now: datetime) -> WebSession | None:
    """The browser session of a cookie, while it lasts and its user is active."""
    found = session.get(WebSession, _digest(token))
    if found is None or found.awaits_code or found.seen_at <= now - IDLE:
        return None
    if found.created_at <= now - (LONGEST_BY_CITY if found.by_city else LONGEST):
        return None
    return found if found.user.is_active else None


def half_session_of(session: Session, token: str, *, now: datetime) -> WebSession | None:
    """The session of a browser that has given the right password, and has still time to give the code."""
    found = session.get(WebSession, _digest(token))
    if found is None or not found.awaits_code or found.created_at <= now - CODE_WITHIN:
        return None
    return found if found.user.is_active else None


def log_out(session: Session, web_session: WebSession, *, now: datetime) -> None:
    queries.record(session, "logged-out", actor=web_session.user.email, now=now, user=web_session.user_id)
    session.delete(web_session)


def log_out_everywhere(session: Session, user: User, *, but_for: str | None = None) -> None:
    """End every browser session of a user, but for the one with this id."""
    session.execute(delete(WebSession).where(WebSession.user_id == user.id, WebSession.id != (but_for or "")))


def end_session(session: Session, user: User, id: str, *, now: datetime) -> bool:
    """Log out one of a user's browsers. False where it is not theirs, or is logged out already."""
    mine = delete(WebSession).where(WebSession.user_id == user.id, WebSession.id == id)
    ended = cast("CursorResult[object]", session.execute(mine)).rowcount == 1
    if ended:
        queries.record(session, "session-ended", actor=user.email, now=now, user=user.id)
    return ended


def sessions_of(session: Session, user: User) -> Sequence[WebSession]:
    return session.scalars(
        select(WebSession)
        .where(WebSession.user_id == user.id, WebSession.awaits_code.is_(False))
        .order_by(WebSession.seen_at.desc())
    ).all()


def _account(email: str) -> str:
    return _digest(f"account {email.strip().lower()}")


def _place(place: str) -> str:
    return _digest(f"place {place}")


def _digest(token: str) -> str:
    """A fast hash will do: what is hashed has 256 bits of chance, or is kept for a quarter of an hour."""
    return hashlib.sha256(token.encode()).hexdigest()


@cache
def _hasher() -> PasswordHasher:
    # RFC 9106 4, second recommended option (64 MiB, 3 passes), the library's default.
    return PasswordHasher()


@cache
def _nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe(32))
