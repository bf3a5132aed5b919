"""How fast the desk is over 100,000 conversations and 350,000 messages in and out, one browser at a time, where 1,800
associations are known and hardly anybody who writes is linked to one, so that each case asks which it may be.

    python -m benchmarks.desk_speed [--conversations 100000] [--url sqlite:////tmp/desk.db]
    python -m benchmarks.desk_speed --url postgresql://lokbot@localhost/desk

The store is generated once (some minutes) and kept where ``--url`` says; ``search_speed`` takes the same. The desk is
served by uvicorn, as in life; the browser is the standard library's client over one connection, in the same process.
Bars: inbox and thread p99 30 ms, search 150 ms.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode

import uvicorn
from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy import text as text_
from starlette.applications import Starlette

from benchmarks import coordinator
from lokbot.config import Settings
from lokbot.content import Content
from lokbot.loops import Service
from lokbot.store import schema
from lokbot.store.migrations import migrate
from lokbot.store.session import Sessions, connect, session_factory
from lokbot.web.app import create_app
from lokbot.web.server import listen

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
WORDS = (
    "förening bidrag lokal ansökan möte styrelse ledare barn ungdomar samverkan överenskommelse konferens protokoll "
    "medlem avgift kultur idrott fritid seniorer stöd period datum blankett svar fråga hjälp kontakt boka hall plan "
    "vi ni kan söka hur när var vem vill gärna veta mer om det som finns för oss och tack hälsningar"
).split()
PLACES = (
    "Råå Ramlösa Pålsjö Laröd Rydebäck Dalhem Drottninghög Tågaborg Högaborg Gantofta Mörarp Påarp Ödåkra Kattarp "
    "Hittarp Allerum Fleninge Hasslarp Raus Planteringen Eneborg Olympia Berga Miatorp Närlunda Fredriksdal Elineberg"
).split()
KINDS = (
    "hembygdsförening bouleklubb seglarklubb teatersällskap odlarförening schacksällskap kammarkör flickfotboll "
    "ridklubb scoutkår pensionärsförening kulturförening cricketklubb simsällskap orienteringsklubb"
).split()
RARE = [f"ort{number}" for number in range(3000)]


def text(random_: random.Random) -> str:
    words = random_.choices(WORDS, k=random_.randint(12, 90)) + random_.choices(RARE, k=2)
    return " ".join(words).capitalize() + "."


def associations(random_: random.Random) -> list[str]:
    names: set[str] = set()
    while len(names) < 1800:
        place, other, kind = random_.choice(PLACES), random_.choice(["", *PLACES]), random_.choice(KINDS)
        names.add(" ".join(filter(None, (place, other, kind, random_.choice(["", "IF", "1921"])))))
    return sorted(names)


def generate(connection: Connection, count: int) -> None:
    """Conversations over five years; one in twenty still waits for somebody."""
    random_ = random.Random(1)
    contacts = max(1, count // 8)
    start = NOW - timedelta(days=5 * 365)
    step = timedelta(days=5 * 365) / count
    connection.execute(
        insert(schema.Contact),
        [
            {
                "id": n,
                "channel": "mail",
                "address": f"p{n}@forening.example",
                "name": f"Person {n}",
                "created_at": start,
            }
            for n in range(1, contacts + 1)
        ],
    )
    connection.execute(insert(schema.AttachmentContent), [{"sha256": "x", "size": 1, "content": b"x"}])
    known = associations(random_)
    connection.execute(
        insert(schema.Association),
        [{"name": name, "aliases": [], "notes": "", "created_by": "-", "created_at": start} for name in known],
    )
    message_id = item_id = 0
    for first in range(1, count + 1, 5000):
        numbers = range(first, min(first + 5000, count + 1))
        cases, messages, items, events, files = [], [], [], [], []
        for n in numbers:
            at = start + step * n
            is_open = random_.random() < 0.05 and n > count * 0.8
            status = random_.choice(["waiting", "waiting", "taken", "with_administration"]) if is_open else "resolved"
            cases.append(
                {
                    "id": n,
                    "case_number": f"LOK-{at.year}-{n:06d}",
                    "channel": "mail",
                    "contact_id": random_.randint(1, contacts),
                    "subject": " ".join(random_.choices(WORDS, k=4)),
                    "language": "sv",
                    "status": status,
                    "is_urgent": is_open and random_.random() < 0.02,
                    "topic": random_.choice(["bidrag", "lokaler", "anslutning", "ovrigt"]),
                    "taken_by": coordinator.USER if status == "taken" else None,
                    "waiting_since": at if is_open else None,
                    "created_at": at,
                    "updated_at": at,
                }
            )
            for _ in range(random_.choice([2, 2, 2, 3])):
                message_id += 1
                body = f"{text(random_)}\n\nMed vänlig hälsning\nAnna Ek\n{random_.choice(known)}"
                messages.append(_message(message_id, n, at, body))
                if message_id % 20 == 0:
                    files.append(_file(message_id))
            for kind in random_.choice([["reply"], ["receipt", "answer"], ["reply"]]):
                item_id += 1
                items.append(_item(item_id, n, at, kind, text(random_)))
            events.append({"at": at, "actor": "bot", "verb": "sent", "conversation_id": n, "detail": {}})
        for table, rows in (
            (schema.Conversation, cases),
            (schema.Message, messages),
            (schema.MessageAttachment, files),
            (schema.OutboxItem, items),
            (schema.Event, events),
        ):
            connection.execute(insert(table), rows)
    print(f"{count} conversations, {message_id} messages, {item_id} sent")


def _message(identity: int, conversation: int, at: datetime, body: str) -> dict[str, Any]:
    return {
        "id": identity, "channel": "mail", "external_id": f"m{identity}", "conversation_id": conversation,
        "raw": body.encode(), "message_id": f"m{identity}@forening.example", "in_reply_to": [], "references": [],
        "sender_name": f"Person {conversation}", "sender_email": f"p{conversation}@forening.example", "reply_to": [],
        "to": [], "cc": [], "subject": "Fråga", "text": body, "new_text": body, "received_at": at, "is_readable": True,
        "warnings": [], "state": "handled", "attempts": 1, "stored_at": at,
    }  # fmt: skip


def _item(identity: int, conversation: int, at: datetime, kind: str, body: str) -> dict[str, Any]:
    return {
        "id": identity, "conversation_id": conversation, "kind": kind, "channel": "mail",
        "external_id": f"o{identity}", "to": [{"name": "", "email": "p@forening.example"}], "cc": [],
        "subject": "SV: Fråga", "text": body, "language": "sv", "references": [], "is_automatic": kind != "answer",
        "status": "sent", "created_by": "bot", "created_at": at, "queued_at": at, "not_before": at, "attempts": 1,
        "was_in_doubt": False, "sent_at": at,
    }  # fmt: skip


SITE = "localhost:8080"
"""What the desk believes its address to be, whatever port it listens on."""


class Browser:
    """One coordinator's, logged in, with a connection that is kept."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port)
        self._headers = {"Host": SITE, "Origin": f"http://{SITE}"}
        form = urlencode({"email": coordinator.USER, "password": coordinator.PASSWORD})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", "/logga-in", form, self._headers | kind)
        response = self._connection.getresponse()
        response.read()
        assert response.status == 303, response.status
        self._headers["Cookie"] = "; ".join(
            line.partition(";")[0] for line in response.headers.get_all("set-cookie", [])
        )

    def see(self, path: str) -> bytes:
        self._connection.request("GET", quote(path, safe="/?=&+"), headers=self._headers)
        response = self._connection.getresponse()
        content = response.read()
        assert response.status == 200, (path, response.status)
        return content


