"""The web chat through the application: each rule of it, as a browser without scripts meets it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import event, func, select

from lokbot.channels.webchat import WebChannel
from lokbot.config import ChatSettings
from lokbot.conversation import delivery, escalation
from lokbot.conversation.delivery import Sender
from lokbot.model import (
    ChannelName,
    ConversationStatus,
    MessageState,
    OutboxKind,
    OutboxStatus,
    OutgoingMessage,
)
from lokbot.store import queries
from lokbot.store.schema import ChatKey, Contact, Conversation, Event, Message, OutboxItem
from lokbot.store.session import Sessions
from lokbot.web import chat
from lokbot.web.chat_live import Watch
from lokbot.webchat import keys, limits, showing
from tests import sample_knowledge as sample
from tests.integration.browser import DeskWorld
from tests.integration.chatting import PDF
from tests.integration.web_chat import Surfer, show, work
from tests.integration.world import SEND, World, edited
from tests.sample_mails import NOW

PERSONAL_NUMBER = "811228-9874"  # Skatteverket's own example


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


@pytest.fixture
def desk(world: World) -> DeskWorld:
    return DeskWorld(world)


@pytest.fixture
def anna(desk: DeskWorld) -> Surfer:
    return Surfer(desk)


def with_chat(desk: DeskWorld, **values: Any) -> None:
    """Other settings of the chat, from now on."""
    desk.world.settings = edited(desk.world.settings, chat=ChatSettings(**values))
    desk.service = type(desk.service)(desk.world.settings, desk.service.engine, desk.service.sessions)
    desk.app = chat_app(desk)


def chat_app(desk: DeskWorld) -> Any:
    from lokbot.web.app import create_app

    return create_app(desk.service, desk, now=lambda: desk.world.now)


def conversation(world: World) -> Conversation:
    with world.sessions() as session:
        found = session.scalar(select(Conversation).order_by(Conversation.id.desc()))
        assert found is not None
        assert found.contact is not None
        assert found.messages is not None
        return found


def act(world: World, what: Callable[..., Any], *words: Any, **more: Any) -> Any:
    with world.sessions.begin() as session:
        case = session.scalar(select(Conversation).order_by(Conversation.id.desc()))
        return what(session, case, *words, now=world.now, **more)


def answer(world: World, text: str) -> None:
    act(world, escalation.coordinator_reply, text, actor="Kim Prov", settings=world.settings)


def count(world: World, table: Any) -> int:
    with world.sessions() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


# ------------------------------------------------------------------ one path


def test_a_question_is_answered_on_the_path_of_every_message(anna: Surfer) -> None:
    greeting = anna.see()
    assert "inte en människa" in greeting
    assert "Andra kan begära att få läsa det" in greeting
    own, told, answered = anna.write(sample.JOIN)
    assert own == sample.JOIN
    assert "inte en människa" in told
    assert answered.startswith("Automatiskt svar från Helsingborgs stad.")
    assert "Löste det din fråga?" in answered
    assert anna.labels()[1:3] == ["Ja", "Nej, jag vill prata med en människa"]
    with anna.world.sessions() as session:
        message = session.scalars(select(Message)).one()
        assert message.channel is ChannelName.WEBCHAT
        assert '"text": "Hur blir' in message.raw.decode()


def test_no_goes_to_a_person_whose_first_name_is_told_and_who_then_is_not_interrupted(anna: Surfer) -> None:
    anna.write(sample.JOIN)
    receipt = anna.press("Nej, jag vill prata med en människa")[-1]
    case = conversation(anna.world)
    assert case.status is ConversationStatus.WAITING
    assert case.case_number in receipt
    assert re.search(r"senast \w+dag den \d+ \w+", receipt)
    act(anna.world, escalation.take_over, actor="Kim Prov")
    answer(anna.world, "Vi ringer er i morgon.")
    assert anna.pause()[-1] == "Kim, föreningssamordnare på Helsingborgs stad:\n\nVi ringer er i morgon."
    act(anna.world, escalation.reopen, actor="Kim Prov")
    before = anna.lines()
    assert anna.write(sample.PREMISES) == [*before, sample.PREMISES]


def test_yes_settles_it_and_buttons_stand_only_under_what_was_said_last(anna: Surfer) -> None:
    anna.write(sample.JOIN)
    assert "Ja" in anna.labels()
    assert "Skriv igen" in anna.press("Ja")[-1]
    assert "Ja" not in anna.labels()


def test_what_is_offered_while_they_wait_stands_as_buttons(desk: DeskWorld, anna: Surfer) -> None:
    asked = "Samverkan eller lokal?"
    desk.world.finds(asked, ("ga-med", 0.6))
    anna.write(asked)
    assert f"1. {sample.JOIN}" in anna.labels()
    assert "Annars svarar en föreningssamordnare dig senast" in anna.press(f"1. {sample.JOIN}")[-1]
    assert "Skriv igen" in anna.press("Ja")[-1]
    assert conversation(anna.world).status is ConversationStatus.RESOLVED


def test_a_returning_browser_is_not_greeted_anew(desk: DeskWorld, anna: Surfer) -> None:
    anna.write(sample.JOIN)
    desk.world.later(days=3)
    lines = anna.write(sample.PREMISES)
    assert sum("inte en människa" in line for line in lines) == 1
    assert count(desk.world, Conversation) == 2
    assert sample.JOIN in lines, "what was said before is still to be read"


def test_what_is_written_in_one_breath_is_read_as_one(anna: Surfer) -> None:
    anna.send(text="Hur blir vår förening")
    anna.world.later(seconds=1)
    assert anna.world.handle_next() is None
    anna.see()
    anna.send(text="medlem i samverkan?")
    lines = anna.pause()
    assert lines[:2] == ["Hur blir vår förening", "medlem i samverkan?"]
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("label", "says"),
    [("Människa", "föreningssamordnare"), ("Hjälp", "Skriv din fråga med egna ord"), ("Språk", "Which language")],
)
def test_commands_are_buttons(anna: Surfer, label: str, says: str) -> None:
    anna.write(sample.JOIN)
    assert says in anna.press(label)[-1]


def test_hiding_hides_says_so_and_deletes_nothing(anna: Surfer) -> None:
    anna.write(sample.OWN)
    lines = anna.press("Dölj min chatt")
    assert len(lines) == 1
    assert "Hos staden är inget borttaget" in lines[0]
    assert conversation(anna.world).messages[0].text == sample.OWN
    answer(anna.world, "Den har kommit fram.")
    assert "Den har kommit fram." in anna.pause()[-1], "an answer does not die with that"
    assert sample.PREMISES in anna.write(sample.PREMISES)
    assert count(anna.world, Conversation) == 2


def test_a_personal_number_is_not_shown_again_and_the_writer_is_told(anna: Surfer) -> None:
    lines = anna.write(f"{sample.JOIN} Mitt nummer är {PERSONAL_NUMBER}.")
    assert PERSONAL_NUMBER not in anna.page
    assert "Du skrev ett personnummer" in lines[-1]


# ------------------------------------------------------------------ nothing lost, nothing twice


def test_the_same_form_twice_is_one_message_and_with_other_words_another(anna: Surfer) -> None:
    anna.see()
    page = anna.page
    for text in (sample.JOIN, sample.JOIN, sample.PREMISES):
        anna.page = page
        assert anna.send(text=text) == 200
    assert count(anna.world, Message) == 2


def test_a_button_pressed_twice_is_one_wish(anna: Surfer) -> None:
    anna.write(sample.JOIN)
    found = re.search(r'name="press" value="(\d+:no)"', anna.page)
    assert found is not None
    for _ in range(2):
        anna.send(press=found[1])
    assert count(anna.world, Message) == 2


def test_a_button_of_somebody_elses_chat_is_none(desk: DeskWorld, anna: Surfer) -> None:
    anna.write(sample.JOIN)
    found = re.search(r'name="press" value="(\d+:no)"', anna.page)
    assert found is not None
    other = Surfer(desk)
    for pressed in (found[1], "999999:no", "x:y", "١:no", ":", "1:" + "a" * 900):
        other.see()
        assert other.send(press=pressed) == 409
    assert count(desk.world, Message) == 1


def test_another_browser_sees_nothing_of_it(desk: DeskWorld, anna: Surfer) -> None:
    anna.write(sample.JOIN)
    assert Surfer(desk).see().count('class="text"') == 0


def test_secrets_are_stored_as_hashes(desk: DeskWorld, anna: Surfer) -> None:
    anna.write(sample.OWN)
    anna.send("/chatt/na-mig", how="code")
    code = re.search(r'class="code">([^<]+)<', anna.page)
    assert code is not None
    with desk.world.sessions() as session:
        stored = {row.digest for row in session.scalars(select(ChatKey))}
    assert len(stored) == 2
    assert not stored & {anna.client.cookies["lokbot-chatt"], code[1], code[1].replace("-", "")}


# ------------------------------------------------------------------ reaching back


def test_how_to_reach_is_asked_after_the_question_is_with_a_person_and_never_where_it_is_urgent(
    desk: DeskWorld, anna: Surfer
) -> None:
    anna.write(sample.JOIN)
    assert "Hur når vi dig?" not in anna.page
    anna.press("Nej, jag vill prata med en människa")
    assert "Hur når vi dig?" in anna.page
    with desk.world.sessions() as session:
        mailed = session.scalars(select(OutboxItem).where(OutboxItem.kind == OutboxKind.NOTIFICATION)).all()
        assert mailed, "the coordinators know already"
    urgent = Surfer(desk)
    urgent.write(sample.RECORDS)
    assert conversation(desk.world).is_urgent
    assert "Hur når vi dig?" not in urgent.page


def test_friday_evenings_question_is_answered_on_monday_by_mail_too(desk: DeskWorld, anna: Surfer) -> None:
    desk.world.now = datetime(2026, 11, 27, 19, 30, tzinfo=UTC)  # a Friday evening
    receipt = anna.write(sample.OWN)[-1]
    assert "senast tisdag den 1 december" in receipt
    assert anna.send("/chatt/na-mig", how="to", to=" Anna@Forening.example ") == 200
    assert "anna@forening.example" in anna.page
    assert "Hur når vi dig?" not in anna.page
    desk.world.now = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    answer(desk.world, "Den har kommit fram.")
    assert "Den har kommit fram." in anna.pause()[-1]
    mails = [one for one in desk.world.sent if one.to[0].email == "anna@forening.example"]
    assert len(mails) == 1
    assert "Kim, föreningssamordnare på Helsingborgs stad:\n\nDen har kommit fram." in mails[0].text
    assert conversation(desk.world).case_number in mails[0].text
    assert mails[0].channel is ChannelName.MAIL
    anna.pause()
    assert len([one for one in desk.world.sent if one.to[0].email == "anna@forening.example"]) == 1


def test_friday_evenings_question_is_answered_on_monday_for_whoever_has_the_code(desk: DeskWorld, anna: Surfer) -> None:
    desk.world.now = datetime(2026, 11, 27, 19, 30, tzinfo=UTC)  # a Friday evening
    anna.write(sample.OWN)
    anna.send("/chatt/na-mig", how="code")
    code = re.search(r'class="code">([^<]+)<', anna.page)
    assert code is not None
    desk.world.now = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    answer(desk.world, "Den har kommit fram.")
    desk.world.later(seconds=2)
    work(desk.world)
    monday = Surfer(desk)
    assert monday.see().count('class="line ') == 0, "another computer"
    monday.see("/chatt/kod")
    assert monday.send("/chatt/kod", code=code[1]) == 200
    assert monday.lines()[0] == sample.OWN
    assert monday.lines()[-1] == "Kim, föreningssamordnare på Helsingborgs stad:\n\nDen har kommit fram."


def test_an_answer_to_that_mail_comes_to_the_same_case(desk: DeskWorld, anna: Surfer) -> None:
    anna.write(sample.OWN)
    anna.send("/chatt/na-mig", how="to", to="anna@forening.example")
    answer(desk.world, "Den har kommit fram.")
    anna.pause()
    (mail,) = (one for one in desk.world.sent if one.to[0].email == "anna@forening.example")
    case = desk.world.write("När får vi besked om ansökan?", in_reply_to=(mail.external_id,))
    assert case.conversation.id == conversation(desk.world).id
    assert case.conversation.status is ConversationStatus.WAITING


def test_a_suggestion_that_a_person_releases_goes_by_mail_too(sessions: Sessions) -> None:
    desk = DeskWorld(World(sessions, edited(SEND, answering=type(SEND.answering)())))
    anna = Surfer(desk)
    anna.write(sample.JOIN)
    anna.send("/chatt/na-mig", how="to", to="anna@forening.example")
    act(desk.world, escalation.release, actor="Kim Prov")
    anna.pause()
    assert [one.channel for one in desk.world.sent if one.to[0].email == "anna@forening.example"] == [ChannelName.MAIL]


def test_a_return_code_opens_the_chat_in_another_browser_for_thirty_days(desk: DeskWorld, anna: Surfer) -> None:
    anna.write(sample.OWN)
    anna.send("/chatt/na-mig", how="code")
    code = re.search(r'class="code">([^<]+)<', anna.page)
    assert code is not None
    answer(desk.world, "Den har kommit fram.")
    anna.pause()
    desk.world.later(days=29)
    other = Surfer(desk)
    other.see("/chatt/kod")
    assert other.send("/chatt/kod", code=f" {code[1].lower().replace('-', ' ').replace('0', 'o')} ") == 200
    assert "Den har kommit fram." in other.lines()[-1]
    desk.world.later(days=1, seconds=1)
    late = Surfer(desk)
    late.see("/chatt/kod")
    assert late.send("/chatt/kod", code=code[1]) == 404
    assert "öppnar ingen chatt" in late.page


def test_a_new_code_ends_the_old_one(desk: DeskWorld, anna: Surfer) -> None:
    anna.write(sample.OWN)
    codes = []
    for _ in range(2):
        anna.see()
        anna.send("/chatt/na-mig", how="code")
        found = re.search(r'class="code">([^<]+)<', anna.page)
        assert found is not None
        codes.append(found[1])
    other = Surfer(desk)
    for code, status in zip(codes, (404, 200), strict=True):
        other.see("/chatt/kod")
        assert other.send("/chatt/kod", code=code) == status


def test_codes_cannot_be_guessed_for_long(desk: DeskWorld) -> None:
    thief = Surfer(desk)
    thief.see("/chatt/kod")
    statuses = [thief.send("/chatt/kod", code=f"AAAA-BBBB-{number:04d}") for number in range(12)]
    assert statuses == [404] * limits.CODES_FROM_A_PLACE + [429] * 2
    desk.world.now += limits.CODE_WINDOW + timedelta(seconds=1)
    assert thief.send("/chatt/kod", code="AAAA-BBBB-CCCC") == 404


@pytest.mark.parametrize("given", ["inget", "anna@", "12", "a" * 400 + "@b.example", "<script>@x"])
def test_what_is_neither_mail_nor_telephone_is_not_kept(anna: Surfer, given: str) -> None:
    anna.write(sample.OWN)
    assert anna.send("/chatt/na-mig", how="to", to=given) in (200, 409)
    stored = conversation(anna.world).reach_by
    assert stored in (None, given if "script" in given else None)


def test_nobody_has_to_say_and_is_not_asked_again(anna: Surfer) -> None:
    anna.write(sample.OWN)
    assert anna.send("/chatt/na-mig", how="no") == 200
    assert "Hur når vi dig?" not in anna.page
    assert "Hur når vi dig?" not in anna.see()
    assert conversation(anna.world).reach_by == ""


def test_a_telephone_number_is_shown_to_whoever_answers(desk: DeskWorld, anna: Surfer) -> None:
    anna.write(sample.OWN)
    anna.send("/chatt/na-mig", how="to", to="070-123 45 67")
    kim = desk.person()
    page = kim.see(f"/arenden/{conversation(desk.world).case_number}")
    assert "0701234567" in page
    answer(desk.world, "Vi ringer.")
    anna.pause()
    assert {one.channel for one in desk.world.sent} == {ChannelName.MAIL}, "to the coordinators only"
    assert all("Vi ringer." not in one.text for one in desk.world.sent)


def test_the_desk_tells_of_a_chat_in_words(desk: DeskWorld, anna: Surfer) -> None:
    """Neither the made-up address of a chat nor the name of a door is anybody's name."""
    anna.write(sample.JOIN)
    anna.press("Nej, jag vill prata med en människa")
    anna.write("Är ni där?")
    anna.send("/chatt/na-mig", how="to", to="anna@forening.example")
    case, kim = conversation(desk.world), desk.person()
    with desk.world.sessions() as session:
        address = session.scalars(select(Contact.address)).one()
    for page in (kim.see("/arenden?mapp=alla"), kim.see(f"/arenden/{case.case_number}")):
        assert "Någon i chatten" in page
        assert address not in page
    page = kim.see(f"/arenden/{case.case_number}")
    assert "</time> Den som skrev sa hur ett svar når fram" in page
    assert "Tryckte på eller skrev kommandot: Nej, jag vill prata med en människa" in page
    assert "<p>Nej, jag vill prata" not in page
    assert page.count("Ärendet gick till en person") == 1


