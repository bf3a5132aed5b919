"""Versions of the texts: import what the files say, approve, and say which version is active.

The store holds one truth: every text that was ever shown is a numbered revision, and an approval belongs to a revision.
A file changes a text only where the store's newest revision still is what the file said last time; where both have
changed it is a conflict, the store's revision stays, and the conflict is shown until somebody settles it.

What an administration is called and how it is reached is a text too: its revisions are kept as ``administration:<id>``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot.model import Administration, Article, ArticleText, Knowledge, Perishable, Source, UserError
from lokbot.store import queries
from lokbot.store.schema import ArticleImport, ArticleRevision
from lokbot.store.session import take_turns

ADMINISTRATION = "administration:"


class NotPublishable(UserError):
    """The text cannot be approved; the message says why, in words for a coordinator."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. Each entry is (article, language)."""

    new: tuple[tuple[str, str], ...]
    changed: tuple[tuple[str, str], ...]
    conflicts: tuple[tuple[str, str], ...]


# ------------------------------------------------------------------ import


class Step(StrEnum):
    """What an import does with one text."""

    NEW = "new"
    SAME = "same"
    CHANGED = "changed"
    CONFLICT = "conflict"


def import_knowledge(
    session: Session, knowledge: Knowledge, *, now: datetime, take: str | None = None, keep: str | None = None
) -> Imported:
    """Make revisions of what the files say anew. ``take`` and ``keep`` name an article whose conflict is settled:
    the file shall win, or the store's revision shall stay.
    """
    take_turns(session, "import")
    newest, approvals = _newest(session), _approvals(session)
    imports = {(row.article, row.language): row for row in session.scalars(select(ArticleImport))}
    steps: dict[Step, list[tuple[str, str]]] = {step: [] for step in Step}
    for key, text in _texts(knowledge).items():
        digest = _digest(text.content)
        if _is_left_from_another(text, digest, approvals.get(key, ())):
            text = replace(text, approved_by=None, approved_on=None)
        known, last = newest.get(key), imports.get(key)
        step = _step(digest, known.digest if known else None, last.digest if last else None)
        if step is Step.CONFLICT and key[0] in (take, keep):
            step = Step.CHANGED if key[0] == take else Step.SAME
        steps[step].append(key)
        if step is Step.CONFLICT and last is not None:
            last.conflict = text.content
            continue
        if step in (Step.NEW, Step.CHANGED):
            _add(session, key, text, digest, version=known.version + 1 if known else 1, now=now)
        elif known and digest == known.digest and text.approved_by and known.approved_by is None:
            known.approved_by, known.approved_on = text.approved_by, text.approved_on
        if last is None:
            session.add(ArticleImport(article=key[0], language=key[1], digest=digest, imported_at=now))
        elif last.digest != digest or last.conflict is not None:
            last.digest, last.conflict, last.imported_at = digest, None, now
    if steps[Step.NEW] or steps[Step.CHANGED]:
        changed = [list(key) for key in steps[Step.CHANGED]]
        queries.record(session, "imported", actor="files", now=now, new=len(steps[Step.NEW]), changed=changed)
    return Imported(tuple(steps[Step.NEW]), tuple(steps[Step.CHANGED]), tuple(steps[Step.CONFLICT]))


def _is_left_from_another(text: _Text, digest: str, approvals: Sequence[ArticleRevision]) -> bool:
    """Whether the file's approval is the one of an earlier text: whoever edits an answer in its file may leave
    ``approved_by`` as it stood, and has not approved anything by that.
    """
    digests = {
        approved.digest
        for approved in approvals
        if (approved.approved_by, approved.approved_on) == (text.approved_by, text.approved_on)
    }
    return bool(digests) and digest not in digests


def _step(file: str, store: str | None, last: str | None) -> Step:
    """Merge one text by three digests: what the file says, the store's newest revision, the file at the last import."""
    if store is None:
        return Step.NEW
    if file in (store, last):
        return Step.SAME
    if last is not None and store != last:
        return Step.CONFLICT
    return Step.CHANGED


