"""Records: a class with its history, the daily list, and a case taken out exactly as it came and went."""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import timedelta
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lokbot import audit, records
from lokbot.config import ChatSettings
from lokbot.conversation import calls, escalation
from lokbot.conversation.escalation import NotPossible
from lokbot.model import Address, ChannelName, OutboxKind, OutgoingMessage, RecordClass
from lokbot.records.exporting import FORMAT
from lokbot.records.page import CHANNELS as PAGE_CHANNELS
from lokbot.records.page import KINDS as PAGE_KINDS
from lokbot.store import queries
from lokbot.store.schema import Conversation, OutboxItem
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.world import SUGGEST, Case, World, edited
from tests.sample_mails import ANNA, STRANGER, attachment
from tests.unit.records.test_names import HOSTILE

ACT: dict[str, Any] = {"actor": "Kim", "source": "web"}


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


def classify(world: World, case: Case, record_class: RecordClass, **values: Any) -> None:
    number = case.conversation.id
    with world.sessions.begin() as session:
        conversation = session.get_one(Conversation, number)
        records.classify(session, conversation, record_class, now=world.now, **{**ACT, **values})


# ------------------------------------------------------------------ classes


def test_a_class_and_a_diary_number_are_set_with_their_history(world: World) -> None:
    case = world.write(sample.OWN)
    assert (case.conversation.record_class, case.conversation.diary_number) == (RecordClass.NOT_ASSESSED, None)
    classify(world, case, RecordClass.REGISTER, diary_number="  2026/17 ")
    world.later(days=1)
    classify(world, case, RecordClass.SECRECY, actor="Robin")
    classify(world, case, RecordClass.SECRECY, actor="Robin")
    conversation = case.conversation
    assert (conversation.record_class, conversation.diary_number) == (RecordClass.SECRECY, "2026/17")
    events = [event for event in case.events() if event.verb == "classified"]
    assert [(event.actor, event.detail) for event in events] == [
        (
            "Kim",
            {"before": "not_assessed", "after": "register", "diary_before": None, "diary_after": "2026/17"},
        ),
        (
            "Robin",
            {
                "before": "register",
                "after": "possible_secrecy",
                "diary_before": "2026/17",
                "diary_after": "2026/17",
            },
        ),
    ]
    with world.sessions.begin() as session:
        entries = audit.search(session, act="classified", conversation=conversation).entries
        assert [(entry.actor, entry.source) for entry in entries] == [("Robin", "web"), ("Kim", "web")]
    classify(world, case, RecordClass.MINOR, diary_number="")
    assert case.conversation.diary_number is None


@pytest.mark.parametrize("number", ["x" * 65, "2026\x00"])
def test_what_no_diary_gives_is_refused(world: World, number: str) -> None:
    case = world.write(sample.OWN)
    with pytest.raises(NotPossible, match="högst 64 tecken"):
        classify(world, case, RecordClass.REGISTER, diary_number=number)


# ------------------------------------------------------------------ the daily list


def listed(world: World, *, days: float = 1) -> dict[str, records.Row]:
    with world.sessions.begin() as session:
        rows = records.daily(session, since=world.now - timedelta(days=days))
    assert [row.came_at for row in rows] == sorted(row.came_at for row in rows)
    return {row.subject: row for row in rows}


def test_the_list_has_what_is_new_what_is_open_and_what_wants_a_number(world: World) -> None:
    for subject, text in (("öppet", sample.OWN), ("klart", sample.OWN), ("ska in", sample.OWN), ("boten", sample.JOIN)):
        case = world.write(text, subject=subject, sender=Address("", f"{subject.replace(' ', '')}@a.example"))
        if subject != "öppet":
            world.resolve(case)
        if subject == "ska in":
            classify(world, case, RecordClass.REGISTER)
        if subject == "klart":
            closed = case
    assert all(row.is_new for row in listed(world).values())
    world.later(days=3)
    new = world.write(
        sample.OWN, subject="nytt", sender=ANNA, attachments=(attachment(), attachment(b"2", "stadgar.pdf"))
    )
    found = listed(world)
    assert {subject: row.is_new for subject, row in found.items()} == {"öppet": False, "ska in": False, "nytt": True}
    assert found["nytt"].attachments == ("protokoll.pdf", "stadgar.pdf")
    assert (found["nytt"].sender_name, found["nytt"].sender_address) == ("Anna Prov", "anna@forening.example")
    assert (found["nytt"].is_open, found["ska in"].is_open) == (True, False)

    # A new message makes an old case new; a number takes it off the list.
    before = closed.message
    world.write("En sak till.", in_reply_to=(before.message_id,), sender=Address("", before.sender_email))
    with world.sessions.begin() as session:
        wanted = queries.conversation_for(session, 3)
        assert wanted is not None
        records.classify(
            session, wanted, RecordClass.REGISTER, diary_number="2026/18", now=world.now, actor="Kim", source="cli"
        )
    found = listed(world)
    assert found["klart"].is_new
    assert "ska in" not in found
    assert new.conversation.case_number == found["nytt"].case_number


