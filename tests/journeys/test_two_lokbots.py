"""Two lokbots that write to each other, as two cities with the same idea might: it ends after one exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from tests.conftest import do_without
from tests.processes import Installation
from tests.servers import DovecotServer, MissingServerError
from tests.small_content import JOIN, OWN_MATTER, letter
from tests.smtp_sink import SmtpSink

CAP = 3
MOST_ROUNDS = 20  # a storm that has gone on so long is one


class City:
    """A lokbot of a city of its own, at an address of its own."""

    def __init__(self, directory: Path, name: str, dovecot: DovecotServer, sink: SmtpSink) -> None:
        directory.mkdir()
        self.address = f"lok@{name}.example"
        self.lokbot = Installation(
            directory,
            dovecot.mailbox,
            sink,
            smtp__from_address=self.address,
            caps__per_sender_per_day=str(CAP),
            answering__default="send",
        )
        self.dovecot, self.sink = dovecot, sink
        self.received = self.taken = 0

    def receive(self, raw: bytes) -> None:
        """A mail arrives and goes its whole way."""
        self.received += 1
        self.dovecot.deliver(raw)
        self.lokbot.until_settled(self.received)

    def sent_to(self, other: City) -> list[bytes]:
        """What it has sent to the other since last asked."""
        new = self.sink.accepted[self.taken :]
        self.taken += len(new)
        return [mail.raw for mail in new if other.address in mail.recipients]


@pytest.fixture
def cities(tmp_path: Path) -> Iterator[tuple[City, City]]:
    with ExitStack() as stack:
        made = []
        for name in ("ena", "andra"):
            try:
                dovecot = stack.enter_context(DovecotServer())
            except MissingServerError as missing:
                do_without(missing)
            city = City(tmp_path / name, name, dovecot, stack.enter_context(SmtpSink()))
            stack.enter_context(city.lokbot)
            city.lokbot.run()
            made.append(city)
        yield made[0], made[1]


def as_sent(mail: Message) -> None:
    """The way between changes nothing."""


def without_our_fields(mail: Message) -> None:
    """A gateway has taken away every field that says what wrote it."""
    for name in ("X-Lokbot-Loop", "Auto-Submitted", "X-Auto-Response-Suppress"):
        del mail[name]


def like_a_persons(mail: Message) -> None:
    """And it has given it a Message-ID of its own: nothing is left to know it by."""
    without_our_fields(mail)
    number = abs(hash(mail["Message-ID"]))
    for name in ("Message-ID", "In-Reply-To", "References"):
        del mail[name]
    mail["Message-ID"] = f"<{number}@gateway.example>"


def exchanged(first: City, second: City, change: Callable[[Message], None]) -> int:
    """Carry what they write to each other until neither writes any more; how many mails that was."""
    count = 0
    for _ in range(MOST_ROUNDS):
        carried = 0
        for sender, receiver in ((first, second), (second, first)):
            for raw in sender.sent_to(receiver):
                mail = message_from_bytes(raw)
                change(mail)
                receiver.receive(mail.as_bytes())
                carried += 1
        if not carried:
            return count
        count += carried
    raise AssertionError(f"after {count} mails they still write to each other")


@pytest.mark.parametrize(
    ("change", "question"),
    [(as_sent, JOIN), (without_our_fields, OWN_MATTER)],
    ids=["an answer, as sent", "a receipt, without our fields"],
)
def test_one_answer_and_no_more(cities: tuple[City, City], change: Callable[[Message], None], question: str) -> None:
    first, second = cities
    first.receive(letter(f"LÖK <{second.address}>", question).as_bytes())
    assert exchanged(first, second, change) == 1
    assert second.lokbot.rows("SELECT count(*) FROM outbox WHERE kind IN ('reply', 'receipt')") == [(0,)]
    assert second.lokbot.rows("SELECT count(*) FROM messages") == [(1,)]  # nothing is lost either


def test_where_nothing_gives_them_away_the_caps_end_it(cities: tuple[City, City]) -> None:
    first, second = cities
    first.receive(letter(f"LÖK <{second.address}>", OWN_MATTER).as_bytes())
    assert 1 < exchanged(first, second, like_a_persons) <= 2 * CAP
