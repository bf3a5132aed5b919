"""Erasing a conversation: nothing of it is left anywhere, all else is, and its mail does not come back."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import JSON, Engine, LargeBinary, String, func, select, text
from sqlalchemy.exc import DBAPIError

from lokbot import audit, records, register
from lokbot.conversation import corrections, escalation, intake, outbox, sent_mail
from lokbot.conversation.escalation import NotPossible
from lokbot.model import (
    Address,
    Automatic,
    Bounce,
    ChannelError,
    ChannelName,
    ConversationStatus,
    IncomingMessage,
    MessageState,
    OutboxKind,
    OutboxStatus,
    RecordClass,
)
from lokbot.records.erasing import GONE
from lokbot.store import queries
from lokbot.store.migrations import config_of, migrate
from lokbot.store.schema import (
    AttachmentContent,
    Base,
    Contact,
    Conversation,
    Correction,
    DecisionRecord,
    Event,
    Message,
    MessageAttachment,
    OutboxItem,
    Tombstone,
)
from lokbot.store.session import Sessions, connect, session_factory
from tests import sample_knowledge as sample
from tests.integration.together import in_threads
from tests.integration.world import Case, World, edited
from tests.sample_mails import ANNA, LOK, NOW, attachment, mail

DECISION = "Gallringsbeslut 2026-03-01 § 14"
ACT: dict[str, Any] = {"actor": "Robin", "source": "web"}


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


def erase(world: World, case: Case | int, *, decision: str = DECISION) -> records.Erased:
    number = case if isinstance(case, int) else case.conversation.id
    with world.sessions.begin() as session:
        conversation = session.get_one(Conversation, number)
        return records.erase(session, conversation, decision=decision, now=world.now, **ACT)


def dumped(engine: Engine) -> bytes:
    """Every cell of every table."""
    found: list[bytes] = []
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                found += [cell if isinstance(cell, bytes) else str(cell).encode() for cell in row]
    return b"\n".join(found)


def in_files(directory: Path) -> bytes:
    """Every byte of every file below ``directory``."""
    return b"\n".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


# ------------------------------------------------------------------ nothing is left


class Secrets:
    """Words that stand nowhere else; each is asked for by what it is in."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self) -> str:
        self.made.append(f"zq{secrets.token_hex(6)}")
        return self.made[-1]

    def address(self) -> Address:
        return Address(f"Anna {self()}", f"{self()}@{self()}.example")

    def left_in(self, haystack: bytes) -> list[str]:
        return [word for word in self.made if word.encode() in haystack.lower()]


