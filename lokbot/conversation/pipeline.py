"""The way of a message: understand, decide, tell the asker or a person, remember why. ``handle`` is the whole of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, load_only

from lokbot import ahead
from lokbot.config import Settings
from lokbot.conversation import (
    administration_mail,
    caps,
    coordinator_group,
    coordinator_mail,
    corrections,
    escalation,
    introducing,
    outbox,
    parties,
    reading,
)
from lokbot.conversation.decision import WITHOUT_RECEIPT, Situation, answer_language, decide, is_for_a_person, why_held
from lokbot.conversation.reading import Turn
from lokbot.conversation.reply import ReplyContext, acknowledge, compose, quoted
from lokbot.conversation.working_days import SWEDEN
from lokbot.masking import has_personal_number
from lokbot.model import (
    CHATS,
    FROM_GROUP,
    JUNK,
    LEFT_ON_SERVER,
    NOT_FETCHED,
    Authentication,
    ConversationStatus,
    Decision,
    Evidence,
    Knowledge,
    Match,
    MessageState,
    OutboxKind,
    Outcome,
    Owner,
    Question,
    Reply,
    Understanding,
)
from lokbot.store import queries
from lokbot.store.schema import Conversation, DecisionRecord, Message, OutboxItem, QuestionRecord
from lokbot.store.session import ANSWERING, Sessions, share_turns
from lokbot.understanding import Active, answer_threshold
from lokbot.understanding.language import UNKNOWN

log = logging.getLogger(__name__)

# A message that took the process down with it so many times is not tried again by itself. Workers that begin with
# it at the same moment count as tries too, so it is given up only when nobody has begun for a while.
MAX_ATTEMPTS = 3
GIVEN_UP_AFTER = timedelta(minutes=1)

# How many messages are handled in one commit: a backlog is quick, others get to write.
MESSAGES_A_COMMIT = 20

# Reasons that leave a matter where it stood.
NOTHING_NEW = ("command", "edited")


@dataclass(frozen=True, slots=True)
class Plan:
    """The decisions of a message by what becomes of them: told at once, held as suggestions (why), left to a person."""

    decisions: tuple[Decision, ...]
    told: tuple[Decision, ...]
    held: tuple[tuple[Decision, str], ...]
    rest: tuple[Decision, ...]

    @property
    def needs_person(self) -> bool:
        return bool(self.rest or self.held)


NOTHING = Plan((), (), (), ())


def handle(session: Session, message: Message, active: Active, settings: Settings, *, now: datetime) -> Plan:
    """Take a stored message its whole way, in the caller's transaction, which holds its case (``queries.take_up``)."""
    conversation = message.conversation
    turn = reading.turn(session, message)
    message = turn.message
    understanding = understand(turn, active)
    situation = observe(session, turn, understanding, active.knowledge, settings, now=now)
    plan = arrange(session, decide(situation), message, active.knowledge, settings, now=now)
    if understanding.language != UNKNOWN and situation.is_from_asker:
        conversation.language = understanding.language
    if situation.is_from_asker:
        escalation.wake(session, conversation, actor="bot", now=now)

    if situation.is_bounce:
        escalation.note_bounce(session, message, now=now)
    if situation.cap_reached == "outbox":
        escalation.sound_the_breaker(session, conversation, settings=settings, knowledge=active.knowledge, now=now)
    if plan.decisions[0].reason == "from-coordinator":
        take_in_from_coordinator(session, message, plan, active.knowledge, settings, now=now)
        _finish(message, understanding, now=now)
        return plan
    if plan.decisions[0].reason == "from-administration":
        take_in_from_administration(session, message, plan, active.knowledge, settings, now=now)
        return plan
    if plan.decisions[0].reason == "logged":
        take_in_logged(session, message, plan, active.knowledge, now=now)
        return plan
    reading.join(turn, now=now)
    if plan.needs_person:
        hand_over(session, message, plan, settings, now=now)
    if conversation.status is ConversationStatus.WAITING and plan.decisions[0].reason == "solved":
        settle_by_own_choice(session, conversation, active.knowledge, now=now)
    if message.channel.is_chat:
        introduce(session, message, plan, active.knowledge, settings, now=now)
    reply = None
    if situation.may_be_written_to:
        had_receipt = situation.had_receipt
        reply = tell(session, turn, plan, active.knowledge, settings, had_receipt=had_receipt, now=now)
    suggestion = suggest(session, turn, plan, active.knowledge, settings, now=now)
    if plan.needs_person:
        # Of what is urgent an earlier receipt says nothing: nobody has told them whom to call.
        is_urgent = any(decision.is_urgent for decision in plan.decisions)
        has_receipt = reply is not None or (situation.had_receipt and not is_urgent)
        call_a_person(session, message, plan, suggestion, active.knowledge, settings, has_receipt=has_receipt, now=now)
    else:
        close(conversation, plan)

    remember(session, message, plan, active.knowledge, reply, suggestion, now=now)
    _finish(message, understanding, now=now)
    return plan