def conflicts(session: Session) -> Sequence[ArticleImport]:
    """Texts that have changed both in their file and in the store."""
    rows = session.scalars(select(ArticleImport).order_by(ArticleImport.article, ArticleImport.language))
    return [row for row in rows if row.conflict is not None]


@dataclass(frozen=True, slots=True)
class Difference:
    """A text whose file and newest revision say different things. ``store`` is None where the store has none."""

    article: str
    language: str
    store: dict[str, Any] | None
    file: dict[str, Any]
    is_conflict: bool


def differences(session: Session, knowledge: Knowledge) -> tuple[Difference, ...]:
    """Where the files and the store's newest revisions differ, before an import or in a conflict."""
    newest = _newest(session)
    torn = {(row.article, row.language) for row in conflicts(session)}
    found = []
    for key, text in _texts(knowledge).items():
        known = newest.get(key)
        if known is None or known.digest != _digest(text.content):
            found.append(Difference(*key, known.content if known else None, text.content, key in torn))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Text:
    content: dict[str, Any]
    approved_by: str | None
    approved_on: date | None


def _texts(knowledge: Knowledge) -> dict[tuple[str, str], _Text]:
    texts = {}
    for article in knowledge.articles.values():
        for language, text in article.texts.items():
            texts[article.id, language] = _Text(_content(article, text), text.approved_by, text.approved_on)
    for owner in knowledge.administrations.values():
        texts[ADMINISTRATION + owner.id, "sv"] = _Text(_pointer(owner), owner.approved_by, owner.approved_on)
    return texts


def _content(article: Article, text: ArticleText) -> dict[str, Any]:
    """Everything that is shown, or decides whose matter it is. Checks and review dates are not the text's own."""
    return {
        "topic": article.topic,
        "administration": article.administration,
        "responsible": article.responsible,
        "sources": [{"title": source.title, "url": source.url, "date": source.date} for source in article.sources],
        "as_of": article.as_of,
        "perishable": sorted(article.perishable),
        "questions": list(text.questions),
        "answer": text.answer,
        "short": text.short,
    }


def _pointer(owner: Administration) -> dict[str, Any]:
    return {
        "kind": str(owner.kind),
        "name": {"sv": owner.name.sv, "en": owner.name.en},
        "matters": {"sv": owner.matters.sv, "en": owner.matters.en},
        "contact": {"sv": owner.contact.sv, "en": owner.contact.en},
        "url": owner.url,
    }


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _add(
    session: Session,
    key: tuple[str, str],
    text: _Text,
    digest: str,
    *,
    version: int,
    now: datetime,
    by: str = "files",
) -> None:
    session.add(
        ArticleRevision(
            article=key[0],
            language=key[1],
            version=version,
            digest=digest,
            content=text.content,
            created_by=by,
            created_at=now,
            approved_by=text.approved_by,
            approved_on=text.approved_on,
        )
    )
    session.flush()


def _newest(session: Session, *, approved_only: bool = False) -> dict[tuple[str, str], ArticleRevision]:
    query = select(ArticleRevision).order_by(ArticleRevision.version)
    if approved_only:
        query = query.where(ArticleRevision.approved_by.is_not(None))
    return {(revision.article, revision.language): revision for revision in session.scalars(query)}


def _approvals(session: Session) -> dict[tuple[str, str], list[ArticleRevision]]:
    found: dict[tuple[str, str], list[ArticleRevision]] = {}
    for revision in session.scalars(select(ArticleRevision).where(ArticleRevision.approved_by.is_not(None))):
        found.setdefault((revision.article, revision.language), []).append(revision)
    return found


# ------------------------------------------------------------------ the active knowledge