def a_conversation(world: World, words: Secrets, shape: Sequence[str], shared: bytes) -> int:
    """One that has been through everything in ``shape``; gives its number. It is resolved and nothing waits."""
    asker = words.address()
    first = world.write(
        f"{sample.JOIN} {words()}",
        subject=f"Fråga {words()}",
        sender=asker,
        raw=f"From: {asker}\r\n\r\n{words()}".encode(),
        message_id=f"{words()}@{words()}.example",
        cc=(words.address(),),
        reply_to=(Address("", asker.email),),
        references=(f"{words()}@x.example",),
        attachments=(attachment(words().encode() * 400, f"{words()}.pdf"), attachment(shared, "logotyp.png")),
    )
    number = first.conversation.id
    world.deliver()

    def held() -> Any:
        return queries.conversation_for(session, number)

    def follow(text: str, **values: Any) -> IncomingMessage:
        again = {"in_reply_to": (first.message.message_id,), "sender": asker, "received_at": world.now, **values}
        return mail(f"{text} {words()}", **again)

    for step in shape:
        world.later(minutes=7)
        if step == "writes":
            world.write(f"{sample.OWN} {words()}", sender=asker, in_reply_to=(first.message.message_id,))
        elif step == "answers":
            with world.sessions.begin() as session:
                escalation.coordinator_reply(
                    session, held(), f"Hej {words()}", actor="Kim", settings=world.settings, now=world.now
                )
        elif step == "forwards":
            with world.sessions.begin() as session:
                escalation.forward(
                    session,
                    held(),
                    "kultur",
                    actor="Kim",
                    settings=world.settings,
                    knowledge=world.active.knowledge,
                    now=world.now,
                    address=f"{words()}@stad.example",
                )
        elif step == "writes from the mailbox":
            sent = follow("Ja", sender=LOK, to=(asker,), raw=f"Subject: SV\r\n\r\n{words()}".encode())
            with world.sessions.begin() as session:
                assert sent_mail.take_in(session, sent, is_ours=False, settings=world.settings, now=world.now) == "sent"
        elif step == "bounces":
            bounced = follow(
                "",
                sender=Address("", f"mailer-daemon@{words()}.example"),
                automatic=Automatic(True, "bounce", f"Subject: {words()}"),
                bounce=Bounce(True, (asker.email,), True, first.items()[-1].external_id),
            )
            with world.sessions.begin() as session:
                intake.receive(session, bounced, now=world.now)
            world.handle_next()
        elif step == "cannot be sent":
            with world.sessions.begin() as session:
                escalation.coordinator_reply(
                    session, held(), words(), actor="Kim", settings=world.settings, now=world.now
                )
                item = outbox.unsent(session, held())[-1]
                item.attempts = 1
                error = ChannelError(f"550 {asker.email} {words()}", permanent=True)
                outbox.not_sent(
                    session, item, error, retry_seconds=(1,), give_up_after=timedelta(hours=1), now=world.now
                )
        elif step == "is corrected":
            with world.sessions.begin() as session:
                corrections.correct(
                    session,
                    held(),
                    corrections.questions_of(held())[0],
                    knowledge=world.active.knowledge,
                    actor="Kim",
                    now=world.now,
                    article="lana-lokal",
                )
        elif step == "belongs":
            with world.sessions.begin() as session:
                if register.standing(session, held().contact) is None:
                    name = f"Föreningen {len(register.everyone(session)) + 1}"
                    made = register.create(session, name, now=world.now, **ACT)
                    register.link(session, held(), made, now=world.now, **ACT)
        elif step == "is taken out":
            with world.sessions.begin() as session:
                records.export(session, held(), BytesIO(), knowledge=world.active.knowledge, now=world.now, **ACT)
    while world.handle_next():
        pass
    world.deliver()
    with world.sessions.begin() as session:
        escalation.resolve(session, held(), actor="Kim", now=world.now)
    return number


STEPS = (
    "writes",
    "answers",
    "forwards",
    "writes from the mailbox",
    "bounces",
    "cannot be sent",
    "is corrected",
    "belongs",
    "is taken out",
)


@given(shape=st.lists(st.sampled_from(STEPS), max_size=7), other=st.lists(st.sampled_from(STEPS), max_size=3))
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nothing_of_an_erased_conversation_is_left_and_all_of_another_is(
    engine: Engine, sessions: Sessions, tmp_path: Path, shape: list[str], other: list[str]
) -> None:
    # So many mails an hour are no storm here.
    world = World(sessions)
    world.settings = edited(world.settings, caps=world.settings.caps.model_copy(update={"outbox_per_hour": 10_000}))
    shared = b"en logotyp som alla har"
    words, kept = Secrets(), Secrets()
    erased, stays = (a_conversation(world, one, way, shared) for one, way in ((words, shape), (kept, other)))
    before = dumped(engine)
    # The name of an attachment is no word of its own, but its content is.
    assert words.left_in(before) == words.made
    done = erase(world, erased)
    assert done.shared == 1

    after = dumped(engine)
    assert words.left_in(after) == []
    assert kept.left_in(after) == kept.made, "another's are untouched"
    assert records.sweep(engine, now=world.now)
    if engine.dialect.name == "sqlite":
        assert words.left_in(in_files(tmp_path)) == [], "nor are the pages of the file that held it"
        assert kept.left_in(in_files(tmp_path)) != []

    with sessions.begin() as session:
        conversation = queries.conversation_for(session, erased)
        assert conversation is not None
        assert (conversation.status, conversation.erased_at) == (ConversationStatus.RESOLVED, world.now)
        assert conversation.contact.address.startswith(GONE)
        assert session.get_one(Conversation, stays).erased_at is None
    # Again: nothing is left to do, and nothing is said twice of what was there.
    assert erase(world, erased).attachments == 0


