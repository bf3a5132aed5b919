"""what proves a thread and a sender: signing keys, references, authentication, bounces; what was asked back

Revision: 0002, after 0001
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_signing_keys")),
    )
    references = op.create_table(
        "message_references",
        sa.Column("identity", sa.String(length=500), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_message_references_message_id_messages")
        ),
        sa.PrimaryKeyConstraint("identity", "message_id", name=op.f("pk_message_references")),
    )
    with op.batch_alter_table("messages") as batch_op:
        batch_op.add_column(sa.Column("authentication", sa.JSON(none_as_null=True), nullable=True))
    with op.batch_alter_table("decisions") as batch_op:
        batch_op.add_column(sa.Column("choices", sa.JSON(none_as_null=True), nullable=True))
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.add_column(sa.Column("reply_to", sa.String(length=320), nullable=True))
        batch_op.add_column(sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index("ix_outbox_created_at", ["created_at"], unique=False)
    _fill(references)


def _fill(references: sa.Table) -> None:
    """What was stored before has its references in its own row."""
    connection = op.get_bind()
    for row in connection.execute(sa.text('SELECT id, in_reply_to, "references" FROM messages')).all():
        known = dict.fromkeys([*_list(row[1]), *_list(row[2])])
        if known:
            connection.execute(
                references.insert(), [{"identity": identity, "message_id": row[0]} for identity in known]
            )


def _list(value: Any) -> list[str]:
    return list(json.loads(value) if isinstance(value, str) else value or [])
