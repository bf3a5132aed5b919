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
from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    column,
    delete,
    func,
    literal_column,
    select,
    table,
    text,
    true,
)
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

# Words are common that stand in more than this part of the documents, where there are more than so many.
SAMPLE, COMMON = 1_000, 0.006
# So many documents with the words are taken, the newest first, in steps: most who search find enough among the first.
# Whoever goes on beyond the last is told that there are more. The first step is for PostgreSQL, which looks at one
# document after the other until so many hold the words.
STEPS = (80, 400, 4_000, 40_000)
# So many cases at a time, at first.
CASES = 200
# SQLite's index of words goes through all documents between the first and the last. Where at most one of so many is
# asked for, and they are no more than so many, it is quicker to read what these say.
SPARSE, MOST_READ = 100, 2_000
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
    """Conversations (ids), with the newest document (id) of each that holds the words. ``is_cut``: there may be more,
    among what was not looked through. ``is_by_case``: the newest conversation is the first, else the newest document's.
    """

    documents: Mapping[int, int]
    is_cut: bool = False
    is_by_case: bool = False


def terms(words: str) -> tuple[Term, ...]:
    """What somebody asks for, as the index has it."""
    found: list[Term] = []
    for quoted, plain in _PARTS.findall(unicodedata.normalize("NFC", words)):
        if quoted:
            if phrase := tuple(_WORD.findall(fold(quoted))):
                found.append(Term(phrase, is_open=False))
            continue
        written = _WORD.findall(fold(plain))
        if "@" in plain and len(written) > 1:
            # Of an address each part alone is common.
            found.append(Term(tuple(written), is_open=len(written[-1]) >= SHORTEST_BEGINNING))
        else:
            found += map(_open, written)
    return tuple(dict.fromkeys(found))[:_MOST_TERMS]


def _open(word: str) -> Term:
    stem = _STEMMER.stemWord(word)
    if len(stem) >= SHORTEST_STEM and word.startswith(stem):
        return Term((stem,), is_open=True)
    return Term((word,), is_open=len(word) >= SHORTEST_BEGINNING)


def conversations(
    session: Session, wanted: Sequence[Term], *conditions: ColumnElement[bool], most: int, is_narrowed: bool = True
) -> Found:
    """The ``most`` conversations, of those for which ``conditions`` hold, in which all is found in one document: a
    message, an answer, a note or the name of a file.

    Those with the newest such document come first; the newest conversation first where the words are common and the
    conditions leave out most (``is_narrowed``). Which way is quick depends on that: from the words to the cases, from
    the newest texts on, or from the cases to the words.
    """
    last = session.scalar(select(func.max(SearchDocument.id))) or 0
    # SQLite's index gives the newest first, however many there are.
    is_common = _is_common(session, wanted, last) if is_narrowed or _is_postgresql(session) else True
    if is_common and is_narrowed:
        return _among_cases(session, wanted, conditions, most)
    found: dict[int, int] = {}
    for step in STEPS[-1:] if is_narrowed else STEPS if is_common and _is_postgresql(session) else STEPS[1:]:
        newest = _holding(session, wanted, 0, last, is_common=is_common)
        held = newest.order_by(column("document").desc()).limit(step).cte("held")
        held = held.prefix_with("MATERIALIZED", dialect="sqlite")
        looked = select(func.min(held.c.document), func.count()).select_from(held).subquery()
        latest = func.max(SearchDocument.id)
        chosen = (
            select(SearchDocument.conversation_id, latest.label("latest"))
            .select_from(held)
            .join(SearchDocument, SearchDocument.id == held.c.document)
            .where(_is_of(*conditions))
            .group_by(SearchDocument.conversation_id)
            .order_by(latest.desc())
            .limit(most + len(found))
            .subquery()
        )
        rows = session.execute(
            select(*looked.c, *chosen.c).select_from(looked).outerjoin(chosen, true()).order_by(chosen.c.latest.desc())
        ).all()
        since, count = rows[0][:2]
        for _, _, conversation, document in rows:
            if conversation is not None:
                found.setdefault(conversation, document)
        if count < step or len(found) >= most:
            return Found(dict(list(found.items())[:most]))
        last = since - 1
    return Found(found, is_cut=True)


