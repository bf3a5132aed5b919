"""A hundred web chats at once for a minute: how soon answers come, and that each comes once.

    python -m benchmarks.chat_load [--chats 100] [--seconds 60] [--every 15] [--database postgresql://...]

`lokbot worker` and `lokbot web` run as processes on the real content, taken as approved. Each chat keeps its stream
open, asks a question every fifteen seconds and says that the answer solved it. Lost or doubled is counted in the store;
measured is the time from the end of the quiet window (`chat.quiet_seconds`) until the page has the answer, and what the
two processes took of the processor. Bars: none lost, none twice, p95 under 1 s on two free cores.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import httpx
from sqlalchemy import create_engine, text

ROOT = Path(__file__).resolve().parent.parent

QUESTIONS = (
    "Hur går vi med i överenskommelsen?",
    "Vad är ett protokollsutdrag?",
    "Kan vi söka bidrag för kultur?",
    "Var kan vi låna en lokal?",
    "Hur kontaktar vi en föreningssamordnare?",
)
QUIET = 2.0
# What the bot says of itself is no answer: the greeting, and the thanks for a "Ja".
OTHER = re.compile("inte en människa. Den svarar|Skriv igen när")

STORED = """
SELECT m.id, m.state, (SELECT count(*) FROM outbox o WHERE o.message_id = m.id AND o.channel = 'webchat'
    AND o.kind IN ('reply', 'receipt') AND o.status = 'sent')
