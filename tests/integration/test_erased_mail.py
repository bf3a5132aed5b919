"""An erased conversation whose mails still lie in the mailbox of a real Dovecot: read again, and nothing returns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from lokbot import records
from lokbot.conversation import escalation
from lokbot.loops import clock
from lokbot.model import OutboxKind
from lokbot.store.schema import AttachmentContent, Base, Conversation
from tests.integration.test_mailroom import ANNA, BO, Office, opened, reply_from_outlook
from tests.servers import DovecotServer
from tests.small_content import JOIN, OWN_MATTER, letter
from tests.smtp_sink import SmtpSink


@pytest.fixture
def office(tmp_path: Path, migrated_file: Path, dovecot: DovecotServer, smtp_sink: SmtpSink) -> Iterator[Office]:
    with opened(tmp_path, migrated_file, dovecot, smtp_sink) as made:
        made.look()
        yield made


def erase(office: Office, number: int) -> None:
    with office.service.sessions.begin() as session:
        conversation = session.get_one(Conversation, number)
        escalation.resolve(session, conversation, actor="Kim", now=clock())
        records.erase(session, conversation, decision="Beslut § 1", actor="Kim", source="cli", now=clock())
    assert records.sweep(office.service.engine, now=clock())


def dumped(office: Office) -> str:
    with office.service.engine.connect() as connection:
        return "\n".join(str(row) for table in Base.metadata.sorted_tables for row in connection.execute(select(table)))


def test_an_erased_mail_is_fetched_again_and_does_not_return(office: Office) -> None:
    question = letter(ANNA, f"{OWN_MATTER} zqhemligt", subject="zqamne")
    question.add_attachment(b"zqbilaga", maintype="application", subtype="pdf", filename="zqnamn.pdf")
    office.dovecot.deliver(question.as_bytes())
    office.dovecot.deliver(letter(BO, JOIN).as_bytes())
    office.look()
    office.work()
    answer = reply_from_outlook(question, "zqsvaret: ja, den har kommit.")
    office.put("Sent", answer)
    office.look()
    erased, other = office.cases()
    assert len(office.items(OutboxKind.ANSWER)) == 1
    assert "zqsvaret" in dumped(office)
    erase(office, erased.id)
    assert "zq" not in dumped(office)
    before = [message.id for message in office.messages()]

    office.dovecot.renumber()
    office.look()
    assert office.fates("INBOX").count("duplicate") == 2, "every mail was looked at again"
    # A filter puts it aside, and a colleague moves the answer about: new places, new numbers, the same mails.
    with office.colleague() as client:
        copied = client.search(["FROM", ANNA])
        assert copied
        client.copy(copied, "Junk")
    office.put("Sent", answer)
    office.look()
    office.work()
    assert office.fates("Junk") == ["duplicate"]
    assert office.fates("Sent").count("duplicate") == 1
    assert [message.id for message in office.messages()] == before
    assert [case.id for case in office.cases()] == [erased.id, other.id]
    assert "zq" not in dumped(office)
    with office.service.sessions.begin() as session:
        assert session.scalars(select(AttachmentContent.sha256)).all() == []
    balance = office.strike()
    assert balance.adds_up, "what was erased is no hole"


def test_a_new_mail_in_the_erased_thread_is_not_lost(office: Office) -> None:
    question = letter(ANNA, OWN_MATTER)
    office.dovecot.deliver(question.as_bytes())
    office.look()
    office.work()
    (case,) = office.cases()
    erase(office, case.id)
    office.dovecot.deliver(letter(ANNA, "Har ni hunnit titta?", answers=question).as_bytes())
    office.look()
    office.work()
    assert [message.new_text for message in office.messages()] == ["", "Har ni hunnit titta?"]
    assert len(office.cases()) == 2
