"""What the steering group sees, and what coordinators see behind it: the page, its files, personal links to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote, urlencode

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lokbot import accounts
from lokbot.conversation.working_days import SWEDEN, loosely_dated
from lokbot.model import ChannelName, FactOutcome, Knowledge, LocalText, Role
from lokbot.statistics import demo, files, listing, months, pictures, printing, wording
from lokbot.statistics.figures import Chart, Figures, Filter, Period, View, available, default_period, figures
from lokbot.statistics.months import PeriodError
from lokbot.store import queries
from lokbot.web.visit import Visit

LONGEST = 60
"""Months of a period: five years are more than anybody compares."""

# The pictures under the headings of the page, by the id of their tables.
GROUPS = {
    "Vad frågorna gäller": ("topic-shares", "administrations"),
    "Vägar in och språk": ("channels", "languages"),
    "Vad som hände med frågorna": ("outcomes", "waiting", "open", "forwarded"),
    "Svaren": ("unanswered", "articles", "feedback", "reviewed"),
    "Lika för alla föreningar?": ("equal-terms",),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of the page asks for. ``base`` is where the page itself stands."""

    base: str
    view: View
    period: Period
    filters: Filter | None
    today: date

    def address(self, path: str = "", **more: str) -> str:
        """Another address about the same."""
        query = {"fran": self.period.first, "till": self.period.last}
        if self.filters is not None:
            query["urval"] = f"{self.filters.dimension}={self.filters.category}"
        return f"{self.base}{path}?{urlencode({**query, **more})}"


def page(visit: Visit) -> Response:
    return _page(visit, _asked(visit, "/statistik", _view(visit)))


def as_csv(visit: Visit) -> Response:
    return _file(visit, _asked(visit, "/statistik", _view(visit)), "csv")


def as_xlsx(visit: Visit) -> Response:
    return _file(visit, _asked(visit, "/statistik", _view(visit)), "xlsx")


def as_pdf(visit: Visit) -> Response:
    return _file(visit, _asked(visit, "/statistik", _view(visit)), "pdf")


def linked_page(visit: Visit) -> Response:
    """The published figures for whoever has a personal link."""
    return _page(visit, _linked(visit))


def linked_file(visit: Visit) -> Response:
    return _file(visit, _linked(visit), visit.path("ending"))


def behind(visit: Visit) -> Response:
    """The questions behind one of the coordinators' figures, with their cases; those that wait, if none is named."""
    asked = _asked(visit, "/statistik", View.COORDINATORS)
    dimension, category = visit.query("vad") or "outcome", visit.query("varde") or FactOutcome.OPEN
    number = min(queries.row_number(visit.query("sida")) or 1, 10_000)
    rows, has_more = listing.behind(visit.session, asked.period, dimension, category, asked.filters, page=number)
    return visit.page(
        "statistics_behind.html",
        rows=rows,
        has_more=has_more,
        number=number,
        asked=asked,
        here=lambda page: asked.address("/fragor", vad=dimension, varde=category, sida=str(page)),
        name=wording.name(dimension, category, visit.knowledge).get(visit.language),
        named=lambda what, key: wording.name(what, key, visit.knowledge).get(visit.language),
    )


# ------------------------------------------------------------------ what is asked for


def _view(visit: Visit) -> View:
    """Raw figures are for coordinators alone, who may also look at what the others see."""
    is_raw = visit.has(Role.COORDINATOR) and visit.query("visa") != "publicerat"
    return View.COORDINATORS if is_raw else View.STEERING


def _linked(visit: Visit) -> Asked:
    token = visit.path("token")
    if accounts.reader_of(visit.session, token) is None:
        raise HTTPException(404)
    return _asked(visit, f"/lasa/{quote(token, safe='')}", View.STEERING)


def _asked(visit: Visit, base: str, view: View) -> Asked:
    today = visit.now.astimezone(SWEDEN).date()
    since = default_period(visit.settings.statistics, view, today=today)
    period = Period(visit.query("fran") or since.first, visit.query("till") or since.last)
    if len(period) > LONGEST:
        raise PeriodError(f"Perioden är för lång. Välj högst {LONGEST} månader.")
    dimension, _, category = visit.query("urval").partition("=")
    return Asked(base, view, period, Filter(dimension, category) if dimension else None, today)


