"""The audit log: every look at and act on personal data, by whom, when, from where. It can only be added to.

    audit.record(session, "looked-at", actor=name, source="web", now=now, conversation=conversation)

is written in the caller's transaction, so that an act and its line stand or fall together. Triggers of the database
refuse to change or delete a line (GDPR article 5.2 and 32: to be able to show who had access). What is written here
survives every erasure: ids and our own words, never what an asker wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot.store import queries
from lokbot.store.schema import Association, AuditEntry, Contact, Conversation

Source = Literal["web", "mail", "cli", "telegram"]

LOOKED_AT = "looked-at"
"""The act of whoever was shown a conversation, a contact or a file of one."""

PAGE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Lines of the log, newest first. ``older`` is what ``before`` has to be for the next page; None on the last."""

    entries: Sequence[AuditEntry]
    older: int | None


def record(
    session: Session,
    act: str,
    *,
    actor: str,
    source: Source,
    now: datetime,
    conversation: Conversation | None = None,
    contact: Contact | None = None,
    association: Association | None = None,
    article: str | None = None,
    **detail: Any,
) -> None:
    """Write that ``actor`` does ``act`` (a verb, such as ``exported``), in the caller's transaction."""
    session.flush()
    session.add(
        AuditEntry(
            at=now,
            actor=actor,
            act=act,
            source=source,
            conversation_id=conversation.id if conversation else None,
            contact_id=contact.id if contact else None,
            association_id=association.id if association else None,
            article=article,
            detail=detail,
        )
    )


def search(
    session: Session,
    *,
    actor: str | None = None,
    act: str | None = None,
    conversation: Conversation | None = None,
    contact: Contact | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> Page:
    """Lines that fit everything that is given; ``since`` counts, ``until`` does not. Pages hold ``limit`` lines.

    A conversation's contact may be looked at without it: ``contact`` finds those lines.
    """
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit + 1)
    if actor is not None:
        query = query.where(AuditEntry.actor == actor)
    if act is not None:
        query = query.where(AuditEntry.act == act)
    if conversation is not None:
        query = query.where(
            AuditEntry.conversation_id.in_([conversation.id, *(one.id for one in queries.parts(session, conversation))])
        )
    if contact is not None:
        query = query.where(AuditEntry.contact_id == contact.id)
    if since is not None:
        query = query.where(AuditEntry.at >= since)
    if until is not None:
        query = query.where(AuditEntry.at < until)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    found = session.scalars(query).all()
    entries = found[:limit]
    return Page(entries, entries[-1].id if len(found) > limit else None)


def actors(session: Session) -> Sequence[str]:
    """Everybody who is in the log, by name: what a search can be narrowed to."""
    return session.scalars(select(AuditEntry.actor).distinct().order_by(AuditEntry.actor)).all()


def acts(session: Session) -> Sequence[str]:
    """Every act that is in the log."""
    return session.scalars(select(AuditEntry.act).distinct().order_by(AuditEntry.act)).all()
