"""The mailbox's folders on a real Dovecot: what is read from each, what is put there, and that everything adds up."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from imapclient import FLAGGED, SEEN, IMAPClient
from pydantic import SecretStr
from sqlalchemy import select, text

from lokbot import accounts, balance, mailroom, service
from lokbot.balance import Balance
from lokbot.channels.imap import Mailbox
from lokbot.channels.smtp import SmtpChannel
from lokbot.config import Answering, ImapSettings, OutboxSettings, Settings, SmtpSettings
from lokbot.content import Content
from lokbot.conversation import delivery, pipeline
from lokbot.conversation.working_days import SWEDEN
from lokbot.loops import Service, clock
from lokbot.model import AnsweringMode, ChannelName, ConversationStatus, MessageState, OutboxKind, OutboxStatus, Role
from lokbot.store.schema import Conversation, Event, MailboxMail, Message, OutboxItem
from lokbot.store.schema import Mailbox as Account
from tests import small_content
from tests.conftest import do_without
from tests.processes import COORDINATOR
from tests.servers import DovecotServer, MissingServerError
from tests.small_content import JOIN, LOK, OWN_MATTER, RECORDS, letter
from tests.smtp_sink import Behaviour, SmtpSink

ANNA, BO = "anna@forening.example", "bo@forening.example"


@dataclass
class Office:
    """lokbot's parts in this process, taken by hand: look into the mailbox, then work."""

    service: Service
    dovecot: DovecotServer
    sink: SmtpSink
    content: Content

    def look(self) -> None:
        """What a reader does when it starts, and then one round."""
        with Mailbox(service.mailbox_settings(self.service.settings, None)) as box:
            rooms = mailroom.rooms(self.service, box)
            for room in rooms:
                mailroom.reconcile(self.service, box, room)
            service.visit(self.service, box, rooms)

    def strike(self) -> Balance:
        return service.strike_balance(self.service)

    def work(self) -> None:
        """Handle what is stored, and try once to send what is queued."""
        settings, sessions = self.service.settings, self.service.sessions
        doors = {ChannelName.MAIL: SmtpChannel(self.sink.settings)}
        active = self.content.current()
        while pipeline.handle_next(sessions, active, settings, now=clock()):
            pass
        now = clock()
        while delivery.deliver_next(sessions, doors, settings, active.knowledge, worker="w", now=now):
            pass

    def messages(self) -> list[Message]:
        with self.service.sessions() as session:
            return list(session.scalars(select(Message).order_by(Message.id)))

    def items(self, *kinds: OutboxKind) -> list[OutboxItem]:
        with self.service.sessions() as session:
            return list(session.scalars(select(OutboxItem).where(OutboxItem.kind.in_(kinds)).order_by(OutboxItem.id)))

    def cases(self) -> list[Conversation]:
        with self.service.sessions() as session:
            return list(session.scalars(select(Conversation).order_by(Conversation.id)))

    def fates(self, folder: str) -> list[str]:
        with self.service.sessions() as session:
            return list(
                session.scalars(
                    select(MailboxMail.fate)
                    .join(Account, Account.id == MailboxMail.mailbox_id)
                    .where(Account.name.endswith(f"/{folder}"))
                    .order_by(MailboxMail.uid)
                )
            )

    def sent_to(self, address: str) -> list[bytes]:
        return [mail.raw for mail in self.sink.accepted if address in mail.recipients]

    @contextmanager
    def colleague(self, folder: str = "INBOX") -> Iterator[IMAPClient]:
        """Somebody at work in the mailbox, with a mail program of their own."""
        box = self.dovecot.mailbox
        with IMAPClient(box.host, box.port, ssl=False, timeout=10) as client:
            client.login(box.user, box.password)
            client.select_folder(folder)
            yield client

    def put(self, folder: str, mail: EmailMessage, *, arrived: datetime | None = None) -> EmailMessage:
        with self.colleague() as client:
            client.append(folder, mail.as_bytes(), msg_time=arrived)
        return mail

    def holds(self, folder: str) -> list[tuple[bytes, tuple[bytes, ...]]]:
        """The mails of a folder with their flags."""
        with self.colleague(folder) as client:
            found = client.fetch(client.search(), ["BODY.PEEK[]", "FLAGS"])
        return [(facts[b"BODY[]"], facts[b"FLAGS"]) for _, facts in sorted(found.items())]


