"""`lokbot promote`: what people corrected becomes content, masked, checked, unapproved, with the file's layout kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from lokbot import config, understanding
from lokbot.channels import mime
from lokbot.cli import main
from lokbot.conversation import intake, pipeline
from lokbot.knowledge import loading
from lokbot.store.migrations import migrate
from lokbot.store.session import connect, session_factory
from lokbot.understanding import Active
from tests import small_content
from tests.small_content import letter

Lokbot = Callable[..., Result]

ASKED = "Kan man hyra matsalen på lördagar?"
SIGNED = "Vad kostar elefanter? Ring 070-123 45 67."


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small content and a store with two questions that the bot could not answer."""
    small_content.write(tmp_path)
    monkeypatch.setenv("LOKBOT_KNOWLEDGE_DIR", str(tmp_path / "knowledge"))
    monkeypatch.setenv("LOKBOT_INTENTS_DIR", str(tmp_path / "intents"))
    monkeypatch.chdir(tmp_path)
    settings = config.load()
    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    active = Active(knowledge, understanding.build(knowledge))
    engine = connect(settings.database)
    migrate(engine)
    sessions, now = session_factory(engine), datetime.now(UTC)
    for text in (ASKED, SIGNED):
        with sessions.begin() as session:
            raw = letter("sven@forening.example", text).as_bytes()
            intake.receive(session, mime.parse(raw, received_at=now), now=now)
        assert pipeline.handle_next(sessions, active, settings, now=now)
    engine.dispose()
    return tmp_path


@pytest.fixture
def lokbot(folder: Path) -> Lokbot:
    return lambda *arguments: CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def article(folder: Path) -> Path:
    return folder / "knowledge" / "articles" / "samlingssal.yaml"


def test_what_waits_is_listed_masked_with_a_proposal(lokbot: Lokbot) -> None:
    assert "Inga rättelser väntar." in said(lokbot("promote"))
    lokbot("correct", "1", "--article", "samlingssal", "--by", "Kim")
    lokbot("correct", "2", "--none", "--by", "Kim")
    listed = said(lokbot("promote"))
    assert "förslag: ny fråga i samlingssal: lokbot promote 1 --as wording" in listed
    assert "eller: facitfråga: lokbot promote 1 --as golden" in listed
    assert "förslag: facitfråga: lokbot promote 2 --as golden" in listed
    assert "070-123 45 67" not in listed
    assert "[telefonnummer]" in listed


def test_a_wording_is_written_learnt_and_waits_for_approval(lokbot: Lokbot, folder: Path) -> None:
    file = article(folder)
    file.write_text("# Om salar\n" + file.read_text("utf-8"), encoding="utf-8")
    lokbot("correct", "1", "--article", "samlingssal", "--by", "Kim")
    assert "version 2" in said(lokbot("promote", "1", "--as", "wording", "--by", "Kim"))
    text = file.read_text("utf-8")
    assert text.startswith("# Om salar\n")
    assert f"    - {small_content.HALL}\n    - {ASKED}\n" in text
    history = said(lokbot("knowledge", "history", "samlingssal")).splitlines()
    assert "godkänd av Kim Prov" in history[0]
    assert "version 2" in history[1]
    assert history[1].endswith("ej godkänd"), "whoever approved the old text has not read the new wording"
    assert "Inga rättelser väntar." in said(lokbot("promote"))
    assert "blev en fråga i artikeln av Kim" in said(lokbot("case", "1", "--why"))
    assert "artikel samlingssal" in said(lokbot("ask", ASKED))
    assert "säger samma sak" in said(lokbot("knowledge", "diff"))


def test_an_approval_in_a_file_that_was_never_imported_does_not_cover_the_new_wording(
    lokbot: Lokbot, folder: Path
) -> None:
    """The store of this test has never seen the file: the approval in it must stay with the text it was given for."""
    lokbot("correct", "1", "--article", "samlingssal", "--by", "Kim")
    assert "Lagret har ingen version" in lokbot("knowledge", "history", "samlingssal").output
    lokbot("promote", "1", "--as", "wording", "--by", "Kim")
    newest = said(lokbot("knowledge", "history", "samlingssal")).splitlines()[-1]
    assert newest.endswith("ej godkänd")