# ------------------------------------------------------------------ taken out


def taken_out(world: World, case: Case) -> dict[str, bytes]:
    """The files of an export, by their path; the archive is sound, in one folder, and its manifest true."""
    number = case.conversation.id
    file = BytesIO()
    with world.sessions.begin() as session:
        conversation = queries.conversation_for(session, number)
        assert conversation is not None
        records.export(session, conversation, file, knowledge=world.active.knowledge, now=world.now, **ACT)
        folder = conversation.case_number
        assert records.file_name(conversation) == f"{folder}.zip"
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len({name.casefold() for name in names}) == len(names)
        for name in names:
            assert name.startswith(f"{folder}/")
            assert ".." not in Path(name).parts
            assert "\\" not in name
        files = {name.removeprefix(f"{folder}/"): archive.read(name) for name in names}
    lines = files["manifest.sha256"].decode().splitlines()
    told = {path: digest for digest, _, path in (line.partition("  ") for line in lines)}
    assert told == {
        path: hashlib.sha256(content).hexdigest() for path, content in files.items() if path != "manifest.sha256"
    }
    return files


def door(world: World, message: OutgoingMessage) -> bytes:
    World.send(world, message)
    return f"Message-ID: <{message.external_id}>\r\n\r\n{message.text}".encode()


def test_everything_is_taken_out_as_it_came_and_went(sessions: Sessions) -> None:
    class Mailing(World):
        def send(self, message: OutgoingMessage) -> bytes:  # type: ignore[override]
            return door(self, message)

    world = Mailing(sessions)
    raw = b"From: anna@forening.example\r\n\r\n\xff\xfe exakt \x00 dessa bytes\r\n"
    case = world.write(sample.JOIN, raw=raw)
    world.deliver()
    world.later(minutes=1)
    world.write(sample.NONSENSE, in_reply_to=(case.message.message_id,), attachments=(attachment(b"%PDF innehall"),))
    world.deliver()
    number = case.conversation.id
    with world.sessions.begin() as session:
        conversation = queries.conversation_for(session, number)
        assert conversation is not None
        escalation.coordinator_reply(
            session, conversation, "Hej Anna! Ja.", actor="Kim", settings=world.settings, now=world.now
        )
    world.deliver()
    classify(world, case, RecordClass.REGISTER, diary_number="2026/17")
    files = taken_out(world, case)

    came = [content for path, content in sorted(files.items()) if path.startswith("in/")]
    assert len(came) == 2
    assert came[0] == raw
    with world.sessions.begin() as session:
        sent = [session.get_one(OutboxItem, item.id).raw for item in case.items()]
    assert sorted(content for path, content in files.items() if path.startswith("ut/")) == sorted(filter(None, sent))
    assert files["bilagor/0002 protokoll.pdf"] == b"%PDF innehall"

    document = json.loads(files["arende.json"])
    assert document["format"] == FORMAT
    assert (document["record_class"], document["diary_number"]) == ("register", "2026/17")
    message, second = document["messages"]
    assert message["text"] == sample.JOIN
    assert files[message["original"]["path"]] == raw
    assert second["attachments"][0]["path"] == "bilagor/0002 protokoll.pdf"
    answers = [item for item in document["outgoing"] if item["kind"] == "answer"]
    assert [(item["text"], item["created_by"], item["status"]) for item in answers] == [
        ("Hej Anna! Ja.", "Kim", "sent")
    ]
    told, escalated = document["decisions"]
    assert (told["question"], told["article"]) == (sample.JOIN, "ga-med")
    assert told["article_version"]["approved_by"] == sample.APPROVER
    assert told["evidence"]
    assert escalated["outcome"] == "escalate"
    assert escalated["why"] == world.active.knowledge.phrases["sv"][f"reason.{escalated['reason']}"]
    assert [event["verb"] for event in document["events"]][-2:] == ["classified", "exported"]
    with world.sessions.begin() as session:
        assert audit.search(session, act="exported").entries[0].conversation_id == number

    page = files["arende.html"].decode()
    for words in ("Diarienummer", "2026/17", "registreras", "Hej Anna! Ja.", "Anna Prov", escalated["why"]):
        assert words in page


