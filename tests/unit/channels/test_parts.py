"""The tree of parts and the transfer encodings, whole and damaged."""

from __future__ import annotations

import pytest

from lokbot.channels import parts


def leaves(raw: bytes) -> list[tuple[str, bytes]]:
    return [(leaf.content_type, leaf.content) for leaf in parts.split(raw).leaves()]


def test_parts_nest_and_preamble_and_epilogue_are_dropped() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=a\n\npreamble\n--a\nContent-Type: multipart/alternative; boundary=b\n"
        b"\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n--b--\nbetween\n"
        b"--a\nContent-Type: image/png\n\nthree\n--a--\nafter\n"
    )
    assert leaves(raw) == [("text/plain", b"one"), ("text/html", b"two"), ("image/png", b"three")]


def test_an_outer_boundary_closes_forgotten_inner_ones() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n"
        b"--a\n\ntwo\n"
    )
    assert leaves(raw) == [("text/plain", b"one"), ("text/plain", b"two\n")]


def test_a_boundary_that_begins_like_another_is_another() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--ab\nstill one\n--a--\n"
    assert leaves(raw) == [("text/plain", b"one\n--ab\nstill one")]


def test_the_boundary_is_guessed_where_the_head_forgot_it() -> None:
    assert leaves(b"Content-Type: multipart/mixed\n\n--x\nContent-Type: text/html\n\nhej\n--x--\n") == [
        ("text/html", b"hej")
    ]


def test_a_multipart_under_its_parents_boundary_gives_siblings() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\none\n"
        b"--a\n\ntwo\n--a--\n"
    )
    assert [content for _, content in leaves(raw)][-2:] == [b"one", b"two"]


def test_digest_holds_messages() -> None:
    assert (
        leaves(b"Content-Type: multipart/digest; boundary=a\n\n--a\n\nSubject: x\n\nhej\n--a--\n")[0][0]
        == "message/rfc822"
    )


def test_depth_has_no_limit_and_number_has() -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(900))
    assert leaves(deep + b"\nhej") == [("text/plain", b"hej")]
    many = b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\nx\n" * 3_000
    assert len(leaves(many)) == parts.MAX_PARTS


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        (b"quoted-printable", b"F=C3=B6r=\n ening=20\n", "För ening \n".encode()),
        (b"QUOTED-PRINTABLE", b"a=ZZb=", b"a=ZZb"),
        (b"base64", b"SGVq\nIGhl\nag==\n", b"Hej hej"),
        (b'"base64"', b"SGVqIGhlag", b"Hej hej"),
        (b"base64", b"Hej, det var ju vanlig text.", b"Hej, det var ju vanlig text."),
        (b"x-uuencode", b"begin 644 a.txt\n#2&5J\n`\nend\n", b"Hej"),
        (b"x-uuencode", b"no begin", b"no begin"),
        (b"8bit", b"a=20", b"a=20"),
        (b"nonsense", b"a=20", b"a=20"),
    ],
)
def test_transfer_encodings(encoding: bytes, body: bytes, content: bytes) -> None:
    assert leaves(b"Content-Transfer-Encoding: " + encoding + b"\n\n" + body) == [("text/plain", content)]


def test_an_unusable_type_falls_back_to_the_default() -> None:
    assert leaves(b"Content-Type: text\n\nhej")[0][0] == "text/plain"
    assert leaves(b"Content-Type: ; charset=x\n\nhej")[0][0] == "text/plain"
