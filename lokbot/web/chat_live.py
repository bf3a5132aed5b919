"""News to the browsers that chat: a stream says how far the chat has come, and the page fetches what it has not got.

One task in each process looks at the newest events ten times a second, and wakes the streams of the chats that they
are about: a hundred open chats cost the look-ups of one. The word that a stream sends is its event's id too; a browser
that was away says the last one it heard (Last-Event-ID), and hears at once when there is more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from lokbot.loops import Service
from lokbot.model import ChannelName
from lokbot.store.schema import Contact, Conversation, Event
from lokbot.store.session import Sessions, reading
from lokbot.web.chat import token_of
from lokbot.webchat import keys, showing

LOOK_SECONDS = 0.1
# Where nothing woke a stream it looks for itself, and says that it lives; a proxy would close one that is silent.
QUIET_SECONDS = 10.0
# Of one chat (a browser opens one, however many tabs it has), and in all.
MOST_OF_A_CHAT, MOST = 8, 2000
# On PostgreSQL a lower number may be committed after a higher one: so many are looked at again.
_OVERLAP = 200


@dataclass(repr=False)
class Watch:
    """Which streams are open, by the address of their chat, and which events have been seen."""

    sessions: Sessions
    streams: dict[str, set[asyncio.Event]] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    newest: int = 0
    count_seen: int = 0
    task: asyncio.Task[None] | None = None

    @property
    def count(self) -> int:
        return sum(len(streams) for streams in self.streams.values())

    async def run(self, service: Service) -> None:
        """Wake streams as long as there are any."""
        while self.streams and not service.stop.is_set():
            await asyncio.sleep(LOOK_SECONDS)
            try:
                changed = await run_in_threadpool(self.changed)
            except DBAPIError:
                continue  # the database is away; the streams look for themselves, and the log tells of it elsewhere
            for address in changed:
                for stream in self.streams.get(address, ()):
                    stream.set()
        for streams in self.streams.values():
            for stream in streams:
                stream.set()

    def changed(self) -> set[str]:
        """The addresses of the chats that something has happened in since the last look."""
        with self.sessions() as session:
            # How many too, for a lower number that is committed after the highest.
            counting = select(func.max(Event.id), func.count(Event.id)).where(Event.id > self.newest - _OVERLAP)
            newest, count = session.execute(counting).one()
            if newest is None or (newest, count) == (self.newest, self.count_seen):
                return set()
            rows = session.execute(
                select(Event.id, Contact.address)
                .join(Conversation, Conversation.id == Event.conversation_id)
                .join(Contact, Contact.id == Conversation.contact_id)
                .where(Event.id > min(newest, self.newest) - _OVERLAP, Contact.channel == ChannelName.WEBCHAT)
            ).all()
        found = {address for number, address in rows if number not in self.seen}
        self.seen, self.newest, self.count_seen = {number for number, _ in rows}, newest, count
        return found


def stream(service: Service, now: Callable[[], datetime]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint. A browser without a chat has nothing to hear."""
    watch = Watch(reading(service.sessions))

    def look(token: str) -> tuple[str | None, str | None]:
        with watch.sessions() as session:
            address = keys.address_of(session, token, now=now())
            return address, showing.stamp(session, address)

    async def news(token: str, address: str, known: str, woken: asyncio.Event) -> AsyncIterator[str]:
        yield "retry: 1500\n\n"
        told = time.monotonic()
        while not service.stop.is_set():
            woken.clear()
            still, found = await run_in_threadpool(look, token)
            if still != address:
                return  # its time is over, or it was erased
            if found != known and found is not None:
                known, told = found, time.monotonic()
                yield f"id: {found}\ndata: {found}\n\n"
            elif time.monotonic() - told >= QUIET_SECONDS:
                told = time.monotonic()
                yield ": \n\n"
            try:
                await asyncio.wait_for(woken.wait(), QUIET_SECONDS)
            except TimeoutError:
                continue

    async def listed(token: str, address: str, known: str) -> AsyncIterator[str]:
        woken = asyncio.Event()
        watch.streams.setdefault(address, set()).add(woken)
        if watch.task is None or watch.task.done():
            watch.task = asyncio.create_task(watch.run(service))
        try:
            async for line in news(token, address, known, woken):
                yield line
        finally:
            streams = watch.streams.get(address, set())
            streams.discard(woken)
            if not streams:
                watch.streams.pop(address, None)

    async def endpoint(request: Request) -> Response:
        settings = service.settings
        token = token_of(request, settings) if settings.chat.web else ""
        address, _ = await run_in_threadpool(look, token) if token else (None, None)
        if address is None:
            return Response(status_code=204)  # an EventSource that gets no content does not come back
        if len(watch.streams.get(address, ())) >= MOST_OF_A_CHAT or watch.count >= MOST:
            return Response(status_code=204)
        known = request.headers.get("last-event-id") or request.query_params.get("sedan", "")
        return StreamingResponse(
            listed(token, address, known[:60]),
            media_type="text/event-stream",
            headers={"x-accel-buffering": "no"},
        )

    return endpoint
