"""Keep one fact per question, in the transaction of whatever made it so: an answer, a forward, a reopening, a merge.

``follow`` watches a process's sessions: whatever act writes an event about a conversation, its facts are derived
anew right before the commit. No act has to remember to do it, and none can be forgotten.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, time
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from lokbot.conversation.working_days import SWEDEN, Promise
from lokbot.model import FactOutcome, OutboxKind
from lokbot.statistics import cells
from lokbot.statistics.deriving import Asked, Case, Derived, Item, Noted, derive
from lokbot.statistics.months import Month
from lokbot.store import queries
from lokbot.store.schema import (
    Association,
    Contact,
    Conversation,
    Correction,
    DecisionRecord,
    Event,
    Fact,
    Forward,
    Message,
    OutboxItem,
    QuestionRecord,
)
from lokbot.store.session import Sessions, take_turns

log = logging.getLogger(__name__)

TABLE = cast(Table, Fact.__table__)
COLUMNS = tuple(TABLE.c)
"""All of a fact, to be selected without the ORM."""

Chosen = Collection[int]
"""Ids of conversations; a ``range`` is asked for by its ends, which many are read faster by than one by one."""

_DERIVED = tuple(field.name for field in fields(Derived))

# What events say that nothing else does.
_TELLING = ("reopened", "reviewed", "feedback", "resolved", "logged", "moved")
# What was said of a question stays where it was said, when the question gets a case of its own.
_BRANCHING, _OF_A_QUESTION = ("split-from", "taken-apart"), ("reviewed", "feedback")
# A message that was only stored has no question yet.
_SAYS_NOTHING = frozenset({"received"})
_BATCH = 1000
_TOUCHED = "statistics.touched"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many facts were derived anew, and how many kept since their conversation is gone or erased."""

    derived: int
    kept: int


# ------------------------------------------------------------------ write


def write(session: Session, conversations: Chosen, promise: Promise, *, is_counted: bool = True) -> int:
    """Bring the facts of these conversations up to date, in the caller's transaction; returns how many they have.

    What was anonymised stays as it is. ``is_counted`` is False where all are to be counted anew afterwards.
    """
    cases = _load(session, conversations)
    if not any(case.questions for case in cases):
        return 0
    key = queries.signing_key(session, "statistics", now=min(one.received_at for c in cases for one in c.questions))
    derived = [(case, fact) for case in cases for fact in derive(case, promise)]
    known = [fact.question_id for _, fact in derived]
    stored = {fact.question_id: fact for fact in session.execute(_stored(Fact.conversation_id, conversations))}
    # A question may have come here from another conversation.
    elsewhere = [one for one in known if one not in stored]
    stored |= {fact.question_id: fact for fact in session.execute(_stored(Fact.question_id, elsewhere))}
    gone = [stored[one] for one in stored.keys() - set(known) if not stored[one].is_anonymised]
    changed, count = [], 0
    for case, fact in derived:
        before = stored.get(fact.question_id)
        if before is not None and before.is_anonymised:
            continue
        count += 1
        values = {
            **{name: getattr(fact, name) for name in _DERIVED},
            "contact": pseudonym(key, "contact", case.contact_id),
            "association": pseudonym(key, "association", case.association_id) if case.association_id else None,
            "theme": before.theme if before is not None else None,
            "is_anonymised": False,
        }
        if before is None or dict(before._mapping) != values:
            changed.append((before, values))
    before_it = [fact for fact, _ in changed if fact is not None] + gone
    _store(session, before_it, [values for _, values in changed], is_counted=is_counted)
    return count


def _stored(column: InstrumentedAttribute[int], values: Chosen) -> Select[*tuple[Any, ...]]:
    return select(*COLUMNS).where(_is_among(column, values))


def _is_among(column: InstrumentedAttribute[Any], values: Chosen) -> ColumnElement[bool]:
    return column.between(values[0], values[-1]) if isinstance(values, range) else column.in_(values)


def pseudonym(key: bytes, what: str, identity: int) -> str:
    """What a contact or an association is called in the facts; without this installation's key nobody can tell whom."""
    return hmac.digest(key, f"{what} {identity}".encode(), "sha256").hex()[:32]


