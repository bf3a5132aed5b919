"""From an association's mail to the desk and back: real mail servers, `lokbot run`, Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.browser import PASSWORD
from tests.journeys.test_mail import Town
from tests.processes import Installation, body
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
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="sv-SE", viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    yield opened
    context.close()


def come_in(office: Installation, page: Page) -> None:
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


def test_a_question_goes_to_an_administration_and_its_answer_is_passed_on(office: Town, page: Page) -> None:
    come_in(office, page)
    office.write(letter(ANNA, f"Vi heter Provarna. {OWN_MATTER}"))
    page.click(".cases a")
    page.click("text=Skicka vidare till en förvaltning")
    page.locator("form[action$=skicka-vidare] select").select_option("kultur")
    page.fill("form[action$=skicka-vidare] [name=address]", "kultur@stad.example")
    page.fill("#vidare", OWN_MATTER)
    page.click("button:has-text('Skicka vidare')")
    page.wait_for_url("**klart=forwarded-now")
    forward = office.mail_to("kultur@stad.example")
    assert OWN_MATTER in body(forward)
    assert "Provarna" not in body(forward)
    assert "kulturförvaltningen" in body(office.mail_to(ANNA, 2)), "told once it was sent"

    office.receive(letter("kultur@stad.example", "Er ansökan är komplett.", answers=forward))
    expect(page.locator(".suggestion h2")).to_have_text("Svar från kulturförvaltningen", timeout=30_000)  # by itself
    assert len(office.mails_to(ANNA)) == 2, "a person decides"
    page.click("text=Skicka som det är")
    assert body(office.mail_to(ANNA, 3)) == "Svar från kulturförvaltningen: Er ansökan är komplett."
    expect(page.locator(".case-head .status")).to_contain_text("Klart", timeout=30_000)


def test_two_coordinators_at_once_see_each_other_and_nothing_goes_twice(
    office: Town,
    page: Page,
    browser: Browser,
) -> None:
    come_in(office, page)
    site = office.site()
    page.goto(f"{site}/personer")
    page.fill("[name=name]", "Alex Berg")
    page.fill("form[action='/personer'] [name=email]", "alex@stad.example")
    page.click("text=Skicka inbjudan")
    page.wait_for_url("**klart=invited")
    (path,) = re.findall(r"/valkommen/[\w-]+", body(office.mail_to("alex@stad.example")))
    context = browser.new_context(locale="sv-SE")
    alex = context.new_page()
    alex.set_default_timeout(30_000)
    alex.goto(site + path)
    alex.fill("[name=password]", PASSWORD)
    alex.fill("[name=again]", PASSWORD)
    alex.click("text=Spara och logga in")
    alex.wait_for_url("**/arenden*")

    office.write(letter(ANNA, OWN_MATTER))
    for one in (page, alex):
        one.goto(f"{site}/arenden?mapp=vantar")
        one.click(".cases a")
        expect(one.locator("#answer")).to_be_visible()
    expect(alex.locator("#andra")).to_contain_text("Kim Sand")
    expect(page.locator("#andra")).to_contain_text("Alex Berg", timeout=30_000)  # it asks now and then
    page.fill("#answer", "Kims svar")
    alex.fill("#answer", "Alex svar")
    page.click("text=Skicka svaret")
    page.wait_for_url("**klart=answered-now")
    alex.click("text=Skicka svaret")
    expect(alex.locator("#konflikt")).to_contain_text("Kim Sand svarade")
    expect(alex.locator("#answer")).to_have_value("Alex svar")
    assert body(office.mail_to(ANNA, 2)) == "Kims svar"
    office.receive(letter("bo@forening.example", OWN_MATTER))
    office.mail_to("bo@forening.example")  # what was to go before has gone by now
    assert len(office.mails_to(ANNA)) == 2
    context.close()


def test_a_wrong_answer_that_went_to_fourteen_is_paused_and_corrected_once_for_each(office: Town, page: Page) -> None:
    come_in(office, page)
    everybody = [f"f{number:02}@forening.example" for number in range(14)]
    for number, email in enumerate(everybody, start=1):
        office.receive(letter(email, JOIN))
        office.until_settled(number)
    page.goto(f"{office.site()}/botens-svar")
    page.locator("text=Vilka har fått det här svaret?").first.click()
    expect(page.locator("main")).to_contain_text("14 har fått texten.")
    page.click("button:has-text('Pausa svaret')")
    page.fill("[name=text]", "Årsmötet beslutar, inte styrelsen.")
    page.click("text=Visa rättelsen först")
    expect(page.locator("#forhandsvisning")).to_contain_text("Årsmötet beslutar, inte styrelsen.")
    page.click("text=Skicka rättelsen till 14")
    page.wait_for_url("**klart=corrected-all")
    for email in everybody:
        correction = office.mail_to(email, 2)
        assert "Årsmötet beslutar, inte styrelsen." in body(correction)
        assert correction["In-Reply-To"]
    office.receive(letter("ny@forening.example", JOIN))
    assert JOIN_ANSWER not in body(office.mail_to("ny@forening.example")), "the wrong answer goes to nobody more"
    assert [len(office.mails_to(email)) for email in everybody] == [2] * 14


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
