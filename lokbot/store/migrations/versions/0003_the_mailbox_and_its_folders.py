"""the mailbox and its folders: mails that people sent, copies of ours, what was tidied, when it was balanced

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Added one by one: SQLite then changes the table in place, and no trigger or foreign key is lost on a copy.
    op.add_column("outbox", sa.Column("raw", sa.LargeBinary(), nullable=True))
    op.add_column("outbox", sa.Column("copy_tries", sa.Integer(), nullable=True))
    op.create_index("ix_outbox_in_reply_to", "outbox", ["in_reply_to"], unique=False)
    op.create_index("ix_outbox_copy_tries", "outbox", ["copy_tries"], unique=False)
    op.add_column("mailbox_mails", sa.Column("tidied_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_events_verb_at", "events", ["verb", "at"], unique=False)
