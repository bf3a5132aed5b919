"""A fact is written with whatever makes it so, stays true through every act, and is the same when derived anew."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, select, text, update
from sqlalchemy.orm import Session

from lokbot import records, register
from lokbot.conversation import corrections, escalation, reviewing
from lokbot.conversation.escalation import NotPossible
from lokbot.model import Address, ChannelName, ConversationStatus, FactOutcome
from lokbot.statistics import cells, facts
from lokbot.store import queries
from lokbot.store.schema import Association, Contact, Conversation, Fact, FactCell, Message, QuestionRecord
from lokbot.store.session import Sessions, session_factory
from tests import sample_knowledge as sample
from tests.integration.chatting import Chat
from tests.integration.test_calls import log
from tests.integration.test_coordinator_mail import KIM, with_server
from tests.integration.test_forwarding import answer as answer_of_office
from tests.integration.test_forwarding import forward as send_on
from tests.integration.world import SEND, SUGGEST, Case, World
from tests.sample_mails import ANNA, STRANGER

PROMISE = SEND.promise
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


def stored(world: World) -> list[dict[str, Any]]:
    with world.sessions.begin() as session:
        return [dict(row._mapping) for row in session.execute(select(*facts.COLUMNS).order_by(Fact.question_id))]


def counted(world: World) -> dict[cells.Key, int]:
    with world.sessions.begin() as session:
        rows = session.execute(select(*FactCell.__table__.c).where(FactCell.questions != 0))
        return {(row.scope, row.dimension, row.month, row.category): row.questions for row in rows}


def outcomes(world: World) -> list[FactOutcome]:
    return [fact["outcome"] for fact in stored(world)]


def act(world: World, case: Case, doing: Callable[[Session, Conversation], Any]) -> None:
    number = case.conversation.id
    with world.sessions.begin() as session:
        doing(session, session.get_one(Conversation, number))


def reply(world: World) -> Callable[[Session, Conversation], Any]:
    return lambda session, case: escalation.coordinator_reply(
        session, case, "Svar.", actor="Kim", settings=world.settings, now=world.now
    )


# ------------------------------------------------------------------ acts


def test_an_answer_of_the_bot_is_a_fact_in_the_same_commit(world: World) -> None:
    case = world.write(sample.JOIN)
    (fact,) = stored(world)
    assert fact["outcome"] is FactOutcome.BOT
    assert (fact["topic"], fact["article"], fact["language"]) == ("anslutning", "ga-med", "svenska")
    assert (fact["channel"], fact["is_first"], fact["conversation_id"]) == (
        ChannelName.MAIL,
        True,
        case.conversation.id,
    )
    assert len(fact["contact"]) == 32
    assert ANNA.email not in str(fact)
    assert fact["association"] is None
    assert counted(world)["", "outcome", fact["month"], "bot"] == 1


def test_what_is_rolled_back_leaves_no_fact(world: World) -> None:
    case = world.write(sample.OWN)

    def fail(session: Session, one: Conversation) -> None:
        reply(world)(session, one)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act(world, case, fail)
    assert outcomes(world) == [FactOutcome.OPEN]
    act(world, case, reply(world))
    assert outcomes(world) == [FactOutcome.PERSON]


def test_a_suggestion_that_a_person_sends(world: World) -> None:
    world.settings = SUGGEST
    case = world.write(sample.JOIN)
    assert outcomes(world) == [FactOutcome.OPEN]
    world.later(minutes=30)
    act(world, case, lambda session, one: escalation.release(session, one, actor="Kim", now=world.now))
    (fact,) = stored(world)
    assert (fact["outcome"], fact["first_reply_minutes"]) == (FactOutcome.SUGGESTION, 30)


def test_two_questions_of_a_mail_end_each_in_its_way(world: World) -> None:
    case = world.write(f"{sample.JOIN}\n\n{sample.OWN}")
    world.deliver()
    assert outcomes(world) == [FactOutcome.BOT, FactOutcome.OPEN]
    act(world, case, reply(world))
    assert outcomes(world) == [FactOutcome.BOT, FactOutcome.PERSON]
    assert [fact["is_first"] for fact in stored(world)] == [True, False]


def test_forwarded_settled_and_asked_again(world: World) -> None:
    case = world.write(sample.OWN)
    act(
        world,
        case,
        lambda session, one: escalation.forward(
            session,
            one,
            "kultur",
            actor="Kim",
            settings=world.settings,
            knowledge=world.knowledge,
            now=world.now,
            address="kultur@stad.example",
        ),
    )
    (fact,) = stored(world)
    assert (fact["outcome"], fact["forwarded"]) == (FactOutcome.POINTED, 1)
    other = world.write(sample.OWN, sender=STRANGER)
    world.resolve(other)
    assert outcomes(world) == [FactOutcome.POINTED, FactOutcome.WITHDRAWN]


def test_a_case_that_is_opened_again_waits_again(world: World) -> None:
    case = world.write(sample.OWN)
    act(world, case, reply(world))
    world.later(hours=1)

    def reopen(session: Session, one: Conversation) -> None:
        one.status = ConversationStatus.TAKEN
        queries.record(session, "reopened", actor="Kim", now=world.now, conversation=one)

    act(world, case, reopen)
    assert outcomes(world) == [FactOutcome.OPEN]


def test_a_correction_moves_the_question_to_its_topic(world: World) -> None:
    case = world.write(sample.JOIN)
    act(
        world,
        case,
        lambda session, one: corrections.correct(
            session,
            one,
            session.scalars(select(QuestionRecord)).one(),
            knowledge=world.knowledge,
            actor="Kim",
            now=world.now,
            topic="lokaler",
        ),
    )
    (fact,) = stored(world)
    assert fact["topic"] == "lokaler"
    assert counted(world)["", "topic", fact["month"], "lokaler"] == 1
    assert ("", "topic", fact["month"], "anslutning") not in counted(world)


def link(world: World, kind: str | None = "idrott") -> int:
    """Everybody who has written belongs to one association."""
    with world.sessions.begin() as session:
        group = Association(name=f"Klubb {world.now}", kind=kind, created_at=world.now)
        session.add(group)
        session.flush()
        for contact in session.scalars(select(Contact)):
            contact.association_id = group.id
        return group.id


def test_whoever_is_found_to_belong_to_an_association_counts_there(world: World) -> None:
    world.write(sample.JOIN)
    group = link(world)
    (fact,) = stored(world)
    assert fact["association"] is not None
    assert fact["association_kind"] == "idrott"
    with world.sessions.begin() as session:
        session.get_one(Association, group).kind = "kultur"
    assert stored(world)[0]["association_kind"] == "kultur"


def test_two_contacts_that_are_one_count_as_one(world: World) -> None:
    world.write(sample.JOIN)
    other = world.write(sample.OWN, sender=STRANGER)
    assert len({fact["contact"] for fact in stored(world)}) == 2

    def merge(session: Session, one: Conversation) -> None:
        one.contact_id = min(session.scalars(select(Contact.id)))

    act(world, other, merge)
    assert len({fact["contact"] for fact in stored(world)}) == 1


def test_feedback_and_reviews(world: World) -> None:
    case = world.write(sample.JOIN)
    question = stored(world)[0]["question_id"]

    def note(session: Session, one: Conversation) -> None:
        queries.record(
            session, "feedback", actor="asker", now=world.now, conversation=one, question=question, helped=True
        )
        decision = one.messages[0].questions[0].decisions[0].id
        queries.record(
            session, "reviewed", actor="Kim", now=world.now, conversation=one, decision=decision, verdict="right"
        )

    act(world, case, note)
    assert [(fact["feedback"], fact["verdict"]) for fact in stored(world)] == [("yes", "right")]


def test_no_figure_is_worth_a_message(sessions: Sessions, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever breaks in the statistics, the mail is handled and the log says what to do."""
    world = World(sessions)
    with world.sessions.begin() as session:
        session.execute(text("ALTER TABLE facts RENAME TO facts_away"))
    try:
        case = world.write(sample.JOIN)
        assert case.told()
        assert f"conversations [{case.conversation.id}] could not be written" in caplog.text
        assert "lokbot statistics rebuild" in caplog.text
    finally:
        with world.sessions.begin() as session:
            session.execute(text("ALTER TABLE facts_away RENAME TO facts"))
    assert stored(world) == []
    assert facts.rebuild(world.sessions, PROMISE) == facts.Rebuilt(derived=1, kept=0)
    assert outcomes(world) == [FactOutcome.BOT]


