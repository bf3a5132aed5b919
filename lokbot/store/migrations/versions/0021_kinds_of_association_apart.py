"""the view for tools of analysis without the kind of association, which a second one counts by itself

Revision: 0021, after 0020
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# With language and kind of association in one row, any tool could sort people by both (docs/operations.md).
FACTS = """
CREATE VIEW statistics_facts AS
SELECT day, month, channel, language, topic, intent, administration, article, outcome, confidence, is_unknown,
       feedback, verdict, first_reply_minutes, forwarded, returned, theme
FROM facts
"""
# Counts and no rows: those could be found again in the other view.
KINDS = """
CREATE VIEW statistics_kinds AS
SELECT month, association_kind, outcome, count(*) AS questions
FROM facts
GROUP BY month, association_kind, outcome
"""


def upgrade() -> None:
    op.execute("DROP VIEW statistics_facts")
    op.execute(FACTS)
    op.execute(KINDS)
