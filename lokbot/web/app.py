"""The web application: every page goes through one gate, which knows who asks, what they may, and the transaction."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from lokbot import accounts, desk_settings, desk_texts, second_factor
from lokbot.config import Settings
from lokbot.loops import Service, clock, loggable
from lokbot.model import Knowledge, UserError
from lokbot.store.schema import WebSession
from lokbot.store.session import reading
from lokbot.understanding import Active
from lokbot.web import chat_live, factor, live, rendering, security
from lokbot.web.pages import PAGES, Page
from lokbot.web.visit import LANGUAGES, Form, Upload, Visit

log = logging.getLogger(__name__)

MAX_FILES = 10


class Knows(Protocol):
    """What has the active knowledge (``content.Content``)."""

    def current(self) -> Active: ...

    def lately(self) -> Active: ...


def create_app(service: Service, content: Knows, *, now: Callable[[], datetime] = clock) -> Starlette:
    """The application over ``service``'s store; ``now`` is asked once a request."""
    gate = _Gate(service, content, now)
    routes: list[Route | Mount] = [
        Route(page.path, gate.endpoint(page), methods=[page.method], name=page.name) for page in PAGES
    ]
    routes += [
        Route("/handelser", live.stream(service, lambda request: gate.hearer(request)), methods=["GET"]),
        Route("/chatt/handelser", chat_live.stream(service, now), methods=["GET"]),
        Mount("/static", StaticFiles(directory=rendering.HERE / "static"), name="static"),
    ]
    return Starlette(
        routes=routes,
        middleware=security.middleware(service.settings),
        exception_handlers={HTTPException: gate.refuse, Exception: gate.fail},
    )


@dataclass(frozen=True, slots=True)
class _Held:
    """What the desk and the files say while a page is made."""

    settings: Settings
    active: Active
    of_files: Knowledge


