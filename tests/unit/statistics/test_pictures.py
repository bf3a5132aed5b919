"""Pictures obey a strict CSP, say in words what they are, and give nothing hidden away by their shapes."""

from __future__ import annotations

import re
from itertools import pairwise
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


@pytest.mark.parametrize("kind", ["lines", "stack", "bars"])
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


@pytest.mark.parametrize("kind", ["lines", "stack", "bars"])
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
        assert hatched[-1].get("width") == "14.0"
    lines = chart("lines", {"a": [cell(beside), cell(None)]})
    squares = [part for part in ElementTree.fromstring(pictures.picture(lines, "sv")) if part.tag == f"{SVG}rect"]
    assert [(part.get("width"), part.get("y")) for part in squares] == [("8.0", "236.0")]


def test_labels_of_lines_never_cover_each_other() -> None:
    rows = {f"rad {n}": [cell(10), cell(10 + n % 2)] for n in range(7)}
    root = ElementTree.fromstring(pictures.picture(chart("lines", rows), "sv"))
    heights = sorted(float(part.get("y", 0)) for part in root if (part.text or "").startswith("rad "))
    assert len(heights) == 7
    assert all(below - above >= 14.9 for above, below in pairwise(heights))


def test_lines_differ_by_more_than_colour() -> None:
    assert len(set(pictures._MARKS)) == len(pictures.COLOURS) == len(set(pictures._DASHES))
    assert len({pictures._pattern("x", place) for place in range(6)}) == 6


def test_nothing_to_draw_is_no_picture() -> None:
    assert pictures.picture(chart("bars", {}), "sv") == ""
    assert pictures.picture(chart("none", ROWS), "sv") == ""
    assert "<svg" not in pictures.figure(chart("none", ROWS), "sv")


def test_the_table_stands_before_the_picture_and_is_escaped() -> None:
    page = pictures.figure(chart("bars", ROWS), "sv")
    assert page.index("<table>") < page.index("<svg")
    assert "<caption>Titel &lt;b&gt;</caption>" in page
    assert '<th scope="row">Lokaler &amp; hallar</th>' in page
