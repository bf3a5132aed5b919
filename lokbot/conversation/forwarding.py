"""Send a case on to an administration, and tell the asker once it was sent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import notification, outbox, reading
from lokbot.conversation.parties import asker, door, fits_in_a_mail, from_asker, latest_from_asker, mail_address, shown
from lokbot.conversation.reply import as_html, reply_subject
from lokbot.masking import mask_writer
from lokbot.model import (
    Address,
    Administration,
    AdministrationKind,
    Attachment,
    ChannelName,
    ConversationStatus,
    Knowledge,
    NotPossible,
    OutboxKind,
    OutboxStatus,
    Outcome,
    Reply,
)
from lokbot.store import queries
from lokbot.store.schema import Conversation, DecisionRecord, Forward, Message, OutboxItem


def concerned(conversation: Conversation) -> str:
    """What goes to an administration where the coordinator says nothing else: the questions that nobody has answered,
    not the mail they stand in, and not who asks. Boards are authorities of their own, and what one gets another must
    not have.
    """
    return _unnamed(_open_questions(conversation), conversation)


def _unnamed(text: str, conversation: Conversation, written: Message | None = None) -> str:
    written = written or latest_from_asker(conversation)
    name = (written.sender_name if written else "") or conversation.contact.name
    return mask_writer(text, name)


def _open_questions(conversation: Conversation) -> str:
    since = conversation.waiting_since
    texts = [
        question.text.strip()
        for message in from_asker(conversation)
        if since is None or message.received_at >= since
        for question in message.questions
        if any(_is_open(decision) for decision in question.decisions)
    ]
    if any(texts):
        return "\n\n".join(dict.fromkeys(filter(None, texts)))
    latest = latest_from_asker(conversation)
    return reading.whole(latest).strip() if latest else ""


def receivers(knowledge: Knowledge) -> list[Administration]:
    """Whom a case can be sent on to: the city's own, but not the desk itself and nobody outside the city."""
    others = (AdministrationKind.COORDINATORS, AdministrationKind.OUTSIDE)
    return [one for one in knowledge.administrations.values() if one.kind not in others]


def is_asked(conversation: Conversation) -> bool:
    """Whether an administration has been asked, or is about to be, that has neither answered nor returned it."""
    return any(
        item.status is not OutboxStatus.CANCELLED and forward.answered_at is None and forward.returned_at is None
        for item in conversation.outbox
        if (forward := item.forward) is not None
    )


