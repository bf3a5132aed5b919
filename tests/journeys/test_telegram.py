"""Telegram in, Telegram out: what somebody with a phone and a coordinator at a terminal see of a lokbot that runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_desk import come_in, page  # noqa: F401 - a fixture
from tests.processes import COORDINATOR, body
from tests.servers import DovecotServer
from tests.small_content import GARDEN_ANSWER, JOIN, JOIN_ANSWER, OWN_MATTER, UNKNOWN
from tests.smtp_sink import SmtpSink
from tests.telegram_server import ANNA, TOKEN, Fault, TelegramServer, buttons
from tests.telegram_town import TelegramTown

YES, NO = "Ja", "Nej, jag vill prata med en människa"
PERSONAL_NUMBER = "811228-9874"  # Skatteverket's own example


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as server:
        yield server


@pytest.fixture
def town(tmp_path: Path, telegram: TelegramServer, smtp_sink: SmtpSink) -> Iterator[TelegramTown]:
    """A lokbot that has not been started yet."""
    with TelegramTown(tmp_path, telegram, smtp_sink) as made:
        yield made


def case_number(town: TelegramTown) -> str:
    ((number,),) = town.rows("SELECT case_number FROM conversations ORDER BY id DESC LIMIT 1")
    return str(number)


def test_a_question_an_answer_a_no_and_a_person(town: TelegramTown, telegram: TelegramServer) -> None:
    town.start_parts()
    telegram.write(JOIN)
    greeting, answer = town.got(2)
    assert "inte en människa" in greeting
    assert JOIN_ANSWER in answer
    assert list(buttons(telegram.to()[-1])) == [YES, NO]

    telegram.press(NO)
    receipt = town.got(3)[-1]
    case = case_number(town)
    assert case in receipt
    notice = body(town.mail_to(COORDINATOR))
    assert JOIN in notice
    assert "Telegram: skriv inget känsligt" in notice
    assert case in town.must("cases")

    town.must("reply", case, "--by", "Kim Prov", stdin="Vi ringer er i morgon.\n")
    assert town.got(4)[-1] == "Kim, föreningssamordnare på Helsingborgs stad:\n\nVi ringer er i morgon."

    shown = town.must("case", case, "--why")
    for words in (JOIN, "fetch_a_person_when_asked", "Vi ringer er i morgon.", "Telegram: skriv inget känsligt"):
        assert words in shown


def test_a_no_goes_to_a_person_whose_answer_in_the_desk_arrives_in_the_chat(
    tmp_path: Path,
    telegram: TelegramServer,
    smtp_sink: SmtpSink,
    page: Page,  # noqa: F811
) -> None:
    with TelegramTown(tmp_path, telegram, smtp_sink, answering__undo_minutes="0") as town:
        town.start_parts()
        town.start("web")
        come_in(town, page)
        telegram.write(JOIN)
        assert JOIN_ANSWER in town.got(2)[-1]
        telegram.press(NO)
        assert case_number(town) in town.got(3)[-1]

        page.goto(f"{town.site()}/arenden?mapp=vantar")
        page.click(".cases a")
        expect(page.locator(".write .warning").first).to_have_text("Telegram: skriv inget känsligt.")
        expect(page.locator("#handelser")).to_contain_text(NO)
        assert str(ANNA) not in page.inner_text("main"), "the number of a chat says nothing to anybody"
        page.click("text=Ta ärendet")
        page.wait_for_url("**klart=taken")
        page.fill("#answer", "Vi ringer er i morgon.")
        page.click("text=Skicka svaret")
        assert town.got(4)[-1] == "Kim, föreningssamordnare på Helsingborgs stad:\n\nVi ringer er i morgon."
        expect(page.locator(".case-head .status")).to_contain_text("Klart")

        telegram.write("Tack!")
        town.until_settled(3)
        assert len(telegram.texts()) == 4

        telegram.write(OWN_MATTER)
        town.got(5)
        page.goto(f"{town.site()}/arenden?mapp=vantar")
        page.click(".cases a")
        page.click("text=Flytta till mejl eller telefon")
        page.fill("[name=moved_to]", "anna@forening.example")
        page.click("text=Flytta ärendet")
        page.wait_for_url("**klart=moved")
        assert "fortsätter i mejl" in town.got(6)[-1]
        expect(page.locator(".write .warning")).to_have_count(0)
        page.fill("#answer", "Hej Anna! Den har kommit fram.")
        page.click("text=Skicka svaret")
        assert "Den har kommit fram." in body(town.mail_to("anna@forening.example"))
        town.until_settled(4)
        assert len(telegram.texts()) == 6


def test_the_bot_is_silent_once_a_person_has_taken_the_case(town: TelegramTown, telegram: TelegramServer) -> None:
    town.start_parts()
    telegram.write(OWN_MATTER)
    town.got(2)
    town.must("take", case_number(town), "--by", "Kim Prov")
    telegram.write(JOIN)
    town.until_settled(2)
    assert len(telegram.texts()) == 2
    assert len(town.mails_to(COORDINATOR)) == 2


def test_nothing_unapproved_is_sent(town: TelegramTown, telegram: TelegramServer) -> None:
    town.start_parts()
    telegram.write("Var finns odlingslotter?")
    receipt = town.got(2)[-1]
    assert GARDEN_ANSWER not in receipt
    assert "föreningssamordnare" in receipt


def test_run_is_mail_and_telegram_in_one(
    tmp_path: Path, telegram: TelegramServer, smtp_sink: SmtpSink, dovecot: DovecotServer
) -> None:
    with TelegramTown(tmp_path, telegram, smtp_sink, dovecot.mailbox) as town:
        process = town.run()
        telegram.write(JOIN)
        assert JOIN_ANSWER in town.got(2)[-1]
        assert "telegram" in town.must("health")
        assert process.stop() == 0


@pytest.mark.parametrize("missing", ["decision", "assessment", "token"])
def test_it_starts_only_when_the_city_has_decided_and_assessed_it(
    town: TelegramTown, telegram: TelegramServer, missing: str
) -> None:
    refused = town.command("telegram", **{f"telegram__{missing}": ""})
    assert refused.returncode != 0
    assert f"telegram.{missing}" in refused.stderr
    assert "docs/operations.md" in refused.stderr
    assert TOKEN not in refused.stderr
    assert telegram.calls == []


def test_a_second_reader_takes_over(town: TelegramTown, telegram: TelegramServer) -> None:
    first, _ = town.start_parts()
    second = town.start("telegram")
    town.until(lambda: "another process reads the bot's messages" in second.log(), "the second reader waits")
    first.kill()
    telegram.write(JOIN)
    town.got(2)
    assert second.stop() == 0


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_the_log_tells_what_happens_and_neither_the_token_nor_what_people_wrote(
    town: TelegramTown, telegram: TelegramServer, level: str
) -> None:
    town.settings["log_level"] = level
    secret = "Hemligheten om Kajsas klubb"
    telegram.fail("getUpdates", Fault(body=f"<html>{secret}</html>".encode()))
    telegram.fail("sendMessage", Fault(body=b"<html>Bad Gateway</html>"), Fault(retry_after=1))
    town.start_parts()
    telegram.write(f"{secret}. {JOIN} {PERSONAL_NUMBER}", name="Kajsa")
    telegram.write(UNKNOWN, chat=7002, name="Borta")
    telegram.block(7002)
    town.until(lambda: town.rows("SELECT 1 FROM outbox WHERE status = 'failed'") != [], "a message is refused")
    town.got(2)
    town.until_settled(2)

    log = town.log()
    assert "could not read Telegram" in log
    assert "could not be sent" in log
    for word in (TOKEN, TOKEN.partition(":")[2], "Kajsa", "Hemlighet", "Borta", str(ANNA), "7002", PERSONAL_NUMBER):
        assert word not in log, f"{word!r} stands in the log:\n{log}"
    assert "samverkan" not in log
