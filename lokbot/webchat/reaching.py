"""How an answer finds somebody who has left the web chat: by mail, by telephone, by a return code, or not at all.

Nobody has to say. The question is with a person before it is asked, and the answer is in the chat whatever is said.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import outbox, parties
from lokbot.conversation.working_days import SWEDEN, written_out
from lokbot.model import Address, ChannelName, Knowledge, NotPossible, OutboxKind, Reply
from lokbot.store import queries
from lokbot.store.schema import Conversation
from lokbot.webchat import showing


def leave(session: Session, conversation: Conversation, to: str, *, now: datetime) -> None:
    """Keep the mail address or telephone number ``to``, or (empty) that none is wanted. Raises NotPossible for what is
    neither.
    """
    queries.hold(session, conversation)
    if to.strip():
        conversation.reach_by = parties.mail_address(to) if "@" in to else parties.telephone(to)
        by = "mail" if "@" in to else "phone"
    else:
        conversation.reach_by, by = "", "nothing"
    queries.record(session, "reachable", actor=str(ChannelName.WEBCHAT), now=now, conversation=conversation, by=by)


def copy_by_mail(
    session: Session,
    conversation: Conversation,
    address: str,
    to: str,
    *,
    language: str,
    settings: Settings,
    knowledge: Knowledge,
    now: datetime,
) -> None:
    """Mail what the browser shows of the chat to ``to``, through the outbox. Raises NotPossible for no mail address."""
    mail = parties.mail_address(to)
    say = knowledge.phrases[language]
    lines = showing.view(session, address).lines
    if not lines:
        raise NotPossible("Det finns inget att skicka ännu.")
    who = {"asker": say["copy.asker"], "bot": say["copy.bot"], "person": say["copy.person"]}
    parts = [
        f"{who[line.who]}, {written_out(line.at.astimezone(SWEDEN).date(), language)} "
        f"{line.at.astimezone(SWEDEN):%H.%M}:\n{line.text}"
        for line in lines
    ]
    text = "\n\n".join(
        (say["copy.opening"], *parts, say["copy.not-you"], say["case"].format(case=conversation.case_number))
    )
    outbox.enqueue(
        session,
        conversation,
        Reply(say["copy.subject"], text, None, language),
        kind=OutboxKind.INFORMATION,
        channel=ChannelName.MAIL,
        to=(Address("", mail),),
        settings=settings,
        now=now,
    )
    queries.record(session, "copied", actor=str(ChannelName.WEBCHAT), now=now, conversation=conversation)