def reply_from_outlook(question: EmailMessage, words: str, *, to: str | None = None) -> EmailMessage:
    mail = letter(LOK, words, subject=f"SV: {question['Subject']}", answers=question)
    del mail["To"]
    mail["To"] = to or question["From"]
    return mail


@contextmanager
def opened(
    directory: Path, migrated: Path, dovecot: DovecotServer, sink: SmtpSink, imap: dict[str, object] | None = None
) -> Iterator[Office]:
    box = dovecot.mailbox
    if not (directory / "knowledge").exists():
        small_content.write(directory)
        (directory / "var").mkdir()
        shutil.copy(migrated, directory / "var" / "lokbot.db")
    settings = Settings(
        var_dir=directory / "var",
        knowledge_dir=directory / "knowledge",
        intents_dir=directory / "intents",
        imap=ImapSettings.model_validate(
            {"host": box.host, "port": box.port, "user": box.user, "password": SecretStr(box.password), "tls": "none"}
            | (imap or {})
        ),
        smtp=SmtpSettings(host=sink.settings.host, port=sink.port, tls="none", from_address=LOK),
        coordinators=(COORDINATOR,),
        answering=Answering(default=AnsweringMode.SEND),
        outbox=OutboxSettings(retry_seconds=(0.001,)),
    )
    made = service.open_service(settings)
    try:
        yield Office(made, dovecot, sink, Content(settings, made.sessions, clock))
    finally:
        made.engine.dispose()


@pytest.fixture
def office(tmp_path: Path, migrated_file: Path, dovecot: DovecotServer, smtp_sink: SmtpSink) -> Iterator[Office]:
    """One that has started for the first time."""
    with opened(tmp_path, migrated_file, dovecot, smtp_sink) as made:
        made.look()
        yield made


def started(request: pytest.FixtureRequest, server: DovecotServer, **imap: object) -> Iterator[Office]:
    directory: Path = request.getfixturevalue("tmp_path")
    migrated: Path = request.getfixturevalue("migrated_file")
    with server, SmtpSink() as sink, opened(directory, migrated, server, sink, imap) as made:
        yield made


def a_dovecot(**values: object) -> DovecotServer:
    try:
        return DovecotServer(**values)  # type: ignore[arg-type]
    except MissingServerError as missing:
        do_without(missing)


# ------------------------------------------------------------------ the folders


def test_mails_that_are_stored_together_do_not_keep_each_other_out(office: Office) -> None:
    with office.service.engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN NEW.subject = 'Udda'"
                " BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        )
    for subject in ("Ett", "Udda", "Tre"):
        office.put("INBOX", letter(ANNA, f"Hej från {subject}.", subject=subject))
    office.look()
    first, third, odd = sorted(office.messages(), key=lambda message: not message.is_readable)
    assert (first.subject, third.subject) == ("Ett", "Tre")
    assert odd.warnings == ["unreadable"]
    assert first.id < odd.id < third.id
    assert office.fates("INBOX") == ["stored", "stored", "stored"]


def test_old_mail_is_left_alone_in_every_folder_and_new_mail_in_none(
    tmp_path: Path, migrated_file: Path, dovecot: DovecotServer, smtp_sink: SmtpSink
) -> None:
    with opened(tmp_path, migrated_file, dovecot, smtp_sink) as office:
        for folder in ("INBOX", "Junk", "Sent"):
            office.put(folder, letter(ANNA, "Gammalt."))
        office.look()
        office.look()
        assert office.messages() == []
        for folder in ("INBOX", "Junk"):
            office.put(folder, letter(BO, f"Nytt i {folder}."))
        office.put("Sent", reply_from_outlook(letter(BO, JOIN), "Hej!"))
        office.look()
        assert sorted(message.new_text for message in office.messages()) == ["Nytt i INBOX.", "Nytt i Junk."]
        assert len(office.items(OutboxKind.ANSWER)) == 1
        assert [office.fates(folder) for folder in ("INBOX", "Junk", "Sent")] == [["stored"], ["stored"], ["sent"]]


