"""The demo's invented mails: read from samples.yaml, made into real mail."""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from importlib import resources
from typing import Any

import yaml

from lokbot.store.schema import OutboxItem


@dataclass(frozen=True, slots=True)
class Sample:
    """One invented mail, and how it should end."""

    name: str
    email: str
    subject: str
    body: str
    headers: dict[str, str]
    attachment: dict[str, str] | None
    replies_to: int | None
    quotes_as: str | None
    outcomes: tuple[str, ...]
    sends: str
    status: str

    @property
    def shown(self) -> str:
        """The body as a person would see it."""
        return "(en studs från en mejlserver)" if "Content-Type" in self.headers else self.body


def samples() -> tuple[Sample, ...]:
    """The mails of samples.yaml."""
    text = resources.files(__package__).joinpath("samples.yaml").read_text(encoding="utf-8")
    return tuple(_sample(entry) for entry in yaml.safe_load(text))


def _sample(entry: dict[str, Any]) -> Sample:
    return Sample(
        name=entry["from"]["name"],
        email=entry["from"]["email"],
        subject=entry["subject"],
        body=entry["body"],
        headers=entry.get("headers", {}),
        attachment=entry.get("attachment"),
        replies_to=entry.get("replies_to"),
        quotes_as=entry.get("quotes_as"),
        outcomes=tuple(entry["expect"]["outcomes"]),
        sends=entry["expect"]["sends"],
        status=entry["expect"]["status"],
    )


def mail_from(sample: Sample, to: str, answer: OutboxItem | None) -> EmailMessage:
    """The sample as a mail; ``answer`` is the mail of ours that it replies to."""
    mail = _addressed(Address(sample.name, addr_spec=sample.email), to, sample.subject)
    for name, value in sample.headers.items():
        if name != "Content-Type":
            mail[name] = value
    if answer is not None:
        mail["In-Reply-To"] = f"<{answer.external_id}>"
        mail["References"] = f"<{answer.external_id}>"
    if content_type := sample.headers.get("Content-Type"):
        mail["Content-Type"] = content_type
        mail.set_payload(sample.body)
        return mail
    quoted = _as_outlook_quotes(answer, to) if answer is not None and sample.quotes_as == "outlook" else ""
    mail.set_content(sample.body + quoted)
    if sample.attachment:
        main, _, sub = sample.attachment["type"].partition("/")
        # Enough of a PDF that its kind can be seen; nobody opens it.
        mail.add_attachment(b"%PDF-1.4\n%%EOF\n", maintype=main, subtype=sub, filename=sample.attachment["name"])
    return mail


def plain_mail(text: str, to: str) -> EmailMessage:
    """A mail from whoever sits at the terminal."""
    mail = _addressed(Address("Du", addr_spec="du@terminalen.example"), to, "Fråga")
    mail.set_content(text)
    return mail


def _addressed(sender: Address, to: str, subject: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = localtime()
    mail["Message-ID"] = make_msgid(domain=sender.domain)
    return mail


def _as_outlook_quotes(answer: OutboxItem, to: str) -> str:
    return (
        f"\n\n________________________________\nFrån: Helsingborgs stad <{to}>\nSkickat: den 24 november 2026 18:42\n"
        f"Till: {answer.to[0]['email']}\nÄmne: {answer.subject}\n\n{answer.text}\n"
    )
