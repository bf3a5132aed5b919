"""Figures are those that a plain count over the script of a year gives; what is published stays what it was."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from itertools import product
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert, select, update

from lokbot.config import StatisticsSettings
from lokbot.model import Knowledge
from lokbot.statistics import closing, demo, facts, files, pictures, printing, report
from lokbot.statistics.figures import (
    Figures,
    Filter,
    FilterError,
    Period,
    Table,
    View,
    default_period,
    figures,
)
from lokbot.statistics.report import Report
from lokbot.store.schema import Fact, FactCell, PublishedCell, PublishedMonth
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.scripted_year import ENDS, Line, group_of, play, script
from tests.integration.world import SEND

TODAY = date(2026, 11, 26)
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
SETTINGS = StatisticsSettings(meetings=(date(2026, 8, 20), date(2026, 12, 3)))
YEAR = Period("2025-12", "2026-11")


def seen(
    sessions: Sessions,
    period: Period = YEAR,
    view: View = View.COORDINATORS,
    chosen: Filter | None = None,
    knowledge: Knowledge | None = None,
) -> Figures:
    with sessions.begin() as session:
        return figures(
            session,
            period,
            chosen,
            view,
            knowledge=knowledge or sample.knowledge(),
            settings=SETTINGS,
            today=TODAY,
        )


def numbers(table: Table) -> dict[str, int | None]:
    return {row.key: row.cells[0].number for row in table.rows if row.key}


def chart(found: Figures, name: str) -> Table:
    return next(one.table for one in found.charts if one.table.id == name)


def sums(table: Table) -> dict[str, int]:
    return {row.key: sum(cell.number or 0 for cell in row.cells) for row in table.rows}


def of_questions(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.outcome != "automatic"]


# ------------------------------------------------------------------ what coordinators see


@pytest.fixture(params=[11, 12])
def lines(request: pytest.FixtureRequest, sessions: Sessions) -> list[Line]:
    found = script(request.param, count=120)
    play(sessions, found)
    return found


def test_raw_figures_are_those_of_the_script(sessions: Sessions, lines: list[Line]) -> None:
    for period in (YEAR, Period("2026-03", "2026-03"), Period("2026-10", "2026-11"), Period("2025-12", "2026-01")):
        asked = [line for line in of_questions(lines) if period.first <= line.month <= period.last]
        found = seen(sessions, period)
        assert found.questions.number == len(asked)
        assert found.conversations.number == len([line for line in asked if not line.joins])
        # An erased one counts as an association of its own: nobody can tell which it was.
        named = {group_of(line.asker) for line in asked if not line.is_erased} - {None}
        erased = [line for line in asked if line.is_erased and _had_association(line)]
        assert found.associations.number == len(named) + len(erased)
        if period == YEAR:
            assert numbers(found.table) == dict(Counter(line.counted_topic for line in asked))
        assert numbers(chart(found, "channels")) == dict(Counter(str(line.channel) for line in asked))
        languages = Counter({"sv": "svenska", "en": "engelska"}.get(line.language, "annat") for line in asked)
        assert numbers(chart(found, "languages")) == dict(languages)
        ends = Counter(line.outcome for line in asked)
        assert sums(chart(found, "outcomes")) == {row.key: ends[row.key] for row in chart(found, "outcomes").rows}
        by_month = chart(found, "outcomes")
        for place, month in enumerate(found.months):
            counted = Counter(line.outcome for line in asked if line.month == month)
            assert {row.key: row.cells[place].number for row in by_month.rows} == {
                row.key: counted[row.key] for row in by_month.rows
            }


def _had_association(line: Line) -> bool:
    return group_of(line.asker) is not None


def test_a_scripted_year_holds_what_can_go_wrong(lines: list[Line]) -> None:
    assert {line.end for line in lines} == {*ENDS}
    assert sum(line.joins is not None for line in lines) > 2
    assert any(line.joins and line.joins.person != line.person for line in lines)
    assert sum(line.is_erased for line in lines) > 4
    assert sum(line.corrected_to is not None for line in lines) > 4


def test_waiting_and_what_was_said_of_answers_are_those_of_the_script(sessions: Sessions, lines: list[Line]) -> None:
    for period in (YEAR, Period("2026-03", "2026-03"), Period("2026-10", "2026-11")):
        asked = [line for line in of_questions(lines) if period.first <= line.month <= period.last]
        found = seen(sessions, period)
        for name, values in (
            ("feedback", Counter("yes" if line.helped else "no" for line in asked if line.helped is not None)),
            ("reviewed", Counter(line.verdict for line in asked)),
        ):
            assert numbers(chart(found, name)) == {row.key: values[row.key] for row in chart(found, name).rows}
        for month, row in zip(found.months, chart(found, "waiting").rows, strict=True):
            waits = sorted(
                worked(line.at, line.replied_at)
                for line in asked
                if line.month == month and line.replied_at is not None
            )
            middle = waits[len(waits) // 2] if waits else None
            assert row.cells[0].text.sv == told_of_wait(middle), (month, waits)


def worked(since: datetime, until: datetime) -> int:
    """Working minutes, counted one by one: 8 to 16, no weekends, no days off as the calendar on the wall has them."""
    sweden, total = ZoneInfo("Europe/Stockholm"), 0
    minute = since.replace(second=0)
    while minute < until:
        local = minute.astimezone(sweden)
        total += local.weekday() < 5 and f"{local:%m-%d}" not in DAYS_OFF and 8 <= local.hour < 16
        minute += timedelta(minutes=1)
    return total


# Of December 2025 to December 2026, those that are no weekend.
DAYS_OFF = (
    "12-24", "12-25", "12-26", "12-31", "01-01", "01-06", "04-03", "04-06", "05-01", "05-14", "06-19",
)  # fmt: skip


def told_of_wait(minutes: int | None) -> str:
    if minutes is None:
        return "ingen fick det"
    for most, said in (
        (60, "inom en arbetstimme"),
        (240, "inom fyra arbetstimmar"),
        (480, "inom en arbetsdag"),
        (960, "inom två arbetsdagar"),
        (2400, "inom fem arbetsdagar"),
    ):
        if minutes <= most:
            return said
    return "efter mer än fem arbetsdagar"


def test_narrowed_raw_figures_are_those_of_the_script(sessions: Sessions, lines: list[Line]) -> None:
    for topic in ("lokaler", "kontakt"):
        asked = [line for line in of_questions(lines) if line.counted_topic == topic]
        found = seen(sessions, chosen=Filter("topic", topic))
        assert found.questions.number == len(asked)
        assert numbers(chart(found, "channels")) == dict(Counter(str(line.channel) for line in asked))
        assert sums(chart(found, "outcomes"))["person"] == sum(line.outcome == "person" for line in asked)


def test_a_rebuild_changes_no_figure(sessions: Sessions, lines: list[Line]) -> None:
    before = seen(sessions)
    done = facts.rebuild(sessions, SEND.promise)
    assert done.kept == sum(line.is_erased for line in lines)
    assert done.derived == len(lines) - done.kept
    assert seen(sessions) == before


def test_shares_add_up_to_the_whole(sessions: Sessions, lines: list[Line]) -> None:
    found = seen(sessions)
    assert sum(sums(chart(found, "outcomes")).values()) == found.questions.number == len(of_questions(lines))
    assert found.through == TODAY


# ------------------------------------------------------------------ what is published


@pytest.fixture
def year(sessions: Sessions) -> Sessions:
    """A year of invented facts, closed."""
    with sessions.begin() as session:
        demo.fill(session, seed=5, until=TODAY, knowledge=sample.knowledge())
        closing.close_due(session, SETTINGS, sample.knowledge(), now=NOW, today=TODAY)
    return sessions


def everything_published(sessions: Sessions) -> list[Figures]:
    """All that a member of the steering group can ask for: every period, every selection."""
    months = [*Period("2025-11", "2026-10")]
    periods = [Period(first, last) for place, first in enumerate(months) for last in months[place::5]]
    with sessions.begin() as session:
        scopes = {scope for (scope,) in session.execute(select(PublishedCell.scope).distinct())}
    filters = [None, *(Filter(*scope.partition("=")[::2]) for scope in sorted(scopes) if not_kind(scope))]
    return [seen(sessions, period, View.STEERING, chosen) for period in periods[::4] for chosen in filters] + [
        seen(sessions, Period(month, month), View.STEERING) for month in months
    ]


def not_kind(scope: str) -> bool:
    return scope.startswith(("topic=", "administration=", "channel=")) and not scope.endswith("=")


def test_the_steering_group_sees_nothing_but_what_was_published(year: Sessions) -> None:
    """Attackers may combine all they see: it is made of the published cells alone, which give no hidden one away."""
    before = everything_published(year)
    with year.begin() as session:
        session.execute(update(Fact).values(topic="hemligt", contact="x", first_reply_minutes=1))
        session.execute(update(FactCell).values(questions=FactCell.questions + 1))
    assert everything_published(year) == before
    with year.begin() as session:
        session.execute(delete(Fact))
        session.execute(delete(FactCell))
    assert everything_published(year) == before


def test_published_cells_are_true_and_of_enough_people(year: Sessions) -> None:
    with year.begin() as session:
        rows = [row for row in session.execute(select(*facts.COLUMNS)) if row.outcome != "automatic"]
        published = session.execute(select(*PublishedCell.__table__.c)).all()
    assert len(published) > 100
    for cell in published:
        if cell.dimension in ("wait", "oldest", "associations", "automatic", "question"):
            continue
        inside = [row for row in rows if row.month == cell.month and is_in(row, cell)]
        assert len(inside) == cell.questions
        assert len({row.contact for row in inside}) >= SETTINGS.least


def is_in(row: Any, cell: Any) -> bool:
    """Reckoned anew, beside the code that counts."""
    values = {
        "topic": row.topic or "",
        "administration": row.administration or "",
        "channel": row.channel,
        "language": row.language,
        "outcome": row.outcome,
        "forwarded": "returned" if row.returned else str(min(row.forwarded, 2)),
        "feedback": row.feedback or "",
        "verdict": row.verdict or "",
        "theme": row.theme or "",
        "kind": "unknown" if row.association is None else row.association_kind or "other",
        "article": (row.article or "") if row.outcome in ("bot", "suggestion") else "",
        "conversation": "first" if row.is_first else "later",
    }
    dimension, _, category = cell.scope.partition("=")
    return values[cell.dimension] == cell.category and (not dimension or values[dimension] == category)


def test_a_closed_month_is_never_decided_again(year: Sessions) -> None:
    before = seen(year, YEAR, View.STEERING)
    with year.begin() as session:
        session.execute(update(Fact).values(outcome="bot"))
        stricter = SETTINGS.model_copy(update={"least": 50})
        assert closing.close_due(session, stricter, sample.knowledge(), now=NOW, today=TODAY) == []
    assert seen(year, YEAR, View.STEERING) == before
    assert before.months[-1] == "2026-10"
    assert before.through == date(2026, 10, 31)


def test_hidden_figures_read_alike_everywhere(year: Sessions) -> None:
    found = seen(year, Period("2026-10", "2026-10"), View.STEERING)
    hidden = [
        cell.text.sv
        for table in files.tables(found)
        for row in table.rows
        for cell in row.cells
        if cell.number is None and cell.text.sv not in ("–", "visas inte", "gick ut 31 mars 2026", "inte godkänt än")
    ]
    assert hidden
    # Of kinds of association: how long half waited, and the least share that was answered.
    assert {text for text in hidden if not re.match("inom|minst .*%", text)} == {"färre än 5"}
    longer = seen(year, Period("2026-08", "2026-10"), View.STEERING)
    texts = {cell.text.sv for table in files.tables(longer) for row in table.rows for cell in row.cells}
    assert "färre än 5 varje månad" in texts
    assert any(text.startswith("minst ") for text in texts)


def test_a_published_selection_has_the_number_that_all_has_for_it(year: Sessions) -> None:
    """It once read “fewer than 5” of the commonest topic: only its outcomes were read."""
    period = Period("2026-08", "2026-10")
    whole, checked = seen(year, period, View.STEERING), 0
    tables = {
        "topic": whole.table,
        "channel": chart(whole, "channels"),
        "administration": chart(whole, "administrations"),
    }
    for dimension, table in tables.items():
        for row in table.rows:
            if row.key:
                found = seen(year, period, View.STEERING, Filter(dimension, row.key))
                assert found.questions == row.cells[0]
                assert row.cells[0].text.sv.split()[0] in found.sentences[0].sv
                checked += row.cells[0].number is not None
    assert checked > 4


def test_everybody_sees_which_answers_were_never_sent_and_which_have_expired(sessions: Sessions) -> None:
    """For the steering group an answer that nobody got reads as one that few got, to the letter of every file."""
    pages: dict[int, list[Any]] = {0: [], 4: [], 6: []}
    for times, shown in pages.items():
        with sessions.begin() as session:
            for table in (Fact, FactCell, PublishedCell, PublishedMonth):
                session.execute(delete(table))
            rows = [answered(number, "ga-med") for number in range(30)]
            rows += [answered(30 + number, "lana-lokal" if number < times else None) for number in range(10)]
            session.execute(insert(Fact), rows)
            closing.close_due(session, SETTINGS, sample.knowledge(), now=NOW, today=TODAY)
        found = seen(sessions, Period("2026-10", "2026-10"), View.STEERING)
        shown += [found, files.as_csv(found, "sv"), files.as_mail(found, "sv"), printing.page(found, "sv")]
    assert pages[0] == pages[4]
    seldom = "Ytterligare {} svar skickades så sällan att siffrorna inte visas, eller inte alls. De står på webben."
    for times, others in ((0, 3), (4, 3), (6, 2)):
        answers = chart(pages[times][0], "articles")
        assert answers.others is not None
        assert answers.others.sv == seldom.format(others)
        assert {row.key for row in answers.rows} - {row.key for row in answers.brief().rows} == {
            "idrottens-stod",
            "startbidrag",
            *(["lana-lokal"] if times < 6 else []),
        }
        for written in pages[times][2:]:
            assert seldom.format(others) in written
    cells = {row.key: [cell.text.sv for cell in row.cells] for row in chart(pages[6][0], "articles").rows}
    assert cells["lana-lokal"] == ["6", "–"]
    cells = {row.key: [cell.text.sv for cell in row.cells] for row in chart(pages[4][0], "articles").rows}
    assert cells == {
        "ga-med": ["30", "–"],
        "idrottens-stod": ["färre än 5", "–"],
        "lana-lokal": ["färre än 5", "–"],
        "skatepark": ["färre än 5", "gick ut 31 mars 2026"],
        "startbidrag": ["färre än 5", "–"],
        "valberedning": ["färre än 5", "inte godkänt än"],
    }


def answered(number: int, article: str | None) -> dict[str, Any]:
    """A fact of October that the bot answered with an article."""
    row = demo.demo_facts(1, until=date(2026, 10, 31), knowledge=sample.knowledge())[0]
    return {
        **row,
        "question_id": number,
        "conversation_id": number,
        "day": date(2026, 10, 15),
        "month": "2026-10",
        "topic": "lokaler",
        "outcome": "bot",
        "article": article,
        "contact": f"{number:032x}",
    }


def test_few_people_show_nothing(sessions: Sessions) -> None:
    with sessions.begin() as session:
        rows = demo.demo_facts(1, until=TODAY, knowledge=sample.knowledge())
        few = [{**row, "contact": row["contact"][0] if row["contact"] < "2" else "z"} for row in rows[:300]]
        session.execute(insert(Fact), few)
        closing.close_due(session, SETTINGS, sample.knowledge(), now=NOW, today=TODAY)
        assert session.scalars(select(PublishedMonth.month)).all()
        assert [row for row in session.scalars(select(PublishedCell)) if row.dimension == "topic"] == []
    found = seen(sessions, Period("2025-12", "2025-12"), View.STEERING)
    assert found.questions.text.sv == "färre än 5"
    assert found.sentences[0].sv.startswith("Under perioden december 2025 kom färre än 5 frågor")


def test_equal_terms_need_known_associations(year: Sessions) -> None:
    assert "equal-terms" in {one.table.id for one in seen(year).charts}
    with year.begin() as session:
        unknown = update(FactCell).where(FactCell.dimension == "kind", FactCell.category == "unknown")
        session.execute(unknown.values(questions=FactCell.questions + 400))
        total = update(FactCell).where(FactCell.dimension == "question", FactCell.scope == "")
        session.execute(total.values(questions=FactCell.questions + 400))
    assert "equal-terms" not in {one.table.id for one in seen(year).charts}


def test_what_cannot_be_selected_is_said() -> None:
    with pytest.raises(FilterError, match="Välj bland: topic, administration, channel"):
        Filter("language", "sv")


def test_no_figure_is_of_a_language_and_a_kind_of_association(year: Sessions) -> None:
    """Neither raw nor published, neither counted within the other."""
    pairs = ("language", "kind")
    with year.begin() as session:
        for table in (FactCell, PublishedCell):
            found = session.execute(select(table.scope, table.dimension).distinct()).all()
            assert {"language", "kind"} <= {dimension for _, dimension in found}
            crossed = {frozenset((scope.partition("=")[0], dimension)) for scope, dimension in found}
            assert frozenset(pairs) not in crossed
    for dimension in pairs:
        with pytest.raises(FilterError):
            Filter(dimension, "svenska")


def test_a_month_nobody_asked_in_has_a_sentence(sessions: Sessions) -> None:
    found = seen(sessions, Period("2026-05", "2026-05"), View.STEERING)
    assert [one.sv for one in found.sentences] == ["För perioden maj 2026 finns inga siffror att visa."]
    assert (found.charts, found.through) == ((), None)


def test_the_default_is_since_the_last_meeting() -> None:
    assert default_period(SETTINGS, View.STEERING, today=TODAY) == Period("2026-08", "2026-10")
    assert default_period(SETTINGS, View.COORDINATORS, today=TODAY) == Period("2026-08", "2026-11")


def test_five_sentences_in_both_languages(year: Sessions) -> None:
    sentences = [seen(year, Period("2026-08", "2026-10"), view).sentences for view in View]
    assert [len(found) for found in sentences] == [5, 5]
    for sentence in (*sentences[0], *sentences[1]):
        assert sentence.sv
        assert sentence.en
        assert sentence.sv != sentence.en
        for word in ("median", "p90", "{", "}", "  "):
            assert word not in sentence.sv
            assert word not in sentence.en


# ------------------------------------------------------------------ the same everywhere


class Page(HTMLParser):
    """The captions and cells of a page, in the order in which they are read."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag == "table":
            self.tables.append([])
        if tag in ("tr", "caption"):
            self.tables[-1].append([])
        if tag in ("th", "td", "caption"):
            self._text = []

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td", "caption") and self._text is not None:
            self.tables[-1][-1].append("".join(self._text))
            self._text = None


