"""The knowledge in the desk, in Chromium: accessible at both widths, live, by keyboard alone, without JavaScript."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from lokbot.conversation import corrections
from lokbot.knowledge import publishing
from lokbot.knowledge.loading import with_digest
from lokbot.model import GoldenQuestion, Outcome
from tests import sample_knowledge as sample
from tests.browser.conftest import DESKTOP, PHONE, Office
from tests.browser.looking import look
from tests.browser.test_desk import press_to

QUESTION = "Vem målar vår ryttarstaty turkos?"
WORDINGS = f"{sample.JOIN}\nVem målar ryttarstaty turkos hos oss?\nVem målar vår ryttarstaty turkos nu?"


def prepare(office: Office) -> None:
    """A golden question, a conflict, a correction that waits, a theme, an article that was sent."""
    world = office.world
    golden = GoldenQuestion("g1", QUESTION, "sv", "plain", frozenset({Outcome.ANSWER}), ("ga-med",), None)
    base = with_digest(replace(sample.knowledge(), golden=(golden,)))
    world.knowledge = base
    world.publish(base)
    world.write(sample.JOIN)
    world.deliver()
    case = world.write(sample.NONSENSE)
    with world.sessions.begin() as session:
        found = session.merge(case.conversation.messages[0].questions[0], load=False)
        corrections.correct(
            session,
            found.message.conversation,
            found,
            knowledge=base,
            actor="kim@stad.example",
            now=world.now,
            article="ga-med",
        )
    hall = base.articles["lana-lokal"]
    with world.sessions.begin() as session:
        publishing.save_draft(
            session,
            replace(hall, administration="kultur"),
            "sv",
            seen=1,
            by="alex@stad.example",
            now=world.now,
        )
    told = hall.texts["sv"]
    file = replace(hall, texts={**hall.texts, "sv": replace(told, answer="Filens svar.")})
    world.publish(with_digest(replace(base, articles={**base.articles, hall.id: file})))


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "320"])
def test_every_page_of_the_knowledge_is_accessible(office: Office, size: tuple[int, int]) -> None:
    prepare(office)
    page = office.log_in(office.page(size))
    found: dict[str, list[str]] = {}
    for name, path in (
        ("list", "/kunskap"),
        ("list-none", "/kunskap?q=finnsinte"),
        ("gaps", "/kunskap/luckor"),
        ("new", "/kunskap/ny"),
        ("conflict", "/kunskap/lana-lokal"),
        ("edit", "/kunskap/ga-med/andra"),
        ("translate", "/kunskap/ga-med/andra?text=en"),
    ):
        page.goto(office.site + path)
        look(page, name, found)
    page.goto(f"{office.site}/kunskap/ga-med/andra")
    page.fill("[name=questions]", WORDINGS)
    page.fill("[name=review_by]", "2027-05-01")
    expect(page.locator("#forhandsvisning")).to_contain_text("Som mejl")
    look(page, "edit-live", found)
    page.click("text=Spara utkast")
    page.wait_for_url("**/kontroll**")
    expect(page.locator("#andrade")).to_contain_text("1 av 1 facitfrågor")
    look(page, "check", found)
    page.goto(f"{office.site}/kunskap/ga-med/facit?text=sv")
    look(page, "rehearsal", found)
    page.goto(f"{office.site}/kunskap/ga-med/andra")
    page.fill("[name=answer]", "")
    page.click("text=Spara utkast")
    expect(page.locator("#fel")).to_be_focused()
    look(page, "refused", found)
    page.goto(f"{office.site}/kunskap/ga-med")
    look(page, "article", found)
    assert found == {}


def test_the_preview_follows_what_is_written(office: Office) -> None:
    page = office.log_in(office.page())
    page.goto(f"{office.site}/kunskap/ga-med/andra")
    page.fill("[name=answer]", "En helt ny mening om katter.")
    expect(page.locator("#forhandsvisning .reply").first).to_contain_text("En helt ny mening om katter.")
    expect(page.locator("#forhandsvisning")).to_contain_text("LIX")
    page.fill("[name=answer]", "")
    expect(page.locator("#forhandsvisning .error")).to_contain_text("Svar:")


def test_a_text_is_found_written_and_approved_by_keyboard(office: Office) -> None:
    prepare(office)
    page = office.log_in(office.page())
    press_to(page, "nav a[href='/kunskap']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/kunskap")
    press_to(page, "[name=q]")
    page.keyboard.type("medlem")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=medlem**")
    press_to(page, "td a[href='/kunskap/ga-med']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/kunskap/ga-med")
    press_to(page, "a[href='/kunskap/ga-med/andra?text=sv']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/andra**")
    press_to(page, "[name=answer]")
    page.keyboard.press("Control+A")
    page.keyboard.type("Styrelsen skriver under ett nytt papper.")
    press_to(page, "button.primary")
    page.keyboard.press("Enter")
    page.wait_for_url("**/kontroll**")
    press_to(page, "button.primary")
    page.keyboard.press("Enter")
    page.wait_for_url("**klart=text-approved")
    expect(page.locator("main")).to_contain_text("Godkänd av Kim Sand")


def test_the_knowledge_is_kept_without_javascript(office: Office) -> None:
    page = office.log_in(office.page(scripts=False))
    page.goto(f"{office.site}/kunskap/ga-med/andra")
    page.fill("[name=answer]", "Styrelsen skriver under ett nytt papper.")
    page.click("text=Förhandsvisa")
    expect(page.locator("#forhandsvisning .reply").first).to_contain_text("ett nytt papper")
    page.click("text=Spara utkast")
    page.click("text=Visa vilka frågor som får ett annat utfall")
    expect(page.locator("#andrade")).to_contain_text("facitfrågor")
    page.go_back()
    page.click("text=Godkänn och börja använda")
    expect(page.locator("main")).to_contain_text("Godkänd av Kim Sand")
