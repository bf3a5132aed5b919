"""The statistics on the web: who sees what, the same figures everywhere, the questions behind them, personal links."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from html import unescape
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import delete, select, update

from lokbot import service
from lokbot.config import SmtpSettings, StatisticsSettings
from lokbot.conversation import staff_mail
from lokbot.model import LocalText, OutgoingMessage, Role
from lokbot.statistics import closing, demo, files, images, pictures, printing, report
from lokbot.statistics.figures import Chart, Figures, Period, View, default_period, figures
from lokbot.statistics.shapes import Cell, Row, Table
from lokbot.store.schema import Event, Fact, PublishedCell, PublishedMonth, ReadingLink, StaffMail, User
from lokbot.store.session import Sessions
from tests.integration.browser import SITE, DeskWorld, Person, hidden
from tests.integration.test_figures import Page as Parsed
from tests.integration.test_figures import in_brief, of_book
from tests.integration.world import SEND, World, edited

TODAY = date(2026, 11, 26)
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
STATISTICS = StatisticsSettings(meetings=(date(2026, 8, 20), date(2026, 12, 3)), report_to=("Alla@styr.example",))


@pytest.fixture
def desk(sessions: Sessions) -> DeskWorld:
    """A year of invented facts, of which the closed months are published."""
    smtp = SmtpSettings(host="smtp.stad.example", from_address="lok@stad.example")
    world = World(sessions, SEND.model_copy(update={"statistics": STATISTICS, "smtp": smtp}), now=NOW)
    with sessions.begin() as session:
        demo.fill(session, seed=5, until=TODAY, knowledge=world.knowledge)
        closing.close_due(session, STATISTICS, world.knowledge, now=NOW, today=TODAY)
    return DeskWorld(world)


def steering(desk: DeskWorld) -> Person:
    return desk.person("stina@styr.example", "Stina Styr", (Role.STEERING,))


def found(desk: DeskWorld, view: View, period: Period | None = None) -> Figures:
    with desk.world.sessions.begin() as session:
        return figures(
            session,
            period or default_period(STATISTICS, view, today=TODAY),
            None,
            view,
            knowledge=desk.world.active.knowledge,
            settings=STATISTICS,
            today=TODAY,
        )


def tables(page: str) -> list[list[list[str]]]:
    parsed = Parsed()
    parsed.feed(page)
    return parsed.tables


# ------------------------------------------------------------------ who sees what


def test_the_steering_group_sees_what_was_published(desk: DeskWorld) -> None:
    person = steering(desk)
    page = person.see("/statistik")
    expected = found(desk, View.STEERING)
    assert [sentence.sv in unescape(page) for sentence in expected.sentences] == [True] * 5
    assert "Data till och med 31 oktober 2026" in page
    assert "Demodata" in page
    assert "färre än 5" in page
    assert "Rådata" not in page
    assert "/statistik/fragor" not in page
    # Nothing that they may write in the address shows more.
    for more in ("?visa=raw", "?fran=2026-08&till=2026-11", "?visa=publicerat"):
        assert "Rådata" not in person.see(f"/statistik{more}")
    assert person.client.get("/statistik/fragor?vad=topic&varde=lokaler").status_code == 403
    raw = person.see("/statistik?fran=2026-11&till=2026-11")
    assert "finns inga siffror att visa" in raw, "November is not closed"


def test_what_facts_say_by_now_changes_nothing_for_the_steering_group(desk: DeskWorld) -> None:
    person = steering(desk)
    before = [person.client.get(f"/statistik{ending}").content for ending in ("", ".csv")]
    with desk.world.sessions.begin() as session:
        session.execute(update(Fact).values(topic="hemligt", outcome="open"))
        session.execute(delete(Fact).where(Fact.question_id % 2 == 0))
    assert [person.client.get(f"/statistik{ending}").content for ending in ("", ".csv")] == before


def test_coordinators_see_raw_figures_labelled_so_or_what_the_others_see(desk: DeskWorld) -> None:
    person = desk.person()
    page = person.see("/statistik")
    assert "Rådata, bara för samordnare" in page
    assert "färre än 5" not in page
    assert "Data till och med 26 november 2026" in page
    published = person.see("/statistik?visa=publicerat")
    assert "Det här är vad styrgruppen ser" in published
    assert tables(published) == tables(steering(desk).see("/statistik"))
    assert "visa=publicerat" in re.findall(r'href="(/statistik\.csv[^"]*)"', published)[0]


def test_an_admin_sees_what_was_published(desk: DeskWorld) -> None:
    page = desk.person("robin@stad.example", "Robin", (Role.ADMIN,)).see("/statistik?visa=raw")
    assert "Rådata" not in page
    assert "färre än 5" in page


def test_whoever_is_in_the_steering_group_comes_to_the_statistics(desk: DeskWorld) -> None:
    assert steering(desk).client.get("/").headers["location"] == "/statistik"


# ------------------------------------------------------------------ what the address asks for


def test_the_address_keeps_period_and_selection(desk: DeskWorld) -> None:
    person = desk.person()
    page = person.see("/statistik?fran=2026-03&till=2026-05&urval=topic%3Dlokaler")
    assert "mars till maj 2026" in page.lower()
    assert '<option value="topic=lokaler" selected>' in page
    assert '<option value="2026-03" selected>' in page
    file = unescape(re.findall(r'href="(/statistik\.csv[^"]*)"', page)[0])
    assert parse_qs(urlsplit(file).query) == {"fran": ["2026-03"], "till": ["2026-05"], "urval": ["topic=lokaler"]}
    text = person.client.get(file).text
    assert "i urvalet ”Lokaler”" in text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("fran=igår", "är ingen månad"),
        ("fran=2026-06&till=2026-03", "Byt plats"),
        ("fran=1990-01&till=2026-03", "för lång"),
        ("urval=language%3Dsvenska", "Välj bland: topic, administration, channel"),
        ("urval=kind%3Didrott", "Välj bland"),
    ],
)
def test_what_cannot_be_shown_is_said(desk: DeskWorld, query: str, said: str) -> None:
    response = steering(desk).client.get(f"/statistik?{query}")
    assert response.status_code == 409
    assert said in response.text


def test_the_page_can_be_read_in_english(desk: DeskWorld) -> None:
    person = steering(desk)
    with desk.world.sessions.begin() as session:
        session.execute(update(User).values(language="en"))
    page = unescape(person.see("/statistik"))
    assert found(desk, View.STEERING).sentences[0].en in page
    assert "The most important" in page


# ------------------------------------------------------------------ the same everywhere


@pytest.mark.parametrize("who", ["steering", "coordinator"])
@pytest.mark.parametrize("query", ["", "?fran=2026-05&till=2026-10", "?urval=channel%3Dmail"])
def test_page_and_files_say_the_same_cell_by_cell(desk: DeskWorld, who: str, query: str) -> None:
    person = steering(desk) if who == "steering" else desk.person()
    shown = tables(person.see(f"/statistik{query}"))
    assert sum(len(row) for table in shown for row in table) > 15
    written = person.client.get(f"/statistik.csv{query}")
    assert written.headers["content-disposition"].startswith('attachment; filename="statistik-2026-')
    blocks: list[list[list[str]]] = [[]]
    for row in csv.reader(io.StringIO(written.content.decode("utf-8-sig"), newline=""), delimiter=";"):
        if row:
            blocks[-1].append([value.removeprefix("'") for value in row])
        else:
            blocks.append([])
    in_file = {block[0][0]: block for block in blocks[1:-1]}
    assert len(in_file) == len(shown)
    for table in shown:
        assert in_file[table[0][0]] == table
    told, sheets = of_book(person.client.get(f"/statistik.xlsx{query}").content)
    assert sheets == shown
    assert told == [row[0] for row in (*blocks[0], [""], *blocks[-1])]
    if not printing.is_there():
        assert person.client.get(f"/statistik.pdf{query}").status_code == 404
        return
    cells = [cell for table in in_brief(blocks[1:-1]) for row in table for cell in row]
    says_in_order(person.client.get(f"/statistik.pdf{query}").content, cells)


def says_in_order(pdf: bytes, cells: Sequence[str]) -> None:
    """Every cell stands in the PDF, one after another. White space is left out: a cell may go over two lines."""
    pypdf = pytest.importorskip("pypdf")
    document = pypdf.PdfReader(io.BytesIO(pdf))
    assert document.trailer["/Root"]["/MarkInfo"]["/Marked"], "tagged, so that it can be listened to"
    text = "".join("".join(page.extract_text().split()) for page in document.pages)
    at = 0
    for cell in cells:
        squeezed = "".join(cell.split())
        at = text.find(squeezed, at)
        assert at >= 0, f"”{cell}” is missing, or not in its place"
        at += len(squeezed)


def test_the_mail_says_what_the_page_says(desk: DeskWorld) -> None:
    page = in_brief(tables(steering(desk).see("/statistik")))
    with desk.world.sessions.begin() as session:
        report.send_due(session, settings=desk.world.settings, knowledge=desk.world.active.knowledge, now=NOW)
        text = session.scalars(select(StaffMail)).first()
        assert text is not None
    lines = text.text.split("\n")
    for table in page:
        assert table[0][0].upper() in lines
        for label, *cells in table[2:]:
            told = "; ".join(f"{head} {cell}" for head, cell in zip(table[1][1:], cells, strict=True))
            assert f"{label}: {told}" in lines


# ------------------------------------------------------------------ the questions behind a figure


def test_behind_every_raw_figure_stand_its_questions(desk: DeskWorld) -> None:
    case = desk.world.write("Hur ansluter vi oss?").conversation.case_number
    person = desk.person()
    page = person.see("/statistik?fran=2026-10&till=2026-11")
    expected = found(desk, View.COORDINATORS, Period("2026-10", "2026-11"))
    links = {unescape(one) for one in re.findall(r'href="(/statistik/fragor[^"]*)"', page)}
    assert len(links) > 20
    checked = 0
    for table in files.tables(expected):
        for row in table.rows:
            where = [one for one in links if is_about(one, table.dimension, row.key)]
            if not (row.key and table.dimension):
                continue
            assert len(where) == 1, (table.id, row.key)
            if table.id in ("topic-shares", "open"):
                continue  # shares; and what is open stands among the outcomes
            number = sum(cell.number or 0 for cell in row.cells) if table.id == "outcomes" else row.cells[0].number
            assert count(person, where[0]) == number, (table.id, row.key)
            checked += 1
    assert checked > 30
    assert case in person.see("/statistik/fragor?fran=2026-10&till=2026-11&vad=channel&varde=mail")


def is_about(address: str, dimension: str, category: str) -> bool:
    query = parse_qs(urlsplit(address).query)
    return (query["vad"], query["varde"]) == ([dimension], [category])


def count(person: Person, address: str) -> int:
    total, page = 0, 1
    while True:
        shown = person.see(f"{address}&sida={page}")
        total += max(0, shown.count("<tr>") - 1)
        if "Äldre" not in shown:
            return total
        page += 1


def test_questions_behind_a_selection_are_of_it(desk: DeskWorld) -> None:
    person = desk.person()
    all_of_it = count(person, "/statistik/fragor?fran=2026-10&till=2026-10&vad=channel&varde=mail")
    some = count(person, "/statistik/fragor?fran=2026-10&till=2026-10&vad=channel&varde=mail&urval=topic%3Dlokaler")
    assert 0 < some < all_of_it
    assert person.client.get("/statistik/fragor?vad=contact&varde=x").status_code == 409


def test_the_desk_says_what_kind_of_association_somebody_writes_for(desk: DeskWorld) -> None:
    case = desk.world.write("Hur ansluter vi oss?").conversation
    person = desk.person()
    seen = hidden(person.see(f"/arenden/{case.case_number}"), "seen")
    form = {"association": "Provarna", "kind": "kultur", "seen": seen}
    assert person.do(f"/arenden/{case.case_number}/hor-till", **form)[0] == 303
    with desk.world.sessions.begin() as session:
        fact = session.scalars(select(Fact).where(Fact.conversation_id == case.id)).one()
        assert fact.association_kind == "kultur"
        assert fact.association is not None


# ------------------------------------------------------------------ personal links


def written(content: bytes) -> Any:
    """What a file says: a workbook also holds the second at which it was made."""
    return of_book(content) if content.startswith(b"PK") else content


def linked(desk: DeskWorld, admin: Person) -> str:
    """Stina of the steering group gets a link by mail; gives its path."""
    user = desk.user("stina@styr.example")
    assert admin.do(f"/personer/{user.id}/statistik", act="send") == (303, "/personer?klart=reading-link")
    with desk.world.sessions.begin() as session:
        mail = session.scalars(select(StaffMail).order_by(StaffMail.id.desc())).first()
        assert mail is not None
        assert mail.to == "stina@styr.example"
        address = str(re.findall(r"https?://\S+", mail.text)[0])
    assert address.startswith(f"{SITE}/lasa/")
    return urlsplit(address).path


def test_a_personal_link_shows_what_was_published_until_it_is_revoked(desk: DeskWorld) -> None:
    own = steering(desk)
    admin = desk.person("robin@stad.example", "Robin", (Role.ADMIN,))
    path = linked(desk, admin)
    reader = desk.stranger()
    page = reader.see(path)
    assert tables(page) == tables(own.see("/statistik"))
    assert "Logga ut" not in page
    assert reader.see(f"{path}?visa=raw&fran=2026-05&till=2026-10")
    for ending in ("csv", "xlsx"):
        address = unescape(re.findall(rf'href="([^"]*statistik\.{ending}[^"]*)"', page)[0])
        assert address.startswith(path)
        assert written(reader.client.get(address).content) == written(own.client.get(f"/statistik.{ending}").content)
    assert reader.client.get(f"{path}/statistik.exe").status_code == 404
    # It opens nothing else.
    assert reader.client.get("/statistik").status_code == 303
    assert reader.client.get("/arenden").status_code == 303
    with desk.world.sessions.begin() as session:
        assert path.rpartition("/")[2] not in {link.id for link in session.scalars(select(ReadingLink))}

    again = linked(desk, admin)
    assert reader.client.get(path).status_code == 404, "a new one takes its place"
    assert reader.see(again)
    user = desk.user("stina@styr.example")
    assert admin.do(f"/personer/{user.id}/statistik", act="revoke")[0] == 303
    assert reader.client.get(again).status_code == 404
    assert reader.client.get(f"{again}/statistik.csv").status_code == 404


@pytest.mark.parametrize("form", [{"role": "registrator", "active": "1"}, {"role": "steering"}])
def test_a_link_ends_with_the_role_and_the_account(desk: DeskWorld, form: dict[str, str]) -> None:
    steering(desk)
    admin = desk.person("robin@stad.example", "Robin", (Role.ADMIN,))
    path = linked(desk, admin)
    user = desk.user("stina@styr.example")
    assert admin.do(f"/personer/{user.id}", **form)[0] == 303
    assert desk.stranger().client.get(path).status_code == 404
    assert admin.do(f"/personer/{user.id}/statistik", act="send")[0] == 409


# ------------------------------------------------------------------ meetings and reports


def test_the_desk_sets_the_meetings_that_the_period_begins_with(desk: DeskWorld) -> None:
    person = desk.person()
    assert person.do("/styrgruppen/moten", meetings="2026-09-15\n2027-01-20")[0] == 303
    assert "september till oktober 2026" in steering(desk).see("/statistik").lower()
    assert "2026-09-15" in person.see("/styrgruppen")
    assert person.do("/styrgruppen", on="2026-10-07")[0] == 303
    assert "Oktober 2026" in desk.person("eva@styr.example", "Eva", (Role.STEERING,)).see("/statistik")
    assert person.do("/styrgruppen/moten", meetings="i höst")[0] == 409


def test_the_report_goes_once_to_everybody_in_the_steering_group(desk: DeskWorld) -> None:
    desk.account("stina@styr.example", "Stina", (Role.STEERING,))
    desk.account("ed@styr.example", "Ed", (Role.STEERING, Role.COORDINATOR))
    desk.account("kim@stad.example", "Kim")
    with desk.world.sessions.begin() as session:
        session.execute(update(User).where(User.email == "ed@styr.example").values(language="en"))

    def send(now: datetime) -> int:
        with desk.world.sessions.begin() as session:
            return report.send_due(
                session, settings=desk.world.settings, knowledge=desk.world.active.knowledge, now=now
            )

    assert send(NOW.replace(day=25)) == 0, "it is eight days to the meeting"
    assert send(NOW) == 3
    assert send(NOW) == 0
    with desk.world.sessions.begin() as session:
        mails = {mail.to: mail for mail in session.scalars(select(StaffMail))}
    assert set(mails) == {"alla@styr.example", "stina@styr.example", "ed@styr.example"}
    assert mails["stina@styr.example"].subject == "Statistik till styrgruppens möte torsdag den 3 december 2026"
    assert mails["ed@styr.example"].subject.startswith("Statistics for the steering group's meeting")
    assert f"{SITE}/statistik?fran=2026-08&till=2026-10" in mails["stina@styr.example"].text
    sent: list[OutgoingMessage] = []
    door = SimpleNamespace(send=sent.append)
    while staff_mail.deliver_next(desk.world.sessions, door, desk.world.settings, now=NOW):
        pass
    assert len(sent) == 3
    assert {one.attachments for one in sent} == {()}
    assert {('lang="sv"' in (one.html or ""), 'lang="en"' in (one.html or "")) for one in sent} == {
        (True, False),
        (False, True),
    }
    assert all(one.images and one.images[0].content.startswith(b"\x89PNG") for one in sent)
    with desk.world.sessions.begin() as session:
        assert {(mail.text, mail.attachment) for mail in session.scalars(select(StaffMail))} == {("", None)}


MEETINGS = {
    # The day, and the first minute at which the report goes out: midnight in Sweden seven days before.
    "a weekday": (date(2026, 11, 19), "2026-11-11T23:00"),
    "summer time ends on that day": (date(2026, 11, 1), "2026-10-24T22:00"),
    "summer time began on that day": (date(2026, 4, 5), "2026-03-28T23:00"),
    "summer time ends in between": (date(2026, 10, 29), "2026-10-21T22:00"),
    "Boxing Day, and everything is closed": (date(2027, 1, 2), "2026-12-25T23:00"),
}


@pytest.mark.parametrize(("meeting", "first"), MEETINGS.values(), ids=MEETINGS)
def test_the_report_goes_out_seven_days_before_by_the_clock(
    desk: DeskWorld, monkeypatch: pytest.MonkeyPatch, meeting: date, first: str
) -> None:
    due = datetime.fromisoformat(first).replace(tzinfo=UTC)
    statistics = STATISTICS.model_copy(update={"meetings": (meeting,)})
    closed = SEND.promise.model_copy(update={"closed_days": tuple(meeting - timedelta(days=n) for n in range(10))})
    moments = [due + timedelta(minutes=minutes) for minutes in (-1440, -60, -1, 0, 1, 60, 1440, 7 * 1440)]
    assert goes_out(desk, monkeypatch, moments, statistics=statistics, promise=closed) == [due]


def test_a_report_that_nothing_ran_for_goes_out_late_and_never_after_the_meeting(
    desk: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    statistics = STATISTICS.model_copy(update={"meetings": (date(2026, 11, 1), date(2026, 11, 12))})
    late = datetime(2026, 11, 1, 17, 0, tzinfo=UTC)
    too_late = datetime(2026, 11, 13, 8, 0, tzinfo=UTC)
    assert goes_out(desk, monkeypatch, [late, too_late], statistics=statistics) == [late]


def test_the_report_goes_out_when_a_month_is_closed_where_that_is_wanted(
    desk: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A week after the end of October, of which the last Sunday had an hour more, and of November."""
    with desk.world.sessions.begin() as session:
        for table in (PublishedMonth, PublishedCell):
            session.execute(delete(table).where(table.month >= "2026-10"))
        report.mark(session, report.Report(month="2026-09"), now=NOW)
    monthly = STATISTICS.model_copy(update={"meetings": (), "report_monthly": True})
    closing_days = [datetime(2026, 11, 7, 23, 0, tzinfo=UTC), datetime(2026, 12, 7, 23, 0, tzinfo=UTC)]
    moments = [day + timedelta(minutes=minutes) for day in closing_days for minutes in (-1440, -1, 0, 1, 1440)]
    assert goes_out(desk, monkeypatch, moments, statistics=monthly) == closing_days
    with desk.world.sessions.begin() as session:
        subjects = [mail.subject for mail in session.scalars(select(StaffMail).order_by(StaffMail.id))]
    assert subjects == ["Statistik för oktober 2026", "Statistik för november 2026"]


