"""Every mail under tests/eml reads as expected.yaml beside it says: new words, machine or person, report, head."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from lokbot.channels import mime
from lokbot.model import IncomingMessage

EML = Path(__file__).parents[2] / "eml"
EXPECTED: dict[str, dict[str, Any]] = yaml.safe_load((EML / "expected.yaml").read_text(encoding="utf-8"))
RECEIVED_AT = datetime(2025, 2, 3, 15, 2, 30, tzinfo=UTC)


def read(name: str) -> IncomingMessage:
    return mime.parse((EML / name).read_bytes(), received_at=RECEIVED_AT)


def test_every_mail_has_an_expectation_and_the_other_way_round() -> None:
    assert {path.name for path in EML.glob("*.eml")} == set(EXPECTED)
    assert len(EXPECTED) >= 270


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_mail_reads_as_expected(name: str) -> None:
    expected = EXPECTED[name]
    message = read(name)
    assert message.new_text == expected["new_text"]
    assert message.automatic.kind == expected.get("automatic")
    assert message.automatic.is_automatic == (expected.get("automatic") is not None)
    bounce = expected.get("bounce")
    assert message.bounce.is_bounce == (bounce is not None)
    if bounce:
        assert list(message.bounce.recipients) == bounce["recipients"]
        assert message.bounce.permanent == bounce["permanent"]
        assert message.bounce.original_message_id == bounce["original"]
    assert message.is_readable == expected.get("is_readable", True)
    assert set(expected.get("warnings", [])) <= set(message.warnings)
    assert set(message.warnings) <= set(mime.WARNINGS)
    assert ("no-message-id" in message.warnings) == (message.message_id is None and message.is_readable)


FIELDS: dict[str, Callable[[IncomingMessage], Any]] = {
    "message_id": lambda message: message.message_id,
    "subject": lambda message: message.subject,
    "date": lambda message: message.date,
    "sender": lambda message: message.sender.email,
    "sender_name": lambda message: message.sender.name,
    "reply_to": lambda message: message.reply_to[0].email,
    "to": lambda message: [one.email for one in message.to],
    "cc": lambda message: [one.email for one in message.cc],
    "in_reply_to": lambda message: next(iter(message.in_reply_to), None),
    "references": lambda message: list(message.references),
    "attachments": lambda message: [[one.name, one.content_type] for one in message.attachments],
}


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name in sorted(EXPECTED) for field in FIELDS if field in EXPECTED[name]]
)
def test_field_reads_as_expected(name: str, field: str) -> None:
    assert FIELDS[field](read(name)) == EXPECTED[name][field]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_new_text_is_never_empty_where_there_are_words(name: str) -> None:
    message = read(name)
    assert bool(message.new_text.strip()) == bool(message.text.strip())


@pytest.mark.parametrize("field", ["message_id", "in_reply_to", "references"])
def test_every_id_in_a_head_is_expected_to_be_read(field: str) -> None:
    name = field.replace("_", "-").encode()
    for path in EML.glob("*.eml"):
        head = re.split(rb"\r?\n\r?\n|\r\r", path.read_bytes())[0].replace(b"\r", b"\n")
        if re.search(rb"(?im)^" + name + rb":[^<]*(?:\n[ \t][^<]*)*<\s*[^<>\s]", head):
            assert EXPECTED[path.name].get(field), path.name
