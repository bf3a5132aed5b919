"""What people say the bot should have understood: kept as labelled examples to measure on and to learn from.

A correction changes nothing that was told; it is about a question that was decided, never about a person's own words.
Whose matter it is said to be holds for the case at once, until the case has been sent on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from lokbot.conversation import forwarding, parties
from lokbot.model import GoldenQuestion, Knowledge, NotPossible, Outcome
from lokbot.store import queries
from lokbot.store.schema import Conversation, Correction, DecisionRecord, QuestionRecord

ASKER = "den som frågade"
"""Who made a correction, where it is the asker: they chose an answer themselves and said that it was the right one."""

STYLE = "corrected"
"""The style of a golden question that comes from a correction."""


def questions_of(conversation: Conversation) -> Sequence[QuestionRecord]:
    """The decided questions of a case, in the order in which ``lokbot correct`` numbers them from 1."""
    return [question for message in conversation.messages for question in message.questions if question.decisions]


def correct(
    session: Session,
    conversation: Conversation,
    question: QuestionRecord,
    *,
    knowledge: Knowledge,
    actor: str,
    now: datetime,
    article: str | None = None,
    topic: str | None = None,
    administration: str | None = None,
    is_nothing: bool = False,
) -> Correction:
    """Say what ``question`` should have led to. ``is_nothing``: no text of ours answers it, a person had to.

    The case becomes ``administration``'s, unless it is with one that has been asked, or is another question's matter.

    Raises NotPossible where nothing is said, where it contradicts itself, where an id does not exist, and after an
    erasure.
    """
    queries.hold(session, conversation)
    if conversation.erased_at is not None:
        raise NotPossible("{case} är raderat och kan inte rättas.", case=conversation.case_number)
    if not (article or topic or administration or is_nothing):
        raise NotPossible("Säg vad som är rätt.", terminal="--article, --topic, --administration eller --none")
    if article and is_nothing:
        raise NotPossible("Välj ett svar, eller att inget finns.", terminal="--article och --none säger emot varandra.")
    for what, name, known in (
        ("artikel", article, knowledge.articles),
        ("rubrik", topic, knowledge.topics),
        ("förvaltning", administration, knowledge.administrations),
    ):
        if name is not None and name not in known:
            raise NotPossible(
                "”{name}” finns inte att välja.",
                name=name,
                terminal=f"Det finns ingen sådan {what}. Välj bland: {', '.join(sorted(known))}.",
            )
    is_moved = administration is not None and _is_its_matter(conversation, question)
    correction = Correction(
        question=question,
        article=article,
        topic=topic,
        administration=administration,
        is_nothing=is_nothing,
        made_by=actor,
        made_at=now,
    )
    session.add(correction)
    if is_moved:
        conversation.administration, conversation.updated_at = administration, now
    queries.record(
        session,
        "corrected",
        actor=actor,
        now=now,
        conversation=conversation,
        message=question.message,
        question=question.id,
        article=article,
        topic=topic,
        administration=administration,
        nothing=is_nothing,
    )
    return correction


def _is_its_matter(conversation: Conversation, question: QuestionRecord) -> bool:
    """Whether what is said of a question's administration is said of the whole case."""
    if forwarding.is_asked(conversation):
        return False
    if conversation.administration in (None, _owner(question)):
        return True
    others = [one for message in parties.from_asker(conversation) for one in message.questions if one is not question]
    return conversation.administration not in set(map(_owner, others))


def _owner(question: QuestionRecord) -> str | None:
    """The administration that was last said of a question."""
    said: list[DecisionRecord | Correction] = [*question.decisions, *question.corrections]
    return next((one.administration for one in reversed(said) if one.administration), None)


def newest(session: Session) -> Sequence[Correction]:
    """The correction that counts of each question, oldest first: what was said last."""
    by_question = {correction.question_id: correction for correction in queries.corrections(session)}
    return sorted(by_question.values(), key=lambda correction: correction.id)


def waiting(session: Session) -> Sequence[Correction]:
    """Corrections that nobody has yet made a lesson of or turned down."""
    return [correction for correction in newest(session) if correction.settled_as is None]


def settle(session: Session, correction: Correction, settled_as: str, *, actor: str, now: datetime) -> None:
    """It has become a ``wording`` or a ``golden`` question, or is ``rejected``; with it what was said of it before."""
    for earlier in correction.question.corrections:
        if earlier.settled_as is None:
            earlier.settled_as, earlier.settled_by, earlier.settled_at = settled_as, actor, now
    message = correction.question.message
    queries.record(
        session,
        "settled-correction",
        actor=actor,
        now=now,
        conversation=message.conversation,
        message=message,
        correction=correction.id,
        settled_as=settled_as,
    )


def examples(session: Session) -> list[GoldenQuestion]:
    """Every waiting correction that says how a question should have ended, as a golden question
    (id ``correction-<question>``).

    What is settled was rejected or stands in the content by now, where it is learnt from: to measure on it too would
    be to ask what was told. A topic alone is no outcome. The text is as it was written, so an example must not leave
    this machine or be shown without masking.
    """
    return [golden for correction in waiting(session) if (golden := example(correction)) is not None]


def example(correction: Correction) -> GoldenQuestion | None:
    """One correction as a golden question; None where it names a topic alone."""
    question = correction.question
    if correction.article:
        outcome = Outcome.ANSWER
    elif correction.is_nothing:
        outcome = Outcome.ESCALATE
    elif correction.administration:
        outcome = Outcome.ROUTE
    else:
        return None
    outcomes = {outcome, Outcome.ESCALATE} if outcome is Outcome.ROUTE else {outcome}
    return GoldenQuestion(
        id=f"correction-{question.id}",
        text=question.text,
        language=question.language,
        style=STYLE,
        outcomes=frozenset(outcomes),
        articles=(correction.article,) if correction.article else (),
        administration=correction.administration,
    )