def understand(turn: Turn, active: Active) -> Understanding:
    """What was asked; a button says it without words. Whoever has chosen a language gets it, in a chat."""
    message, chosen = turn.message, turn.message.conversation.contact.language
    if message.command is not None:
        language = chosen or message.conversation.language
        return Understanding(language, (Question(message.new_text, language),))
    understanding = active.understand(turn.text, subject=message.subject)
    if understanding.language == UNKNOWN and message.conversation.language:
        # "2", or a smiley, says nothing of the language: it is the one that they have written in before.
        understanding = _in_language(understanding, message.conversation.language)
    if chosen is None or answer_language(understanding.language) is None:
        return understanding
    return _in_language(understanding, chosen)


def _in_language(understanding: Understanding, language: str) -> Understanding:
    return Understanding(language, tuple(replace(each, language=language) for each in understanding.questions))


def observe(
    session: Session,
    turn: Turn,
    understanding: Understanding,
    knowledge: Knowledge,
    settings: Settings,
    *,
    now: datetime,
) -> Situation:
    """How things stand around a message: what the rules of ``decide`` ask about."""
    message, conversation = turn.message, turn.message.conversation
    told = _told_before(session, turn)
    above = queries.decided_above(session, message)
    is_bounce = message.bounce is not None
    forwarded = parties.forward_answered(message)
    is_from_form = message.sender_email in {address.lower() for address in settings.form_senders}
    from_mailbox = queries.written_after(session, message, by=queries.MAILBOX)
    is_answered = any(
        item.kind is OutboxKind.ANSWER
        and item.conversation_id == conversation.id
        and item.in_reply_to == message.message_id
        for item in from_mailbox
    )
    return Situation(
        understanding=understanding,
        knowledge=knowledge,
        threshold=settings.answer_threshold or answer_threshold(understanding, settings.rate(message.channel)),
        status=conversation.status,
        is_logged=message.channel.is_logged,
        is_automatic=(message.automatic_kind is not None and not is_from_form) or is_bounce,
        is_bounce=is_bounce,
        is_bounce_of_ours=is_bounce and _is_bounce_of_ours(message),
        is_from_coordinator=message.command == FROM_GROUP
        or message.sender_email in {address.lower() for address in settings.coordinators},
        is_from_inside=parties.is_from_inside(message),
        from_administration=forwarded.forward.administration if forwarded and forwarded.forward else None,
        is_readable=message.is_readable and escalation.asker(conversation, message) is not None,
        has_attachment=turn.has_file if message.channel.is_chat else parties.has_attachment(message),
        is_reply_elsewhere=not is_from_form and _is_reply_elsewhere(message),
        is_unproven=Authentication(**(message.authentication or {})).is_failed,
        is_from_form=is_from_form,
        is_form_without_sender=is_from_form and not message.reply_to,
        is_from_list=message.automatic_kind == "list" and _is_written_to_us(message, settings),
        is_perhaps_automatic="perhaps-automatic" in message.warnings and not is_from_form,
        is_too_large=LEFT_ON_SERVER in message.warnings,
        cap_reached=caps.reached(session, message, told, settings, now=now),
        is_junk=JUNK in message.warnings,
        is_answered=is_answered,
        is_person_writing=bool(from_mailbox),
        was_answered=any(item.kind not in queries.WITHOUT_AN_ANSWER for item in told),
        had_receipt=caps.had_receipt(told, now=now),
        articles_told=queries.articles_told(session, conversation, but_for=turn.superseded) if told else frozenset(),
        last_topic=queries.last_topic_told(session, conversation) if told else None,
        choices=_choices(session, message, told, above),
        is_asked_whether_solved=_ends_by_choice(turn)
        and queries.chosen_last(session, conversation, but_for=_ids(turn)) is not None,
        command=message.command,
        articles_above=tuple(decision.article for decision in above or () if decision.article),
        before_edit=_decided_before(session, turn),
    )


