"""How many mails a second go the whole way: fetched from a real Dovecot, parsed, stored, understood, decided, queued.

2,000 mixed mails (those of tests/eml, again and again with other ids and dates, and plain questions of the golden set)
lie in the mailbox when the service's own loop starts to read it, as ``lokbot run`` does; nothing is sent. Measured from
there to the last one handled, with the shipped content and settings. Beside it in the same run: what imapclient and the
standard library's compat32 parser need to fetch and parse the same mails and do nothing with them.
With ``--apart`` the worker is a process of its own, as ``lokbot mail`` beside ``lokbot worker``.
Run: ``python -m benchmarks.mail_path [--mails N] [--apart] [--profile]`` (Dovecot has to be installed)
"""

from __future__ import annotations

import argparse
import cProfile
import multiprocessing
import os
import pstats
import re
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

from imapclient import IMAPClient

from lokbot import mailroom, service
from lokbot.channels import mime
from lokbot.channels.imap import Mailbox
from lokbot.config import Settings
from lokbot.conversation import intake
from lokbot.knowledge import loading
from lokbot.store.migrations import migrate
from tests.servers import DovecotServer

ROOT = Path(__file__).parents[1]
BAR = 120.0  # mails a second

_ID = re.compile(rb"(?im)^(message-id:\s*)<[^<>]*>")
_DATE = re.compile(rb"(?im)^date:[^\r\n]*")


