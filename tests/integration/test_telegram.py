"""The bot in Telegram on an emulated Bot API, by python-telegram-bot's own client: in, out, and what goes wrong."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select

from lokbot import loops, telegram_room
from lokbot.channels import telegram_updates
from lokbot.channels.telegram import TelegramChannel, TelegramSettings
from lokbot.config import ChatSettings
from lokbot.config import TelegramSettings as TelegramChoices
from lokbot.conversation import delivery
from lokbot.loops import Service, clock
from lokbot.model import (
    NOT_FETCHED,
    Address,
    Attachment,
    Button,
    ChannelError,
    ChannelName,
    ConversationStatus,
    OutboxKind,
    OutboxStatus,
    OutgoingMessage,
)
from lokbot.store.schema import Contact, Conversation, Message, OutboxItem, TelegramUpdate
from lokbot.store.session import Sessions, exclusive
from lokbot.telegram_room import Room
from tests.integration.world import SEND, World, edited
from tests.sample_knowledge import JOIN, NONSENSE, OWN, PREMISES
from tests.servers import wait_until
from tests.telegram_server import ANNA, TOKEN, Fault, TelegramServer, buttons

NO, YES, MORE = "Nej, jag vill prata med en människa", "Ja", "Läs mer"
TRIED_AT_ONCE = SEND.outbox.model_copy(update={"retry_seconds": (0.001,)})


@dataclass
class Line:
    """lokbot's parts for Telegram in this process, taken by hand: take in, then work."""

    telegram: TelegramServer
    world: World
    room: Room

    def take_in(self) -> None:
        """One question for what is new."""
        telegram_room.take_in(self.room)

    def work(self) -> None:
        """Handle what is stored, and send what is due."""
        self.world.now = clock()
        while self.world.handle_next():
            pass
        self.send()

    def send(self) -> None:
        doors: dict[ChannelName, delivery.Sender] = {
            ChannelName.TELEGRAM: self.room.channel,
            ChannelName.MAIL: self.world,
        }
        settings, knowledge = self.world.settings, self.world.active.knowledge
        while delivery.deliver_next(self.world.sessions, doors, settings, knowledge, worker="w", now=clock()):
            pass

    def turn(self) -> list[str]:
        """All that follows from what people did; gives what Anna then has got in all."""
        self.take_in()
        self.work()
        return self.telegram.texts()

    def messages(self) -> list[Message]:
        with self.world.sessions() as session:
            return list(session.scalars(select(Message).order_by(Message.id)))

    def items(self, *kinds: OutboxKind) -> list[OutboxItem]:
        with self.world.sessions() as session:
            return list(session.scalars(select(OutboxItem).where(OutboxItem.kind.in_(kinds)).order_by(OutboxItem.id)))

    def fates(self) -> list[str]:
        with self.world.sessions() as session:
            return list(session.scalars(select(TelegramUpdate.fate).order_by(TelegramUpdate.update_id)))

    def case(self) -> Conversation:
        """The latest."""
        with self.world.sessions() as session:
            found = session.scalars(select(Conversation).order_by(Conversation.id.desc())).first()
            assert found is not None
            return found


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as server:
        yield server


@pytest.fixture
def channel(telegram: TelegramServer) -> Iterator[TelegramChannel]:
    with TelegramChannel(TelegramSettings(TOKEN, telegram.url, poll_seconds=0, timeout_seconds=20)) as made:
        yield made


@pytest.fixture
def line(
    telegram: TelegramServer, channel: TelegramChannel, sessions: Sessions, engine: Engine, tmp_path: Path
) -> Line:
    settings = edited(
        SEND,
        var_dir=tmp_path,
        outbox=TRIED_AT_ONCE,
        chat=ChatSettings(quiet_seconds=0),
        telegram=TelegramChoices(token=SecretStr(TOKEN), api_url=telegram.url, max_file_bytes=1000),
    )
    service = Service(settings, engine, sessions)
    return Line(telegram, World(sessions, settings), Room(service, channel, channel.me()))


# ------------------------------------------------------------------ the conversation


