"""One question to the bot, outside any conversation: what `lokbot ask` shows and `lokbot evaluate` measures. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lokbot.config import Settings
from lokbot.conversation.decision import WITHOUT_RECEIPT, Situation, decide, is_for_a_person, overall
from lokbot.conversation.reply import ReplyContext, compose
from lokbot.conversation.working_days import promised_day
from lokbot.model import Decision, Outcome, Understanding
from lokbot.understanding import Active, answer_threshold

# Not a case: nothing is stored.
CASE_NUMBER = "LOK-0000-00000"


@dataclass(frozen=True, slots=True)
class Asked:
    """What would happen to a message with this text. ``reply`` is None where nothing would be sent."""

    understanding: Understanding
    decisions: tuple[Decision, ...]
    reply: str | None

    @property
    def outcome(self) -> Outcome:
        return overall(self.decisions)


def decided(text: str, active: Active, settings: Settings) -> tuple[Understanding, tuple[Decision, ...]]:
    """How the bot would understand ``text``, and what it would decide, drafts allowed."""
    understanding = active.understander.understand(text)
    threshold = settings.answer_threshold or answer_threshold(understanding, settings.rate())
    return understanding, decide(Situation(understanding, active.knowledge, threshold))


def ask(text: str, active: Active, settings: Settings, *, now: datetime) -> Asked:
    """What the bot would do with ``text``, drafts allowed."""
    understanding, decisions = decided(text, active, settings)
    told = [decision for decision in decisions if decision.outcome in (Outcome.ANSWER, Outcome.ROUTE, Outcome.CLARIFY)]
    rest = [decision for decision in decisions if decision.outcome is Outcome.ESCALATE]
    if not told and all(decision.reason in WITHOUT_RECEIPT for decision in rest):
        return Asked(understanding, decisions, None)
    needs_person = any(is_for_a_person(decision, active.knowledge) for decision in decisions)
    context = ReplyContext(
        knowledge=active.knowledge,
        subject="",
        language=understanding.language,
        case_number=CASE_NUMBER,
        received_at=now,
        answer_by=promised_day(now, settings.promise) if needs_person else None,
    )
    return Asked(understanding, decisions, compose(told, rest, context).text)


def as_json(asked: Asked, identity: object) -> dict[str, Any]:
    """The line that `lokbot ask --jsonl` writes."""
    return {
        "id": identity,
        "language": asked.understanding.language,
        "outcome": asked.outcome,
        "questions": [
            {
                "text": decision.question.text,
                "outcome": decision.outcome,
                "article": decision.article,
                "topic": decision.topic,
                "administration": decision.administration,
                "confidence": round(decision.confidence, 4),
                "evidence": [asdict(evidence) for evidence in decision.evidence],
            }
            for decision in asked.decisions
        ],
        "reply": asked.reply,
    }
