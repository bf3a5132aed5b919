"""The store on SQLite and on PostgreSQL: schema, durability, times, numbers, locks."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from multiprocessing.synchronize import Event as Flag
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from lokbot.model import ChannelName, ConversationStatus
from lokbot.store import mailboxes, queries
from lokbot.store.migrations import is_current, migrate
from lokbot.store.schema import Base, CaseNumber, Contact, Conversation, Event, MailboxMail
from lokbot.store.session import Sessions, connect, exclusive, session_factory
from tests.integration.together import in_threads, waits_for_a_lock
from tests.servers import wait_until

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


# ------------------------------------------------------------------ the schema


def _is_modelled(name: str | None, *_: object) -> bool:
    """The index of words is the database's own: it differs between the two, and no row of it is ever loaded."""
    return name is None or "search_documents" in name or not name.startswith(("search", "ix_search"))


def test_the_migrated_schema_is_that_of_the_models(engine: Engine) -> None:
    with engine.connect() as connection:
        opts = {"compare_type": True, "compare_server_default": True, "include_name": _is_modelled}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(empty_url: str) -> None:
    engine = connect(empty_url)
    assert not is_current(engine)
    migrate(engine)
    assert is_current(engine)
    with session_factory(engine).begin() as session:
        queries.next_case_number(session, 2026)
    migrate(engine)
    assert is_current(engine)
    with session_factory(engine).begin() as session:
        assert queries.next_case_number(session, 2026) == "LOK-2026-00002"
    engine.dispose()


def test_several_may_migrate_at_once(empty_url: str) -> None:
    engines = [connect(empty_url) for _ in range(4)]
    in_threads(4, lambda number: migrate(engines[number]))
    assert is_current(engines[0])
    names = {name for name in inspect(engines[0]).get_table_names() if _is_modelled(name)}
    assert names == {*Base.metadata.tables, "alembic_version"}
    for engine in engines:
        engine.dispose()


def test_what_happened_can_only_be_added_to(engine: Engine, sessions: Sessions) -> None:
    with sessions.begin() as session:
        queries.record(session, "decided", actor="bot", now=NOW, outcomes=["answer"])
    for statement in (
        "UPDATE events SET actor = 'someone else'",
        "DELETE FROM events",
        "DELETE FROM events WHERE id = 1",
    ):
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(statement))
    with sessions.begin() as session:
        assert [(event.actor, event.verb, event.detail) for event in session.scalars(select(Event))] == [
            ("bot", "decided", {"outcomes": ["answer"]})
        ]


def test_sqlite_is_durable_and_readers_do_not_wait(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'new' / 'directory' / 'lokbot.db'}")
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}
    engine.dispose()


def test_what_refers_to_nothing_is_refused(sessions: Sessions) -> None:
    with pytest.raises(IntegrityError), sessions.begin() as session:
        session.add(MailboxMail(mailbox_id=7, uidvalidity=1, uid=1, fate="stored", at=NOW))


def test_a_transaction_that_fails_leaves_nothing(sessions: Sessions) -> None:
    with sessions() as session:
        queries.next_case_number(session, 2026)
        session.rollback()
    with sessions.begin() as session:
        assert session.scalars(select(CaseNumber)).all() == []


# ------------------------------------------------------------------ times


def contact(at: datetime) -> Contact:
    return Contact(channel=ChannelName.MAIL, address="anna@forening.example", name="Anna", created_at=at)


@pytest.mark.parametrize(
    "at",
    [
        NOW,
        datetime(2026, 7, 1, 14, 5, 6, 123456, tzinfo=timezone(timedelta(hours=2))),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # 02.30 comes twice in Sweden that night
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ],
)
def test_a_time_comes_back_in_utc(database_url: str, at: datetime) -> None:
    """Wherever the database believes it stands."""
    elsewhere = "?options=-c%20timezone%3DEurope/Stockholm" if database_url.startswith("postgresql") else ""
    engine = connect(database_url + elsewhere)
    sessions = session_factory(engine)
    with sessions.begin() as session:
        session.add(contact(at))
    with sessions.begin() as session:
        stored = session.scalars(select(Contact)).one().created_at
        assert session.scalars(select(Contact).where(Contact.created_at <= at)).all()
        assert not session.scalars(select(Contact).where(Contact.created_at < at)).all()
    assert stored == at
    assert stored.tzinfo is UTC
    engine.dispose()


def test_a_time_without_a_zone_is_refused(sessions: Sessions) -> None:
    with sessions() as session:
        session.add(contact(datetime(2026, 3, 2, 9, 30)))  # noqa: DTZ001
        with pytest.raises(StatementError, match="without a time zone"):
            session.flush()


