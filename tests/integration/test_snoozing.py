"""A case rests until a day: out of every queue, and back by the day, a new message or an act."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from lokbot.conversation import escalation, reminders, snoozing
from lokbot.model import Automatic, ConversationStatus, NotPossible
from lokbot.store import inbox
from lokbot.store.inbox import Filters, Folder
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.test_escalation import act, forward, reply
from tests.integration.together import in_threads
from tests.integration.world import SUGGEST, Case, World

THURSDAY = date(2026, 3, 5)
QUEUES = (Folder.URGENT, Folder.WAITING, Folder.SUGGESTIONS, Folder.MINE)


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


def snooze(case: Case, until: date = THURSDAY) -> None:
    act(case, escalation.snooze, until)


def stands_in(case: Case) -> set[Folder]:
    """The folders of work that hold the case, for Kim."""
    identity = case.conversation.id
    with case.world.sessions.begin() as session:
        found = {
            folder
            for folder in (*QUEUES, Folder.SNOOZED, Folder.WITH_ADMINISTRATION)
            if identity in {one.id for one in inbox.cases(session, folder, Filters(), "Kim").cases}
        }
        counts = inbox.counts(session, "Kim")
    assert {folder for folder in found if counts[folder]} == found
    return found


def wake_due(world: World) -> int:
    with world.sessions.begin() as session:
        return snoozing.wake_due(session, now=world.now)


def test_a_case_that_rests_is_in_no_queue_and_keeps_its_place(sessions: Sessions) -> None:
    world = World(sessions, SUGGEST)
    case = world.write(sample.JOIN)
    assert stands_in(case) == {Folder.WAITING, Folder.SUGGESTIONS}
    snooze(case)
    assert stands_in(case) == {Folder.SNOOZED}
    assert case.conversation.status is ConversationStatus.WAITING
    assert "snoozed" in [event.verb for event in case.events()]


def test_the_morning_of_the_day_wakes_it(world: World) -> None:
    case = world.write(sample.OWN)
    act(case, escalation.take_over)
    snooze(case)
    world.now = world.now.replace(day=4, hour=22, minute=59)  # 23.59 in Sweden
    assert wake_due(world) == 0
    world.later(minutes=1)
    assert (wake_due(world), wake_due(world)) == (1, 0)
    assert stands_in(case) == {Folder.MINE}
    assert case.events()[-1].verb == "woke"


def test_several_workers_wake_it_once(world: World) -> None:
    case = world.write(sample.OWN)
    snooze(case)
    world.later(days=4)
    assert sorted(in_threads(3, lambda _: wake_due(world))) == [0, 0, 1]


def test_a_new_message_from_the_asker_wakes_it_and_a_machine_does_not(world: World) -> None:
    case = world.write(sample.OWN)
    act(case, escalation.take_over)
    snooze(case)
    receipt = case.told()[0].external_id
    world.write("Jag är ledig.", automatic=Automatic(True, "auto-reply", "x"), in_reply_to=(receipt,))
    assert stands_in(case) == {Folder.SNOOZED}
    world.write("Tack så mycket!", in_reply_to=(receipt,))
    assert stands_in(case) == {Folder.MINE}


def test_whoever_acts_in_it_wakes_it(world: World) -> None:
    cases = [world.write(f"{sample.OWN} {number}") for number in range(4)]
    for case in cases:
        snooze(case)
    taken, sent_on, answered, woken = cases
    act(taken, escalation.take_over)
    forward(sent_on, "fritid")
    reply(answered)
    assert act(woken, escalation.wake) is True
    assert act(woken, escalation.wake) is False
    assert [stands_in(case) for case in cases] == [
        {Folder.MINE},
        {Folder.WITH_ADMINISTRATION},
        set(),
        {Folder.WAITING},
    ]


def test_the_promise_is_not_put_off(sessions: Sessions) -> None:
    world = World(sessions)
    case = world.write(sample.OWN)
    snooze(case, THURSDAY + timedelta(days=30))
    world.later(days=2)
    with world.sessions.begin() as session:
        told = reminders.remind(session, settings=world.settings, knowledge=world.active.knowledge, now=world.now)
    assert told == 1


def test_what_cannot_rest(world: World) -> None:
    case = world.write(sample.OWN)
    for day in (world.now.date(), date(2026, 3, 1), date(2027, 3, 4)):
        with pytest.raises(NotPossible, match="Välj en dag"):
            snooze(case, day)
    with pytest.raises(NotPossible, match="väntar inte på någon av er"):
        snooze(world.write(sample.JOIN))
    urgent = world.write(sample.RECORDS)
    with pytest.raises(NotPossible, match="brådskande"):
        snooze(urgent)
    act(urgent, escalation.take_over)
    snooze(urgent)
    assert stands_in(urgent) == {Folder.SNOOZED}
