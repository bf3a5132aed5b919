"""Two cases become one, and one two: nothing is lost or doubled, what comes later finds its way, it can be undone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from lokbot import accounts, audit, records
from lokbot.config import SmtpSettings
from lokbot.conversation import escalation, intake, linking, merging
from lokbot.conversation.escalation import NotPossible
from lokbot.conversation.merging import State
from lokbot.model import Address, ConversationStatus, OutboxKind, OutboxStatus, RecordClass, Role
from lokbot.store import inbox, queries
from lokbot.store.inbox import Filters, Folder
from lokbot.store.schema import Contact, Conversation, Draft, Fact, Message, Note, OutboxItem
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.chatting import Chat
from tests.integration.together import in_threads
from tests.integration.world import SEND, Case, World, edited
from tests.sample_mails import ANNA, mail

BO = Address("Bo Ek", "bo@annan.example")
KIM = "kim@stad.example"


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


def merged(world: World, whole: Case | int, part: Case | int, **values: Any) -> None:
    values.setdefault("are_strangers_seen", True)
    with world.sessions.begin() as session:
        escalation.merge(session, _get(session, whole), _get(session, part), actor=KIM, now=world.now, **values)


def taken_apart(world: World, whole: int, part: int) -> None:
    with world.sessions.begin() as session:
        merging.take_apart(session, _get(session, whole), _get(session, part), actor=KIM, now=world.now)


def split(world: World, case: int, messages: Sequence[int]) -> int:
    with world.sessions.begin() as session:
        promise = world.settings.promise
        new = escalation.split(session, _get(session, case), messages, actor=KIM, promise=promise, now=world.now)
        return new.id


def _get(session: Any, case: Case | int) -> Conversation:
    """Within the open transaction: on SQLite another one would wait for it."""
    number = case if isinstance(case, int) else session.get_one(Message, case.message_id).conversation_id
    found: Conversation = session.get_one(Conversation, number)
    return found


def whole_of(session: Any, case: Case | int) -> Conversation:
    found = queries.conversation_for(session, _get(session, case).id)
    assert found is not None
    return found


def rows(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Every message, text of ours, note and fact with the case that it is in."""
    with world.sessions() as session:
        return {
            kind.__tablename__: [tuple(row) for row in session.execute(select(*columns).order_by(columns[0]))]
            for kind, columns in (
                (Message, (Message.id, Message.conversation_id)),
                (OutboxItem, (OutboxItem.id, OutboxItem.conversation_id, OutboxItem.status)),
                (Note, (Note.id, Note.conversation_id)),
                (Fact, (Fact.question_id, Fact.conversation_id, Fact.contact, Fact.outcome, Fact.is_first)),
            )
        }


def stored(world: World, number: int) -> Conversation:
    with world.sessions() as session:
        return session.get_one(Conversation, number)


def two(world: World) -> tuple[Case, Case]:
    """The same matter by two addresses, an hour apart; both wait."""
    first = world.write(sample.OWN)
    world.later(hours=1)
    second = world.write(f"{sample.OWN} Skriver från min andra adress.", sender=BO)
    world.deliver()
    return first, second


# ------------------------------------------------------------------ nothing is lost or doubled


def test_all_that_was_in_it_stands_in_the_other_once(world: World) -> None:
    first, second = two(world)
    with world.sessions.begin() as session:
        escalation.note(session, _get(session, second), "Ring Bo.", actor=KIM, now=world.now)
    before, whole, part = rows(world), first.conversation.id, second.conversation.id
    merged(world, first, second)
    after = rows(world)
    for table, found in before.items():
        assert [row[0] for row in after[table]] == [row[0] for row in found], table
        assert {row[1] for row in after[table]} == {whole}, table
    assert sum(row[4] for row in after["facts"]) == 1, "one conversation is counted once"
    assert len({row[2] for row in after["facts"]}) == 1
    assert stored(world, part).merged_into_id == whole
    taken_apart(world, whole, part)
    assert rows(world) == before


