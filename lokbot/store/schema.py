"""The tables. What a row means is said here once; who may write it is said in the module that does.

Incoming messages live in ``messages``, all that we send in ``outbox``; a conversation's history is both, by time.
``events`` and ``audit_log`` are append-only (triggers in the migrations refuse anything else).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from lokbot.model import (
    ChannelName,
    ConversationStatus,
    FactOutcome,
    MessageState,
    OutboxKind,
    OutboxStatus,
    Outcome,
    RecordClass,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC. SQLite keeps no time zone, so it is taken off and put back here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        # PostgreSQL answers in the time zone of its own settings.
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _words(values: type[Any]) -> Enum:
    """An enum stored as its plain word, so that a reader of the database needs no key to it."""
    return Enum(values, native_enum=False, length=32, values_callable=lambda kind: [member.value for member in kind])


def _few(name: str, column: str, where: str) -> tuple[Index]:
    """An index of the few rows that people look for among very many; a query finds it by the words of ``where``."""
    return (Index(name, column, sqlite_where=text(where), postgresql_where=text(where)),)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads it from the class)
        datetime: UtcDateTime(),
        date: Date(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
        bytes: LargeBinary(),
        ChannelName: _words(ChannelName),
        ConversationStatus: _words(ConversationStatus),
        FactOutcome: _words(FactOutcome),
        MessageState: _words(MessageState),
        Outcome: _words(Outcome),
        OutboxKind: _words(OutboxKind),
        OutboxStatus: _words(OutboxStatus),
        RecordClass: _words(RecordClass),
    }


class Association(Base):
    """A förening. ``aliases`` are other names that people use for it; ``domain`` is what its mail addresses end in;
    ``kind`` (idrott, kultur, ...) is what "equal terms" compares.
    """

    __tablename__ = "associations"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(300), unique=True)
    organisation_number: Mapped[str | None] = mapped_column(String(16))
    kind: Mapped[str | None] = mapped_column(String(32))
    # Nullable, as SQLite adds no other column without a default; nobody wrote to the table before these came.
    aliases: Mapped[list[Any]] = mapped_column(default=list, nullable=True)
    domain: Mapped[str | None] = mapped_column(String(255), index=True)
    notes: Mapped[str] = mapped_column(Text, default="", nullable=True)
    created_by: Mapped[str] = mapped_column(String(200), default="", nullable=True)
    created_at: Mapped[datetime]


class AssociationLink(Base):
    """That somebody said that a contact belongs to an association; it holds until ``unlinked_at``.

    The one that holds is also the contact's ``association_id``.
    """

    __tablename__ = "association_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), index=True)
    association_id: Mapped[int] = mapped_column(ForeignKey("associations.id"), index=True)
    linked_by: Mapped[str] = mapped_column(String(200))
    linked_at: Mapped[datetime]
    unlinked_by: Mapped[str | None] = mapped_column(String(200))
    unlinked_at: Mapped[datetime | None]


class Contact(Base):
    """Somebody who writes, at one address in one channel. Of those who chat also: the language they have chosen, and
    when they were told that they write to a machine. After an erasure the address is a made-up word.
    """

    __tablename__ = "contacts"
    __table_args__ = (UniqueConstraint("channel", "address"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[ChannelName]
    address: Mapped[str] = mapped_column(String(320))
    name: Mapped[str] = mapped_column(String(300))
    association_id: Mapped[int | None] = mapped_column(ForeignKey("associations.id"), index=True)
    undeliverable_at: Mapped[datetime | None]
    language: Mapped[str | None] = mapped_column(String(8))
    greeted_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class CaseNumber(Base):
    """The last case number given in a year."""

    __tablename__ = "case_numbers"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class Conversation(Base):
    """One matter with one contact. ``waiting_since`` and ``answer_by`` are set while a person is to answer.

    Until ``snoozed_until`` it is in no queue; a worker empties it that morning, and whoever acts or writes before.
    ``diary_number`` is the registrator's (diarienummer). ``erased_at`` is set where texts and addresses are gone.
    ``hidden_at`` is when whoever chats put it away: the door shows it no more, and what they write next is another one.
    ``moved_to`` is the mail address or telephone number by which people answer a matter that began in a chat.
    ``reach_by`` is the one that whoever writes in the web chat has left, so that an answer finds them when they have
    gone; empty where they were asked and want none.
    One that has ``merged_into_id`` is a part of that conversation: all that was in it stands there, and so its number
    leads there.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        Index("ix_conversations_status_waiting_since", "status", "waiting_since"),
        Index("ix_conversations_status_is_urgent_waiting_since", "status", "is_urgent", "waiting_since"),
        Index("ix_conversations_status_updated_at", "status", "updated_at"),
        Index("ix_conversations_updated_at", "updated_at"),
        Index("ix_conversations_created_at", "created_at"),
        *_few("ix_conversations_snoozed", "snoozed_until", "snoozed_until IS NOT NULL"),
        *_few("ix_conversations_merged", "merged_into_id", "merged_into_id IS NOT NULL"),
        *_few("ix_conversations_related", "related_to_id", "related_to_id IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_number: Mapped[str] = mapped_column(String(20), unique=True)
    channel: Mapped[ChannelName]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), index=True)
    subject: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(8))
    status: Mapped[ConversationStatus]
    reason: Mapped[str | None] = mapped_column(String(64))
    topic: Mapped[str | None] = mapped_column(String(64))
    administration: Mapped[str | None] = mapped_column(String(64))
    is_urgent: Mapped[bool]
    taken_by: Mapped[str | None] = mapped_column(String(200))
    waiting_since: Mapped[datetime | None]
    answer_by: Mapped[date | None]
    snoozed_until: Mapped[date | None]
    related_to_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id"))
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id"))
    hidden_at: Mapped[datetime | None]
    moved_to: Mapped[str | None] = mapped_column(String(320))
    reach_by: Mapped[str | None] = mapped_column(String(320))
    record_class: Mapped[RecordClass] = mapped_column(
        default=RecordClass.NOT_ASSESSED, server_default=RecordClass.NOT_ASSESSED.value
    )
    diary_number: Mapped[str | None] = mapped_column(String(64))
    erased_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    contact: Mapped[Contact] = relationship()
    messages: Mapped[list[Message]] = relationship(back_populates="conversation", order_by="Message.id")
    outbox: Mapped[list[OutboxItem]] = relationship(back_populates="conversation", order_by="OutboxItem.id")
    notes: Mapped[list[Note]] = relationship(order_by="Note.id")


