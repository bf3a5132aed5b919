"""Two cases side by side before they become one, and a case's messages to choose from before it becomes two.

Nothing happens on these pages: what is chosen here is done by ``acts``.
"""

from __future__ import annotations

from starlette.responses import Response

from lokbot.conversation import merging, parties
from lokbot.conversation.escalation import NotPossible
from lokbot.model import UserError
from lokbot.store import queries
from lokbot.store.schema import Association, Conversation
from lokbot.web import thread
from lokbot.web.cases import CHANNELS, STATUSES, names
from lokbot.web.visit import Visit


def named(visit: Visit, number: str) -> Conversation:
    """The case that somebody means by a number. Raises NotPossible where there is none."""
    found = queries.conversation_for(visit.session, number) if number.strip() else None
    if found is None:
        raise NotPossible("Det finns inget ärende med numret ”{number}”.", number=number.strip()[:40])
    return found


def merge_page(visit: Visit) -> Response:
    """Both cases, what would move, and how the one would stand."""
    whole = thread.find(visit)
    try:
        part = named(visit, visit.query("med"))
    except UserError as error:
        return thread.show(visit, whole, error=visit.told(error))
    return compare(visit, whole, part)


def compare(visit: Visit, whole: Conversation, part: Conversation, *, error: str = "", status: int = 200) -> Response:
    foreseen = merging.foresee(visit.session, whole, part, now=visit.now)
    for one in (whole, part):
        thread.looked(visit, one)
    return visit.page(
        "merge.html",
        status=status,
        case=whole,
        part=part,
        foreseen=foreseen,
        error=visit.told(foreseen.obstacle) if foreseen.obstacle else error,
        associations={
            one.id: visit.session.get_one(Association, one.contact.association_id).name
            for one in (whole, part)
            if one.contact.association_id is not None
        },
        seen=thread.seen(visit, whole),
        seen_part=thread.seen(visit, part),
        latest={one.id: parties.latest_from_asker(one) for one in (whole, part)},
        statuses=STATUSES,
        channels=CHANNELS,
        people=names(visit),
        shown=parties.shown,
    )


def split_page(visit: Visit) -> Response:
    """The messages of a case, to tick those that get a case of their own."""
    conversation = thread.find(visit)
    thread.looked(visit, conversation)
    return visit.page("split.html", case=conversation, seen=thread.seen(visit, conversation))