def test_what_a_filter_caught_goes_to_a_person_unanswered(office: Office) -> None:
    office.put("Junk", letter(ANNA, JOIN))
    office.put("Junk", letter(BO, RECORDS))
    office.look()
    office.work()
    assert [message.warnings for message in office.messages()] == [["junk"], ["junk"]]
    assert [(case.status, case.is_urgent, case.reason) for case in office.cases()] == [
        (ConversationStatus.WAITING, False, "junk"),
        (ConversationStatus.WAITING, True, "junk"),
    ]
    assert office.sent_to(ANNA) == office.sent_to(BO) == []
    assert len(office.sent_to(COORDINATOR)) == 2


def test_a_mail_that_a_person_moves_out_of_junk_is_not_handled_twice(office: Office) -> None:
    office.put("Junk", letter(ANNA, JOIN))
    office.look()
    office.work()
    with office.colleague("Junk") as client:
        client.move(client.search(), "INBOX")
    office.look()
    office.work()
    assert len(office.messages()) == 1
    assert office.fates("INBOX") == ["duplicate"]
    assert office.sent_to(ANNA) == []
    assert office.strike().adds_up


def test_old_mail_that_a_person_puts_into_junk_is_left_alone(office: Office) -> None:
    office.put("Junk", letter(ANNA, "Gammalt."), arrived=datetime.now(UTC) - timedelta(days=400))
    office.look()
    assert office.messages() == []
    assert office.fates("Junk") == ["old"]


@pytest.mark.parametrize(
    ("junk", "sent"), [("Skräppost", "Skickade objekt"), ("Junk Email", "Sent Items"), ("INBOX/Spam", "INBOX/Skickat")]
)
def test_folders_without_marks_are_found_by_their_usual_names(
    request: pytest.FixtureRequest, junk: str, sent: str
) -> None:
    for office in started(request, a_dovecot(marks_folders=False)):
        with office.colleague() as client:
            for folder in (junk, sent, "Arkiv", "Skräp om ditt och datt"):
                client.create_folder(folder)
        office.look()
        office.put(junk, letter(ANNA, JOIN))
        office.put(sent, reply_from_outlook(letter(BO, JOIN), "Hej!"))
        office.look()
        assert (office.fates(junk), office.fates(sent)) == (["stored"], ["sent"])


def test_folders_are_found_by_their_marks_whatever_they_are_called(request: pytest.FixtureRequest) -> None:
    marked = "".join(
        f"  mailbox {name} {{\n    special_use = \\{mark}\n    auto = create\n  }}\n"
        for name, mark in (("Filtret", "Junk"), ("Utpost", "Sent"))
    )
    for office in started(request, a_dovecot(marks_folders=False, settings=f"namespace inbox {{\n{marked}}}")):
        with office.colleague() as client:
            client.create_folder("Sent")  # somebody's own, not the real one
        office.look()
        office.put("Filtret", letter(ANNA, JOIN))
        office.put("Utpost", reply_from_outlook(letter(BO, JOIN), "Hej!"))
        office.look()
        assert (office.fates("Filtret"), office.fates("Utpost"), office.fates("Sent")) == (["stored"], ["sent"], [])


