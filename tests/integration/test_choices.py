"""What coordinators set in the desk: it holds at once, says where it comes from, and nothing is written over unseen."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from lokbot import desk_settings, desk_texts, telegram_links
from lokbot.config import Answering, Promise, Settings, TelegramSettings, TextsSettings
from lokbot.desk_settings import NotUsable
from lokbot.model import AnsweringMode, ChannelName, OutboxKind, OutboxStatus, Role
from lokbot.store.schema import AuditEntry, DeskSetting, TelegramLink
from lokbot.store.session import Sessions
from lokbot.web.app import create_app
from tests import sample_knowledge as sample
from tests.integration.browser import DeskWorld, Person, hidden
from tests.integration.world import SUGGEST, World, edited

RECEIPT = "phrase-sv-receipt.next"
NEW_RECEIPT = "Nu läser en person det. Svaret kommer senast {answer_by}."
KULTUR = "administration-kultur"


@pytest.fixture
def desk(sessions: Sessions) -> DeskWorld:
    return DeskWorld(World(sessions, SUGGEST))


def text_of(page: str) -> str:
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


def set_it(person: Person, name: str, **fields: str) -> tuple[int, str]:
    """Open the setting's page, and send its form."""
    page = person.see(f"/installningar/{name}")
    seen = re.findall(r'name="seen" value="([^"]*)"', page)[0]
    return person.do(f"/installningar/{name}", **{"seen": seen, **fields})


def as_it_holds(desk: DeskWorld) -> Settings:
    """What every process reads before it does anything."""
    with desk.world.sessions() as session:
        return desk_settings.current(session, desk.service.settings)


def work_with_it(desk: DeskWorld) -> World:
    """The world as a worker's next turn has it."""
    world = desk.world
    world.settings = as_it_holds(desk)
    with world.sessions() as session:
        knowledge = desk_texts.current(session, world.active.knowledge)
    world.active = replace(world.active, knowledge=knowledge)
    return world


# ------------------------------------------------------------------ each of them


def test_the_page_shows_every_group_and_where_each_value_comes_from(desk: DeskWorld) -> None:
    kim = desk.person()
    page = text_of(kim.see("/installningar"))
    for title in (
        "Öppettider och stängda dagar",
        "Vem som är på plats",
        "När boten svarar själv",
        "Mallar och signaturer",
        "Fasta fraser",
        "Förvaltningarnas adresser",
        "Samordnarna i Telegram",
    ):
        assert title in page
    assert "Dagen slutar Gäller nu: 16.00 Från filen." in page
    assert set_it(kim, "day-ends", value="15.30") == (303, "/installningar/day-ends?klart=saved")
    page = text_of(kim.see("/installningar"))
    assert re.search(r"Dagen slutar Gäller nu: 15\.30 Från skrivbordet\. Senast ändrat av Kim Sand,", page)
    with desk.world.sessions() as session:
        assert [one.detail for one in session.scalars(select(AuditEntry).where(AuditEntry.act == "set"))] == [
            {"setting": "day-ends"}
        ]


def test_closed_days_and_hours_are_kept_by_the_next_receipt(desk: DeskWorld) -> None:
    kim = desk.person()
    assert set_it(kim, "closed-days", value="2026-03-03\n2026-03-04")[0] == 303
    case = work_with_it(desk).write(sample.OWN)
    assert str(case.conversation.answer_by) == "2026-03-05"
    assert "2026-03-03" in kim.see("/installningar")


