"""A call or a visit becomes a case with what it is about, and nothing goes to anybody by itself."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from lokbot.conversation import calls, escalation
from lokbot.conversation.escalation import NotPossible
from lokbot.model import ChannelName, ConversationStatus, MessageState, Outcome
from lokbot.store import queries
from lokbot.store.schema import Contact, Conversation
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.test_escalation import act, forward, reply
from tests.integration.world import Case, World
from tests.sample_mails import ANNA


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


def log(world: World, text: str = sample.JOIN, **values: Any) -> Case:
    """Kim writes down a call, and a worker looks at it."""
    defaults: dict[str, Any] = {"channel": ChannelName.PHONE, "actor": "Kim"}
    with world.sessions.begin() as session:
        logged = calls.log_call(session, text=text, settings=world.settings, now=world.now, **{**defaults, **values})
        number = logged.id
    handled = world.handle_next()
    assert handled is not None
    case = Case(world, handled[0], handled[1])
    assert case.conversation.id == number
    return case


def contact(case: Case) -> Contact:
    with case.world.sessions.begin() as session:
        return session.get_one(Conversation, case.conversation.id).contact


def test_a_call_is_a_case_of_whoever_took_it_with_what_it_is_about(world: World) -> None:
    case = log(world, name="Anna Prov", phone="042 - 10 50 00")
    conversation = case.conversation
    assert (conversation.channel, conversation.status, conversation.taken_by) == (
        ChannelName.PHONE,
        ConversationStatus.TAKEN,
        "Kim",
    )
    assert (conversation.subject, conversation.topic, conversation.answer_by) == (
        sample.JOIN,
        "anslutning",
        date(2026, 3, 3),
    )
    assert (contact(case).name, contact(case).address, contact(case).channel) == (
        "Anna Prov",
        "042105000",
        ChannelName.PHONE,
    )
    (question,) = case.conversation.messages[0].questions
    assert question.understanding["matches"][0]["article"] == "ga-med"
    assert [decision.outcome for decision in question.decisions] == [Outcome.ESCALATE]
    assert case.message.state is MessageState.HANDLED
    assert case.items() == []
    assert world.deliver() == []


def test_whose_matter_it_is_is_noted_and_not_sent_on(world: World) -> None:
    case = log(world, sample.GARDEN, channel=ChannelName.VISIT)
    assert case.conversation.administration == "fritid"
    assert case.items() == []


def test_without_an_address_nothing_is_ever_queued(world: World) -> None:
    case = log(world, sample.OWN, phone="0701234567")
    with pytest.raises(NotPossible, match="har ingen adress att svara till"):
        reply(case)
    forward(case, "fritid")
    assert [message.to[0].email for message in world.deliver()] == ["fritid@stad.example"]
    assert world.deliver() == []


def test_who_gives_an_address_is_answered_by_mail_and_may_write_back(world: World) -> None:
    before = world.write(sample.OWN)
    world.deliver()
    case = log(world, "Vill veta mer om årsmötet.", name="Anna", mail="Anna@Forening.example")
    assert contact(case).id == contact(before).id
    reply(case, "Här kommer länken.")
    (sent,) = world.deliver()
    assert (sent.channel, [one.email for one in sent.to]) == (ChannelName.MAIL, [ANNA.email])
    assert sent.in_reply_to is None
    assert case.conversation.status is ConversationStatus.RESOLVED
    back = world.write("Länken fungerar inte hos oss.", in_reply_to=(sent.external_id,))
    assert back.conversation.id == case.conversation.id
    assert back.conversation.status is ConversationStatus.WAITING


def test_what_is_done_stays_done(world: World) -> None:
    case = log(world, is_done=True)
    conversation = case.conversation
    assert (conversation.status, conversation.taken_by, conversation.answer_by) == (
        ConversationStatus.RESOLVED,
        None,
        None,
    )
    assert conversation.topic == "anslutning"


def test_what_is_urgent_stands_so_and_mails_nobody(world: World) -> None:
    case = log(world, sample.DANGER)
    assert case.conversation.is_urgent
    assert case.notified() == []
    assert not log(world, f"{sample.DANGER} Redan löst.", is_done=True).conversation.is_urgent


def test_those_who_give_nothing_are_not_one_person(world: World) -> None:
    first, second = log(world), log(world, sample.PREMISES)
    assert contact(first).id != contact(second).id
    assert contact(second).address == second.conversation.case_number


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"text": " "}, "Skriv vad det gällde"),
        ({"channel": ChannelName.MAIL}, "phone eller visit"),
        ({"mail": "anna"}, "ingen mejladress"),
        ({"phone": "ring Anna"}, "inget telefonnummer"),
    ],
)
def test_what_cannot_be_logged(world: World, values: dict[str, Any], why: str) -> None:
    with pytest.raises(NotPossible, match=why):
        log(world, **values)
    with world.sessions.begin() as session:
        assert queries.conversations(session) == []


def test_an_act_in_a_logged_case_is_as_in_any_other(world: World) -> None:
    case = log(world)
    act(case, escalation.resolve)
    assert case.conversation.status is ConversationStatus.RESOLVED
