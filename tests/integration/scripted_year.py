"""A year of mails whose ends are written down beforehand, stored as the bot and people would leave them.

What comes out of it is known from the script alone, so that figures can be reckoned here in plain Python.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot.conversation import merging
from lokbot.model import ChannelName, ConversationStatus, MessageState, OutboxKind, OutboxStatus, Outcome
from lokbot.statistics import facts
from lokbot.store import queries
from lokbot.store.schema import (
    Association,
    Contact,
    Conversation,
    Correction,
    DecisionRecord,
    Message,
    OutboxItem,
    QuestionRecord,
)
from lokbot.store.session import Sessions

TOPICS = ("lokaler", "bidrag", "anslutning", "kontakt")
ENDS = ("bot", "suggestion", "person", "pointed", "open", "withdrawn", "automatic", "reopened", "reopened-answered")
OUTCOME = {"reopened": "open", "reopened-answered": "person"}
KINDS = ("idrott", "kultur")
PEOPLE = 24
# What became of them stands in their own reply, so that it stays what it is in whatever case they are.
_SELF_CONTAINED = ("bot", "suggestion", "pointed")

# Moments at which a month or an hour is not what a clock in UTC says, in UTC.
EDGES = (
    datetime(2025, 12, 31, 22, 59, tzinfo=UTC),
    datetime(2025, 12, 31, 23, 1, tzinfo=UTC),
    datetime(2026, 3, 29, 0, 59, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 1, tzinfo=UTC),
    datetime(2026, 3, 31, 22, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    datetime(2026, 10, 31, 22, 30, tzinfo=UTC),
    datetime(2026, 10, 31, 23, 30, tzinfo=UTC),
)


@dataclass
class Line:
    """One conversation with one question, and how it ends."""

    number: int
    at: datetime
    person: int
    channel: ChannelName
    language: str
    topic: str
    end: str
    corrected_to: str | None
    is_erased: bool
    article: str | None
    waits: timedelta
    helped: bool | None
    verdict: str | None
    joins: Line | None = None
    """The line whose case its own becomes a part of: it is that asker's and comes that way from then on."""

    @property
    def month(self) -> str:
        """By the rule for summer time (EU 2000/84): the last Sundays of March and October, at 01:00 UTC."""
        return f"{self.at.astimezone(ZoneInfo('Europe/Stockholm')):%Y-%m}"

    @property
    def outcome(self) -> str:
        return OUTCOME.get(self.end, self.end)

    @property
    def counted_topic(self) -> str:
        return self.corrected_to or self.topic

    @property
    def asker(self) -> int:
        return self.joins.person if self.joins else self.person

    @property
    def replied_at(self) -> datetime | None:
        """When a person first replied."""
        if self.end in ("suggestion", "person"):
            return self.at + self.waits
        return self.at + 2 * self.waits + timedelta(hours=1) if self.end == "reopened-answered" else None


def script(seed: int, *, count: int = 300) -> list[Line]:
    """The year 2025-12 to 2026-11; ``seed`` decides everything."""
    chance = random.Random(seed)
    start = datetime(2025, 12, 1, tzinfo=UTC)
    moments = [*EDGES, *(start + timedelta(minutes=chance.randrange(525_000)) for _ in range(count - len(EDGES)))]
    lines = []
    for number, at in enumerate(sorted(moments)):
        end = chance.choice(ENDS)
        lines.append(
            Line(
                number=number,
                at=at,
                person=int(PEOPLE * chance.random() ** 2),
                channel=chance.choice((ChannelName.MAIL, ChannelName.MAIL, ChannelName.WEBCHAT)),
                language=chance.choice(("sv", "sv", "sv", "en", "ar")),
                topic=TOPICS[int(len(TOPICS) * chance.random() ** 2)],
                end=end,
                corrected_to=chance.choice(TOPICS) if chance.random() < 0.1 else None,
                is_erased=end not in ("open", "reopened") and chance.random() < 0.1,
                article="ga-med" if end in ("bot", "suggestion") else None,
                waits=timedelta(minutes=int(10 ** chance.uniform(0.5, 4))),
                helped=chance.choice((None, None, True, False)) if end == "bot" else None,
                verdict=chance.choice((None, None, "right", "partly", "wrong")) if end == "bot" else None,
            )
        )
    _join(chance, lines)
    return lines


