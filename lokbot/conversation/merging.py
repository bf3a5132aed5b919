"""Make two cases one, take them apart again, and give some messages a case of their own.

All that stands in a case moves to another: messages, what went out, notes, lines for the steering group. Nothing is
copied. A case that has become part of another keeps its number, which leads there, and its events, which never move.
Each act is one transaction and an event in both cases, with what was moved, so that it can be undone to the row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from lokbot.conversation import linking, outbox, parties, working_days
from lokbot.conversation.decision import WITH_A_PERSON
from lokbot.conversation.working_days import SWEDEN, Promise
from lokbot.model import (
    Address,
    ChannelName,
    ConversationStatus,
    MessageState,
    NotPossible,
    OutboxKind,
    OutboxStatus,
    RecordClass,
)
from lokbot.store import queries
from lokbot.store.schema import (
    Conversation,
    DecisionRecord,
    Draft,
    Event,
    Message,
    Note,
    OutboxItem,
    Presence,
    QuestionRecord,
    SteeringMatter,
)

# What moves with a case, by the word in the event.
_MOVING = {"messages": Message, "outgoing": OutboxItem, "notes": Note, "matters": SteeringMatter}
# The more a case wants of somebody, the later it stands: two together want what the one that wants more does.
_WANTING = (
    ConversationStatus.RESOLVED,
    ConversationStatus.BOT,
    ConversationStatus.WITH_ADMINISTRATION,
    ConversationStatus.WAITING,
    ConversationStatus.TAKEN,
)
# What must be assessed is not hidden by what is of minor importance; what is to be registered is so as a whole.
_STRICTER = (RecordClass.MINOR, RecordClass.NOT_ASSESSED, RecordClass.REGISTER, RecordClass.SECRECY)


@dataclass(frozen=True, slots=True)
class State:
    """Where a case stands and whose it is. Fields as in ``store.schema.Conversation``."""

    status: ConversationStatus
    reason: str | None
    taken_by: str | None
    waiting_since: datetime | None
    answer_by: date | None
    snoozed_until: date | None
    is_urgent: bool
    topic: str | None
    administration: str | None
    record_class: RecordClass
    diary_number: str | None

    @property
    def is_open(self) -> bool:
        return self.status in WITH_A_PERSON


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would come of making ``part`` a part of ``whole``, so that whoever decides has seen it.

    ``asker`` is who would get the next answer, ``silenced`` how many texts of the bot would be taken back,
    ``are_strangers`` that the two have not the same contact; ``obstacle`` says why it cannot be.
    """

    whole: Conversation
    part: Conversation
    messages: int
    outgoing: int
    notes: int
    state: State
    asker: Address | None
    silenced: int
    are_strangers: bool
    obstacle: NotPossible | None


def state_of(conversation: Conversation) -> State:
    return State(**{name: getattr(conversation, name) for name in State.__dataclass_fields__})


def together(first: State, other: State) -> State:
    """How two cases stand as one: with whoever has the first where both are somebody's, the longest waiting counted,
    the earlier promise kept. Pure.
    """
    leading = max(first, other, key=lambda one: _WANTING.index(one.status))  # of two that want the same, the first
    still_open = [one for one in (first, other) if one.is_open]
    rests = [one.snoozed_until for one in still_open]
    return State(
        status=leading.status,
        reason=leading.reason,
        taken_by=leading.taken_by,
        waiting_since=min((one.waiting_since for one in still_open if one.waiting_since), default=None),
        answer_by=min((one.answer_by for one in still_open if one.answer_by), default=None),
        # It rests only where all that is open in it does.
        snoozed_until=min((day for day in rests if day), default=None) if all(rests) else None,
        is_urgent=first.is_urgent or other.is_urgent,
        topic=first.topic or other.topic,
        administration=first.administration or other.administration,
        record_class=max(first.record_class, other.record_class, key=_STRICTER.index),
        diary_number=first.diary_number or other.diary_number,
    )


# ------------------------------------------------------------------ two become one


