"""Mail in, mail out: what associations, coordinators and administrations see of a lokbot that runs."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from imapclient import IMAPClient

from tests import small_content
from tests.conftest import do_without
from tests.processes import COORDINATOR, Installation, body, case_number
from tests.servers import DovecotServer, MissingServerError
from tests.small_content import (
    GARDEN,
    GARDEN_ANSWER,
    HALL,
    HALL_ANSWER,
    JOIN,
    JOIN_ANSWER,
    LOK,
    OWN_MATTER,
    RECORDS,
    UNKNOWN,
    letter,
)
from tests.smtp_sink import SmtpSink

PERSONAL_NUMBER = "811228-9874"  # Skatteverket's own example


class Town(Installation):
    """A lokbot with a mailbox that the town writes to."""

    def __init__(self, directory: Path, dovecot: DovecotServer, sink: SmtpSink, **settings: str) -> None:
        super().__init__(directory, dovecot.mailbox, sink, **settings)
        self.dovecot = dovecot

    def receive(self, mail: EmailMessage) -> EmailMessage:
        """``mail`` arrives in the mailbox."""
        self.dovecot.deliver(mail.as_bytes())
        return mail

    def received(self) -> int:
        return len(self.rows("SELECT 1 FROM messages"))

    def write(self, mail: EmailMessage) -> EmailMessage:
        """``mail`` arrives and goes its whole way."""
        before = self.received()
        self.receive(mail)
        self.until_settled(before + 1)
        return mail


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One running ``lokbot run`` for all that leaves it as it was. Each test writes from an address of its own."""
    try:
        server = DovecotServer()
    except MissingServerError as missing:
        do_without(missing)
    with server as dovecot, SmtpSink() as sink, Town(tmp_path_factory.mktemp("town"), dovecot, sink) as made:
        made.run()
        yield made


@pytest.fixture
def own_town(tmp_path: Path, dovecot: DovecotServer, smtp_sink: SmtpSink) -> Iterator[Town]:
    """A lokbot that has not been started yet."""
    with Town(tmp_path, dovecot, smtp_sink) as made:
        yield made


# ------------------------------------------------------------------ to the asker


def test_a_question_is_answered_in_its_thread(town: Town) -> None:
    mail = town.write(letter("Anna <anna@forening.example>", JOIN, subject="Gå med"))

    (reply,) = town.mails_to("anna@forening.example")
    assert JOIN_ANSWER in body(reply)
    assert "automatiskt svar från Helsingborgs stad" in body(reply)
    assert case_number(reply)
    assert reply["Subject"] == "SV: Gå med"
    assert reply["In-Reply-To"] == mail["Message-ID"]
    assert reply["References"] == mail["Message-ID"]
    assert reply["Auto-Submitted"] == "auto-replied"
    assert reply["X-Lokbot-Loop"]
    assert LOK in reply["From"]
    assert [part.get_content_type() for part in reply.iter_parts()] == ["text/plain", "text/html"]


def test_nothing_unapproved_is_sent_until_somebody_approves_it(town: Town) -> None:
    town.write(letter("before@forening.example", GARDEN))
    (receipt,) = town.mails_to("before@forening.example")
    assert GARDEN_ANSWER not in body(receipt)

    said = town.must("approve", small_content.NOT_APPROVED, "--by", "Kim Prov")
    assert "Kim Prov" in said
    town.write(letter("after@forening.example", GARDEN))

    (reply,) = town.mails_to("after@forening.example")
    assert GARDEN_ANSWER in body(reply)


def test_a_suggestion_goes_out_when_a_coordinator_releases_it(town: Town) -> None:
    told = len(town.mails_to(COORDINATOR))
    mail = town.write(letter("sven@forening.example", HALL))

    (receipt,) = town.mails_to("sven@forening.example")
    assert HALL_ANSWER not in body(receipt)
    assert "föreningssamordnare" in body(receipt)
    (notification,) = town.mails_to(COORDINATOR)[told:]
    assert HALL_ANSWER in body(notification)
    assert "boten får bara föreslå svar här" in body(notification)
    case = case_number(receipt)
    assert case in notification["Subject"]
    assert f"lokbot release {case}" in body(notification)

    town.must("release", case)

    answer = town.mail_to("sven@forening.example", 2)
    assert HALL_ANSWER in body(answer)
    assert answer["In-Reply-To"] == mail["Message-ID"]
    assert answer["Auto-Submitted"] is None, "a person has read it"
    assert answer["X-Lokbot-Loop"]
    assert case not in town.must("cases")


def test_an_own_matter_gets_a_receipt_and_a_coordinators_words(town: Town) -> None:
    mail = town.write(letter("siv@forening.example", OWN_MATTER))
    (receipt,) = town.mails_to("siv@forening.example")
    case = case_number(receipt)
    assert case in town.must("cases")

    town.must("reply", case, "--by", "Kim Prov", stdin="Vi har fått den.\nHälsningar Kim\n")

    answer = town.mail_to("siv@forening.example", 2)
    assert "Vi har fått den." in body(answer)
    assert "automatiskt" not in body(answer)
    assert answer["In-Reply-To"] == mail["Message-ID"]
    assert answer["Auto-Submitted"] is None


