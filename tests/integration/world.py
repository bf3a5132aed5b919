"""The whole path in one process: a store, the sample knowledge, and a door that notes what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from lokbot import understanding
from lokbot.config import Answering, Settings, SmtpSettings
from lokbot.conversation import delivery, escalation, intake, pipeline
from lokbot.conversation.pipeline import Plan
from lokbot.knowledge import publishing
from lokbot.model import (
    AnsweringMode,
    ChannelError,
    ChannelName,
    Evidence,
    Knowledge,
    Match,
    OutboxKind,
    OutboxStatus,
    OutgoingMessage,
    Understanding,
)
from lokbot.store import queries
from lokbot.store.schema import Conversation, Event, Message, OutboxItem
from lokbot.store.session import Sessions
from lokbot.understanding import Active, Understander
from tests import sample_knowledge as sample
from tests.sample_mails import NOW, mail

COORDINATORS = ("samordnare@stad.example", "Vikarie@stad.example")
SEND = Settings(
    coordinators=COORDINATORS,
    smtp=SmtpSettings(from_address="lok@stad.example"),
    answering=Answering(default=AnsweringMode.SEND),
)
SUGGEST = SEND.model_copy(update={"answering": Answering()})


@dataclass(frozen=True)
class _Finding:
    """Understands as the bot does, but for one text."""

    usual: Active
    lines: Sequence[str]
    found: Sequence[tuple[Match, ...]]

    def understand(self, text: str, *, subject: str = "") -> Understanding:
        understood = self.usual.understander.understand(text, subject=subject)
        if text.splitlines() != self.lines:
            return understood
        asked = zip(self.lines, self.found, strict=True)
        first = understood.questions[0]
        return replace(understood, questions=tuple(replace(first, text=line, matches=found) for line, found in asked))


@dataclass(repr=False)
class World:
    """What is stored, what the bot knows, and what has gone out."""

    sessions: Sessions
    settings: Settings = SEND
    knowledge: Knowledge = field(default_factory=sample.knowledge)
    now: datetime = NOW
    sent: list[OutgoingMessage] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.active = self.publish(self.knowledge)

    def publish(self, knowledge: Knowledge) -> Active:
        """Import ``knowledge``; what is approved in it answers from now on."""
        with self.sessions.begin() as session:
            publishing.import_knowledge(session, knowledge, now=self.now)
            found = publishing.active(session, knowledge, prefer_approved=True)
        self.active = Active(found, understanding.build(found))
        return self.active

    def finds(self, text: str, *matches: tuple[str, float]) -> None:
        """From now on the bot finds these articles, each so likely, for a message of this text; of a text of several
        lines, one each for its questions.
        """
        lines = text.splitlines()
        found = tuple(Match(article, likely, (Evidence("lexical", "ord", 0.5),)) for article, likely in matches)
        each = [found] if len(lines) == 1 else [(match,) for match in found]
        self.active = replace(self.active, understander=cast("Understander", _Finding(self.active, lines, each)))

    def send(self, message: OutgoingMessage) -> None:
        """The door. An address that refuses does so for good; one that is busy may take it later."""
        everybody = {address.email for address in (*message.to, *message.cc)}
        refused = everybody & (self.refuses | self.busy)
        if refused != everybody:
            self.sent.append(message)
        if refused:
            others = () if refused == everybody else tuple(sorted(refused))
            raise ChannelError("no such user", permanent=refused <= self.refuses, refused=others)

    def store(self, text: str = "", **values: Any) -> int:
        """A mail arrives; gives the id of its message."""
        with self.sessions.begin() as session:
            incoming = mail(text, **{"received_at": self.now, **values})
            return intake.receive(session, incoming, now=self.now).message_id

    def write(self, text: str = "", **values: Any) -> Case:
        """A mail arrives and is handled; nothing is sent yet."""
        identity = self.store(text, **values)
        handled = self.handle_next()
        assert handled is not None
        assert handled[0] == identity
        return Case(self, identity, handled[1])

    def handle_next(self) -> tuple[int, Plan] | None:
        return pipeline.handle_next(self.sessions, self.active, self.settings, now=self.now)

    def handle_waiting(self, *, most: int) -> Sequence[tuple[int, Plan]]:
        commits = pipeline.handle_waiting(self.sessions, self.active, self.settings, most=most, clock=lambda: self.now)
        return [done for commit in commits for done in commit]

    def deliver(self) -> Sequence[OutgoingMessage]:
        """Send all that is due; gives what was sent now."""
        before = len(self.sent)
        while delivery.deliver_next(
            self.sessions,
            dict.fromkeys(ChannelName, self),
            self.settings,
            self.active.knowledge,
            worker="w",
            now=self.now,
        ):
            pass
        return self.sent[before:]

    def resolve(self, case: Case) -> None:
        """A coordinator finds that nothing is left to do."""
        with self.sessions.begin() as session:
            escalation.resolve(session, session.get_one(Conversation, case.conversation.id), actor="Kim", now=self.now)

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass(frozen=True)
class Case:
    """What became of one message."""

    world: World
    message_id: int
    plan: Plan

    @property
    def message(self) -> Message:
        with self.world.sessions.begin() as session:
            return session.get_one(Message, self.message_id)

    @property
    def conversation(self) -> Conversation:
        """Freshly read, with its messages, questions, decisions and outbox."""
        with self.world.sessions.begin() as session:
            number = session.get_one(Message, self.message_id).conversation_id
            found = queries.conversation_for(session, number)
            assert found is not None
            assert found.contact is not None
            for message in found.messages:
                assert all(decision.revision or True for q in message.questions for decision in q.decisions)
                assert message.attachments is not None
            return found

    def items(self, *kinds: OutboxKind, status: OutboxStatus | None = None) -> list[OutboxItem]:
        """What stands in the outbox for this conversation."""
        return [
            item
            for item in self.conversation.outbox
            if (not kinds or item.kind in kinds) and (status is None or item.status is status)
        ]

    def told(self) -> list[OutboxItem]:
        """What the asker got or is to get by itself."""
        return [
            item
            for item in self.items(OutboxKind.REPLY, OutboxKind.RECEIPT, OutboxKind.ANSWER)
            if item.status is not OutboxStatus.HELD
        ]

    def notified(self) -> list[OutboxItem]:
        return self.items(OutboxKind.NOTIFICATION)

    def events(self) -> list[Event]:
        with self.world.sessions.begin() as session:
            return list(queries.events_of(session, self.conversation))


def edited(settings: Settings, **values: Any) -> Settings:
    """``settings`` with some of them changed."""
    return settings.model_copy(update=values)


def unreviewed(article: str) -> Knowledge:
    """The sample with one article whose check is long past."""
    found = sample.knowledge().articles[article]
    return sample.with_article(replace(found, checked_on=None))