@pytest.mark.parametrize(
    ("name", "fields", "told"),
    [
        ("closed-days", {"value": "i morgon"}, "är inget datum"),
        ("closed-days", {"value": "\n".join(f"2{n:03}-01-01" for n in range(401))}, "Högst 400"),
        ("day-ends", {"value": "kvart i"}, "Klockslaget ska skrivas"),
        ("day-ends", {"value": "07:00"}, "Den ska börja före den slutar"),
        ("working-days", {"value": "31"}, "mellan 0 och 30"),
        ("working-days", {"value": "-1"}, "mellan 0 och 30"),
        ("undo-minutes", {"value": "121"}, "mellan 0 och 120"),
        ("answering-default", {"value": "follow"}, "Välj ett av sätten"),
        ("answering-channel-mail", {"value": "alltid"}, "Välj ett av sätten"),
        ("telegram-group", {"value": "100123"}, "börjar med minus"),
        (KULTUR, {"address": "kultur"}, "är ingen mejladress"),
        (KULTUR, {"address": "lok@stad.example"}, "botens egen adress"),
        (KULTUR, {"address": "", "auto_forward": "1"}, "behövs en mejladress"),
        (RECEIPT, {"act": "draft", "text": "Vi svarar."}, "saknar {answer_by}"),
        (RECEIPT, {"act": "draft", "text": "{answer_by} {case}"}, "{case} fylls inte i"),
        (RECEIPT, {"act": "draft", "text": "{answer_by} {"}, "En klammer saknar"),
        (RECEIPT, {"act": "draft", "text": "{answer_by!r}"}, "saknar {answer_by}"),
        (RECEIPT, {"act": "draft", "text": " "}, "Frasen är tom"),
        (RECEIPT, {"act": "draft", "text": "{answer_by}" + "x" * 4000}, "Den får ha 4000"),
        (RECEIPT, {"act": "preview", "text": "Vi svarar."}, "saknar {answer_by}"),
        (RECEIPT, {"act": "approve"}, "inget utkast"),
        ("phrase-sv-button.yes", {"act": "draft", "text": "Ja" * 31}, "Den får ha 60"),
    ],
)
def test_bad_input_names_the_place_and_the_remedy(
    desk: DeskWorld, name: str, fields: dict[str, str], told: str
) -> None:
    kim = desk.person()
    status, page = set_it(kim, name, **fields)
    assert status == 409
    assert told in text_of(page)
    written = next(iter(fields.values())) if "act" not in fields else fields.get("text", "")
    is_shown = written.split("\n")[0].strip() in unescape(page)
    assert is_shown or name.startswith("answering"), "what was written stands there still"
    with desk.world.sessions() as session:
        assert session.scalars(select(DeskSetting)).all() == []


@pytest.mark.parametrize(
    "name",
    [
        *(
            "finns-inte",
            "answering-channel-fax",
            "answering-topic-finnsinte",
            "phrase-sv-finns.inte",
            "phrase-xx-hello",
        ),
        *("administration-finnsinte", "administration-samordnare", "absence-999", "absence-x", "template-1", "draft-x"),
    ],
)
def test_what_is_no_setting_has_no_page_and_takes_nothing(desk: DeskWorld, name: str) -> None:
    kim = desk.person()
    assert kim.client.get(f"/installningar/{name}").status_code == 404
    assert kim.do(f"/installningar/{name}", value="send", seen=desk_settings.stamp(None))[0] == 404
    assert kim.do(f"/installningar/{name}/tillbaka", change="file", seen=desk_settings.stamp(None))[0] == 404


def test_a_mode_per_channel_and_topic_holds_for_the_next_message(desk: DeskWorld) -> None:
    kim = desk.person()
    topic = sample.knowledge().articles["ga-med"].topic
    held = work_with_it(desk).write(sample.JOIN)
    assert held.items(OutboxKind.REPLY, status=OutboxStatus.HELD)
    assert set_it(kim, "answering-channel-mail", value="send")[0] == 303
    assert work_with_it(desk).write(sample.JOIN, message_id="2@x.example").told()[0].kind is OutboxKind.REPLY
    assert set_it(kim, f"answering-topic-{topic}", value="suggest")[0] == 303
    third = work_with_it(desk).write(sample.JOIN, message_id="3@x.example")
    assert third.items(OutboxKind.REPLY, status=OutboxStatus.HELD)
    page = text_of(kim.see("/installningar"))
    assert "Boten skickar godkända svar själv Från skrivbordet" in page


def test_a_channel_or_topic_of_the_file_may_follow_again() -> None:
    file = Settings(
        answering=Answering(
            default=AnsweringMode.SEND,
            channels={ChannelName.MAIL: AnsweringMode.SUGGEST},
            topics={"bidrag": AnsweringMode.SUGGEST},
        )
    )
    found = desk_settings._answering(
        {"answering-channel-mail": "follow", "answering-topic-bidrag": "follow"}, file.answering
    )
    assert found.mode(ChannelName.MAIL, "bidrag") is AnsweringMode.SEND
    assert file.answering.mode(ChannelName.MAIL, "bidrag") is AnsweringMode.SUGGEST


