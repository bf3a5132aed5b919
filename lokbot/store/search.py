"""Search in what was written: the database's own index of words (migration 0009 makes it), one way to ask it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

# A word that stands everywhere is of no use: of so many places only the newest are looked at.
NEWEST = 2000

# A document is a row of one of three tables; its id in the index tells which.
_DOCUMENTS = """
SELECT coalesce(messages.conversation_id, outbox.conversation_id, notes.conversation_id)
FROM ({found}) AS found
LEFT JOIN messages ON found.id % 4 = 0 AND messages.id = found.id / 4
LEFT JOIN outbox ON found.id % 4 = 1 AND outbox.id = found.id / 4
LEFT JOIN notes ON found.id % 4 = 2 AND notes.id = found.id / 4
ORDER BY found.id DESC
"""
_SQLITE = "SELECT rowid AS id FROM search WHERE search MATCH :wanted ORDER BY rowid DESC LIMIT :newest"
_POSTGRESQL = "SELECT id FROM search WHERE words @@ to_tsquery('simple', :wanted) ORDER BY id DESC LIMIT :newest"
_STEPS = {"messages": 0, "outbox": 1, "notes": 2}
# SQLite's index is told the words that it shall forget, as they were given.
_WORDS = {
    "messages": "sender_name || ' ' || sender_email || ' ' || subject || ' ' || text",
    "outbox": "subject || ' ' || text",
    "notes": "text",
}
_WORD = re.compile(r"\w+")


def conversations(session: Session, words: str) -> Sequence[int]:
    """Ids of conversations where every word stands, as a word or its beginning, in one message, answer or note."""
    wanted = [_folded(word) for word in _WORD.findall(words)][:12]
    if not wanted:
        return ()
    if _is_postgresql(session):
        query, asked = _DOCUMENTS.format(found=_POSTGRESQL), " & ".join(f"'{word}':*" for word in wanted)
    else:
        query, asked = _DOCUMENTS.format(found=_SQLITE), " ".join(f'"{word}"*' for word in wanted)
    found = session.scalars(text(query), {"wanted": asked, "newest": NEWEST})
    return list(dict.fromkeys(int(one) for one in found if one is not None))


def forget(session: Session, table: str, row: int) -> None:
    """Take a row of ``messages``, ``outbox`` or ``notes`` out of the index, before its words are erased."""
    document = {"row": row, "document": row * 4 + _STEPS[table]}
    if _is_postgresql(session):
        session.execute(text("DELETE FROM search WHERE id = :document"), document)
        return
    is_indexed = " AND kind <> 'notification'" if table == "outbox" else ""
    session.execute(
        text(
            f"INSERT INTO search (search, rowid, words) SELECT 'delete', :document, {_WORDS[table]} "
            f"FROM {table} WHERE id = :row{is_indexed}"
        ),
        document,
    )


def make_anew(session: Session) -> None:
    """Fill SQLite's index again from nothing: what it was told to forget it only marks. PostgreSQL's has no such rests.

    Measured: 8 s for 330,000 messages and answers, in which others wait to write. For after an erasure.
    """
    if _is_postgresql(session):
        return
    session.execute(text("INSERT INTO search (search) VALUES ('delete-all')"))
    for table, words in _WORDS.items():
        is_indexed = " WHERE kind <> 'notification'" if table == "outbox" else ""
        session.execute(
            text(f"INSERT INTO search (rowid, words) SELECT id * 4 + {_STEPS[table]}, {words} FROM {table}{is_indexed}")
        )


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _folded(word: str) -> str:
    """Lower case without marks, as the index has it."""
    parts = unicodedata.normalize("NFKD", word.lower().replace("ø", "o"))
    return "".join(part for part in parts if not unicodedata.combining(part))
