"""Decide what is done with each question of a message: two ordered tables of rules, the first opinion wins.

Pure. A rule is a function whose name says what it does; it returns a verdict, or None when it has no opinion.
Which rules were asked without an opinion is kept with the decision, so that "why?" has a whole answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import prod

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
    Match,
    Outcome,
    Question,
    Understanding,
)

# A fact that ages is sent by itself for so long after somebody at the city checked it (DESIGN section 5).
CHECK_HOLDS = timedelta(days=365)

# What an answer must reach where the question is a reply to an answer of ours.
SURER = 0.9

# And where a rule points to another owner: there the pointer is safe, and only a wording word for word is as sure.
DISPUTED = 0.98

# Two questions of one message that find the same article by themselves, each at least so likely, speak for each other:
# of 63 such pairs among the development questions none was about another article (docs/understanding.md).
AGREEING = 0.6

# Where one of a few articles is nearly sure to be meant and none by itself, the asker is asked which: at most so many,
# each at least so likely, together at least so likely.
MOST_CHOICES = 3
LEAST_CHOICE = 0.12
CHOICES_TOGETHER = 0.7
# Of a few words ("bidrag") nobody can say more; to be asked is then quicker than to wait for a person who asks.
CHOICES_OF_FEW_WORDS = 0.4

# Whoever waits for a person is shown meanwhile what they may have asked, where the nearest article is at least so
# likely to answer it. Of the development questions that go to a person for want of trust and have an article, nine in
# ten are shown the right one so (docs/understanding.md).
LEAST_OFFER = 0.4

# Why a person answers where nothing but trust is wanting.
UNSURE = frozenset({"not-sure", "nothing-found", "other-language"})

# A short question leans on what was said before ("Vem kan söka?", "och för ungdomar?"): in a question with so few words
# the topic of the last answer counts, and an article of that topic needs less to be offered.
FEW_WORDS = 6
LEAST_IN_TOPIC = 0.05

# Below this a match is no hint of the topic either.
HINT = 0.3

# A person gets these, but the asker gets no receipt: they have one, are one of us, or there have been too many.
WITHOUT_RECEIPT = frozenset(
    {"with-a-person", "from-coordinator", "from-administration", "logged", "bounce", "over-cap"}
)

# Buttons and commands about the bot itself (``lang-sv`` chooses a language).
ABOUT_THE_BOT = ("start", "help", "lang", "hide")

WITH_A_PERSON = (ConversationStatus.WAITING, ConversationStatus.TAKEN, ConversationStatus.WITH_ADMINISTRATION)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision rests on: what was understood, and how things stand in the conversation.

    In a chat ``command`` is what was pressed (see ``Button``), ``articles_above`` the answers that the pressed button
    stood under, and ``before_edit`` what was decided (outcome, article, owner) before the asker mended the message.
    ``choices`` are the articles that the asker may choose from; ``is_asked_whether_solved`` says that they have chosen
    one while they waited for a person, were asked whether that was all, and have written nothing since.
    """

    understanding: Understanding
    knowledge: Knowledge
    threshold: float
    status: ConversationStatus = ConversationStatus.BOT
    is_logged: bool = False
    is_automatic: bool = False
    is_bounce: bool = False
    is_bounce_of_ours: bool = False
    is_from_coordinator: bool = False
    is_from_inside: bool = False
    from_administration: str | None = None
    is_readable: bool = True
    has_attachment: bool = False
    is_reply_elsewhere: bool = False
    is_unproven: bool = False
    is_from_form: bool = False
    is_form_without_sender: bool = False
    is_from_list: bool = False
    is_perhaps_automatic: bool = False
    is_too_large: bool = False
    cap_reached: str | None = None
    is_junk: bool = False
    is_answered: bool = False
    is_person_writing: bool = False
    was_answered: bool = False
    had_receipt: bool = False
    articles_told: frozenset[str] = frozenset()
    last_topic: str | None = None
    choices: tuple[str, ...] = ()
    is_asked_whether_solved: bool = False
    command: str | None = None
    articles_above: tuple[str, ...] = ()
    before_edit: tuple[tuple[Outcome, str | None, str | None], ...] = ()

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions; one empty where the message holds no words, so that it too gets a decision."""
        return self.understanding.questions or (Question("", self.understanding.language),)

    @property
    def is_from_asker(self) -> bool:
        """Neither a machine's nor that of a coordinator or an administration."""
        return not (self.is_automatic or self.is_from_coordinator or self.is_from_inside)

    @property
    def may_be_written_to(self) -> bool:
        """Whether anything automatic, a receipt too, may go to the address that an answer would go to: not where a
        forger may have named it, a machine or a list may stand behind it, or a form sent from its own address.
        """
        return not (
            self.is_reply_elsewhere
            or self.is_unproven
            or self.is_perhaps_automatic
            or self.is_from_list
            or self.is_form_without_sender
            or self.is_junk
        )

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
    choices: tuple[str, ...] = ()