def _join(chance: random.Random, lines: Sequence[Line]) -> None:
    """Some mails turn out to be about an earlier one's matter, somebody else's often."""
    alone = [
        one for one in lines if one.end in _SELF_CONTAINED and one.channel is ChannelName.MAIL and not one.is_erased
    ]
    for whole, part in zip(alone[::3], alone[1::3], strict=False):
        if chance.random() < 0.7:
            part.joins = whole


def group_of(person: int) -> int | None:
    """Every fourth belongs to no association, the others to one of six."""
    return None if person % 4 == 0 else person % 6


def play(sessions: Sessions, lines: Sequence[Line]) -> None:
    """Store it: first as it came in, then as it went, then corrections and erasures, each in commits of its own."""
    with sessions.begin() as session:
        groups = {}
        for number in sorted({group_of(person) for person in range(PEOPLE)} - {None}, key=str):
            groups[number] = Association(
                name=f"Förening {number}", kind=KINDS[int(number or 0) % 2], created_at=EDGES[0]
            )
        session.add_all(groups.values())
        session.flush()
        for person in range(PEOPLE):
            for channel in (ChannelName.MAIL, ChannelName.WEBCHAT):
                # The chat's contacts are found to be the mail's afterwards.
                group = groups.get(group_of(person)) if channel is ChannelName.MAIL else None
                session.add(
                    Contact(
                        channel=channel,
                        address=f"person{person}@{channel}.example",
                        name="",
                        association_id=group.id if group else None,
                        created_at=EDGES[0],
                    )
                )
    for line in lines:
        with sessions.begin() as session:
            _ask(session, line)
        with sessions.begin() as session:
            _end(session, line, _of(session, line))
    with sessions.begin() as session:
        _merge(session)
    for line in lines:
        if line.joins:
            with sessions.begin() as session:
                whole, part = _of(session, line.joins), _of(session, line)
                merging.merge(session, whole, part, actor="Kim", now=line.at, are_strangers_seen=True)
    for line in lines:
        if line.corrected_to:
            with sessions.begin() as session:
                _correct(session, line)
        if line.is_erased:
            with sessions.begin() as session:
                _erase(session, line, _of(session, line))


def _number(line: Line) -> str:
    return f"LOK-2026-{line.number + 1:05d}"


def _of(session: Session, line: Line) -> Conversation:
    found = queries.conversation_for(session, _number(line))
    assert found is not None
    return found


def _ask(session: Session, line: Line) -> None:
    contact = queries.contact_at(session, line.channel, f"person{line.person}@{line.channel}.example", "", now=line.at)
    conversation = Conversation(
        case_number=_number(line),
        channel=line.channel,
        contact=contact,
        subject="",
        language="sv",
        status=ConversationStatus.WAITING,
        is_urgent=False,
        created_at=line.at,
        updated_at=line.at,
    )
    message = Message(
        channel=line.channel,
        external_id=f"m{line.number}",
        conversation=conversation,
        raw=b"",
        in_reply_to=[],
        references=[],
        sender_name="",
        sender_email=contact.address,
        reply_to=[],
        to=[],
        cc=[],
        subject="",
        text="",
        new_text="",
        received_at=line.at,
        is_readable=True,
        warnings=[],
        state=MessageState.HANDLED,
        attempts=0,
        stored_at=line.at,
    )
    session.add(message)
    session.flush()
    own = None
    if line.end in ("bot", "suggestion", "pointed"):
        status = OutboxStatus.HELD if line.end == "suggestion" else OutboxStatus.SENT
        own = _item(session, conversation, line, OutboxKind.REPLY, line.at, status, is_automatic=True)
    outcome = {
        "bot": Outcome.ANSWER, "suggestion": Outcome.ANSWER, "pointed": Outcome.ROUTE, "automatic": Outcome.IGNORE,
    }.get(line.end, Outcome.ESCALATE)  # fmt: skip
    question = QuestionRecord(message_id=message.id, position=0, text="", language=line.language, understanding={})
    question.decisions.append(
        DecisionRecord(
            outcome=outcome,
            rule="rule",
            reason="thanks" if line.end == "automatic" else "not-sure",
            missed=[],
            evidence=[],
            confidence=0.5,
            topic=line.topic,
            article=line.article,
            language="sv",
            is_urgent=False,
            outbox_id=own.id if own else None,
            knowledge_digest="",
            decided_at=line.at,
        )
    )
    session.add(question)
    queries.record(session, "decided", actor="bot", now=line.at, conversation=conversation)