def mails(wanted: int) -> list[bytes]:
    """Half from tests/eml, half plain questions, in turn; each with an id and a date of its own."""
    found = [path.read_bytes() for path in sorted((ROOT / "tests" / "eml").glob("*.eml"))]
    golden = loading.load(ROOT / "knowledge", ROOT / "intents").golden
    questions = [one.text for one in golden if not one.is_unseen]
    made = []
    for number in range(wanted):
        identity = b"<bench.%d@mail.example.org>" % number
        date = b"Date: Mon, 3 Feb 2025 %02d:%02d:%02d +0100" % (number // 3600 % 24, number // 60 % 60, number % 60)
        if number % 2:
            question = questions[number // 2 % len(questions)]
            head = f"From: Anna Ek <anna{number}@forening{number % 300}.example>\r\nTo: lok@helsingborg.se\r\n"
            head += (
                "Subject: =?utf-8?q?Fr=C3=A5ga?=\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            )
            made.append(
                head.encode()
                + b"Message-ID: %b\r\n%b\r\n\r\n" % (identity, date)
                + f"Hej!\r\n\r\n{question}\r\n\r\nMvh\r\nAnna Ek\r\n".encode()
            )
        else:
            raw = found[number // 2 % len(found)]
            made.append(_DATE.sub(date, _ID.sub(rb"\1" + identity, raw, count=1), count=1))
    return made


def settings(server: DovecotServer, directory: Path) -> Settings:
    mailbox = server.mailbox
    return Settings.model_validate(
        {
            "var_dir": directory,
            "imap": {
                "host": mailbox.host,
                "port": mailbox.port,
                "user": mailbox.user,
                "password": mailbox.password,
                "tls": "none",
            },
            "coordinators": ["samordnare@stad.example"],
            # The caps are there for storms, and this is one.
            "caps": dict.fromkeys(("per_sender_per_day", "outbox_per_hour", "notifications_per_hour"), 1_000_000),
            "semantic": "off",
        }
    )


@contextmanager
def profiled(profiles: list[cProfile.Profile], *, is_wanted: bool) -> Iterator[None]:
    """Profile every thread that is started meanwhile."""
    if not is_wanted:
        yield
        return
    original = threading.Thread.run

    def run(thread: threading.Thread) -> None:
        profile = cProfile.Profile(time.thread_time)  # what it computes, not what it waits for
        profiles.append(profile)
        profile.runcall(original, thread)

    threading.Thread.run = run  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        threading.Thread.run = original  # type: ignore[method-assign]


def work(chosen: Settings) -> None:
    with service.running(service.open_service(chosen), ["worker"]) as (thread,):
        thread.join()


@contextmanager
def worker(chosen: Settings, *, is_apart: bool) -> Iterator[None]:
    """A worker meanwhile, in this process or in one of its own."""
    if not is_apart:
        with service.running(service.open_service(chosen), ["worker"]):
            yield
        return
    process = multiprocessing.get_context("spawn").Process(target=work, args=(chosen,))
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def states(database: sqlite3.Connection) -> dict[str, int]:
    return dict(database.execute("SELECT state, count(*) FROM messages GROUP BY state"))


def whole_path(
    chosen: Settings, wanted: int, profiles: list[cProfile.Profile], *, is_apart: bool, is_profiled: bool
) -> tuple[int, float]:
    """How many mails were handled, and the seconds from the start of the reader until the last of them was.

    The worker runs before that, and has handled a first message: to read the knowledge takes seconds, once.
    """
    running = service.open_service(chosen)
    first = mime.parse(b"Subject: Fika\n\nHej!\n", received_at=datetime.now(UTC))
    with running.sessions.begin() as session:
        intake.receive(session, first, now=datetime.now(UTC))
    with (
        profiled(profiles, is_wanted=is_profiled),
        worker(chosen, is_apart=is_apart),
        closing(sqlite3.connect(chosen.var_dir / "lokbot.db")) as database,
    ):
        while states(database) != {"handled": 1}:
            time.sleep(0.1)
        told = start = time.perf_counter()
        cpu = time.process_time()
        with service.running(running, ["mail"]):
            while True:
                time.sleep(0.1)
                ((fetched,),) = database.execute("SELECT count(*) FROM mailbox_mails")
                found = states(database)
                stored = sum(found.values()) - 1
                done = stored - found.get("stored", 0)
                if fetched == wanted and done == stored:
                    break
                if time.perf_counter() - told > 5:
                    told = time.perf_counter()
                    print(f"  {told - start:5.1f} s: {stored} stored, {done} handled", file=sys.stderr)
        took, used = time.perf_counter() - start, time.process_time() - cpu
        ((queued,),) = database.execute("SELECT count(*) FROM outbox")
    # A few of tests/eml have no head to give them an id in: their second copies are the same mail once more.
    print(f"{done} mails handled in {took:.2f} s and {wanted - done} known as doubles, {found.get('failed', 0)} failed")
    print(
        f"{queued} texts in the outbox; this process kept a core busy for {used:.2f} s, {done / used:.0f} mails/s of it"
    )
    return done, took


def bare(server: DovecotServer) -> float:
    """Seconds to fetch and parse everything, and do nothing with it."""
    mailbox = server.mailbox
    start = time.perf_counter()
    with IMAPClient(mailbox.host, mailbox.port, ssl=False) as client:
        client.login(mailbox.user, mailbox.password)
        client.select_folder("INBOX", readonly=True)
        uids = client.search()
        for first in range(0, len(uids), 50):
            for fetched in client.fetch(uids[first : first + 50], ["BODY.PEEK[]", "INTERNALDATE"]).values():
                message_from_bytes(fetched[b"BODY[]"])
    return time.perf_counter() - start


def fill(server: DovecotServer, chosen: Settings, wanted: list[bytes]) -> None:
    """Let the service see the mailbox empty, for what lies there at its first start is old mail; then fill it."""
    first = service.open_service(chosen)
    migrate(first.engine)
    with Mailbox(service.mailbox_settings(chosen, None)) as mailbox:
        mailroom.rooms(first, mailbox)
    server.fill(wanted, arrived=datetime.now(UTC))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=2_000)
    parser.add_argument("--apart", action="store_true", help="the worker in a process of its own")
    parser.add_argument("--profile", action="store_true", help="show the functions that take most time (slows it down)")
    options = parser.parse_args()
    os.environ.pop("LOKBOT_CONFIG", None)
    wanted = mails(options.mails)
    profiles: list[cProfile.Profile] = []
    with tempfile.TemporaryDirectory() as directory, DovecotServer() as server:
        chosen = settings(server, Path(directory))
        fill(server, chosen, wanted)
        total = options.mails + 1  # the server needs one to begin with
        theirs = bare(server)  # first: Dovecot's caches are then as cold for it as they ever are
        handled, ours = whole_path(chosen, total, profiles, is_apart=options.apart, is_profiled=options.profile)
        theirs = min(theirs, bare(server))
    speed = handled / ours
    print(f"lokbot, the whole path: {speed:6.0f} mails/s; the bar is {BAR:.0f}")
    print(f"imapclient + compat32:  {total / theirs:6.0f} mails/s; ratio {total / theirs / speed:.1f}")
    for profile in profiles:
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    return 0 if speed >= BAR or options.profile else 1


if __name__ == "__main__":
    sys.exit(main())
