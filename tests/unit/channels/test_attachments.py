"""What is attached: safe names, and the type that the bytes show."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest

from lokbot.channels import attachments


@pytest.mark.parametrize(
    ("written", "safe"),
    [
        ("Protokoll 2025.pdf", "Protokoll 2025.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\stadgar.doc", "stadgar.doc"),
        ('a<b>:"|?*.pdf', "a_b______.pdf"),
        ("fdp.\u202erettaker.exe", "fdp.rettaker.exe"),
        ("A\u030arsmo\u0308te.pdf", "Årsmöte.pdf"),
        ("con.txt", "_con.txt"),
        ("...", "bilaga.pdf"),
        ("", "bilaga.pdf"),
        ("a\r\nb\x00.pdf", "a__b_.pdf"),
    ],
)
def test_names(written: str, safe: str) -> None:
    assert attachments.safe_name(written, "application/pdf") == safe


def test_long_names_keep_their_ending() -> None:
    name = attachments.safe_name("ö" * 500 + ".docx")
    assert len(name) == 120
    assert name.endswith(".docx")
    assert len(attachments.safe_name("a" * 500)) == 120


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


def open_document() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "declared", "name", "found"),
    [
        (b"%PDF-1.7\n", "application/octet-stream", "x", "application/pdf"),
        (b"\xff\xd8\xff\xe0", "text/plain", "x.txt", "image/jpeg"),
        (b"MZ\x90", "image/png", "x.png", "application/x-msdownload"),
        (b"MZ heter jag", "text/plain", "x.txt", "text/plain"),
        (b"just text", "image/png", "x.png", "application/octet-stream"),
        (b"<html><script>", "image/gif", "x.gif", "text/html"),
        (b'<?xml version="1.0"?><svg onload="x">', "image/png", "x", "image/svg+xml"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/octet-stream", "x.xls", "application/vnd.ms-excel"),
        (b"a;b\n1;2", "application/octet-stream", "Lista.CSV", "text/csv"),
        (b"a;b\n1;2", "text/csv", "x", "text/csv"),
        (b"\x00\x01", "", "x", "application/octet-stream"),
        (b"PK\x03\x04 broken", "application/zip", "x.zip", "application/zip"),
        (zipped("a.txt"), "application/octet-stream", "x", "application/zip"),
        (
            zipped("word/document.xml"),
            "application/zip",
            "x",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (open_document(), "application/zip", "x", "application/vnd.oasis.opendocument.text"),
    ],
)
def test_types(content: bytes, declared: str, name: str, found: str) -> None:
    assert attachments.sniff(content, declared, name) == found


def test_an_attachment_is_known_by_its_content() -> None:
    one = attachments.attachment("a/b.pdf", "application/octet-stream", b"%PDF-1.7\n")
    assert (one.name, one.content_type, one.size) == ("b.pdf", "application/pdf", 9)
    assert one.sha256 == hashlib.sha256(b"%PDF-1.7\n").hexdigest()
