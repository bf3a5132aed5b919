"""The desk in Chromium: accessible on every page, live, by keyboard alone, without JavaScript, two at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import ConsoleMessage, Dialog, Page, Route, expect
from sqlalchemy import select

from lokbot import desk_settings
from lokbot.conversation import escalation, steering
from lokbot.conversation.working_days import SWEDEN
from lokbot.model import Address, ConversationStatus, OutboxKind, OutboxStatus, Role
from lokbot.store.schema import DecisionRecord
from lokbot.web import live
from lokbot.web.pages import PAGES
from tests import sample_knowledge as sample
from tests.browser.conftest import DESKTOP, PHONE, Office
from tests.browser.looking import faults
from tests.integration.browser import PASSWORD
from tests.integration.test_escalation import act
from tests.integration.world import Case
from tests.sample_mails import attachment


def path_of(case: Case) -> str:
    return f"/arenden/{case.conversation.case_number}"


def full(office: Office) -> Case:
    """An inbox with something of everything; gives a case that has most to show."""
    world = office.world
    world.write("Jag begär en allmän handling.", sender=Address("", "x@post.example"))
    world.write("Як вступити?", sender=Address("Олена", "o@post.example"), subject="Питання")
    case = world.write(sample.JOIN, attachments=(attachment(),), cc=(Address("Bo Ek", "bo@post.example"),))
    world.deliver()
    told = world.write(sample.JOIN, sender=Address("Siv Ek", "siv@post.example"))
    act(told, escalation.release)
    world.deliver()
    act(case, escalation.note, "Ring Bo.", actor="kim@stad.example")
    with world.sessions.begin() as session:
        texts = {"sv": "Vi svarar efter mötet.", "en": "We answer after the meeting."}
        desk_settings.set_template(session, None, "Efter mötet", texts, actor="kim@stad.example", now=world.now)
    return case


def told_version(office: Office) -> str:
    """The page of the version of an answer that somebody got."""
    with office.world.sessions() as session:
        number = session.scalars(select(DecisionRecord.revision_id).where(DecisionRecord.revision_id.is_not(None)))
        return f"/version/{number.first()}"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "320"])
def test_no_page_has_faults_of_accessibility(office: Office, size: tuple[int, int]) -> None:
    case = full(office)
    office.desk.account("chef@stad.example", "Chefen", (Role.ADMIN, Role.COORDINATOR))
    page = office.page(size)
    found: dict[str, list[str]] = {}

    def look(path: str) -> None:
        page.goto(office.site + path)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        if wrong := faults(page):
            found[path] = wrong

    for path in ("/logga-in", "/glomt-losenord", "/valkommen/gammal", "/tillganglighet", "/personuppgifter"):
        look(path)
    office.log_in(page, "chef@stad.example")
    plain = [
        one.path for one in PAGES if one.method == "GET" and one.roles is not None and not {"{", "."} & set(one.path)
    ]
    number, version = path_of(case).rpartition("/")[2], told_version(office)
    act(case, steering.mark, "Fler frågar om möten.", actor="kim@stad.example")
    for path in (
        *plain,
        path_of(case),
        f"{path_of(case)}/forening",
        "/arenden?mapp=alla&q=x",
        "/arenden?mapp=mina",
        "/finns-inte",
        version,
    ):
        look(path)
    look(f"/radera?arende={number}")
    page.goto(f"{office.site}/paus")
    page.click("text=Pausa allt")
    page.wait_for_url("**klart=paused")
    look("/paus")
    page.goto(office.site + version)
    page.fill("[name=text]", "Så här är det.")
    page.click("text=Visa rättelsen först")
    expect(page.locator("#forhandsvisning")).to_be_visible()
    if wrong := faults(page):
        found["the preview of a correction"] = wrong
    assert found == {}


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
def test_the_menu_is_one_row_and_its_rarer_pages_are_reached_by_keyboard(office: Office, scripts: bool) -> None:
    office.desk.account("chef@stad.example", "Chefen Chefsson-Mellanstad", (Role.ADMIN, Role.COORDINATOR))
    page = office.log_in(office.page(scripts=scripts), "chef@stad.example")
    more, rare = page.locator(".more > summary"), page.locator("header a[href='/mallar']")
    header, one = page.locator("header.top").bounding_box(), page.locator(".menu li a").first.bounding_box()
    assert header is not None
    assert one is not None
    assert header["height"] < 2 * one["height"], "all stand beside each other"
    expect(rare).to_be_hidden()
    press_to(page, ".more > summary")
    page.keyboard.press("Enter")
    press_to(page, ".more a[href='/mallar']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/mallar")
    expect(more).to_have_class("here")
    if scripts:
        more.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert faults(page) == []
        page.keyboard.press("Escape")
        expect(rare).to_be_hidden()
        expect(more).to_be_focused()


@pytest.mark.parametrize("width", [320, 660, 800, 993, 1280])
def test_every_page_of_the_menu_is_on_the_screen_at_any_width(office: Office, width: int) -> None:
    office.desk.account("chef@stad.example", "Chefen Chefsson-Mellanstad", (Role.ADMIN, Role.COORDINATOR))
    page = office.log_in(office.page((width, 700)), "chef@stad.example")
    for summary in page.locator("header summary").all():
        if summary.is_visible():
            summary.click()
    links = page.locator("header li a").all()
    assert len(links) == 14
    for link in links:
        expect(link).to_be_in_viewport(ratio=1)
    assert faults(page) == []


def test_news_appear_by_themselves_and_what_is_written_stays(office: Office) -> None:
    page = office.log_in(office.page())
    page.goto(f"{office.site}/arenden?mapp=vantar")
    expect(page.locator(".empty")).to_be_visible()
    case = office.world.write(sample.OWN)
    expect(page.locator(".cases li")).to_have_count(1)
    page.click(".cases a")
    page.fill("#answer", "Halvfärdigt")
    expect(page.locator(".saved").first).not_to_be_empty()
    office.world.later(minutes=1)
    office.world.write("En sak till.", in_reply_to=(case.message.message_id,))
    expect(page.locator(".message.in")).to_have_count(2)
    expect(page.locator("#answer")).to_have_value("Halvfärdigt")
    page.reload()
    expect(page.locator("#answer")).to_have_value("Halvfärdigt")


def test_a_pause_is_seen_at_once_by_a_colleague(office: Office) -> None:
    kim, alex = office.log_in(office.page()), office.log_in(office.page(), "alex@stad.example")
    expect(alex.locator("main")).not_to_contain_text("Boten är pausad")
    kim.goto(f"{office.site}/paus")
    kim.click("text=Pausa allt")
    expect(alex.locator("main")).to_contain_text("Boten är pausad")
    kim.click("text=Låt boten svara igen")
    expect(alex.locator("main")).not_to_contain_text("Boten är pausad")


def test_a_second_tab_hears_the_news_through_the_first(office: Office) -> None:
    page = office.log_in(office.page())
    tabs = [page, *(page.context.new_page() for _ in range(7))]
    for tab in tabs:
        tab.goto(f"{office.site}/arenden?mapp=vantar")
    office.world.write(sample.OWN)
    for tab in tabs:
        expect(tab.locator(".cases li")).to_have_count(1)


def test_a_stream_that_was_refused_is_opened_again(office: Office) -> None:
    """A proxy says 502 while the server starts anew. A browser then never tries again by itself."""
    page = office.log_in(office.page())
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=502)

    page.route("**/handelser", refuse_once)
    with page.expect_response(lambda response: response.status == 502):
        page.goto(f"{office.site}/arenden?mapp=vantar")
    office.world.write(sample.OWN)
    expect(page.locator(".cases li")).to_have_count(1)


def test_what_could_not_be_fetched_is_fetched_when_the_stream_comes_back(office: Office) -> None:
    """Then the stream says only how far the store has come, which the page has heard before."""
    page = office.log_in(office.page())
    page.goto(f"{office.site}/arenden?mapp=vantar")
    page.evaluate(
        "() => { window.said = []; new BroadcastChannel('lokbot').onmessage = (event) => { said.push(event.data) } }"
    )
    page.route("**/arenden?mapp=vantar", lambda route: route.fulfill(status=502))
    with page.expect_response(lambda response: response.status == 502):
        office.world.write(sample.OWN)
    with office.world.sessions() as session:
        stamp = live.newest(session)
    page.wait_for_function("(stamp) => said.includes(stamp)", arg=stamp)
    expect(page.locator(".empty")).to_be_visible()
    page.unroute("**/arenden?mapp=vantar")
    page.evaluate("(stamp) => { new BroadcastChannel('lokbot').postMessage(stamp) }", stamp)
    expect(page.locator(".cases li")).to_have_count(1)


def test_two_browsers_at_once(office: Office) -> None:
    case = office.world.write(sample.OWN)
    office.world.deliver()
    kim, alex = office.log_in(office.page()), office.log_in(office.page(), "alex@stad.example")
    kim.goto(office.site + path_of(case))
    alex.goto(office.site + path_of(case))
    expect(alex.locator("#andra")).to_contain_text("Kim Sand har ärendet öppet")
    kim.fill("#answer", "Kims svar")
    alex.fill("#answer", "Alex svar")
    kim.click("text=Skicka svaret")
    expect(kim.locator(".done")).to_contain_text("Svaret skickas klockan")
    expect(alex.locator(".case-head")).to_contain_text("Taget: Kim Sand")
    expect(alex.locator("#pa-vag")).to_contain_text("Svar skickas")
    alex.click("text=Skicka svaret")
    expect(alex.locator("#konflikt")).to_contain_text("Kim Sand svarade")
    expect(alex.locator("#konflikt")).to_be_focused()
    expect(alex.locator("#answer")).to_have_value("Alex svar")
    assert [item.text for item in case.items(OutboxKind.ANSWER)] == ["Kims svar"]


def test_that_a_colleague_lets_a_case_rest_and_wakes_it_is_seen_without_a_reload(office: Office) -> None:
    case = office.world.write(sample.OWN)
    kim, alex = office.log_in(office.page()), office.log_in(office.page(), "alex@stad.example")
    kim.goto(office.site + path_of(case))
    alex.goto(office.site + path_of(case))
    today = office.world.now.astimezone(SWEDEN).date()
    day, other = (str(today + timedelta(days=days)) for days in (1, 5))
    expect(alex.locator("#vilar")).to_be_hidden()
    alex.click(".let-rest summary")
    alex.fill("[name=until]", other)
    kim.click(".let-rest summary")
    kim.fill("[name=until]", day)
    kim.click("text=Låt det vila")
    expect(kim.locator("#vilar")).to_contain_text("Vilar till i morgon.")
    expect(alex.locator("#vilar")).to_contain_text("Vilar till i morgon.")
    expect(alex.locator(".let-rest")).to_be_hidden()
    kim.click("text=Ta tillbaka det nu")
    expect(kim.locator(".done")).to_contain_text("Ärendet vilar inte längre.")
    expect(alex.locator("#vilar")).to_be_hidden()
    expect(alex.locator("[name=until]")).to_have_value(other)
    alex.click("text=Låt det vila")
    expect(alex.locator("#konflikt")).to_contain_text("Kim Sand lät ärendet vila")
    assert case.conversation.snoozed_until is None


def test_associations_that_may_fit_come_after_the_page(office: Office) -> None:
    case = office.world.write(f"{sample.OWN} Jag är ordförande i Råå seglarklubb.")
    page = office.log_in(office.page())
    page.goto(office.site + path_of(case))
    page.click("#foreningsforslag button")
    expect(page.locator(".done")).to_contain_text("Kontakten hör till föreningen.")
    expect(page.locator("#kontakt")).to_contain_text("Råå seglarklubb")


def press_to(page: Page, selector: str) -> None:
    """Tab until the thing has the focus, as somebody without a mouse does."""
    for _ in range(120):
        if page.evaluate("(selector) => document.activeElement?.matches(selector) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by keyboard")


def test_the_whole_way_by_keyboard(office: Office) -> None:
    case = office.world.write(sample.JOIN)
    office.world.deliver()
    page = office.page()
    page.goto(f"{office.site}/logga-in")
    press_to(page, "[name=email]")
    page.keyboard.type("kim@stad.example")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/arenden*")
    press_to(page, ".folders a[href$=forslag]")
    page.keyboard.press("Enter")
    page.wait_for_url("**mapp=forslag")
    press_to(page, ".cases a")
    page.keyboard.press("Enter")
    expect(page.locator(".suggestion")).to_be_visible()
    page.keyboard.press("s")
    expect(page.locator("text=Skicka som det är")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".done")).to_contain_text("Förslaget skickas klockan")
    page.keyboard.press("z")
    page.keyboard.press("Enter")
    expect(page.locator(".done")).to_contain_text("Det är stoppat")
    page.keyboard.press("n")
    expect(page.locator("#note")).to_be_focused()
    page.keyboard.type("s i en text är ett s")
    press_to(page, ".write.note button")
    page.keyboard.press("Enter")
    expect(page.locator(".message.note")).to_contain_text("s i en text är ett s")
    page.keyboard.press("t")
    assert case.conversation.taken_by == "kim@stad.example"


def test_an_answer_is_written_sent_and_undone_by_keyboard(office: Office) -> None:
    case = office.world.write(sample.OWN)
    office.world.deliver()
    page = office.log_in(office.page())
    press_to(page, ".folders a[href$=vantar]")
    page.keyboard.press("Enter")
    page.wait_for_url("**mapp=vantar")
    press_to(page, ".cases a")
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_be_visible()
    page.keyboard.press("r")
    expect(page.locator("#answer")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("Den har kommit fram.")
    press_to(page, ".write button.primary")
    page.keyboard.press("Enter")
    expect(page.locator(".done")).to_contain_text("Svaret skickas klockan")
    (item,) = case.items(OutboxKind.ANSWER)
    assert (item.text, item.status) == ("Den har kommit fram.", OutboxStatus.QUEUED)
    page.keyboard.press("z")
    expect(page.locator("#pa-vag button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".done")).to_contain_text("Det är stoppat. Ingenting har gått i väg.")
    expect(page.locator("#answer")).to_have_value("Den har kommit fram.")
    office.world.later(hours=1)
    assert not office.world.deliver()


def test_files_too_large_are_told_before_they_are_sent(office: Office) -> None:
    case = office.world.write(sample.OWN)
    page = office.log_in(office.page())
    page.goto(office.site + path_of(case))
    page.set_input_files("#filer", {"name": "stor.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-" * 2_200_000})
    page.click("text=Skicka svaret")
    message = page.locator("#filer").evaluate("one => one.validationMessage")
    assert message == "Filerna är större än 10 MB tillsammans. Välj mindre eller färre filer."
    assert not case.items(OutboxKind.ANSWER)
    page.set_input_files("#filer", {"name": "liten.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})
    page.click("text=Skicka svaret")
    page.wait_for_url("**klart=answered**")
    with page.expect_download() as file:
        page.click(".files a")
    assert file.value.suggested_filename == "liten.pdf"


def test_a_file_too_large_is_refused_in_words_without_javascript_too(office: Office) -> None:
    case = office.world.write(sample.OWN)
    page = office.log_in(office.page(scripts=False))
    page.goto(office.site + path_of(case))
    page.set_input_files("#filer", {"name": "stor.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-" * 3_000_000})
    page.click("text=Skicka svaret")
    expect(page.locator("main")).to_contain_text("Filen är för stor")
    assert not case.items(OutboxKind.ANSWER)


def test_the_desk_works_without_javascript(office: Office) -> None:
    case = office.world.write(sample.JOIN)
    office.world.deliver()
    page = office.log_in(office.page(scripts=False))
    page.goto(office.site + path_of(case))
    page.click("text=Ändra först")
    page.fill("#answer", "Med egna ord.")
    page.click("text=Skicka svaret")
    page.wait_for_url("**klart=answered**")
    assert [item.text for item in case.items(OutboxKind.ANSWER)] == ["Med egna ord."]
    page.click("button:has-text('Ångra')")
    page.wait_for_url("**klart=stopped")
    assert case.conversation.status is ConversationStatus.TAKEN


def test_what_outsiders_write_runs_nowhere(office: Office) -> None:
    page = office.log_in(office.page())
    said: list[str] = []

    def note(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)

    def hear(message: ConsoleMessage) -> None:
        said.append(message.text)

    page.on("console", hear)
    bad = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    writer = Address(bad, "x@post.example")
    case = office.world.write(f"{sample.OWN} {bad}", sender=writer, subject=bad)
    for path in (path_of(case), "/arenden?mapp=alla"):
        page.goto(office.site + path)
        expect(page.locator("main")).to_contain_text("onerror=alert(1)")
    office.world.later(minutes=1)
    page.goto(office.site + path_of(case))
    office.world.write(bad, sender=writer, in_reply_to=(case.message.message_id,))  # comes in live
    expect(page.locator(".message.in")).to_have_count(2)
    assert said == []