class _Gate:
    """What every request passes."""

    def __init__(self, service: Service, content: Knows, now: Callable[[], datetime]) -> None:
        self._service = service
        self._content = content
        self._now = now
        self._reading = reading(service.sessions)

    def endpoint(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            # PostgreSQL has no NUL in a text, and no browser sends one.
            if any("\x00" in word for word in (request.scope["path"], *request.query_params.values())):
                raise HTTPException(400)
            form = await self._form(request, page) if page.method == "POST" else Form()
            try:
                return await run_in_threadpool(self._visit, page, request, form)
            except HTTPException:
                raise
            except Exception as error:  # noqa: BLE001 - further out it loses the headers, and the server logs its words
                return await self.fail(request, error)

        return handle

    async def _form(self, request: Request, page: Page) -> Form:
        limit = page.largest(self._service.settings)
        length = request.headers.get("content-length", "")
        # Without a length we would have to read on to know; browsers always give it.
        if not length.isdecimal():
            raise HTTPException(411)
        if int(length) > limit:
            raise HTTPException(413)
        try:
            async with request.form(max_files=MAX_FILES, max_fields=500, max_part_size=security.FORM_BYTES) as data:
                fields = [
                    (name, value.replace("\x00", "")) for name, value in data.multi_items() if isinstance(value, str)
                ]
                files = [
                    Upload((value.filename or "").replace("\x00", ""), value.content_type or "", await value.read())
                    for _, value in data.multi_items()
                    if isinstance(value, UploadFile) and value.filename
                ]
        except MultiPartException:
            raise HTTPException(400) from None
        return Form(fields, files)

    def _visit(self, page: Page, request: Request, form: Form) -> Response:
        """One request, in a thread of its own and one transaction.

        What holds for every page is read before: on SQLite nobody else can write while a page does.
        """
        self._see(request)
        # A hundred may chat at once, and to look whether any file has changed takes as long as to read a chat.
        held = self._held(self._content.lately() if page.roles is None else self._content.current())
        sessions = self._service.sessions if page.writes else self._reading
        with sessions() as session:
            visit = self._open(session, request, form, held)
            if refusal := _refusal(page, visit):
                return refusal
            try:
                response = page.function(visit)
            except UserError as error:
                session.rollback()
                again = self._open(session, request, form, held)
                return again.page("error.html", status=409, title=again.say("Det gick inte"), text=again.told(error))
            session.commit()
        if page.writes:
            self._service.news.set()  # there may be something to send or handle
        return response

    def _held(self, active: Active) -> _Held:
        with self._reading() as session:
            return _Held(
                desk_settings.current(session, self._service.settings),
                replace(active, knowledge=desk_texts.current(session, active.knowledge)),
                active.knowledge,
            )

    def _open(self, session: Session, request: Request, form: Form, held: _Held) -> Visit:
        now = self._now()
        return Visit(
            request=request,
            service=self._service,
            session=session,
            settings=held.settings,
            active=held.active,
            of_files=held.of_files,
            login=self._login(session, request, now),
            form=form,
            now=now,
        )

    def _login(self, session: Session, request: Request, now: datetime) -> WebSession | None:
        token = request.cookies.get(security.cookie_name(self._service.settings.web.public_url), "")
        return accounts.session_of(session, token, now=now) if token else None

    def login(self, request: Request) -> WebSession | None:
        """Who has sent this request, without opening a page."""
        with self._reading() as session:
            return self._login(session, request, self._now())

    def hearer(self, request: Request) -> WebSession | None:
        """Who may hear the news: whoever may see pages."""
        with self._reading() as session:
            login = self._login(session, request, self._now())
            required = self._service.settings.login.second_factor_for
            return None if login is None or second_factor.is_missing(login, required) else login

    def _see(self, request: Request) -> None:
        """Note that a browser is still in use, now and then."""
        login, now = self.login(request), self._now()
        if login is not None and now - login.seen_at > accounts.SEEN_EVERY:
            with self._service.sessions.begin() as session:
                if found := session.get(WebSession, login.id):
                    found.seen_at = now

    async def refuse(self, request: Request, error: Exception) -> Response:
        """An address that does not exist, a request that cannot be read."""
        status = error.status_code if isinstance(error, HTTPException) else 400
        return await run_in_threadpool(self._say, request, status)

    async def fail(self, request: Request, error: Exception) -> Response:
        """Something of ours went wrong: it is logged without anybody's words, and said without a traceback."""
        log.error("could not show %s: %s", request.url.path, loggable(error))
        return await run_in_threadpool(self._say, request, 500)

    def _say(self, request: Request, status: int) -> Response:
        title, text = REFUSALS.get(status, REFUSALS[400])
        try:
            held = self._held(self._content.lately())
            with self._reading() as session:
                visit = self._open(session, request, Form(), held)
                return visit.page("error.html", status=status, title=visit.say(title), text=visit.say(text))
        except Exception as error:  # noqa: BLE001 - the database itself may be away
            log.error("could not say so on a page: %s", loggable(error))
            both = [rendering.say(sentence, language) for language in LANGUAGES for sentence in (title, text)]
            return PlainTextResponse("\n".join(both) + "\n", status_code=status)


REFUSALS = {
    400: ("Det gick inte att läsa", "Gå tillbaka och försök igen."),
    403: ("Du får inte se den här sidan", "Be en administratör om rättigheten, om du behöver den."),
    404: ("Sidan finns inte", "Kontrollera adressen, eller börja från förstasidan."),
    405: ("Sidan finns inte", "Kontrollera adressen, eller börja från förstasidan."),
    411: ("Det gick inte att läsa", "Gå tillbaka och försök igen."),
    413: ("Filen är för stor", "Gå tillbaka och välj en mindre fil."),
    500: ("Något gick fel hos oss", "Ingenting har gått förlorat. Försök igen om en stund."),
}

FOREIGN_FORM = (
    "Formuläret kom inte från den här sidan",
    "Öppna sidan på nytt och försök igen. Inget har ändrats.",
)
OLD_FORM = (
    "Sidan har blivit för gammal",
    "Inget är skickat. Gå tillbaka, kopiera det du har skrivit, ladda om sidan och försök igen.",
)

# Where somebody may go who has yet to set up the second factor that their role demands.
WITHOUT_SECOND_FACTOR = (factor.SETUP, "/logga-ut")


def _refusal(page: Page, visit: Visit) -> Response | None:
    """Why this visit may not be: not logged in, without the role, or a form that did not come from our own page."""
    if page.roles is not None:
        if visit.login is None:
            return _to_log_in(page, visit)
        is_missing = second_factor.is_missing(visit.login, visit.settings.login.second_factor_for)
        if is_missing and page.path not in WITHOUT_SECOND_FACTOR:
            return visit.to(factor.SETUP)
        if not visit.has(*page.roles):
            title, text = REFUSALS[403]
            return visit.page("error.html", status=403, title=visit.say(title), text=visit.say(text))
    if page.method == "POST":
        if not security.is_from_here(visit.request):
            title, text = FOREIGN_FORM
        elif page.roles is not None and not security.has_token(visit.login, visit.form["csrf"]):
            title, text = OLD_FORM
        else:
            return None
        return visit.page("error.html", status=403, title=visit.say(title), text=visit.say(text))
    return None


def _to_log_in(page: Page, visit: Visit) -> Response:
    """To log in, and then on. What was sent meanwhile is gone, which must be said."""
    if page.method == "GET":
        query = f"?{visit.request.url.query}" if visit.request.url.query else ""
        return visit.to("/logga-in", vidare=f"{visit.request.url.path}{query}")
    case = visit.request.path_params.get("case")
    return visit.to("/logga-in", vidare=f"/arenden/{case}" if case else "/", klart="expired")
