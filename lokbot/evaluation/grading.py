"""One golden question asked and graded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lokbot.asking import Asked, ask
from lokbot.config import Settings
from lokbot.model import Decision, GoldenQuestion, Outcome
from lokbot.understanding import Active, answer_threshold

# Styles whose outcome must never be the bot's own answer (DESIGN section 5: own matters, hand-ins, what is urgent).
NEVER_ANSWERED = frozenset({"own-matter", "hand-in", "urgent"})


_SWEDISH = "Hur går vår förening med?"


class Grade(StrEnum):
    """What became of one golden question. A grade begins with what it is: right, wrong, or needless."""

    RIGHT_ANSWER = "right-answer"
    WRONG_ANSWER = "wrong-answer"  # told something that does not answer it
    NEEDLESS_PERSON = "needless-person"  # a person had to answer what an article answers
    RIGHT_CLARIFY = "right-clarify"  # asked back, and one of the choices is right
    WRONG_CLARIFY = "wrong-clarify"  # asked back, and no choice is right
    RIGHT_OTHERWISE = "right-otherwise"  # pointed on, left to a person or let rest, as it should be
    WRONG_POINTER = "wrong-pointer"  # pointed to the wrong owner
    WRONG_OTHERWISE = "wrong-otherwise"  # let rest what somebody should have seen, or the other way round


# What the asker and the coordinator have no reason to complain of.
GOOD = frozenset({Grade.RIGHT_ANSWER, Grade.RIGHT_CLARIFY, Grade.RIGHT_OTHERWISE})


@dataclass(frozen=True, slots=True)
class Graded:
    """A golden question, what the bot did, the grade, and how long it took in seconds."""

    golden: GoldenQuestion
    asked: Asked
    grade: Grade
    seconds: float = 0.0

    @property
    def is_answered(self) -> bool:
        """Whether the bot itself said something of the matter: answered, or asked back."""
        return any(decision.outcome in (Outcome.ANSWER, Outcome.CLARIFY) for decision in self.asked.decisions)

    @property
    def offered(self) -> frozenset[str]:
        """The articles that the asker was offered while they wait for a person."""
        waiting = (each for each in self.asked.decisions if each.outcome is not Outcome.CLARIFY)
        return frozenset(choice for decision in waiting for choice in decision.choices)

    @property
    def is_offered_right(self) -> bool:
        return not self.offered.isdisjoint(self.golden.articles)

    @property
    def is_marked_urgent(self) -> bool:
        return any(decision.is_urgent for decision in self.asked.decisions)


def evaluate(
    questions: Iterable[GoldenQuestion],
    active: Active,
    settings: Settings,
    *,
    now: datetime,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Graded, ...]:
    """Every question asked and graded, in order. ``clock`` gives seconds; only differences count."""
    graded = []
    for golden in questions:
        start = clock()
        asked = ask(golden.text, active, settings, now=now)
        graded.append(Graded(golden, asked, grade(golden, asked.decisions, asked.outcome)[0], clock() - start))
    return tuple(graded)


def threshold_of(active: Active, settings: Settings) -> float:
    """The least confidence to answer a Swedish question with, by settings and the calibration in use."""
    return settings.answer_threshold or answer_threshold(active.understander.understand(_SWEDISH), settings.rate())


def grade(golden: GoldenQuestion, decisions: tuple[Decision, ...], outcome: Outcome) -> tuple[Grade, str]:
    """The grade and, in Swedish, why. Strict: one wrong answer among several questions makes the message wrong.

    ``outcome`` is that of the whole message. Where both an answer and a question back went out, the answer is graded.
    """
    answers = [decision.article for decision in decisions if decision.outcome is Outcome.ANSWER]
    if wrong := [article for article in answers if article not in golden.articles]:
        return Grade.WRONG_ANSWER, f"svarade med {', '.join(map(str, wrong))}, som inte är ett rätt svar"
    if answers:
        if Outcome.ANSWER in golden.outcomes:
            return Grade.RIGHT_ANSWER, "varje svar är ett av de rätta"
        return Grade.WRONG_ANSWER, "svarade på det som inte ska besvaras"
    if outcome is Outcome.CLARIFY or any(decision.outcome is Outcome.CLARIFY for decision in decisions):
        return _graded_choices(golden, {choice for decision in decisions for choice in decision.choices})
    if outcome in golden.outcomes:
        pointers = {d.administration for d in decisions if d.outcome is Outcome.ROUTE}
        if golden.administration and pointers and golden.administration not in pointers:
            return Grade.WRONG_POINTER, f"visade till {', '.join(map(str, pointers))}, inte {golden.administration}"
        if golden.is_urgent and not any(decision.is_urgent for decision in decisions):
            return Grade.WRONG_OTHERWISE, "borde ha märkts som brådskande"
        return Grade.RIGHT_OTHERWISE, "utfallet är ett av de rätta"
    if outcome is Outcome.ESCALATE:
        return Grade.NEEDLESS_PERSON, "gick till en person fast boten kunde ha klarat det"
    if outcome is Outcome.ROUTE:
        return Grade.WRONG_POINTER, "visade vidare det som inte skulle visas vidare"
    return Grade.WRONG_OTHERWISE, "lät det vila fast någon borde ha sett det"


def _graded_choices(golden: GoldenQuestion, choices: set[str]) -> tuple[Grade, str]:
    if choices & set(golden.articles):
        return Grade.RIGHT_CLARIFY, "frågade tillbaka, och ett rätt svar är bland valen"
    if Outcome.CLARIFY in golden.outcomes and not golden.articles:
        return Grade.RIGHT_CLARIFY, "frågade tillbaka, som det var rätt att göra"
    return Grade.WRONG_CLARIFY, f"frågade tillbaka utan ett rätt val ({', '.join(sorted(choices)) or 'inga val'})"


def is_scored(decision: Decision) -> bool:
    """Whether the score of the best article had a say, rather than a rule of intents/ or the lack of any match."""
    return decision.intent is None and decision.question.best() is not None