# ------------------------------------------------------------------ the acts of the desk


def in_office(sessions: Sessions) -> World:
    """A server vouches for senders, so administrations answer from their own mail program."""
    return World(sessions, with_server(SEND))


def test_what_an_administration_answers_is_a_persons_answer(sessions: Sessions) -> None:
    world = in_office(sessions)
    case = world.write(sample.OWN)
    send_on(case, directly=True)
    assert outcomes(world) == [FactOutcome.POINTED]
    world.later(hours=1)
    answer_of_office(case)
    (fact,) = stored(world)
    assert (fact["outcome"], fact["forwarded"], fact["returned"]) == (FactOutcome.PERSON, 1, 0)


def test_what_an_administration_answers_counts_when_it_is_passed_on(sessions: Sessions) -> None:
    world = in_office(sessions)
    case = world.write(sample.OWN)
    send_on(case)
    world.later(hours=1)
    answer_of_office(case)
    assert outcomes(world) == [FactOutcome.POINTED], "nobody has passed it on"
    world.later(hours=1)
    act(world, case, lambda session, one: escalation.release(session, one, actor=KIM.email, now=world.now))
    (fact,) = stored(world)
    assert (fact["outcome"], fact["first_reply_minutes"]) == (FactOutcome.PERSON, 120)


