"""Ids of what is another's, and numbers that nothing has, in every route and form that names a row."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from lokbot.model import Address, OutboxKind, Role
from lokbot.store.schema import (
    ArticleRevision,
    Base,
    Event,
    MessageAttachment,
    OutboxAttachment,
    OutboxItem,
    WebSession,
)
from lokbot.store.session import Sessions
from lokbot.web import rendering
from lokbot.web.pages import PAGES, Page
from tests import sample_knowledge as sample
from tests.integration.browser import DeskWorld, Person, hidden
from tests.integration.test_web_answers import PDF, answer
from tests.integration.test_web_gate import address_of
from tests.integration.web_chat import Surfer
from tests.integration.world import Case, World
from tests.sample_mails import attachment

BO = Address("Bo Ek", "bo@annan.example")


@dataclass
class Town:
    """Two cases of different people; Kim and Alex have a browser each."""

    desk: DeskWorld
    kim: Person
    own: Case
    other: Case

    def first(self, query: Any) -> str:
        with self.desk.world.sessions() as session:
            return str(session.scalars(query).first())

    def path(self, case: Case) -> str:
        return f"/arenden/{case.conversation.case_number}"

    def field(self, name: str) -> str:
        """What the other case's page has in a hidden field that names a case."""
        found = re.search(rf'name="{name}" value="(LOK-[\d-]+)"', self.kim.see(self.path(self.other)))
        assert found is not None, name
        return found[1]

    def do(self, act: str, **fields: str) -> None:
        """In the other case."""
        seen = hidden(self.kim.see(self.path(self.other)), "seen")
        assert self.kim.do(f"{self.path(self.other)}/{act}", seen=seen, **fields)[0] == 303


@pytest.fixture
def town(sessions: Sessions) -> Town:
    """The other case has two messages, a copy to somebody, a file of an answer taken back, a part and a link."""
    desk = DeskWorld(World(sessions))
    kim = desk.person(roles=tuple(Role))
    desk.person("alex@stad.example", "Alex Berg")
    copy = (Address("", "c@annan.example"),)
    own, other = desk.world.write(sample.OWN), desk.world.write(sample.OWN, sender=BO)
    desk.world.write(sample.OWN, in_reply_to=(own.message.message_id,))
    desk.world.write(
        sample.OWN, sender=BO, in_reply_to=(other.message.message_id,), cc=copy, attachments=(attachment(),)
    )
    desk.world.deliver()
    found = Town(desk, kim, own, other)
    assert answer(kim, other, "Hej!", PDF)[0] == 303
    found.do("stoppa")
    part, linked = (desk.world.write(sample.OWN, sender=Address("", f"{name}@post.example")) for name in ("d", "e"))
    page = kim.see(f"{found.path(other)}/sla-ihop?med={part.conversation.case_number}")
    known = {name: hidden(page, name) for name in ("seen", "seen_part", "part")}
    assert kim.do(f"{found.path(other)}/sla-ihop", strangers="1", **known)[0] == 303
    found.do("lanka", other=linked.conversation.case_number)
    page = kim.see("/installningar/day-ends")
    assert kim.do("/installningar/day-ends", seen=hidden(page, "seen"), value="16:00")[0] == 303
    return found


def _alex_browser(town: Town) -> str:
    alex = town.desk.user("alex@stad.example").id
    return town.first(select(WebSession.id).where(WebSession.user_id == alex))


def _another_version(town: Town) -> str:
    return town.first(select(ArticleRevision.id).where(ArticleRevision.article == "ga-med"))


def _another_setting(town: Town) -> str:
    return town.first(select(Event.id).where(Event.verb == "setting"))


# Every field by which a form names a row, where it is sent to, and another's to put there.
FOREIGN: dict[str, tuple[str, Callable[[Town], str]]] = {
    "question": ("{own}/ratta", lambda town: str(town.other.conversation.messages[0].questions[0].id)),
    "message": ("{own}/dela", lambda town: str(town.other.message_id)),
    "along": ("{own}/svara", lambda town: town.first(select(OutboxAttachment.id))),
    "cc": ("{own}/svara", lambda _: "c@annan.example"),
    "whole": ("{own}/skicka-vidare", lambda town: str(town.other.message_id)),
    "enclosed": ("{own}/skicka-vidare", lambda town: town.first(select(MessageAttachment.id))),
    "part": ("{own}/ta-isar", lambda town: town.field("part")),
    "other": ("{own}/ta-bort-lank", lambda town: town.field("other")),
    "revision": ("/kunskap/lana-lokal/tillbaka", _another_version),
    "change": ("/installningar/day-begins/tillbaka", _another_setting),
    "browser": ("/konto/logga-ut-en", _alex_browser),
}
# Those by which somebody chooses among all that they may see, or that a password manager reads.
CHOSEN = {"case", "back", "insert", "administration", "article", "to", "key", "username"}
# What looking and trying leave behind.
TRACES = {"audit_log", "drafts", "presences", "web_sessions", "search_documents"}


