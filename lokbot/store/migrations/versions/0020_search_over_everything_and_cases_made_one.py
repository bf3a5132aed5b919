"""search over files and in the order of time, cases that have become part of others, and links between cases

Revision: 0020, after 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# Where the words of a document stand: table -> (SQL over the row NEW, its conversation, when it came).
SOURCES = {
    "messages": (
        "NEW.sender_name || ' ' || NEW.sender_email || ' ' || NEW.subject || ' ' || NEW.text",
        "NEW.conversation_id",
        "NEW.stored_at",
    ),
    "outbox": ("NEW.subject || ' ' || NEW.text", "NEW.conversation_id", "NEW.created_at"),
    "notes": ("NEW.text", "NEW.conversation_id", "NEW.at"),
    "message_attachments": (
        "NEW.name",
        "(SELECT conversation_id FROM messages WHERE messages.id = NEW.message_id)",
        "(SELECT stored_at FROM messages WHERE messages.id = NEW.message_id)",
    ),
    "outbox_attachments": (
        "NEW.name",
        "(SELECT conversation_id FROM outbox WHERE outbox.id = NEW.outbox_id)",
        "(SELECT created_at FROM outbox WHERE outbox.id = NEW.outbox_id)",
    ),
}
# A notification repeats what stands in the case.
ONLY = {"outbox": "NEW.kind <> 'notification'"}
FILES = {"messages": ("message_attachments", "message_id"), "outbox": ("outbox_attachments", "outbox_id")}


def upgrade() -> None:
    op.execute(
        "ALTER TABLE conversations ADD COLUMN merged_into_id INTEGER "
        "CONSTRAINT fk_conversations_merged_into_id_conversations REFERENCES conversations (id)"
    )
    for name, column in (("ix_conversations_merged", "merged_into_id"), ("ix_conversations_related", "related_to_id")):
        few = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, "conversations", [column], sqlite_where=few, postgresql_where=few)
    op.create_index("ix_conversations_created_at", "conversations", ["created_at"])
    op.create_table(
        "case_links",
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.Column("linked_by", sa.String(length=200), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["first_id"], ["conversations.id"], name=op.f("fk_case_links_first_id_conversations")),
        sa.ForeignKeyConstraint(
            ["second_id"], ["conversations.id"], name=op.f("fk_case_links_second_id_conversations")
        ),
        sa.PrimaryKeyConstraint("first_id", "second_id", name=op.f("pk_case_links")),
    )
    op.create_index(op.f("ix_case_links_second_id"), "case_links", ["second_id"], unique=False)
    _make_search()


def _make_search() -> None:
    op.create_table(
        "search_documents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_documents")),
        sa.UniqueConstraint("source", "row_id", name=op.f("uq_search_documents_source")),
    )
    op.create_index(op.f("ix_search_documents_conversation_id"), "search_documents", ["conversation_id"], unique=False)
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in ("messages", "outbox", "notes"):
        op.execute(f"DROP TRIGGER search_{table}" + (f" ON {table}" if is_postgresql else ""))
        if is_postgresql:
            op.execute(f"DROP FUNCTION search_{table}()")
    op.execute("DROP TABLE search")
    if is_postgresql:
        op.execute("CREATE TABLE search (id bigint PRIMARY KEY, words tsvector NOT NULL)")
    else:
        # Without a copy of the words, which stand in their own tables (https://sqlite.org/fts5.html, 4.4.2).
        op.execute(
            "CREATE VIRTUAL TABLE search USING fts5(words, content='', tokenize='unicode61 remove_diacritics 2', "
            "prefix='3')"
        )
    _fill(is_postgresql)
    if is_postgresql:
        op.execute("CREATE INDEX ix_search_words ON search USING gin (words)")
    for table in SOURCES:
        _watch(table, is_postgresql)


def _fill(is_postgresql: bool) -> None:
    """What was there before, in the order in which it came."""
    every = []
    for table, (_, conversation, at) in SOURCES.items():
        only = f" WHERE {ONLY[table]}" if table in ONLY else ""
        old = f"SELECT '{table}' AS source, NEW.id AS row_id, {conversation} AS conversation_id, {at} AS at"
        every.append(f"{old} FROM {table} AS NEW{only}")
    op.execute(
        "INSERT INTO search_documents (source, row_id, conversation_id) SELECT source, row_id, conversation_id "
        f"FROM ({' UNION ALL '.join(every)}) AS every ORDER BY at, source, row_id"
    )
    key = "id" if is_postgresql else "rowid"
    for table, (words, _, _) in SOURCES.items():
        op.execute(
            f"INSERT INTO search ({key}, words) SELECT search_documents.id, {_indexed(words, is_postgresql)} "
            f"FROM search_documents JOIN {table} AS NEW ON NEW.id = search_documents.row_id "
            f"WHERE search_documents.source = '{table}' ORDER BY search_documents.id"
        )


def _watch(table: str, is_postgresql: bool) -> None:
    """What is stored is indexed by the database itself, and follows where it is moved to another conversation."""
    words, conversation, _ = SOURCES[table]
    key = "id" if is_postgresql else "rowid"
    document = f"SELECT id FROM search_documents WHERE source = '{table}' AND row_id = NEW.id"
    put = (
        f"INSERT INTO search_documents (source, row_id, conversation_id) VALUES ('{table}', NEW.id, {conversation}); "
        f"INSERT INTO search ({key}, words) VALUES (({document}), {_indexed(words, is_postgresql)});"
    )
    _trigger(f"search_{table}", f"AFTER INSERT ON {table}", ONLY.get(table, ""), put, is_postgresql)
    if conversation != "NEW.conversation_id":
        return
    move = "UPDATE search_documents SET conversation_id = NEW.conversation_id WHERE source = '{}' AND row_id {};"
    moves = move.format(table, "= NEW.id")
    if table in FILES:
        files, key = FILES[table]
        moves += move.format(files, f"IN (SELECT id FROM {files} WHERE {key} = NEW.id)")
    when = "OLD.conversation_id <> NEW.conversation_id"
    _trigger(f"search_{table}_moved", f"AFTER UPDATE OF conversation_id ON {table}", when, moves, is_postgresql)


def _trigger(name: str, event: str, only: str, act: str, is_postgresql: bool) -> None:
    if is_postgresql:
        op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {act} RETURN NEW; END $$")
        only = f"WHEN ({only})" if only else ""
        op.execute(f"CREATE TRIGGER {name} {event} FOR EACH ROW {only} EXECUTE FUNCTION {name}()")
    else:
        only = f"WHEN {only}" if only else ""
        op.execute(f"CREATE TRIGGER {name} {event} FOR EACH ROW {only} BEGIN {act} END")


def _indexed(words: str, is_postgresql: bool) -> str:
    """As SQLite's tokenizer does it: case, marks and signs do not count. A word list has an end (1 MB), a mail need
    not. The letters that it leaves whole are written as people without them do.
    """
    if not is_postgresql:
        for letter, plain in (("ø", "o"), ("Ø", "o"), ("æ", "a"), ("Æ", "a")):
            words = f"replace({words}, '{letter}', '{plain}')"
        return words
    letters, plain = "åäáàâãæöóòôõøéèêëüúùûíìîïñçýÿ", "aaaaaaaoooooo" + "eeee" + "uuuu" + "iiii" + "ncyy"
    signs = '!"#$%&()*+,-./:;<=>?@[]^_`{|}~§–—…•´’‘”“»«' + "''" + "\\\\"
    # Of a sign that stands twice the first one counts, so that quoting it twice for SQL does no harm.
    folded = f"translate(lower({words}), '{letters}{signs}', '{plain}{' ' * len(signs)}')"
    return f"to_tsvector('simple', left({folded}, 200000))"
