"""What is to be sent: committed first, sent later, claimed by one UPDATE, never lost and never twice another mail.

    enqueue -> (held -> release) -> claim -> Channel.send -> settle

A crash between the send and its commit repeats the mail with the same Message-ID when the lease has run out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, exists, func, or_, select, true, update
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.dml import ReturningUpdate

from lokbot.config import Settings
from lokbot.conversation import parties, tokens
from lokbot.model import (
    Address,
    Attachment,
    Button,
    ChannelError,
    ChannelName,
    ConversationStatus,
    OutboxKind,
    OutboxStatus,
    OutgoingMessage,
    Reply,
)
from lokbot.store import queries
from lokbot.store.schema import Conversation, Message, OutboxAttachment, OutboxItem, Pause

# References grow with a thread; RFC 5322 3.6.4 lets us drop from the middle, servers dislike very long headers.
MAX_REFERENCES = 20

# So long a message in a chat waits for the one before it, which may be stuck.
LONGEST_TURN = timedelta(minutes=10)


# A person has taken over, so the bot says nothing more.
SILENT = (ConversationStatus.TAKEN, ConversationStatus.WITH_ADMINISTRATION)


def enqueue(
    session: Session,
    conversation: Conversation,
    reply: Reply,
    *,
    kind: OutboxKind,
    to: Sequence[Address],
    settings: Settings,
    now: datetime,
    answers: Message | None = None,
    is_automatic: bool = True,
    is_held: bool = False,
    created_by: str = "bot",
    channel: ChannelName | None = None,
    not_before: datetime | None = None,
    cc: Sequence[Address] = (),
    attachments: Sequence[Attachment] = (),
) -> OutboxItem:
    """Put a text in the outbox, in the caller's transaction; ``is_held`` waits until a person releases it. It gets its
    id when the session is flushed.

    ``answers`` is the message it replies to: the thread headers come from there. The id, and the address to answer to
    where ``smtp.reply_separator`` is set, are signed, so that an answer finds its way back (``tokens``).
    """
    references = list(dict.fromkeys([*answers.references, *answers.in_reply_to])) if answers else []
    in_reply_to = answers.message_id if answers else None
    if in_reply_to:
        references = [*(known for known in references if known != in_reply_to), in_reply_to]
    if len(references) > MAX_REFERENCES:
        references = [references[0], *references[-MAX_REFERENCES + 1 :]]
    channel = channel or parties.door(conversation, to, answers)
    key = queries.signing_key(session, now=now)
    address = settings.smtp.from_address
    item = OutboxItem(
        conversation=conversation,
        message_id=answers.id if answers else None,
        kind=kind,
        channel=channel,
        external_id=tokens.message_id(key, conversation.id, address.rpartition("@")[2]),
        to=queries.as_json(to),
        cc=queries.as_json(cc),
        subject=unicodedata.normalize("NFC", reply.subject),  # as it is searched for
        text=unicodedata.normalize("NFC", reply.text),
        html=reply.html,
        language=reply.language,
        buttons=[[button.label, button.command] for button in reply.buttons] or None,
        in_reply_to=in_reply_to,
        references=references,
        reply_to=_answers_go_to(key, conversation, channel, kind, to, settings),
        is_automatic=is_automatic,
        status=OutboxStatus.HELD if is_held else OutboxStatus.QUEUED,
        created_by=created_by,
        created_at=now,
        queued_at=now,
        not_before=not_before or now,
        attempts=0,
        was_in_doubt=False,
    )
    session.add(item)
    for each in attachments:
        queries.keep_content(session, each)
        item.attachments.append(_attached(each))
    return item


def _attached(attachment: Attachment | OutboxAttachment) -> OutboxAttachment:
    return OutboxAttachment(
        sha256=attachment.sha256, name=attachment.name, content_type=attachment.content_type, size=attachment.size
    )


def _answers_go_to(
    key: bytes,
    conversation: Conversation,
    channel: ChannelName,
    kind: OutboxKind,
    to: Sequence[Address],
    settings: Settings,
) -> str | None:
    """The signed address for answers: an asker's leads to the case; a coordinator's lets that coordinator act in it,
    and an administration's that administration answer.
    """
    separator, address = settings.smtp.reply_separator, settings.smtp.from_address
    if not separator or channel.is_chat:
        return None
    if kind in (OutboxKind.NOTIFICATION, OutboxKind.FORWARD):
        return tokens.answer_address(key, conversation.id, to[0].email, address, separator)
    return tokens.reply_address(key, conversation.id, address, separator)


def _may_go() -> ColumnElement[bool]:
    """The last look before sending, in the same UPDATE that claims: nothing automatic after a person took over.

    A pause is looked at too, for what was queued while it was being set: receipts and a person's words go on.
    """
    is_taken = exists().where(
        Conversation.id == OutboxItem.conversation_id,
        Conversation.status.in_(SILENT),
    )
    is_paused = exists().where(
        or_(Pause.scope == "all", and_(Pause.scope == "channel", Pause.value == OutboxItem.channel))
    )
    return or_(
        OutboxItem.is_automatic.is_(False),
        OutboxItem.kind.in_((OutboxKind.NOTIFICATION, OutboxKind.FORWARD, OutboxKind.INFORMATION)),
        and_(~is_taken, or_(OutboxItem.kind == OutboxKind.RECEIPT, ~is_paused)),
    )


def _is_in_turn() -> ColumnElement[bool]:
    """In a chat the greeting comes before the answer, whoever sends them: what the bot says waits a while for what it
    said before. Mails carry their place in a thread themselves, and a person's words wait for nothing.
    """
    earlier = aliased(OutboxItem)
    is_before = exists().where(
        earlier.conversation_id == OutboxItem.conversation_id,
        earlier.channel == OutboxItem.channel,
        earlier.id < OutboxItem.id,
        earlier.is_automatic,
        earlier.kind != OutboxKind.NOTIFICATION,  # told to a group of coordinators, beside the asker's chat
        earlier.status.in_((OutboxStatus.QUEUED, OutboxStatus.CLAIMED)),
        earlier.queued_at > bindparam("turns_since", type_=OutboxItem.queued_at.type),
    )
    is_free = or_(OutboxItem.channel == ChannelName.MAIL, OutboxItem.kind == OutboxKind.NOTIFICATION)
    return or_(is_free, OutboxItem.is_automatic.is_(False), ~is_before)


def _is_due() -> ColumnElement[bool]:
    now = bindparam("asked_at", type_=OutboxItem.not_before.type)
    is_due = or_(
        and_(OutboxItem.status == OutboxStatus.QUEUED, OutboxItem.not_before <= now),
        and_(OutboxItem.status == OutboxStatus.CLAIMED, OutboxItem.lease_until <= now),
    )
    channels = bindparam("doors", expanding=True, type_=OutboxItem.channel.type)
    return and_(is_due, OutboxItem.channel.in_(channels), _may_go(), _is_in_turn())


def _asking(channels: Collection[ChannelName], now: datetime, most: int) -> dict[str, object]:
    return {"doors": list(channels), "asked_at": now, "turns_since": now - LONGEST_TURN, "most": most}


# To put these together takes longer than to run them, so that is done once.
@cache
def _due() -> Select[int]:
    query = select(OutboxItem.conversation_id).where(_is_due()).order_by(OutboxItem.not_before)
    return query.limit(bindparam("most", type_=Integer))


@cache
def _claiming(*, is_within: bool) -> ReturningUpdate[int]:
    cases = bindparam("cases", expanding=True, type_=Integer)
    candidates = (
        select(OutboxItem.id)
        .where(_is_due(), OutboxItem.conversation_id.in_(cases) if is_within else true())
        .order_by(OutboxItem.not_before, OutboxItem.id)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)  # left out on SQLite, where a transaction that writes is alone
    )
    return (
        update(OutboxItem)
        .where(OutboxItem.id.in_(candidates.scalar_subquery()))
        .values(
            status=OutboxStatus.CLAIMED,
            claimed_by=bindparam("by_worker"),
            lease_until=bindparam("held_until"),
            attempts=OutboxItem.attempts + 1,
        )
        .returning(OutboxItem.id)
        .execution_options(synchronize_session=False)
    )


def due_cases(session: Session, *, channels: Collection[ChannelName], now: datetime, most: int) -> Sequence[int]:
    """The ids of conversations that have something to send through ``channels``. Claims nothing, so that those who look
    keep nobody from writing.
    """
    return tuple(dict.fromkeys(session.scalars(_due(), _asking(channels, now, most))))


def claim(
    session: Session, *, worker: str, channels: Collection[ChannelName], lease: timedelta, now: datetime
) -> OutboxItem | None:
    """Take the next thing to send through ``channels``; nobody else gets it until ``lease`` has passed.

    The caller commits, then sends.
    """
    return next(iter(claim_several(session, worker=worker, channels=channels, lease=lease, now=now, most=1)), None)


def claim_several(
    session: Session,
    *,
    worker: str,
    channels: Collection[ChannelName],
    lease: timedelta,
    now: datetime,
    most: int,
    cases: Collection[int] | None = None,
) -> Sequence[OutboxItem]:
    """As ``claim``, up to ``most`` at once; where ``cases`` are given only of conversations with these ids."""
    session.flush()
    asking = _asking(channels, now, most) | {"by_worker": worker, "held_until": now + lease}
    if cases is not None:
        asking["cases"] = list(cases)
    claimed = session.scalars(_claiming(is_within=cases is not None), asking).all()
    if not claimed:
        return ()
    query = select(OutboxItem).where(OutboxItem.id.in_(claimed)).order_by(OutboxItem.not_before, OutboxItem.id)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def outgoing(item: OutboxItem) -> OutgoingMessage:
    """What the door is given."""
    return OutgoingMessage(
        channel=item.channel,
        external_id=item.external_id,
        to=queries.addresses(item.to),
        cc=queries.addresses(item.cc),
        subject=item.subject,
        text=item.text,
        html=item.html,
        reply_to=Address("", item.reply_to) if item.reply_to else None,
        in_reply_to=item.in_reply_to,
        references=tuple(item.references),
        is_automatic=item.is_automatic,
        buttons=tuple(Button(label, command) for label, command in item.buttons or ()),
        reference=str(item.id),
        attachments=tuple(
            Attachment(each.name, each.content_type, each.size, each.sha256, each.content.content)
            for each in item.attachments
        ),
    )


def split_off(session: Session, item: OutboxItem, refused: Collection[str], settings: Settings) -> OutboxItem:
    """A mail of its own for those whom the server refused while the others got it: nobody gets it twice, and what
    becomes of the refused is seen.
    """
    everybody = [*item.to, *item.cc]
    left = [address for address in everybody if address["email"] in refused]
    item.to, item.cc = ([address for address in part if address not in left] for part in (item.to, item.cc))
    key = queries.signing_key(session, now=item.created_at)
    attachments = [_attached(each) for each in item.attachments]
    other = OutboxItem(
        conversation=item.conversation,
        external_id=tokens.message_id(key, item.conversation_id, settings.smtp.from_address.rpartition("@")[2]),
        to=left,
        cc=[],
        attachments=attachments,
        **{name: getattr(item, name) for name in _SPLIT},
    )
    session.add(other)
    session.flush()
    return other


# What a mail that was split off has in common with the one that the others got.
_SPLIT = (
    *("message_id", "kind", "channel", "subject", "text", "html", "language", "in_reply_to", "references", "reply_to"),
    *("is_automatic", "status", "created_by", "created_at", "queued_at", "not_before", "attempts", "claimed_by"),
    *("lease_until", "was_in_doubt"),
)


def sent(
    session: Session, item: OutboxItem, *, now: datetime, raw: bytes | None = None, copy_tries: int | None = None
) -> None:
    """The door has taken it, as ``raw``. ``copy_tries`` asks for a copy among the mailbox's sent mail."""
    item.status, item.sent_at, item.lease_until = OutboxStatus.SENT, now, None
    if item.conversation.erased_at is None:  # else it left while somebody erased the case, whose word stands
        item.raw, item.copy_tries = raw, copy_tries
    queries.record(
        session, "sent", actor="bot", now=now, conversation=item.conversation, item=item, attempts=item.attempts
    )


