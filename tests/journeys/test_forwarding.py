"""A question goes on to an administration and its answer comes back, on real mail servers: passed on, and directly."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.journeys.test_mail import Town
from tests.processes import COORDINATOR, body, case_number
from tests.servers import DovecotServer
from tests.small_content import OWN_MATTER, letter
from tests.smtp_sink import SmtpSink

ANNA, OFFICE = "anna@forening.example", "kultur@stad.example"
ANSWER = "Er ansökan är komplett."
PROVEN = {"Authentication-Results": "mx.stad.example; dmarc=pass header.from=stad.example"}


@pytest.fixture
def town(tmp_path: Path, dovecot: DovecotServer, smtp_sink: SmtpSink) -> Iterator[Town]:
    """A server that vouches for senders, and no time to take anything back."""
    settings = {"imap__authserv_ids": "mx.stad.example", "answering__undo_minutes": "0"}
    with Town(tmp_path, dovecot, smtp_sink, **settings) as made:
        made.run()
        yield made


def sent_on(town: Town, *options: str) -> tuple[EmailMessage, str]:
    """The forward as the administration gets it, and the number of its case."""
    town.write(letter(ANNA, OWN_MATTER, subject="Ansökan"))
    number = case_number(town.mail_to(ANNA))
    town.must("forward", number, "kultur", "--to", OFFICE, *options)
    forward = town.mail_to(OFFICE)
    assert OWN_MATTER in body(forward)
    assert ANNA not in forward.as_string()
    assert "kulturförvaltningen" in body(town.mail_to(ANNA, 2))
    return forward, number


def status(town: Town) -> str:
    ((found,),) = town.rows("SELECT status FROM conversations")
    return str(found)


def test_forward_and_back_and_passed_on_with_a_file(town: Town) -> None:
    forward, number = sent_on(town)
    town.write(letter(f"Kultur <{OFFICE}>", f"{ANSWER}\n\n-- \nLena\nKultur", answers=forward))
    notice = town.mails_to(COORDINATOR)[-1]
    assert "kulturförvaltningen har svarat" in notice["Subject"]
    assert len(town.mails_to(ANNA)) == 2, "the bot is silent"

    town.must("release", number)
    passed_on = town.mail_to(ANNA, 3)
    assert body(passed_on) == f"Svar från kulturförvaltningen: {ANSWER}"
    assert "Auto-Submitted" not in passed_on

    town.write(letter(ANNA, "Finns det en blankett?", answers=passed_on))
    town.until(lambda: status(town) == "waiting", "whoever writes back to a person is a person's")
    assert town.rows("SELECT 1 FROM outbox WHERE kind = 'reply'") == [], "the bot answers nothing"
    receipt = town.mail_to(ANNA, 4)
    assert "Auto-Submitted" in receipt
    (town.directory / "blankett.pdf").write_bytes(b"%PDF-1.7 blankett")
    town.must("reply", number, "Här är den.", "--attach", "blankett.pdf")
    (attached,) = town.mail_to(ANNA, 5).iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("blankett.pdf", "application/pdf")
    assert attached.get_payload(decode=True) == b"%PDF-1.7 blankett"


def test_a_proven_answer_goes_directly_and_an_unproven_one_waits(town: Town) -> None:
    forward, _ = sent_on(town, "--direct")
    town.write(letter(OFFICE, ANSWER, answers=forward, headers={"Auto-Submitted": "auto-replied", **PROVEN}))
    town.write(letter(OFFICE, f"{ANSWER} Tack!", answers=forward, headers=PROVEN))
    direct = town.mail_to(ANNA, 3)
    assert body(direct) == f"Svar från kulturförvaltningen: {ANSWER} Tack!"
    town.until(lambda: status(town) == "resolved", "the case is resolved when the answer has left")

    town.write(letter(OFFICE, "Förlåt, det var fel.", answers=forward))
    town.until(lambda: status(town) == "waiting", "a coordinator has it")
    assert len(town.mails_to(ANNA)) == 3
