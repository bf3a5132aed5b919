"""A conversation as files: the exact bytes in and out, attachments, all that is known of it as JSON, a page to read.

LOK-2026-00123/
  arende.html         to read and print; nothing in it comes from elsewhere
  arende.json         the same and more, for machines
  in/, ut/            every message as it came and went (.eml), numbered by time
  bilagor/            attachments, by the names that their senders gave; "ut ..." went along with mails of ours
  manifest.sha256     `sha256sum -c manifest.sha256` tells whether a file has been changed
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot import audit
from lokbot.audit import Source
from lokbot.conversation import escalation, linking
from lokbot.conversation.escalation import NotPossible
from lokbot.conversation.working_days import SWEDEN
from lokbot.describing import CLASSES
from lokbot.model import ChannelName, Knowledge
from lokbot.records import names
from lokbot.records.page import page
from lokbot.store import queries
from lokbot.store.schema import (
    Association,
    AttachmentContent,
    Conversation,
    DecisionRecord,
    Event,
    Message,
    MessageAttachment,
    OutboxAttachment,
    OutboxItem,
    QuestionRecord,
)

FORMAT = 2
"""Version of ``arende.json``; raised when a field changes its meaning or goes away."""


def file_name(conversation: Conversation) -> str:
    """What an export of this conversation is called."""
    return f"{conversation.case_number}.zip"


def export(
    session: Session,
    conversation: Conversation,
    to: IO[bytes],
    *,
    knowledge: Knowledge,
    actor: str,
    source: Source,
    now: datetime,
) -> None:
    """Write a ZIP file of all that is kept of a conversation into ``to`` (any binary file, it need not seek).

    ``knowledge`` gives the words for why something was decided. Raises NotPossible where it has been erased.
    """
    if conversation.erased_at is not None:
        raise NotPossible("{case} är raderat: det finns inget att ta ut.", case=conversation.case_number)
    queries.record(session, "exported", actor=actor, now=now, conversation=conversation)
    audit.record(session, "exported", actor=actor, source=source, now=now, conversation=conversation)
    session.flush()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        folder = _Folder(archive, conversation.case_number, now)
        messages = _messages_in(session, conversation, folder)
        items = _items_out(session, conversation, folder)
        document = _document(session, conversation, messages, items, knowledge, actor=actor, now=now)
        folder.put("arende.json", json.dumps(document, ensure_ascii=False, indent=2).encode("utf-8"))
        folder.put("arende.html", page(document).encode("utf-8"))
        folder.put_manifest()


@dataclass(slots=True)
class _Folder:
    """Where the files go, one at a time; remembers what each file's bytes are known by."""

    archive: zipfile.ZipFile
    name: str
    now: datetime
    taken: set[str] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)

    def put(self, path: str, content: bytes) -> str:
        """Write a file, under another name where that one is taken; gives the path within the folder."""
        path = names.apart(path, self.taken)
        info = zipfile.ZipInfo(f"{self.name}/{path}", self.now.astimezone(SWEDEN).timetuple()[:6])
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o640 << 16
        self.archive.writestr(info, content)
        self.digests[path] = hashlib.sha256(content).hexdigest()
        return path

    def put_manifest(self) -> None:
        lines = (f"{digest}  {path}\n" for path, digest in sorted(self.digests.items()))
        self.put("manifest.sha256", "".join(lines).encode("utf-8"))

    def digest(self, path: str) -> dict[str, str]:
        return {"path": path, "sha256": self.digests[path]}


def _number(place: int, at: datetime) -> str:
    return f"{place:04d} {at.astimezone(SWEDEN):%Y-%m-%d %H.%M}"


def _messages_in(session: Session, conversation: Conversation, folder: _Folder) -> list[dict[str, Any]]:
    """What came in: the files written, and what the document says of each. One original at a time is in memory."""
    found = []
    for place, message in enumerate(conversation.messages, start=1):
        raw = session.scalar(select(Message.raw).where(Message.id == message.id)) or b""
        number = _number(place, message.received_at)
        ending = "eml" if message.channel is ChannelName.MAIL else "txt"
        original = folder.digest(folder.put(f"in/{number}.{ending}", raw))
        attachments = [_attachment(session, folder, one, f"{place:04d}") for one in message.attachments]
        found.append(_message(message, original, attachments))
    return found


def _attachment(
    session: Session, folder: _Folder, one: MessageAttachment | OutboxAttachment, number: str
) -> dict[str, Any]:
    content = session.scalar(select(AttachmentContent.content).where(AttachmentContent.sha256 == one.sha256)) or b""
    path = folder.put(f"bilagor/{number} {names.safe(one.name)}", content)
    return {"name": one.name, "content_type": one.content_type, "size": one.size, **folder.digest(path)}


def _items_out(session: Session, conversation: Conversation, folder: _Folder) -> list[dict[str, Any]]:
    found = []
    for place, item in enumerate(conversation.outbox, start=1):
        raw = session.scalar(select(OutboxItem.raw).where(OutboxItem.id == item.id))
        original = None
        if raw is not None:
            path = folder.put(f"ut/{_number(place, item.sent_at or item.created_at)}.eml", raw)
            original = folder.digest(path)
        attachments = [_attachment(session, folder, one, f"ut {place:04d}") for one in item.attachments]
        found.append(_item(item, original, attachments))
    return found


