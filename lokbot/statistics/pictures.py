"""Pictures of the statistics: SVG to stand in a page with a strict CSP, in Helsingborg's colours, each with its table.

Presentation attributes only, as inline styles are forbidden. Nothing is told by colour alone: lines have marks and
dashes of their own and are labelled where they end, parts of bars have patterns. What is hidden looks the same
everywhere: an open square on a line's ground, a hatched piece of fixed width in a bar. A picture is 360 units wide,
about a small screen, so that its letters are never scaled down much. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import pairwise

from lokbot.model import LocalText
from lokbot.statistics.shapes import Cell, Chart, Row, Table

WIDTH = 360
INK, GRID, GROUND = "#2d2d2d", "#c8c8c8", "#ffffff"
# At least 3:1 beside white, as marks and lines must (WCAG 2.2, 1.4.11), the primary colour first.
COLOURS = ("#ae0b05", "#0069b4", "#50811b", "#712082", "#ec6701", "#d35098", "#2d2d2d")
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "10 4", "4 2", "1 3")
_MARKS = ("circle", "square", "diamond", "triangle", "funnel", "cross", "bar")
_LETTER = 6.8  # width of a letter on average, at size 12
_HIDDEN = 14  # width of a hidden part
HIDDEN = LocalText("dold siffra", "hidden figure")
LONGEST = 25
"""Rows of a table that is shown unasked."""


Behind = Callable[[str, str], str]
"""A dimension and a category -> the address of the questions behind a figure; empty where there is none."""


def figure(chart: Chart, language: str, *, behind: Behind = lambda _dimension, _category: "") -> str:
    """What it shows in words, the table, and the picture below it, as a ``figure`` element."""
    said = f"<figcaption>{_say(chart.description, language)}</figcaption>"
    return f"<figure>{said}{table(chart.table, language, behind=behind)}{picture(chart, language)}</figure>"


def table(shown: Table, language: str, *, behind: Behind = lambda _dimension, _category: "") -> str:
    """A table with its title as caption, which scrolls where it is wider than the screen; a long one opens when asked.
    The heads say what they are heads of.
    """
    name = f"table-{shown.id}"
    inner = (
        f'<div class="table" role="region" aria-labelledby="{name}" tabindex="0">'
        f"{_table(shown, language, name, behind)}</div>"
    )
    if len(shown.rows) <= LONGEST:
        return inner
    opens = LocalText(f"Visa tabellen, {len(shown.rows)} rader", f"Show the table, {len(shown.rows)} rows")
    return f"<details><summary>{_say(shown.title, language)}. {_say(opens, language)}</summary>{inner}</details>"


def plain_table(shown: Table, language: str) -> str:
    """The same without links, for paper."""
    return _table(shown, language, f"table-{shown.id}", lambda _dimension, _category: "")


def _table(shown: Table, language: str, name: str, behind: Behind) -> str:
    def label(row: Row) -> str:
        said = _say(row.label, language)
        address = behind(shown.dimension, row.key) if shown.dimension and row.key else ""
        return f'<a href="{escape(address)}">{said}</a>' if address else said

    head = "".join(f'<th scope="col">{_say(column, language)}</th>' for column in shown.columns)
    rows = "".join(
        f'<tr><th scope="row">{label(row)}</th>'
        + "".join(f"<td>{_say(cell.text, language)}</td>" for cell in row.cells)
        + "</tr>"
        for row in shown.rows
    )
    return (
        f'<table><caption id="{name}">{_say(shown.title, language)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def picture(chart: Chart, language: str) -> str:
    """The picture; empty where the table says it better or there is nothing to draw."""
    if chart.kind == "none" or not chart.table.rows:
        return ""
    draw = {"lines": _lines, "stack": _stack, "bars": _bars}[chart.kind]
    height, body = draw(chart, language)
    name = f"picture-{chart.table.id}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc" font-size="12" fill="{INK}">'
        f'<title id="{name}-title">{_say(chart.table.title, language)}</title>'
        f'<desc id="{name}-desc">{_say(chart.description, language)}</desc>'
        f"{''.join(body)}</svg>"
    )


# ------------------------------------------------------------------ bars


def _bars(chart: Chart, language: str) -> tuple[float, list[str]]:
    """A bar for each row, its name above and its figure beside."""
    rows = chart.table.rows
    most = max((row.cells[0].number or row.cells[0].floor for row in rows), default=0) or 1
    body = [_hatch(chart.table.id)]
    for number, row in enumerate(rows):
        top = 4 + number * 40
        said = row.cells[0].text.get(language)
        room = WIDTH - 12 - _LETTER * len(said)
        body.append(_text(0, top + 12, _cut(row.label.get(language), 52)))
        cell = row.cells[0]
        value = cell.floor if cell.number is None else cell.number
        width = (room - _HIDDEN) * value / most
        if value or cell.number is not None:
            body.append(_rect(0, top + 17, max(1, width), 16, COLOURS[0]))
        if cell.number is None:
            # How much more there is nobody is to see: the same piece everywhere.
            body.append(_rect(width, top + 17, _HIDDEN, 16, f"url(#hatch-{chart.table.id})", INK))
            width += _HIDDEN
        body.append(_text(width + 6, top + 30, said))
    return 4 + len(rows) * 40, body


# ------------------------------------------------------------------ a bar for each month, in parts


def _stack(chart: Chart, language: str) -> tuple[float, list[str]]:
    rows, heads = chart.table.rows, chart.table.columns[1:]
    totals = [sum(row.cells[place].number or 0 for row in rows) for place in range(len(heads))]
    most = max(totals, default=0) or 1
    # Every part that is hidden takes its fixed width.
    room = WIDTH - 60 - _HIDDEN * len(rows)
    body = [_hatch(chart.table.id), *(_pattern(chart.table.id, place) for place in range(len(rows)))]
    for place, row in enumerate(rows):
        body.append(_rect(0, 4 + place * 20, 16, 14, _fill(chart.table.id, place), INK))
        body.append(_text(22, 16 + place * 20, row.label.get(language)))
    top = 4 + len(rows) * 20
    if any(cell.number is None for row in rows for cell in row.cells):
        body.append(_rect(0, top, 16, 14, f"url(#hatch-{chart.table.id})", INK))
        body.append(_text(22, top + 12, HIDDEN.get(language)))
        top += 20
    top += 8
    for column, head in enumerate(heads):
        y = top + column * 28
        body.append(_text(0, y + 15, head.get(language)))
        x = 56.0
        for place, row in enumerate(rows):
            value = row.cells[column].number
            width = _HIDDEN if value is None else room * value / most
            fill = f"url(#hatch-{chart.table.id})" if value is None else _fill(chart.table.id, place)
            if width:
                body.append(_rect(x, y, width, 20, fill, INK))
            if value is not None and width >= _LETTER * len(str(value)) + 6:
                body.append(_on_white(x + width / 2, y + 14, str(value)))
            x += width
    return top + len(heads) * 28, body


def _fill(name: str, place: int) -> str:
    return f"url(#part-{name}-{place})"


def _pattern(name: str, place: int) -> str:
    """A part's own colour and texture: plain, upright, lying and slanting stripes, dots, a grid."""
    colour = COLOURS[place % len(COLOURS)]
    inner = (
        "",
        '<path d="M3 0V6" stroke="#ffffff" stroke-width="2"/>',
        '<path d="M0 3H6" stroke="#ffffff" stroke-width="2"/>',
        '<path d="M0 6L6 0" stroke="#ffffff" stroke-width="1.5"/>',
        '<circle cx="3" cy="3" r="1.5" fill="#ffffff"/>',
        '<path d="M3 0V6M0 3H6" stroke="#ffffff"/>',
    )[place % 6]
    return (
        f'<pattern id="part-{name}-{place}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<rect width="6" height="6" fill="{colour}"/>{inner}</pattern>'
    )


