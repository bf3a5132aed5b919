"""The web chat in a real browser: accessible, by keyboard, without scripts, live, and in a panel on another site."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Frame, Page, Route, expect
from sqlalchemy import func, select

from lokbot.conversation import escalation
from lokbot.model import ConversationStatus
from lokbot.store.schema import Conversation, Message
from tests import sample_knowledge as sample
from tests.browser.conftest import DESKTOP, PHONE, ZOOMED, Office
from tests.browser.looking import faults
from tests.browser.test_desk import press_to
from tests.integration.web_chat import deliver, work
from tests.integration.world import SEND, edited
from tests.servers import wait_until

NO = "text=Nej, jag vill prata med en människa"


@pytest.fixture
def town(office: Office) -> Office:
    """The bot answers by itself."""
    office.world.settings = edited(office.world.settings, answering=SEND.answering)
    return office


def go_on(office: Office, messages: int) -> None:
    """When so many messages have come, their writer has paused, and what is due is handled and sent."""

    def count() -> int:
        with office.world.sessions() as session:
            return session.scalar(select(func.count(Message.id))) or 0

    wait_until(lambda: count() >= messages, f"{messages} messages have come")
    office.world.later(seconds=3)
    work(office.world)


def answer(office: Office, text: str) -> None:
    with office.world.sessions.begin() as session:
        case = session.scalars(select(Conversation).order_by(Conversation.id.desc())).first()
        assert case is not None
        escalation.coordinator_reply(
            session, case, text, actor="Kim Sand", settings=office.world.settings, now=office.world.now
        )
    deliver(office.world)


def write(page: Page | Frame, text: str) -> None:
    page.fill("#skriv", text)
    page.press("#skriv", "Enter")
    expect(page.locator("#skriv")).to_have_value("")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "320"])
@pytest.mark.parametrize("asked", ["Undrar hur det är tänkt med oss i år", sample.CULTURE], ids=["unsure", "routed"])
def test_who_waits_presses_what_they_meant_and_needs_nobody_more(
    town: Office, asked: str, size: tuple[int, int]
) -> None:
    town.world.finds(asked, ("ga-med", 0.5))
    page = town.page(size)
    page.goto(f"{town.site}/chatt")
    write(page, asked)
    go_on(town, 1)
    offered = page.get_by_role("button", name=f"1. {sample.JOIN}")
    expect(offered).to_be_visible()
    assert faults(page) == []
    offered.click()
    go_on(town, 2)
    expect(page.locator("text=Skicka styrelsens beslut.")).to_be_visible()
    page.get_by_role("button", name="Ja", exact=True).click()
    go_on(town, 3)
    assert faults(page) == []
    with town.world.sessions() as session:
        assert session.scalar(select(Conversation.status)) is ConversationStatus.RESOLVED


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "320"])
def test_no_page_of_the_chat_has_a_fault(town: Office, size: tuple[int, int]) -> None:
    page = town.page(size)
    found = {}

    def look(where: str) -> None:
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        if wrong := faults(page):
            found[where] = wrong

    page.goto(f"{town.site}/chatt")
    look("empty")
    write(page, sample.JOIN)
    expect(page.locator(".writing")).to_be_visible()
    look("writing")
    go_on(town, 1)
    expect(page.locator(NO)).to_be_visible()
    look("answered")
    page.click(NO)
    go_on(town, 2)
    expect(page.locator("#nas h2")).to_be_visible()
    page.fill("#till", "fel")
    page.click("#nas button[value=to]")
    expect(page.locator("#felet")).to_be_visible()
    look("asked how to be reached")
    page.reload()
    look("read again")
    page.click("#nas button[value=code]")
    expect(page.locator(".code")).to_be_visible()
    look("a code")
    page.goto(f"{town.site}/chatt/kod")
    look("code form")
    page.goto(f"{town.site}/chatt?sprak=en")
    look("in English")
    assert found == {}


def test_answers_come_by_themselves_with_the_focus_and_none_twice(town: Office) -> None:
    page = town.page()
    page.goto(f"{town.site}/chatt")
    write(page, sample.JOIN)
    expect(page.locator(".writing")).to_be_visible()
    go_on(town, 1)
    expect(page.locator("#nytt .line")).to_have_count(3)
    expect(page.locator(".writing")).to_have_count(0)
    expect(page.locator("#nytt .line.bot").first).to_be_focused()
    page.click(NO)
    go_on(town, 2)
    expect(page.locator("#nytt .line")).to_have_count(5)
    expect(page.locator("#nytt .line").last).to_be_focused()
    page.fill("#skriv", "Halvfärdigt")
    answer(town, "Vi ringer er i morgon.")
    expect(page.locator(".line.person")).to_contain_text("Kim, föreningssamordnare")
    expect(page.locator("#skriv")).to_be_focused()
    expect(page.locator("#skriv")).to_have_value("Halvfärdigt")
    page.reload()
    expect(page.locator("#historia .line")).to_have_count(6)
    expect(page.locator("#nytt .line")).to_have_count(0)


def test_what_came_while_the_line_was_down_comes_once(town: Office) -> None:
    page = town.page()
    page.goto(f"{town.site}/chatt")
    write(page, sample.OWN)
    go_on(town, 1)
    expect(page.locator(".line.bot")).to_have_count(2)
    page.context.set_offline(True)
    page.fill("#skriv", "En sak till")
    page.press("#skriv", "Enter")
    expect(page.locator("#felet")).to_contain_text("Inget är skickat")
    expect(page.locator("#skriv")).to_have_value("En sak till")
    answer(town, "Den har kommit fram.")
    page.context.set_offline(False)
    page.press("#skriv", "Enter")
    expect(page.locator("#skriv")).to_have_value("")
    expect(page.locator(".line.person")).to_have_count(1)
    expect(page.locator(".line.asker")).to_have_count(2)


def test_a_stream_that_was_refused_is_opened_again(town: Office) -> None:
    """A proxy says 502 while the server starts anew. A browser then never tries again by itself."""
    page = town.page()
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=502)

    page.route("**/chatt/handelser*", refuse_once)
    page.goto(f"{town.site}/chatt")
    with page.expect_response(lambda response: response.status == 502):
        write(page, sample.OWN)
    go_on(town, 1)
    expect(page.locator("#nytt .line.bot")).to_have_count(2)


def test_a_reader_of_the_screen_is_told_who_says_what_and_what_is_new(town: Office) -> None:
    page = town.page()
    page.goto(f"{town.site}/chatt")
    write(page, sample.OWN)
    go_on(town, 1)
    history = page.get_by_role("region", name="Samtalet hittills")
    news = page.get_by_role("log", name="Nya meddelanden")
    expect(news.get_by_role("listitem")).to_contain_text(["Du skrev", "Automatiskt svar", "Automatiskt svar"])
    expect(history.get_by_role("listitem")).to_have_count(0)
    answer(town, "Den har kommit fram.")
    expect(news.get_by_role("listitem").last).to_contain_text("En föreningssamordnare skrev")
    page.reload()
    expect(history.get_by_role("listitem")).to_have_count(4)
    expect(news.get_by_role("listitem")).to_have_count(0)
    name = history.get_by_text("En föreningssamordnare skrev").bounding_box()
    assert name is not None
    assert name["width"] <= 1, "whoever sees needs it not"


def test_a_second_tab_and_a_hidden_chat(town: Office) -> None:
    page = town.page()
    page.goto(f"{town.site}/chatt")
    write(page, sample.OWN)
    go_on(town, 1)
    tabs = [page.context.new_page() for _ in range(7)]
    for tab in tabs:
        tab.goto(f"{town.site}/chatt")
    answer(town, "Den har kommit fram.")
    for tab in (page, *tabs):
        expect(tab.locator(".line.person")).to_have_count(1)
    page.click("#mer summary")
    page.click("button[value=hide]")
    go_on(town, 2)
    expect(page.locator(".line")).to_have_count(1)
    expect(page.locator(".line")).to_contain_text("Hos staden är inget borttaget")
    expect(tabs[0].locator(".line")).to_have_count(1)


def test_the_whole_way_by_keyboard(town: Office) -> None:
    page = town.page()
    page.goto(f"{town.site}/chatt")
    press_to(page, "#skriv")
    page.keyboard.type("Hej!")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type(sample.JOIN)
    page.keyboard.press("Enter")
    go_on(town, 1)
    expect(page.locator("#nytt .line.bot").first).to_be_focused()
    press_to(page, "button[value$=':no']")
    page.keyboard.press("Enter")
    go_on(town, 2)
    expect(page.locator("#nytt .line").last).to_be_focused()
    press_to(page, "#till")
    page.keyboard.type("anna@forening.example")
    page.keyboard.press("Enter")
    expect(page.locator(".reached")).to_contain_text("anna@forening.example")
    press_to(page, "#mer summary")
    page.keyboard.press("Enter")
    press_to(page, "#mer button[value=code]")
    page.keyboard.press("Enter")
    expect(page.locator(".code")).to_be_visible()
    press_to(page, "a.button")
    page.keyboard.press("Enter")
    expect(page.locator(".line")).to_have_count(5)


def test_it_works_without_javascript(town: Office, tmp_path: Path) -> None:
    page = town.page(PHONE, scripts=False)
    page.goto(f"{town.site}/chatt")
    page.fill("#skriv", sample.JOIN)
    page.click("text=Skicka")
    expect(page.locator(".line.asker")).to_have_count(1)
    go_on(town, 1)
    page.click("#hamta button")
    page.click(NO)
    expect(page.locator(".line.asker")).to_have_count(2)
    go_on(town, 2)
    page.click("#hamta button")
    page.fill("#till", "anna@forening.example")
    page.click("#nas button[value=to]")
    expect(page.locator(".reached")).to_contain_text("anna@forening.example")
    (tmp_path / "protokoll.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    page.click("text=Bifoga en fil")
    page.set_input_files("#fil", tmp_path / "protokoll.pdf")
    page.get_by_role("button", name="Skicka", exact=True).click()
    expect(page.locator(".files").last).to_contain_text("protokoll.pdf")
    answer(town, "Tack, den har kommit.")
    page.reload()
    expect(page.locator(".line.person")).to_contain_text("Tack, den har kommit.")
    assert not faults_of_layout(page)


def faults_of_layout(page: Page | Frame) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


# Of everything that can be used: its middle, brought into view, must be its own. Returns what lies under something else
# or sticks out at a side.
COVERED = """root => [...root.querySelectorAll("a, button, input:not([type=hidden]), textarea, summary, .line .text")]
  .filter((one) => one.checkVisibility() && !one.closest(".skip"))
  .filter((one) => {
    one.scrollIntoView({ block: "center", behavior: "instant" });
    const box = one.getBoundingClientRect(), width = document.documentElement.clientWidth;
    const y = Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1);
    const at = document.elementFromPoint(box.left + box.width / 2, y);
    return box.left < 0 || box.right > width || !at || !(one.contains(at) || at.contains(one));
  }).map((one) => one.outerHTML.slice(0, 120))"""


def covered(page: Page | Frame) -> list[str]:
    found: list[str] = page.locator("body").evaluate(COVERED)
    return found


def photographed(page: Page, name: str, tmp_path: Path) -> None:
    page.screenshot(path=tmp_path / f"{name}.png", full_page="panel" not in name)


def test_at_twice_the_size_nothing_is_covered_or_beside_the_screen(town: Office, tmp_path: Path) -> None:
    page = town.page(ZOOMED, scale=2)
    page.goto(f"{town.site}/chatt")
    found = {"empty": (covered(page), faults_of_layout(page))}
    photographed(page, "empty", tmp_path)
    write(page, sample.JOIN)
    go_on(town, 1)
    page.click(NO)
    go_on(town, 2)
    expect(page.locator("#nas h2")).to_be_visible()
    answer(town, "Vi ringer er i morgon.")
    expect(page.locator(".line.person")).to_be_visible()
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    found["answered"] = (covered(page), faults_of_layout(page))
    photographed(page, "answered", tmp_path)
    page.click("#mer button[value=code]")
    expect(page.locator(".code")).to_be_visible()
    found["code"] = (covered(page), faults_of_layout(page))
    photographed(page, "code", tmp_path)
    assert found == dict.fromkeys(found, ([], False))


def test_the_panel_at_twice_the_size(town: Office, host: str, tmp_path: Path) -> None:
    page = town.page(ZOOMED, scale=2)
    page.goto(f"{host}/en.html")
    assert (covered(page), faults_of_layout(page)) == ([], False)
    page.click("button.open")
    frame = chat_frame(page)
    write(frame, sample.JOIN)
    go_on(town, 1)
    expect(frame.locator(".line.bot")).to_have_count(2)
    photographed(page, "panel", tmp_path)
    assert (covered(frame), faults_of_layout(frame), faults_of_layout(page)) == ([], False, False)
    box = page.locator(".panel").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["y"] >= 0
    assert box["x"] + box["width"] <= ZOOMED[0]
    assert box["y"] + box["height"] <= ZOOMED[1]
    frame.locator("footer").scroll_into_view_if_needed()
    heading = frame.locator("h1").bounding_box()  # also where the chat has been scrolled
    close = page.locator("button.close").bounding_box()
    assert heading is not None
    assert close is not None
    assert heading["x"] + heading["width"] <= close["x"]
    top = frame.locator(".top").bounding_box()
    assert top is not None
    assert top["y"] <= close["y"]
    assert top["y"] + top["height"] >= close["y"] + close["height"]
    page.click("button.close")
    expect(page.locator(".panel")).to_be_hidden()


def test_hostile_words_run_nowhere(town: Office) -> None:
    page = town.page()
    said: list[str] = []

    def note(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{town.site}/chatt")
    for number, text in enumerate(
        (
            "<img src=x onerror=alert(1)>",
            "</textarea><script>alert(2)</script>",
            "\u202emoc.live",
            "\u200b" * 3000 + "x",
        ),
        start=1,
    ):
        page.fill("#skriv", text)
        page.get_by_role("button", name="Skicka", exact=True).click()
        expect(page.locator(".line.asker")).to_have_count(number)
        go_on(town, number)
    page.reload()
    expect(page.locator(".line.asker").first).to_contain_text("onerror=alert(1)")
    assert not faults_of_layout(page)
    assert said == []


def test_with_reduced_motion_nothing_moves(town: Office) -> None:
    page = town.page(PHONE)
    page.goto(f"{town.site}/chatt")
    write(page, sample.JOIN)
    expect(page.locator(".writing")).to_be_visible()
    moving = """() => [getComputedStyle(document.querySelector('.dots i')).animationName,
      getComputedStyle(document.documentElement).scrollBehavior]"""
    assert page.evaluate(moving) == ["dot", "smooth"]
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == ["none", "auto"]


# What has no colours of its own left must show by its edges: what can be used, and where one message ends.
WITHOUT_EDGE = """() => [...document.querySelectorAll("button, .button, input:not([type=hidden]), textarea, .line")]
  .filter((one) => one.checkVisibility() && !one.matches(".link, [type=file]"))
  .filter((one) => getComputedStyle(one).borderTopWidth === "0px").map((one) => one.outerHTML.slice(0, 120))"""
EDGES = "() => [...document.querySelectorAll('#sprak .link')].map((one) => getComputedStyle(one).borderBottomColor)"


def test_in_forced_colours_edges_show_what_backgrounds_did(town: Office) -> None:
    page = town.page(PHONE)
    page.emulate_media(forced_colors="active")
    page.goto(f"{town.site}/chatt")
    write(page, sample.JOIN)
    expect(page.locator(".writing")).to_be_visible()
    dot, ground = page.evaluate(
        "() => ['.dots i', 'body'].map((one) => getComputedStyle(document.querySelector(one)).backgroundColor)"
    )
    assert dot != ground
    go_on(town, 1)
    page.click(NO)
    go_on(town, 2)
    expect(page.locator("#nas h2")).to_be_visible()
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.evaluate(WITHOUT_EDGE) == []
    assert len(set(page.evaluate(EDGES))) == 2, "the language that is chosen is underlined, the other is not"
    press_to(page, "#skriv")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert faults(page) == []


# ------------------------------------------------------------------ in a panel on another site


@pytest.fixture
def host(town: Office, tmp_path: Path) -> Iterator[str]:
    """A page of another site (127.0.0.1 is not localhost) with a strict policy of its own, that embeds the chat."""
    folder = tmp_path / "host"
    folder.mkdir()
    policy = f"default-src 'none'; script-src {town.site}; frame-src {town.site}"
    for name in ("en", "tva"):
        (folder / f"{name}.html").write_text(
            f'<!doctype html><html lang="sv"><head><meta charset="utf-8"><title>Föreningsliv</title>'
            f'<meta name="viewport" content="width=device-width">'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
            f'<script src="{town.site}/chat.js" data-lok async></script></head>'
            f'<body><main><h1>Föreningsliv {name}</h1><p><a href="tva.html">Nästa sida</a></p></main></body></html>',
            encoding="utf-8",
        )
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "320"])
def test_the_panel_on_another_site(town: Office, host: str, size: tuple[int, int]) -> None:
    page = town.page(size)
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{host}/en.html")
    expect(page.locator("button.open")).to_be_visible()
    assert faults(page) == []
    press_to_shadow(page)
    page.keyboard.press("Enter")
    frame = chat_frame(page)
    write(frame, sample.JOIN)
    go_on(town, 1)
    expect(frame.locator(".line.bot")).to_have_count(2)
    assert faults(page) == []
    frame.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert faults(frame) == []
    page.goto(f"{host}/tva.html")
    frame = chat_frame(page)
    expect(frame.locator(".line")).to_have_count(3)
    frame.press("#skriv", "Escape")
    expect(page.locator("button.open")).to_be_focused()
    expect(page.locator(".panel")).to_be_hidden()
    frame.evaluate("document.querySelector(\"button[value$=':no']\").click()")
    go_on(town, 2)
    expect(page.locator("button.open")).to_contain_text("Nytt svar")
    assert said == []
    assert {"/".join(url.split("/")[:3]) for url in asked} == {host, town.site}, "nobody else is asked for anything"


def press_to_shadow(page: Page) -> None:
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "lok-chatt":
            return
    raise AssertionError("the button cannot be reached by keyboard")


def chat_frame(page: Page) -> Frame:
    page.wait_for_selector("iframe")
    element = page.query_selector("iframe")
    assert element is not None
    frame = element.content_frame()
    assert frame is not None
    frame.wait_for_selector("#skriv")
    frame.wait_for_load_state()  # the field stands there before the script that sends what is written in it
    return frame


def test_a_page_that_is_not_listed_cannot_show_it(town: Office, host: str) -> None:
    page = town.page()
    page.goto(f"{host.replace('127.0.0.1', 'localhost')}/en.html")
    page.click("button.open")
    page.wait_for_selector("iframe")
    frame = page.frames[-1]
    frame.wait_for_load_state()
    assert frame.query_selector("#skriv") is None
