"""Bytes to text: the reading that makes words wins over the label."""

from __future__ import annotations

import pytest

from lokbot.channels import charsets

SWEDISH = "Föreningen på Ängelholmsvägen söker lokal åt sin körövning."


@pytest.mark.parametrize("actual", ["utf-8", "iso-8859-1", "cp1252", "cp850", "mac_roman"])
@pytest.mark.parametrize("declared", [None, "us-ascii", "x-unknown", "iso-8859-1"])
def test_swedish_reads_right_whatever_the_label_says(actual: str, declared: str | None) -> None:
    assert charsets.decode(SWEDISH.encode(actual), declared)[0] == SWEDISH


@pytest.mark.parametrize(
    ("text", "actual", "declared"),
    [
        ("สวัสดี", "cp874", "windows-874"),
        ("你好协会", "gbk", "x-gbk"),
        ("協会の方", "iso2022_jp", "ISO-2022-JP"),
        ("협회", "cp949", "ks_c_5601-1987"),
        ("Привет, общество", "koi8-r", "koi8-r"),
        ("€ och ”citat”", "cp1252", "iso-8859-1"),
        ("hej å", "utf-16", "utf-16"),
        ("hej", "ascii", "no-such-charset"),
    ],
)
def test_declared_charsets(text: str, actual: str, declared: str) -> None:
    assert charsets.decode(text.encode(actual), declared)[0] == text


def test_utf8_cut_in_the_middle_of_a_letter_stays_utf8() -> None:
    text, was_sure = charsets.decode(SWEDISH.encode()[:-1] + b"\xc3", "utf-8")
    assert text.startswith("Föreningen på Ängelholmsvägen")
    assert not was_sure


def test_an_undeclared_foreign_alphabet_is_detected() -> None:
    text = "Здравствуйте, мы украинская ассоциация и хотим участвовать в соглашении."
    assert charsets.decode(text.encode("cp1251"), None) == (text, False)


@pytest.mark.parametrize(
    "label", ["rot13", "base64", "punycode", "idna", "unicode_escape", "undefined", "", "\x00", "å"]
)
def test_no_label_is_dangerous(label: str) -> None:
    assert charsets.codec(label) is None
    assert charsets.decode("å\\x41".encode(), label)[0] == "å\\x41"


def test_any_bytes_give_text() -> None:
    everything = bytes(range(256)) * 40
    for label in (None, "utf-8", "utf-7", "gbk", "cp1252", "utf-16", "hz", "iso-2022-jp", "big5"):
        charsets.decode(everything, label)[0].encode("utf-8", "surrogatepass")