def test_the_one_waits_since_the_first_of_both_and_keeps_the_earlier_promise(world: World) -> None:
    first, second = two(world)
    since, promised = first.conversation.waiting_since, first.conversation.answer_by
    number, other = first.conversation.id, second.conversation.id
    merged(world, second, first)
    whole = stored(world, other)
    assert (whole.status, whole.waiting_since, whole.answer_by) == (ConversationStatus.WAITING, since, promised)
    part = stored(world, number)
    assert (part.status, part.waiting_since, part.is_urgent) == (ConversationStatus.RESOLVED, None, False)
    with world.sessions() as session:
        for folder in (Folder.WAITING, Folder.ALL):
            assert [one.id for one in inbox.cases(session, folder, Filters(), KIM).cases] == [other]
        assert not inbox.cases(session, Folder.RESOLVED, Filters(), KIM).cases
        assert inbox.counts(session, KIM)[Folder.WAITING] == 1


def test_its_number_leads_to_the_other_wherever_it_is_given(world: World) -> None:
    first, second = two(world)
    whole, number = first.conversation.id, second.conversation.case_number
    merged(world, first, second)
    with world.sessions() as session:
        found = queries.conversation_for(session, number)
        assert found is not None
        assert found.id == whole
        for words in (number, number[-5:], "andra adress"):
            assert [one.id for one in inbox.cases(session, Folder.ALL, Filters(words=words), KIM).cases] == [whole]


@pytest.mark.parametrize("separator", ["", "+"])
def test_a_later_answer_to_either_lands_in_the_one(sessions: Sessions, separator: str) -> None:
    smtp = SmtpSettings(from_address="lok@stad.example", reply_separator=separator)
    world = World(sessions, edited(SEND, smtp=smtp))
    first, second = two(world)
    receipts = {receipt.to[0].email: receipt for receipt in world.sent if receipt.to[0].email in (ANNA.email, BO.email)}
    number = second.conversation.case_number
    merged(world, first, second)
    whole = first.conversation.id
    for sender in (ANNA, BO):
        receipt = receipts[sender.email]
        assert world.write("En sak till.", sender=sender, in_reply_to=(receipt.external_id,)).conversation.id == whole
        if separator:
            assert receipt.reply_to is not None
            late = world.write("Utan id.", sender=sender, to=(receipt.reply_to,))
            assert late.conversation.id == whole
    assert world.write(f"Gäller {number}.", sender=BO).conversation.id == whole
    taken_apart(world, whole, second_id(world, number))
    after = world.write("Tack, och en fråga.", sender=BO, in_reply_to=(receipts[BO.email].external_id,))
    assert after.conversation.case_number == number


def second_id(world: World, number: str) -> int:
    with world.sessions() as session:
        return session.scalars(select(Conversation.id).where(Conversation.case_number == number)).one()


def test_the_next_answer_goes_to_whoever_wrote_last_and_is_foreseen(world: World) -> None:
    first, second = two(world)
    with world.sessions() as session:
        whole, part = whole_of(session, first), whole_of(session, second)
        foreseen = merging.foresee(session, whole, part, now=world.now)
        assert (foreseen.messages, foreseen.are_strangers, foreseen.obstacle) == (1, True, None)
        assert foreseen.asker == BO
    merged(world, first, second)
    with world.sessions.begin() as session:
        one = whole_of(session, first)
        item = escalation.coordinator_reply(session, one, "Hej!", actor=KIM, settings=world.settings, now=world.now)
        assert item.to == [{"name": BO.name, "email": BO.email}]
        assert ANNA.email in {each.email for each in escalation.others(one, world.settings)}


# ------------------------------------------------------------------ guards


def test_other_contacts_must_have_been_seen(world: World) -> None:
    first, second = two(world)
    with pytest.raises(NotPossible, match="olika kontakter"):
        merged(world, first, second, are_strangers_seen=False)
    same = world.write(sample.PREMISES)
    merged(world, first, same, are_strangers_seen=False)


