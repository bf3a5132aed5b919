"""The demo's stage: the running service with an ear to it, and the terminal where the story is told."""

from __future__ import annotations

import queue
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click
from sqlalchemy import select

from lokbot import describing, service
from lokbot.channels.embedded import EmbeddedServers
from lokbot.config import Settings
from lokbot.conversation.pipeline import Plan
from lokbot.conversation.working_days import SWEDEN
from lokbot.demo.mails import Sample, mail_from, plain_mail
from lokbot.loops import Observer, Service, clock
from lokbot.masking import mask_personal_numbers
from lokbot.model import Knowledge, OutboxKind, OutboxStatus, UserError
from lokbot.statistics import closing
from lokbot.statistics import demo as statistics
from lokbot.store import queries
from lokbot.store.migrations import migrate
from lokbot.store.schema import Mailbox, Message, OutboxItem

MARK = "demo, ej godkända texter"
PATIENCE_SECONDS = 60.0  # the first mail waits until all texts are read, on a busy machine too


@dataclass(frozen=True, slots=True)
class Ending:
    """How a mail ended: what was decided, what went to its writer, where the case stands."""

    plan: Plan
    sends: str
    status: str
    case_number: str
    answer: OutboxItem | None
    is_notified: bool

    @property
    def outcomes(self) -> tuple[str, ...]:
        return tuple(str(decision.outcome) for decision in self.plan.decisions)


class NotInTime(UserError):
    """Something in the demo took far longer than it should; the message says what was waited for."""

    exit_code = 1