FROM messages m WHERE m.command IS NULL
"""


@dataclass
class Asked:
    text: str
    at: float
    answered: list[float] = field(default_factory=list)


class Browser:
    """As little of a browser as a chat needs, so that not this program is what is measured: one connection for pages,
    one for the stream of news, a cookie.
    """

    def __init__(self, site: str) -> None:
        self._host = site.removeprefix("http://")
        self._cookie = ""
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    async def get(self, path: str) -> str:
        async with self._turn:
            return (await self._ask("GET", path))[2]

    async def post(self, path: str, form: dict[str, str]) -> str:
        """The page that the form leads to."""
        async with self._turn:
            status, head, page = await self._ask("POST", path, urlencode(form))
            if status == 303:
                status, _, page = await self._ask("GET", _header(head, "location").partition("#")[0])
            assert status == 200, status
            return page

    async def stream(self, path: Callable[[], str]) -> AsyncIterator[str]:
        """What the stream says, again from the start where it ends."""
        while True:
            reader, writer = await self._connect()
            try:
                self._write(writer, "GET", path(), "")
                status, _ = await self._head(reader)
                while status == 200 and (line := await reader.readline()):
                    if line.startswith(b"data:"):
                        yield line[5:].decode().strip()
            finally:
                writer.close()
            await asyncio.sleep(0.2)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, _, port = self._host.partition(":")
        return await asyncio.open_connection(host, int(port))

    async def _ask(self, method: str, path: str, body: str = "") -> tuple[int, str, str]:
        # The server closes a line that has been silent for five seconds.
        if self._line is None or self._line[0].at_eof():
            self._line = await self._connect()
        reader, writer = self._line
        self._write(writer, method, path, body)
        status, head = await asyncio.wait_for(self._head(reader), 60)
        content = await reader.readexactly(int(_header(head, "content-length") or 0))
        if found := _header(head, "set-cookie"):
            self._cookie = found.partition(";")[0]
        if _header(head, "connection") == "close":
            writer.close()
            self._line = None
        return status, head, content.decode()

    def _write(self, writer: asyncio.StreamWriter, method: str, path: str, body: str) -> None:
        lines = [f"{method} {path} HTTP/1.1", f"host: {self._host}", f"origin: http://{self._host}"]
        if self._cookie:
            lines.append(f"cookie: {self._cookie}")
        if method == "POST":
            lines += ["content-type: application/x-www-form-urlencoded", f"content-length: {len(body.encode())}"]
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    async def _head(self, reader: asyncio.StreamReader) -> tuple[int, str]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        return int(head.split(" ", 2)[1]), head


def _header(head: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*?)\r$", head, re.IGNORECASE | re.MULTILINE)
    return found[1] if found else ""


async def chat(number: int, site: str, until: float, every: float, patience: float) -> list[Asked]:
    """A form, a stream, and the page anew for each piece of news that it does not show already."""
    asked: list[Asked] = []
    seen: set[str] = set()
    pressed: set[str] = set()
    mark = ""

    def take(html: str) -> str | None:
        """Note what is new; gives the button that says that it was solved."""
        nonlocal mark
        found = re.search(r'data-mark="([^"]*)"', html)
        mark = found[1] if found else mark
        for key, kind, content in re.findall(r'<li id="(s\d+)" class="line (\w+)"(.*?)</li>', html, re.DOTALL):
            if key in seen:
                continue
            seen.add(key)
            # The first contact's greeting is no answer to the question.
            if kind == "bot" and OTHER.search(content) is None and asked:
                waiting = next((one for one in asked if not one.answered), asked[-1])
                waiting.answered.append(time.monotonic())
        buttons = re.findall(r'name="press" value="(\d+:yes)"', html)
        return buttons[-1] if buttons else None

    async def listen() -> None:
        async for said in browser.stream(lambda: f"/chatt/handelser?sedan={mark}"):
            if said == mark:
                continue
            html = await browser.get("/chatt")
            solved = take(html)
            if solved and solved not in pressed:
                pressed.add(solved)
                take(await browser.post("/chatt", {**_hidden(html), "press": solved}))

    browser = Browser(site)
    await asyncio.sleep(every * number / 100)
    page = await browser.get("/chatt")
    listener: asyncio.Task[None] | None = None
    count = 0
    while time.monotonic() < until:
        begun = time.monotonic()
        question = f"{QUESTIONS[(number + count) % len(QUESTIONS)]} ({number}.{count})"
        asked.append(Asked(question, begun))
        page = await browser.post("/chatt", {**_hidden(page), "text": question})
        take(page)
        listener = listener or asyncio.create_task(listen())
        count += 1
        await asyncio.sleep(max(0.0, begun + every - time.monotonic()))
    deadline = time.monotonic() + patience
    while not asked[-1].answered and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    if listener is not None:
        listener.cancel()
    return asked


def _hidden(page: str) -> dict[str, str]:
    found = ((name, re.search(rf'name="{name}" value="([^"]*)"', page)) for name in ("csrf", "nonce"))
    return {name: field[1] for name, field in found if field}


async def everybody(site: str, chats: int, seconds: float, every: float, patience: float = 10) -> list[list[Asked]]:
    until = time.monotonic() + seconds
    return await asyncio.gather(*(chat(number, site, until, every, patience) for number in range(chats)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chats", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--every", type=float, default=15)
    parser.add_argument("--database", default="")
    arguments = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        approve(Path(folder))
        environment = {
            **os.environ,
            "LOKBOT_VAR_DIR": folder,
            "LOKBOT_KNOWLEDGE_DIR": f"{folder}/knowledge",
            "LOKBOT_DATABASE_URL": arguments.database,
            "LOKBOT_COORDINATORS": "samordnare@stad.example",
            "LOKBOT_SMTP__HOST": "127.0.0.1",
            "LOKBOT_SMTP__PORT": "1",
            "LOKBOT_WEB__PORT": str(port),
            "LOKBOT_WEB__PUBLIC_URL": f"http://localhost:{port}",
            "LOKBOT_CHAT__QUIET_SECONDS": str(QUIET),
            "LOKBOT_CHAT__PER_PLACE_PER_HOUR": "100000",
            "LOKBOT_ANSWERING__CHANNELS": '{"webchat": "send"}',
            "LOKBOT_CAPS__NOTIFICATIONS_PER_HOUR": "100000",
        }
        lokbot = str(Path(sys.executable).with_name("lokbot"))
        with open(Path(folder) / "log", "wb") as log:
            parts = [
                subprocess.Popen([lokbot, part], env=environment, stdout=log, stderr=log) for part in ("worker", "web")
            ]
            try:
                site = f"http://localhost:{port}"
                _wait(site)
                # The worker reads its content first.
                asyncio.run(everybody(site, 1, 1, 1, patience=90))
                before, begun, own = [_processor(part.pid) for part in parts], time.monotonic(), time.process_time()
                found_all = asyncio.run(everybody(site, arguments.chats, arguments.seconds, arguments.every))
                took = time.monotonic() - begun
                used = [_processor(part.pid) - was for part, was in zip(parts, before, strict=True)]
                print(
                    f"of a core: worker {used[0] / took:.2f}, web {used[1] / took:.2f}, "
                    f"this program {(time.process_time() - own) / took:.2f}"
                )
            finally:
                for part in parts:
                    part.terminate()
                for part in parts:
                    part.wait(20)
        _tell([one for asked in found_all for one in asked], arguments.database or f"sqlite:///{folder}/lokbot.db")


def approve(folder: Path) -> None:
    """The shipped content as if somebody had approved it: nothing of it leaves this machine."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    shutil.copytree(ROOT / "knowledge", folder / "knowledge")
    for file in (folder / "knowledge" / "articles").glob("*.yaml"):
        text = file.read_text(encoding="utf-8").replace("approved_by: null", "approved_by: Mätningen")
        for name in ("approved_on", "checked_on"):
            text = text.replace(f"{name}: null", f"{name}: {today}")
        file.write_text(text, encoding="utf-8")


def _processor(process: int) -> float:
    """Seconds of processor time that a process has taken (proc(5))."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wait(site: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(f"{site}/halsa", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise SystemExit("lokbot web did not start")


def _tell(asked: list[Asked], database: str) -> None:
    with create_engine(database).connect() as connection:
        stored = list(connection.execute(text(STORED)))
    waits = sorted(one.answered[0] - one.at - QUIET for one in asked if one.answered)
    stored = stored[1:]  # the first was to see that it is at work
    lost = len(asked) - sum(state == "handled" for _, state, _ in stored)
    twice = sum(count > 1 for *_, count in stored)
    shown_twice = sum(len(one.answered) > 1 for one in asked)
    told = sum(count == 1 for *_, count in stored)
    print(f"questions {len(asked)}, stored {len(stored)}, lost or not handled {lost}, told twice {twice}")
    print(f"told {told}, seen in the browser {len(waits)}, seen twice {shown_twice}")
    print(f"load average {os.getloadavg()[0]:.1f}")
    if waits:
        print(
            f"after the quiet window: p50 {statistics.median(waits) * 1000:.0f} ms, "
            f"p95 {waits[int(len(waits) * 0.95)] * 1000:.0f} ms, max {waits[-1] * 1000:.0f} ms"
        )


if __name__ == "__main__":
    main()