def test_what_is_erased_or_a_part_or_itself_is_not_merged(world: World) -> None:
    first, second = two(world)
    third = world.write(sample.OWN)
    whole = first.conversation.id
    with pytest.raises(NotPossible, match="sig självt"):
        merged(world, first, first)
    part = second.conversation.id
    merged(world, first, second)
    for pair in ((third, part), (part, third), (whole, part)):
        with pytest.raises(NotPossible, match="redan en del"):
            merged(world, *pair)
    world.resolve(third)
    with world.sessions.begin() as session:
        records.erase(session, _get(session, third), decision="§ 1", actor=KIM, source="web", now=world.now)
    with pytest.raises(NotPossible, match="raderat"):
        merged(world, whole, third)


def test_two_registered_matters_stay_two(world: World) -> None:
    first, second = two(world)
    with world.sessions.begin() as session:
        for case, number in ((first, "2026/1"), (second, "2026/2")):
            records.classify(
                session, _get(session, case), RecordClass.REGISTER,
                diary_number=number, actor=KIM, source="web", now=world.now,
            )  # fmt: skip
    with pytest.raises(NotPossible, match="diarienummer"):
        merged(world, first, second)


def test_a_chat_is_merged_with_nobody_elses(world: World) -> None:
    mailed, chat = world.write(sample.OWN), Chat(world)
    message = chat.store(sample.OWN)
    with world.sessions() as session:
        case = session.get_one(Message, message).conversation_id
    with pytest.raises(NotPossible, match="chatt"):
        merged(world, mailed, case)
    with pytest.raises(NotPossible, match="chatt"):
        split(world, case, [message])


# ------------------------------------------------------------------ what the bot had queued


def test_what_the_bot_has_queued_does_not_go_where_a_person_has_the_other(world: World) -> None:
    first = world.write(sample.OWN)
    with world.sessions.begin() as session:
        escalation.take_over(session, _get(session, first), actor=KIM, now=world.now)
    second = world.write(sample.JOIN, sender=BO)
    assert [item.status for item in second.items(OutboxKind.REPLY)] == [OutboxStatus.QUEUED]
    merged(world, first, second)
    assert second.items(OutboxKind.REPLY, status=OutboxStatus.QUEUED) == []
    assert not [sent for sent in world.deliver() if sent.to == (BO,)]
    assert (second.conversation.status, second.conversation.taken_by) == (ConversationStatus.TAKEN, KIM)


def test_the_same_answer_is_not_sent_twice(world: World) -> None:
    first, second = world.write(sample.JOIN), world.write(sample.JOIN, subject="Igen")
    merged(world, first, second)
    assert [item.status for item in first.items(OutboxKind.REPLY)] == [OutboxStatus.QUEUED, OutboxStatus.CANCELLED]
    assert len([sent for sent in world.deliver() if sent.to[0].email == ANNA.email]) == 1


# ------------------------------------------------------------------ erased, exported, looked up


def test_an_erasure_takes_what_has_become_part_of_it(world: World) -> None:
    first, second = two(world)
    whole, part = first.conversation.id, second.conversation.id
    merged(world, first, second)
    world.resolve(first)
    with world.sessions.begin() as session:
        records.erase(session, _get(session, whole), decision="§ 1", actor=KIM, source="web", now=world.now)
    with world.sessions() as session:
        addresses = set(session.scalars(select(Contact.address)))
        assert not addresses & {ANNA.email, BO.email}
        assert {session.get_one(Conversation, one).subject for one in (whole, part)} == {""}
        assert session.get_one(Conversation, part).erased_at is not None
        for words in ("andra adress", "Bo Ek", "bo@annan"):
            assert not inbox.cases(session, Folder.ALL, Filters(words=words), KIM).cases
    with pytest.raises(NotPossible, match="raderat"):
        taken_apart(world, whole, part)


def test_the_history_of_both_is_one(world: World) -> None:
    first, second = two(world)
    with world.sessions.begin() as session:
        audit.record(
            session, audit.LOOKED_AT, actor=KIM, source="web", now=world.now, conversation=_get(session, second)
        )
    count = len(first.events()) + len(second.events())
    merged(world, first, second)
    assert len(first.events()) == count + 2
    assert [one.verb for one in first.events()][-2:] == ["merged-into", "merged"]
    assert {one.actor for one in first.events()[-2:]} == {KIM}
    with world.sessions() as session:
        assert audit.search(session, conversation=_get(session, first)).entries


