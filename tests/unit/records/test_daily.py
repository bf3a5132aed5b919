"""The registrator's list as text and as a table: no cell is a formula, no name writes a row of its own."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from lokbot.model import ConversationStatus, RecordClass
from lokbot.records import Row, as_csv, as_text
from tests.sample_mails import NOW

ROW = Row(
    conversation_id=1,
    case_number="LOK-2026-00001",
    came_at=NOW,
    is_new=True,
    status=ConversationStatus.WAITING,
    record_class=RecordClass.REGISTER,
    diary_number="2026/17",
    sender_name="Anna Prov",
    sender_address="anna@forening.example",
    association="Råå IF",
    subject="Vår ansökan",
    attachments=("protokoll.pdf", "stadgar.pdf"),
)


def table(*rows: Row) -> list[list[str]]:
    text = as_csv(rows)
    assert text.startswith("\ufeff"), "Excel takes it for UTF-8"
    return list(csv.reader(io.StringIO(text[1:], newline=""), delimiter=";"))


def test_a_row_says_what_the_registrator_asks() -> None:
    headings, row = table(ROW)
    assert dict(zip(headings, row, strict=True)) == {
        "Ärende": "LOK-2026-00001",
        "Inkom": "2026-03-02 10.30",
        "Nytt": "ja",
        "Status": "väntar på en person",
        "Klass": "registreras",
        "Diarienummer": "2026/17",
        "Från": "Anna Prov",
        "Adress": "anna@forening.example",
        "Förening": "Råå IF",
        "Ämne": "Vår ansökan",
        "Bilagor": "protokoll.pdf, stadgar.pdf",
    }
    text = as_text([ROW])
    assert "NYTT väntar på en person, registreras 2026/17  anna@forening.example (Råå IF): Vår ansökan" in text
    assert "2 bilagor: protokoll.pdf, stadgar.pdf" in text


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\r=", " =", "＝", "|", "%"])
@pytest.mark.parametrize("field", ["subject", "sender_name", "association", "diary_number"])
def test_no_cell_is_a_formula(field: str, sign: str) -> None:
    values: dict[str, Any] = {field: f"{sign}cmd|'/c calc'!A0"}
    (row,) = table(replace(ROW, **values))[1:]
    (cell,) = [cell for cell in row if "calc" in cell]
    assert cell.startswith("'")


def test_no_attachment_is_a_formula() -> None:
    (row,) = table(replace(ROW, attachments=("=1+1.pdf",)))[1:]
    assert row[-1] == "'=1+1.pdf"


def test_a_subject_makes_no_rows_and_no_colours() -> None:
    hostile = replace(ROW, subject="a\r\nLOK-2026-00002;x\x1b[31m", sender_name='a";b')
    assert len(table(hostile)) == 2
    assert table(hostile)[1][6] == 'a";b'
    assert len(as_text([hostile]).splitlines()) == 2
    assert "\x1b" not in as_text([hostile])


def test_an_empty_list_says_so() -> None:
    assert as_text([]) == "Inget nytt och inget öppet."
    assert len(table()) == 1