def _ends_by_choice(turn: Turn) -> bool:
    """Whether the asker may say that an answer which they chose is all they need."""
    return escalation.waits_for_trust_alone(turn.message.conversation, but_for=_ids(turn))


def _ids(turn: Turn) -> frozenset[int]:
    return frozenset(message.id for message in turn.messages)


def _told_before(session: Session, turn: Turn) -> Sequence[OutboxItem]:
    """What the asker has got in this matter: not in answer to what they have mended since, nor before they said that
    it was solved.
    """
    conversation = turn.message.conversation
    solved_at = queries.solved_at(session, conversation) if conversation.channel.is_chat else None
    return [
        item
        for item in queries.told(conversation)
        if item.message_id not in turn.superseded and (solved_at is None or item.created_at > solved_at)
    ]


def _choices(
    session: Session, message: Message, told: Sequence[OutboxItem], above: Sequence[DecisionRecord] | None
) -> tuple[str, ...]:
    """What the asker chooses from: where a button was pressed, what stood above it; else what was last asked."""
    if above is not None:
        return tuple(choice for decision in above for choice in decision.choices or ())
    return queries.open_choices(session, message.conversation) if told else ()


def _decided_before(session: Session, turn: Turn) -> tuple[tuple[Outcome, str | None, str | None], ...]:
    """What was decided of the message in the version before this one; that it changed nothing counts as before."""
    if not turn.superseded:
        return ()
    records = [each for each in queries.decided_of(session, turn.superseded) if each.reason != "edited"]
    latest = [each for each in records if each.question.message_id == records[-1].question.message_id]
    return tuple((each.outcome, each.article, each.administration) for each in latest)


def arrange(
    session: Session,
    decisions: tuple[Decision, ...],
    message: Message,
    knowledge: Knowledge,
    settings: Settings,
    *,
    now: datetime,
) -> Plan:
    """What may be told by itself, what is only suggested, what a person answers."""
    pauses = queries.once(session, "pauses", lambda: queries.pauses(session))

    def why_not(decision: Decision) -> str | None:
        return why_held(
            decision,
            knowledge=knowledge,
            mode=settings.answering.mode(message.channel, decision.topic),
            is_paused=escalation.is_paused(
                pauses, channel=message.channel, topic=decision.topic, article=decision.article
            ),
            drafts_allowed=settings.drafts_allowed,
            today=now.astimezone(SWEDEN).date(),
        )

    arranged = tuple(_but_for_what_is_held(decision, why_not, knowledge) for decision in decisions)
    told: list[Decision] = []
    held: list[tuple[Decision, str]] = []
    rest: list[Decision] = []
    for decision in arranged:
        why = why_not(decision)
        if why is not None:
            held.append((decision, why))
        elif decision.outcome is Outcome.ESCALATE:
            rest.append(decision)
        elif decision.outcome is not Outcome.IGNORE:
            told.append(decision)
            if is_for_a_person(decision, knowledge):
                rest.append(decision)
    return Plan(arranged, tuple(told), tuple(held), tuple(rest))


def _but_for_what_is_held(
    decision: Decision, why_not: Callable[[Decision], str | None], knowledge: Knowledge
) -> Decision:
    """A decision that somebody waits after offers only what may be answered at once when it is chosen, and a suggestion
    nothing: when it is sent a person has read the question.
    """
    if decision.outcome is Outcome.CLARIFY or not decision.choices:
        return decision
    if why_not(decision) is not None:
        return replace(decision, choices=())
    answers = {
        choice: replace(
            decision,
            outcome=Outcome.ANSWER,
            article=choice,
            topic=knowledge.articles[choice].topic,
            choices=(),
        )
        for choice in decision.choices
    }
    return replace(decision, choices=tuple(choice for choice, answer in answers.items() if why_not(answer) is None))


