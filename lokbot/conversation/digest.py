"""What waits, mailed to each coordinator every morning of a working day; where nothing waits, nothing is mailed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import staff_mail
from lokbot.conversation.decision import WITH_A_PERSON
from lokbot.conversation.reply import quoted
from lokbot.conversation.working_days import SWEDEN, is_working_day, loosely_dated, written_out
from lokbot.masking import mask_personal_numbers
from lokbot.model import ConversationStatus, Knowledge, OutboxKind
from lokbot.store import inbox, queries
from lokbot.store.inbox import Folder
from lokbot.store.schema import Conversation, Digest, OutboxItem
from lokbot.store.session import take_turns

# A worker that starts later in the day sends none.
LATEST = timedelta(hours=4)
MOST = 10
_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Overview:
    """All that waits for people, longest first, on a day. ``sent_on`` is when a case went to an administration."""

    today: date
    cases: Sequence[Conversation]
    sent_on: Mapping[int, datetime]
    failed: int

    def is_overdue(self, case: Conversation) -> bool:
        return case.answer_by is not None and case.answer_by < self.today

    @property
    def awake(self) -> Sequence[Conversation]:
        """Those that do not rest; what is overdue never does."""
        return [case for case in self.cases if case.snoozed_until is None or self.is_overdue(case)]


def send_due(session: Session, *, settings: Settings, knowledge: Knowledge, now: datetime) -> int:
    """Mail what waits to those who have not been seen to today, in the caller's transaction; returns to how many.

    Several workers may call it at once: each person gets one a day. Who is away gets none.
    """
    local = now.astimezone(SWEDEN)
    today, at = local.date(), settings.digest_at
    if at is None or not is_working_day(today, settings.promise.closed_days):
        return 0
    starts = datetime.combine(today, at, SWEDEN)
    if not starts <= local < starts + LATEST:
        return 0
    take_turns(session, "digest")
    seen = set(session.scalars(select(Digest.address).where(Digest.day == today)))
    waiting = [one for one in dict.fromkeys(map(str.lower, settings.coordinators)) if one not in seen]
    if not waiting:
        return 0
    session.execute(delete(Digest).where(Digest.day < today - _KEPT))
    session.add_all(Digest(day=today, address=address) for address in waiting)
    found = overview(session, today)
    if not (found.awake or found.failed):
        return 0
    away = queries.away(session, today)
    here = [address for address in waiting if address not in away]
    for address in here:
        mine = {address, *(absent for absent, deputy in away.items() if deputy == address)}
        user = queries.user_at(session, address)
        language = user.language if user else "sv"
        subject, text = compose(found, mine, knowledge, language, settings.web.public_url)
        staff_mail.enqueue(session, address, subject, text, settings=settings, now=now)
    return len(here)


def overview(session: Session, today: date) -> Overview:
    """What waits for people now."""
    query = select(Conversation).where(Conversation.status.in_(WITH_A_PERSON))
    cases = session.scalars(
        query.order_by(
            Conversation.is_urgent.desc(),
            Conversation.waiting_since.is_(None),
            Conversation.waiting_since,
            Conversation.id,
        )
    ).all()
    sent_on = session.execute(
        select(OutboxItem.conversation_id, func.max(OutboxItem.queued_at))
        .join(Conversation, Conversation.id == OutboxItem.conversation_id)
        .where(
            OutboxItem.kind == OutboxKind.FORWARD,
            Conversation.status == ConversationStatus.WITH_ADMINISTRATION,
        )
        .group_by(OutboxItem.conversation_id)
    )
    failed = inbox.counts(session, "")[Folder.FAILED]
    return Overview(today, cases, {case: at for case, at in sent_on}, failed)  # noqa: C416 (a row is no pair)


def compose(found: Overview, mine: Collection[str], knowledge: Knowledge, language: str, url: str) -> tuple[str, str]:
    """Subject and text for whoever has the cases taken by ``mine`` (addresses). Pure."""
    say = knowledge.phrases[language]
    awake = found.awake
    counts = {
        "urgent": sum(case.is_urgent for case in awake),
        "overdue": sum(map(found.is_overdue, awake)),
        "due": sum(case.answer_by == found.today for case in awake),
        "waiting": sum(case.status is ConversationStatus.WAITING for case in awake),
        "own": sum(_is_of(case, mine) for case in awake),
        "with-administration": sum(case.status is ConversationStatus.WITH_ADMINISTRATION for case in awake),
        "resting": len(found.cases) - len(awake),
        "failed": found.failed,
    }
    day = written_out(found.today, language)
    lines = [say[f"digest.{key}"].format(count=count) for key, count in counts.items() if count]
    blocks = [say["digest.opening"].format(day=day), "\n".join(lines)]
    if awake:
        blocks.append(say["digest.longest"])
        blocks += [_case(case, found, mine, knowledge, language, url) for case in awake[:MOST]]
    subject = say["digest.subject"].format(day=day, count=len(awake))
    return subject, mask_personal_numbers("\n\n".join(blocks))


def _case(
    case: Conversation, found: Overview, mine: Collection[str], knowledge: Knowledge, language: str, url: str
) -> str:
    say = knowledge.phrases[language]
    marks = [
        say[f"digest.mark.{key}"]
        for key, holds in (
            ("urgent", case.is_urgent),
            ("overdue", found.is_overdue(case)),
            ("due", case.answer_by == found.today),
            ("own", _is_of(case, mine)),
        )
        if holds
    ]
    sent_on = found.sent_on.get(case.id)
    owner = knowledge.administrations.get(case.administration or "")
    if sent_on is not None and owner is not None:
        name = owner.name.get(language)
        marks.append(say["digest.mark.with"].format(name=name, day=_short(sent_on, language)))
    elif case.waiting_since is not None:
        marks.append(say["digest.mark.since"].format(day=_short(case.waiting_since, language)))
    return f"{case.case_number}: {quoted(case.subject)}\n{', '.join(marks)}\n{url}/arenden/{case.case_number}"


def _short(at: datetime, language: str) -> str:
    return loosely_dated(at.astimezone(SWEDEN).date().isoformat(), language)


def _is_of(case: Conversation, mine: Collection[str]) -> bool:
    return (case.taken_by or "").lower() in mine
