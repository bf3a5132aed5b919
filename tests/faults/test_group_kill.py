"""``kill -9`` on the way of a coordinator's reply in the group: the asker is answered once.

And what the desk sets holds in processes that run.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lokbot import accounts, desk_settings, desk_texts, telegram_links
from lokbot.knowledge import loading
from lokbot.loops import clock
from lokbot.model import Role
from lokbot.store.session import connect, session_factory
from tests.faults.holding import WriteLock
from tests.processes import COORDINATOR
from tests.servers import wait_until
from tests.small_content import OWN_MATTER
from tests.smtp_sink import SmtpSink
from tests.telegram_server import ANNA, Fault, TelegramServer
from tests.telegram_town import TelegramTown

GROUP, KIM = -1001234567890, 8001
ANSWER = "Ja, den kom i tisdags."


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as server:
        server.open_chat(GROUP)
        yield server


@pytest.fixture
def town(tmp_path: Path, telegram: TelegramServer, smtp_sink: SmtpSink) -> Iterator[TelegramTown]:
    """A lokbot without undo time that gives up a dead sender after two seconds. No group is set in its settings."""
    with TelegramTown(tmp_path, telegram, smtp_sink, outbox__lease_seconds="2", answering__undo_minutes="0") as made:
        yield made


def set_in_the_desk(town: TelegramTown, name: str, value: object) -> None:
    """What the desk does, in another process than those that read it."""
    engine = connect(f"sqlite:///{town.database}")
    with session_factory(engine).begin() as session:
        desk_settings.put(session, name, value, seen=desk_settings.stamp(None), actor=COORDINATOR, now=clock())
    engine.dispose()


def link(town: TelegramTown) -> None:
    """Kim has an account and is known in Telegram."""
    engine = connect(f"sqlite:///{town.database}")
    with session_factory(engine).begin() as session:
        user, _ = accounts.invite(session, COORDINATOR, "Kim Sand", (Role.COORDINATOR,), actor="t", now=clock())
        code = telegram_links.new_code(session, user, now=clock())
        assert telegram_links.use_code(session, code, telegram_id=KIM, name="Kim", now=clock())
    engine.dispose()


def asked(town: TelegramTown, telegram: TelegramServer) -> None:
    """Both parts run; the group is set while they do; Anna asks, and the group is told."""
    town.start_parts()
    town.until(lambda: town.rows("SELECT 1 FROM heartbeats WHERE part = 'worker'") != [], "the worker works")
    link(town)
    set_in_the_desk(town, desk_settings.GROUP, str(GROUP))
    telegram.write(OWN_MATTER)
    town.until(lambda: telegram.texts(GROUP) != [], "the group is told")


def reply(telegram: TelegramServer) -> None:
    telegram.reply(ANSWER, telegram.to(GROUP)[0], by=KIM, group="Samordnare")


def answered_once(town: TelegramTown, telegram: TelegramServer) -> None:
    town.until(lambda: any(ANSWER in text for text in telegram.texts(ANNA)), "Anna is answered")
    town.until(lambda: telegram.unconfirmed == [], "the update is confirmed")
    town.until_settled(2)
    assert sum(ANSWER in text for text in telegram.texts(ANNA)) == 1
    assert town.rows("SELECT count(*) FROM outbox WHERE kind = 'answer'") == [(1,)]


def test_between_the_reply_and_its_commit(town: TelegramTown, telegram: TelegramServer) -> None:
    asked(town, telegram)
    reader = town.processes[0]
    given = len(telegram.handed_out)
    with WriteLock(town.database) as lock:
        lock.take()
        reply(telegram)
        wait_until(lambda: len(telegram.handed_out) > given, "the reply is handed out", 40)
        reader.kill()
    assert town.rows("SELECT count(*) FROM messages") == [(1,)]
    town.start("telegram")
    answered_once(town, telegram)


def test_after_its_commit_and_before_it_is_confirmed(town: TelegramTown, telegram: TelegramServer) -> None:
    asked(town, telegram)
    reader = town.processes[0]
    gate = threading.Event()
    asking = Fault(gate=gate, is_cut=True)
    town.until(lambda: telegram.unconfirmed == [], "nothing waits")
    # The next question would confirm it; the reader is killed while that hangs.
    telegram.fail("getUpdates", asking)
    reply(telegram)
    town.until(lambda: town.rows("SELECT count(*) FROM messages") == [(2,)], "the reply is stored")
    town.until(asking.has_come.is_set, "the next question hangs")
    reader.kill()
    gate.set()
    assert len(telegram.unconfirmed) == 1
    town.start("telegram")
    answered_once(town, telegram)


def test_while_it_is_handled(town: TelegramTown, telegram: TelegramServer) -> None:
    asked(town, telegram)
    worker = town.processes[1]
    with WriteLock(town.database) as lock:
        reply(telegram)
        lock.take()
        worker.kill()
    town.start("worker")
    answered_once(town, telegram)


def test_a_phrase_of_the_desk_holds_in_processes_that_run(town: TelegramTown, telegram: TelegramServer) -> None:
    asked(town, telegram)
    said = loading.phrases(Path(town.settings["knowledge_dir"]))
    text = "Nu läser en person det, senast {answer_by}."
    desk_texts.refuse_unfit(said, "phrase-sv-receipt.next", text)
    row = {"text": text, "approved_by": "Kim Sand", "written_by": COORDINATOR}
    set_in_the_desk(town, "phrase-sv-receipt.next", row)
    telegram.write(OWN_MATTER, chat=ANNA + 500, name="Bo")
    town.until(lambda: any("Nu läser en person det" in one for one in telegram.texts(ANNA + 500)), "the new receipt")
