"""Somebody has shown who they are: they get a session, and a mail where the browser is one they never used before."""

from __future__ import annotations

import secrets

from starlette.responses import Response

from lokbot import accounts
from lokbot.conversation import account_mail
from lokbot.store.schema import User
from lokbot.web import rendering, security
from lokbot.web.visit import Visit

DEVICE = "lokbot-device"


def come_in(visit: Visit, user: User, next_page: str, *, by_city: bool = False) -> Response:
    """Go on to a page of ours, logged in."""
    url, agent = visit.settings.web.public_url, visit.agent
    device = visit.request.cookies.get(security.cookie_name(url, DEVICE), "")[:100] or secrets.token_urlsafe(32)
    token = accounts.log_in(visit.session, user, agent=agent, now=visit.now, by_city=by_city)
    if accounts.is_new_device(visit.session, user, device, now=visit.now):
        account_mail.send_new_device(
            visit.session,
            user,
            f"{url}/konto",
            browser=browser_of(agent, user.language),
            settings=visit.settings,
            knowledge=visit.knowledge,
            now=visit.now,
        )
    response = security.with_cookie(visit.to(security.next_page(next_page)), token, url)
    return security.with_cookie(response, device, url, of=DEVICE, lasts=accounts.DEVICE_KNOWN_FOR)


# In this order: Edge and Opera call themselves Chrome as well, and Chrome calls itself Safari.
_BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "FxiOS": "Firefox", "CriOS": "Chrome"}
_BROWSERS |= {"Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {"Windows": "Windows", "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Mac OS X": "Mac"}
_SYSTEMS |= {"Linux": "Linux"}


def browser_of(agent: str, language: str) -> str:
    """What a User-Agent header says, in words that people know: ``Firefox, Windows``."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in agent), "")
    return ", ".join(part for part in (browser, system) if part) or rendering.say("Okänd webbläsare", language)