# ------------------------------------------------------------------ rules for the whole message


def leave_what_was_said_to_whoever_wrote_it_down(situation: Situation) -> Verdict | None:
    """A call or a visit: a person has it already, and there is nobody to write to."""
    if not situation.is_logged:
        return None
    hit = situation.hit(IntentAction.URGENT)
    evidence = (hit.evidence,) if hit else ()
    return Verdict(Outcome.ESCALATE, "logged", intent=hit, confidence=1.0, evidence=evidence, is_urgent=hit is not None)


def tell_a_person_that_our_mail_bounced(situation: Situation) -> Verdict | None:
    return Verdict(Outcome.ESCALATE, "bounce") if situation.is_bounce_of_ours else None


def give_a_list_that_writes_to_us_to_a_person(situation: Situation) -> Verdict | None:
    """A person who writes to a list and to us at once asks us too; we never answer a list."""
    return Verdict(Outcome.ESCALATE, "list") if situation.is_from_list else None


def ignore_automatic_mail(situation: Situation) -> Verdict | None:
    """RFC 3834: an automatic reply to an automatic message makes loops."""
    return Verdict(Outcome.IGNORE, "automatic") if situation.is_automatic else None


def leave_what_a_filter_caught_to_a_person(situation: Situation) -> Verdict | None:
    """It has arrived, so somebody looks at it; but an answer or a receipt to a forged sender is backscatter."""
    if not situation.is_junk:
        return None
    hit = situation.hit(IntentAction.URGENT)
    return Verdict(
        Outcome.ESCALATE,
        "junk",
        intent=hit,
        confidence=1.0,
        evidence=(hit.evidence,) if hit else (),
        is_urgent=hit is not None,
    )


def let_rest_what_a_person_answered(situation: Situation) -> Verdict | None:
    """Somebody answered it from their own mail program before it was read here."""
    return Verdict(Outcome.IGNORE, "answered") if situation.is_answered else None


def keep_a_coordinators_mail_inside(situation: Situation) -> Verdict | None:
    return Verdict(Outcome.ESCALATE, "from-coordinator") if situation.is_from_coordinator else None


def leave_an_administrations_mail_to_the_coordinator(situation: Situation) -> Verdict | None:
    """Whoever answers what we forwarded is not the asker, and asks the bot nothing."""
    if situation.from_administration is not None:
        return Verdict(Outcome.ESCALATE, "from-administration", administration=situation.from_administration)
    return Verdict(Outcome.ESCALATE, "with-a-person") if situation.is_from_inside else None


def alarm_for_the_urgent(situation: Situation) -> Verdict | None:
    """Public documents, appeals, complaints, threats, distress: a person at once, and the bot says nothing of it."""
    hit = situation.hit(IntentAction.URGENT)
    return _for_a_person(hit, "urgent", is_urgent=True) if hit else None