def test_an_administration_gets_its_address_and_what_comes_goes_there_by_itself(desk: DeskWorld) -> None:
    kim = desk.person()
    assert set_it(kim, KULTUR, address="Kultur@Stad.example", auto_forward="1")[0] == 303
    world = work_with_it(desk)
    owner = world.active.knowledge.administrations["kultur"]
    assert (owner.address, owner.auto_forward) == ("kultur@stad.example", True)
    assert owner.approved_by == desk.current().knowledge.administrations["kultur"].approved_by
    assert "kultur@stad.example, av sig själv" in text_of(kim.see("/installningar"))


def test_a_colleague_is_away_and_who_set_it_is_kept(desk: DeskWorld) -> None:
    kim, alex = desk.person(), desk.account("alex@stad.example", "Alex Berg")
    name = f"absence-{alex.id}"
    assert set_it(kim, name, until="2099-01-02", deputy="kim@stad.example")[0] == 303
    assert desk.user("alex@stad.example").deputy == "kim@stad.example"
    page = text_of(kim.see(f"/installningar/{name}"))
    assert "Borta till och med 2099-01-02. Ersättare: kim@stad.example" in page
    assert "Från: På plats" in page
    for fields in ({"until": "snart"}, {"deputy": "x"}, {"deputy": "alex@stad.example"}):
        assert set_it(kim, name, **{"until": "2099-01-02", "deputy": "kim@stad.example", **fields})[0] == 409
    own = {"name": "Kim Sand", "language": "sv", "deputy": "", "seen": hidden(kim.see("/konto"), "seen")}
    kim.do("/konto", absent_until="2098-01-01", **own)
    status, page = kim.do("/konto", absent_until="", **own)
    assert (status, "Inget är sparat" in page) == (409, True), "written from a page that shows what held before"
    mine = text_of(kim.see(f"/installningar/absence-{desk.user('kim@stad.example').id}"))
    assert "Borta till och med 2098-01-01" in mine


# ------------------------------------------------------------------ history, and two at once


def test_an_earlier_value_and_the_files_are_one_click_away(desk: DeskWorld) -> None:
    kim = desk.person()
    for value in ("2", "3"):
        assert set_it(kim, "working-days", value=value)[0] == 303
    page = kim.see("/installningar/working-days")
    assert "Från: 2 arbetsdagar Till: 3 arbetsdagar" in text_of(page)
    (again,) = re.findall(r'name="change" value="(\d+)"', page)
    seen = hidden(page, "seen")
    assert kim.do("/installningar/working-days/tillbaka", change=again, seen=seen)[0] == 303
    assert as_it_holds(desk).promise.working_days == 2
    assert kim.do("/installningar/working-days/tillbaka", change="file", seen=seen)[0] == 409, "it has changed since"
    seen = hidden(kim.see("/installningar/working-days"), "seen")
    assert kim.do("/installningar/working-days/tillbaka", change="file", seen=seen)[0] == 303
    assert as_it_holds(desk).promise.working_days == Promise().working_days
    assert "Från filen" in text_of(kim.see("/installningar/working-days"))
    seen = hidden(kim.see("/installningar/day-ends"), "seen")
    assert kim.do("/installningar/day-ends/tillbaka", change=again, seen=seen)[0] == 409, "that is another's history"


@pytest.mark.parametrize(
    ("name", "mine", "theirs"),
    [
        ("working-days", {"value": "5"}, {"value": "4"}),
        (KULTUR, {"address": "a@stad.example"}, {"address": "b@stad.example"}),
        (RECEIPT, {"text": NEW_RECEIPT}, {"text": "Vi svarar {answer_by}."}),
        ("answering-channel-mail", {"value": "send"}, {"value": "suggest"}),
    ],
)
def test_of_two_who_edit_at_once_the_second_is_told_and_nothing_is_lost(
    desk: DeskWorld, name: str, mine: dict[str, str], theirs: dict[str, str]
) -> None:
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    seen = hidden(kim.see(f"/installningar/{name}"), "seen")
    assert set_it(alex, name, **theirs)[0] == 303
    status, page = kim.do(f"/installningar/{name}", seen=seen, **mine)
    assert status == 409
    assert "Någon annan ändrade samma sak" in page
    for value in (*mine.values(), *theirs.values()):
        assert value in page or desk_texts.example(value) in page or "answering" in name
    assert kim.do(f"/installningar/{name}", seen=hidden(page, "seen"), **mine)[0] == 303, "knowing of it, they may"