def test_drafts_are_kept(world: World) -> None:
    first, second = two(world)
    with world.sessions.begin() as session:
        user, _ = accounts.invite(session, KIM, "Kim", (Role.COORDINATOR,), actor="-", now=world.now)
        for case, text in ((first, "Hej Anna"), (second, "Hej Bo")):
            session.add(
                Draft(
                    conversation_id=_get(session, case).id,
                    user_id=user.id,
                    kind="answer",
                    text=text,
                    saved_at=world.now,
                )
            )
    merged(world, first, second)
    with world.sessions() as session:
        (draft,) = session.scalars(select(Draft)).all()
        assert draft.text == "Hej Anna\n\nHej Bo"


# ------------------------------------------------------------------ undone


def test_what_was_answered_since_goes_back_too_and_what_came_in_stays(world: World) -> None:
    first, second = two(world)
    whole, part = first.conversation.id, second.conversation.id
    merged(world, first, second)
    with world.sessions.begin() as session:
        one = whole_of(session, whole)
        answer = escalation.coordinator_reply(
            session, one, "Hej Bo!", actor=KIM, settings=world.settings, now=world.now
        )
        session.flush()
        number = answer.id
    later = world.write("Tack, men en sak till.", sender=BO, in_reply_to=(second.message.message_id,))
    assert later.conversation.id == whole
    taken_apart(world, whole, part)
    with world.sessions() as session:
        assert session.get_one(OutboxItem, number).conversation_id == part
        assert session.get_one(Message, later.message_id).conversation_id == whole


# ------------------------------------------------------------------ one becomes two


def test_chosen_messages_get_a_case_of_their_own(world: World) -> None:
    first = world.write(sample.OWN)
    world.later(hours=1)
    other = world.write("Vad hände med vår andra ansökan?", in_reply_to=(first.message.message_id,))
    world.later(minutes=5)
    old = first.conversation.id
    before = rows(world)
    new = split(world, old, [other.message_id])
    assert new != old
    case = stored(world, new)
    assert (case.status, case.waiting_since) == (ConversationStatus.WAITING, other.message.received_at)
    assert stored(world, old).waiting_since == first.message.received_at
    after = rows(world)
    assert [row[0] for row in after["messages"]] == [row[0] for row in before["messages"]]
    assert dict(row[:2] for row in after["messages"]) == {first.message_id: old, other.message_id: new}
    assert {row[1] for row in after["facts"]} == {old, new}
    with world.sessions() as session:
        assert [one.id for one in linking.linked(session, _get(session, old))] == [new]
        assert [one.id for one in linking.linked(session, _get(session, new))] == [old]
    reply = world.write("Mer om den.", in_reply_to=(other.message.message_id,))
    assert reply.conversation.id == new
    assert world.write("Mer om den första.", in_reply_to=(first.message.message_id,)).conversation.id == old


def test_an_answer_to_a_mail_that_was_moved_along_finds_it(world: World) -> None:
    first = world.write(sample.OWN)
    other = world.write(sample.JOIN, in_reply_to=(first.message.message_id,))
    with world.sessions.begin() as session:
        one = whole_of(session, first)
        escalation.coordinator_reply(session, one, "Hej!", actor=KIM, settings=world.settings, now=world.now)
    world.deliver()
    answer = next(sent for sent in reversed(world.sent) if sent.to[0].email == ANNA.email)
    new = split(world, first.conversation.id, [other.message_id])
    assert world.write("Tack, men ...", in_reply_to=(answer.external_id,)).conversation.id == new


@pytest.mark.parametrize(("chosen", "why"), [("none", "minst ett"), ("all", "vara kvar")])
def test_something_must_move_and_something_stay(world: World, chosen: str, why: str) -> None:
    case = world.write(sample.OWN)
    with pytest.raises(NotPossible, match=why):
        split(world, case.conversation.id, [case.message_id] if chosen == "all" else [999])


def test_what_two_addresses_wrote_is_split_by_who_wrote(world: World) -> None:
    first, second = two(world)
    whole = first.conversation.id
    merged(world, first, second)
    new = split(world, whole, [second.message_id])
    with world.sessions() as session:
        assert session.get_one(Conversation, new).contact.address == BO.email


