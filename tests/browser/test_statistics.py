"""The statistics in Chromium: accessible at every width and on paper, readable without scripts."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.sync_api import Page, expect

from lokbot import accounts
from lokbot.config import StatisticsSettings
from lokbot.conversation.working_days import SWEDEN
from lokbot.model import Role
from lokbot.statistics import closing, demo
from lokbot.store.schema import User
from tests import sample_knowledge as sample
from tests.browser.conftest import DESKTOP, PHONE, Office
from tests.browser.looking import faults

A4 = (718, 1000)  # between margins of 16 mm, at 96 to the inch
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "320"])


def with_a_year(office: Office) -> date:
    """A year of invented facts; gives today."""
    world = office.world
    today = world.now.astimezone(SWEDEN).date()
    with world.sessions.begin() as session:
        demo.fill(session, seed=3, until=today, knowledge=world.knowledge)
        closing.close_due(session, StatisticsSettings(), world.knowledge, now=world.now, today=today)
    return today


def link(office: Office) -> str:
    """Somebody of the steering group's own link."""
    office.desk.account("stina@styr.example", "Stina Styr", (Role.STEERING,))
    with office.world.sessions.begin() as session:
        user = session.get_one(User, office.desk.user("stina@styr.example").id)
        return f"{office.site}/lasa/{accounts.reading_link(session, user, actor='test', now=office.world.now)}"


def look(page: Page) -> list[str]:
    """What is wrong on the page with everything in it opened, on the screen and on paper."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    found = faults(page)
    size = page.viewport_size
    assert size is not None
    page.emulate_media(media="print")
    page.set_viewport_size({"width": A4[0], "height": A4[1]})
    # Nobody presses a link on paper.
    found += [f"print: {fault}" for fault in faults(page) if not fault.startswith("target-size")]
    page.emulate_media(media="screen")
    page.set_viewport_size(size)
    return found


@SIZES
def test_the_published_figures_have_no_faults_of_accessibility(office: Office, size: tuple[int, int]) -> None:
    with_a_year(office)
    address, page = link(office), office.page(size)
    found = {}
    for query in ("", "?urval=topic%3Dlokaler", "?urval=channel%3Dmail", "?sprak=en"):
        page.goto(address + query)
        if wrong := look(page):
            found[query] = wrong
    assert found == {}


@SIZES
def test_raw_figures_have_no_faults_of_accessibility(office: Office, size: tuple[int, int]) -> None:
    with_a_year(office)
    page = office.log_in(office.page(size))
    found = {}
    for path in ("/statistik", "/statistik?visa=publicerat", "/statistik/fragor?vad=topic&varde=lokaler"):
        page.goto(office.site + path)
        if wrong := look(page):
            found[path] = wrong
    assert found == {}


def test_what_pictures_say_is_said_before_them_in_a_table(office: Office) -> None:
    """As a screen reader reads it: sentences, then of each picture what it shows, its table, the picture."""
    with_a_year(office)
    page = office.page()
    page.goto(link(office))
    expect(page.locator(".warning.demo")).to_contain_text("påhittade")
    expect(page.locator(".sentences li")).to_have_count(5)
    order = page.evaluate(
        """() => [...document.querySelectorAll('main figure')].map(figure => [...figure.querySelectorAll(
          'figcaption, table, svg')].map(one => one.tagName.toLowerCase()).join(' '))"""
    )
    assert order[0] == "table"
    assert set(order[1:]) == {"figcaption table", "figcaption table svg"}
    for figure in page.locator("figure:has(svg)").all():
        drawn = set(figure.locator("svg text").all_text_contents())
        written = (figure.locator("table").text_content() or "") + "dold siffra resten är dold %"
        assert [text for text in drawn if text.rstrip("%") not in written] == []


def test_paper_has_the_answers_that_say_something_and_how_many_others_there_are(office: Office) -> None:
    with_a_year(office)
    page = office.page()
    page.goto(link(office))
    table = page.locator("table", has_text="Svaren, och hur ofta de skickades")
    seldom, others = table.locator("tr.aside"), page.locator(".in-print")
    count = seldom.count()
    expect(seldom.first).to_be_visible()
    expect(others).to_be_hidden()
    page.emulate_media(media="print")
    expect(others).to_be_visible()
    expect(others).to_contain_text(f"Ytterligare {count} svar")
    for row in seldom.all():
        expect(row).to_be_hidden()
    expect(table.locator("tbody tr:not(.aside)").first).to_be_visible()


def test_a_period_is_chosen_without_scripts(office: Office) -> None:
    today = with_a_year(office)
    page = office.page(scripts=False)
    page.goto(link(office))
    last = page.locator("[name=till] option").first.get_attribute("value")
    assert last is not None
    assert last < f"{today:%Y-%m}"
    page.select_option("[name=fran]", last)
    page.select_option("[name=urval]", "topic=lokaler")
    page.click("main form button")
    assert f"fran={last}" in page.url
    assert "urval=topic%3Dlokaler" in page.url
    expect(page.locator(".sentences")).to_contain_text("i urvalet ”Lokaler”")


def test_a_figure_leads_to_the_case_behind_it(office: Office) -> None:
    case = office.world.write(sample.JOIN)
    page = office.log_in(office.page())
    page.goto(f"{office.site}/statistik")
    page.locator("figure").first.get_by_role("link").first.click()
    page.get_by_role("link", name=case.conversation.case_number).click()
    expect(page.locator("h1")).to_be_visible()
    assert case.conversation.case_number in page.url
