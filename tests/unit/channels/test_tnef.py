"""winmail.dat: attachments and text come out, damage does not hurt."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from lokbot.channels import tnef


def attribute(number: int, value: bytes) -> bytes:
    return struct.pack("<BII", 2, number, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def text_property(number: int, text: str) -> bytes:
    value = text.encode("utf-16-le") + b"\0\0"
    return struct.pack("<HHII", 0x1F, number, 1, len(value)) + value + b"\0" * (-len(value) % 4)


def named_property(text: str) -> bytes:
    name = "namn".encode("utf-16-le") + b"\0\0"
    head = (
        struct.pack("<HH", 0x1F, 0x8001)
        + b"\0" * 16
        + struct.pack("<II", 1, len(name))
        + name
        + b"\0" * (-len(name) % 4)
    )
    return head + text_property(0, text)[4:]


FILE = (
    struct.pack("<IH", 0x223E9F78, 1)
    + attribute(
        0x00069003,
        struct.pack("<I", 4)
        + struct.pack("<HHI", 0x3, 0x0E08, 7)
        + named_property("annat")
        + text_property(0x1000, "Hej från Outlook")
        + text_property(0x1013, "<p>Hej</p>"),
    )
    + attribute(0x00069002, b"\0" * 14)
    + attribute(0x00018010, b"STADGA~1.PDF\0")
    + attribute(0x0006800F, b"%PDF-1")
    + attribute(0x00069005, struct.pack("<I", 1) + text_property(0x3707, "Stadgar för Råå.pdf"))
    + attribute(0x00069002, b"\0" * 14)
    + attribute(0x00018010, b"bild.png\0")
    + attribute(0x0006800F, b"\x89PNG")
)


def test_text_and_attachments_come_out_with_their_long_names() -> None:
    read = tnef.read(FILE)
    assert read is not None
    assert (read.text, read.html) == ("Hej från Outlook", "<p>Hej</p>")
    assert read.attachments == (("Stadgar för Råå.pdf", b"%PDF-1"), ("bild.png", b"\x89PNG"))


def test_other_bytes_are_no_tnef() -> None:
    assert tnef.read(b"") is None
    assert tnef.read(b"%PDF-1.7 something") is None


@given(st.integers(0, len(FILE)), st.binary(max_size=40))
def test_damage_never_raises(cut: int, junk: bytes) -> None:
    read = tnef.read(FILE[:cut] + junk + FILE[cut + len(junk) :])
    assert read is None or len(read.attachments) <= 2 + len(junk)
