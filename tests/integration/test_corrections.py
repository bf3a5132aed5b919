"""What people correct is kept with its question, told with the case, and given as labelled examples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lokbot import describing
from lokbot.conversation import corrections, escalation
from lokbot.model import GoldenQuestion, NotPossible, Outcome
from lokbot.store import inbox, queries
from lokbot.store.inbox import Filters, Folder
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.test_coordinator_mail import KIM, with_server
from tests.integration.test_escalation import act
from tests.integration.test_forwarding import answer as office_answers
from tests.integration.world import SEND, Case, World
from tests.sample_mails import STRANGER


def correct(case: Case, *, question: int = 0, by: str = "Kim", **right: Any) -> None:
    world = case.world
    with world.sessions.begin() as session:
        conversation = queries.conversation_for(session, case.conversation.id)
        assert conversation is not None
        corrections.correct(
            session,
            conversation,
            corrections.questions_of(conversation)[question],
            knowledge=world.active.knowledge,
            actor=by,
            now=world.now,
            **right,
        )


def examples(world: World) -> list[GoldenQuestion]:
    with world.sessions.begin() as session:
        return corrections.examples(session)


def test_a_correction_is_an_example_an_event_and_shown_with_the_case(sessions: Sessions) -> None:
    world = World(sessions)
    case = world.write(sample.NONSENSE)
    correct(case, article="ga-med", topic="anslutning", administration="samordnare")
    (example,) = examples(world)
    assert example == GoldenQuestion(
        example.id,
        sample.NONSENSE,
        "sv",
        "corrected",
        frozenset({Outcome.ANSWER}),
        ("ga-med",),
        "samordnare",
    )
    event = case.events()[-1]
    assert (event.verb, event.actor, event.detail["article"]) == ("corrected", "Kim", "ga-med")
    assert sample.NONSENSE not in str(event.detail), "an event never holds what an asker wrote"
    shown = describing.case(case.conversation, case.events(), with_reasons=True)
    assert "rättat av Kim" in shown
    assert "artikel ga-med, rubrik anslutning, hör till samordnare" in shown
    assert "rättat" not in describing.case(case.conversation, case.events(), with_reasons=False)


@pytest.mark.parametrize(
    ("right", "outcomes", "administration"),
    [
        ({"is_nothing": True}, frozenset({Outcome.ESCALATE}), None),
        ({"is_nothing": True, "administration": "kultur"}, frozenset({Outcome.ESCALATE}), "kultur"),
        ({"administration": "kultur"}, frozenset({Outcome.ROUTE, Outcome.ESCALATE}), "kultur"),
    ],
)
def test_what_is_no_answer_is_an_example_too(
    sessions: Sessions, right: dict[str, Any], outcomes: frozenset[Outcome], administration: str | None
) -> None:
    world = World(sessions)
    correct(world.write(sample.NONSENSE), **right)
    (example,) = examples(world)
    assert (example.outcomes, example.articles, example.administration) == (outcomes, (), administration)


def test_a_topic_alone_is_kept_but_is_no_outcome(sessions: Sessions) -> None:
    world = World(sessions)
    correct(world.write(sample.NONSENSE), topic="lokaler")
    assert examples(world) == []
    with world.sessions.begin() as session:
        assert [one.topic for one in queries.corrections(session)] == ["lokaler"]


def test_the_newest_correction_of_a_question_counts(sessions: Sessions) -> None:
    world = World(sessions)
    case = world.write(sample.NONSENSE)
    correct(case, article="ga-med")
    correct(case, article="lana-lokal", by="Robin")
    assert [example.articles for example in examples(world)] == [("lana-lokal",)]


def test_each_question_of_a_message_is_corrected_by_itself(sessions: Sessions) -> None:
    world = World(sessions)
    case = world.write(f"{sample.JOIN} {sample.AMOUNT}")
    assert len(corrections.questions_of(case.conversation)) == 2
    correct(case, question=1, article="lana-lokal")
    (example,) = examples(world)
    assert example.text == sample.AMOUNT


def test_a_settled_correction_waits_no_more_and_is_not_measured_on(sessions: Sessions) -> None:
    world = World(sessions)
    for settled_as in ("rejected", "wording"):
        correct(world.write(f"{sample.NONSENSE} {settled_as}"), article="ga-med")
        with world.sessions.begin() as session:
            (waiting,) = corrections.waiting(session)
            corrections.settle(session, waiting, settled_as, actor="Kim", now=world.now)
    with world.sessions.begin() as session:
        assert corrections.waiting(session) == []
    assert examples(world) == [], "what became a wording is in the content by now"


@pytest.mark.parametrize(
    ("right", "words"),
    [
        ({}, "Säg vad som är rätt"),
        ({"article": "ga-med", "is_nothing": True}, "säger emot"),
        ({"article": "x"}, "ingen sådan artikel"),
        ({"topic": "x"}, "ingen sådan rubrik"),
        ({"administration": "x"}, "ingen sådan förvaltning"),
    ],
)
def test_what_says_nothing_is_refused(sessions: Sessions, right: dict[str, Any], words: str) -> None:
    world = World(sessions)
    case = world.write(sample.NONSENSE)
    with pytest.raises(NotPossible, match=words):
        correct(case, **right)
    assert examples(world) == []


def test_examples_are_what_a_bot_can_be_measured_on(sessions: Sessions) -> None:
    """The id is that of the question, so that its split never changes however often it is corrected."""
    world = World(sessions)
    case = world.write(sample.NONSENSE)
    correct(case, article="ga-med")
    (before,) = examples(world)
    correct(case, article="lana-lokal")
    (after,) = examples(world)
    assert before == replace(after, articles=("ga-med",))


# ------------------------------------------------------------------ whose matter the case is


def owner(case: Case) -> str | None:
    return case.conversation.administration


def test_a_case_is_that_administrations_whose_matter_it_is_said_to_be(sessions: Sessions) -> None:
    world = World(sessions)
    case, other = world.write(sample.NONSENSE), world.write("När är konserten?", sender=STRANGER)
    assert (owner(case), owner(other)) == (None, "kultur")
    correct(case, administration="kultur")
    correct(other, administration="fritid")
    for administration, one in (("kultur", case), ("fritid", other)):
        with sessions() as session:
            found = inbox.cases(session, Folder.ALL, Filters(administration=administration), "Kim").cases
        assert [each.id for each in found] == [one.conversation.id]
    correct(other, topic="lokaler")
    assert owner(other) == "fritid"


def test_a_case_that_was_sent_on_stays_with_who_was_asked_until_they_have_answered(sessions: Sessions) -> None:
    world = World(sessions, with_server(SEND))
    case = world.write(sample.NONSENSE)
    values = {"settings": world.settings, "knowledge": world.active.knowledge, "actor": KIM.email}
    act(case, escalation.forward, "fritid", **values)
    correct(case, administration="kultur")
    assert owner(case) == "fritid", "it is about to leave"
    world.deliver()
    correct(case, administration="kultur")
    assert owner(case) == "fritid"
    office_answers(case)
    correct(case, administration="kultur")
    assert owner(case) == "kultur"


@pytest.mark.parametrize("end", ["returned", "stopped"])
def test_a_forward_that_came_to_nothing_holds_no_case(sessions: Sessions, end: str) -> None:
    world = World(sessions, with_server(SEND))
    case = world.write(sample.NONSENSE)
    values = {"settings": world.settings, "knowledge": world.active.knowledge, "actor": KIM.email}
    act(case, escalation.forward, "fritid", **values)
    if end == "stopped":
        act(case, escalation.stop, actor=KIM.email)
    else:
        world.deliver()
        office_answers(case, "#inte vårt")
    correct(case, administration="kultur")
    assert owner(case) == "kultur"


def test_of_two_questions_the_case_follows_the_one_that_it_waits_for(sessions: Sessions) -> None:
    world = World(sessions)
    case = world.write(f"{sample.JOIN}\n\nVad gäller för en konsert?")
    answered, waits = corrections.questions_of(case.conversation)
    assert (answered.decisions[-1].administration, waits.decisions[-1].administration) == ("samordnare", "kultur")
    assert owner(case) == "kultur"
    correct(case, question=0, administration="miljo")
    assert owner(case) == "kultur"
    correct(case, question=1, administration="fritid")
    assert owner(case) == "fritid"
    correct(case, question=1, administration="miljo")
    assert owner(case) == "miljo", "what was said last"