# What an erasure does with each column that can hold a word. A new column has to be put into one of the two.
ERASED = {
    "contacts": {"address", "name", "language"},
    "conversations": {"subject", "moved_to", "reach_by"},
    "chat_keys": {"digest", "address", "kind"},
    "messages": {
        *("external_id", "raw", "message_id", "in_reply_to", "references", "sender_name", "sender_email", "reply_to"),
        *("to", "cc", "subject", "text", "new_text", "authentication", "automatic_reason", "bounce", "failure"),
        "command",
    },
    "message_references": {"identity"},
    "attachment_contents": {"sha256", "content"},
    "message_attachments": {"sha256", "name", "content_type"},
    "questions": {"text", "understanding"},
    "decisions": {"evidence"},
    "outbox": {
        *("external_id", "to", "cc", "subject", "text", "html", "in_reply_to", "references", "reply_to"),
        *("last_error", "raw", "buttons"),
    },
    "outbox_attachments": {"sha256", "name", "content_type"},
    "notes": {"author", "text"},
    "drafts": {"kind", "text"},
    "steering_matters": {"line", "marked_by"},
    "reviews": {"comment"},
    "revision_corrections": {"address"},
    "facts": {"contact", "association"},
}
# Our own words, and facts that figures are counted on.
KEPT = {
    "conversations": {
        *("case_number", "language", "reason", "topic", "administration", "taken_by", "diary_number"),
    },
    "messages": {"language", "warnings", "automatic_kind"},
    "questions": {"language"},
    "decisions": {
        *("rule", "reason", "missed", "topic", "administration", "article", "choices", "language", "held_because"),
        "knowledge_digest",
    },
    "corrections": {"article", "topic", "administration", "made_by", "settled_as", "settled_by"},
    "outbox": {"language", "created_by", "claimed_by"},
    "events": {"actor", "verb", "detail"},
    "audit_log": {"actor", "act", "source", "article", "detail"},
    "tombstones": {"digest"},
    "forwards": {"administration"},
    "reviews": {"verdict", "reviewed_by"},
    "case_links": {"linked_by"},
    "associations": {"name", "organisation_number", "aliases", "domain", "notes", "created_by", "kind"},
    "association_links": {"linked_by", "unlinked_by"},
    "facts": {
        *("month", "language", "topic", "intent", "administration", "article", "feedback", "verdict"),
        *("association_kind", "theme"),
    },
}
# Tables that know of no conversation.
NOT_OF_A_CASE = {
    *(
        "article_revisions",
        "article_imports",
        "article_care",
        "pauses",
        "mailboxes",
        "mailbox_mails",
        "signing_keys",
        "heartbeats",
    ),
    *("case_numbers", "users", "web_sessions", "account_links", "failed_logins", "desk_settings", "presences"),
    *("recovery_codes", "known_devices", "city_sign_ins"),
    "telegram_links",
    "staff_mails",  # has no text once it is sent
    "digests",
    "telegram_updates",  # numbers, and what became of each
    "reading_links",
    *("published_months", "published_cells", "fact_cells"),
    "search_documents",  # which rows the index of words knows; those of what is erased go
    "chat_acts",  # hashes that are counted for a day
}


def test_every_column_that_can_hold_a_word_is_thought_of() -> None:
    def holds_words(column: Any) -> bool:
        is_word = isinstance(column.type, String | JSON | LargeBinary)
        return is_word and not getattr(column.type, "enums", None)

    for table in Base.metadata.sorted_tables:
        if table.name in NOT_OF_A_CASE:
            continue
        columns = {column.name for column in table.columns if holds_words(column)}
        known = ERASED.get(table.name, set()) | KEPT.get(table.name, set())
        assert columns == known, f"say what records.erase does with {table.name}"


# ------------------------------------------------------------------ what stays