def take_in_from_coordinator(
    session: Session, message: Message, plan: Plan, knowledge: Knowledge, settings: Settings, *, now: datetime
) -> None:
    """A coordinator writes to us from their own mail program: it acts, or is kept as a note; the bot says nothing."""
    if message.conversation.messages[0].id == message.id:
        hand_over(session, message, plan, settings, now=now)  # a case of its own, which somebody has to look at
    take_in = coordinator_group.take_in if message.command == FROM_GROUP else coordinator_mail.take_in
    take_in(session, message, settings=settings, knowledge=knowledge, now=now)
    remember(session, message, plan, knowledge, None, None, now=now)


def take_in_from_administration(
    session: Session, message: Message, plan: Plan, knowledge: Knowledge, settings: Settings, *, now: datetime
) -> None:
    """Whom we sent the question on to answers, or returns it: the case is a coordinator's again."""
    administration_mail.take_in(session, message, settings=settings, knowledge=knowledge, now=now)
    remember(session, message, plan, knowledge, None, None, now=now)
    message.state, message.handled_at = MessageState.HANDLED, now


def take_in_logged(session: Session, message: Message, plan: Plan, knowledge: Knowledge, *, now: datetime) -> None:
    """What somebody said on the phone or in the office: what it is about is noted, and nobody is told of it."""
    first, conversation = plan.decisions[0], message.conversation
    conversation.topic = conversation.topic or first.topic
    conversation.administration = conversation.administration or first.administration
    conversation.is_urgent = first.is_urgent and conversation.status is not ConversationStatus.RESOLVED
    remember(session, message, plan, knowledge, None, None, now=now)
    message.state, message.handled_at = MessageState.HANDLED, now


def hand_over(session: Session, message: Message, plan: Plan, settings: Settings, *, now: datetime) -> None:
    """Make the conversation a person's, before any text says so."""
    first = plan.rest[0] if plan.rest else plan.held[0][0]
    escalation.escalate(
        session,
        message.conversation,
        reason=first.reason,
        received_at=message.received_at,
        settings=settings,
        now=now,
        topic=first.topic,
        administration=first.administration,
        is_urgent=any(decision.is_urgent for decision in plan.decisions),
    )


def settle_by_own_choice(session: Session, conversation: Conversation, knowledge: Knowledge, *, now: datetime) -> None:
    """They chose an answer while they waited, and say that nobody needs to answer any more. What they had asked, and
    what it turned out to mean, is an example to learn from.
    """
    chosen = queries.chosen_last(session, conversation)
    escalation.resolve(session, conversation, actor=corrections.ASKER, now=now)
    for question in corrections.questions_of(conversation):
        is_it = any(
            decision.outcome is not Outcome.CLARIFY and chosen in (decision.choices or ())
            for decision in question.decisions
        )
        if is_it and chosen in knowledge.articles:
            corrections.correct(
                session, conversation, question, knowledge=knowledge, actor=corrections.ASKER, now=now, article=chosen
            )


def introduce(
    session: Session, message: Message, plan: Plan, knowledge: Knowledge, settings: Settings, *, now: datetime
) -> None:
    """In a chat: say first what they write to, do what a command asks for, and name the case by what it is about."""
    conversation = message.conversation
    was_greeted = conversation.contact.greeted_at is not None
    introducing.greet(session, message, plan.decisions, knowledge, settings, now=now)
    if message.command is None:
        conversation.subject = conversation.subject or quoted(plan.decisions[0].question.text)
        is_only_hello = all(decision.reason == "thanks" for decision in plan.decisions)
        if is_only_hello and not queries.told(conversation):
            introducing.say_hello(session, message, knowledge, settings, now=now)
    elif plan.decisions[0].reason in ("command", "solved"):
        is_greeted = not was_greeted and conversation.contact.greeted_at is not None
        introducing.obey(session, message, knowledge, settings, is_greeted=is_greeted, now=now)


