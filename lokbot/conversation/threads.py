"""Which conversation a message belongs to, by what proves it most; where nothing does, none.

A signed id of ours proves that the sender got our mail. An id of somebody else's mail, or a case number, binds only
those who take part in the conversation: whoever else quotes it gets a conversation of their own, linked to that one.
So does whoever answers in a conversation that has been erased. Two conversations are never made one here; what
people have made one is found by whatever either was found by.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import BindParameter, bindparam, select
from sqlalchemy.orm import Session

from lokbot.conversation import tokens
from lokbot.conversation.decision import WITH_A_PERSON
from lokbot.model import FROM_GROUP, IncomingMessage, OutboxKind
from lokbot.store import queries
from lokbot.store.schema import Contact, Conversation, Message, MessageReference, OutboxItem

_CASE_NUMBER = re.compile(r"\bLOK-(\d{4})-(\d{5,})\b", re.IGNORECASE)
# Whoever quotes a whole register of cases means none of them.
_MOST_NUMBERS = 5
# Whoever comes back to a chat later than this begins another matter, unless a person still has the last one.
CHAT_RESTS = timedelta(hours=24)


# Put together once: that takes longer than the database's answer.
_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_CHANNEL = bindparam("channel", type_=Message.channel.type)
_OUR_MAILS = select(OutboxItem).where(OutboxItem.external_id.in_(_IDS))
_PERSONS_ANSWERS = select(OutboxItem).where(
    OutboxItem.in_reply_to == bindparam("id"),
    OutboxItem.created_by == queries.MAILBOX,
    OutboxItem.kind == OutboxKind.ANSWER,
    OutboxItem.created_at >= bindparam("since", type_=OutboxItem.created_at.type),
)
_ANSWERED = (
    select(OutboxItem.in_reply_to)
    .where(OutboxItem.in_reply_to.in_(_IDS), OutboxItem.created_by == queries.MAILBOX)
    .distinct()
)
_NAMED = select(MessageReference.identity).where(MessageReference.identity.in_(_IDS)).distinct()
_THESE_MAILS = select(Message).where(Message.channel == _CHANNEL, Message.message_id.in_(_IDS)).order_by(Message.id)
_RELATIVES = (
    select(Message)
    .join(MessageReference, MessageReference.message_id == Message.id)
    .where(MessageReference.identity.in_(_IDS), Message.channel == _CHANNEL)
    .order_by(Message.id.desc())
    .limit(_MOST_NUMBERS)
)


@dataclass(frozen=True, slots=True)
class Thread:
    """Where a message belongs (None: to a new conversation), and what a new one is linked to."""

    conversation: Conversation | None = None
    related: Conversation | None = None


def heard_of(session: Session, messages: Iterable[IncomingMessage]) -> frozenset[str]:
    """Of the ids that mails bear or name, those that what is stored answers or refers to: of others ``find`` need not
    ask. Asked once for many mails, of which nearly all are the first of their thread.
    """
    ids = {one for each in messages if not each.channel.is_chat for one in (*_answered(each), each.message_id) if one}
    if not ids:
        return frozenset()
    named = session.scalars(_NAMED, {"ids": list(ids)})
    answered = session.scalars(_ANSWERED, {"ids": list(ids)})
    return frozenset((*named, *(identity for identity in answered if identity)))


def find(session: Session, incoming: IncomingMessage, key: bytes, heard_of: Collection[str]) -> Thread:
    """Ask what proves most first; the first that knows the conversation decides.

    A mail that its domain disowns (DMARC) is not believed in who wrote it: only a signed id places it. ``heard_of``:
    what the function of that name has said of this message in this transaction.
    """
    if incoming.command == FROM_GROUP:
        return Thread(_by_our_mail(session, incoming.in_reply_to))
    if incoming.channel.is_chat:
        return _in_chat(session, incoming)
    if incoming.message_id in heard_of and (conversation := _by_a_persons_answer(session, incoming)):
        return Thread(conversation)
    ids = _answered(incoming)
    if conversation := _by_token(session, incoming, ids, key) or _by_our_mail(session, ids):
        return Thread(related=conversation) if conversation.erased_at else Thread(conversation)
    numbered = _with_these_numbers(session, incoming)
    related: Conversation | None = None
    for candidates in (
        _with_these_mails(session, incoming, ids),
        _with_the_same_ancestors(session, incoming, [each for each in (*ids, incoming.message_id) if each in heard_of]),
        numbered,
    ):
        is_unclear = candidates is numbered and len(numbered) > 1
        for candidate in candidates if not (is_unclear or incoming.authentication.is_failed) else ():
            if incoming.sender.email in participants(session, candidate):
                return Thread(candidate)
        related = related or next(iter(candidates), None)
    return Thread(related=related)


def _in_chat(session: Session, incoming: IncomingMessage) -> Thread:
    """A chat has one conversation going at a time. What is pressed or edited belongs to what it stands under or was."""
    own = (
        select(Conversation)
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(
            Contact.channel == incoming.channel,
            Contact.address == incoming.sender.email,
            Conversation.merged_into_id.is_(None),
        )
        .order_by(Conversation.id.desc())
        .limit(1)
    )
    pressed = own.join(OutboxItem, OutboxItem.conversation_id == Conversation.id).where(
        OutboxItem.external_id.in_(incoming.in_reply_to)
    )
    edited = own.join(Message, Message.conversation_id == Conversation.id).where(
        Message.channel == incoming.channel, Message.external_id == incoming.replaces
    )
    for known in ((pressed,) if incoming.in_reply_to else ()) + ((edited,) if incoming.replaces else ()):
        if conversation := session.scalar(known):
            return Thread(conversation)
    latest = session.scalar(own)
    if latest is None or latest.hidden_at is not None:
        return Thread(related=latest)
    is_going_on = latest.status in WITH_A_PERSON or latest.updated_at > incoming.received_at - CHAT_RESTS
    return Thread(latest) if is_going_on else Thread(related=latest)


def _answered(incoming: IncomingMessage) -> list[str]:
    """The ids that the message answers, nearest first: a bounced mail, In-Reply-To, then References from the end."""
    ids = [*incoming.in_reply_to, *reversed(incoming.references)]
    bounced = incoming.bounce.original_message_id
    return list(dict.fromkeys([bounced, *ids] if bounced else ids))


def _by_token(session: Session, incoming: IncomingMessage, ids: Sequence[str], key: bytes) -> Conversation | None:
    """Where the mail of ours lies that it answers, which may have been moved since it was signed; else what its id, or
    the address that it went to, was signed for.
    """
    recipients = (address.email for address in (*incoming.to, *incoming.cc, *incoming.delivered_to))
    for identity in ids:
        if number := tokens.conversation_of(key, identity):
            found = _by_our_mail(session, [identity]) or session.get(Conversation, number)
            if found is not None:
                return queries.whole(session, found)
    signed = [
        tokens.conversation_at(key, email) or tokens.answered_at(key, email, incoming.sender.email)
        for email in recipients
    ]
    return next(
        (queries.whole(session, found) for number in signed if number and (found := session.get(Conversation, number))),
        None,
    )


def _by_our_mail(session: Session, ids: Sequence[str]) -> Conversation | None:
    """Mails of ours whose ids carry no signature: those that people sent, and those of older versions."""
    if not ids:
        return None
    ours = session.scalars(_OUR_MAILS, {"ids": ids}).all()
    nearest = min(ours, key=lambda item: ids.index(item.external_id), default=None)
    return nearest.conversation if nearest else None


def _by_a_persons_answer(session: Session, incoming: IncomingMessage) -> Conversation | None:
    """Where a person's answer to this very message is, sent from a mail program before the message was read here."""
    if incoming.message_id is None:
        return None
    answers = session.scalars(_PERSONS_ANSWERS, {"id": incoming.message_id, "since": incoming.received_at})
    askers = {address.email for address in (incoming.sender, *incoming.reply_to)}
    return next(
        (one.conversation for one in answers if askers & {each["email"] for each in (*one.to, *one.cc)}),
        None,
    )


