"""A person takes part: escalate, take over, hand back, answer, release, forward, resolve, retry, pause, resume.

Every act changes the state first and is the same from the command line, from mail and from the desk. The caller
commits. Acts that a person cannot do here and now raise ``NotPossible`` with a sentence that says why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import caps, notification, outbox, reading, threads, tokens, working_days
from lokbot.conversation.decision import WITH_A_PERSON
from lokbot.conversation.notification import Line, Notice
from lokbot.conversation.reply import ReplyContext, as_html, compose, reply_subject
from lokbot.model import (
    Address,
    Administration,
    Authentication,
    ChannelName,
    ConversationStatus,
    Knowledge,
    MessageState,
    OutboxKind,
    OutboxStatus,
    Outcome,
    Reply,
    UserError,
)
from lokbot.store import queries
from lokbot.store.schema import Contact, Conversation, DecisionRecord, Message, OutboxItem, Pause

PauseScope = Literal["all", "channel", "topic", "article"]


class NotPossible(UserError):
    """The act cannot be done; the message says why, in words for a coordinator."""

    exit_code = 4


def asker(conversation: Conversation, message: Message | None = None) -> Address | None:
    """Who gets the answers: the Reply-To of the asker's latest message (or of ``message``) if it has one, else its
    sender; the contact where we wrote first. None without an address.
    """
    latest = message or latest_from_asker(conversation)
    if latest is None:
        contact = conversation.contact
        return Address(contact.name, contact.address) if contact.address else None
    reply_to = queries.addresses(latest.reply_to)
    is_named = len(reply_to) == 1 and reply_to[0].email
    address = reply_to[0] if is_named else Address(latest.sender_name, latest.sender_email)
    return address if address.email else None


def latest_from_asker(conversation: Conversation) -> Message | None:
    """What is to be answered: the latest message that neither a machine nor somebody inside wrote, and that is more
    than a button pressed. None where nobody has written yet.
    """
    for message in reversed(conversation.messages):
        is_their_words = message.automatic_kind is None and message.bounce is None and message.command is None
        if is_their_words and not is_from_inside(message):
            return message
    return conversation.messages[0] if conversation.messages else None


def is_from_inside(message: Message) -> bool:
    """Whether a coordinator or an administration answers what we sent to them about the case. What they write is
    not for the bot, and what we write to the asker is not for them.
    """
    conversation = message.conversation
    if message.sender_email == conversation.contact.address:
        return False
    if any(decision.reason == "from-coordinator" for question in message.questions for decision in question.decisions):
        return True
    answered = {*message.in_reply_to, *message.references}
    return any(
        item.external_id in answered or message.sender_email in {address["email"].lower() for address in item.to}
        for item in conversation.outbox
        if item.kind in (OutboxKind.NOTIFICATION, OutboxKind.FORWARD)
    )


# ------------------------------------------------------------------ to a person


def escalate(
    session: Session,
    conversation: Conversation,
    *,
    reason: str,
    received_at: datetime,
    settings: Settings,
    now: datetime,
    topic: str | None = None,
    administration: str | None = None,
    is_urgent: bool = False,
) -> None:
    """The conversation waits for a person from now on. One that is with a person already stays where it is."""
    conversation.is_urgent = conversation.is_urgent or is_urgent
    if conversation.status not in WITH_A_PERSON:
        conversation.status = ConversationStatus.WAITING
        conversation.taken_by = None
        conversation.waiting_since = received_at
        conversation.answer_by = working_days.promised_day(received_at, settings.promise)
        conversation.reason = reason
    elif is_urgent:
        conversation.reason = reason
    conversation.topic = topic or conversation.topic
    conversation.administration = administration or conversation.administration
    conversation.updated_at = now
    queries.record(
        session, "escalated", actor="bot", now=now, conversation=conversation, reason=reason, is_urgent=is_urgent
    )


def notify(
    session: Session,
    conversation: Conversation,
    message: Message,
    *,
    reason: str,
    settings: Settings,
    knowledge: Knowledge,
    now: datetime,
    suggestion: OutboxItem | None = None,
    held: str | None = None,
    has_receipt: bool,
) -> None:
    """Mail the coordinators that a case waits: the thread, why, the suggested answer. Never where we wrote to."""
    notice = Notice(
        case_number=conversation.case_number,
        subject=conversation.subject,
        sender=_shown(Address(message.sender_name, message.sender_email), conversation),
        received_at=message.received_at,
        reason=reason,
        reason_detail=message.automatic_kind or "",
        is_urgent=conversation.is_urgent,
        held=held,
        answer_by=conversation.answer_by if has_receipt else None,
        owner=conversation.administration if conversation.administration in knowledge.administrations else None,
        text=reading.whole(session, message),
        channel=conversation.channel,
        suggestion=suggestion.text if suggestion else None,
        earlier=_earlier(session, conversation, message),
        sender_check=Authentication(**(message.authentication or {})).dmarc,
        newcomers=_newcomers(session, conversation, message, settings),
        related=_case_number(session, conversation.related_to_id),
        # Only a mail whose sender our own server vouches for may act, so without such a server none is invited.
        undo_minutes=settings.answering.undo_minutes if settings.imap.authserv_ids else None,
    )
    room = "free" if conversation.is_urgent else caps.notifications(session, settings, now=now)
    if room == "full":
        return
    reply = (
        notification.waiting(notice, knowledge)
        if room == "free"
        else notification.plain("notify.too-many", conversation.case_number, conversation.subject, knowledge)
    )
    deputies = settings.alarm.deputies if conversation.is_urgent else ()
    tell_coordinators(session, conversation, reply, settings=settings, now=now, also=deputies)


def _shown(sender: Address, conversation: Conversation) -> str:
    """Who wrote, for people: of a chat the name and the door, since its id says nothing."""
    if not conversation.channel.is_chat:
        return str(sender)
    door = "Telegram" if conversation.channel is ChannelName.TELEGRAM else "webbchatten"
    return f"{sender.name} ({door})" if sender.name else door


def _newcomers(session: Session, conversation: Conversation, message: Message, settings: Settings) -> tuple[str, ...]:
    """Who takes part by this message and did not before: whoever answers should look at whom the answer goes to."""
    if message.id == conversation.messages[0].id:
        return ()
    ours = {settings.smtp.from_address, settings.imap.user, *settings.coordinators}
    listed = (address["email"] for address in (*message.reply_to, *message.to, *message.cc))
    named = dict.fromkeys((message.sender_email, *listed))
    before = threads.participants(session, conversation, before=message.id) | {one.lower() for one in ours}
    is_signed_for_us = (address for address in named if tokens.is_reply_address(address))
    return tuple(one for one in named if one and one not in before.union(is_signed_for_us))


def _case_number(session: Session, conversation_id: int | None) -> str | None:
    return session.get_one(Conversation, conversation_id).case_number if conversation_id else None


def sound_the_breaker(
    session: Session, conversation: Conversation, *, settings: Settings, knowledge: Knowledge, now: datetime
) -> None:
    """So many automatic mails have gone out that no more do: the coordinators are told, once an hour."""
    last = queries.last_event(session, "breaker")
    if last is not None and last > now - caps.HOUR:
        return
    queries.record(session, "breaker", actor="bot", now=now, conversation=conversation)
    reply = notification.plain(
        "notify.breaker",
        conversation.case_number,
        conversation.subject,
        knowledge,
        subject_key="notify.subject.failed",
        count=str(settings.caps.outbox_per_hour),
    )
    tell_coordinators(session, conversation, reply, settings=settings, now=now)


def note_bounce(session: Session, message: Message, *, now: datetime) -> None:
    """A mail of ours came back: it is marked, and for good (5.x.x) so is the contact that takes no mail any more."""
    bounce = message.bounce or {}
    identities = {bounce.get("original_message_id"), *message.in_reply_to, *message.references} - {None}
    for item in session.scalars(select(OutboxItem).where(OutboxItem.external_id.in_(identities))):
        item.bounced_at = item.bounced_at or now
        to = {address["email"].lower() for address in (*item.to, *item.cc)}
        # Reports name the address as the last server knew it, after forwarding.
        failed = to & set(bounce.get("recipients", ())) or (to if len(to) == 1 else set())
        contacts = select(Contact).where(Contact.channel == item.channel, Contact.address.in_(failed))
        for contact in session.scalars(contacts) if bounce.get("permanent") else ():
            contact.undeliverable_at = now
        queries.record(
            session,
            "bounced",
            actor="bot",
            now=now,
            conversation=item.conversation,
            message=message,
            item=item,
            permanent=bounce.get("permanent"),
        )


def tell_of_failure(
    session: Session, conversation: Conversation, *, settings: Settings, knowledge: Knowledge, now: datetime
) -> None:
    """Mail the coordinators that a message could not be handled; it is stored and shown."""
    reply = notification.plain(
        "notify.failed",
        conversation.case_number,
        conversation.subject,
        knowledge,
        subject_key="notify.subject.failed",
    )
    tell_coordinators(session, conversation, reply, settings=settings, now=now)


def tell_of_undelivered(
    session: Session, item: OutboxItem, *, settings: Settings, knowledge: Knowledge, now: datetime
) -> None:
    """A mail was given up: the case waits for a person, and the coordinators are told (unless it was theirs)."""
    conversation = item.conversation
    if item.kind is OutboxKind.NOTIFICATION:
        return
    if item.channel.is_chat:
        conversation.contact.undeliverable_at = now  # until they write again
    is_nowhere = item.kind is OutboxKind.FORWARD and conversation.status is ConversationStatus.WITH_ADMINISTRATION
    if conversation.status not in WITH_A_PERSON or is_nowhere:
        conversation.status = ConversationStatus.WAITING
        conversation.waiting_since = conversation.waiting_since or now
        conversation.reason = "bounce"
    reply = notification.plain(
        "notify.not-sent",
        conversation.case_number,
        conversation.subject,
        knowledge,
        subject_key="notify.subject.failed",
        to=", ".join(address["email"] for address in item.to),
        error=item.last_error or "",
    )
    tell_coordinators(session, conversation, reply, settings=settings, now=now)


def raise_alarm(
    session: Session, key: str, *, settings: Settings, knowledge: Knowledge, now: datetime, **words: str
) -> Conversation:
    """Something is wrong with lokbot itself: a case that waits for a person, and a mail to the coordinators.

    ``key`` names the reason and the phrase (``notify.<key>``). A case of that reason that still waits is used again.
    """
    conversation = session.scalar(
        select(Conversation)
        .where(Conversation.reason == key, Conversation.status.in_(WITH_A_PERSON))
        .order_by(Conversation.id.desc())
        .limit(1)
    )
    if conversation is None:
        own = settings.smtp.from_address.lower()
        conversation = Conversation(
            case_number=queries.next_case_number(session, now.astimezone(working_days.SWEDEN).year),
            channel=ChannelName.MAIL,
            contact=queries.contact_at(session, ChannelName.MAIL, own, "lokbot", now=now),
            subject=knowledge.phrases[notification.LANGUAGE][f"subject.{key}"],
            language=notification.LANGUAGE,
            status=ConversationStatus.WAITING,
            reason=key,
            is_urgent=False,
            waiting_since=now,
            created_at=now,
            updated_at=now,
        )
        session.add(conversation)
        session.flush()
    reply = notification.plain(
        f"notify.{key}",
        conversation.case_number,
        conversation.subject,
        knowledge,
        subject_key="notify.subject.failed",
        **words,
    )
    tell_coordinators(session, conversation, reply, settings=settings, now=now)
    queries.record(session, "alarmed", actor="bot", now=now, conversation=conversation, reason=key)
    return conversation


def tell_coordinators(
    session: Session,
    conversation: Conversation,
    reply: Reply,
    *,
    settings: Settings,
    now: datetime,
    also: Sequence[str] = (),
) -> None:
    """Mail every coordinator, one mail each, and the addresses of ``also``."""
    for coordinator in dict.fromkeys((*settings.coordinators, *also)):
        outbox.enqueue(
            session,
            conversation,
            reply,
            kind=OutboxKind.NOTIFICATION,
            channel=ChannelName.MAIL,
            to=(Address("", coordinator),),
            settings=settings,
            now=now,
        )


def _earlier(session: Session, conversation: Conversation, message: Message) -> Sequence[Line]:
    lines = [
        Line(earlier.received_at, is_ours=False, text=earlier.new_text or earlier.text)
        for earlier in conversation.messages
        if earlier.id < message.id
    ]
    lines += [
        Line(item.created_at, is_ours=True, text=item.text)
        for item in queries.told(session, conversation)
        if item.message_id is not None and item.message_id < message.id
    ]
    return sorted(lines, key=lambda line: line.at)


# ------------------------------------------------------------------ what a person does


def take_over(session: Session, conversation: Conversation, *, actor: str, now: datetime) -> int:
    """The bot is silent from now on. Returns how many automatic texts were taken back from the outbox."""
    queries.hold(session, conversation)
    if conversation.status is ConversationStatus.TAKEN and conversation.taken_by not in (None, actor):
        raise NotPossible(f"{conversation.case_number} är redan taget av {conversation.taken_by}.")
    conversation.status, conversation.taken_by, conversation.updated_at = ConversationStatus.TAKEN, actor, now
    cancelled = outbox.cancel_automatic(session, conversation, now=now)
    queries.record(session, "took-over", actor=actor, now=now, conversation=conversation, cancelled=cancelled)
    return cancelled


def hand_back(session: Session, conversation: Conversation, *, actor: str, now: datetime) -> None:
    """Back to the others where the asker still waits for an answer, else to the bot. What the bot had queued while
    it had to be silent is out of date by now, and taken back.
    """
    queries.hold(session, conversation)
    outbox.cancel_automatic(session, conversation, now=now)
    is_waiting = conversation.waiting_since is not None
    conversation.status = ConversationStatus.WAITING if is_waiting else ConversationStatus.BOT
    conversation.taken_by, conversation.updated_at = None, now
    queries.record(session, "handed-back", actor=actor, now=now, conversation=conversation)


def coordinator_reply(
    session: Session,
    conversation: Conversation,
    text: str,
    *,
    actor: str,
    settings: Settings,
    now: datetime,
    not_before: datetime | None = None,
) -> OutboxItem:
    """A coordinator's own words to the asker; what the bot had suggested or queued is taken back. Resolves the case.

    With ``not_before`` it leaves then, and until it has left the case is the coordinator's.
    """
    queries.hold(session, conversation)
    to = asker(conversation)
    if to is None:
        raise NotPossible(f"{conversation.case_number} har ingen adress att svara till.")
    if not text.strip():
        raise NotPossible("Svaret är tomt. Skriv en text först.")
    outbox.cancel_automatic(session, conversation, now=now)
    item = outbox.enqueue(
        session,
        conversation,
        Reply(_subject(conversation), text.strip(), as_html(text, conversation.language), conversation.language),
        kind=OutboxKind.ANSWER,
        to=(to,),
        settings=settings,
        answers=latest_from_asker(conversation),
        is_automatic=False,
        created_by=actor,
        now=now,
        not_before=not_before,
    )
    queries.record(session, "answered", actor=actor, now=now, conversation=conversation, item=item)
    _settle_or_hold(conversation, actor, now, not_before)
    return item


def _settle_or_hold(conversation: Conversation, actor: str, now: datetime, not_before: datetime | None) -> None:
    if not_before is None:
        settle(conversation, now)
    else:
        conversation.status, conversation.taken_by, conversation.updated_at = ConversationStatus.TAKEN, actor, now


def settle_when_sent(session: Session, item: OutboxItem, *, now: datetime) -> None:
    """An answer that waited out its undo time has left: the case is resolved, unless somebody wrote or acts since."""
    conversation = item.conversation
    is_theirs = conversation.status is ConversationStatus.TAKEN and conversation.taken_by == item.created_by
    if item.is_automatic or item.kind not in (OutboxKind.ANSWER, OutboxKind.REPLY) or not is_theirs:
        return
    latest = latest_from_asker(conversation)
    has_news = latest is not None and latest.received_at > item.queued_at
    if not (has_news or outbox.unsent(session, conversation) or _waits_for_more(conversation, item)):
        settle(conversation, now)


def release(
    session: Session, conversation: Conversation, *, actor: str, now: datetime, not_before: datetime | None = None
) -> Sequence[OutboxItem]:
    """Send the suggestion as it stands: a person has read it, so it goes whatever the bot may do. Resolves the case,
    unless something else in it still waits for a person.
    """
    queries.hold(session, conversation)
    held = [item for item in outbox.unsent(session, conversation) if item.status is OutboxStatus.HELD]
    if not held:
        raise NotPossible(f"{conversation.case_number} har inget förslag att skicka.")
    for item in held:
        item.status, item.is_automatic, item.created_by = OutboxStatus.QUEUED, False, actor
        item.queued_at, item.not_before = now, not_before or now
        queries.record(session, "released", actor=actor, now=now, conversation=conversation, item=item)
    if not_before is not None:
        outbox.cancel_automatic(session, conversation, now=now)  # a receipt that a person overtook
    if not_before is not None or not _waits_for_more(conversation, held[0]):
        _settle_or_hold(conversation, actor, now, not_before)
    return held


def _waits_for_more(conversation: Conversation, sent: OutboxItem) -> bool:
    """Whether there are questions, since the case began to wait, that only a person can answer and nobody has."""
    since = conversation.waiting_since
    if since is None or sent.kind is OutboxKind.ANSWER:
        return False
    return any(
        message.state is not MessageState.HANDLED
        or any(
            decision.outcome is Outcome.ESCALATE and decision.reason != "from-coordinator"
            for question in message.questions
            for decision in question.decisions
        )
        for message in conversation.messages
        if message.received_at >= since
    )


def forward(
    session: Session,
    conversation: Conversation,
    administration: str,
    *,
    actor: str,
    settings: Settings,
    knowledge: Knowledge,
    now: datetime,
    address: str | None = None,
    not_before: datetime | None = None,
) -> OutboxItem:
    """Send the latest message's own words to an administration. The asker is told once it has been sent.

    ``address`` where the administration has none in knowledge/administrations.yaml, or another is wanted.
    """
    owner = knowledge.administrations.get(administration)
    if owner is None:
        known = ", ".join(sorted(knowledge.administrations))
        raise NotPossible(f"Det finns ingen förvaltning ”{administration}”. Välj bland: {known}.")
    to = address or owner.address
    if not to:
        raise NotPossible(f"{owner.name.sv} har ingen adress. Ange den: --to namn@helsingborg.se")
    queries.hold(session, conversation)
    if not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", to):
        raise NotPossible(f"”{to}” är ingen mejladress.")
    outbox.cancel_automatic(session, conversation, now=now)
    conversation.status = ConversationStatus.WITH_ADMINISTRATION
    return _send_on(
        session,
        conversation,
        owner,
        to,
        actor=actor,
        settings=settings,
        knowledge=knowledge,
        now=now,
        not_before=not_before,
    )


def forward_by_itself(
    session: Session,
    conversation: Conversation,
    owner: Administration,
    *,
    settings: Settings,
    knowledge: Knowledge,
    now: datetime,
) -> OutboxItem | None:
    """Forward without a person where the administration allows it; the case waits until the forward has been sent."""
    if not (owner.address and owner.auto_forward):
        return None
    return _send_on(
        session, conversation, owner, owner.address, actor="bot", settings=settings, knowledge=knowledge, now=now
    )


def _send_on(
    session: Session,
    conversation: Conversation,
    owner: Administration,
    address: str,
    *,
    actor: str,
    settings: Settings,
    knowledge: Knowledge,
    now: datetime,
    not_before: datetime | None = None,
) -> OutboxItem:
    latest = latest_from_asker(conversation)
    if latest is None:
        raise NotPossible(f"Det finns inget meddelande i {conversation.case_number} att skicka vidare.")
    reply = notification.forwarded(
        conversation.case_number,
        conversation.subject,
        # Nobody at an administration can write to a chat, so what they answer comes back by us.
        settings.smtp.from_address if conversation.channel.is_chat else str(asker(conversation) or ""),
        latest.received_at,
        reading.whole(session, latest),
        knowledge,
    )
    item = outbox.enqueue(
        session,
        conversation,
        reply,
        kind=OutboxKind.FORWARD,
        channel=ChannelName.MAIL,
        to=(Address(owner.name.sv, address),),
        settings=settings,
        is_automatic=False,
        created_by=actor,
        now=now,
        not_before=not_before,
    )
    conversation.administration, conversation.updated_at = owner.id, now
    queries.record(
        session, "forwarded", actor=actor, now=now, conversation=conversation, item=item, administration=owner.id
    )
    return item


def tell_of_forward(
    session: Session, item: OutboxItem, *, settings: Settings, knowledge: Knowledge, now: datetime
) -> None:
    """The forward has been sent: now, and not before, the asker may be told who has the question."""
    conversation = item.conversation
    owner = knowledge.administrations.get(conversation.administration or "")
    if conversation.status is ConversationStatus.WAITING:
        conversation.status = ConversationStatus.WITH_ADMINISTRATION
    to = asker(conversation)
    if owner is None or to is None:
        return
    language = "en" if conversation.language == "en" else "sv"
    say = knowledge.phrases[language]
    text = "\n\n".join(
        (
            say["opening.automatic"],
            say["forwarded"].format(name=owner.name.get(language)),
            say["contact.add.chat" if conversation.channel.is_chat else "contact.add.mail"],
            say["case"].format(case=conversation.case_number),
        )
    )
    outbox.enqueue(
        session,
        conversation,
        Reply(_subject(conversation), text, as_html(text, language), language),
        kind=OutboxKind.RECEIPT,
        to=(to,),
        settings=settings,
        answers=latest_from_asker(conversation),
        # It follows from a person's act, so it goes although the case is no longer with the bot.
        is_automatic=False,
        created_by=item.created_by,
        now=now,
    )


def resolve(session: Session, conversation: Conversation, *, actor: str, now: datetime) -> None:
    """Nothing more to do; suggestions are taken back. A new message opens it again."""
    queries.hold(session, conversation)
    outbox.cancel_automatic(session, conversation, now=now)
    settle(conversation, now)
    queries.record(session, "resolved", actor=actor, now=now, conversation=conversation)


def retry(session: Session, conversation: Conversation, *, actor: str, now: datetime) -> int:
    """Try again what failed in this case; returns how much that was."""
    queries.hold(session, conversation)
    count = 0
    for message in conversation.messages:
        if message.state is MessageState.FAILED:
            message.state, message.failure, message.attempts = MessageState.STORED, None, 0
            count += 1
    for item in conversation.outbox:
        if item.status is OutboxStatus.FAILED:
            item.status, item.not_before, item.queued_at, item.attempts = OutboxStatus.QUEUED, now, now, 0
            count += 1
    if not count:
        raise NotPossible(f"Inget i {conversation.case_number} har misslyckats.")
    if conversation.status is ConversationStatus.WAITING and conversation.reason == "failed":
        # It waited for nothing but this; left so, the bot would leave the message to a person unread.
        conversation.status, conversation.waiting_since = ConversationStatus.BOT, None
        conversation.answer_by = conversation.reason = None
    queries.record(session, "retried", actor=actor, now=now, conversation=conversation, count=count)
    return count


def settle(conversation: Conversation, now: datetime) -> None:
    """Nobody has anything left to do in the case."""
    conversation.status, conversation.is_urgent = ConversationStatus.RESOLVED, False
    conversation.waiting_since = conversation.answer_by = conversation.taken_by = None
    conversation.updated_at = now


def _subject(conversation: Conversation) -> str:
    return reply_subject(conversation.subject, conversation.language)


# ------------------------------------------------------------------ pause


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
    session.merge(Pause(scope=scope, value=value, paused_by=actor, paused_at=now))
    session.flush()
    queries.record(session, "paused", actor=actor, now=now, scope=scope, value=value)
    queued = session.scalars(
        select(OutboxItem).where(OutboxItem.status == OutboxStatus.QUEUED, OutboxItem.kind == OutboxKind.REPLY)
    ).all()
    count = 0
    for conversation in dict.fromkeys(item.conversation for item in queued):
        queries.hold(session, conversation)
        for item in outbox.unsent(session, conversation):
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
        raise NotPossible("Det finns ingen sådan paus. Se vilka som finns: lokbot pause --list")
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