def tell(
    session: Session,
    turn: Turn,
    plan: Plan,
    knowledge: Knowledge,
    settings: Settings,
    *,
    had_receipt: bool,
    now: datetime,
) -> OutboxItem | None:
    """One reply with what is known and where the rest went, or a receipt, or nothing."""
    message, conversation = turn.message, turn.message.conversation
    to = escalation.asker(conversation, message)
    left = [decision for decision in plan.decisions if decision not in plan.told and _is_left(decision, plan)]
    if to is None or conversation.status in outbox.SILENT:
        return None
    is_silent = not plan.told and (had_receipt or all(decision.reason in WITHOUT_RECEIPT for decision in left))
    context = _context(turn, knowledge)
    reply = _acknowledged(context, left) if is_silent else compose(plan.told, left, context)
    if reply is None:
        return None
    item = outbox.enqueue(
        session,
        conversation,
        reply,
        kind=OutboxKind.REPLY if plan.told else OutboxKind.RECEIPT,
        to=(to,),
        settings=settings,
        answers=message,
        now=now,
    )
    if len(plan.decisions) == 1 and plan.told and plan.told[0].outcome is Outcome.ROUTE:
        owner = knowledge.administrations[plan.told[0].administration or ""]
        escalation.forward_by_itself(session, conversation, owner, settings=settings, knowledge=knowledge, now=now)
    return item


def suggest(
    session: Session, turn: Turn, plan: Plan, knowledge: Knowledge, settings: Settings, *, now: datetime
) -> OutboxItem | None:
    """What may not go by itself waits in the outbox for a coordinator's word."""
    message = turn.message
    to = escalation.asker(message.conversation, message)
    if not plan.held or to is None:
        return None
    context = _context(turn, knowledge, opening="released")
    return outbox.enqueue(
        session,
        message.conversation,
        compose([decision for decision, _ in plan.held], [], context),
        kind=OutboxKind.REPLY,
        to=(to,),
        settings=settings,
        answers=message,
        is_held=True,
        now=now,
    )


def call_a_person(
    session: Session,
    message: Message,
    plan: Plan,
    suggestion: OutboxItem | None,
    knowledge: Knowledge,
    settings: Settings,
    *,
    has_receipt: bool,
    now: datetime,
) -> None:
    """Mail the coordinators that the case waits for one of them."""
    first = plan.rest[0] if plan.rest else plan.held[0][0]
    escalation.notify(
        session,
        message.conversation,
        message,
        reason=first.reason,
        settings=settings,
        knowledge=knowledge,
        now=now,
        suggestion=suggestion,
        held=plan.held[0][1] if plan.held else None,
        has_receipt=has_receipt,
    )


def close(conversation: Conversation, plan: Plan) -> None:
    """Nobody has anything left to do, unless the asker writes again."""
    is_answered = any(decision.outcome in (Outcome.ANSWER, Outcome.CLARIFY) for decision in plan.told)
    if all(decision.reason in NOTHING_NEW for decision in plan.decisions):
        return  # help, or a spelling mended: the matter stands where it stood
    if conversation.status in (ConversationStatus.BOT, ConversationStatus.RESOLVED):
        conversation.status = ConversationStatus.BOT if is_answered else ConversationStatus.RESOLVED
    conversation.topic = next((d.topic for d in plan.decisions if d.topic), conversation.topic)


def remember(
    session: Session,
    message: Message,
    plan: Plan,
    knowledge: Knowledge,
    reply: OutboxItem | None,
    suggestion: OutboxItem | None,
    *,
    now: datetime,
) -> None:
    """Write down what was understood and decided, from which article version, and in which text it was told."""
    held = dict(plan.held)
    for position, decision in enumerate(plan.decisions):
        text = knowledge.articles[decision.article].text(decision.language) if decision.article else None
        question = QuestionRecord(
            message_id=message.id,
            position=position,
            text=decision.question.text,
            language=decision.question.language,
            understanding={
                "matches": [_match(match) for match in decision.question.matches[:5]],
                "intents": [
                    {"intent": hit.intent.id, "evidence": _evidence(hit.evidence)} for hit in decision.question.intents
                ],
                "owners": [_owner(owner) for owner in decision.question.owners[:3]],
            },
        )
        # What only a person answers is told of where it offers something.
        is_told = decision in plan.told or bool(decision.choices)
        item = suggestion if decision in held else reply if is_told else None
        question.decisions.append(
            DecisionRecord(
                outcome=decision.outcome,
                rule=decision.rule,
                reason=decision.reason,
                missed=list(decision.missed),
                evidence=[_evidence(evidence) for evidence in decision.evidence],
                confidence=decision.confidence,
                topic=decision.topic,
                administration=decision.administration,
                article=decision.article,
                choices=list(decision.choices) or None if item is not None else None,
                language=decision.language,
                revision_id=text.revision_id if text else None,
                is_urgent=decision.is_urgent,
                held_because=held.get(decision),
                item=item,
                knowledge_digest=knowledge.digest,
                decided_at=now,
            )
        )
        session.add(question)
    queries.record(
        session,
        "decided",
        actor="bot",
        now=now,
        conversation=message.conversation,
        message=message,
        outcomes=[str(decision.outcome) for decision in plan.decisions],
    )