def not_sent(
    session: Session,
    item: OutboxItem,
    error: ChannelError,
    *,
    retry_seconds: Sequence[float],
    give_up_after: timedelta,
    now: datetime,
) -> bool:
    """The door could not take it: try again later, or give it up. Returns True when it was given up."""
    item.last_error = str(error)
    item.was_in_doubt = item.was_in_doubt or error.in_doubt
    item.lease_until = None
    is_given_up = error.permanent or now - item.queued_at >= give_up_after
    if is_given_up:
        item.status = OutboxStatus.FAILED
    else:
        wait = max(retry_seconds[min(item.attempts, len(retry_seconds)) - 1], error.retry_after)
        item.status, item.not_before = OutboxStatus.QUEUED, now + timedelta(seconds=wait)
    queries.record(
        session,
        "gave-up-sending" if is_given_up else "could-not-send",
        actor="bot",
        now=now,
        conversation=item.conversation,
        item=item,
        permanent=error.permanent,
        in_doubt=error.in_doubt,
    )
    return is_given_up


def unsent(session: Session, conversation: Conversation) -> Sequence[OutboxItem]:
    """What has not gone out in a conversation, as it stands now: no sender claims it until the transaction ends."""
    return session.scalars(
        select(OutboxItem)
        .where(
            OutboxItem.conversation_id == conversation.id,
            OutboxItem.status.not_in((OutboxStatus.SENT, OutboxStatus.CANCELLED)),
        )
        .order_by(OutboxItem.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def stuck(session: Session, *, since: datetime) -> int:
    """How many things could have been sent since then, and nobody has tried."""
    is_left = or_(
        and_(OutboxItem.status == OutboxStatus.QUEUED, OutboxItem.not_before <= since),
        and_(OutboxItem.status == OutboxStatus.CLAIMED, OutboxItem.lease_until <= since),
    )
    return session.scalar(select(func.count(OutboxItem.id)).where(is_left, _may_go())) or 0


def may_be_taken_back(item: OutboxItem, *, now: datetime) -> bool:
    """Whether nobody has made it their own, and no sender holds it: ``cancel_automatic`` takes such things back."""
    is_dead = item.status is OutboxStatus.CLAIMED and item.lease_until is not None and item.lease_until <= now
    is_waiting = item.status in (OutboxStatus.QUEUED, OutboxStatus.HELD) or is_dead
    is_nobodys = item.is_automatic or parties.is_passed_on(item)
    return is_waiting and is_nobodys and item.kind in queries.TO_THE_ASKER


def cancel_automatic(
    session: Session, conversation: Conversation, *, now: datetime, but_for: Collection[int] = ()
) -> int:
    """Take back what the bot has queued or suggested in a conversation, and what an administration answered and is
    passed on; returns how many.

    What a sender holds a lease on is on its way and cannot be taken back. ``but_for`` are ids of messages whose
    answers stay.
    """
    count = 0
    for item in unsent(session, conversation):
        if item.message_id in but_for:
            continue
        if may_be_taken_back(item, now=now):
            item.status = OutboxStatus.CANCELLED
            count += 1
    session.flush()
    return count
