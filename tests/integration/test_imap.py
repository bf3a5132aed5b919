"""The mailbox against pymap and Dovecot, in fair weather and foul."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from imapclient import DELETED, SEEN, IMAPClient

from lokbot.channels.embedded import EmbeddedServers
from lokbot.channels.imap import FetchedMail, Mailbox, MailboxSettings, VanishedMail
from lokbot.channels.smtp import SmtpChannel
from lokbot.model import Address, ChannelError, ChannelName, OutgoingMessage
from tests.conftest import do_without
from tests.servers import Cable, Certificate, DovecotServer, MissingServerError, free_port, make_certificate

HELLO = b"Subject: hej\r\nMessage-ID: <1@forening.example>\r\n\r\nHur s\xc3\xb6ker vi bidrag?\r\n"


@dataclass(frozen=True)
class Place:
    """A mail server with one mailbox. ``deliver`` brings a mail as the outside world does."""

    settings: MailboxSettings
    deliver: Callable[[], object]
    stop: Callable[[], None]


@pytest.fixture(params=["pymap", "dovecot"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "pymap":
        servers: EmbeddedServers = request.getfixturevalue("embedded_servers")
        channel = SmtpChannel(replace(servers.smtp, from_address="anna@forening.example"))
        to = Address("", servers.address)
        mail = OutgoingMessage(ChannelName.MAIL, "1@forening.example", (to,), "hej", "Hur söker vi bidrag?")
        return Place(servers.mailbox, lambda: channel.send(mail), servers.stop)
    dovecot: DovecotServer = request.getfixturevalue("dovecot")
    return Place(dovecot.mailbox, lambda: dovecot.deliver(HELLO), dovecot.stop)


@contextmanager
def colleague(settings: MailboxSettings, folder: str = "INBOX") -> Iterator[IMAPClient]:
    """Somebody else at work in the same mailbox, with a mail program of their own."""
    with IMAPClient(settings.host, settings.port, ssl=False, timeout=10) as client:
        client.login(settings.user, settings.password)
        client.select_folder(folder)
        yield client


def fill(settings: MailboxSettings, count: int) -> None:
    with colleague(settings) as client:
        client.multiappend("INBOX", [HELLO] * count)


def delete(settings: MailboxSettings, uid: int) -> None:
    with colleague(settings) as client:
        client.set_flags(uid, [DELETED])
        client.uid_expunge([uid])


def once_idle(act: Callable[[], object]) -> Callable[[], bool]:
    """A ``should_stop`` that never stops, but acts when asked for the second time: then IDLE has begun."""
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        if asked == 2:
            act()
        return False

    return should_stop


class Patience:
    """A ``should_stop`` that stops a wait after some seconds, and tells whether it had to."""

    def __init__(self) -> None:
        self.asks_left = 10

    def __call__(self) -> bool:
        self.asks_left -= 1
        return self.asks_left <= 0


def test_fetched_mail_is_what_was_delivered_with_the_time_of_the_server(place: Place) -> None:
    arrived = datetime(2026, 7, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    raw = b'Subject: caf\xe9\r\nDate: Thu, 1 Jan 1970 00:00:00 +0000\r\n\r\n.\r\n\xff\x00 ()"{5}\r\n * 1 EXISTS\r\n'
    raw = raw.replace(b"\x00", b"")  # IMAP has no way to carry NUL
    with colleague(place.settings) as client:
        client.append("INBOX", raw, msg_time=arrived)
    with Mailbox(place.settings) as box:
        state = box.state()
        (mail,) = box.fetch(box.uids(0))
    assert isinstance(mail, FetchedMail)
    assert mail.raw == raw
    assert mail.size == len(raw)
    assert mail.received_at == arrived
    assert mail.received_at.tzinfo is UTC
    assert (mail.uid, mail.uidvalidity) == (state.uidnext - 1, state.uidvalidity)


def test_reading_leaves_no_trace(place: Place) -> None:
    place.deliver()
    with Mailbox(place.settings) as box:
        assert len(list(box.fetch(box.uids(0)))) == 1
    with Mailbox(replace(place.settings, largest_mail_bytes=1)) as box:
        assert len(list(box.fetch(box.uids(0)))) == 1
    with colleague(place.settings, "Sent") as client:
        assert client.folder_status("INBOX", ["RECENT"]) == {b"RECENT": 1}
    with colleague(place.settings) as client:
        assert [SEEN in facts[b"FLAGS"] for facts in client.fetch(client.search(), ["FLAGS"]).values()] == [False]


def test_uids_are_those_above_the_cursor(place: Place) -> None:
    fill(place.settings, 3)
    with Mailbox(place.settings) as box:
        first, second, third = box.uids(0)
        assert first < second < third
        assert box.uids(first) == [second, third]
        assert box.uids(third) == []  # where "UID n:*" alone would give the third again
        assert box.uids(third + 1000) == []


def test_the_first_cursor_lies_between_old_mail_and_new(place: Place) -> None:
    fill(place.settings, 2)
    with Mailbox(place.settings) as box:
        cursor = box.state().uidnext - 1
        assert box.uids(cursor) == []
        place.deliver()
        assert box.uids(cursor) == [cursor + 1]
        assert box.state().uidnext == cursor + 2


def test_uids_since_a_day(place: Place) -> None:
    with colleague(place.settings) as client:
        for day in (1, 11, 21):
            client.append("INBOX", HELLO, msg_time=datetime(2026, 3, day, 12, tzinfo=UTC))
    with Mailbox(place.settings) as box:
        every = box.uids(0)
        assert box.uids_since(datetime(2026, 3, 11, tzinfo=UTC).date()) == every[1:]


def test_a_mail_deleted_after_the_search_has_vanished_and_costs_no_other(place: Place) -> None:
    fill(place.settings, 3)
    with Mailbox(place.settings) as box:
        uids = box.uids(0)
        delete(place.settings, uids[1])
        mails = list(box.fetch(uids))
    assert [mail.uid for mail in mails] == uids
    assert [type(mail) for mail in mails] == [FetchedMail, VanishedMail, FetchedMail]


def test_a_mail_deleted_while_its_batch_is_under_way_has_vanished(place: Place) -> None:
    fill(place.settings, 60)  # more than one batch; the sizes of all are known before the second
    with Mailbox(place.settings) as box:
        uids = box.uids(0)
        mails = box.fetch(uids)
        first = next(mails)
        delete(place.settings, uids[55])
        rest = list(mails)
    assert [mail.uid for mail in (first, *rest)] == uids
    deleted = next(mail for mail in rest if mail.uid == uids[55])
    # Until it has told of an EXPUNGE a server may still hand the mail out (RFC 2180 4.1); pymap does.
    assert isinstance(deleted, VanishedMail) or deleted.raw == HELLO


def test_more_mails_than_one_command_holds(place: Place) -> None:
    fill(place.settings, 520)
    with Mailbox(place.settings) as box:
        uids = box.uids(0)
        mails = list(box.fetch(reversed(uids)))
    assert [mail.uid for mail in mails] == uids
    assert {mail.raw for mail in mails if isinstance(mail, FetchedMail)} == {HELLO}


def test_an_oversize_mail_stays_on_the_server(place: Place) -> None:
    large = b"Subject: stor\r\n\r\n" + b"x" * 70 + b"\r\n" * 4000
    with colleague(place.settings) as client:
        for raw in (HELLO, large, HELLO):
            client.append("INBOX", raw)
    with Mailbox(replace(place.settings, largest_mail_bytes=1000)) as box:
        small, left, last = box.fetch(box.uids(0))
        assert len(box.uids(0)) == 3
    assert isinstance(small, FetchedMail)
    assert isinstance(left, FetchedMail)
    assert isinstance(last, FetchedMail)
    assert small.raw == last.raw == HELLO
    assert left.raw is None
    assert left.headers == b"Subject: stor\r\n\r\n"
    assert left.size == len(large)


@pytest.mark.parametrize("after", ["no-after", "disconnect-immediately", "disconnect-after"])
def test_a_mail_that_the_server_cannot_read_costs_no_other(after: str) -> None:
    try:
        server = DovecotServer(settings=f"imap_fetch_failure = {after}")
    except MissingServerError as missing:
        do_without(missing)
    with server:
        fill(server.mailbox, 4)
        server.damage(1)
        server.damage(2)
        mails: dict[int, FetchedMail | VanishedMail] = {}
        for _ in range(4):  # as the loop does: store, go on after the last one, connect anew after an error
            with suppress(ChannelError), Mailbox(server.mailbox) as box:
                for mail in box.fetch(box.uids(max(mails, default=0))):
                    mails[mail.uid] = mail
    assert [isinstance(mail, FetchedMail) and mail.raw for mail in mails.values()] == [HELLO, None, None, HELLO]


def test_new_mail_ends_the_wait(place: Place) -> None:
    with Mailbox(place.settings) as box:
        assert box.uids(0) == []
        assert box.wait(20, once_idle(place.deliver))
        (uid,) = box.uids(0)
        assert box.wait(20, once_idle(place.deliver))
        assert len(box.uids(uid)) == 1


def test_mail_between_search_and_wait_is_not_missed(place: Place) -> None:
    with Mailbox(replace(place.settings, idle_seconds=600)) as box:
        for count in range(1, 16):
            box.uids(0)
            place.deliver()
            patience = Patience()
            assert box.wait(600, patience)
            assert patience.asks_left > 0
            assert len(box.uids(0)) == count


@contextmanager
def scripted(answers: dict[bytes, bytes]) -> Iterator[MailboxSettings]:
    """A server that gives the same answer to a command each time, and hangs up at one that it does not know.

    For what real servers do only now and then. ``%s`` stands for the command's tag.
    """
    tag = b""

    def answer(line: bytes) -> bytes:
        nonlocal tag
        first, _, rest = line.strip().partition(b" ")
        tag = first if rest else tag
        command = rest.split()[0] if rest else first
        return answers[command].replace(b"%s", tag)

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines, suppress(KeyError):
            connection.sendall(b"* OK ready\r\n")
            for line in lines:
                connection.sendall(answer(line))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        port = listener.getsockname()[1]
        yield MailboxSettings("127.0.0.1", port, "lok", "hemligt", tls="none", timeout_seconds=5)
        server.join()


def test_mail_announced_in_one_breath_with_idling_is_not_missed() -> None:
    answers = {
        b"CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE\r\n%s OK done\r\n",
        b"LOGIN": b"%s OK done\r\n",
        b"EXAMINE": b"* 0 EXISTS\r\n* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT 1]\r\n%s OK [READ-ONLY] done\r\n",
        b"NOOP": b"%s OK done\r\n",
        b"UID": b"* SEARCH\r\n%s OK done\r\n",
        b"IDLE": b"+ idling\r\n* 1 EXISTS\r\n",
        b"DONE": b"%s OK done\r\n",
    }
    patience = Patience()
    with scripted(answers) as settings, Mailbox(settings) as box:
        box.uids(0)
        assert box.wait(600, patience)
    assert patience.asks_left > 0


def test_a_connection_that_breaks_during_login_is_no_wrong_password() -> None:
    answers = {b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n%s OK done\r\n"}
    with scripted(answers) as settings, pytest.raises(ChannelError) as caught, Mailbox(settings):
        pass
    assert not caught.value.permanent


def test_a_server_that_talks_nonsense_is_an_error_like_any_other() -> None:
    answers = {b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n%s OK done\r\n", b"LOGIN": b"%s OK done\r\n"}
    nonsense = b"* OK [UIDVALIDITY many] what\r\n%s OK done\r\n"
    with (
        scripted(answers | {b"EXAMINE": nonsense}) as settings,
        pytest.raises(ChannelError) as caught,
        Mailbox(settings),
    ):
        pass
    assert not caught.value.permanent


@pytest.mark.parametrize("is_one_deleted", [False, True])
def test_mail_announced_during_another_command_is_not_missed(place: Place, is_one_deleted: bool) -> None:
    fill(place.settings, 2)
    patience = Patience()
    with Mailbox(place.settings) as box:
        uids = box.uids(0)
        if is_one_deleted:
            delete(place.settings, uids[0])
        place.deliver()
        assert len(list(box.fetch(uids))) == 2
        assert box.wait(600, patience)
    assert patience.asks_left > 0


def test_silence_and_other_peoples_reading_do_not_end_the_wait(place: Place) -> None:
    fill(place.settings, 1)

    def read() -> None:
        with colleague(place.settings) as client:
            client.add_flags(client.search(), [SEEN])

    with Mailbox(replace(place.settings, idle_seconds=0.2)) as box:
        box.uids(0)
        assert not box.wait(0.7, once_idle(read))


def test_the_wait_ends_when_asked_to_stop(place: Place) -> None:
    asked = iter([False, False, True])
    with Mailbox(place.settings) as box:
        box.uids(0)
        assert not box.wait(600, lambda: next(asked, True))
        place.deliver()
        assert len(box.uids(0)) == 1  # and the connection is still good


def test_a_server_that_stops_during_the_wait_is_an_error(place: Place) -> None:
    with Mailbox(place.settings) as box:
        box.uids(0)
        with pytest.raises(ChannelError) as caught:
            box.wait(600, once_idle(place.stop))
    assert not caught.value.permanent


def test_a_server_killed_during_the_wait_is_an_error_and_its_mail_survives(dovecot: DovecotServer) -> None:
    dovecot.deliver(HELLO)
    with Mailbox(dovecot.mailbox) as box:
        before, uids = box.state(), box.uids(0)
        with pytest.raises(ChannelError):
            box.wait(600, once_idle(dovecot.kill))
    dovecot.start()
    with Mailbox(dovecot.mailbox) as box:
        assert (box.state(), box.uids(0)) == (before, uids)


def test_a_cable_cut_during_the_wait_is_an_error_and_does_not_hang(place: Place) -> None:
    with Cable(place.settings.port) as cable:
        settings = replace(place.settings, port=cable.port, timeout_seconds=0.5, idle_seconds=0.5)
        with Mailbox(settings) as box:
            box.uids(0)
            with pytest.raises(ChannelError, match=r"0\.5 s") as caught:
                box.wait(600, once_idle(cable.cut))
    assert not caught.value.permanent


def test_a_cable_cut_between_two_commands_is_an_error_and_does_not_hang(place: Place) -> None:
    with Cable(place.settings.port) as cable:
        settings = replace(place.settings, port=cable.port, timeout_seconds=0.5)
        with Mailbox(settings) as box:
            cable.cut()
            with pytest.raises(ChannelError, match=r"0\.5 s") as caught:
                box.uids(0)
    assert not caught.value.permanent


def test_without_idle_the_server_is_asked() -> None:
    try:
        server = DovecotServer(has_idle=False)
    except MissingServerError as missing:
        do_without(missing)
    with server, Mailbox(replace(server.mailbox, poll_seconds=0.05)) as box:
        box.uids(0)
        assert not box.wait(0.3)
        assert box.wait(20, once_idle(lambda: server.deliver(HELLO)))
        assert len(box.uids(0)) == 1


def test_a_wrong_password_is_permanent_and_not_repeated_in_the_error(place: Place) -> None:
    settings = replace(place.settings, password="gissning7")
    with pytest.raises(ChannelError) as caught, Mailbox(settings):
        pass
    assert caught.value.permanent
    assert f"{settings.host}:{settings.port}" in str(caught.value)
    assert "Check the password" in str(caught.value)
    assert "gissning7" not in str(caught.value) + repr(settings)


def test_too_many_logins_may_pass() -> None:
    try:
        server = DovecotServer(settings="mail_max_userip_connections = 1")
    except MissingServerError as missing:
        do_without(missing)
    with server, Mailbox(server.mailbox):
        with pytest.raises(ChannelError) as caught, Mailbox(server.mailbox):
            pass
        assert not caught.value.permanent


def test_a_password_outside_ascii() -> None:
    try:
        server = DovecotServer(password='smörgås "\\ 7')
    except MissingServerError as missing:
        do_without(missing)
    with server, Mailbox(server.mailbox) as box:
        assert box.uids(0) == []


def test_nobody_listens() -> None:
    settings = MailboxSettings("127.0.0.1", free_port(), "lok@test.example", "hemligt", tls="none")
    with pytest.raises(ChannelError, match="Check the host and port") as caught, Mailbox(settings):
        pass
    assert not caught.value.permanent


def test_a_folder_that_is_not_there(place: Place) -> None:
    with (
        pytest.raises(ChannelError, match="Finns inte") as caught,
        Mailbox(replace(place.settings, folder="Finns inte")),
    ):
        pass
    assert not caught.value.permanent


def test_a_copy_of_what_was_sent(place: Place) -> None:
    with Mailbox(replace(place.settings, sent_folder="")) as box:
        sent = box.find_folders().sent
        assert sent == "Sent"
        box.append(sent, HELLO)
    with colleague(place.settings, "Sent") as client:
        ((_, copy),) = client.fetch(client.search(), ["FLAGS", "BODY.PEEK[]"]).items()
    assert copy[b"BODY[]"] == HELLO
    assert SEEN in copy[b"FLAGS"]


def test_a_restored_backup_shows_as_another_uidvalidity(dovecot: DovecotServer) -> None:
    fill(dovecot.mailbox, 3)
    with Mailbox(dovecot.mailbox) as box:
        delete(dovecot.mailbox, box.uids(0)[0])
        before, old = box.state(), box.uids(0)
    dovecot.renumber()
    with Mailbox(dovecot.mailbox) as box:
        after, new = box.state(), box.uids(0)
        mails = list(box.fetch(new))
    assert after.uidvalidity != before.uidvalidity
    assert {mail.uidvalidity for mail in mails} == {after.uidvalidity}
    assert len(new) == len(old)
    assert new != old


@pytest.fixture
def dovecot_with_tls(certificate: Certificate) -> Iterator[DovecotServer]:
    try:
        server = DovecotServer(certificate=certificate)
    except MissingServerError as missing:
        do_without(missing)
    with server:
        yield server


@pytest.mark.parametrize("way", ["tls", "starttls"])
def test_encryption_with_a_trusted_certificate_only(
    dovecot_with_tls: DovecotServer, certificate: Certificate, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = dovecot_with_tls
    settings = server.mailbox_over_tls if way == "tls" else server.mailbox_over_starttls
    with pytest.raises(ChannelError, match="SSL_CERT_FILE"), Mailbox(settings):
        pass
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    with Mailbox(settings) as box:
        box.uids(0)
        assert box.wait(20, once_idle(lambda: server.deliver(HELLO)))
        assert len(list(box.fetch(box.uids(0)))) == 1
        box.uids(0)
        server.deliver(HELLO)
        assert box.wait(20)


@pytest.mark.parametrize("way", ["tls", "starttls"])
def test_a_trusted_certificate_of_another_host_is_refused(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        certificate = make_certificate(tmp_path, "DNS:annan.example")
        server = DovecotServer(certificate=certificate)
    except MissingServerError as missing:
        do_without(missing)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    with server:
        settings = server.mailbox_over_tls if way == "tls" else server.mailbox_over_starttls
        with pytest.raises(ChannelError, match="Check the host name") as caught, Mailbox(settings):
            pass
    assert not caught.value.permanent


def test_starttls_never_falls_back_to_plain_text(place: Place) -> None:
    with pytest.raises(ChannelError, match="TLS setting"), Mailbox(replace(place.settings, tls="starttls")):
        pass


def test_tls_with_a_server_that_speaks_plain_text(place: Place) -> None:
    with pytest.raises(ChannelError, match="TLS setting"), Mailbox(replace(place.settings, tls="tls")):
        pass


def test_the_connection_is_closed_when_the_context_is_left(place: Place) -> None:
    with Mailbox(place.settings) as box:
        connection = box._client.socket()
    assert connection.fileno() == -1
    with suppress(LookupError), Mailbox(place.settings) as box:
        connection = box._client.socket()
        raise LookupError("a fault of whoever reads the mail")
    assert connection.fileno() == -1
