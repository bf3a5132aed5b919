"""What coordinators do from their group in Telegram: answer, take, note, resolve, by replying to what we told there.

The rules are those for their mail (``coordinator_mail``): the same words, the same undo time, and the bot is as silent.
Who writes is who has linked their account to that user of Telegram, asked here and now: a link that was revoked counts
no more. What anybody else writes stays inside, and they are told so. Nothing of the asker's is ever told in the group
but what ``handover`` lets be told.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import coordinator_mail, outbox, parties
from lokbot.conversation.coordinator_mail import COMMANDS, NOTE, RELEASE, RESOLVE, TAKE, Desk, Done, Request
from lokbot.conversation.escalation import NotPossible
from lokbot.conversation.working_days import SWEDEN, clock_time
from lokbot.model import NOT_FETCHED, ChannelName, Knowledge, OutboxKind, OutboxStatus, Reply
from lokbot.store import queries
from lokbot.store.schema import Event, Message, OutboxItem, User

LANGUAGE = "sv"
UNKNOWN = "telegram:"
"""What the sender of a message in the group is, with their number in Telegram, until it is known who they are."""

# A reply of these words alone takes the case.
_TAKING = frozenset({"tar", "ta", "jag tar", "jag tar den", "jag tar det", "tar den", "tar det"})


def read(text: str) -> Request:
    """The request in a reply: as in a mail, and "tar" for #ta. Pure."""
    if text.strip(" .!\n").lower() in _TAKING:
        return Request((TAKE,), "")
    return coordinator_mail.read(text)


def take_in(session: Session, message: Message, *, settings: Settings, knowledge: Knowledge, now: datetime) -> None:
    """Do what a reply in the group asks for, in the caller's transaction, and tell the group what came of it."""
    user = _writer(session, message, settings)
    if user is not None:
        message.sender_email, message.sender_name = user.email, user.name
    desk = _Group(session, message, settings, knowledge, now)
    if user is None:
        desk.note()
        desk.report(desk.say("group.not-linked", name=message.sender_name or "?", link=f"{desk.site}/konto"))
        return
    queries.hold(session, message.conversation)
    before = _before(session, message)
    if before is not None and before.new_text == message.new_text:
        return  # Telegram tells of edits that change no word
    request = read(message.new_text)
    answer = _answer_of(session, before) if before is not None else None
    # Taken back first: an edit that cannot act stops what it was made from.
    why = _take_back(desk, answer) if answer is not None else None
    if why is None:
        why = _obstacle(desk, request)
    if why is not None:
        desk.keep(why)
        return
    try:
        is_stopped = request.is_stop and answer is not None
        done = Done("stop", stopped=1) if is_stopped else coordinator_mail.act(desk, request)
    except NotPossible as error:
        desk.keep(error.told)
        return
    if done.item is not None and done.item.kind is OutboxKind.ANSWER:
        session.flush()
        queries.record(
            session,
            "answered-in-group",
            actor=desk.actor,
            now=now,
            conversation=message.conversation,
            message=message,
            item=done.item,
        )
    desk.report(_told(desk, done, is_again=answer is not None))


class _Group(Desk):
    """Where a reply in the group is looked at; what comes of it is told there, under the reply."""

    __slots__ = ()

    @property
    def site(self) -> str:
        return self.settings.web.public_url

    @property
    def link(self) -> str:
        return f"{self.site}/arenden/{self.conversation.case_number}"

    @property
    def post(self) -> OutboxItem | None:
        """What the reply is a reply to."""
        return next((item for item in self.conversation.outbox if item.external_id in self.message.in_reply_to), None)

    def say(self, key: str, **words: str) -> str:
        return self.knowledge.phrases[LANGUAGE][key].format(**words)

    def keep(self, why: str) -> None:
        self.note()
        self.report(self.say("group.kept", name=_first(self.message.sender_name), why=why))

    def report(self, text: str) -> None:
        """Tell the group. The case's number comes first, as in all that we tell there: it is what a reply goes by."""
        post = self.post
        if post is None or not post.to:
            return
        item = outbox.enqueue(
            self.session,
            self.conversation,
            Reply("", f"{self.conversation.case_number}\n{text}", None, LANGUAGE),
            kind=OutboxKind.NOTIFICATION,
            channel=ChannelName.TELEGRAM,
            to=queries.addresses(post.to),
            settings=self.settings,
            answers=self.message,
            now=self.now,
        )
        item.in_reply_to = self.message.external_id