def test_an_answer_does_not_die_with_the_browsers_secret(desk: DeskWorld, anna: Surfer) -> None:
    anna.write(sample.OWN)
    anna.send("/chatt/na-mig", how="to", to="anna@forening.example")
    with desk.world.sessions.begin() as session:
        for key in session.scalars(select(ChatKey)):
            session.delete(key)
    answer(desk.world, "Den har kommit fram.")
    anna.deliver()
    with desk.world.sessions() as session:
        sent = session.scalars(select(OutboxItem).where(OutboxItem.kind == OutboxKind.ANSWER)).all()
        assert {(item.channel, item.status) for item in sent} == {
            (ChannelName.WEBCHAT, OutboxStatus.SENT),
            (ChannelName.MAIL, OutboxStatus.SENT),
        }


def test_a_copy_is_mailed_to_whoever_asks_a_few_times_a_day(desk: DeskWorld, anna: Surfer) -> None:
    anna.write(f"{sample.JOIN} {PERSONAL_NUMBER}")
    statuses = []
    for _ in range(limits.COPIES + 1):
        anna.see()
        statuses.append(anna.send("/chatt/kopia", to="anna@forening.example"))
    assert statuses == [200] * limits.COPIES + [429]
    anna.pause()
    copies = [one for one in desk.world.sent if one.to[0].email == "anna@forening.example"]
    assert len(copies) == limits.COPIES
    assert sample.JOIN in copies[0].text
    assert PERSONAL_NUMBER not in copies[0].text
    assert "Automatiskt svar" in copies[0].text


