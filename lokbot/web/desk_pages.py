"""Pages beside the cases: a call or visit, what the bot answered, what the steering group is to hear, templates."""

from __future__ import annotations

from datetime import date

from starlette.exceptions import HTTPException
from starlette.responses import Response

from lokbot import desk_settings
from lokbot.conversation import calls, reviewing, steering
from lokbot.conversation.escalation import NotPossible
from lokbot.model import ChannelName, UserError
from lokbot.store.schema import DecisionRecord
from lokbot.web import thread
from lokbot.web.cases import names
from lokbot.web.visit import Visit

VERDICTS = {"right": "Rätt", "partly": "Delvis", "wrong": "Fel"}


def call_page(visit: Visit) -> Response:
    return visit.page("call.html", error="", form=visit.form)


def log_call(visit: Visit) -> Response:
    """What somebody said on the telephone or at the counter becomes a case."""
    form = visit.form
    try:
        conversation = calls.log_call(
            visit.session,
            text=form["text"].replace("\r\n", "\n")[:100_000],
            channel=ChannelName.VISIT if form["channel"] == "visit" else ChannelName.PHONE,
            actor=visit.actor,
            settings=visit.settings,
            now=visit.now,
            name=form["name"],
            phone=form["phone"],
            mail=form["mail"],
            subject=form["subject"],
            is_done=form["done"] == "1",
        )
    except UserError as error:
        visit.session.rollback()
        return visit.page("call.html", status=409, error=visit.told(error), form=form)
    return visit.to(f"/arenden/{conversation.case_number}", klart="logged")


def reviews_page(visit: Visit) -> Response:
    """A few of the bot's answers that nobody has looked at."""
    return visit.page(
        "reviews.html",
        sample=reviewing.sample(visit.session, now=visit.now, count=10),
        verdicts=VERDICTS,
        article_name=lambda key: thread.article_name(visit, key),
    )


def review(visit: Visit) -> Response:
    decision = visit.session.get(DecisionRecord, visit.request.path_params["decision"])
    if decision is None:
        raise HTTPException(404)
    reviewing.review(
        visit.session,
        decision,
        visit.form["verdict"],
        knowledge=visit.knowledge,
        actor=visit.actor,
        now=visit.now,
        comment=visit.form["comment"][:2000],
    )
    return visit.to("/botens-svar", klart="reviewed")


def steering_page(visit: Visit) -> Response:
    own = desk_settings.own_meetings(visit.session)
    return visit.page(
        "steering.html",
        matters=steering.collected(visit.session),
        people=names(visit),
        meetings=own,
        of_the_file=[one for one in visit.service.settings.statistics.meetings if one not in own],
        report_days=visit.settings.statistics.report_days_before,
    )


def set_meetings(visit: Visit) -> Response:
    """The days of the steering group's meetings, one a line: the statistics begin with the last, reports go before."""
    meetings = [desk_settings.day_of(line.strip()) for line in visit.form["meetings"].splitlines() if line.strip()]
    desk_settings.set_meetings(visit.session, meetings, actor=visit.actor, now=visit.now)
    return visit.to("/styrgruppen", klart="saved")


def hold_meeting(visit: Visit) -> Response:
    try:
        on = date.fromisoformat(visit.form["on"])
    except ValueError:
        raise NotPossible("Välj en dag.") from None
    steering.hold_meeting(visit.session, on, actor=visit.actor, now=visit.now)
    meetings = {*desk_settings.own_meetings(visit.session), on}
    desk_settings.set_meetings(visit.session, meetings, actor=visit.actor, now=visit.now)
    return visit.to("/styrgruppen", klart="met")


def templates_page(visit: Visit) -> Response:
    return _templates(visit)


def set_template(visit: Visit) -> Response:
    """Keep a template as it is written, new or changed, or put back as it was; or take it away."""
    form = visit.form
    try:
        if form["remove"] == "1":
            desk_settings.remove_template(
                visit.session, form["key"], actor=visit.actor, now=visit.now, seen=form["seen"]
            )
            return visit.to("/mallar", klart="template-removed")
        texts = {language: form[language].replace("\r\n", "\n") for language in ("sv", "en")}
        desk_settings.set_template(
            visit.session,
            form["key"] or None,
            form["name"],
            texts,
            actor=visit.actor,
            now=visit.now,
            seen=form["seen"],
        )
    except UserError as error:
        visit.session.rollback()
        return _templates(visit, error=visit.told(error), status=409)
    return visit.to("/mallar", klart="saved")


def _templates(visit: Visit, *, error: str = "", status: int = 200) -> Response:
    """What was written and could not be kept stands in its fields again."""
    return visit.page(
        "templates.html",
        status=status,
        templates=(found := desk_settings.templates(visit.session)),
        stamps={one.key: one.stamp for one in found},
        history=desk_settings.template_history(visit.session),
        people=names(visit),
        error=error,
        form=visit.form,
    )