def test_what_an_administration_returns_waits_again(sessions: Sessions) -> None:
    world = in_office(sessions)
    case = world.write(sample.OWN)
    send_on(case)
    answer_of_office(case, "Inte vårt.")
    (fact,) = stored(world)
    assert (fact["outcome"], fact["forwarded"], fact["returned"]) == (FactOutcome.OPEN, 1, 1)
    assert counted(world)["", "forwarded", fact["month"], cells.RETURNED] == 1
    send_on(case, "kultur", address="kultur@stad.example")
    (fact,) = stored(world)
    assert (fact["outcome"], fact["forwarded"], fact["returned"]) == (FactOutcome.POINTED, 2, 1)


def test_what_is_stopped_was_never_said(world: World) -> None:
    case = world.write(sample.OWN)
    leaves = world.now + timedelta(minutes=10)
    act(
        world,
        case,
        lambda session, one: escalation.coordinator_reply(
            session, one, "Svar.", actor="Kim", settings=world.settings, now=world.now, not_before=leaves
        ),
    )
    assert outcomes(world) == [FactOutcome.PERSON]
    act(world, case, lambda session, one: escalation.stop(session, one, actor="Kim", now=world.now))
    assert outcomes(world) == [FactOutcome.OPEN]
    act(world, case, lambda session, one: escalation.hand_back(session, one, actor="Kim", now=world.now))
    assert outcomes(world) == [FactOutcome.OPEN]
    act(world, case, lambda session, one: escalation.resolve(session, one, actor="Kim", now=world.now))
    assert outcomes(world) == [FactOutcome.WITHDRAWN]
    act(world, case, lambda session, one: escalation.reopen(session, one, actor="Kim", now=world.now))
    assert outcomes(world) == [FactOutcome.OPEN]


