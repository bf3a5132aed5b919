"""The table of rules: each hit and missed, in its order, and what may be told by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokbot.conversation import decision as decisions
from lokbot.conversation.decision import (
    MESSAGE_RULES,
    QUESTION_RULES,
    Situation,
    answer_language,
    decide,
    is_for_a_person,
    overall,
    why_held,
)
from lokbot.model import (
    AnsweringMode,
    ConversationStatus,
    Decision,
    Evidence,
    IntentHit,
    Match,
    Outcome,
    Owner,
    Question,
    Understanding,
)
from tests import sample_knowledge as sample

KNOWLEDGE = sample.knowledge()
THRESHOLD = 0.75
TODAY = date(2026, 3, 2)
NAMES = [rule.__name__ for rule in (*MESSAGE_RULES, *QUESTION_RULES)]


def evidence(detail: str = "ord") -> Evidence:
    return Evidence("rule", detail, 1.0)


def hit(identity: str) -> IntentHit:
    return IntentHit(next(intent for intent in KNOWLEDGE.intents if intent.id == identity), evidence(identity))


def question(
    text: str = "Hur gör vi?",
    *,
    language: str = "sv",
    intents: tuple[str, ...] = (),
    match: tuple[str, float] | None = None,
    owner: str | None = None,
) -> Question:
    return Question(
        text,
        language,
        tuple(hit(identity) for identity in intents),
        (Match(match[0], match[1], (Evidence("lexical", "gör", 3.2),)),) if match else (),
        (Owner(owner, 0.5, (evidence(),)),) if owner else (),
    )


def among(*candidates: tuple[str, float], text: str = "Hur gör vi nu med detta?") -> Question:
    """A question between several articles."""
    matches = tuple(Match(article, confidence, (evidence(),)) for article, confidence in candidates)
    return replace(question(text), matches=matches)


SURE = question(match=("ga-med", 0.9))


def situation(*questions: Question, **facts: Any) -> Situation:
    language = questions[0].language if questions else "und"
    return Situation(Understanding(language, questions), facts.pop("knowledge", KNOWLEDGE), THRESHOLD, **facts)


def decided(*questions: Question, **facts: Any) -> Decision:
    """The decision of the first question."""
    return decide(situation(*questions, **facts))[0]


# ------------------------------------------------------------------ each rule, in the order of the table

# What makes one rule, and none before it, have an opinion.
CASES: list[tuple[str, tuple[Question, ...], dict[str, Any], Outcome, str]] = [
    ("leave_what_was_said_to_whoever_wrote_it_down", (SURE,), {"is_logged": True}, Outcome.ESCALATE, "logged"),
    ("tell_a_person_that_our_mail_bounced", (SURE,), {"is_bounce_of_ours": True}, Outcome.ESCALATE, "bounce"),
    ("give_a_list_that_writes_to_us_to_a_person", (SURE,), {"is_from_list": True}, Outcome.ESCALATE, "list"),
    ("ignore_automatic_mail", (SURE,), {"is_automatic": True}, Outcome.IGNORE, "automatic"),
    ("let_rest_what_a_person_answered", (SURE,), {"is_answered": True}, Outcome.IGNORE, "answered"),
    ("leave_what_a_filter_caught_to_a_person", (SURE,), {"is_junk": True}, Outcome.ESCALATE, "junk"),
    (
        "keep_a_coordinators_mail_inside",
        (SURE,),
        {"is_from_coordinator": True},
        Outcome.ESCALATE,
        "from-coordinator",
    ),
    (
        "leave_an_administrations_mail_to_the_coordinator",
        (SURE,),
        {"is_from_inside": True},
        Outcome.ESCALATE,
        "with-a-person",
    ),
    ("alarm_for_the_urgent", (question(intents=("begaran-handling",)),), {}, Outcome.ESCALATE, "urgent"),
    ("tell_about_itself", (question("/hjalp"),), {"command": "help"}, Outcome.IGNORE, "command"),
    ("let_thanks_rest", (question(intents=("tack",)),), {}, Outcome.IGNORE, "thanks"),
    (
        "leave_it_to_the_coordinator",
        (SURE,),
        {"status": ConversationStatus.TAKEN},
        Outcome.ESCALATE,
        "with-a-person",
    ),
    ("let_rest_what_is_solved", (question("Ja"),), {"command": "yes"}, Outcome.IGNORE, "solved"),
    ("answer_nobody_unproven", (SURE,), {"is_unproven": True}, Outcome.ESCALATE, "unproven"),
    ("answer_nobody_elsewhere", (SURE,), {"is_reply_elsewhere": True}, Outcome.ESCALATE, "reply-elsewhere"),
    ("show_what_cannot_be_read", (SURE,), {"is_readable": False}, Outcome.ESCALATE, "unreadable"),
    ("give_a_form_to_a_person", (SURE,), {"is_from_form": True}, Outcome.ESCALATE, "form"),
    (
        "leave_what_may_be_a_machine_to_a_person",
        (SURE,),
        {"is_perhaps_automatic": True},
        Outcome.ESCALATE,
        "perhaps-automatic",
    ),
    ("fetch_a_person_when_asked", (question(intents=("manniska",)),), {}, Outcome.ESCALATE, "person-wanted"),
    ("stop_at_the_cap", (SURE,), {"cap_reached": "sender"}, Outcome.ESCALATE, "over-cap"),
    ("answer_what_was_chosen", (question("2"),), {"choices": ("lana-lokal", "ga-med")}, Outcome.ANSWER, "chosen"),
    (
        "tell_the_whole_answer",
        (question("Läs mer"),),
        {"command": "more-1", "articles_above": ("ga-med",)},
        Outcome.ANSWER,
        "more",
    ),
    (
        "show_what_was_pressed_to_a_person",
        (question("Läs mer"),),
        {"command": "more-2", "articles_above": ("ga-med",)},
        Outcome.ESCALATE,
        "not-sure",
    ),
    (
        "give_a_reply_to_a_person",
        (question(match=("ga-med", 0.5)),),
        {"was_answered": True},
        Outcome.ESCALATE,
        "reply-to-answer",
    ),
    ("keep_own_matters_with_people", (question(intents=("var-ansokan",)),), {}, Outcome.ESCALATE, "own-matter"),
    ("show_attachments_to_a_person", (SURE,), {"has_attachment": True}, Outcome.ESCALATE, "attachment"),
    ("say_nothing_to_thanks", (question(intents=("tack",)), SURE), {}, Outcome.IGNORE, "thanks"),
    ("answer_what_a_rule_knows", (question(intents=("idrott",)),), {}, Outcome.ANSWER, "rule"),
    ("answer_when_sure", (SURE,), {}, Outcome.ANSWER, "sure"),
    ("leave_other_languages_to_a_person", (question(language="so"),), {}, Outcome.ESCALATE, "other-language"),
    ("point_to_the_owner", (question(intents=("konserter",)),), {}, Outcome.ROUTE, "rule"),
    (
        "ask_within_the_topic",
        (among(("skatepark", 0.13), ("lana-lokal", 0.06), text="Och på sommaren?"),),
        {"last_topic": "lokaler"},
        Outcome.CLARIFY,
        "which",
    ),
    ("ask_which_is_meant", (among(("ga-med", 0.4), ("lana-lokal", 0.35)),), {}, Outcome.CLARIFY, "which"),
    ("ask_a_person_when_unsure", (question(),), {}, Outcome.ESCALATE, "nothing-found"),
]


def test_every_rule_has_a_case_in_the_order_of_the_table() -> None:
    assert [case[0] for case in CASES] == NAMES


@pytest.mark.parametrize(("rule", "questions", "facts", "outcome", "reason"), CASES, ids=[case[0] for case in CASES])
def test_a_rule_decides_and_those_before_it_were_asked_in_vain(
    rule: str, questions: tuple[Question, ...], facts: dict[str, Any], outcome: Outcome, reason: str
) -> None:
    decision = decided(*questions, **facts)
    assert (decision.rule, decision.outcome, decision.reason) == (rule, outcome, reason)
    assert list(decision.missed) == NAMES[: NAMES.index(rule)]


PRESSED = (
    "person",
    "no",
    "yes",
    "none",
    "1",
    "2",
    "9",
    "more-1",
    "more-9",
    "more-",
    "lang-sv",
    "hide",
    "start",
    "\u0663",
    "x",
)


@pytest.mark.parametrize(
    ("command", "facts", "outcome", "reason"),
    [
        ("person", {}, Outcome.ESCALATE, "person-wanted"),
        ("no", {"cap_reached": "sender"}, Outcome.ESCALATE, "person-wanted"),
        ("yes", {"status": ConversationStatus.TAKEN}, Outcome.ESCALATE, "with-a-person"),
        ("hide", {"status": ConversationStatus.TAKEN}, Outcome.IGNORE, "command"),
        ("2", {"choices": ("ga-med", "lana-lokal")}, Outcome.ANSWER, "chosen"),
        ("none", {"choices": ("ga-med", "lana-lokal")}, Outcome.ESCALATE, "none-of-these"),
        ("9", {"choices": ("ga-med", "lana-lokal")}, Outcome.ESCALATE, "none-of-these"),
        ("2", {}, Outcome.ESCALATE, "not-sure"),
        ("more-1", {"articles_above": ("borttagen",)}, Outcome.ESCALATE, "not-sure"),
        ("more-1", {"articles_above": ("ga-med",), "cap_reached": "sender"}, Outcome.ESCALATE, "over-cap"),
    ],
)
def test_what_is_pressed_says_it_without_words(
    command: str, facts: dict[str, Any], outcome: Outcome, reason: str
) -> None:
    decision = decided(question("Ett ord"), command=command, **facts)
    assert (decision.outcome, decision.reason) == (outcome, reason)


@pytest.mark.parametrize("text", ["\U0001f44d", "\u2764\ufe0f \U0001f64f\U0001f3fd"])
def test_a_thumb_up_is_thanks_and_an_elephant_is_not(text: str) -> None:
    assert decided(question(text)).reason == "thanks"
    assert decided(question(f"{text}\U0001f418")).reason == "no-words"


def test_a_mended_spelling_is_answered_already_and_what_a_person_reads_is_read_again() -> None:
    told = (Outcome.ANSWER, "ga-med", "samordnare")
    assert decided(SURE, before_edit=(told,)).reason == "edited"
    assert decided(SURE, before_edit=(told, told)).reason == "sure"
    assert decided(SURE, before_edit=((Outcome.ANSWER, "lana-lokal", "fritid"),)).reason == "sure"
    escalated = decided(question())
    before = (escalated.outcome, escalated.article, escalated.administration)
    assert decided(question(), before_edit=(before,)).outcome is Outcome.ESCALATE


def test_urgent_words_in_what_a_filter_caught_alarm_and_get_no_receipt() -> None:
    decision = decided(question(intents=("begaran-handling",)), is_junk=True)
    assert (decision.reason, decision.is_urgent) == ("junk", True)
    assert not situation(question(), is_junk=True).may_be_written_to
    assert not decided(SURE, is_junk=True).is_urgent


def test_urgent_words_in_a_call_are_urgent() -> None:
    assert decided(question(intents=("begaran-handling",)), is_logged=True).is_urgent
    assert not decided(SURE, is_logged=True).is_urgent


def test_whom_we_asked_is_named_where_it_answers() -> None:
    decision = decided(SURE, is_from_inside=True, from_administration="kultur")
    assert (decision.reason, decision.administration) == ("from-administration", "kultur")
    assert decided(SURE, is_from_inside=True).reason == "with-a-person"


def test_nothing_is_said_after_a_person_wrote_from_the_mailbox() -> None:
    assert decided(SURE, is_person_writing=True).reason == "with-a-person"


# Two rules that both have an opinion: the one that stands first in the table wins.
@pytest.mark.parametrize(
    ("questions", "facts", "winner"),
    [
        ((SURE,), {"is_bounce_of_ours": True, "is_automatic": True}, "tell_a_person_that_our_mail_bounced"),
        ((SURE,), {"is_automatic": True, "is_from_coordinator": True}, "ignore_automatic_mail"),
        ((question(intents=("fara",)),), {"is_automatic": True}, "ignore_automatic_mail"),
        ((question(intents=("fara",)),), {"is_from_coordinator": True}, "keep_a_coordinators_mail_inside"),
        ((question(intents=("fara",)),), {"is_from_inside": True}, "leave_an_administrations_mail_to_the_coordinator"),
        ((question(intents=("fara",)),), {"status": ConversationStatus.TAKEN}, "alarm_for_the_urgent"),
        ((question(intents=("fara", "tack")),), {}, "alarm_for_the_urgent"),
        ((question(intents=("tack",)),), {"status": ConversationStatus.WAITING}, "let_thanks_rest"),
        ((question(intents=("tack",)),), {"has_attachment": True}, "show_attachments_to_a_person"),
        ((SURE,), {"status": ConversationStatus.WAITING, "is_readable": False}, "leave_it_to_the_coordinator"),
        ((question("", intents=("manniska",)),), {}, "show_what_cannot_be_read"),
        ((question(intents=("manniska",)),), {"is_reply_elsewhere": True}, "answer_nobody_elsewhere"),
        ((SURE,), {"is_reply_elsewhere": True, "is_unproven": True}, "answer_nobody_unproven"),
        ((SURE,), {"is_from_form": True, "is_unproven": True}, "answer_nobody_unproven"),
        ((question(intents=("fara",)),), {"is_unproven": True}, "alarm_for_the_urgent"),
        ((SURE,), {"is_from_list": True, "is_automatic": True}, "give_a_list_that_writes_to_us_to_a_person"),
        ((SURE,), {"is_too_large": True, "is_readable": False}, "show_what_cannot_be_read"),
        ((SURE,), {"is_reply_elsewhere": True, "cap_reached": "sender"}, "answer_nobody_elsewhere"),
        ((SURE,), {"cap_reached": "sender", "has_attachment": True}, "stop_at_the_cap"),
        ((question(),), {"has_attachment": True, "was_answered": True}, "give_a_reply_to_a_person"),
        ((question(intents=("inlamning",)),), {"has_attachment": True}, "keep_own_matters_with_people"),
        ((question(language="so"),), {"has_attachment": True}, "show_attachments_to_a_person"),
        ((question(intents=("var-ansokan", "idrott"), match=("ga-med", 0.99)),), {}, "keep_own_matters_with_people"),
        ((question(intents=("inlamning",), language="so"),), {}, "keep_own_matters_with_people"),
        ((question(intents=("idrott",), language="so"),), {}, "leave_other_languages_to_a_person"),
        ((question(match=("ga-med", 0.99), language="so"),), {}, "answer_when_sure"),
        ((question(intents=("konserter",), language="so"),), {}, "leave_other_languages_to_a_person"),
        ((question(intents=("idrott",), match=("ga-med", 0.99)),), {}, "answer_what_a_rule_knows"),
        ((question(intents=("konserter",), match=("ga-med", 0.99)),), {}, "answer_when_sure"),
        ((question(intents=("konserter",), match=("ga-med", 0.6)),), {}, "point_to_the_owner"),
    ],
)  # fmt: skip
def test_the_first_opinion_wins(questions: tuple[Question, ...], facts: dict[str, Any], winner: str) -> None:
    assert decided(*questions, **facts).rule == winner


# ------------------------------------------------------------------ single rules


@pytest.mark.parametrize("status", [ConversationStatus.BOT, ConversationStatus.RESOLVED])
def test_the_bot_answers_where_no_person_has_the_case(status: ConversationStatus) -> None:
    assert decided(SURE, status=status).outcome is Outcome.ANSWER


@pytest.mark.parametrize(
    "status", [ConversationStatus.WAITING, ConversationStatus.TAKEN, ConversationStatus.WITH_ADMINISTRATION]
)
def test_the_bot_is_silent_where_a_person_has_the_case(status: ConversationStatus) -> None:
    assert decided(SURE, status=status).reason == "with-a-person"


def test_the_urgent_is_marked_and_carries_its_intent_and_evidence() -> None:
    decision = decided(question(), question(intents=("fara",)))
    assert (decision.is_urgent, decision.intent, decision.topic) == (True, "fara", "fara")
    assert decision.evidence == (evidence("fara"),)


def test_a_rule_for_the_whole_message_decides_every_question() -> None:
    found = decide(situation(SURE, question(intents=("fara",)), question()))
    assert [decision.rule for decision in found] == ["alarm_for_the_urgent"] * 3
    assert [decision.question for decision in found] == [SURE, question(intents=("fara",)), question()]


def test_questions_are_decided_one_by_one_otherwise() -> None:
    found = decide(situation(SURE, question(intents=("var-ansokan",)), question(intents=("konserter",))))
    assert [decision.outcome for decision in found] == [Outcome.ANSWER, Outcome.ESCALATE, Outcome.ROUTE]


def test_a_message_without_any_question_gets_a_decision() -> None:
    found = decide(situation())
    assert [(decision.outcome, decision.reason) for decision in found] == [(Outcome.ESCALATE, "no-words")]


@pytest.mark.parametrize("text", ["", "  ", "?!", "- – …", "\U0001f600"])
def test_what_has_no_words_goes_to_a_person(text: str) -> None:
    assert decided(question(text)).reason == "no-words"


@pytest.mark.parametrize("text", ["hjälp", "3", "да"])
def test_a_letter_or_a_digit_is_a_word(text: str) -> None:
    assert decided(question(text)).reason == "nothing-found"


def test_a_coordinators_own_answer_counts_as_one_too() -> None:
    """Whoever answered: a reply to an answer goes to a person, unless it is clearly a new question."""
    assert decided(question(match=("lana-lokal", 0.9)), was_answered=True).rule == "answer_when_sure"
    assert decided(question(), was_answered=True).reason == "reply-to-answer"


def test_a_new_question_after_an_answer_is_answered() -> None:
    new = question(match=("lana-lokal", 0.9))
    assert decided(new, was_answered=True, articles_told=frozenset({"ga-med"})).outcome is Outcome.ANSWER


def test_the_same_article_is_not_sent_twice() -> None:
    assert decided(SURE, was_answered=True, articles_told=frozenset({"ga-med"})).reason == "reply-to-answer"


def test_one_unclear_question_gives_the_whole_reply_to_a_person() -> None:
    found = decide(situation(question(match=("lana-lokal", 0.9)), question(), was_answered=True))
    assert {decision.reason for decision in found} == {"reply-to-answer"}


def test_own_matters_and_hand_ins_have_their_own_reasons() -> None:
    assert decided(question(intents=("inlamning",))).reason == "hand-in"
    assert decided(question(intents=("var-ansokan", "inlamning"))).reason == "own-matter"


def test_just_under_the_threshold_a_person_answers() -> None:
    assert decided(question(match=("ga-med", THRESHOLD))).outcome is Outcome.ANSWER
    under = decided(question(match=("ga-med", THRESHOLD - 0.001)))
    assert (under.outcome, under.reason, under.topic) == (Outcome.ESCALATE, "not-sure", "anslutning")
    assert under.confidence == THRESHOLD - 0.001
    assert under.evidence


def test_a_faint_match_is_no_hint_of_the_topic() -> None:
    faint = decided(question(match=("ga-med", 0.29)))
    assert (faint.reason, faint.topic, faint.evidence) == ("nothing-found", None, ())


def test_where_a_rule_points_to_another_owner_an_answer_must_be_surer() -> None:
    def disputed(confidence: float) -> str:
        return decided(question(intents=("konserter",), match=("ga-med", confidence))).rule

    assert disputed(decisions.DISPUTED) == "answer_when_sure"
    assert disputed(decisions.DISPUTED - 0.01) == "point_to_the_owner"
    matter = question(intents=("odling",), match=("lana-lokal", decisions.DISPUTED - 0.01))
    assert decided(matter).rule != "answer_when_sure", "no article is about what the rule points to"
    topic = KNOWLEDGE.articles["lana-lokal"].topic
    same = tuple(replace(each, intent=replace(each.intent, topic=topic)) for each in matter.intents)
    assert decided(replace(matter, intents=same)).rule == "answer_when_sure"


def test_an_article_without_the_language_is_not_an_answer() -> None:
    english = question("May we borrow a room?", language="en", match=("lana-lokal", 0.99))
    assert decided(english).reason == "not-sure"
    assert decided(question(language="en", match=("ga-med", 0.99))).language == "en"


def test_a_rule_for_an_article_that_is_gone_or_untranslated_has_no_opinion() -> None:
    without = replace(KNOWLEDGE, articles={"ga-med": KNOWLEDGE.articles["ga-med"]})
    assert decided(question(intents=("idrott",)), knowledge=without).rule == "ask_a_person_when_unsure"
    bare = IntentHit(replace(hit("idrott").intent, article=None), evidence())
    assert decided(replace(question(), intents=(bare,))).rule == "ask_a_person_when_unsure"


def test_a_match_of_an_article_that_is_gone_is_not_an_answer() -> None:
    assert decided(question(match=("borttagen", 0.99))).outcome is Outcome.ESCALATE


def test_a_route_without_an_owner_has_no_opinion() -> None:
    bare = IntentHit(replace(hit("konserter").intent, administration=None), evidence())
    assert decided(replace(question(), intents=(bare,))).rule == "ask_a_person_when_unsure"


def test_whose_matter_comes_from_the_article_then_the_intent_then_the_words() -> None:
    assert decided(question(intents=("idrott",), owner="kultur")).administration == "idrottsforbundet"
    assert decided(question(intents=("konserter",), owner="fritid")).administration == "kultur"
    assert decided(question(intents=("manniska",), owner="kultur")).administration == "samordnare"
    assert decided(question(intents=("var-ansokan",), owner="kultur")).administration == "kultur"
    assert decided(question(owner="kultur")).administration == "kultur"
    assert decided(question()).administration is None


def test_the_topic_comes_from_the_article_then_the_intent_then_a_hint() -> None:
    assert decided(SURE).topic == "anslutning"
    assert decided(question(intents=("konserter",), match=("ga-med", 0.5))).topic == "evenemang"
    assert decided(question(match=("ga-med", 0.5))).topic == "anslutning"
    assert decided(question()).topic is None


# ------------------------------------------------------------------ languages, one word for several


@pytest.mark.parametrize(
    ("language", "expected"),
    [("sv", "sv"), ("no", "sv"), ("nb", "sv"), ("nn", "sv"), ("da", "sv"), ("und", "sv"), ("en", "en")]
    + [(other, None) for other in ("fi", "ar", "de", "so", "")],
)
def test_the_language_to_answer_in(language: str, expected: str | None) -> None:
    assert answer_language(language) == expected


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((Outcome.ANSWER,), Outcome.ANSWER),
        ((Outcome.IGNORE, Outcome.ANSWER), Outcome.ANSWER),
        ((Outcome.ANSWER, Outcome.ROUTE), Outcome.ROUTE),
        ((Outcome.ROUTE, Outcome.CLARIFY), Outcome.CLARIFY),
        (tuple(Outcome), Outcome.ESCALATE),
    ],
)
def test_overall_is_what_asks_most_of_a_person(outcomes: tuple[Outcome, ...], expected: Outcome) -> None:
    assert overall(tuple(replace(decided(SURE), outcome=outcome) for outcome in outcomes)) is expected


# ------------------------------------------------------------------ may it be told by itself?


def answer(article: str, language: str = "sv") -> Decision:
    return replace(decided(SURE), article=article, language=language)


def route(administration: str) -> Decision:
    return replace(decided(SURE), outcome=Outcome.ROUTE, article=None, administration=administration)


def held(decision: Decision, **facts: Any) -> str | None:
    facts = {
        "mode": AnsweringMode.SEND,
        "is_paused": False,
        "drafts_allowed": False,
        "today": TODAY,
        "knowledge": KNOWLEDGE,
        **facts,
    }
    return why_held(decision, **facts)


@pytest.mark.parametrize("outcome", [Outcome.ESCALATE, Outcome.IGNORE])
def test_what_says_nothing_is_not_held(outcome: Outcome) -> None:
    assert held(replace(answer("valberedning"), outcome=outcome), is_paused=True) is None


def test_an_approved_answer_goes() -> None:
    assert held(answer("ga-med")) is None
    assert held(answer("ga-med", "en")) is None


def test_a_pause_comes_first() -> None:
    everything = held(answer("valberedning"), is_paused=True, mode=AnsweringMode.SUGGEST, drafts_allowed=True)
    assert everything == "paused"


def test_where_the_bot_may_only_suggest_it_suggests() -> None:
    assert held(answer("ga-med"), mode=AnsweringMode.SUGGEST) == "suggest-mode"
    assert held(answer("ga-med"), mode=AnsweringMode.SUGGEST, drafts_allowed=True) == "suggest-mode"


def test_what_nobody_approved_is_held_but_in_the_demo() -> None:
    assert held(answer("valberedning")) == "not-approved"
    assert held(answer("valberedning"), drafts_allowed=True) is None


def test_an_approval_holds_for_its_language_only() -> None:
    english = sample.rewritten("ga-med", "Another text.", language="en")
    knowledge = sample.with_article(english)
    assert held(answer("ga-med", "en"), knowledge=knowledge) == "not-approved"
    assert held(answer("ga-med", "sv"), knowledge=knowledge) is None


def test_the_day_of_review_is_the_last() -> None:
    assert held(answer("skatepark"), today=date(2026, 3, 31)) is None
    assert held(answer("skatepark"), today=date(2026, 4, 1)) == "review-passed"


def test_what_ages_is_sent_for_a_year_after_its_check() -> None:
    checked = date(2026, 1, 15)
    assert held(answer("startbidrag"), today=checked + timedelta(days=365)) is None
    assert held(answer("startbidrag"), today=checked + timedelta(days=366)) == "not-checked"
    never = sample.with_article(replace(KNOWLEDGE.articles["startbidrag"], checked_on=None))
    assert held(answer("startbidrag"), knowledge=never) == "not-checked"


def test_a_pointer_needs_an_approval_too() -> None:
    assert held(route("kultur")) is None
    assert held(route("miljo")) == "not-approved"
    assert held(route("miljo"), drafts_allowed=True) is None


def test_a_person_has_something_to_do_with_escalations_and_the_citys_own_matters() -> None:
    assert is_for_a_person(decided(question()), KNOWLEDGE)
    assert is_for_a_person(route("kultur"), KNOWLEDGE)
    assert is_for_a_person(route("samordnare"), KNOWLEDGE)
    assert is_for_a_person(route("kontaktcenter"), KNOWLEDGE)
    assert not is_for_a_person(route("polisen"), KNOWLEDGE)
    assert not is_for_a_person(answer("ga-med"), KNOWLEDGE)
    assert not is_for_a_person(decided(question(intents=("tack",))), KNOWLEDGE)


# ------------------------------------------------------------------ whatever comes


QUESTIONS = st.builds(
    question,
    st.text(max_size=20),
    language=st.sampled_from(["sv", "en", "so", "und"]),
    intents=st.lists(st.sampled_from([intent.id for intent in KNOWLEDGE.intents]), max_size=3).map(tuple),
    match=st.none() | st.tuples(st.sampled_from([*KNOWLEDGE.articles, "borttagen"]), st.floats(0, 1)),
    owner=st.none() | st.sampled_from(list(KNOWLEDGE.administrations)),
)
FACTS = st.fixed_dictionaries(
    {
        "status": st.sampled_from(ConversationStatus),
        **{name: st.booleans() for name in ("is_automatic", "is_from_coordinator", "is_readable", "has_attachment")},
        **{name: st.booleans() for name in ("is_unproven", "is_from_form", "is_from_list", "is_perhaps_automatic")},
        "cap_reached": st.sampled_from([None, "sender", "case", "outbox"]),
        "was_answered": st.booleans(),
        "command": st.none() | st.sampled_from(PRESSED),
        "choices": st.lists(st.sampled_from(list(KNOWLEDGE.articles)), max_size=3, unique=True).map(tuple),
        "articles_above": st.lists(st.sampled_from([*KNOWLEDGE.articles, "borttagen"]), max_size=2).map(tuple),
        "articles_told": st.frozensets(st.sampled_from(list(KNOWLEDGE.articles))),
    }
)


@given(questions=st.lists(QUESTIONS, max_size=4).map(tuple), facts=FACTS)
def test_every_question_gets_one_decision_with_its_whole_trail(
    questions: tuple[Question, ...], facts: dict[str, Any]
) -> None:
    found = decide(situation(*questions, **facts))
    assert [decision.question for decision in found] == list(questions or (Question("", "und"),))
    for decision in found:
        assert [*decision.missed, decision.rule] == NAMES[: len(decision.missed) + 1]
        if decision.outcome is Outcome.ANSWER:
            assert decision.article is not None
            assert KNOWLEDGE.articles[decision.article].text(decision.language) is not None
            assert decision.evidence, "no match without evidence"
        if decision.outcome is Outcome.ROUTE:
            assert decision.administration in KNOWLEDGE.administrations
        if facts["is_automatic"] and not facts["is_from_list"]:
            assert decision.outcome is Outcome.IGNORE
        if any(facts[name] for name in ("is_unproven", "is_from_form", "is_from_list", "is_perhaps_automatic")):
            assert decision.outcome in (Outcome.ESCALATE, Outcome.IGNORE)


def test_with_a_person_is_said_once() -> None:
    assert set(decisions.WITH_A_PERSON) == set(ConversationStatus) - {
        ConversationStatus.BOT,
        ConversationStatus.RESOLVED,
    }


@pytest.mark.parametrize(
    ("others", "is_sure"),
    [
        ((), False),
        ((("ga-med", 0.6),), True),  # one of the two is right with 0.88
        ((("ga-med", 0.59),), False),
        ((("lana-lokal", 0.9),), False),
        ((("lana-lokal", 0.9), ("ga-med", 0.6)), True),
    ],
)
def test_questions_of_one_message_about_one_article_speak_for_each_other(
    others: tuple[tuple[str, float], ...], is_sure: bool
) -> None:
    unsure = question("Hur gör vi för att vara med?", match=("ga-med", 0.7))
    decision = decided(unsure, *(question("Och vad krävs av oss?", match=match) for match in others))
    assert (decision.outcome is Outcome.ANSWER) == is_sure
    assert not is_sure or decision.confidence == pytest.approx(0.88)


def test_what_agrees_does_not_outweigh_a_rule_that_points_elsewhere() -> None:
    disputed = question("Hur gör vi för att vara med?", intents=("konserter",), match=("ga-med", 0.97))
    assert decided(disputed, question("Och vad krävs?", match=("ga-med", 0.97))).outcome is Outcome.ROUTE


# ------------------------------------------------------------------ asking back

NEAR = (("ga-med", 0.4), ("lana-lokal", 0.35))


@pytest.mark.parametrize(
    ("candidates", "facts", "choices"),
    [
        (NEAR, {}, ("ga-med", "lana-lokal")),
        ((*NEAR, ("startbidrag", 0.2), ("skatepark", 0.15)), {}, ("ga-med", "lana-lokal", "startbidrag")),
        ((("ga-med", 0.5), ("lana-lokal", 0.21)), {}, ("ga-med", "lana-lokal")),
        ((("ga-med", 0.3), ("lana-lokal", 0.3)), {}, ()),  # likely something else
        ((("borttagen", 0.5), ("ga-med", 0.39)), {}, ()),
        (NEAR, {"was_answered": True}, ()),
        (NEAR, {"status": ConversationStatus.WAITING}, ()),
        (NEAR, {"has_attachment": True}, ()),
    ],
)
def test_what_is_near_is_asked_about(
    candidates: tuple[tuple[str, float], ...], facts: dict[str, Any], choices: tuple[str, ...]
) -> None:
    decision = decided(among(*candidates), **facts)
    assert decision.choices == choices
    assert decision.outcome is (Outcome.CLARIFY if choices else Outcome.ESCALATE)


def test_of_a_few_words_less_is_needed_to_ask() -> None:
    candidates = (("ga-med", 0.25), ("lana-lokal", 0.2))
    assert decided(among(*candidates, text="samverkan")).outcome is Outcome.CLARIFY
    assert decided(among(*candidates, text="hur gör vi nu med samverkan i år")).outcome is Outcome.ESCALATE


def test_a_message_with_several_questions_is_not_asked_back() -> None:
    found = decide(situation(among(*NEAR), SURE))
    assert [decision.outcome for decision in found] == [Outcome.ESCALATE, Outcome.ANSWER]


def test_the_topic_of_the_choices_is_that_of_the_question_where_they_agree() -> None:
    assert decided(among(("skatepark", 0.4), ("lana-lokal", 0.4))).topic == "lokaler"


@pytest.mark.parametrize(
    ("text", "outcome", "article"),
    [
        ("2", Outcome.ANSWER, "ga-med"),
        (" 1.", Outcome.ANSWER, "lana-lokal"),
        ("Nr 2 tack!", Outcome.ANSWER, "ga-med"),
        ("alternativ 1", Outcome.ANSWER, "lana-lokal"),
        ("3", Outcome.ESCALATE, None),
        ("0", Outcome.ESCALATE, None),
        ("Ingen", Outcome.ESCALATE, None),
        ("inget av dem.", Outcome.ESCALATE, None),
        ("none of these", Outcome.ESCALATE, None),
        ("2 bollar", Outcome.ESCALATE, None),
        ("22", Outcome.ESCALATE, None),
    ],
)
def test_a_number_chooses(text: str, outcome: Outcome, article: str | None) -> None:
    decision = decided(question(text), choices=("lana-lokal", "ga-med"), was_answered=True)
    assert (decision.outcome, decision.article) == (outcome, article)


def test_a_number_that_nobody_asked_for_chooses_nothing() -> None:
    assert decided(question("2")).outcome is Outcome.ESCALATE


def test_an_article_that_is_gone_is_not_chosen() -> None:
    assert decided(question("1"), choices=("borttagen",)).outcome is Outcome.ESCALATE


IN_TOPIC = (("skatepark", 0.13), ("lana-lokal", 0.06))


@pytest.mark.parametrize(
    ("found", "facts", "is_asked"),
    [
        (among(*IN_TOPIC, text="Och på sommaren?"), {}, True),
        (among(*IN_TOPIC, text="Och på sommaren?"), {"was_answered": True}, True),
        (among(*IN_TOPIC, text="Och på sommaren?"), {"last_topic": "bidrag"}, False),
        (among(*IN_TOPIC, text="Och på sommaren?"), {"last_topic": None}, False),
        (among(*IN_TOPIC, text="Och på sommaren?"), {"articles_told": frozenset({"skatepark"})}, False),
        (among(*IN_TOPIC, text="Det stämmer inte alls"), {"was_answered": True}, False),
        (among(*IN_TOPIC, text="Gäller samma sak på sommaren för oss?"), {"was_answered": True}, False),
        (
            among(("skatepark", 0.06), ("lana-lokal", 0.06), text="Stämmer det?"),
            {"was_answered": True},
            False,
        ),
    ],
)
def test_a_short_question_leans_on_the_last_topic(found: Question, facts: dict[str, Any], is_asked: bool) -> None:
    decision = decided(found, **{"last_topic": "lokaler", **facts})
    assert decision.outcome is (Outcome.CLARIFY if is_asked else Outcome.ESCALATE)
    assert not is_asked or decision.choices == ("skatepark", "lana-lokal")


# ------------------------------------------------------------------ offered while they wait


@pytest.mark.parametrize(
    ("candidates", "facts", "offered"),
    [
        ((("ga-med", 0.7), ("lana-lokal", 0.1)), {}, ("ga-med",)),  # nothing to choose between
        ((("ga-med", 0.4),), {}, ("ga-med",)),
        ((("ga-med", 0.39),), {}, ()),  # only a guess
        ((("ga-med", 0.45), ("lana-lokal", 0.13)), {}, ("ga-med", "lana-lokal")),
        ((("borttagen", 0.7),), {}, ()),
        ((("ga-med", 0.7),), {"had_receipt": True}, ()),
        ((("ga-med", 0.7),), {"is_junk": True}, ()),
        ((("ga-med", 0.7),), {"is_unproven": True}, ()),
        ((("ga-med", 0.7),), {"has_attachment": True}, ()),
        ((("ga-med", 0.7),), {"was_answered": True}, ()),
    ],
)
def test_who_waits_is_offered_what_they_may_have_asked(
    candidates: tuple[tuple[str, float], ...], facts: dict[str, Any], offered: tuple[str, ...]
) -> None:
    decision = decided(among(*candidates), **facts)
    assert (decision.outcome, decision.choices) == (Outcome.ESCALATE, offered)


@pytest.mark.parametrize("intent", ["var-ansokan", "inlamning", "begaran-handling", "manniska"])
def test_nothing_is_offered_where_a_rule_wants_a_person(intent: str) -> None:
    asked = replace(among(("ga-med", 0.7)), intents=(hit(intent),))
    assert decided(asked).choices == ()


def offered(*questions: Question, **facts: Any) -> list[tuple[str, ...]]:
    return [decision.choices for decision in decide(situation(*questions, **facts))]


UNSURE = among(("ga-med", 0.7), ("lana-lokal", 0.3), ("startbidrag", 0.2))


def test_of_several_questions_each_is_offered_its_own() -> None:
    other = among(("lana-lokal", 0.5), ("startbidrag", 0.4))
    assert offered(UNSURE, other) == [("ga-med",), ("lana-lokal",)]
    assert offered(UNSURE, UNSURE) == [("ga-med",), ()], "nothing is offered twice"
    assert offered(UNSURE, question("Och?")) == [("ga-med",), ()]


def test_beside_an_answer_the_rest_is_offered_what_was_not_told() -> None:
    assert offered(SURE, UNSURE) == [(), ()], "what is left is not likely by itself"
    assert offered(SURE, among(("ga-med", 0.5), ("lana-lokal", 0.45))) == [(), ("lana-lokal",)]


@pytest.mark.parametrize("intent", ["var-ansokan", "inlamning", "konserter", "register"])
def test_nothing_is_offered_beside_what_needs_more_than_a_text(intent: str) -> None:
    assert offered(UNSURE, question(intents=(intent,))) == [(), ()]


def pointed(intent: str) -> Question:
    """What a rule points on, though an article may answer it."""
    return replace(among(("ga-med", 0.7), ("lana-lokal", 0.3)), intents=(hit(intent),))


@pytest.mark.parametrize(
    ("intent", "choices"),
    [
        ("konserter", ("ga-med", "lana-lokal")),
        ("odling", ()),  # forwarded at once: nobody would answer a choice
        ("register", ()),  # outside: nobody is waited for
    ],
)
def test_who_is_pointed_on_is_offered_something_while_a_coordinator_reads(
    intent: str, choices: tuple[str, ...]
) -> None:
    decision = decided(pointed(intent))
    assert (decision.outcome, decision.choices) == (Outcome.ROUTE, choices)


def test_an_offer_beside_a_pointer_is_made_where_all_are_pointed_on() -> None:
    other = replace(among(("startbidrag", 0.5)), intents=(hit("konserter"),))
    assert offered(pointed("konserter"), other) == [("ga-med",), ("startbidrag",)]
    assert offered(SURE, other) == [(), ("startbidrag",)]
    assert offered(UNSURE, other) == [(), ()]


def test_in_another_language_something_is_offered_too() -> None:
    asked = replace(among(("ga-med", 0.7)), language="uk")
    decision = decided(asked)
    assert (decision.reason, decision.choices) == ("other-language", ("ga-med",))


CHOOSABLE: dict[str, Any] = {"choices": ("lana-lokal", "ga-med"), "had_receipt": True}


@pytest.mark.parametrize(
    ("text", "status", "facts", "reason"),
    [
        ("2", ConversationStatus.WAITING, {}, "chosen"),
        ("3", ConversationStatus.WAITING, {}, "with-a-person"),
        ("Ingen", ConversationStatus.WAITING, {}, "with-a-person"),
        ("2 bollar", ConversationStatus.WAITING, {}, "with-a-person"),
        ("2", ConversationStatus.WAITING, {"choices": ()}, "with-a-person"),
        ("2", ConversationStatus.WAITING, {"is_person_writing": True}, "with-a-person"),
        ("2", ConversationStatus.WAITING, {"has_attachment": True}, "with-a-person"),
        ("2", ConversationStatus.WAITING, {"is_unproven": True}, "unproven"),
        ("2", ConversationStatus.WAITING, {"cap_reached": "contact"}, "over-cap"),
        ("2", ConversationStatus.TAKEN, {}, "with-a-person"),
        ("2", ConversationStatus.WITH_ADMINISTRATION, {}, "with-a-person"),
    ],
)
def test_who_waits_may_choose_until_a_person_takes_the_case(
    text: str, status: ConversationStatus, facts: dict[str, Any], reason: str
) -> None:
    assert decided(question(text), status=status, **{**CHOOSABLE, **facts}).reason == reason


@pytest.mark.parametrize(
    ("text", "is_solved"),
    [
        ("Ja", True),
        ("ja tack!", True),
        ("Ja, det löste det.", True),
        ("Det löste min fråga", True),
        ("Yes, that solved it", True),
        ("Ja men vi undrar en sak till", False),
        ("Nej", False),
        ("Tack", False),
        ("", False),
    ],
)
def test_yes_in_a_mail_ends_the_waiting_where_it_was_asked_for(text: str, is_solved: bool) -> None:
    waiting: dict[str, Any] = {"status": ConversationStatus.WAITING, "had_receipt": True}
    asked = decided(question(text), is_asked_whether_solved=True, **waiting)
    assert (asked.outcome, asked.reason) == (
        (Outcome.IGNORE, "solved") if is_solved else (Outcome.ESCALATE, "with-a-person")
    )
    assert decided(question(text), **waiting).reason == "with-a-person"


def test_yes_pressed_under_an_older_answer_does_not_end_the_waiting() -> None:
    waiting: dict[str, Any] = {"status": ConversationStatus.WAITING, "had_receipt": True, "command": "yes"}
    assert decided(question(""), **waiting).reason == "with-a-person"
    assert decided(question(""), is_asked_whether_solved=True, **waiting).reason == "solved"


def test_yes_to_whoever_has_taken_the_case_is_theirs() -> None:
    taken = decided(question("Ja"), is_asked_whether_solved=True, status=ConversationStatus.TAKEN)
    assert taken.reason == "with-a-person"


def test_a_question_back_needs_approved_words() -> None:
    approved = decided(among(*NEAR))
    unapproved = decided(among(("ga-med", 0.4), ("valberedning", 0.4)))
    terms: dict[str, Any] = {"knowledge": KNOWLEDGE, "is_paused": False, "drafts_allowed": False, "today": TODAY}
    assert why_held(approved, mode=AnsweringMode.SEND, **terms) is None
    assert why_held(unapproved, mode=AnsweringMode.SEND, **terms) == "not-approved"
    assert why_held(approved, mode=AnsweringMode.SUGGEST, **terms) == "suggest-mode"
