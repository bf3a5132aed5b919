"""counting what goes out within an hour without reading it

Revision: 0005, after 0004
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_outbox_created_at", "outbox")
    op.create_index("ix_outbox_created_at", "outbox", ["created_at", "is_automatic", "kind", "status"], unique=False)
