"""Erasing a case from the desk: who may, what is shown first, what it takes, and that nothing is left in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from lokbot import audit, service
from lokbot.config import Settings
from lokbot.loops import Service
from lokbot.model import Address, Role
from lokbot.store.session import Sessions, connect, session_factory
from tests import sample_knowledge as sample
from tests.integration.browser import DeskWorld, Person, hidden
from tests.integration.world import Case, World
from tests.sample_mails import attachment

DECISION = "Gallringsbeslut 2026-03-01 § 14"
SECRET = "Kassören heter Snorre Vattenfall."


@pytest.fixture
def desk(sessions: Sessions) -> DeskWorld:
    return DeskWorld(World(sessions))


def finished(desk: DeskWorld, text: str = SECRET) -> Case:
    case = desk.world.write(f"{sample.OWN} {text}", attachments=(attachment(),))
    desk.world.deliver()
    desk.world.resolve(case)
    return case


def robin(desk: DeskWorld) -> Person:
    return desk.person("robin@stad.example", "Robin", (Role.REGISTRATOR,))


def test_what_goes_and_what_stays_is_shown_before(desk: DeskWorld) -> None:
    case, person = finished(desk), robin(desk)
    desk.world.write("Samma fil.", sender=Address("", "b@post.example"), attachments=(attachment(),))
    number = case.conversation.case_number
    assert f'href="/radera?arende={number}"' in person.see(f"/arenden/{number}")
    page = person.see(f"/radera?arende={number}")
    assert "Meddelanden som kom in: 1 " in page
    assert f"Texter som vi har skrivit: {len(case.conversation.outbox)} " in page
    assert "Bilagor: 1 (kvar i andra ärenden: 1)" in page
    assert SECRET in person.see(f"/arenden/{number}"), "nothing has happened yet"
    with desk.world.sessions() as session:
        assert audit.search(session, actor="robin@stad.example", conversation=case.conversation).entries


def test_a_case_is_erased_by_a_cited_decision_and_a_second_look(desk: DeskWorld) -> None:
    case, person = finished(desk), robin(desk)
    number = case.conversation.case_number
    for fields, why in (
        ({"again": "LOK-2026-00099"}, "Skriv ärendets nummer en gång till, så att rätt ärende raderas."),
        ({"decision": " "}, "Ange beslutet som raderingen stöder sig på"),
        ({"case": "LOK-2026-00099"}, "Det finns inget sådant ärende."),
    ):
        status, page = person.do("/radera", **{"case": number, "again": number, "decision": DECISION, **fields})
        assert (status, why in page) == (409, True), fields
    assert person.do("/radera", case=number, again=number.lower(), decision=DECISION) == (303, "/radera?klart=erased")
    page = person.see(f"/arenden/{number}")
    assert "Snorre" not in page
    assert "protokoll.pdf" not in page
    with desk.world.sessions() as session:
        (entry,) = audit.search(session, act="erased").entries
        assert (entry.actor, entry.detail["decision"], entry.source) == ("robin@stad.example", DECISION, "web")


def test_a_case_that_somebody_works_on_is_not_erased(desk: DeskWorld) -> None:
    case, person = desk.world.write(sample.OWN), robin(desk)
    number = case.conversation.case_number
    page = person.see(f"/radera?arende={number}")
    assert f"{number} är inte klart. Avsluta det först." in page
    assert "Radera för gott" not in page
    assert person.do("/radera", case=number, again=number, decision=DECISION)[0] == 409
    assert sample.OWN in person.see(f"/arenden/{number}")


def test_an_administrator_may_and_a_coordinator_may_not(desk: DeskWorld) -> None:
    number = finished(desk).conversation.case_number
    kim = desk.person()
    assert kim.client.get("/radera").status_code == 403
    assert kim.do("/radera", case=number, again=number, decision=DECISION)[0] == 403
    assert "Radera" not in kim.see(f"/arenden/{number}")
    admin = desk.person("chef@stad.example", "Chefen", (Role.ADMIN,))
    assert "Det finns inget sådant ärende." in admin.see("/radera?arende=nej")
    assert admin.do("/radera", case=number, again=number, decision=DECISION)[0] == 303


def test_the_worker_takes_the_rest_out_of_the_file(tmp_path: Path, migrated_file: Path) -> None:
    file = tmp_path / "lokbot.db"
    file.write_bytes(migrated_file.read_bytes())
    engine = connect(f"sqlite:///{file}")
    world = World(session_factory(engine))
    desk = DeskWorld(world)
    for count in range(60):
        case = finished(desk, f"{SECRET} {count} " * 40)
    number, person = case.conversation.case_number, robin(desk)
    for one in range(1, 61):
        number = f"LOK-2026-{one:05}"
        assert person.do("/radera", case=number, again=number, decision=DECISION)[0] == 303
    running = Service(Settings(coordinators=("kim@stad.example",)), engine, world.sessions)
    service.every_minute(running, world.settings, world.active.knowledge, None)
    assert all(b"Snorre" not in one.read_bytes() for one in tmp_path.glob("lokbot.db*"))
    engine.dispose()


def test_why_it_was_not_possible_is_english_where_the_desk_is(desk: DeskWorld) -> None:
    kim, case = desk.person(), desk.world.write(sample.OWN)
    number = case.conversation.case_number
    kim.do("/konto", name="Kim Sand", language="en", seen=hidden(kim.see("/konto"), "seen"))
    assert f"{number} is not done." in kim.do(f"/arenden/{number}/oppna", seen="")[1]
    assert "The answer is empty. Write a text first." in kim.do(f"/arenden/{number}/svara", seen="", answer=" ")[1]
    page = kim.do("/paus/upphav", what="all")[1]
    assert "There is no such pause." in page
    assert "lokbot pause" not in page
