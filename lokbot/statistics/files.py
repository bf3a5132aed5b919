"""The figures as files to take along and as a mail: the same cells in the same order, nothing reckoned anew.

Print is the page's: a tagged PDF would need a library of the size of a browser (WeasyPrint with Pango), so the page has
a print style sheet and the browser makes the PDF.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from lokbot.conversation.working_days import loosely_dated
from lokbot.model import LocalText
from lokbot.statistics.months import Period
from lokbot.statistics.shapes import Cell, Figures, Table

THROUGH = LocalText("Data till och med {day}", "Data through {day}")
DEMO = LocalText("DEMODATA: siffrorna är påhittade.", "DEMO DATA: the figures are invented.")

# What a spreadsheet would run as a formula (OWASP, CSV injection); a plain number may begin with a sign.
_FORMULA = re.compile(r"^[=+\-@\t\r]")
_FORBIDDEN = re.compile(r"[][:*?/\\]")
_NUMBER = re.compile(r"^[+-]?\d+$")


def tables(figures: Figures) -> Iterator[Table]:
    """Every table, the main one first."""
    yield figures.table
    yield from (chart.table for chart in figures.charts)


def name(period: Period, ending: str) -> str:
    """What a file is called: ``statistik-2026-08-2026-10.csv``."""
    return f"statistik-{period.first}-{period.last}.{ending}"


def intro(figures: Figures, language: str, *, is_demo: bool = False) -> list[str]:
    """The lines before the tables: a warning where there is one, the sentences, through which day."""
    lines = [DEMO.get(language)] if is_demo else []
    lines += [sentence.get(language) for sentence in figures.sentences]
    if figures.through is not None:
        lines.append(THROUGH.get(language).format(day=loosely_dated(figures.through.isoformat(), language)))
    return lines


def notes(figures: Figures, language: str) -> list[str]:
    return [note.get(language) for note in figures.notes]


def as_csv(figures: Figures, language: str, *, is_demo: bool = False) -> bytes:
    """For Swedish Excel: UTF-8 with a byte order mark, semicolons, and nothing that runs as a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerows([_safe(line)] for line in intro(figures, language, is_demo=is_demo))
    for table in tables(figures):
        writer.writerow([])
        writer.writerow([_safe(table.title.get(language))])
        writer.writerow([_safe(column.get(language)) for column in table.columns])
        for row in table.rows:
            writer.writerow([_safe(text.get(language)) for text in (row.label, *(cell.text for cell in row.cells))])
    writer.writerow([])
    writer.writerows([_safe(line)] for line in notes(figures, language))
    return out.getvalue().encode("utf-8-sig")


def _safe(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.match(text) else text


def as_xlsx(figures: Figures, language: str, *, is_demo: bool = False) -> bytes:
    """A workbook: a sheet with the sentences and notes, then one for each table. Whole numbers are numbers."""
    import xlsxwriter  # a tenth of a second that no other command need wait for

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    head, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    first = book.add_worksheet(LocalText("Sammanfattning", "Summary").get(language))
    first.set_column(0, 0, 100)
    for place, line in enumerate([*intro(figures, language, is_demo=is_demo), "", *notes(figures, language)]):
        first.write_string(place, 0, line, wrapped)
    for number, table in enumerate(tables(figures), start=1):
        sheet = book.add_worksheet(_sheet_name(number, table.title.get(language)))
        sheet.set_column(0, 0, 44)
        sheet.set_column(1, max(1, len(table.columns) - 1), 18)
        sheet.write_string(0, 0, table.title.get(language), head)
        for place, column in enumerate(table.columns):
            sheet.write_string(1, place, column.get(language), head)
        for at, row in enumerate(table.rows, start=2):
            sheet.write_string(at, 0, row.label.get(language))
            for place, cell in enumerate(row.cells, start=1):
                if is_plain_number(cell, language):
                    sheet.write_number(at, place, cell.number or 0)
                else:
                    sheet.write_string(at, place, cell.text.get(language))
    book.close()
    return out.getvalue()


def is_plain_number(cell: Cell, language: str) -> bool:
    """Whether the number says all that the text does."""
    return cell.number is not None and cell.text.get(language) == str(cell.number)


def _sheet_name(number: int, title: str) -> str:
    """At most 31 letters, without those that Excel forbids, and no two alike."""
    allowed = _FORBIDDEN.sub("", title)
    return f"{number} {allowed}"[:31].rstrip()


def as_mail(figures: Figures, language: str, *, is_demo: bool = False) -> str:
    """Sentences first, then each table with what its picture shows in words, and a line for a row, with every figure
    named: it can be listened to.
    """
    parts = ["\n\n".join(intro(figures, language, is_demo=is_demo))]
    said = {chart.table.id: chart.description.get(language) for chart in figures.charts}
    for table in tables(figures):
        lines = [table.title.get(language).upper(), *filter(None, [said.get(table.id)])]
        for row in table.brief().rows:
            told = "; ".join(
                f"{column.get(language)} {cell.text.get(language)}"
                for column, cell in zip(table.columns[1:], row.cells, strict=True)
            )
            lines.append(f"{row.label.get(language)}: {told}")
        if table.others is not None:
            lines.append(table.others.get(language))
        parts.append("\n".join(lines))
    parts.append("\n\n".join(notes(figures, language)))
    return "\n\n\n".join(parts) + "\n"
