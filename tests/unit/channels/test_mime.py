"""The parser as a whole: stable identity, no exception for any bytes, the fixed interface of ``lokbot parse``."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lokbot.channels import mime
from lokbot.model import Address, ChannelName, IncomingMessage

NOW = datetime(2025, 2, 3, 15, 0, tzinfo=UTC)
TESTS = Path(__file__).parents[2]
MAILS = [path.read_bytes() for path in sorted((TESTS / "eml").glob("*.eml"))]
CORPUS = sorted((TESTS / "fuzz" / "corpus").iterdir())

MAIL = (
    b"From: Anna <anna@example.org>\r\nTo: lok@helsingborg.se\r\nSubject: Fr=E5ga\r\nMessage-ID: <1@example.org>\r\n"
    b"Date: Mon, 3 Feb 2025 10:00:00 +0100\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n\r\nHej, f\xc3\xb6rening!\r\n"
)


def read(raw: bytes) -> IncomingMessage:
    # Not parse(): its net under our own faults would hide them here.
    return mime._read(raw, NOW, ChannelName.MAIL)


def check(raw: bytes) -> None:
    message = read(raw)
    json.dumps(mime.to_json("x.eml", message, "sv"))
    for text in (message.text, message.new_text, message.subject, message.external_id, message.sender.name):
        text.encode()
        assert "\x00" not in text
    assert message.raw is raw
    assert message.message_id != ""
    assert bool(message.new_text.strip()) == bool(message.text.strip())


# --------------------------------------------------------------------------- identity


def test_the_same_mail_over_another_route_has_the_same_external_id() -> None:
    again = b"Return-Path: <anna@example.org>\nReceived: from x by y; Mon, 3 Feb 2025 10:00:05 +0100\n" + MAIL.replace(
        b"\r\n", b"\n"
    )
    encoded = MAIL.replace(b"8bit", b"quoted-printable").replace(b"f\xc3\xb6rening", b"f=C3=B6r=\r\nening")
    assert read(MAIL).external_id == read(again).external_id == read(encoded).external_id
    assert read(MAIL).external_id == mime.parse(MAIL, received_at=NOW + timedelta(days=9)).external_id
    assert read(MAIL).external_id.startswith("1@example.org#")


@pytest.mark.parametrize("part", [b"Hej", b"anna@", b"10:00:00", b"Fr=E5ga", b"1@example.org"])
def test_another_mail_has_another_external_id(part: bytes) -> None:
    assert read(MAIL.replace(part, b"B" + part)).external_id != read(MAIL).external_id


def test_mails_without_message_id_differ_by_their_content() -> None:
    one = MAIL.replace(b"Message-ID: <1@example.org>\r\n", b"")
    other = one.replace(b"Hej", b"Tja")
    assert read(one).message_id is None
    assert read(one).external_id == read(one.replace(b"To:", b"Message-ID: <>\r\nTo:")).external_id
    assert read(one).external_id != read(other).external_id


# --------------------------------------------------------------------------- any bytes


@pytest.mark.parametrize("raw", [b"", b"\x00" * 50, b"hej hej\nhej", b"\xff\xfe\x00", b"\n\n\n", b"X-A: b\n\nhej"])
def test_what_is_no_mail_is_kept_and_marked_unreadable(raw: bytes) -> None:
    message = mime.parse(raw, received_at=NOW)
    assert not message.is_readable
    assert message.raw == raw
    assert (message.text, message.warnings, message.received_at) == ("", ("unreadable",), NOW)


def test_different_unreadable_bytes_have_different_ids() -> None:
    assert mime.parse(b"a", received_at=NOW).external_id != mime.parse(b"b", received_at=NOW).external_id


def test_a_fault_of_ours_becomes_an_unreadable_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object) -> IncomingMessage:
        raise RuntimeError("a bug")

    monkeypatch.setattr(mime, "_read", fails)
    message = mime.parse(MAIL, received_at=NOW)
    assert not message.is_readable
    assert message.raw == MAIL


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2_000))
def test_any_bytes(raw: bytes) -> None:
    check(raw)


HEADS = st.sampled_from(
    b"From To Subject Date Content-Type Content-Transfer-Encoding Content-Disposition Message-ID References"
    b" Return-Path Reply-To".split()
)
VALUES = st.sampled_from(
    b'=?utf-8?Q?|?=|=?x?B?|text/html|multipart/mixed; boundary=b|multipart/report|base64|<|>|"|(|@|a@example.org'
    b"|quoted-printable|; charset=|utf-16|\xe5|\xc3|; name*0*=|\r\n ".split(b"|")
)
BODIES = st.sampled_from(
    b"--b\n|--b--\n|\n|> |-- \n|Mvh\n|Fr\xe5n: x\n|Skickat: y\n|<blockquote>|<div id=|=C3|\x00|skrev X:\n|\r"
    b"|<style>|a@b.c"
    b"|Content-Type: message/delivery-status\n\n|Action: failed\n".split(b"|")
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(HEADS, st.lists(VALUES | st.binary(max_size=8), max_size=8)), min_size=1, max_size=8),
    st.lists(BODIES | st.binary(max_size=8), max_size=40),
)
def test_any_mail_made_of_the_wrong_pieces(head: list[tuple[bytes, list[bytes]]], body: list[bytes]) -> None:
    check(b"".join(name + b": " + b"".join(values) + b"\n" for name, values in head) + b"\n" + b"".join(body))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(MAILS), st.integers(0, 4_000), st.integers(0, 200), st.binary(max_size=20))
def test_any_mail_with_a_piece_replaced(mail: bytes, start: int, length: int, junk: bytes) -> None:
    check(mail[:start] + junk + mail[start + length :])


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_the_fuzzers_found(path: Path) -> None:
    check(path.read_bytes())


# --------------------------------------------------------------------------- small things


def test_control_characters_never_reach_the_texts() -> None:
    message = read(MAIL.replace(b"Hej", b"H\x00e\xe2\x80\x8bj\x07\xc2\xad").replace(b"Fr=E5ga", b"a\x00b"))
    assert message.text == "Hej, förening!"
    assert message.subject == "ab"


def test_head_without_body_reads_as_far_as_it_goes() -> None:
    message = read(MAIL.partition(b"\r\n\r\n")[0])
    assert message.is_readable
    assert message.sender == Address("Anna", "anna@example.org")
    assert message.text == ""


def test_the_fixed_interface_of_parse() -> None:
    message = replace(read(MAIL), reply_to=(Address("", "b@example.org"),), in_reply_to=("x@y", "z@y"))
    line = mime.to_json("a.eml", message, "sv")
    assert line == {
        "path": "a.eml",
        "from": {"name": "Anna", "email": "anna@example.org"},
        "reply_to": {"name": "", "email": "b@example.org"},
        "to": [{"name": "", "email": "lok@helsingborg.se"}],
        "cc": [],
        "subject": "Fr=E5ga",
        "date": "2025-02-03T09:00:00+00:00",
        "message_id": "1@example.org",
        "in_reply_to": "x@y",
        "references": [],
        "language": "sv",
        "automatic": {"is": False, "kind": None, "reason": None},
        "bounce": {"is": False, "recipients": [], "permanent": None},
        "text": "Hej, förening!",
        "new_text": "Hej, förening!",
        "attachments": [],
        "warnings": [],
    }


def test_an_unreadable_message_has_the_same_keys() -> None:
    line = mime.to_json("a.eml", mime.parse(b"", received_at=NOW), "und")
    assert set(line) == set(mime.to_json("b.eml", read(MAIL), "sv"))
    assert line["from"] is None


def test_every_warning_can_be_said_in_both_languages() -> None:
    assert all(text.sv and text.en for text in mime.WARNINGS.values())