def _store(
    session: Session, before: Sequence[Any], after: Sequence[dict[str, Any]], *, is_counted: bool = True
) -> None:
    if before:
        session.execute(delete(Fact).where(Fact.question_id.in_([fact.question_id for fact in before])))
    if after:
        session.execute(insert(TABLE), after)
    if is_counted:
        cells.change(session, before, [as_fact(values) for values in after])


def as_fact(values: dict[str, Any]) -> Any:
    """A row that is to be stored, read by names as a stored one is."""
    return SimpleNamespace(**values)


# ------------------------------------------------------------------ in the same transaction


def follow(sessions: Sessions, promise: Callable[[Session], Promise]) -> Sessions:
    """Keep the facts of whatever these sessions commit; gives the same ``sessions``. ``promise``: when people work now.

    A fault in here is logged and undone by itself: no figure is worth a lost message.
    """

    def write_before_commit(session: Session) -> None:
        if session.in_nested_transaction():
            return
        session.flush()
        touched: set[tuple[str, int]] = session.info.pop(_TOUCHED, set())
        if not touched:
            return
        conversations: set[int] = set()
        try:
            with session.begin_nested():
                conversations = _conversations(session, touched)
                write(session, conversations, promise(session))
        except Exception as error:  # noqa: BLE001 - promise 1: see above
            log.error(
                "the facts of conversations %s could not be written (%s). Run: lokbot statistics rebuild",
                sorted(conversations),
                type(error).__name__,
            )

    event.listen(sessions, "after_flush", _note)
    event.listen(sessions, "before_commit", write_before_commit)
    event.listen(sessions, "after_rollback", _forget)
    return sessions


def _note(session: Session, _context: Any) -> None:
    """Remember what a flush has changed that facts depend on."""
    touched: set[tuple[str, int]] = session.info.setdefault(_TOUCHED, set())
    for row in session.new:
        if isinstance(row, Event) and row.conversation_id is not None and row.verb not in _SAYS_NOTHING:
            touched.add(("conversation", row.conversation_id))
    for row in session.dirty:
        if isinstance(row, Conversation) and (_is_changed(row, "contact_id") or _is_changed(row, "status")):
            touched.add(("conversation", row.id))
        elif isinstance(row, Message) and _is_changed(row, "conversation_id"):
            touched.add(("conversation", row.conversation_id))
        elif isinstance(row, Contact) and _is_changed(row, "association_id"):
            touched.add(("contact", row.id))
        elif isinstance(row, Association) and _is_changed(row, "kind"):
            touched.add(("association", row.id))


def _is_changed(row: Any, attribute: str) -> bool:
    return bool(inspect(row).attrs[attribute].history.has_changes())


def _forget(session: Session) -> None:
    # After a savepoint the rest of the transaction goes on, and what was noted in vain does no harm.
    if not session.in_nested_transaction():
        session.info.pop(_TOUCHED, None)


def _conversations(session: Session, touched: Iterable[tuple[str, int]]) -> set[int]:
    """The ids of the conversations that something touched has to do with."""
    by_kind: dict[str, set[int]] = defaultdict(set)
    for kind, identity in touched:
        by_kind[kind].add(identity)
    found = by_kind["conversation"]
    for kind, column in (("contact", Contact.id), ("association", Contact.association_id)):
        if by_kind[kind]:
            query = select(Conversation.id).join(Conversation.contact).where(column.in_(by_kind[kind]))
            found.update(session.scalars(query))
    return found


# ------------------------------------------------------------------ for good


def anonymise(session: Session, conversation: Conversation) -> int:
    """Before a conversation is erased: its facts stay as the last commit left them, but who asked is chance from now
    on; returns how many.

    Contact and association get names that nothing leads to, the time becomes the day, and the row never changes again.
    What nobody had answered never will be.
    """
    of_it = Fact.conversation_id == conversation.id, Fact.is_anonymised.is_(False)
    before = session.execute(select(*COLUMNS).where(*of_it)).all()
    contact, association = secrets.token_hex(16), secrets.token_hex(16)
    after = [
        {
            **fact._mapping,
            "contact": contact,
            "association": association if fact.association else None,
            "asked_at": datetime.combine(fact.day, time(), tzinfo=SWEDEN),
            "outcome": FactOutcome.WITHDRAWN if fact.outcome is FactOutcome.OPEN else fact.outcome,
            "is_anonymised": True,
        }
        for fact in before
    ]
    _store(session, before, after)
    return len(after)


