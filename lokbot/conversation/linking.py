"""Cases that have to do with each other: each shows the other, and each goes its own way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from lokbot.model import NotPossible
from lokbot.store import queries
from lokbot.store.schema import CaseLink, Conversation


def link(
    session: Session, first: Conversation, other: Conversation, *, actor: str, now: datetime, is_told: bool = True
) -> None:
    """Say that two cases have to do with each other; both show it. Once is enough."""
    if first.id == other.id:
        raise NotPossible("Ett ärende kan inte länkas till sig självt.")
    for one in (first, other):
        if one.erased_at is not None:
            raise NotPossible("{case} är raderat och kan inte länkas.", case=one.case_number)
    ids = tuple(sorted((first.id, other.id)))
    if session.get(CaseLink, ids) is not None:
        return
    session.add(CaseLink(first_id=ids[0], second_id=ids[1], linked_by=actor, linked_at=now))
    for one, to in ((first, other), (other, first)) if is_told else ():
        queries.record(session, "linked-case", actor=actor, now=now, conversation=one, case=to.case_number)


def unlink(session: Session, first: Conversation, other: Conversation, *, actor: str, now: datetime) -> None:
    """Take it back, wherever it was said: of a case, or of what has become part of it."""
    ids = [[one.id, *(each.id for each in queries.parts(session, one))] for one in (first, other)]
    between = or_(
        *(and_(CaseLink.first_id.in_(these), CaseLink.second_id.in_(those)) for these, those in (ids, ids[::-1]))
    )
    links = session.scalars(select(CaseLink).where(between)).all()
    if not links:
        raise NotPossible("{case} är inte länkat till {other}.", case=first.case_number, other=other.case_number)
    for each in links:
        session.delete(each)
    for one, to in ((first, other), (other, first)):
        queries.record(session, "unlinked-case", actor=actor, now=now, conversation=one, case=to.case_number)


def linked(session: Session, conversation: Conversation) -> Sequence[Conversation]:
    """The cases that people have linked to this one, oldest first, each as the case that it is a part of."""
    ids = [conversation.id, *(one.id for one in queries.parts(session, conversation))]
    pairs = session.execute(
        select(CaseLink.first_id, CaseLink.second_id).where(
            or_(CaseLink.first_id.in_(ids), CaseLink.second_id.in_(ids))
        )
    ).all()
    numbers = {one for pair in pairs for one in pair} - set(ids)
    found = session.scalars(select(Conversation).where(Conversation.id.in_(numbers))).all()
    wholes = {one.id: one for one in (queries.whole(session, each) for each in found)}
    wholes.pop(conversation.id, None)
    return [wholes[number] for number in sorted(wholes)]
