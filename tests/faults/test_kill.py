"""``kill -9`` at every point of a mail's way, then a new start: no mail is lost, and what is repeated is the same mail.

Each point is reached for certain, by holding what lokbot needs next: SQLite's write lock, or an SMTP server's answer.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from imapclient import IMAPClient

from tests.faults.holding import Tap, WriteLock
from tests.processes import DEADLINE_SECONDS, Installation, body
from tests.servers import HOST, DovecotServer, free_port
from tests.small_content import JOIN, JOIN_ANSWER, letter
from tests.smtp_sink import Behaviour, SmtpSink

ANNA = "anna@forening.example"
QUESTION = letter(ANNA, JOIN)


@pytest.fixture
def lokbot(tmp_path: Path, dovecot: DovecotServer, smtp_sink: SmtpSink) -> Iterator[Installation]:
    """A lokbot that gives up a dead sender after two seconds."""
    with Installation(tmp_path, dovecot.mailbox, smtp_sink, outbox__lease_seconds="2") as made:
        yield made


def watch_for_the_first_time(lokbot: Installation) -> None:
    assert lokbot.run().stop() == 0


def states(lokbot: Installation) -> list[str]:
    return [state for (state,) in lokbot.rows("SELECT state FROM messages")]


def sending(lokbot: Installation) -> list[str]:
    return [status for (status,) in lokbot.rows("SELECT status FROM outbox")]


def answered_once(lokbot: Installation) -> None:
    """The question's one answer was sent, and nothing else."""
    lokbot.until(lambda: sending(lokbot) == ["sent"], "the answer is sent")
    assert states(lokbot) == ["handled"]
    (answer,) = lokbot.mails_to(ANNA)
    assert JOIN_ANSWER in body(answer)
    assert len(lokbot.sink.accepted) == 1


def answered_twice_alike(lokbot: Installation) -> None:
    """The question's answer was sent, repeated once as the very same mail, and nothing else."""
    lokbot.until(lambda: sending(lokbot) == ["sent"], "the answer is sent")
    assert states(lokbot) == ["handled"]
    first, second = lokbot.mails_to(ANNA)
    assert first["Message-ID"] == second["Message-ID"]
    assert JOIN_ANSWER in body(first)
    del first["Date"], second["Date"]
    assert first.as_bytes() == second.as_bytes()
    assert len(lokbot.sink.accepted) == 2


def test_after_fetch(lokbot: Installation, dovecot: DovecotServer) -> None:
    watch_for_the_first_time(lokbot)
    is_fetched = threading.Event()
    with WriteLock(lokbot.database) as lock:

        def on_sent(data: bytes) -> None:
            if b"BODY.PEEK[]" in data:
                lock.take()

        def on_answered(data: bytes) -> None:
            if QUESTION["Message-ID"].encode() in data:
                is_fetched.set()

        with Tap(dovecot.mailbox.port, on_sent=on_sent, on_answered=on_answered) as tap:
            process = lokbot.start("run", imap__port=str(tap.port))
            dovecot.deliver(QUESTION.as_bytes())
            lokbot.until(is_fetched.is_set, "the mail is fetched")
            process.kill()
    assert states(lokbot) == []

    lokbot.start("run")
    answered_once(lokbot)


def test_after_store(lokbot: Installation, dovecot: DovecotServer) -> None:
    watch_for_the_first_time(lokbot)
    process = lokbot.start("mail")
    dovecot.deliver(QUESTION.as_bytes())
    lokbot.until(lambda: states(lokbot) == ["stored"], "the mail is stored")
    process.kill()

    lokbot.start("run")
    answered_once(lokbot)