def test_folders_can_be_named_left_out_and_missing(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    for office in started(request, a_dovecot(), junk_folder="Finns inte", sent_folder="-"):
        office.look()
        office.put("Sent", reply_from_outlook(letter(BO, JOIN), "Hej!"))
        office.dovecot.deliver(letter(ANNA, JOIN).as_bytes())
        office.look()
        assert (len(office.messages()), office.fates("Sent")) == (1, [])
        assert caplog.text.count("the folder Finns inte is not read") == 1
        assert "no folder found" not in caplog.text


def test_a_mailbox_without_such_folders_is_read_all_the_same(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    for office in started(request, a_dovecot(marks_folders=False)):
        office.look()
        office.dovecot.deliver(letter(ANNA, JOIN).as_bytes())
        office.look()
        office.work()
        office.look()
        assert len(office.messages()) == 1
        assert caplog.text.count("imap.sent_folder: name it") == caplog.text.count("imap.junk_folder: name it") == 1


@pytest.mark.parametrize("off", [{"copy_to_sent": False}, {"sent_folder": "-"}])
def test_copies_can_be_turned_off(office: Office, off: dict[str, object]) -> None:
    settings = office.service.settings
    section = "smtp" if "copy_to_sent" in off else "imap"
    quiet = settings.model_copy(update={section: getattr(settings, section).model_copy(update=off)})
    office.service = replace(office.service, settings=quiet)
    office.dovecot.deliver(letter(ANNA, JOIN).as_bytes())
    office.look()
    office.work()
    office.look()
    assert len(office.sent_to(ANNA)) == 1
    assert office.holds("Sent") == []
    assert [item.copy_tries for item in office.items(OutboxKind.REPLY)] == [None]


def test_a_folder_that_is_made_later_is_read_from_the_first_start_on(request: pytest.FixtureRequest) -> None:
    for office in started(request, a_dovecot(marks_folders=False)):
        office.look()
        with office.colleague() as client:
            client.create_folder("Skräppost")
        office.put("Skräppost", letter(ANNA, "Gammalt."), arrived=datetime.now(UTC) - timedelta(days=3))
        office.put("Skräppost", letter(BO, JOIN))
        office.look()
        assert [message.sender_email for message in office.messages()] == [BO]
        assert office.strike().adds_up


# ------------------------------------------------------------------ what people send


def test_nothing_automatic_goes_out_after_a_person_answered_in_outlook(office: Office) -> None:
    office.sink.behaviour = Behaviour.POSTPONE
    question = letter(ANNA, JOIN)
    office.dovecot.deliver(question.as_bytes())
    office.look()
    office.work()
    assert [item.status for item in office.items(OutboxKind.REPLY)] == [OutboxStatus.QUEUED]

    office.put("Sent", reply_from_outlook(question, "Ring mig, så berättar jag."))
    office.look()
    office.sink.behaviour = Behaviour.ACCEPT
    office.work()
    assert office.sent_to(ANNA) == []
    (answer,) = office.items(OutboxKind.ANSWER)
    assert (answer.text, answer.created_by, answer.status) == (
        "Ring mig, så berättar jag.",
        "brevlådan",
        OutboxStatus.SENT,
    )
    assert [case.status for case in office.cases()] == [ConversationStatus.RESOLVED]


def test_a_question_that_was_answered_in_outlook_while_lokbot_was_down_is_left_at_that(office: Office) -> None:
    question = letter(ANNA, JOIN)
    office.dovecot.deliver(question.as_bytes())
    office.put("Sent", reply_from_outlook(question, "Så här gör ni."))
    office.look()
    office.work()
    assert office.sent_to(ANNA) == office.sent_to(COORDINATOR) == []
    assert [case.status for case in office.cases()] == [ConversationStatus.RESOLVED]


# ------------------------------------------------------------------ copies of what is sent


def test_what_is_sent_is_copied_once_byte_for_byte_and_read(office: Office) -> None:
    office.dovecot.deliver(letter(ANNA, JOIN).as_bytes())
    office.look()
    office.work()
    office.look()
    office.look()
    assert [raw for raw, _ in office.holds("Sent")] == office.sent_to(ANNA)
    assert all(SEEN in flags for _, flags in office.holds("Sent"))
    assert office.fates("Sent") == ["own"]
    assert office.strike().adds_up


def test_a_mail_that_the_server_has_copied_by_itself_is_not_copied_again(office: Office) -> None:
    office.dovecot.deliver(letter(ANNA, JOIN).as_bytes())
    office.look()
    office.work()
    (raw,) = office.sent_to(ANNA)
    with office.colleague() as client:
        client.append("Sent", raw)
    office.look()
    assert len(office.holds("Sent")) == 1
    assert [item.copy_tries for item in office.items(OutboxKind.REPLY)] == [None]


def test_a_copy_that_cannot_be_made_is_given_up_and_keeps_nobody_waiting(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.dovecot.deliver(letter(ANNA, JOIN).as_bytes())
    office.look()
    office.work()
    office.dovecot.forbid_writing("Sent")
    for _ in range(delivery.COPY_TRIES + 1):
        office.look()
    office.work()
    assert len(office.sent_to(ANNA)) == 1
    assert [(item.status, item.copy_tries) for item in office.items(OutboxKind.REPLY)] == [(OutboxStatus.SENT, 0)]
    assert caplog.text.count("but has no copy") == delivery.COPY_TRIES
    office.dovecot.deliver(letter(BO, OWN_MATTER).as_bytes())
    office.look()
    assert [message.sender_email for message in office.messages()] == [ANNA, BO]


# ------------------------------------------------------------------ handled mail


def test_handled_mail_stays_as_it_was_unless_something_else_is_set(office: Office) -> None:
    office.dovecot.deliver(letter(ANNA, JOIN).as_bytes())
    office.look()
    office.work()
    office.look()
    assert [flags for _, flags in office.holds("INBOX") if set(flags) - {b"\\Recent"}] == []


def test_handled_mail_is_labelled_and_what_failed_is_not(request: pytest.FixtureRequest) -> None:
    for office in started(request, a_dovecot(), after_handling="label"):
        office.look()
        for sender in (ANNA, BO):
            office.dovecot.deliver(letter(sender, JOIN).as_bytes())
        office.look()
        office.work()
        with office.service.sessions.begin() as session:
            session.scalars(select(Message).where(Message.sender_email == BO)).one().state = MessageState.FAILED
        office.look()
        labelled, failed = office.holds("INBOX")
        assert b"$Lokbot" in labelled[1]
        assert SEEN not in labelled[1]
        assert b"$Lokbot" not in failed[1]


def test_handled_mail_is_moved_unless_a_person_has_moved_it(request: pytest.FixtureRequest) -> None:
    for office in started(request, a_dovecot(), after_handling="move"):
        office.look()
        for sender in (ANNA, BO):
            office.dovecot.deliver(letter(sender, JOIN).as_bytes())
        office.look()
        with office.colleague() as client:
            client.create_folder("Arkiv")
            client.move(client.search(["FROM", BO]), "Arkiv")
        office.work()
        office.look()
        assert [len(office.holds(folder)) for folder in ("INBOX", "Lok-Klart", "Arkiv")] == [0, 1, 1]
        office.dovecot.deliver(letter(ANNA, OWN_MATTER).as_bytes())
        office.look()
        office.work()
        office.look()
        assert len(office.holds("Lok-Klart")) == 2
        assert office.strike().adds_up


def test_without_move_nothing_is_deleted(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> None:
    for office in started(request, a_dovecot(has_move=False), after_handling="move"):
        office.look()
        for sender in (ANNA, BO):
            office.dovecot.deliver(letter(sender, JOIN).as_bytes())
            office.look()
            office.work()
            office.look()
        assert [b"$Lokbot" in flags for _, flags in office.holds("INBOX")] == [True, True]
        assert caplog.text.count("cannot move mail in one step") == 1


# ------------------------------------------------------------------ nothing is lost


def test_the_same_mail_delivered_twice_is_one_message(office: Office) -> None:
    mail = letter(ANNA, JOIN).as_bytes()
    office.dovecot.deliver(mail)
    office.dovecot.deliver(mail)
    office.look()
    office.work()
    assert (len(office.messages()), office.fates("INBOX")) == (1, ["stored", "duplicate"])
    assert len(office.sent_to(ANNA)) == 1
    assert office.strike().adds_up


def test_ten_days_without_lokbot_lose_nothing(office: Office) -> None:
    with office.service.sessions.begin() as session:
        for account in session.scalars(select(Account)):
            account.started_at -= timedelta(days=11)
    days = [datetime.now(UTC).replace(microsecond=0) - timedelta(days=day) for day in range(10, -1, -1)]
    for number, day in enumerate(days):
        office.put("INBOX" if number % 2 else "Junk", letter(ANNA, f"Fråga {number}"), arrived=day)
    with office.colleague() as client:
        client.add_flags(client.search(), [SEEN, FLAGGED])  # people have read on meanwhile
    office.dovecot.renumber()
    office.look()
    assert sorted(message.received_at for message in office.messages()) == days
    assert office.strike().adds_up


def test_twenty_thousand_old_mails_are_left_alone_and_cost_no_time(
    tmp_path: Path, migrated_file: Path, dovecot: DovecotServer, smtp_sink: SmtpSink
) -> None:
    dovecot.fill(
        (f"Subject: gammal {number}\r\n\r\nHej\r\n".encode() for number in range(20_000)),
        arrived=datetime.now(UTC) - timedelta(days=30),
    )
    with opened(tmp_path, migrated_file, dovecot, smtp_sink) as office:
        with office.colleague() as client:  # Dovecot itself takes some seconds to see so many files
            assert len(client.search()) == 20_001
        for _ in range(2):
            began = time.monotonic()
            office.look()
            assert time.monotonic() - began < 5
            assert office.messages() == []
        office.dovecot.deliver(letter(ANNA, JOIN).as_bytes())
        office.look()
        assert [message.sender_email for message in office.messages()] == [ANNA]
        office.dovecot.renumber()
        office.look()
        assert len(office.messages()) == 1
        assert office.strike().adds_up


def test_one_connection_is_enough(request: pytest.FixtureRequest) -> None:
    for office in started(request, a_dovecot(settings="mail_max_userip_connections = 1"), after_handling="move"):
        office.look()
        office.dovecot.deliver(letter(ANNA, JOIN).as_bytes())
        office.look()
        office.work()
        office.look()
        assert len(office.holds("Sent")) == 1
        assert office.strike().adds_up


# ------------------------------------------------------------------ the balance


def struck(office: Office) -> list[Event]:
    with office.service.sessions() as session:
        return list(session.scalars(select(Event).where(Event.verb == "balanced").order_by(Event.id)))


def test_a_persons_mail_that_is_seen_twice_is_no_hole(office: Office) -> None:
    """What a person sent is no message, so its account names none."""
    sent = reply_from_outlook(letter(ANNA, JOIN), "Hej Anna!")
    for _ in range(2):
        office.put("Sent", sent)
        office.look()
    assert office.fates("Sent") == ["sent", "duplicate"]
    assert office.strike().adds_up


def lose_a_message(office: Office) -> None:
    """Behind lokbot's back. The mail's account still says that it is stored, so it is not fetched again."""
    with office.service.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("BEGIN")
        connection.execute(text("DELETE FROM messages"))
        connection.commit()
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")


def test_what_is_missing_is_fetched_before_it_is_counted(office: Office) -> None:
    office.dovecot.deliver(letter(ANNA, JOIN).as_bytes())
    office.look()
    with office.service.sessions.begin() as session:
        session.execute(text("DELETE FROM mailbox_mails"))
    office.dovecot.deliver(letter(BO, JOIN).as_bytes())
    found = office.strike()
    assert (found.adds_up, found.folders["INBOX"].fates) == (True, {"duplicate": 1, "stored": 1})
    assert struck(office)[-1].detail["folders"]["INBOX"] == {"duplicate": 1, "stored": 1, "missing": 0, "lost": 0}


def test_a_real_hole_is_told_once_a_day(office: Office) -> None:
    office.dovecot.deliver(letter(ANNA, OWN_MATTER).as_bytes())
    office.look()
    lose_a_message(office)
    found = office.strike()
    assert (found.adds_up, found.folders["INBOX"].lost) == (False, 1)
    office.strike()
    assert [event.detail["adds_up"] for event in struck(office)] == [False, False]
    office.work()
    (alarm,) = office.sent_to(COORDINATOR)
    assert "1 mejl i brevlådan är inte sparade" in words(alarm)
    case = office.cases()[-1]
    assert (case.status, case.reason) == (ConversationStatus.WAITING, "balance")


def test_who_answers_by_an_account_in_the_desk_hears_of_a_hole_too(office: Office) -> None:
    with office.service.sessions.begin() as session:
        accounts.invite(session, "kim@stad.example", "Kim", (Role.COORDINATOR,), actor="x", now=clock())
    office.dovecot.deliver(letter(ANNA, OWN_MATTER).as_bytes())
    office.look()
    lose_a_message(office)
    office.strike()
    office.work()
    (alarm,) = office.sent_to("kim@stad.example")
    assert "1 mejl i brevlådan är inte sparade" in words(alarm)


def test_the_next_days_alarm_uses_the_case_that_still_waits(office: Office) -> None:
    office.dovecot.deliver(letter(ANNA, OWN_MATTER).as_bytes())
    office.look()
    lose_a_message(office)
    office.strike()
    before = len(office.cases())
    # Events cannot be changed, so the day is passed by what counts as one.
    for _ in range(2):
        with office.service.sessions.begin() as session:
            balance.alarm(session, office.service, office.strike(), now=clock())
    assert len(office.cases()) == before
    assert len(office.items(OutboxKind.NOTIFICATION)) == 3


def test_what_has_waited_for_an_hour_is_part_of_the_balance(office: Office) -> None:
    office.dovecot.deliver(letter(ANNA, JOIN).as_bytes())
    office.look()
    assert office.strike().adds_up
    with office.service.sessions.begin() as session:
        session.scalars(select(Message)).one().stored_at -= timedelta(minutes=61)
    assert (office.strike().unhandled, office.strike().adds_up) == (1, False)

    office.sink.behaviour = Behaviour.POSTPONE
    office.work()
    with office.service.sessions.begin() as session:
        session.scalars(select(OutboxItem).where(OutboxItem.kind == OutboxKind.REPLY)).one().not_before -= timedelta(
            minutes=61
        )
    found = office.strike()
    assert (found.unhandled, found.stuck) == (0, 1)


def words(raw: bytes) -> str:
    part = message_from_bytes(raw, policy=policy.default).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize(
    ("last", "now", "is_due"),
    [
        (None, "2026-03-02 05:00", True),
        ("2026-03-01 06:00", "2026-03-02 05:59", False),
        ("2026-03-01 06:00", "2026-03-02 06:00", True),
        ("2026-03-02 06:00", "2026-03-02 23:00", False),
        ("2026-02-27 06:00", "2026-03-02 05:00", True),
        ("2026-03-28 06:00", "2026-03-29 06:00", True),  # the night that summer time begins
        ("2026-10-24 06:00", "2026-10-25 05:30", False),  # and ends
    ],
)
def test_the_balance_is_due_once_a_day(last: str | None, now: str, is_due: bool) -> None:
    def swedish(moment: str) -> datetime:
        return datetime.fromisoformat(moment).replace(tzinfo=SWEDEN).astimezone(UTC)

    assert balance.is_due(swedish(last) if last else None, at=clock_time(6), now=swedish(now)) is is_due


def test_the_log_says_what_differs_and_nothing_of_what_people_wrote(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    office.dovecot.deliver(letter(ANNA, OWN_MATTER).as_bytes())
    office.look()
    lose_a_message(office)
    office.strike()
    assert "the balance does not add up: 1 mails not stored" in caplog.text
    assert "anna" not in caplog.text