def _with_these_mails(session: Session, incoming: IncomingMessage, ids: Sequence[str]) -> list[Conversation]:
    if not ids:
        return []
    seen = session.scalars(_THESE_MAILS, {"channel": incoming.channel, "ids": ids}).all()
    return _each_once(
        message.conversation for message in sorted(seen, key=lambda message: ids.index(message.message_id or ""))
    )


def _with_the_same_ancestors(
    session: Session, incoming: IncomingMessage, ids: Sequence[str | None]
) -> list[Conversation]:
    """Mails that refer to an ancestor of this one, or to this one itself: answers overtake, and we never see what
    people write to each other before they put us in copy.
    """
    if not ids:
        return []
    relatives = session.scalars(_RELATIVES, {"channel": incoming.channel, "ids": ids}).all()
    return _each_once(message.conversation for message in relatives)


def _with_these_numbers(session: Session, incoming: IncomingMessage) -> list[Conversation]:
    """The cases that the message names, in the subject if there, else in the new words."""
    for text in (incoming.subject, incoming.new_text):
        numbers = list(dict.fromkeys(f"LOK-{year}-{number}" for year, number in _CASE_NUMBER.findall(text)))
        if not numbers:
            continue
        if len(numbers) > _MOST_NUMBERS:
            return []
        found = session.scalars(select(Conversation).where(Conversation.case_number.in_(numbers))).all()
        named = sorted(found, key=lambda each: numbers.index(each.case_number))
        return _each_once(queries.whole(session, each) for each in named)
    return []


def _each_once(conversations: Iterable[Conversation]) -> list[Conversation]:
    return list(dict.fromkeys(conversations))


def participants(session: Session, conversation: Conversation, *, before: int | None = None) -> frozenset[str]:
    """The addresses that take part in a conversation: whoever wrote in it, was written to or got a copy.

    With ``before`` those that did so before the message of that id came.
    """
    found = {conversation.contact.address}
    rows = select(Message.sender_email, Message.to, Message.cc, Message.reply_to)
    rows = rows.where(Message.conversation_id == conversation.id)
    if before is not None:
        rows = rows.where(Message.id < before)
    for sender, *lists in session.execute(rows):
        found.add(sender)
        found.update(address["email"] for listed in lists for address in listed)
    for to, cc in session.execute(
        select(OutboxItem.to, OutboxItem.cc).where(OutboxItem.conversation_id == conversation.id)
    ):
        found.update(address["email"].lower() for address in (*to, *cc))
    return frozenset(found - {""})