def test_the_asker_hears_of_a_forward_after_it_was_sent(town: Town) -> None:
    town.write(letter("kim@forening.example", UNKNOWN))
    case = case_number(town.mail_to("kim@forening.example"))

    town.must("forward", case, "kultur", "--to", "kultur@stad.example")

    told = town.mail_to("kim@forening.example", 2)
    (forwarded,) = town.mails_to("kultur@stad.example")
    assert UNKNOWN in body(forwarded)
    assert "kim@forening.example" not in body(forwarded)  # another board need not know who asks
    assert "kulturförvaltningen" in body(told)
    recipients = [mail.recipients[0] for mail in town.sink.accepted]
    assert recipients.index("kultur@stad.example") < len(recipients) - 1 - recipients[::-1].index(
        "kim@forening.example"
    )


def test_the_bot_is_silent_once_a_person_has_taken_the_case(town: Town) -> None:
    first = town.write(letter("eva@forening.example", UNKNOWN))
    (receipt,) = town.mails_to("eva@forening.example")
    town.must("take", case_number(receipt), "--by", "Kim Prov")
    told = len(town.mails_to(COORDINATOR))

    town.write(letter("eva@forening.example", JOIN, answers=receipt))
    town.write(letter("eva@forening.example", JOIN, answers=first))

    assert len(town.mails_to("eva@forening.example")) == 1
    assert len(town.mails_to(COORDINATOR)) == told + 2


def test_a_paused_bot_sends_receipts_only(town: Town) -> None:
    town.must("pause")
    try:
        town.write(letter("ove@forening.example", JOIN))
    finally:
        town.must("resume")

    (receipt,) = town.mails_to("ove@forening.example")
    assert JOIN_ANSWER not in body(receipt)
    assert case_number(receipt) in town.must("cases")

    town.write(letter("ove@forening.example", JOIN, subject="En gång till"))
    assert JOIN_ANSWER in body(town.mail_to("ove@forening.example", 2))


def test_several_questions_get_one_reply(town: Town) -> None:
    told = len(town.mails_to(COORDINATOR))
    town.write(letter("flera@forening.example", f"Hej!\n\n{JOIN} {UNKNOWN}\n\nHälsningar\nFlera"))

    (reply,) = town.mails_to("flera@forening.example")
    assert JOIN_ANSWER in body(reply)
    assert UNKNOWN in body(reply), "it says what a person answers"
    assert len(town.mails_to(COORDINATOR)) == told + 1


def test_what_is_urgent_is_never_answered_by_the_bot(town: Town) -> None:
    told = len(town.mails_to(COORDINATOR))
    town.write(letter("handling@forening.example", f"{JOIN} {RECORDS}"))

    (receipt,) = town.mails_to("handling@forening.example")
    assert JOIN_ANSWER not in body(receipt)
    (alarm,) = town.mails_to(COORDINATOR)[told:]
    assert "BRÅDSKANDE" in alarm["Subject"]


@pytest.mark.parametrize(
    ("sender", "headers"),
    [
        ("ledig@forening.example", {"Auto-Submitted": "auto-replied"}),
        ("lista@forening.example", {"List-Id": "<nyheter.forening.example>", "Precedence": "bulk"}),
        ("noreply@forening.example", {"Auto-Submitted": "auto-generated"}),
    ],
)
def test_a_machine_gets_no_answer(town: Town, sender: str, headers: dict[str, str]) -> None:
    sent = len(town.sink.accepted)
    town.write(letter(sender, JOIN, subject="Autosvar: Hej", headers=headers))
    assert len(town.sink.accepted) == sent


def test_what_we_sent_ourselves_is_never_answered(town: Town) -> None:
    town.write(letter("eko@forening.example", JOIN))
    (reply,) = town.mails_to("eko@forening.example")
    sent = len(town.sink.accepted)

    before = town.received()
    town.dovecot.deliver(reply.as_bytes(), sender=LOK)
    town.until_settled(before + 1)

    assert len(town.sink.accepted) == sent


def test_thanks_need_no_answer(town: Town) -> None:
    town.write(letter("glad@forening.example", JOIN))
    reply = town.mail_to("glad@forening.example")
    told = len(town.mails_to(COORDINATOR))

    town.write(letter("glad@forening.example", "Tack!", answers=reply))

    assert len(town.mails_to("glad@forening.example")) == 1
    assert len(town.mails_to(COORDINATOR)) == told


def test_the_case_tells_what_was_said_and_why(town: Town) -> None:
    town.write(letter("varfor@forening.example", f"{JOIN} Mitt nummer är {PERSONAL_NUMBER}."))
    case = case_number(town.mail_to("varfor@forening.example"))

    shown = town.must("case", case, "--why")

    assert JOIN in shown
    assert JOIN_ANSWER in shown
    assert "ga-med (sv) version 1, godkänd av Kim Prov 2026-02-01" in shown
    assert "answer_what_a_rule_knows" in shown
    assert PERSONAL_NUMBER not in shown