def foresee(session: Session, whole: Conversation, part: Conversation, *, now: datetime) -> Foreseen:
    """What ``merge`` would do. Changes nothing."""
    try:
        _must_fit(session, whole, part)
        obstacle = None
    except NotPossible as error:
        obstacle = error
    state = together(state_of(whole), state_of(part))
    silenced = 0
    if _is_silent(state, whole, part):
        silenced = sum(outbox.may_be_taken_back(item, now=now) for one in (whole, part) for item in one.outbox)
    return Foreseen(
        whole,
        part,
        len(part.messages),
        sum(item.kind is not OutboxKind.NOTIFICATION for item in part.outbox),
        len(part.notes),
        state,
        _next_asker(whole, part),
        silenced,
        whole.contact_id != part.contact_id,
        obstacle,
    )


def merge(
    session: Session,
    whole: Conversation,
    part: Conversation,
    *,
    actor: str,
    now: datetime,
    are_strangers_seen: bool = False,
) -> None:
    """Make ``part`` a part of ``whole``. What the bot has queued and held is looked at again: it is taken back where a
    person has either case, and where the other has told the same.

    Raises NotPossible where they cannot be one, where somebody changes either just now, and, unless
    ``are_strangers_seen``, where they have not the same contact.
    """
    _hold(session, whole, part)
    _must_fit(session, whole, part)
    if whole.contact_id != part.contact_id and not are_strangers_seen:
        raise NotPossible("Ärendena har olika kontakter. Bekräfta att du har sett båda.")
    was, was_part = state_of(whole), state_of(part)
    became = together(was, was_part)
    is_silent = _is_silent(became, whole, part)
    moved = {word: _ids(session, kind, part) for word, kind in _MOVING.items()}
    _move(session, moved, whole)
    _bring_drafts(session, whole, part)
    session.execute(delete(Presence).where(Presence.conversation_id == part.id))
    session.expire_all()
    _put(whole, became, now)
    whole.reach_by, whole.moved_to = whole.reach_by or part.reach_by, whole.moved_to or part.moved_to
    _settle(part, now)
    part.merged_into_id = whole.id
    cancelled = outbox.cancel_automatic(session, whole, now=now) if is_silent else _cancel_repeated(session, whole)
    queries.record(
        session,
        "merged-into",
        actor=actor,
        now=now,
        conversation=part,
        into=whole.id,
        moved=moved,
        was=_written(was_part),
        whole_was=_written(was),
        whole_became=_written(became),
    )
    queries.record(
        session,
        "merged",
        actor=actor,
        now=now,
        conversation=whole,
        part=part.id,
        case=part.case_number,
        messages=len(moved["messages"]),
        cancelled=cancelled,
    )
    session.flush()


def take_apart(session: Session, whole: Conversation, part: Conversation, *, actor: str, now: datetime) -> None:
    """Undo ``merge``: what came from ``part`` goes back to it, with what was answered to it since, and it stands as it
    stood; what has come in since stays. ``whole`` stands as before it too, unless somebody has changed that meanwhile.
    """
    _hold(session, whole, part)
    if part.merged_into_id != whole.id:
        raise NotPossible("{case} är inte en del av {other}.", case=part.case_number, other=whole.case_number)
    if whole.erased_at is not None or part.erased_at is not None:
        raise NotPossible("{case} är raderat och kan inte delas.", case=whole.case_number)
    query = select(Event).where(Event.conversation_id == part.id, Event.verb == "merged-into")
    event = session.scalars(query.order_by(Event.id.desc()).limit(1)).one()
    moved: dict[str, list[int]] = {
        word: _still(session, kind, event.detail["moved"][word], whole) for word, kind in _MOVING.items()
    }
    answered = select(OutboxItem.id).where(
        OutboxItem.conversation_id == whole.id, OutboxItem.message_id.in_(moved["messages"])
    )
    moved["outgoing"] = sorted({*moved["outgoing"], *session.scalars(answered)})
    _move(session, moved, part)
    session.expire_all()
    part.merged_into_id = None
    _put(part, _read(event.detail["was"]), now)
    if state_of(whole) == _read(event.detail["whole_became"]):
        _put(whole, _read(event.detail["whole_was"]), now)
    _be_silent_where_taken(session, (whole, part), now)
    queries.record(
        session, "taken-apart", actor=actor, now=now, conversation=part, case=whole.case_number, branched=whole.id
    )
    queries.record(session, "taken-apart", actor=actor, now=now, conversation=whole, case=part.case_number)
    session.flush()


