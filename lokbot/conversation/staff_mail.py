"""Mail to those who work here and that belongs to no case: written down first, then sent, and tried again."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Protocol

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from lokbot.config import Settings
from lokbot.conversation import tokens
from lokbot.model import Address, Attachment, ChannelError, ChannelName, OutboxStatus, OutgoingMessage
from lokbot.store import queries
from lokbot.store.schema import StaffMail
from lokbot.store.session import Sessions

log = logging.getLogger(__name__)


_PAGE = "multipart/related"


@dataclass(frozen=True, slots=True)
class Page:
    """The text of a mail with pictures: ``html`` shows ``images`` by ``cid:`` and their name, ``this@that``."""

    html: str
    images: tuple[Attachment, ...] = ()


class Sender(Protocol):
    """The door for mail."""

    def send(self, message: OutgoingMessage) -> bytes | None: ...


def enqueue(
    session: Session,
    to: str,
    subject: str,
    text: str,
    *,
    settings: Settings,
    now: datetime,
    page: Page | None = None,
) -> StaffMail:
    """Put a mail in line, in the caller's transaction. Its text and page are kept until it was sent or given up."""
    key = queries.signing_key(session, now=now)
    # Signed as ours (for case 0, which is none), so that a machine's answer to it is known for what it is.
    external_id = tokens.message_id(key, 0, settings.smtp.from_address.rpartition("@")[2])
    mail = StaffMail(
        external_id=external_id,
        to=to,
        subject=" ".join(subject.split()),
        text=text,
        attachment_name=None,
        attachment_type=_PAGE if page else None,
        attachment=_packed(page) if page else None,
        status=OutboxStatus.QUEUED,
        attempts=0,
        created_at=now,
        not_before=now,
    )
    session.add(mail)
    session.flush()
    return mail


def deliver_next(sessions: Sessions, door: Sender, settings: Settings, *, now: datetime) -> bool:
    """Send the next one that is due; False where there is none. Claimed and committed before the door is asked."""
    with sessions.begin() as session:
        mail = _claim(session, lease=timedelta(seconds=settings.outbox.lease_seconds), now=now)
        if mail is None:
            return False
    error = None
    try:
        door.send(_outgoing(mail))
    except ChannelError as refused:
        error = refused
    except Exception as fault:  # noqa: BLE001 - a fault of ours is shown, and the next thing is still sent
        error = ChannelError(f"{type(fault).__name__} in lokbot itself.", permanent=True)
    with sessions.begin() as session:
        _settle(session.get_one(StaffMail, mail.id), error, settings, now=now)
    return True


def _claim(session: Session, *, lease: timedelta, now: datetime) -> StaffMail | None:
    is_open = or_(StaffMail.status == OutboxStatus.QUEUED, StaffMail.status == OutboxStatus.CLAIMED)
    candidate = (
        select(StaffMail.id)
        .where(is_open, StaffMail.not_before <= now)
        .order_by(StaffMail.not_before, StaffMail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    # Until the lease has run out nobody else finds it due; after a crash it is sent again with the same Message-ID.
    claimed = session.scalar(
        update(StaffMail)
        .where(StaffMail.id == candidate)
        .values(status=OutboxStatus.CLAIMED, not_before=now + lease, attempts=StaffMail.attempts + 1)
        .returning(StaffMail.id)
    )
    return session.get(StaffMail, claimed, populate_existing=True) if claimed is not None else None


def _outgoing(mail: StaffMail) -> OutgoingMessage:
    page = _page(mail)
    return OutgoingMessage(
        channel=ChannelName.MAIL,
        external_id=mail.external_id,
        to=(Address("", mail.to),),
        cc=(),
        subject=mail.subject,
        text=mail.text,
        html=page.html if page else None,
        reply_to=None,
        in_reply_to=None,
        references=(),
        is_automatic=True,
        attachments=_attachments(mail),
        images=page.images if page else (),
    )


def _packed(page: Page) -> bytes:
    """A page with its pictures as one file (RFC 2557)."""
    packed = EmailMessage(policy=policy.SMTP)
    packed.set_content(page.html, subtype="html")
    packed.make_related()
    for image in page.images:
        kind, _, sort = image.content_type.partition("/")
        packed.add_related(image.content, kind, sort, cid=f"<{image.name}>")
    return packed.as_bytes()


def _page(mail: StaffMail) -> Page | None:
    if mail.attachment is None or mail.attachment_type != _PAGE:
        return None
    html, *images = message_from_bytes(mail.attachment, policy=policy.SMTP).iter_parts()
    return Page(
        html.get_content(),
        tuple(attached(one["content-id"].strip("<>"), one.get_content_type(), one.get_content()) for one in images),
    )


def _attachments(mail: StaffMail) -> tuple[Attachment, ...]:
    """The file that a version before this one put in line with it."""
    if mail.attachment is None or mail.attachment_type == _PAGE:
        return ()
    return (attached(mail.attachment_name or "", mail.attachment_type or "", mail.attachment),)


def attached(name: str, content_type: str, content: bytes) -> Attachment:
    """A file of ours that goes along with a mail."""
    return Attachment(name, content_type, len(content), hashlib.sha256(content).hexdigest(), content)


def _settle(mail: StaffMail, error: ChannelError | None, settings: Settings, *, now: datetime) -> None:
    if error is None:
        mail.status, mail.sent_at, mail.last_error = OutboxStatus.SENT, now, None
        mail.text, mail.attachment = "", None
        return
    mail.last_error = str(error)
    give_up = mail.created_at + timedelta(hours=settings.outbox.give_up_hours)
    if error.permanent or now >= give_up:
        log.warning("staff mail %s could not be sent (permanent: %s)", mail.id, error.permanent)
        mail.status = OutboxStatus.FAILED
        mail.text, mail.attachment = "", None
        return
    waits = settings.outbox.retry_seconds
    mail.status = OutboxStatus.QUEUED
    mail.not_before = now + timedelta(seconds=waits[min(mail.attempts, len(waits)) - 1])