def _is_open(decision: DecisionRecord) -> bool:
    return decision.outcome in (Outcome.ESCALATE, Outcome.ROUTE) or decision.held_because is not None


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
    text: str | None = None,
    names_asker: bool = False,
    directly: bool = False,
    messages: Collection[int] = (),
    attachments: Sequence[Attachment] = (),
) -> OutboxItem:
    """Ask an administration, which answers in its own mail program. The asker is told once the mail has been sent.

    ``address`` where the administration has none in knowledge/administrations.yaml, or another is wanted. ``text`` is
    what goes along (default: ``concerned``); ``names_asker`` says who asks as well; ``messages`` are ids of the asker's
    that go along whole, and ``attachments`` (``uploads.read``) their files. ``directly``: what they answer goes to the
    asker by itself, after the undo time, if nothing about it can be a slip or a forgery.
    """
    owner = knowledge.administrations.get(administration)
    if owner is None:
        known = ", ".join(sorted(knowledge.administrations))
        raise NotPossible(
            "Det finns ingen förvaltning ”{name}”.", name=administration, terminal=f"Välj bland: {known}."
        )
    to = address or owner.address
    if not to:
        raise NotPossible(
            "Kunskapen har ingen mejladress till {name}. Skriv en i fältet Mejladress, under Skicka vidare i ärendet.",
            name=owner.name.sv,
            terminal="--to namn@helsingborg.se",
        )
    queries.hold(session, conversation)
    mail_address(to)
    if text is not None and not text.strip():
        raise NotPossible("Det står inget att skicka vidare. Skriv en text först.")
    whole = [message for message in from_asker(conversation) if message.id in messages]
    if len(whole) != len(set(messages)):
        raise NotPossible("Ett meddelande som du valde finns inte i ärendet. Inget är skickat. Välj igen.")
    fits_in_a_mail(attachments, settings)
    if directly and not settings.imap.authserv_ids:
        raise NotPossible(
            "Svaret kan inte gå direkt: stadens mejlserver intygar inga avsändare.", terminal="(imap.authserv_ids)"
        )
    if directly and asker(conversation) is None:
        raise NotPossible(
            "Svaret kan inte gå direkt: {case} har ingen adress att svara till.", case=conversation.case_number
        )
    outbox.cancel_automatic(session, conversation, now=now)
    conversation.status, conversation.snoozed_until = ConversationStatus.WITH_ADMINISTRATION, None
    conversation.taken_by = conversation.taken_by or actor
    return _send_on(
        session,
        conversation,
        owner,
        to,
        text or concerned(conversation),
        actor=actor,
        settings=settings,
        knowledge=knowledge,
        now=now,
        not_before=not_before,
        names_asker=names_asker,
        directly=directly,
        whole=whole,
        attachments=attachments,
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
    address = owner.automatic_address
    if address is None:
        return None
    return _send_on(
        session,
        conversation,
        owner,
        address,
        concerned(conversation),
        actor="bot",
        settings=settings,
        knowledge=knowledge,
        now=now,
    )


def _send_on(
    session: Session,
    conversation: Conversation,
    owner: Administration,
    address: str,
    text: str,
    *,
    actor: str,
    settings: Settings,
    knowledge: Knowledge,
    now: datetime,
    not_before: datetime | None = None,
    names_asker: bool = False,
    directly: bool = False,
    whole: Sequence[Message] = (),
    attachments: Sequence[Attachment] = (),
) -> OutboxItem:
    latest = latest_from_asker(conversation)
    if latest is None:
        raise NotPossible("Det finns inget meddelande i {case} att skicka vidare.", case=conversation.case_number)
    reply = notification.forwarded(
        conversation.case_number,
        conversation.subject if names_asker else _unnamed(conversation.subject, conversation),
        latest.received_at,
        text,
        knowledge,
        sender=_named(conversation) if names_asker else "",
        is_direct=directly,
        whole=[
            (message.received_at, text if names_asker else _unnamed(text, conversation, message))
            for message in whole
            for text in [message.new_text or message.text]
        ],
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
        attachments=attachments,
    )
    item.forward = Forward(administration=owner.id, is_direct=directly)
    conversation.administration, conversation.updated_at = owner.id, now
    queries.record(
        session,
        "forwarded",
        actor=actor,
        now=now,
        conversation=conversation,
        item=item,
        administration=owner.id,
        directly=directly,
    )
    return item


def _named(conversation: Conversation) -> str:
    one = asker(conversation)
    return shown(one, conversation) if one else ""


def tell_of_forward(
    session: Session, item: OutboxItem, *, settings: Settings, knowledge: Knowledge, now: datetime
) -> None:
    """The forward has been sent: now, and not before, the asker may be told who has the question."""
    conversation = item.conversation
    asked = item.forward.administration if item.forward else conversation.administration
    owner = knowledge.administrations.get(asked or "")
    if conversation.status is ConversationStatus.WAITING:
        conversation.status = ConversationStatus.WITH_ADMINISTRATION
    to = asker(conversation)
    if owner is None or to is None:
        return
    answers = latest_from_asker(conversation)
    language = "en" if conversation.language == "en" else "sv"
    say = knowledge.phrases[language]
    text = "\n\n".join(
        (
            say["opening.automatic"],
            say["forwarded"].format(name=owner.name.get(language)),
            say["contact.add.chat" if door(conversation, (to,), answers).is_chat else "contact.add.mail"],
            say["case"].format(case=conversation.case_number),
        )
    )
    outbox.enqueue(
        session,
        conversation,
        Reply(reply_subject(conversation.subject, conversation.language), text, as_html(text, language), language),
        kind=OutboxKind.RECEIPT,
        to=(to,),
        settings=settings,
        answers=answers,
        # It follows from a person's act, so it goes although the case is no longer with the bot.
        is_automatic=False,
        created_by=item.created_by,
        now=now,
    )