def test_a_question_is_answered_and_a_no_brings_a_person(line: Line) -> None:
    line.telegram.write(JOIN)
    greeting, answer = line.turn()
    assert "inte en människa" in greeting
    assert "Skicka styrelsens beslut." in answer
    assert list(buttons(line.telegram.to()[-1])) == [YES, NO, MORE]

    line.telegram.press(NO)
    *_, receipt = line.turn()
    assert line.case().status is ConversationStatus.WAITING
    assert line.case().case_number in receipt
    assert line.telegram.confirmed_presses == ["press-1"]


def test_the_typing_sign_is_shown_while_the_bot_is_to_answer_and_not_after_a_person_has_it(line: Line) -> None:
    line.telegram.write(OWN)
    line.turn()
    assert line.telegram.calls.count("sendChatAction") == 1
    line.telegram.write("Hallå?")
    line.turn()
    assert line.telegram.calls.count("sendChatAction") == 1


def test_nothing_is_asked_about_who_writes(line: Line) -> None:
    """Neither a telephone number nor a profile picture: only these four methods are ever called for words."""
    line.telegram.write(JOIN)
    line.turn()
    assert set(line.telegram.calls) == {"getMe", "getUpdates", "sendChatAction", "sendMessage"}


def test_a_button_belongs_to_the_message_it_stands_under(line: Line) -> None:
    line.telegram.write(JOIN)
    line.turn()
    first = line.telegram.to()[-1]
    line.telegram.write(PREMISES)
    line.turn()
    line.telegram.press(MORE, under=first)
    assert "Styrelsen fattar ett beslut." in line.turn()[-1]


def test_a_button_pressed_twice_is_one_wish(line: Line) -> None:
    line.telegram.write(JOIN)
    line.turn()
    line.telegram.press(MORE)
    line.telegram.press(MORE)
    said = line.turn()
    assert sum("Styrelsen fattar ett beslut." in text for text in said) == 1
    assert len(line.telegram.confirmed_presses) == 2


@pytest.mark.parametrize("data", ["999999:more-1", "x:1", "1:" + "å" * 30, ":", "'; DROP TABLE outbox; --", "1:more-1"])
def test_a_made_up_button_is_harmless_and_seen_by_a_person(line: Line, data: str) -> None:
    line.telegram.write("/start", chat=7002, name="Bo")
    line.turn()
    line.telegram.write(JOIN)
    line.turn()
    above = line.telegram.to(7002)[-1]
    line.telegram.press_data(data, above, chat=7002, name="Bo")
    line.turn()
    pressed = line.messages()[-1]
    assert pressed.in_reply_to == []
    assert all("Styrelsen fattar" not in text for text in line.telegram.texts(7002))


def test_asking_for_a_person_works_under_any_message(line: Line) -> None:
    line.telegram.write(JOIN)
    line.turn()
    line.telegram.press_data("424242:person", line.telegram.to()[-1])
    line.turn()
    assert line.case().status is ConversationStatus.WAITING


def test_an_edit_is_stored_beside_what_it_replaces(line: Line) -> None:
    number = line.telegram.write(NONSENSE)
    line.telegram.edit(number, JOIN)
    assert "Skicka styrelsens beslut." in line.turn()[-1]
    original, edit = line.messages()
    assert (original.text, edit.text) == (NONSENSE, JOIN)
    assert edit.replaces_id == original.id


def test_two_edits_within_a_second_are_two(line: Line) -> None:
    number = line.telegram.write("/start")
    line.telegram.edit(number, NONSENSE)
    line.telegram.edit(number, JOIN)
    assert "Skicka styrelsens beslut." in line.turn()[-1]
    assert len(line.messages()) == 3


def test_groups_are_ignored_unless_they_address_the_bot(line: Line) -> None:
    line.telegram.write(JOIN, chat=-1009, group="Klubben")
    line.telegram.write(f"@lok_prov_bot {JOIN}", chat=-1009, group="Klubben")
    line.turn()
    assert line.fates() == ["elsewhere", "message"]
    assert "Skicka styrelsens beslut." in line.telegram.texts(-1009)[-1]


