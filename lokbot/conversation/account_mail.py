"""The mails of the desk itself: invitations, links for a password or to the statistics, new browsers, faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import staff_mail
from lokbot.conversation.working_days import SWEDEN, written_out
from lokbot.model import Knowledge
from lokbot.store.schema import StaffMail, User


def send_invitation(
    session: Session, user: User, link: str, *, inviter: str, settings: Settings, knowledge: Knowledge, now: datetime
) -> StaffMail:
    """Tell somebody that they have an account, and how to open it."""
    say = knowledge.phrases[user.language]
    text = say["account.invite" if settings.login.password else "account.invite.city"].format(
        name=user.name, link=link, inviter=inviter
    )
    subject = say["account.subject.invite"]
    return staff_mail.enqueue(session, user.email, subject, text, settings=settings, now=now)


def send_reading_link(
    session: Session, user: User, link: str, *, inviter: str, settings: Settings, knowledge: Knowledge, now: datetime
) -> StaffMail:
    """A personal link to the statistics."""
    say = knowledge.phrases[user.language]
    text = say["account.reading"].format(name=user.name, link=link, inviter=inviter)
    subject = say["account.subject.reading"]
    return staff_mail.enqueue(session, user.email, subject, text, settings=settings, now=now)


def send_fault_report(
    session: Session, text: str, answer_to: str, *, settings: Settings, knowledge: Knowledge, now: datetime
) -> Sequence[StaffMail]:
    """What somebody wrote on the accessibility page, to the address that the page names, else to every coordinator."""
    say = knowledge.phrases["sv"]
    whole = say["accessibility.report"].format(text=text, answer_to=answer_to or "-")
    contact = settings.public.accessibility_contact
    return [
        staff_mail.enqueue(session, to, say["accessibility.subject.report"], whole, settings=settings, now=now)
        for to in ([contact] if contact else settings.coordinators)
    ]


def send_reset(
    session: Session, user: User, link: str, *, settings: Settings, knowledge: Knowledge, now: datetime
) -> StaffMail:
    """The link for a forgotten password."""
    say = knowledge.phrases[user.language]
    text = say["account.reset"].format(name=user.name, link=link)
    subject = say["account.subject.reset"]
    return staff_mail.enqueue(session, user.email, subject, text, settings=settings, now=now)


def send_new_device(
    session: Session,
    user: User,
    link: str,
    *,
    browser: str,
    settings: Settings,
    knowledge: Knowledge,
    now: datetime,
) -> StaffMail:
    """Tell somebody that their account was opened from a browser that is new to it. Says no more of it than its kind:
    an address would follow people around, and tells them nothing.
    """
    say, local = knowledge.phrases[user.language], now.astimezone(SWEDEN)
    moment = f"{written_out(local.date(), user.language)} {local:%H:%M}"
    text = say["account.device"].format(name=user.name, link=link, browser=browser, moment=moment)
    return staff_mail.enqueue(session, user.email, say["account.subject.device"], text, settings=settings, now=now)


def send_telegram_linked(
    session: Session,
    user: User,
    link: str,
    *,
    who: str,
    settings: Settings,
    phrases: Mapping[str, Mapping[str, str]],
    now: datetime,
) -> StaffMail:
    """Tell somebody that a user of Telegram now answers in their name."""
    say = phrases[user.language]
    text = say["account.telegram"].format(name=user.name, link=link, who=who)
    return staff_mail.enqueue(session, user.email, say["account.subject.telegram"], text, settings=settings, now=now)
