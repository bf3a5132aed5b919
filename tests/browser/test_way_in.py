"""Coming in, in Chromium: the second factor from its picture to the log-in, with no script of ours."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest
from playwright.sync_api import expect

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
    page.click("text=Logga ut")

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