def _must_fit(session: Session, whole: Conversation, part: Conversation) -> None:
    if whole.id == part.id:
        raise NotPossible("Ett ärende kan inte slås ihop med sig självt.")
    for one in (whole, part):
        if one.erased_at is not None:
            raise NotPossible("{case} är raderat och kan inte slås ihop.", case=one.case_number)
        if one.merged_into_id is not None:
            other = queries.whole(session, one)
            raise NotPossible("{case} är redan en del av {other}.", case=one.case_number, other=other.case_number)
    if (whole.channel.is_chat or part.channel.is_chat) and whole.contact_id != part.contact_id:
        raise NotPossible(
            "En chatt kan bara slås ihop med samma persons chatt. Svaren går annars fel väg. Länka ärendena i stället."
        )
    if whole.diary_number and part.diary_number and whole.diary_number != part.diary_number:
        raise NotPossible("Båda ärendena har ett diarienummer. Länka dem i stället.")


def _is_silent(state: State, *cases: Conversation) -> bool:
    return state.status in outbox.SILENT or any(one.status in outbox.SILENT for one in cases)


def _next_asker(whole: Conversation, part: Conversation) -> Address | None:
    """Who would get the next answer: whoever wrote last in either."""
    latest = [(parties.from_asker(one), one) for one in (whole, part)]
    written = [(found[-1].received_at, found[-1].id, one) for found, one in latest if found]
    return parties.asker(max(written)[2] if written else whole)


def _cancel_repeated(session: Session, conversation: Conversation) -> int:
    """Take back what the bot has queued or suggested where all of it is told in the case already; returns how many."""
    told: dict[int, set[str | None]] = {}
    for outbox_id, article in session.execute(
        select(DecisionRecord.outbox_id, DecisionRecord.article)
        .join(OutboxItem, OutboxItem.id == DecisionRecord.outbox_id)
        .where(OutboxItem.conversation_id == conversation.id)
    ):
        told.setdefault(outbox_id or 0, set()).add(article)
    count = 0
    for item in outbox.unsent(session, conversation):
        is_waiting = item.status in (OutboxStatus.QUEUED, OutboxStatus.HELD)
        articles = told.get(item.id, {None})
        if not (is_waiting and item.is_automatic and item.kind is OutboxKind.REPLY) or None in articles:
            continue
        others = (
            one
            for one in queries.told(conversation)
            if one.id != item.id and (one.status is not OutboxStatus.QUEUED or one.id < item.id)
        )
        if articles <= set().union(*(told.get(one.id, set()) for one in others)):
            item.status = OutboxStatus.CANCELLED
            count += 1
    return count


def _bring_drafts(session: Session, whole: Conversation, part: Conversation) -> None:
    """Nothing that somebody has begun to write is lost: it stands below what they had begun in the other."""
    for draft in session.scalars(select(Draft).where(Draft.conversation_id == part.id)).all():
        known = session.get(Draft, (whole.id, draft.user_id, draft.kind))
        text = f"{known.text.rstrip()}\n\n{draft.text}".lstrip() if known else draft.text
        session.merge(
            Draft(conversation_id=whole.id, user_id=draft.user_id, kind=draft.kind, text=text, saved_at=draft.saved_at)
        )
        session.delete(draft)
    session.flush()


# ------------------------------------------------------------------ one becomes two


