"""The table of machines: every rule has a source and a known kind, and people are left alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lokbot.channels import automatic, mime
from lokbot.model import Automatic

KINDS = {"own", "bounce", "abuse-report", "receipt", "calendar", "auto-reply", "list", "bulk"}


def judged(head: str, text: str = "Hej, när öppnar ni?", sender: str = "anna@example.org") -> Automatic:
    raw = f"From: {sender}\nTo: lok@helsingborg.se\nMessage-ID: <1@example.org>\n{head}\n\n{text}\n"
    return mime.parse(raw.encode(), received_at=datetime(2025, 2, 3, tzinfo=UTC)).automatic


def test_every_rule_says_what_kind_and_why() -> None:
    assert {rule.kind for rule in automatic.RULES} == KINDS
    assert all(len(rule.source) > 7 for rule in automatic.RULES)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("X-Lokbot-Loop: 1", "own"),
        ("Auto-Submitted: auto-replied (vacation)", "auto-reply"),
        ("AUTO-SUBMITTED: Auto-Replied", "auto-reply"),
        ("Auto-Submitted: auto-notified; owner-email=x@example.org", "bulk"),
        ("X-Autoreply:", "auto-reply"),
        ("X-Auto-Reply: 1", "auto-reply"),
        ("X-Autoresponder: x", "auto-reply"),
        ("X-Mail-Autoreply: x", "auto-reply"),
        ("X-Autoreply-From: x@example.org", "auto-reply"),
        ("X-Precedence: auto_reply", "auto-reply"),
        ("Preference: auto_reply", "auto-reply"),
        ("Delivered-To: Autoresponder", "auto-reply"),
        ("X-POST-MessageClass: 9; Autoresponder", "auto-reply"),
        ("X-FC-MachineGenerated: true", "auto-reply"),
        ("X400-Content-Identifier: Auto Reply to x", "auto-reply"),
        ("Return-Path: <>", "auto-reply"),
        ("Return-Path: <MAILER-DAEMON>", "auto-reply"),
        ("Subject: Frånvaro: åter måndag\nX-Auto-Response-Suppress: All", None),
        ("Subject: AUTOSVAR", "auto-reply"),
        ("Subject: Automatiskt svar från Kultur", "auto-reply"),
        ("Subject: Re: Autosvar: Fråga", None),
        ("Subject: Autosvaret på er telefon", None),
        ("Subject: Out of office supplies", None),
        ("List-Help: <https://example.org>", "list"),
        ("List-Unsubscribe: <mailto:x@example.org>", "bulk"),
        ("List-Unsubscribe: <mailto:x@example.org>\nList-Post: NO", "bulk"),
        ("List-Unsubscribe: <mailto:x@example.org>\nList-Post: <mailto:x@example.org>", "list"),
        ("Precedence: Junk", "bulk"),
        ("Precedence: first-class", None),
        ("X-BeenThere: x@example.org", "bulk"),
        ("X-Auto-Response-Suppress: All", None),
        ("X-MS-Exchange-Inbox-Rules-Loop: anna@example.org", None),
        ("Auto-Submitted: No", None),
        ("X-Autoreply: no", None),
        ("Return-Path: <anna@example.org>", None),
    ],
)
def test_signs(head: str, kind: str | None) -> None:
    verdict = judged(head)
    assert verdict.kind == kind
    assert verdict.is_automatic == (kind is not None)
    assert verdict.reason or not verdict.is_automatic


@pytest.mark.parametrize(
    ("sender", "head", "kind"),
    [
        ("MAILER-DAEMON@example.org", "", "auto-reply"),
        ("postmaster@example.org", "", "auto-reply"),
        ("noreply@example.org", "", "bulk"),
        ("no.reply@example.org", "", "bulk"),
        ("do-not-reply@example.org", "", "bulk"),
        ("ej-svara@example.org", "", "bulk"),
        ("noreply@example.org", "Reply-To: noreply2@example.org", "bulk"),
        ("noreply@example.org", "Reply-To: lotta@example.org", None),
        ("norea@example.org", "", None),
        ("post@example.org", "", None),
        ("ejnar@example.org", "", None),
        ("inte.svarta.faret@example.org", "", None),
    ],
)
def test_senders(sender: str, head: str, kind: str | None) -> None:
    assert judged(f"X-A: b\n{head}".strip(), sender=sender).kind == kind


def test_a_weak_subject_needs_text_and_a_sign_of_exchange() -> None:
    text = "Jag är på semester och är tillbaka den 11 augusti."
    assert judged("Subject: Semester\nX-Auto-Response-Suppress: All", text).kind == "auto-reply"
    assert judged("Subject: Semester", text).kind is None
    assert judged("Subject: Semester\nX-Auto-Response-Suppress: All").kind is None


def test_a_read_receipt_in_plain_words() -> None:
    assert judged("Subject: Läst: Fråga", "Ditt meddelande\n\nTill: x\n\nlästes den 3 februari.").kind == "receipt"
    assert judged("Subject: Läst: er nya plan", "Vi har läst den. När beslutas den?").kind is None


@pytest.mark.parametrize(
    ("head", "sign"),
    [
        ("X-Auto-Response-Suppress: All", "x-auto-response-suppress: All"),
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply", "x-auto-response-suppress: DR"),
        ("X-Auto-Response-Suppress: DR, RN, NRN", None),  # about receipts only
        ("X-Auto-Response-Suppress: None", None),
        ("Subject: Fråga", None),
    ],
)
def test_what_people_and_machines_share_is_told_but_decides_nothing(head: str, sign: str | None) -> None:
    verdict = judged(head)
    assert not verdict.is_automatic
    assert (verdict.reason or "").startswith(sign or "")
    assert (verdict.reason is None) == (sign is None)


def test_a_no_reply_sender_that_names_a_person_may_be_a_form() -> None:
    raw = "From: noreply@example.org\nReply-To: anna@example.org\nSubject: Vi vill gå med\n\nVi vill gå med.\n"
    message = mime.parse(raw.encode(), received_at=datetime(2025, 2, 3, tzinfo=UTC))
    assert not message.automatic.is_automatic
    assert "perhaps-automatic" in message.warnings
