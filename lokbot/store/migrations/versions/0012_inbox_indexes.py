"""what the desk looks for among very many conversations

Revision: 0012, after 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_conversations_status_is_urgent_waiting_since", "conversations", ["status", "is_urgent", "waiting_since"]
    )
    op.create_index("ix_conversations_status_updated_at", "conversations", ["status", "updated_at"])
    op.create_index("ix_conversations_updated_at", "conversations", ["updated_at"])
    snoozed = sa.text("snoozed_until IS NOT NULL")
    op.create_index(
        "ix_conversations_snoozed", "conversations", ["snoozed_until"], sqlite_where=snoozed, postgresql_where=snoozed
    )
    for name, table, where in (
        ("ix_messages_failed", "messages", "state = 'failed'"),
        ("ix_messages_automatic", "messages", "automatic_kind IS NOT NULL"),
        ("ix_outbox_failed", "outbox", "status = 'failed'"),
        ("ix_outbox_held", "outbox", "status = 'held'"),
        ("ix_outbox_bounced", "outbox", "bounced_at IS NOT NULL"),
    ):
        op.create_index(name, table, ["conversation_id"], sqlite_where=sa.text(where), postgresql_where=sa.text(where))
