"""chats: buttons and commands, edits, messages read as one, the language chosen, Telegram's updates

Revision: 0013, after 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Added one by one: SQLite then changes the table in place, and no trigger or foreign key is lost on a copy.
    op.add_column("contacts", sa.Column("language", sa.String(length=8), nullable=True))
    op.add_column("contacts", sa.Column("greeted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("conversations", sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("conversations", sa.Column("moved_to", sa.String(length=320), nullable=True))
    op.add_column("outbox", sa.Column("buttons", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("messages", sa.Column("command", sa.String(length=32), nullable=True))
    for column in ("replaces_id", "read_with_id"):
        name = op.f(f"fk_messages_{column}_messages")
        reference = sa.Column(column, sa.Integer(), sa.ForeignKey("messages.id", name=name), nullable=True)
        # SQLite takes a reference only within the column; PostgreSQL takes both.
        op.add_column("messages", reference, inline_references=True)
        op.create_index(op.f(f"ix_messages_{column}"), "messages", [column], unique=False)
    op.create_table(
        "telegram_updates",
        sa.Column("bot_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("update_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("fate", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_telegram_updates_message_id_messages")),
        sa.PrimaryKeyConstraint("bot_id", "update_id", name=op.f("pk_telegram_updates")),
    )
    op.create_index("ix_telegram_updates_at", "telegram_updates", ["bot_id", "at"], unique=False)