# ------------------------------------------------------------------ limits and who may send


def test_a_form_without_its_secret_is_refused_and_its_words_stay(anna: Surfer) -> None:
    anna.see()
    response = anna.client.post("/chatt", data={"text": "Mina ord", "csrf": "fel", "nonce": "1"})
    assert response.status_code == 403
    assert "Mina ord" in response.text
    anna.client.cookies.clear()
    response = anna.client.post("/chatt", data={"text": "Mina ord", "csrf": anna.hidden("csrf"), "nonce": "1"})
    assert response.status_code == 403
    assert "sparar inga kakor" in response.text
    assert count(anna.world, Message) == 0


def test_a_form_from_another_site_is_refused(anna: Surfer) -> None:
    anna.write(sample.OWN)
    hidden = {name: anna.hidden(name) for name in ("csrf", "nonce")}
    for origin in ("https://annan.example", "null"):
        for path, fields in (("/chatt", {"text": "x"}), ("/chatt/kopia", {"to": "x@annan.example"})):
            response = anna.client.post(path, data={**hidden, **fields}, headers={"origin": origin})
            assert response.status_code == 403
    assert count(anna.world, Message) == 1
    anna.pause()
    assert all("annan.example" not in one.to[0].email for one in anna.world.sent)


@pytest.mark.parametrize("panel", [False, True])
def test_the_page_leads_to_what_the_law_demands(desk: DeskWorld, panel: bool) -> None:
    anna = Surfer(desk, panel=panel)
    page = anna.see()
    for path in ("/tillganglighet", "/personuppgifter"):
        assert f'href="{path}"' in page
        assert anna.client.get(path).status_code == 200