def rebuild(sessions: Sessions, promise: Promise) -> Rebuilt:
    """Derive all facts anew, keep those whose conversations are gone or erased, and count all of them anew.

    In many small transactions, so that nobody has to wait for it. Counts may be off until it has ended; where it was
    stopped, until it is run again.
    """
    derived, last = 0, 0
    while True:
        with sessions.begin() as session:
            batch = session.scalars(
                select(Conversation.id).where(Conversation.id > last).order_by(Conversation.id).limit(_BATCH)
            ).all()
            if not batch:
                break
            derived += write(session, range(batch[0], batch[-1] + 1), promise, is_counted=False)
        last = batch[-1]
    with sessions.begin() as session:
        months = session.scalars(select(Fact.month).distinct().order_by(Fact.month)).all()
    total = 0
    for month in months:
        with sessions.begin() as session:
            take_turns(session, "facts")
            facts = session.execute(select(*COLUMNS).where(Fact.month == month)).all()
            cells.recount(session, month, facts)
            total += len(facts)
    return Rebuilt(derived, total - derived)


def name_themes(session: Session, month: Month, themes: dict[int, str]) -> None:
    """Say of questions (ids) of a month which theme they belong to; those that are not named belong to none."""
    before = [
        fact
        for fact in session.execute(select(*COLUMNS).where(Fact.month == month))
        if fact.theme != themes.get(fact.question_id)
    ]
    after = [{**fact._mapping, "theme": themes.get(fact.question_id)} for fact in before]
    for values in after:
        session.execute(update(Fact).where(Fact.question_id == values["question_id"]).values(theme=values["theme"]))
    cells.change(session, before, [as_fact(values) for values in after])


def are_there(session: Session) -> bool:
    """Whether there are any facts."""
    return session.scalar(select(Fact.question_id).limit(1)) is not None


# ------------------------------------------------------------------ read what facts depend on


def _load(session: Session, conversations: Chosen) -> list[Case]:
    """Only the columns that facts need: a rebuild reads hundreds of thousands."""
    corrected = {
        row.question_id: (row.topic, row.administration) for row in session.execute(_corrections(conversations))
    }
    decided: dict[int, dict[int, Asked]] = defaultdict(dict)
    for row in session.execute(_decisions(conversations)):
        asked = Asked(*row[1:])
        if better := corrected.get(asked.question_id):
            asked = replace(asked, topic=better[0] or asked.topic, administration=better[1] or asked.administration)
        # Of several decisions on a question the last one counts.
        decided[row[0]][asked.question_id] = asked
    edits: dict[int, dict[int, int]] = defaultdict(dict)
    for conversation, before, now in session.execute(_edits(conversations)):
        edits[conversation][before] = now
    items: dict[int, list[Item]] = defaultdict(list)
    for row in session.execute(_items(conversations)):
        items[row[0]].append(Item(*row[1:]))
    events: dict[int, list[Noted]] = defaultdict(list)
    within = _parts(session, conversations)
    for row in session.execute(_events(conversations, _TELLING, within)):
        events[within.get(row[0], row[0])].append(Noted(*row[1:]))
    for number, origin in _origins(session, conversations):
        for row in session.execute(_events([origin], _OF_A_QUESTION)):
            events[number].append(Noted(*row[1:]))
    return [
        Case(
            conversation_id=row.id,
            channel=row.channel,
            status=row.status,
            contact_id=row.contact_id,
            association_id=row.association_id,
            association_kind=row.kind,
            questions=[*decided[row.id].values()],
            items=items[row.id],
            events=events[row.id],
            edits=edits[row.id],
        )
        for row in session.execute(
            select(
                Conversation.id,
                Conversation.channel,
                Conversation.status,
                Conversation.contact_id,
                Contact.association_id,
                Association.kind,
            )
            .join(Contact, Contact.id == Conversation.contact_id)
            .outerjoin(Association, Association.id == Contact.association_id)
            .where(_is_among(Conversation.id, conversations))
        )
    ]


