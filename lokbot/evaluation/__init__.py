"""How often the bot is right: the golden questions asked one by one, and counted with their uncertainty. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lokbot.asking import Asked, ask
from lokbot.config import Settings
from lokbot.model import GoldenQuestion, Outcome
from lokbot.understanding import Active

# Styles whose outcome must never be the bot's own answer (issue: own matters, hand-ins, what is urgent).
NEVER_ANSWERED = frozenset({"own-matter", "hand-in", "urgent"})


class Grade(StrEnum):
    """What became of one golden question."""

    RIGHT_ANSWER = "right-answer"
    WRONG_ANSWER = "wrong-answer"  # told something that does not answer it
    NEEDLESS_PERSON = "needless-person"  # a person had to answer what an article answers
    RIGHT_OTHERWISE = "right-otherwise"  # pointed on, left to a person or let rest, as it should be
    WRONG_POINTER = "wrong-pointer"  # pointed to the wrong owner
    WRONG_OTHERWISE = "wrong-otherwise"  # let rest what somebody should have seen, or the other way round


@dataclass(frozen=True, slots=True)
class Graded:
    """A golden question, what the bot did, and the grade."""

    golden: GoldenQuestion
    asked: Asked
    grade: Grade


def evaluate(
    questions: Iterable[GoldenQuestion], active: Active, settings: Settings, *, now: datetime
) -> tuple[Graded, ...]:
    """Every question asked and graded."""
    graded = []
    for golden in questions:
        asked = ask(golden.text, active, settings, now=now)
        graded.append(Graded(golden, asked, grade(golden, asked)))
    return tuple(graded)


def grade(golden: GoldenQuestion, asked: Asked) -> Grade:
    """Strict: one wrong answer among several questions makes the message wrong."""
    answers = [decision.article for decision in asked.decisions if decision.outcome is Outcome.ANSWER]
    if any(article not in golden.articles for article in answers):
        return Grade.WRONG_ANSWER
    if answers:
        return Grade.RIGHT_ANSWER if Outcome.ANSWER in golden.outcomes else Grade.WRONG_ANSWER
    if asked.outcome in golden.outcomes:
        pointers = {d.administration for d in asked.decisions if d.outcome is Outcome.ROUTE}
        if golden.administration and pointers and golden.administration not in pointers:
            return Grade.WRONG_POINTER
        if golden.is_urgent and not any(decision.is_urgent for decision in asked.decisions):
            return Grade.WRONG_OTHERWISE
        return Grade.RIGHT_OTHERWISE
    if asked.outcome is Outcome.ESCALATE:
        return Grade.NEEDLESS_PERSON
    return Grade.WRONG_POINTER if asked.outcome is Outcome.ROUTE else Grade.WRONG_OTHERWISE


def interval(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    if total == 0:
        return 0.0, 1.0
    z, share = 1.96, hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def report(graded: Sequence[Graded]) -> str:
    """The figures in Swedish, with intervals, then by style."""
    answerable = [g for g in graded if g.golden.outcomes == {Outcome.ANSWER}]
    swedish = [g for g in answerable if g.golden.language == "sv"]
    never = [g for g in graded if g.golden.style in NEVER_ANSWERED]
    owned = [g for g in graded if g.golden.administration and any(d.administration for d in g.asked.decisions)]
    lines = [
        f"Frågor: {len(graded)}",
        _share("Besvarade rätt, svenska med svar", [g.grade is Grade.RIGHT_ANSWER for g in swedish]),
        _share("Till en person fast svar finns, svenska", [g.grade is Grade.NEEDLESS_PERSON for g in swedish]),
        _share("Besvarade fel, av alla", [g.grade is Grade.WRONG_ANSWER for g in graded]),
        _share("Visade till fel ägare, av alla", [g.grade is Grade.WRONG_POINTER for g in graded]),
        _share("Rätt ägare", [_is_right_owner(g) for g in owned]),
        _share(
            "Eget ärende, inlämning eller brådskande besvarat av boten",
            [any(d.outcome is Outcome.ANSWER for d in g.asked.decisions) for g in never],
        ),
        "",
        f"{'stil':<18}{'antal':>6}" + "".join(f"{grade:>17}" for grade in Grade),
    ]
    for style in sorted({g.golden.style for g in graded}):
        counts = Counter(g.grade for g in graded if g.golden.style == style)
        lines.append(f"{style:<18}{counts.total():>6}" + "".join(f"{counts[grade]:>17}" for grade in Grade))
    return "\n".join(lines)


def mistakes(graded: Sequence[Graded]) -> str:
    """Each question that did not end as it should, a line each."""
    lines = []
    for g in graded:
        if g.grade in (Grade.RIGHT_ANSWER, Grade.RIGHT_OTHERWISE):
            continue
        got = "; ".join(
            f"{d.outcome} {d.article or d.administration or ''} {d.confidence:.2f}" for d in g.asked.decisions
        )
        wanted = f"{'/'.join(sorted(g.golden.outcomes))} {'/'.join(g.golden.articles) or g.golden.administration or ''}"
        lines.append(f"{g.golden.id} {g.grade}: {g.golden.text!r} -> {got}  (rätt: {wanted})")
    return "\n".join(lines)


def _is_right_owner(graded: Graded) -> bool:
    return any(decision.administration == graded.golden.administration for decision in graded.asked.decisions)


def _share(name: str, hits: Sequence[bool]) -> str:
    if not hits:
        return f"{name}: inga frågor"
    low, high = interval(sum(hits), len(hits))
    return f"{name}: {sum(hits)}/{len(hits)} = {sum(hits) / len(hits):.1%} (95 %: {low:.1%}-{high:.1%})"
