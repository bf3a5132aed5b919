"""A sample of what the bot answered by itself is reviewed; what was wrong becomes a correction."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from lokbot.conversation import corrections, escalation, reviewing
from lokbot.model import Address, NotPossible
from lokbot.store.schema import DecisionRecord, Review
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.test_escalation import act
from tests.integration.world import SUGGEST, Case, World


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


def ask(world: World, text: str, count: int = 1) -> list[Case]:
    """So many people ask the same, and get their answer."""
    start = len(world.sent)
    cases = [world.write(text, sender=Address("", f"nr{start}.{number}@forening.example")) for number in range(count)]
    world.deliver()
    return cases


def sampled(world: World, **values: Any) -> list[DecisionRecord]:
    with world.sessions.begin() as session:
        return list(reviewing.sample(session, now=world.now, **values))


def topics(world: World, **values: Any) -> list[str | None]:
    return [decision.topic for decision in sampled(world, **values)]


def review(world: World, decision: DecisionRecord, verdict: str, **values: Any) -> None:
    with world.sessions.begin() as session:
        reviewing.review(
            session,
            session.get_one(DecisionRecord, decision.id),
            verdict,
            knowledge=world.active.knowledge,
            actor="Kim",
            now=world.now,
            **values,
        )


def test_only_what_the_bot_sent_by_itself_is_drawn(world: World, sessions: Sessions) -> None:
    ask(world, sample.JOIN)
    ask(world, sample.OWN)
    ask(world, "Tack så mycket!")
    world.write(sample.PREMISES)  # not sent yet
    assert [decision.article for decision in sampled(world)] == ["ga-med"]
    suggesting = World(sessions, SUGGEST)
    released = suggesting.write(sample.AMOUNT)
    act(released, escalation.release)
    suggesting.deliver()
    assert {decision.article for decision in sampled(world)} == {"ga-med", "lana-lokal"}


def test_what_is_old_or_reviewed_is_not_drawn(world: World) -> None:
    ask(world, sample.JOIN)
    world.later(weeks=5)
    assert sampled(world) == []
    ask(world, sample.PREMISES)
    (found,) = sampled(world)
    review(world, found, "right", comment=" Bra. ")
    assert sampled(world) == []
    with world.sessions.begin() as session:
        (kept,) = session.scalars(select(Review))
        assert (kept.verdict, kept.comment, kept.reviewed_by, kept.reviewed_at) == ("right", "Bra.", "Kim", world.now)


def test_topics_that_were_reviewed_least_come_first(world: World) -> None:
    ask(world, sample.JOIN, 6)
    ask(world, sample.PREMISES, 2)
    assert sorted(map(str, topics(world, count=4))) == ["anslutning", "anslutning", "lokaler", "lokaler"]
    for decision in [one for one in sampled(world) if one.topic == "anslutning"][:3]:
        review(world, decision, "right")
    assert topics(world, count=3) == ["lokaler", "lokaler", "anslutning"]


def test_whoever_looks_again_sees_the_same_and_not_the_first_that_came(world: World) -> None:
    ask(world, sample.JOIN, 8)
    drawn = [decision.id for decision in sampled(world, count=4)]
    assert drawn == [decision.id for decision in sampled(world, count=4)]
    assert drawn != sorted(drawn)


def test_what_was_wrong_and_what_is_right_become_an_example(world: World) -> None:
    ask(world, sample.JOIN)
    (found,) = sampled(world)
    review(world, found, "wrong", article="lana-lokal")
    with world.sessions.begin() as session:
        (example,) = corrections.examples(session)
        assert example.articles == ("lana-lokal",)


def test_a_verdict_without_a_correction_is_enough(world: World) -> None:
    ask(world, sample.JOIN)
    review(world, sampled(world)[0], "partly")
    with world.sessions.begin() as session:
        assert corrections.examples(session) == []


def test_what_is_no_review(world: World) -> None:
    ask(world, sample.JOIN)
    (found,) = sampled(world)
    with pytest.raises(NotPossible, match="Välj bland: right, wrong, partly"):
        review(world, found, "fel")
    with pytest.raises(NotPossible, match="rätt kan inte rättas"):
        review(world, found, "right", article="lana-lokal")
    with pytest.raises(NotPossible, match="ingen sådan artikel"):
        review(world, found, "wrong", article="x")
    assert len(sampled(world)) == 1, "a review that failed is none"