def split(
    session: Session,
    conversation: Conversation,
    chosen: Collection[int],
    *,
    actor: str,
    promise: Promise,
    now: datetime,
) -> Conversation:
    """Give messages (ids) a case of their own, with what was answered to them, and link the two; returns the new one.

    It is of whoever wrote the first of them, and of the same coordinator. What waits for an answer waits there since it
    came. Raises NotPossible where nothing would be left, in a chat, and where somebody changes the case just now.
    """
    _hold(session, conversation)
    if conversation.erased_at is not None:
        raise NotPossible("{case} är raderat och kan inte delas.", case=conversation.case_number)
    if conversation.channel.is_chat:
        raise NotPossible("En chatt kan inte delas. Nästa meddelande skulle hamna i fel ärende.")
    moving = _with_edits(conversation.messages, chosen)
    staying = [message for message in conversation.messages if message not in moving]
    if not moving:
        raise NotPossible("Välj minst ett meddelande i ärendet.")
    if not staying:
        raise NotPossible("Alla meddelanden kan inte flyttas. Låt minst ett vara kvar.")
    was = state_of(conversation)
    first = next((one for one in moving if one in parties.from_asker(conversation)), moving[0])
    new = _open(session, conversation, first, now)
    ids = [message.id for message in moving]
    outgoing = session.scalars(
        select(OutboxItem.id).where(OutboxItem.conversation_id == conversation.id, OutboxItem.message_id.in_(ids))
    ).all()
    moved = {"messages": ids, "outgoing": list(outgoing)}
    is_forward = select(OutboxItem.id).where(OutboxItem.id.in_(outgoing), OutboxItem.kind == OutboxKind.FORWARD)
    has_forward = session.scalar(is_forward.limit(1)) is not None
    _move(session, moved, new)
    new.topic, new.administration = _matter(session, ids)
    session.expire_all()
    _share_the_waiting(was, conversation, new, promise, has_forward=has_forward, now=now)
    _be_silent_where_taken(session, (conversation, new), now)
    linking.link(session, conversation, new, actor=actor, now=now, is_told=False)
    queries.record(
        session,
        "split",
        actor=actor,
        now=now,
        conversation=conversation,
        into=new.id,
        case=new.case_number,
        moved=moved,
    )
    queries.record(
        session,
        "split-from",
        actor=actor,
        now=now,
        conversation=new,
        case=conversation.case_number,
        branched=conversation.id,
        moved=moved,
    )
    session.flush()
    return new


def _with_edits(messages: Sequence[Message], chosen: Collection[int]) -> list[Message]:
    """The chosen messages, with what they are edits of and were read as one with."""
    wanted = {message.id for message in messages} & set(chosen)
    pairs = [
        (message.id, other)
        for message in messages
        for other in (message.replaces_id, message.read_with_id)
        if other is not None
    ]
    while more := {one for pair in pairs if wanted & set(pair) for one in pair} - wanted:
        wanted |= more
    return [message for message in messages if message.id in wanted]


def _open(session: Session, conversation: Conversation, first: Message, now: datetime) -> Conversation:
    contact = conversation.contact
    if first.channel is ChannelName.MAIL:
        to = parties.asker(conversation, first)
        if to is not None and to.email:
            contact = queries.contact_at(session, ChannelName.MAIL, to.email, to.name, now=now)
    new = Conversation(
        case_number=queries.next_case_number(session, now.astimezone(SWEDEN).year),
        channel=first.channel,
        contact=contact,
        subject=first.subject or conversation.subject,
        language=first.language if first.language in ("sv", "en") else conversation.language,
        status=ConversationStatus.BOT,
        is_urgent=False,
        created_at=now,
        updated_at=now,
    )
    session.add(new)
    session.flush()
    return new


def _matter(session: Session, messages: Collection[int]) -> tuple[str | None, str | None]:
    """Topic and administration that were last decided of these messages."""
    found = session.execute(
        select(DecisionRecord.topic, DecisionRecord.administration)
        .join(QuestionRecord, QuestionRecord.id == DecisionRecord.question_id)
        .where(QuestionRecord.message_id.in_(messages))
        .order_by(DecisionRecord.id)
    ).all()
    topics, owners = ([row[place] for row in found if row[place]] for place in (0, 1))
    return (topics[-1] if topics else None), (owners[-1] if owners else None)