def let_rest_what_is_solved(situation: Situation) -> Verdict | None:
    """ "Yes" to "Löste det din fråga?"."""
    return Verdict(Outcome.IGNORE, "solved") if _says_that_it_is_solved(situation) else None


def tell_about_itself(situation: Situation) -> Verdict | None:
    """What has nothing to do with anybody's matter: help, the language, hiding a chat."""
    is_about_the_bot = situation.command is not None and situation.command.startswith(ABOUT_THE_BOT)
    return Verdict(Outcome.IGNORE, "command") if is_about_the_bot else None


def let_thanks_rest(situation: Situation) -> Verdict | None:
    is_thanks = all(_only_thanks(question) for question in situation.questions)
    if situation.has_attachment or not is_thanks or _says_that_it_is_solved(situation):
        return None
    hit = situation.hit(IntentAction.IGNORE)
    return Verdict(Outcome.IGNORE, "thanks", intent=hit, evidence=(hit.evidence,) if hit else ())


def leave_it_to_the_coordinator(situation: Situation) -> Verdict | None:
    """While nobody has taken the case, whoever waits may still choose among what they were offered, and say that it
    was what they asked.
    """
    if situation.status not in WITH_A_PERSON and not situation.is_person_writing:
        return None
    is_free = situation.status is ConversationStatus.WAITING and not situation.is_person_writing
    if is_free and not situation.has_attachment and (_chooses(situation) or _says_that_it_is_solved(situation)):
        return None
    return Verdict(Outcome.ESCALATE, "with-a-person")


def show_what_cannot_be_read(situation: Situation) -> Verdict | None:
    if situation.is_too_large:
        return Verdict(Outcome.ESCALATE, "too-large")
    if not situation.is_readable:
        return Verdict(Outcome.ESCALATE, "unreadable")
    if any(letter.isalnum() for question in situation.questions for letter in question.text):
        return None
    return Verdict(Outcome.ESCALATE, "attachment" if situation.has_attachment else "no-words")


def fetch_a_person_when_asked(situation: Situation) -> Verdict | None:
    if situation.command in ("person", "no"):
        return Verdict(Outcome.ESCALATE, "person-wanted", confidence=1.0)
    hit = situation.hit(IntentAction.PERSON)
    return _for_a_person(hit, "person-wanted") if hit else None


def answer_nobody_elsewhere(situation: Situation) -> Verdict | None:
    """A Reply-To in another domain than the sender's is how somebody makes us write to a third person."""
    return Verdict(Outcome.ESCALATE, "reply-elsewhere") if situation.is_reply_elsewhere else None


def answer_nobody_unproven(situation: Situation) -> Verdict | None:
    """The sender's own domain says that the mail is not from there (DMARC, RFC 7489): anybody may have written it."""
    return Verdict(Outcome.ESCALATE, "unproven") if situation.is_unproven else None


def give_a_form_to_a_person(situation: Situation) -> Verdict | None:
    """What a form of the city sends is somebody who joins or reports: nothing that a text answers."""
    return Verdict(Outcome.ESCALATE, "form") if situation.is_from_form else None


def leave_what_may_be_a_machine_to_a_person(situation: Situation) -> Verdict | None:
    return Verdict(Outcome.ESCALATE, "perhaps-automatic") if situation.is_perhaps_automatic else None


def stop_at_the_cap(situation: Situation) -> Verdict | None:
    return Verdict(Outcome.ESCALATE, "over-cap") if situation.cap_reached else None


def answer_what_was_chosen(situation: Situation) -> Verdict | None:
    """ "2" in reply to our question which is meant; any other words are read as any others are."""
    number = _chosen_number(situation)
    if number is None:
        return None
    if not 1 <= number <= len(situation.choices):
        return Verdict(Outcome.ESCALATE, "none-of-these")
    article = situation.choices[number - 1]
    if not _has_text(article, situation.questions[0], situation):
        return Verdict(Outcome.ESCALATE, "not-sure")
    return Verdict(
        Outcome.ANSWER, "chosen", article=article, confidence=1.0, evidence=(Evidence("choice", str(number), 1.0),)
    )


