"""A hundred web chats at once for a minute: how soon answers come, and that each comes once.

    python -m benchmarks.chat_load [--anew] [--chats 100] [--seconds 60] [--every 15] [--database postgresql://...]

`lokbot worker` and `lokbot web` run as processes on the real content, taken as approved; with sentence vectors where
the settings and the machine have them (`LOKBOT_SEMANTIC=off`: by words). Each chat keeps its stream open, asks a
question of the golden set every fifteen seconds, each another, and says that the answer solved it. With `--anew`
somebody else comes where a person has got the case, so that nearly all questions are told something.

What became of each question is read in the store: an answer, a receipt, or the silence that is due once a person has
the case, which an earlier reply has said; any other silence is a fault. Measured is the time from the end of the
quiet window (`chat.quiet_seconds`) until the page has the answer, and what the processes took of the processor. Bars:
none lost, none twice, p95 under 1 s on two free cores.
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
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import httpx
from sqlalchemy import create_engine, text

from lokbot.knowledge import loading

ROOT = Path(__file__).resolve().parent.parent

QUIET = 2.0
# To compute the vectors of all articles takes minutes where `.cache` does not have them.
READY_SECONDS = 900

ASKED = "SELECT id, text, state, conversation_id FROM messages WHERE command IS NULL"
TOLD = """
SELECT id, message_id, kind FROM outbox
WHERE channel = 'webchat' AND kind IN ('reply', 'receipt') AND status = 'sent'
"""
DECIDED = """
SELECT q.message_id, d.reason, d.outcome FROM decisions d JOIN questions q ON q.id = d.question_id ORDER BY d.id
"""
BY_MEANING = """
SELECT count(DISTINCT q.message_id) FROM questions q WHERE CAST(q.understanding AS TEXT) LIKE '%"semantic"%'
"""


@dataclass
class Chat:
    """What one browser did and saw: when each question was asked, when each message of the bot (its number in the
    outbox) was first on the page, and how often a page had a message twice.
    """

    asked: dict[str, float] = field(default_factory=dict)
    shown: dict[int, float] = field(default_factory=dict)
    doubled: int = 0


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
        """Over the line that there is, else over a new one: the server closes one that has been silent for five
        seconds. A form carries its number, so it may be sent again.
        """
        if self._line is not None:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                return await self._ask_over(self._line, method, path, body)
        self._line = await self._connect()
        return await self._ask_over(self._line, method, path, body)

    async def _ask_over(
        self, line: tuple[asyncio.StreamReader, asyncio.StreamWriter], method: str, path: str, body: str
    ) -> tuple[int, str, str]:
        reader, writer = line
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


async def chat(number: int, site: str, questions: Iterator[str], until: float, every: float, *, anew: bool) -> Chat:
    """A form, a stream, and the page anew for each piece of news that it does not show already."""
    found = Chat()
    pressed: set[str] = set()
    mark = ""
    is_with_a_person = False

    def take(html: str) -> str | None:
        """Note what is new; gives the button that says that it was solved."""
        nonlocal mark, is_with_a_person
        if marked := re.search(r'data-mark="([^"]*)"', html):
            mark = marked[1]
        is_with_a_person = 'id="hur"' in html
        keys = re.findall(r'<li id="s(\d+)" class="line bot"', html)
        found.doubled += len(keys) - len(set(keys))
        for key in keys:
            found.shown.setdefault(int(key), time.monotonic())
        buttons = re.findall(r'name="press" value="(\d+:yes)"', html)
        return buttons[-1] if buttons else None

    async def listen(browser: Browser) -> None:
        async for said in browser.stream(lambda: f"/chatt/handelser?sedan={mark}"):
            if said == mark:
                continue
            html = await browser.get("/chatt")
            solved = take(html)
            if solved and solved not in pressed:
                pressed.add(solved)
                take(await browser.post("/chatt", {**_hidden(html), "press": solved}))

    await asyncio.sleep(every * number / 100)
    browser, listener = Browser(site), None
    page = await browser.get("/chatt")
    while time.monotonic() < until:
        begun, question = time.monotonic(), next(questions)
        found.asked[question] = begun
        page = await browser.post("/chatt", {**_hidden(page), "text": question})
        take(page)
        listener = listener or asyncio.create_task(listen(browser))
        await asyncio.sleep(max(0.0, begun + every - time.monotonic()))
        if anew and is_with_a_person:
            listener.cancel()
            browser, listener = Browser(site), None
            page = await browser.get("/chatt")
    # The last answer has had as long as each of the others.
    if listener is not None:
        listener.cancel()
    return found


def _hidden(page: str) -> dict[str, str]:
    found = ((name, re.search(rf'name="{name}" value="([^"]*)"', page)) for name in ("csrf", "nonce"))
    return {name: field[1] for name, field in found if field}


async def everybody(
    site: str, questions: Iterator[str], chats: int, seconds: float, every: float, *, anew: bool = False
) -> list[Chat]:
    until = time.monotonic() + seconds
    return await asyncio.gather(*(chat(number, site, questions, until, every, anew=anew) for number in range(chats)))


def golden() -> Iterator[str]:
    """Questions that an article answers, as people wrote them, each once: which of them is asked is then known by its
    words.
    """
    found = loading.load(ROOT / "knowledge", ROOT / "intents").golden
    texts = (one.text.strip() for one in found if not one.is_unseen and one.articles and one.language == "sv")
    return iter(dict.fromkeys(text for text in texts if "\n" not in text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--anew", action="store_true")
    parser.add_argument("--chats", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--every", type=float, default=15)
    parser.add_argument("--database", default="")
    arguments = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        folder, site = Path(name), f"http://localhost:{port}"
        database = arguments.database or f"sqlite:///{folder}/lokbot.db"
        approve(folder)
        environment = {
            **os.environ,
            "LOKBOT_VAR_DIR": name,
            "LOKBOT_KNOWLEDGE_DIR": f"{folder}/knowledge",
            "LOKBOT_DATABASE_URL": arguments.database,
            "LOKBOT_COORDINATORS": "samordnare@stad.example",
            "LOKBOT_SMTP__HOST": "127.0.0.1",
            "LOKBOT_SMTP__PORT": "1",
            "LOKBOT_WEB__PORT": str(port),
            "LOKBOT_WEB__PUBLIC_URL": site,
            "LOKBOT_CHAT__QUIET_SECONDS": str(QUIET),
            "LOKBOT_CHAT__PER_PLACE_PER_HOUR": "100000",
            "LOKBOT_ANSWERING__CHANNELS": '{"webchat": "send"}',
            "LOKBOT_CAPS__NOTIFICATIONS_PER_HOUR": "100000",
        }
        questions = golden()
        lokbot = str(Path(sys.executable).with_name("lokbot"))
        with open(folder / "log", "wb") as log:
            parts = {
                part: subprocess.Popen([lokbot, part], env=environment, stdout=log, stderr=log)
                for part in ("worker", "web")
            }
            try:
                _wait(site)
                first = _first(site, next(questions), database)
                before, begun, own = _processors(parts), time.monotonic(), time.process_time()
                chats = asyncio.run(
                    everybody(site, questions, arguments.chats, arguments.seconds, arguments.every, anew=arguments.anew)
                )
                took = time.monotonic() - begun
                used = {part: spent - before.get(part, 0.0) for part, spent in _processors(parts).items()}
                used["this program"] = time.process_time() - own
                print("of a core: " + ", ".join(f"{part} {spent / took:.2f}" for part, spent in used.items()))
            finally:
                for process in parts.values():
                    process.terminate()
                for process in parts.values():
                    process.wait(60)
        _tell(chats, database, first)


def _first(site: str, question: str, database: str) -> int:
    """Ask once, and wait until the worker has read its content and handled it; gives that message's number."""
    asyncio.run(everybody(site, iter([question]), 1, 0.1, 1))
    deadline = time.monotonic() + READY_SECONDS
    engine = create_engine(database)
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            for number, _, state, _ in connection.execute(text(ASKED)):
                if state == "handled":
                    return int(number)
        time.sleep(0.5)
    raise SystemExit("lokbot worker handles nothing")