def active(session: Session, knowledge: Knowledge, *, prefer_approved: bool) -> Knowledge:
    """``knowledge`` with each text in its active revision, and that revision's number and approval.

    With ``prefer_approved`` (what answers real people) the newest approved revision wins over a newer draft; without
    it the newest does. A draft is active where nothing is approved: it can be suggested, never sent by itself.
    """
    revisions = _newest(session)
    if prefer_approved:
        revisions |= _newest(session, approved_only=True)
    articles = {
        article.id: _with_revisions(
            article, {language: revisions.get((article.id, language)) for language in article.texts}
        )
        for article in knowledge.articles.values()
    }
    owners = {}
    for owner in knowledge.administrations.values():
        revision = revisions.get((ADMINISTRATION + owner.id, "sv"))
        # A pointer has no history of its own to fall back on: its approval holds for what the file says now, or not.
        is_same = revision is not None and revision.digest == _digest(_pointer(owner))
        owners[owner.id] = replace(
            owner,
            approved_by=revision.approved_by if revision and is_same else None,
            approved_on=revision.approved_on if revision and is_same else None,
        )
    used = sorted(text.revision_id or 0 for article in articles.values() for text in article.texts.values())
    digest = hashlib.sha256(f"{knowledge.digest}{used}".encode()).hexdigest()
    return replace(knowledge, articles=articles, administrations=owners, digest=digest)


def _with_revisions(article: Article, revisions: Mapping[str, ArticleRevision | None]) -> Article:
    texts = {
        language: _with_revision(text, revision) if (revision := revisions.get(language)) else text
        for language, text in article.texts.items()
    }
    main = revisions.get("sv")
    if main is None:
        return replace(article, texts=texts)
    shown = main.content
    return replace(
        article,
        texts=texts,
        topic=shown["topic"],
        administration=shown["administration"],
        responsible=shown["responsible"],
        sources=tuple(Source(**source) for source in shown["sources"]),
        as_of=shown["as_of"],
        perishable=frozenset(Perishable(kind) for kind in shown["perishable"]),
    )


def _with_revision(text: ArticleText, revision: ArticleRevision) -> ArticleText:
    return replace(
        text,
        questions=tuple(revision.content["questions"]),
        answer=revision.content["answer"],
        short=revision.content["short"],
        approved_by=revision.approved_by,
        approved_on=revision.approved_on,
        version=revision.version,
        revision_id=revision.id,
    )


# ------------------------------------------------------------------ approval


def approve(
    session: Session, article: str, *, by: str, language: str = "sv", now: datetime, today: date
) -> ArticleRevision:
    """A named city employee approves the newest revision of a text; it may be sent by itself from now on."""
    if not by.strip():
        raise NotPublishable("Ange vem som godkänner: --by ”Förnamn Efternamn”.")
    revision = _newest(session).get((article, language))
    if revision is None:
        raise NotPublishable(f"Det finns ingen artikel ”{article}” på språket ”{language}”.")
    if revision.approved_by is None:
        revision.approved_by, revision.approved_on = by.strip(), today
        queries.record(
            session, "approved", actor=by.strip(), now=now, article=article, language=language, version=revision.version
        )
    return revision


def drafts(session: Session, knowledge: Knowledge) -> tuple[tuple[Article, str], ...]:
    """Articles and languages whose newest revision nobody has approved, those to approve first at the front."""
    newest = _newest(session)
    waiting = [
        (article, language)
        for article in knowledge.articles.values()
        for language in article.texts
        if (revision := newest.get((article.id, language))) is not None and revision.approved_by is None
    ]
    return tuple(sorted(waiting, key=lambda entry: (entry[0].approve_first is None, entry[1] != "sv", entry[0].id)))


def history(session: Session, article: str) -> Sequence[ArticleRevision]:
    """Every revision of an article, oldest first, all languages."""
    return session.scalars(
        select(ArticleRevision)
        .where(ArticleRevision.article == article)
        .order_by(ArticleRevision.language, ArticleRevision.version)
    ).all()
