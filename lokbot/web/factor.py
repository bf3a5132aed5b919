"""The second factor on the web: asked for when logging in, set up, renewed, taken away, reset by an admin."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lokbot import accounts, second_factor
from lokbot.store.schema import User, WebSession
from lokbot.web import arriving, security
from lokbot.web.visit import Visit

SETUP = "/konto/engangskod"


def enter(visit: Visit, user: User, next_page: str) -> Response:
    """Whoever gave the right password goes on: to the code where the account has a second factor, else in."""
    if not second_factor.has(user):
        return arriving.come_in(visit, user, next_page)
    token = accounts.log_in(visit.session, user, agent=visit.agent, now=visit.now, awaits_code=True)
    response = visit.to("/logga-in/kod", vidare=security.next_page(next_page))
    return security.with_cookie(response, token, visit.settings.web.public_url)


# ------------------------------------------------------------------ logging in


def code_page(visit: Visit) -> Response:
    return _ask(visit) if _half(visit) else visit.to("/logga-in")


def check_code(visit: Visit) -> Response:
    """The right code opens a session with a new id; wrong ones count together with wrong passwords."""
    session, half = visit.session, _half(visit)
    if half is None:
        return visit.to("/logga-in")
    user = half.user
    if accounts.is_locked(session, user.email, visit.place, now=visit.now):
        return _ask(visit, visit.say("För många försök. Vänta en kvart och försök igen."), status=429)
    if not second_factor.is_right(session, user, visit.form["code"], now=visit.now):
        accounts.note_failure(session, user.email, visit.place, now=visit.now)
        return _ask(visit, visit.say("Koden stämmer inte, eller är redan använd. Vänta på nästa kod."), status=401)
    session.delete(half)
    return arriving.come_in(visit, user, visit.form["next"])


def _half(visit: Visit) -> WebSession | None:
    """The session of a browser that has given the password and not yet the code."""
    token = visit.request.cookies.get(security.cookie_name(visit.settings.web.public_url), "")
    return accounts.half_session_of(visit.session, token, now=visit.now) if token else None


def _ask(visit: Visit, error: str = "", *, status: int = 200) -> Response:
    wanted = visit.form["next"] or visit.query("vidare")
    return visit.page("code.html", status=status, error=error, next=security.next_page(wanted))


# ------------------------------------------------------------------ one's own


def setup_page(visit: Visit) -> Response:
    return _setup(visit)


def set_up(visit: Visit) -> Response:
    """The first code of the app shows that it works; the recovery codes are shown once."""
    if refused := _locked(visit):
        return refused
    assert visit.login is not None
    if second_factor.has(visit.user):
        return visit.to(SETUP)
    codes = second_factor.confirm(visit.session, visit.login, visit.form["code"], now=visit.now)
    if codes is None:
        return _wrong(visit, visit.say("Koden stämmer inte. Vänta på nästa kod i appen och skriv den."))
    return _setup(visit, codes=codes)


def renew(visit: Visit) -> Response:
    """New recovery codes, for a code: an open browser is not enough."""
    if refused := _refused(visit):
        return refused
    return _setup(visit, codes=second_factor.new_recovery_codes(visit.session, visit.user, now=visit.now))


def remove(visit: Visit) -> Response:
    """For another telephone: take away the old app, for a code of it or a recovery code."""
    if refused := _refused(visit):
        return refused
    second_factor.remove(visit.session, visit.user, now=visit.now)
    return visit.to(SETUP, klart="factor-removed")


def _refused(visit: Visit) -> Response | None:
    if refused := _locked(visit):
        return refused
    if second_factor.is_right(visit.session, visit.user, visit.form["code"], now=visit.now):
        return None
    return _wrong(visit, visit.say("Koden stämmer inte, eller är redan använd. Vänta på nästa kod."))


def _locked(visit: Visit) -> Response | None:
    if not accounts.is_locked(visit.session, visit.user.email, visit.place, now=visit.now):
        return None
    return _setup(visit, error=visit.say("För många försök. Vänta en kvart och försök igen."), status=429)


def _wrong(visit: Visit, error: str) -> Response:
    accounts.note_failure(visit.session, visit.user.email, visit.place, now=visit.now)
    return _setup(visit, error=error, status=409)


def _setup(visit: Visit, *, codes: Sequence[str] = (), error: str = "", status: int = 200) -> Response:
    assert visit.login is not None
    is_set = second_factor.has(visit.user)
    secret = "" if is_set else second_factor.offer(visit.login)
    return visit.page(
        "factor.html",
        status=status,
        is_set=is_set,
        is_required=second_factor.is_missing(visit.login, visit.settings.login.second_factor_for),
        codes=codes,
        left=second_factor.recovery_codes_left(visit.session, visit.user) if is_set else 0,
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        # Our own drawing of our own text: black squares, no words from outside in it.
        qr=Markup(second_factor.picture(second_factor.address(visit.user, secret))) if secret else "",
        error=error,
    )


# ------------------------------------------------------------------ an admin's


def reset(visit: Visit) -> Response:
    """For somebody who has lost app and recovery codes alike."""
    user = visit.session.get(User, visit.request.path_params["user"])
    if user is None:
        raise HTTPException(404)
    second_factor.reset(visit.session, user, actor=visit.actor, source="web", now=visit.now)
    return visit.to("/personer", klart="factor-reset")
