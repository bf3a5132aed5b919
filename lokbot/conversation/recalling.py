"""A text was wrong: who got it, and one correction to each of them.

The article is paused first, else the wrong text goes out while the correction of it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from lokbot.config import Settings
from lokbot.conversation import outbox
from lokbot.conversation.decision import answer_language
from lokbot.conversation.reply import as_html, reply_subject
from lokbot.conversation.working_days import SWEDEN, written_out
from lokbot.model import Address, Knowledge, NotPossible, OutboxKind, OutboxStatus, Reply
from lokbot.store import queries
from lokbot.store.schema import (
    ArticleRevision,
    Conversation,
    DecisionRecord,
    Message,
    OutboxItem,
    RevisionCorrection,
)
from lokbot.store.session import take_turns


@dataclass(frozen=True, slots=True)
class Receiver:
    """A conversation in which a revision was told, the decisions by which it was, and the last mail that told it."""

    conversation: Conversation
    decisions: tuple[DecisionRecord, ...]
    item: OutboxItem

    @property
    def addresses(self) -> tuple[Address, ...]:
        return tuple(one for one in queries.addresses((*self.item.to, *self.item.cc)) if one.email)


def receivers(session: Session, revision: ArticleRevision) -> Sequence[Receiver]:
    """Everybody who got this text: by the bot alone or released by a coordinator, but not in a mail that came back."""
    rows = session.execute(
        select(DecisionRecord, OutboxItem)
        .join(OutboxItem, OutboxItem.id == DecisionRecord.outbox_id)
        .where(
            DecisionRecord.revision_id == revision.id,
            OutboxItem.status == OutboxStatus.SENT,
            OutboxItem.bounced_at.is_(None),
        )
        .options(selectinload(OutboxItem.conversation))
        .order_by(OutboxItem.id, DecisionRecord.id)
    )
    decisions: dict[int, list[DecisionRecord]] = {}
    last: dict[int, OutboxItem] = {}
    for decision, item in rows:
        decisions.setdefault(item.conversation_id, []).append(decision)
        last[item.conversation_id] = item
    return [Receiver(item.conversation, tuple(decisions[number]), item) for number, item in last.items()]


def corrected(session: Session, revision: ArticleRevision) -> Mapping[str, RevisionCorrection]:
    """The correction of this text that each address was sent last; it may have been stopped."""
    query = (
        select(RevisionCorrection)
        .where(RevisionCorrection.revision_id == revision.id)
        .options(selectinload(RevisionCorrection.item))
    )
    return {row.address: row for row in session.scalars(query)}


def untold(session: Session, revision: ArticleRevision) -> Sequence[tuple[Receiver, Address]]:
    """Whom a correction of this text would go to now: each address once, in the latest of its conversations."""
    known = corrected(session, revision)
    told = {address for address, row in known.items() if row.item.status is not OutboxStatus.CANCELLED}
    found = []
    for receiver in reversed(receivers(session, revision)):
        for to in receiver.addresses:
            if to.email.lower() not in told:
                told.add(to.email.lower())
                found.append((receiver, to))
    return found


def letter(receiver: Receiver, text: str, revision: ArticleRevision, knowledge: Knowledge) -> Reply:
    """The correction as this receiver will read it."""
    language = answer_language(revision.language) or "sv"
    say, told = knowledge.phrases[language], receiver.item
    day = written_out((told.sent_at or told.created_at).astimezone(SWEDEN).date(), language)
    whole = "\n\n".join(
        (
            say["correction.opening"].format(day=day),
            text.strip(),
            say["contact.add.chat" if told.channel.is_chat else "contact.add.mail"],
            say["case"].format(case=receiver.conversation.case_number),
        )
    )
    return Reply(reply_subject(receiver.conversation.subject, language), whole, as_html(whole, language), language)


def correct_all(
    session: Session,
    revision: ArticleRevision,
    text: str,
    *,
    actor: str,
    settings: Settings,
    knowledge: Knowledge,
    now: datetime,
) -> Sequence[OutboxItem]:
    """Queue one mail with a coordinator's words to each who got this text and has had no correction of it, in the
    latest of their conversations; it leaves after the undo time. A second call reaches only who is new.

    In the caller's transaction. Raises NotPossible without words, or while the bot may still send the article.
    """
    if not text.strip():
        raise NotPossible("Rättelsen är tom. Skriv en text först.")
    if not is_silent(session, revision):
        raise NotPossible("Pausa svaret först.", terminal=f"lokbot pause --article {revision.article}")
    take_turns(session, f"correct revision {revision.id}")
    known = corrected(session, revision)
    queued = []
    for receiver, to in untold(session, revision):
        item = _enqueue(session, receiver, to, text, revision, actor, settings, knowledge, now=now)
        row = known.get(to.email.lower()) or RevisionCorrection(revision_id=revision.id, address=to.email.lower())
        row.item = item
        session.add(row)
        queued.append(item)
        queries.record(
            session,
            "told-correction",
            actor=actor,
            now=now,
            conversation=receiver.conversation,
            item=item,
            article=revision.article,
            language=revision.language,
            version=revision.version,
        )
    queries.record(
        session,
        "corrected-all",
        actor=actor,
        now=now,
        article=revision.article,
        language=revision.language,
        version=revision.version,
        count=len(queued),
    )
    return queued


def stop_all(session: Session, revision: ArticleRevision, *, actor: str, now: datetime) -> int:
    """Take back the corrections of this text that have not left yet; returns how many. They may be sent anew."""
    query = (
        select(OutboxItem)
        .join(RevisionCorrection, RevisionCorrection.outbox_id == OutboxItem.id)
        .where(RevisionCorrection.revision_id == revision.id, OutboxItem.status == OutboxStatus.QUEUED)
        .order_by(OutboxItem.id)
        .with_for_update(of=OutboxItem)
        .execution_options(populate_existing=True)
    )
    waiting = session.scalars(query).all()
    for item in waiting:
        item.status = OutboxStatus.CANCELLED
        queries.record(session, "stopped", actor=actor, now=now, conversation=item.conversation, item=item)
    return len(waiting)


def is_silent(session: Session, revision: ArticleRevision) -> bool:
    """Whether a pause keeps the bot from telling the article again."""
    silenced = {("all", ""), ("topic", revision.content.get("topic")), ("article", revision.article)}
    return any((pause.scope, pause.value) in silenced for pause in queries.pauses(session))


def _enqueue(
    session: Session,
    receiver: Receiver,
    to: Address,
    text: str,
    revision: ArticleRevision,
    actor: str,
    settings: Settings,
    knowledge: Knowledge,
    *,
    now: datetime,
) -> OutboxItem:
    told = receiver.item
    return outbox.enqueue(
        session,
        receiver.conversation,
        letter(receiver, text, revision, knowledge),
        kind=OutboxKind.CORRECTION,
        channel=told.channel,
        to=(to,),
        settings=settings,
        answers=session.get(Message, told.message_id) if told.message_id else None,
        is_automatic=False,
        created_by=actor,
        now=now,
        not_before=now + timedelta(minutes=settings.answering.undo_minutes),
    )
