"""What coordinators do from their own mail program: answer, forward, resolve, note, by replying to what we sent them.

A mail becomes an answer to the asker only if nothing about it can be a slip or a forgery: a coordinator's address that
our own mail server vouches for (DMARC), in reply to what that coordinator got, to us and to nobody else, with words and
no unknown sign. It leaves after the undo time. Everything else is kept as a note in the case, and its writer told why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import caps, escalation, notification, outbox, parties, tokens
from lokbot.conversation.decision import answer_language
from lokbot.conversation.escalation import NotPossible
from lokbot.conversation.working_days import SWEDEN, clock_time
from lokbot.model import Address, Authentication, ChannelName, Knowledge, OutboxKind
from lokbot.store import queries
from lokbot.store.schema import Conversation, Message, OutboxItem

# The words that act, at the top of a mail; an administration's id forwards to it.
NOTE, RESOLVE, TAKE, RELEASE, HAND_BACK = "not", "klar", "ta", "skicka", "tillbaka"
COMMANDS = (NOTE, RESOLVE, TAKE, RELEASE, HAND_BACK)

_STOP = re.compile(r"\W*stopp?\W*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """What a mail asks for: the ``#`` words at its top, and the words below them."""

    commands: tuple[str, ...]
    text: str

    @property
    def is_stop(self) -> bool:
        first = self.text.strip().split("\n", 1)[0]
        return not self.commands and _STOP.fullmatch(first) is not None


def read(text: str) -> Request:
    """The request in the words that somebody wrote now (no quotes, no signature). Pure."""
    lines = text.strip().split("\n")
    commands: list[str] = []
    while lines and (not lines[0].strip() or lines[0].lstrip().startswith("#")):
        commands += [word.strip("#.,;: ").lower() for word in lines.pop(0).split("#") if word.strip("#.,;: ")]
    return Request(tuple(commands), "\n".join(lines).strip())


def take_in(session: Session, message: Message, *, settings: Settings, knowledge: Knowledge, now: datetime) -> None:
    """Do what a coordinator's mail asks for, in the caller's transaction, and tell its writer what came of it."""
    desk = Desk(session, message, settings, knowledge, now)
    request = read(message.new_text)
    why = _obstacle(desk, request)
    if why is None:
        try:
            desk.report(_told(desk, act(desk, request)))
        except NotPossible as error:
            desk.keep(error.told)
    else:
        desk.keep(why)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where what a coordinator wrote is looked at."""

    session: Session
    message: Message
    settings: Settings
    knowledge: Knowledge
    now: datetime

    @property
    def conversation(self) -> Conversation:
        return self.message.conversation

    @property
    def actor(self) -> str:
        return self.message.sender_email

    def say(self, key: str, **words: str) -> str:
        return self.knowledge.phrases[notification.LANGUAGE][key].format(case=self.conversation.case_number, **words)

    def keep(self, why: str) -> None:
        """The mail stays in the case as a note: nothing is sent to anybody but its writer."""
        self.note()
        self.report(self.say("notify.mail.kept", why=why))

    def note(self) -> None:
        """Write down that what was written stays inside."""
        queries.record(
            self.session,
            "noted",
            actor=self.actor,
            now=self.now,
            conversation=self.conversation,
            message=self.message,
        )

    def report(self, text: str) -> None:
        """Tell the writer, unless too much has been told already: it may be a machine that answers us."""
        if caps.notes(self.conversation, self.actor, now=self.now) >= caps.NOTES_PER_DAY:
            return
        outbox.enqueue(
            self.session,
            self.conversation,
            notification.told(self.conversation.case_number, self.conversation.subject, text, self.knowledge),
            kind=OutboxKind.NOTIFICATION,
            channel=ChannelName.MAIL,
            to=(Address(self.message.sender_name, self.actor),),
            settings=self.settings,
            answers=self.message,
            now=self.now,
        )


def _obstacle(desk: Desk, request: Request) -> str | None:
    """Why the mail may not act, in words for its writer; None where it may. The first that holds is told."""
    message, say = desk.message, desk.say
    unknown = [word for word in request.commands if word not in (*COMMANDS, *desk.knowledge.administrations)]
    if _is_unthreaded(message):
        return say("notify.mail.why.no-case")
    if Authentication(**(message.authentication or {})).dmarc != "pass":
        return say("notify.mail.why.not-proven")
    if not _answers_what_we_sent(desk):
        return say("notify.mail.why.not-yours")
    if others := parties.other_recipients(message, desk.settings):  # what somebody else can read is no answer yet
        return say("notify.mail.why.others", addresses=", ".join(others))
    if unknown:
        return say("notify.mail.why.unknown", word=unknown[0])
    if len(request.commands) > 1:
        return say("notify.mail.why.several")
    if parties.has_attachment(message):
        return say("notify.mail.why.attachment")
    if not request.commands and not request.text:
        return say("notify.mail.why.empty")
    return None


def _is_unthreaded(message: Message) -> bool:
    """Whether the mail began its case, so that there is nobody to answer in it."""
    return message.conversation.messages[0].id == message.id


def _answers_what_we_sent(desk: Desk) -> bool:
    """Whether the mail carries a token of this case that we gave to this coordinator and nobody else."""
    message = desk.message
    answered = {*message.in_reply_to, *message.references}
    if any(
        item.kind is OutboxKind.NOTIFICATION and item.external_id in answered and _is_to(item, desk.actor)
        for item in desk.conversation.outbox
    ):
        return True
    key = queries.signing_key(desk.session, now=desk.now)
    recipients = (address["email"] for address in (*message.to, *message.cc))
    return any(
        parties.leads_to(desk.session, tokens.answered_at(key, email, desk.actor), desk.conversation.id)
        for email in recipients
    )


def _is_to(item: OutboxItem, email: str) -> bool:
    return any(address["email"].lower() == email for address in item.to)


# ------------------------------------------------------------------ the acts


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a request: the word that was obeyed, or none for an answer of their own; what will leave, if
    anything; with ``stop`` how many texts were taken back.
    """

    command: str | None
    item: OutboxItem | None = None
    stopped: int | None = None


