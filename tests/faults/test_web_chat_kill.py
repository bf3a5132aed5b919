"""``kill -9`` on the way of a web chat's message, then a new start: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.faults.holding import WriteLock
from tests.journeys.test_web_chat import free_port
from tests.processes import Installation
from tests.small_content import JOIN, JOIN_ANSWER
from tests.smtp_sink import SmtpSink
from tests.telegram_town import NO_MAILBOX


@pytest.fixture
def town(tmp_path: Path, smtp_sink: SmtpSink) -> Iterator[Installation]:
    """A lokbot whose web server has the same address after a restart, where the bot answers."""
    port = str(free_port())
    settings = {
        "web__port": port,
        "web__public_url": f"http://localhost:{port}",
        "chat__quiet_seconds": "0.3",
        "outbox__lease_seconds": "2",
    }
    with Installation(tmp_path, NO_MAILBOX, smtp_sink, **settings) as made:
        yield made


@pytest.fixture
def browser(town: Installation) -> Iterator[httpx.Client]:
    town.start("worker")
    town.until(lambda: bool(town.rows("SELECT 1 FROM article_imports")), "the worker is at work")
    town.start("web")
    site = town.site()
    with httpx.Client(base_url=site, headers={"origin": site}, timeout=30, follow_redirects=True) as client:
        yield client


def form(page: str) -> dict[str, str]:
    """A question in the form that the page gave: sent once more it is the same one."""
    return {
        name: found[1] for name in ("csrf", "nonce") if (found := re.search(rf'name="{name}" value="([^"]*)"', page))
    } | {"text": JOIN}


def is_answered_once(town: Installation, browser: httpx.Client) -> None:
    town.until(lambda: JOIN_ANSWER in browser.get("/chatt").text, "the page has the answer")
    town.until_settled(1)
    assert len(town.rows("SELECT 1 FROM messages")) == 1
    assert town.rows("SELECT status FROM outbox WHERE kind = 'reply'") == [("sent",)]
    page = browser.get("/chatt").text
    assert (page.count('class="line asker"'), page.count(JOIN_ANSWER)) == (1, 1)


def test_between_the_question_and_its_commit(town: Installation, browser: httpx.Client) -> None:
    question = form(browser.get("/chatt").text)
    web = town.processes[-1]
    with WriteLock(town.database) as lock:
        lock.take()
        with pytest.raises(httpx.ReadTimeout):  # the server has it, and cannot store it
            browser.post("/chatt", data=question, timeout=1)
        web.kill()
    assert town.rows("SELECT 1 FROM messages") == []

    town.start("web")
    town.site()
    for _ in range(2):  # whoever gets no answer sends it again, and some press twice
        assert browser.post("/chatt", data=question).status_code == 200
    is_answered_once(town, browser)


def is_writing(database: Path) -> bool:
    """Whether somebody has been in one transaction for a second."""
    with closing(sqlite3.connect(database, timeout=1, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


def test_between_the_send_and_its_commit(town: Installation, browser: httpx.Client) -> None:
    # The store takes a minute and more to note that the answer is sent.
    slow = """CREATE TRIGGER slow BEFORE UPDATE OF status ON outbox WHEN NEW.status = 'sent' AND NEW.kind = 'reply'
        BEGIN SELECT count(*) FROM (
            WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 1000000000)
            SELECT n FROM numbers
        ); END"""
    question = form(browser.get("/chatt").text)
    with closing(sqlite3.connect(town.database, timeout=30)) as database:
        database.execute(slow)
    assert browser.post("/chatt", data=question).status_code == 200
    town.until(lambda: town.rows("SELECT 1 FROM outbox WHERE kind = 'reply'") != [], "the answer is stored")
    town.until(lambda: is_writing(town.database), "the answer is being sent")
    town.processes[0].kill()
    assert town.rows("SELECT 1 FROM outbox WHERE kind = 'reply' AND status = 'sent'") == []
    assert JOIN_ANSWER not in browser.get("/chatt").text, "what is not committed is shown to nobody"
    with closing(sqlite3.connect(town.database, timeout=30)) as database:
        database.execute("DROP TRIGGER slow")

    town.start("worker")
    is_answered_once(town, browser)
    assert town.rows("SELECT count(*) FROM events WHERE verb = 'sent'") == [(2,)]
