"""What Alembic runs for each command: our connection, our tables."""

from __future__ import annotations

from alembic import context

from lokbot.store.schema import Base

connection = context.config.attributes["connection"]
# Batch mode: SQLite cannot alter a table, so Alembic makes it anew.
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
