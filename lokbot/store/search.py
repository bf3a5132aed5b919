"""Search in what was written: the database's own index of words (migration 0020 makes it), one way to ask it, and what
it found, marked.

An index of words is asked for a word's stem and whatever follows: "föreningarna" finds "förening", "foreningens" and
"föreningsbidrag". Words within quotation marks stand as they are written, one after the other.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import Stemmer
from sqlalchemy import ColumnElement, Select, column, delete, func, literal_column, select, table, text
from sqlalchemy.orm import Session

from lokbot.store.schema import (
    Base,
    Conversation,
    Message,
    MessageAttachment,
    Note,
    OutboxAttachment,
    OutboxItem,
    SearchDocument,
)

# So many documents are looked through, the newest first, in steps: most who search find enough among the first. A word
# that stands in more of them needs another beside it, and whoever asks is told so.
STEPS = (500, 4_000, 40_000)
# So short a stem would begin too many other words.
SHORTEST_STEM, SHORTEST_BEGINNING = 4, 3
# So many characters are shown of where words were found.
EXCERPT = 160
_MOST_TERMS = 12

# How the words of a document are said in SQL, over its row: SQLite's index is told the words that it shall forget.
_WORDS = {
    "messages": "sender_name || ' ' || sender_email || ' ' || subject || ' ' || text",
    "outbox": "subject || ' ' || text",
    "notes": "text",
    "message_attachments": "name",
    "outbox_attachments": "name",
}
SOURCES = tuple(_WORDS)
_INDEX = table("search", column("id"), column("rowid"), column("words"))
_PARTS = re.compile(r"[\"”“](.*?)[\"”“]|(\S+)")
_WORD = re.compile(r"[^\W_]+")
_STEMMER = Stemmer.Stemmer("swedish")


@dataclass(frozen=True, slots=True)
class Term:
    """What must stand in a document: words after each other, folded; the last only begins so where ``is_open``."""

    words: tuple[str, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Where words were found: ``source`` is a table's name, or ``association``, ``contact`` or ``case``; ``parts`` are
    the text in pieces, each with whether it is what was asked for.
    """

    source: str
    parts: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Conversations (ids) by their newest document (id) that holds the words. ``is_cut``: there may be more, among what
    was not looked through.
    """

    documents: Mapping[int, int]
    is_cut: bool = False


def terms(words: str) -> tuple[Term, ...]:
    """What somebody asks for, as the index has it."""
    found: list[Term] = []
    for quoted, plain in _PARTS.findall(unicodedata.normalize("NFC", words)):
        if quoted:
            if phrase := tuple(_WORD.findall(fold(quoted))):
                found.append(Term(phrase, is_open=False))
            continue
        found += [_open(word) for word in _WORD.findall(fold(plain))]
    return tuple(dict.fromkeys(found))[:_MOST_TERMS]


def _open(word: str) -> Term:
    stem = _STEMMER.stemWord(word)
    if len(stem) >= SHORTEST_STEM and word.startswith(stem):
        return Term((stem,), is_open=True)
    return Term((word,), is_open=len(word) >= SHORTEST_BEGINNING)


def conversations(
    session: Session, wanted: Sequence[Term], *conditions: ColumnElement[bool], most: int, steps: Sequence[int] = STEPS
) -> Found:
    """The ``most`` conversations, of those for which ``conditions`` hold, in which all is found in one document: a
    message, an answer, a note or the name of a file. Those with the newest such document come first.
    """
    found: dict[int, int] = {}
    until = session.scalar(select(func.max(SearchDocument.id))) or 0
    for step in steps:
        newest = _holding(session, wanted, 0, until).order_by(column("document").desc()).limit(step).subquery()
        since, count = session.execute(select(func.min(newest.c.document), func.count()).select_from(newest)).one()
        if not count:
            return Found(found)
        within = _holding(session, wanted, since, until).subquery()
        latest = func.max(SearchDocument.id)
        rows = session.execute(
            select(SearchDocument.conversation_id, latest)
            .select_from(within)
            .join(SearchDocument, SearchDocument.id == within.c.document)
            .join(Conversation, Conversation.id == SearchDocument.conversation_id)
            .where(*conditions)
            .group_by(SearchDocument.conversation_id)
            .order_by(latest.desc())
            .limit(most + len(found))
        )
        for conversation, document in rows:
            found.setdefault(conversation, document)
        if count < step or len(found) >= most:
            return Found(dict(list(found.items())[:most]))
        until = since - 1
    return Found(found, is_cut=True)


def _holding(session: Session, wanted: Sequence[Term], since: int, until: int) -> Select[int]:
    """The documents (ids, within these) in which all of it stands."""
    if _is_postgresql(session):
        key = _INDEX.c.id
        holds = _INDEX.c.words.op("@@")(func.to_tsquery("simple", " & ".join(map(_for_postgresql, wanted))))
    else:
        key = _INDEX.c.rowid
        holds = literal_column("search").op("MATCH")(" ".join(map(_for_sqlite, wanted)))
    return select(key.label("document")).where(holds, key.between(since, until))


def _for_postgresql(term: Term) -> str:
    end = ":*" if term.is_open else ""
    words = " <-> ".join(f"'{word}'" for word in term.words)
    return f"({words}{end})"


def _for_sqlite(term: Term) -> str:
    return f'"{" ".join(term.words)}"{"*" if term.is_open else ""}'


# ------------------------------------------------------------------ what it looked like


def excerpts(session: Session, documents: Collection[int], wanted: Sequence[Term]) -> Mapping[int, Excerpt]:
    """Of each document (id): the part that says most of what was asked for. What has been erased says nothing."""
    places: dict[str, dict[int, int]] = defaultdict(dict)
    for one in session.scalars(select(SearchDocument).where(SearchDocument.id.in_(documents))):
        places[one.source][one.row_id] = one.id
    return {
        places[source][row_id]: found
        for source, rows in places.items()
        for row_id, texts in _texts(session, source, rows)
        if (found := excerpt(source, texts, wanted)) is not None
    }


def _texts(session: Session, source: str, rows: Collection[int]) -> Iterator[tuple[int, Sequence[str]]]:
    """The texts of these rows, the likeliest first."""
    columns: Mapping[str, tuple[type[Base], Sequence[str]]] = {
        "messages": (Message, ("new_text", "subject", "sender_name", "sender_email", "text")),
        "outbox": (OutboxItem, ("text", "subject")),
        "notes": (Note, ("text",)),
        "message_attachments": (MessageAttachment, ("name",)),
        "outbox_attachments": (OutboxAttachment, ("name",)),
    }
    kind, names = columns[source]
    query = select(literal_column(f"{kind.__tablename__}.id"), *(getattr(kind, name) for name in names))
    for row_id, *texts in session.execute(query.where(literal_column(f"{kind.__tablename__}.id").in_(rows))):
        yield row_id, texts


def excerpt(source: str, texts: Sequence[str], wanted: Sequence[Term]) -> Excerpt | None:
    """The part of these texts that says most of what is wanted, the first where two say as much; None where nothing
    does. Pure.
    """
    best: tuple[int, str, list[tuple[int, int]]] | None = None
    for one in texts:
        hits = _hits(one, wanted)
        if not hits:
            continue
        start, count = max(
            (
                (at, len({term for begun, ended, term in hits if at <= begun and ended <= at + EXCERPT}))
                for at, _, _ in hits
            ),
            key=lambda pair: (pair[1], -pair[0]),
        )
        if best is None or count > best[0]:
            best = count, *_cut(one, start, [(begun, ended) for begun, ended, _ in hits])
    return Excerpt(source, tuple(_pieces(best[1], best[2]))) if best else None


def holds(written: str, wanted: Sequence[Term]) -> bool:
    """Whether all that is wanted stands in a text. Pure."""
    return len({term for _, _, term in _hits(written, wanted)}) == len(wanted)


def _hits(written: str, wanted: Sequence[Term]) -> list[tuple[int, int, int]]:
    """Where each term stands in a text: from, to, which term; the first hundred of each."""
    folded, found = fold(written), []
    for number, term in enumerate(wanted):
        end = r"[^\W_]*" if term.is_open else r"(?![^\W_])"
        places = re.finditer(r"(?<![^\W_])" + r"[\W_]+".join(map(re.escape, term.words)) + end, folded)
        found += [(place.start(), place.end(), number) for place, _ in zip(places, range(100), strict=False)]
    return sorted(found)


def _cut(written: str, start: int, hits: Sequence[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """Some words around what begins at ``start``, on one line, and where the hits are in that."""
    first = max(0, start - EXCERPT // 4)
    last = min(len(written), first + EXCERPT)
    if first:
        first = min(start, written.find(" ", first, start) + 1 or start)
    if last < len(written):
        longest = max((ended for begun, ended in hits if begun < last), default=last)
        space = written.rfind(" ", start, last)
        last = max(longest, space) if space > start else max(longest, last)
    before, after = "… " if first else "", " …" if last < len(written) else ""
    inside = [
        (max(begun, first) - first + len(before), min(ended, last) - first + len(before))
        for begun, ended in hits
        if begun < last and ended > first
    ]
    return before + re.sub(r"\s", " ", written[first:last]) + after, inside


def _pieces(line: str, hits: Sequence[tuple[int, int]]) -> Iterator[tuple[str, bool]]:
    at = 0
    for begun, ended in sorted(hits):
        if begun < at:
            continue  # one word that two terms mean
        if begun > at:
            yield line[at:begun], False
        yield line[begun:ended], True
        at = ended
    if at < len(line):
        yield line[at:], False


# ------------------------------------------------------------------ forgetting


def forget(session: Session, source: str, row: int) -> None:
    """Take a row of ``SOURCES`` out of the index, before its words are erased."""
    known = select(SearchDocument.id).where(SearchDocument.source == source, SearchDocument.row_id == row)
    document = session.scalar(known)
    if document is None:
        return
    if _is_postgresql(session):
        session.execute(text("DELETE FROM search WHERE id = :document"), {"document": document})
    else:
        session.execute(
            text(
                f"INSERT INTO search (search, rowid, words) SELECT 'delete', :document, {_indexed(source)} "
                f"FROM {source} WHERE id = :row"
            ),
            {"row": row, "document": document},
        )
    session.execute(delete(SearchDocument).where(SearchDocument.id == document))


def make_anew(session: Session) -> None:
    """Fill SQLite's index again from nothing: what it was told to forget it only marks. PostgreSQL's has no such rests.

    Measured: 9 s for 400,000 messages and answers, in which others wait to write. For after an erasure.
    """
    if _is_postgresql(session):
        return
    session.execute(text("INSERT INTO search (search) VALUES ('delete-all')"))
    for source in SOURCES:
        session.execute(
            text(
                f"INSERT INTO search (rowid, words) SELECT search_documents.id, {_indexed(source)} "
                f"FROM search_documents JOIN {source} ON {source}.id = search_documents.row_id "
                f"WHERE search_documents.source = '{source}'"
            )
        )


def _indexed(source: str) -> str:
    """The words of a row as SQLite's index was given them: with the letters that its tokenizer leaves whole written as
    people without them do.
    """
    words = _WORDS[source]
    for letter, plain in (("ø", "o"), ("Ø", "o"), ("æ", "a"), ("Æ", "a")):
        words = f"replace({words}, '{letter}', '{plain}')"
    return words


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _plain_letters() -> dict[int, str]:
    """Each letter with marks, or of the upper case, to one without; never two for one, so that places stay."""
    found: dict[int, str] = {}
    for code in (*range(0x41, 0x5B), *range(0xC0, 0x250), *range(0x370, 0x530), *range(0x1E00, 0x1F00)):
        parts = [part for part in unicodedata.normalize("NFKD", chr(code).lower()) if not unicodedata.combining(part)]
        if len(parts) == 1 and parts[0] != chr(code):
            found[code] = parts[0]
    return found | dict(zip(map(ord, "øæØÆ"), "oaoa", strict=True))


_PLAIN = _plain_letters()


def fold(written: str) -> str:
    """Lower case without marks, as the index has it, letter for letter."""
    return written.translate(_PLAIN)