def approve(folder: Path) -> None:
    """The shipped content as if somebody had approved it: nothing of it leaves this machine."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    shutil.copytree(ROOT / "knowledge", folder / "knowledge")
    for file in (folder / "knowledge" / "articles").glob("*.yaml"):
        text = file.read_text(encoding="utf-8").replace("approved_by: null", "approved_by: Mätningen")
        for name in ("approved_on", "checked_on"):
            text = text.replace(f"{name}: null", f"{name}: {today}")
        file.write_text(text, encoding="utf-8")


def _processors(parts: Mapping[str, subprocess.Popen[bytes]]) -> dict[str, float]:
    """Seconds of processor time that the parts have taken, and what they have started, such as the vectors' process
    (proc(5)).
    """
    spent = {}
    for part, process in parts.items():
        spent[part] = _processor(process.pid)
        for child in Path(f"/proc/{process.pid}/task").glob("*/children"):
            for number in child.read_text().split():
                name = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")[-2].decode().rpartition(".")[2]
                key = f"{part}'s {name}"
                spent[key] = spent.get(key, 0.0) + _processor(int(number))
    return spent


def _processor(process: int) -> float:
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


def _tell(chats: Sequence[Chat], database: str, first: int) -> None:
    """Lay what the browsers saw beside what is stored; ``first`` was only to see that the worker works."""
    with create_engine(database).connect() as connection:
        stored = {row.id: row for row in connection.execute(text(ASKED)) if row.id != first}
        told = [row for row in connection.execute(text(TOLD)) if row.message_id in stored]
        decided = [row for row in connection.execute(text(DECIDED)) if row.message_id in stored]
        by_meaning = connection.scalar(text(BY_MEANING))
    asked = {words: at for chat in chats for words, at in chat.asked.items()}
    shown = {item: at for chat in chats for item, at in chat.shown.items()}
    lost = len(asked) - sum(row.state == "handled" and row.text in asked for row in stored.values())
    times_told = Counter(row.message_id for row in told)
    twice = sum(count > 1 for count in times_told.values()) + sum(chat.doubled for chat in chats)
    for_a_person = {row.message_id for row in decided if row.outcome in ("escalate", "route")}
    # In which message each chat was told that a person, or an administration, has the case.
    handed_over: dict[int, int] = {}
    for number in sorted(for_a_person & times_told.keys()):
        handed_over.setdefault(stored[number].conversation_id, number)
    silent = [row for row in stored.values() if row.id not in times_told]
    undue = [row.id for row in silent if handed_over.get(row.conversation_id, row.id) >= row.id]
    waits = sorted(shown[row.id] - asked[stored[row.message_id].text] - QUIET for row in told if row.id in shown)
    print(f"questions {len(asked)}, lost {lost}, told or shown twice {twice}; read by meaning too {by_meaning}")
    print(
        f"of these an answer {sum(row.kind == 'reply' for row in told)}, "
        f"a receipt {sum(row.kind == 'receipt' for row in told)}, "
        f"silence since a person has the case {len(silent) - len(undue)}"
    )
    print(f"silence that is not due {len(undue)}, told and never on a page {len(told) - len(waits)}")
    for number in undue:
        print(f"  message {number}: {[(row.reason, row.outcome) for row in decided if row.message_id == number]}")
    print(f"load average {os.getloadavg()[0]:.1f}")
    if waits:
        print(
            f"after the quiet window: p50 {statistics.median(waits) * 1000:.0f} ms, "
            f"p95 {waits[int(len(waits) * 0.95)] * 1000:.0f} ms, max {waits[-1] * 1000:.0f} ms"
        )


if __name__ == "__main__":
    main()
