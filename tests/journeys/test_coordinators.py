"""Coordinators in their own mail program, on real servers: what becomes an answer, what never does, who is alarmed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.journeys.test_mail import Town
from tests.processes import COORDINATOR, body, case_number
from tests.servers import DovecotServer
from tests.small_content import OWN_MATTER, RECORDS, letter
from tests.smtp_sink import SmtpSink

ANNA, DEPUTY = "anna@forening.example", "chef@stad.example"
PROVEN = {"Authentication-Results": "mx.stad.example; dmarc=pass header.from=stad.example"}
AUTOMATIC = {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"}


@pytest.fixture
def town(tmp_path: Path, dovecot: DovecotServer, smtp_sink: SmtpSink) -> Iterator[Town]:
    """A server that vouches for senders, somebody to alarm, and no time to take anything back."""
    settings = {
        "imap__authserv_ids": "mx.stad.example",
        "answering__undo_minutes": "0",
        "alarm__deputies": DEPUTY,
    }
    with Town(tmp_path, dovecot, smtp_sink, **settings) as made:
        made.run()
        yield made


def state(town: Town) -> tuple[str, str | None]:
    ((status, taken_by),) = town.rows("SELECT status, taken_by FROM conversations WHERE id = 1")
    return status, taken_by


def automatic(town: Town) -> int:
    """How many mails of machines lie in the one case there is."""
    return len(town.rows("SELECT 1 FROM messages WHERE automatic_kind IS NOT NULL AND conversation_id = 1"))


def an_hour_passes(town: Town) -> None:
    """lokbot starts anew on a store in which everything is an hour older."""
    town.processes[-1].stop()
    with sqlite3.connect(town.database) as connection:
        ((trigger,),) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'events_no_update'")
        connection.execute("DROP TRIGGER events_no_update")
        for table, column in (("events", "at"), ("conversations", "waiting_since")):
            for row, at in connection.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL"):
                older = (datetime.fromisoformat(at) - timedelta(hours=1)).isoformat(" ")
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (older, row))
        connection.execute(trigger)
    town.run()


def test_an_answer_from_a_mail_program_reaches_the_asker_in_the_thread(town: Town) -> None:
    first = town.write(letter(ANNA, OWN_MATTER))
    notice = town.mail_to(COORDINATOR)
    town.write(letter(COORDINATOR, "Den har kommit fram.\n\n-- \nKim", answers=notice, headers=PROVEN))
    answer = town.mail_to(ANNA, 2)
    assert body(answer) == "Den har kommit fram."
    assert answer["In-Reply-To"] == first["Message-ID"]
    assert COORDINATOR not in answer.as_string()
    report = town.mails_to(COORDINATOR)[-1]
    assert ANNA in body(report)
    town.until(lambda: state(town) == ("resolved", None), "the case is done")

    town.write(letter(ANNA, "När får vi besked om vår ansökan?", answers=answer))
    town.until(lambda: state(town)[0] == "waiting", "who answers a person is a person's")
    assert town.rows("SELECT 1 FROM outbox WHERE kind = 'reply'") == [], "the bot answers nothing"


def test_a_reply_to_all_stays_a_note(town: Town) -> None:
    town.write(letter(ANNA, OWN_MATTER))
    notice = town.mail_to(COORDINATOR)
    reply = letter(COORDINATOR, "Det där är en besvärlig förening.", answers=notice, headers=PROVEN)
    reply["Cc"] = ANNA
    town.write(reply)
    assert len(town.mails_to(ANNA)) == 1, "the receipt only"
    assert "sparat som en anteckning" in body(town.mails_to(COORDINATOR)[-1])
    assert state(town)[0] == "waiting"


def test_a_forged_coordinator_is_no_coordinator(town: Town) -> None:
    town.write(letter(ANNA, OWN_MATTER))
    notice = town.mail_to(COORDINATOR)
    forged = {"Authentication-Results": "mx.stad.example; dmarc=fail header.from=stad.example"}
    town.write(letter(COORDINATOR, "Betala till det här kontot.", answers=notice, headers=forged))
    assert len(town.mails_to(ANNA)) == 1
    assert state(town)[0] == "waiting"


def test_an_autosvar_to_an_escalation_is_no_answer_and_the_deputy_is_alarmed_until_somebody_takes_it(
    town: Town,
) -> None:
    town.write(letter(ANNA, RECORDS))
    alarms = [town.mail_to(address) for address in (COORDINATOR, DEPUTY)]
    assert all("BRÅDSKANDE" in alarm["Subject"] for alarm in alarms)
    town.write(
        letter(
            COORDINATOR, "Jag är på semester.", subject="Autosvar", answers=alarms[0], headers={**PROVEN, **AUTOMATIC}
        )
    )
    assert (len(town.mails_to(ANNA)), state(town), automatic(town)) == (1, ("waiting", None), 1)
    assert len(town.mails_to(COORDINATOR)) == 1, "nobody answers a machine"

    an_hour_passes(town)
    for address in (COORDINATOR, DEPUTY):
        assert "BRÅDSKANDE" in town.mail_to(address, 2)["Subject"]
    town.write(letter(COORDINATOR, "#ta", answers=alarms[0], headers=PROVEN))
    town.until(lambda: state(town) == ("taken", COORDINATOR), "somebody has it")
    told = len(town.mails_to(DEPUTY))
    an_hour_passes(town)
    town.write(letter(ANNA, "Hur går det?", answers=town.mail_to(ANNA)))  # has gone through after the reminders
    assert not [mail for mail in town.mails_to(DEPUTY)[told:] if "lokbot påminner" in body(mail)]
    assert len(town.rows("SELECT 1 FROM events WHERE verb = 'reminded-urgent-again'")) == 1


def test_an_autosvar_to_our_answer_goes_to_its_case_and_nowhere_else(town: Town) -> None:
    town.write(letter(ANNA, OWN_MATTER))
    number = case_number(town.mail_to(ANNA))
    town.must("reply", number, "Den har kommit fram.")
    answer: EmailMessage = town.mail_to(ANNA, 2)
    town.until(lambda: state(town)[0] == "resolved", "the answer has left")
    sent = len(town.sink.accepted)
    town.write(
        letter(ANNA, "Jag är borta till måndag.", subject="Autosvar: En fråga", answers=answer, headers=AUTOMATIC)
    )
    assert automatic(town) == 1
    assert state(town)[0] == "resolved", "a machine opens no case"
    assert len(town.sink.accepted) == sent
