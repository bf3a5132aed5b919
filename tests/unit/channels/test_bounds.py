"""Work that grows with the mail and not faster, counted in calls; benchmarks/mail_bounds has it in seconds."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from types import FrameType

import pytest

from benchmarks import mail_bounds
from lokbot.channels import headers, html_text, mime, parts
from lokbot.channels.html_text import render
from lokbot.model import IncomingMessage

NOW = datetime(2025, 2, 3, 15, 0, tzinfo=UTC)
SMALL = 12_000


def read(raw: bytes) -> IncomingMessage:
    return mime.parse(raw, received_at=NOW)


def calls(raw: bytes) -> int:
    """How many functions are called to parse ``raw``, ours and built-in ones."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        message = read(raw)
    finally:
        sys.setprofile(None)
    assert message.warnings is not None
    return count


@pytest.mark.parametrize("kind", sorted(mail_bounds.KINDS))
def test_twice_the_mail_takes_at_most_twice_the_work(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    for size in (SMALL, SMALL, 2 * SMALL):  # the first one fills the caches
        monkeypatch.setattr(mail_bounds, "SIZE", size)
        counts.append(calls(mail_bounds.KINDS[kind]()))
    assert counts[2] <= 2.2 * counts[1] + 500


def test_a_head_has_so_many_fields_at_most_and_the_body_still_begins_after_it() -> None:
    raw = b"A: b\r\n" * (headers.MAX_FIELDS + 100) + b"\r\nbody"
    fields, start = headers.read(raw)
    assert len(fields.fields) == headers.MAX_FIELDS
    assert raw[start:] == b"body"
    fields, start = headers.read(b"A: b\r\n" * 9, most=5)
    assert (len(fields.fields), start) == (5, 54)


def test_of_too_many_tags_the_words_stay() -> None:
    read = render("<p>a</p>" * html_text.MOST_TAGS + "<table><tr><td>F&ouml;r</td><td>5</td></tr></table><p>slut")
    assert read.text.endswith("a\nFör 5\nslut")
    assert not read.is_cut


def test_tags_are_counted_over_all_parts() -> None:
    part = b"--b\nContent-Type: text/html\n\n" + b"<ul><li>a</ul>" * (html_text.MOST_TAGS // 3) + b"\n"
    last = b"--b\nContent-Type: text/html\n\n<ul><li>b</ul>\n"
    message = read(b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n" + part + last)
    assert message.text.startswith("- a")
    assert message.text.endswith("-\nb")


def test_what_is_left_out_is_said() -> None:
    message = read(mail_bounds.HTML + b"<" * 500_000)
    assert "too-long" in message.warnings
    assert render("<" * 500_000).is_cut


def test_lines_like_a_boundary_are_looked_at_so_many_times() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + b"--a\n" * 100_001 + b"--b\n\nlost\n--b--\n"
    assert [len(leaf.content) for leaf in parts.split(raw).leaves()] == [len(raw) - 48]


def test_a_field_that_comes_often_counts_as_one_long_field() -> None:
    raw = b"".join(b"To: " + b"a@b.example, " * 5_000 + b"b%d@b.example\n" % i for i in range(5))
    assert len(read(raw + b"From: a@b.example\n\nhej").to) == 2
