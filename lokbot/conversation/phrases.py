"""Every fixed sentence that lokbot writes, with the words it must have room for; `lokbot check` holds
knowledge/phrases.yaml to this.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

REQUIRED_PHRASES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "opening.automatic": frozenset(),
        "opening.released": frozenset(),
        "draft": frozenset(),
        "question": frozenset({"number", "question"}),
        "source": frozenset({"sources"}),
        "source.dated": frozenset({"title", "date"}),
        "as-of": frozenset({"as_of"}),
        "route.city": frozenset({"name", "matters"}),
        "route.outside": frozenset({"name", "matters"}),
        "route.because": frozenset({"words"}),
        "receipt.arrived": frozenset({"day", "time"}),
        "receipt.next": frozenset({"answer_by"}),
        "receipt.rest": frozenset({"answer_by"}),
        "receipt.urgent": frozenset({"answer_by"}),
        "receipt.other-language": frozenset(),
        "receipt.emergency": frozenset(),
        "receipt.phone": frozenset(),
        "contact.mail": frozenset(),
        "contact.add.mail": frozenset(),
        "case": frozenset({"case"}),
        "clarify.which": frozenset(),
        "clarify.how.mail": frozenset(),
        "forwarded": frozenset({"name"}),
        "notify.subject": frozenset({"case", "subject"}),
        "notify.subject.urgent": frozenset({"case", "subject"}),
        "notify.subject.failed": frozenset({"case", "subject"}),
        "notify.case": frozenset({"case", "sender", "day", "time"}),
        "notify.why": frozenset({"reason"}),
        "notify.held": frozenset({"held"}),
        "notify.answer-by": frozenset({"answer_by"}),
        "notify.no-receipt": frozenset(),
        "notify.owner": frozenset({"name"}),
        "notify.message": frozenset(),
        "notify.earlier": frozenset(),
        "notify.earlier.line": frozenset({"day", "who", "text"}),
        "notify.asker": frozenset(),
        "notify.us": frozenset(),
        "notify.suggestion": frozenset(),
        "notify.release": frozenset({"case"}),
        "notify.acts": frozenset({"case"}),
        "notify.reply-here": frozenset(),
        "notify.not-sent": frozenset({"case", "to", "error"}),
        "notify.failed": frozenset({"case"}),
        "notify.subject.overdue": frozenset({"case", "subject"}),
        "notify.urgent-again": frozenset({"case"}),
        "notify.overdue": frozenset({"case", "answer_by", "who"}),
        "notify.subject.mail": frozenset({"case", "subject"}),
        "notify.answer-here": frozenset({"minutes"}),
        "notify.mail.leaves": frozenset({"time", "to"}),
        "notify.mail.stopped": frozenset({"case"}),
        "notify.mail.too-late": frozenset({"case"}),
        "notify.mail.done": frozenset({"act", "case"}),
        "notify.mail.kept": frozenset({"case", "why"}),
        "notify.mail.why.no-case": frozenset(),
        "notify.mail.why.not-proven": frozenset(),
        "notify.mail.why.not-yours": frozenset(),
        "notify.mail.why.others": frozenset({"addresses"}),
        "notify.mail.why.unknown": frozenset({"word"}),
        "notify.mail.why.several": frozenset(),
        "notify.mail.why.attachment": frozenset(),
        "notify.mail.why.empty": frozenset(),
        "notify.mail.why.asked": frozenset(),
        "notify.sender.pass": frozenset(),
        "notify.sender.fail": frozenset(),
        "notify.newcomers": frozenset({"addresses"}),
        "notify.related": frozenset({"case"}),
        "notify.too-many": frozenset({"case"}),
        "notify.breaker": frozenset({"case", "count"}),
        "notify.balance": frozenset({"case", "detail"}),
        "subject.balance": frozenset(),
        "forward.subject": frozenset({"case", "subject"}),
        "forward.body": frozenset({"case", "sender", "day", "text"}),
        "subject.empty": frozenset(),
        "english-below": frozenset(),
        **{
            f"reason.{key}": frozenset()
            for key in (
                *("bounce", "from-coordinator", "urgent", "thanks", "with-a-person", "unreadable", "no-words"),
                *("person-wanted", "reply-elsewhere", "over-cap", "attachment", "reply-to-answer", "own-matter"),
                *("which", "chosen", "none-of-these"),
                *("unproven", "form", "list", "perhaps-automatic", "too-large"),
                *("hand-in", "other-language", "rule", "sure", "not-sure", "nothing-found", "failed", "paused"),
                *("junk", "answered", "balance"),
            )
        },
        "reason.automatic": frozenset({"kind"}),
        **{
            f"held.{key}": frozenset()
            for key in ("paused", "suggest-mode", "not-approved", "review-passed", "not-checked")
        },
    }
)
