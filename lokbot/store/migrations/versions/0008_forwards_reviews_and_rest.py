"""what came of forwards, attachments on our mail, cases that rest, reviews, corrections to all, the steering group's
matters, digests

Revision: 0008, after 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("conversations") as batch_op:
        batch_op.add_column(sa.Column("snoozed_until", sa.Date(), nullable=True))
    op.create_table(
        "outbox_attachments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outbox_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("content_type", sa.String(length=200), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_outbox_attachments_outbox_id_outbox")),
        sa.ForeignKeyConstraint(
            ["sha256"], ["attachment_contents.sha256"], name=op.f("fk_outbox_attachments_sha256_attachment_contents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_attachments")),
    )
    op.create_index(op.f("ix_outbox_attachments_outbox_id"), "outbox_attachments", ["outbox_id"], unique=False)
    op.create_table(
        "forwards",
        sa.Column("outbox_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("administration", sa.String(length=64), nullable=False),
        sa.Column("is_direct", sa.Boolean(), nullable=False),
        sa.Column("answer_id", sa.Integer(), nullable=True),
        sa.Column("answered_at", TIME, nullable=True),
        sa.Column("returned_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["answer_id"], ["messages.id"], name=op.f("fk_forwards_answer_id_messages")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_forwards_outbox_id_outbox")),
        sa.PrimaryKeyConstraint("outbox_id", name=op.f("pk_forwards")),
    )
    op.create_index(
        "ix_forwards_administration_returned_at", "forwards", ["administration", "returned_at"], unique=False
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("reviewed_by", sa.String(length=200), nullable=False),
        sa.Column("reviewed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_reviews_decision_id_decisions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_index(op.f("ix_reviews_decision_id"), "reviews", ["decision_id"], unique=False)
    op.create_table(
        "revision_corrections",
        sa.Column("revision_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("outbox_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_revision_corrections_outbox_id_outbox")),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["article_revisions.id"],
            name=op.f("fk_revision_corrections_revision_id_article_revisions"),
        ),
        sa.PrimaryKeyConstraint("revision_id", "address", name=op.f("pk_revision_corrections")),
    )
    op.create_table(
        "steering_matters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.String(length=300), nullable=False),
        sa.Column("marked_by", sa.String(length=200), nullable=False),
        sa.Column("marked_at", TIME, nullable=False),
        sa.Column("brought_up_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_steering_matters_conversation_id_conversations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_steering_matters")),
    )
    op.create_index(op.f("ix_steering_matters_conversation_id"), "steering_matters", ["conversation_id"], unique=False)
    op.create_index(op.f("ix_steering_matters_brought_up_on"), "steering_matters", ["brought_up_on"], unique=False)
    op.create_table(
        "digests",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.PrimaryKeyConstraint("day", "address", name=op.f("pk_digests")),
    )
