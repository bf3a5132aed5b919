"""What goes along with a coordinator's answer: copies, attachments, a signature; and what becomes of a refused copy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from lokbot import describing
from lokbot.config import WebSettings
from lokbot.conversation import escalation, outbox, uploads
from lokbot.conversation.escalation import NotPossible
from lokbot.model import Address, Attachment, ChannelName, ConversationStatus, OutboxKind, OutboxStatus, Role
from lokbot.store.schema import AttachmentContent, Conversation, User
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.chatting import Chat
from tests.integration.test_coordinator_mail import ANSWER, KIM, VIK, to_asker, with_server
from tests.integration.test_coordinator_mail import reply as mail_reply
from tests.integration.test_escalation import act, forward
from tests.integration.test_forwarding import OFFICE
from tests.integration.test_forwarding import answer as office_answers
from tests.integration.world import SEND, Case, World, edited
from tests.sample_mails import ANNA, LOK, STRANGER, attachment

SV, EN = sample.phrases()["sv"], sample.phrases()["en"]
BOARD = Address("Styrelsen", "styrelsen@forening.example")
PDF = uploads.read("blankett.pdf", b"%PDF-1.7 blankett")
LOGO = attachment(b"\x89PNG\r\n\x1a\n" + b"0" * 900, "logga.png", "image/png")


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions, with_server(SEND))


def reply(case: Case, **values: Any) -> None:
    act(case, escalation.coordinator_reply, "Ja.", settings=case.world.settings, **values)


def others(case: Case) -> list[str]:
    with case.world.sessions.begin() as session:
        found = escalation.others(session.get_one(Conversation, case.conversation.id), case.world.settings)
    return [one.email for one in found]


# ------------------------------------------------------------------ copies


def test_those_who_take_part_may_be_kept_in_copy_and_nobody_else(world: World) -> None:
    case = world.write(sample.OWN, cc=(BOARD, KIM), to=(LOK, STRANGER))
    world.deliver()
    assert others(case) == [STRANGER.email, BOARD.email]
    reply(case, cc=(BOARD.email.upper(), BOARD.email))
    (sent,) = world.deliver()
    assert (sent.to, sent.cc) == ((ANNA,), (BOARD,))
    with pytest.raises(NotPossible, match=r"nagon@annan\.example är inte med i LOK-2026-00001"):
        reply(case, cc=("nagon@annan.example",))


def test_those_inside_are_no_others(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case, "fritid")
    world.deliver()
    office_answers(case, cc=(OFFICE, STRANGER))
    world.write("Och?", in_reply_to=(case.told()[0].external_id,), cc=(OFFICE, VIK))
    assert others(case) == []


def test_who_wrote_first_may_be_kept_in_copy_when_another_goes_on(world: World) -> None:
    case = world.write(sample.OWN)
    world.write("Jag tar över.", sender=BOARD, in_reply_to=(case.told()[0].external_id,))
    assert others(case) == [ANNA.email]


def test_a_copy_that_is_refused_is_told_of_and_the_asker_gets_one_mail(world: World) -> None:
    case = world.write(sample.OWN, cc=(BOARD,))
    world.deliver()
    world.refuses = {BOARD.email}
    reply(case, cc=(BOARD.email,), attachments=(PDF,))
    sent = world.deliver()
    assert [message.to for message in sent if message.attachments] == [(ANNA,)]
    whole, refused = case.items(OutboxKind.ANSWER)
    assert (whole.status, whole.cc, refused.status) == (OutboxStatus.SENT, [], OutboxStatus.FAILED)
    assert refused.to == [{"name": "Styrelsen", "email": BOARD.email}]
    assert case.conversation.status is ConversationStatus.WAITING
    assert BOARD.email in case.notified()[-1].text


def test_a_copy_that_is_put_off_is_tried_again_alone(world: World) -> None:
    case = world.write(sample.OWN, cc=(BOARD,))
    world.deliver()
    world.busy = {BOARD.email}
    reply(case, cc=(BOARD.email,), attachments=(PDF,))
    world.deliver()
    world.busy.clear()
    world.later(hours=1)
    (later,) = world.deliver()
    assert later.to == (BOARD,)
    assert later.attachments == (PDF,)
    assert [item.status for item in case.items(OutboxKind.ANSWER)] == [OutboxStatus.SENT] * 2
    assert len({item.external_id for item in case.items(OutboxKind.ANSWER)}) == 2


def test_an_asker_who_is_refused_while_the_copy_went_is_not_answered(world: World) -> None:
    case = world.write(sample.OWN, cc=(BOARD,))
    world.deliver()
    act(case, escalation.take_over)
    world.refuses = {ANNA.email}
    reply(case, cc=(BOARD.email,), not_before=world.now)
    world.deliver()
    assert [(item.status, item.to) for item in case.items(OutboxKind.ANSWER)] == [
        (OutboxStatus.SENT, []),
        (OutboxStatus.FAILED, [{"name": ANNA.name, "email": ANNA.email}]),
    ]
    assert case.conversation.status is ConversationStatus.TAKEN


def test_after_a_crash_the_very_same_mail_goes_again_with_all_that_it_carries(world: World) -> None:
    case = world.write(sample.OWN, cc=(BOARD,))
    world.deliver()
    reply(case, cc=(BOARD.email,), attachments=(PDF,))
    with world.sessions.begin() as session:  # the sender died with the mail in its hands
        lease = timedelta(seconds=world.settings.outbox.lease_seconds)
        claimed = outbox.claim(session, worker="dead", channels=(ChannelName.MAIL,), lease=lease, now=world.now)
        assert claimed is not None
        before = outbox.outgoing(claimed)
    assert world.deliver() == []
    world.later(hours=1)
    assert world.deliver() == [before]
    assert (before.cc, before.attachments) == ((BOARD,), (PDF,))


# ------------------------------------------------------------------ attachments


def test_attachments_go_along_and_their_bytes_are_stored_once(world: World) -> None:
    case = world.write(sample.OWN, attachments=(attachment(PDF.content),))
    world.deliver()
    reply(case, attachments=(PDF, PDF))
    (sent,) = world.deliver()
    assert sent.attachments == (PDF, PDF)
    with world.sessions.begin() as session:
        assert len(session.scalars(select(AttachmentContent)).all()) == 1
        found = session.scalars(select(Conversation)).one()
        assert "(bilaga: blankett.pdf, 17 byte)" in describing.case(found, [], with_reasons=False)


def test_what_is_too_large_together_is_refused(world: World) -> None:
    world.settings = edited(world.settings, web=WebSettings(max_upload_bytes=1_000_000))
    case = world.write(sample.OWN)
    half = Attachment("a.bin", "application/octet-stream", 600_000, "0" * 64, b"")
    with pytest.raises(NotPossible, match=r"Bilagorna är 1,2 MB\. Högst 1,0 MB"):
        reply(case, attachments=(half, half))
    assert case.items(OutboxKind.ANSWER) == []


def test_no_file_goes_into_a_chat(world: World) -> None:
    chat = Chat(world)
    chat.write(sample.OWN)
    case = Case(world, chat.last, chat.plans[-1])
    with pytest.raises(NotPossible, match="Flytta ärendet till mejl först"):
        reply(case, attachments=(PDF,))
    assert case.items(OutboxKind.ANSWER) == []
    reply(case)
    assert [item.channel for item in case.items(OutboxKind.ANSWER)] == [ChannelName.TELEGRAM]


def test_a_file_is_known_by_its_bytes() -> None:
    read = uploads.read("../../svar.pdf\r\n", b"%PDF-1.7", "text/html")
    assert (read.name, read.content_type, read.size) == ("svar.pdf", "application/pdf", 8)
    with pytest.raises(NotPossible, match=r"Filen tom\.txt är tom"):
        uploads.read("tom.txt", b"")


@pytest.mark.parametrize(
    ("name", "content", "declared"),
    [
        ("svar.pdf", b"<html><script>", "application/pdf"),
        ("svar.exe", b"%PDF-1.7", "application/pdf"),
        ("svar.txt", b"MZ\x90\x00", "application/octet-stream"),
        ("svar.docm", b"PK\x03\x04", "application/vnd.ms-word.document.macroEnabled.12"),
        ("svar.zip", b"PK\x03\x04", "application/zip"),
        ("bild.svg", b"<svg onload=alert(1)>", "image/svg+xml"),
        ("svar", b"bara ord", "text/plain"),
    ],
)
def test_what_may_harm_the_reader_is_not_sent(name: str, content: bytes, declared: str) -> None:
    with pytest.raises(NotPossible, match=r"kan inte skickas\. Det här går att bifoga: PDF, bilder, Word"):
        uploads.read(name, content, declared)


def test_a_table_that_a_browser_calls_excel_is_sent() -> None:
    assert uploads.read("lista.csv", b"namn;antal\r\n", "application/vnd.ms-excel").name == "lista.csv"


def test_an_administrations_attachments_are_passed_on_and_its_logotype_is_not(world: World) -> None:
    case = world.write(sample.OWN)
    forward(case, "fritid")
    world.deliver()
    office_answers(case, attachments=(PDF, LOGO))
    assert "blankett.pdf" in case.notified()[-1].text
    act(case, escalation.release)
    (sent,) = [message for message in world.deliver() if message.to == (ANNA,)]
    assert sent.attachments == (PDF,)


def test_a_logotype_in_a_coordinators_signature_is_no_attachment(world: World) -> None:
    case = world.write(sample.OWN)
    mail_reply(world, case, attachments=(LOGO,))
    world.later(minutes=10)
    assert to_asker(world) == [ANSWER]


# ------------------------------------------------------------------ signature


def sign(world: World, name: str = "Kim Åberg") -> None:
    with world.sessions.begin() as session:
        session.add(
            User(
                email=KIM.email,
                name=name,
                roles=[Role.COORDINATOR],
                language="sv",
                is_active=True,
                created_by="x",
                created_at=world.now,
            )
        )


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        (sample.OWN, ANSWER, f"{ANSWER}\n\n{SV['signature'].format(name='Kim Åberg')}"),
        (sample.OWN, f"{ANSWER}\n\nHälsar kim", f"{ANSWER}\n\nHälsar kim"),
        (sample.OWN, "Kimberly svarar.", f"Kimberly svarar.\n\n{SV['signature'].format(name='Kim Åberg')}"),
        (
            "I want to talk about our application, please have a person call us about it tomorrow.",
            ANSWER,
            f"{ANSWER}\n\n{EN['signature'].format(name='Kim Åberg')}",
        ),
    ],
)
def test_an_answer_by_mail_is_signed_by_whoever_has_an_account(
    world: World, question: str, text: str, expected: str
) -> None:
    sign(world)
    case = world.write(question)
    mail_reply(world, case, text)
    world.later(minutes=10)
    assert to_asker(world) == [expected]
