"""One version of an answer: its words, everybody who got it, and one correction to all of them."""

from __future__ import annotations

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lokbot import audit, editing
from lokbot.conversation import recalling
from lokbot.conversation.escalation import NotPossible
from lokbot.model import OutboxStatus
from lokbot.store.schema import ArticleRevision
from lokbot.web import thread
from lokbot.web.thread import SENDING
from lokbot.web.visit import Visit

SHOWN = 200
LONGEST = 20_000


def version_page(visit: Visit) -> Response:
    """Who got the text, so that somebody who finds it wrong sees how far it has gone."""
    revision = _find(visit)
    audit.record(
        visit.session,
        "listed-receivers",
        actor=visit.actor,
        source="web",
        now=visit.now,
        article=revision.article,
        language=revision.language,
        version=revision.version,
    )
    return _page(visit, revision)


def correct_all(visit: Visit) -> Response:
    """First shows the letter and how many get it; sends it when that has been seen and still holds."""
    revision, text = _find(visit), visit.form["text"].replace("\r\n", "\n").strip()[:LONGEST]
    if not text:
        raise NotPossible("Rättelsen är tom. Skriv en text först.")
    count = len(recalling.untold(visit.session, revision))
    if visit.form["sure"] != "1" or visit.form["count"] != str(count):
        return _page(visit, revision, text=text, is_preview=True, has_changed=visit.form["sure"] == "1")
    recalling.correct_all(
        visit.session,
        revision,
        text,
        actor=visit.actor,
        settings=visit.settings,
        knowledge=visit.knowledge,
        now=visit.now,
    )
    return visit.to(f"/version/{revision.id}", klart="corrected-all")


def stop_all(visit: Visit) -> Response:
    """Take back the corrections that have not left."""
    revision = _find(visit)
    if not recalling.stop_all(visit.session, revision, actor=visit.actor, now=visit.now):
        raise NotPossible("Det finns inget att stoppa. Rättelserna kan redan vara skickade.")
    return visit.to(f"/version/{revision.id}", klart="stopped-all")


def _find(visit: Visit) -> ArticleRevision:
    found = visit.session.get(ArticleRevision, visit.request.path_params["revision"])
    # Of a pointer to an administration nobody keeps who was told it.
    if found is None or found.article.startswith(editing.ADMINISTRATION):
        raise HTTPException(404)
    return found


def _page(
    visit: Visit, revision: ArticleRevision, *, text: str = "", is_preview: bool = False, has_changed: bool = False
) -> Response:
    session = visit.session
    receivers = list(reversed(recalling.receivers(session, revision)))
    untold = recalling.untold(session, revision)
    told = recalling.corrected(session, revision)
    is_silent = recalling.is_silent(session, revision)
    return visit.page(
        "version.html",
        revision=revision,
        name=thread.article_name(visit, revision.article),
        versions=session.scalars(
            select(ArticleRevision)
            .where(ArticleRevision.article == revision.article)
            .order_by(ArticleRevision.language.desc(), ArticleRevision.version.desc())
        ).all(),
        receivers=receivers[:SHOWN],
        hidden=max(0, len(receivers) - SHOWN),
        addresses=len({to.email.lower() for one in receivers for to in one.addresses}),
        told=told,
        sending=SENDING,
        leaving=sum(row.item.status is OutboxStatus.QUEUED for row in told.values()),
        untold=len(untold),
        is_silent=is_silent,
        text=text,
        letter=recalling.letter(untold[0][0], text, revision, visit.knowledge) if is_preview and untold else None,
        has_changed=has_changed,
        undo=visit.settings.answering.undo_minutes,
    )