def tell_the_whole_answer(situation: Situation) -> Verdict | None:
    """ "Läs mer" under an answer that was told short."""
    command = situation.command or ""
    number = int(command[5:]) if re.fullmatch(r"more-\d", command) else 0
    if not 1 <= number <= len(situation.articles_above):
        return None
    article = situation.articles_above[number - 1]
    if not _has_text(article, situation.questions[0], situation):
        return None
    return Verdict(
        Outcome.ANSWER, "more", article=article, confidence=1.0, evidence=(Evidence("button", command, 1.0),)
    )


def show_what_was_pressed_to_a_person(situation: Situation) -> Verdict | None:
    """A button that means nothing any more: its answer is gone, or somebody made it up."""
    return Verdict(Outcome.ESCALATE, "not-sure") if situation.command is not None else None


def give_a_reply_to_a_person(situation: Situation) -> Verdict | None:
    """Who writes back after an answer was not helped by it, unless every question is clearly a new one.

    Clearly: a reply leans on what was said before, so its words are trusted less than a first question's.
    """
    if not situation.was_answered:
        return None
    for question in situation.questions:
        if ask_within_the_topic(question, situation):
            continue
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
    """Where a rule points elsewhere than to the article, the pointer is safe: an answer must be surer still."""
    best = question.best()
    if best is None or not _has_text(best.article, question, situation):
        return None
    hit = question.hit(IntentAction.ROUTE)
    is_disputed = hit is not None and _is_elsewhere(hit, best.article, situation.knowledge)
    confidence = best.confidence if is_disputed else _with_what_agrees(best, question, situation)
    if confidence < (max(situation.threshold, DISPUTED) if is_disputed else situation.threshold):
        return None
    return Verdict(Outcome.ANSWER, "sure", article=best.article, confidence=confidence, evidence=best.evidence)


def _with_what_agrees(best: Match, question: Question, situation: Situation) -> float:
    """How likely the article is, with the other questions of the message that find the same one: that not all of them
    are wrong.
    """
    others = [other.best() for other in situation.questions if other is not question]
    agreeing = [match for match in (best, *others) if match is not None and match.article == best.article]
    if any(match.confidence < AGREEING for match in agreeing):
        return best.confidence
    return 1 - prod(1 - match.confidence for match in agreeing)


def _is_elsewhere(hit: IntentHit, article: str, knowledge: Knowledge) -> bool:
    """Whether a rule points to another owner than the article's, or to what no article is about."""
    is_ours = any(each.topic == hit.intent.topic for each in knowledge.articles.values())
    return not is_ours or hit.intent.administration != knowledge.articles[article].administration


def ask_within_the_topic(question: Question, situation: Situation) -> Verdict | None:
    """A short question that leans on the last answer: offer what else there is under its topic."""
    is_short = len(question.text.split()) <= FEW_WORDS and "?" in question.text
    if not (situation.last_topic and is_short and len(situation.questions) == 1) or question.intents:
        return None
    articles = situation.knowledge.articles
    near = [
        match
        for match in _choosable(question, situation, LEAST_IN_TOPIC)
        if articles[match.article].topic == situation.last_topic and match.article not in situation.articles_told
    ][:MOST_CHOICES]
    return _which(near) if len(near) > 1 and near[0].confidence >= LEAST_CHOICE else None