def test_after_decision_while_the_server_is_away(lokbot: Installation, dovecot: DovecotServer) -> None:
    watch_for_the_first_time(lokbot)
    process = lokbot.start("run", smtp__port=str(free_port()), outbox__retry_seconds="3")
    dovecot.deliver(QUESTION.as_bytes())
    lokbot.until(lambda: sending(lokbot) == ["queued"], "the answer is queued")
    process.kill()
    assert states(lokbot) == ["handled"]

    lokbot.start("run")
    answered_once(lokbot)


def test_after_decision_while_the_server_says_nothing(lokbot: Installation, dovecot: DovecotServer) -> None:
    watch_for_the_first_time(lokbot)
    with socket.create_server((HOST, 0)) as silent:
        process = lokbot.start("run", smtp__port=str(silent.getsockname()[1]))
        dovecot.deliver(QUESTION.as_bytes())
        silent.settimeout(DEADLINE_SECONDS)
        connection, _ = silent.accept()
        assert sending(lokbot) == ["claimed"]
        process.kill()
        connection.close()

    lokbot.start("run")
    answered_once(lokbot)


def test_after_the_server_has_taken_the_mail_and_before_it_says_so(
    lokbot: Installation, dovecot: DovecotServer, smtp_sink: SmtpSink
) -> None:
    watch_for_the_first_time(lokbot)
    smtp_sink.behaviour = Behaviour.HANG
    process = lokbot.start("run")
    dovecot.deliver(QUESTION.as_bytes())
    lokbot.until(lambda: len(smtp_sink.accepted) == 1, "the server has taken the mail")
    process.kill()
    assert sending(lokbot) == ["claimed"]

    smtp_sink.behaviour = Behaviour.ACCEPT
    lokbot.start("run")
    answered_twice_alike(lokbot)


def test_after_the_copy_was_put_among_the_sent_mail_and_before_that_is_written_down(
    lokbot: Installation, dovecot: DovecotServer
) -> None:
    watch_for_the_first_time(lokbot)
    is_copied = threading.Event()
    with WriteLock(lokbot.database) as lock:

        def on_sent(data: bytes) -> None:
            if b" APPEND " in data:
                lock.take()

        def on_answered(data: bytes) -> None:
            if b"APPENDUID" in data:
                is_copied.set()

        with Tap(dovecot.mailbox.port, on_sent=on_sent, on_answered=on_answered) as tap:
            process = lokbot.start("run", imap__port=str(tap.port), imap__poll_seconds="0.2")
            dovecot.deliver(QUESTION.as_bytes())
            lokbot.until(is_copied.is_set, "the copy is made")
            process.kill()

    lokbot.start("run", imap__poll_seconds="0.2")
    lokbot.until(lambda: lokbot.rows("SELECT 1 FROM outbox WHERE copy_tries IS NOT NULL") == [], "the copy is known")
    answered_once(lokbot)
    with IMAPClient(dovecot.mailbox.host, dovecot.mailbox.port, ssl=False, timeout=10) as colleague:
        colleague.login(dovecot.mailbox.user, dovecot.mailbox.password)
        assert colleague.folder_status("Sent", ["MESSAGES"]) == {b"MESSAGES": 1}


def test_after_the_server_has_said_yes_and_before_that_is_written_down(
    lokbot: Installation, dovecot: DovecotServer, smtp_sink: SmtpSink
) -> None:
    watch_for_the_first_time(lokbot)
    has_heard_yes = threading.Event()
    with WriteLock(lokbot.database) as lock:

        def on_sent(data: bytes) -> None:
            if data == b"DATA\r\n":
                lock.take()
            elif data.upper() == b"QUIT\r\n":
                has_heard_yes.set()

        with Tap(smtp_sink.port, on_sent=on_sent) as tap:
            process = lokbot.start("run", smtp__port=str(tap.port))
            dovecot.deliver(QUESTION.as_bytes())
            lokbot.until(has_heard_yes.is_set, "lokbot has heard the server's yes")
            process.kill()
    assert sending(lokbot) == ["claimed"]

    lokbot.start("run")
    answered_twice_alike(lokbot)
