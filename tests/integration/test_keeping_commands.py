"""The commands for records, the register and the audit log: what they do, say and refuse."""

from __future__ import annotations

import csv
import io
import stat
import zipfile
from pathlib import Path

import pytest

from tests.integration.test_cli import NOT_POSSIBLE, USAGE, folder, lokbot, refused, said, store  # noqa: F401

pytestmark = pytest.mark.usefixtures("store")


def test_a_class_is_set_and_listed() -> None:
    assert "ej bedömd" in said("records", "list")
    assert said("records", "class", "2", "register", "--diary", "2026/17", "--by", "Kim").endswith(
        ": registreras, diarienummer 2026/17.\n"
    )
    assert "NYTT väntar på en person, registreras 2026/17  siv@forening.example" in said("records", "list")
    rows = list(csv.reader(io.StringIO(said("records", "list", "--csv")[1:], newline=""), delimiter=";"))
    assert [row[5] for row in rows] == ["Diarienummer", "", "2026/17"]
    assert "NYTT" not in said("records", "list", "--since", "2100-01-01")
    assert "Klass: registreras, diarienummer 2026/17" in said("case", "2")
    refused("records", "class", "2", "hemlig", code=USAGE)
    assert "inget ärende" in refused("records", "class", "99", "minor", "--by", "Kim", code=NOT_POSSIBLE)


def test_a_case_is_taken_out_into_a_directory(tmp_path: Path) -> None:
    directory = tmp_path / "ut"
    told = said("records", "export", "2", str(directory), "--by", "Kim")
    (file,) = directory.iterdir()
    assert str(file) in told
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with zipfile.ZipFile(file) as archive:
        assert any(name.endswith("arende.html") for name in archive.namelist())
    said("records", "export", "2", str(directory), "--by", "Kim")
    assert list(directory.iterdir()) == [file], "again: in the same place"


def test_where_nothing_can_be_written_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "fil").write_text("")
    below = str(tmp_path / "fil" / "ut")
    assert "går inte att skriva i" in refused("records", "export", "2", below, "--by", "Kim", code=NOT_POSSIBLE)
    assert said("audit") == "Inget i loggen.\n", "nothing was taken out"


def test_an_erasure_is_asked_about_and_swept(tmp_path: Path) -> None:
    said("resolve", "2")
    refused("records", "erase", "2", code=USAGE)
    no = lokbot("records", "erase", "2", "--decision", "Beslut § 14", "--by", "Kim", stdin="n\n")
    assert no.exit_code == 1
    assert "för gott?" in no.stdout
    assert "ansökan" in said("case", "2")
    told = said("records", "erase", "2", "--decision", "Beslut § 14", "--by", "Kim", stdin="y\n")
    assert "är raderat: 1 meddelanden" in told
    assert "ansökan" not in said("case", "2", "--why")
    shown = said("case", "2", "--why")
    assert "decision=Beslut § 14" in shown
    assert "\nRaderat 20" in shown
    assert b"siv@forening.example" not in b"".join(path.read_bytes() for path in (tmp_path / "var").iterdir())
    assert "Avsluta det först" in refused(
        "records", "erase", "1", "--decision", "x", "--yes", "--by", "Kim", code=NOT_POSSIBLE
    )
    assert "Ange beslutet" in refused(
        "records", "erase", "2", "--decision", " ", "--yes", "--by", "Kim", code=NOT_POSSIBLE
    )


def test_the_register_is_kept_from_the_command_line() -> None:
    assert said("register", "find") == "Ingen förening hittades.\n"
    made = said("register", "add", "Råå IF", "--alias", "Raus", "--domain", "raaif.se", "--by", "Kim")
    assert made == "Råå IF finns nu i registret (nummer 1).\n"
    assert said("register", "find", "raa") == said("register", "find") == "1  Råå IF  (Raus; raaif.se)\n"
    assert said("register", "suggest", "2") == "Inget förslag.\n"
    assert said("register", "link", "2", "raus", "--by", "Kim").endswith("hör till Råå IF.\n")
    assert "redan" in refused("register", "add", "raa if", "--by", "Kim", code=NOT_POSSIBLE)
    assert said("register", "unlink", "2", "--by", "Kim").endswith("hör inte till någon förening.\n")
    assert "1  Råå IF (95%): Kontakten hörde till föreningen" in said("register", "suggest", "2")
    assert "Lägg till den först" in refused("register", "link", "2", "xyz", "--by", "Kim", code=NOT_POSSIBLE)


def test_who_reads_is_logged() -> None:
    said("case", "2", "--by", "Kim")
    said("records", "list", "--by", "Robin")
    listed, read = said("audit").splitlines()
    assert listed.endswith("Robin (cli): listed-records cases=2")
    assert "Kim (cli): looked-at LOK-" in read


def test_the_audit_log_is_searched_page_by_page() -> None:
    assert said("audit") == "Inget i loggen.\n"
    said("records", "class", "1", "minor", "--by", "Kim")
    said("records", "class", "2", "minor", "--by", "Robin")
    said("register", "add", "Råå IF", "--by", "Kim")
    assert len(said("audit").splitlines()) == 3
    (line,) = said("audit", "--by", "Robin").splitlines()
    assert "Robin (cli): classified LOK-" in line
    assert "after=minor" in line
    assert len(said("audit", "--act", "classified").splitlines()) == 2
    assert len(said("audit", "--case", "1").splitlines()) == 1
    assert said("audit", "--until", "2020-01-01") == said("audit", "--since", "2100-01-01") == "Inget i loggen.\n"
    assert said("audit", "--limit", "2", "--before", "2").startswith("1  ")
