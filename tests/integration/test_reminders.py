"""What nobody has taken care of is told again: to whom, how often, and until when."""

from __future__ import annotations

import pytest

from lokbot.config import Alarm
from lokbot.conversation import escalation, reminders
from lokbot.store.schema import Conversation
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.together import in_threads
from tests.integration.world import COORDINATORS, SEND, Case, World, edited

SV = sample.phrases()["sv"]
DEPUTY = "chef@stad.example"
EVERYBODY = [*COORDINATORS, DEPUTY]


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions, edited(SEND, alarm=Alarm(deputies=(DEPUTY,), repeat_minutes=60)))


def remind(world: World) -> int:
    with world.sessions.begin() as session:
        return reminders.remind(session, settings=world.settings, knowledge=world.active.knowledge, now=world.now)


def told(case: Case, key: str) -> list[str]:
    """To whom a reminder has gone, in order."""
    words = SV[f"notify.{key}"].format(case=case.conversation.case_number, answer_by="", who="").split(".")[0]
    found = [item for item in case.notified() if item.text.startswith(words[:40])]
    return [item.to[0]["email"] for item in found]


def take(world: World, case: Case) -> None:
    with world.sessions.begin() as session:
        conversation = session.get_one(Conversation, case.conversation.id)
        escalation.take_over(session, conversation, actor="Kim", now=world.now)


def test_the_urgent_reaches_the_deputies_at_once(world: World) -> None:
    assert [item.to[0]["email"] for item in world.write(sample.RECORDS).notified()] == EVERYBODY
    assert [item.to[0]["email"] for item in world.write(sample.OWN).notified()] == list(COORDINATORS)


def test_the_urgent_is_told_again_until_somebody_takes_it(world: World) -> None:
    case = world.write(sample.RECORDS)
    world.later(minutes=59)
    assert remind(world) == 0
    world.later(minutes=1)
    assert (remind(world), remind(world)) == (1, 0)
    assert told(case, "urgent-again") == EVERYBODY
    assert all("BRÅDSKANDE" in item.subject for item in case.notified())
    world.later(minutes=60)
    assert remind(world) == 1
    assert told(case, "urgent-again") == EVERYBODY * 2
    take(world, case)
    world.later(hours=5)
    assert remind(world) == 0


def test_the_overdue_is_told_once_when_its_day_has_passed(world: World) -> None:
    case = world.write(sample.OWN)  # Monday 10.30, promised for Tuesday
    world.later(days=1, hours=13)
    assert remind(world) == 0
    world.later(hours=1)  # a quarter past midnight
    assert (remind(world), remind(world)) == (1, 0)
    assert told(case, "overdue") == EVERYBODY
    assert "FÖRSENAT" in case.notified()[-1].subject
    assert "tisdag den 3 mars 2026" in case.notified()[-1].text
    world.later(days=3)
    assert remind(world) == 0


def test_who_has_the_overdue_case_is_named(world: World) -> None:
    case = world.write(sample.OWN)
    take(world, case)
    world.later(days=2)
    assert remind(world) == 1
    assert "Det ligger hos: Kim." in case.notified()[-1].text


def test_a_case_that_waits_anew_is_told_of_anew(world: World) -> None:
    case = world.write(sample.OWN)
    world.later(days=2)
    assert remind(world) == 1
    world.resolve(case)
    world.later(hours=1)
    assert remind(world) == 0
    world.write(sample.OWN + " Hallå?", in_reply_to=(case.notified()[0].external_id,))
    again = world.write(sample.OWN, subject=case.conversation.case_number)
    assert again.conversation.id == case.conversation.id
    world.later(days=3)
    assert remind(world) == 1


def test_several_workers_tell_once(world: World) -> None:
    world.write(sample.RECORDS)
    world.later(hours=2)
    assert sorted(in_threads(3, lambda _: remind(world))) == [0, 0, 1]
