"""The figures of a run as one HTML page that needs nothing else: no script, no other file, no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from lokbot import describing
from lokbot.evaluation import plots, text
from lokbot.evaluation.baselines import Row
from lokbot.evaluation.counting import Share
from lokbot.evaluation.figures import NOBODY, Counts, Figures
from lokbot.evaluation.grading import GOOD, Grade, Graded

STYLE = """
:root { --ink: #2d2d2d; --ground: #f5f5f5; --line: #c9c9c9; --good: #005c86; --needless: #ec6701; --bad: #ae0b05 }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 Roboto, Arial, sans-serif }
main { max-width: 72rem; margin: 0 auto; padding: 16px }
h1 { font-size: 1.75rem; line-height: 1.2; color: #770000; margin: 16px 0 8px }
h2 { font-size: 1.25rem; margin: 0 0 8px }
section { background: #fff; padding: 16px; margin: 16px 0; border-radius: 4px }
p { max-width: 42rem; margin: 0 0 16px }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 16px; margin: 0 }
dd { margin: 0; overflow-wrap: anywhere }
.pair { display: grid; gap: 16px 32px; margin-bottom: 16px }
@media (min-width: 60rem) { .pair { grid-template-columns: minmax(0, 30rem) minmax(0, 1fr) } }
.scroll { overflow-x: auto }
.scroll:focus-visible { outline: 3px solid #005c86; outline-offset: 2px }
table { border-collapse: collapse; font-size: 0.875rem; line-height: 1.35 }
caption { text-align: left; padding-bottom: 4px; font-weight: bold }
th, td { padding: 4px 8px; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top }
td { white-space: nowrap }
.words td { white-space: normal }
th { font-weight: bold }
th[scope=row] { min-width: 5rem; max-width: 22rem }
th[scope=row], thead th:first-child, .words td, .words th { text-align: left }
tr.chosen { background: #f3e6e6; font-weight: bold }
td.hit { background: #dcebf2 }
td.miss { background: #f6d9d7; font-weight: bold }
@media (max-width: 30rem) {
  .stacked tr { display: grid; grid-template-columns: 1fr 1fr 1.5fr; border-bottom: 1px solid var(--line) }
  .stacked table, .stacked thead, .stacked tbody { display: block }
  .stacked th[scope=row] { grid-column: 1 / -1; max-width: none }
  .stacked thead td { display: none }
  .stacked :is(th, td) { border: 0 }
}
.text { overflow-wrap: anywhere; min-width: 12rem }
svg { width: 100%; max-width: 30rem; height: auto; display: block }
svg text { font: 12px Roboto, Arial, sans-serif; fill: var(--ink) }
.grid { stroke: #e3e3e3 } .ideal { stroke: #6b6b6b; stroke-dasharray: 4 4 }
.whisker { stroke: #2d2d2d; stroke-width: 2 }
.curve { fill: none; stroke: var(--good); stroke-width: 2.5 } .dot { fill: var(--good) } .chosen { fill: var(--bad) }
.share { fill: #9cc6dc } .good { fill: var(--good) } .needless { fill: var(--needless) } .bad { fill: var(--bad) }
.key { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 24px; padding: 0; margin: 0 0 8px }
.key svg { display: inline-block; width: 14px; height: 14px; vertical-align: -2px; margin-right: 6px }
"""

_PARTS: dict[Grade, plots.Part] = {
    grade: "good" if grade in GOOD else "needless" if grade is Grade.NEEDLESS_PERSON else "bad" for grade in Grade
}
_KEY = {"good": "rätt", "needless": "i onödan till en person", "bad": "fel"}


@dataclass(frozen=True, slots=True)
class Heading:
    """Which run it was."""

    split: str
    at: datetime
    digest: str
    revision: str


def report(
    found: Figures, graded: Sequence[Graded], rows: Sequence[Row], skipped: Mapping[str, str], heading: Heading
) -> str:
    """The whole page. Of ``graded`` the mistakes are listed; give none where nobody is to read the questions."""
    head = {
        "Frågor": f"{found.questions} ({heading.split})",
        "Tid": describing.moment(heading.at),
        "Kunskap": heading.digest[:12],
        "Version": heading.revision,
        "Tid för en fråga": f"median {_number(found.p50)} ms, p99 {_number(found.p99)} ms",
    }
    sections = [
        _main(found),
        _coverage(found),
        _calibration(found),
        _counts("style", "Efter stil", "Stil", found.by_style),
        _counts("language", "Efter språk", "Språk", found.by_language),
        _owners(found),
    ]
    if rows:
        sections.append(_comparison(rows, skipped))
    if mistaken := [one for one in graded if one.grade not in GOOD]:
        sections.append(_mistakes(mistaken))
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in head.items())
    return (
        '<!doctype html>\n<html lang="sv">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Hur ofta lokbot har rätt</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>Hur ofta lokbot har rätt</h1>\n<dl>{facts}</dl>\n" + "\n".join(sections) + "\n</main>\n</body>\n</html>\n"
    )


# --------------------------------------------------------------------------- sections


def _main(found: Figures) -> str:
    rows = [
        [name, f"{share.hits} av {share.total}", text.percent(share.share) if share.total else "–", _between(share)]
        for name, share in text.main_figures(found)
    ]
    table = _table("Huvudsiffror", ("", "antal", "andel", "95 %"), rows)
    return _section(
        "Huvudsiffror",
        "Sista kolumnen är det intervall som täcker det sanna värdet med 95 procents säkerhet.",
        f'<div class="stacked">{table}</div>',
    )


def _coverage(found: Figures) -> str:
    steps = [found.curve[round(place * (len(found.curve) - 1) / 9)] for place in range(10)] if found.curve else []
    points = sorted({*steps, found.chosen}, key=lambda point: -point.threshold)
    rows = [
        [
            _number(point.threshold, 3) + (" (vald)" if point == found.chosen else ""),
            text.percent(point.coverage),
            text.percent(point.precision),
        ]
        for point in points
    ]
    chosen = [number for number, point in enumerate(points) if point == found.chosen]
    table = _table("Trösklar", ("tröskel", "besvarade", "rätt av svaren"), rows, chosen=chosen)
    return _section(
        "Precision och täckning",
        "Boten svarar när den är minst så säker som tröskeln. En högre tröskel ger färre svar och färre fel. "
        "Här räknas de frågor där en poäng avgör, inte de som en regel tar hand om.",
        _pair(plots.precision_over_coverage(found.curve, found.chosen), table),
    )


def _calibration(found: Figures) -> str:
    rows = [
        [str(one.count), text.percent(one.confidence), text.percent(one.accuracy.share), _between(one.accuracy)]
        for one in found.reliability
    ]
    table = _table("En tiondel av frågorna i taget", ("frågor", "säkerhet", "rätt", "95 %"), rows)
    return _section(
        "Kalibrering",
        f"Säger boten 80 procent ska den ha rätt fyra gånger av fem. "
        f"I snitt skiljer det {_number(100 * found.calibration_error)} procentenheter (ECE).",
        _pair(plots.reliability(found.reliability), table),
    )


def _counts(name: str, title: str, what: str, counts: Counts) -> str:
    bars = [
        plots.Bar(group, tuple((part, _sum(by_grade, part)) for part in ("good", "needless", "bad")))
        for group, by_grade in counts.items()
    ]
    seen = [grade for grade in Grade if any(by_grade.get(grade) for by_grade in counts.values())]
    heads = (what.lower(), "antal", *(text.GRADES[grade] for grade in seen))
    rows = [
        [group, str(sum(by_grade.values())), *(str(by_grade.get(grade) or "") for grade in seen)]
        for group, by_grade in counts.items()
    ]
    description = "Staplarna visar hur stor del av varje grupp som slutade rätt, i onödan hos en person eller fel."
    plot = _key() + plots.bars(name, title, description, bars)
    return _section(title, "", _pair(plot, _table(f"{title}, antal", heads, rows)))


def _sum(by_grade: Mapping[Grade, int], part: plots.Part) -> int:
    return sum(count for grade, count in by_grade.items() if _PARTS[grade] == part)


def _owners(found: Figures) -> str:
    right = sorted({right for right, _ in found.confusion})
    named = sorted({got for _, got in found.confusion} - {NOBODY})
    named += [NOBODY] if any(got == NOBODY for _, got in found.confusion) else []
    lines = []
    for owner in right:
        cells = [f'<th scope="row">{escape(owner)}</th>']
        for got in named:
            count = found.confusion.get((owner, got), 0)
            kind = "" if not count or got == NOBODY else ' class="hit"' if got == owner else ' class="miss"'
            cells.append(f"<td{kind}>{count or ''}</td>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    heads = "".join(
        f'<th scope="col">{escape("ingen" if got == NOBODY else got)}</th>' for got in ("rätt ägare", *named)
    )
    caption = "Rader: rätt ägare. Kolumner: den som boten angav"
    table = _scroll(
        caption,
        f"<table><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>",
    )
    shares = sorted(found.owners.items(), key=lambda entry: (-entry[1].total, entry[0]))
    rows = [
        [owner, f"{share.hits} av {share.total}", text.percent(share.share), _between(share)] for owner, share in shares
    ]
    plot = plots.shares(
        "owners",
        "Rätt ägare",
        "Staplarna visar för varje ägare hur ofta boten angav den när den angav någon; strecket är intervallet.",
        shares,
    )
    beside = _table("Rätt ägare, där boten angav en", ("ägare", "antal", "andel", "95 %"), rows)
    return _section("Vems fråga det är", f"Rätt ägare: {text.shown(found.owner)}.", _pair(plot, beside) + table)


def _comparison(rows: Sequence[Row], skipped: Mapping[str, str]) -> str:
    lines = []
    for row in rows:
        measured = [(row.name, row.behind_rules)]
        if row.alone is not None:
            measured.append((f"{row.name}, utan lokbots regler", row.alone))
        for name, one in measured:
            lines.append(
                [
                    name,
                    text.percent(one.right.share),
                    _between(one.right),
                    text.percent(one.wrong.share),
                    _between(one.wrong),
                ]
            )
    plot = plots.shares(
        "baselines",
        "Besvarade rätt, jämfört",
        "Staplarna visar hur stor del av frågorna med svar som besvaras rätt, bakom samma regler som lokbots.",
        [(row.name, row.behind_rules.right) for row in rows],
    )
    table = _table("Jämförelse", ("sökning", "rätt", "95 %", "fel", "95 %"), lines)
    why = " ".join(f"{name}: {reason}" for name, reason in skipped.items())
    return _section(
        "Jämfört med enklare sökning",
        "Varje sökning svarar från den tröskel som håller de felaktiga svaren inom den tillåtna delen på "
        f"träningsfrågorna. Rätt räknas av frågor med svar, fel av alla. {why}".strip(),
        _pair(plot, table),
    )


def _mistakes(mistaken: Sequence[Graded]) -> str:
    order = list(Grade)
    rows = [
        [one.golden.id, text.GRADES[one.grade], one.golden.text, text.did(one), text.wanted(one)]
        for one in sorted(mistaken, key=lambda one: (one.grade is Grade.NEEDLESS_PERSON, order.index(one.grade)))
    ]
    table = _table("Frågor", ("id", "bedömning", "fråga", "boten", "rätt"), rows, is_words=True)
    return _section(f"Det som inte blev rätt ({len(rows)})", "", table)


# --------------------------------------------------------------------------- pieces


def _section(title: str, explanation: str, body: str) -> str:
    said = f"<p>{escape(explanation)}</p>" if explanation else ""
    return f"<section>\n<h2>{escape(title)}</h2>\n{said}{body}\n</section>"


def _pair(plot: str, table: str) -> str:
    return f'<div class="pair"><div>{plot}</div>{table}</div>'


def _key() -> str:
    items = "".join(
        f'<li><svg viewBox="0 0 14 14" aria-hidden="true"><rect class="{kind}" width="14" height="14"/></svg>'
        f"{label}</li>"
        for kind, label in _KEY.items()
    )
    return f'<ul class="key">{items}</ul>'


def _table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    chosen: Sequence[int] = (),
    is_words: bool = False,
) -> str:
    """A table in a frame of its own that scrolls sideways where the screen is narrow."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' if name else "<td></td>" for name in heads)
    lines = []
    for number, row in enumerate(rows):
        first, *rest = (escape(cell) for cell in row)
        kind = ' class="chosen"' if number in chosen else ""
        cells = "".join(f'<td class="text">{cell}</td>' if is_words else f"<td>{cell}</td>" for cell in rest)
        lines.append(f'<tr{kind}><th scope="row">{first}</th>{cells}</tr>')
    words = ' class="words"' if is_words else ""
    return _scroll(
        caption,
        f"<table{words}><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>",
    )


def _scroll(name: str, table: str) -> str:
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}">{table}</div>'


def _between(share: Share) -> str:
    return f"{_number(100 * share.low)}–{_number(100 * share.high)} %" if share.total else "–"


def _number(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}".replace(".", ",")