def test_the_cookies_say_who_may_have_them(desk: DeskWorld) -> None:
    page = Surfer(desk).client.get("/chatt").headers
    assert re.fullmatch(r"lokbot-chatt=[\w-]{43}; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax", page["set-cookie"])
    assert page["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in page["content-security-policy"]
    panel = Surfer(desk, panel=True).client.get("/chatt?panel=1").headers
    assert re.fullmatch(
        r"lokbot-panel=[\w-]{43}; Max-Age=2592000; Path=/; HttpOnly; Secure; SameSite=None; Partitioned",
        panel["set-cookie"],
    )


def test_only_listed_pages_may_show_the_panel(desk: DeskWorld) -> None:
    with_chat(desk, embed_on=("https://foreningar.stad.example",))
    headers = Surfer(desk, panel=True).client.get("/chatt?panel=1").headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'self' https://foreningar.stad.example" in policy
    assert "script-src 'self'; style-src 'self'" in policy
    assert "x-frame-options" not in headers
    loader = Surfer(desk).client.get("/chat.js")
    assert loader.headers["content-type"] == "text/javascript; charset=utf-8"
    assert loader.headers["cross-origin-resource-policy"] == "cross-origin"


def test_the_panel_is_a_chat_as_good_as_the_page(desk: DeskWorld) -> None:
    anna = Surfer(desk, panel=True)
    anna.client.headers["origin"] = "https://localhost:8080"
    assert "Löste det din fråga?" in anna.write(sample.JOIN)[-1]
    anna.press("Nej, jag vill prata med en människa")
    assert "Hur når vi dig?" in anna.page


def test_too_many_messages_are_refused_with_their_words_kept(desk: DeskWorld) -> None:
    with_chat(desk, per_minute=3)
    anna = Surfer(desk)
    statuses = []
    for number in range(5):
        anna.see()
        statuses.append(anna.send(text=f"Fråga {number}"))
    assert statuses == [200, 200, 200, 429, 429]
    assert "Fråga 4" in anna.page
    assert "Inget är skickat" in anna.page
    assert count(desk.world, Message) == 3
    desk.world.later(seconds=61)
    anna.see()
    assert anna.send(text="Fråga 6") == 200


def test_one_place_can_write_so_much_in_an_hour(desk: DeskWorld) -> None:
    with_chat(desk, per_place_per_hour=4)
    statuses = []
    for number in range(6):
        one = Surfer(desk)
        one.see()
        statuses.append(one.send(text=f"Fråga {number}"))
    assert statuses == [200] * 4 + [429] * 2


def test_a_closed_chat_has_no_pages(desk: DeskWorld) -> None:
    with_chat(desk, web=False)
    client = Surfer(desk).client
    for path in ("/chatt", "/chatt/kod", "/chat.js", "/chatt/fil/1"):
        assert client.get(path).status_code == 404
    assert client.post("/chatt", data={"text": "x"}).status_code == 404
    assert client.get("/chatt/handelser").status_code == 204


def test_a_form_that_is_far_too_large_is_not_read(desk: DeskWorld) -> None:
    with_chat(desk, max_file_bytes=1000)
    anna = Surfer(desk)
    anna.see()
    body = {"csrf": anna.hidden("csrf"), "nonce": "1", "text": "x" * (1000 + chat.WORDS_BYTES)}
    assert anna.client.post("/chatt", data=body).status_code == 413
    assert count(desk.world, Message) == 0


# ------------------------------------------------------------------ files


def test_a_pdf_goes_to_a_person_and_is_kept(desk: DeskWorld, anna: Surfer) -> None:
    anna.see()
    assert anna.send(text="", file=("../../proto\u202ekoll.pdf", PDF.content, "application/pdf")) == 200
    lines = anna.pause()
    assert "Vi har sparat det du skickade" in lines[-1]
    case = conversation(desk.world)
    assert case.status is ConversationStatus.WAITING
    with desk.world.sessions() as session:
        message = session.scalars(select(Message)).one()
        assert [(one.name, one.content_type) for one in message.attachments] == [("protokoll.pdf", "application/pdf")]


@pytest.mark.parametrize(
    ("name", "content", "declared"),
    [
        ("protokoll.pdf", b"MZ\x90\x00", "application/pdf"),
        ("bild.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/png"),
        ("sida.html", b"<!doctype html><script>alert(1)</script>", "text/html"),
        ("tom.pdf", b"", "application/pdf"),
        ("stor.pdf", b"%PDF-1.4" + b" " * 2000, "application/pdf"),
    ],
)
def test_a_file_of_another_kind_or_size_is_refused_and_the_words_stay(
    desk: DeskWorld, name: str, content: bytes, declared: str
) -> None:
    with_chat(desk, max_file_bytes=1000)
    anna = Surfer(desk)
    anna.see()
    assert anna.send(text="Här är det", file=(name, content, declared)) == 409
    assert "Här är det" in anna.page
    assert "Inget är skickat" in anna.page
    assert count(desk.world, Message) == 0


def test_a_file_with_a_persons_answer_can_be_fetched_by_that_chat_only(desk: DeskWorld, anna: Surfer) -> None:
    anna.write(sample.OWN)
    act(
        desk.world,
        escalation.coordinator_reply,
        "Blanketten följer med.",
        actor="Kim Prov",
        settings=desk.world.settings,
        attachments=(PDF,),
    )
    anna.pause()
    path = re.search(r'href="(/chatt/fil/\d+)"', anna.page)
    assert path is not None
    response = anna.client.get(path[1])
    assert response.content == PDF.content
    assert response.headers["content-disposition"].startswith("attachment")
    assert Surfer(desk).client.get(path[1]).status_code == 404


# ------------------------------------------------------------------ hostile words


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)><script>alert(2)</script>",
        "</textarea><script>alert(1)</script>",
        "\u202e\u202d\u2066 rtl \u2067 override",
        "\u200b" * 5000 + "x",
        "🎉🎉🎉",
        "'; DROP TABLE messages; --",
        "{{ 7*7 }} {% include 'base.html' %} ${7*7} #{7*7}",
        "http://[::1]:80/ javascript:alert(1) https://ond.example/<b>",
        "a\r\n\r\nb\x00\x1b[31mröd",
        "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace") + "½",
    ],
)
def test_hostile_words_are_stored_and_shown_as_words(anna: Surfer, text: str) -> None:
    assert anna.send(text=text) == 200
    shown = anna.pause()[0]
    for bad in ("<script>alert", "<img src=x", "<b>"):
        assert bad not in anna.page
    assert 'class="line asker"' in anna.page
    assert 'dir="auto"' in anna.page
    kim = anna.desk.person()
    page = kim.see(f"/arenden/{conversation(anna.world).case_number}")
    assert "<script>alert" not in page
    with anna.world.sessions() as session:
        kept = session.scalars(select(Message.text)).one()
    assert kept == text.replace("\x00", "").replace("\x1b", "")
    assert re.sub(r"\s+", " ", shown) == re.sub(r"\s+", " ", kept).strip()
    assert kept.splitlines()[0] in unescape(page)


