"""Pictures obey a strict CSP, say in words what they are, and give nothing hidden away by their shapes."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from lokbot.model import LocalText
from lokbot.statistics import pictures
from lokbot.statistics.shapes import Cell, Chart, Row, Table

SVG = "{http://www.w3.org/2000/svg}"


def words(text: str) -> LocalText:
    return LocalText(text, f"{text} en")


def cell(number: int | None, floor: int = 0) -> Cell:
    if number is None:
        return Cell(words(f"minst {floor}" if floor else "färre än 5"), None, floor)
    return Cell(words(str(number)), number)


def chart(kind: str, rows: dict[str, list[Cell]]) -> Chart:
    columns = [words("Rubrik"), *(words(f"månad {n}") for n in range(max(map(len, rows.values()), default=0)))]
    table = Table(
        "x",
        words("Titel <b>"),
        tuple(columns),
        tuple(Row(name, words(name), tuple(cells)) for name, cells in rows.items()),
    )
    return Chart(kind, table, words("Vad bilden visar."))  # type: ignore[arg-type]


ROWS = {
    "Lokaler & hallar": [cell(30), cell(40), cell(12)],
    "Bidrag": [cell(10), cell(None), cell(11)],
    "Övrigt": [cell(None, 7), cell(0), cell(13)],
}


@pytest.mark.parametrize("kind", ["panels", "stack", "bars"])
@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_picture_is_whole_and_has_no_style(kind: str, language: str) -> None:
    drawn = pictures.picture(chart(kind, ROWS), language)
    root = ElementTree.fromstring(drawn)
    assert root.get("role") == "img"
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert title.text == words("Titel <b>").get(language)
    assert description.text == words("Vad bilden visar.").get(language)
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    for element in root.iter():
        assert element.tag not in (f"{SVG}style", f"{SVG}script", f"{SVG}a")
        assert not [name for name in element.attrib if name == "style" or name.startswith("on")]
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", drawn)) <= set(ids)


@pytest.mark.parametrize("kind", ["panels", "stack", "bars"])
def test_everything_drawn_is_within_the_picture(kind: str) -> None:
    root = ElementTree.fromstring(pictures.picture(chart(kind, ROWS), "sv"))
    _, _, width, height = (float(one) for one in (root.get("viewBox") or "").split())
    for element in root:
        if element.tag == f"{SVG}rect":
            assert 0 <= float(element.get("x", 0)) <= width - float(element.get("width", 0)) + 0.1
            assert 0 <= float(element.get("y", 0)) <= height - float(element.get("height", 0)) + 0.1
        if element.tag == f"{SVG}text":
            assert 0 <= float(element.get("y", 0)) <= height


@pytest.mark.parametrize("beside", [1, 10, 1000])
def test_a_hidden_figure_is_drawn_alike_whatever_it_is_beside(beside: int) -> None:
    bars = ElementTree.fromstring(pictures.picture(chart("bars", {"a": [cell(beside)], "b": [cell(None)]}), "sv"))
    stack = chart("stack", {"a": [cell(beside)], "b": [cell(None)]})
    for root in (bars, ElementTree.fromstring(pictures.picture(stack, "sv"))):
        hatched = [part for part in root if "hatch" in (part.get("fill") or "")]
        # The other one is where it is said what hatching means.
        assert sorted(part.get("width") or "" for part in hatched) == ["14.0", "16.0"]
    panels = chart("panels", {"a": [cell(beside), cell(None)], "b": [cell(None), cell(beside)]})
    root = ElementTree.fromstring(pictures.picture(panels, "sv"))
    drawn = [part for part in root if "hatch" in (part.get("fill") or "")]
    assert {(part.get("width"), part.get("height")) for part in drawn[:2]} == {("58.0", "8.0")}


def test_every_row_of_panels_has_its_name_and_every_figure() -> None:
    rows = {f"En rubrik med ett långt namn {n}": [cell(10 * n + m) for m in range(12)] for n in range(1, 8)}
    root = ElementTree.fromstring(pictures.picture(chart("panels", rows), "sv"))
    said = [part.text for part in root if part.tag == f"{SVG}text"]
    assert [one for one in said if one in rows] == list(rows)
    assert {one.text for cells in rows.values() for one in cells} <= {words(one or "") for one in said}


def test_parts_differ_by_more_than_colour() -> None:
    assert len({pictures._pattern("x", place) for place in range(6)}) == 6


def test_a_hidden_part_is_explained_in_the_picture() -> None:
    for kind in ("bars", "panels", "stack"):
        assert "dold" in pictures.picture(chart(kind, {"a": [cell(None)]}), "sv")
        assert "dold" not in pictures.picture(chart(kind, {"a": [cell(7)]}), "sv")
    assert "resten är dold" in pictures.picture(chart("bars", {"a": [cell(None, 7)]}), "sv")


def test_rows_lead_to_the_questions_behind_them_where_they_may() -> None:
    shown = replace(chart("none", ROWS).table, dimension="topic")
    page = pictures.table(shown, "sv", behind=lambda dimension, category: f"/{dimension}?a={category}&b")
    assert '<a href="/topic?a=Bidrag&amp;b">Bidrag</a>' in page
    assert "<a" not in pictures.table(shown, "sv")
    assert "<a" not in pictures.plain_table(shown, "sv")


def test_the_long_table_of_a_picture_opens_when_asked() -> None:
    rows = {f"rad {n}": [cell(n)] for n in range(pictures.LONGEST + 1)}
    assert "<details>" in pictures.figure(chart("none", rows), "sv")
    assert "<details>" not in pictures.table(chart("none", rows).table, "sv"), "the main table is always there"


def test_nothing_to_draw_is_no_picture() -> None:
    assert pictures.picture(chart("bars", {}), "sv") == ""
    assert pictures.picture(chart("none", ROWS), "sv") == ""
    assert "<svg" not in pictures.figure(chart("none", ROWS), "sv")


def test_the_table_stands_before_the_picture_and_is_escaped() -> None:
    page = pictures.figure(chart("bars", ROWS), "sv")
    assert page.index("<table>") < page.index("<svg")
    assert '<caption id="table-x">Titel &lt;b&gt;</caption>' in page
    assert '<th scope="row">Lokaler &amp; hallar</th>' in page