# Written out: ``asdict`` takes ten times as long, and a message has dozens of these.
def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {"matcher": evidence.matcher, "detail": evidence.detail, "score": evidence.score}


def _match(match: Match) -> dict[str, Any]:
    grounds = [_evidence(each) for each in match.evidence]
    return {"article": match.article, "confidence": match.confidence, "evidence": grounds}


def _owner(owner: Owner) -> dict[str, Any]:
    grounds = [_evidence(each) for each in owner.evidence]
    return {"administration": owner.administration, "confidence": owner.confidence, "evidence": grounds}


def _finish(message: Message, understanding: Understanding, *, now: datetime) -> None:
    message.language = understanding.language
    message.state, message.handled_at = MessageState.HANDLED, now


def _context(turn: Turn, knowledge: Knowledge, *, opening: str = "automatic") -> ReplyContext:
    message = turn.message
    return ReplyContext(
        knowledge=knowledge,
        subject=message.subject,
        language=message.conversation.language,
        case_number=message.conversation.case_number,
        received_at=message.received_at,
        answer_by=message.conversation.answer_by if opening == "automatic" else None,
        ends_by_choice=opening == "automatic" and _ends_by_choice(turn),
        opening=opening,
        channel=message.channel,
        has_personal_number=any(has_personal_number(part.new_text or part.text) for part in turn.messages),
        has_file=turn.has_file,
        is_file_left=any(NOT_FETCHED in part.warnings for part in turn.messages),
    )


def _acknowledged(context: ReplyContext, left: Sequence[Decision]) -> Reply | None:
    """What a chat is told in a case that waits for a person. A mail is not: two receipts would be one too many."""
    is_over = any(decision.reason == "over-cap" for decision in left)
    return acknowledge(context) if context.channel.is_chat and left and not is_over else None


def _is_left(decision: Decision, plan: Plan) -> bool:
    return decision in plan.rest or any(decision is held for held, _ in plan.held)


def _is_bounce_of_ours(message: Message) -> bool:
    """Notifications do not count: to tell the coordinators that one bounced would bounce again, for ever."""
    bounce = message.bounce or {}
    bounced = {bounce.get("original_message_id"), *message.in_reply_to, *message.references}
    return any(
        item.external_id in bounced for item in message.conversation.outbox if item.kind is not OutboxKind.NOTIFICATION
    )


def _is_written_to_us(message: Message, settings: Settings) -> bool:
    ours = {settings.smtp.from_address.lower(), settings.imap.user.lower()}
    return any(address["email"] in ours for address in (*message.to, *message.cc))


def _is_reply_elsewhere(message: Message) -> bool:
    if not message.reply_to:
        return False
    domains = {address["email"].rpartition("@")[2] for address in message.reply_to}
    return domains != {message.sender_email.rpartition("@")[2]}


# ------------------------------------------------------------------ the next message, and what happens when it fails


def handle_next(sessions: Sessions, active: Active, settings: Settings, *, now: datetime) -> tuple[int, Plan] | None:
    """``handle_waiting`` for the oldest one; None when there is none."""
    commits = handle_waiting(sessions, active, settings, most=1, clock=lambda: now)
    return next((done for commit in commits for done in commit), None)


