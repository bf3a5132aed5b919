"""The commands of the statistics, as somebody types them."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from lokbot.cli import main
from lokbot.statistics import demo as invented
from lokbot.statistics import printing
from lokbot.statistics.demo import FIRST_ID
from lokbot.statistics.listing import counted
from lokbot.store.session import Sessions, connect, session_factory
from tests import sample_knowledge as sample

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
ENVIRON = {"LOKBOT_SEMANTIC": "off"}


def typed(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["statistics", *words], env={**ENVIRON, "LOKBOT_VAR_DIR": str(folder)})


@pytest.fixture
def demo(tmp_path: Path, migrated_file: Path) -> Path:
    """A database with a year of invented facts."""
    (tmp_path / "lokbot.db").write_bytes(migrated_file.read_bytes())
    done = typed(tmp_path, "demo", "--seed", "3")
    assert done.exit_code == 0, done.output
    return tmp_path


def test_facts_are_counted_by_columns(demo: Path) -> None:
    listed = typed(demo, "--by", "channel", "--format", "json")
    rows = json.loads(listed.output)
    assert {row["channel"] for row in rows} == {"mail", "telegram", "webchat", "phone", "visit"}
    by_csv = list(csv.reader(io.StringIO(typed(demo, "--by", "channel", "--format", "csv").output), delimiter=";"))
    assert by_csv == [[*rows[0]], *([str(value) for value in row.values()] for row in rows)]
    shown = typed(demo, "--by", "channel").output.splitlines()
    assert shown[0].split() == ["channel", "questions", "people"]
    assert [line.split()[1] for line in shown[1:]] == [str(row["questions"]) for row in rows]
    days = typed(demo, "--from", "2020-01-01", "--to", "2020-01-31").output
    assert days.split() == ["topic", "month", "questions", "people"]
    said = typed(demo, "--by", "name")
    assert said.exit_code != 0
    assert "går inte att räkna efter" in said.output
    assert typed(demo, "--from", "2026-02-01", "--to", "2026-01-01").exit_code == 2
    said = typed(demo, "--by", "language,topic,association_kind")
    assert said.exit_code != 0
    assert "aldrig tillsammans med slag av förening" in said.output


def test_figures_are_written_to_files(demo: Path) -> None:
    for ending, beginning in (("csv", b"\xef\xbb\xbfDEMODATA"), ("xlsx", b"PK"), ("txt", b"DEMODATA")):
        file = demo / f"report.{ending}"
        done = typed(demo, "export", str(file))
        assert done.exit_code == 0, done.output
        assert file.read_bytes().startswith(beginning)
    raw = demo / "raw.csv"
    assert typed(demo, "export", str(raw), "--raw", "--only", "channel=mail", "--language", "en").exit_code == 0
    assert "must not be published" in raw.read_text("utf-8-sig")
    assert typed(demo, "export", str(demo / "report.docx")).exit_code == 2
    assert typed(demo, "export", str(demo / "report.pdf")).exit_code == (0 if printing.is_there() else 4)
    said = typed(demo, "export", str(raw), "--only", "language=sv")
    assert "är inget urval" in said.output


def test_closing_and_rebuilding_say_what_they_did(demo: Path) -> None:
    assert typed(demo, "close").output == "Ingen månad är klar att stängas.\n"
    rebuilt = typed(demo, "rebuild").output
    assert rebuilt.startswith("0 fakta räknade på nytt, ")
    assert typed(demo, "demo").exit_code == 2, "invented facts never stand beside others"


def test_the_view_for_analysis_has_no_pseudonyms(demo: Path) -> None:
    with sqlite3.connect(demo / "lokbot.db") as database:
        database.row_factory = sqlite3.Row
        row = database.execute("SELECT * FROM statistics_facts LIMIT 1").fetchone()
        assert {"topic", "outcome", "first_reply_minutes", "day"} <= set(row.keys())
        assert not {"contact", "association", "asked_at", "conversation_id", "question_id"} & set(row.keys())
        assert "association_kind" not in set(row.keys()), "nobody is sorted by language and kind of association"
        assert database.execute("SELECT min(question_id) FROM facts").fetchone()[0] == FIRST_ID
        kinds = database.execute("SELECT * FROM statistics_kinds").fetchall()
        assert set(kinds[0].keys()) == {"month", "association_kind", "outcome", "questions"}
        by = "month, association_kind, outcome"
        counts = database.execute(f"SELECT {by}, count(*) FROM facts GROUP BY {by}").fetchall()
        assert sorted(map(str, map(tuple, kinds))) == sorted(map(str, map(tuple, counts)))
    database.close()


def documented(kind: str, holding: str) -> str:
    """The block of code in the manual that holds these words."""
    blocks = re.findall(rf"```{kind}\n(.*?)```", OPERATIONS.read_text("utf-8"), re.DOTALL)
    (found,) = [str(block) for block in blocks if holding in block]
    return found


def test_the_documented_role_for_analysis_reads_the_view_and_nothing_else(postgres: Engine) -> None:
    """What the manual tells to type, and what the city's tool can do then."""
    knowledge = sample.knowledge()
    with session_factory(postgres).begin() as session:
        invented.fill(session, seed=3, until=date(2026, 11, 26), knowledge=knowledge)
        expected = counted(session, since=date(2026, 3, 1), until=date(2026, 4, 30), by=["topic", "month", "outcome"])
    with postgres.begin() as connection:
        for statement in documented("sql", "CREATE ROLE analysis").split(";"):
            if statement.strip():
                connection.execute(text(statement))
    tool = connect(postgres.url.set(username="analysis", password="...").render_as_string(hide_password=False))
    try:
        with tool.connect() as connection:
            found = connection.execute(text("SELECT * FROM statistics_facts"))
            told = re.search(r"one row per question with (.*?)\. It has", OPERATIONS.read_text("utf-8"), re.DOTALL)
            assert told is not None
            names = re.sub(r"\([^)]*\)", "", told[1].replace(" and ", ", "))
            assert [*found.keys()] == [name.strip() for name in names.split(",")]
            by = "topic, month, outcome"
            rows = connection.execute(
                text(f"SELECT {by}, count(*) FROM statistics_facts WHERE month IN ('2026-03', '2026-04') GROUP BY {by}")
            )
            assert sorted(tuple(map(str, row)) for row in rows) == [row[:-1] for row in expected]
            assert connection.execute(text("SELECT sum(questions) FROM statistics_kinds")).scalar() == len(found.all())
        for forbidden in ("SELECT 1 FROM facts", "SELECT 1 FROM contacts", "DELETE FROM statistics_facts"):
            with tool.connect() as connection, pytest.raises(ProgrammingError, match="permission denied"):
                connection.execute(text(forbidden))
    finally:
        tool.dispose()
        with postgres.begin() as connection:
            connection.execute(text("DROP OWNED BY analysis"))
            connection.execute(text("DROP ROLE analysis"))


