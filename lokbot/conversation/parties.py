"""Who is who in a case: the asker who gets the answers, whoever else takes part, and those inside who only answer what
we sent to them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import tokens
from lokbot.conversation.decision import answer_language
from lokbot.model import Address, Attachment, ChannelName, NotPossible, OutboxKind
from lokbot.store import queries
from lokbot.store.schema import AttachmentContent, Conversation, Message, MessageAttachment, OutboxItem

# What an administration answers is passed on in its name: ``created_by`` is this and the administration's id.
ADMINISTRATION = "administration:"

LONGEST_ADDRESS = 320

# What is small and drawn is a logotype in a signature, not something handed in.
SMALL_IMAGE = 50_000  # bytes


def asker(conversation: Conversation, message: Message | None = None) -> Address | None:
    """Who gets the answers: the Reply-To of the asker's latest message (or of ``message``) if it has one, else its
    sender; the contact where we wrote first. None without an address, as after an erasure.
    """
    latest = message or latest_from_asker(conversation)
    if conversation.erased_at is not None:
        return None
    if message is None and is_moved_to_mail(conversation) and (latest is None or latest.channel.is_chat):
        return Address(conversation.contact.name, conversation.moved_to or "")
    if latest is None:
        contact = conversation.contact
        return Address(contact.name, contact.address) if contact.address else None
    reply_to = queries.addresses(latest.reply_to)
    is_named = len(reply_to) == 1 and reply_to[0].email
    address = reply_to[0] if is_named else Address(latest.sender_name, latest.sender_email)
    return address if address.email else None


def is_moved_to_mail(conversation: Conversation) -> bool:
    """Whether people's answers to a matter that began in a chat go to a mail address."""
    return "@" in (conversation.moved_to or "")


def door(conversation: Conversation, to: Sequence[Address], answers: Message | None) -> ChannelName:
    """Which way a text to ``to`` goes: as the message that it answers came, and by mail where that is no door of ours
    (a call, a visit) or where the matter was moved to that address.
    """
    came_by = answers.channel if answers is not None else conversation.channel
    is_moved = is_moved_to_mail(conversation) and any(one.email == conversation.moved_to for one in to)
    return ChannelName.MAIL if came_by.is_logged or is_moved else came_by


def language_of(conversation: Conversation) -> str:
    """In which of our languages somebody is written to: the one they have chosen, else the conversation's; Swedish
    where that is none of ours.
    """
    return conversation.contact.language or answer_language(conversation.language) or "sv"


def mail_address(text: str) -> str:
    """A mail address as it is kept. Raises NotPossible where it is none."""
    address = text.strip().lower()
    if len(address) > LONGEST_ADDRESS or not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", address):
        raise NotPossible("”{address}” är ingen mejladress.", address=text.strip()[:80])
    return address


def telephone(text: str) -> str:
    """A telephone number as it is kept. Raises NotPossible where it is none."""
    digits = re.sub(r"[\s()/–-]", "", text)
    if not re.fullmatch(r"\+?\d{3,20}", digits):
        raise NotPossible("”{number}” är inget telefonnummer.", number=text.strip()[:80])
    return digits


def shown(address: Address, conversation: Conversation) -> str:
    """An asker for people to read: in a chat by name and door, since its id says nothing."""
    if not conversation.channel.is_chat or "@" in address.email:
        return str(address)
    door = "Telegram" if conversation.channel is ChannelName.TELEGRAM else "webbchatten"
    return f"{address.name} ({door})" if address.name else door


def latest_from_asker(conversation: Conversation) -> Message | None:
    """What is to be answered: the latest message that neither a machine nor somebody inside wrote, and that is more
    than a button pressed. None where nobody has written yet.
    """
    theirs = from_asker(conversation)
    return theirs[-1] if theirs else conversation.messages[0] if conversation.messages else None


def from_asker(conversation: Conversation) -> Sequence[Message]:
    """The messages that neither a machine nor somebody inside wrote, oldest first; no buttons and bare commands."""
    return [
        message
        for message in conversation.messages
        if message.automatic_kind is None
        and message.bounce is None
        and not is_bare_command(message)
        and not is_from_inside(message)
    ]


def is_bare_command(message: Message) -> bool:
    """Whether the message is a button pressed, or a command without a word of the asker's own."""
    return message.command is not None and (not message.new_text or message.new_text.startswith("/"))


