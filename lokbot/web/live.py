"""News to open browsers: one stream a browser, which says only that something has changed; the page then asks anew.

Twice a second each stream looks at the newest ids: that costs three index look-ups, works alike on SQLite and
PostgreSQL, and sees what any other process has done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from lokbot.loops import Service
from lokbot.store.schema import Event, Message, OutboxItem, WebSession
from lokbot.store.session import reading

LOOK_SECONDS = 0.5
# A comment now and then keeps proxies from closing the stream, and finds out who has left.
QUIET_SECONDS = 15.0


def newest(session: Session) -> str:
    """How far the store has come, in a word that changes with every change. A page carries it, and so does the news."""
    found = session.execute(
        select(
            select(func.max(Event.id)).scalar_subquery(),
            select(func.max(Message.id)).scalar_subquery(),
            select(func.max(OutboxItem.id)).scalar_subquery(),
        )
    ).one()
    return ".".join(str(one or 0) for one in found)


def stream(service: Service, login: Callable[[Request], WebSession | None]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint. Without a log-in there is nothing to hear."""
    sessions = reading(service.sessions)

    def latest() -> str:
        with sessions() as session:
            return newest(session)

    async def news(request: Request) -> AsyncIterator[str]:
        known = await run_in_threadpool(latest)
        # The first event lets a browser that was away see whether it has missed something.
        yield f"retry: 2000\ndata: {known}\n\n"
        quiet = checked = 0.0
        while not service.stop.is_set():
            await asyncio.sleep(LOOK_SECONDS)
            quiet, checked = quiet + LOOK_SECONDS, checked + LOOK_SECONDS
            if checked >= QUIET_SECONDS:
                checked = 0.0
                if await run_in_threadpool(login, request) is None:
                    return
            found = await run_in_threadpool(latest)
            if found != known:
                known, quiet = found, 0.0
                yield f"data: {known}\n\n"
            elif quiet >= QUIET_SECONDS:
                quiet = 0.0
                yield ": \n\n"

    async def endpoint(request: Request) -> Response:
        if await run_in_threadpool(login, request) is None:
            return Response(status_code=204)  # an EventSource that gets no content does not come back
        return StreamingResponse(news(request), media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    return endpoint
