"""The settings of the desk in Chromium: accessible at both widths, by keyboard, without JavaScript; two at once."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from lokbot import desk_settings, desk_texts
from tests import sample_knowledge as sample
from tests.browser.conftest import DESKTOP, PHONE, Office
from tests.browser.looking import look
from tests.browser.test_desk import press_to

RECEIPT = "phrase-sv-receipt.next"


def prepare(office: Office) -> None:
    """A changed setting, a draft and an approved phrase, somebody away."""
    with office.world.sessions.begin() as session:
        by = {"actor": "alex@stad.example", "now": office.world.now}
        none = desk_settings.stamp(None)
        settings = office.world.settings
        desk_settings.put_setting(session, "day-ends", "15:00", seen=none, settings=settings, **by)  # type: ignore[arg-type]
        desk_settings.put_setting(session, "answering-channel-mail", "send", seen=none, settings=settings, **by)  # type: ignore[arg-type]
        desk_texts.put_owner(
            session,
            sample.knowledge(),
            "administration-kultur",
            {"address": "kultur@stad.example", "auto_forward": True},
            seen=none,
            **by,  # type: ignore[arg-type]
        )
        desk_texts.save_draft(
            session,
            sample.phrases(),
            RECEIPT,
            "Nu läser en person det. Svaret kommer senast {answer_by}.",
            seen=none,
            **by,  # type: ignore[arg-type]
        )


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "320"])
def test_every_page_of_the_settings_is_accessible(office: Office, size: tuple[int, int]) -> None:
    prepare(office)
    page = office.log_in(office.page(size))
    found: dict[str, list[str]] = {}
    for name, path in (
        ("settings", ""),
        ("phrases", "/fraser?q=kvitto"),
        ("phrases-none", "/fraser?q=finnsinte"),
        ("hours", "/day-ends"),
        ("closed", "/closed-days"),
        ("mode", "/answering-channel-mail"),
        ("owner", "/administration-kultur"),
        ("phrase", f"/{RECEIPT}"),
        ("group", "/telegram-group"),
        ("away", f"/absence-{office.desk.user('alex@stad.example').id}"),
    ):
        page.goto(f"{office.site}/installningar{path}")
        look(page, name, found)
    page.goto(f"{office.site}/installningar/{RECEIPT}")
    page.fill("#text", "Utan klammer.")
    page.get_by_role("button", name="Spara utkastet").click()
    expect(page.get_by_role("alert")).to_contain_text("saknar {answer_by}")
    look(page, "phrase-wrong", found)
    page.fill("#text", "Vi svarar {answer_by}.")
    page.get_by_role("button", name="Förhandsvisa").click()
    expect(page.get_by_text("Vi svarar fredag den 27 november.")).to_be_visible()
    look(page, "phrase-preview", found)
    assert found == {}


def test_a_phrase_is_drafted_approved_and_taken_back_without_javascript(office: Office) -> None:
    kim, alex = office.page(scripts=False), office.log_in(office.page(scripts=False), "alex@stad.example")
    office.log_in(kim)
    kim.goto(f"{office.site}/installningar")
    kim.get_by_role("link", name="Alla fasta fraser").click()
    kim.get_by_label("Ord i frasen").fill("receipt.next")
    kim.get_by_role("button", name="Sök").click()
    kim.get_by_role("link", name="Ändra Kvitto (receipt.next) (sv)").click()
    kim.get_by_label("Texten").fill("Nu läser en person det, senast {answer_by}.")
    kim.get_by_role("button", name="Spara utkastet").click()
    alex.goto(f"{office.site}/installningar")
    expect(alex.get_by_text("Utkast väntar")).to_be_visible()
    alex.goto(f"{office.site}/installningar/{RECEIPT}")
    alex.get_by_role("button", name="Godkänn i mitt namn: Alex Berg").click()
    expect(alex.get_by_text("Godkänd av Alex Berg.")).to_be_visible()
    alex.get_by_role("button", name="Använd filens igen").click()
    expect(alex.get_by_text("Det tidigare gäller igen.")).to_be_visible()
    expect(alex.get_by_text("Från filen.")).to_be_visible()


def test_of_two_who_change_the_same_the_second_sees_both(office: Office) -> None:
    kim, alex = office.log_in(office.page()), office.log_in(office.page(), "alex@stad.example")
    for page in (kim, alex):
        page.goto(f"{office.site}/installningar/working-days")
    alex.get_by_label("En person svarar inom").fill("2")
    alex.get_by_role("button", name="Spara").click()
    expect(alex.get_by_role("status")).to_contain_text("Ändringen är sparad")
    kim.get_by_label("En person svarar inom").fill("4")
    kim.get_by_role("button", name="Spara").click()
    expect(kim.get_by_role("alert")).to_contain_text("Någon annan ändrade samma sak")
    expect(kim.locator(".narrow > .text").first).to_have_text("2 arbetsdagar")
    expect(kim.get_by_label("En person svarar inom")).to_have_value("4")
    kim.get_by_role("button", name="Spara").click()
    expect(kim.get_by_role("status")).to_contain_text("Ändringen är sparad")


def test_a_setting_is_changed_by_keyboard_alone(office: Office) -> None:
    page = office.log_in(office.page())
    page.goto(f"{office.site}/installningar")
    press_to(page, "a[href='/installningar/day-ends']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dagen slutar")).to_be_visible()
    page.get_by_label("Dagen slutar").focus()
    page.keyboard.type("1500")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Ändringen är sparad")
    expect(page.locator(".narrow > .text").first).to_have_text("15.00")


def test_the_code_for_telegram_is_accessible(telegram_office: Office) -> None:
    page = telegram_office.log_in(telegram_office.page(PHONE))
    page.goto(f"{telegram_office.site}/konto")
    page.get_by_role("button", name="Visa en kod för Telegram").click()
    expect(page.get_by_role("status")).to_contain_text("koppla-")
    found: dict[str, list[str]] = {}
    look(page, "telegram-code", found)
    assert found == {}
