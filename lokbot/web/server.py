"""The web server: one socket, one event loop, an end that does not wait for open streams."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket

import uvicorn

from lokbot.content import Content
from lokbot.loops import BEAT_SECONDS, Service
from lokbot.model import ChannelError
from lokbot.web.app import create_app

log = logging.getLogger(__name__)

# Streams of news stay open for ever; whoever has one comes back by itself.
SHUTDOWN_SECONDS = 2


def serve(service: Service, content: Content) -> None:
    """Listen until ``service.stop`` is set. Raises ChannelError where the port cannot be had."""
    web = service.settings.web
    content.current()
    gc.freeze()  # the texts live on: to go through them again and again would make one page in a hundred wait 0.2 s
    listening = listen(web.host, web.port)
    config = uvicorn.Config(
        create_app(service, content),
        host=web.host,
        port=web.port,
        log_config=None,
        access_log=False,  # addresses of pages hold words that people searched for
        server_header=False,
        proxy_headers=False,  # place_of() knows which proxies to believe
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        lifespan="off",
    )
    with listening:
        log.info("the desk is at %s (listening on %s:%s)", web.public_url, *listening.getsockname()[:2])
        asyncio.run(_until_stopped(uvicorn.Server(config), listening, service))


def listen(host: str, port: int) -> socket.socket:
    """The socket that the desk answers on. Raises ChannelError where the port cannot be had."""
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ChannelError(
            f"web.port {port} on {host} cannot be had ({error.strerror}). Choose another, or stop what has it.",
            permanent=False,
        ) from None
    # What is accepted inherits it. asyncio sets it by itself, but not on a socket that was made without saying TCP: the
    # body of each answer would wait until the browser has acknowledged the header (Nagle), 40 to 200 ms a page.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


async def _until_stopped(server: uvicorn.Server, listening: socket.socket, service: Service) -> None:
    serving = asyncio.ensure_future(server._serve([listening]))  # serve() would take the signals from us
    while not serving.done() and not service.stop.is_set():
        await asyncio.to_thread(service.beat, "web")
        for _ in range(int(BEAT_SECONDS * 4)):
            if serving.done() or service.stop.is_set():
                break
            await asyncio.sleep(0.25)
    server.should_exit = True
    await serving
