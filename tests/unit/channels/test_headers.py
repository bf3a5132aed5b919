"""The head of a mail: fields, encoded words, parameters, addresses, ids and dates, in every broken form."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lokbot.channels import headers
from lokbot.model import Address

NOW = datetime(2025, 2, 3, 15, 0, tzinfo=UTC)


def test_fields_are_unfolded_in_order_and_the_body_begins_after_the_empty_line() -> None:
    raw = b"Subject: a\r\n b\r\nX: 1\r\nX: 2\r\n\r\nbody"
    fields, start = headers.read(raw)
    assert fields.fields == (("subject", "a b"), ("x", "1"), ("x", "2"))
    assert fields.all("x") == ["1", "2"]
    assert "x" in fields
    assert "y" not in fields
    assert raw[start:] == b"body"


def test_a_line_that_is_no_field_ends_the_head_unless_a_field_follows() -> None:
    fields, start = headers.read(b"A: 1\nstray\nB: 2\nHej, det var allt.\n")
    assert fields.fields == (("a", "1 stray"), ("b", "2"))
    assert start == len(b"A: 1\nstray\nB: 2\n")


def test_a_boundary_ends_the_head() -> None:
    fields, start = headers.read(b"A: 1\n--b\nB: 2\n\n")
    assert fields.fields == (("a", "1"),)
    assert start == 5


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("=?utf-8?Q?F=C3=B6rening?=", "Förening"),
        ("=?ISO-8859-1?q?F=F6rening?= nu", "Förening nu"),
        ("=?utf-8?B?RsO2?= =?utf-8?B?cmVuaW5n?=", "Förening"),
        ("=?utf-8?B?ww==?= =?utf-8?B?tg==?=", "ö"),
        ("=?utf-8*sv?Q?=C3=B6?=", "ö"),
        ("=?utf-8?Q?utan slut", "utan slut"),
        ("=?utf-8?Q?ett_?==?utf-8?Q?tv=C3=A5?=", "ett två"),
        ("=?utf-8?Q?Kan ni hj=C3=A4lpa??=", "Kan ni hjälpa?"),
        ("=?x-unknown?Q?F=F6r?=", "För"),
        ("=?utf-8?B?!!!?=", ""),
        ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        ("5 =? 6 ?=", "5 =? 6 ?="),
        ("a\x00b  c", "ab c"),
    ],
)
def test_encoded_words(written: str, read: str) -> None:
    assert headers.words(written) == read


def test_parameters_in_sections_quotes_and_charsets() -> None:
    value = 'text/plain; NAME*1*=%C3%A5.pdf; name*0*=utf-8\'\'r; charset="utf-8"; x=a b; q="a\\"b"'
    assert headers.parameters(value) == (
        "text/plain",
        {"name": "rå.pdf", "charset": "utf-8", "x": "a b", "q": 'a"b'},
    )
    assert headers.parameters(None) == ("", {})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Anna Ek <Anna@Example.org>", [("Anna Ek", "anna@example.org")]),
        ('"Ek, Anna" <a@example.org>, b@example.org', [("Ek, Anna", "a@example.org"), ("", "b@example.org")]),
        ("Ek, Anna <a@example.org>", [("Ek, Anna", "a@example.org")]),
        ("Styrelsen: a@example.org, B <b@example.org>;", [("", "a@example.org"), ("B", "b@example.org")]),
        ("undisclosed-recipients:;", []),
        ("a@example.org (Anna (kassör))", [("Anna kassör", "a@example.org")]),
        ('"a@example.org" <a@example.org>', [("", "a@example.org")]),
        ("'Anna' <mailto:a@example.org>", [("Anna", "a@example.org")]),
        ('"Anna <a@example.org>', [("Anna", "a@example.org")]),
        ("<>", []),
        ("Anna", [("Anna", "")]),
        ("=?utf-8?Q?=C3=85sa?= <a@example.org>", [("Åsa", "a@example.org")]),
        ("a@example.org; b@example.org", [("", "a@example.org"), ("", "b@example.org")]),
    ],
)
def test_addresses(written: str, read: list[tuple[str, str]]) -> None:
    assert headers.addresses(written) == tuple(Address(*one) for one in read)


def test_ids_lose_brackets_and_spaces_and_empty_ones_never_count() -> None:
    assert headers.ids("<a@x> <> < b@x\t> <a@x>", None, "c@x") == ("a@x", "b@x", "c@x")
    assert headers.ids("<>", "", "text without id") == ()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Mon, 3 Feb 2025 16:02:11 +0100", datetime(2025, 2, 3, 15, 2, 11, tzinfo=UTC)),
        ("3 Feb 25 16:02 GMT", datetime(2025, 2, 3, 16, 2, tzinfo=UTC)),
        ("Mon, 3 Feb 2025 16:02:11 +0100 (CET)", datetime(2025, 2, 3, 15, 2, 11, tzinfo=UTC)),
        ("Thu, 1 Jan 1970 00:00:00 +0000", None),
        ("Mon, 3 Jan 2050 10:00:00 +0100", None),
        ("Fri, 31 Feb 2025 10:00:00 +0100", None),
        ("i går", None),
        ("", None),
        (None, None),
    ],
)
def test_dates(written: str | None, read: datetime | None) -> None:
    assert headers.date(written, received_at=NOW) == read


def test_base64_reads_past_damage() -> None:
    assert headers.unbase64(b"SGVq\n!!aGVq=x") == b"Hejhej"
    assert headers.unbase64(b"SGVqQ") == b"Hej"


def test_what_no_database_could_hold_is_left_out() -> None:
    assert headers.ids(f"<{'a' * 600}@x> <b@x>") == ("b@x",)
    assert headers.addresses(f"A <{'a' * 400}@x.example>") == (Address("A", ""),)
    assert headers.words("=?utf-7?Q?a+2AA-b?=") == "ab"
