"""The commands about texts, on a store of their own: approve one, walk through all, versions, conflicts, export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from lokbot.cli import main
from lokbot.knowledge.document import Loader

Lokbot = Callable[..., Result]

ARTICLE = """\
id: ga-med
topic: anslutning
administration: samordnare
responsible: föreningssamordnare
sources: [{title: Stadens sida, date: "2020-12"}]
sv:
  approved_by: null
  approved_on: null
  questions: [Hur går vi med?, Kan vi vara med?]
  answer: Fatta ett beslut i styrelsen.
en:
  approved_by: null
  approved_on: null
  questions: [How do we join?]
  answer: Decide it in the board.
"""
OWNERS = """\
- id: samordnare
  kind: coordinators
  name: {sv: föreningssamordnarna, en: the coordinators}
  matters: {sv: den lokala överenskommelsen, en: the local agreement}
  contact: {sv: Skriv till oss., en: Write to us.}
"""
TOPICS = """\
- id: anslutning
  name: {sv: Anslutning, en: Joining}
  definition: Hur en förening går med.
"""
INTENTS = """\
- id: tack
  action: ignore
  topic: anslutning
  rules: [{any: [tack], max_words: 3}]
"""


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A content of one article; its file."""
    articles = tmp_path / "knowledge" / "articles"
    articles.mkdir(parents=True)
    (tmp_path / "intents").mkdir()
    real = Path(__file__).parents[2] / "knowledge" / "phrases.yaml"
    (tmp_path / "knowledge" / "phrases.yaml").write_bytes(real.read_bytes())
    (tmp_path / "knowledge" / "administrations.yaml").write_text(OWNERS, encoding="utf-8")
    (tmp_path / "intents" / "topics.yaml").write_text(TOPICS, encoding="utf-8")
    (tmp_path / "intents" / "all.yaml").write_text(INTENTS, encoding="utf-8")
    file = articles / "ga-med.yaml"
    file.write_text(ARTICLE, encoding="utf-8")
    return file


@pytest.fixture
def lokbot(tmp_path: Path, content: Path) -> Lokbot:
    """The command line on that content and an empty store."""
    environment = {
        "LOKBOT_VAR_DIR": str(tmp_path / "var"),
        "LOKBOT_KNOWLEDGE_DIR": str(tmp_path / "knowledge"),
        "LOKBOT_INTENTS_DIR": str(tmp_path / "intents"),
    }

    def call(*arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(main, arguments, input=typed, env=environment)

    assert call("migrate").exit_code == 0
    return call


def change(file: Path, answer: str) -> None:
    file.write_text(file.read_text("utf-8").replace("Fatta ett beslut i styrelsen.", answer), encoding="utf-8")


def test_an_approval_belongs_to_one_version_and_language(lokbot: Lokbot, content: Path) -> None:
    assert lokbot("approve", "ga-med", "--by", "Anna Ek").exit_code == 0
    change(content, "Fatta ett nytt beslut.")
    lokbot("knowledge", "import")
    lines = lokbot("knowledge", "history", "ga-med").output.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["en version 1", "sv version 1", "sv version 2"]
    assert "godkänd av Anna Ek" in lines[1]
    assert lines[0].endswith("ej godkänd")
    assert lines[2].endswith("ej godkänd")


def test_the_review_shows_each_draft_as_it_would_read(lokbot: Lokbot) -> None:
    result = lokbot("approve", "--review", "--by", "Anna Ek", typed="g\nh\n")
    assert result.exit_code == 0
    assert "Källa: Stadens sida 2020-12" in result.output
    assert "Fatta ett beslut i styrelsen." in result.output
    assert "Decide it in the board." in result.output
    assert "ga-med (sv), version 1, är godkänd av Anna Ek" in result.output
    again = lokbot("approve", "--review", "--by", "Anna Ek", typed="s\n")
    assert "1 av 1: ga-med (en)" in again.output


def test_an_owners_contact_is_approved_like_an_article(lokbot: Lokbot) -> None:
    result = lokbot("approve", "administration:samordnare", "--by", "Anna Ek")
    assert "är godkänd av Anna Ek" in result.output


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("approve", "finns-inte", "--by", "Anna Ek"), 4, "ingen artikel"),
        (("approve", "ga-med", "--by", " "), 4, "--by"),
        (("approve", "--by", "Anna Ek"), 2, "--review"),
        (("knowledge", "history", "finns-inte"), 4, "ingen version"),
        (("knowledge", "import", "--take", "finns-inte"), 4, "ingen artikel"),
    ],
)
def test_what_cannot_be_done_is_said(lokbot: Lokbot, arguments: tuple[str, ...], code: int, words: str) -> None:
    result = lokbot(*arguments)
    assert result.exit_code == code
    assert words in result.output


def test_the_difference_between_file_and_store_is_shown_until_it_is_imported(lokbot: Lokbot, content: Path) -> None:
    lokbot("knowledge", "import")
    assert "säger samma sak" in lokbot("knowledge", "diff").output
    change(content, "Skriv till oss.")
    shown = lokbot("knowledge", "diff", "ga-med").output
    assert "-answer: Fatta ett beslut i styrelsen." in shown
    assert "+answer: Skriv till oss." in shown
    assert "Ändrade: 1." in lokbot("knowledge", "import").output
    assert "säger samma sak" in lokbot("knowledge", "diff").output


def test_an_export_reads_back_as_the_same_article_with_its_approval(
    lokbot: Lokbot, content: Path, tmp_path: Path
) -> None:
    lokbot("approve", "ga-med", "--by", "Anna Ek")
    assert lokbot("knowledge", "export", str(tmp_path / "out")).exit_code == 0
    exported = yaml.load((tmp_path / "out" / "articles" / "ga-med.yaml").read_text("utf-8"), Loader=Loader)
    assert exported["sv"]["approved_by"] == "Anna Ek"
    assert exported["sv"]["answer"].strip() == "Fatta ett beslut i styrelsen."
    content.write_text((tmp_path / "out" / "articles" / "ga-med.yaml").read_text("utf-8"), encoding="utf-8")
    assert "Ändrade: 0." in lokbot("knowledge", "import").output


def test_content_with_errors_stops_the_command_with_place_and_remedy(lokbot: Lokbot, content: Path) -> None:
    content.write_text(ARTICLE.replace("responsible:", "responsibel:"), encoding="utf-8")
    result = lokbot("knowledge", "import")
    assert result.exit_code == 3
    assert "ga-med.yaml:4: fel:" in result.output
    assert "Traceback" not in result.output