def test_the_documented_commands_do_what_the_manual_says(
    tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lokbot.db").write_bytes(migrated_file.read_bytes())
    monkeypatch.chdir(tmp_path)
    lines = [shlex.split(line, comments=True) for line in documented("sh", "lokbot statistics demo").splitlines()]
    assert lines[-1] == [".venv/bin/lokbot", "statistics", "demo"], "into a database without any: here the first"
    for words in (lines[-1], *lines[:-1]):
        assert words[:2] == [".venv/bin/lokbot", "statistics"]
        done = typed(tmp_path, *words[2:])
        assert done.exit_code == 0, (words, done.output)
    assert {"report.xlsx", "raw.csv"} <= {one.name for one in tmp_path.iterdir()}
    # Without PostgreSQL the same counts come as CSV.
    file = typed(
        tmp_path, "--from", "2020-01-01", "--to", "2040-01-01", "--by", "topic,month,outcome", "--format", "csv"
    )
    with closing(sqlite3.connect(tmp_path / "lokbot.db")) as database:
        by = "topic, month, outcome"
        rows = database.execute(f"SELECT {by}, count(*) FROM statistics_facts GROUP BY {by}").fetchall()
    written = [tuple(row[:-1]) for row in csv.reader(io.StringIO(file.output), delimiter=";")][1:]
    assert written == sorted(tuple(map(str, row)) for row in rows)


def test_no_facts_are_no_rows(sessions: Sessions) -> None:
    with sessions.begin() as session:
        assert counted(session, since=date(2020, 1, 1), until=date(2030, 1, 1), by=["topic", "month"]) == []
