"""Coming in: the start page, logging in and out, forgotten passwords, links that set one."""

from __future__ import annotations

from starlette.responses import Response

from lokbot import accounts, passwords
from lokbot.accounts import NotAllowed
from lokbot.conversation import account_mail
from lokbot.model import Role
from lokbot.store.schema import AccountLink, User
from lokbot.web import factor, security
from lokbot.web.visit import Visit


def start(visit: Visit) -> Response:
    """Whoever is logged in goes to where they work."""
    if visit.has(Role.COORDINATOR):
        return visit.to("/arenden")
    if visit.has(Role.ADMIN):
        return visit.to("/personer")
    if visit.has(Role.REGISTRATOR):
        return visit.to("/registrator")
    if visit.has(Role.STEERING):
        return visit.to("/statistik")
    return visit.to("/konto") if visit.login else visit.to("/logga-in")


def login_page(visit: Visit) -> Response:
    return visit.page("login.html", email="", next=security.next_page(visit.query("vidare")), error="")


def log_in(visit: Visit) -> Response:
    """The right password opens a session; too many wrong ones are not even looked at."""
    email, session = visit.form["email"], visit.session
    if not visit.settings.login.password:
        return _again(visit, "Här loggar man in med sitt konto hos staden.", status=403)
    if accounts.is_locked(session, email, visit.place, now=visit.now):
        return _again(visit, "För många försök. Vänta en kvart och försök igen.", status=429)
    user = accounts.find(session, email)
    if not accounts.check_password(user, visit.form["password"]) or user is None:
        accounts.note_failure(session, email, visit.place, now=visit.now)
        return _again(visit, "Mejladressen och lösenordet hör inte ihop. Försök igen.", status=401)
    return factor.enter(visit, user, visit.form["next"])


def _again(visit: Visit, error: str, *, status: int) -> Response:
    return visit.page(
        "login.html",
        status=status,
        email=visit.form["email"][:320],
        next=security.next_page(visit.form["next"]),
        error=visit.say(error),
    )


def log_out(visit: Visit) -> Response:
    if visit.login is not None:
        accounts.log_out(visit.session, visit.login, now=visit.now)
    response = visit.to("/logga-in", klart="logged-out")
    response.delete_cookie(security.cookie_name(visit.settings.web.public_url))
    return response


def forgotten_page(visit: Visit) -> Response:
    return visit.page("forgotten.html") if visit.settings.login.password else visit.to("/logga-in")


def forgotten(visit: Visit) -> Response:
    """A link to whoever has an account; everybody reads the same sentence."""
    session, place = visit.session, f"reset {visit.place}"
    if not accounts.is_locked(session, "", place, now=visit.now):
        accounts.note_failure(session, "", place, now=visit.now)
        user = accounts.find(session, visit.form["email"])
        if user is not None and user.is_active and has_password(visit, user):
            token = accounts.reset_link(session, user, actor="reset", now=visit.now)
            account_mail.send_reset(
                session, user, link(visit, token), settings=visit.settings, knowledge=visit.knowledge, now=visit.now
            )
    return visit.to("/logga-in", klart="reset")


def has_password(visit: Visit, user: User) -> bool:
    """Whether somebody may have a password here: it would let whoever comes by the city's log-in in past it."""
    return visit.settings.login.password and not (visit.settings.sso.issuer and user.city_account)


def link(visit: Visit, token: str) -> str:
    """The address that a one-time link has for people. Never by the name that the browser called us."""
    return f"{visit.settings.web.public_url}/valkommen/{token}"


def _open(visit: Visit) -> AccountLink | None:
    return accounts.open_link(
        visit.session, visit.path("token"), now=visit.now, passwords_open=visit.settings.login.password
    )


def link_page(visit: Visit) -> Response:
    found = _open(visit)
    return _welcome(visit, found) if found is not None else _dead_link(visit)


def follow_link(visit: Visit) -> Response:
    """Set the password that the link is for, and log in."""
    found = _open(visit)
    if found is None:
        return _dead_link(visit)
    form = visit.form
    try:
        if form["password"] != form["again"]:
            raise NotAllowed("Lösenorden är inte lika. Skriv samma två gånger.")
        user = accounts.follow_link(
            visit.session, found, form["password"], now=visit.now, email=form["email"], name=form["name"]
        )
    except NotAllowed as error:
        visit.session.rollback()
        found = _open(visit)
        return _welcome(visit, found, visit.told(error), status=409) if found is not None else _dead_link(visit)
    return factor.enter(visit, user, "/")


def _welcome(visit: Visit, found: AccountLink, error: str = "", status: int = 200) -> Response:
    return visit.page(
        "welcome.html",
        status=status,
        owner=found.user,
        error=error,
        email=visit.form["email"],
        name=visit.form["name"],
        shortest=passwords.SHORTEST,
    )


def _dead_link(visit: Visit) -> Response:
    return visit.page(
        "error.html",
        status=404,
        title=visit.say("Länken gäller inte längre"),
        text=visit.say("Be om en ny: tryck på ”Glömt lösenordet” när du loggar in, eller fråga en administratör."),
    )