class CaseLink(Base):
    """That a person says that two conversations have to do with each other. The older one is the ``first``."""

    __tablename__ = "case_links"

    first_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), primary_key=True, autoincrement=False)
    second_id: Mapped[int] = mapped_column(
        ForeignKey("conversations.id"), primary_key=True, autoincrement=False, index=True
    )
    linked_by: Mapped[str] = mapped_column(String(200))
    linked_at: Mapped[datetime]


class SearchDocument(Base):
    """What the index of words (``search``, its id the document's) knows: a row of ``source``, the newest last.

    The database writes it by itself, with the row, and lets it follow the row to another conversation.
    """

    __tablename__ = "search_documents"
    __table_args__ = (UniqueConstraint("source", "row_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(32))
    row_id: Mapped[int]
    conversation_id: Mapped[int] = mapped_column(index=True)


class Message(Base):
    """A message that reached us, with its raw original. Never changed after it was stored but for its state.

    In a chat: ``command`` is what was pressed or asked for by a command, ``replaces_id`` the message that this one is
    an edit of, ``read_with_id`` the later message that it was read as one with.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("channel", "external_id"),
        Index("ix_messages_state_id", "state", "id"),
        *_few("ix_messages_failed", "conversation_id", "state = 'failed'"),
        *_few("ix_messages_automatic", "conversation_id", "automatic_kind IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[ChannelName]
    external_id: Mapped[str] = mapped_column(String(500))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    raw: Mapped[bytes] = mapped_column(deferred=True)
    message_id: Mapped[str | None] = mapped_column(String(500), index=True)
    in_reply_to: Mapped[list[Any]]
    references: Mapped[list[Any]]
    sender_name: Mapped[str] = mapped_column(String(300))
    sender_email: Mapped[str] = mapped_column(String(320))
    reply_to: Mapped[list[Any]]
    to: Mapped[list[Any]]
    cc: Mapped[list[Any]]
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    new_text: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(String(8))
    claimed_date: Mapped[datetime | None]
    authentication: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    received_at: Mapped[datetime]
    is_readable: Mapped[bool]
    warnings: Mapped[list[Any]]
    automatic_kind: Mapped[str | None] = mapped_column(String(32))
    automatic_reason: Mapped[str | None] = mapped_column(String(300))
    bounce: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    command: Mapped[str | None] = mapped_column(String(32))
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    read_with_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    state: Mapped[MessageState]
    attempts: Mapped[int]
    tried_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(Text)
    stored_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]

    conversation: Mapped[Conversation] = relationship(back_populates="messages")
    attachments: Mapped[list[MessageAttachment]] = relationship(order_by="MessageAttachment.id")
    referred_to: Mapped[list[MessageReference]] = relationship()
    questions: Mapped[list[QuestionRecord]] = relationship(back_populates="message", order_by="QuestionRecord.position")
    # What names this mail as the one that it answers, in whatever conversation.
    answers: Mapped[list[OutboxItem]] = relationship(
        primaryjoin="foreign(OutboxItem.in_reply_to) == Message.message_id", order_by="OutboxItem.id", viewonly=True
    )


class MessageReference(Base):
    """An id that a message answers or refers to: two that share an ancestor we never saw belong together by it."""

    __tablename__ = "message_references"

    identity: Mapped[str] = mapped_column(String(500), primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True, autoincrement=False)


class AttachmentContent(Base):
    """The bytes of an attachment, once for all messages that carry them."""

    __tablename__ = "attachment_contents"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column(deferred=True)


class MessageAttachment(Base):
    """That a message carries an attachment, and what the sender called it."""

    __tablename__ = "message_attachments"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("attachment_contents.sha256"))
    name: Mapped[str] = mapped_column(String(300))
    content_type: Mapped[str] = mapped_column(String(200))
    size: Mapped[int]

    content: Mapped[AttachmentContent] = relationship()


class QuestionRecord(Base):
    """One question in a message, and all that was understood of it (matches, intents, owners with evidence)."""

    __tablename__ = "questions"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    position: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(8))
    understanding: Mapped[dict[str, Any]]

    message: Mapped[Message] = relationship(back_populates="questions")
    corrections: Mapped[list[Correction]] = relationship(back_populates="question", order_by="Correction.id")
    decisions: Mapped[list[DecisionRecord]] = relationship(back_populates="question", order_by="DecisionRecord.id")


class DecisionRecord(Base):
    """What was decided of a question, by which rule, why; and in which outgoing text, from which article version."""

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("questions.id"), index=True)
    outcome: Mapped[Outcome]
    rule: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(64))
    missed: Mapped[list[Any]]
    evidence: Mapped[list[Any]]
    confidence: Mapped[float]
    topic: Mapped[str | None] = mapped_column(String(64), index=True)
    administration: Mapped[str | None] = mapped_column(String(64))
    article: Mapped[str | None] = mapped_column(String(100), index=True)
    choices: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    language: Mapped[str] = mapped_column(String(8))
    revision_id: Mapped[int | None] = mapped_column(ForeignKey("article_revisions.id"))
    is_urgent: Mapped[bool]
    held_because: Mapped[str | None] = mapped_column(String(64))
    outbox_id: Mapped[int | None] = mapped_column(ForeignKey("outbox.id"), index=True)
    knowledge_digest: Mapped[str] = mapped_column(String(64))
    decided_at: Mapped[datetime]

    question: Mapped[QuestionRecord] = relationship(back_populates="decisions")
    item: Mapped[OutboxItem | None] = relationship()
    revision: Mapped[ArticleRevision | None] = relationship()


class Correction(Base):
    """What a person says that a question should have led to: an article, a topic, an owner, or (``is_nothing``) no
    answer of ours. The newest of a question counts. ``settled_as`` says what became of it as a lesson: ``wording``,
    ``golden`` or ``rejected``; None while it waits for somebody's word.
    """

    __tablename__ = "corrections"

    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("questions.id"), index=True)
    article: Mapped[str | None] = mapped_column(String(100))
    topic: Mapped[str | None] = mapped_column(String(64))
    administration: Mapped[str | None] = mapped_column(String(64))
    is_nothing: Mapped[bool]
    made_by: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[datetime]
    settled_as: Mapped[str | None] = mapped_column(String(16), index=True)
    settled_by: Mapped[str | None] = mapped_column(String(200))
    settled_at: Mapped[datetime | None]

    question: Mapped[QuestionRecord] = relationship(back_populates="corrections")


class Review(Base):
    """What a coordinator who looked at an automatic answer says of it: ``right``, ``wrong`` or ``partly``."""

    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"), index=True)
    verdict: Mapped[str] = mapped_column(String(8))
    comment: Mapped[str] = mapped_column(Text)
    reviewed_by: Mapped[str] = mapped_column(String(200))
    reviewed_at: Mapped[datetime]

    decision: Mapped[DecisionRecord] = relationship()


class OutboxItem(Base):
    """Something to send, or a suggestion held until a person releases it; also what people sent from the mailbox.

    ``external_id`` (for mail the Message-ID) is given once, so that a repeated send is the same mail. ``raw`` is the
    mail as it went. ``copy_tries`` is how often a copy may still be tried to be put among the sent mail of the mailbox;
    None where none is wanted or it is there, 0 where it was given up.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_status_not_before", "status", "not_before"),
        # Holds all that the caps ask for, so that no row with its long texts is fetched to be counted.
        Index("ix_outbox_created_at", "created_at", "is_automatic", "kind", "status"),
        Index("ix_outbox_in_reply_to", "in_reply_to"),
        Index("ix_outbox_copy_tries", "copy_tries"),
        *_few("ix_outbox_failed", "conversation_id", "status = 'failed'"),
        *_few("ix_outbox_held", "conversation_id", "status = 'held'"),
        *_few("ix_outbox_bounced", "conversation_id", "bounced_at IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    kind: Mapped[OutboxKind]
    channel: Mapped[ChannelName]
    external_id: Mapped[str] = mapped_column(String(500), unique=True)
    to: Mapped[list[Any]]
    cc: Mapped[list[Any]]
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(8))
    in_reply_to: Mapped[str | None] = mapped_column(String(500))
    references: Mapped[list[Any]]
    buttons: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    reply_to: Mapped[str | None] = mapped_column(String(320))
    is_automatic: Mapped[bool]
    status: Mapped[OutboxStatus]
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    queued_at: Mapped[datetime]
    not_before: Mapped[datetime]
    attempts: Mapped[int]
    claimed_by: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    was_in_doubt: Mapped[bool]
    sent_at: Mapped[datetime | None]
    bounced_at: Mapped[datetime | None]
    raw: Mapped[bytes | None] = mapped_column(deferred=True)
    copy_tries: Mapped[int | None]

    conversation: Mapped[Conversation] = relationship(back_populates="outbox")
    attachments: Mapped[list[OutboxAttachment]] = relationship(order_by="OutboxAttachment.id")
    forward: Mapped[Forward | None] = relationship(back_populates="item")


class OutboxAttachment(Base):
    """What goes along with a mail of ours, and what it is called."""

    __tablename__ = "outbox_attachments"

    id: Mapped[int] = mapped_column(primary_key=True)
    outbox_id: Mapped[int] = mapped_column(ForeignKey("outbox.id"), index=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("attachment_contents.sha256"))
    name: Mapped[str] = mapped_column(String(300))
    content_type: Mapped[str] = mapped_column(String(200))
    size: Mapped[int]

    content: Mapped[AttachmentContent] = relationship()


class Forward(Base):
    """To whom a mail of kind ``forward`` went, and what came of it: answered, or returned as somebody else's matter.

    ``is_direct``: what they answer goes to the asker by itself, if nothing about it can be a slip or a forgery.
    ``answer_id`` is the message that answered or returned it first.
    """

    __tablename__ = "forwards"
    __table_args__ = (Index("ix_forwards_administration_returned_at", "administration", "returned_at"),)

    outbox_id: Mapped[int] = mapped_column(ForeignKey("outbox.id"), primary_key=True, autoincrement=False)
    administration: Mapped[str] = mapped_column(String(64))
    is_direct: Mapped[bool]
    answer_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    answered_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]

    item: Mapped[OutboxItem] = relationship(back_populates="forward")


class ArticleRevision(Base):
    """One version of an article in one language, with all that was shown with it. Only its approval may change."""

    __tablename__ = "article_revisions"
    __table_args__ = (UniqueConstraint("article", "language", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    article: Mapped[str] = mapped_column(String(100))
    language: Mapped[str] = mapped_column(String(8))
    version: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    content: Mapped[dict[str, Any]]
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    approved_by: Mapped[str | None] = mapped_column(String(200))
    approved_on: Mapped[date | None]


class RevisionCorrection(Base):
    """That somebody who got a revision was sent a correction of it: once for each, however many cases they have."""

    __tablename__ = "revision_corrections"

    revision_id: Mapped[int] = mapped_column(ForeignKey("article_revisions.id"), primary_key=True, autoincrement=False)
    address: Mapped[str] = mapped_column(String(320), primary_key=True)
    outbox_id: Mapped[int] = mapped_column(ForeignKey("outbox.id"))

    item: Mapped[OutboxItem] = relationship()


class ArticleImport(Base):
    """What a text's file said when it was last imported; ``conflict`` when file and store had both changed since."""

    __tablename__ = "article_imports"

    article: Mapped[str] = mapped_column(String(100), primary_key=True)
    language: Mapped[str] = mapped_column(String(8), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    conflict: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    imported_at: Mapped[datetime]


class ArticleCare(Base):
    """What is kept of an article beside its texts, as the desk last changed it: checks, review date, further wordings.

    ``seen`` holds, by field, the digests of what its file and the desk have said so far: where the file says something
    else, it was changed after the desk, and wins.
    """

    __tablename__ = "article_care"

    article: Mapped[str] = mapped_column(String(100), primary_key=True)
    content: Mapped[dict[str, Any]]
    seen: Mapped[dict[str, Any]]
    changed_by: Mapped[str] = mapped_column(String(200))
    changed_at: Mapped[datetime]


class Event(Base):
    """Who did what, when. Append-only; ``detail`` holds ids and words of ours, never what an asker wrote."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_verb_at", "verb", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(200))
    verb: Mapped[str] = mapped_column(String(64))
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    outbox_id: Mapped[int | None] = mapped_column(ForeignKey("outbox.id"))
    detail: Mapped[dict[str, Any]]

    conversation: Mapped[Conversation | None] = relationship()
    message: Mapped[Message | None] = relationship()
    item: Mapped[OutboxItem | None] = relationship()


class AuditEntry(Base):
    """Who looked at or did what with personal data, when, from where (web, mail, cli). Append-only.

    ``detail`` holds ids and our own words, never what an asker wrote: nothing here can be erased.
    """

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_actor_id", "actor", "id"), Index("ix_audit_log_act_id", "act", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(200))
    act: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(16))
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id"), index=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"), index=True)
    association_id: Mapped[int | None] = mapped_column(ForeignKey("associations.id"))
    article: Mapped[str | None] = mapped_column(String(100))
    detail: Mapped[dict[str, Any]]


class Tombstone(Base):
    """A mail of an erased conversation, known again by a keyed hash of its id or its bytes, so that it does not return.

    ``message_id`` is the row that is left of it; None where it was one that we or a colleague sent.
    """

    __tablename__ = "tombstones"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))


class Pause(Base):
    """That the bot is silent: everywhere (``all``), in a channel, on a topic or about an article."""

    __tablename__ = "pauses"

    scope: Mapped[str] = mapped_column(String(16), primary_key=True)
    value: Mapped[str] = mapped_column(String(100), primary_key=True)
    paused_by: Mapped[str] = mapped_column(String(200))
    paused_at: Mapped[datetime]


class Mailbox(Base):
    """How far a mailbox is read: UIDs of ``uidvalidity`` up to ``cursor`` are accounted for.

    What stood there before ``started_at`` is old mail and is left alone. UIDs are unsigned 32-bit numbers
    (RFC 3501 2.3.1.1), more than an ``Integer`` of PostgreSQL holds.
    """

    __tablename__ = "mailboxes"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(500), unique=True)
    uidvalidity: Mapped[int] = mapped_column(BigInteger)
    first_uid: Mapped[int] = mapped_column(BigInteger)
    cursor: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[datetime]
    renumbered_at: Mapped[datetime | None]


class MailboxMail(Base):
    """What became of one mail in a mailbox. The balance (mails there = stored + left alone) is counted on this.

    ``tidied_at`` is when it was labelled or moved after its message had been handled.
    """

    __tablename__ = "mailbox_mails"

    mailbox_id: Mapped[int] = mapped_column(ForeignKey("mailboxes.id"), primary_key=True)
    uidvalidity: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    uid: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    fate: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    tidied_at: Mapped[datetime | None]


class TelegramUpdate(Base):
    """What became of one update of a bot. The latest says from where on to ask for more.

    Both ids may need 52 bits (Bot API, "Chat").
    """

    __tablename__ = "telegram_updates"
    __table_args__ = (Index("ix_telegram_updates_at", "bot_id", "at"),)

    bot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    fate: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]


class ChatKey(Base):
    """What opens a web chat: a browser's secret (``browser``), or a return code that somebody wrote down (``code``).

    ``digest`` is the SHA-256 of it, ``address`` the chat's: the one of its contact. A chat and its answers live on when
    its last key is gone.
    """

    __tablename__ = "chat_keys"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    address: Mapped[str] = mapped_column(String(320), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ChatAct(Base):
    """That something was written or tried in the web chat, from a place or to an address (``key`` is a keyed hash of
    it): it is counted, and forgotten after a day.
    """

    __tablename__ = "chat_acts"
    __table_args__ = (Index("ix_chat_acts_key_at", "key", "at"), Index("ix_chat_acts_at", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class User(Base):
    """Somebody who may log in. ``email`` in lower case is also how their acts are signed, by web and by mail alike.

    ``password_hash`` is None until the invitation was followed. ``deputy`` (a mail address) hears of what is theirs
    while they are away, up to and with ``absent_until``. ``totp_secret`` (base32) is that of an authenticator app,
    ``totp_step`` the time step of the last code that was used. ``city_account`` is the SHA-256 of who they are to the
    city's own log-in: whoever has come by that has no password.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    roles: Mapped[list[Any]]
    language: Mapped[str] = mapped_column(String(8))
    password_hash: Mapped[str | None] = mapped_column(String(300))
    totp_secret: Mapped[str | None] = mapped_column(String(64))
    totp_step: Mapped[int | None] = mapped_column(BigInteger)
    city_account: Mapped[str | None] = mapped_column(String(64), index=True, unique=True)
    is_active: Mapped[bool]
    absent_until: Mapped[date | None]
    deputy: Mapped[str | None] = mapped_column(String(320))
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]


class WebSession(Base):
    """A browser that is logged in. ``id`` is the SHA-256 of its cookie: a copy of the database opens nothing.

    One that ``awaits_code`` has given the password only, and may see nothing. ``offered_secret`` is what it is shown
    while its user sets up an authenticator app. One that came ``by_city`` was let in by the city's own log-in.
    """

    __tablename__ = "web_sessions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    agent: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    awaits_code: Mapped[bool] = mapped_column(server_default=false())
    offered_secret: Mapped[str | None] = mapped_column(String(64))
    by_city: Mapped[bool] = mapped_column(server_default=false())

    user: Mapped[User] = relationship()


class RecoveryCode(Base):
    """A code that stands in once for the authenticator app. ``id`` is its SHA-256."""

    __tablename__ = "recovery_codes"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class KnownDevice(Base):
    """A browser that somebody has logged in with. ``id`` is the SHA-256 of its own cookie and the user together."""

    __tablename__ = "known_devices"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    seen_at: Mapped[datetime]


class CitySignIn(Base):
    """Somebody is on their way through the city's own log-in. ``id`` is the SHA-256 of the ``state`` they took along.

    It is gone when they come back, so that an answer opens the door once. ``browser`` is the SHA-256 of a cookie: the
    answer must come from where the question was asked (RFC 6749 10.12).
    """

    __tablename__ = "city_sign_ins"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    browser: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(100))
    verifier: Mapped[str] = mapped_column(String(128))
    next_page: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[datetime]


class AccountLink(Base):
    """A link that sets a password once: the first account (no user), an invitation or a forgotten password.

    One that was made ``on_server`` opens even where nobody may log in with a password.
    """

    __tablename__ = "account_links"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    on_server: Mapped[bool] = mapped_column(server_default=false())

    user: Mapped[User | None] = relationship()


class ReadingLink(Base):
    """A personal link to the statistics for somebody of the steering group: it opens nothing else, until it is revoked.

    ``id`` is the SHA-256 of what stands in the link: a copy of the database opens nothing.
    """

    __tablename__ = "reading_links"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]

    user: Mapped[User] = relationship()


class TelegramLink(Base):
    """That somebody who works here is a certain user of Telegram, once they have sent the bot a code.

    ``code`` is the SHA-256 of one that waits, and is gone when it is used; ``telegram_id`` may need 52 bits (Bot API,
    "User").
    """

    __tablename__ = "telegram_links"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, autoincrement=False)
    code: Mapped[str | None] = mapped_column(String(64), unique=True)
    code_expires_at: Mapped[datetime | None]
    telegram_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    telegram_name: Mapped[str | None] = mapped_column(String(300))
    linked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class FailedLogin(Base):
    """A wrong password: for an address, and from a place. ``key`` is a hash; rows count for a quarter of an hour."""

    __tablename__ = "failed_logins"
    __table_args__ = (Index("ix_failed_logins_key_at", "key", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class StaffMail(Base):
    """A mail to somebody who works here and that belongs to no case: an invitation, a digest, a report.

    It may hold a link that sets a password, or words of a case: its text goes once it is sent, with the file that went
    along (``attachment``), and is copied nowhere.
    """

    __tablename__ = "staff_mails"
    __table_args__ = (Index("ix_staff_mails_status_not_before", "status", "not_before"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(500), unique=True)
    to: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    attachment_name: Mapped[str | None] = mapped_column(String(200))
    attachment_type: Mapped[str | None] = mapped_column(String(100))
    attachment: Mapped[bytes | None]
    status: Mapped[OutboxStatus]
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    last_error: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None]


class DeskSetting(Base):
    """A setting that coordinators own; it wins over the settings file. Earlier values stand in the events."""

    __tablename__ = "desk_settings"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    changed_by: Mapped[str] = mapped_column(String(200))
    changed_at: Mapped[datetime]


class Draft(Base):
    """What somebody has begun to write in a case: the ``answer`` to the asker, or a ``note`` for the others."""

    __tablename__ = "drafts"

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime]


class Presence(Base):
    """That somebody has a case open, or is writing in it."""

    __tablename__ = "presences"

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, autoincrement=False)
    is_writing: Mapped[bool]
    at: Mapped[datetime]

    user: Mapped[User] = relationship()