def test_a_hundred_thousand_letters_are_kept_whole_and_read_by_a_person(desk: DeskWorld, anna: Surfer) -> None:
    text = "Vår förening undrar. " * 5000
    anna.see()
    assert anna.send(text=text) == 200
    anna.pause()
    case = conversation(desk.world)
    assert case.status is ConversationStatus.WAITING
    with desk.world.sessions() as session:
        message = session.scalars(select(Message)).one()
        assert len(message.text) <= desk.world.settings.chat.max_letters + 2
        (whole,) = message.attachments
        assert (whole.name, whole.size) == ("meddelande.txt", len(text.encode()))
        assert text.encode() in message.raw


# ------------------------------------------------------------------ language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "sv"),
        ("en-GB,en;q=0.9", "en"),
        ("sv;q=0.5,en;q=0.8", "en"),
        ("ar,en;q=0.3", "en"),
        ("de", "sv"),
        ("en;q=0, sv;q=0.1", "sv"),
        ("en;q=x,,;;q=,sv", "sv"),
        ("," * 5000, "sv"),
    ],
)
def test_the_language_follows_the_browser(header: str, language: str) -> None:
    assert chat.preferred(header) == language


def test_the_language_can_be_chosen_by_its_name_and_is_kept(desk: DeskWorld) -> None:
    anna = Surfer(desk)
    page = anna.see()
    assert re.search(r'<a href="\?sprak=en" lang="en"[^>]*>English</a>', page)
    english = anna.client.get("/chatt?sprak=en").text
    assert '<html lang="en"' in english
    assert "Write your question" in english
    anna.see()
    anna.write(sample.JOIN)
    lines = anna.press("English")
    assert "You get answers in English" in lines[-1]
    assert '<html lang="en"' in anna.see(), "the page follows"
    assert 'aria-current="true">English' in anna.page


