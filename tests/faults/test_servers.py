"""Servers that are away, refuse, forget or are slow: what lokbot does meanwhile, and that nothing is lost by it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from imapclient import IMAPClient

from tests.conftest import do_without
from tests.faults.holding import Tap, WriteLock
from tests.processes import COORDINATOR, Installation, body, case_number
from tests.servers import DovecotServer, MissingServerError
from tests.small_content import JOIN, JOIN_ANSWER, letter
from tests.smtp_sink import Behaviour, SmtpSink
from tests.token_server import TokenServer

ANNA, BO, CISSI = "anna@forening.example", "bo@forening.example", "cissi@forening.example"


@pytest.fixture
def lokbot(tmp_path: Path, dovecot: DovecotServer, smtp_sink: SmtpSink) -> Iterator[Installation]:
    with Installation(tmp_path, dovecot.mailbox, smtp_sink) as made:
        yield made


def deliver(dovecot: DovecotServer, *senders: str) -> None:
    for sender in senders:
        dovecot.deliver(letter(sender, JOIN).as_bytes())


def answered(lokbot: Installation, *senders: str) -> None:
    """Each of them got the answer, once."""
    for sender in senders:
        assert JOIN_ANSWER in body(lokbot.mail_to(sender))
    lokbot.until_settled(len(lokbot.rows("SELECT 1 FROM messages")))
    for sender in senders:
        assert len(lokbot.mails_to(sender)) == 1


# ------------------------------------------------------------------ SMTP


def test_a_postponed_mail_is_sent_later(lokbot: Installation, dovecot: DovecotServer, smtp_sink: SmtpSink) -> None:
    smtp_sink.behaviour = Behaviour.POSTPONE
    lokbot.run()
    deliver(dovecot, ANNA)
    lokbot.until(lambda: lokbot.rows("SELECT 1 FROM outbox WHERE attempts >= 2") != [], "it was tried twice")
    assert "Inget har misslyckats" in lokbot.must("cases", "--failed")

    smtp_sink.behaviour = Behaviour.ACCEPT
    answered(lokbot, ANNA)


def test_a_refused_mail_is_shown_told_and_sent_when_somebody_retries(
    lokbot: Installation, dovecot: DovecotServer, smtp_sink: SmtpSink
) -> None:
    smtp_sink.refused[ANNA] = "550 5.1.1 No such user"
    lokbot.run()
    deliver(dovecot, ANNA)

    told = lokbot.mail_to(COORDINATOR)
    case = case_number(told)
    assert "Något gick fel" in told["Subject"]
    assert ANNA in body(told)
    assert "550 5.1.1 No such user" in body(told)
    failed = lokbot.must("cases", "--failed")
    assert case in failed
    assert "550 5.1.1 No such user" in failed
    assert case in lokbot.must("cases")

    smtp_sink.refused.clear()
    lokbot.must("retry", case)
    answered(lokbot, ANNA)
    assert case not in lokbot.must("cases", "--failed")


# ------------------------------------------------------------------ IMAP


def test_mail_that_came_while_the_mailbox_could_not_be_reached_is_answered(
    lokbot: Installation, dovecot: DovecotServer
) -> None:
    with Tap(dovecot.mailbox.port) as tap:
        lokbot.settings["imap__port"] = str(tap.port)
        process = lokbot.run()
    lokbot.until_logged("could not read the mailbox")
    deliver(dovecot, ANNA, BO)

    with Tap(dovecot.mailbox.port, listen=tap.port):
        answered(lokbot, ANNA, BO)
    assert process.is_running


def test_a_wrong_password_is_named_with_its_remedy_and_kept_out_of_the_log(
    lokbot: Installation, dovecot: DovecotServer
) -> None:
    process = lokbot.start("run", imap__password="fel-nyckel")
    lokbot.until_logged("could not read the mailbox")

    log = lokbot.log()
    assert f"{dovecot.mailbox.host}:{dovecot.mailbox.port}" in log
    assert f"Check the password of {dovecot.mailbox.user}" in log
    assert "fel-nyckel" not in log
    assert process.is_running


def test_a_renumbered_mailbox_doubles_nothing_and_loses_nothing(lokbot: Installation, dovecot: DovecotServer) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with IMAPClient(dovecot.mailbox.host, dovecot.mailbox.port, ssl=False, timeout=10) as colleague:
        colleague.login(dovecot.mailbox.user, dovecot.mailbox.password)
        colleague.append("INBOX", letter("gammal@forening.example", JOIN).as_bytes(), msg_time=yesterday)
    process = lokbot.run()
    deliver(dovecot, ANNA)
    answered(lokbot, ANNA)
    assert process.stop() == 0
    deliver(dovecot, BO)
    dovecot.renumber()

    lokbot.start("run")
    answered(lokbot, BO)
    dovecot.renumber()  # while it runs
    deliver(dovecot, CISSI)

    answered(lokbot, ANNA, BO, CISSI)
    assert lokbot.rows("SELECT count(*) FROM messages") == [(3,)]
    assert lokbot.mails_to("gammal@forening.example") == []
    assert "has been renumbered" in lokbot.log()


def test_mails_that_cannot_be_fetched_become_cases_and_stop_nobody_else(
    lokbot: Installation, dovecot: DovecotServer
) -> None:
    assert lokbot.run().stop() == 0
    deliver(dovecot, "skadad@forening.example", "skadad@forening.example")
    dovecot.damage(0)
    dovecot.damage(1)
    large = letter("stor@forening.example", "Hej! " * 2000, subject="Mycket stor")
    dovecot.deliver(large.as_bytes())
    deliver(dovecot, ANNA)

    lokbot.start("run", imap__max_mail_bytes="5000")

    answered(lokbot, ANNA)
    assert lokbot.rows("SELECT count(*) FROM messages WHERE NOT is_readable") == [(3,)]
    shown = lokbot.must("cases")
    assert len(shown.splitlines()) == 3
    assert "stor@forening.example: Mycket stor" in shown
    receipt = lokbot.mail_to("stor@forening.example")
    assert receipt["In-Reply-To"] == large["Message-ID"]
    assert "Mejlet ligger kvar i brevlådan." in lokbot.must("case", case_number(receipt))


def test_a_person_answers_in_outlook_while_the_bots_answer_waits_for_the_server(
    lokbot: Installation, dovecot: DovecotServer, smtp_sink: SmtpSink
) -> None:
    smtp_sink.behaviour = Behaviour.POSTPONE
    lokbot.run(imap__poll_seconds="0.2")
    question = letter(ANNA, JOIN)
    dovecot.deliver(question.as_bytes())
    lokbot.until(lambda: lokbot.rows("SELECT 1 FROM outbox WHERE attempts >= 1") != [], "it was tried")

    answer = letter(dovecot.address, "Ring mig gärna.", answers=question)
    answer.replace_header("To", ANNA)
    with IMAPClient(dovecot.mailbox.host, dovecot.mailbox.port, ssl=False, timeout=10) as colleague:
        colleague.login(dovecot.mailbox.user, dovecot.mailbox.password)
        colleague.append("Sent", answer.as_bytes())
    lokbot.until(
        lambda: lokbot.rows("SELECT 1 FROM outbox WHERE created_by = 'brevlådan'") != [], "the person's answer is seen"
    )
    smtp_sink.behaviour = Behaviour.ACCEPT
    lokbot.until_settled(1)
    assert lokbot.mails_to(ANNA) == []
    assert lokbot.rows("SELECT status FROM conversations") == [("resolved",)]


def test_the_balance_tells_of_a_message_that_is_gone(lokbot: Installation, dovecot: DovecotServer) -> None:
    lokbot.run()
    deliver(dovecot, ANNA)
    answered(lokbot, ANNA)
    assert "INBOX: 1 mejl (1 sparade)" in lokbot.must("balance")
    lokbot.processes[0].stop()
    with closing(sqlite3.connect(lokbot.database)) as connection:  # foreign keys are off, as in most tools
        connection.execute("DELETE FROM messages")
        connection.commit()

    done = lokbot.command("balance")
    assert (done.returncode, "1 borta ur databasen" in done.stdout) == (1, True)
    lokbot.start("worker")
    told = lokbot.mail_to(COORDINATOR)
    assert "1 mejl i brevlådan är inte sparade" in body(told)
    assert case_number(told) in lokbot.must("cases")


def test_a_mailbox_that_cannot_be_counted_is_named(lokbot: Installation) -> None:
    done = lokbot.command("balance", imap__password="fel-nyckel")
    assert done.returncode == 6
    assert "Check the password" in done.stderr
    assert "fel-nyckel" not in done.stderr


def test_both_servers_are_logged_in_to_with_tokens(tmp_path: Path) -> None:
    with TokenServer(DovecotServer.address, lasts=0) as issuer, SmtpSink(knows=issuer.knows) as sink:
        try:
            dovecot = DovecotServer(introspection=issuer.introspection)
        except MissingServerError as missing:
            do_without(missing)
        tokens = {
            "imap__auth": "xoauth2",
            "imap__password": "",
            "smtp__auth": "xoauth2",
            "oauth__token_url": issuer.url,
            "oauth__client_id": "lokbot",
            "oauth__client_secret": issuer.secret,
        }
        with dovecot, Installation(tmp_path, dovecot.mailbox, sink, **tokens) as lokbot:
            lokbot.run()
            deliver(dovecot, ANNA)
            answered(lokbot, ANNA)
            assert len(issuer.given) >= 2
            assert issuer.secret not in lokbot.log()
            assert "token-" not in lokbot.log()


# ------------------------------------------------------------------ the database


def test_a_locked_database_is_waited_for(lokbot: Installation, dovecot: DovecotServer) -> None:
    assert lokbot.run().stop() == 0
    is_waiting, is_told = threading.Event(), threading.Event()
    with WriteLock(lokbot.database) as lock:

        def on_sent(data: bytes) -> None:
            if b"IDLE" in data and not is_waiting.is_set():
                lock.take()
                is_waiting.set()

        def on_answered(data: bytes) -> None:
            if is_waiting.is_set() and b"EXISTS" in data:
                is_told.set()

        with Tap(dovecot.mailbox.port, on_sent=on_sent, on_answered=on_answered) as tap:
            lokbot.start("run", imap__port=str(tap.port))
            lokbot.until(is_waiting.is_set, "lokbot waits for mail")
            deliver(dovecot, ANNA)
            lokbot.until(is_told.is_set, "lokbot is told of the mail")
            assert lokbot.rows("SELECT 1 FROM messages") == []
            lock.release()
            answered(lokbot, ANNA)
            assert "could not" not in lokbot.log()


def test_a_database_that_is_away_is_waited_for(lokbot: Installation, dovecot: DovecotServer, postgres_url: str) -> None:
    lokbot.settings["database_url"] = postgres_url
    server, _, name = postgres_url.rpartition("/")
    process = lokbot.run()
    with psycopg.connect(f"{server}/postgres", autocommit=True) as administrator:
        administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        ).fetchall()
        lokbot.until_logged("could not handle and send")
        deliver(dovecot, ANNA)
        lokbot.until_logged("could not read the mailbox")
        administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())

    answered(lokbot, ANNA)
    assert process.is_running


def test_a_mail_that_the_database_refuses_is_kept_unread_and_stops_nobody_else(
    lokbot: Installation, dovecot: DovecotServer
) -> None:
    lokbot.run()
    with closing(sqlite3.connect(lokbot.database, timeout=30)) as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN NEW.subject = 'Udda'"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    dovecot.deliver(letter(BO, JOIN, subject="Udda").as_bytes())
    deliver(dovecot, ANNA)

    answered(lokbot, ANNA)
    assert "kept unread" in lokbot.log()
    (raw,) = lokbot.rows("SELECT raw FROM messages WHERE NOT is_readable")[0]
    assert b"Subject: Udda" in raw
    assert "gick inte att läsa" in body(lokbot.mail_to(COORDINATOR))
