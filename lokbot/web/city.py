"""Coming in by the city's own log-in: there, back again, and out there as well."""

from __future__ import annotations

import logging
import secrets

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from lokbot import city_accounts, openid
from lokbot.accounts import NotAllowed
from lokbot.web import arriving, security
from lokbot.web.visit import Visit

log = logging.getLogger(__name__)

COOKIE = "lokbot-sso"
BACK = "/logga-in/staden/svar"


def set_out(visit: Visit) -> Response:
    """To the provider. A link, no form: the policy of our pages lets forms go nowhere else."""
    provider, url = _provider(visit), visit.settings.web.public_url
    try:
        way = provider.way_there(url + BACK)
    except openid.NotSignedIn as error:
        log.warning("sso: %s", error)
        return _again(visit, "Stadens inloggning svarar inte. Försök igen om en stund.", status=502)
    browser = visit.request.cookies.get(security.cookie_name(url, COOKIE), "")[:100] or secrets.token_urlsafe(32)
    next_page = security.next_page(visit.query("vidare"))
    city_accounts.set_out(visit.session, way, browser=browser, next_page=next_page, now=visit.now)
    response = RedirectResponse(way.url, status_code=303)
    return security.with_cookie(response, browser, url, of=COOKIE, lasts=city_accounts.AWAY_FOR)


def come_back(visit: Visit) -> Response:
    """From the provider, with a code that gives a token that says who it is."""
    provider, settings = _provider(visit), visit.settings
    browser = visit.request.cookies.get(security.cookie_name(settings.web.public_url, COOKIE), "")
    back = city_accounts.come_back(visit.session, visit.query("state"), browser=browser, now=visit.now)
    if back is None:
        return _again(visit, "Inloggningen tog för lång tid eller är redan använd. Börja om.", status=401)
    # The answer is used up whatever becomes of it, and no lock is held while the provider is asked.
    visit.session.commit()
    try:
        identity = provider.identity(
            visit.request.query_params,
            nonce=back.nonce,
            verifier=back.verifier,
            back=settings.web.public_url + BACK,
            groups_claim=settings.sso.groups_claim,
        )
    except openid.NotSignedIn as error:
        log.warning("sso: %s", error)
        return _again(visit, "Inloggningen hos staden gick inte. Börja om.", status=401)
    try:
        user = city_accounts.welcome(
            visit.session, identity, issuer=settings.sso.issuer, roles=settings.sso.roles, now=visit.now
        )
    except NotAllowed as error:
        return _again(visit, error.sentence, status=403)
    if not user.is_active or not user.roles:
        return _again(visit, "Du har ingen behörighet här. Be en administratör om ett konto.", status=403)
    return arriving.come_in(visit, user, back.next_page, by_city=True)


def log_out_there(visit: Visit) -> Response:
    """Whoever shares a computer is logged out of the city's other services too, if they ask for it."""
    here = f"{visit.settings.web.public_url}/logga-in"
    try:
        page = _provider(visit).way_out(here)
    except openid.NotSignedIn as error:
        log.warning("sso: %s", error)
        return _again(visit, "Stadens inloggning svarar inte. Försök igen om en stund.", status=502)
    return RedirectResponse(page or here, status_code=303)


def _provider(visit: Visit) -> openid.Provider:
    sso = visit.settings.sso
    if not sso.issuer:
        raise HTTPException(404)
    secret = sso.client_secret.get_secret_value()
    return openid.provider(sso.issuer, sso.client_id, secret, sso.timeout_seconds)


def _again(visit: Visit, error: str, *, status: int) -> Response:
    return visit.page("login.html", status=status, email="", next="/", error=visit.say(error))
