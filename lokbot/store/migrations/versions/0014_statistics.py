"""one fact per question, how many there are of each kind, and what of a closed month may be shown

Revision: 0014, after 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# For the city's own tools of analysis: no pseudonyms, nothing that leads to a case (docs/operations.md).
VIEW = """
CREATE VIEW statistics_facts AS
SELECT day, month, channel, language, topic, intent, administration, article, outcome, confidence, is_unknown,
       feedback, verdict, first_reply_minutes, forwarded, returned, association_kind, theme
FROM facts
"""


def upgrade() -> None:
    op.add_column("associations", sa.Column("kind", sa.String(length=32), nullable=True))
    for column in (
        sa.Column("attachment_name", sa.String(length=200), nullable=True),
        sa.Column("attachment_type", sa.String(length=100), nullable=True),
        sa.Column("attachment", sa.LargeBinary(), nullable=True),
    ):
        op.add_column("staff_mails", column)
    op.create_table(
        "facts",
        sa.Column("question_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("is_first", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=True),
        sa.Column("intent", sa.String(length=64), nullable=True),
        sa.Column("administration", sa.String(length=64), nullable=True),
        sa.Column("article", sa.String(length=100), nullable=True),
        sa.Column("revision_id", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("is_unknown", sa.Boolean(), nullable=False),
        sa.Column("feedback", sa.String(length=8), nullable=True),
        sa.Column("verdict", sa.String(length=8), nullable=True),
        sa.Column("first_reply_minutes", sa.Integer(), nullable=True),
        sa.Column("forwarded", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("contact", sa.String(length=32), nullable=False),
        sa.Column("association", sa.String(length=32), nullable=True),
        sa.Column("association_kind", sa.String(length=32), nullable=True),
        sa.Column("theme", sa.String(length=200), nullable=True),
        sa.Column("is_anonymised", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("question_id", name=op.f("pk_facts")),
    )
    with op.batch_alter_table("facts") as batch_op:
        batch_op.create_index(batch_op.f("ix_facts_conversation_id"), ["conversation_id"], unique=False)
        batch_op.create_index("ix_facts_month_day", ["month", "day"], unique=False)
        batch_op.create_index("ix_facts_outcome_day", ["outcome", "day"], unique=False)
    for table in ("fact_cells", "published_cells"):
        op.create_table(
            table,
            sa.Column("scope", sa.String(length=120), nullable=False),
            sa.Column("dimension", sa.String(length=16), nullable=False),
            sa.Column("month", sa.String(length=7), nullable=False),
            sa.Column("category", sa.String(length=200), nullable=False),
            sa.Column("questions", sa.Integer(), nullable=False),
            sa.PrimaryKeyConstraint("scope", "dimension", "month", "category", name=op.f(f"pk_{table}")),
        )
    op.create_table(
        "published_months",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("least", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_published_months")),
    )
    op.create_table(
        "reading_links",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_reading_links_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading_links")),
        sa.UniqueConstraint("user_id", name=op.f("uq_reading_links_user_id")),
    )
    op.execute(VIEW)