def _first(name: str) -> str:
    return (name.split() or ["?"])[0]


def _writer(session: Session, message: Message, settings: Settings) -> User | None:
    """The coordinator who wrote it, as their link stands now; None where nobody is known by it."""
    number = message.sender_email.removeprefix(UNKNOWN)
    user = queries.user_in_telegram(session, int(number)) if number.isdecimal() else None
    coordinators = {address.lower() for address in settings.coordinators}
    return user if user is not None and user.email.lower() in coordinators else None


def _obstacle(desk: _Group, request: Request) -> str | None:
    """Why the reply may not act, in words for its writer; None where it may. The first that holds is told."""
    message, telegram, post = desk.message, desk.settings.telegram, desk.post
    unknown = [word for word in request.commands if word not in (*COMMANDS, *desk.knowledge.administrations)]
    is_here = post is not None and [one["email"] for one in post.to] == [telegram.coordinators_chat]
    if not (telegram.is_allowed and is_here):
        return desk.say("group.why.other-group")
    if unknown or request.text.startswith("/"):
        return desk.say("group.why.unknown", word=unknown[0] if unknown else request.text.split()[0].lstrip("/"))
    if len(request.commands) > 1:
        return desk.say("group.why.several")
    if parties.has_attachment(message) or NOT_FETCHED in message.warnings:
        return desk.say("group.why.attachment")
    if not request.commands and not request.text:
        return desk.say("group.why.empty")
    if RELEASE in request.commands:  # here nobody has read it
        return desk.say("group.why.suggestion", link=desk.link)
    return None


def _before(session: Session, message: Message) -> Message | None:
    """The version before this one of a message that was edited; None where it is no edit, or of what we never got."""
    root = message.replaces_id
    if root is None:
        return None
    versions = or_(Message.id == root, Message.replaces_id == root)
    return session.scalar(select(Message).where(versions, Message.id < message.id).order_by(Message.id.desc()).limit(1))


def _answer_of(session: Session, message: Message) -> OutboxItem | None:
    """What the latest version of a message that acted has put in line."""
    root = message.replaces_id or message.id
    versions = select(Message.id).where(or_(Message.id == root, Message.replaces_id == root))
    event = session.scalar(
        select(Event)
        .where(Event.verb == "answered-in-group", Event.message_id.in_(versions))
        .order_by(Event.id.desc())
        .limit(1)
    )
    return event.item if event is not None else None


def _take_back(desk: _Group, answer: OutboxItem) -> str | None:
    """Make room for what the answer was edited into; where it waits no longer, why nothing is sent."""
    waiting = outbox.unsent(desk.session, desk.conversation)
    if answer in waiting and answer.status is OutboxStatus.QUEUED:
        answer.status = OutboxStatus.CANCELLED
        queries.record(
            desk.session, "stopped", actor=desk.actor, now=desk.now, conversation=desk.conversation, item=answer
        )
        return None
    is_gone = answer.status in (OutboxStatus.SENT, OutboxStatus.CLAIMED)
    return desk.say("group.why.gone") if is_gone else desk.say("group.why.not-waiting", link=desk.link)


def _told(desk: _Group, done: Done, *, is_again: bool) -> str:
    name = _first(desk.message.sender_name)
    if done.item is not None:
        time = clock_time(done.item.not_before.astimezone(SWEDEN), LANGUAGE)
        key = "forwards" if done.item.kind is OutboxKind.FORWARD else "leaves-again" if is_again else "leaves"
        return desk.say(f"group.{key}", name=name, time=time)
    if done.command == "stop":
        return desk.say("group.stopped" if done.stopped else "group.too-late", name=name)
    return desk.say(_DONE.get(done.command or "", "group.done"), name=name)


_DONE = {TAKE: "group.taken", RESOLVE: "group.resolved", NOTE: "group.noted"}
