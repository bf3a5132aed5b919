"""Which contact belongs to which association: linked and unlinked by a person, with who and when; what came before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from lokbot import audit
from lokbot.audit import Source
from lokbot.conversation.escalation import NotPossible
from lokbot.store import queries
from lokbot.store.schema import Association, AssociationLink, Contact, Conversation


@dataclass(frozen=True, slots=True)
class Earlier:
    """Other conversations, the newest first: of the same contact, and of others in the contact's association."""

    of_contact: Sequence[Conversation]
    of_association: Sequence[Conversation]


def standing(session: Session, contact: Contact) -> AssociationLink | None:
    """The link that holds, with who made it; None where the contact belongs to no association."""
    return session.scalar(
        select(AssociationLink)
        .where(AssociationLink.contact_id == contact.id, AssociationLink.unlinked_at.is_(None))
        .order_by(AssociationLink.id.desc())
        .limit(1)
    )


def link(
    session: Session,
    conversation: Conversation,
    association: Association,
    *,
    actor: str,
    source: Source,
    now: datetime,
) -> AssociationLink:
    """Say that whoever has this conversation belongs to ``association``: it holds for all of the contact's.

    Raises NotPossible where the contact belongs to another already, or the conversation has been erased.
    """
    contact = _held(session, conversation)
    held = standing(session, contact)
    if held is not None and held.association_id == association.id:
        return held
    if held is not None:
        other = session.get_one(Association, held.association_id)
        raise NotPossible(
            "Kontakten hör redan till {name} (enligt {who}). Ta bort kopplingen först.",
            name=other.name,
            who=held.linked_by,
        )
    made = AssociationLink(contact_id=contact.id, association_id=association.id, linked_by=actor, linked_at=now)
    session.add(made)
    contact.association_id = association.id
    _tell(session, "linked-association", conversation, association, actor=actor, source=source, now=now)
    return made


def unlink(session: Session, conversation: Conversation, *, actor: str, source: Source, now: datetime) -> None:
    """Take the contact's link away. Raises NotPossible where there is none."""
    contact = _held(session, conversation)
    held = standing(session, contact)
    if held is None:
        raise NotPossible("Kontakten i {case} hör inte till någon förening.", case=conversation.case_number)
    held.unlinked_by, held.unlinked_at, contact.association_id = actor, now, None
    association = session.get_one(Association, held.association_id)
    _tell(session, "unlinked-association", conversation, association, actor=actor, source=source, now=now)


def _held(session: Session, conversation: Conversation) -> Contact:
    """The contact, which nobody else links until the transaction ends."""
    queries.hold(session, conversation)
    if conversation.erased_at is not None:
        raise NotPossible("{case} är raderat: det finns ingen kontakt att koppla.", case=conversation.case_number)
    return session.get_one(Contact, conversation.contact_id, with_for_update=True)


def _tell(
    session: Session,
    act: str,
    conversation: Conversation,
    association: Association,
    *,
    actor: str,
    source: Source,
    now: datetime,
) -> None:
    queries.record(session, act, actor=actor, now=now, conversation=conversation, association=association.id)
    audit.record(session, act, actor=actor, source=source, now=now, conversation=conversation, association=association)


def earlier(session: Session, conversation: Conversation, *, limit: int = 20) -> Earlier:
    """What the same contact, and the same association, have written about before; ``limit`` of each."""
    contact = conversation.contact
    query = (
        select(Conversation)
        .options(selectinload(Conversation.contact))
        .where(Conversation.id != conversation.id, Conversation.erased_at.is_(None))
        .order_by(Conversation.id.desc())
        .limit(limit)
    )
    of_contact = session.scalars(query.where(Conversation.contact_id == contact.id)).all()
    of_association: Sequence[Conversation] = ()
    if contact.association_id is not None:
        colleagues = select(Contact.id).where(
            Contact.association_id == contact.association_id, Contact.id != contact.id
        )
        of_association = session.scalars(query.where(Conversation.contact_id.in_(colleagues))).all()
    return Earlier(of_contact, of_association)
