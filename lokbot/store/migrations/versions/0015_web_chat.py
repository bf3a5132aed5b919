"""web chat: what opens one, how whoever writes can be reached, how often something is written

Revision: 0015, after 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("reach_by", sa.String(length=320), nullable=True))
    op.create_table(
        "chat_keys",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_chat_keys")),
    )
    op.create_index(op.f("ix_chat_keys_address"), "chat_keys", ["address"], unique=False)
    op.create_table(
        "chat_acts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_acts")),
    )
    op.create_index("ix_chat_acts_key_at", "chat_acts", ["key", "at"], unique=False)
    op.create_index("ix_chat_acts_at", "chat_acts", ["at"], unique=False)