def test_figures_the_class_and_who_did_what_stay(world: World) -> None:
    case = world.write(sample.JOIN)
    world.deliver()
    world.write(sample.NONSENSE, in_reply_to=(case.message.message_id,))
    world.resolve(case)
    number = case.conversation.id

    def facts() -> list[Any]:
        with world.sessions.begin() as session:
            conversation = session.get_one(Conversation, number)
            records_of = [
                (d.outcome, d.rule, d.reason, d.topic, d.administration, d.article, d.confidence, d.revision_id)
                for d in session.scalars(select(DecisionRecord).order_by(DecisionRecord.id))
            ]
            return [
                (conversation.case_number, conversation.topic, conversation.record_class, conversation.diary_number),
                (conversation.created_at, conversation.language, conversation.channel),
                records_of,
                session.scalar(select(func.count(Message.id))),
                session.execute(select(OutboxItem.kind, OutboxItem.sent_at).order_by(OutboxItem.id)).all(),
                session.execute(
                    select(Event.verb, Event.actor, Event.at).where(Event.verb != "erased").order_by(Event.id)
                ).all(),
            ]

    with world.sessions.begin() as session:
        conversation = session.get_one(Conversation, number)
        records.classify(
            session, conversation, RecordClass.MINOR, diary_number="2026/1", now=world.now, actor="Kim", source="cli"
        )
    before = facts()
    world.later(days=400)
    done = erase(world, number)
    assert facts() == before
    assert (done.messages, done.attachments, done.shared) == (2, 0, 0)
    event = case.events()[-1]
    assert (event.verb, event.actor, event.at) == ("erased", "Robin", world.now)
    assert event.detail == {"decision": DECISION, "messages": 2, "outgoing": done.outgoing, "attachments": 0}
    with world.sessions.begin() as session:
        (entry,) = audit.search(session, act="erased").entries
        assert (entry.actor, entry.conversation_id, entry.detail["decision"]) == ("Robin", number, DECISION)


def test_a_contact_with_other_conversations_keeps_those_and_nothing_ties_them(world: World) -> None:
    first, second = world.write(sample.JOIN), world.write(sample.PREMISES)
    assert first.conversation.contact_id == second.conversation.contact_id
    erase(world, first)
    assert second.conversation.contact.address == ANNA.email
    made_up = first.conversation.contact
    assert made_up.id != second.conversation.contact_id
    assert (made_up.address.startswith(GONE), made_up.name) == (True, "")
    erase(world, second)
    assert second.conversation.contact.address.startswith(GONE)
    assert second.conversation.contact.address != made_up.address
    third = world.write(sample.GARDEN)
    assert third.conversation.contact.address == ANNA.email
    with world.sessions.begin() as session:
        assert session.scalar(select(func.count(Contact.id))) == 3, "whoever writes again is somebody new"


def test_a_file_goes_with_the_last_conversation_that_has_it(world: World) -> None:
    logo = attachment(b"logotyp", "logo.png", "image/png")
    cases = [world.write(text, attachments=(logo, logo)) for text in (sample.JOIN, sample.PREMISES)]
    for case in cases:
        world.resolve(case)

    def contents() -> int:
        with world.sessions.begin() as session:
            return session.scalar(select(func.count(AttachmentContent.sha256))) or 0

    done = erase(world, cases[0])
    assert (done.attachments, done.shared, contents()) == (2, 1, 1)
    done = erase(world, cases[1])
    assert (done.attachments, done.shared, contents()) == (2, 0, 0)


def test_two_erasures_at_once_leave_no_file_between_them(world: World) -> None:
    logo = attachment(b"logotyp", "logo.png", "image/png")
    cases = [world.write(text, attachments=(logo,)) for text in (sample.JOIN, sample.PREMISES)]
    for case in cases:
        world.resolve(case)
    numbers = [case.conversation.id for case in cases]
    done = in_threads(2, lambda number: erase(world, numbers[number]))
    assert sorted(one.shared for one in done) == [0, 1]
    with world.sessions.begin() as session:
        assert session.scalars(select(AttachmentContent)).all() == []
        assert session.scalars(select(MessageAttachment)).all() == []


def test_a_correction_of_it_teaches_nothing_any_more(world: World) -> None:
    case = world.write(sample.NONSENSE)
    number = case.conversation.id

    def correct() -> None:
        with world.sessions.begin() as session:
            conversation = queries.conversation_for(session, number)
            assert conversation is not None
            corrections.correct(
                session,
                conversation,
                corrections.questions_of(conversation)[0],
                knowledge=world.active.knowledge,
                actor="Kim",
                now=world.now,
                article="ga-med",
            )

    correct()
    world.resolve(case)
    erase(world, number)
    with world.sessions.begin() as session:
        assert corrections.examples(session) == []
        assert corrections.waiting(session) == []
        assert [one.settled_as for one in session.scalars(select(Correction))] == ["rejected"]
        since, until = world.now - timedelta(days=1), world.now + timedelta(days=1)
        assert queries.unanswered(session, since=since, until=until) == []
    with pytest.raises(NotPossible, match="är raderat"):
        correct()