# ------------------------------------------------------------------ erasing


def test_an_erased_chat_is_opened_by_nothing(desk: DeskWorld, anna: Surfer) -> None:
    from lokbot import records

    anna.write(sample.OWN)
    anna.send("/chatt/na-mig", how="to", to="anna@forening.example")
    act(desk.world, escalation.resolve, actor="Kim")
    anna.pause()
    act(desk.world, records.erase, decision="Beslut 1", actor="Chef", source="cli")
    assert anna.see().count('class="line ') == 0
    assert count(desk.world, ChatKey) == 0
    assert conversation(desk.world).reach_by is None
    assert anna.write(sample.JOIN)[0] == sample.JOIN


def test_the_stream_is_for_whoever_has_a_chat(desk: DeskWorld, anna: Surfer) -> None:
    assert anna.client.get("/chatt/handelser").status_code == 204
    anna.client.cookies.set("lokbot-chatt", keys.new_token())
    assert anna.client.get("/chatt/handelser").status_code == 204


def test_news_with_a_lower_number_than_the_newest_wake_their_stream_too(desk: DeskWorld, anna: Surfer) -> None:
    """On PostgreSQL whoever commits last may have the lower number."""
    bo = Surfer(desk)
    cases = []
    for one in (anna, bo):
        one.write(sample.OWN)
        cases.append(conversation(desk.world))
    watch = Watch(desk.world.sessions)
    watch.changed()
    assert watch.changed() == set()
    found = []
    for number, case in ((9000, cases[0]), (8999, cases[1])):
        with desk.world.sessions.begin() as session:
            session.add(Event(id=number, at=NOW, actor="bot", verb="sent", conversation_id=case.id, detail={}))
        found.append(watch.changed())
    with desk.world.sessions() as session:
        contacts = [session.get_one(Contact, case.contact_id) for case in cases]
    assert found == [{contact.address} for contact in contacts]
    assert watch.changed() == set()


