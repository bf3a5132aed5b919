"""The message inside a signature: found in every encoding that programs write, and nothing found in anything else."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lokbot.channels import mime, smime
from lokbot.model import IncomingMessage

EML = Path(__file__).parents[2] / "eml"


def structure(name: str) -> bytes:
    """The CMS structure of a mail that consists of nothing else."""
    return base64.b64decode((EML / name).read_bytes().partition(b"\r\n\r\n")[2])


DER = structure("smime-opaque-der.eml")
BER = structure("smime-opaque-indefinite.eml")  # openssl cms -sign -nodetach -stream -indef
ENCRYPTED = structure("smime-encrypted.eml")
OID = bytes.fromhex("06092a864886f70d0107")


def signed(content: bytes) -> bytes:
    """As little of a signed message as can be, with indefinite lengths."""
    return (
        b"\x30\x80" + OID + b"\x02\xa0\x80\x30\x80\x02\x01\x01\x31\x80\x30\x80\0\0\0\0\x30\x80" + OID + b"\x01\xa0\x80"
        b"\x24\x80\x24\x80\x04\x84" + len(content).to_bytes(4) + content + b"\0\0\0\0\0\0"
    )


def read(data: bytes, head: str = "Content-Type: application/pkcs7-mime; smime-type=signed-data") -> IncomingMessage:
    raw = f"From: a@b.example\n{head}\nContent-Transfer-Encoding: base64\n\n".encode() + base64.encodebytes(data)
    return mime.parse(raw, received_at=datetime(2025, 2, 3, tzinfo=UTC))


def test_definite_and_indefinite_lengths() -> None:
    assert (smime.signed_content(DER) or b"").startswith(b"Content-Type: multipart/alternative;")
    assert (smime.signed_content(BER) or b"").startswith(b"Content-Type: text/plain; charset=iso-8859-1")
    assert smime.signed_content(signed(b"hej")) == b"hej"


def test_a_structure_that_is_cut_off_gives_what_is_there() -> None:
    content = smime.signed_content(BER) or b""
    for length in range(len(BER)):
        found = smime.signed_content(BER[:length])
        assert found is None or content.startswith(found)


def test_what_is_encrypted_or_something_else_stays_closed() -> None:
    assert smime.signed_content(ENCRYPTED) is None
    for data in (b"", b"0", b"hej", b"0\x80" * 1_000, b"0\x89" + b"\xff" * 20, DER[:19] + b"\x04" + DER[20:]):
        assert smime.signed_content(data) is None
    message = read(ENCRYPTED)
    assert (message.text, message.attachments[0].name) == ("", "bilaga")


@given(st.binary(max_size=80), st.integers(0, 60))
def test_any_bytes(junk: bytes, at: int) -> None:
    smime.signed_content(junk)
    smime.signed_content(DER[:at] + junk + DER[at + 1 :])


def test_attachments_machines_and_words_are_seen_inside() -> None:
    inner = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHej!\n--b\nContent-Type: application/pdf; name=a.pdf\n\n"
        b"%PDF-1.7\n--b\nContent-Type: text/calendar\n\nMETHOD:REPLY\n--b--\n"
    )
    message = read(signed(inner))
    assert message.text == "Hej!"
    assert [each.name for each in message.attachments] == ["a.pdf", "kallelse.ics"]
    assert message.automatic.kind == "calendar"
    assert message.warnings == ("no-message-id", "signature-unchecked", "calendar")


def test_signatures_around_signatures_end_somewhere() -> None:
    content = b"\nHej!"
    for layers in range(1, 7):
        content = b"Content-Type: application/pkcs7-mime\n\n" + signed(content)
        message = mime.parse(b"From: a@b.example\n" + content, received_at=datetime(2025, 2, 3, tzinfo=UTC))
        assert ("Hej!" in message.text) == (layers <= 4)
