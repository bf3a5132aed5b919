"""How fast the statistics are over three years with 300,000 questions: rebuilding, closing, a page, one act.

    LOKBOT_SEMANTIC=off taskset -c 0 python -m benchmarks.figures_speed [--postgresql | --url postgresql://...]

Bars on one core: a page p99 under 60 ms, a rebuild under 60 s, on SQLite and PostgreSQL. A page is the whole of
``/statistik`` as the web server makes it, with its pictures: raw and published, a year (with the year before beside it)
and all three, of everything and narrowed. ``--postgresql`` starts one of its own, as the tests do. The database that
``--url`` names has to be empty, or filled by this before: then only what is measured is made anew. Half of the
questions are answered by the bot, the rest by people or not at all.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Engine, delete, insert, select, text
from sqlalchemy.orm import Session

from benchmarks import coordinator
from lokbot.config import Promise, Settings, StatisticsSettings
from lokbot.knowledge.loading import load
from lokbot.model import (
    ChannelName,
    ConversationStatus,
    Knowledge,
    MessageState,
    OutboxKind,
    OutboxStatus,
    Outcome,
)
from lokbot.statistics import closing, facts
from lokbot.store import queries
from lokbot.store.migrations import migrate
from lokbot.store.schema import (
    Association,
    Contact,
    Conversation,
    DecisionRecord,
    Event,
    Fact,
    FactCell,
    Message,
    OutboxItem,
    PublishedCell,
    PublishedMonth,
    QuestionRecord,
)
from lokbot.store.session import Sessions, connect, session_factory
from tests.servers import PostgresCluster

ROOT = Path(__file__).resolve().parent.parent
TODAY = date(2026, 11, 26)
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
BEGIN = datetime(2023, 12, 1, 9, 0, tzinfo=UTC)
DAYS = 1085
CPU_ONLY = False
PEOPLE, GROUPS, BATCH, PAGES = 3000, 600, 10_000, 300
SETTINGS = StatisticsSettings(meetings=(date(2026, 8, 20),))

YEAR = {"fran": "2025-11", "till": "2026-10"}
ALL_YEARS = {"fran": "2023-12", "till": "2026-11"}
ASKED = {
    "raw, a year": YEAR,
    "raw, a year, one topic": {**YEAR, "urval": "topic=lokaler"},
    "raw, three years": ALL_YEARS,
    "published, a year": {**YEAR, "visa": "publicerat"},
    "published, a year, one topic": {**YEAR, "visa": "publicerat", "urval": "topic=lokaler"},
    "published, three years": {**ALL_YEARS, "visa": "publicerat"},
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--url", help="a database that is empty, or was filled by this before")
    options.add_argument("--postgresql", action="store_true", help="start a PostgreSQL")
    options.add_argument("--questions", type=int, default=300_000)
    options.add_argument("--only-fill", action="store_true", help="for measuring later, where it is quiet")
    options.add_argument("--only", choices=["rebuild", "close", "pages", "acts"], help="of a database that is filled")
    options.add_argument("--cpu", action="store_true", help="count this process's own work only, on a busy machine")
    arguments = options.parse_args()
    global CPU_ONLY
    CPU_ONLY = arguments.cpu
    knowledge = load(ROOT / "knowledge", ROOT / "intents")
    with database(arguments.url, is_postgresql=arguments.postgresql) as url:
        engine = connect(url)
        migrate(engine)
        sessions = session_factory(engine)
        if not is_filled(sessions):
            fill(engine, sessions, arguments.questions, knowledge)
        parts = [arguments.only] if arguments.only else ["rebuild", "close", "pages", "acts"]
        for part in [] if arguments.only_fill else parts:
            match part:
                case "rebuild":
                    rebuild(sessions)
                case "close":
                    close(sessions, knowledge)
                case "pages":
                    pages(engine, sessions)
                case "acts":
                    acts(facts.follow(sessions, lambda _: Promise()))
        engine.dispose()


@contextmanager
def database(url: str | None, *, is_postgresql: bool) -> Iterator[str]:
    if url is not None:
        yield url
    elif is_postgresql:
        with PostgresCluster() as cluster:
            yield cluster.create_database()
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/lokbot.db"


def rebuild(sessions: Sessions) -> None:
    """From nothing, and again where nothing has changed."""
    with sessions.begin() as session:
        for table in (Fact, FactCell):
            session.execute(delete(table))
    gc.freeze()  # as the command does
    for what in ("rebuild", "rebuild once more"):
        start, worked = clock(), time.process_time()
        done = facts.rebuild(sessions, Promise())
        say(f"{what}, {done.derived} facts", clock() - start, "s")
        say("  of it this process's own work", time.process_time() - worked, "s")


def close(sessions: Sessions, knowledge: Knowledge) -> None:
    with sessions.begin() as session:
        for table in (PublishedCell, PublishedMonth):
            session.execute(delete(table))
    start = clock()
    with sessions.begin() as session:
        closed = closing.close_due(session, SETTINGS, knowledge, now=NOW, today=TODAY)
    say(f"close {len(closed)} months, each", (clock() - start) / len(closed), "s")


def pages(engine: Engine, sessions: Sessions) -> None:
    """The same page again and again, through the whole application, as a coordinator who is logged in."""
    client = coordinator.logged_in(engine, sessions, Settings(semantic="off", statistics=SETTINGS), NOW)
    gc.freeze()  # as web.server does
    for what, query in ASKED.items():
        address = f"/statistik?{urlencode(query)}"
        times = []
        for _ in range(PAGES + 5):
            before = clock()
            response = client.get(address)
            times.append(clock() - before)
            assert response.status_code == 200, address
        times = sorted(times[5:])  # the first ones warm up
        say(f"page {what}, median", 1000 * times[len(times) // 2], "ms")
        say(f"page {what}, p99", 1000 * times[int(0.99 * len(times))], "ms")


def acts(sessions: Sessions) -> None:
    """What the facts add to one commit of an act in a case."""
    times = []
    for number in range(1, 201):
        with sessions() as session:
            conversation = session.get_one(Conversation, number)
            queries.record(session, "noted", actor="bench", now=NOW, conversation=conversation)
            session.flush()
            before = clock()
            facts.write(session, [number], Promise())
            times.append(clock() - before)
            session.commit()
    times.sort()
    say("facts of one act, median", 1000 * times[len(times) // 2], "ms")


def is_filled(sessions: Sessions) -> bool:
    with sessions() as session:
        return session.scalar(select(Conversation.id).limit(1)) is not None


def fill(engine: Engine, sessions: Sessions, count: int, knowledge: Knowledge) -> None:
    chance = random.Random(1)
    topics = sorted(knowledge.topics)
    articles = sorted(knowledge.articles.values(), key=lambda article: article.id)
    with sessions.begin() as session:
        add(session, Association, [
            {"name": f"Förening {n}", "kind": ("idrott", "kultur", "social")[n % 3], "created_at": BEGIN}
            for n in range(GROUPS)
        ])  # fmt: skip
        add(session, Contact, [
            {
                "channel": ChannelName.MAIL,
                "address": f"a{n}@x.example",
                "name": "",
                "association_id": n % GROUPS + 1 if n % 5 else None,
                "created_at": BEGIN,
            }
            for n in range(PEOPLE)
        ])  # fmt: skip
    for first in range(1, count + 1, BATCH):
        numbers = range(first, min(first + BATCH, count + 1))
        made = [case(chance, number, count, topics, articles) for number in numbers]
        with sessions.begin() as session:
            for table in (Conversation, Message, QuestionRecord, OutboxItem, DecisionRecord):
                add(session, table, [rows[table] for rows in made])
            add(session, Event, [event for rows in made for event in events(chance, rows)])
    coordinator.let_in(sessions, NOW)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "postgresql":
            # The rows were given their ids.
            for name in ("conversations", "messages", "questions", "outbox", "decisions"):
                connection.execute(text(f"SELECT setval('{name}_id_seq', (SELECT max(id) FROM {name}))"))
            connection.exec_driver_sql("ANALYZE")  # as autovacuum has done a minute later


def add(session: Session, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    session.execute(insert(table), rows)


def case(
    chance: random.Random, number: int, count: int, topics: Sequence[str], articles: Sequence[Any]
) -> dict[Any, dict[str, Any]]:
    at = BEGIN + timedelta(days=DAYS * number / count, minutes=chance.randrange(480))
    later = at + timedelta(minutes=chance.randrange(3000))
    is_bot = chance.random() < 0.5
    is_open = not is_bot and chance.random() < 0.02
    article = chance.choice(articles)
    empty: list[Any] = []
    return {
        Conversation: {
            "id": number,
            "case_number": f"LOK-{at.year}-{number:06d}",
            "channel": chance.choice([*ChannelName]),
            "contact_id": int(PEOPLE * chance.random() ** 2) + 1,
            "subject": "",
            "language": "sv",
            "status": ConversationStatus.WAITING if is_open else ConversationStatus.RESOLVED,
            "is_urgent": False,
            "created_at": at,
            "updated_at": at,
        },
        Message: {
            "id": number,
            "channel": ChannelName.MAIL,
            "external_id": f"m{number}",
            "conversation_id": number,
            "raw": b"x" * 2000,
            "in_reply_to": empty,
            "references": empty,
            "sender_name": "",
            "sender_email": "",
            "reply_to": empty,
            "to": empty,
            "cc": empty,
            "subject": "",
            "text": "Hej! " * 60,
            "new_text": "Hej! " * 60,
            "received_at": at,
            "is_readable": True,
            "warnings": empty,
            "state": MessageState.HANDLED,
            "attempts": 1,
            "stored_at": at,
        },
        QuestionRecord: {
            "id": number,
            "message_id": number,
            "position": 0,
            "text": "Hej?",
            "language": "sv",
            "understanding": {"intents": [{"intent": "answer"}], "matches": [{"article": "a"}] * 5},
        },
        OutboxItem: {
            "id": number,
            "conversation_id": number,
            "message_id": number,
            "kind": OutboxKind.REPLY if is_bot else OutboxKind.ANSWER,
            "channel": ChannelName.MAIL,
            "external_id": f"o{number}",
            "to": empty,
            "cc": empty,
            "subject": "",
            "text": "Svar. " * 60,
            "language": "sv",
            "references": empty,
            "is_automatic": is_bot,
            "status": OutboxStatus.CANCELLED if is_open else OutboxStatus.SENT,
            "created_by": "bot" if is_bot else "Kim",
            "created_at": at if is_bot else later,
            "queued_at": at if is_bot else later,
            "not_before": at,
            "attempts": 1,
            "was_in_doubt": False,
        },
        DecisionRecord: {
            "id": number,
            "question_id": number,
            "outcome": Outcome.ANSWER if is_bot else Outcome.ESCALATE,
            "rule": "rule",
            "reason": "known" if is_bot else "not-sure",
            "missed": empty,
            "evidence": empty,
            "confidence": chance.random(),
            "topic": article.topic if is_bot else chance.choice(topics),
            "administration": article.administration,
            "article": article.id if is_bot else None,
            "language": "sv",
            "is_urgent": False,
            "outbox_id": number if is_bot else None,
            "knowledge_digest": "",
            "decided_at": at,
        },
    }


def events(chance: random.Random, rows: dict[Any, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What was written down of a case; of three of them something that its fact depends on."""
    case, item, decision = rows[Conversation], rows[OutboxItem], rows[DecisionRecord]
    told: list[tuple[str, datetime, dict[str, Any]]] = [
        ("received", case["created_at"], {}),
        ("decided", case["created_at"], {"outcomes": [str(decision["outcome"])]}),
        ("sent", item["queued_at"], {"attempts": 1}),
    ]
    if case["status"] is ConversationStatus.RESOLVED:
        told.append(("resolved", item["queued_at"], {}))
    if item["is_automatic"] and chance.random() < 0.2:
        told.append(("feedback", item["queued_at"], {"question": case["id"], "helped": chance.random() < 0.8}))
    if item["is_automatic"] and chance.random() < 0.1:
        told.append(("reviewed", item["queued_at"], {"decision": decision["id"], "verdict": "right"}))
    for verb, at, detail in told:
        yield {"at": at, "actor": "bench", "verb": verb, "conversation_id": case["id"], "detail": detail}


def clock() -> float:
    """Seconds of this process's own work: what others do on the machine does not count, and neither does a disk."""
    return time.process_time() if CPU_ONLY else time.perf_counter()


def say(what: str, figure: float, unit: str) -> None:
    sys.stdout.write(f"{what:55} {figure:8.3f} {unit}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