@pytest.mark.parametrize("text", ["<b>fet</b> & <script>", "*fet* _kursiv_ [länk](http://x)", "\u202eRTL {sender}"])
def test_what_a_person_writes_arrives_as_it_is(line: Line, text: str) -> None:
    line.telegram.write("/start")
    line.turn()
    line.room.channel.send(outgoing(text))
    assert line.telegram.texts()[-1] == text


# ------------------------------------------------------------------ files


def test_a_document_is_fetched_kept_and_shown_to_a_person(line: Line) -> None:
    file = line.telegram.put_file(b"%PDF-1.4\n%%EOF\n")
    document = {
        "file_id": file,
        "file_unique_id": "u",
        "file_name": "protokoll.pdf",
        "mime_type": "application/pdf",
        "file_size": 15,
    }
    line.telegram.write(document=document, caption="Här är vårt protokoll")
    assert "kan bara en person läsa" in line.turn()[-1]
    with line.world.sessions() as session:
        (message,) = session.scalars(select(Message))
        assert [(each.name, each.content_type) for each in message.attachments] == [
            ("protokoll.pdf", "application/pdf")
        ]
    assert line.case().status is ConversationStatus.WAITING


@pytest.mark.parametrize(
    ("kind", "content", "name"),
    [
        ("photo", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\x00" * 20, "bild.jpg"),
        ("voice", b"OggS\x00\x02" + b"\x00" * 20, "röstmeddelande.ogg"),
        ("location", b"", "plats.geojson"),
    ],
)
def test_pictures_voices_and_places_are_kept_answered_politely_and_a_persons(
    line: Line, kind: str, content: bytes, name: str
) -> None:
    file = {"file_id": line.telegram.put_file(content), "file_unique_id": "u", "file_size": len(content)}
    sent: dict[str, Any] = {
        "photo": [file | {"width": 90, "height": 90}],
        "voice": file | {"duration": 3, "mime_type": "audio/ogg"},
        "location": {"latitude": 56.04, "longitude": 12.69},
    }
    fields: dict[str, Any] = {kind: sent[kind]}
    line.telegram.write(**fields)
    receipt = line.turn()[-1]
    assert "Vi har sparat det du skickade" in receipt
    assert line.case().case_number in receipt
    assert line.case().status is ConversationStatus.WAITING
    with line.world.sessions() as session:
        (message,) = session.scalars(select(Message))
        (kept,) = message.attachments
        assert kept.name == name
        assert not content or kept.content.content == content


@pytest.mark.parametrize(
    ("content", "document"),
    [
        (b"%PDF-" + b"x" * 2000, {"mime_type": "application/pdf", "file_size": 2005}),
        (b"%PDF-" + b"x" * 2000, {"mime_type": "application/pdf"}),
        (b"MZ\x90\x00", {"mime_type": "application/pdf", "file_size": 4}),
        (b"PK", {"mime_type": "application/zip", "file_size": 2}),
    ],
    ids=["too large", "larger than said", "a program", "an archive"],
)
def test_a_file_that_is_not_taken_goes_to_a_person_all_the_same(
    line: Line, content: bytes, document: dict[str, object]
) -> None:
    line.telegram.write(
        document={"file_id": line.telegram.put_file(content), "file_unique_id": "u", "file_name": "fil"} | document
    )
    assert "Mejla det till lok@helsingborg.se" in line.turn()[-1]
    assert line.messages()[0].warnings == [NOT_FETCHED]
    assert line.case().status is ConversationStatus.WAITING


def test_a_file_that_is_gone_is_not_waited_for(line: Line) -> None:
    line.telegram.write(voice={"file_id": "gone", "file_unique_id": "u", "duration": 1, "mime_type": "audio/ogg"})
    line.turn()
    assert line.messages()[0].warnings == [NOT_FETCHED]


def test_a_file_is_tried_again_and_then_left_while_nothing_is_lost(line: Line) -> None:
    document = {"file_id": line.telegram.put_file(b"%PDF-1"), "file_unique_id": "u", "mime_type": "application/pdf"}
    line.telegram.write(document=document)
    line.telegram.fail("getFile", *(Fault() for _ in range(2)))
    for _ in range(2):
        with pytest.raises(ChannelError) as trouble:
            line.take_in()
        assert not trouble.value.permanent
        assert line.messages() == []
    line.turn()
    assert line.messages()[0].warnings == []
    line.telegram.write(document=document)
    line.telegram.fail("getFile", *(Fault() for _ in range(3)))
    for _ in range(2):
        with pytest.raises(ChannelError):
            line.take_in()
    line.turn()
    assert line.messages()[1].warnings == [NOT_FETCHED]


def test_a_person_can_send_a_file(line: Line) -> None:
    line.telegram.write("/start")
    line.turn()
    file = Attachment("blankett.pdf", "application/pdf", 5, "0", b"%PDF-")
    line.room.channel.send(outgoing("Se bifogad fil.", attachments=(file,)))
    assert line.telegram.to()[-1]["document"]["file_name"] == "blankett.pdf"


# ------------------------------------------------------------------ nothing is lost, nothing is doubled


def test_an_update_is_confirmed_only_after_it_was_stored(line: Line) -> None:
    line.telegram.write(JOIN)
    line.telegram.write(OWN)
    line.take_in()
    assert len(line.telegram.unconfirmed) == 2
    assert len(line.messages()) == 2
    line.take_in()
    assert line.telegram.unconfirmed == []


def test_what_is_given_again_is_known(line: Line) -> None:
    line.telegram.write(JOIN)
    line.take_in()
    for update in line.room.channel.updates(None, lambda: False):
        telegram_room._store(line.room, telegram_updates.read(update, line.room.bot, now=clock()))
    assert len(line.messages()) == 1


def test_after_a_quiet_week_a_lower_number_is_read(line: Line) -> None:
    line.telegram.write(JOIN)
    line.turn()
    with line.world.sessions.begin() as session:
        (update,) = session.scalars(select(TelegramUpdate))
        update.at = clock() - timedelta(days=8)
    line.telegram.renumber(1_000)
    line.telegram.write(OWN)
    line.turn()
    assert len(line.messages()) == 2
    with line.world.sessions() as session:
        assert telegram_room.next_offset(session, line.room.bot.id) == 1_001


def test_a_number_that_comes_again_after_a_quiet_week_is_another_update(line: Line) -> None:
    line.telegram.write(JOIN)
    line.turn()
    line.take_in()
    with line.world.sessions.begin() as session:
        (update,) = session.scalars(select(TelegramUpdate))
        update.at = clock() - timedelta(days=8)
    line.telegram.renumber(line.telegram.first_update)
    line.telegram.write(OWN)
    line.turn()
    assert [message.text for message in line.messages()] == [JOIN, OWN]


def test_one_broken_update_does_not_stop_the_next(line: Line) -> None:
    line.telegram.tell("message", {"message_id": 1, "date": "nu", "chat": {"type": "private"}, "text": "Hallå"})
    line.telegram.write(document={"file_name": "a file without an id"})
    line.telegram.write(JOIN)
    line.turn()
    assert [message.is_readable for message in line.messages()] == [False, False, True]
    line.take_in()
    assert line.telegram.unconfirmed == []


def test_only_one_process_reads_the_bot_and_another_waits(line: Line, engine: Engine, tmp_path: Path) -> None:
    service = line.room.service
    reader = threading.Thread(target=telegram_room.read_chats, args=(service,), daemon=True)
    with exclusive(engine, f"telegram {TOKEN.partition(':')[0]}", tmp_path) as is_ours:
        assert is_ours
        reader.start()
        line.telegram.write(JOIN)
        service.stop.wait(0.5)
        assert line.telegram.unconfirmed != []
        assert "getUpdates" not in line.telegram.calls
    _until(lambda: len(line.messages()) == 1)
    service.stop.set()
    reader.join(20)
    assert not reader.is_alive()


def test_a_long_poll_is_left_when_told_to_stop(telegram: TelegramServer) -> None:
    with TelegramChannel(TelegramSettings(TOKEN, telegram.url, poll_seconds=50)) as patient:
        assert patient.updates(None, lambda: "getUpdates" in telegram.calls) == []


def test_a_long_poll_answers_at_once_when_somebody_writes(telegram: TelegramServer) -> None:
    with TelegramChannel(TelegramSettings(TOKEN, telegram.url, poll_seconds=50)) as patient:
        has_written: list[int] = []

        def write_while_it_waits() -> bool:
            if "getUpdates" in telegram.calls and not has_written:
                has_written.append(telegram.write(JOIN))
            return False

        (update,) = patient.updates(None, write_while_it_waits)
    assert update["message"]["text"] == JOIN


# ------------------------------------------------------------------ what Telegram refuses


def test_a_flood_is_waited_out(line: Line) -> None:
    line.telegram.write("/start")
    line.turn()
    line.telegram.write(OWN)
    line.telegram.fail("sendMessage", Fault(retry_after=77))
    before = len(line.turn())
    (item,) = line.items(OutboxKind.RECEIPT)
    assert item.status is OutboxStatus.QUEUED
    assert timedelta(seconds=70) < item.not_before - clock() <= timedelta(seconds=77)
    with line.world.sessions.begin() as session:
        session.get_one(OutboxItem, item.id).not_before = clock()
    line.send()
    assert len(line.telegram.texts()) == before + 1


@pytest.mark.parametrize(
    "fault", [Fault(502, body=b"<html><h1>502 Bad Gateway</h1></html>"), Fault(500), Fault(is_cut=True)]
)
def test_a_server_in_trouble_is_tried_again(line: Line, fault: Fault) -> None:
    line.telegram.write("/start")
    line.turn()
    line.telegram.write(JOIN)
    line.telegram.fail("sendMessage", fault)
    _until(lambda: "Skicka styrelsens beslut." in line.turn()[-1])
    (reply,) = line.items(OutboxKind.REPLY)
    assert (reply.status, reply.attempts) == (OutboxStatus.SENT, 2)


def test_whoever_blocked_the_bot_is_shown_and_can_come_back(line: Line) -> None:
    line.telegram.write(JOIN)
    line.take_in()
    line.telegram.block()
    line.take_in()
    with line.world.sessions() as session:
        (contact,) = session.scalars(select(Contact))
        assert contact.undeliverable_at is not None
    line.work()
    assert line.telegram.texts() == []
    (reply,) = line.items(OutboxKind.REPLY)
    assert reply.status is OutboxStatus.FAILED
    assert reply.last_error == "Telegram: Forbidden: bot was blocked by the user"
    assert line.case().status is ConversationStatus.WAITING
    assert any("blocked by the user" in message.text for message in line.world.sent), "the coordinators are told"
    line.telegram.blocked.clear()
    line.telegram.write("Hej igen")
    line.take_in()
    with line.world.sessions() as session:
        assert session.scalars(select(Contact.undeliverable_at).where(Contact.address == str(ANNA))).one() is None


def test_a_chat_that_is_not_there_is_a_permanent_failure(channel: TelegramChannel) -> None:
    with pytest.raises(ChannelError, match="Chat not found") as trouble:
        channel.send(outgoing("Hej", to=999))
    assert trouble.value.permanent


def test_a_wrong_token_names_the_setting_and_never_the_token(telegram: TelegramServer) -> None:
    with TelegramChannel(TelegramSettings("123:wrong-token", telegram.url)) as wrong:
        with pytest.raises(ChannelError, match=r"telegram\.token") as trouble:
            wrong.me()
        with pytest.raises(ChannelError) as sending:
            wrong.send(outgoing("Hej"))
    assert "wrong-token" not in str(trouble.value)
    assert not trouble.value.permanent
    assert not sending.value.permanent, "what is wrong with us is no fault of the chat"


def test_another_reader_of_the_same_bot_is_named(telegram: TelegramServer, channel: TelegramChannel) -> None:
    stop = threading.Event()
    trouble: list[ChannelError] = []

    def poll() -> None:
        with TelegramChannel(TelegramSettings(TOKEN, telegram.url, poll_seconds=30)) as other:
            try:
                other.updates(None, stop.is_set)
            except ChannelError as error:
                trouble.append(error)

    reader = threading.Thread(target=poll)
    reader.start()
    _until(lambda: "getUpdates" in telegram.calls)
    channel.updates(None, lambda: False)
    reader.join(20)
    (found,) = trouble
    assert "another program reads this bot's messages" in str(found)
    assert not found.permanent


def test_a_server_that_says_nothing_leaves_it_in_doubt(telegram: TelegramServer) -> None:
    gate = threading.Event()
    telegram.write("Hej")
    telegram.fail("sendMessage", Fault(is_taken=True, gate=gate, is_cut=True))
    with TelegramChannel(TelegramSettings(TOKEN, telegram.url, timeout_seconds=0.5)) as hasty:
        with pytest.raises(ChannelError) as trouble:
            hasty.send(outgoing("Svar"))
        gate.set()
    assert trouble.value.in_doubt
    assert telegram.texts() == ["Svar"]


def test_an_address_where_nobody_is(telegram: TelegramServer) -> None:
    nowhere = TelegramChannel(TelegramSettings(TOKEN, "http://127.0.0.1:1"))
    with nowhere, pytest.raises(ChannelError, match="could not be reached") as trouble:
        nowhere.me()
    assert not trouble.value.permanent


def test_polling_waits_as_long_as_telegram_asks(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    line.telegram.fail("getUpdates", Fault(retry_after=1))
    line.telegram.write(JOIN)
    caplog.set_level(logging.WARNING)
    service = line.room.service
    reader = threading.Thread(target=telegram_room.read_chats, args=(service,), daemon=True)
    reader.start()
    _until(lambda: len(line.messages()) == 1)
    service.stop.set()
    reader.join(20)
    assert "asks to be left alone for 1 s" in caplog.text


def test_a_loop_waits_as_long_as_it_is_asked_to(line: Line) -> None:
    service, waits = line.room.service, []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            self.set()
            return True

    def turn() -> None:
        raise ChannelError("Flood", permanent=False, retry_after=33.0)

    object.__setattr__(service, "stop", Stop())
    loops.persist(service, "ask", turn)
    assert waits == [33.0]


# ------------------------------------------------------------------ long texts


def test_a_long_text_goes_in_parts_with_the_buttons_under_the_last(line: Line) -> None:
    line.telegram.write("/start")
    line.turn()
    text = "\n\n".join(f"Stycke {number}. " + "ord " * 300 for number in range(10))
    before = len(line.telegram.to())
    line.room.channel.send(outgoing(text, buttons=(Button(YES, "yes"),), reference="17"))
    sent = line.telegram.to()[before:]
    assert len(sent) == 4
    assert "".join("".join(message["text"].split()) for message in sent) == "".join(text.split())
    assert [buttons(message) for message in sent] == [{}, {}, {}, {YES: "17:yes"}]


def test_a_part_that_has_gone_is_not_sent_again(line: Line) -> None:
    line.telegram.write("/start")
    line.turn()
    message = outgoing("a" * 4096 + "b" * 10)
    before = len(line.telegram.to())
    line.telegram.fail("sendMessage", Fault(is_none=True), Fault(retry_after=1))
    with pytest.raises(ChannelError):
        line.room.channel.send(message)
    line.room.channel.send(message)
    assert [text[0] for text in line.telegram.texts()[before:]] == ["a", "b"]
    line.room.channel.send(message)
    assert len(line.telegram.texts()) == before + 4, "another time it is another message"


def test_what_went_is_kept(channel: TelegramChannel, telegram: TelegramServer) -> None:
    telegram.write("Hej")
    kept = json.loads(channel.send(outgoing("Svar å", buttons=(Button(YES, "yes"),))))
    assert kept == {"chat": str(ANNA), "texts": ["Svar å"], "buttons": [[YES, "yes"]]}


def outgoing(text: str, *, to: int = ANNA, **values: object) -> OutgoingMessage:
    return OutgoingMessage(ChannelName.TELEGRAM, "lokbot.1@stad.example", (Address("", str(to)),), "", text, **values)  # type: ignore[arg-type]


def _until(condition: Callable[[], bool]) -> None:
    wait_until(condition, "it has happened", 40)
