"""The knowledge in the desk: from a thread to the next mail and chat, and back; two at once; a file that disagrees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import small_content
from tests.integration.browser import PASSWORD
from tests.journeys.test_desk import come_in, page  # noqa: F401 - a fixture
from tests.journeys.test_mail import Town
from tests.processes import body
from tests.servers import DovecotServer
from tests.small_content import HALL, JOIN, UNKNOWN, letter
from tests.smtp_sink import SmtpSink

ANNA = "anna@forening.example"
FIRST, SECOND = "Elefanten väger fyra ton.", "Elefanten väger fem ton."
GOLDEN = """\
- id: e1
  q: "Hallå! Vad väger en elefant på morgonen då?"
  language: sv
  style: plain
  expect: {outcome: escalate}
"""


@pytest.fixture
def office(tmp_path: Path, dovecot: DovecotServer, smtp_sink: SmtpSink) -> Iterator[Town]:
    settings = {"answering__undo_minutes": "0", "chat__quiet_seconds": "0.3"}
    with Town(tmp_path, dovecot, smtp_sink, **settings) as town:
        golden = tmp_path / "knowledge" / "golden" / "development"
        golden.mkdir(parents=True)
        (golden / "questions.yaml").write_text(GOLDEN, encoding="utf-8")
        town.run()
        yield town


def asked_by_mail(office: Town, address: str, question: str = UNKNOWN) -> str:
    """What somebody who asks now is answered first."""
    office.write(letter(address, question))
    return body(office.mail_to(address))


def until_told_by_mail(office: Town, name: str, answer: str, question: str = UNKNOWN) -> None:
    """Whoever asks now is answered so. The worker looks for new texts once a second: a mail may come within that."""
    for number in range(5):
        if answer in asked_by_mail(office, f"{name}{number}@forening.example", question):
            return
    raise AssertionError(f"nobody is told {answer!r}")


def asked_in_chat(office: Town, browser: Browser, answer: str) -> None:
    """Somebody new asks in the chat and is answered so."""
    context = browser.new_context(locale="sv-SE")
    chat = context.new_page()
    chat.goto(f"{office.site()}/chatt")
    chat.fill("#skriv", UNKNOWN)
    chat.press("#skriv", "Enter")
    expect(chat.locator(".line.bot").last).to_contain_text(answer, timeout=30_000)
    context.close()


def approve(desk: Page) -> None:
    desk.click("text=Godkänn och börja använda")
    desk.wait_for_url("**klart=text-approved")


def test_an_answer_becomes_a_text_that_the_next_mail_and_chat_get_and_that_can_be_taken_back(
    office: Town,
    page: Page,  # noqa: F811
    browser: Browser,
) -> None:
    come_in(office, page)
    office.write(letter(ANNA, f"{UNKNOWN}\n\nMvh Anna, 070-123 45 67"))
    assert FIRST not in body(office.mail_to(ANNA))
    page.click(".cases a")
    page.fill("#answer", f"Hej Anna!\n\n{FIRST}\n\nVänliga hälsningar\nKim Sand")
    page.click("text=Skicka svaret")
    office.mail_to(ANNA, 2)
    expect(page.locator(".case-head .status")).to_contain_text("Klart")

    page.click("text=Gör en FAQ av svaret")
    expect(page.locator("[name=questions]")).to_have_value(re.compile("elefant"))
    expect(page.locator("[name=answer]")).to_have_value(FIRST)
    assert "070-123" not in page.content()
    page.fill("[name=questions]", f"{UNKNOWN}\nVad väger en elefant på morgonen då?\nVad väger elefanter på morgonen?")
    page.fill("[name=id]", "elefanten")
    page.fill("[name=sources]", "Zoologiska handboken")
    page.select_option("[name=topic]", "anslutning")
    expect(page.locator("#forhandsvisning")).to_contain_text("Källa: Zoologiska handboken")
    page.click("text=Spara utkast")
    page.wait_for_url("**/kunskap/elefanten/kontroll**")
    expect(page.locator("#andrade")).to_contain_text("1 av 1 facitfrågor får ett annat utfall", timeout=30_000)
    expect(page.locator("#andrade")).to_contain_text("Hallå!")
    assert FIRST not in asked_by_mail(office, "innan@forening.example"), "nobody has approved it"
    approve(page)
    until_told_by_mail(office, "bo", FIRST)
    asked_in_chat(office, browser, FIRST)

    page.goto(f"{office.site()}/kunskap/elefanten/andra")
    page.fill("[name=answer]", SECOND)
    page.click("text=Spara utkast")
    approve(page)
    until_told_by_mail(office, "siv", SECOND)
    asked_in_chat(office, browser, SECOND)

    page.click("text=Gå tillbaka till version 1")
    page.wait_for_url("**klart=text-back")
    until_told_by_mail(office, "eva", FIRST)
    asked_in_chat(office, browser, FIRST)

    office.must("knowledge", "export", str(office.directory / "ut"))
    assert FIRST in (office.directory / "ut" / "articles" / "elefanten.yaml").read_text("utf-8")
    checked = office.command("check", knowledge_dir=str(office.directory / "ut"))
    assert checked.returncode == 0, checked.stdout
    said = office.command("knowledge", "import", knowledge_dir=str(office.directory / "ut")).stdout
    assert "Nya: 0. Ändrade: 0. Konflikter: 0." in said


def colleague(office: Town, page: Page, browser: Browser) -> Page:  # noqa: F811
    """Somebody else in a browser of their own."""
    page.goto(f"{office.site()}/personer")
    page.fill("[name=name]", "Alex Berg")
    page.fill("form[action='/personer'] [name=email]", "alex@stad.example")
    page.click("text=Skicka inbjudan")
    page.wait_for_url("**klart=invited")
    (path,) = re.findall(r"/valkommen/[\w-]+", body(office.mail_to("alex@stad.example")))
    alex = browser.new_context(locale="sv-SE").new_page()
    alex.set_default_timeout(30_000)
    alex.goto(office.site() + path)
    alex.fill("[name=password]", PASSWORD)
    alex.fill("[name=again]", PASSWORD)
    alex.click("text=Spara och logga in")
    alex.wait_for_url("**/arenden*")
    return alex


def test_two_who_write_at_once_lose_nothing(
    office: Town,
    page: Page,  # noqa: F811
    browser: Browser,
) -> None:
    come_in(office, page)
    alex = colleague(office, page, browser)
    for one in (page, alex):
        one.goto(f"{office.site()}/kunskap/samlingssal/andra")
    alex.fill("[name=answer]", "Alex svar.")
    page.fill("[name=answer]", "Kims svar.")
    alex.click("text=Spara utkast")
    alex.wait_for_url("**/kontroll**")
    page.click("text=Spara utkast")
    expect(page.locator("#konflikt")).to_contain_text("Alex Berg har sparat version 2")
    expect(page.locator("#konflikt ins")).to_contain_text("Alex svar.")
    expect(page.locator("#konflikt")).to_be_focused()
    expect(page.locator("[name=answer]")).to_have_value("Kims svar.")
    page.fill("[name=answer]", "Kims och Alex svar.")
    page.click("text=Spara utkast")
    page.wait_for_url("**/kontroll**")
    page.goto(f"{office.site()}/kunskap/samlingssal")
    expect(page.locator("#historia + ul, section[aria-labelledby=historia]").first).to_contain_text("version 3")
    alex.context.close()


def test_a_file_that_disagrees_with_the_desk_is_shown_and_settled(office: Town, page: Page) -> None:  # noqa: F811
    come_in(office, page)
    page.goto(f"{office.site()}/kunskap/ga-med/andra")
    page.fill("[name=answer]", "Deskens svar.")
    page.click("text=Spara utkast")
    approve(page)
    small_content.write_article(office.directory, "ga-med", "anslutning", JOIN, "Filens svar.", by="Kim Prov")
    said = office.must("knowledge", "import")
    assert "ga-med (sv) är ändrad både i filen och i lagret" in said
    until_told_by_mail(office, "bo", "Deskens svar.", JOIN)  # the store's holds until it is settled

    page.goto(f"{office.site()}/kunskap")
    page.click(".warning a")
    expect(page.locator(".warning")).to_contain_text("Filens svar.")
    page.click("text=Ta filens text, som utkast")
    page.wait_for_url("**klart=saved")
    expect(page.locator(".warning")).to_have_count(0)
    page.click("text=Kontrollera och godkänn")
    approve(page)
    until_told_by_mail(office, "siv", "Filens svar.", JOIN)
    assert "Konflikter: 0" in office.must("knowledge", "import")
    assert HALL in page.goto(f"{office.site()}/kunskap").text()  # type: ignore[union-attr]
