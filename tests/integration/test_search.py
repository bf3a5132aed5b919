"""Search in many documents: the ways that are chosen for common words find what the plain way finds."""

from __future__ import annotations

import pytest

from lokbot.store import search
from lokbot.store.schema import Conversation
from lokbot.store.session import Sessions
from tests.integration.world import World
from tests.sample_mails import ANNA

WORDS = ("ansökan", "ansökans", "tältet", "ansökan tältet", '"grön ansökan"', "finnsinte", "prov")


@pytest.fixture
def world(sessions: Sessions) -> World:
    """Forty cases with common words, some with rarer ones, written one after the other."""
    world = World(sessions)
    for number in range(40):
        text = "Vi undrar om vår ansökan." if number % 4 else "Det gäller en grön ansökan om tältet."
        world.store(f"{text} Nummer {number}.", sender=ANNA)
    return world


def found(world: World, words: str, *, is_narrowed: bool, most: int = 1000) -> list[int]:
    with world.sessions() as session:
        conditions = (Conversation.id % 3 != 0,) if is_narrowed else ()
        every = search.conversations(session, search.terms(words), *conditions, most=most, is_narrowed=is_narrowed)
        assert not every.is_cut
        return list(every.documents)


@pytest.mark.parametrize("is_narrowed", [False, True])
@pytest.mark.parametrize("words", WORDS)
def test_common_words_are_found_like_others(
    world: World, words: str, is_narrowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = found(world, words, is_narrowed=is_narrowed)
    assert bool(plain) is (words != "finnsinte")
    monkeypatch.setattr(search, "SAMPLE", 4)
    monkeypatch.setattr(search, "STEPS", (3, 10, 1000))
    monkeypatch.setattr(search, "CASES", 3)
    assert sorted(found(world, words, is_narrowed=is_narrowed)) == sorted(plain)
    # Of more than are wanted the newest come, on every way.
    assert found(world, words, is_narrowed=is_narrowed, most=2) == sorted(plain, reverse=True)[:2]


def test_whoever_goes_beyond_what_is_looked_through_is_told_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SAMPLE", 4)
    monkeypatch.setattr(search, "STEPS", (3, 10))
    with world.sessions() as session:
        first = search.conversations(session, search.terms("ansökan"), most=1000, is_narrowed=False)
    assert first.is_cut
    assert len(first.documents) == 13
