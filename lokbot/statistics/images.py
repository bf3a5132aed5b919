"""The figures as the page of a mail: the tables, and the pictures as PNG, since mail programs show no SVG.

A server has no fonts, so the letters are drawn with one that is installed with lokbot, everywhere alike.
"""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import as_file, files

from lokbot.conversation import staff_mail
from lokbot.conversation.staff_mail import Page
from lokbot.statistics import pictures, printing
from lokbot.statistics.shapes import Chart, Figures

_FINE = 2  # dots for each unit of a picture, so that it is sharp on good screens


def as_page(figures: Figures, language: str, *, is_demo: bool = False, address: str = "") -> Page:
    """The page of the report, and its pictures. ``address``: where to look at the figures on the web."""
    images = []

    def shown(chart: Chart, language: str) -> str:
        drawn = pictures.picture(chart, language)
        if not drawn:
            return ""
        name = f"{chart.table.id}@lokbot"
        images.append(staff_mail.attached(name, "image/png", png(drawn)))
        said = escape(f"{chart.table.title.get(language)}. {chart.description.get(language)}")
        return f'<p><img src="cid:{name}" alt="{said}" width="{pictures.WIDTH}"></p>'

    html = printing.page(figures, language, is_demo=is_demo, picture=shown, address=address)
    return Page(html, tuple(images))


def png(svg: str) -> bytes:
    """A picture of ``pictures`` in dots, on white."""
    import resvg_py

    return resvg_py.svg_to_bytes(
        svg, zoom=_FINE, background="white", skip_system_fonts=True, font_files=[_font()], font_family="Source Sans Pro"
    )


@cache
def _font() -> str:
    with as_file(files("font_source_sans_pro") / "files" / "SourceSansPro-Regular.ttf") as path:
        return str(path)