def of_page(found: Figures, language: str) -> list[list[list[str]]]:
    page = Page()
    page.feed("".join(pictures.table(table, language) for table in files.tables(found)))
    return page.tables


def of_csv(found: Figures, language: str) -> tuple[list[str], list[list[list[str]]]]:
    content = files.as_csv(found, language)
    assert content.startswith(b"\xef\xbb\xbf")
    blocks: list[list[list[str]]] = [[]]
    for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"):
        if row:
            blocks[-1].append([value.removeprefix("'") for value in row])
        else:
            blocks.append([])
    return [row[0] for row in blocks[0]], blocks[1:-1]


SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def of_xlsx(found: Figures, language: str) -> tuple[list[str], list[list[list[str]]]]:
    return of_book(files.as_xlsx(found, language))


def of_book(content: bytes) -> tuple[list[str], list[list[list[str]]]]:
    """The lines of the first sheet, and the cells of each other one."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        shared = [
            "".join(part.text or "" for part in one.iter(f"{SHEET}t"))
            for one in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        ]
        names = sorted(
            (name for name in book.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)),
            key=lambda name: int(re.sub(r"\D", "", name)),
        )
        sheets = []
        for name in names:
            rows = []
            for row in ElementTree.fromstring(book.read(name)).iter(f"{SHEET}row"):
                rows.append([_value(cell, shared) for cell in row])
                assert all(cell.find(f"{SHEET}f") is None for cell in row), "no formulas"
            sheets.append(rows)
    return [row[0] for row in sheets[0]], sheets[1:]


def _value(cell: ElementTree.Element, shared: list[str]) -> str:
    value = cell.find(f"{SHEET}v")
    text = "" if value is None else value.text or ""
    return shared[int(text)] if cell.get("t") == "s" else text


def of_mail(found: Figures, language: str) -> tuple[list[str], list[list[list[str]]]]:
    """Sentences, and the cells of each table without its heads (which each line says); what the rest are, last."""
    first, *blocks, _notes = files.as_mail(found, language).split("\n\n\n")
    tables = []
    told_of = ["", *(chart.description.get(language) for chart in found.charts)]
    for block, table, said in zip(blocks, files.tables(found), told_of, strict=True):
        title, *lines = block.split("\n")
        if said:
            assert lines.pop(0) == said, "what the picture shows, in words"
        if table.others is not None:
            assert lines.pop() == table.others.get(language)
        rows = [[title]]
        for line, row in zip(lines, table.brief().rows, strict=True):
            label = row.label.get(language)
            assert line.startswith(f"{label}: ")
            told = line.removeprefix(f"{label}: ").split("; ") if row.cells else []
            heads = [column.get(language) for column in table.columns[1:]]
            rows.append([label, *(one.removeprefix(f"{head} ") for one, head in zip(told, heads, strict=True))])
        tables.append(rows)
    return first.split("\n\n"), tables


def test_page_files_and_mail_say_the_same_cell_by_cell(year: Sessions) -> None:
    for view, chosen in product(View, (None, Filter("topic", "anslutning"))):
        found = seen(year, Period("2026-06", "2026-10"), view, chosen)
        for language in ("sv", "en"):
            say_the_same(found, language)


def say_the_same(found: Figures, language: str) -> None:
    sentences = [sentence.get(language) for sentence in found.sentences]
    page = of_page(found, language)
    assert sum(len(row) for table in page for row in table) > 20
    for told, tables in (of_csv(found, language), of_xlsx(found, language)):
        assert told[: len(sentences)] == sentences
        assert tables == page
    told, tables = of_mail(found, language)
    assert told[: len(sentences)] == sentences
    assert [[row[0] for row in tables[n][:1]] for n in range(len(tables))] == [[one[0][0].upper()] for one in page]
    assert [table[1:] for table in tables] == [table[2:] for table in in_brief(page)]
    printed = Page()
    printed.feed(printing.page(found, language))
    assert printed.tables == in_brief(page)


IN_BRIEF = re.compile(r"(färre än|fewer than) 5( varje månad| each month)?|0")


def in_brief(page: Sequence[list[list[str]]]) -> list[list[list[str]]]:
    """The tables of print and mail: without the answers that hardly anybody got and that need nothing."""
    answers = ("Svaren, och hur ofta de skickades", "The answers, and how often they were sent")
    return [
        [row for row in table if not (row[-1] == "–" and len(row) == 3 and IN_BRIEF.fullmatch(row[1]))]
        if table[0][0] in answers
        else table
        for table in page
    ]


def test_nothing_in_a_file_runs_as_a_formula(year: Sessions) -> None:
    with year.begin() as session:
        evil = update(PublishedCell).where(PublishedCell.dimension == "topic", PublishedCell.category == "anslutning")
        session.execute(evil.values(category="=HYPERLINK(1)"))
    found = seen(year, Period("2026-10", "2026-10"), View.STEERING)
    assert "=HYPERLINK(1)" in {row.label.sv for row in found.table.rows}
    rows = csv.reader(io.StringIO(files.as_csv(found, "sv").decode("utf-8-sig"), newline=""), delimiter=";")
    values = [value for row in rows for value in row]
    assert "'=HYPERLINK(1)" in values
    assert [value for value in values if value[:1] in ("=", "@", "\t") or re.match(r"[+-]\D", value)] == []


# ------------------------------------------------------------------ the report


def test_a_report_is_due_once_a_week_before_the_meeting(year: Sessions) -> None:
    with year.begin() as session:
        assert report.due(session, SETTINGS, today=date(2026, 11, 25)) == []
        (due,) = report.due(session, SETTINGS, today=TODAY)
        assert due == Report(meeting=date(2026, 12, 3))
        subject, text, _ = report.compose(session, due, knowledge=sample.knowledge(), settings=SETTINGS, today=TODAY)
        assert subject == "Statistik till styrgruppens möte torsdag den 3 december 2026"
        first, *_ = text.split("\n\n\n")
        assert first.split("\n\n")[0] == "DEMODATA: siffrorna är påhittade."
        assert seen_in(session, Period("2026-08", "2026-10")).sentences[0].sv in first
        report.mark(session, due, now=NOW)
        assert report.due(session, SETTINGS, today=TODAY) == []


def seen_in(session: Any, period: Period) -> Figures:
    return figures(session, period, None, View.STEERING, knowledge=sample.knowledge(), settings=SETTINGS, today=TODAY)


def test_a_monthly_report_where_it_is_wanted(year: Sessions) -> None:
    monthly = SETTINGS.model_copy(update={"meetings": (), "report_monthly": True})
    with year.begin() as session:
        (due,) = report.due(session, monthly, today=TODAY)
        subject, text, _ = report.compose(
            session, due, knowledge=sample.knowledge(), settings=monthly, today=TODAY, language="en"
        )
    assert (due.month, subject) == ("2026-10", "Statistics for October 2026")
    assert "In the period October 2026" in text