def test_a_refused_suggestion_leaves_the_question_open(world: World) -> None:
    world.settings = SUGGEST
    case = world.write(sample.JOIN)
    act(world, case, lambda session, one: escalation.refuse(session, one, actor="Kim", now=world.now))
    assert outcomes(world) == [FactOutcome.OPEN]


def test_a_call_is_answered_by_word_of_mouth(world: World) -> None:
    case = log(world, is_done=True)
    (fact,) = stored(world)
    assert (fact["outcome"], fact["channel"], fact["first_reply_minutes"]) == (
        FactOutcome.PERSON,
        ChannelName.PHONE,
        0,
    )
    assert fact["topic"] == "anslutning"
    act(world, case, lambda session, one: escalation.reopen(session, one, actor="Kim", now=world.now))
    assert outcomes(world) == [FactOutcome.OPEN]
    visit = log(world, channel=ChannelName.VISIT)
    world.later(hours=1)
    act(world, visit, lambda session, one: escalation.resolve(session, one, actor="Kim", now=world.now))
    (_, fact) = stored(world)
    assert (fact["outcome"], fact["first_reply_minutes"]) == (FactOutcome.PERSON, 60)


def test_the_register_says_which_association(world: World) -> None:
    case = world.write(sample.JOIN)
    again = world.write(sample.OWN)
    how: dict[str, Any] = {"actor": "Kim", "source": "web", "now": world.now}

    def link_it(session: Session, one: Conversation) -> None:
        register.link(session, one, register.create(session, "Provarna", kind="idrott", **how), **how)

    act(world, case, link_it)
    assert {fact["association_kind"] for fact in stored(world)} == {"idrott"}
    assert len({fact["association"] for fact in stored(world)} - {None}) == 1, f"and in {again} too"
    with world.sessions.begin() as session:
        register.change(session, register.find(session, "Provarna"), kind="kultur", **how)
    assert {fact["association_kind"] for fact in stored(world)} == {"kultur"}
    act(world, case, lambda session, one: register.unlink(session, one, **how))
    assert {fact["association"] for fact in stored(world)} == {None}


def test_a_review_says_what_the_bots_answer_was(world: World) -> None:
    case = world.write(sample.JOIN)
    world.deliver()

    def judge(session: Session, one: Conversation) -> None:
        decision = one.messages[0].questions[0].decisions[0]
        reviewing.review(
            session,
            decision,
            "wrong",
            knowledge=world.knowledge,
            actor="Kim",
            now=world.now,
            topic="lokaler",
        )

    act(world, case, judge)
    (fact,) = stored(world)
    assert (fact["verdict"], fact["topic"]) == ("wrong", "lokaler")


@pytest.mark.parametrize(("label", "feedback"), [("Ja", "yes"), ("Nej, jag vill prata med en människa", "no")])
def test_a_chats_buttons_say_whether_the_answer_helped(world: World, label: str, feedback: str) -> None:
    chat = Chat(world)
    chat.command("start")
    chat.write(sample.JOIN)
    chat.press("Läs mer")
    assert outcomes(world) == [FactOutcome.BOT], "greetings and more of the same are no questions"
    world.later(hours=1)
    chat.press(label)
    (fact,) = stored(world)
    assert (fact["feedback"], fact["topic"]) == (feedback, "anslutning")
    if feedback == "yes":
        assert fact["outcome"] is FactOutcome.BOT
        return
    assert fact["outcome"] is FactOutcome.OPEN, "the bot's answer was none, and a person is wanted"
    world.later(hours=1)
    act(world, chat.case, reply(world))
    (fact,) = stored(world)
    assert (fact["outcome"], fact["feedback"]) == (FactOutcome.PERSON, "no")
    assert facts.rebuild(world.sessions, PROMISE) == facts.Rebuilt(derived=1, kept=0)
    assert stored(world) == [fact]


