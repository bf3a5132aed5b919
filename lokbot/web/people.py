"""One's own account, and for admins everybody's."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lokbot import accounts, desk_settings, passwords, telegram_links
from lokbot.accounts import NotAllowed
from lokbot.conversation import account_mail
from lokbot.model import Role
from lokbot.store import queries
from lokbot.store.schema import StaffMail, User
from lokbot.web import arriving
from lokbot.web.entry import has_password, link
from lokbot.web.visit import LANGUAGES, Visit

ROLES = {
    Role.COORDINATOR: "Samordnare",
    Role.REGISTRATOR: "Registrator",
    Role.STEERING: "Styrgrupp",
    Role.ADMIN: "Administratör",
}
MAY = {
    Role.COORDINATOR: "läser och svarar",
    Role.REGISTRATOR: "läser ärenden för registrering",
    Role.STEERING: "ser statistik",
    Role.ADMIN: "bjuder in personer och ser loggen",
}


# ------------------------------------------------------------------ one's own account


def account_page(visit: Visit) -> Response:
    return _account(visit)


def telegram_code(visit: Visit) -> Response:
    """A code to send to the bot in Telegram, shown once; or the link ends."""
    if visit.form["act"] == "unlink":
        telegram_links.unlink(visit.session, visit.user, actor=visit.actor, now=visit.now)
        return visit.to("/konto", klart="telegram-unlinked")
    if not visit.settings.telegram.is_allowed:
        raise NotAllowed("Staden har inte beslutat om Telegram, så det finns inget att koppla till.")
    return _account(visit, telegram_code=telegram_links.new_code(visit.session, visit.user, now=visit.now))


def _account(visit: Visit, *, telegram_code: str = "", status: int = 200, error: str = "") -> Response:
    return visit.page(
        "account.html",
        status=status,
        error=error,
        absence=desk_settings.absence(visit.session, visit.user).stamp,
        telegram=telegram_links.link_of(visit.session, visit.user),
        telegram_code=telegram_code,
        telegram_holds=telegram_links.HOLDS.seconds // 60,
        has_telegram=visit.settings.telegram.is_allowed and visit.has(Role.COORDINATOR),
        sessions=accounts.sessions_of(visit.session, visit.user),
        browser_of=arriving.browser_of,
        has_password=has_password(visit, visit.user),
        shortest=passwords.SHORTEST,
        languages={"sv": "Svenska", "en": "English"},
        roles=ROLES,
    )


def change_account(visit: Visit) -> Response:
    """Name, language, absence and deputy."""
    user, form = visit.user, visit.form
    name = " ".join(form["name"].split())[:200]
    if not name:
        raise NotAllowed("Skriv ett namn.")
    try:
        desk_settings.set_absence(
            visit.session,
            user,
            form["absent_until"],
            form["deputy"],
            seen=form["seen"],
            actor=visit.actor,
            now=visit.now,
        )
    except desk_settings.ChangedMeanwhile:
        error = visit.say(
            "Någon annan ändrade när du är borta, medan du skrev. Inget är sparat. Nu står det som den andra skrev."
        )
        return _account(visit, status=409, error=error)
    user.name = name
    user.language = form["language"] if form["language"] in LANGUAGES else user.language
    queries.record(visit.session, "account-changed", actor=visit.actor, now=visit.now, user=user.id)
    return visit.to("/konto", klart="saved")


def change_password(visit: Visit) -> Response:
    """Needs the old one: an open browser is not enough."""
    user, form = visit.user, visit.form
    if not has_password(visit, user):
        raise NotAllowed("Du loggar in med ditt konto hos staden och har inget lösenord här.")
    if accounts.is_locked(visit.session, user.email, visit.place, now=visit.now):
        raise NotAllowed("För många försök. Vänta en kvart och försök igen.")
    if not accounts.check_password(user, form["old"]):
        accounts.note_failure(visit.session, user.email, visit.place, now=visit.now)
        visit.session.commit()
        raise NotAllowed("Det gamla lösenordet stämmer inte.")
    if form["password"] != form["again"]:
        raise NotAllowed("Lösenorden är inte lika. Skriv samma två gånger.")
    accounts.set_password(visit.session, user, form["password"], actor=visit.actor, now=visit.now)
    return arriving.come_in(visit, user, "/konto?klart=password")


def log_out_one(visit: Visit) -> Response:
    """One browser of the list, such as one in a library."""
    accounts.end_session(visit.session, visit.user, visit.form["browser"], now=visit.now)
    return visit.to("/konto", klart="browser-out")


def log_out_elsewhere(visit: Visit) -> Response:
    assert visit.login is not None
    accounts.log_out_everywhere(visit.session, visit.user, but_for=visit.login.id)
    queries.record(visit.session, "logged-out-elsewhere", actor=visit.actor, now=visit.now, user=visit.user.id)
    return visit.to("/konto", klart="saved")


# ------------------------------------------------------------------ everybody's


def people_page(visit: Visit) -> Response:
    return _people(visit)


def _people(visit: Visit, *, error: str = "", shown_link: str = "", status: int = 200) -> Response:
    failed = visit.session.scalars(select(StaffMail).where(StaffMail.status == "failed").order_by(StaffMail.id.desc()))
    return visit.page(
        "people.html",
        status=status,
        users=accounts.everybody(visit.session),
        roles=ROLES,
        may=MAY,
        error=error,
        shown_link=shown_link,
        failed={mail.to: mail.last_error for mail in failed},
        form=visit.form,
        has_password=lambda user: has_password(visit, user),
        reading=accounts.reading_links(visit.session),
        in_telegram=telegram_links.linked(visit.session),
    )


def reading_link(visit: Visit) -> Response:
    """A personal link to the statistics for somebody of the steering group, or none any more."""
    user = _user(visit)
    if visit.form["act"] == "revoke":
        accounts.revoke_reading_link(visit.session, user, actor=visit.actor, now=visit.now)
        return visit.to("/personer", klart="saved")
    token = accounts.reading_link(visit.session, user, actor=visit.actor, now=visit.now)
    address = f"{visit.settings.web.public_url}/lasa/{token}"
    if not visit.settings.smtp.host:
        return _people(visit, shown_link=address)
    account_mail.send_reading_link(
        visit.session,
        user,
        address,
        inviter=visit.user.name,
        settings=visit.settings,
        knowledge=visit.knowledge,
        now=visit.now,
    )
    return visit.to("/personer", klart="reading-link")


def invite(visit: Visit) -> Response:
    """A new account; its link goes by mail, or is shown where no mail can be sent."""
    try:
        user, token = accounts.invite(
            visit.session, visit.form["email"], visit.form["name"], _roles(visit), actor=visit.actor, now=visit.now
        )
    except NotAllowed as error:
        visit.session.rollback()
        return _people(visit, error=visit.told(error), status=409)
    if visit.settings.login.password:
        return _send(visit, user, token)
    return _send_address(visit, user, f"{visit.settings.web.public_url}/logga-in")


def new_link(visit: Visit) -> Response:
    """A new link for somebody who lost theirs."""
    user = _user(visit)
    if not user.is_active:
        raise NotAllowed("Kontot är avstängt. Öppna det först.")
    if not has_password(visit, user):
        raise NotAllowed("Personen loggar in med sitt konto hos staden och har inget lösenord här.")
    token = accounts.reset_link(visit.session, user, actor=visit.actor, now=visit.now)
    return _send(visit, user, token)


def _send(visit: Visit, user: User, token: str) -> Response:
    return _send_address(visit, user, link(visit, token))


def _send_address(visit: Visit, user: User, address: str) -> Response:
    if not visit.settings.smtp.host:
        return _people(visit, shown_link=address)
    account_mail.send_invitation(
        visit.session,
        user,
        address,
        inviter=visit.user.name,
        settings=visit.settings,
        knowledge=visit.knowledge,
        now=visit.now,
    )
    return visit.to("/personer", klart="invited")


def unlink_telegram(visit: Visit) -> Response:
    """What somebody writes in Telegram counts for nobody from now on."""
    telegram_links.unlink(visit.session, _user(visit), actor=visit.actor, now=visit.now)
    return visit.to("/personer", klart="telegram-unlinked")


def change(visit: Visit) -> Response:
    accounts.change(
        visit.session,
        _user(visit),
        roles=_roles(visit),
        is_active=visit.form["active"] == "1",
        actor=visit.actor,
        now=visit.now,
    )
    return visit.to("/personer", klart="saved")


def _user(visit: Visit) -> User:
    found = visit.session.get(User, visit.request.path_params["user"])
    if found is None:
        raise HTTPException(404)
    return found


def _roles(visit: Visit) -> Sequence[Role]:
    return [role for role in Role if role in visit.form.all("role")]
