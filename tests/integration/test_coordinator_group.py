"""A coordinator answers in the group in Telegram: what acts, what stays inside, and that nobody else gets through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select

from lokbot import accounts, telegram_links
from lokbot.channels.telegram import TelegramChannel, TelegramSettings
from lokbot.config import ChatSettings
from lokbot.config import TelegramSettings as TelegramChoices
from lokbot.conversation import coordinator_group, merging
from lokbot.conversation.coordinator_mail import Request
from lokbot.loops import Service, clock
from lokbot.model import ConversationStatus, OutboxKind, OutboxStatus, Role
from lokbot.store.schema import Conversation, Message, OutboxItem, StaffMail, TelegramLink, User
from lokbot.store.session import Sessions
from lokbot.telegram_room import Room
from tests import sample_knowledge as sample
from tests.integration.test_telegram import TRIED_AT_ONCE, Line
from tests.integration.world import SEND, Case, World, edited
from tests.sample_mails import ANNA
from tests.telegram_server import TOKEN, TelegramServer

GROUP = -1001234567890
KIM, STRANGER = 8001, 8002
KIM_MAIL = "kim@stad.example"
ANSWER = "Ni är välkomna på torsdag."


class Office(Line):
    """lokbot with a group of coordinators; Kim has an account, and the askers write mails."""

    def case(self, text: str = sample.OWN) -> Case:  # type: ignore[override]
        """A mail that a person has to answer; it is told in the group."""
        self.world.now = clock()
        case = self.world.write(text)
        self.send()
        return case

    def code(self, email: str = KIM_MAIL) -> str:
        with self.world.sessions.begin() as session:
            user = accounts.find(session, email)
            assert user is not None
            return telegram_links.new_code(session, user, now=clock())

    def link(self, chat: int = KIM, email: str = KIM_MAIL) -> None:
        self.telegram.write(self.code(email), chat=chat, name="Kim")
        self.turn()

    def reply(self, text: str, *, by: int = KIM, to: int = -1, **content: Any) -> int:
        """Somebody replies in the group to a message of the bot's."""
        above = self.telegram.to(GROUP)[to]
        return self.telegram.reply(text, above, by=by, group="Samordnare", **content)

    def said(self) -> str:
        """What the bot last said in the group."""
        return self.telegram.texts(GROUP)[-1]

    def to_asker(self) -> list[str]:
        return [one.text for one in self.world.sent if one.to == (ANNA,) and not one.is_automatic]

    def waits_out(self) -> None:
        """The undo time is over."""
        with self.world.sessions.begin() as session:
            for item in session.scalars(select(OutboxItem).where(OutboxItem.status == OutboxStatus.QUEUED)):
                item.not_before = clock()
        self.send()

    def answers(self) -> list[tuple[str, OutboxStatus]]:
        return [(item.text.split("\n")[0], item.status) for item in self.items(OutboxKind.ANSWER)]


@pytest.fixture
def office(sessions: Sessions, engine: Engine, tmp_path: Path) -> Iterator[Office]:
    with TelegramServer() as telegram:
        telegram.open_chat(GROUP)
        settings = edited(
            SEND,
            var_dir=tmp_path,
            coordinators=(KIM_MAIL,),
            outbox=TRIED_AT_ONCE,
            chat=ChatSettings(quiet_seconds=0),
            telegram=TelegramChoices(
                token=SecretStr(TOKEN),
                api_url=telegram.url,
                decision="KS 1",
                assessment="KS 2",
                coordinators_chat=str(GROUP),
            ),
        )
        with TelegramChannel(TelegramSettings(TOKEN, telegram.url, poll_seconds=0, timeout_seconds=20)) as channel:
            room = Room(Service(settings, engine, sessions), channel, channel.me())
            made = Office(telegram, World(sessions, settings), room)
            with sessions.begin() as session:
                accounts.invite(session, KIM_MAIL, "Kim Sand", (Role.COORDINATOR,), actor="t", now=clock())
            yield made


def edited_telegram(office: Office, **values: object) -> None:
    settings = office.world.settings
    office.world.settings = edited(settings, telegram=settings.telegram.model_copy(update=values))


# ------------------------------------------------------------------ reading, and what is told


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("tar", Request(("ta",), "")),
        ("Jag tar den!", Request(("ta",), "")),
        ("Jag tar med kakor", Request((), "Jag tar med kakor")),
        ("#klar\nHej", Request(("klar",), "Hej")),
    ],
)
def test_words_of_a_reply_are_read(text: str, request_: Request) -> None:
    assert coordinator_group.read(text) == request_


