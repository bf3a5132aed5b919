"""A wrong text went to many: each gets one correction, whoever asks twice or calls twice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot.conversation import escalation, recalling
from lokbot.model import Address, ConversationStatus, NotPossible, OutboxKind, OutboxStatus, OutgoingMessage
from lokbot.store.schema import ArticleRevision, Event, OutboxItem
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.test_escalation import act, pause
from tests.integration.together import in_threads
from tests.integration.world import SUGGEST, Case, World
from tests.sample_mails import ANNA

SV = sample.phrases()["sv"]
RIGHT = "Årsmötet fattar beslutet, inte styrelsen."


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


def ask(world: World, *senders: str, text: str = sample.JOIN, subject: str = "Fråga") -> list[Case]:
    cases = [world.write(text, sender=Address("", f"{name}@forening.example"), subject=subject) for name in senders]
    world.deliver()
    return cases


def correct_all(world: World, text: str = RIGHT, article: str = "ga-med") -> int:
    with world.sessions.begin() as session:
        queued = recalling.correct_all(
            session,
            revision(session, article),
            text,
            actor="Kim",
            settings=world.settings,
            knowledge=world.active.knowledge,
            now=world.now,
        )
        return len(queued)


def revision(session: Session, article: str = "ga-med") -> ArticleRevision:
    return session.scalars(
        select(ArticleRevision).where(ArticleRevision.article == article, ArticleRevision.language == "sv")
    ).one()


def corrections(sent: Sequence[OutgoingMessage]) -> list[str]:
    return sorted(message.to[0].email for message in sent if RIGHT in message.text)


def leave(world: World) -> list[str]:
    """The undo time passes; to whom corrections go then."""
    world.later(minutes=10)
    return corrections(world.deliver())


def test_fourteen_got_a_wrong_text_and_each_gets_one_correction(world: World) -> None:
    names = [f"f{number:02}" for number in range(14)]
    ask(world, *names)
    ask(world, "f03", subject="Igen")
    ask(world, "annan", text=sample.PREMISES)
    assert pause(world, "article", "ga-med") == 0
    assert correct_all(world) == 14
    assert corrections(world.deliver()) == []
    assert leave(world) == [f"{name}@forening.example" for name in names]
    assert correct_all(world) == 0
    assert leave(world) == []


def test_a_correction_says_what_it_is_and_answers_in_the_thread(world: World) -> None:
    (case,) = ask(world, "anna")
    status = case.conversation.status
    pause(world, "article", "ga-med")
    correct_all(world)
    world.later(minutes=10)
    (sent,) = world.deliver()
    assert sent.text.startswith(SV["correction.opening"].format(day="måndag den 2 mars 2026"))
    assert (sent.in_reply_to, sent.is_automatic) == (case.message.message_id, False)
    assert case.conversation.case_number in sent.text
    assert case.conversation.status is status
    verbs = [event.verb for event in case.events()]
    assert "told-correction" in verbs


def test_a_case_that_somebody_works_on_is_not_settled_by_a_correction(world: World) -> None:
    (case,) = ask(world, "anna")
    act(case, escalation.take_over)
    pause(world)
    correct_all(world)
    assert leave(world) == [ANNA.email]
    assert case.conversation.status is ConversationStatus.TAKEN


def test_a_second_call_reaches_only_who_is_new(world: World) -> None:
    ask(world, "anna")
    pause(world, "topic", "anslutning")
    correct_all(world)
    with world.sessions.begin() as session:
        escalation.resume(session, "topic", "anslutning", actor="Kim", now=world.now)
    ask(world, "bo")
    pause(world, "article", "ga-med")
    assert correct_all(world) == 1
    assert leave(world) == ["anna@forening.example", "bo@forening.example"]
    with world.sessions.begin() as session:
        counts = [
            event.detail["count"] for event in session.scalars(select(Event).where(Event.verb == "corrected-all"))
        ]
        assert counts == [1, 1]


def test_what_a_coordinator_released_counts_and_what_came_back_does_not(sessions: Sessions) -> None:
    world = World(sessions, SUGGEST)
    released, bounced, held = ask(world, "anna", "bo", "cilla")
    for case in (released, bounced):
        act(case, escalation.release)
    world.deliver()
    with sessions.begin() as session:
        (item,) = bounced.items(OutboxKind.REPLY)
        session.get_one(OutboxItem, item.id).bounced_at = world.now
    assert held.items(OutboxKind.REPLY)[0].status is OutboxStatus.HELD
    pause(world)
    assert correct_all(world) == 1
    assert leave(world) == [ANNA.email]


def test_what_was_stopped_may_be_sent_anew(world: World) -> None:
    ask(world, "anna", "bo")
    pause(world)
    correct_all(world, "Fel rättelse.")
    with world.sessions.begin() as session:
        assert recalling.stop_all(session, revision(session), actor="Kim", now=world.now) == 2
        assert recalling.stop_all(session, revision(session), actor="Kim", now=world.now) == 0
    assert correct_all(world) == 2
    assert leave(world) == ["anna@forening.example", "bo@forening.example"]
    assert not any("Fel rättelse." in message.text for message in world.sent)


def test_a_call_that_broke_off_has_told_nobody_and_the_next_tells_all(world: World) -> None:
    ask(world, "anna", "bo")
    pause(world)
    with world.sessions() as session:  # and is never committed
        recalling.correct_all(
            session,
            revision(session),
            "Halvvägs.",
            actor="Kim",
            settings=world.settings,
            knowledge=world.active.knowledge,
            now=world.now,
        )
        session.rollback()
    assert correct_all(world) == 2
    assert leave(world) == ["anna@forening.example", "bo@forening.example"]
    assert not any("Halvvägs." in message.text for message in world.sent)


def test_two_who_correct_at_once_send_one(world: World) -> None:
    ask(world, "anna", "bo", "cilla")
    pause(world)
    assert sorted(in_threads(3, lambda _: correct_all(world))) == [0, 0, 3]


def test_nothing_is_corrected_while_the_wrong_text_may_still_go(world: World) -> None:
    ask(world, "anna")
    pause(world, "article", "lana-lokal")
    with pytest.raises(NotPossible, match="lokbot pause --article ga-med"):
        correct_all(world)
    pause(world)
    with pytest.raises(NotPossible, match="Rättelsen är tom"):
        correct_all(world, " ")
    assert leave(world) == []
