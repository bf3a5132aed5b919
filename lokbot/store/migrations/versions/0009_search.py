"""an index of words over what was written, kept by the database itself

Revision: 0009, after 0008
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# What is searched, and from which words: table -> SQL over the row NEW. A document's id tells table and row apart.
SOURCES = {
    "messages": ("NEW.id * 4", "NEW.sender_name || ' ' || NEW.sender_email || ' ' || NEW.subject || ' ' || NEW.text"),
    "outbox": ("NEW.id * 4 + 1", "NEW.subject || ' ' || NEW.text"),
    "notes": ("NEW.id * 4 + 2", "NEW.text"),
}
# A notification repeats what stands in the case.
ONLY = {"outbox": "NEW.kind <> 'notification'"}


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    key = "id" if is_postgresql else "rowid"
    if is_postgresql:
        op.execute("CREATE TABLE search (id bigint PRIMARY KEY, words tsvector NOT NULL)")
        op.execute("CREATE INDEX ix_search_words ON search USING gin (words)")
    else:
        # Without a copy of the words, which stand in their own tables (https://sqlite.org/fts5.html, 4.4.2).
        op.execute(
            "CREATE VIRTUAL TABLE search USING fts5(words, content='', tokenize='unicode61 remove_diacritics 2', "
            "prefix='3')"
        )
    for table, (identity, words) in SOURCES.items():
        words = _vector(words) if is_postgresql else words
        put = f"INSERT INTO search ({key}, words) VALUES ({identity}, {words});"
        only = ONLY.get(table, "")
        if is_postgresql:
            op.execute(
                f"CREATE FUNCTION search_{table}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {put} RETURN NEW; END $$"
            )
            act = f"EXECUTE FUNCTION search_{table}()"
            only = f"WHEN ({only})" if only else ""
        else:
            act = f"BEGIN {put} END"
            only = f"WHEN {only}" if only else ""
        op.execute(f"CREATE TRIGGER search_{table} AFTER INSERT ON {table} FOR EACH ROW {only} {act}")
        # What was there before the index.
        old = f"INSERT INTO search ({key}, words) SELECT {identity}, {words} FROM {table}"
        old += f" WHERE {ONLY[table]}" if table in ONLY else ""
        op.execute(old.replace("NEW.", f"{table}."))


def _vector(words: str) -> str:
    """As SQLite's tokenizer does it: case and marks do not count. A word list has an end (1 MB), a mail need not."""
    folded = f"translate(lower({words}), 'åäáàâöóòôøéèêëüúùíìïñç', 'aaaaaoooooeeeeuuuiiinc')"
    return f"to_tsvector('simple', left({folded}, 200000))"
