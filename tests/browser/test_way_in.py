"""Coming in, in Chromium: the second factor from its picture to the log-in, the city's own log-in, one's browsers."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import httpx2
import pyotp
import pytest
from playwright.sync_api import expect

from lokbot import accounts
from tests.browser.conftest import DESKTOP, PHONE, Office
from tests.browser.looking import faults
from tests.integration.browser import PASSWORD


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "320"])
def test_the_second_factor_from_its_picture_to_the_log_in(office: Office, size: tuple[int, int]) -> None:
    page = office.log_in(office.page(size))
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(f"{office.site}/konto")
    page.click("text=Ändra engångskoder")
    picture = page.locator(".qr")
    expect(picture).to_be_visible()
    box = picture.bounding_box()
    assert box is not None
    assert box["width"] == box["height"] > 150
    assert faults(page) == []
    secret = page.locator("main code").inner_text().replace(" ", "")
    page.fill("[name=code]", "123")
    page.click("text=Slå på engångskoder")
    expect(page.locator("#fel")).to_contain_text("Koden stämmer inte")
    assert faults(page) == []
    page.fill("[name=code]", pyotp.TOTP(secret).at(office.world.now))
    page.click("text=Slå på engångskoder")
    expect(page.locator(".codes li")).to_have_count(10)
    assert faults(page) == []
    page.goto(f"{office.site}/konto/engangskod")
    expect(page.locator("text=Du har 10 reservkoder kvar.")).to_be_visible()
    assert faults(page) == []
    assert [text for text in refused if "Content Security Policy" in text] == []
    office.log_out(page)

    office.world.now += timedelta(minutes=1)
    plain = office.page(size, scripts=False)
    plain.goto(f"{office.site}/arenden?mapp=mina")
    plain.fill("[name=email]", "kim@stad.example")
    plain.fill("[name=password]", PASSWORD)
    plain.click("main button")
    plain.fill("[name=code]", pyotp.TOTP(secret).at(office.world.now))
    plain.click("main button")
    plain.wait_for_url("**/arenden?mapp=mina")

    again = office.page(size)
    again.goto(f"{office.site}/logga-in")
    again.fill("[name=email]", "kim@stad.example")
    again.fill("[name=password]", PASSWORD)
    again.click("main button")
    again.wait_for_url("**/logga-in/kod*")
    assert faults(again) == []
    again.fill("[name=code]", pyotp.TOTP(secret).at(office.world.now))
    again.click("main button")
    expect(again.locator("#fel")).to_contain_text("redan använd")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "320"])
def test_in_and_out_by_the_citys_own_log_in(city_office: Office, openid_issuer: str, size: tuple[int, int]) -> None:
    """Link by link through a real provider: no policy of ours stands in the way, no script is needed."""
    office, site = city_office, "{0.scheme}://{0.netloc}".format(urlsplit(openid_issuer))
    claims = {"sub": "kim-1", "email": "kim@stad.example", "name": "Kim Sand", "groups": ["g-samordnare"]}
    httpx2.post(f"{site}/person", json={"claims": claims, "asks": True})
    page = office.page(size)
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(f"{office.site}/arenden?mapp=mina")
    expect(page.locator("main a.button")).to_be_visible()
    assert faults(page) == []
    page.click("text=Logga in med ditt konto hos staden")
    page.click("text=Det är jag")
    page.wait_for_url("**/arenden?mapp=mina")
    page.goto(f"{office.site}/konto")
    expect(page.locator("text=Lösenord och engångskoder ändrar du där")).to_be_visible()
    assert faults(page) == []
    office.log_out(page)
    page.wait_for_url("**/logga-in?klart=logged-out")
    assert faults(page) == []
    page.click("text=Logga ut från stadens konto också")
    page.wait_for_url("**/logga-in")
    httpx2.post(f"{site}/person", json={"claims": {**claims, "groups": []}})
    page.click("text=Logga in med ditt konto hos staden")
    expect(page.locator("#fel")).to_contain_text("ingen behörighet")
    assert faults(page) == []
    assert [text for text in refused if "Content Security Policy" in text] == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "320"])
def test_a_browser_is_logged_out_from_another(office: Office, size: tuple[int, int]) -> None:
    page, library = office.log_in(office.page(size)), office.log_in(office.page(size, scripts=False))
    page.goto(f"{office.site}/konto")
    assert faults(page) == []
    page.get_by_role("button", name="Logga ut den").click()
    expect(page.locator("[role=status]")).to_contain_text("Den webbläsaren är utloggad.")
    library.goto(f"{office.site}/arenden")
    library.wait_for_url("**/logga-in?*")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "320"])
def test_a_guessable_password_is_refused_in_words(office: Office, size: tuple[int, int]) -> None:
    with office.world.sessions.begin() as session:
        user = accounts.find(session, "kim@stad.example")
        assert user is not None
        token = accounts.reset_link(session, user, actor="test", now=office.world.now)
    page = office.page(size)
    page.goto(f"{office.site}/valkommen/{token}")
    assert faults(page) == []
    for name in ("password", "again"):
        page.fill(f"[name={name}]", "password1234567")
    page.click("main button")
    expect(page.locator("#fel")).to_contain_text("för lätt att gissa")
    assert faults(page) == []