@contextmanager
def served(app: Starlette) -> Iterator[int]:
    """The port that ``app`` answers on, as ``web.server`` lets it."""
    with listen("127.0.0.1", 0) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


def _file(message: int) -> dict[str, Any]:
    name = f"Protokoll {message % 997}.pdf"
    return {"message_id": message, "sha256": "x", "name": name, "content_type": "application/pdf", "size": 1}


def timed(name: str, turns: int, ask: Callable[[], object]) -> None:
    ask()
    clock, processor = [], []
    for _ in range(turns):
        began, spent = time.perf_counter(), time.process_time()
        ask()
        clock.append((time.perf_counter() - began) * 1000)
        processor.append((time.process_time() - spent) * 1000)
    figures = (f"p50 {statistics.median(each):6.1f}  p99 {_p99(each):6.1f} ms" for each in (clock, processor))
    print(f"{name:36}by the clock {next(figures)}   of the processor {next(figures)}", flush=True)


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99) - 1]


def prepare(url: str, conversations: int) -> tuple[Engine, Sessions]:
    """The store there, generated if nothing is in it."""
    engine = connect(url)
    migrate(engine)
    sessions = session_factory(engine)
    with sessions() as session:
        if session.scalar(select(schema.Message.id).limit(1)) is not None:
            return engine, sessions
    with engine.begin() as connection:
        generate(connection, conversations)
        # One contact in ten is known to write for an association.
        connection.execute(text_("UPDATE contacts SET association_id = (id / 10) % 1800 + 1 WHERE id % 10 = 0"))
        if engine.dialect.name == "postgresql":
            # The rows were given their ids.
            for table in ("contacts", "messages", "outbox", "conversations"):
                connection.execute(text_(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))"))
    coordinator.let_in(sessions, NOW)
    if engine.dialect.name == "postgresql":  # as it does by itself in life; for SQLite nobody does it
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    return engine, sessions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--url", default="")
    options = parser.parse_args()
    engine, sessions = prepare(options.url or f"sqlite:///{tempfile.mkdtemp()}/desk.db", options.conversations)
    settings = Settings(semantic="off")
    service = Service(settings, engine, sessions)
    content = Content(settings, sessions, lambda: NOW)
    content.current()
    gc.freeze()  # as web.server does
    with served(create_app(service, content, now=lambda: NOW)) as port:
        measure(Browser(port), sessions, options.turns)
    engine.dispose()


def measure(browser: Browser, sessions: Sessions, turns: int) -> None:
    random_ = random.Random(2)
    with sessions() as session:
        numbers = [row for (row,) in session.query(schema.Conversation.case_number).limit(5000)]

    def each(values: list[str]) -> Iterator[str]:
        while True:
            yield random_.choice(values)

    cases, rare, common = each(numbers), each(RARE), each(WORDS)
    timed("a page that asks nothing (/konto)", turns, lambda: browser.see("/konto"))
    for folder in ("vantar", "forslag", "mina", "boten", "misslyckade", "automatiska", "klara", "alla"):
        timed(f"folder {folder}", turns, partial(browser.see, f"/arenden?mapp={folder}"))
    timed("a case", turns, lambda: browser.see(f"/arenden/{next(cases)}"))
    timed("associations that a case may be of", turns, lambda: browser.see(f"/arenden/{next(cases)}/forening"))
    timed("search, a rare word", turns, lambda: browser.see(f"/arenden?mapp=alla&q={next(rare)}"))
    timed("search, a common word", turns, lambda: browser.see(f"/arenden?mapp=alla&q={next(common)}"))
    timed("search, two common words", turns, lambda: browser.see(f"/arenden?mapp=alla&q={next(common)}+{next(common)}"))
    timed("search, a case number", turns, lambda: browser.see(f"/arenden?mapp=alla&q={next(cases)}"))


if __name__ == "__main__":
    main()