def test_the_group_is_told_number_topic_and_link_and_not_a_word_of_the_asker(office: Office) -> None:
    case = office.case()
    (told,) = office.telegram.texts(GROUP)
    number = case.conversation.case_number
    assert told.startswith(f"{number}\n")
    assert f"/arenden/{number}" in told
    assert "10 minuter" in told
    assert ANNA.email not in told
    assert not any(line.strip() and line in told for line in sample.OWN.split("\n"))


def test_what_was_written_is_told_masked_where_that_is_set_but_nothing_that_is_urgent(office: Office) -> None:
    edited_telegram(office, coordinators_text=True)
    office.case(f"{sample.OWN} Ring mig på 070-123 45 67. Mvh Anna Prov")
    told = office.said()
    assert sample.OWN in told
    assert "[telefonnummer]" in told
    assert "Anna" not in told
    office.case("Grannen hotar oss.")
    assert "BRÅDSKANDE" in office.said()
    assert "Grannen" not in office.said()
    office.case(f"{sample.OWN} Mitt nummer är 19811228-9874.")
    assert sample.OWN not in office.said()


@pytest.mark.parametrize("missing", ["decision", "assessment", "coordinators_chat"])
def test_without_the_citys_decision_or_a_group_nothing_is_told(office: Office, missing: str) -> None:
    edited_telegram(office, **{missing: ""})
    office.case()
    assert office.telegram.texts(GROUP) == []


# ------------------------------------------------------------------ linking


def test_a_code_links_once_and_its_owner_is_told(office: Office) -> None:
    code = office.code()
    office.telegram.write(f"/start {code}", chat=KIM, name="Kim")
    office.turn()
    assert "Hej Kim Sand!" in office.telegram.texts(KIM)[-1]
    office.telegram.write(code, chat=STRANGER, name="Elak")
    office.turn()
    assert "gäller inte" in office.telegram.texts(STRANGER)[-1]
    with office.world.sessions() as session:
        assert [one.telegram_id for one in session.scalars(select(TelegramLink))] == [KIM]
        assert session.scalars(select(Message)).all() == [], "a code is no question"
        (mail,) = session.scalars(select(StaffMail)).all()
        assert (mail.to, "”Kim”" in mail.text) == (KIM_MAIL, True)


def test_an_old_code_and_one_sent_in_a_group_link_nobody(office: Office) -> None:
    code = office.code()
    with office.world.sessions.begin() as session:
        found = session.scalars(select(TelegramLink)).one()
        found.code_expires_at = clock() - telegram_links.HOLDS
    office.telegram.write(code, chat=KIM)
    office.turn()
    code = office.code()
    office.telegram.write(f"{code} @lok_prov_bot", chat=GROUP, group="Samordnare")
    office.turn()
    with office.world.sessions() as session:
        assert session.scalars(select(TelegramLink)).one().telegram_id is None


def test_one_user_of_telegram_is_one_account(office: Office) -> None:
    with office.world.sessions.begin() as session:
        accounts.invite(session, "alex@stad.example", "Alex", (Role.COORDINATOR,), actor="t", now=clock())
    office.link()
    office.link(email="alex@stad.example")
    with office.world.sessions() as session:
        linked = session.scalars(select(User.email).join(TelegramLink)).all()
    assert linked == ["alex@stad.example"]


# ------------------------------------------------------------------ answering


def test_a_reply_becomes_the_answer_after_the_undo_time_and_the_bot_is_silent(office: Office) -> None:
    office.link()
    case = office.case()
    office.reply(ANSWER)
    office.turn()
    assert "Kim: ditt svar skickas klockan" in office.said()
    assert ANNA.email not in office.said()
    conversation = case.conversation
    assert (conversation.status, conversation.taken_by) == (ConversationStatus.TAKEN, KIM_MAIL)
    assert office.to_asker() == []
    office.waits_out()
    (sent,) = office.to_asker()
    assert sent.startswith(ANSWER)
    assert "Kim Sand" in sent
    assert case.conversation.status is ConversationStatus.RESOLVED
    assert case.conversation.messages[-1].sender_email == KIM_MAIL