# ------------------------------------------------------------------ case numbers, contacts


def test_case_numbers_count_up_in_each_year(sessions: Sessions) -> None:
    with sessions.begin() as session:
        given = [queries.next_case_number(session, year) for year in (2026, 2026, 2027, 2026)]
    assert given == ["LOK-2026-00001", "LOK-2026-00002", "LOK-2027-00001", "LOK-2026-00003"]


def test_case_numbers_have_no_twins_and_no_holes(sessions: Sessions) -> None:
    def take(_: int) -> list[str]:
        numbers = []
        for _ in range(5):
            with sessions.begin() as session:
                numbers.append(queries.next_case_number(session, 2026))
        return numbers

    given = [number for numbers in in_threads(6, take) for number in numbers]
    assert sorted(given) == [f"LOK-2026-{number:05d}" for number in range(1, 31)]


def test_the_first_two_case_numbers_of_a_year_are_taken_at_once(postgres: Engine) -> None:
    """There is no row to lock yet: the second waits for the first at the insert."""
    sessions = session_factory(postgres)

    def take() -> str:
        with sessions.begin() as session:
            return queries.next_case_number(session, 2099)

    with ThreadPoolExecutor(1) as pool:
        with sessions.begin() as session:
            first = queries.next_case_number(session, 2099)
            second = pool.submit(take)
            wait_until(lambda: waits_for_a_lock(postgres), "the second waits for the first")
        assert (first, second.result()) == ("LOK-2099-00001", "LOK-2099-00002")


def test_a_contact_is_made_once_and_named_when_its_name_is_known(sessions: Sessions) -> None:
    with sessions.begin() as session:
        first = queries.contact_at(session, ChannelName.MAIL, "anna@forening.example", "", now=NOW)
        again = queries.contact_at(session, ChannelName.MAIL, "anna@forening.example", "Anna", now=NOW)
        third = queries.contact_at(session, ChannelName.MAIL, "anna@forening.example", "Bo", now=NOW)
        other = queries.contact_at(session, ChannelName.TELEGRAM, "anna@forening.example", "Anna", now=NOW)
        assert first is again is third
        assert first is not other
        assert first.name == "Anna"


# ------------------------------------------------------------------ look-ups


def conversation(
    number: str, status: ConversationStatus, *, waiting_since: datetime | None = None, is_urgent: bool = False
) -> Conversation:
    return Conversation(
        case_number=number,
        channel=ChannelName.MAIL,
        contact=Contact(channel=ChannelName.MAIL, address=f"{number}@forening.example", name="", created_at=NOW),
        subject="Ämne",
        language="sv",
        status=status,
        is_urgent=is_urgent,
        waiting_since=waiting_since,
        answer_by=date(2026, 3, 3),
        created_at=NOW,
        updated_at=NOW,
    )


