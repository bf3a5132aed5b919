"""How fast mails are parsed: mails a second over tests/eml, and seconds for single mails of 3 MB.

Beside it, in the same run, the standard library's bare compat32 parse of the same bytes, which reads no
text. Run: ``python -m benchmarks.mail_parsing``
"""

from __future__ import annotations

import base64
import contextlib
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

from lokbot.channels import mime

EML = Path(__file__).parents[1] / "tests" / "eml"
NOW = datetime(2025, 2, 3, 15, 2, 30, tzinfo=UTC)
HEAD = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\nMessage-ID: <1@example.org>\r\n"


def big_mails(size: int = 3_000_000) -> dict[str, bytes]:
    """One mail of ``size`` bytes of each kind that people send."""
    row = (
        b"<tr><td class=MsoNormal style='padding:0cm 5.4pt'><p>F\xc3\xb6rening %d</p></td>"
        b'<td><b>Belopp</b> <a href="https://example.org/%d">l\xc3\xa4nk</a></td></tr>\n'
    )
    rows = b"".join(row % (i, i) for i in range(size // 150))[:size]
    line = "Vi är en förening som vill söka bidrag för vår verksamhet i Ödåkra.\n".encode()
    scan = base64.encodebytes(os.urandom(size * 3 // 4))
    return {
        "html table": HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n<html><body><table>" + rows,
        "plain text": HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + line * (size // len(line)),
        "latin-1 without charset": HEAD + b"\r\n" + line.decode().encode("latin-1") * (size // len(line)),
        "quoted history": HEAD + b"\r\nHej!\r\n\r\n" + b"> " + line * 10 + (b"> " + line) * (size // len(line)),
        "scan as pdf": HEAD
        + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nHej\r\n--b\r\n'
        + b"Content-Type: application/pdf\r\n"
        + b"Content-Transfer-Encoding: base64\r\n\r\n"
        + scan
        + b"--b--\r\n",
        "nested 1,000 deep": HEAD
        + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(1_000))
        + b"\r\n"
        + line * (size // len(line)),
    }


def seconds(work: Callable[[bytes], None], mails: list[bytes]) -> float:
    """The best of three, in seconds of CPU."""
    times = []
    for _ in range(3):
        start = time.process_time()
        for raw in mails:
            work(raw)
        times.append(time.process_time() - start)
    return min(times)


def parse(raw: bytes) -> None:
    mime.parse(raw, received_at=NOW)


def bare(raw: bytes) -> None:
    # The standard library gives up on deep nesting.
    with contextlib.suppress(RecursionError):
        message_from_bytes(raw)


def main() -> int:
    mails = [path.read_bytes() for path in sorted(EML.glob("*.eml"))]
    mails = (mails * (2_000 // len(mails) + 1))[:2_000]
    ours, theirs = seconds(parse, mails), seconds(bare, mails)
    print(f"2,000 mails: {2_000 / ours:,.0f}/s; bare compat32 parse {2_000 / theirs:,.0f}/s; ratio {ours / theirs:.2f}")
    slowest = 0.0
    for name, raw in big_mails().items():
        ours, theirs = seconds(parse, [raw]), seconds(bare, [raw])
        slowest = max(slowest, ours)
        print(f"{name:25} {len(raw) / 1e6:.1f} MB {ours:6.3f} s; bare compat32 parse {theirs:6.3f} s")
    return 0 if slowest < 0.5 else 1


if __name__ == "__main__":
    sys.exit(main())
