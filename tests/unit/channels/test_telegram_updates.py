"""What an update of the Bot API is read as."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.channels import telegram_updates
from lokbot.channels.telegram_updates import Arrived, Bot, RemoteFile, is_taken, with_file
from lokbot.model import NOT_FETCHED, ChannelName, IncomingMessage

BOT = Bot(42, "lok_prov_bot")
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SENT = datetime(2026, 3, 2, 9, 29, 58, tzinfo=UTC)
ANNA = {"id": 7, "is_bot": False, "first_name": "Anna", "last_name": "Prov", "username": "ap", "language_code": "sv-SE"}
GROUP = {"id": -100, "type": "supergroup", "title": "Klubben"}
PHOTO = [{"file_id": "small", "file_size": 1000}, {"file_id": "large", "file_size": 90_000}]


def message(text: str | None = None, **fields: Any) -> dict[str, Any]:
    found = {"message_id": 5, "date": int(SENT.timestamp()), "chat": {"id": 7, "type": "private"}, "from": ANNA}
    return found | ({"text": text} if text is not None else {}) | fields


def read(kind: str = "message", **content: Any) -> Arrived:
    return telegram_updates.read({"update_id": 900, kind: content}, BOT, now=NOW)


def incoming(arrived: Arrived) -> IncomingMessage:
    assert arrived.incoming is not None
    return arrived.incoming


def test_a_message_is_its_words_its_writer_and_its_time() -> None:
    arrived = read(**message("Hur går vi med?"))
    found = incoming(arrived)
    assert (arrived.kind, arrived.chat, arrived.file, arrived.press_id) == ("message", "7", None, None)
    assert (found.channel, found.external_id, found.text, found.new_text) == (
        ChannelName.TELEGRAM,
        "7.5",
        "Hur går vi med?",
        "Hur går vi med?",
    )
    assert (found.sender.name, found.sender.email, found.language) == ("Anna Prov", "7", "sv")
    assert found.received_at == SENT
    assert found.command is None
    assert json.loads(found.raw)["message"]["text"] == "Hur går vi med?"


@pytest.mark.parametrize(
    ("text", "command", "words"),
    [
        ("/start", "start", "/start"),
        ("/start fran-webben_1", "start", "/start fran-webben_1"),
        ("/hjalp", "help", "/hjalp"),
        ("/HJÄLP", "help", "/HJÄLP"),
        ("/help@lok_prov_bot", "help", "/help@lok_prov_bot"),
        ("/manniska", "person", "/manniska"),
        ("/manniska vi har bråttom", "person", "vi har bråttom"),
        ("/human", "person", "/human"),
        ("/sprak", "language", "/sprak"),
        ("/language", "language", "/language"),
        ("/dolj", "hide", "/dolj"),
        ("/hide", "hide", "/hide"),
        ("/settings", "help", "/settings"),
        ("/hjalp hur söker vi bidrag?", None, "hur söker vi bidrag?"),
        ("/start hur söker vi?", None, "hur söker vi?"),
        ("och/eller", None, "och/eller"),
        ("/ hej", None, "/ hej"),
    ],
)
def test_commands_are_read_and_no_question_behind_one_is_lost(text: str, command: str | None, words: str) -> None:
    found = incoming(read(**message(text)))
    assert (found.command, found.new_text, found.text) == (command, words, text)


def test_an_edit_names_what_it_replaces_and_is_a_message_of_its_own() -> None:
    found = incoming(read("edited_message", **message("Hej då", edit_date=int(NOW.timestamp()))))
    assert (found.external_id, found.replaces, found.received_at) == ("7.5.900", "7.5", NOW)


def test_a_pressed_button_says_what_it_asks_for_and_under_which_message() -> None:
    arrived = read("callback_query", id="q1", **{"from": ANNA}, data="31:more-1", message=message(message_id=9))
    found = incoming(arrived)
    assert (arrived.press_id, arrived.reference, arrived.chat) == ("q1", "31", "7")
    assert (found.command, found.external_id, found.received_at) == ("more-1", "7.9.31:more-1", NOW)
    again = read("callback_query", id="q2", **{"from": ANNA}, data="31:more-1", message=message(message_id=9))
    assert incoming(again).external_id == found.external_id


def test_a_button_elsewhere_is_let_be_and_confirmed() -> None:
    arrived = read("callback_query", id="q1", **{"from": ANNA}, data="31:yes", inline_message_id="x")
    assert (arrived.kind, arrived.incoming, arrived.press_id) == ("elsewhere", None, "q1")


@pytest.mark.parametrize(
    ("fields", "file"),
    [
        ({"photo": PHOTO}, RemoteFile("large", "bild.jpg", "image/jpeg", 90_000)),
        (
            {"document": {"file_id": "d", "file_name": "../../p.pdf", "mime_type": "application/pdf", "file_size": 9}},
            RemoteFile("d", "p.pdf", "application/pdf", 9),
        ),
        ({"voice": {"file_id": "v", "mime_type": "audio/ogg"}}, RemoteFile("v", "röstmeddelande.ogg", "audio/ogg", 0)),
        ({"video_note": {"file_id": "n", "file_size": 3}}, RemoteFile("n", "film.mp4", "", 3)),
    ],
)
def test_files_are_named_and_fetched_later(fields: dict[str, Any], file: RemoteFile) -> None:
    arrived = read(**message(caption="Se här", **fields))
    assert arrived.file == file
    assert incoming(arrived).new_text == "Se här"
    assert incoming(read(**message(**fields))).new_text == ""


@pytest.mark.parametrize(
    ("file", "taken"),
    [
        (RemoteFile("f", "p.pdf", "application/pdf", 10), True),
        (RemoteFile("f", "p.pdf", "application/pdf", 101), False),
        (RemoteFile("f", "p", "", 0), True),
        (RemoteFile("f", "p.exe", "application/x-msdownload", 10), False),
        (RemoteFile("f", "p.zip", "application/zip", 10), False),
        (RemoteFile("f", "p.html", "text/html", 10), False),
        (RemoteFile("f", "p.svg", "image/svg+xml", 10), False),
        (RemoteFile("f", "v.ogg", "audio/ogg", 10), True),
    ],
)
def test_only_some_kinds_are_worth_fetching(file: RemoteFile, taken: bool) -> None:
    assert is_taken(file, 100) is taken


def test_what_a_file_is_shows_in_its_bytes_not_in_its_name() -> None:
    base, pdf = incoming(read(**message("Se"))), RemoteFile("f", "p.pdf", "application/pdf", 0)
    (kept,) = with_file(base, pdf, b"%PDF-1.7\n").attachments
    assert (kept.name, kept.content_type) == ("p.pdf", "application/pdf")
    for content in (b"MZ\x90\x00", b"<html><script>", None):
        refused = with_file(base, pdf, content)
        assert (refused.attachments, refused.warnings) == ((), (NOT_FETCHED,))


def test_a_place_is_kept_as_a_small_file() -> None:
    arrived = read(**message(location={"latitude": 56.04, "longitude": 12.69}))
    (place,) = incoming(arrived).attachments
    assert json.loads(place.content) == {"type": "Point", "coordinates": [12.69, 56.04]}


@pytest.mark.parametrize("kind", ["contact", "poll", "dice", "story"])
def test_what_we_have_no_form_for_is_a_persons(kind: str) -> None:
    assert incoming(read(**message(None, **{kind: {"x": 1}}))).warnings == (NOT_FETCHED,)


def test_a_sticker_is_its_emoji() -> None:
    assert incoming(read(**message(sticker={"file_id": "s", "emoji": "👍"}))).text == "👍"


@pytest.mark.parametrize(
    ("fields", "addressed"),
    [
        ({"text": "Hur går vi med?"}, False),
        ({"text": "@LOK_prov_bot hur går vi med?"}, True),
        ({"text": "@lok_prov_bottom hur går vi med?"}, False),
        ({"text": "/hjalp@lok_prov_bot"}, True),
        ({"text": "/hjalp@annan_bot"}, False),
        ({"text": "/hjalp"}, False),
        ({"text": "Och sen?", "reply_to_message": {"from": {"id": 42}}}, True),
        ({"text": "Och sen?", "reply_to_message": {"from": {"id": 43}}}, False),
        ({"caption": "@lok_prov_bot här", "photo": PHOTO}, True),
        ({"new_chat_members": [ANNA]}, False),
    ],
)
def test_groups_are_left_alone_unless_they_address_the_bot(fields: dict[str, Any], addressed: bool) -> None:
    arrived = read(**message(**fields) | {"chat": GROUP})
    assert arrived.kind == ("message" if addressed else "elsewhere")
    if addressed:
        assert arrived.chat == "-100"
        assert "@" not in incoming(arrived).new_text or incoming(arrived).command


@pytest.mark.parametrize(
    ("kind", "content", "fate"),
    [
        ("message", message("Hej") | {"from": ANNA | {"is_bot": True}}, "elsewhere"),
        ("channel_post", message("Nyhet"), "elsewhere"),
        ("poll", {"id": "1"}, "elsewhere"),
        ("message", message(pinned_message={"message_id": 1}), "service"),
        ("my_chat_member", {"chat": {"id": 7}, "new_chat_member": {"status": "kicked"}}, "blocked"),
        ("my_chat_member", {"chat": {"id": 7}, "new_chat_member": {"status": "member"}}, "unblocked"),
    ],
)
def test_the_rest_is_no_message(kind: str, content: dict[str, Any], fate: str) -> None:
    arrived = read(kind, **content)
    assert (arrived.kind, arrived.incoming) == (fate, None)


@pytest.mark.parametrize(
    "broken",
    [
        {"message": {"text": "Hej"}},
        {"message": message("Hej") | {"date": "nu"}},
        {"message": message("Hej") | {"date": 10**20}},
        {"message": message("Hej", location={"latitude": "x"})},
        {"message": message(photo=[{}])},
        {"callback_query": {"id": "1", "data": "x:y", "message": {}}},
        {"edited_message": "text"},
    ],
)
def test_what_cannot_be_read_is_kept_and_shown(broken: dict[str, Any]) -> None:
    arrived = telegram_updates.read({"update_id": 900} | broken, BOT, now=NOW)
    found = incoming(arrived)
    assert (arrived.kind, found.is_readable, found.external_id) == ("message", False, "update.900")
    assert json.loads(found.raw) == {"update_id": 900} | broken


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "text", "chat", "from", "date", "photo", "data", "type"]), inner)
    ),
    max_leaves=12,
)


@given(kind=st.sampled_from([*telegram_updates.WANTED, "channel_post"]), content=JSON, fields=JSON)
def test_no_update_makes_it_raise(kind: str, content: Any, fields: Any) -> None:
    whole = message("Hej") | (fields if isinstance(fields, dict) else {})
    for each in (content, whole):
        arrived = telegram_updates.read({"update_id": 900, kind: each}, BOT, now=NOW)
        assert arrived.update_id == 900
