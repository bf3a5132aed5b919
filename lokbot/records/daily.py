"""The registrator's daily list: what has come since a day, and what is still open. One query feeds every form."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from lokbot.conversation.decision import WITH_A_PERSON
from lokbot.describing import CLASSES, STATUSES, moment
from lokbot.model import ConversationStatus, RecordClass
from lokbot.store.schema import Association, Contact, Conversation, Event, Message, MessageAttachment

HEADINGS = (
    "Ärende",
    "Inkom",
    "Nytt",
    "Status",
    "Klass",
    "Diarienummer",
    "Från",
    "Adress",
    "Förening",
    "Ämne",
    "Bilagor",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation. ``is_new``: it began, or something came in it, since the day asked for.

    ``attachments`` are the names that the senders gave. Everything that came from outside is as it came.
    """

    conversation_id: int
    case_number: str
    came_at: datetime
    is_new: bool
    status: ConversationStatus
    record_class: RecordClass
    diary_number: str | None
    sender_name: str
    sender_address: str
    association: str | None
    subject: str
    attachments: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        return self.status in WITH_A_PERSON


def daily(session: Session, *, since: datetime) -> list[Row]:
    """Conversations that are new since then, that somebody still works on, or that are to be registered and have no
    number yet. The oldest comes first. Erased ones are left out: what is to be known of them stands in their event.
    """
    # What came is looked up among the events: they are small, while a message's row drags its raw original along.
    came = (
        select(func.coalesce(Conversation.merged_into_id, Conversation.id))
        .join(Event, Event.conversation_id == Conversation.id)
        .where(Event.verb == "received", Event.at >= since)
    ).correlate(None)
    is_new = or_(Conversation.created_at >= since, Conversation.id.in_(came))
    is_listed = and_(
        Conversation.erased_at.is_(None),
        Conversation.merged_into_id.is_(None),
        or_(
            is_new,
            Conversation.status.in_(WITH_A_PERSON),
            and_(Conversation.record_class == RecordClass.REGISTER, Conversation.diary_number.is_(None)),
        ),
    )
    names = _attachments(session, select(Conversation.id).where(is_listed))
    found = session.execute(
        select(Conversation, is_new, Contact, Association.name)
        .join(Contact, Contact.id == Conversation.contact_id)
        .outerjoin(Association, Association.id == Contact.association_id)
        .where(is_listed)
        .order_by(Conversation.created_at, Conversation.id)
    )
    return [
        Row(
            conversation_id=conversation.id,
            case_number=conversation.case_number,
            came_at=conversation.created_at,
            is_new=bool(new),
            status=conversation.status,
            record_class=conversation.record_class,
            diary_number=conversation.diary_number,
            sender_name=contact.name,
            sender_address=contact.address,
            association=association,
            subject=conversation.subject,
            attachments=tuple(names[conversation.id]),
        )
        for conversation, new, contact, association in found
    ]


def _attachments(session: Session, conversations: Select[int]) -> defaultdict[int, list[str]]:
    names: defaultdict[int, list[str]] = defaultdict(list)
    for conversation_id, name in session.execute(
        select(Message.conversation_id, MessageAttachment.name)
        .join(MessageAttachment, MessageAttachment.message_id == Message.id)
        .where(Message.conversation_id.in_(conversations))
        .order_by(MessageAttachment.id)
    ):
        names[conversation_id].append(name)
    return names


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.case_number,
        moment(row.came_at),
        "ja" if row.is_new else "",
        STATUSES[row.status],
        CLASSES[row.record_class],
        row.diary_number or "",
        row.sender_name,
        row.sender_address,
        row.association or "",
        row.subject,
        ", ".join(row.attachments),
    )


def as_text(rows: Sequence[Row]) -> str:
    """A line or two for each conversation, for a terminal or a mail."""
    lines = []
    for row in rows:
        number = f" {row.diary_number}" if row.diary_number else ""
        lines.append(
            f"{row.case_number}  {moment(row.came_at)}  {'NYTT ' if row.is_new else ''}{STATUSES[row.status]}, "
            f"{CLASSES[row.record_class]}{number}  {_line(row.sender_address)}"
            f"{f' ({_line(row.association)})' if row.association else ''}: {_line(row.subject) or '(inget ämne)'}"
        )
        if row.attachments:
            lines.append(f"    {len(row.attachments)} bilagor: {', '.join(map(_line, row.attachments))}")
    return "\n".join(lines) or "Inget nytt och inget öppet."


def as_csv(rows: Sequence[Row]) -> str:
    """A table for a spreadsheet: semicolons, CRLF and a byte order mark, as Excel with Swedish settings opens it.

    Every cell that a spreadsheet would take for a formula begins with an apostrophe (CWE-1236).
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for row in rows:
        writer.writerow([_harmless(_line(cell)) for cell in _cells(row)])
    return "\ufeff" + text.getvalue()


def _harmless(cell: str) -> str:
    """White space and full-width signs do not hide a formula from Excel in every language."""
    return f"'{cell}" if cell.lstrip()[:1] in tuple("=+-@|%＝＋－＠") else cell


def _line(text: str) -> str:
    """On one line, without control characters: a name may not write a row or a terminal's colours of its own."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
