"""A small content as YAML files, to run whole processes on, and mails that ask about it.

Every question is known by a rule, so that nothing here depends on how matching is tuned. The phrases are the real
ones. ``NOT_APPROVED`` is the one article that nobody has approved.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LOK = "lok@test.example"  # the address of the test servers' mailbox

JOIN = "Hur går vi med i samverkan?"
JOIN_ANSWER = "Styrelsen beslutar och skickar ett utdrag ur protokollet."
HALL = "Var lånar vi en samlingssal?"
HALL_ANSWER = "Samlingssalar lånar ni i Exempelhuset."
GARDEN = "Var finns odlingslotter?"
GARDEN_ANSWER = "Odlingslotterna ligger vid Exempelvägen."
OWN_MATTER = "Har ni fått vår ansökan om startstöd?"
UNKNOWN = "Vad väger en elefant på morgonen?"
RECORDS = "Jag vill ta del av en allmän handling."

NOT_APPROVED = "odlingslott"

_ARTICLE = """\
id: {id}
topic: {topic}
administration: samordnare
responsible: föreningssamordnare
sources:
  - {{title: "Exempelhandboken", date: "2026"}}
sv:
  approved_by: {by}
  approved_on: {on}
  questions:
    - {question}
  answer: {answer}
"""

_TOPICS = """\
- {id: anslutning, name: {sv: Gå med, en: Joining}, definition: Att gå med.}
- {id: lokaler, name: {sv: Lokaler, en: Premises}, definition: Att låna en sal.}
- {id: odling, name: {sv: Odling, en: Gardening}, definition: Att odla.}
- {id: eget, name: {sv: Eget ärende, en: Own matter}, definition: Det egna ärendet.}
- {id: ovrigt, name: {sv: Övrigt, en: Other}, definition: Allt annat.}
"""

_INTENTS = """\
- {id: ga-med, action: answer, topic: anslutning, article: ga-med, rules: [{any: ["går vi med"]}]}
- {id: samlingssal, action: answer, topic: lokaler, article: samlingssal, rules: [{any: ["samlingssal*"]}]}
- {id: odlingslott, action: answer, topic: odling, article: odlingslott, rules: [{any: ["odlingslott*"]}]}
- {id: egen-ansokan, action: own-matter, topic: eget, rules: [{any: ["vår ansökan"]}]}
- {id: allman-handling, action: urgent, topic: ovrigt, rules: [{any: ["allmän handling"]}]}
- {id: tack, action: ignore, topic: ovrigt, rules: [{any: ["tack"], max_words: 4}]}
"""

_ADMINISTRATIONS = """\
- id: samordnare
  kind: coordinators
  name: {sv: föreningssamordnarna, en: the coordinators}
  matters: {sv: frågor om samverkan, en: matters of the cooperation}
  contact: {sv: "Ring 042-10 50 00.", en: "Call +46 42 10 50 00."}
- id: kultur
  kind: city
  name: {sv: kulturförvaltningen, en: the culture administration}
  matters: {sv: stöd till kultur, en: support for culture}
  contact: {sv: "Ring 042-10 50 00.", en: "Call +46 42 10 50 00."}
"""


def write(root: Path) -> None:
    """The content below ``root``: ``knowledge/`` and ``intents/``."""
    articles = root / "knowledge" / "articles"
    articles.mkdir(parents=True)
    (root / "intents").mkdir()
    write_article(root, "ga-med", "anslutning", JOIN, JOIN_ANSWER, by="Kim Prov")
    write_article(root, "samlingssal", "lokaler", HALL, HALL_ANSWER, by="Kim Prov")
    write_article(root, NOT_APPROVED, "odling", GARDEN, GARDEN_ANSWER)
    (root / "knowledge" / "administrations.yaml").write_text(_ADMINISTRATIONS, encoding="utf-8")
    (root / "intents" / "topics.yaml").write_text(_TOPICS, encoding="utf-8")
    (root / "intents" / "intents.yaml").write_text(_INTENTS, encoding="utf-8")
    shutil.copy(ROOT / "knowledge" / "phrases.yaml", root / "knowledge" / "phrases.yaml")


def write_article(root: Path, name: str, topic: str, question: str, answer: str, *, by: str | None = None) -> None:
    """One article's file; ``by`` is who has approved it. An editor's way: the file is replaced in one step."""
    text = _ARTICLE.format(
        id=name,
        topic=topic,
        question=question,
        answer=answer,
        by=by or "null",
        on="2026-02-01" if by else "null",
    )
    file = root / "knowledge" / "articles" / f"{name}.yaml"
    unfinished = file.with_suffix(".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(file)


def letter(
    sender: str,
    text: str,
    *,
    subject: str = "En fråga",
    answers: EmailMessage | None = None,
    headers: Mapping[str, str] | None = None,
) -> EmailMessage:
    """A mail to lok@, from an address or ``Name <address>``; ``answers`` is the mail that it replies to."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = LOK
    mail["Subject"] = subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(domain="forening.example")
    if answers is not None:
        mail["In-Reply-To"] = answers["Message-ID"]
        mail["References"] = " ".join(filter(None, (answers["References"], answers["Message-ID"])))
    for name, value in (headers or {}).items():
        mail[name] = value
    mail.set_content(text)
    return mail
