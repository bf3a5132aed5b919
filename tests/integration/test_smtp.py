"""Mail on its way out: how it is written, and what becomes of it when the server at the other end misbehaves."""

from __future__ import annotations

import hashlib
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.channels.smtp import SmtpChannel, SmtpSettings, render
from lokbot.model import Address, Attachment, ChannelError, ChannelName, OutgoingMessage
from tests.servers import Certificate, free_port, wait_until
from tests.smtp_sink import Behaviour, SmtpSink

LOK = Address("Helsingborgs stad, föreningar", "lok@test.example")
ANNA = Address("Anna Åkerström", "anna@forening.example")
BO = Address("", "bo@forening.example")
NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
QUESTION = "AM0PR04MB1234567890ABCDEF0123456789ABCDEF@AM0PR04MB12345.eurprd04.prod.outlook.example"

MAIL = OutgoingMessage(
    channel=ChannelName.MAIL,
    external_id="7.3f2a@test.example",
    to=(ANNA,),
    subject="SV: Hur söker vi bidrag?",
    text="Det här svaret är automatiskt.\n\n.\n..\nFrom Helsingborg\n" + "lång rad " * 200 + "\n",
    html="<p>Det här svaret är automatiskt.</p>",
    in_reply_to=QUESTION,
    references=("first@forening.example", QUESTION),
)


def attachment(
    name: str, content_type: str = "application/pdf", content: bytes = b"%PDF \x00\xff\r\n.\r\n"
) -> Attachment:
    return Attachment(name, content_type, len(content), hashlib.sha256(content).hexdigest(), content)


def rendered(message: OutgoingMessage, sender: Address = LOK) -> bytes:
    return render(message, sender=sender, now=NOW)


def parsed(raw: bytes) -> EmailMessage:
    message = BytesParser(policy=policy.default).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def written(part: object) -> str:
    """The text of a part, its lines ended as ours are."""
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def header_lines(raw: bytes) -> list[bytes]:
    return raw.partition(b"\r\n\r\n")[0].split(b"\r\n")


# --------------------------------------------------------------------------- how it is written


def test_what_is_written_can_be_read() -> None:
    mail = parsed(rendered(replace(MAIL, cc=(BO,))))
    assert mail["Subject"] == MAIL.subject
    assert [(one.display_name, one.addr_spec) for one in mail["From"].addresses] == [(LOK.name, LOK.email)]
    assert [(one.display_name, one.addr_spec) for one in mail["To"].addresses] == [(ANNA.name, ANNA.email)]
    assert [one.addr_spec for one in mail["Cc"].addresses] == [BO.email]
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == "<7.3f2a@test.example>"
    plain, html = mail.iter_parts()
    assert (mail.get_content_type(), plain.get_content_type(), html.get_content_type()) == (
        "multipart/alternative",
        "text/plain",
        "text/html",
    )
    assert written(plain) == MAIL.text
    assert written(html) == f"{MAIL.html}\n"


def test_a_page_comes_with_its_pictures() -> None:
    picture = attachment("waiting@lokbot", "image/png", b"\x89PNG\r\n\x1a\n")
    paged = replace(MAIL, html='<img src="cid:waiting@lokbot" alt="Väntan">', images=(picture,))
    mail = parsed(rendered(paged))
    assert mail.get_content_type() == "multipart/alternative"
    plain, page = mail.iter_parts()
    assert (written(plain), page.get_content_type()) == (MAIL.text, "multipart/related")
    html, image = page.iter_parts()
    assert written(html) == f"{paged.html}\n"
    assert (image["Content-ID"], image.get_content_disposition()) == ("<waiting@lokbot>", "inline")
    assert (image.get_content_type(), image.get_content()) == ("image/png", picture.content)
    assert rendered(paged) == rendered(paged)
    (first, second) = parsed(rendered(replace(paged, attachments=(attachment("a.pdf"),)))).iter_parts()
    assert (first.get_content_type(), second.get_filename()) == ("multipart/alternative", "a.pdf")


def test_without_html_there_is_only_the_text() -> None:
    mail = parsed(rendered(replace(MAIL, html=None)))
    assert mail.get_content_type() == "text/plain"
    assert written(mail) == MAIL.text


def test_the_same_message_is_the_same_mail() -> None:
    message = replace(MAIL, attachments=(attachment("protokoll.pdf"),))
    assert rendered(message) == rendered(message)
    assert rendered(message) != rendered(replace(message, external_id="8@test.example"))