def test_of_two_who_edit_a_template_the_second_is_told(desk: DeskWorld) -> None:
    kim = desk.person()
    kim.do("/mallar", key="", name="Tack", sv="Tack!", en="", seen="")
    page = kim.see("/mallar")
    key = re.findall(r'name="key" value="(template-[0-9a-f]+)"', page)[0]
    seen = re.findall(r'name="seen" value="([0-9a-f]+)"', page)[0]
    assert kim.do("/mallar", key=key, name="Tack", sv="Tack så mycket!", en="", seen=seen)[0] == 303
    status, page = kim.do("/mallar", key=key, name="Tack", sv="Tack igen!", en="", seen=seen)
    assert status == 409
    assert "Någon annan ändrade samma sak" in page
    assert kim.do("/mallar", key=key, name="Tack", sv="", en="", remove="1", seen=seen)[0] == 409


# ------------------------------------------------------------------ phrases


def approve(person: Person, name: str) -> tuple[int, str]:
    return set_it(person, name, act="approve")


def test_a_phrase_is_said_once_it_is_approved_by_name_and_no_sooner(desk: DeskWorld) -> None:
    kim = desk.person()
    status, page = set_it(kim, RECEIPT, act="preview", text=NEW_RECEIPT)
    assert status == 200
    assert "Svaret kommer senast fredag den 27 november." in page
    assert set_it(kim, RECEIPT, act="draft", text=NEW_RECEIPT)[0] == 303
    assert "Nu läser en person" not in work_with_it(desk).write(sample.OWN).told()[0].text
    assert "Utkast väntar" in kim.see("/installningar")
    assert approve(kim, RECEIPT)[0] == 303
    case = work_with_it(desk).write(sample.OWN, message_id="2@x.example")
    assert "Nu läser en person det." in case.told()[0].text
    page = text_of(kim.see(f"/installningar/{RECEIPT}"))
    assert "Godkänd av Kim Sand" in page
    seen = re.findall(r'name="seen" value="([^"]*)"', kim.see(f"/installningar/{RECEIPT}"))[-1]
    assert kim.do(f"/installningar/{RECEIPT}/tillbaka", change="file", seen=seen)[0] == 303
    with desk.world.sessions() as session:
        said = desk_texts.current(session, sample.knowledge())
    assert said.phrases == sample.phrases()


def test_a_second_person_approves_where_the_house_demands_it(desk: DeskWorld) -> None:
    desk.service = replace(
        desk.service, settings=edited(desk.service.settings, texts=TextsSettings(second_person=True))
    )
    desk.app = create_app(desk.service, desk, now=lambda: desk.world.now)
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    assert set_it(kim, RECEIPT, act="draft", text=NEW_RECEIPT)[0] == 303
    status, page = approve(kim, RECEIPT)
    assert status == 409
    assert "Be en kollega" in page
    assert approve(alex, RECEIPT)[0] == 303


def test_what_is_approved_is_what_was_read(desk: DeskWorld) -> None:
    kim, alex = desk.person(), desk.person("alex@stad.example", "Alex Berg")
    set_it(kim, RECEIPT, act="draft", text=NEW_RECEIPT)
    seen = hidden(alex.see(f"/installningar/{RECEIPT}"), "seen")
    set_it(kim, RECEIPT, act="draft", text="Något helt annat, {answer_by}.")
    assert alex.do(f"/installningar/{RECEIPT}", act="approve", seen=seen)[0] == 409
    assert set_it(alex, RECEIPT, act="drop")[0] == 303
    assert "Något helt annat" not in alex.see("/installningar")


