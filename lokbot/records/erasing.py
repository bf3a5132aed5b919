"""Erase a conversation by a cited decision: no text, address or file of it is left, and its mail does not come back.

What is left is that there was a conversation: its number, class and diarienummer, when things happened and who of us
did them, what was decided by which rule (topic, administration, outcome), so that no figure changes. Whoever wrote has
a made-up name from then on, which leads nowhere.

Everything lies in the database, attachments too, so one commit does it all: there is no file to be left behind. What
SQLite keeps of the old rows between the new ones goes with ``sweep``, after that commit and, where a crash came in
between, at the next start.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, delete, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lokbot import audit
from lokbot.audit import Source
from lokbot.conversation import escalation
from lokbot.conversation.decision import WITH_A_PERSON
from lokbot.conversation.escalation import NotPossible
from lokbot.model import MessageState, OutboxStatus
from lokbot.statistics import facts
from lokbot.store import queries, search, tombstones
from lokbot.store.schema import (
    AttachmentContent,
    CaseLink,
    ChatKey,
    Contact,
    Conversation,
    Correction,
    DecisionRecord,
    Draft,
    Event,
    Message,
    MessageAttachment,
    MessageReference,
    Note,
    OutboxAttachment,
    OutboxItem,
    Presence,
    QuestionRecord,
    Review,
    RevisionCorrection,
    SearchDocument,
    SteeringMatter,
)
from lokbot.store.session import scrub, session_factory, take_turns

GONE = "raderad-"
"""What the address of an erased contact and the ids of erased messages begin with."""

_SWEPT = ("erased", "swept")
_UNSENT = (OutboxStatus.HELD, OutboxStatus.QUEUED, OutboxStatus.CLAIMED)


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was erased: messages that came, texts of ours, attachments; ``shared`` attachments stay, since other
    conversations have the same file."""

    messages: int
    outgoing: int
    attachments: int
    shared: int


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What an erasure would take away, so that whoever decides has seen it; ``obstacle`` says why it cannot be now."""

    messages: int
    outgoing: int
    attachments: int
    shared: int
    notes: int
    obstacle: NotPossible | None


def foresee(session: Session, conversation: Conversation, *, now: datetime) -> Foreseen:
    """Count what ``erase`` would take away, and change nothing."""
    carried, shared = _carried(session, conversation)
    try:
        _must_be_at_rest(session, conversation, now)
        obstacle = None
    except NotPossible as error:
        obstacle = error
    counts = [
        session.scalar(select(func.count()).where(table.conversation_id == conversation.id)) or 0
        for table in (Message, OutboxItem, Note)
    ]
    return Foreseen(counts[0], counts[1], len(carried), len(shared), counts[2], obstacle)


def erase(
    session: Session, conversation: Conversation, *, decision: str, actor: str, source: Source, now: datetime
) -> Erased:
    """Erase all that is personal in a conversation. For admins only: whoever calls has looked at the role.

    ``decision`` cites the decision to erase (a number, a date, a paragraph of the document plan) and is kept for good.
    Raises NotPossible without one, while a person has the case, and while something of it is being handled or sent.
    Erasing again erases what came in between and nothing else.
    """
    decision = " ".join(decision.split())
    if not decision:
        raise NotPossible("Ange beslutet som raderingen stöder sig på, till exempel ”Gallringsbeslut 2026-11-02 § 14”.")
    # Two at once that share a file would each leave it to the other.
    take_turns(session, "erase")
    queries.hold(session, conversation)
    _must_be_at_rest(session, conversation, now)
    wrote = _addresses(session, conversation)
    _lay_tombstones(session, conversation, now)
    _index(session, conversation)
    attachments, shared = _attachments(session, conversation)
    _own_words(session, conversation)
    messages, outgoing = _messages(session, conversation), _outgoing(session, conversation)
    _questions(session, conversation, actor, now)
    parts = queries.parts(session, conversation)
    ids = [conversation.id, *(part.id for part in parts)]
    for one in (conversation, *parts):
        _contacts(session, one, wrote, now, ids)
    session.execute(delete(CaseLink).where(or_(CaseLink.first_id.in_(ids), CaseLink.second_id.in_(ids))))
    session.execute(
        update(Conversation)
        .where(Conversation.id.in_(ids))
        .values(subject="", related_to_id=None, moved_to=None, reach_by=None, erased_at=now, updated_at=now)
    )
    session.expire_all()
    escalation.settle(conversation, now)
    done = Erased(messages, outgoing, attachments, shared)
    told: dict[str, Any] = {
        "decision": decision,
        "messages": messages,
        "outgoing": outgoing,
        "attachments": attachments,
    }
    queries.record(session, "erased", actor=actor, now=now, conversation=conversation, **told)
    audit.record(session, "erased", actor=actor, source=source, now=now, conversation=conversation, **told)
    session.flush()
    # Last, since every fact that is written waits for this commit from here on.
    facts.anonymise(session, conversation)
    return done


def sweep(engine: Engine, *, now: datetime) -> bool:
    """Scrub the database where something has been erased since that was last done (``store.session.scrub``).

    To be called after the commit of an erasure, and at each start. Returns False where it has to be called again.
    """
    with session_factory(engine).begin() as session:
        # By their numbers, as a clock may be set back.
        last = {verb: session.scalar(select(func.max(Event.id)).where(Event.verb == verb)) for verb in _SWEPT}
    if (last["erased"] or 0) <= (last["swept"] or 0):
        return True
    with session_factory(engine).begin() as session:
        search.make_anew(session)
    if not scrub(engine):
        return False
    with session_factory(engine).begin() as session:
        queries.record(session, "swept", actor="lokbot", now=now)
    return True


def _must_be_at_rest(session: Session, conversation: Conversation, now: datetime) -> None:
    number = conversation.case_number
    if conversation.status in WITH_A_PERSON:
        raise NotPossible("{case} är inte klart. Avsluta det först.", case=number, terminal=f"lokbot resolve {number}")
    stored = Message.state == MessageState.STORED
    if session.scalar(select(exists().where(Message.conversation_id == conversation.id, stored))):
        raise NotPossible("Ett meddelande i {case} hanteras just nu. Försök igen om en stund.", case=number)
    is_leaving = (OutboxItem.status == OutboxStatus.CLAIMED) & (OutboxItem.lease_until > now)
    if session.scalar(select(exists().where(OutboxItem.conversation_id == conversation.id, is_leaving))):
        raise NotPossible("Ett mejl i {case} skickas just nu. Försök igen om en stund.", case=number)


def _addresses(session: Session, conversation: Conversation) -> set[str]:
    """Everybody who wrote in it, by the address that an answer would go to."""
    rows = select(Message.sender_email, Message.reply_to).where(Message.conversation_id == conversation.id)
    found = {sender for sender, _ in session.execute(rows)}
    found.update(address["email"] for _, reply_to in session.execute(rows) for address in reply_to)
    return found - {""}


def _lay_tombstones(session: Session, conversation: Conversation, now: datetime) -> None:
    """What is erased already has its tombstones: a message whose id is a made-up one is not asked again."""
    key = queries.signing_key(session, now=now)
    # What came is laid last: the same bytes may have gone out and come in, and what came has a row to point at.
    for table in (OutboxItem, Message):
        of_it = table.conversation_id == conversation.id, table.external_id.not_like(f"{GONE}%")
        for identity in session.scalars(select(table.id).where(*of_it)).all():
            channel, external_id, raw = session.execute(
                select(table.channel, table.external_id, table.raw).where(table.id == identity)
            ).one()
            marks = tombstones.marks(key, channel, external_id, raw)
            tombstones.raise_over(session, conversation.id, identity if table is Message else None, marks)
    session.flush()


def _carried(session: Session, conversation: Conversation) -> tuple[list[str], set[str]]:
    """The digest of each attachment, as often as it is carried, and those of files that other conversations have."""
    of_it = MessageAttachment.message_id.in_(_message_ids(conversation))
    sent = OutboxAttachment.outbox_id.in_(_outbox_ids(conversation))
    carried = [
        *session.scalars(select(MessageAttachment.sha256).where(of_it)),
        *session.scalars(select(OutboxAttachment.sha256).where(sent)),
    ]
    elsewhere = {
        *session.scalars(select(MessageAttachment.sha256).where(~of_it, MessageAttachment.sha256.in_(set(carried)))),
        *session.scalars(select(OutboxAttachment.sha256).where(~sent, OutboxAttachment.sha256.in_(set(carried)))),
    }
    return carried, elsewhere


def _attachments(session: Session, conversation: Conversation) -> tuple[int, int]:
    """Take the attachments away, and the files that nothing else refers to; gives how many, and how many files stay."""
    of_it = MessageAttachment.message_id.in_(_message_ids(conversation))
    sent = OutboxAttachment.outbox_id.in_(_outbox_ids(conversation))
    carried, _ = _carried(session, conversation)
    session.execute(delete(MessageAttachment).where(of_it))
    session.execute(delete(OutboxAttachment).where(sent))
    shared = 0
    for digest in sorted(set(carried)):
        is_used = exists().where(MessageAttachment.sha256 == digest)
        is_sent = exists().where(OutboxAttachment.sha256 == digest)
        if session.scalar(select(is_used | is_sent)):
            shared += 1
            continue
        try:
            with session.begin_nested():
                session.execute(delete(AttachmentContent).where(AttachmentContent.sha256 == digest))
        except IntegrityError:  # a message with the same file has come in while we looked
            shared += 1
    return len(carried), shared


def _index(session: Session, conversation: Conversation) -> None:
    """The search forgets the words while it can still be told which they were."""
    of_it = select(SearchDocument.source, SearchDocument.row_id).where(
        SearchDocument.conversation_id == conversation.id
    )
    for source, row in session.execute(of_it).all():
        search.forget(session, source, row)


def _own_words(session: Session, conversation: Conversation) -> None:
    """What we wrote about it, which may tell of whoever asked: notes, drafts, lines for the steering group, reviews."""
    for table in (Note, Draft, Presence, SteeringMatter):
        session.execute(delete(table).where(table.conversation_id == conversation.id))
    decisions = (
        select(DecisionRecord.id).join(QuestionRecord).where(QuestionRecord.message_id.in_(_message_ids(conversation)))
    )
    session.execute(update(Review).where(Review.decision_id.in_(decisions)).values(comment=""))
    for address, revision in session.execute(
        select(RevisionCorrection.address, RevisionCorrection.revision_id).where(
            RevisionCorrection.outbox_id.in_(_outbox_ids(conversation))
        )
    ).all():
        session.execute(
            update(RevisionCorrection)
            .where(RevisionCorrection.address == address, RevisionCorrection.revision_id == revision)
            .values(address=_made_up())
        )


def _messages(session: Session, conversation: Conversation) -> int:
    session.execute(delete(MessageReference).where(MessageReference.message_id.in_(_message_ids(conversation))))
    rows = session.execute(select(Message.id, Message.bounce).where(Message.conversation_id == conversation.id)).all()
    for identity, bounce in rows:
        session.execute(
            update(Message)
            .where(Message.id == identity)
            .values(
                external_id=f"{GONE}{identity}",
                raw=b"",
                message_id=None,
                in_reply_to=[],
                references=[],
                sender_name="",
                sender_email="",
                reply_to=[],
                to=[],
                cc=[],
                subject="",
                text="",
                new_text="",
                claimed_date=None,
                authentication=None,
                automatic_reason=None,
                bounce={"recipients": [], "permanent": bounce.get("permanent"), "original_message_id": None}
                if bounce
                else None,
                state=MessageState.HANDLED,
                failure=None,
                command=None,
            )
        )
    return len(rows)


def _outgoing(session: Session, conversation: Conversation) -> int:
    of_it = OutboxItem.conversation_id == conversation.id
    session.execute(
        update(OutboxItem).where(of_it, OutboxItem.status.in_(_UNSENT)).values(status=OutboxStatus.CANCELLED)
    )
    rows = session.scalars(select(OutboxItem.id).where(of_it)).all()
    for identity in rows:
        session.execute(
            update(OutboxItem)
            .where(OutboxItem.id == identity)
            .values(
                external_id=f"{GONE}{identity}",
                to=[],
                cc=[],
                subject="",
                text="",
                html=None,
                in_reply_to=None,
                references=[],
                reply_to=None,
                last_error=None,
                raw=None,
                buttons=None,
                copy_tries=None,
            )
        )
    return len(rows)


def _questions(session: Session, conversation: Conversation, actor: str, now: datetime) -> None:
    """What was decided stays; the words it was decided on go. A correction of it can teach nothing any more."""
    of_it = QuestionRecord.message_id.in_(_message_ids(conversation))
    ids = select(QuestionRecord.id).where(of_it)
    waiting: ColumnElement[bool] = Correction.question_id.in_(ids) & Correction.settled_as.is_(None)
    session.execute(update(Correction).where(waiting).values(settled_as="rejected", settled_by=actor, settled_at=now))
    session.execute(update(DecisionRecord).where(DecisionRecord.question_id.in_(ids)).values(evidence=[]))
    session.execute(update(QuestionRecord).where(of_it).values(text="", understanding={}))


def _contacts(
    session: Session, conversation: Conversation, others: set[str], now: datetime, erased: Collection[int]
) -> None:
    """A made-up contact takes the place of whoever wrote, who keeps a row of their own only for other conversations.

    ``others`` are addresses that wrote in it too, each of which got a row when its mail came in. ``erased`` are the ids
    of all that is erased now: it, and what has become part of it.
    """
    contact = session.get_one(Contact, conversation.contact_id, with_for_update=True)
    if not contact.address.startswith(GONE):
        if _has_conversation(session, contact, but=erased):
            made_up = Contact(
                channel=contact.channel,
                address=_made_up(),
                name="",
                association_id=contact.association_id,
                created_at=now,
            )
            session.add(made_up)
            session.flush()
            session.execute(
                update(Conversation).where(Conversation.id == conversation.id).values(contact_id=made_up.id)
            )
        else:
            _make_up(session, contact)
    for other in session.scalars(
        select(Contact)
        .where(Contact.channel == conversation.channel, Contact.address.in_(others))
        .order_by(Contact.id)
        .with_for_update()
    ):
        if other is not contact and not _has_conversation(session, other, but=erased):
            _make_up(session, other)
    session.flush()


def _has_conversation(session: Session, contact: Contact, *, but: Collection[int]) -> bool:
    others = exists().where(Conversation.contact_id == contact.id, Conversation.id.not_in(but))
    return bool(session.scalar(select(others)))


def _make_up(session: Session, contact: Contact) -> None:
    session.execute(delete(ChatKey).where(ChatKey.address == contact.address))
    contact.address, contact.name, contact.undeliverable_at = _made_up(), "", None
    contact.language = contact.greeted_at = None


def _outbox_ids(conversation: Conversation) -> Select[int]:
    return select(OutboxItem.id).where(OutboxItem.conversation_id == conversation.id)


def _made_up() -> str:
    return f"{GONE}{secrets.token_hex(8)}"


def _message_ids(conversation: Conversation) -> Select[int]:
    return select(Message.id).where(Message.conversation_id == conversation.id)
