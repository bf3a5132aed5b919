"""How fast the statistics are over three years with 300,000 questions: rebuilding, closing, a page, one act.

    taskset -c 0 python benchmarks/figures_speed.py [--url postgresql://...] [--questions 300000]

Bars on one core: a page (``figures`` of a year and the year before, for coordinators and the steering group, all and
narrowed, with its pictures) p99 under 60 ms; a rebuild under 60 s. The database named with ``--url`` has to be empty;
without it an SQLite file in a temporary directory is made. Half of the questions are answered by the bot, the rest by
people or not at all.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from lokbot.config import Promise, StatisticsSettings
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
from lokbot.statistics import closing, facts, pictures
from lokbot.statistics.figures import Filter, Period, View, figures
from lokbot.store import queries
from lokbot.store.migrations import migrate
from lokbot.store.schema import (
    Association,
    Contact,
    Conversation,
    DecisionRecord,
    Message,
    OutboxItem,
    QuestionRecord,
)
from lokbot.store.session import Sessions, connect, session_factory

ROOT = Path(__file__).resolve().parent.parent
TODAY = date(2026, 11, 26)
BEGIN = datetime(2023, 12, 1, 9, 0, tzinfo=UTC)
DAYS = 1085
CPU_ONLY = False
PEOPLE, GROUPS, BATCH, PAGES = 3000, 600, 10_000, 300
SETTINGS = StatisticsSettings(meetings=(date(2026, 8, 20),))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--url", help="an empty database")
    options.add_argument("--questions", type=int, default=300_000)
    options.add_argument("--cpu", action="store_true", help="count this process's own work only, on a busy machine")
    arguments = options.parse_args()
    global CPU_ONLY
    CPU_ONLY = arguments.cpu
    knowledge = load(ROOT / "knowledge", ROOT / "intents")
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(arguments.url or f"sqlite:///{folder}/lokbot.db")
        migrate(engine)
        sessions = session_factory(engine)
        start = clock()
        fill(sessions, arguments.questions, knowledge)
        say("fill", clock() - start, "s")
        start = clock()
        done = facts.rebuild(sessions, Promise())
        say(f"rebuild {done.derived} facts", clock() - start, "s")
        start = clock()
        done = facts.rebuild(sessions, Promise())
        say("rebuild once more", clock() - start, "s")
        start = clock()
        with sessions.begin() as session:
            closed = closing.close_due(session, SETTINGS, knowledge, now=datetime.now(UTC), today=TODAY)
        say(f"close {len(closed)} months, each", (clock() - start) / len(closed), "s")
        gc.freeze()  # as web.server does
        for view in View:
            for chosen in (None, Filter("topic", "lokaler")):
                pages(sessions, knowledge, view, chosen)
        acts(facts.follow(sessions, lambda _: Promise()))
        engine.dispose()


def pages(sessions: Sessions, knowledge: Knowledge, view: View, chosen: Filter | None) -> None:
    """The same page again and again, each in a session of its own, as the web does it."""
    times = []
    for _ in range(PAGES):
        before = clock()
        with sessions.begin() as session:
            found = figures(
                session,
                Period("2025-11", "2026-10"),
                chosen,
                view,
                knowledge=knowledge,
                settings=SETTINGS,
                today=TODAY,
            )
        for chart in found.charts:
            pictures.figure(chart, "sv")
        times.append(clock() - before)
    times.sort()
    what = f"page, {view}, {'narrowed' if chosen else 'all'}"
    say(f"{what}, median", 1000 * times[len(times) // 2], "ms")
    say(f"{what}, p99", 1000 * times[int(0.99 * len(times))], "ms")


def acts(sessions: Sessions) -> None:
    """What the facts add to one commit of an act in a case."""
    times = []
    for number in range(1, 201):
        with sessions() as session:
            conversation = session.get_one(Conversation, number)
            queries.record(session, "noted", actor="bench", now=datetime.now(UTC), conversation=conversation)
            session.flush()
            before = clock()
            facts.write(session, [number], Promise())
            times.append(clock() - before)
            session.commit()
    times.sort()
    say("facts of one act, median", 1000 * times[len(times) // 2], "ms")


def fill(sessions: Sessions, count: int, knowledge: Knowledge) -> None:
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


def clock() -> float:
    """Seconds of this process's own work: what others do on the machine does not count, and neither does a disk."""
    return time.process_time() if CPU_ONLY else time.perf_counter()


def say(what: str, figure: float, unit: str) -> None:
    sys.stdout.write(f"{what:55} {figure:8.3f} {unit}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