def _end(session: Session, line: Line, conversation: Conversation) -> None:
    later = line.at + line.waits

    def said(at: datetime) -> None:
        _item(session, conversation, line, OutboxKind.ANSWER, at, OutboxStatus.SENT, is_automatic=False)
        conversation.status = ConversationStatus.RESOLVED
        queries.record(session, "answered", actor="Kim", now=at, conversation=conversation)

    if line.end == "suggestion":
        (item,) = conversation.outbox
        item.status, item.is_automatic, item.queued_at = OutboxStatus.QUEUED, False, later
        queries.record(session, "released", actor="Kim", now=later, conversation=conversation)
    elif line.end in ("person", "reopened", "reopened-answered"):
        said(later)
    if line.end.startswith("reopened"):
        conversation.status = ConversationStatus.TAKEN
        queries.record(session, "reopened", actor="Kim", now=later + timedelta(hours=1), conversation=conversation)
    if line.end == "reopened-answered":
        said(later + timedelta(hours=1) + line.waits)
    (question,) = conversation.messages[0].questions
    if line.helped is not None:
        queries.record(
            session,
            "feedback",
            actor="-",
            now=later,
            conversation=conversation,
            question=question.id,
            helped=line.helped,
        )
    if line.verdict is not None:
        decision = question.decisions[0].id
        queries.record(
            session,
            "reviewed",
            actor="Kim",
            now=later,
            conversation=conversation,
            decision=decision,
            verdict=line.verdict,
        )
    if line.end in ("withdrawn", "automatic"):
        conversation.status = ConversationStatus.RESOLVED
        queries.record(session, "resolved", actor="Kim", now=later, conversation=conversation)


def _merge(session: Session) -> None:
    """Whoever chatted was found to be who mailed: the conversations go to one contact."""
    for person in range(PEOPLE):
        kept = queries.contact_at(session, ChannelName.MAIL, f"person{person}@mail.example", "", now=EDGES[0])
        other = queries.contact_at(session, ChannelName.WEBCHAT, f"person{person}@webchat.example", "", now=EDGES[0])
        for conversation in session.query(Conversation).filter(Conversation.contact_id == other.id):
            conversation.contact_id = kept.id


def _correct(session: Session, line: Line) -> None:
    now = line.at + timedelta(days=1)
    message = session.scalars(select(Message).where(Message.external_id == f"m{line.number}")).one()
    (question,) = message.questions
    session.add(Correction(question=question, topic=line.corrected_to, is_nothing=False, made_by="Kim", made_at=now))
    queries.record(session, "corrected", actor="Kim", now=now, conversation=message.conversation)


def _erase(session: Session, line: Line, conversation: Conversation) -> None:
    """As an erasure does: whoever wrote is made up from now on."""
    now = line.at + timedelta(days=1)
    facts.anonymise(session, conversation)
    made_up = Contact(channel=line.channel, address=f"raderad-{line.number}", name="", created_at=now)
    session.add(made_up)
    session.flush()
    conversation.contact_id = made_up.id
    queries.record(session, "erased", actor="Kim", now=now, conversation=conversation)


def _item(
    session: Session,
    conversation: Conversation,
    line: Line,
    kind: OutboxKind,
    at: datetime,
    status: OutboxStatus,
    *,
    is_automatic: bool,
) -> OutboxItem:
    values: dict[str, Any] = {
        "to": [], "cc": [], "subject": "", "text": "", "language": "sv", "references": [], "attempts": 1,
    }  # fmt: skip
    item = OutboxItem(
        conversation=conversation,
        kind=kind,
        channel=line.channel,
        external_id=f"{kind}-{line.number}-{at.isoformat()}",
        is_automatic=is_automatic,
        status=status,
        created_by="bot" if is_automatic else "Kim",
        created_at=at,
        queued_at=at,
        not_before=at,
        was_in_doubt=False,
        **values,
    )
    session.add(item)
    session.flush()
    return item