def goes_out(
    desk: DeskWorld, monkeypatch: pytest.MonkeyPatch, moments: Sequence[datetime], **settings: Any
) -> list[datetime]:
    """Let the worker look at the clock at these moments; gives those at which it put a report in line."""
    settled = edited(desk.world.settings, coordinators=(), **settings)
    found: list[datetime] = []
    for moment in moments:
        monkeypatch.setattr(service, "clock", lambda now=moment: now)
        before = reports(desk)
        service.every_minute(desk.service, settled, desk.world.active.knowledge, None)
        found += [moment] * (reports(desk) - before)
    return found


def reports(desk: DeskWorld) -> int:
    with desk.world.sessions.begin() as session:
        return len([mail for mail in session.scalars(select(StaffMail)) if mail.subject.startswith("Statistik ")])


def test_the_report_shows_the_tables_of_the_page_and_its_pictures_inline(desk: DeskWorld) -> None:
    figures = found(desk, View.STEERING)
    page = images.as_page(figures, "sv", is_demo=True, address=f"{SITE}/statistik?fran=2026-08&till=2026-10")
    assert tables(page.html) == in_brief(tables(steering(desk).see("/statistik")))
    assert "DEMODATA" in page.html
    assert f'<a href="{SITE}/statistik?fran=2026-08&amp;till=2026-10">' in page.html
    assert "<svg" not in page.html
    drawn = [chart for chart in figures.charts if pictures.picture(chart, "sv")]
    shown = re.findall(r'<img src="cid:([^"]+)" alt="([^"]+)"', page.html)
    assert len(shown) == page.html.count("<img") > 5
    assert [name for name, _ in shown] == [image.name for image in page.images]
    assert [unescape(said) for _, said in shown] == [
        f"{chart.table.title.sv}. {chart.description.sv}" for chart in drawn
    ]


