"""The pages of errors in Chromium: accessible, in the reader's language."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from lokbot import accounts
from lokbot.store import queries
from lokbot.web import rendering
from tests.browser.conftest import DESKTOP, PHONE, Office
from tests.browser.looking import look


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "320"])
def test_no_page_of_an_error_has_faults(office: Office, size: tuple[int, int], language: str) -> None:
    with office.world.sessions.begin() as session:
        user = accounts.find(session, "kim@stad.example")
        assert user is not None
        user.language = language
    page = office.log_in(office.page(size))
    page.goto(f"{office.site}/paus")
    found: dict[str, list[str]] = {}
    csrf = page.locator("[name=csrf]").first.input_value()
    sent = {"403 form": ("/kunskap/ga-med/tillbaka", ""), "409": ("/kunskap/ga-med/tillbaka", csrf)}
    for name, path in {"400": "/arenden?q=%00", "403": "/personer", "404": "/finns-inte"}.items():
        page.goto(office.site + path)
        expect(page.locator("html")).to_have_attribute("lang", language)
        look(page, f"error-{name}-{language}", found)
    for name, (path, secret) in sent.items():
        page.goto(f"{office.site}/paus")
        fill = "(form, [to, csrf]) => { form.action = to; form.elements.csrf.value = csrf; form.submit() }"
        with page.expect_navigation():
            page.locator("main form").first.evaluate(fill, [path, secret])
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("h1")).to_have_count(1)
        look(page, f"error-{name}-{language}", found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries, "row_number", None)
        page.goto(f"{office.site}/arenden?mapp=alla")
    expect(page.locator("h1")).to_have_text(rendering.say("Något gick fel hos oss", language))
    look(page, f"error-500-{language}", found)
    assert found == {}