# ------------------------------------------------------------------ links


def test_links_show_in_both_and_follow_a_merge(world: World) -> None:
    first, second = two(world)
    third = world.write(sample.PREMISES)
    with world.sessions.begin() as session:
        for _ in range(2):
            escalation.link(session, _get(session, second), _get(session, third), actor=KIM, now=world.now)
    whole, last = first.conversation.id, third.conversation.id
    merged(world, first, second)
    with world.sessions.begin() as session:
        assert [one.id for one in linking.linked(session, _get(session, whole))] == [last]
        assert [one.id for one in linking.linked(session, _get(session, last))] == [whole]
        escalation.unlink(session, _get(session, last), _get(session, whole), actor=KIM, now=world.now)
    with world.sessions.begin() as session:
        assert linking.linked(session, _get(session, whole)) == []
        with pytest.raises(NotPossible, match="inte länkat"):
            escalation.unlink(session, _get(session, last), _get(session, whole), actor=KIM, now=world.now)


# ------------------------------------------------------------------ at once


def test_of_two_coordinators_at_once_one_is_told(world: World) -> None:
    first, second = two(world)
    pairs = [(first.conversation.id, second.conversation.id), (second.conversation.id, first.conversation.id)]

    def attempt(number: int) -> str:
        try:
            merged(world, *pairs[number])
        except NotPossible as error:
            return error.told
        return ""

    told = in_threads(2, attempt)
    assert sorted(bool(one) for one in told) == [False, True]
    assert len({row[1] for row in rows(world)["messages"]}) == 1


def test_a_mail_that_comes_while_two_are_made_one_lands_in_the_one(world: World) -> None:
    first, second = two(world)
    whole, reference = first.conversation.id, second.message.message_id
    started, landed = threading.Event(), []

    def come_in() -> None:
        started.set()
        with world.sessions.begin() as session:
            incoming = mail("En sak till.", sender=BO, in_reply_to=(reference,), received_at=world.now)
            landed.append(intake.receive(session, incoming, now=world.now).conversation_id)

    coming = threading.Thread(target=come_in)
    with world.sessions.begin() as session:
        escalation.merge(
            session, _get(session, first), _get(session, second), actor=KIM, now=world.now, are_strangers_seen=True
        )
        coming.start()
        assert started.wait(10)
        coming.join(0.3)  # on PostgreSQL it has looked by now, and waits
    coming.join(30)
    assert landed == [whole]


def test_an_act_in_what_became_a_part_meanwhile_is_refused(world: World) -> None:
    first, second = two(world)
    with world.sessions() as session:
        stale = _get(session, second)
    merged(world, first, second)
    with world.sessions.begin() as session, pytest.raises(NotPossible, match="blivit en del av"):
        escalation.take_over(session, session.merge(stale, load=False), actor=KIM, now=world.now)


# ------------------------------------------------------------------ how two stand as one

OPEN = State(
    ConversationStatus.WAITING, "not-sure", None, None, None, None, False, None, None, RecordClass.NOT_ASSESSED, None
)


def test_who_has_it_and_what_rests() -> None:
    taken = replace(OPEN, status=ConversationStatus.TAKEN, taken_by=KIM)
    theirs = replace(taken, taken_by="alex@stad.example")
    done = replace(OPEN, status=ConversationStatus.RESOLVED)
    assert merging.together(OPEN, taken).taken_by == KIM
    assert merging.together(taken, theirs).taken_by == KIM
    assert merging.together(done, OPEN).status is ConversationStatus.WAITING
    today = date(2026, 3, 2)
    day = today + timedelta(days=2)
    assert merging.together(replace(OPEN, snoozed_until=day), OPEN).snoozed_until is None
    assert merging.together(replace(OPEN, snoozed_until=day), done).snoozed_until == day
    assert merging.together(replace(OPEN, snoozed_until=day), replace(OPEN, snoozed_until=today)).snoozed_until == today
    minor = replace(done, record_class=RecordClass.MINOR)
    assert merging.together(minor, OPEN).record_class is RecordClass.NOT_ASSESSED
