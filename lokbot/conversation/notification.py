"""Compose what coordinators and administrations read: why a matter is with them, the thread, the suggested answer.

Pure. Personal numbers are masked: a notification lies in mailboxes that are not the case file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from lokbot.conversation.working_days import SWEDEN, clock_time, written_out
from lokbot.masking import mask_personal_data, mask_personal_numbers
from lokbot.model import ChannelName, Knowledge, Reply

# Coordinators read Swedish.
LANGUAGE = "sv"
EARLIER_LENGTH = 300
GROUP_LENGTH = 600  # characters of what was written, in the coordinators' group


@dataclass(frozen=True, slots=True)
class Line:
    """One earlier message of the thread; ``is_ours`` where we wrote it."""

    at: datetime
    is_ours: bool
    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """All that a notification tells of a case."""

    case_number: str
    subject: str
    sender: str
    received_at: datetime
    reason: str
    reason_detail: str = ""
    is_urgent: bool = False
    held: str | None = None
    answer_by: date | None = None
    owner: str | None = None
    text: str = ""
    files: Sequence[str] = ()
    suggestion: str | None = None
    earlier: Sequence[Line] = ()
    sender_check: str | None = None
    newcomers: Sequence[str] = ()
    related: str | None = None
    undo_minutes: int | None = None
    channel: ChannelName = ChannelName.MAIL


def waiting(notice: Notice, knowledge: Knowledge) -> Reply:
    """To the coordinators: this case waits for one of you."""
    say = knowledge.phrases[LANGUAGE]
    local = notice.received_at.astimezone(SWEDEN)
    facts = [
        say["notify.case"].format(
            case=notice.case_number,
            sender=notice.sender,
            day=written_out(local.date(), LANGUAGE),
            time=clock_time(local, LANGUAGE),
        ),
        say["notify.why"].format(reason=say[f"reason.{notice.reason}"].format(kind=notice.reason_detail)),
    ]
    if notice.channel is ChannelName.TELEGRAM:
        facts.append(say["notify.telegram"])
    if notice.sender_check in ("pass", "fail"):
        facts.append(say[f"notify.sender.{notice.sender_check}"])
    if notice.newcomers:
        facts.append(say["notify.newcomers"].format(addresses=", ".join(notice.newcomers)))
    if notice.related:
        facts.append(say["notify.related"].format(case=notice.related))
    if notice.held:
        facts.append(say["notify.held"].format(held=say[f"held.{notice.held}"]))
    if notice.owner:
        facts.append(say["notify.owner"].format(name=knowledge.administrations[notice.owner].name.sv))
    facts.append(
        say["notify.answer-by"].format(answer_by=written_out(notice.answer_by, LANGUAGE))
        if notice.answer_by
        else say["notify.no-receipt"]
    )
    blocks = ["\n".join(facts)]
    if notice.text.strip():
        blocks += [say["notify.message"], quote(notice.text)]
    if notice.files:
        blocks.append(say["notify.files"].format(names=", ".join(notice.files)))
    if notice.suggestion:
        blocks += [say["notify.suggestion"], quote(notice.suggestion)]
        if notice.undo_minutes is None:
            blocks.append(say["notify.release"].format(case=notice.case_number))
    if notice.undo_minutes is None:
        blocks.append(say["notify.acts"].format(case=notice.case_number))
        blocks.append(say["notify.reply-here"])
    else:
        blocks.append(say["notify.answer-here"].format(minutes=notice.undo_minutes))
    if notice.earlier:
        blocks += [say["notify.earlier"], "\n".join(_line(line, knowledge) for line in notice.earlier)]
    key = "notify.subject.urgent" if notice.is_urgent else "notify.subject"
    return _reply(say[key].format(case=notice.case_number, subject=notice.subject), "\n\n".join(blocks))


def in_group(notice: Notice, knowledge: Knowledge, *, topic: str | None, link: str, is_text_told: bool) -> Reply:
    """To the coordinators' group in Telegram: this case waits. Its number stands first, alone: a reply goes by it.

    Telegram is no place for what people write of themselves, so what they wrote is told only where that is allowed
    (``is_text_told``), and then masked.
    """
    say = knowledge.phrases[LANGUAGE]
    lines = [
        notice.case_number,
        say["group.urgent" if notice.is_urgent else "group.waiting"],
        *([say["group.topic"].format(topic=topic)] if topic else []),
        *(
            [say["group.answer-by"].format(answer_by=written_out(notice.answer_by, LANGUAGE))]
            if notice.answer_by
            else []
        ),
        *([say["group.text"], quote(_clipped(mask_personal_data(notice.text)))] if is_text_told else []),
        say["group.open"].format(link=link),
        say["group.how"].format(minutes=notice.undo_minutes),
    ]
    return Reply("", "\n".join(lines), None, LANGUAGE)


def _clipped(text: str) -> str:
    return text if len(text) <= GROUP_LENGTH else f"{text[:GROUP_LENGTH].rstrip()} …"


def told(case_number: str, subject: str, text: str, knowledge: Knowledge) -> Reply:
    """To one coordinator: what came of their mail."""
    say = knowledge.phrases[LANGUAGE]
    return _reply(say["notify.subject.mail"].format(case=case_number, subject=subject), text)


def plain(
    key: str, case_number: str, subject: str, knowledge: Knowledge, *, subject_key: str = "notify.subject", **words: str
) -> Reply:
    """To the coordinators: one fixed sentence about a case."""
    say = knowledge.phrases[LANGUAGE]
    return _reply(
        say[subject_key].format(case=case_number, subject=subject), say[key].format(case=case_number, **words)
    )


def forwarded(
    case_number: str,
    subject: str,
    received_at: datetime,
    text: str,
    knowledge: Knowledge,
    *,
    sender: str = "",
    is_direct: bool = False,
    whole: Sequence[tuple[datetime, str]] = (),
) -> Reply:
    """To an administration: this question is yours. ``sender`` where they are to know who asks; ``whole`` are messages
    that they are to read in full, and when each came in.
    """
    say = knowledge.phrases[LANGUAGE]
    day = written_out(received_at.astimezone(SWEDEN).date(), LANGUAGE)
    blocks = [
        say["forward.body"].format(case=case_number, day=day),
        *([say["forward.sender"].format(sender=sender)] if sender else []),
        quote(text),
        *(block for at, each in whole for block in (_whole_from(at, knowledge), quote(each))),
        say["forward.answer-directly" if is_direct else "forward.answer"],
        say["forward.not-yours"],
    ]
    line = say["forward.subject"].format(case=case_number, subject=subject)
    return Reply(" ".join(line.split()), "\n\n".join(blocks), None, LANGUAGE)


def _whole_from(at: datetime, knowledge: Knowledge) -> str:
    local = at.astimezone(SWEDEN)
    day = written_out(local.date(), LANGUAGE)
    return knowledge.phrases[LANGUAGE]["forward.whole"].format(day=day, time=f"{local:%H.%M}")


def came_back(
    key: str, name: str, case_number: str, subject: str, answer: str, knowledge: Knowledge, *more: str
) -> Reply:
    """To the coordinators: an administration has answered, or returned the question; what follows from it."""
    say = knowledge.phrases[LANGUAGE]
    blocks = [say[f"notify.{key}"].format(name=name, case=case_number), *([quote(answer)] if answer else []), *more]
    return _reply(
        say[f"notify.subject.{key}"].format(case=case_number, name=name, subject=subject), "\n\n".join(blocks)
    )


def quote(text: str) -> str:
    """Every line with ``> `` before it."""
    return "\n".join(f"> {line}".rstrip() for line in text.strip().split("\n"))


def _line(line: Line, knowledge: Knowledge) -> str:
    say = knowledge.phrases[LANGUAGE]
    text = " ".join(line.text.split())
    return say["notify.earlier.line"].format(
        day=written_out(line.at.astimezone(SWEDEN).date(), LANGUAGE),
        who=say["notify.us" if line.is_ours else "notify.asker"],
        text=text if len(text) <= EARLIER_LENGTH else f"{text[:EARLIER_LENGTH].rsplit(' ', 1)[0]} …",
    )


def _reply(subject: str, text: str) -> Reply:
    return Reply(mask_personal_numbers(" ".join(subject.split())), mask_personal_numbers(text), None, LANGUAGE)
