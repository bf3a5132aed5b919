"""A year of invented facts, so that the page is worth looking at before anybody has asked. Nobody is behind them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from lokbot.conversation.working_days import SWEDEN, is_working_day
from lokbot.model import ChannelName, FactOutcome, Knowledge
from lokbot.statistics import cells
from lokbot.statistics.months import month_of
from lokbot.store.schema import Fact

FIRST_ID = 2_000_000_000
"""Invented facts are numbered from here, far above any question that was asked."""

_A_DAY = 9.0  # questions on a working day in the end; half as many in the beginning
_PEAKS = {"bidrag": 2, "lokaler": 8, "konferens": 10, "evenemang": 5}  # the month in which most ask
_COMMON = {"lokaler": 6.0, "bidrag": 5.0, "anslutning": 3.0, "kontakt": 2.5, "overenskommelsen": 2.0, "evenemang": 2.0}
_CHANNELS: dict[ChannelName, Callable[[float], float]] = {
    ChannelName.MAIL: lambda progress: 6 - 2 * progress,
    ChannelName.TELEGRAM: lambda progress: 0.5 + progress,
    ChannelName.WEBCHAT: lambda progress: 0.5 + 3 * progress,
    ChannelName.PHONE: lambda _: 1.2,
    ChannelName.VISIT: lambda _: 0.3,
}
_LANGUAGES = ("svenska",) * 17 + ("engelska",) * 2 + ("annat",)
_KINDS = ("idrott", "kultur", "social", "etnisk", "ungdom", "funktionsratt")
_THEMES = ("parkering vid hallar", "försäkring för volontärer", "lån av ljudanläggning")


def demo_facts(seed: int, *, until: date, knowledge: Knowledge) -> list[dict[str, Any]]:
    """Rows of ``facts`` for the year that ends with ``until``; the same ``seed`` gives the same."""
    chance = random.Random(seed)
    people = [f"{chance.getrandbits(128):032x}" for _ in range(260)]
    groups = [(f"{chance.getrandbits(128):032x}", chance.choice(_KINDS)) for _ in range(90)]
    found: list[dict[str, Any]] = []
    for number in range(365):
        day = until - timedelta(days=364 - number)
        progress = number / 364
        mean = _A_DAY * (0.5 + 0.5 * progress) * (1.0 if is_working_day(day) else 0.2)
        for _ in range(_poisson(chance, mean)):
            # Some write often, most seldom.
            who = int(len(people) * chance.random() ** 2)
            group = groups[who % len(groups)] if who % 5 else None
            found.append(_fact(chance, day, progress, people[who], group, knowledge, FIRST_ID + len(found), found))
    return found


def fill(session: Session, *, seed: int, until: date, knowledge: Knowledge) -> int:
    """Store a year of invented facts; returns how many. They stay when facts are rebuilt."""
    rows = demo_facts(seed, until=until, knowledge=knowledge)
    session.execute(insert(Fact), rows)
    stored = session.execute(select(*Fact.__table__.c).where(Fact.question_id >= FIRST_ID)).all()
    cells.change(session, [], stored)
    return len(rows)


def is_demo(session: Session) -> bool:
    """Whether there are invented facts among what is shown: then every page and file has to say so."""
    return (session.scalar(select(func.max(Fact.question_id))) or 0) >= FIRST_ID


def _fact(
    chance: random.Random,
    day: date,
    progress: float,
    contact: str,
    group: tuple[str, str] | None,
    knowledge: Knowledge,
    identity: int,
    earlier: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    topics = sorted(knowledge.topics)
    topic = chance.choices(topics, [_weight(one, day) for one in topics])[0]
    articles = sorted(article.id for article in knowledge.articles.values() if article.topic == topic)
    article = chance.choice(articles) if articles and chance.random() < 0.75 else None
    outcome = _outcome(chance, progress, has_article=article is not None)
    is_human = outcome in (FactOutcome.PERSON, FactOutcome.SUGGESTION)
    is_told = outcome in (FactOutcome.BOT, FactOutcome.SUGGESTION)
    is_unknown = article is None and outcome in (FactOutcome.PERSON, FactOutcome.OPEN)
    administrations = sorted(
        {knowledge.articles[one].administration for one in articles} or set(knowledge.administrations)
    )
    # One in eight asks a second thing in the same case.
    follows = bool(earlier) and chance.random() < 0.12 and earlier[-1]["contact"] == contact
    return {
        "question_id": identity,
        "conversation_id": earlier[-1]["conversation_id"] if follows else identity,
        "asked_at": datetime.combine(day, time(chance.randrange(7, 22), chance.randrange(60)), tzinfo=SWEDEN),
        "day": day,
        "month": month_of(day),
        "is_first": not follows and outcome is not FactOutcome.AUTOMATIC,
        "channel": chance.choices([*_CHANNELS], [rises(progress) for rises in _CHANNELS.values()])[0],
        "language": chance.choice(_LANGUAGES),
        "topic": topic,
        "intent": None,
        "administration": chance.choice(administrations) if chance.random() < 0.85 else None,
        "article": article if is_told else None,
        "revision_id": None,
        "outcome": outcome,
        "confidence": round(chance.betavariate(6, 2), 3),
        "is_unknown": is_unknown,
        "feedback": chance.choices(("yes", "no", None), (5, 1, 10))[0] if is_told else None,
        "verdict": chance.choices(("right", "partly", "wrong"), (27, 2, 1))[0]
        if outcome is FactOutcome.BOT and chance.random() < 0.2
        else None,
        "first_reply_minutes": int(chance.lognormvariate(5.6 - 1.2 * progress, 1.0)) if is_human else None,
        "forwarded": (forwarded := _forwarded(chance, outcome)),
        "returned": int(forwarded > 1 and chance.random() < 0.7),
        "contact": contact,
        "association": group[0] if group else None,
        "association_kind": group[1] if group else None,
        "theme": chance.choice(_THEMES) if is_unknown and chance.random() < 0.7 else None,
        "is_anonymised": False,
    }


def _forwarded(chance: random.Random, outcome: FactOutcome) -> int:
    if outcome is FactOutcome.POINTED and chance.random() < 0.6:
        return chance.choices((1, 2), (3, 1))[0]
    return 0


def _weight(topic: str, day: date) -> float:
    """How often a topic is asked about: common ones more, some in their season."""
    peak = _PEAKS.get(topic)
    season = 1.0 if peak is None else 1.0 + math.cos((day.month - peak) / 12 * 2 * math.pi)
    return _COMMON.get(topic, 0.4) * season


def _outcome(chance: random.Random, progress: float, *, has_article: bool) -> FactOutcome:
    if chance.random() < 0.06:
        return FactOutcome.AUTOMATIC
    if not has_article:
        still_open = 0.6 if progress > 0.97 else 0.03
        outcomes = (FactOutcome.PERSON, FactOutcome.POINTED, FactOutcome.WITHDRAWN, FactOutcome.OPEN)
        return chance.choices(outcomes, (5, 3, 0.4, 8 * still_open))[0]
    weights = (1 + 6 * progress, 4 - 2 * progress, 3 - 2 * progress, 1)
    outcomes = (FactOutcome.BOT, FactOutcome.SUGGESTION, FactOutcome.PERSON, FactOutcome.POINTED)
    return chance.choices(outcomes, weights)[0]


def _poisson(chance: random.Random, mean: float) -> int:
    """Knuth's way (The Art of Computer Programming, volume 2, 3.4.1): how often something happens in a day."""
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count