def _decisions(conversations: Chosen) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Message.conversation_id,
            QuestionRecord.id,
            QuestionRecord.message_id,
            DecisionRecord.id,
            Message.received_at,
            QuestionRecord.language,
            QuestionRecord.understanding[("intents", 0, "intent")].as_string(),
            DecisionRecord.outcome,
            DecisionRecord.rule,
            DecisionRecord.reason,
            DecisionRecord.confidence,
            DecisionRecord.article,
            DecisionRecord.revision_id,
            DecisionRecord.outbox_id,
            DecisionRecord.topic,
            DecisionRecord.administration,
            Message.command,
            DecisionRecord.choices,
        )
        .join(QuestionRecord, QuestionRecord.message_id == Message.id)
        .join(DecisionRecord, DecisionRecord.question_id == QuestionRecord.id)
        .where(_is_among(Message.conversation_id, conversations))
        # By the conversation first, whose index SQLite takes then; else it would look through all that was ever asked.
        .order_by(Message.conversation_id, Message.id, QuestionRecord.position, DecisionRecord.id)
    )


def _corrections(conversations: Chosen) -> Select[*tuple[Any, ...]]:
    return (
        select(Correction.question_id, Correction.topic, Correction.administration)
        .join(QuestionRecord, QuestionRecord.id == Correction.question_id)
        .join(Message, Message.id == QuestionRecord.message_id)
        .where(_is_among(Message.conversation_id, conversations))
        .order_by(Message.conversation_id, Correction.id)
    )


def _edits(conversations: Chosen) -> Select[*tuple[Any, ...]]:
    """Where the first version was decided on, and where the edit was: what is read as one is decided under the last."""
    first = aliased(Message)
    return (
        select(
            Message.conversation_id,
            func.coalesce(first.read_with_id, first.id),
            func.coalesce(Message.read_with_id, Message.id),
        )
        .join(first, first.id == Message.replaces_id)
        .where(_is_among(Message.conversation_id, conversations))
        .order_by(Message.id)
    )


def _items(conversations: Chosen) -> Select[*tuple[Any, ...]]:
    return (
        select(
            OutboxItem.conversation_id,
            OutboxItem.id,
            OutboxItem.kind,
            OutboxItem.status,
            OutboxItem.is_automatic,
            OutboxItem.created_by,
            OutboxItem.created_at,
            OutboxItem.queued_at,
            Forward.returned_at.is_not(None),
        )
        .outerjoin(Forward, Forward.outbox_id == OutboxItem.id)
        .where(
            _is_among(OutboxItem.conversation_id, conversations),
            OutboxItem.kind.in_((OutboxKind.REPLY, OutboxKind.ANSWER, OutboxKind.FORWARD)),
        )
        .order_by(OutboxItem.id)
    )


def _events(conversations: Chosen, verbs: Collection[str], others: Collection[int] = ()) -> Select[*tuple[Any, ...]]:
    is_of: ColumnElement[bool] = _is_among(Event.conversation_id, conversations)
    if others:
        is_of |= Event.conversation_id.in_(others)
    return (
        select(Event.conversation_id, Event.verb, Event.at, Event.detail)
        # By their conversation. By its verb's index SQLite would look through all that anybody ever resolved.
        .where(is_of, func.lower(Event.verb).in_(verbs))
        .order_by(Event.id)
    )


def _parts(session: Session, conversations: Chosen) -> dict[int, int]:
    """What has become part of these conversations, and of that: id -> whose part."""
    found: dict[int, int] = {}
    nearest: Chosen = conversations
    while rows := session.execute(
        select(Conversation.id, Conversation.merged_into_id).where(_is_among(Conversation.merged_into_id, nearest))
    ).all():
        nearest = {part: found.get(into, into) for part, into in rows if into is not None}
        found |= nearest
    return found


def _origins(session: Session, conversations: Chosen) -> list[tuple[int, int]]:
    """Which of these have questions that stood in another: id, the other's id."""
    return [
        (row.conversation_id, row.detail["branched"])
        for row in session.execute(_events(conversations, _BRANCHING))
        if "branched" in row.detail
    ]