def test_lines_are_short_and_seven_bit() -> None:
    raw = rendered(replace(MAIL, subject="Ansökan om lokalbidrag för Ängelholmsvägens IF och Råå " * 8, cc=(BO,) * 30))
    assert raw.isascii()
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    ids = [line for line in header_lines(raw) if QUESTION.encode() in line]
    assert len(ids) == 2  # an id may not be folded or encoded, or the thread breaks
    assert max(len(line) for line in raw.split(b"\r\n") if line not in ids) <= 78


@pytest.mark.parametrize(
    ("in_reply_to", "is_automatic", "said"),
    [
        (QUESTION, True, "auto-replied"),
        (None, True, "auto-generated"),  # a notification to the coordinators answers no mail
        (QUESTION, False, None),  # a coordinator's own words
    ],
)
def test_automatic_mail_says_so(in_reply_to: str | None, is_automatic: bool, said: str | None) -> None:
    mail = parsed(rendered(replace(MAIL, in_reply_to=in_reply_to, is_automatic=is_automatic)))
    assert mail["Auto-Submitted"] == said
    assert mail["X-Lokbot-Loop"] == "1"
    suppressed = set((mail["X-Auto-Response-Suppress"] or "").replace(",", "").split())
    assert suppressed == ({"DR", "RN", "NRN", "OOF", "AutoReply"} if is_automatic else set())


def test_a_long_thread_keeps_its_first_and_latest_ids() -> None:
    ids = tuple(f"{number}@forening.example" for number in range(200))
    mail = parsed(rendered(replace(MAIL, references=ids, in_reply_to=ids[-1])))
    kept = mail["References"].split()
    assert kept == [f"<{ids[0]}>", *(f"<{one}>" for one in ids[-19:])]
    assert mail["In-Reply-To"] == f"<{ids[-1]}>"


def test_ids_that_cannot_stand_in_a_header_are_left_out() -> None:
    rubbish = ("a b@x", "å@x", "x" * 950, "<nested@x>", "evil@x>\r\nBcc: all@test.example", "")
    mail = parsed(rendered(replace(MAIL, references=(*rubbish, QUESTION), in_reply_to=rubbish[0])))
    assert mail["References"] == f"<{QUESTION}>"
    assert mail["In-Reply-To"] is None


def test_our_own_id_must_be_one() -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        rendered(replace(MAIL, external_id="two words"))


ANY = st.characters()  # lone surrogates too


@given(subject=st.text(ANY, max_size=300), name=st.text(ANY, max_size=200), text=st.text(ANY, max_size=300))
def test_no_text_can_add_a_header_or_break_a_line(subject: str, name: str, text: str) -> None:
    message = replace(MAIL, to=(Address(name, ANNA.email),), subject=subject, text=text)
    raw = rendered(message, Address(name, LOK.email))
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    mail = BytesParser(policy=policy.compat32).parsebytes(raw)
    assert sorted(mail.keys()) == sorted(BytesParser(policy=policy.compat32).parsebytes(rendered(MAIL)).keys())
    assert [one.addr_spec for one in parsed(raw)["To"].addresses] == [ANNA.email]


@given(subject=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=300))
def test_a_subject_is_kept_letter_by_letter(subject: str) -> None:
    raw = BytesParser(policy=policy.compat32).parsebytes(rendered(replace(MAIL, subject=subject)))["Subject"]
    assert str(make_header(decode_header(raw))) == subject.strip()


@pytest.mark.parametrize(
    "email",
    ["", "anna", "a@b@c", "a b@x.example", "a@x.example>", "a@x\r\nRCPT TO:<b@x.example>", "å@x.example", "a@.."],
)
def test_an_address_that_mail_cannot_reach_is_a_permanent_error(email: str) -> None:
    with pytest.raises(ChannelError) as caught:
        rendered(replace(MAIL, to=(Address("", email),)))
    assert caught.value.permanent


def test_a_domain_outside_ascii() -> None:
    mail = parsed(rendered(replace(MAIL, to=(Address("", "info@föreningen.example"),))))
    assert [one.addr_spec for one in mail["To"].addresses] == ["info@xn--freningen-07a.example"]


@pytest.mark.parametrize(
    "name",
    [
        "protokoll.pdf",
        "Årsmöte 2026, protokoll (justerat).pdf",
        "å" * 200 + ".pdf",
        'a"b\\c;d=e.pdf',
        "灯籠 🏮.pdf",
    ],
)
def test_attachments_keep_their_name_and_bytes(name: str) -> None:
    file = attachment(name)
    raw = rendered(replace(MAIL, attachments=(file,)))
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    mail = parsed(raw)
    (part,) = mail.iter_attachments()
    assert part.get_filename() == name
    assert part.get_payload(decode=True) == file.content
    assert part.get_content_type() == "application/pdf"