def test_what_coordinators_write_to_each_other_is_told_from_what_the_asker_wrote(world: World) -> None:
    case = world.write(sample.OWN)
    (notice, *_) = case.notified()
    world.store(
        "#not\nHan ringde i går.",
        sender=Address("Sam", "samordnare@stad.example"),
        in_reply_to=(notice.external_id,),
    )
    document = json.loads(taken_out(world, case)["arende.json"])
    assert [message["is_internal"] for message in document["messages"]] == [False, True]


def test_notes_and_what_went_along_are_taken_out_too(world: World) -> None:
    case = world.write(sample.OWN, attachments=(attachment(),))
    with world.sessions.begin() as session:
        found = session.get_one(Conversation, case.conversation.id)
        escalation.note(session, found, "Ring <kassören>.", actor="Kim", now=world.now)
        escalation.coordinator_reply(
            session,
            found,
            "Se filen.",
            actor="Kim",
            settings=world.settings,
            now=world.now,
            attachments=(attachment(b"%PDF-1.7 svar"),),
        )
    files = taken_out(world, case)
    assert files["bilagor/0001 protokoll.pdf"] == b"%PDF-1.7"
    (went,) = [path for path in files if path.startswith("bilagor/ut ")]
    assert files[went] == b"%PDF-1.7 svar"
    document = json.loads(files["arende.json"])
    assert [(note["by"], note["text"]) for note in document["notes"]] == [("Kim", "Ring <kassören>.")]
    (answer,) = [item for item in document["outgoing"] if item["kind"] == "answer"]
    assert [one["path"] for one in answer["attachments"]] == [went]
    page = Page()
    page.feed(files["arende.html"].decode())
    assert "Anteckning av Kim" in page.text
    assert "Ring <kassören>." in page.text
    assert quote(went) in page.links


def test_every_kind_of_case_and_mail_can_be_taken_out(world: World) -> None:
    assert set(PAGE_KINDS) == set(OutboxKind)
    assert set(PAGE_CHANNELS) == set(ChannelName)
    with world.sessions.begin() as session:
        call = calls.log_call(
            session,
            text="Vill låna lokal.",
            channel=ChannelName.PHONE,
            actor="Kim",
            settings=world.settings,
            now=world.now,
        )
        file = BytesIO()
        records.export(session, call, file, knowledge=world.active.knowledge, now=world.now, **ACT)
    with zipfile.ZipFile(file) as archive:
        assert "samtal" in archive.read(f"{call.case_number}/arende.html").decode()


def test_hostile_names_and_words_do_nothing(world: World) -> None:
    script = "<script>alert(1)</script><img src=http://spion.example/x onerror=alert(2)>"
    case = world.write(
        f"{sample.OWN} {script} </pre></body>\x1b[31m",
        subject=f"{script}&amp;",
        sender=Address(f'"><b>{script}', "anna@forening.example"),
        attachments=tuple(attachment(str(n).encode(), name[:300]) for n, name in enumerate(HOSTILE * 2)),
    )
    files = taken_out(world, case)
    kept = [content for path, content in files.items() if path.startswith("bilagor/")]
    assert sorted(kept) == sorted(str(n).encode() for n in range(len(HOSTILE) * 2)), "each is there, under its own name"
    page = Page()
    page.feed(files["arende.html"].decode())
    assert not page.tags & {"script", "img", "b", "iframe", "link", "object", "form"}
    assert "\x1b" not in files["arende.html"].decode()
    assert page.handlers == set()
    assert len(page.links) == len(HOSTILE) * 2 + 1
    assert all(link.startswith(("bilagor/", "in/")) for link in page.links), "nothing leads elsewhere"
    assert script in page.text


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.handlers: set[str] = set()
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.handlers |= {name for name, _ in attrs if name.startswith("on") or name in ("src", "style")}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_what_has_not_been_sent_and_what_a_chat_said_are_there_too(sessions: Sessions) -> None:
    world = World(sessions, settings=edited(SUGGEST, chat=ChatSettings(quiet_seconds=0)))
    case = world.write(sample.JOIN, channel=ChannelName.WEBCHAT, raw=b'{"text": "Hej"}', sender=STRANGER)
    files = taken_out(world, case)
    (name,) = [path for path in files if path.startswith("in/")]
    assert name.endswith(".txt")
    document = json.loads(files["arende.json"])
    held = [item for item in document["outgoing"] if item["status"] == "held"]
    assert [item["kind"] for item in held] == [str(OutboxKind.REPLY)]
    assert held[0]["original"] is None
    assert "förslag, inte skickat" in files["arende.html"].decode()
