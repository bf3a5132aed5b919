"""``kill -9`` on the way of a Telegram message, then a new start: nothing is lost, at most one message is repeated."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.holding import WriteLock
from tests.small_content import JOIN, JOIN_ANSWER
from tests.smtp_sink import SmtpSink
from tests.telegram_server import Fault, TelegramServer
from tests.telegram_town import TelegramTown


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as server:
        yield server


@pytest.fixture
def town(tmp_path: Path, telegram: TelegramServer, smtp_sink: SmtpSink) -> Iterator[TelegramTown]:
    """A lokbot that gives up a dead sender after two seconds."""
    with TelegramTown(tmp_path, telegram, smtp_sink, outbox__lease_seconds="2") as made:
        yield made


def stored(town: TelegramTown) -> int:
    return len(town.rows("SELECT 1 FROM messages"))


def answered(town: TelegramTown, telegram: TelegramServer) -> list[str]:
    """The texts in the chat when all is sent; the question is stored once and has its answer."""
    town.until_settled(1)
    assert stored(town) == 1
    texts = telegram.texts()
    assert sum(JOIN_ANSWER in text for text in texts) >= 1
    return texts


def test_between_the_update_and_its_commit(town: TelegramTown, telegram: TelegramServer) -> None:
    reader = town.start("telegram")
    town.until(lambda: "getUpdates" in telegram.calls, "Telegram is asked for news")
    with WriteLock(town.database) as lock:
        lock.take()
        telegram.write(JOIN)
        town.until(lambda: telegram.handed_out != [], "the update is handed out")
        reader.kill()
    assert stored(town) == 0
    assert len(telegram.unconfirmed) == 1

    town.start_parts()
    assert len(answered(town, telegram)) == 2
    assert len(telegram.handed_out) >= 2, "it was given again"


def test_between_the_commit_and_the_confirmation(town: TelegramTown, telegram: TelegramServer) -> None:
    reader = town.start("telegram")
    town.until(lambda: "getUpdates" in telegram.calls, "Telegram is asked for news")
    gate = threading.Event()
    typing = Fault(is_taken=True, gate=gate)
    telegram.fail("sendChatAction", typing)
    telegram.write(JOIN)
    town.until(typing.has_come.is_set, "the message is stored, and the typing sign asked for")
    reader.kill()
    gate.set()
    assert stored(town) == 1
    assert len(telegram.unconfirmed) == 1

    town.start_parts()
    assert len(answered(town, telegram)) == 2
    town.until(lambda: telegram.unconfirmed == [], "the update is confirmed")


def test_between_the_send_and_its_commit(town: TelegramTown, telegram: TelegramServer) -> None:
    gate = threading.Event()
    sending = Fault(is_taken=True, gate=gate)
    telegram.fail("sendMessage", Fault(is_none=True), sending)  # the greeting goes well, the answer is held
    _, worker = town.start_parts()
    telegram.write(JOIN)
    town.until(sending.has_come.is_set, "Telegram has the answer, and has not said so")
    worker.kill()
    gate.set()
    assert town.rows("SELECT 1 FROM outbox WHERE status = 'claimed'") != []

    town.start("worker")
    greeting, first, second = answered(town, telegram)
    assert JOIN_ANSWER not in greeting
    assert first == second


def test_while_a_long_answer_is_half_sent_only_that_one_is_repeated(
    town: TelegramTown, telegram: TelegramServer
) -> None:
    town.start_parts()
    telegram.write("Har ni fått vår ansökan om startstöd?")
    town.got(2)
    ((case,),) = town.rows("SELECT case_number FROM conversations")
    worker = town.processes[-1]
    gate = threading.Event()
    second_part = Fault(gate=gate, is_cut=True)
    telegram.fail("sendMessage", Fault(is_none=True), second_part)
    town.must("reply", str(case), "--by", "Kim Prov", stdin="Ja. " + "ord " * 1200)
    town.until(second_part.has_come.is_set, "one part has gone")
    worker.kill()
    gate.set()

    town.start("worker")
    town.until_settled(1)
    *_, lost, first, last = telegram.texts()
    assert lost == first
    assert first.startswith("Kim, föreningssamordnare")
    assert "Kim" not in last