def test_a_case_is_found_by_its_number_in_any_spelling(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for year in (2025, 2026):
            number = queries.next_case_number(session, year)
            session.add(conversation(number, ConversationStatus.BOT))
        session.flush()
        for spelling in ("LOK-2026-00001", " lok-2026-00001 ", "1", "00001"):
            found = queries.conversation_for(session, spelling)
            assert found is not None, spelling
            assert found.case_number == "LOK-2026-00001"
            assert queries.conversation_for(session, found.id) is found
        for spelling in ("2", "LOK-2024-00001", "", "x"):
            assert queries.conversation_for(session, spelling) is None, spelling


def test_urgent_cases_stand_first_then_those_that_waited_longest(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.add_all(
            [
                conversation("a", ConversationStatus.BOT),
                conversation("b", ConversationStatus.WAITING, waiting_since=NOW),
                conversation("c", ConversationStatus.TAKEN, waiting_since=NOW - timedelta(days=1)),
                conversation("d", ConversationStatus.WAITING, waiting_since=NOW, is_urgent=True),
            ]
        )
    with sessions.begin() as session:
        assert [each.case_number for each in queries.conversations(session)] == ["d", "c", "b", "a"]
        waiting = queries.conversations(session, ConversationStatus.WAITING)
        assert [each.case_number for each in waiting] == ["d", "b"]


def test_a_part_that_no_longer_shows_itself_is_silent(sessions: Sessions) -> None:
    with sessions.begin() as session:
        queries.beat(session, "mail", "a:1", now=NOW - timedelta(minutes=5))
        queries.beat(session, "worker", "a:1", now=NOW - timedelta(minutes=5))
        queries.beat(session, "worker", "b:2", now=NOW)
    with sessions.begin() as session:
        assert queries.silent_parts(session, now=NOW, after=timedelta(minutes=1)) == (["worker"], ["mail"])


# ------------------------------------------------------------------ how far a mailbox is read


def test_what_stood_in_a_mailbox_before_the_first_start_is_left_alone(sessions: Sessions) -> None:
    with sessions.begin() as session:
        assert mailboxes.known(session, "lok") is None
        row = mailboxes.begin(session, "lok", uidvalidity=1, uidnext=42, now=NOW)
        assert mailboxes.unaccounted(session, row, [1, 41, 43, 42]) == [42, 43]
        mailboxes.account(session, row, 43, "stored", now=NOW)
        assert row.cursor == 43
        assert mailboxes.unaccounted(session, row, [1, 41, 42, 43, 44]) == [42, 44]
        mailboxes.account(session, row, 42, "vanished", now=NOW)
        mailboxes.account(session, row, 42, "vanished", now=NOW)
        assert row.cursor == 43


def test_uids_are_unsigned_and_of_32_bits(sessions: Sessions) -> None:
    """RFC 3501 2.3.1.1: UIDs and UIDVALIDITY go up to 4,294,967,295."""
    highest = 2**32 - 1
    with sessions.begin() as session:
        row = mailboxes.begin(session, "lok", uidvalidity=highest, uidnext=highest, now=NOW)
        mailboxes.account(session, row, highest, "stored", now=NOW)
    with sessions.begin() as session:
        again = mailboxes.known(session, "lok")
        assert again is not None
        assert (again.uidvalidity, again.first_uid, again.cursor) == (highest, highest, highest)


def test_a_renumbered_mailbox_is_read_anew_by_arrival(sessions: Sessions) -> None:
    with sessions.begin() as session:
        row = mailboxes.begin(session, "lok", uidvalidity=1, uidnext=42, now=NOW)
        mailboxes.account(session, row, 42, "stored", now=NOW)
        assert not mailboxes.is_old(row, NOW - timedelta(days=365)), "UIDs can tell, so clocks are not asked"
        mailboxes.renumber(row, uidvalidity=2, first_uid=5, now=NOW)
        assert mailboxes.unaccounted(session, row, [4, 5, 42]) == [5, 42]
        assert mailboxes.is_old(row, NOW - timedelta(minutes=11))
        assert not mailboxes.is_old(row, NOW - timedelta(minutes=9))
        assert row.cursor == 4


# ------------------------------------------------------------------ the one lock


def test_a_lock_is_held_by_one(engine: Engine, tmp_path: Path) -> None:
    with exclusive(engine, "mailbox a", tmp_path) as first:
        with exclusive(engine, "mailbox a", tmp_path) as second, exclusive(engine, "mailbox b", tmp_path) as other:
            assert (first, second, other) == (True, False, True)
        with exclusive(engine, "mailbox a", tmp_path) as third:
            assert not third, "whoever did not get it must not let it go"
    with exclusive(engine, "mailbox a", tmp_path) as later:
        assert later


def test_a_lock_ends_with_its_block_however_that_ends(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), exclusive(engine, "mailbox a", tmp_path):
        raise RuntimeError
    with exclusive(engine, "mailbox a", tmp_path) as held:
        assert held


def test_only_one_thread_of_many_gets_a_lock(engine: Engine, tmp_path: Path) -> None:
    done = threading.Barrier(4)

    def hold(_: int) -> bool:
        with exclusive(engine, "mailbox a", tmp_path) as held:
            done.wait()
            return held

    assert sorted(in_threads(4, hold)) == [False, False, False, True]


def _hold_for_ever(url: str, directory: Path, is_held: Flag) -> None:
    with exclusive(connect(url), "mailbox a", directory) as held:
        if held:
            is_held.set()
        signal.pause()


def test_a_lock_ends_when_its_process_is_killed(engine: Engine, database_url: str, tmp_path: Path) -> None:
    start = multiprocessing.get_context("spawn")
    is_held = start.Event()
    process = start.Process(target=_hold_for_ever, args=(database_url, tmp_path, is_held), daemon=True)
    process.start()
    assert is_held.wait(30)
    with exclusive(engine, "mailbox a", tmp_path) as held:
        assert not held
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)

    deadline = datetime.now(UTC) + timedelta(seconds=20)
    while True:  # PostgreSQL learns of the death when its connection breaks
        with exclusive(engine, "mailbox a", tmp_path) as held:
            if held:
                return
        assert datetime.now(UTC) < deadline, "the lock outlived its process"