def others(conversation: Conversation, settings: Settings) -> tuple[Address, ...]:
    """Who else takes part in the asker's mails, and may be kept in copy: not the asker, nor us, nor those inside."""
    us = {one.lower() for one in (settings.smtp.from_address, settings.imap.user, *settings.coordinators)}
    asked = {email for item in conversation.outbox if item.forward is not None for email in _recipients(item)}
    answered = asker(conversation)
    left_out = {*us, *asked, answered.email if answered else ""}
    found: dict[str, Address] = {}
    for message in from_asker(conversation):
        writer = Address(message.sender_name, message.sender_email)
        for one in (writer, *queries.addresses((*message.to, *message.cc))):
            if one.email and one.email not in left_out and not tokens.is_reply_address(one.email):
                found.setdefault(one.email, one)
    return tuple(found.values())


def is_from_inside(message: Message) -> bool:
    """Whether a coordinator or an administration answers what we sent to them about the case. What they write is
    not for the bot, and what we write to the asker is not for them.
    """
    conversation = message.conversation
    if message.sender_email == conversation.contact.address:
        return False
    if any(
        decision.reason in ("from-coordinator", "from-administration")
        for question in message.questions
        for decision in question.decisions
    ):
        return True
    return any(
        item.external_id in _answered(message) or message.sender_email in _recipients(item)
        for item in conversation.outbox
        if item.kind in (OutboxKind.NOTIFICATION, OutboxKind.FORWARD)
    )


def forward_answered(message: Message) -> OutboxItem | None:
    """The forward that an administration answers by this message; the newest that went to its sender where the
    message does not say. None where the message is nobody's answer to a forward of ours.
    """
    if not is_from_inside(message):
        return None
    forwards = [item for item in reversed(message.conversation.outbox) if item.forward is not None]
    named = (item for item in forwards if item.external_id in _answered(message))
    sent_to = (item for item in forwards if message.sender_email in _recipients(item))
    return next(named, None) or next(sent_to, None)


def is_proven_answer(session: Session, message: Message, forward: OutboxItem, key: bytes) -> bool:
    """Whether the message comes from the address that the forward went to, and carries an id of ours that only who
    got it has.
    """
    if message.sender_email not in _recipients(forward):
        return False
    listed = (address["email"] for address in (*message.to, *message.cc))
    return forward.external_id in _answered(message) or any(
        leads_to(session, tokens.answered_at(key, email, message.sender_email), message.conversation_id)
        for email in listed
    )


def leads_to(session: Session, number: int | None, conversation: int) -> bool:
    """Whether a signed number is the conversation's (an id), or that of one that has become part of it."""
    found = session.get(Conversation, number) if number is not None else None
    return found is not None and queries.whole(session, found).id == conversation


def other_recipients(message: Message, settings: Settings) -> list[str]:
    """Everybody but us that the mail went to."""
    ours = {settings.smtp.from_address.lower(), settings.imap.user.lower()}
    listed = (address["email"].lower() for address in (*message.to, *message.cc))
    return [email for email in listed if email not in ours and not tokens.is_reply_address(email)]


def has_attachment(message: Message) -> bool:
    """Whether something is attached that somebody should look at."""
    return bool(attached(message))


def attachments(session: Session, message: Message) -> tuple[Attachment, ...]:
    """What is attached to a message, to be passed on: not the logotypes of a signature."""
    return tuple(
        Attachment(
            each.name,
            each.content_type,
            each.size,
            each.sha256,
            session.get_one(AttachmentContent, each.sha256).content,
        )
        for each in attached(message)
    )


def fits_in_a_mail(attachments: Sequence[Attachment], settings: Settings) -> None:
    """Raises NotPossible where they are too large together."""
    if (size := sum(each.size for each in attachments)) > settings.web.max_upload_bytes:
        total, most = (f"{count / 1_000_000:.1f}".replace(".", ",") for count in (size, settings.web.max_upload_bytes))
        raise NotPossible("Bilagorna är {total} MB. Högst {most} MB kan skickas.", total=total, most=most)


def attached(message: Message) -> list[MessageAttachment]:
    return [
        attachment
        for attachment in message.attachments
        if not (attachment.content_type.startswith("image/") and attachment.size < SMALL_IMAGE)
    ]


def is_passed_on(item: OutboxItem) -> bool:
    """Whether it is what an administration answered, and no coordinator has made it their own."""
    return item.created_by.startswith(ADMINISTRATION)


def _answered(message: Message) -> set[str]:
    return {*message.in_reply_to, *message.references}


def _recipients(item: OutboxItem) -> set[str]:
    return {address["email"].lower() for address in item.to}