class Stage:
    """Sends mails to the running service, waits for how each ends and tells it."""

    def __init__(self, settings: Settings, knowledge: Knowledge, servers: EmbeddedServers) -> None:
        self._knowledge = knowledge
        self._servers = servers
        self._handled: queue.Queue[tuple[int, Plan]] = queue.Queue()
        observer = Observer(handled=lambda message_id, plan: self._handled.put((message_id, plan)))
        self.service: Service = service.open_service(settings, observer)
        migrate(self.service.engine)

    def invent_a_year(self) -> None:
        """Figures for the statistics, which say everywhere that nobody is behind them."""
        today = clock().astimezone(SWEDEN).date()
        with self.service.sessions.begin() as session:
            statistics.fill(session, seed=1, until=today, knowledge=self._knowledge)
            chosen = self.service.settings.statistics
            closing.close_due(session, chosen, self._knowledge, now=clock(), today=today)

    def wait_until_watched(self) -> None:
        """Until the reader has set its cursor: what comes from now on is new mail."""
        _until(self._is_watched, "brevlådan bevakades")

    def _is_watched(self) -> bool:
        with self.service.sessions() as session:
            return session.scalar(select(Mailbox.id)) is not None

    def play(self, mails: Sequence[Sample], stop: threading.Event) -> bool:
        """Every sample in turn; True when all ended as they should."""
        endings: list[Ending] = []
        surprises = 0
        for number, sample in enumerate(mails, start=1):
            if stop.is_set():
                return False
            self._introduce(f"{number}/{len(mails)}", sample.name, sample.email, sample.subject, sample.shown)
            answer = endings[sample.replies_to - 1].answer if sample.replies_to else None
            self._servers.hand_in(mail_from(sample, self._servers.address, answer))
            endings.append(self._ending(*self._next_handled()))
            self._tell(endings[-1])
            expected = (sample.outcomes, sample.sends, sample.status)
            if (endings[-1].outcomes, endings[-1].sends, endings[-1].status) != expected:
                surprises += 1
                click.secho(f"   SKULLE HA SLUTAT SÅ HÄR: {expected}", fg="red", bold=True)
        ended = f"\n{len(mails) - surprises} av {len(mails)} mejl slutade som de skulle."
        click.secho(ended, fg="red" if surprises else "green", bold=True)
        return not surprises

    def listen(self, stop: threading.Event) -> None:
        """Mails from whoever writes to the demo, until ``stop``; a line typed in the terminal is sent as a mail."""
        if sys.stdin.isatty():
            threading.Thread(target=self._send_lines, daemon=True).start()
        while not stop.is_set():
            try:
                message_id, plan = self._handled.get(timeout=0.3)
            except queue.Empty:
                continue
            with self.service.sessions() as session:
                message = session.get_one(Message, message_id)
                what = "webbchatten" if message.channel.is_chat else "ditt mejl"
                self._introduce(what, message.sender_name, message.sender_email, message.subject, message.text)
            self._tell(self._ending(message_id, plan))

    def _send_lines(self) -> None:
        for line in sys.stdin:
            if line.strip():
                self._servers.hand_in(plain_mail(line, self._servers.address))

    def _next_handled(self) -> tuple[int, Plan]:
        try:
            return self._handled.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            raise _not_in_time("mejlet togs om hand") from None

    def _ending(self, message_id: int, plan: Plan) -> Ending:
        _until(lambda: self._is_settled(message_id), "allt var skickat")
        with self.service.sessions() as session:
            message = session.get_one(Message, message_id)
            conversation = message.conversation
            answer = session.scalar(
                select(OutboxItem).where(
                    OutboxItem.message_id == message_id,
                    OutboxItem.kind.in_(queries.TO_THE_ASKER),
                    OutboxItem.status == OutboxStatus.SENT,
                )
            )
            return Ending(
                plan=plan,
                sends=str(answer.kind) if answer else "nothing",
                status=str(conversation.status),
                case_number=conversation.case_number,
                answer=answer,
                is_notified=any(
                    item.kind is OutboxKind.NOTIFICATION and item.created_at >= message.stored_at
                    for item in conversation.outbox
                ),
            )

    def _is_settled(self, message_id: int) -> bool:
        with self.service.sessions() as session:
            items = session.get_one(Message, message_id).conversation.outbox
            return not any(item.status in (OutboxStatus.QUEUED, OutboxStatus.CLAIMED) for item in items)

    def _introduce(self, number: str, name: str, email: str, subject: str, text: str) -> None:
        sender = f"{name} <{email}>" if name else email
        click.secho(f"\n━━ {number}  {sender}", bold=True)
        click.secho(f"   Ämne: {mask_personal_numbers(subject) or '(inget)'}", dim=True)
        click.echo(_indented(text, "   > "))

    def _tell(self, ending: Ending) -> None:
        for decision in ending.plan.decisions:
            if len(ending.plan.decisions) > 1:
                click.echo(mask_personal_numbers(f"   Fråga: {' '.join(decision.question.text.split())}"))
            for line in describing.decided(decision, self._knowledge):
                click.secho(mask_personal_numbers(f" {line}"), fg="cyan")
        click.echo(f"   Ärende {ending.case_number}: {describing.STATUSES[ending.status]}")
        if ending.answer is None:
            click.secho("   Inget skickas till den som skrev.", fg="green")
        else:
            click.secho(f"   Till den som skrev ({MARK}):", fg="green")
            click.echo(_indented(ending.answer.text, "   | "))
        if ending.is_notified:
            click.secho("   Samordnarna har fått ett mejl om ärendet.", fg="yellow")


def _indented(text: str, prefix: str) -> str:
    return textwrap.indent(mask_personal_numbers(text.strip()), prefix, lambda _: True)


def _until(is_so: Callable[[], bool], what: str, *, patience: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > deadline:
            raise _not_in_time(what)
        time.sleep(0.02)


def _not_in_time(what: str) -> NotInTime:
    return NotInTime(
        f"Demon väntade {PATIENCE_SECONDS:.0f} sekunder utan att {what}, och slutar här.\n"
        "Datorn är troligen upptagen med annat. Starta om med `lokbot demo` när den är ledigare,\n"
        "eller med LOKBOT_SEMANTIC=off: då går det fortare."
    )