def test_pictures_show_their_letters_without_any_font_of_the_machine() -> None:
    """The words are drawn by the font that comes along: without them the picture is another."""
    rows = (Row("", LocalText("Åke från Öja"), (Cell(LocalText("12"), 12),)),)
    chart = Chart("bars", Table("t", LocalText("t"), (LocalText("a"), LocalText("b")), rows), LocalText("d"))
    svg = pictures.picture(chart, "sv")
    drawn = images.png(svg)
    assert drawn.startswith(b"\x89PNG")
    assert int.from_bytes(drawn[16:20]) == 2 * pictures.WIDTH
    wordless = images.png(re.sub(r"<text.*?</text>", "", svg))
    ringless = images.png(svg.replace("Åke", "Ake"))
    assert len({drawn, wordless, ringless}) == 3


def test_a_report_put_in_line_before_an_update_still_goes_with_its_file(desk: DeskWorld) -> None:
    with desk.world.sessions.begin() as session:
        mail = staff_mail.enqueue(session, "stina@styr.example", "S", "T", settings=desk.world.settings, now=NOW)
        mail.attachment_name, mail.attachment_type, mail.attachment = "a.pdf", "application/pdf", b"%PDF"
    sent: list[OutgoingMessage] = []
    assert staff_mail.deliver_next(desk.world.sessions, SimpleNamespace(send=sent.append), desk.world.settings, now=NOW)
    (one,) = sent
    assert (one.html, one.images, [(file.name, file.content) for file in one.attachments]) == (
        None,
        (),
        [("a.pdf", b"%PDF")],
    )


def test_without_anybody_to_send_to_the_report_stays_due(desk: DeskWorld) -> None:
    nobody = desk.world.settings.model_copy(update={"statistics": STATISTICS.model_copy(update={"report_to": ()})})
    with desk.world.sessions.begin() as session:
        assert report.send_due(session, settings=nobody, knowledge=desk.world.active.knowledge, now=NOW) == 0
        assert session.scalars(select(Event).where(Event.verb == "statistics-reported")).all() == []
        assert report.due(session, STATISTICS, today=TODAY) != []


def test_the_worker_closes_the_months_that_are_over(desk: DeskWorld) -> None:
    with desk.world.sessions.begin() as session:
        for table in (PublishedMonth, PublishedCell):
            session.execute(delete(table).where(table.month >= "2026-09"))
    for _ in range(2):
        service.close_months(desk.world.sessions, desk.world.active.knowledge, None, desk.world.settings, now=NOW)
    with desk.world.sessions.begin() as session:
        assert max(session.scalars(select(PublishedMonth.month))) == "2026-10"