def test_what_was_pointed_on_and_answered_by_a_choice_is_the_bots_when_they_say_so(world: World) -> None:
    world.finds(sample.CULTURE, ("ga-med", 0.5))
    case = world.write(sample.CULTURE)
    world.deliver()
    assert outcomes(world) == [FactOutcome.POINTED]
    for said, expected in (("1", FactOutcome.POINTED), ("Ja", FactOutcome.BOT)):
        world.write(said, in_reply_to=(case.told()[0].external_id,), subject="SV: Fråga")
        world.deliver()
        assert outcomes(world) == [expected, FactOutcome.BOT]
    assert facts.rebuild(world.sessions, PROMISE) == facts.Rebuilt(derived=2, kept=0)
    assert outcomes(world) == [FactOutcome.BOT, FactOutcome.BOT]


def test_what_is_mended_in_a_chat_is_asked_once(world: World) -> None:
    chat = Chat(world)
    chat.command("start")
    chat.write(sample.JOIN)
    with world.sessions.begin() as session:
        original = session.scalars(select(Message.id).order_by(Message.id.desc())).first()
    assert original is not None
    chat.edit(original, f"{sample.JOIN}!")
    assert [fact["topic"] for fact in stored(world)] == ["anslutning"], "nothing new"
    chat.edit(original, sample.PREMISES)
    assert [fact["topic"] for fact in stored(world)] == ["lokaler"]
    assert counted(world)["", "question", stored(world)[0]["month"], ""] == 1


def test_a_savepoint_that_is_undone_forgets_nothing_else(world: World) -> None:
    """Registers look for doubles within savepoints, in the middle of what else is done."""
    case = world.write(sample.OWN)
    with world.sessions.begin() as session:
        one = session.get_one(Conversation, case.conversation.id)
        escalation.resolve(session, one, actor="Kim", now=world.now)
        session.flush()
        savepoint = session.begin_nested()
        session.add(Association(name="Dubblett", created_at=world.now))
        session.flush()
        savepoint.rollback()
    assert outcomes(world) == [FactOutcome.WITHDRAWN]


# ------------------------------------------------------------------ for good


def test_an_erasure_by_decision_makes_the_asker_nobody(world: World) -> None:
    case = world.write(sample.JOIN)
    other = world.write(sample.JOIN, sender=STRANGER)
    failed = world.write(sample.OWN, sender=Address("", "siv@post.example"))
    link(world)
    act(world, failed, lambda _, one: setattr(one, "status", ConversationStatus.BOT))
    before = stored(world)
    for one in (case, failed):
        act(
            world,
            one,
            lambda session, found: records.erase(
                session, found, decision="Beslut 1", actor="Robin", source="web", now=world.now
            ),
        )
    first, second, third = stored(world)
    assert second == before[1], f"{other} stays"
    assert (first["outcome"], first["topic"], first["is_anonymised"]) == (FactOutcome.BOT, "anslutning", True)
    assert third["outcome"] is FactOutcome.WITHDRAWN, "nobody will ever answer it"
    assert not {first["contact"], third["contact"]} & {fact["contact"] for fact in before}
    assert not {first["association"], third["association"]} & {fact["association"] for fact in before}
    assert facts.rebuild(world.sessions, PROMISE) == facts.Rebuilt(derived=1, kept=2)
    assert stored(world) == [first, second, third]


def test_an_erased_asker_is_nobody_for_good(world: World) -> None:
    case = world.write(sample.JOIN)
    world.write(sample.OWN)
    link(world)
    before = stored(world)
    figures = {key: count for key, count in counted(world).items() if key[1] != "association"}
    act(world, case, lambda session, one: facts.anonymise(session, one))
    first, second = stored(world)
    assert second == before[1]
    assert first["is_anonymised"]
    assert first["contact"] not in {fact["contact"] for fact in before}
    assert first["association"] not in {fact["association"] for fact in before}
    assert first["asked_at"].date() <= first["day"], "the time is the day's beginning in Sweden"
    unchanged = {name for name in first if first[name] == before[0][name]}
    assert set(first) - unchanged == {"contact", "association", "asked_at", "is_anonymised"}
    assert {key: count for key, count in counted(world).items() if key[1] != "association"} == figures

    # Nothing brings who it was back: no act, no rebuild.
    world.resolve(case)
    assert facts.rebuild(world.sessions, PROMISE) == facts.Rebuilt(derived=1, kept=1)
    assert stored(world) == [first, second]


