"""Every sample mail, and whatever else somebody may send, is stored and ends handled on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lokbot.channels import mime
from lokbot.conversation import intake
from lokbot.model import MessageState, OutboxKind
from lokbot.store.schema import Message
from lokbot.store.session import Sessions
from tests.integration.world import World
from tests.sample_mails import NOW

MAILS = sorted((Path(__file__).resolve().parents[1] / "eml").glob("*.eml"))


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


def goes_its_way(world: World, raw: bytes) -> Message:
    """Store and handle a mail; gives its message."""
    with world.sessions.begin() as session:
        received = intake.receive(session, mime.parse(raw, received_at=NOW), now=NOW)
    while world.handle_next() is not None:
        pass
    with world.sessions.begin() as session:
        message = session.get_one(Message, received.message_id)
        assert message.state is MessageState.HANDLED, message.failure
        assert message.raw == raw or not received.is_new
        assert message.conversation.outbox is not None
        return message


def test_every_sample_mail_is_handled_and_no_machine_is_answered(world: World) -> None:
    assert MAILS
    for file in MAILS:
        message = goes_its_way(world, file.read_bytes())
        assert message.state is MessageState.HANDLED, file.name
        if message.automatic_kind is not None:
            to_askers = [item for item in message.conversation.outbox if item.kind is not OutboxKind.NOTIFICATION]
            assert [item for item in to_askers if item.message_id == message.id] == [], file.name


def test_a_mail_that_comes_over_two_routes_is_one(world: World) -> None:
    for file in MAILS[:20]:
        raw = file.read_bytes()
        first = goes_its_way(world, raw)
        with world.sessions.begin() as session:
            other_route = b"Received: from b.example by a.example; Mon, 2 Mar 2026 09:30:00 +0000\r\n" + raw
            again = intake.receive(session, mime.parse(other_route, received_at=NOW), now=NOW)
        assert (again.message_id, again.is_new) == (first.id, False), file.name


LONG = "a" * 2000


@pytest.mark.parametrize(
    "head",
    [
        f"Message-ID: <{LONG}@x.example>",
        f"In-Reply-To: <{LONG}@x.example>",
        "References: " + " ".join(f"<{number}@x.example>" for number in range(9000)),
        f"From: {LONG}@x.example",
        f"From: {LONG} <a@x.example>",
        f"Reply-To: {LONG}@x.example",
        f"Subject: {LONG * 40}",
        "From: =?utf-8?b?AGEA?= <a@x.example>",
        "Message-ID: <a\x00b@x.example>",
        f'Content-Type: application/{LONG}; name="{LONG}"',
        f"Auto-Submitted: {LONG}",
        "Subject: =?utf-7?q?+2AA-?=",
        "",
    ],
    ids=lambda head: head[:24],
)
def test_a_head_that_somebody_made_to_hurt(world: World, head: str) -> None:
    goes_its_way(world, f"{head}\r\nTo: lok@stad.example\r\n\r\nHej!\r\n".encode())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.lists(st.binary(max_size=60), max_size=4), body=st.binary(max_size=200))
def test_any_bytes(world: World, head: list[bytes], body: bytes) -> None:
    names = (b"From", b"Subject", b"Message-ID", b"Content-Type")
    lines = [name + b": " + value for name, value in zip(names, head, strict=False)]
    goes_its_way(world, b"\r\n".join([*lines, b"", body]))
