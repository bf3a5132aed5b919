"""The figures of a run as text for a terminal, in Swedish."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence

from lokbot import describing
from lokbot.evaluation.baselines import Row
from lokbot.evaluation.counting import Share
from lokbot.evaluation.figures import Counts, Figures, named_owner
from lokbot.evaluation.grading import GOOD, Grade, Graded, grade
from lokbot.evaluation.splits import split_of
from lokbot.model import Knowledge

GRADES = {
    Grade.RIGHT_ANSWER: "rätt svar",
    Grade.WRONG_ANSWER: "fel svar",
    Grade.NEEDLESS_PERSON: "i onödan till en person",
    Grade.RIGHT_CLARIFY: "motfråga med rätt val",
    Grade.WRONG_CLARIFY: "motfråga utan rätt val",
    Grade.RIGHT_OTHERWISE: "rätt på annat sätt",
    Grade.WRONG_POINTER: "visad till fel ägare",
    Grade.WRONG_OTHERWISE: "fel på annat sätt",
}
_HEADS = ("rätt svar", "fel svar", "i onödan", "motfr +", "motfr -", "rätt annat", "fel ägare", "fel annat")

SPLITS = {"train": "träning", "dev": "utveckling", "test": "test", "all": "alla"}


def percent(share: float) -> str:
    """``81,3 %``"""
    return f"{100 * share:.1f} %".replace(".", ",")


def shown(share: Share) -> str:
    """``271/336 = 80,7 % (76,1-84,5 %)``"""
    if not share.total:
        return "inga frågor"
    low, high = (f"{100 * bound:.1f}".replace(".", ",") for bound in (share.low, share.high))
    return f"{share.hits}/{share.total} = {percent(share.share)} ({low}-{high} %)"


def main_figures(found: Figures) -> tuple[tuple[str, Share], ...]:
    """The figures with intervals, each with its name; the order is that of the bars they are held to."""
    return (
        ("Besvarade rätt, svenska med svar", found.right),
        ("Till en person fast svar finns, svenska", found.needless),
        ("Rätt svar, eller rätt fråga erbjuden under väntan, svenska", found.helped),
        ("I onödan till en person, men rätt fråga erbjuden", found.offered_right),
        ("Utan svar att ge, men frågor erbjudna", found.offered_in_vain),
        ("Besvarade fel, av alla", found.wrong),
        ("Nästan rätt fråga, besvarad fel", found.near_wrong),
        ("Eget ärende, inlämning eller brådskande som boten sade något om", found.never),
        ("Brådskande som märktes så", found.urgent),
        ("Motfråga med rätt val, av alla", found.right_clarify),
        ("Motfråga utan rätt val, av alla", found.wrong_clarify),
        ("Engelska med svar, besvarade rätt", found.right_english),
        ("Andra språk med svar, besvarade rätt", found.others_right),
        ("Andra språk, besvarade fel", found.others_wrong),
        ("Visade till fel ägare, av alla", found.wrong_pointer),
        ("Rätt ägare, där boten angav en", found.owner),
        ("Rätt ägare, av alla med känd ägare", found.owner_of_all),
    )


def report(found: Figures) -> str:
    """Everything, section by section."""
    figures = main_figures(found)
    widest = max(len(name) for name, _ in figures)
    lines = [f"Frågor: {found.questions}. Inom parentes står intervallet som täcker det sanna värdet med 95 %."]
    lines += [f"{name:<{widest}}  {shown(share)}" for name, share in figures]
    lines += ["", *_counts("språk", found.by_language)]
    lines += ["", *_counts("stil", found.by_style)]
    lines += ["", *_owners(found)]
    lines += ["", *_chosen(found)]
    lines += ["", *_reliability(found)]
    lines += ["", f"Tid för en fråga: median {_decimal(found.p50)} ms, p99 {_decimal(found.p99)} ms"]
    return "\n".join(lines)


def _counts(what: str, counts: Counts) -> list[str]:
    lines = [f"{what:<18}{'antal':>6}" + "".join(f"{head:>12}" for head in _HEADS)]
    for name, by_grade in counts.items():
        cells = "".join(f"{by_grade.get(grade, 0) or '':>12}" for grade in Grade)
        lines.append(f"{name:<18}{sum(by_grade.values()):>6}{cells}")
    return lines


def _owners(found: Figures) -> list[str]:
    lines = [f"{'rätt ägare':<24}{'av angivna':<34}boten sade i stället (- är ingen)"]
    for owner in sorted({right for right, _ in found.confusion}):
        wrong = {got: n for (right, got), n in found.confusion.items() if right == owner and got != owner}
        named = shown(found.owners[owner]) if owner in found.owners else "angav ingen"
        others = ", ".join(f"{got} {n}" for got, n in sorted(wrong.items(), key=lambda entry: (-entry[1], entry[0])))
        lines.append(f"{owner:<24}{named:<34}{others}".rstrip())
    return lines


def _chosen(found: Figures) -> list[str]:
    lines = ["tröskel     svarar på    rätt av svaren   (frågor där en poäng avgör)"]
    steps = {point.coverage: point for point in found.curve}
    wanted = [step / 10 for step in range(1, 11)]
    nearest = [min(steps, key=lambda coverage: abs(coverage - want)) for want in wanted] if steps else []
    for point in sorted({steps[coverage] for coverage in nearest} | {found.chosen}, key=lambda one: -one.threshold):
        mark = "  <- vald" if point == found.chosen else ""
        lines.append(
            f"{_decimal(point.threshold, 3):>7}{percent(point.coverage):>14}{percent(point.precision):>18}{mark}"
        )
    return lines


def _reliability(found: Figures) -> list[str]:
    lines = [f"Kalibrering: ECE {_decimal(found.calibration_error, 3)}. Säkerhet och utfall, en tiondel i taget:"]
    for one in found.reliability:
        lines.append(f"{_decimal(one.confidence, 3):>7}  {shown(one.accuracy)}")
    return lines


def _decimal(value: float, digits: int = 1) -> str:
    return "-" if math.isinf(value) or math.isnan(value) else f"{value:.{digits}f}".replace(".", ",")


def comparison(rows: Sequence[Row], skipped: Mapping[str, str]) -> str:
    """The baselines beside lokbot; ``skipped`` says why one could not be measured."""
    lines = ["Jämförelse. Rätt: av frågor med svar, alla språk. Fel: av alla frågor."]
    for row in rows:
        lines.append(f"{row.name:<22} rätt {shown(row.behind_rules.right):<34} fel {shown(row.behind_rules.wrong)}")
        if row.alone is not None:
            lines.append(
                f"{'  utan lokbots regler':<22} rätt {shown(row.alone.right):<34} fel {shown(row.alone.wrong)}"
            )
    lines += [f"{name}: hoppades över. {why}" for name, why in skipped.items()]
    return "\n".join(lines)


def mistakes(graded: Sequence[Graded]) -> str:
    """Each question that did not end as it should, a line each."""
    return "\n".join(mistake(one) for one in graded if one.grade not in GOOD)


def mistake(graded: Graded) -> str:
    """What was asked, what the bot did, and what is right."""
    return (
        f"{graded.golden.id} {GRADES[graded.grade]}: {graded.golden.text!r} -> {did(graded)}  (rätt: {wanted(graded)})"
    )


def did(graded: Graded) -> str:
    return "; ".join(
        f"{describing.OUTCOMES[d.outcome]} {' '.join(d.choices) or d.article or d.administration or ''}".rstrip()
        + f" {d.confidence:.2f}"
        for d in graded.asked.decisions
    )


def wanted(graded: Graded) -> str:
    golden = graded.golden
    outcomes = " eller ".join(describing.OUTCOMES[outcome] for outcome in sorted(golden.outcomes))
    return f"{outcomes} {' '.join(golden.articles) or golden.administration or ''}".rstrip()


def explained(graded: Graded, knowledge: Knowledge) -> str:
    """One question in full: what was understood, all evidence, every rule asked, and why it was graded so."""
    golden = graded.golden
    grade_, why = grade(golden, graded.asked.decisions, graded.asked.outcome)
    lines = [
        f"{golden.id} ({golden.style}, {golden.language}, {SPLITS[split_of(golden)]})",
        textwrap.indent(golden.text, "  | ", lambda _: True),
        f"Rätt: {wanted(graded)}" + (f", ägare {golden.administration}" if golden.administration else ""),
        f"Bedömning: {GRADES[grade_]}, eftersom boten {why}."
        if grade_ not in (Grade.RIGHT_ANSWER, Grade.RIGHT_OTHERWISE)
        else f"Bedömning: {GRADES[grade_]}: {why}.",
        f"Ägare enligt boten: {named_owner(graded)}",
        f"Språk: {graded.asked.understanding.language}",
    ]
    for decision in graded.asked.decisions:
        question = decision.question
        lines += ["", f"Fråga: {question.text or '(inga ord)'} [{question.language}]"]
        lines += describing.decided(decision, knowledge)
        lines += [f"  Frågad före, utan åsikt: {rule}" for rule in decision.missed]
        for hit in question.intents:
            lines.append(f"  Avsikt: {hit.intent.id} ({hit.intent.action}): {hit.evidence.detail}")
        for match in question.matches:
            mark = "*" if match.article in golden.articles else " "
            lines.append(f"  {mark} {match.confidence:.3f} {match.article}")
            lines += [f"        {one.matcher}: {one.detail} ({one.score:.2f})" for one in match.evidence]
        for owner in question.owners:
            detail = "; ".join(f"{one.matcher}: {one.detail}" for one in owner.evidence)
            lines.append(f"  Ägare: {owner.administration} {owner.confidence:.2f} ({detail})")
    return "\n".join(lines)
