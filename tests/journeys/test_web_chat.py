"""The web chat in life: Chromium, `lokbot worker` and `lokbot web` as processes, a person at the desk, mail."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.test_desk import come_in, page  # noqa: F401 - a fixture
from tests.processes import COORDINATOR, Installation, Process, body
from tests.small_content import JOIN, JOIN_ANSWER, OWN_MATTER
from tests.smtp_sink import SmtpSink
from tests.telegram_town import NO_MAILBOX

NO = "text=Nej, jag vill prata med en människa"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def town(tmp_path: Path, smtp_sink: SmtpSink) -> Iterator[Installation]:
    """A lokbot with a worker and a web server, at the same address after a restart."""
    port = str(free_port())
    settings = {
        "web__port": port,
        "web__public_url": f"http://localhost:{port}",
        "chat__quiet_seconds": "0.3",
        "answering__undo_minutes": "0",
    }
    with Installation(tmp_path, NO_MAILBOX, smtp_sink, **settings) as made:
        made.start("worker")
        made.until(lambda: bool(made.rows("SELECT 1 FROM article_imports")), "the worker is at work")
        serve(made)
        yield made


def serve(town: Installation) -> Process:
    process = town.start("web")
    town.site()
    return process


@pytest.fixture
def anna(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="sv-SE", viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    yield opened
    context.close()


def write(chat: Page, text: str) -> None:
    chat.fill("#skriv", text)
    chat.press("#skriv", "Enter")
    expect(chat.locator("#skriv")).to_have_value("")


def test_a_no_goes_to_a_person_whose_answer_arrives_after_a_reload_a_restart_and_by_a_code(
    town: Installation,
    anna: Page,
    page: Page,  # noqa: F811
    browser: Browser,
) -> None:
    expect.set_options(timeout=30_000)
    come_in(town, page)
    anna.goto(f"{town.site()}/chatt")
    write(anna, JOIN)
    expect(anna.locator(".line.bot").last).to_contain_text(JOIN_ANSWER)
    anna.click(NO)
    expect(anna.locator("#nas h2")).to_have_text("Hur når vi dig?")
    assert JOIN in body(town.mail_to(COORDINATOR)), "the question is with a person before that is asked"
    anna.reload()
    expect(anna.locator("#historia .line")).to_have_count(5)

    town.processes[-1].kill()
    anna.fill("#skriv", "Det är bråttom.")
    anna.press("#skriv", "Enter")
    expect(anna.locator("#felet")).to_contain_text("Inget är skickat")
    serve(town)
    anna.press("#skriv", "Enter")
    expect(anna.locator(".line.asker").last).to_contain_text("Det är bråttom.")
    town.until_settled(3)

    anna.click("#nas button[value=code]")
    code = anna.inner_text(".code")
    assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", code)
    anna.click("a.button")
    expect(anna.locator(".line").first).to_be_visible()

    page.goto(f"{town.site()}/arenden?mapp=vantar")
    page.click(".cases a")
    page.click("text=Ta ärendet")
    page.wait_for_url("**klart=taken")
    page.fill("#answer", "Vi ringer er i morgon.")
    page.click("text=Skicka svaret")
    expect(anna.locator(".line.person")).to_have_count(1)
    expect(anna.locator(".line.person")).to_contain_text("Kim, föreningssamordnare på Helsingborgs stad:")
    expect(anna.locator(".line.person")).to_contain_text("Vi ringer er i morgon.")

    context = browser.new_context(locale="sv-SE", viewport={"width": 320, "height": 640})
    elsewhere = context.new_page()
    elsewhere.goto(f"{town.site()}/chatt/kod")
    elsewhere.fill("#kod", code.lower())
    elsewhere.press("#kod", "Enter")
    expect(elsewhere.locator(".line.person")).to_contain_text("Vi ringer er i morgon.")
    context.close()
    log = town.log()
    for word in (code, code.replace("-", ""), "bråttom", "samverkan"):
        assert word not in log


def test_an_answer_finds_whoever_has_gone_by_mail(town: Installation, anna: Page) -> None:
    expect.set_options(timeout=30_000)
    anna.goto(f"{town.site()}/chatt")
    write(anna, OWN_MATTER)
    expect(anna.locator("#nas h2")).to_be_visible()
    anna.fill("#till", "anna@forening.example")
    anna.press("#till", "Enter")
    expect(anna.locator(".reached")).to_contain_text("anna@forening.example")
    anna.context.clear_cookies()
    anna.close()
    ((case,),) = town.rows("SELECT case_number FROM conversations")
    town.must("reply", case, "--by", "Kim Prov", stdin="Den har kommit fram.\n")
    mail = body(town.mail_to("anna@forening.example"))
    assert "Kim, föreningssamordnare på Helsingborgs stad: Den har kommit fram." in mail
    assert case in mail


def test_what_was_answered_while_the_server_was_away_comes_by_itself(town: Installation, anna: Page) -> None:
    expect.set_options(timeout=30_000)
    anna.goto(f"{town.site()}/chatt")
    write(anna, OWN_MATTER)
    expect(anna.locator("#nytt .line.bot")).to_have_count(2)
    town.processes[-1].kill()
    ((case,),) = town.rows("SELECT case_number FROM conversations")
    town.must("reply", case, "--by", "Kim Prov", stdin="Den har kommit fram.\n")
    town.until(
        lambda: bool(town.rows("SELECT 1 FROM outbox WHERE kind = 'answer' AND status = 'sent'")), "the answer is there"
    )
    expect(anna.locator(".line.person")).to_have_count(0)
    serve(town)
    expect(anna.locator("#nytt .line.person")).to_have_count(1)
    expect(anna.locator(".line")).to_have_count(4)
