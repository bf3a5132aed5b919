"""What became of a question, by what stands in the outbox and what was done since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lokbot.config import Promise
from lokbot.model import ChannelName, ConversationStatus, FactOutcome, OutboxKind, OutboxStatus, Outcome
from lokbot.statistics.deriving import Asked, Case, Derived, Item, Noted, derive

T = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # a Tuesday, 10:00 in Sweden
HOUR = timedelta(hours=1)


def asked(number: int = 1, **values: Any) -> Asked:
    given = Asked(
        number, number, number, T, "sv", None, Outcome.ESCALATE, "rule", "not-sure", 0.4, None, None, None, None, None
    )
    return replace(given, **values)


def item(number: int, kind: OutboxKind, *, at: datetime = T + HOUR, **values: Any) -> Item:
    return replace(Item(number, kind, OutboxStatus.SENT, False, "Kim", at, at, False), **values)


def case(*questions: Asked, items: tuple[Item, ...] = (), events: tuple[Noted, ...] = (), **values: Any) -> Case:
    given = Case(7, ChannelName.MAIL, ConversationStatus.WAITING, 3, None, None, questions, items, events)
    return replace(given, **values)


def only(given: Case) -> Derived:
    (fact,) = derive(given, Promise())
    return fact


REPLY = item(5, OutboxKind.REPLY, is_automatic=True, created_by="bot")
ANSWERED = asked(outcome=Outcome.ANSWER, reason="known", outbox_id=5, article="a")
ROUTED = asked(outcome=Outcome.ROUTE, reason="owner", outbox_id=5)
ANSWER = item(6, OutboxKind.ANSWER)
FORWARD = item(7, OutboxKind.FORWARD)
RELEASED = replace(REPLY, is_automatic=False, created_by="Kim")
RESOLVED = ConversationStatus.RESOLVED
OFFERED = asked(reason="not-sure", choices=["b", "a"])
CHOSEN = asked(2, outcome=Outcome.ANSWER, reason="chosen", outbox_id=5, article="a")


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (case(ANSWERED, items=(REPLY,)), FactOutcome.BOT),
        (case(ANSWERED, items=(replace(REPLY, status=OutboxStatus.QUEUED),)), FactOutcome.BOT),
        (case(replace(ANSWERED, outcome=Outcome.CLARIFY), items=(REPLY,)), FactOutcome.BOT),
        # What a person writes later is about something else that was asked.
        (case(ANSWERED, items=(REPLY, ANSWER)), FactOutcome.BOT),
        (case(ANSWERED, items=(RELEASED,)), FactOutcome.SUGGESTION),
        (case(ANSWERED, items=(replace(RELEASED, status=OutboxStatus.HELD),)), FactOutcome.OPEN),
        # The suggestion was taken back since a person answered in their own words.
        (case(ANSWERED, items=(replace(REPLY, status=OutboxStatus.CANCELLED), ANSWER)), FactOutcome.PERSON),
        (case(ANSWERED, items=(replace(REPLY, status=OutboxStatus.FAILED),)), FactOutcome.OPEN),
        (case(asked(), items=(ANSWER,)), FactOutcome.PERSON),
        (case(asked(), items=(replace(ANSWER, status=OutboxStatus.CANCELLED),)), FactOutcome.OPEN),
        (case(asked(), items=(replace(ANSWER, queued_at=T - HOUR),)), FactOutcome.OPEN),
        (case(asked(), items=(FORWARD,)), FactOutcome.POINTED),
        (case(asked(), items=(replace(FORWARD, is_returned=True),)), FactOutcome.OPEN),
        # What was answered by word of mouth stands in no outbox.
        (case(asked(), channel=ChannelName.PHONE, status=RESOLVED), FactOutcome.PERSON),
        (case(asked(), channel=ChannelName.PHONE), FactOutcome.OPEN),
        (case(asked(), status=RESOLVED, events=(Noted("moved", T, {"by": "phone"}),)), FactOutcome.PERSON),
        (case(asked(), status=RESOLVED, events=(Noted("moved", T, {"by": "mail"}),)), FactOutcome.WITHDRAWN),
        (case(asked(), items=(FORWARD, ANSWER)), FactOutcome.PERSON),
        (case(ROUTED, items=(REPLY,)), FactOutcome.POINTED),
        (case(ROUTED, items=(REPLY, ANSWER)), FactOutcome.PERSON),
        (case(asked()), FactOutcome.OPEN),
        (case(asked(), status=RESOLVED), FactOutcome.WITHDRAWN),
        (case(asked(outcome=Outcome.IGNORE, reason="thanks"), status=RESOLVED), FactOutcome.AUTOMATIC),
        (case(asked(reason="bounce")), FactOutcome.AUTOMATIC),
        # A person had answered from the mailbox before the bot came to it.
        (case(asked(outcome=Outcome.IGNORE, reason="answered"), items=(ANSWER,)), FactOutcome.PERSON),
        # Opened again: what was answered is not.
        (case(asked(), items=(ANSWER,), events=(Noted("reopened", T + 2 * HOUR, {}),)), FactOutcome.OPEN),
        (
            case(
                asked(),
                items=(ANSWER, item(8, OutboxKind.ANSWER, at=T + 3 * HOUR)),
                events=(Noted("reopened", T + 2 * HOUR, {}),),
            ),
            FactOutcome.PERSON,
        ),
    ],
)
def test_a_question_has_one_outcome(given: Case, outcome: FactOutcome) -> None:
    assert only(given).outcome is outcome


@pytest.mark.parametrize(
    "inside",
    [
        asked(reason="from-coordinator"),
        asked(reason="from-administration"),
        asked(rule="leave_an_administrations_mail_to_the_coordinator", reason="with-a-person"),
    ],
)
def test_colleagues_ask_nothing(inside: Asked) -> None:
    assert derive(case(inside), Promise()) == []


def test_what_was_solved_by_an_answer_that_the_asker_chose_is_the_bots() -> None:
    def of(**values: Any) -> list[FactOutcome]:
        given = case(OFFERED, CHOSEN, **{"items": (REPLY,), "status": RESOLVED, **values})
        return [fact.outcome for fact in derive(given, Promise())]

    assert of() == [FactOutcome.BOT, FactOutcome.BOT]
    solved = derive(case(OFFERED, CHOSEN, items=(REPLY,), status=RESOLVED), Promise())
    waiting = derive(case(OFFERED, CHOSEN, items=(REPLY,)), Promise())
    assert ([fact.is_unknown for fact in solved], [fact.is_unknown for fact in waiting]) == (
        [False, False],
        [True, False],
    ), "what a text answered is not unknown"
    assert of(status=ConversationStatus.WAITING) == [FactOutcome.OPEN, FactOutcome.BOT]
    assert of(items=(REPLY, ANSWER)) == [FactOutcome.PERSON, FactOutcome.BOT]
    before = case(CHOSEN, replace(OFFERED, question_id=3, message_id=3), items=(REPLY,), status=RESOLVED)
    assert [fact.outcome for fact in derive(before, Promise())] == [FactOutcome.BOT, FactOutcome.WITHDRAWN]


def test_what_was_pointed_on_and_solved_by_a_chosen_answer_is_the_bots_too() -> None:
    routed = replace(ROUTED, choices=["a"])
    solved = derive(case(routed, CHOSEN, items=(REPLY,), status=RESOLVED), Promise())
    waiting = derive(case(routed, CHOSEN, items=(REPLY,)), Promise())
    assert [fact.outcome for fact in solved] == [FactOutcome.BOT, FactOutcome.BOT]
    assert [fact.outcome for fact in waiting] == [FactOutcome.POINTED, FactOutcome.BOT]
    forwarded = derive(case(routed, CHOSEN, items=(REPLY, FORWARD), status=RESOLVED), Promise())
    assert forwarded[0].outcome is FactOutcome.POINTED


@pytest.mark.parametrize(
    ("before", "outcome"),
    [
        (ROUTED, FactOutcome.POINTED),
        (replace(ROUTED, choices=["b"]), FactOutcome.POINTED),
        (asked(), FactOutcome.WITHDRAWN),
    ],
)
def test_a_chosen_answer_counts_for_what_it_was_offered_for_alone(before: Asked, outcome: FactOutcome) -> None:
    offered = replace(OFFERED, question_id=3)
    facts = derive(case(before, offered, CHOSEN, items=(REPLY,), status=RESOLVED), Promise())
    assert [fact.outcome for fact in facts] == [outcome, FactOutcome.BOT, FactOutcome.BOT]


def test_only_the_last_message_is_opened_again() -> None:
    later = asked(2, received_at=T + HOUR / 2)
    given = case(asked(), later, items=(ANSWER,), events=(Noted("reopened", T + 2 * HOUR, {}),))
    assert [fact.outcome for fact in derive(given, Promise())] == [FactOutcome.PERSON, FactOutcome.OPEN]


def test_waiting_is_working_time_to_the_first_human_reply() -> None:
    assert only(case(asked(), items=(ANSWER,))).first_reply_minutes == 60
    assert only(case(ANSWERED, items=(REPLY,))).first_reply_minutes is None
    assert only(case(ANSWERED, items=(replace(RELEASED, queued_at=T + 2 * HOUR),))).first_reply_minutes == 120
    assert only(case(asked(), items=(FORWARD,))).first_reply_minutes == 60
    assert only(case(asked(), items=(replace(FORWARD, created_by="bot"),))).first_reply_minutes is None


def test_the_rest_of_a_fact() -> None:
    events = (
        Noted("reviewed", T, {"decision": 1, "verdict": "wrong"}),
        Noted("feedback", T, {"question": 1, "helped": False}),
        Noted("reviewed", T, {"decision": 2, "verdict": "right"}),
    )
    again = replace(FORWARD, id=8, created_at=T + 2 * HOUR)
    gone = replace(FORWARD, id=9, status=OutboxStatus.FAILED)
    fact = only(case(asked(language="so"), items=(FORWARD, again, gone), events=events))
    assert (fact.language, fact.forwarded, fact.feedback, fact.verdict) == ("annat", 2, "no", "wrong")
    assert (fact.month, fact.day.isoformat(), fact.conversation_id, fact.is_first) == ("2026-11", "2026-11-24", 7, True)
    assert fact.is_unknown
    assert not only(case(asked(reason="urgent"))).is_unknown


def test_the_first_question_of_a_conversation_is_the_first_that_is_one() -> None:
    thanks = asked(1, outcome=Outcome.IGNORE, reason="thanks")
    facts = derive(case(thanks, asked(2), asked(3)), Promise())
    assert [fact.is_first for fact in facts] == [False, True, False]
