"""A matter that began in a chat goes on by mail or telephone: what is sensitive does not belong in a company's chat,
and whoever has left a web chat is to get the answer all the same.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import outbox, parties
from lokbot.conversation.reply import as_html, reply_subject
from lokbot.model import Address, ChannelName, Knowledge, NotPossible, OutboxKind, Reply
from lokbot.store import queries
from lokbot.store.schema import Conversation, OutboxItem


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
        raise NotPossible("{case} är ingen chatt och kan inte flyttas.", case=conversation.case_number)
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


def also_by_mail(
    session: Session, item: OutboxItem, text: str, *, settings: Settings, knowledge: Knowledge, now: datetime
) -> OutboxItem | None:
    """What a person answers in the web chat goes by mail too, where the asker has left an address. ``text`` is the
    answer as the chat got it. Belongs into the commit that says that the chat has it: neither is without the other.
    """
    conversation = item.conversation
    to = conversation.reach_by or ""
    is_answer = item.kind in (OutboxKind.ANSWER, OutboxKind.CORRECTION)
    is_released = item.kind is OutboxKind.REPLY and not item.is_automatic
    if item.channel is not ChannelName.WEBCHAT or "@" not in to or not (is_answer or is_released):
        return None
    language = parties.language_of(conversation)
    say = knowledge.phrases[language]
    whole = "\n\n".join((say["reached.opening"], text, say["case"].format(case=conversation.case_number)))
    subject = reply_subject(conversation.subject, language, empty=say["subject.empty"])
    return outbox.enqueue(
        session,
        conversation,
        Reply(subject, whole, as_html(whole, language), language),
        kind=item.kind,
        channel=ChannelName.MAIL,
        to=(Address("", to),),
        settings=settings,
        is_automatic=False,  # it follows from a person's act
        created_by=item.created_by,
        attachments=outbox.outgoing(item).attachments,
        now=now,
    )
