"""Pages for everybody: accessibility, personal data, whether the service lives."""

from __future__ import annotations

from sqlalchemy import select
from starlette.responses import PlainTextResponse, Response

from lokbot import accounts
from lokbot.conversation import account_mail
from lokbot.web.visit import Visit

LONGEST_REPORT = 5_000


def accessibility(visit: Visit) -> Response:
    """Tillgänglighetsredogörelse (lag 2018:1937, 13 §; model: Commission Implementing Decision 2018/1523)."""
    return _accessibility(visit)


def report_fault(visit: Visit) -> Response:
    """What somebody finds hard to use, told without a mail program; it goes to whoever the page names."""
    text = visit.form["what"].replace("\r\n", "\n").strip()
    place = f"report {visit.place}"
    if not text:
        return _accessibility(visit, visit.say("Skriv vad som inte fungerar."), status=409)
    if accounts.is_locked(visit.session, place, place, now=visit.now):
        return _accessibility(visit, visit.say("Det har kommit många rapporter härifrån. Ring i stället."), status=429)
    accounts.note_failure(visit.session, place, place, now=visit.now)
    account_mail.send_fault_report(
        visit.session,
        text[:LONGEST_REPORT],
        visit.form["answer_to"].strip()[:320],
        settings=visit.settings,
        knowledge=visit.knowledge,
        now=visit.now,
    )
    return visit.to("/tillganglighet", klart="reported")


def _accessibility(visit: Visit, error: str = "", *, status: int = 200) -> Response:
    return visit.page(
        "accessibility.html",
        status=status,
        public=visit.settings.public,
        smtp=visit.settings.smtp,
        error=error,
        form=visit.form,
    )


def personal_data(visit: Visit) -> Response:
    """What the city does with what people write (GDPR art. 13)."""
    return visit.page("personal_data.html", public=visit.settings.public, smtp=visit.settings.smtp)


def health(visit: Visit) -> Response:
    """For whoever watches the server: the store answers."""
    visit.session.execute(select(1))
    return PlainTextResponse("ok\n")
