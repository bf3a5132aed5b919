"""Accounts of those who come by the city's own log-in: whose account it is, which roles their groups give them today.

The caller commits. Whoever is on their way is remembered until they come back, once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from lokbot import accounts
from lokbot.accounts import NotAllowed
from lokbot.model import Role
from lokbot.openid import Identity, Way
from lokbot.store import queries
from lokbot.store.schema import AccountLink, CitySignIn, User

# How long somebody may take at the city's log-in, with a second factor and a forgotten password.
AWAY_FOR = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Return:
    """What is needed to check the answer of whoever has come back."""

    nonce: str
    verifier: str
    next_page: str


def set_out(session: Session, way: Way, *, browser: str, next_page: str, now: datetime) -> None:
    """Somebody goes to the city's log-in with the browser whose cookie is ``browser``."""
    session.execute(delete(CitySignIn).where(CitySignIn.created_at <= now - AWAY_FOR))
    session.add(
        CitySignIn(
            id=_digest(way.state),
            browser=_digest(browser),
            nonce=way.nonce,
            verifier=way.verifier,
            next_page=next_page[:2000],
            created_at=now,
        )
    )


def come_back(session: Session, state: str, *, browser: str, now: datetime) -> Return | None:
    """What was remembered for this ``state``; it works once. None for another browser's, a used, old or forged one."""
    found = session.get(CitySignIn, _digest(state))
    if found is None or found.browser != _digest(browser) or found.created_at <= now - AWAY_FOR:
        return None
    back = Return(found.nonce, found.verifier, found.next_page)
    session.expunge(found)
    gone = cast("CursorResult[object]", session.execute(delete(CitySignIn).where(CitySignIn.id == found.id)))
    return back if gone.rowcount == 1 else None


def welcome(
    session: Session, identity: Identity, *, issuer: str, roles: Mapping[Role, Sequence[str]], now: datetime
) -> User:
    """The account of whoever the city says it is, with the roles that their groups give today (``roles``: role ->
    groups; where it is empty, roles are given in the desk to those who were invited).

    Their roles may be none any more: then they are logged out everywhere, and the caller lets them no further. An
    account found by its address is theirs from now on, and has no password any more. Raises NotAllowed for whoever has
    no account and gets none.
    """
    key = _digest(f"{issuer} {identity.subject}")
    todays = sorted(role for role, groups in roles.items() if identity.groups & set(groups))
    user = session.scalar(select(User).where(User.city_account == key)) or accounts.find(session, identity.email)
    if user is None:
        if not todays:
            raise NotAllowed("Du har ingen behörighet här. Be en administratör om ett konto.")
        user, _ = accounts.invite(session, identity.email, identity.name, todays, actor="sso", now=now)
    if user.city_account is None:
        _link(session, user, key, now)
    elif user.city_account != key:
        raise NotAllowed("Din mejladress hör till någon annans konto. Be en administratör om hjälp.")
    if roles and todays != sorted(user.roles):
        user.roles = todays
        queries.record(session, "account-changed", actor="sso", now=now, user=user.id, roles=todays)
    if not user.roles or not user.is_active:
        accounts.log_out_everywhere(session, user)
    return user


def _link(session: Session, user: User, key: str, now: datetime) -> None:
    # A password would let them in past the city, which may have taken their roles or closed their account.
    user.city_account, user.password_hash = key, None
    session.execute(delete(AccountLink).where(AccountLink.user_id == user.id))
    accounts.log_out_everywhere(session, user)
    queries.record(session, "city-account-linked", actor=user.email, now=now, user=user.id)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