def ask_which_is_meant(question: Question, situation: Situation) -> Verdict | None:
    """Two or three articles that are near each other: the asker knows which, a person would have to ask as well."""
    near = _choosable(question, situation, LEAST_CHOICE)[:MOST_CHOICES]
    wanted = CHOICES_OF_FEW_WORDS if len(question.text.split()) < FEW_WORDS else CHOICES_TOGETHER
    is_one_of_them = sum(match.confidence for match in near) >= wanted
    return _which(near) if len(near) > 1 and len(situation.questions) == 1 and is_one_of_them else None


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
    leave_what_was_said_to_whoever_wrote_it_down,
    tell_a_person_that_our_mail_bounced,
    give_a_list_that_writes_to_us_to_a_person,
    ignore_automatic_mail,
    let_rest_what_a_person_answered,
    leave_what_a_filter_caught_to_a_person,
    keep_a_coordinators_mail_inside,
    leave_an_administrations_mail_to_the_coordinator,
    alarm_for_the_urgent,
    tell_about_itself,
    let_thanks_rest,
    leave_it_to_the_coordinator,
    let_rest_what_is_solved,
    answer_nobody_unproven,
    answer_nobody_elsewhere,
    show_what_cannot_be_read,
    give_a_form_to_a_person,
    leave_what_may_be_a_machine_to_a_person,
    fetch_a_person_when_asked,
    stop_at_the_cap,
    answer_what_was_chosen,
    tell_the_whole_answer,
    show_what_was_pressed_to_a_person,
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
    ask_within_the_topic,
    ask_which_is_meant,
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
    decisions = tuple(_decide_question(question, situation, tuple(missed)) for question in situation.questions)
    return offer_what_may_be_asked(let_rest_what_an_edit_did_not_change(decisions, situation), situation)


def offer_what_may_be_asked(decisions: tuple[Decision, ...], situation: Situation) -> tuple[Decision, ...]:
    """Whoever waits only because the bot is not sure, or until a coordinator has read what is another part of the
    city's, is offered meanwhile what they may have asked: they know better than any score whether it is that. Nothing
    is offered where something in the message needs a person, since a chosen answer may close the case; nor where no
    receipt goes to them that could say it.
    """
    unsure = [decision for decision in decisions if decision.reason in UNSURE]
    waiting = unsure or [decision for decision in decisions if _waits_to_be_read(decision, situation.knowledge)]
    is_all = all(decision in waiting or decision.outcome is Outcome.ANSWER for decision in decisions)
    if not waiting or not is_all or situation.had_receipt or not situation.may_be_written_to:
        return decisions
    most = max(1, MOST_CHOICES // len(waiting))
    offered = situation.articles_told | {decision.article for decision in decisions if decision.article}
    found = []
    for decision in decisions:
        near = [
            match for match in _choosable(decision.question, situation, LEAST_CHOICE) if match.article not in offered
        ]
        is_likely = decision in waiting and bool(near) and near[0].confidence >= LEAST_OFFER
        choices = [match.article for match in near[:most]] if is_likely else []
        offered = offered.union(choices)
        found.append(replace(decision, choices=tuple(choices)) if choices else decision)
    return tuple(found)


def _waits_to_be_read(decision: Decision, knowledge: Knowledge) -> bool:
    """Whether the asker was pointed on, and a coordinator reads it next. What is forwarded without one waits no more:
    whoever then chooses would get no answer.
    """
    if decision.outcome is not Outcome.ROUTE or not is_for_a_person(decision, knowledge):
        return False
    return knowledge.administrations[decision.administration or ""].automatic_address is None


def let_rest_what_an_edit_did_not_change(decisions: tuple[Decision, ...], situation: Situation) -> tuple[Decision, ...]:
    """Whoever mends a spelling has got the answer already; what a person has to read, a person reads again."""
    told = tuple((decision.outcome, decision.article, decision.administration) for decision in decisions)
    is_answered = all(outcome in (Outcome.ANSWER, Outcome.CLARIFY) for outcome, *_ in told)
    if told != situation.before_edit or not is_answered:
        return decisions
    rule = let_rest_what_an_edit_did_not_change.__name__
    return tuple(replace(each, outcome=Outcome.IGNORE, rule=rule, reason="edited") for each in decisions)


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
    if decision.outcome is Outcome.CLARIFY:
        # The choices are told in the articles' own words, so these must be approved; what they answer is not told.
        texts = [knowledge.articles[article].texts[decision.language] for article in decision.choices]
        return None if all(text.approved_by for text in texts) else "not-approved"
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
    topics = {knowledge.articles[choice].topic for choice in verdict.choices}
    if verdict.outcome is Outcome.CLARIFY and len(topics) == 1:
        topic: str | None = topics.pop()
    else:
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
        choices=verdict.choices,
    )