def test_a_text_that_fits_no_more_is_not_said(sessions: Sessions) -> None:
    """After an update of lokbot whose sentence has room for another word."""
    world = World(sessions)
    with sessions.begin() as session:
        row = {"text": "Hej {borta}", "approved_by": "Kim", "written_by": "kim"}
        session.add(DeskSetting(name=RECEIPT, value=row, changed_by="kim", changed_at=world.now))
        session.add(DeskSetting(name="phrase-sv-gone", value=row, changed_by="kim", changed_at=world.now))
        session.add(
            DeskSetting(
                name="administration-borta",
                value={"address": "a@x.example", "auto_forward": False},
                changed_by="kim",
                changed_at=world.now,
            )
        )
    with sessions() as session:
        said = desk_texts.current(session, world.knowledge)
    assert said.phrases == world.knowledge.phrases
    assert said.administrations == world.knowledge.administrations
    assert said.digest != world.knowledge.digest


def test_phrases_are_found_by_their_words(desk: DeskWorld) -> None:
    kim = desk.person()
    page = text_of(kim.see("/installningar/fraser?q=föreningssamordnare läser"))
    assert "Kvitto (receipt.next)" in page
    assert "Knapp" not in page
    assert "Ingen fras har de orden" in kim.see("/installningar/fraser?q=zzzz")


def test_signatures_are_said_under_a_coordinators_mail(desk: DeskWorld) -> None:
    kim, name = desk.person(), "phrase-sv-signature"
    assert set_it(kim, name, act="draft", text="{name}\nHelsingborgs stad")[0] == 303
    assert approve(kim, name)[0] == 303
    assert work_with_it(desk).active.knowledge.phrases["sv"]["signature"] == "{name}\nHelsingborgs stad"
    assert "Helsingborgs stad" in kim.see("/installningar")


# ------------------------------------------------------------------ Telegram


def test_nobody_is_linked_before_the_city_has_decided(desk: DeskWorld) -> None:
    kim = desk.person()
    assert "Visa en kod" not in kim.see("/konto")
    assert kim.do("/konto/telegram", act="code")[0] == 409
    assert "Staden har inte beslutat om Telegram" in kim.see("/installningar")


def test_a_link_is_made_and_ended_in_the_desk(desk: DeskWorld) -> None:
    telegram = TelegramSettings(token=SecretStr("1:x"), decision="KS 1", assessment="KS 2")
    desk.service = replace(desk.service, settings=edited(desk.service.settings, telegram=telegram))
    desk.app = create_app(desk.service, desk, now=lambda: desk.world.now)
    kim, boss = desk.person(), desk.person("chef@stad.example", "Chefen", (Role.ADMIN,))
    assert "Visa en kod för Telegram" in kim.see("/konto")

    def link() -> None:
        page = kim.client.post("/konto/telegram", data={"csrf": kim.csrf, "act": "code"}).text
        code = re.findall(r"koppla-[a-z0-9]+", page)[0]
        with desk.world.sessions.begin() as session:
            assert session.scalars(select(TelegramLink)).one().code != code, "its hash is kept"
            assert telegram_links.use_code(session, code, telegram_id=8, name="Kim S", now=desk.world.now)

    link()
    assert "Du är Kim S i Telegram" in kim.see("/konto")
    assert kim.do("/konto/telegram", act="unlink") == (303, "/konto?klart=telegram-unlinked")
    link()
    user = desk.user("kim@stad.example").id
    assert "Kim S i Telegram" in boss.see("/personer")
    assert boss.do(f"/personer/{user}/telegram")[0] == 303
    assert "Du är Kim S" not in kim.see("/konto")


def test_the_group_is_the_desks_over_the_files(desk: DeskWorld) -> None:
    kim = desk.person()
    assert set_it(kim, "telegram-group", value="−1001234567890")[0] == 303
    assert set_it(kim, "telegram-text", value="1")[0] == 303
    telegram = as_it_holds(desk).telegram
    assert (telegram.coordinators_chat, telegram.coordinators_text) == ("-1001234567890", True)
    with pytest.raises(NotUsable):
        desk_settings.of_file("telegram-token", desk.service.settings)
