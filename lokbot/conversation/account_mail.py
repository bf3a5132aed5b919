"""The mails about an account: an invitation, a link for a forgotten password."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import staff_mail
from lokbot.model import Knowledge
from lokbot.store.schema import StaffMail, User


def send_invitation(
    session: Session, user: User, link: str, *, inviter: str, settings: Settings, knowledge: Knowledge, now: datetime
) -> StaffMail:
    """Tell somebody that they have an account, and how to open it."""
    say = knowledge.phrases[user.language]
    text = say["account.invite"].format(name=user.name, link=link, inviter=inviter)
    subject = say["account.subject.invite"]
    return staff_mail.enqueue(session, user.email, subject, text, settings=settings, now=now)


def send_reset(
    session: Session, user: User, link: str, *, settings: Settings, knowledge: Knowledge, now: datetime
) -> StaffMail:
    """The link for a forgotten password."""
    say = knowledge.phrases[user.language]
    text = say["account.reset"].format(name=user.name, link=link)
    subject = say["account.subject.reset"]
    return staff_mail.enqueue(session, user.email, subject, text, settings=settings, now=now)