def test_two_first_messages_at_once_are_one_chat(desk: DeskWorld) -> None:
    token = keys.new_token()
    with desk.world.sessions.begin() as session:
        first = keys.begin(session, token, now=NOW)
    with desk.world.sessions.begin() as session:
        assert keys.begin(session, token, now=NOW) == first
        assert queries.contact_at(session, ChannelName.WEBCHAT, first, "", now=NOW).address == first


# ------------------------------------------------------------------ many at once


def test_what_is_due_in_many_chats_is_shown_in_one_commit(desk: DeskWorld) -> None:
    surfers = [Surfer(desk) for _ in range(3)]
    for surfer in surfers:
        surfer.send(text=sample.JOIN)
    desk.world.later(seconds=3)
    while desk.world.handle_next():
        pass
    commits: list[str] = []
    event.listen(desk.world.sessions.kw["bind"], "commit", lambda _: commits.append("commit"))
    assert len(show(desk.world)) == 6, "a greeting and an answer each"
    assert len(commits) == 1
    assert [surfer.see().count('class="line bot"') for surfer in surfers] == [2, 2, 2]
    commits.clear()
    assert show(desk.world) == ()
    assert commits == [], "to look whether anything is due writes nothing"


@pytest.mark.parametrize("place", range(10))
def test_a_page_never_says_that_it_has_what_it_does_not_show(desk: DeskWorld, anna: Surfer, place: int) -> None:
    """An answer is shown between two statements of a page. On PostgreSQL the later one sees it, the earlier did not."""
    anna.send(text=sample.JOIN)
    desk.world.later(seconds=3)
    while desk.world.handle_next():
        pass
    statements: list[str] = []

    def meanwhile(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)
        if len(statements) == place + 1:
            show(desk.world)

    engine = desk.world.sessions.kw["bind"]
    event.listen(engine, "after_cursor_execute", meanwhile)
    page = anna.see()
    event.remove(engine, "after_cursor_execute", meanwhile)
    assert len(statements) > place, "nothing was shown meanwhile"
    mark = re.search(r'data-mark="([^"]+)"', page)
    assert mark is not None
    with desk.world.sessions() as session:
        latest = showing.stamp(session, session.scalars(select(Contact.address)).one())
    assert mark[1] != latest or "Automatiskt svar från" in page


