"""Delivery reports beside the ones under tests/eml: damaged, unlabelled, and what only looks like one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lokbot.channels import bounces, mime
from lokbot.model import Bounce


def read(head: str, text: str) -> Bounce:
    raw = f"To: lok@helsingborg.se\nMessage-ID: <b@example.org>\n{head}\n\n{text}\n"
    return mime.parse(raw.encode(), received_at=datetime(2025, 2, 3, tzinfo=UTC)).bounce


def report(status: str, text: str = "See below.") -> Bounce:
    return read(
        "From: MAILER-DAEMON@example.org\nContent-Type: multipart/report; boundary=b; report-type=delivery-status",
        f"--b\n\n{text}\n--b\nContent-Type: message/delivery-status\n\n{status}\n--b--",
    )


def test_final_recipient_without_type_and_original_recipient() -> None:
    assert report("Reporting-MTA: x\n\nFinal-Recipient: A@Example.org\nAction: failed\nStatus: 5.1.1").recipients == (
        "a@example.org",
    )
    assert report("X: y\n\nOriginal-Recipient: rfc822;b@example.org\nAction: failed").recipients == ("b@example.org",)


@pytest.mark.parametrize(
    ("fields", "permanent"),
    [
        ("Action: failed\nStatus: 5.1.1", True),
        ("Action: failed\nStatus: 4.2.2", False),
        ("Action: delayed\nStatus: 4.0.0", False),
        ("Action: failed", None),
        ("Status: 5.0.0", True),
    ],
)
def test_permanence(fields: str, permanent: bool | None) -> None:
    bounce = report(f"A: b\n\nFinal-Recipient: rfc822;a@example.org\n{fields}")
    assert bounce.is_bounce
    assert bounce.permanent == permanent


def test_success_is_no_bounce_but_one_failure_among_successes_is() -> None:
    delivered = "Final-Recipient: rfc822;a@example.org\nAction: delivered\nStatus: 2.0.0"
    failed = "Final-Recipient: rfc822;c@example.org\nAction: failed\nStatus: 5.0.0"
    assert not report(f"A: b\n\n{delivered}").is_bounce
    assert report(f"A: b\n\n{delivered}\n\n{failed}").recipients == ("c@example.org",)


def test_a_report_without_its_status_part_is_still_one() -> None:
    bounce = read(
        "From: MAILER-DAEMON@example.org\nSubject: Undelivered Mail Returned to Sender\n"
        "Content-Type: multipart/report; boundary=b; report-type=delivery-status",
        "--b\n\nYour email bounced: <a@example.org>\n--b\nContent-Type: message/rfc822\n\n"
        "From: lok@helsingborg.se\nMessage-ID: <lok-1@helsingborg.se>\n\nHej\n--b--",
    )
    assert bounce == Bounce(True, ("a@example.org",), True, "lok-1@helsingborg.se")


def test_lines_about_the_original_name_no_failed_recipient() -> None:
    bounce = read(
        "From: System Administrator <postmaster@example.org>\nSubject: E\nReturn-Path:",
        "Your message\n\n  To: grupp@example.org\n  Subject: Hej\n\ndid not reach the following recipient(s):\n\n"
        "a@example.org on Thu\n    The recipient name is not recognized",
    )
    assert bounce.recipients == ("a@example.org",)
    assert bounce.permanent is True


@pytest.mark.parametrize(
    ("head", "text"),
    [
        ("From: a@example.org\nSubject: Undeliverable", "Hej, går det att få hem avtalet?"),
        ("From: a@example.org\nSubject: Olevererbart?", "Kunde inte levereras skrev posten, vad gör vi?"),
        ("From: a@example.org\nSubject: VB: Undeliverable: x", "550 5.1.1 user unknown, vad betyder det?"),
        ("From: a@example.org\nReturn-Path: <>\nSubject: Tack för ditt mejl", "Vi svarar snart."),
    ],
)
def test_what_people_and_autosvar_write_is_no_bounce(head: str, text: str) -> None:
    assert not read(head, text).is_bounce


def test_daemons() -> None:
    assert bounces.is_daemon("MAILER-DAEMON@x.example")
    assert bounces.is_daemon("MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@x.example")
    assert not bounces.is_daemon("posten@x.example")
