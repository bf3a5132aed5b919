"""What a question counts as, from what is stored of its conversation. Pure, so that a rebuild gives what was written.

Outcomes exclude each other. Whether a text is still on its way or has arrived makes no difference, so that no figure
depends on when a mail server answers; what was taken back or given up was never said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from lokbot.conversation.working_days import Promise, working_minutes
from lokbot.model import ChannelName, ConversationStatus, FactOutcome, OutboxKind, OutboxStatus, Outcome
from lokbot.statistics.months import day_of, month_of
from lokbot.store.queries import NOT_KNOWN

LANGUAGES = {"sv": "svenska", "en": "engelska"}
OTHER_LANGUAGE = "annat"

# Colleagues and administrations who write in a case ask nothing.
_FROM_INSIDE = ("from-coordinator", "from-administration")
_FROM_INSIDE_RULE = "leave_an_administrations_mail_to_the_coordinator"
_SAID = (OutboxStatus.QUEUED, OutboxStatus.CLAIMED, OutboxStatus.SENT)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the last decision on it. ``topic`` and ``administration`` as corrected, if they were."""

    question_id: int
    message_id: int
    decision_id: int
    received_at: datetime
    language: str
    intent: str | None
    outcome: Outcome
    rule: str
    reason: str
    confidence: float
    article: str | None
    revision_id: int | None
    outbox_id: int | None
    topic: str | None
    administration: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """Something that was to go out in the conversation."""

    id: int
    kind: OutboxKind
    status: OutboxStatus
    is_automatic: bool
    created_by: str
    created_at: datetime
    queued_at: datetime
    is_returned: bool

    @property
    def is_said(self) -> bool:
        return self.status in _SAID


@dataclass(frozen=True, slots=True)
class Noted:
    """An event that says more of a question: ``reopened``, ``reviewed`` (decision, verdict), ``feedback``; ``resolved``
    and ``logged`` (done), which are all that is written down of what was answered by word of mouth.
    """

    verb: str
    at: datetime
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """All of a conversation that facts depend on; questions, items and events in the order of their ids."""

    conversation_id: int
    channel: ChannelName
    status: ConversationStatus
    contact_id: int
    association_id: int | None
    association_kind: str | None
    questions: Sequence[Asked]
    items: Sequence[Item]
    events: Sequence[Noted]


@dataclass(frozen=True, slots=True)
class Derived:
    """A fact, but for its pseudonyms. Fields as in ``store.schema.Fact``."""

    question_id: int
    conversation_id: int
    asked_at: datetime
    day: date
    month: str
    is_first: bool
    channel: ChannelName
    language: str
    topic: str | None
    intent: str | None
    administration: str | None
    article: str | None
    revision_id: int | None
    outcome: FactOutcome
    confidence: float
    is_unknown: bool
    feedback: str | None
    verdict: str | None
    first_reply_minutes: int | None
    forwarded: int
    returned: int
    association_kind: str | None


def derive(case: Case, promise: Promise) -> list[Derived]:
    """The facts of a conversation. ``promise`` says when people work."""
    asked = [one for one in case.questions if not _is_from_inside(one)]
    latest = max((one.message_id for one in asked), default=0)
    verdicts = {event.detail.get("decision"): event.detail.get("verdict") for event in _of(case, "reviewed")}
    feedback = {event.detail.get("question"): event.detail.get("helped") for event in _of(case, "feedback")}
    reopened = max((event.at for event in _of(case, "reopened")), default=None)
    facts: list[Derived] = []
    for one in asked:
        # Whoever opens a settled case again finds its last message unanswered, not what was asked before it.
        since = max(one.received_at, reopened) if reopened and one.message_id == latest else one.received_at
        outcome, replied_at = _outcome(one, case, since)
        is_automatic = outcome is FactOutcome.AUTOMATIC
        day = day_of(one.received_at)
        helped = feedback.get(one.question_id)
        forwards = [item for item in _said(case, OutboxKind.FORWARD) if item.created_at >= one.received_at]
        facts.append(
            Derived(
                question_id=one.question_id,
                conversation_id=case.conversation_id,
                asked_at=one.received_at,
                day=day,
                month=month_of(day),
                is_first=not is_automatic and all(fact.outcome is FactOutcome.AUTOMATIC for fact in facts),
                channel=case.channel,
                language=LANGUAGES.get(one.language, OTHER_LANGUAGE),
                topic=one.topic,
                intent=one.intent,
                administration=one.administration,
                article=one.article,
                revision_id=one.revision_id,
                outcome=outcome,
                confidence=one.confidence,
                is_unknown=one.outcome is Outcome.ESCALATE and one.reason in NOT_KNOWN,
                feedback=None if helped is None else "yes" if helped else "no",
                verdict=verdicts.get(one.decision_id),
                first_reply_minutes=working_minutes(one.received_at, replied_at, promise) if replied_at else None,
                forwarded=len(forwards),
                returned=sum(item.is_returned for item in forwards),
                association_kind=case.association_kind,
            )
        )
    return facts


def _outcome(asked: Asked, case: Case, since: datetime) -> tuple[FactOutcome, datetime | None]:
    """What became of a question, and when a person first replied to it."""
    is_told = asked.outcome in (Outcome.ANSWER, Outcome.CLARIFY)
    is_nobodys = asked.outcome is Outcome.IGNORE and asked.reason != "answered"
    if is_nobodys or asked.reason == "bounce":
        return FactOutcome.AUTOMATIC, None
    own = next((item for item in case.items if item.id == asked.outbox_id and item.is_said), None)
    if own is not None and own.kind is OutboxKind.REPLY:
        if not own.is_automatic:
            return FactOutcome.SUGGESTION, own.queued_at
        if is_told:
            return FactOutcome.BOT, None
    for item in _said(case, OutboxKind.ANSWER):
        # What an administration wrote may have waited for a coordinator to pass it on.
        if item.queued_at >= since:
            return FactOutcome.PERSON, item.queued_at
    for item in _said(case, OutboxKind.FORWARD):
        if item.created_at >= since and not item.is_returned:
            return FactOutcome.POINTED, None if item.created_by == "bot" else item.created_at
    if own is not None and asked.outcome is Outcome.ROUTE:
        return FactOutcome.POINTED, None
    is_settled = case.status is ConversationStatus.RESOLVED
    if is_settled and case.channel.is_logged:
        return FactOutcome.PERSON, next((event.at for event in case.events if _is_done(event, since)), None)
    return (FactOutcome.WITHDRAWN if is_settled else FactOutcome.OPEN), None


def _is_from_inside(asked: Asked) -> bool:
    return asked.reason in _FROM_INSIDE or asked.rule == _FROM_INSIDE_RULE


def _is_done(event: Noted, since: datetime) -> bool:
    is_last_word = event.verb == "resolved" or (event.verb == "logged" and bool(event.detail.get("done")))
    return is_last_word and event.at >= since


def _said(case: Case, kind: OutboxKind) -> list[Item]:
    return [item for item in case.items if item.kind is kind and item.is_said]


def _of(case: Case, verb: str) -> list[Noted]:
    return [event for event in case.events if event.verb == verb]
