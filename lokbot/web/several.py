"""The same act in several cases at once: done, or given to somebody. It sends nothing to anybody who has asked."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, select
from starlette.responses import Response

from lokbot import accounts
from lokbot.conversation import escalation
from lokbot.conversation.escalation import NotPossible
from lokbot.model import ConversationStatus, MessageState, OutboxKind, OutboxStatus, Role, UserError
from lokbot.store import inbox, queries
from lokbot.store.schema import Conversation, Message, OutboxItem, User
from lokbot.web.cases import names
from lokbot.web.visit import Visit

RESOLVE, ASSIGN = "klar", "tilldela"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of the chosen cases; ``why`` it was refused, empty where it was done."""

    number: str
    subject: str
    why: str


def act(visit: Visit) -> Response:
    """Do it in each chosen case, one by one, and say of each what came of it. One that is refused stops no other."""
    numbers = sorted(dict.fromkeys(visit.form.all("case")))[: inbox.PAGE]
    wanted, to = visit.form["act"], None
    error = ""
    if not numbers:
        error = visit.say("Välj minst ett ärende i listan.")
    elif wanted == ASSIGN:
        to = accounts.find(visit.session, visit.form["to"])
        if to is None or not to.is_active or Role.COORDINATOR not in to.roles:
            error = visit.say("Välj en samordnare.")
    elif wanted != RESOLVE:
        error = visit.say("Välj vad som ska göras.")
    outcomes = [] if error else [_one(visit, number, to) for number in numbers]
    return visit.page(
        "several.html",
        status=409 if error else 200,
        error=error,
        changed=[one for one in outcomes if not one.why],
        refused=[one for one in outcomes if one.why],
        to=to,
        folder=visit.form["mapp"] if visit.form["mapp"] in set(inbox.Folder) else "",
    )


def _one(visit: Visit, number: str, to: User | None) -> Outcome:
    conversation = queries.conversation_for(visit.session, number)
    if conversation is None:
        return Outcome(number[:40], "", visit.say("Det finns inget sådant ärende."))
    subject = conversation.subject
    try:
        with visit.session.begin_nested():
            queries.hold(visit.session, conversation)
            if conversation.updated_at.isoformat() != visit.form[f"seen-{number}"]:
                raise NotPossible("Något har hänt i ärendet sedan listan visades.")
            if to is None:
                _must_be_done(visit, conversation)
                escalation.resolve(visit.session, conversation, actor=visit.actor, now=visit.now)
            else:
                _must_be_to_give(conversation, to)
                escalation.assign(visit.session, conversation, to.email, actor=visit.actor, now=visit.now)
    except UserError as error:
        return Outcome(number, subject, visit.told(error))
    return Outcome(number, subject, "")


def _must_be_done(visit: Visit, conversation: Conversation) -> None:
    """What somebody should look at by itself is not marked as done among others."""
    if conversation.status is ConversationStatus.RESOLVED:
        raise NotPossible("Ärendet är redan klart.")
    if conversation.is_urgent:
        raise NotPossible("Ärendet är brådskande. Öppna det och markera det som klart för sig.")
    if conversation.taken_by not in (None, visit.actor):
        who = names(visit).get(conversation.taken_by or "", conversation.taken_by)
        raise NotPossible("{who} har ärendet.", who=who)
    of_it = Message.conversation_id == conversation.id
    if visit.session.scalar(select(exists().where(of_it, Message.state == MessageState.STORED))):
        raise NotPossible("Ett meddelande i ärendet läses just nu.")
    is_leaving = exists().where(
        OutboxItem.conversation_id == conversation.id,
        OutboxItem.status.in_((OutboxStatus.QUEUED, OutboxStatus.CLAIMED)),
        OutboxItem.is_automatic.is_(False),
        OutboxItem.kind != OutboxKind.NOTIFICATION,
    )
    if visit.session.scalar(select(is_leaving)):
        raise NotPossible("Ett svar väntar på att skickas. Ärendet blir klart när det har gått.")
    failed = exists().where(OutboxItem.conversation_id == conversation.id, OutboxItem.status == OutboxStatus.FAILED)
    unread = exists().where(of_it, Message.state == MessageState.FAILED)
    if visit.session.scalar(select(failed | unread)):
        raise NotPossible("Något har misslyckats i ärendet. Öppna det.")


def _must_be_to_give(conversation: Conversation, to: User) -> None:
    if conversation.status is ConversationStatus.RESOLVED:
        raise NotPossible("Ärendet är redan klart.")
    if conversation.status is ConversationStatus.TAKEN and conversation.taken_by == to.email:
        raise NotPossible("{who} har redan ärendet.", who=to.name)
