"""Plots as SVG to stand in a page: each with a title and a description, in sizes that can be read on a telephone.

A plot is 360 units wide, about the width of a small screen, so that its letters are never scaled down much.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from lokbot.evaluation.counting import Bin, Point, Share

WIDTH = 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 14, 40
_HEIGHT = 280
_ROW = 24
_NAMES = 142  # width of the names beside bars

Part = Literal["good", "needless", "bad"]


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of a bar plot: parts that add up to the whole, in the order given."""

    name: str
    parts: tuple[tuple[Part, int], ...]


def figure(name: str, title: str, description: str, height: float, body: Iterable[str]) -> str:
    """An SVG that screen readers tell as an image with ``title`` and ``description``; ``name`` is unique there."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
        f"{''.join(body)}</svg>"
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """A square of shares; ``low`` is where the upright axis begins."""

    low: float = 0.0

    def x(self, share: float) -> float:
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def y(self, share: float) -> float:
        return _TOP + (1 - share) / (1 - self.low) * (_HEIGHT - _TOP - _BOTTOM)

    def axes(self, across: str, up: str) -> list[str]:
        """Both axes with their steps, and what they mean."""
        parts = []
        for step in range(6):
            share = step / 5
            height = self.low + share * (1 - self.low)
            parts += [
                _line(self.x(0), self.y(height), self.x(1), self.y(height), "grid"),
                _text(self.x(0) - 6, self.y(height) + 4, f"{100 * height:.0f}", "end"),
                _text(self.x(share), self.y(self.low) + 16, f"{100 * share:.0f}", "middle"),
            ]
        middle = (self.y(1) + self.y(self.low)) / 2
        parts += [
            _text(self.x(0.5), self.y(self.low) + 34, across, "middle"),
            f'<text x="12" y="{middle:.1f}" text-anchor="middle" transform="rotate(-90 12 {middle:.1f})">'
            f"{escape(up)}</text>",
        ]
        return parts


def precision_over_coverage(points: Sequence[Point], chosen: Point) -> str:
    """How much is answered at each threshold, and how much of that is right."""
    lowest = min([point.precision for point in (*points, chosen)], default=0.0)
    frame = _Frame(low=min(0.75, int(lowest * 4) / 4))  # quarters give even steps
    line = " ".join(f"{frame.x(p.coverage):.1f},{frame.y(p.precision):.1f}" for p in _thinned(points))
    x, y = frame.x(chosen.coverage), frame.y(chosen.precision)
    description = (
        f"Linjen visar för varje tröskel hur stor del som besvaras och hur stor del av svaren som är rätt. "
        f"Vald tröskel {chosen.threshold:.2f}: {100 * chosen.coverage:.0f} procent besvaras, "
        f"{100 * chosen.precision:.1f} procent av svaren är rätt."
    )
    beside = "end" if x > WIDTH / 2 else "start"
    body = [
        *frame.axes("besvarade, %", "rätt av svaren, %"),
        f'<polyline class="curve" points="{line}"/>',
        f'<circle class="chosen" cx="{x:.1f}" cy="{y:.1f}" r="6"/>',
        _text(x + (-10 if beside == "end" else 10), y + 22, "vald tröskel", beside),
    ]
    return figure("coverage", "Precision och täckning", description, _HEIGHT, body)


def reliability(bins: Sequence[Bin]) -> str:
    """How sure and how right, a tenth of the questions each; perfectly calibrated on the diagonal."""
    frame = _Frame()
    body = [*frame.axes("säkerhet, %", "rätt, %"), _line(frame.x(0), frame.y(0), frame.x(1), frame.y(1), "ideal")]
    for one in bins:
        x = frame.x(one.confidence)
        body.append(_line(x, frame.y(one.accuracy.low), x, frame.y(one.accuracy.high), "whisker"))
        body.append(f'<circle class="dot" cx="{x:.1f}" cy="{frame.y(one.accuracy.share):.1f}" r="5"/>')
    description = (
        "Varje punkt är en tiondel av frågorna. Ligger den på den streckade linjen stämmer säkerheten med utfallet; "
        "strecket genom punkten är intervallet på 95 procent."
    )
    return figure("reliability", "Kalibrering", description, _HEIGHT, body)


def bars(name: str, title: str, description: str, rows: Sequence[Bar]) -> str:
    """A bar for each row, its parts as shares of the row."""
    body = []
    whole = WIDTH - _NAMES - 50
    for number, bar in enumerate(rows):
        top = 4 + number * _ROW
        total = sum(count for _, count in bar.parts)
        body.append(_text(_NAMES - 6, top + 14, _short(bar.name), "end"))
        x = float(_NAMES)
        for kind, count in bar.parts:
            if count:
                width = whole * count / total
                body.append(f'<rect class="{kind}" x="{x:.1f}" y="{top}" width="{width:.1f}" height="{_ROW - 6}"/>')
                x += width
        body.append(_text(WIDTH - 4, top + 14, str(total), "end"))
    return figure(name, title, description, 4 + len(rows) * _ROW, body)


def shares(name: str, title: str, description: str, rows: Sequence[tuple[str, Share]]) -> str:
    """A bar for each share, with a whisker for its interval."""
    whole = WIDTH - _NAMES - 50
    body = []
    for number, (label, share) in enumerate(rows):
        top = 4 + number * _ROW
        middle = top + (_ROW - 6) / 2
        low, high = (_NAMES + whole * bound for bound in (share.low, share.high))
        body += [
            _text(_NAMES - 6, top + 14, _short(label), "end"),
            f'<rect class="share" x="{_NAMES}" y="{top}" width="{whole * share.share:.1f}" height="{_ROW - 6}"/>',
            _line(low, middle, high, middle, "whisker"),
            _text(WIDTH - 4, top + 14, f"{100 * share.share:.0f} %", "end"),
        ]
    return figure(name, title, description, 4 + len(rows) * _ROW, body)


def _short(name: str, longest: int = 18) -> str:
    """A name that fits beside its bar; the table beside the plot has it whole."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _thinned(points: Sequence[Point], most: int = 200) -> Sequence[Point]:
    """At most so many points, the ends among them: no screen shows more."""
    if len(points) <= most:
        return points
    return [points[round(place * (len(points) - 1) / (most - 1))] for place in range(most)]


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
