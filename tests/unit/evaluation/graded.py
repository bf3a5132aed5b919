"""Golden questions and what a bot might have made of them, without any bot."""

from __future__ import annotations

from lokbot.asking import Asked
from lokbot.evaluation.grading import Graded, grade
from lokbot.model import (
    Decision,
    Evidence,
    GoldenQuestion,
    Match,
    Outcome,
    Question,
    Understanding,
)

JOIN = GoldenQuestion("g1", "Hur går vi med?", "sv", "plain", frozenset({Outcome.ANSWER}), ("ga-med",), "samordnare")
NEAR = GoldenQuestion("g2", "Hur högt är bidraget?", "sv", "near-miss", frozenset({Outcome.ESCALATE}))
OWN = GoldenQuestion("g3", "Har ni vår ansökan?", "sv", "own-matter", frozenset({Outcome.ESCALATE}))
POLICE = GoldenQuestion("g4", "Belastningsregister?", "sv", "route", frozenset({Outcome.ROUTE}), (), "polisen")
DANGER = GoldenQuestion("g5", "Vi är hotade", "sv", "urgent", frozenset({Outcome.ESCALATE}), is_urgent=True)
THANKS = GoldenQuestion("g6", "Tack", "sv", "ignore", frozenset({Outcome.IGNORE}))


def decided(
    outcome: Outcome,
    article: str | None = None,
    *,
    administration: str | None = None,
    confidence: float = 0.0,
    best: str | None = None,
    choices: tuple[str, ...] = (),
    is_urgent: bool = False,
    intent: str | None = None,
) -> Decision:
    """A decision whose best match is ``best`` (or the article it answers with)."""
    top = best or article
    matches = (Match(top, confidence, (Evidence("lexical", "går med", 0.5),)),) if top else ()
    return Decision(
        outcome,
        "some_rule",
        "some-reason",
        Question("en fråga", "sv", (), matches),
        article=article,
        administration=administration,
        confidence=confidence,
        is_urgent=is_urgent,
        intent=intent,
        missed=("another_rule",),
        choices=choices,
    )


def graded(golden: GoldenQuestion, *decisions: Decision, seconds: float = 0.001) -> Graded:
    """``golden`` with these decisions and the grade that they deserve."""
    asked = Asked(Understanding(golden.language, tuple(d.question for d in decisions)), decisions, None)
    return Graded(golden, asked, grade(golden, decisions, asked.outcome)[0], seconds)