def test_an_answer_reaches_an_asker_in_telegram_beside_what_they_write_meanwhile(office: Office) -> None:
    """The asker's chat and the group's reply have one channel: neither is read as part of the other."""
    office.link()
    office.telegram.write(sample.OWN)
    office.turn()
    office.telegram.write("Hallå?")
    office.reply(ANSWER)
    office.turn()
    office.waits_out()
    assert [text for text in office.telegram.texts() if ANSWER in text][-1].startswith("Kim, föreningssamordnare")
    assert all("Hallå" not in item.text for item in office.items(OutboxKind.ANSWER))


def test_a_stranger_in_the_group_is_refused_and_reaches_nobody(office: Office) -> None:
    case = office.case()
    office.reply("Vi ger er inga pengar!", by=STRANGER)
    office.turn()
    assert "inte kopplat" in office.said()
    office.waits_out()
    assert office.to_asker() == []
    assert office.items(OutboxKind.ANSWER) == []
    assert case.conversation.status is ConversationStatus.WAITING


@pytest.mark.parametrize("how", ["revoked", "closed", "no role"])
def test_whoever_is_no_coordinator_any_more_is_refused_at_once(office: Office, how: str) -> None:
    """Also where they were one when they wrote."""
    office.link()
    office.case()
    office.reply(ANSWER)
    office.take_in()
    with office.world.sessions.begin() as session:
        user = accounts.find(session, KIM_MAIL)
        assert user is not None
        if how == "revoked":
            telegram_links.unlink(session, user, actor="t", now=clock())
        elif how == "closed":
            user.is_active = False
    if how == "no role":
        office.world.settings = edited(office.world.settings, coordinators=("annan@stad.example",))
    office.work()
    assert "inte kopplat" in office.said()
    assert office.items(OutboxKind.ANSWER) == []


def test_stop_takes_it_back_and_tar_takes_the_case(office: Office) -> None:
    office.link()
    case = office.case()
    office.reply("tar")
    office.turn()
    assert "Kim har tagit ärendet" in office.said()
    assert case.conversation.taken_by == KIM_MAIL
    office.reply(ANSWER)
    office.turn()
    office.reply("stopp")
    office.turn()
    assert "svaret är stoppat" in office.said()
    office.waits_out()
    assert office.to_asker() == []
    office.reply("STOPP")
    office.turn()
    assert "inget att stoppa" in office.said()


def test_a_case_that_another_has_is_not_taken(office: Office) -> None:
    with office.world.sessions.begin() as session:
        accounts.invite(session, "alex@stad.example", "Alex Berg", (Role.COORDINATOR,), actor="t", now=clock())
    office.world.settings = edited(office.world.settings, coordinators=(KIM_MAIL, "alex@stad.example"))
    office.link()
    office.link(STRANGER, "alex@stad.example")
    case = office.case()
    office.reply("tar")
    office.turn()
    office.reply("tar", by=STRANGER)
    office.turn()
    assert "redan taget" in office.said()
    assert case.conversation.taken_by == KIM_MAIL


@pytest.mark.parametrize(
    ("text", "content", "why"),
    [
        ("#okänt\nHej", {}, "Ordet okänt"),
        ("/hej", {}, "Ordet hej"),
        ("#ta #klar", {}, "bara ett ord"),
        ("#skicka", {}, "Förslaget syns inte här"),
        ("", {"sticker": {"emoji": ""}}, "ingen text"),
        ("Se", {"contact": {"phone_number": "1"}}, "Filer, bilder"),
    ],
)
def test_what_could_be_a_slip_stays_inside(office: Office, text: str, content: dict[str, Any], why: str) -> None:
    office.link()
    office.case()
    office.reply(text, **content)
    office.turn()
    assert why in office.said()
    assert "inget är skickat" in office.said()
    assert office.items(OutboxKind.ANSWER) == []


def test_a_note_stays_inside_and_klar_resolves(office: Office) -> None:
    office.link()
    case = office.case()
    office.reply("#not\nRing först")
    office.turn()
    assert "anteckning" in office.said()
    office.reply("#klar")
    office.turn()
    assert case.conversation.status is ConversationStatus.RESOLVED
    office.waits_out()
    assert office.to_asker() == []


# ------------------------------------------------------------------ edits


def test_an_edit_within_the_undo_time_replaces_the_answer(office: Office) -> None:
    office.link()
    office.case()
    number = office.reply("Ni är välkomna på tisdag.")
    office.turn()
    office.telegram.edit(number, ANSWER, chat=GROUP)
    office.turn()
    assert "ändrade svar" in office.said()
    office.waits_out()
    (sent,) = office.to_asker()
    assert sent.startswith(ANSWER)