def act(desk: Desk, request: Request) -> Done:
    """Do it, whichever way it was asked for. Raises NotPossible where it cannot be done."""
    command = next(iter(request.commands), None)
    session, conversation, now = desk.session, desk.conversation, desk.now
    leaves_at = now + timedelta(minutes=desk.settings.answering.undo_minutes)
    if request.is_stop:
        return Done("stop", stopped=_stop(desk))
    if command is None or (command == RESOLVE and request.text):
        item = escalation.coordinator_reply(
            session,
            conversation,
            _signed(desk, request.text),
            actor=desk.actor,
            settings=desk.settings,
            now=now,
            not_before=leaves_at,
        )
        return Done(None, item)
    if command == RESOLVE:
        escalation.resolve(session, conversation, actor=desk.actor, now=now)
    elif command == TAKE:
        escalation.take_over(session, conversation, actor=desk.actor, now=now)
    elif command == HAND_BACK:
        escalation.hand_back(session, conversation, actor=desk.actor, now=now)
    elif command == RELEASE:
        items = escalation.release(session, conversation, actor=desk.actor, now=now, not_before=leaves_at)
        return Done(command, items[0])
    elif command != NOTE:
        item = escalation.forward(
            session,
            conversation,
            command,
            actor=desk.actor,
            settings=desk.settings,
            knowledge=desk.knowledge,
            now=now,
            not_before=leaves_at,
        )
        return Done(command, item)
    return Done(command)


def _told(desk: Desk, done: Done) -> str:
    """What the writer of a mail is told."""
    if done.item is not None:
        return _will_leave(desk, done.item)
    if done.command == "stop":
        return desk.say("notify.mail.stopped" if done.stopped else "notify.mail.too-late")
    if done.command == NOTE:
        return desk.say("notify.mail.kept", why=desk.say("notify.mail.why.asked"))
    return desk.say("notify.mail.done", act=f"#{done.command}")


def _signed(desk: Desk, text: str) -> str:
    """``text`` with the writer's name and role below, where they have an account and have not signed themselves."""
    user = queries.user_at(desk.session, desk.actor)
    last = text.strip().rpartition("\n")[2].lower()
    if user is None or user.name.split()[0].lower() in re.findall(r"\w+", last):
        return text
    language = answer_language(desk.conversation.language) or "sv"
    return f"{text.strip()}\n\n{desk.knowledge.phrases[language]['signature'].format(name=user.name)}"


def _will_leave(desk: Desk, item: OutboxItem) -> str:
    to = ", ".join(address["email"] for address in item.to)
    time = clock_time(item.not_before.astimezone(SWEDEN), notification.LANGUAGE)
    return f"{desk.say('notify.mail.leaves', time=time, to=to)}\n\n{notification.quote(item.text)}"


def _stop(desk: Desk) -> int:
    """Take back what this coordinator has sent off and what has not left yet; gives how much that was."""
    try:
        return escalation.stop(desk.session, desk.conversation, actor=desk.actor, now=desk.now)
    except NotPossible:
        return 0
