"""Search, several cases at once, merging and splitting in Chromium: accessible, by keyboard, without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from lokbot.model import Address, ConversationStatus
from tests import sample_knowledge as sample
from tests.browser.conftest import DESKTOP, PHONE, Office
from tests.browser.looking import look
from tests.browser.test_desk import press_to
from tests.integration.world import Case
from tests.sample_mails import attachment

BO = Address("Bo Ek", "bo@annan.example")


def number(case: Case) -> str:
    return case.conversation.case_number


def two(office: Office) -> tuple[Case, Case]:
    first = office.world.write(sample.OWN, attachments=(attachment(b"x" * 100, "Protokoll.pdf"),))
    office.world.later(minutes=20)
    second = office.world.write(f"{sample.OWN} Jag skriver från min andra adress.", sender=BO)
    office.world.deliver()
    return first, second


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "320"])
def test_no_page_has_faults_of_accessibility(office: Office, size: tuple[int, int]) -> None:
    first, second = two(office)
    office.world.write("Vad hände med tältet?", in_reply_to=(first.message.message_id,))
    page = office.log_in(office.page(size))
    found: dict[str, list[str]] = {}

    for name, path in (
        ("search", "/arenden?mapp=alla&q=ans%C3%B6kan"),
        ("inbox", "/arenden?mapp=alla"),
        ("merge", f"/arenden/{number(first)}/sla-ihop?med={number(second)}"),
        ("split", f"/arenden/{number(first)}/dela"),
    ):
        page.goto(office.site + path)
        look(page, name, found)
    page.goto(f"{office.site}/arenden/{number(first)}/sla-ihop?med={number(second)}")
    page.check("[name=strangers]")
    page.click("main button.primary")
    expect(page.locator(".done")).to_contain_text("ihopslagna")
    look(page, "merged", found)
    page.goto(f"{office.site}/arenden?mapp=alla")
    page.check("[name=case]")
    page.click("summary:has-text('Gör något')")
    page.click("text=Klarmarkera")
    expect(page.locator("h1")).to_have_text("Flera ärenden")
    look(page, "several", found)
    assert found == {}


@pytest.mark.parametrize("scripts", [True, False], ids=["javascript", "without"])
def test_two_cases_become_one_and_two_again(office: Office, scripts: bool) -> None:
    first, second = two(office)
    whole, part = number(first), number(second)
    page = office.log_in(office.page(scripts=scripts))
    page.goto(f"{office.site}/arenden/{whole}")
    page.click("summary:has-text('Länka, slå ihop')")
    page.fill("[name=med]", part)
    page.click("text=Se vad som händer")
    expect(page.locator("main")).to_contain_text("Nästa svar går till Bo Ek")
    page.check("[name=strangers]")
    page.click("main button.primary")
    expect(page.locator(".message.in")).to_have_count(2)
    page.goto(f"{office.site}/arenden/{part}")
    page.wait_for_url(f"**/{whole}?klart=part")
    page.click(f"text=Ta ut {part} igen")
    expect(page.locator(".done")).to_contain_text("isärtagna")
    expect(page.locator(".message.in")).to_have_count(1)
    page.goto(f"{office.site}/arenden/{part}")
    expect(page.locator("#handelser")).to_contain_text("min andra adress")


def choose(page: Page, case: Case) -> None:
    press_to(page, f"[name=case][value={number(case)}]")
    page.keyboard.press("Space")


def test_several_are_done_by_keyboard(office: Office) -> None:
    first, second = two(office)
    page = office.log_in(office.page())
    page.goto(f"{office.site}/arenden?mapp=alla")
    choose(page, second)
    choose(page, first)
    press_to(page, ".with-chosen summary")
    page.keyboard.press("Enter")
    press_to(page, "button[value=klar]")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Klart: 2")
    assert {case.conversation.status for case in (first, second)} == {ConversationStatus.RESOLVED}
    assert office.world.deliver() == []


def test_what_is_chosen_stays_chosen_when_news_come(office: Office) -> None:
    first, _ = two(office)
    page = office.log_in(office.page())
    page.goto(f"{office.site}/arenden?mapp=alla")
    page.check(f"[name=case][value={number(first)}]")
    office.world.write(sample.OWN, sender=Address("", "ny@post.example"))
    expect(page.locator(".cases li")).to_have_count(3)
    expect(page.locator(f"[name=case][value={number(first)}]")).to_be_checked()


def test_a_case_is_still_opened_by_its_whole_card(office: Office) -> None:
    first, _ = two(office)
    page = office.log_in(office.page())
    page.goto(f"{office.site}/arenden?mapp=alla&q=Protokoll")
    expect(page.locator("mark")).to_have_text("Protokoll")
    page.locator(".cases li").click(position={"x": 300, "y": 40})
    page.wait_for_url(f"**/{number(first)}")
