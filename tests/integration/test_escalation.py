"""What people do: take over, hand back, answer, release, forward, resolve, retry, pause, resume."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, TypeVar

import pytest

from lokbot.config import Answering, Promise
from lokbot.conversation import escalation
from lokbot.conversation.escalation import NotPossible
from lokbot.model import Address, AnsweringMode, Automatic, ConversationStatus, OutboxKind, OutboxStatus
from lokbot.store import queries
from lokbot.store.schema import Conversation, OutboxItem
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.world import COORDINATORS, SEND, SUGGEST, Case, World, edited
from tests.sample_mails import ANNA, NOW, STRANGER

SV = sample.phrases()["sv"]
EN = sample.phrases()["en"]
T = TypeVar("T")


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


@pytest.fixture
def suggesting(sessions: Sessions) -> World:
    return World(sessions, SUGGEST)


def act(case: Case, how: Callable[..., T], *arguments: Any, **values: Any) -> T:
    """Do something to a case as Kim."""
    world = case.world
    with world.sessions.begin() as session:
        found = queries.conversation_for(session, case.conversation.id)
        assert found is not None
        return how(session, found, *arguments, **{"actor": "Kim", "now": world.now, **values})


def reply(case: Case, text: str = "Vi har fått den.") -> OutboxItem:
    return act(case, escalation.coordinator_reply, text, settings=case.world.settings)


def forward(case: Case, to: str, **values: Any) -> OutboxItem:
    world = case.world
    return act(case, escalation.forward, to, settings=world.settings, knowledge=world.active.knowledge, **values)


def last_event(case: Case) -> tuple[str, str]:
    event = case.events()[-1]
    return event.actor, event.verb


def status(case: Case) -> ConversationStatus:
    return case.conversation.status


# ------------------------------------------------------------------ take over, hand back


def test_who_takes_over_silences_the_bot(world: World) -> None:
    case = world.write(sample.JOIN)
    assert act(case, escalation.take_over) == 1
    assert (status(case), case.conversation.taken_by) == (ConversationStatus.TAKEN, "Kim")
    assert [item.status for item in case.items()] == [OutboxStatus.CANCELLED]
    assert last_event(case) == ("Kim", "took-over")
    assert world.deliver() == []
    more = world.write(sample.PREMISES, in_reply_to=(case.items()[0].external_id,))
    assert more.plan.decisions[0].reason == "with-a-person"
    assert [item.status for item in more.told()] == [OutboxStatus.CANCELLED]


def test_even_the_urgent_gets_no_automatic_word_after_a_take_over(world: World) -> None:
    case = world.write(sample.OWN)
    world.deliver()
    act(case, escalation.take_over)
    urgent = world.write(sample.DANGER, in_reply_to=(case.told()[0].external_id,))
    assert (status(urgent), urgent.conversation.is_urgent) == (ConversationStatus.TAKEN, True)
    assert len(urgent.told()) == 1
    assert "BRÅDSKANDE" in urgent.notified()[-1].subject
    assert SV["notify.no-receipt"] in urgent.notified()[-1].text


def test_a_case_that_another_has_taken(world: World) -> None:
    case = world.write(sample.OWN)
    act(case, escalation.take_over)
    act(case, escalation.take_over)
    with pytest.raises(NotPossible, match=r"LOK-2026-00001 är redan taget av Kim\."):
        act(case, escalation.take_over, actor="Lo")
    act(case, escalation.hand_back, actor="Lo")
    act(case, escalation.take_over, actor="Lo")
    assert case.conversation.taken_by == "Lo"


def test_a_case_handed_back_waits_where_the_asker_waits(world: World) -> None:
    waiting, answered = world.write(sample.OWN), world.write(sample.JOIN)
    world.deliver()
    for case in (waiting, answered):
        act(case, escalation.take_over)
        act(case, escalation.hand_back)
        assert case.conversation.taken_by is None
        assert last_event(case) == ("Kim", "handed-back")
    assert (status(waiting), status(answered)) == (ConversationStatus.WAITING, ConversationStatus.BOT)


def test_what_the_bot_queued_while_it_was_silent_does_not_go_out_when_it_may_speak(world: World) -> None:
    case = world.write(sample.JOIN)
    with world.sessions.begin() as session:  # a sender held it while the case was taken, and could not send it
        session.get_one(Conversation, case.conversation.id).status = ConversationStatus.TAKEN
    act(case, escalation.hand_back)
    assert world.deliver() == []
    assert [item.status for item in case.items()] == [OutboxStatus.CANCELLED]


def test_a_machines_own_case_is_answered_to_the_machine(world: World) -> None:
    """A coordinator found that it was no machine after all."""
    case = world.write(sample.JOIN, automatic=Automatic(True, "bulk", "Precedence: bulk"))
    assert reply(case).to == [{"name": "Anna Prov", "email": "anna@forening.example"}]


# ------------------------------------------------------------------ answer, release, resolve


def test_a_coordinators_answer_goes_out_in_the_thread_and_resolves(world: World) -> None:
    case = world.write(sample.OWN, message_id="fraga@forening.example", subject="Ansökan")
    world.deliver()
    item = reply(case, "  Vi har fått den.\n\n- Den är komplett.\n")
    assert status(case) is ConversationStatus.RESOLVED
    conversation = case.conversation
    assert (conversation.waiting_since, conversation.answer_by, conversation.taken_by) == (None, None, None)
    (sent,) = world.deliver()
    assert (sent.to, sent.subject, sent.in_reply_to) == ((ANNA,), "SV: Ansökan", "fraga@forening.example")
    assert (sent.text, sent.is_automatic) == ("Vi har fått den.\n\n- Den är komplett.", False)
    assert "<li>Den är komplett.</li>" in (sent.html or "")
    assert (item.kind, item.created_by) == (OutboxKind.ANSWER, "Kim")
    assert "answered" in [event.verb for event in case.events()]


def test_an_own_answer_takes_the_suggestion_back(suggesting: World) -> None:
    case = suggesting.write(sample.JOIN)
    suggesting.deliver()
    reply(case)
    assert [item.status for item in case.items(OutboxKind.REPLY)] == [OutboxStatus.CANCELLED]
    assert len(suggesting.deliver()) == 1
    with pytest.raises(NotPossible, match="inget förslag"):
        act(case, escalation.release)


def test_an_answer_that_cannot_be_given(world: World) -> None:
    with pytest.raises(NotPossible, match="Svaret är tomt"):
        reply(world.write(sample.OWN), " \n ")
    with pytest.raises(NotPossible, match=r"LOK-2026-00002 har ingen adress"):
        reply(world.write(sample.OWN, sender=Address("Någon", "")))


def test_an_answer_goes_to_the_askers_latest_address(world: World) -> None:
    case = world.write(sample.OWN)
    world.write(
        "Svara hit i stället.",
        sender=Address("Anna", "anna@hemma.example"),
        in_reply_to=(case.told()[0].external_id,),
        message_id="senaste@hemma.example",
    )
    item = reply(case)
    assert item.to == [{"name": "Anna", "email": "anna@hemma.example"}]
    assert item.in_reply_to == "senaste@hemma.example"


def test_an_english_asker_is_answered_as_one_whatever_machines_and_colleagues_write(world: World) -> None:
    case = world.write(f"Hello! {sample.JOIN_EN}", subject="Our question")
    ours = case.told()[0].external_id
    world.write(
        "Jag är på semester till och med fredag.",
        automatic=Automatic(True, "auto", "Auto-Submitted"),
        in_reply_to=(ours,),
    )
    world.write("Jag svarar dem i morgon bitti.", sender=Address("", COORDINATORS[0]), in_reply_to=(ours,))
    world.write("???", in_reply_to=(ours,), sender=Address("", COORDINATORS[0]))
    world.write("???", in_reply_to=(ours,))
    assert case.conversation.language == "en"
    item = reply(case)
    assert (item.subject, item.to[0]["email"]) == ("Re: Our question", "anna@forening.example")


def test_a_released_suggestion_goes_out_as_it_stands(suggesting: World) -> None:
    case = suggesting.write(sample.JOIN)
    suggesting.deliver()
    (draft,) = case.items(OutboxKind.REPLY)
    suggesting.later(days=3)
    act(case, escalation.release)
    assert status(case) is ConversationStatus.RESOLVED
    (sent,) = suggesting.deliver()
    assert (sent.text, sent.is_automatic, sent.external_id) == (draft.text, False, draft.external_id)
    assert case.items(OutboxKind.REPLY)[0].created_by == "Kim"
    with pytest.raises(NotPossible, match=r"LOK-2026-00001 har inget förslag att skicka\."):
        act(case, escalation.release)


def test_a_suggestion_is_released_even_while_the_bot_is_paused(suggesting: World) -> None:
    case = suggesting.write(sample.JOIN)
    suggesting.deliver()
    pause(suggesting)
    act(case, escalation.release)
    assert len(suggesting.deliver()) == 1


def test_a_released_suggestion_that_is_slow_to_go_is_not_given_up_for_its_age(suggesting: World) -> None:
    """It may have lain for a week before somebody released it."""
    case = suggesting.write(sample.JOIN)
    suggesting.later(days=7)
    act(case, escalation.release)
    assert case.items(OutboxKind.REPLY)[0].queued_at == suggesting.now


def test_the_other_question_still_waits_after_a_release(sessions: Sessions) -> None:
    """Promise 1: the receipt said that a person answers it."""
    answering = Answering(default=AnsweringMode.SUGGEST)
    world = World(sessions, edited(SEND, answering=answering))
    case = world.write(f"{sample.JOIN}\n\n{sample.OWN}")
    act(case, escalation.release)
    assert status(case) is ConversationStatus.WAITING
    assert case.conversation.answer_by == date(2026, 3, 3)
    answer = sample.knowledge().articles["ga-med"].texts["sv"].answer
    assert any(answer in message.text for message in world.deliver() if message.to == (ANNA,))
    reply(case)
    assert status(case) is ConversationStatus.RESOLVED


def test_what_came_after_a_suggestion_still_waits_after_a_release(suggesting: World) -> None:
    case = suggesting.write(sample.JOIN)
    suggesting.later(minutes=5)
    suggesting.write("En sak till, gäller det även oss?", in_reply_to=(case.told()[0].external_id,))
    act(case, escalation.release)
    assert status(case) is ConversationStatus.WAITING


def test_a_coordinators_note_does_not_keep_a_released_case_waiting(suggesting: World) -> None:
    case = suggesting.write(sample.JOIN)
    suggesting.write("Ser bra ut.", sender=Address("", COORDINATORS[0]), in_reply_to=(case.notified()[0].external_id,))
    act(case, escalation.release)
    assert status(case) is ConversationStatus.RESOLVED


def test_what_a_pause_held_in_a_case_where_nobody_waits_is_released(world: World) -> None:
    case = world.write(sample.JOIN)
    with world.sessions.begin() as session:  # on its way to be taken while the pause was set
        session.get_one(Conversation, case.conversation.id).status = ConversationStatus.TAKEN
    pause(world)
    act(case, escalation.release)
    assert status(case) is ConversationStatus.RESOLVED
    assert [message.to for message in world.deliver()] == [(ANNA,)]


def test_a_resolved_case_keeps_nothing_waiting(suggesting: World) -> None:
    case = suggesting.write(sample.JOIN)
    suggesting.deliver()
    act(case, escalation.resolve)
    conversation = case.conversation
    assert (status(case), conversation.is_urgent, conversation.waiting_since) == (
        ConversationStatus.RESOLVED,
        False,
        None,
    )
    assert last_event(case) == ("Kim", "resolved")
    assert suggesting.deliver() == []
    with suggesting.sessions.begin() as session:
        assert queries.conversations(session, ConversationStatus.WAITING) == []


# ------------------------------------------------------------------ forward


def test_the_asker_is_told_of_a_forward_only_after_it_was_sent(world: World) -> None:
    case = world.write(sample.OWN, subject="Vår ansökan")
    world.deliver()
    item = forward(case, "fritid")
    assert (item.kind, item.created_by, item.is_automatic) == (OutboxKind.FORWARD, "Kim", False)
    assert status(case) is ConversationStatus.WITH_ADMINISTRATION
    assert case.conversation.administration == "fritid"
    assert not any("vidare till" in told.text for told in case.told())
    sent = world.deliver()
    assert [message.to[0].email for message in sent] == ["fritid@stad.example", "anna@forening.example"]
    assert sample.OWN in sent[0].text
    assert SV["forwarded"].format(name="fritidsförvaltningen") in sent[1].text
    assert sent[1].text.startswith(SV["opening.automatic"])
    assert "forwarded" in [event.verb for event in case.events()]


def test_an_english_asker_is_told_in_english(world: World) -> None:
    case = world.write("I want to talk about our application, please have a person call us about it tomorrow.")
    world.deliver()
    forward(case, "fritid")
    assert EN["forwarded"].format(name="the leisure administration") in world.deliver()[-1].text


def test_a_forward_to_an_address_of_ones_own(world: World) -> None:
    case = world.write(sample.OWN)
    world.deliver()
    assert forward(case, "kultur", address="kultur@stad.example").to[0]["email"] == "kultur@stad.example"


def test_a_forward_that_cannot_be_made(world: World) -> None:
    case = world.write(sample.OWN)
    with pytest.raises(NotPossible, match=r"ingen förvaltning ”trafik”. Välj bland: fritid, "):
        forward(case, "trafik")
    with pytest.raises(NotPossible, match=r"Kunskapen har ingen mejladress till kulturförvaltningen\. .*--to"):
        forward(case, "kultur")
    assert status(case) is ConversationStatus.WAITING


def test_a_forward_that_was_refused_waits_for_a_person_again(world: World) -> None:
    case = world.write(sample.OWN)
    world.deliver()
    since = case.conversation.waiting_since
    world.refuses = {"fritid@stad.example"}
    forward(case, "fritid")
    sent = world.deliver()
    assert [message.to[0].email for message in sent] == list(COORDINATORS)
    assert (status(case), case.conversation.waiting_since) == (ConversationStatus.WAITING, since)


def test_the_askers_own_words_are_forwarded_and_not_a_coordinators(world: World) -> None:
    case = world.write(sample.OWN)
    world.write(
        "Hemlig anteckning.", sender=Address("", COORDINATORS[0]), in_reply_to=(case.notified()[0].external_id,)
    )
    item = forward(case, "fritid")
    assert sample.OWN in item.text
    assert "Hemlig" not in item.text


def test_a_forward_of_a_message_without_address_is_told_to_nobody(world: World) -> None:
    case = world.write(sample.OWN, sender=Address("Någon", ""))
    world.deliver()
    forward(case, "fritid")
    assert [message.to[0].email for message in world.deliver()] == ["fritid@stad.example"]


# ------------------------------------------------------------------ retry


def test_what_could_not_be_sent_is_tried_again(world: World) -> None:
    world.refuses = {"anna@forening.example"}
    case = world.write(sample.JOIN)
    world.deliver()
    assert [item.status for item in case.told()] == [OutboxStatus.FAILED]
    world.refuses.clear()
    world.later(days=3)
    assert act(case, escalation.retry) == 1
    assert "retried" in [event.verb for event in case.events()]
    sent = world.deliver()
    assert "anna@forening.example" in {message.to[0].email for message in sent}
    assert [item.status for item in case.told()] == [OutboxStatus.SENT]


def test_there_is_nothing_to_try_again(world: World) -> None:
    with pytest.raises(NotPossible, match=r"Inget i LOK-2026-00001 har misslyckats\."):
        act(world.write(sample.OWN), escalation.retry)


# ------------------------------------------------------------------ pause, resume


def pause(world: World, scope: escalation.PauseScope = "all", value: str = "") -> int:
    with world.sessions.begin() as session:
        return escalation.pause(
            session, scope, value, actor="Kim", settings=world.settings, knowledge=world.knowledge, now=world.now
        )


@pytest.mark.parametrize(
    ("scope", "value", "held"),
    [
        ("all", "", {"ga-med", "lana-lokal"}),
        ("channel", "mail", {"ga-med", "lana-lokal"}),
        ("channel", "telegram", set()),
        ("topic", "lokaler", {"lana-lokal"}),
        ("article", "ga-med", {"ga-med"}),
    ],
)
def test_a_pause_makes_queued_answers_suggestions_and_receipts_still_go(
    world: World, scope: escalation.PauseScope, value: str, held: set[str]
) -> None:
    cases = {
        "ga-med": world.write(sample.JOIN),
        "lana-lokal": world.write(sample.PREMISES, sender=STRANGER),
        "receipt": world.write(sample.OWN, sender=Address("", "cilla@forening.example")),
    }
    assert pause(world, scope, value) == len(held)
    for name, case in cases.items():
        told, *receipts = case.items(OutboxKind.REPLY, OutboxKind.RECEIPT)
        assert told.status is (OutboxStatus.HELD if name in held else OutboxStatus.QUEUED)
        assert [receipt.status for receipt in receipts] == [OutboxStatus.QUEUED] * (name in held)
        if name in held:
            assert told.text.startswith(SV["opening.released"])
            assert SV["held.paused"] in case.notified()[0].text
        is_waiting = name in held or name == "receipt"
        assert (status(case) is ConversationStatus.WAITING) == is_waiting
    sent_to = {message.to[0].email for message in world.deliver()} - set(COORDINATORS)
    assert len(sent_to) == 3  # an answer, or a receipt in its place
    for name in held:
        act(cases[name], escalation.release)
    assert len(world.deliver()) == len(held)


def test_after_a_pause_the_bot_answers_again_and_suggestions_stay(world: World) -> None:
    before = world.write(sample.JOIN)
    pause(world)
    with world.sessions.begin() as session:
        escalation.resume(session, "all", "", actor="Lo", now=world.now)
    world.deliver()
    answer, receipt = before.items(OutboxKind.REPLY, OutboxKind.RECEIPT)
    assert (answer.status, receipt.status) == (OutboxStatus.HELD, OutboxStatus.SENT)
    after = world.write(sample.JOIN, sender=STRANGER)
    assert [item.kind for item in after.told()] == [OutboxKind.REPLY]


def test_pausing_twice_is_pausing_once(world: World) -> None:
    pause(world)
    pause(world)
    with world.sessions.begin() as session:
        (standing,) = queries.pauses(session)
        assert (standing.scope, standing.value, standing.paused_by, standing.paused_at) == ("all", "", "Kim", NOW)
        escalation.resume(session, "all", "", actor="Lo", now=world.now)
        assert queries.pauses(session) == []
        with pytest.raises(NotPossible, match="ingen sådan paus"):
            escalation.resume(session, "all", "", actor="Lo", now=world.now)


# ------------------------------------------------------------------ the promise


def test_the_day_that_a_receipt_names(sessions: Sessions) -> None:
    promise = Promise(working_days=2, closed_days=(date(2026, 3, 3),))
    case = World(sessions, edited(SEND, promise=promise)).write(sample.OWN)
    assert case.conversation.answer_by == date(2026, 3, 5)
    assert "torsdag den 5 mars 2026" in case.told()[0].text


def test_the_promise_counts_from_the_servers_time_of_arrival(world: World) -> None:
    case = world.write(sample.OWN, received_at=NOW - timedelta(days=4), date=NOW - timedelta(days=400))
    assert case.conversation.waiting_since == NOW - timedelta(days=4)
    assert "torsdag den 26 februari 2026" in case.told()[0].text