def handle_waiting(
    sessions: Sessions,
    active: Active,
    settings: Settings,
    *,
    most: int,
    clock: Callable[[], datetime],
    read: Callable[[Active, Sequence[ahead.Texts], ahead.Texts], Iterator[Active]] = ahead.read_here,
) -> Iterator[Sequence[tuple[int, Plan]]]:
    """Handle stored messages, some in each commit; gives what each commit has handled, once it is done. Chats come
    first, since their writers sit and wait, then what is oldest. A failure is shown to people, never raised.

    Only trouble with the database itself is raised: then nothing can be written down, and the messages still wait.
    ``read`` understands them before the transaction that handles them: on SQLite nobody else can write while that
    lasts, and to understand takes longest.
    """
    begun, following = _begin(sessions, settings, active.knowledge, most=most, now=clock())
    if not begun or begun[0].state is MessageState.FAILED:
        yield [(message.id, NOTHING) for message in begun]
        return
    parts = [begun[first : first + MESSAGES_A_COMMIT] for first in range(0, len(begun), MESSAGES_A_COMMIT)]
    understood = read(
        active, [{_words(message) for message in part} for part in parts], {_words(message) for message in following}
    )
    for part, known in zip(parts, understood, strict=True):
        yield _handle_begun(sessions, [message.id for message in part], known, settings, now=clock())


def _words(message: Message) -> tuple[str, str]:
    """What is to be understood: what was written now, and the subject."""
    return message.new_text or message.text, message.subject


def _handle_begun(
    sessions: Sessions, ids: Sequence[int], active: Active, settings: Settings, *, now: datetime
) -> Sequence[tuple[int, Plan]]:
    """Several in one commit; where that fails, each in its own, and the one that fails is set aside."""
    try:
        with sessions.begin() as session:
            share_turns(session, ANSWERING)
            # Of several, those whose case somebody else holds are left for the next time: nobody waits for each other.
            messages = queries.take_up(session, ids, is_waiting=len(ids) == 1)
            # What was written in one breath is handled with the first of it.
            return [
                (message.id, handle(session, message, active, settings, now=now))
                for message in messages
                if message.state is MessageState.STORED
            ]
    except DBAPIError:
        raise
    except Exception as error:  # noqa: BLE001 - promise 1: whatever went wrong, somebody sees the message
        if len(ids) > 1:
            return [done for one in ids for done in _handle_begun(sessions, [one], active, settings, now=now)]
        # The type and the place, not the message of the error: that may hold what somebody wrote.
        log.error("message %s failed: %s", ids[0], _place(error))
        with sessions.begin() as session:
            _fail(session, session.get_one(Message, ids[0]), _place(error), settings, active.knowledge, now=now)
        return [(ids[0], NOTHING)]


def _begin(
    sessions: Sessions, settings: Settings, knowledge: Knowledge, *, most: int, now: datetime
) -> tuple[Sequence[Message], Sequence[Message]]:
    """Choose the next messages, and count the tries in their own commit, so that a crash in the middle is counted too.
    Beside them those that are likely to be next after them.

    Such a crash counts for all that were begun with. One that has been tried before is therefore begun alone: what
    was only beside the message that stops the process is then not given up with it.
    """
    with sessions.begin() as session:
        waiting = session.scalars(
            select(Message)
            .options(load_only(Message.state, Message.attempts, Message.new_text, Message.text, Message.subject))
            .where(
                Message.state == MessageState.STORED,
                reading.is_due(quiet=timedelta(seconds=settings.chat.quiet_seconds), now=now),
                or_(Message.attempts < MAX_ATTEMPTS, Message.tried_at <= now - GIVEN_UP_AFTER),
            )
            .order_by(Message.channel.not_in(CHATS), Message.id)
            .limit(most + MESSAGES_A_COMMIT)
            .with_for_update(skip_locked=True)
        ).all()
        if waiting and waiting[0].attempts >= MAX_ATTEMPTS:
            _fail(session, waiting[0], "stopped the process every time", settings, knowledge, now=now)
            return waiting[:1], ()
        begun = list(takewhile(lambda message: message.attempts == 0, waiting[:most])) or waiting[:1]
        for message in begun:
            message.attempts, message.tried_at = message.attempts + 1, now
        return begun, waiting[len(begun) :]


def _fail(
    session: Session, message: Message, why: str, settings: Settings, knowledge: Knowledge, *, now: datetime
) -> None:
    conversation = message.conversation
    message.state, message.failure = MessageState.FAILED, why
    escalation.escalate(
        session, conversation, reason="failed", received_at=message.received_at, settings=settings, now=now
    )
    queries.record(session, "failed", actor="bot", now=now, conversation=conversation, message=message, why=why)
    escalation.tell_of_failure(session, conversation, settings=settings, knowledge=knowledge, now=now)


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} in {trace.tb_frame.f_code.co_qualname} line {trace.tb_lineno}"