def _is_of(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of a document: its conversation is one for which these hold. Said so that the databases go from the document to
    the conversation, and not through all conversations of a year.
    """
    its = select(Conversation.id).where(Conversation.id == SearchDocument.conversation_id, *conditions)
    return its.correlate(SearchDocument).exists()


def _is_common(session: Session, wanted: Sequence[Term], last: int) -> bool:
    """Whether the words stand in more than ``COMMON`` of all documents: SQLite counts them up to that, PostgreSQL asks
    some here and there.
    """
    if not _is_postgresql(session):
        most = max(SAMPLE, int(last * COMMON))
        counted = _holding(session, wanted, 0, last, is_common=True).limit(most).subquery()
        return (session.scalar(select(func.count()).select_from(counted)) or 0) >= most
    if last <= SAMPLE:
        return False
    here_and_there = select(func.generate_series(1, last, last // SAMPLE))
    held = _holding(session, wanted, 0, last, is_common=True).where(_INDEX.c.id.in_(here_and_there)).subquery()
    return (session.scalar(select(func.count()).select_from(held)) or 0) >= SAMPLE * COMMON


def _among_cases(
    session: Session, wanted: Sequence[Term], conditions: Sequence[ColumnElement[bool]], most: int
) -> Found:
    """From the newest case on, some at a time: among so many texts that hold a common word there are soon enough."""
    found: dict[int, int] = {}
    last, step = session.scalar(select(func.max(Conversation.id))) or 0, CASES
    while True:
        nearest = (
            select(Conversation.id)
            .where(*conditions, Conversation.id <= last)
            .order_by(Conversation.id.desc())
            .limit(step)
            .subquery()
        )
        ends = select(func.min(nearest.c.id), func.max(nearest.c.id), func.count()).select_from(nearest)
        first, newest_case, count = session.execute(ends).one()
        if count:
            found |= _of_cases(session, wanted, (Conversation.id.between(first, newest_case), *conditions))
        if len(found) >= most or count < step:
            return Found(dict(list(found.items())[:most]), is_by_case=True)
        last, step = first - 1, step * 4


def _of_cases(session: Session, wanted: Sequence[Term], conditions: Sequence[ColumnElement[bool]]) -> Mapping[int, int]:
    """Those of these cases in which all of it stands, the newest first, with the newest document that says so."""
    newest = func.max(SearchDocument.id).label("newest")
    theirs = select(SearchDocument.conversation_id, newest).join(
        Conversation, Conversation.id == SearchDocument.conversation_id
    )
    theirs = theirs.where(*conditions)
    if _is_postgresql(session):
        held = theirs.join(_INDEX, _INDEX.c.id == SearchDocument.id).where(_stands(wanted).is_(true()))
    else:
        ends = (func.count(SearchDocument.id), func.min(SearchDocument.id), newest)
        count, since, until = session.execute(theirs.with_only_columns(*ends)).one()
        if not count:
            return {}
        if count <= MOST_READ and count * SPARSE < until - since:
            held = theirs.where(SearchDocument.id.in_(_read(session, wanted, theirs)))
        else:
            here = _holding(session, wanted, since, until, is_common=True).subquery()
            held = theirs.join(here, here.c.document == SearchDocument.id)
    case = SearchDocument.conversation_id
    return {row.conversation_id: row.newest for row in session.execute(held.group_by(case).order_by(case.desc()))}


def _read(session: Session, wanted: Sequence[Term], documents: Select[int, int]) -> list[int]:
    """Those of these documents whose text, when it is read, has all of it."""
    places: dict[str, dict[int, int]] = defaultdict(dict)
    columns = (SearchDocument.id, SearchDocument.source, SearchDocument.row_id)
    for document, source, row_id in session.execute(documents.with_only_columns(*columns)):
        places[source][row_id] = document
    held: list[int] = []
    for source, rows in places.items():
        query = text(f"SELECT id, {_WORDS[source]} FROM {source} WHERE id IN :rows")
        texts = session.execute(query.bindparams(bindparam("rows", list(rows), expanding=True)))
        held += [rows[row_id] for row_id, written in texts if holds(written, wanted)]
    return held


def _holding(session: Session, wanted: Sequence[Term], since: int, until: int, *, is_common: bool) -> Select[int]:
    """The documents (ids, within these) in which all of it stands. PostgreSQL, which guesses badly how common the
    beginning of a word is, looks at one document after the other where ``is_common``, and else in its index of words.
    """
    if _is_postgresql(session):
        stands = _stands(wanted)
        key: ColumnElement[int] = _INDEX.c.id if is_common else _INDEX.c.id + literal_column("0")
        return select(key.label("document")).where(
            stands.is_(true()) if is_common else stands, key.between(since, until)
        )
    matches = literal_column("search").op("MATCH")(" ".join(map(_for_sqlite, wanted)))
    return select(_INDEX.c.rowid.label("document")).where(matches, _INDEX.c.rowid.between(since, until))


def _stands(wanted: Sequence[Term]) -> ColumnElement[bool]:
    """For PostgreSQL: all of it stands in a document."""
    return _INDEX.c.words.op("@@")(func.to_tsquery("simple", " & ".join(map(_for_postgresql, wanted))))


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
    folded = fold(unicodedata.normalize("NFC", written))
    # Most hold not even the letters, and are soon told.
    return all(term.words[0] in folded for term in wanted) and all(re.search(_pattern(term), folded) for term in wanted)


def _hits(written: str, wanted: Sequence[Term]) -> list[tuple[int, int, int]]:
    """Where each term stands in a text: from, to, which term; the first hundred of each."""
    folded, found = fold(written), []
    for number, term in enumerate(wanted):
        places = re.finditer(_pattern(term), folded)
        found += [(place.start(), place.end(), number) for place, _ in zip(places, range(100), strict=False)]
    return sorted(found)


def _pattern(term: Term) -> str:
    """Where it stands in a folded text."""
    end = r"[^\W_]*" if term.is_open else r"(?![^\W_])"
    return r"(?<![^\W_])" + r"[\W_]+".join(map(re.escape, term.words)) + end


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
