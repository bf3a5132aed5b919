"""A matter that began in a chat goes on by mail or telephone: what is sensitive does not belong in a company's chat."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import outbox, parties
from lokbot.model import Address, Knowledge, NotPossible, OutboxKind, Reply
from lokbot.store import queries
from lokbot.store.schema import Conversation


def move(
    session: Session,
    conversation: Conversation,
    to: str,
    *,
    actor: str,
    settings: Settings,
    knowledge: Knowledge,
    now: datetime,
) -> None:
    """Let a person's answers go to a mail address from now on, or keep the telephone number that somebody calls.
    Whoever asked is told so in the chat, without the address.

    What the bot says by itself, and a suggestion that is released, stay where the question was asked. Raises
    NotPossible where the case is no chat's, and for what is neither a mail address nor a telephone number.
    """
    queries.hold(session, conversation)
    if not conversation.channel.is_chat:
        raise NotPossible(f"{conversation.case_number} är ingen chatt och kan inte flyttas.")
    conversation.moved_to = parties.mail_address(to) if "@" in to else parties.telephone(to)
    conversation.updated_at = now
    way = "mail" if parties.is_moved_to_mail(conversation) else "phone"
    queries.record(session, "moved", actor=actor, now=now, conversation=conversation, by=way)
    chat = conversation.contact
    if chat.undeliverable_at is not None:
        return
    language = parties.language_of(conversation)
    say = knowledge.phrases[language]
    outbox.enqueue(
        session,
        conversation,
        Reply("", f"{say[f'moved.{way}']}\n\n{say['case'].format(case=conversation.case_number)}", None, language),
        kind=OutboxKind.RECEIPT,
        channel=conversation.channel,
        to=(Address(chat.name, chat.address),),
        settings=settings,
        is_automatic=False,  # it follows from a person's act
        created_by=actor,
        now=now,
    )
