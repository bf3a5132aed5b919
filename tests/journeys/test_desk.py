"""From an association's mail to the desk and back: real mail servers, `lokbot run`, Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import browser  # noqa: F401 - a fixture
from tests.integration.browser import PASSWORD
from tests.journeys.test_mail import Town
from tests.processes import body
from tests.servers import DovecotServer
from tests.small_content import JOIN, JOIN_ANSWER, LOK, OWN_MATTER, letter
from tests.smtp_sink import SmtpSink

ANNA = "anna@forening.example"


@pytest.fixture
def office(tmp_path: Path, dovecot: DovecotServer, smtp_sink: SmtpSink) -> Iterator[Town]:
    with Town(tmp_path, dovecot, smtp_sink, answering__undo_minutes="0") as town:
        town.run()
        yield town


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:  # noqa: F811
    context = browser.new_context(locale="sv-SE", viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    yield opened
    context.close()


def come_in(office: Town, page: Page) -> None:
    """The first start's link makes the account of who runs the office."""
    site = office.site()
    token = re.findall(r"/valkommen/([\w-]+)", office.log())[-1]
    page.goto(f"{site}/valkommen/{token}")
    page.fill("[name=name]", "Kim Sand")
    page.fill("[name=email]", "kim@stad.example")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.click("text=Spara och logga in")
    page.wait_for_url("**/arenden*")


def test_a_mail_is_answered_in_the_desk_and_the_reply_comes_back_to_it(office: Town, page: Page) -> None:
    come_in(office, page)
    first = office.write(letter(ANNA, OWN_MATTER))
    page.click(".cases a")
    page.click("text=Ta ärendet")
    page.wait_for_url("**klart=taken")
    page.fill("#answer", "Hej Anna!\n\nDen har kommit fram.\n\nVänliga hälsningar\nKim Sand")
    page.click("text=Skicka svaret")
    answer = office.mail_to(ANNA, 2)  # the receipt was the first
    assert "Den har kommit fram." in body(answer)
    assert answer["In-Reply-To"] == first["Message-ID"]
    assert answer["Auto-Submitted"] is None
    assert LOK in answer["From"]
    expect(page.locator(".case-head .status")).to_contain_text("Klart")

    office.receive(letter(ANNA, "Tack! När får vi besked om ansökan?", answers=answer))
    expect(page.locator(".message.in")).to_have_count(2)
    expect(page.locator(".case-head .status")).to_contain_text("Väntar")


def test_a_suggestion_is_released_with_one_click(office: Town, page: Page) -> None:
    come_in(office, page)
    page.goto(f"{office.site()}/paus")
    page.click("text=Pausa allt")
    page.wait_for_url("**klart=paused")
    office.write(letter(ANNA, JOIN))
    assert JOIN_ANSWER not in body(office.mail_to(ANNA))  # a receipt only
    page.goto(f"{office.site()}/arenden?mapp=forslag")
    page.click(".cases a")
    page.click("text=Skicka som det är")
    assert JOIN_ANSWER in body(office.mail_to(ANNA, 2))


def test_the_desk_lives_on_through_a_killed_process(office: Town, page: Page) -> None:
    come_in(office, page)
    office.write(letter(ANNA, OWN_MATTER))
    page.click(".cases a")
    page.fill("#answer", "Halvfärdigt")
    expect(page.locator(".saved").first).not_to_be_empty()
    where = page.url.removeprefix(office.site())
    office.processes[-1].kill()
    office.run()
    page.goto(office.site() + where)
    expect(page.locator("#answer")).to_have_value("Halvfärdigt")