def kept(town: Town) -> dict[str, list[Any]]:
    """All that is stored, but for traces."""
    with town.desk.world.sessions() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key.columns))]
            for table in Base.metadata.sorted_tables
            if table.name not in TRACES
        }


def test_every_field_that_names_a_row_is_tried() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (rendering.HERE / "templates").glob("*.html")]
    shape = r'name="([a-z_]+)"[^>]* value="\{\{ [a-z_.]+\.(?:id|case_number|email|key) '
    named = {name for text in texts for name in re.findall(shape, text)}
    assert named & FOREIGN.keys() >= {
        "message",
        "whole",
        "enclosed",
        "along",
        "cc",
        "part",
        "other",
        "revision",
        "change",
        "browser",
    }
    assert named - FOREIGN.keys() - CHOSEN == set()


@pytest.mark.parametrize("field", FOREIGN)
def test_anothers_row_is_not_acted_on(town: Town, field: str) -> None:
    address, foreign = FOREIGN[field]
    path, value = address.format(own=town.path(town.own)), foreign(town)
    page = town.kim.see("/konto" if field == "browser" else path.rpartition("/")[0])
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    before = kept(town)
    fields = {
        "seen": seen[1] if seen else "",
        "answer": "Hej!",
        "article": "lana-lokal",
        "administration": "fritid",
        field: value,
    }
    # Whether somebody else's browser is one is not said.
    assert town.kim.do(path, **fields)[0] == (303 if field == "browser" else 409)
    assert kept(town) == before
    with town.desk.world.sessions() as session:
        assert len(session.scalars(select(WebSession)).all()) == 2


@pytest.mark.parametrize(
    "page", [page for page in PAGES if ":number}" in page.path], ids=lambda page: f"{page.method} {page.path}"
)
def test_a_row_that_is_not_there_is_not_found(town: Town, page: Page) -> None:
    before = kept(town)
    for number in ("0", "99999", "9" * 9, "9" * 10, "9" * 25, "9" * 5000):
        path = re.sub(r"\{\w+:number\}", number, page.path)
        response = town.kim.client.request(page.method, path, data={"csrf": town.kim.csrf})
        assert response.status_code == 404, number[:30]
    assert kept(town) == before


@pytest.mark.parametrize("number", ["-1", "0", "9" * 10, "9" * 25, "9" * 5000, "٣", "1.5", "1 OR 1=1", "\x00"])
def test_a_number_that_nothing_has_breaks_nothing(town: Town, number: str) -> None:
    for field, (address, _) in FOREIGN.items():
        fields = {"answer": "Hej!", "article": "lana-lokal", field: number}
        assert town.kim.do(address.format(own=town.path(town.own)), **fields)[0] in (303, 409), field
    query = dict.fromkeys(("sida", "fore", "arende", "med", "q", "forening", "varde"), number)
    for page in PAGES:
        if page.method == "GET" and page.roles is not None and ":number}" not in page.path:
            path = address_of(page, town.own.conversation.case_number)
            assert town.kim.client.get(path, params=query).status_code < 500, path
    assert town.kim.client.get(f"/arenden/{quote(number[:200])}").status_code in (400, 404)


def test_a_message_of_another_case_stays_where_one_of_ones_own_is_split_off(town: Town) -> None:
    path, chosen = f"{town.path(town.own)}/dela", [str(town.own.message_id), str(town.other.message_id)]
    form = {"csrf": town.kim.csrf, "seen": hidden(town.kim.see(path), "seen"), "message": chosen}
    number = town.other.conversation.id
    assert town.kim.client.post(path, data=form).status_code == 303
    assert town.other.message.conversation_id == number


def test_who_chats_reaches_no_other_chat(town: Town) -> None:
    anna, bo = Surfer(town.desk), Surfer(town.desk)
    anna.write(sample.JOIN)
    bo.write(sample.OWN)
    with town.desk.world.sessions.begin() as session:
        told = session.scalars(select(OutboxItem).where(OutboxItem.kind == OutboxKind.REPLY)).all()
        item, buttons = next((one, one.buttons) for one in told if one.buttons)
        content = session.scalars(select(OutboxAttachment.sha256)).first()
        assert content is not None
        item.attachments.append(OutboxAttachment(sha256=content, name="a.pdf", content_type="x", size=1))
        session.flush()
        pressed, number = f"{item.id}:{buttons[0][1]}", item.attachments[0].id
    assert anna.client.get(f"/chatt/fil/{number}").status_code == 200
    before = kept(town)
    assert bo.client.get(f"/chatt/fil/{number}").status_code == 404
    assert bo.client.get(f"/bilaga/{number}").url.path == "/logga-in"
    bo.see()
    assert bo.send(press=pressed) == 409
    changed = {name for name, rows in kept(town).items() if rows != before[name]}
    assert changed <= {"chat_acts", "chat_keys"}