def _for_a_person(hit: IntentHit, reason: str, *, is_urgent: bool = False) -> Verdict:
    return Verdict(Outcome.ESCALATE, reason, intent=hit, confidence=1.0, evidence=(hit.evidence,), is_urgent=is_urgent)


_NUMBER = re.compile(
    r"\W*(?:(?:nr|nummer|alternativ|val|svar|number|option|choice)\W*)?(\d)\W*(?:tack|thanks|please)?\W*", re.IGNORECASE
)
_NONE = re.compile(
    r"\W*(?:ingen|inget|inga|none|neither)(?: av (?:dem|dessa|de)| of (?:them|these))?\W*", re.IGNORECASE
)


# Thumbs up and the like, in any skin tone; what one taps after an answer.
_APPLAUSE = re.compile(
    "[\\s\U0001f44d\U0001f44f\U0001f44c\U0001f64f\U0001f64c\U0001f642\U0001f60a\u2764\u2665\U0001f389\U0001f4aa\U0001f91d\u2705\U0001f3fb-\U0001f3ff\ufe0f]{1,20}"
)


# What one writes back to "Har du fått svar på det du undrade? Svara ja".
_SOLVED = re.compile(
    r"\W*(?:(?:ja|japp|jo|yes|yep|löst|solved)(?: (?:tack|thanks|thank you|det gjorde det|det löste det|it did))?"
    r"|(?:ja,? |yes,? )?(?:det löste (?:det|min fråga|frågan)|that solved it|it did))\W*",
    re.IGNORECASE,
)


def _says_that_it_is_solved(situation: Situation) -> bool:
    """Whether they say yes to an answer. Who waits for a person says it only of one that they chose meanwhile: pressed
    under an older answer it is about another matter than what they wait for.
    """
    if situation.command is not None:
        is_waiting = situation.status is ConversationStatus.WAITING
        return situation.command == "yes" and (situation.is_asked_whether_solved or not is_waiting)
    text = " ".join(question.text for question in situation.questions)
    return situation.is_asked_whether_solved and _SOLVED.fullmatch(text) is not None


def _chooses(situation: Situation) -> bool:
    """Whether the message is the number of something that there is to choose."""
    number = _chosen_number(situation)
    return number is not None and 1 <= number <= len(situation.choices)


def _chosen_number(situation: Situation) -> int | None:
    """The number that the message consists of; 0 for "ingen". None where nothing was asked or it says more."""
    if situation.command is not None:
        is_choice = bool(situation.choices) and (situation.command == "none" or situation.command.isdecimal())
        return (0 if situation.command == "none" else int(situation.command)) if is_choice else None
    if not situation.choices or len(situation.questions) != 1:
        return None
    text = situation.questions[0].text
    if _NONE.fullmatch(text):
        return 0
    match = _NUMBER.fullmatch(text)
    return int(match[1]) if match else None


def _choosable(question: Question, situation: Situation, least: float) -> list[Match]:
    return [
        match
        for match in question.matches
        if match.confidence >= least and _has_text(match.article, question, situation)
    ]


def _which(near: Sequence[Match]) -> Verdict:
    return Verdict(
        Outcome.CLARIFY,
        "which",
        choices=tuple(match.article for match in near),
        confidence=min(1.0, sum(match.confidence for match in near)),
        evidence=near[0].evidence,
    )


def _only_thanks(question: Question) -> bool:
    if _APPLAUSE.fullmatch(question.text.strip()):
        return True
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
