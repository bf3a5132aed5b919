"""Decide what is done with each question of a message: two ordered tables of rules, the first opinion wins.

Pure. A rule is a function whose name says what it does; it returns a verdict, or None when it has no opinion.
Which rules were asked without an opinion is kept with the decision, so that "why?" has a whole answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from lokbot.model import (
    AdministrationKind,
    AnsweringMode,
    Article,
    ConversationStatus,
    Decision,
    Evidence,
    IntentAction,
    IntentHit,
    Knowledge,
    Outcome,
    Question,
    Understanding,
)

# A fact that ages is sent by itself for so long after somebody at the city checked it (DESIGN section 5).
CHECK_HOLDS = timedelta(days=365)

# What an answer must reach where a rule points to another owner, or the question is a reply to an answer of ours.
SURER = 0.9

# Below this a match is no hint of the topic either.
HINT = 0.3

# A person gets these, but the asker gets no receipt: they have one, are one of us, or cannot be proven to be who wrote.
WITHOUT_RECEIPT = frozenset({"with-a-person", "from-coordinator", "bounce", "reply-elsewhere", "over-cap"})

WITH_A_PERSON = (ConversationStatus.WAITING, ConversationStatus.TAKEN, ConversationStatus.WITH_ADMINISTRATION)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision rests on: what was understood, and how things stand in the conversation."""

    understanding: Understanding
    knowledge: Knowledge
    threshold: float
    status: ConversationStatus = ConversationStatus.BOT
    is_automatic: bool = False
    is_bounce_of_ours: bool = False
    is_from_coordinator: bool = False
    is_from_inside: bool = False
    is_readable: bool = True
    has_attachment: bool = False
    is_reply_elsewhere: bool = False
    is_over_cap: bool = False
    was_answered: bool = False
    articles_told: frozenset[str] = frozenset()

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions; one empty where the message holds no words, so that it too gets a decision."""
        return self.understanding.questions or (Question("", self.understanding.language),)

    @property
    def is_from_asker(self) -> bool:
        """Neither a machine's nor that of a coordinator or an administration."""
        return not (self.is_automatic or self.is_from_coordinator or self.is_from_inside)

    def hit(self, *actions: IntentAction) -> IntentHit | None:
        """The first intent of such an action in any question."""
        return next((hit for question in self.questions if (hit := question.hit(*actions))), None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule's opinion."""

    outcome: Outcome
    reason: str
    article: str | None = None
    administration: str | None = None
    intent: IntentHit | None = None
    confidence: float = 0.0
    evidence: tuple[Evidence, ...] = ()
    is_urgent: bool = False


# ------------------------------------------------------------------ rules for the whole message


def tell_a_person_that_our_mail_bounced(situation: Situation) -> Verdict | None:
    return Verdict(Outcome.ESCALATE, "bounce") if situation.is_bounce_of_ours else None


def ignore_automatic_mail(situation: Situation) -> Verdict | None:
    """RFC 3834: an automatic reply to an automatic message makes loops."""
    return Verdict(Outcome.IGNORE, "automatic") if situation.is_automatic else None


def keep_a_coordinators_mail_inside(situation: Situation) -> Verdict | None:
    return Verdict(Outcome.ESCALATE, "from-coordinator") if situation.is_from_coordinator else None


def leave_an_administrations_mail_to_the_coordinator(situation: Situation) -> Verdict | None:
    """Whoever answers what we forwarded is not the asker, and asks the bot nothing."""
    return Verdict(Outcome.ESCALATE, "with-a-person") if situation.is_from_inside else None


def alarm_for_the_urgent(situation: Situation) -> Verdict | None:
    """Public documents, appeals, complaints, threats, distress: a person at once, and the bot says nothing of it."""
    hit = situation.hit(IntentAction.URGENT)
    return _for_a_person(hit, "urgent", is_urgent=True) if hit else None


def let_thanks_rest(situation: Situation) -> Verdict | None:
    if situation.has_attachment or not all(_only_thanks(question) for question in situation.questions):
        return None
    hit = situation.hit(IntentAction.IGNORE)
    return Verdict(Outcome.IGNORE, "thanks", intent=hit, evidence=(hit.evidence,) if hit else ())


def leave_it_to_the_coordinator(situation: Situation) -> Verdict | None:
    return Verdict(Outcome.ESCALATE, "with-a-person") if situation.status in WITH_A_PERSON else None


def show_what_cannot_be_read(situation: Situation) -> Verdict | None:
    if not situation.is_readable:
        return Verdict(Outcome.ESCALATE, "unreadable")
    has_words = any(letter.isalnum() for question in situation.questions for letter in question.text)
    return None if has_words else Verdict(Outcome.ESCALATE, "no-words")


def fetch_a_person_when_asked(situation: Situation) -> Verdict | None:
    hit = situation.hit(IntentAction.PERSON)
    return _for_a_person(hit, "person-wanted") if hit else None


def answer_nobody_elsewhere(situation: Situation) -> Verdict | None:
    """A Reply-To in another domain than the sender's is how somebody makes us write to a third person."""
    return Verdict(Outcome.ESCALATE, "reply-elsewhere") if situation.is_reply_elsewhere else None


def stop_at_the_cap(situation: Situation) -> Verdict | None:
    return Verdict(Outcome.ESCALATE, "over-cap") if situation.is_over_cap else None


def give_a_reply_to_a_person(situation: Situation) -> Verdict | None:
    """Who writes back after an answer was not helped by it, unless every question is clearly a new one.

    Clearly: a reply leans on what was said before, so its words are trusted less than a first question's.
    """
    if not situation.was_answered:
        return None
    for question in situation.questions:
        best = question.best()
        is_clear = best is not None and best.confidence >= max(situation.threshold, SURER)
        if best is None or not is_clear or best.article in situation.articles_told:
            return Verdict(Outcome.ESCALATE, "reply-to-answer")
    return None


# ------------------------------------------------------------------ rules for each question


def keep_own_matters_with_people(question: Question, _: Situation) -> Verdict | None:
    """Their own application, payment, hand-in: only a person may judge it."""
    if hit := question.hit(IntentAction.OWN_MATTER):
        return _for_a_person(hit, "own-matter")
    if hit := question.hit(IntentAction.HAND_IN):
        return _for_a_person(hit, "hand-in")
    return None


def show_attachments_to_a_person(_: Question, situation: Situation) -> Verdict | None:
    """What is attached may be a hand-in, and nobody but a person can read it."""
    return Verdict(Outcome.ESCALATE, "attachment") if situation.has_attachment else None


def say_nothing_to_thanks(question: Question, _: Situation) -> Verdict | None:
    return Verdict(Outcome.IGNORE, "thanks") if _only_thanks(question) else None


def leave_other_languages_to_a_person(question: Question, _: Situation) -> Verdict | None:
    """What is in a language of which no answer was sure: the rules that point to an owner know Swedish and English."""
    return Verdict(Outcome.ESCALATE, "other-language") if answer_language(question.language) is None else None


def answer_what_a_rule_knows(question: Question, situation: Situation) -> Verdict | None:
    hit = question.hit(IntentAction.ANSWER)
    if hit is None or hit.intent.article is None or not _has_text(hit.intent.article, question, situation):
        return None
    if answer_language(question.language) is None:
        return None  # its words are Swedish and English: in another language they are names, perhaps in passing
    return Verdict(
        Outcome.ANSWER, "rule", article=hit.intent.article, intent=hit, confidence=1.0, evidence=(hit.evidence,)
    )


def answer_when_sure(question: Question, situation: Situation) -> Verdict | None:
    """Where a rule points to another owner than the article's, the pointer is safe: an answer must be surer still."""
    best = question.best()
    if best is None or not _has_text(best.article, question, situation):
        return None
    hit = question.hit(IntentAction.ROUTE)
    owner = situation.knowledge.articles[best.article].administration
    is_disputed = hit is not None and hit.intent.administration != owner
    if best.confidence < (max(situation.threshold, SURER) if is_disputed else situation.threshold):
        return None
    return Verdict(Outcome.ANSWER, "sure", article=best.article, confidence=best.confidence, evidence=best.evidence)


def point_to_the_owner(question: Question, _: Situation) -> Verdict | None:
    hit = question.hit(IntentAction.ROUTE)
    if hit is None or hit.intent.administration is None:
        return None
    return Verdict(
        Outcome.ROUTE,
        "rule",
        administration=hit.intent.administration,
        intent=hit,
        confidence=1.0,
        evidence=(hit.evidence,),
    )


def ask_a_person_when_unsure(question: Question, _: Situation) -> Verdict:
    best = question.best()
    if best is None or best.confidence < HINT:
        return Verdict(Outcome.ESCALATE, "nothing-found")
    return Verdict(Outcome.ESCALATE, "not-sure", confidence=best.confidence, evidence=best.evidence)


MessageRule = Callable[[Situation], Verdict | None]
QuestionRule = Callable[[Question, Situation], Verdict | None]

MESSAGE_RULES: tuple[MessageRule, ...] = (
    tell_a_person_that_our_mail_bounced,
    ignore_automatic_mail,
    keep_a_coordinators_mail_inside,
    leave_an_administrations_mail_to_the_coordinator,
    alarm_for_the_urgent,
    let_thanks_rest,
    leave_it_to_the_coordinator,
    show_what_cannot_be_read,
    fetch_a_person_when_asked,
    answer_nobody_elsewhere,
    stop_at_the_cap,
    give_a_reply_to_a_person,
)

QUESTION_RULES: tuple[QuestionRule, ...] = (
    keep_own_matters_with_people,
    show_attachments_to_a_person,
    say_nothing_to_thanks,
    answer_what_a_rule_knows,
    answer_when_sure,
    leave_other_languages_to_a_person,
    point_to_the_owner,
    ask_a_person_when_unsure,
)


def decide(situation: Situation) -> tuple[Decision, ...]:
    """One decision for each question, in order. A rule for the whole message decides them all alike."""
    missed: list[str] = []
    for rule in MESSAGE_RULES:
        if verdict := rule(situation):
            return tuple(
                _decision(question, verdict, rule.__name__, tuple(missed), situation)
                for question in situation.questions
            )
        missed.append(rule.__name__)
    return tuple(_decide_question(question, situation, tuple(missed)) for question in situation.questions)


def overall(decisions: tuple[Decision, ...]) -> Outcome:
    """One word for a message with several outcomes: the one that asks most of a person."""
    order = (Outcome.ESCALATE, Outcome.CLARIFY, Outcome.ROUTE, Outcome.ANSWER, Outcome.IGNORE)
    outcomes = {decision.outcome for decision in decisions}
    return next(outcome for outcome in order if outcome in outcomes)


def answer_language(language: str) -> str | None:
    """The language to answer in; None where there are no approved texts.

    Norwegian and Danish readers read Swedish; words in no language (names, emoji) are taken for a Swede's.
    """
    if language in ("sv", "no", "nb", "nn", "da", "und"):
        return "sv"
    return "en" if language == "en" else None


def why_held(
    decision: Decision,
    *,
    knowledge: Knowledge,
    mode: AnsweringMode,
    is_paused: bool,
    drafts_allowed: bool,
    today: date,
) -> str | None:
    """Why what was decided may not be told by itself but is suggested to a coordinator; None where it may.

    The rules are those of DESIGN section 5: approved by a named person, review not passed, what ages was checked.
    """
    if decision.outcome not in (Outcome.ANSWER, Outcome.ROUTE, Outcome.CLARIFY):
        return None
    if is_paused:
        return "paused"
    if mode is AnsweringMode.SUGGEST:
        return "suggest-mode"
    if drafts_allowed:
        return None
    if decision.outcome is Outcome.ROUTE:
        owner = knowledge.administrations[decision.administration or ""]
        return None if owner.approved_by else "not-approved"
    article = knowledge.articles[decision.article or ""]
    if not article.texts[decision.language].approved_by:
        return "not-approved"
    if article.review_by is not None and article.review_by < today:
        return "review-passed"
    if article.perishable and (article.checked_on is None or article.checked_on + CHECK_HOLDS < today):
        return "not-checked"
    return None


def is_for_a_person(decision: Decision, knowledge: Knowledge) -> bool:
    """Whether a person has something left to do: an escalation, or a matter of one of the city's own."""
    if decision.outcome is Outcome.ROUTE:
        return knowledge.administrations[decision.administration or ""].kind is not AdministrationKind.OUTSIDE
    return decision.outcome is Outcome.ESCALATE


def _decide_question(question: Question, situation: Situation, missed: tuple[str, ...]) -> Decision:
    for rule in QUESTION_RULES:
        if verdict := rule(question, situation):
            return _decision(question, verdict, rule.__name__, missed, situation)
        missed = (*missed, rule.__name__)
    raise AssertionError("the last rule always has an opinion")


def _decision(
    question: Question, verdict: Verdict, rule: str, missed: tuple[str, ...], situation: Situation
) -> Decision:
    knowledge = situation.knowledge
    article = knowledge.articles.get(verdict.article or "")
    best = question.best()
    hint = knowledge.articles.get(best.article) if best and best.confidence >= HINT else None
    intent = verdict.intent.intent if verdict.intent else None
    administration = verdict.administration
    if administration is None and article:
        administration = article.administration
    if administration is None and intent:
        administration = intent.administration
    if administration is None and question.owners:
        administration = question.owners[0].administration
    topic = article.topic if article else intent.topic if intent else hint.topic if hint else None
    return Decision(
        outcome=verdict.outcome,
        rule=rule,
        reason=verdict.reason,
        question=question,
        article=verdict.article,
        language=_told_in(article, question.language),
        topic=topic,
        administration=administration,
        confidence=verdict.confidence,
        evidence=verdict.evidence,
        is_urgent=verdict.is_urgent,
        intent=intent.id if intent else None,
        missed=missed,
    )


def _for_a_person(hit: IntentHit, reason: str, *, is_urgent: bool = False) -> Verdict:
    return Verdict(Outcome.ESCALATE, reason, intent=hit, confidence=1.0, evidence=(hit.evidence,), is_urgent=is_urgent)


def _only_thanks(question: Question) -> bool:
    return bool(question.intents) and question.intents[0].intent.action is IntentAction.IGNORE


def _told_in(article: Article | None, language: str) -> str:
    """The language an answer is decided in: the asker's own, where there is such a text; else Swedish.

    To a language without approved texts the reply tells the Swedish text, and the English one beside it.
    """
    known = answer_language(language)
    if known is None:
        return language if article is not None and article.text(language) is not None else "sv"
    return known


def _has_text(article: str, question: Question, situation: Situation) -> bool:
    known = situation.knowledge.articles.get(article)
    return known is not None and known.text(_told_in(known, question.language)) is not None