def test_attachments_cannot_pass_for_something_else() -> None:
    files = (
        attachment("bad\r\nBcc: all@test.example", "text/plain\r\nX: y"),
        attachment("mejl.eml", "message/rfc822", b"Subject: \xe5\r\n\r\nhej"),
        attachment("", "multipart/mixed"),
    )
    mail = parsed(rendered(replace(MAIL, attachments=files)))
    parts = list(mail.iter_attachments())
    assert mail["Bcc"] is None
    assert [part.get_content_type() for part in parts] == ["application/octet-stream"] * 3
    assert [part.get_payload(decode=True) for part in parts] == [file.content for file in files]
    assert [part.get_filename() for part in parts] == ["bad Bcc: all@test.example", "mejl.eml", "bilaga"]


# --------------------------------------------------------------------------- what becomes of it


def send(sink: SmtpSink, message: OutgoingMessage = MAIL) -> None:
    SmtpChannel(replace(sink.settings, from_name=LOK.name)).send(message)


def failure(sink: SmtpSink, message: OutgoingMessage = MAIL) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        send(sink, message)
    return caught.value


def test_a_mail_arrives_as_it_was_written(smtp_sink: SmtpSink) -> None:
    send(smtp_sink, replace(MAIL, cc=(BO, ANNA)))
    (arrived,) = smtp_sink.accepted
    assert arrived.sender == LOK.email  # our own, so that bounces come back
    assert arrived.recipients == (ANNA.email, BO.email)
    assert written(parsed(arrived.raw).get_body(("plain",))) == MAIL.text  # lines of dots too


def test_not_now(smtp_sink: SmtpSink) -> None:
    smtp_sink.behaviour = Behaviour.POSTPONE
    error = failure(smtp_sink)
    assert (error.permanent, error.in_doubt, error.refused) == (False, False, ())
    assert "451" in str(error)


def test_never(smtp_sink: SmtpSink) -> None:
    smtp_sink.behaviour = Behaviour.REFUSE
    error = failure(smtp_sink)
    assert (error.permanent, error.in_doubt, error.refused) == (True, False, ())
    assert "554" in str(error)


@pytest.mark.parametrize(("behaviour", "arrived"), [(Behaviour.DROP, 1), (Behaviour.LOSE, 0)])
def test_a_connection_that_breaks_after_the_final_dot_leaves_a_doubt(
    smtp_sink: SmtpSink, behaviour: Behaviour, arrived: int
) -> None:
    smtp_sink.behaviour = behaviour
    error = failure(smtp_sink)
    assert (error.permanent, error.in_doubt) == (False, True)
    assert len(smtp_sink.accepted) == arrived


def test_an_answer_that_never_comes_leaves_a_doubt(smtp_sink: SmtpSink) -> None:
    smtp_sink.behaviour = Behaviour.HANG
    with pytest.raises(ChannelError) as caught:
        SmtpChannel(replace(smtp_sink.settings, final_timeout_seconds=0.2)).send(MAIL)
    assert (caught.value.permanent, caught.value.in_doubt) == (False, True)


@pytest.mark.parametrize(
    ("anna", "bo", "permanent"),
    [("550 5.1.1 unknown", "550 5.1.1 unknown", True), ("450 4.2.0 greylisted", "550 5.1.1 unknown", False)],
)
def test_when_every_recipient_is_refused_nothing_is_sent(
    smtp_sink: SmtpSink, anna: str, bo: str, permanent: bool
) -> None:
    smtp_sink.refused.update({ANNA.email: anna, BO.email: bo})
    error = failure(smtp_sink, replace(MAIL, cc=(BO,)))
    assert (error.permanent, error.refused) == (permanent, ())
    assert smtp_sink.accepted == []


@pytest.mark.parametrize(("reply", "permanent"), [("550 5.1.1 unknown", True), ("450 4.2.0 greylisted", False)])
def test_when_one_recipient_is_refused_the_others_get_it(smtp_sink: SmtpSink, reply: str, permanent: bool) -> None:
    smtp_sink.refused[BO.email] = reply
    error = failure(smtp_sink, replace(MAIL, cc=(BO,)))
    assert (error.permanent, error.refused) == (permanent, (BO.email,))
    assert error.raw is not None
    assert b"\r\nMessage-ID: " in error.raw
    assert [arrived.recipients for arrived in smtp_sink.accepted] == [(ANNA.email,)]


