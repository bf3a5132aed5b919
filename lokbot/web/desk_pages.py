"""Pages beside the cases: a call or visit, what the bot answered, what the steering group is to hear."""

from __future__ import annotations

from datetime import date

from starlette.exceptions import HTTPException
from starlette.responses import Response

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
        return visit.page("call.html", status=409, error=str(error), form=form)
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
    return visit.page("steering.html", matters=steering.collected(visit.session), people=names(visit), today=visit.now)


def hold_meeting(visit: Visit) -> Response:
    try:
        on = date.fromisoformat(visit.form["on"])
    except ValueError:
        raise NotPossible("Välj en dag.") from None
    steering.hold_meeting(visit.session, on, actor=visit.actor, now=visit.now)
    return visit.to("/styrgruppen", klart="met")
