"""Cases are collected for the steering group's next meeting, in lines without personal data."""

from __future__ import annotations

from datetime import date

import pytest

from lokbot.conversation import steering
from lokbot.conversation.escalation import NotPossible
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.test_escalation import act, last_event
from tests.integration.world import World
from tests.sample_mails import STRANGER

LINE = "Flera föreningar saknar en lokal på kvällstid."


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


def waiting(world: World) -> list[tuple[str, str]]:
    with world.sessions.begin() as session:
        return [(matter.conversation.case_number, matter.line) for matter in steering.collected(session)]


def meet(world: World) -> int:
    with world.sessions.begin() as session:
        return steering.hold_meeting(session, date(2026, 3, 9), actor="Kim", now=world.now)


def test_what_was_collected_is_brought_up_once(world: World) -> None:
    first, second = world.write(sample.OWN), world.write(sample.PREMISES, sender=STRANGER)
    act(first, steering.mark, f"  {LINE}\n")
    act(second, steering.mark, "Annat.")
    act(second, steering.mark, "Bokningen är svår.")
    assert waiting(world) == [("LOK-2026-00001", LINE), ("LOK-2026-00002", "Bokningen är svår.")]
    assert (meet(world), meet(world)) == (2, 0)
    assert waiting(world) == []
    act(first, steering.mark, "Igen.")
    assert waiting(world) == [("LOK-2026-00001", "Igen.")]


def test_a_case_can_be_taken_off_the_list(world: World) -> None:
    case = world.write(sample.OWN)
    act(case, steering.mark, LINE)
    act(case, steering.unmark)
    assert waiting(world) == []
    assert last_event(case) == ("Kim", "not-to-steering")
    with pytest.raises(NotPossible, match="väntar inte på något möte"):
        act(case, steering.unmark)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (" \n", "Skriv en rad"),
        ("o" * 301, "för lång"),
        ("Ring 070-123 45 67", "personuppgifter"),
        ("anna@forening.example vill ha en lokal", "personuppgifter"),
        ("19121212-1212 frågar", "personuppgifter"),
    ],
)
def test_a_line_has_words_and_no_personal_data(world: World, line: str, why: str) -> None:
    case = world.write(sample.OWN)
    with pytest.raises(NotPossible, match=why):
        act(case, steering.mark, line)
    assert waiting(world) == []


def test_the_line_is_in_no_event(world: World) -> None:
    case = world.write(sample.OWN)
    act(case, steering.mark, LINE)
    assert LINE not in str([event.detail for event in case.events()])