def test_facts_outlive_their_conversations(world: World) -> None:
    world.write(sample.JOIN)
    with world.sessions.begin() as session:
        (fact,) = session.execute(select(*facts.COLUMNS))
        orphan = {**fact._mapping, "question_id": 9001, "conversation_id": 9000, "is_anonymised": False}
        session.execute(insert(Fact), [orphan])
        cells.change(session, [], [facts.as_fact(orphan)])
    before, figures = stored(world), counted(world)
    assert facts.rebuild(world.sessions, PROMISE) == facts.Rebuilt(derived=1, kept=1)
    assert stored(world) == before
    assert counted(world) == figures
    assert figures["", "question", fact.month, ""] == 2


def test_a_message_that_is_moved_takes_its_fact_along(world: World) -> None:
    world.write(sample.JOIN)
    other = world.write(sample.OWN, sender=STRANGER)

    def move(session: Session, one: Conversation) -> None:
        first = min(session.scalars(select(Conversation.id)))
        one.messages[0].conversation_id = first

    act(world, other, move)
    assert len({(fact["conversation_id"], fact["contact"]) for fact in stored(world)}) == 1
    assert len(stored(world)) == 2


# ------------------------------------------------------------------ the same anew

TEXTS = (sample.JOIN, sample.OWN, sample.PREMISES, sample.POLICE, f"{sample.JOIN}\n\n{sample.OWN}", "Tack!", "Qwxz?")


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_live_facts_and_counts_are_those_of_a_rebuild(world: World, seed: int) -> None:
    chance = random.Random(seed)
    written: list[Case] = []
    for number in range(40):
        world.later(hours=chance.randrange(1, 40))
        world.settings = chance.choice((SEND, SUGGEST))
        sender = chance.choice((ANNA, STRANGER))
        if chance.random() < 0.5 or not written:
            # Another original each time: the very same one does not come back after an erasure.
            own = {"message_id": f"m{number}@x.example", "raw": f"mail {number}".encode()}
            written.append(world.write(chance.choice(TEXTS), sender=sender, **own))
        else:
            _do_something(world, chance, chance.choice(written))
        if chance.random() < 0.5:
            world.deliver()
    live, figures = stored(world), counted(world)
    assert len({fact["outcome"] for fact in live}) >= 4, "a history that says something"
    with world.sessions.begin() as session:
        # What was forgotten, miscounted or left over is put right, and what was right stays.
        session.execute(update(FactCell).values(questions=7))
        session.execute(delete(Fact).where(Fact.is_anonymised.is_(False), Fact.question_id % 3 == 0))
        session.execute(update(Fact).where(Fact.is_anonymised.is_(False)).values(outcome=FactOutcome.OPEN, topic="x"))
    facts.rebuild(world.sessions, PROMISE)
    assert stored(world) == live
    assert counted(world) == figures
    assert figures == dict(cells.counted(facts.as_fact(fact) for fact in live))


