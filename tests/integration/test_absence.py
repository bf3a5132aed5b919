"""Who is away is not mailed, and their deputy is; what waits is mailed to all who are here, each working morning."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from lokbot.config import Alarm, Promise, WebSettings
from lokbot.conversation import digest, escalation, reminders
from lokbot.model import OutboxKind, Role
from lokbot.store.schema import StaffMail, User
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.test_escalation import act, forward
from tests.integration.together import in_threads
from tests.integration.world import COORDINATORS, SEND, Case, World, edited
from tests.sample_mails import STRANGER

SV, EN = sample.phrases()["sv"], sample.phrases()["en"]
KIM, VIK = (address.lower() for address in COORDINATORS)
DEPUTY, BOSS = "ersattare@stad.example", "chef@stad.example"
MONDAY = date(2026, 3, 2)


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(
        sessions, edited(SEND, alarm=Alarm(deputies=(BOSS,)), web=WebSettings(public_url="https://lok.example"))
    )


def account(world: World, email: str, *, until: date | None = None, deputy: str | None = None, **values: Any) -> None:
    with world.sessions.begin() as session:
        session.add(
            User(
                email=email,
                name="Kim Prov",
                roles=[Role.COORDINATOR],
                is_active=True,
                absent_until=until,
                deputy=deputy,
                created_by="x",
                created_at=world.now,
                **{"language": "sv", **values},
            )
        )


def send(world: World) -> int:
    with world.sessions.begin() as session:
        return digest.send_due(session, settings=world.settings, knowledge=world.active.knowledge, now=world.now)


def mails(world: World) -> list[StaffMail]:
    with world.sessions.begin() as session:
        return list(session.scalars(select(StaffMail).order_by(StaffMail.id)))


def morning(world: World, *, days: int = 1) -> None:
    """Half past seven in Sweden, so many days on."""
    world.now = world.now.replace(hour=6, minute=30) + timedelta(days=days)


# ------------------------------------------------------------------ away


def told(world: World, text: str = sample.OWN) -> list[str]:
    return [item.to[0]["email"] for item in world.write(text).notified()]


def reminded(case: Case) -> list[str]:
    return [item.to[0]["email"] for item in case.notified() if "FÖRSENAT" in item.subject]


def test_who_is_away_is_not_mailed_up_to_and_with_the_day(world: World) -> None:
    account(world, KIM, until=MONDAY)
    assert told(world) == [COORDINATORS[1]]
    world.later(days=1)
    assert told(world, sample.OWN + " Va?") == list(COORDINATORS)


def test_where_all_are_away_all_are_mailed(world: World) -> None:
    account(world, KIM, until=MONDAY)
    account(world, VIK, until=MONDAY)
    assert told(world) == list(COORDINATORS)


def test_an_account_that_is_closed_is_nobodys_absence(world: World) -> None:
    account(world, KIM, until=MONDAY)
    with world.sessions.begin() as session:
        session.scalars(select(User)).one().is_active = False
    assert told(world) == list(COORDINATORS)


def test_the_deputy_hears_of_an_absent_ones_cases_and_no_others(world: World) -> None:
    case, other = world.write(sample.OWN), world.write(sample.OWN + " Va?", sender=STRANGER)
    act(case, escalation.take_over, actor=KIM)
    act(other, escalation.take_over, actor=VIK)
    account(world, KIM, until=MONDAY + timedelta(days=9), deputy=DEPUTY.upper())
    world.later(days=2)
    with world.sessions.begin() as session:
        reminders.remind(session, settings=world.settings, knowledge=world.active.knowledge, now=world.now)
    assert reminded(case) == [COORDINATORS[1], DEPUTY, BOSS]
    assert reminded(other) == [COORDINATORS[1], BOSS]


@pytest.mark.parametrize(
    ("deputy", "expected"),
    [(DEPUTY, [KIM, DEPUTY]), (None, [COORDINATORS[1]])],
)
def test_an_answer_from_an_administration_reaches_the_deputy(
    world: World, deputy: str | None, expected: list[str]
) -> None:
    case = world.write(sample.OWN)
    forward(case, "fritid", actor=KIM)
    world.deliver()
    account(world, KIM, until=MONDAY, deputy=deputy)
    before = len(case.notified())
    (sent,) = case.items(OutboxKind.FORWARD)
    world.write("Ja.", sender=STRANGER, in_reply_to=(sent.external_id,))
    assert [item.to[0]["email"] for item in case.notified()[before:]] == expected


# ------------------------------------------------------------------ the digest


def test_what_waits_is_mailed_once_each_working_morning(world: World) -> None:
    world.write(sample.RECORDS)
    mine = world.write(sample.OWN, sender=STRANGER, subject="Vår ansökan 19121212-1212")
    act(mine, escalation.take_over, actor=KIM)
    world.write(sample.GARDEN + " 2")
    world.deliver()
    morning(world)
    world.later(minutes=-1)
    assert send(world) == 0
    world.later(minutes=1)
    assert (send(world), send(world)) == (2, 0)
    kim, vik = mails(world)
    assert (kim.to, vik.to) == (KIM, VIK)
    assert kim.subject == "Att göra tisdag den 3 mars 2026: 3 ärenden"
    assert "Brådskande: 1\nSka besvaras i dag: 3\nVäntar på någon av er: 1\nDina: 1\nHos en förvaltning: 1" in kim.text
    assert "Försenade" not in kim.text
    assert "Dina" not in vik.text
    listed = [block for block in kim.text.split("\n\n") if block.startswith("LOK-")]
    assert [block.split(":")[0] for block in listed] == ["LOK-2026-00001", "LOK-2026-00002", "LOK-2026-00003"]
    assert "\nbrådskande, i dag, väntar sedan 2 mars 2026\nhttps://lok.example/arenden/LOK-2026-00001" in listed[0]
    assert "19121212" not in listed[1]
    assert "ditt" in listed[1]
    assert "hos fritidsförvaltningen sedan 2 mars 2026" in listed[2]
    morning(world, days=0)
    world.later(hours=4)
    assert send(world) == 0
    morning(world)
    assert send(world) == 2
    assert "Försenade: 3" in mails(world)[-1].text


def test_weekends_and_closed_days_have_none(world: World) -> None:
    world.settings = edited(world.settings, promise=Promise(closed_days=(date(2026, 3, 3),)))
    world.write(sample.OWN)
    sent = []
    morning(world, days=0)
    for _ in range(7):
        morning(world)
        sent.append(send(world))
    assert sent == [0, 2, 2, 2, 0, 0, 2]


def test_nothing_is_mailed_where_nothing_waits_also_later_that_morning(world: World) -> None:
    morning(world)
    assert send(world) == 0
    world.write(sample.OWN)
    world.later(minutes=10)
    assert send(world) == 0
    assert mails(world) == []


def test_it_can_be_switched_off(world: World) -> None:
    world.settings = edited(world.settings, digest_at=None)
    world.write(sample.OWN)
    morning(world)
    assert send(world) == 0


def test_who_is_away_gets_none_and_the_deputy_has_their_cases(world: World) -> None:
    account(world, KIM, until=MONDAY + timedelta(days=9), deputy=VIK)
    account(world, VIK, language="en")
    case = world.write(sample.OWN)
    act(case, escalation.take_over, actor=KIM)
    morning(world)
    assert send(world) == 1
    (vik,) = mails(world)
    assert vik.to == VIK
    assert EN["digest.own"].format(count=1) in vik.text


def test_what_rests_is_counted_and_not_listed_until_it_is_overdue(world: World) -> None:
    resting = world.write(sample.OWN)
    act(resting, escalation.snooze, date(2026, 3, 20))
    world.write(sample.OWN + " Va?", sender=STRANGER)
    morning(world)
    send(world)
    assert SV["digest.resting"].format(count=1) in mails(world)[0].text
    assert resting.conversation.case_number not in mails(world)[0].text
    morning(world)
    send(world)
    assert resting.conversation.case_number in mails(world)[-1].text


def test_only_the_ten_longest_are_listed(world: World) -> None:
    for number in range(12):
        world.write(f"{sample.OWN} {number}")
        world.later(minutes=1)
    morning(world)
    send(world)
    assert mails(world)[0].text.count("https://lok.example/arenden/") == 10
    assert "LOK-2026-00011" not in mails(world)[0].text


def test_several_workers_mail_it_once(world: World) -> None:
    world.write(sample.OWN)
    morning(world)
    assert sorted(in_threads(3, lambda _: send(world))) == [0, 0, 2]