# ------------------------------------------------------------------ when it may not be


@pytest.mark.parametrize("decision", ["", "  \n"])
def test_without_a_decision_nothing_is_erased(world: World, decision: str) -> None:
    case = world.write(sample.JOIN)
    with pytest.raises(NotPossible, match="Ange beslutet"):
        erase(world, case, decision=decision)
    assert case.message.text == sample.JOIN


def test_what_a_person_has_is_finished_first(world: World) -> None:
    case = world.write(sample.OWN)
    with pytest.raises(NotPossible, match="Avsluta det först"):
        erase(world, case)
    world.resolve(case)
    erase(world, case)


def test_what_is_on_its_way_in_is_handled_first(world: World) -> None:
    identity = world.store(sample.JOIN)
    with pytest.raises(NotPossible, match="hanteras just nu"):
        erase(world, 1)
    world.handle_next()
    erase(world, 1)
    with world.sessions.begin() as session:
        assert session.get_one(Message, identity).state is MessageState.HANDLED


def test_what_is_on_its_way_out_leaves_first_and_what_waits_does_not(world: World) -> None:
    case = world.write(sample.JOIN)

    def claim() -> OutboxItem:
        with world.sessions.begin() as session:
            item = outbox.claim(
                session, worker="w", channels=(ChannelName.MAIL,), lease=timedelta(minutes=5), now=world.now
            )
            assert item is not None
            return item

    item = claim()
    with pytest.raises(NotPossible, match="skickas just nu"):
        erase(world, case)
    # The worker has died, so it seems.
    world.later(minutes=6)
    erase(world, case)
    assert [one.status for one in case.items()] == [OutboxStatus.CANCELLED]
    # It had not: what it says now may not bring the words back.
    with world.sessions.begin() as session:
        outbox.sent(session, session.get_one(OutboxItem, item.id), now=world.now, raw=b"hemligt", copy_tries=5)
    with world.sessions.begin() as session:
        assert session.get_one(OutboxItem, item.id).raw is None
        assert queries.copy_wanted(session, ()) is None


def test_nothing_more_is_said_in_it_or_taken_out_of_it(world: World) -> None:
    case = world.write(sample.JOIN)
    erase(world, case)
    number = case.conversation.id
    with world.sessions.begin() as session:
        conversation = queries.conversation_for(session, number)
        assert conversation is not None
        made = register.create(session, "Råå IF", now=world.now, **ACT)
        with pytest.raises(NotPossible, match="ingen adress"):
            escalation.coordinator_reply(
                session, conversation, "Hej", actor="Kim", settings=world.settings, now=world.now
            )
        with pytest.raises(NotPossible, match="inget att ta ut"):
            records.export(session, conversation, BytesIO(), knowledge=world.active.knowledge, now=world.now, **ACT)
        with pytest.raises(NotPossible, match="ingen kontakt"):
            register.link(session, conversation, made, now=world.now, **ACT)
    with world.sessions.begin() as session:
        assert register.suggest_association(session, session.get_one(Conversation, number)) == []
        assert records.daily(session, since=world.now) == []


# ------------------------------------------------------------------ it does not come back


def received(world: World, incoming: IncomingMessage) -> intake.Received:
    with world.sessions.begin() as session:
        return intake.receive(session, incoming, now=world.now)


def again(world: World) -> Iterator[tuple[str, IncomingMessage]]:
    """The same mail in the ways that a mailbox may give it once more."""
    values: dict[str, Any] = {
        "external_id": "id@forening.example#1",
        "raw": b"Message-ID: <id@forening.example>\r\n\r\nHej",
    }
    yield "as it was", mail(sample.JOIN, **values)
    yield "with a warning, from the junk folder", mail(sample.JOIN, **values, warnings=("junk",))
    yield "changed on its way through another server", mail(sample.JOIN, **{**values, "raw": b"X-Spam: no\r\n\r\nHej"})
    yield "read by a version that makes another id", mail(sample.JOIN, **{**values, "external_id": "another"})


