"""The demo's servers, by way of the real doors."""

from __future__ import annotations

import smtplib
import threading
from dataclasses import replace
from queue import SimpleQueue

import pytest

from lokbot.channels import embedded
from lokbot.channels.embedded import EmbeddedServers, SentMail
from lokbot.channels.imap import FetchedMail, Mailbox
from lokbot.channels.smtp import SmtpChannel
from lokbot.model import Address, ChannelError, ChannelName, OutgoingMessage

QUESTION = b"From: anna@forening.example\r\nSubject: hej\r\n\r\n.Hur s\xc3\xb6ker vi bidrag?\r\n"


def write_to(servers: EmbeddedServers, *recipients: str, sender: str = "anna@forening.example") -> None:
    with smtplib.SMTP(servers.smtp.host, servers.smtp.port, timeout=10) as smtp:
        smtp.sendmail(sender, recipients, QUESTION)


def test_mail_to_the_address_lands_in_the_mailbox(embedded_servers: EmbeddedServers) -> None:
    write_to(embedded_servers, embedded_servers.address.upper())
    with Mailbox(embedded_servers.mailbox) as box:
        (mail,) = box.fetch(box.uids(0))
    assert isinstance(mail, FetchedMail)
    assert mail.raw is not None
    trace, _, original = mail.raw.partition(b"From: ")
    assert trace.startswith(b"Return-Path: <anna@forening.example>\r\nReceived: ")
    assert b"From: " + original == QUESTION
    assert embedded_servers.outgoing == []


def test_a_bounce_has_an_empty_path(embedded_servers: EmbeddedServers) -> None:
    write_to(embedded_servers, embedded_servers.address, sender="")
    with Mailbox(embedded_servers.mailbox) as box:
        (mail,) = box.fetch(box.uids(0))
    assert isinstance(mail, FetchedMail)
    assert (mail.raw or b"").startswith(b"Return-Path: <>\r\n")


def test_a_waiting_reader_wakes_up_and_its_answer_is_seen() -> None:
    seen: SimpleQueue[SentMail] = SimpleQueue()
    with embedded.start("lok@demo.example", on_outgoing=seen.put) as servers, Mailbox(servers.mailbox) as box:
        box.uids(0)
        writer = threading.Timer(0.1, write_to, (servers, servers.address, "bo@forening.example"))
        writer.start()
        assert box.wait(20)
        writer.join()
        assert len(box.uids(0)) == 1
        assert seen.get(timeout=10).recipients == ("bo@forening.example",)
        answer = OutgoingMessage(
            ChannelName.MAIL, "1@demo.example", (Address("", "anna@forening.example"),), "SV: hej", "Svar."
        )
        SmtpChannel(servers.smtp).send(answer)
        sent = seen.get(timeout=10)
        assert (sent.sender, sent.recipients) == (servers.address, ("anna@forening.example",))
        assert b"Message-ID: <1@demo.example>" in sent.raw
        assert [mail.recipients for mail in servers.outgoing] == [("bo@forening.example",), sent.recipients]


def test_nobody_else_gets_in(embedded_servers: EmbeddedServers) -> None:
    for settings in (
        replace(embedded_servers.mailbox, password="gissning7"),
        replace(embedded_servers.mailbox, user="bo@forening.example"),
    ):
        with pytest.raises(ChannelError) as caught, Mailbox(settings):
            pass
        assert caught.value.permanent


def test_stopping_ends_every_connection_and_the_thread(embedded_servers: EmbeddedServers) -> None:
    with smtplib.SMTP(embedded_servers.smtp.host, embedded_servers.smtp.port, timeout=10) as smtp:
        embedded_servers.stop()
        embedded_servers.stop()
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            smtp.docmd("NOOP")
    with pytest.raises(ChannelError), Mailbox(embedded_servers.mailbox):
        pass
    assert "embedded-mail" not in [thread.name for thread in threading.enumerate()]


def test_two_pairs_of_servers_do_not_meet() -> None:
    with embedded.start() as one, embedded.start() as other:
        write_to(one, one.address)
        with Mailbox(one.mailbox) as box:
            assert len(box.uids(0)) == 1
        with Mailbox(other.mailbox) as box:
            assert box.uids(0) == []