def test_one_that_cannot_be_shown_is_set_aside_and_the_others_are_shown(desk: DeskWorld) -> None:
    anna, bo = Surfer(desk), Surfer(desk)
    anna.send(text=sample.JOIN)
    bo.send(text=sample.POLICE)
    desk.world.later(seconds=3)
    while desk.world.handle_next():
        pass

    class Failing(WebChannel):
        def send(self, message: OutgoingMessage) -> bytes:
            if "Skicka styrelsens beslut." in message.text:
                raise KeyError(message.text)
            return super().send(message)

    doors: dict[ChannelName, Sender] = {**dict.fromkeys(ChannelName, desk.world), ChannelName.WEBCHAT: Failing()}
    assert show(desk.world, Failing()) == ()
    assert anna.see().count('class="line bot"') == 0, "all of it or nothing"
    while delivery.deliver_next(
        desk.world.sessions,
        doors,
        desk.world.settings,
        desk.world.active.knowledge,
        worker="w",
        now=desk.world.now,
    ):
        pass
    assert bo.see().count('class="line bot"') == 2
    assert anna.see().count('class="line bot"') == 1
    with desk.world.sessions() as session:
        failed = session.scalars(select(OutboxItem).where(OutboxItem.status == OutboxStatus.FAILED)).all()
        assert [(item.kind, item.channel) for item in failed] == [(OutboxKind.REPLY, ChannelName.WEBCHAT)]


def test_what_is_asked_in_a_chat_is_read_before_older_mail(desk: DeskWorld, anna: Surfer) -> None:
    mails = [desk.world.store(f"Hur lånar vi lokal nummer {number}?") for number in range(3)]
    anna.send(text=sample.JOIN)
    desk.world.later(seconds=3)
    with desk.world.sessions() as session:
        asked = session.scalars(select(Message.id).where(Message.channel == ChannelName.WEBCHAT)).all()
    assert [desk.world.handle_next() is not None for _ in asked] == [True]
    with desk.world.sessions() as session:
        handled = session.scalars(select(Message.id).where(Message.state == MessageState.HANDLED)).all()
    assert handled == asked
    assert [number for number, _ in desk.world.handle_waiting(most=10)] == mails
