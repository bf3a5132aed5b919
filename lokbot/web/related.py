"""Which cases have to do with another, for its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from lokbot.conversation import linking
from lokbot.store import queries
from lokbot.store.schema import Conversation
from lokbot.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Related:
    """A case that has to do with another. ``is_said``: a person said so, and may take it back."""

    case: Conversation
    is_said: bool


def related(visit: Visit, conversation: Conversation) -> Sequence[Related]:
    """What people have linked, and what a mail suggested by what it quoted; in both cases."""
    said = linking.linked(visit.session, conversation)
    near = Conversation.related_to_id == conversation.id
    guessed = [
        *visit.session.scalars(select(Conversation).where(near).order_by(Conversation.id)),
        *([visit.session.get_one(Conversation, conversation.related_to_id)] if conversation.related_to_id else []),
    ]
    known = {one.id for one in said} | {conversation.id}
    wholes = {one.id: one for one in (queries.whole(visit.session, each) for each in guessed) if one.id not in known}
    return [*(Related(one, is_said=True) for one in said), *(Related(one, is_said=False) for one in wholes.values())]