# ------------------------------------------------------------------ what is shown


def _figures(visit: Visit, asked: Asked) -> Figures:
    return figures(
        visit.session,
        asked.period,
        asked.filters,
        asked.view,
        knowledge=visit.knowledge,
        settings=visit.settings.statistics,
        today=asked.today,
    )


def _page(visit: Visit, asked: Asked) -> Response:
    found = _figures(visit, asked)
    language = visit.language
    is_raw = asked.view is View.COORDINATORS
    shown = {} if is_raw or not visit.has(Role.COORDINATOR) else {"visa": "publicerat"}

    def to_questions(dimension: str, category: str) -> str:
        return asked.address("/fragor", vad=dimension, varde=category) if is_raw else ""

    def drawn(chart: Chart) -> Markup:
        return Markup(pictures.figure(chart, language, behind=to_questions))

    charts = {chart.table.id: chart for chart in found.charts}
    groups = [(heading, [drawn(charts[one]) for one in names if one in charts]) for heading, names in GROUPS.items()]
    since = default_period(visit.settings.statistics, asked.view, today=asked.today)
    return visit.page(
        "statistics.html",
        asked=asked,
        found=found,
        is_raw=is_raw,
        is_demo=demo.is_demo(visit.session),
        through=loosely_dated(found.through.isoformat(), language) if found.through else "",
        sentences=[one.get(language) for one in found.sentences],
        notes=[one.get(language) for one in found.notes],
        table=Markup(pictures.table(found.table, language, behind=to_questions)),
        groups=[(heading, drawn_ones) for heading, drawn_ones in groups if drawn_ones],
        has_pdf=printing.is_there(),
        name=printing.TITLE.get(language),
        period=asked.period.name().get(language),
        standard=since,
        months=_months(visit, asked, since),
        choices=_choices(visit.knowledge, language),
        shown=shown,
        file=lambda ending: _path(asked, ending, shown),
    )


def _path(asked: Asked, ending: str, shown: Mapping[str, str]) -> str:
    path = f".{ending}" if asked.base == "/statistik" else f"/statistik.{ending}"
    return asked.address(path, **shown)


def _months(visit: Visit, asked: Asked, since: Period) -> Sequence[tuple[str, str]]:
    """The months that can be chosen, newest first."""
    there = available(visit.session, asked.view, today=asked.today) or since
    span = Period(min(there.first, asked.period.first), max(there.last, asked.period.last))
    return [(month, months.name(month).get(visit.language)) for month in reversed([*span])]


def _choices(knowledge: Knowledge, language: str) -> Mapping[str, Sequence[tuple[str, str]]]:
    """What figures can be narrowed to, by the heading of the choice."""

    def listed(dimension: str, named: Mapping[str, LocalText]) -> Sequence[tuple[str, str]]:
        pairs = [(f"{dimension}={key}", wording.first_upper(text).get(language)) for key, text in named.items()]
        return sorted(pairs, key=lambda pair: pair[1].casefold())

    return {
        "Rubrik": listed("topic", {key: topic.name for key, topic in knowledge.topics.items()}),
        "Förvaltning": listed("administration", {key: one.name for key, one in knowledge.administrations.items()}),
        "Kanal": listed("channel", {str(one): wording.name("channel", one, knowledge) for one in ChannelName}),
    }


def _file(visit: Visit, asked: Asked, ending: str) -> Response:
    if ending not in KINDS or (ending == "pdf" and not printing.is_there()):
        raise HTTPException(404)
    write, kind = KINDS[ending]
    content = write(_figures(visit, asked), visit.language, is_demo=demo.is_demo(visit.session))
    name = files.name(asked.period, ending)
    return Response(content, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})


KINDS = {
    "csv": (files.as_csv, "text/csv; charset=utf-8"),
    "xlsx": (files.as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "pdf": (printing.as_pdf, "application/pdf"),
}