def test_the_same_mail_is_known_again_however_it_comes(world: World) -> None:
    ways = list(again(world))
    first = received(world, ways[0][1])
    world.handle_next()
    erase(world, first.conversation_id)
    for way, incoming in ways:
        found = received(world, incoming)
        assert (found.is_new, found.message_id) == (False, first.message_id), way
    with world.sessions.begin() as session:
        assert session.scalars(select(Message.text)).all() == [""]
        stones = session.scalars(select(Tombstone)).all()
        plain = hashlib.sha256(ways[0][1].external_id.encode()).hexdigest()
        assert plain not in {stone.digest for stone in stones}, "a plain hash can be guessed"


def test_another_mail_of_the_same_person_is_new_and_knows_of_the_erased_case(world: World) -> None:
    case = world.write(sample.JOIN)
    (reply,) = world.deliver()
    erase(world, case)
    answer = world.write(sample.PREMISES, in_reply_to=(reply.external_id,))
    assert answer.conversation.id != case.conversation.id
    assert answer.conversation.related_to_id == case.conversation.id
    assert case.conversation.status is ConversationStatus.RESOLVED


def test_in_a_chat_the_same_words_are_another_message(world: World) -> None:
    chat: dict[str, Any] = {"channel": ChannelName.WEBCHAT, "raw": b"Hej", "message_id": None}
    first = received(world, mail(sample.JOIN, external_id="1", **chat))
    world.later(seconds=3)
    world.handle_next()
    erase(world, first.conversation_id)
    assert received(world, mail(sample.JOIN, external_id="2", **chat)).is_new
    assert not received(world, mail(sample.JOIN, external_id="1", **chat)).is_new


def test_what_a_colleague_wrote_in_it_does_not_come_back_either(world: World) -> None:
    case = world.write(sample.OWN)
    sent = mail("Ja", sender=LOK, to=(ANNA,), in_reply_to=(case.message.message_id,), received_at=world.now)

    def take_in() -> sent_mail.Fate:
        with world.sessions.begin() as session:
            return sent_mail.take_in(session, sent, is_ours=False, settings=world.settings, now=world.now)

    assert take_in() == "sent"
    erase(world, case)
    assert take_in() == "duplicate"
    assert [item.text for item in case.items(OutboxKind.ANSWER)] == [""]


def test_a_file_that_is_in_use_is_swept_the_next_time(tmp_path: Path, migrated_file: Path) -> None:
    (tmp_path / "lokbot.db").write_bytes(migrated_file.read_bytes())
    engine = connect(f"sqlite:///{tmp_path / 'lokbot.db'}")
    world = World(session_factory(engine))
    assert records.sweep(engine, now=world.now), "nothing has been erased"
    case = world.write(f"{sample.JOIN} zqhemligt")
    erase(world, case)

    def last(verb: str) -> Any:
        with world.sessions.begin() as session:
            return queries.last_event(session, verb)

    with engine.connect() as reader:
        reader.exec_driver_sql("COMMIT")
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT count(*) FROM messages").one()
        with world.sessions.begin() as session:
            queries.next_case_number(session, 2026)
        assert not records.sweep(engine, now=world.now), "somebody reads what was there before"
    assert b"zqhemligt" in in_files(tmp_path)
    assert last("swept") is None
    assert records.sweep(engine, now=world.now)
    assert b"zqhemligt" not in in_files(tmp_path)
    swept = last("swept")
    assert records.sweep(engine, now=world.now + timedelta(days=1))
    assert last("swept") == swept, "once is enough"
    engine.dispose()


def test_events_of_older_versions_lose_the_ids_that_could_not_be_erased(empty_url: str) -> None:
    engine = connect(empty_url)
    with engine.begin() as connection:
        command.upgrade(config_of(connection), "0004")
        connection.execute(
            text(
                "INSERT INTO events (at, actor, verb, detail) VALUES "
                "(:at, 'mail', 'received', :old), (:at, 'bot', 'decided', :other)"
            ),
            {
                "at": NOW if engine.dialect.name == "postgresql" else NOW.replace(tzinfo=None).isoformat(" "),
                "old": '{"external_id": "zqhemligt@forening.example"}',
                "other": '{"outcomes": ["answer"]}',
            },
        )
    migrate(engine)
    with session_factory(engine).begin() as session:
        found = session.scalars(select(Event).order_by(Event.id)).all()
        assert [event.detail for event in found] == [{}, {"outcomes": ["answer"]}]
    for statement in ("UPDATE events SET actor = 'x'", "DELETE FROM events"):
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(statement))
    engine.dispose()
