"""Silence the bot, everywhere or in a part, and let it speak again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import outbox
from lokbot.conversation.decision import WITH_A_PERSON
from lokbot.conversation.handover import escalate, notify
from lokbot.conversation.parties import asker
from lokbot.conversation.reply import ReplyContext, as_html, compose
from lokbot.model import ChannelName, Knowledge, NotPossible, OutboxKind, OutboxStatus
from lokbot.store import queries
from lokbot.store.schema import DecisionRecord, Message, OutboxItem, Pause
from lokbot.store.session import ANSWERING, take_turns

PauseScope = Literal["all", "channel", "topic", "article"]


def pause(
    session: Session,
    scope: PauseScope,
    value: str,
    *,
    actor: str,
    settings: Settings,
    knowledge: Knowledge,
    now: datetime,
) -> int:
    """Silence the bot at once; returns how many automatic answers there were in the queue.

    They become suggestions: the coordinators are told, and the asker gets a receipt instead.
    """
    take_turns(session, ANSWERING)  # what is being decided without knowing of the pause is in the queue from here on
    session.merge(Pause(scope=scope, value=value, paused_by=actor, paused_at=now))
    session.flush()
    queries.record(session, "paused", actor=actor, now=now, scope=scope, value=value)
    queued = session.scalars(
        select(OutboxItem).where(OutboxItem.status == OutboxStatus.QUEUED, OutboxItem.kind == OutboxKind.REPLY)
    ).all()
    count = 0
    for conversation in dict.fromkeys(item.conversation for item in queued):
        for item in outbox.unsent(session, queries.hold_whole(session, conversation)):
            is_answer = item.status is OutboxStatus.QUEUED and item.kind is OutboxKind.REPLY and item.is_automatic
            if is_answer and _is_in_scope(session, item, scope, value):
                _suggest_instead(session, item, settings=settings, knowledge=knowledge, now=now)
                count += 1
    return count


def _suggest_instead(
    session: Session, item: OutboxItem, *, settings: Settings, knowledge: Knowledge, now: datetime
) -> None:
    conversation, message = item.conversation, session.get(Message, item.message_id) if item.message_id else None
    item.status = OutboxStatus.HELD
    for say in knowledge.phrases.values():
        # Nobody but the bot had read it when it was written; whoever releases it has. A language without the sentences
        # of a whole reply (only a line that a person can help) opens no mail.
        for opening in ("opening.automatic", "opening.chat"):
            if opening in say:
                item.text = item.text.replace(say[opening], say["opening.released"], 1)
    item.html = as_html(item.text, item.language) if item.html else None
    received_at = message.received_at if message else now
    is_with_person = conversation.status in WITH_A_PERSON
    escalate(session, conversation, reason="paused", received_at=received_at, settings=settings, now=now)
    to = asker(conversation, message)
    if message is None or to is None or is_with_person:
        return
    context = ReplyContext(
        knowledge=knowledge,
        subject=message.subject,
        language=conversation.language,
        case_number=conversation.case_number,
        received_at=message.received_at,
        answer_by=conversation.answer_by,
        channel=conversation.channel,
    )
    outbox.enqueue(
        session,
        conversation,
        compose([], [], context),
        kind=OutboxKind.RECEIPT,
        to=(to,),
        settings=settings,
        answers=message,
        now=now,
    )
    notify(
        session,
        conversation,
        message,
        reason="paused",
        settings=settings,
        knowledge=knowledge,
        now=now,
        suggestion=item,
        held="paused",
        has_receipt=True,
    )


def resume(session: Session, scope: PauseScope, value: str, *, actor: str, now: datetime) -> None:
    """Let the bot answer again. What became suggestions meanwhile stays with people."""
    standing = session.get(Pause, (scope, value))
    if standing is None:
        raise NotPossible("Det finns ingen sådan paus.", terminal="Se vilka som finns: lokbot pause --list")
    session.delete(standing)
    queries.record(session, "resumed", actor=actor, now=now, scope=scope, value=value)


def is_paused(
    pauses: Sequence[Pause], *, channel: ChannelName, topic: str | None = None, article: str | None = None
) -> bool:
    """Whether one of ``pauses`` silences this."""
    silenced = {("all", ""), ("channel", str(channel)), ("topic", topic), ("article", article)}
    return any((pause.scope, pause.value) in silenced for pause in pauses)


def _is_in_scope(session: Session, item: OutboxItem, scope: PauseScope, value: str) -> bool:
    if scope == "all":
        return True
    if scope == "channel":
        return item.channel == value
    decided = session.scalars(select(DecisionRecord).where(DecisionRecord.outbox_id == item.id))
    return any(value == (decision.topic if scope == "topic" else decision.article) for decision in decided)