def _do_something(world: World, chance: random.Random, case: Case) -> None:
    def correct(session: Session, one: Conversation) -> None:
        question = chance.choice(corrections.questions_of(one))
        corrections.correct(
            session,
            one,
            question,
            knowledge=world.knowledge,
            actor="Kim",
            now=world.now,
            topic=chance.choice(sorted(world.knowledge.topics)),
        )

    def reopen(session: Session, one: Conversation) -> None:
        one.status = ConversationStatus.TAKEN
        queries.record(session, "reopened", actor="Kim", now=world.now, conversation=one)

    def merge(session: Session, one: Conversation) -> None:
        one.contact_id = min(session.scalars(select(Contact.id)))

    def belong(session: Session, one: Conversation) -> None:
        group = Association(name=f"Klubb {world.now} {chance.random()}", kind="idrott", created_at=world.now)
        session.add(group)
        session.flush()
        session.get_one(Contact, one.contact_id).association_id = group.id

    acts: list[Callable[[Session, Conversation], Any]] = [
        reply(world),
        lambda session, one: escalation.release(session, one, actor="Kim", now=world.now),
        lambda session, one: escalation.take_over(session, one, actor="Kim", now=world.now),
        lambda session, one: escalation.hand_back(session, one, actor="Kim", now=world.now),
        lambda session, one: escalation.resolve(session, one, actor="Kim", now=world.now),
        lambda session, one: escalation.forward(
            session,
            one,
            "kultur",
            actor="Kim",
            settings=world.settings,
            knowledge=world.knowledge,
            now=world.now,
            address="kultur@stad.example",
        ),
        lambda session, one: escalation.reopen(session, one, actor="Kim", now=world.now),
        lambda session, one: escalation.refuse(session, one, actor="Kim", now=world.now),
        lambda session, one: escalation.assign(session, one, "Alex", actor="Kim", now=world.now),
        lambda session, one: records.erase(session, one, decision="Beslut 1", actor="Kim", source="web", now=world.now),
        correct,
        reopen,
        merge,
        belong,
    ]
    with suppress(NotPossible):  # such as releasing what has no suggestion
        act(world, case, chance.choice(acts))


def test_a_process_that_follows_nothing_is_put_right(database_url: str, sessions: Sessions) -> None:
    """An older lokbot wrote to the same database meanwhile."""
    bind = sessions.kw["bind"]
    world = World(session_factory(bind))
    world.write(sample.JOIN)
    assert stored(world) == []
    assert facts.rebuild(sessions, PROMISE).derived == 1
    assert date.fromisoformat(stored(world)[0]["month"] + "-01")


def test_nothing_is_read_for_what_only_came_in(world: World) -> None:
    """A mail that is stored has no question yet: its commit asks for none."""
    statements: list[str] = []
    bind = world.sessions.kw["bind"]
    event.listen(bind, "before_cursor_execute", lambda _c, _u, statement, *_: statements.append(statement))
    world.store(sample.JOIN)
    assert not any("decisions" in statement or "facts" in statement for statement in statements)


def test_a_rebuild_looks_through_nobody_elses_rows(sessions: Sessions) -> None:
    """By the index of a case: else each batch would look through all that anybody ever asked, corrected or resolved."""
    bind = sessions.kw["bind"]
    if bind.dialect.name != "sqlite":
        pytest.skip("PostgreSQL chooses by what the tables hold")
    with sessions.begin() as session:
        session.add(Contact(channel=ChannelName.MAIL, address="a@x.example", name="", created_at=NOW))
        session.flush()
        session.execute(insert(Conversation), [a_case(number) for number in range(1, 501)])
    asked: list[tuple[str, Any]] = []
    event.listen(bind, "before_cursor_execute", lambda _c, _u, said, values, *_: asked.append((said, values)))
    facts.rebuild(sessions, PROMISE)
    of_cases = [(said, values) for said, values in asked if "BETWEEN" in said]
    for table in ("decisions", "corrections", "events", "outbox"):
        assert any(f"JOIN {table}" in said or f"FROM {table}" in said for said, _ in of_cases), table
    with bind.connect() as connection:
        for said, values in of_cases:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", values)]
            assert [step for step in plan if step.startswith("SCAN") or "ix_events_verb_at" in step] == [], said


def a_case(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "case_number": f"LOK-2026-{number:04}",
        "channel": ChannelName.MAIL,
        "contact_id": 1,
        "subject": "",
        "language": "sv",
        "status": ConversationStatus.RESOLVED,
        "is_urgent": False,
        "created_at": NOW,
        "updated_at": NOW,
    }