def _share_the_waiting(
    was: State, old: Conversation, new: Conversation, promise: Promise, *, has_forward: bool, now: datetime
) -> None:
    """Each waits since the first message in it that nobody has answered; the new one wants nothing where all in it is
    answered. The old one stays with whoever had it: that it is done is for a person to say.
    """
    since = was.waiting_since
    if since is None:
        new.status, new.taken_by, new.reason = was.status, was.taken_by, was.reason
        return
    waiting = {one: [each.received_at for each in one.messages if each.received_at >= since] for one in (old, new)}
    if waiting[new]:
        new.status, new.taken_by, new.reason = was.status, was.taken_by, was.reason
        new.waiting_since, new.is_urgent = min(waiting[new]), was.is_urgent
        new.answer_by = _promised(was, new.waiting_since, promise)
    else:
        _settle(new, now)
    if was.status is ConversationStatus.WITH_ADMINISTRATION:
        left = any(item.kind is OutboxKind.FORWARD for item in old.outbox)
        for one, is_with_them in ((new, has_forward), (old, left)):
            if one.waiting_since is not None and not is_with_them:
                one.status, one.taken_by = ConversationStatus.WAITING, None
    if waiting[old]:
        old.waiting_since = min(waiting[old])
        old.answer_by = _promised(was, old.waiting_since, promise)
    old.updated_at = now


def _promised(was: State, since: datetime, promise: Promise) -> date | None:
    """What was promised to whoever waits longest is what they were told; the others get a day of their own."""
    if was.answer_by is None or since == was.waiting_since:
        return was.answer_by
    return working_days.promised_day(since, promise)


# ------------------------------------------------------------------ what they all do


def _hold(session: Session, *cases: Conversation) -> None:
    """Both cases are ours until the transaction ends, and what is being read in them.

    We wait for the first and never, with one held, for another: whoever holds that may be waiting for this one.
    """
    session.flush()
    session.expire_all()
    try:
        for place, case in enumerate(sorted(cases, key=lambda one: one.id)):
            session.refresh(case, with_for_update={"key_share": True, "nowait": place > 0})
        session.execute(
            select(Message.id)
            .where(Message.conversation_id.in_([case.id for case in cases]), Message.state == MessageState.STORED)
            .with_for_update(nowait=True)
        )
    except OperationalError:
        raise NotPossible(
            "Någon ändrar i ärendet just nu, eller så läses ett meddelande. Försök igen om en stund."
        ) from None


def _ids(session: Session, kind: Any, conversation: Conversation) -> list[int]:
    return list(session.scalars(select(kind.id).where(kind.conversation_id == conversation.id).order_by(kind.id)))


def _still(session: Session, kind: Any, ids: Iterable[int], conversation: Conversation) -> list[int]:
    """Those of these rows that are in the conversation: some may have gone on to another."""
    wanted = kind.id.in_(list(ids)), kind.conversation_id == conversation.id
    return list(session.scalars(select(kind.id).where(*wanted).order_by(kind.id)))


def _move(session: Session, moved: Mapping[str, Collection[int]], to: Conversation) -> None:
    session.flush()
    for word, ids in moved.items():
        kind: Any = _MOVING[word]
        session.execute(
            update(kind)
            .where(kind.id.in_(ids))
            .values(conversation_id=to.id)
            .execution_options(synchronize_session=False)
        )


def _be_silent_where_taken(session: Session, cases: Collection[Conversation], now: datetime) -> None:
    for one in cases:
        if one.status in outbox.SILENT:
            outbox.cancel_automatic(session, one, now=now)


def _put(conversation: Conversation, state: State, now: datetime) -> None:
    for name in State.__dataclass_fields__:
        setattr(conversation, name, getattr(state, name))
    conversation.updated_at = now


def _settle(conversation: Conversation, now: datetime) -> None:
    conversation.status, conversation.taken_by, conversation.is_urgent = ConversationStatus.RESOLVED, None, False
    conversation.waiting_since = conversation.answer_by = conversation.snoozed_until = None
    conversation.updated_at = now


def _written(state: State) -> dict[str, Any]:
    """As an event holds it."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(state).items()}


def _read(values: Mapping[str, Any]) -> State:
    since, by, rests = (values[name] for name in ("waiting_since", "answer_by", "snoozed_until"))
    return State(
        **{
            **values,
            "status": ConversationStatus(values["status"]),
            "record_class": RecordClass(values["record_class"]),
            "waiting_since": datetime.fromisoformat(since) if since else None,
            "answer_by": date.fromisoformat(by) if by else None,
            "snoozed_until": date.fromisoformat(rests) if rests else None,
        }
    )