def _hatch(name: str) -> str:
    """What is hidden."""
    return (
        f'<pattern id="hatch-{name}" width="5" height="5" patternUnits="userSpaceOnUse">'
        f'<rect width="5" height="5" fill="{GROUND}"/><path d="M0 5L5 0" stroke="{INK}"/></pattern>'
    )


# ------------------------------------------------------------------ lines over months


_LEFT, _RIGHT, _TOP, _HEIGHT = 36, 146, 10, 230


def _lines(chart: Chart, language: str) -> tuple[float, list[str]]:
    rows, heads = chart.table.rows, chart.table.columns[1:]
    most = max((cell.number or 0 for row in rows for cell in row.cells), default=0)
    step = next(step for step in (1, 2, 5, 10, 20, 50, 10**9) if most <= 6 * step)
    top = max(step, -(-most // step) * step)
    bottom = _TOP + _HEIGHT

    def x(place: int) -> float:
        return _LEFT + place * (WIDTH - _LEFT - _RIGHT) / max(1, len(heads) - 1)

    def y(value: int) -> float:
        return bottom - _HEIGHT * value / top

    body = []
    for value in range(0, top + 1, step):
        body.append(_path(f"M{_LEFT} {y(value):.1f}H{WIDTH - _RIGHT}", GRID))
        body.append(_text(_LEFT - 6, y(value) + 4, f"{value}{chart.unit}", "end"))
    every = -(-len(heads) // 5)
    for place in range(0, len(heads), every):
        body.append(_text(x(place), bottom + 18, heads[place].get(language), "middle"))
    ends = []
    for number, row in enumerate(rows):
        points = [(x(place), y(cell.number)) if cell.number is not None else None for place, cell in _placed(row)]
        body.extend(_line(points, number))
        for place, cell in _placed(row):
            if cell.number is None:
                body.append(_rect(x(place) - 4, bottom - 4, 8, 8, GROUND, COLOURS[number % len(COLOURS)]))
        last = next((point for point in reversed(points) if point is not None), (x(len(heads) - 1), bottom))
        ends.append((last[1], number, row))
    for at, (end, number, row) in _spread(ends):
        body.append(_path(f"M{x(len(heads) - 1) + 5:.1f} {end:.1f}L{WIDTH - _RIGHT + 14} {at:.1f}", GRID))
        body.append(_mark(WIDTH - _RIGHT + 18, at, number))
        body.append(_text(WIDTH - _RIGHT + 26, at + 4, _cut(row.label.get(language), 17)))
    return bottom + 26, body


def _placed(row: Row) -> Iterable[tuple[int, Cell]]:
    return enumerate(row.cells)


def _line(points: Sequence[tuple[float, float] | None], number: int) -> list[str]:
    """Marks, and strokes between those that are next to each other."""
    colour, dash = COLOURS[number % len(COLOURS)], _DASHES[number % len(_DASHES)]
    body = []
    for one, other in pairwise(points):
        if one is not None and other is not None:
            body.append(_path(f"M{one[0]:.1f} {one[1]:.1f}L{other[0]:.1f} {other[1]:.1f}", colour, width=2, dash=dash))
    body.extend(_mark(*point, number) for point in points if point is not None)
    return body


def _spread(ends: list[tuple[float, int, Row]], least: float = 15) -> list[tuple[float, tuple[float, int, Row]]]:
    """Where the labels of lines stand so that none covers another: as near their ends as there is room."""
    found: list[tuple[float, tuple[float, int, Row]]] = []
    for end in sorted(ends, key=lambda one: (one[0], one[1])):
        found.append((max(end[0], found[-1][0] + least) if found else end[0], end))
    over = found[-1][0] - (_TOP + _HEIGHT) if found else 0
    if over > 0:
        # Too far down: all move up together, and the first ones only as far as they must.
        lowest: float = _TOP + _HEIGHT
        for place in range(len(found) - 1, -1, -1):
            found[place] = (min(found[place][0], lowest), found[place][1])
            lowest = found[place][0] - least
    return found


def _mark(x: float, y: float, number: int) -> str:
    colour = COLOURS[number % len(COLOURS)]
    shape = _MARKS[number % len(_MARKS)]
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'
    path = {
        "square": f"M{x - 3.5:.1f} {y - 3.5:.1f}h7v7h-7z",
        "diamond": f"M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z",
        "triangle": f"M{x:.1f} {y - 4.5:.1f}l4.5 8h-9z",
        "funnel": f"M{x:.1f} {y + 4.5:.1f}l4.5 -8h-9z",
        "cross": f"M{x - 1.5:.1f} {y - 5:.1f}h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z",
        "bar": f"M{x - 5:.1f} {y - 2:.1f}h10v4h-10z",
    }[shape]
    return f'<path d="{path}" fill="{colour}"/>'


# ------------------------------------------------------------------ strokes and letters


def _say(text: LocalText, language: str) -> str:
    return escape(text.get(language))


def _cut(name: str, longest: int) -> str:
    """A name that fits; the table has it whole."""
    return name if len(name) <= longest else f"{name[: longest - 1].rstrip()}…"


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _on_white(x: float, y: float, text: str) -> str:
    """Letters that can be read on any texture."""
    width = _LETTER * len(text) + 4
    return _rect(x - width / 2, y - 11, width, 14, GROUND) + _text(x, y, text, "middle")


def _rect(x: float, y: float, width: float, height: float, fill: str, stroke: str = "none") -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" stroke="{stroke}"/>'


def _path(path: str, colour: str, *, width: float = 1, dash: str = "") -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashes}/>'