# ------------------------------------------------------------------ the mailbox and the content


def test_read_mail_is_answered_and_mail_from_before_the_first_start_is_not(own_town: Town) -> None:
    own_town.receive(letter("gammal@forening.example", JOIN))
    assert own_town.run().stop() == 0

    opened = own_town.receive(letter("ny@forening.example", JOIN))
    with IMAPClient(own_town.dovecot.mailbox.host, own_town.dovecot.mailbox.port, ssl=False, timeout=10) as colleague:
        colleague.login(own_town.dovecot.mailbox.user, own_town.dovecot.mailbox.password)
        colleague.select_folder("INBOX")
        (uid,) = colleague.search(["HEADER", "Message-ID", opened["Message-ID"]])
        colleague.fetch([uid], ["BODY[]"])
        assert colleague.search("SEEN") == [uid]
    own_town.start("run")

    assert JOIN_ANSWER in body(own_town.mail_to("ny@forening.example"))
    own_town.until_settled(1)
    assert own_town.mails_to("gammal@forening.example") == []


def test_changed_content_is_used_at_once_and_broken_content_never(own_town: Town) -> None:
    # The parts apart: the desk reads the knowledge for itself, and its log would say so too.
    own_town.start("mail")
    process = own_town.start("worker")
    own_town.until(lambda: own_town.is_watching() and bool(own_town.rows("SELECT 1 FROM article_imports")), "at work")

    def answer(text: str) -> None:
        # By another than before: an approval that was left standing is not one of the new text.
        small_content.write_article(own_town.directory, "ga-med", "anslutning", JOIN, text, by="Robin Prov")

    answer("Nytt svar, ring oss.")
    own_town.until_logged("the knowledge was read again")
    own_town.write(letter("ett@forening.example", JOIN))
    assert "Nytt svar, ring oss." in body(own_town.mail_to("ett@forening.example"))

    answer("[oavslutad")
    own_town.until_logged("the last good version stays")
    own_town.write(letter("tva@forening.example", JOIN))
    assert "Nytt svar, ring oss." in body(own_town.mail_to("tva@forening.example"))
    assert process.is_running


# ------------------------------------------------------------------ several processes


def test_parts_run_apart_on_postgresql_and_a_second_reader_takes_over(own_town: Town, postgres_url: str) -> None:
    own_town.settings["database_url"] = postgres_url
    first = own_town.start("mail")
    own_town.until(own_town.is_watching, "the first reader watches")
    second = own_town.start("mail")
    own_town.until(lambda: "another process reads the mailbox" in second.log(), "the second reader waits")
    worker = own_town.start("worker")

    own_town.receive(letter("anna@forening.example", JOIN))
    assert JOIN_ANSWER in body(own_town.mail_to("anna@forening.example"))

    first.kill()
    own_town.receive(letter("bo@forening.example", JOIN))
    assert JOIN_ANSWER in body(own_town.mail_to("bo@forening.example"))

    own_town.until_settled(2)
    assert len(own_town.sink.accepted) == 2
    assert own_town.command("health").returncode == 0
    assert second.stop() == 0
    assert worker.stop() == 0


# ------------------------------------------------------------------ what the log holds


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_the_log_tells_what_happens_and_nothing_of_what_people_wrote(own_town: Town, level: str) -> None:
    own_town.sink.refused["borta@forening.example"] = "550 5.1.1 <borta@forening.example>: Vi vet inget om Borta"
    own_town.run(log_level=level)
    secret = "Hemligheten om Kajsas klubb"
    own_town.receive(letter("Kajsa <kajsa@forening.example>", f"{secret}. {JOIN} {PERSONAL_NUMBER}", subject=secret))
    own_town.receive(letter("Borta <borta@forening.example>", f"{secret}. {HALL}", subject=secret))
    own_town.receive(
        letter("ledig@forening.example", secret, subject=secret, headers={"Auto-Submitted": "auto-replied"})
    )
    own_town.until(lambda: own_town.received() == 3, "all is stored")
    own_town.until(lambda: own_town.rows("SELECT 1 FROM outbox WHERE status = 'failed'") != [], "a mail is refused")
    own_town.until_settled(3)
    own_town.dovecot.stop()
    own_town.until_logged("could not read the mailbox")

    log = own_town.log()
    assert "could not be sent" in log
    for word in (
        *("Kajsa", "kajsa", "Borta", "borta", "ledig", "Hemlighet", "samverkan", JOIN_ANSWER, HALL_ANSWER),
        *(PERSONAL_NUMBER, PERSONAL_NUMBER.replace("-", ""), COORDINATOR, own_town.dovecot.mailbox.password),
    ):
        assert word not in log, f"{word!r} stands in the log:\n{log}"
