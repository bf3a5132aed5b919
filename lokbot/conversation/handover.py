"""Hand a case to people: the state first, then the mail that tells them of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import caps, notification, outbox, parties, reading, snoozing, threads, tokens, working_days
from lokbot.conversation.decision import WITH_A_PERSON
from lokbot.conversation.notification import Line, Notice
from lokbot.masking import has_personal_number
from lokbot.model import Address, Authentication, ChannelName, ConversationStatus, Knowledge, OutboxKind, Reply
from lokbot.store import queries
from lokbot.store.schema import Contact, Conversation, Message, OutboxItem


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
    snoozing.wake(session, conversation, actor="bot", now=now)
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
        sender=parties.shown(Address(message.sender_name, message.sender_email), conversation),
        received_at=message.received_at,
        reason=reason,
        reason_detail=message.automatic_kind or "",
        is_urgent=conversation.is_urgent,
        held=held,
        answer_by=conversation.answer_by if has_receipt else None,
        owner=conversation.administration if conversation.administration in knowledge.administrations else None,
        text=reading.whole(message),
        files=[each.name for one in reading.mates(message) for each in parties.attached(one)],
        channel=conversation.channel,
        suggestion=suggestion.text if suggestion else None,
        earlier=_earlier(conversation, message),
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
    if room == "free":
        _tell_group(session, conversation, message, notice, settings=settings, knowledge=knowledge, now=now)


def _tell_group(
    session: Session,
    conversation: Conversation,
    message: Message,
    notice: Notice,
    *,
    settings: Settings,
    knowledge: Knowledge,
    now: datetime,
) -> None:
    """The same in the coordinators' group in Telegram, where the city lets them have one. What is urgent (threats,
    distress, complaints) and what holds a personal number is told without a word of it, whatever is set.
    """
    telegram = settings.telegram
    if not (telegram.is_allowed and telegram.coordinators_chat):
        return
    is_sensitive = conversation.is_urgent or has_personal_number(notice.text) or bool(message.attachments)
    topic = knowledge.topics.get(conversation.topic or "")
    reply = notification.in_group(
        replace(notice, undo_minutes=settings.answering.undo_minutes),
        knowledge,
        topic=topic.name.sv if topic else None,
        link=f"{settings.web.public_url}/arenden/{conversation.case_number}",
        is_text_told=telegram.coordinators_text and not is_sensitive and bool(notice.text.strip()),
    )
    outbox.enqueue(
        session,
        conversation,
        reply,
        kind=OutboxKind.NOTIFICATION,
        channel=ChannelName.TELEGRAM,
        to=(Address("", telegram.coordinators_chat),),
        settings=settings,
        now=now,
    )


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
    with session.no_autoflush:
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
    with session.no_autoflush:  # what has come back was written long ago
        items = session.scalars(select(OutboxItem).where(OutboxItem.external_id.in_(identities))).all()
    for item in items:
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
    snoozing.wake(session, conversation, actor="bot", now=now)
    reply = notification.plain(
        "notify.not-sent",
        conversation.case_number,
        conversation.subject,
        knowledge,
        subject_key="notify.subject.failed",
        to=", ".join(address["email"] for address in (*item.to, *item.cc)),
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
    """Mail every coordinator who is not away (all of them where all are), one mail each, the deputy of an absent one
    whose case it is, and the addresses of ``also``.
    """
    away = _away(session, now)
    present = [coordinator for coordinator in settings.coordinators if coordinator.lower() not in away]
    deputy = away.get((conversation.taken_by or "").lower())
    _mail(
        session,
        conversation,
        reply,
        (*(present or settings.coordinators), *([deputy] if deputy else []), *also),
        settings=settings,
        now=now,
    )


def tell_those_with(
    session: Session, conversation: Conversation, reply: Reply, *, settings: Settings, now: datetime
) -> None:
    """Mail the coordinator who has the case, and their deputy while they are away; all of them where nobody among them
    has it, or who has it is away without a deputy.
    """
    away = _away(session, now)
    theirs = (conversation.taken_by or "").lower()
    deputy = away.get(theirs)
    is_alone = theirs in away and (deputy is None or deputy in away)
    if is_alone or theirs not in {coordinator.lower() for coordinator in settings.coordinators}:
        tell_coordinators(session, conversation, reply, settings=settings, now=now)
    else:
        to = (theirs, deputy) if deputy else (theirs,)
        _mail(session, conversation, reply, to, settings=settings, now=now)


def _away(session: Session, now: datetime) -> Mapping[str, str | None]:
    today = now.astimezone(working_days.SWEDEN).date()
    return queries.once(session, f"away on {today}", lambda: queries.away(session, today))


def _mail(
    session: Session,
    conversation: Conversation,
    reply: Reply,
    addresses: Sequence[str],
    *,
    settings: Settings,
    now: datetime,
) -> None:
    once: dict[str, str] = {}
    for address in addresses:
        once.setdefault(address.lower(), address)
    for address in once.values():
        outbox.enqueue(
            session,
            conversation,
            reply,
            kind=OutboxKind.NOTIFICATION,
            channel=ChannelName.MAIL,
            to=(Address("", address),),
            settings=settings,
            now=now,
        )


def _earlier(conversation: Conversation, message: Message) -> Sequence[Line]:
    before = [earlier for earlier in conversation.messages if earlier.id < message.id]
    if not before:
        return ()
    lines = [Line(one.received_at, is_ours=False, text=one.new_text or one.text) for one in before]
    lines += [
        Line(item.created_at, is_ours=True, text=item.text)
        for item in queries.told(conversation)
        if item.message_id is not None and item.message_id < message.id
    ]
    return sorted(lines, key=lambda line: line.at)
