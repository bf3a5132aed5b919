"""Pages for everybody: accessibility, personal data, whether the service lives."""

from __future__ import annotations

from sqlalchemy import select
from starlette.responses import PlainTextResponse, Response

from lokbot.web.visit import Visit


def accessibility(visit: Visit) -> Response:
    """Tillgänglighetsredogörelse (lag 2018:1937, 13 §; model: Commission Implementing Decision 2018/1523)."""
    return visit.page("accessibility.html", public=visit.settings.public, smtp=visit.settings.smtp)


def personal_data(visit: Visit) -> Response:
    """What the city does with what people write (GDPR art. 13)."""
    return visit.page("personal_data.html", public=visit.settings.public, smtp=visit.settings.smtp)


def health(visit: Visit) -> Response:
    """For whoever watches the server: the store answers."""
    visit.session.execute(select(1))
    return PlainTextResponse("ok\n")