def test_a_golden_question_is_written_and_measured_on(lokbot: Lokbot, folder: Path) -> None:
    lokbot("correct", "1", "--article", "samlingssal", "--by", "Kim")
    lokbot("correct", "2", "--none", "--by", "Kim")
    said(lokbot("promote", "1", "--as", "golden", "--by", "Kim"))
    said(lokbot("promote", "2", "--as", "golden", "--by", "Kim", "--text", "Vad kostar elefanter?"))
    file = folder / "knowledge" / "golden" / "development" / "from-people.yaml"
    first, second = yaml.safe_load(file.read_text("utf-8"))
    assert first["q"] == ASKED
    assert first["expect"] == {"outcome": ["answer"], "articles": ["samlingssal"]}
    assert second["q"] == "Vad kostar elefanter?"
    assert "LOK-" not in file.read_text("utf-8"), "nothing leads from the file to the case"
    assert "Frågor: 2." in said(lokbot("evaluate", "--split", "all"))
    assert "inga frågor" in lokbot("evaluate", "--corrections").output
    assert lokbot("check").exit_code == 0


def test_masked_words_do_not_become_a_wording(lokbot: Lokbot, folder: Path) -> None:
    lokbot("correct", "2", "--question", "1", "--article", "samlingssal", "--by", "Kim")
    before = article(folder).read_text("utf-8")
    for arguments in ((), ("--text", "Ring 070-123 45 67"), ("--text", "  "), ("--text", "?!")):
        refused = lokbot("promote", "1", "--as", "wording", *arguments)
        assert refused.exit_code == 4
        assert "--text" in refused.output
    assert article(folder).read_text("utf-8") == before
    said(lokbot("promote", "1", "--as", "wording", "--text", "Vad kostar matsalen?"))
    assert "Vad kostar matsalen?" in article(folder).read_text("utf-8")


def test_content_that_would_not_hold_together_is_put_back(lokbot: Lokbot, folder: Path) -> None:
    """A wording of another article, and a wording that is measured on."""
    lokbot("correct", "1", "--article", "samlingssal", "--by", "Kim")
    before = article(folder).read_text("utf-8")
    refused = lokbot("promote", "1", "--as", "wording", "--text", small_content.JOIN)
    assert refused.exit_code == 3
    assert "finns också i artikeln" in refused.output
    assert article(folder).read_text("utf-8") == before
    refused = lokbot("promote", "1", "--as", "golden", "--text", small_content.HALL)
    assert refused.exit_code == 3
    assert not (folder / "knowledge" / "golden" / "development" / "from-people.yaml").exists()
    assert lokbot("check").exit_code == 0
    assert "1  LOK-" in said(lokbot("promote")), "it still waits"


def test_a_wording_that_stands_there_already_is_only_marked(lokbot: Lokbot, folder: Path) -> None:
    lokbot("correct", "1", "--article", "samlingssal", "--by", "Kim")
    before = article(folder).read_text("utf-8")
    said(lokbot("promote", "1", "--as", "wording", "--text", small_content.HALL.lower()))
    assert article(folder).read_text("utf-8") == before
    assert "Inga rättelser väntar." in said(lokbot("promote"))


def test_a_rejected_correction_is_gone(lokbot: Lokbot) -> None:
    lokbot("correct", "1", "--topic", "lokaler", "--by", "Kim")
    assert "bara en rubrik" in said(lokbot("promote"))
    assert lokbot("promote", "1", "--as", "golden").exit_code == 4
    assert "avvisad" in said(lokbot("promote", "1", "--reject", "--by", "Kim"))
    assert "Inga rättelser väntar." in said(lokbot("promote"))
    assert "avvisat av Kim" in said(lokbot("case", "1", "--why"))


@pytest.mark.parametrize(
    "arguments", [("1",), ("--as", "golden"), ("--reject",), ("1", "--as", "golden", "--reject"), ("1", "--as", "x")]
)
def test_a_command_used_wrongly_shows_how_it_is_used(lokbot: Lokbot, arguments: tuple[str, ...]) -> None:
    assert lokbot("promote", *arguments).exit_code == 2


def test_a_correction_that_does_not_wait_is_refused(lokbot: Lokbot) -> None:
    assert "Ingen rättelse 99 väntar" in lokbot("promote", "99", "--as", "golden").output