def test_an_edit_after_it_has_gone_is_told_so(office: Office) -> None:
    office.link()
    office.case()
    number = office.reply(ANSWER)
    office.turn()
    office.waits_out()
    office.telegram.edit(number, "Något annat", chat=GROUP)
    office.turn()
    assert "redan gått" in office.said()
    office.waits_out()
    assert len(office.to_asker()) == 1


def test_an_edit_that_cannot_act_stops_what_it_was_made_from(office: Office) -> None:
    office.link()
    office.case()
    number = office.reply(ANSWER)
    office.turn()
    office.telegram.edit(number, "#okänt\nHej", chat=GROUP)
    office.turn()
    assert "inget är skickat" in office.said()
    office.waits_out()
    assert office.to_asker() == []


def test_an_edit_that_changes_no_word_and_one_into_stopp(office: Office) -> None:
    office.link()
    office.case()
    number = office.reply(ANSWER)
    office.turn()
    before = office.telegram.texts(GROUP)
    office.telegram.edit(number, ANSWER, chat=GROUP)
    office.turn()
    assert office.telegram.texts(GROUP) == before
    office.telegram.edit(number, "stopp", chat=GROUP)
    office.turn()
    assert "stoppat" in office.said()
    assert office.answers() == [(ANSWER, OutboxStatus.CANCELLED)]


def test_who_edits_what_was_stopped_sends_nothing(office: Office) -> None:
    office.link()
    office.case()
    number = office.reply(ANSWER)
    office.turn()
    office.reply("stopp")
    office.turn()
    office.telegram.edit(number, "En gång till", chat=GROUP)
    office.turn()
    assert "väntar inte längre" in office.said()
    assert office.answers() == [(ANSWER, OutboxStatus.CANCELLED)]


# ------------------------------------------------------------------ elsewhere


def test_the_number_of_a_group_is_told_and_a_word_without_a_case_is_nobodys_question(office: Office) -> None:
    office.telegram.write("/grupp", chat=GROUP, group="Samordnare")
    office.turn()
    assert str(GROUP) in office.said()
    office.telegram.write("@lok_prov_bot hej", chat=GROUP, group="Samordnare")
    office.turn()
    assert "Svara på ett av meddelandena" in office.said()
    assert office.messages() == []
    assert office.fates() == ["aside", "aside"]


def test_a_group_that_is_no_longer_the_coordinators_answers_nobody(office: Office) -> None:
    office.link()
    office.case()
    edited_telegram(office, coordinators_chat="-100999")
    office.reply(ANSWER)
    office.turn()
    assert "inte i den här gruppen längre" in office.said()
    assert office.items(OutboxKind.ANSWER) == []
    with office.world.sessions() as session:
        assert len({message.conversation_id for message in session.scalars(select(Message))}) == 1


def test_a_post_that_went_twice_can_be_answered_in_either_copy(office: Office) -> None:
    """After a crash between the send and its commit."""
    office.link()
    case = office.case()
    with office.world.sessions.begin() as session:
        for item in session.scalars(select(OutboxItem).where(OutboxItem.kind == OutboxKind.NOTIFICATION)):
            if item.to[0]["email"] == str(GROUP):
                item.status = OutboxStatus.QUEUED
    office.send()
    assert len(office.telegram.texts(GROUP)) == 2
    office.reply("tar", to=0)
    office.turn()
    assert case.conversation.taken_by == KIM_MAIL


def test_what_comes_again_acts_once(office: Office) -> None:
    """Telegram gives an update again until it is confirmed; by another number it is the same message still."""
    office.link()
    office.case()
    number = office.reply(ANSWER)
    office.turn()
    office.telegram.again(number, GROUP)
    office.turn()
    office.waits_out()
    assert len(office.answers()) == 1
    assert len(office.to_asker()) == 1


def test_a_reply_about_a_case_that_became_part_of_another_answers_in_that(office: Office) -> None:
    office.link()
    part, whole = office.case(), office.case()
    ids = [case.conversation.id for case in (whole, part)]
    with office.world.sessions.begin() as session:
        cases = [session.get_one(Conversation, number) for number in ids]
        merging.merge(session, *cases, actor=KIM_MAIL, now=clock(), are_strangers_seen=True)
    office.reply("tar", to=0)
    office.turn()
    assert office.said().startswith(whole.conversation.case_number)
    assert whole.conversation.taken_by == KIM_MAIL