class Note(Base):
    """What coordinators tell each other in a case. There is no way from here to a door."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    author: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class SteeringMatter(Base):
    """That the steering group is to hear of a conversation, in a coordinator's line without personal data.

    ``brought_up_on`` is the day of the meeting that heard of it; None while it waits for one.
    """

    __tablename__ = "steering_matters"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    line: Mapped[str] = mapped_column(String(300))
    marked_by: Mapped[str] = mapped_column(String(200))
    marked_at: Mapped[datetime]
    brought_up_on: Mapped[date | None] = mapped_column(index=True)

    conversation: Mapped[Conversation] = relationship()


class Digest(Base):
    """That somebody's digest of a day has been seen to, also where there was nothing to tell."""

    __tablename__ = "digests"

    day: Mapped[date] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(String(320), primary_key=True)


class SigningKey(Base):
    """A secret of this installation, made when it is first needed; whoever has it can forge what we sign with it."""

    __tablename__ = "signing_keys"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[bytes]
    created_at: Mapped[datetime]


class Heartbeat(Base):
    """When a part of lokbot last showed that it lives."""

    __tablename__ = "heartbeats"

    part: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime]
    process: Mapped[str] = mapped_column(String(200))


class Fact(Base):
    """What a question counts as in the statistics: no text, no name, and no key to any row that has one.

    Its numbers are those of the question and the conversation, without a foreign key: a fact outlives both. ``day`` and
    ``month`` (``2026-11``) are Sweden's. ``contact`` and ``association`` are keyed hashes; once ``is_anonymised``, they
    are chance, and nothing in the row changes any more. ``first_reply_minutes`` is working time to a person's first
    reply. ``returned``: how many of the administrations that it was ``forwarded`` to said that it is not theirs.
    ``theme`` is given when its month is closed, to what no text of ours could answer (``is_unknown``).
    """

    __tablename__ = "facts"
    __table_args__ = (Index("ix_facts_month_day", "month", "day"), Index("ix_facts_outcome_day", "outcome", "day"))

    question_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    conversation_id: Mapped[int] = mapped_column(index=True)
    asked_at: Mapped[datetime]
    day: Mapped[date]
    month: Mapped[str] = mapped_column(String(7))
    is_first: Mapped[bool]
    channel: Mapped[ChannelName]
    language: Mapped[str] = mapped_column(String(16))
    topic: Mapped[str | None] = mapped_column(String(64))
    intent: Mapped[str | None] = mapped_column(String(64))
    administration: Mapped[str | None] = mapped_column(String(64))
    article: Mapped[str | None] = mapped_column(String(100))
    revision_id: Mapped[int | None]
    outcome: Mapped[FactOutcome]
    confidence: Mapped[float]
    is_unknown: Mapped[bool]
    feedback: Mapped[str | None] = mapped_column(String(8))
    verdict: Mapped[str | None] = mapped_column(String(8))
    first_reply_minutes: Mapped[int | None]
    forwarded: Mapped[int]
    returned: Mapped[int]
    contact: Mapped[str] = mapped_column(String(32))
    association: Mapped[str | None] = mapped_column(String(32))
    association_kind: Mapped[str | None] = mapped_column(String(32))
    theme: Mapped[str | None] = mapped_column(String(200))
    is_anonymised: Mapped[bool]


class FactCell(Base):
    """How many facts of a month fall into a category, among all (``scope`` is empty) or within one other category."""

    __tablename__ = "fact_cells"

    scope: Mapped[str] = mapped_column(String(120), primary_key=True)
    dimension: Mapped[str] = mapped_column(String(16), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    category: Mapped[str] = mapped_column(String(200), primary_key=True)
    questions: Mapped[int]


class PublishedMonth(Base):
    """A month whose published figures are decided, once and for good, with the ``least`` that was shown then."""

    __tablename__ = "published_months"

    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    least: Mapped[int]
    closed_at: Mapped[datetime]


class PublishedCell(Base):
    """A figure of a closed month that may be shown. What is not here is hidden or nought, and nothing tells which."""

    __tablename__ = "published_cells"

    scope: Mapped[str] = mapped_column(String(120), primary_key=True)
    dimension: Mapped[str] = mapped_column(String(16), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    category: Mapped[str] = mapped_column(String(200), primary_key=True)
    questions: Mapped[int]
