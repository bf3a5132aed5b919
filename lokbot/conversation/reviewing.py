"""Coordinators look at a sample of what the bot answered by itself: right, wrong or partly."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, selectinload

from lokbot.conversation import corrections
from lokbot.model import Knowledge, NotPossible, OutboxKind, OutboxStatus, Outcome
from lokbot.store import queries
from lokbot.store.schema import DecisionRecord, Message, OutboxItem, QuestionRecord, Review

RIGHT, WRONG, PARTLY = "right", "wrong", "partly"
VERDICTS = (RIGHT, WRONG, PARTLY)

LOOKED_BACK = timedelta(weeks=4)


def sample(
    session: Session, *, now: datetime, count: int = 20, looked_back: timedelta = LOOKED_BACK
) -> Sequence[DecisionRecord]:
    """At most so many answers and pointers that the bot sent by itself lately and nobody has reviewed.

    Topics that were reviewed least come first. Within one a hash of the id draws lots: nobody chooses, and whoever
    looks again sees the same ones until they are reviewed.
    """
    query = (
        select(DecisionRecord.id, DecisionRecord.topic)
        .join(OutboxItem, OutboxItem.id == DecisionRecord.outbox_id)
        .where(
            DecisionRecord.outcome.in_((Outcome.ANSWER, Outcome.ROUTE)),
            OutboxItem.kind == OutboxKind.REPLY,
            OutboxItem.is_automatic,
            OutboxItem.status == OutboxStatus.SENT,
            OutboxItem.created_at >= now - looked_back,
            ~exists().where(Review.decision_id == DecisionRecord.id),
        )
    )
    waiting: dict[str | None, list[int]] = {}
    for identity, topic in session.execute(query):
        waiting.setdefault(topic, []).append(identity)
    for drawn in waiting.values():
        drawn.sort(key=_lot, reverse=True)  # taken from the end
    seen = Counter(_reviewed_by_topic(session))
    chosen: list[int] = []
    while waiting and len(chosen) < count:
        topic = min(waiting, key=lambda one: (seen[one], _lot(waiting[one][-1])))
        chosen.append(waiting[topic].pop())
        seen[topic] += 1
        if not waiting[topic]:
            del waiting[topic]
    return _loaded(session, chosen)


def review(
    session: Session,
    decision: DecisionRecord,
    verdict: str,
    *,
    knowledge: Knowledge,
    actor: str,
    now: datetime,
    comment: str = "",
    article: str | None = None,
    topic: str | None = None,
    administration: str | None = None,
    is_nothing: bool = False,
) -> Review:
    """Say what an automatic answer was. What would have been right, where that is said, is kept as a correction.

    Raises NotPossible for an unknown verdict, and for a correction of what is right.
    """
    if verdict not in VERDICTS:
        raise NotPossible("Välj rätt, delvis eller fel.", terminal=f"Välj bland: {', '.join(VERDICTS)}.")
    has_correction = bool(article or topic or administration or is_nothing)
    if has_correction and verdict == RIGHT:
        raise NotPossible("Det som är rätt kan inte rättas. Välj fel eller delvis.", terminal="(wrong eller partly)")
    message = decision.question.message
    if has_correction:
        corrections.correct(
            session,
            message.conversation,
            decision.question,
            knowledge=knowledge,
            actor=actor,
            now=now,
            article=article,
            topic=topic,
            administration=administration,
            is_nothing=is_nothing,
        )
    found = Review(decision=decision, verdict=verdict, comment=comment.strip(), reviewed_by=actor, reviewed_at=now)
    session.add(found)
    queries.record(
        session,
        "reviewed",
        actor=actor,
        now=now,
        conversation=message.conversation,
        message=message,
        decision=decision.id,
        verdict=verdict,
    )
    return found


def _lot(identity: int) -> bytes:
    return hashlib.sha256(str(identity).encode()).digest()


def _reviewed_by_topic(session: Session) -> dict[str | None, int]:
    query = (
        select(DecisionRecord.topic, func.count(Review.id))
        .join(Review, Review.decision_id == DecisionRecord.id)
        .group_by(DecisionRecord.topic)
    )
    return {topic: count for topic, count in session.execute(query)}  # noqa: C416 (a row is no pair)


def _loaded(session: Session, chosen: Sequence[int]) -> Sequence[DecisionRecord]:
    found = session.scalars(
        select(DecisionRecord)
        .where(DecisionRecord.id.in_(chosen))
        .options(
            selectinload(DecisionRecord.question)
            .selectinload(QuestionRecord.message)
            .selectinload(Message.conversation),
            selectinload(DecisionRecord.revision),
        )
    )
    by_id = {decision.id: decision for decision in found}
    return [by_id[identity] for identity in chosen]
