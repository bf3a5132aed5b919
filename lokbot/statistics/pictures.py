"""Pictures of the statistics: SVG to stand in a page with a strict CSP, in Helsingborg's colours, each with its table.

Presentation attributes only, as inline styles are forbidden. Nothing is told by colour alone: every bar has its name
and figure beside it, parts of bars have patterns. What is hidden looks the same everywhere, a hatched piece of a fixed
size, and a line below says what it means. A picture is 320 units wide, about a small screen, so that its letters are
never scaled down much. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from lokbot.model import LocalText
from lokbot.statistics.shapes import Chart, Row, Table

WIDTH = 320
INK, GRID, GROUND = "#2d2d2d", "#c8c8c8", "#ffffff"
# At least 3:1 beside white, as marks and lines must (WCAG 2.2, 1.4.11), the primary colour first.
COLOURS = ("#ae0b05", "#0069b4", "#50811b", "#712082", "#ec6701", "#d35098", "#2d2d2d")
_LETTER = 7.2  # width of a letter on average, at size 13
_HIDDEN = 14  # width of a hidden part
HIDDEN = LocalText("dold siffra", "hidden figure")
HIDDEN_REST = LocalText("resten är dold", "the rest is hidden")
LONGEST = 25
"""Rows of a picture's table that is shown unasked."""


Behind = Callable[[str, str], str]
"""A dimension and a category -> the address of the questions behind a figure; empty where there is none."""


def figure(chart: Chart, language: str, *, behind: Behind = lambda _dimension, _category: "") -> str:
    """What it shows in words, the table, and the picture below it, as a ``figure`` element."""
    said = f"<figcaption>{_say(chart.description, language)}</figcaption>"
    return f"<figure>{said}{_folded(chart.table, language, behind)}{picture(chart, language)}</figure>"


def _folded(shown: Table, language: str, behind: Behind) -> str:
    """The table; a long one opens when asked."""
    whole = table(shown, language, behind=behind)
    if len(shown.rows) <= LONGEST:
        return whole
    opens = LocalText(f"Visa tabellen, {len(shown.rows)} rader", f"Show the table, {len(shown.rows)} rows")
    return f"<details><summary>{_say(shown.title, language)}. {_say(opens, language)}</summary>{whole}</details>"


def table(shown: Table, language: str, *, behind: Behind = lambda _dimension, _category: "") -> str:
    """A table with its title as caption, which scrolls where it is wider than the screen. The heads say what they are
    heads of.
    """
    name = f"table-{shown.id}"
    return (
        f'<div class="table" role="region" aria-labelledby="{name}" tabindex="0">'
        f"{_table(shown, language, name, behind)}{_others(shown, language, sort='in-print')}</div>"
    )


def plain_table(shown: Table, language: str) -> str:
    """The same without links, for paper and mail: the rows that are aside are left out, and a sentence says so."""
    whole = _table(shown.brief(), language, f"table-{shown.id}", lambda _dimension, _category: "")
    return whole + _others(shown, language)


def _others(shown: Table, language: str, *, sort: str = "others") -> str:
    return f'<p class="{sort}">{_say(shown.others, language)}</p>' if shown.others is not None else ""


def _table(shown: Table, language: str, name: str, behind: Behind) -> str:
    def label(row: Row) -> str:
        said = _say(row.label, language)
        address = behind(shown.dimension, row.key) if shown.dimension and row.key else ""
        return f'<a href="{escape(address)}">{said}</a>' if address else said

    head = "".join(f'<th scope="col">{_say(column, language)}</th>' for column in shown.columns)
    aside = ' class="aside"'
    rows = "".join(
        f'<tr{aside if row.is_aside else ""}><th scope="row">{label(row)}</th>'
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
    draw = {"panels": _panels, "stack": _stack, "bars": _bars}[chart.kind]
    height, body = draw(chart, language)
    name = f"picture-{chart.table.id}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc" font-size="13" fill="{INK}">'
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
        body.append(_text(0, top + 12, _cut(row.label.get(language), 44)))
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
    height = 4 + len(rows) * 40
    if any(row.cells[0].number is None for row in rows):
        is_rest = any(row.cells[0].floor for row in rows)
        height += _say_hidden(body, chart, height + 6, (HIDDEN_REST if is_rest else HIDDEN).get(language)) + 6
    return height, body


def _say_hidden(body: list[str], chart: Chart, top: int, said: str) -> int:
    """What the hatched pieces mean; gives how high that is."""
    body.append(_rect(0, top, 16, 14, f"url(#hatch-{chart.table.id})", INK))
    body.append(_text(22, top + 12, said))
    return 20


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
        top += _say_hidden(body, chart, top, HIDDEN.get(language))
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


# ------------------------------------------------------------------ a small picture for each row


_TALL, _STUB = 36, 8  # the highest column, and a hidden one
_PANEL = _TALL + 64


def _panels(chart: Chart, language: str) -> tuple[float, list[str]]:
    """Columns over the months for each row by itself, all to one scale: lines across each other nobody can follow."""
    rows, heads = chart.table.rows, [head.get(language) for head in chart.table.columns[1:]]
    most = max((cell.number or 0 for row in rows for cell in row.cells), default=0) or 1
    step = min(64.0, WIDTH / max(1, len(heads)))
    is_wide = step >= _LETTER * max((len(head) for head in heads), default=0)
    body = [_hatch(chart.table.id)]
    for number, row in enumerate(rows):
        ground = number * _PANEL + _TALL + 34
        body.append(_text(0, ground - _TALL - 20, row.label.get(language)))
        for place, cell in enumerate(row.cells):
            left, middle = place * step + 3, (place + 0.5) * step
            if cell.number is None:
                body.append(_rect(left, ground - _STUB, step - 6, _STUB, f"url(#hatch-{chart.table.id})", INK))
            else:
                tall = max(1.0, _TALL * cell.number / most)
                body.append(_rect(left, ground - tall, step - 6, tall, COLOURS[0]))
                said = f"{cell.number}{chart.unit}" if is_wide else str(cell.number)
                body.append(_text(middle, ground - tall - 4, said, "middle"))
            # Without the year where there is no room for it: the table has it.
            body.append(_text(middle, ground + 14, heads[place] if is_wide else heads[place][:3], "middle"))
        body.append(_path(f"M0 {ground}H{len(heads) * step:.1f}", INK))
    height = len(rows) * _PANEL
    if any(cell.number is None for row in rows for cell in row.cells):
        height += _say_hidden(body, chart, height, HIDDEN.get(language))
    return height, body


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
