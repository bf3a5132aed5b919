"""A call or a visit as a case: what was said stands beside what was mailed, and nothing goes to anybody by itself."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import parties
from lokbot.conversation.working_days import SWEDEN, promised_day
from lokbot.model import ChannelName, ConversationStatus, MessageState, NotPossible
from lokbot.store import queries
from lokbot.store.schema import Contact, Conversation, Message


def log_call(
    session: Session,
    *,
    text: str,
    channel: ChannelName,
    actor: str,
    settings: Settings,
    now: datetime,
    name: str = "",
    phone: str = "",
    mail: str = "",
    subject: str = "",
    is_done: bool = False,
) -> Conversation:
    """A new case of ``actor``'s with what somebody said (``phone`` or ``visit``), or a resolved one if it is done.

    A worker then notes what it is about, like of a mail. Where a mail address is known it can be answered by mail.
    Raises NotPossible for another channel, without words, and for what is no address or number.
    """
    text = text.strip()
    mail, digits = parties.mail_address(mail) if mail.strip() else "", parties.telephone(phone) if phone.strip() else ""
    if not channel.is_logged:
        raise NotPossible("Välj samtal eller besök.", terminal="(phone eller visit)")
    if not text:
        raise NotPossible("Skriv vad det gällde.")
    number = queries.next_case_number(session, now.astimezone(SWEDEN).year)
    conversation = Conversation(
        case_number=number,
        channel=channel,
        contact=_contact(session, channel, name, mail, digits, number, now),
        subject=" ".join(subject.split()) or text.split("\n")[0][:80],
        language="sv",
        status=ConversationStatus.RESOLVED if is_done else ConversationStatus.TAKEN,
        reason="logged",
        is_urgent=False,
        taken_by=None if is_done else actor,
        waiting_since=None if is_done else now,
        answer_by=None if is_done else promised_day(now, settings.promise),
        created_at=now,
        updated_at=now,
    )
    message = Message(
        channel=channel,
        external_id=f"{channel}-{secrets.token_hex(16)}",
        conversation=conversation,
        raw=text.encode(),
        in_reply_to=[],
        references=[],
        sender_name=name.strip()[:300],
        sender_email=mail,
        reply_to=[],
        to=[],
        cc=[],
        subject=conversation.subject,
        text=text,
        new_text=text,
        received_at=now,
        is_readable=True,
        warnings=[],
        state=MessageState.STORED,
        attempts=0,
        stored_at=now,
    )
    session.add_all((conversation, message))
    session.flush()
    queries.record(session, "logged", actor=actor, now=now, conversation=conversation, message=message, done=is_done)
    return conversation


def _contact(
    session: Session, channel: ChannelName, name: str, mail: str, digits: str, number: str, now: datetime
) -> Contact:
    """Known by their mail address, else by their telephone number; who gives neither is nobody that we know."""
    if mail:
        return queries.contact_at(session, ChannelName.MAIL, mail, name.strip(), now=now)
    if digits:
        return queries.contact_at(session, ChannelName.PHONE, digits, name.strip(), now=now)
    return queries.contact_at(session, channel, number, name.strip(), now=now)
