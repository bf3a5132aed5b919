"""`lokbot evaluate` as a command: which questions it asks, what it writes, and that looks at the test are logged."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lokbot.cli import main
from lokbot.evaluation.splits import Split, split_of
from lokbot.knowledge.loading import golden_from
from tests import small_content

Lokbot = Callable[..., Result]

ROOT = Path(__file__).resolve().parents[2]
ITEM = '- {{id: {id}, q: "{q}", language: sv, style: {style}, expect: {{outcome: {outcome}, articles: [{article}]}}}}\n'


def item(identity: str, q: str, article: str = "", outcome: str = "answer", style: str = "plain") -> str:
    return ITEM.format(id=identity, q=q, style=style, outcome=outcome, article=article)


QUESTIONS = "".join(
    (
        *(item(f"j{n}", f"Hur går vi med om vi är {n} stycken?", "ga-med") for n in range(8)),
        *(item(f"h{n}", f"Finns en samlingssal för {n} personer?", "samlingssal") for n in range(8)),
        *(item(f"e{n}", f"Vad väger {n} elefanter?", outcome="escalate", style="near-miss") for n in range(8)),
        *(item(f"o{n}", f"Var är vår ansökan från {n} maj?", outcome="escalate", style="own-matter") for n in range(8)),
    )
)
UNSEEN = "".join(item(f"u{n}", f"Hur går vi med efter {n} år?", "ga-med") for n in range(30))


@pytest.fixture
def content(tmp_path: Path) -> Path:
    small_content.write(tmp_path)
    for pool, text in (("development", QUESTIONS), ("unseen", UNSEEN)):
        folder = tmp_path / "knowledge" / "golden" / pool
        folder.mkdir(parents=True)
        (folder / "all.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def lokbot(content: Path, monkeypatch: pytest.MonkeyPatch) -> Lokbot:
    monkeypatch.chdir(content)
    environment = {
        "LOKBOT_VAR_DIR": str(content / "var"),
        "LOKBOT_KNOWLEDGE_DIR": str(content / "knowledge"),
        "LOKBOT_INTENTS_DIR": str(content / "intents"),
    }
    return lambda *arguments: CliRunner().invoke(main, ["evaluate", *arguments], env=environment)


def figures(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def counted(content: Path, *splits: Split) -> int:
    return sum(split_of(golden) in splits for golden in golden_from([content / "knowledge" / "golden"]))


def test_dev_is_asked_unless_told_otherwise(lokbot: Lokbot, content: Path) -> None:
    assert figures(lokbot("--json"))["questions"] == counted(content, Split.DEV)
    assert figures(lokbot("--json", "--split", "train"))["questions"] == counted(content, Split.TRAIN)
    assert not (content / "docs").exists(), "nobody looked at the test"
    shown = lokbot().output
    assert "Del: utveckling." in shown
    assert "Besvarade fel, av alla" in shown


def test_a_look_at_the_test_is_logged(lokbot: Lokbot, content: Path) -> None:
    assert figures(lokbot("--json", "--split", "test"))["questions"] == counted(content, Split.TEST)
    lokbot("--split", "all")
    log = (content / "docs" / "test-split-runs.md").read_text("utf-8")
    rows = [line for line in log.splitlines() if line.startswith("| 20")]
    assert len(rows) == 2
    assert f"| {counted(content, Split.TEST)} |" in rows[0]
    assert f"| {counted(content, *Split)} |" in rows[1]
    assert "Hur går vi med" not in log


def test_the_log_may_be_another_file(lokbot: Lokbot, content: Path) -> None:
    lokbot("--split", "test", "--log", "annan.md")
    assert (content / "annan.md").exists()
    assert not (content / "docs").exists()


def test_a_file_from_elsewhere_is_asked_whole(
    lokbot: Lokbot, content: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "mina.yaml"
    elsewhere.write_text(item("x1", "Hur går vi med?", "ga-med"), encoding="utf-8")
    assert figures(lokbot(str(elsewhere), "--json"))["questions"] == 1
    inside = lokbot(str(content / "knowledge" / "golden"), "--json")
    assert figures(inside)["questions"] == counted(content, Split.DEV), "the test split stays unseen"


def test_one_question_is_explained(lokbot: Lokbot, content: Path) -> None:
    shown = lokbot("--explain", "o1").output
    assert "Regel: keep_own_matters_with_people (egen-ansokan)" in shown
    assert "Frågad före, utan åsikt: alarm_for_the_urgent" in shown
    assert "Bedömning: rätt på annat sätt" in shown
    hidden = next(g.id for g in golden_from([content / "knowledge/golden"]) if split_of(g) is Split.TEST)
    refused = lokbot("--explain", hidden)
    assert refused.exit_code == 2
    assert "hör till testet" in refused.output
    assert "Det finns ingen fråga" in lokbot("--explain", "finns-inte").output


def test_the_baselines_stand_beside_lokbot(lokbot: Lokbot) -> None:
    shown = lokbot("--baseline").output
    for name in ("lokbot ", "lokbot, samma gräns", "WRatio", "BM25, stammar", "BM25, 4-gram", "vektorer"):
        assert f"\n{name}" in shown
    rows = figures(lokbot("--baseline", "--json"))["baselines"]
    assert {"name", "behind_rules", "alone"} == set(rows[0])


def test_the_report_is_one_file(lokbot: Lokbot, content: Path) -> None:
    result = lokbot("--html", "rapport.html", "--baseline")
    assert result.exit_code == 0, result.output
    html = (content / "rapport.html").read_text("utf-8")
    assert html.count("<svg viewBox") >= 6
    test = lokbot("--html", "test.html", "--split", "test", "--log", "l.md")
    assert test.exit_code == 0, test.output
    assert "Det som inte blev rätt" not in (content / "test.html").read_text("utf-8")


def test_floors_stop_what_got_worse_and_name_it(lokbot: Lokbot, content: Path) -> None:
    file = content / "golv.yaml"
    shutil.copy(ROOT / "tests" / "evaluation_floors.yaml", file)
    file.write_text(
        re.sub(r"(?m)^right_at_least: \S+", "right_at_least: 0.9", file.read_text("utf-8")), encoding="utf-8"
    )
    kept = file.read_text("utf-8").partition("known_mistakes:")[0]
    easy = lokbot("--floors", "golv.yaml", "--renew")
    assert "Golvet håller inte: rätt ägare" in easy.output, "the small content has no owners"
    assert file.read_text("utf-8").startswith(kept), "floors and comments stay"
    small_content.write_article(content, "ga-med", "anslutning", "Vem sköter gräsmattan?", "Det gör vi.", by="Kim Prov")
    intents = content / "intents" / "intents.yaml"
    intents.write_text(intents.read_text("utf-8").replace('"går vi med"', '"gå med"'), encoding="utf-8")
    worse = lokbot("--floors", "golv.yaml")
    assert worse.exit_code == 1
    assert "Golvet håller inte: besvarade rätt" in worse.output
    assert "ny: j" in worse.output


def test_what_cannot_be_measured_is_said(lokbot: Lokbot, content: Path) -> None:
    assert lokbot("--renew").exit_code == 2
    assert "filen saknas" in lokbot("finns-inte.yaml").output
    (content / "golv.yaml").write_text("right_at_least: mycket\n", encoding="utf-8")
    assert "golv.yaml" in lokbot("--floors", "golv.yaml").output
    shutil.rmtree(content / "knowledge" / "golden")
    assert "inga frågor att mäta på" in lokbot().output