@pytest.mark.parametrize(
    ("reply", "permanent"), [("550 5.7.60 may not send as this sender", False), ("552 5.3.4 message too large", True)]
)
def test_when_our_own_address_is_refused_no_message_fails_for_good(
    smtp_sink: SmtpSink, reply: str, permanent: bool
) -> None:
    smtp_sink.refused_senders[LOK.email] = reply
    assert failure(smtp_sink).permanent is permanent
    assert smtp_sink.accepted == []


def test_an_error_names_the_server_and_no_person(smtp_sink: SmtpSink) -> None:
    smtp_sink.refused[ANNA.email] = f"550 5.1.1 <{ANNA.email}> unknown; ask postmaster@forening.example"
    error = failure(smtp_sink)
    assert f"127.0.0.1:{smtp_sink.port}" in str(error)
    assert "5.1.1" in str(error)
    assert "@" not in str(error)


def test_no_recipient_is_a_permanent_error(smtp_sink: SmtpSink) -> None:
    assert failure(smtp_sink, replace(MAIL, to=())).permanent


def test_nobody_listens() -> None:
    settings = SmtpSettings("127.0.0.1", free_port(), "", "", LOK.email, tls="none")
    with pytest.raises(ChannelError, match="Check the host and port") as caught:
        SmtpChannel(settings).send(MAIL)
    assert (caught.value.permanent, caught.value.in_doubt) == (False, False)


def test_a_server_that_says_nothing_does_not_hang() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = SmtpSettings(
            "127.0.0.1", silent.getsockname()[1], "", "", LOK.email, tls="none", timeout_seconds=0.2
        )
        with pytest.raises(ChannelError) as caught:
            SmtpChannel(settings).send(MAIL)
    assert (caught.value.permanent, caught.value.in_doubt) == (False, False)


@contextmanager
def sink_with_tls(certificate: Certificate, *, is_tls: bool) -> Iterator[tuple[SmtpSink, SmtpSettings]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    login = None if is_tls else ("lok", "hemligt")
    with SmtpSink(tls_context=context, is_tls=is_tls, login=login) as sink:
        settings = replace(sink.settings, host="localhost", tls="tls" if is_tls else "starttls")
        yield sink, settings if is_tls else replace(settings, user="lok", password="hemligt")


@pytest.mark.parametrize("is_tls", [True, False])
def test_encryption_with_a_trusted_certificate_only(
    certificate: Certificate, is_tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sink_with_tls(certificate, is_tls=is_tls) as (sink, settings):
        with pytest.raises(ChannelError, match="SSL_CERT_FILE") as caught:
            SmtpChannel(settings).send(MAIL)
        assert not caught.value.permanent
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
        SmtpChannel(settings).send(MAIL)
        assert len(sink.accepted) == 1


@pytest.mark.parametrize("password", ["gissning7", "smörgås"])
def test_a_wrong_password_fails_no_message_for_good_and_is_not_repeated(
    certificate: Certificate, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    with sink_with_tls(certificate, is_tls=False) as (sink, settings):
        settings = replace(settings, password=password)
        with pytest.raises(ChannelError, match="log in") as caught:
            SmtpChannel(settings).send(MAIL)
        assert not caught.value.permanent
        assert password not in str(caught.value) + repr(settings)
        assert sink.accepted == []


def test_starttls_never_falls_back_to_plain_text(smtp_sink: SmtpSink) -> None:
    with pytest.raises(ChannelError, match="TLS setting"):
        SmtpChannel(replace(smtp_sink.settings, tls="starttls")).send(MAIL)
    assert smtp_sink.accepted == []


def test_the_sink_as_a_process_keeps_what_it_accepted_when_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.smtp_sink", "0", str(tmp_path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as sink:
        assert sink.stdout is not None
        ready = re.fullmatch(rb"ready (\d+)\n", sink.stdout.readline())
        assert ready is not None
        settings = SmtpSettings("127.0.0.1", int(ready[1]), "", "", LOK.email, tls="none", final_timeout_seconds=0.5)
        SmtpChannel(settings).send(MAIL)
        (tmp_path / "behaviour").write_text("hang")
        with pytest.raises(ChannelError):
            SmtpChannel(settings).send(replace(MAIL, external_id="8@test.example"))
        wait_until(lambda: (tmp_path / "0002.eml").exists(), "the second mail is kept")
        sink.send_signal(signal.SIGKILL)
    assert [parsed((tmp_path / name).read_bytes())["Message-ID"] for name in ("0001.eml", "0002.eml")] == [
        "<7.3f2a@test.example>",
        "<8@test.example>",
    ]
