"""A small content of our own in which nothing is wrong, to break one thing at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from lokbot.knowledge.checks import check
from lokbot.knowledge.loading import Reading, read
from lokbot.knowledge.problems import Problem

TODAY = date(2026, 3, 2)

ARTICLE = """\
id: ansluta-forening
topic: anslutning
administration: samordnare
responsible: föreningssamordnare
as_of: "2020-12"
perishable: [deadline]
checked_on: 2026-01-15
link_checked_on: "2026-01-16"
review_by: 2027-01-01
approve_first: null
sources:
  - {title: "Lokal överenskommelse", url: "https://helsingborg.se/lok", date: "2020-12"}
sv:
  approved_by: Kim Prov
  approved_on: 2026-02-01
  questions:
    - Hur går vi med?
    - "bli medlem: hur"
  answer: |
    Styrelsen fattar ett beslut.

    - Skicka beslutet till lok@helsingborg.se.
    - Läs mer på https://helsingborg.se/lok.
  short: Skicka ert beslut till lok@helsingborg.se.
en:
  approved_by: Kim Prov
  approved_on: 2026-02-01
  questions: [How do we join?]
  answer: |
    The board takes a decision.
"""

LOOK_ALIKE = """\
id: lok-stod
topic: anslutning
administration: rf-sisu
responsible: föreningssamordnare
sources:
  - title: Riksidrottsförbundet
sv:
  approved_by: Kim Prov
  approved_on: 2026-02-01
  questions: [Vad är LOK?]
  answer: LOK-stöd är ett annat stöd. Det söker ni hos Riksidrottsförbundet.
en:
  approved_by: Kim Prov
  approved_on: 2026-02-01
  questions: [What is LOK support?]
  answer: LOK support is another grant.
"""

FILES: Mapping[str, str] = {
    "knowledge/articles/ansluta-forening.yaml": ARTICLE,
    "knowledge/articles/lok-stod.yaml": LOOK_ALIKE,
    "knowledge/administrations.yaml": """\
- id: samordnare
  kind: coordinators
  name: {sv: föreningssamordnarna, en: the coordinators}
  matters: {sv: frågor om överenskommelsen, en: matters of the agreement}
  contact: {sv: "Ring 042-10 50 00.", en: "Call +46 42 10 50 00."}
  words: ["samordnare*"]
  address: samordnare@example.org
  auto_forward: true
- id: rf-sisu
  kind: outside
  name: {sv: RF-SISU, en: RF-SISU}
  matters: {sv: stöd till idrott, en: support for sports}
  contact: {sv: "Se https://www.rf.se.", en: "See https://www.rf.se."}
  url: https://www.rf.se
  as_of: "2020"
  source: {title: RF, url: "https://www.rf.se/stod"}
""",
    "knowledge/phrases.yaml": """\
sv:
  case: Ditt ärendenummer är {case}.
  braces: Skriv {{så}}.
en:
  case: Your case number is {case}.
  braces: Write {{so}}.
""",
    "knowledge/glossary.yaml": """\
- term: protokollsutdrag
  synonyms: [utdrag ur protokoll]
  explanation: {sv: en del av ett protokoll, en: a part of the minutes}
""",
    "knowledge/people.yaml": """\
- name: Kim Prov
  represents: Föreningen Exempel
  interests: [barn]
  as_of: "2020"
""",
    "knowledge/golden/development/all.yaml": """\
- id: g001
  q: Vi vill ansluta oss, hur gör vi?
  language: sv
  style: formal-mail
  expect: {outcome: [answer, route], articles: [ansluta-forening], administration: samordnare}
- id: g002
  q: Ni har inte svarat oss.
  language: sv
  style: chat
  expect: {outcome: escalate, urgent: true}
""",
    "intents/topics.yaml": """\
- id: anslutning
  name: {sv: Gå med, en: Joining}
  definition: Att ansluta sig.
  elsewhere: ["lämna föreningen -> ovrigt"]
- id: ovrigt
  name: {sv: Övrigt, en: Other}
  definition: Allt annat.
""",
    "intents/forvaxlingar.yaml": """\
- id: lok-stod
  action: answer
  topic: anslutning
  administration: rf-sisu
  article: lok-stod
  rules:
    - any: ["lok stöd*", "lokstöd*"]
      none: [bluff]
      max_words: 20
  examples: [Hur söker vi LOK-stöd?]
  counterexamples: [Vad är LÖK?]
""",
}


def write(root: Path, files: Mapping[str, str] = FILES) -> None:
    """The files below ``root``, in UTF-8."""
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def read_from(root: Path) -> Reading:
    return read(root / "knowledge", root / "intents")


def reading(root: Path, file: str = "", old: str = "", new: str = "") -> Reading:
    """The sample, with ``old`` exchanged for ``new`` in one file, as read."""
    files = dict(FILES)
    if file:
        assert files[file].count(old) >= 1, f"{old!r} is not in {file}"
        files[file] = files[file].replace(old, new, 1)
    write(root, files)
    return read_from(root)


def findings(
    root: Path,
    file: str = "",
    old: str = "",
    new: str = "",
    *,
    required: Mapping[str, frozenset[str]] | None = None,
    lix_limit: float = 45.0,
) -> tuple[Problem, ...]:
    """What the checks say of the sample, broken in one place that the reading lets through."""
    found = reading(root, file, old, new)
    assert found.knowledge is not None, found.problems
    return check(found.knowledge, found.positions, today=TODAY, required_phrases=required, lix_limit=lix_limit)


def line_of(file: Path, text: str) -> int:
    """The 1-based number of the first line that holds ``text``."""
    lines = file.read_text(encoding="utf-8").split("\n")
    return next(number for number, line in enumerate(lines, start=1) if text in line)
