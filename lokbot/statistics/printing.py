"""The figures with their pictures on a page of its own, and that as a tagged PDF on A4 where the extra is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from importlib.util import find_spec

from lokbot.model import LocalText, UserError
from lokbot.statistics import files, pictures
from lokbot.statistics.shapes import Chart, Figures

Picture = Callable[[Chart, str], str]
"""A chart and a language -> its picture as HTML; empty where there is none."""

TITLE = LocalText("Statistik om föreningarnas frågor", "Statistics of what associations ask")

ON_THE_WEB = LocalText("Statistiken på webben", "The statistics on the web")

STYLE = """
@page { size: A4; margin: 18mm 16mm; @bottom-right { content: counter(page) " / " counter(pages); font-size: 9pt } }
html { font: 10.5pt/1.45 Roboto, Arial, "DejaVu Sans", sans-serif; color: #2d2d2d }
h1 { font-size: 18pt; color: #ae0b05; margin: 0 0 4mm }
figure { margin: 6mm 0; break-inside: avoid }
caption { text-align: left; font-weight: bold; font-size: 12pt; padding-bottom: 1mm }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; border-bottom: 1px solid #c8c8c8; padding: 1mm 2mm 1mm 0; font-weight: normal }
thead th { font-weight: bold }
svg { width: 78mm; margin-top: 3mm }
.demo { border: 2px solid #ae0b05; padding: 2mm; font-weight: bold }
"""


class NoPdf(UserError):
    """PDF cannot be written here; the message says what to do instead."""

    exit_code = 4


def is_there() -> bool:
    """Whether PDF can be written."""
    return find_spec("weasyprint") is not None


def as_pdf(figures: Figures, language: str, *, is_demo: bool = False) -> bytes:
    """A document that screen readers can read (PDF/UA). Raises NoPdf without the extra."""
    if not is_there():
        raise NoPdf("PDF kräver tillägget: pip install ”lokbot[pdf]”. Skriv annars ut sidan från webbläsaren.")
    import weasyprint  # a second that no other command need wait for

    html = page(figures, language, is_demo=is_demo)
    written: bytes = weasyprint.HTML(string=html, url_fetcher=_refuse).write_pdf(pdf_variant="pdf/ua-1")
    return written


def page(
    figures: Figures,
    language: str,
    *,
    is_demo: bool = False,
    picture: Picture = pictures.picture,
    address: str = "",
) -> str:
    """Sentences, then each table with its picture below it, as HTML that needs nothing else. ``address``: where to look
    at the figures on the web.
    """
    return "".join(_page(figures, language, is_demo, picture, address))


def _page(figures: Figures, language: str, is_demo: bool, picture: Picture, address: str) -> Iterator[str]:
    title = f"{TITLE.get(language)}, {figures.period.name().get(language)}"
    yield f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
    yield f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>"
    if is_demo:
        yield f'<p class="demo">{escape(files.DEMO.get(language))}</p>'
    for line in files.intro(figures, language):
        yield f"<p>{escape(line)}</p>"
    yield f"<figure>{pictures.plain_table(figures.table, language)}</figure>"
    for chart in figures.charts:
        yield f"<figure>{pictures.plain_table(chart.table, language)}{picture(chart, language)}</figure>"
    for line in files.notes(figures, language):
        yield f"<p>{escape(line)}</p>"
    if address:
        told = escape(ON_THE_WEB.get(language))
        yield f'<p><a href="{escape(address)}">{told}</a></p>'
    yield "</body></html>"


def _refuse(url: str) -> dict[str, object]:
    """Nothing is fetched for it from anywhere."""
    raise ValueError(f"the statistics refer to {url}")
