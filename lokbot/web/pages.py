"""The one table of pages: their address, who may see them, whether they change anything, and what shows them.

A page whose ``roles`` is None is for everybody. Tests walk this table for every role.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response

from lokbot.config import Settings
from lokbot.model import Role
from lokbot.web import (
    acts,
    articles,
    cases,
    chat,
    choices,
    city,
    desk_pages,
    entry,
    factor,
    joining,
    people,
    public,
    registry,
    security,
    several,
    statistics,
    thread,
    versions,
)
from lokbot.web.visit import Visit

NOBODY_SPECIAL = None
LOGGED_IN = frozenset(Role)
DESK = frozenset({Role.COORDINATOR})
READERS = frozenset({Role.COORDINATOR, Role.REGISTRATOR})
ADMIN = frozenset({Role.ADMIN})
KEEPERS = frozenset({Role.COORDINATOR, Role.ADMIN})
STATISTICS = frozenset({Role.STEERING, Role.COORDINATOR, Role.ADMIN})
ERASERS = frozenset({Role.ADMIN, Role.REGISTRATOR})


class _Number(Convertor[int]):
    """The number of a row in an address. A longer one than a row can have names no page: no store can look for it."""

    regex = "[0-9]{1,9}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("number", _Number())


@dataclass(frozen=True, slots=True)
class Page:
    """One address and method. ``writes`` opens a transaction that may change something; ``largest`` says how many bytes
    of a form are read.
    """

    method: Literal["GET", "POST"]
    path: str
    function: Callable[[Visit], Response]
    roles: frozenset[Role] | None
    writes: bool = False
    largest: Callable[[Settings], int] = security.largest_request

    @property
    def name(self) -> str:
        return f"{self.function.__module__.rpartition('.')[2]}.{self.function.__name__}"


def _get(
    path: str, function: Callable[[Visit], Response], roles: frozenset[Role] | None, *, writes: bool = False
) -> Page:
    return Page("GET", path, function, roles, writes)


def _post(path: str, function: Callable[[Visit], Response], roles: frozenset[Role] | None) -> Page:
    return Page("POST", path, function, roles, True)


def _chat_post(path: str, function: Callable[[Visit], Response]) -> Page:
    return Page("POST", path, function, NOBODY_SPECIAL, True, chat.largest)


PAGES: tuple[Page, ...] = (
    _get("/", entry.start, NOBODY_SPECIAL),
    _get("/logga-in", entry.login_page, NOBODY_SPECIAL),
    _post("/logga-in", entry.log_in, NOBODY_SPECIAL),
    _get("/logga-in/kod", factor.code_page, NOBODY_SPECIAL),
    _post("/logga-in/kod", factor.check_code, NOBODY_SPECIAL),
    _get("/logga-in/staden", city.set_out, NOBODY_SPECIAL, writes=True),
    _get(city.BACK, city.come_back, NOBODY_SPECIAL, writes=True),
    _get("/logga-ut/staden", city.log_out_there, NOBODY_SPECIAL),
    _post("/logga-ut", entry.log_out, LOGGED_IN),
    _get("/glomt-losenord", entry.forgotten_page, NOBODY_SPECIAL),
    _post("/glomt-losenord", entry.forgotten, NOBODY_SPECIAL),
    _get("/valkommen/{token}", entry.link_page, NOBODY_SPECIAL),
    _post("/valkommen/{token}", entry.follow_link, NOBODY_SPECIAL),
    _get("/arenden", cases.inbox, DESK),
    _post("/arenden/flera", several.act, DESK),
    _get("/arenden/{case}", thread.thread, READERS, writes=True),
    _get("/arenden/{case}/forening", thread.suggested_associations, DESK),
    _get("/arenden/{case}/sla-ihop", joining.merge_page, DESK, writes=True),
    _get("/arenden/{case}/dela", joining.split_page, DESK, writes=True),
    _post("/arenden/{case}/utkast", acts.save_draft, DESK),
    _post("/arenden/{case}/har", acts.here, DESK),
    _post("/arenden/{case}/diariet", registry.classify, READERS),
    _get("/arenden/{case}/export", registry.export, READERS, writes=True),
    _post("/arenden/{case}/faq", articles.new_from_case, DESK),
    _post("/arenden/{case}/{act}", acts.act, DESK),
    _get("/kunskap", articles.listed, KEEPERS),
    _get("/kunskap/luckor", articles.gaps_page, KEEPERS),
    _get("/kunskap/ny", articles.new_page, KEEPERS),
    _post("/kunskap/ny", articles.create, KEEPERS),
    # Stores nothing: a POST because a text is too long for an address.
    Page("POST", "/kunskap/forhandsvisa", articles.preview, KEEPERS),
    _post("/kunskap/rattelse/{correction:number}", articles.accept, KEEPERS),
    _get("/kunskap/{article}", articles.article, KEEPERS),
    _get("/kunskap/{article}/andra", articles.edit_page, KEEPERS),
    _post("/kunskap/{article}/andra", articles.edit, KEEPERS),
    _get("/kunskap/{article}/kontroll", articles.check_page, KEEPERS),
    _get("/kunskap/{article}/facit", articles.rehearsal, KEEPERS),
    _post("/kunskap/{article}/godkann", articles.approve, KEEPERS),
    _post("/kunskap/{article}/tillbaka", articles.roll_back, KEEPERS),
    _post("/kunskap/{article}/konflikt", articles.settle, KEEPERS),
    _get("/nytt-samtal", desk_pages.call_page, DESK),
    _post("/nytt-samtal", desk_pages.log_call, DESK),
    _get("/botens-svar", desk_pages.reviews_page, DESK),
    _post("/botens-svar/{decision:number}", desk_pages.review, DESK),
    _get("/version/{revision:number}", versions.version_page, DESK, writes=True),
    _post("/version/{revision:number}/rattelse", versions.correct_all, DESK),
    _post("/version/{revision:number}/stoppa", versions.stop_all, DESK),
    _get("/styrgruppen", desk_pages.steering_page, DESK),
    _post("/styrgruppen", desk_pages.hold_meeting, DESK),
    _post("/styrgruppen/moten", desk_pages.set_meetings, DESK),
    _get("/statistik", statistics.page, STATISTICS),
    _get("/statistik.csv", statistics.as_csv, STATISTICS),
    _get("/statistik.xlsx", statistics.as_xlsx, STATISTICS),
    _get("/statistik.pdf", statistics.as_pdf, STATISTICS),
    _get("/statistik/fragor", statistics.behind, DESK),
    _get("/lasa/{token}", statistics.linked_page, NOBODY_SPECIAL),
    _get("/lasa/{token}/statistik.{ending}", statistics.linked_file, NOBODY_SPECIAL),
    _get("/registrator", registry.daily_page, READERS),
    _get("/registrator.csv", registry.daily_file, READERS, writes=True),
    _get("/radera", registry.erasure_page, ERASERS, writes=True),
    _post("/radera", registry.erase, ERASERS),
    _get("/logg", registry.audit_page, ADMIN),
    _get("/bilaga/{attachment:number}", thread.attachment, READERS, writes=True),
    _get("/skickad-bilaga/{attachment:number}", thread.sent_attachment, READERS, writes=True),
    _get("/original/{message:number}", thread.original, READERS, writes=True),
    _get("/paus", acts.pauses_page, DESK),
    _post("/paus", acts.pause, DESK),
    _post("/paus/upphav", acts.resume, DESK),
    _get("/konto", people.account_page, LOGGED_IN),
    _post("/konto", people.change_account, LOGGED_IN),
    _post("/konto/losenord", people.change_password, LOGGED_IN),
    _post("/konto/logga-ut-en", people.log_out_one, LOGGED_IN),
    _post("/konto/logga-ut-alla", people.log_out_elsewhere, LOGGED_IN),
    _post("/konto/telegram", people.telegram_code, DESK),
    _get(factor.SETUP, factor.setup_page, LOGGED_IN, writes=True),
    _post(factor.SETUP, factor.set_up, LOGGED_IN),
    _post("/konto/engangskod/reservkoder", factor.renew, LOGGED_IN),
    _post("/konto/engangskod/ta-bort", factor.remove, LOGGED_IN),
    _get("/personer", people.people_page, ADMIN),
    _post("/personer", people.invite, ADMIN),
    _post("/personer/{user:number}", people.change, ADMIN),
    _post("/personer/{user:number}/lank", people.new_link, ADMIN),
    _post("/personer/{user:number}/engangskod", factor.reset, ADMIN),
    _post("/personer/{user:number}/telegram", people.unlink_telegram, ADMIN),
    _post("/personer/{user:number}/statistik", people.reading_link, ADMIN),
    _get("/mallar", desk_pages.templates_page, DESK),
    _post("/mallar", desk_pages.set_template, DESK),
    _get("/installningar", choices.listed, DESK),
    _get("/installningar/fraser", choices.phrases_page, DESK),
    _get("/installningar/{name}", choices.one_page, DESK),
    _post("/installningar/{name}", choices.change, DESK),
    _post("/installningar/{name}/tillbaka", choices.take_again, DESK),
    _get("/chatt", chat.show, NOBODY_SPECIAL),
    _chat_post("/chatt", chat.write),
    _chat_post("/chatt/na-mig", chat.reach),
    _chat_post("/chatt/kopia", chat.copy),
    _get("/chatt/kod", chat.code_page, NOBODY_SPECIAL),
    _chat_post("/chatt/kod", chat.come_back),
    _get("/chatt/fil/{attachment:number}", chat.file, NOBODY_SPECIAL),
    _get("/chat.js", chat.loader, NOBODY_SPECIAL),
    _get("/tillganglighet", public.accessibility, NOBODY_SPECIAL),
    _post("/tillganglighet", public.report_fault, NOBODY_SPECIAL),
    _get("/personuppgifter", public.personal_data, NOBODY_SPECIAL),
    _get("/halsa", public.health, NOBODY_SPECIAL),
)
