"""What people send from the mailbox with their own mail program: in its case, once, and the bot is silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from lokbot.conversation import escalation, sent_mail
from lokbot.conversation.sent_mail import Fate
from lokbot.model import Address, Automatic, ConversationStatus, IncomingMessage, OutboxKind, OutboxStatus, Outcome
from lokbot.store import queries
from lokbot.store.queries import MAILBOX
from lokbot.store.schema import Conversation, OutboxItem
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.world import COORDINATORS, SUGGEST, Case, World
from tests.sample_mails import ANNA, LOK, STRANGER, mail

JOIN = sample.JOIN
OWN_MATTER = sample.OWN


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


def written(
    world: World, text: str = "Ja, den har kommit.", *, to: tuple[Address, ...] = (ANNA,), **values: Any
) -> IncomingMessage:
    """What Outlook leaves in the folder of sent mail."""
    return mail(text, sender=LOK, to=to, **{"received_at": world.now, "raw": b"Subject: SV\r\n\r\nJa", **values})


def answering(
    world: World, message_id: str | None, text: str = "Ja, den har kommit.", **values: Any
) -> IncomingMessage:
    assert message_id is not None
    return written(world, text, in_reply_to=(message_id,), references=(message_id,), **values)


def take_in(world: World, sent: IncomingMessage, *, is_ours: bool = False) -> Fate:
    with world.sessions.begin() as session:
        return sent_mail.take_in(session, sent, is_ours=is_ours, settings=world.settings, now=world.now)


def stored(world: World) -> list[OutboxItem]:
    with world.sessions.begin() as session:
        return list(session.scalars(select(OutboxItem).where(OutboxItem.created_by == MAILBOX)))


def conversations(world: World) -> list[Conversation]:
    with world.sessions.begin() as session:
        return list(session.scalars(select(Conversation).order_by(Conversation.id)))


def waiting(world: World) -> Case:
    """Anna asks what only a person can answer."""
    case = world.write(OWN_MATTER)
    assert case.conversation.status is ConversationStatus.WAITING
    return case


# ------------------------------------------------------------------ an answer


def test_an_answer_is_kept_in_its_case_and_settles_it(world: World) -> None:
    case = waiting(world)
    world.later(minutes=5)
    sent = answering(world, case.message.message_id)
    assert take_in(world, sent) == "sent"

    (item,) = case.items(OutboxKind.ANSWER)
    assert (item.status, item.created_by, item.external_id) == (OutboxStatus.SENT, MAILBOX, sent.message_id)
    assert (item.text, item.sent_at, item.message_id) == (sent.new_text, world.now, case.message_id)
    with world.sessions.begin() as session:
        assert session.get_one(OutboxItem, item.id).raw == sent.raw
    assert case.conversation.status is ConversationStatus.RESOLVED
    assert case.conversation.waiting_since is None
    event = case.events()[-1]
    assert (event.actor, event.verb) == (MAILBOX, "answered")


def test_nothing_automatic_goes_out_after_it_was_seen(world: World) -> None:
    case = world.write(JOIN)
    assert [item.status for item in case.told()] == [OutboxStatus.QUEUED]
    take_in(world, answering(world, case.message.message_id))
    assert world.deliver() == []
    assert [item.status for item in case.items(OutboxKind.REPLY)] == [OutboxStatus.CANCELLED]


def test_a_suggestion_is_taken_back(sessions: Sessions) -> None:
    world = World(sessions, SUGGEST)
    case = world.write(JOIN)
    assert case.items(status=OutboxStatus.HELD)
    take_in(world, answering(world, case.message.message_id))
    assert case.items(status=OutboxStatus.HELD) == []


def test_an_answer_to_a_mail_of_ours_belongs_to_its_case(world: World) -> None:
    case = waiting(world)
    world.deliver()
    receipt = case.told()[0]
    world.later(minutes=5)
    assert take_in(world, answering(world, receipt.external_id)) == "sent"
    assert case.conversation.status is ConversationStatus.RESOLVED


def test_the_same_mail_twice_is_one(world: World) -> None:
    case = waiting(world)
    sent = answering(world, case.message.message_id)
    assert [take_in(world, sent), take_in(world, sent)] == ["sent", "duplicate"]
    assert len(stored(world)) == 1


def test_a_reply_to_it_threads_and_goes_to_a_person(world: World) -> None:
    case = waiting(world)
    sent = answering(world, case.message.message_id)
    take_in(world, sent)
    world.later(hours=1)
    again = world.write("Men det stämmer inte.", in_reply_to=(sent.message_id,))
    assert again.conversation.id == case.conversation.id
    assert again.plan.decisions[0].reason == "reply-to-answer"


def test_a_message_that_came_after_the_person_wrote_is_not_settled_by_it(world: World) -> None:
    first = waiting(world)
    sent = answering(world, first.message.message_id)
    world.later(minutes=10)
    later = world.write("En sak till: var är vår utbetalning?", in_reply_to=(first.message.message_id,))
    assert later.conversation.id == first.conversation.id
    take_in(world, sent)  # written before, and seen only now
    assert first.conversation.status is ConversationStatus.WAITING


# ------------------------------------------------------------------ an answer that is seen before its question


def test_a_question_that_a_person_answered_while_we_were_away_gets_nothing_from_the_bot(world: World) -> None:
    question = mail(JOIN)
    world.later(hours=1)
    assert take_in(world, answering(world, question.message_id, "Så här gör ni.")) == "sent"
    world.later(hours=1)
    # The same mail, fetched only now.
    case = world.write(JOIN, message_id=question.message_id, received_at=question.received_at)
    assert [(decision.outcome, decision.reason) for decision in case.plan.decisions] == [(Outcome.IGNORE, "answered")]
    assert len(conversations(world)) == 1
    assert case.conversation.status is ConversationStatus.RESOLVED
    assert world.deliver() == []


def test_another_mail_with_the_same_message_id_is_not_taken_for_answered(world: World) -> None:
    """Some programs give every mail the same Message-ID; promise 1."""
    case = waiting(world)
    world.later(minutes=5)
    take_in(world, answering(world, case.message.message_id))
    world.later(minutes=5)
    again = world.write("Och vår rapport?", message_id=case.message.message_id)
    assert again.plan.decisions[0].reason != "answered"
    assert again.plan.needs_person


def test_a_question_that_a_person_forwarded_while_we_were_away_is_left_to_people(world: World) -> None:
    question = mail(JOIN)
    world.later(hours=1)
    take_in(world, answering(world, question.message_id, to=(STRANGER,)))
    case = world.write(JOIN, message_id=question.message_id, received_at=question.received_at)
    assert case.plan.decisions[0].reason == "with-a-person"
    assert case.told() == []


# ------------------------------------------------------------------ to others, to nobody known, not a person's


def test_a_forward_takes_the_case(world: World) -> None:
    case = world.write(JOIN)
    assert take_in(world, answering(world, case.message.message_id, "Kan ni ta den här?", to=(STRANGER,))) == "sent"
    (item,) = case.items(OutboxKind.FORWARD)
    assert item.created_by == MAILBOX
    assert (case.conversation.status, case.conversation.taken_by) == (ConversationStatus.TAKEN, MAILBOX)
    assert world.deliver() == []


def test_a_case_that_somebody_has_taken_stays_theirs_when_it_is_forwarded(world: World) -> None:
    case = waiting(world)
    with world.sessions.begin() as session:
        found = queries.conversation_for(session, case.conversation.id)
        assert found is not None
        escalation.take_over(session, found, actor="Kim", now=world.now)
    take_in(world, answering(world, case.message.message_id, to=(STRANGER,)))
    assert case.conversation.taken_by == "Kim"


def test_a_mail_to_somebody_new_opens_a_settled_case_that_its_answer_threads_into(world: World) -> None:
    sent = written(world, "Välkomna på möte!", to=(STRANGER, ANNA), subject="Inbjudan")
    assert take_in(world, sent) == "sent"
    (opened,) = conversations(world)
    assert (opened.status, opened.subject) == (ConversationStatus.RESOLVED, "Inbjudan")
    world.later(hours=1)
    answer = world.write("Vi kommer gärna.", sender=STRANGER, in_reply_to=(sent.message_id,))
    assert answer.conversation.id == opened.id
    assert answer.conversation.contact.address == STRANGER.email


def test_a_coordinator_can_answer_a_case_that_nobody_has_written_in(world: World) -> None:
    take_in(world, written(world, to=(STRANGER,)))
    (opened,) = conversations(world)
    with world.sessions.begin() as session:
        found = queries.conversation_for(session, opened.id)
        assert found is not None
        item = escalation.coordinator_reply(
            session, found, "En sak till.", actor="Kim", settings=world.settings, now=world.now
        )
        assert [address["email"] for address in item.to] == [STRANGER.email]
        with pytest.raises(escalation.NotPossible, match="inget meddelande"):
            escalation.forward(
                session,
                found,
                "kultur",
                actor="Kim",
                address="kultur@stad.example",
                settings=world.settings,
                knowledge=world.active.knowledge,
                now=world.now,
            )


def test_a_stranger_among_the_references_does_not_win_over_the_recipient(world: World) -> None:
    other = world.write(OWN_MATTER, sender=STRANGER)
    case = waiting(world)
    world.later(minutes=5)
    both = (other.message.message_id or "", case.message.message_id or "")
    take_in(world, written(world, in_reply_to=both[:1], references=both))
    assert case.conversation.status is ConversationStatus.RESOLVED
    assert other.conversation.status is ConversationStatus.WAITING


def test_our_own_mail_is_left_alone(world: World) -> None:
    case = waiting(world)
    world.deliver()
    ours = case.told()[0]
    assert take_in(world, written(world, message_id=ours.external_id)) == "own"
    assert take_in(world, written(world, message_id="ny-av-exchange@stad.example"), is_ours=True) == "own"
    assert stored(world) == []
    assert case.conversation.status is ConversationStatus.WAITING


def test_what_a_machine_wrote_settles_nothing(world: World) -> None:
    case = waiting(world)
    sent = replace(answering(world, case.message.message_id), automatic=Automatic(True, "calendar", "a reply"))
    assert take_in(world, sent) == "automatic"
    assert case.conversation.status is ConversationStatus.WAITING


def test_what_colleagues_write_to_each_other_opens_no_case(world: World) -> None:
    assert take_in(world, written(world, to=(Address("", COORDINATORS[0]),))) == "internal"
    assert take_in(world, written(world, "Utkast", to=())) == "internal"
    assert conversations(world) == []


def test_a_mail_without_a_message_id_is_kept_once(world: World) -> None:
    sent = replace(written(world), message_id=None, external_id="#abc")
    assert [take_in(world, sent), take_in(world, sent)] == ["sent", "duplicate"]


def test_a_person_answers_while_the_bots_answer_waits_for_the_server(world: World) -> None:
    """The race: queued, tried in vain, and to be tried again after the person has written."""
    case = world.write(JOIN)
    with world.sessions.begin() as session:
        item = session.scalars(select(OutboxItem).where(OutboxItem.kind == OutboxKind.REPLY)).one()
        item.not_before = world.now + timedelta(minutes=1)
    take_in(world, answering(world, case.message.message_id))
    world.later(minutes=2)
    assert world.deliver() == []