# ------------------------------------------------------------------ what the document says


def _document(
    session: Session,
    conversation: Conversation,
    messages: list[dict[str, Any]],
    items: list[dict[str, Any]],
    knowledge: Knowledge,
    *,
    actor: str,
    now: datetime,
) -> dict[str, Any]:
    contact = conversation.contact
    association = session.get(Association, contact.association_id) if contact.association_id else None
    related = session.get(Conversation, conversation.related_to_id) if conversation.related_to_id else None
    return {
        "format": FORMAT,
        "case_number": conversation.case_number,
        "subject": conversation.subject,
        "channel": str(conversation.channel),
        "status": str(conversation.status),
        "record_class": str(conversation.record_class),
        "record_class_name": CLASSES[conversation.record_class],
        "diary_number": conversation.diary_number,
        "topic": conversation.topic,
        "administration": conversation.administration,
        "is_urgent": conversation.is_urgent,
        "taken_by": conversation.taken_by,
        "related_to": related.case_number if related else None,
        "parts": [one.case_number for one in queries.parts(session, conversation)],
        "linked_to": [one.case_number for one in linking.linked(session, conversation)],
        "language": conversation.language,
        "created_at": _time(conversation.created_at),
        "contact": {"name": contact.name, "address": contact.address},
        "moved_to": conversation.moved_to,
        "reach_by": conversation.reach_by,
        "association": {"name": association.name, "organisation_number": association.organisation_number}
        if association
        else None,
        "messages": messages,
        "notes": [{"by": note.author, "at": _time(note.at), "text": note.text} for note in conversation.notes],
        "outgoing": items,
        "decisions": list(_decisions(conversation, knowledge)),
        "events": [_event(event) for event in queries.events_of(session, conversation)],
        "exported": {"by": actor, "at": _time(now)},
    }


def _message(message: Message, original: Mapping[str, str], attachments: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": message.id,
        "original": original,
        "received_at": _time(message.received_at),
        "claimed_date": _time(message.claimed_date),
        "from": {"name": message.sender_name, "email": message.sender_email},
        "reply_to": message.reply_to,
        "to": message.to,
        "cc": message.cc,
        "message_id": message.message_id,
        "in_reply_to": message.in_reply_to,
        "references": message.references,
        "subject": message.subject,
        "text": message.text,
        "new_text": message.new_text,
        "language": message.language,
        "authentication": message.authentication,
        "automatic": {"kind": message.automatic_kind, "reason": message.automatic_reason}
        if message.automatic_kind
        else None,
        "bounce": message.bounce,
        "warnings": message.warnings,
        "state": str(message.state),
        "failure": message.failure,
        "is_internal": escalation.is_from_inside(message),
        "attachments": attachments,
    }


def _item(item: OutboxItem, original: Mapping[str, str] | None, attachments: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": item.id,
        "original": original,
        "answers_message": item.message_id,
        "kind": str(item.kind),
        "status": str(item.status),
        "to": item.to,
        "cc": item.cc,
        "message_id": item.external_id,
        "in_reply_to": item.in_reply_to,
        "references": item.references,
        "subject": item.subject,
        "text": item.text,
        "language": item.language,
        "is_automatic": item.is_automatic,
        "created_by": item.created_by,
        "created_at": _time(item.created_at),
        "sent_at": _time(item.sent_at),
        "bounced_at": _time(item.bounced_at),
        "last_error": item.last_error,
        "attachments": attachments,
    }


def _decisions(conversation: Conversation, knowledge: Knowledge) -> Iterator[dict[str, Any]]:
    for message in conversation.messages:
        for question in message.questions:
            for decision in question.decisions:
                yield _decision(message, question, decision, knowledge)


def _decision(
    message: Message, question: QuestionRecord, decision: DecisionRecord, knowledge: Knowledge
) -> dict[str, Any]:
    say = knowledge.phrases.get("sv", {})
    revision = decision.revision
    return {
        "message": message.id,
        "question": question.text,
        "understanding": question.understanding,
        "decided_at": _time(decision.decided_at),
        "outcome": str(decision.outcome),
        "rule": decision.rule,
        "reason": decision.reason,
        "why": say.get(f"reason.{decision.reason}", "").replace("{kind}", "").strip() or None,
        "rules_without_opinion": decision.missed,
        "evidence": decision.evidence,
        "confidence": decision.confidence,
        "topic": decision.topic,
        "administration": decision.administration,
        "article": decision.article,
        "article_version": {
            "language": revision.language,
            "version": revision.version,
            "approved_by": revision.approved_by,
            "approved_on": _time(revision.approved_on),
            "content": revision.content,
        }
        if revision
        else None,
        "choices": decision.choices,
        "held_because": decision.held_because,
        "told_in": decision.outbox_id,
        "knowledge_digest": decision.knowledge_digest,
        "corrections": [
            {
                "article": one.article,
                "topic": one.topic,
                "administration": one.administration,
                "is_nothing": one.is_nothing,
                "by": one.made_by,
                "at": _time(one.made_at),
            }
            for one in question.corrections
        ],
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "at": _time(event.at),
        "by": event.actor,
        "verb": event.verb,
        "message": event.message_id,
        "outgoing": event.outbox_id,
        "detail": event.detail,
    }


def _time(at: datetime | date | None) -> str | None:
    return at.isoformat() if at is not None else None
