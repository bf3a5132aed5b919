"""What a question counts as, from what is stored of its conversation. Pure, so that a rebuild gives what was written.

Outcomes exclude each other. Whether a text is still on its way or has arrived makes no difference, so that no figure
depends on when a mail server answers; what was taken back or given up was never said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
# What is pressed or mended in a chat and asks nothing new; "yes" and "no" say of the last answer whether it helped.
_NOTHING_NEW = ("command", "solved", "edited", "more")
_HELPED = {"yes": "yes", "no": "no"}
_SAID = (OutboxStatus.QUEUED, OutboxStatus.CLAIMED, OutboxStatus.SENT)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the last decision on it. ``topic`` and ``administration`` as corrected, if they were; ``choices``
    are the articles that the asker could choose from.
    """

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
    command: str | None = None
    choices: Sequence[str] | None = None


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
    and ``logged`` (done), which with ``moved`` (by) are all that is written down of what was answered by word of mouth.
    """

    verb: str
    at: datetime
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """All of a conversation that facts depend on; questions, items and events in the order of their ids. ``edits``: by
    the id of the message under which something was decided, the one under which its edit was decided.
    """

    conversation_id: int
    channel: ChannelName
    status: ConversationStatus
    contact_id: int
    association_id: int | None
    association_kind: str | None
    questions: Sequence[Asked]
    items: Sequence[Item]
    events: Sequence[Noted]
    edits: Mapping[int, int] = field(default_factory=dict)


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
    pressed = _pressed(case)
    asked = _asked(case, pressed)
    latest = max((one.message_id for one in asked), default=0)
    verdicts = {event.detail.get("decision"): event.detail.get("verdict") for event in _of(case, "reviewed")}
    feedback = {event.detail.get("question"): event.detail.get("helped") for event in _of(case, "feedback")}
    reopened = max((event.at for event in _of(case, "reopened")), default=None)
    facts: list[Derived] = []
    for one in asked:
        # Whoever opens a settled case again finds its last message unanswered, not what was asked before it.
        since = max(one.received_at, reopened) if reopened and one.message_id == latest else one.received_at
        press = pressed.get(one.question_id)
        is_in_vain = press is not None and press.command == "no"
        if press is not None and is_in_vain:
            since = max(since, press.received_at)
        outcome, replied_at = _outcome(one, case, since, is_in_vain=is_in_vain)
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
                is_unknown=one.outcome is Outcome.ESCALATE
                and one.reason in NOT_KNOWN
                and outcome is not FactOutcome.BOT,
                feedback=_helped(press, helped),
                verdict=verdicts.get(one.decision_id),
                first_reply_minutes=working_minutes(one.received_at, replied_at, promise) if replied_at else None,
                forwarded=len(forwards),
                returned=sum(item.is_returned for item in forwards),
                association_kind=case.association_kind,
            )
        )
    return facts


def _asked(case: Case, pressed: Mapping[int, Asked]) -> list[Asked]:
    """The questions that count: not what colleagues wrote, nothing twice that was mended, no buttons."""
    presses = {press.question_id for press in pressed.values()}
    new = {one.message_id for one in case.questions if one.reason not in _NOTHING_NEW}
    return [
        one
        for one in case.questions
        if not (
            _is_from_inside(one)
            or one.reason in _NOTHING_NEW
            or one.question_id in presses
            or case.edits.get(one.message_id) in new
        )
    ]


def _pressed(case: Case) -> dict[int, Asked]:
    """Of questions that the bot answered last (id): the button that said whether it helped."""
    found: dict[int, Asked] = {}
    told: list[Asked] = []
    for one in case.questions:
        if one.command in _HELPED:
            newest = max((earlier.message_id for earlier in told), default=None)
            found |= {earlier.question_id: one for earlier in told if earlier.message_id == newest}
        elif one.outcome is Outcome.ANSWER and one.reason not in _NOTHING_NEW:
            told.append(one)
    return found


def _helped(press: Asked | None, helped: bool | None) -> str | None:
    if press is not None and press.command is not None:
        return _HELPED[press.command]
    return None if helped is None else "yes" if helped else "no"


def _outcome(
    asked: Asked, case: Case, since: datetime, *, is_in_vain: bool = False
) -> tuple[FactOutcome, datetime | None]:
    """What became of a question, and when a person first replied to it. ``is_in_vain``: the bot's answer did not help,
    and a person was asked for.
    """
    is_told = asked.outcome in (Outcome.ANSWER, Outcome.CLARIFY)
    is_nobodys = asked.outcome is Outcome.IGNORE and asked.reason != "answered"
    if is_nobodys or asked.reason == "bounce":
        return FactOutcome.AUTOMATIC, None
    own = next((item for item in case.items if item.id == asked.outbox_id and item.is_said), None)
    if own is not None and own.kind is OutboxKind.REPLY:
        if not own.is_automatic:
            return FactOutcome.SUGGESTION, own.queued_at
        if is_told and not is_in_vain:
            return FactOutcome.BOT, None
    for item in _said(case, OutboxKind.ANSWER):
        # What an administration wrote may have waited for a coordinator to pass it on.
        if item.queued_at >= since:
            return FactOutcome.PERSON, item.queued_at
    for item in _said(case, OutboxKind.FORWARD):
        if item.created_at >= since and not item.is_returned:
            return FactOutcome.POINTED, None if item.created_by == "bot" else item.created_at
    is_settled = case.status is ConversationStatus.RESOLVED
    is_solved = is_settled and not is_told and _is_chosen_after(asked, case)
    if own is not None and asked.outcome is Outcome.ROUTE and not is_solved:
        return FactOutcome.POINTED, None
    if is_settled and (
        case.channel.is_logged or any(event.detail.get("by") == "phone" for event in _of(case, "moved"))
    ):
        return FactOutcome.PERSON, next((event.at for event in case.events if _is_done(event, since)), None)
    if is_solved:
        return FactOutcome.BOT, None
    return (FactOutcome.WITHDRAWN if is_settled else FactOutcome.OPEN), None


def _is_chosen_after(asked: Asked, case: Case) -> bool:
    """Whether who waited for a person chose an answer of those offered (``decision.answer_what_was_chosen``)."""
    offered = asked.choices or ()
    later = (one for one in case.questions if one.message_id > asked.message_id)
    return any(one.reason == "chosen" and one.article in offered for one in later)


def _is_from_inside(asked: Asked) -> bool:
    return asked.reason in _FROM_INSIDE or asked.rule == _FROM_INSIDE_RULE


def _is_done(event: Noted, since: datetime) -> bool:
    is_last_word = event.verb == "resolved" or (event.verb == "logged" and bool(event.detail.get("done")))
    return is_last_word and event.at >= since


def _said(case: Case, kind: OutboxKind) -> list[Item]:
    return [item for item in case.items if item.kind is kind and item.is_said]


def _of(case: Case, verb: str) -> list[Noted]:
    return [event for event in case.events if event.verb == verb]
