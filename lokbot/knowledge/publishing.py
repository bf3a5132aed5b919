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
from lokbot.store.schema import ArticleCare, ArticleImport, ArticleRevision
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
    knowledge = _with_care(session, _with_own(session, knowledge, revisions))
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
    care = [care_of(article) for article in articles.values()]
    digest = hashlib.sha256(f"{knowledge.digest}{used}{care}".encode()).hexdigest()
    return replace(knowledge, articles=articles, administrations=owners, digest=digest)


def _with_own(session: Session, knowledge: Knowledge, newest: Mapping[tuple[str, str], ArticleRevision]) -> Knowledge:
    """``knowledge`` with the texts that were written in the desk and stand in no file yet. A text that was imported
    once and whose file is gone was taken away there, and stays away.
    """
    rows = session.execute(select(ArticleImport.article, ArticleImport.language))
    imported = {(name, language) for name, language in rows}
    articles = dict(knowledge.articles)
    # Swedish first: a translation belongs to an article.
    for name, language in sorted(newest.keys() - imported, key=lambda key: (key[1] != "sv", key)):
        revision, article = newest[name, language], articles.get(name)
        if name.startswith(ADMINISTRATION) or (article is not None and language in article.texts):
            continue
        text = _with_revision(ArticleText(language, (), ""), revision)
        if article is not None:
            articles[name] = replace(article, texts={**article.texts, language: text})
        elif language == "sv":
            shown = revision.content
            blank = Article(name, shown["topic"], shown["administration"], shown["responsible"], {language: text}, ())
            articles[name] = _with_revisions(blank, {language: revision})
    return replace(knowledge, articles=articles)


# ------------------------------------------------------------------ what is kept beside the texts


def care_of(article: Article) -> dict[str, Any]:
    """What is kept of an article beside its texts, as plain values."""

    def written(day: date | None) -> str | None:
        return day.isoformat() if day else None

    return {
        "checked_on": written(article.checked_on),
        "link_checked_on": written(article.link_checked_on),
        "review_by": written(article.review_by),
        "wordings": {language: list(found) for language, found in sorted(article.wordings.items())},
        "near_misses": list(article.near_misses),
    }


def _with_care(session: Session, knowledge: Knowledge) -> Knowledge:
    """What the desk has set holds until the file says something that the desk has not seen there, field by field."""
    articles = dict(knowledge.articles)
    for row in session.scalars(select(ArticleCare)):
        article = articles.get(row.article)
        if article is not None:
            file = care_of(article)
            is_seen = {field: _stamp(value) in row.seen[field] for field, value in file.items()}
            care = {field: row.content[field] if is_seen[field] else value for field, value in file.items()}
            articles[article.id] = _cared(article, care)
    return replace(knowledge, articles=articles)


def _stamp(value: object) -> str:
    return _digest({"value": value})[:16]


def _cared(article: Article, care: Mapping[str, Any]) -> Article:
    def read(day: str | None) -> date | None:
        return date.fromisoformat(day) if day else None

    return replace(
        article,
        checked_on=read(care["checked_on"]),
        link_checked_on=read(care["link_checked_on"]),
        review_by=read(care["review_by"]),
        wordings={language: tuple(found) for language, found in care["wordings"].items()},
        near_misses=tuple(care["near_misses"]),
    )


def last_care(session: Session, article: str) -> ArticleCare | None:
    """What the desk has set of an article beside its texts, and who did so last."""
    return session.get(ArticleCare, article)


def save_care(session: Session, before: Article | None, after: Article, *, by: str, now: datetime) -> bool:
    """Keep what ``after`` says beside its texts; gives whether that is new. It holds at once: it is told to nobody."""
    care = care_of(after)
    old = care_of(before) if before else care_of(replace(after, **_NO_CARE))
    row = session.get(ArticleCare, after.id)
    if care == (row.content if row else old) and care == old:
        return False
    known = row.seen if row else {}
    seen = {field: sorted({*known.get(field, ()), _stamp(old[field]), _stamp(value)}) for field, value in care.items()}
    session.merge(ArticleCare(article=after.id, content=care, seen=seen, changed_by=by, changed_at=now))
    queries.record(session, "cared", actor=by, now=now, article=after.id)
    return True


_NO_CARE: dict[str, Any] = {
    "checked_on": None,
    "link_checked_on": None,
    "review_by": None,
    "wordings": {},
    "near_misses": (),
}


# ------------------------------------------------------------------ writing


class ChangedMeanwhile(NotPublishable):
    """Somebody saved another version after the form was opened. ``newest`` is theirs."""

    def __init__(self, newest: ArticleRevision) -> None:
        super().__init__(
            "{name} har sparat version {number} under tiden. Läs den först.",
            name=newest.created_by,
            number=newest.version,
        )
        self.newest = newest


def save_draft(
    session: Session, article: Article, language: str, *, seen: int, by: str, now: datetime
) -> ArticleRevision:
    """A new revision of a text, approved by nobody; the newest one where it says the same already.

    ``seen`` is the version that was edited, 0 for none. Raises ChangedMeanwhile where another is the newest by now.
    """
    take_turns(session, "import")
    known = _newest(session).get((article.id, language))
    if known is not None and known.version != seen:
        raise ChangedMeanwhile(known)
    text = article.texts[language]
    content = _content(article, text)
    if known is not None and known.digest == _digest(content):
        return known
    found = _write(session, article, language, by=by, now=now)
    if language == "sv":
        # Whose matter it is and the sources stand once for all languages.
        for other in article.texts.keys() - {language}:
            _write(session, article, other, by=by, now=now)
    return found


def _write(session: Session, article: Article, language: str, *, by: str, now: datetime) -> ArticleRevision:
    key = (article.id, language)
    known = _newest(session).get(key)
    content = _content(article, article.texts[language])
    if known is not None and known.digest == _digest(content):
        return known
    version = known.version + 1 if known else 1
    _add(session, key, _Text(content, None, None), _digest(content), version=version, now=now, by=by)
    queries.record(session, "wrote", actor=by, now=now, article=article.id, language=language, version=version)
    return _newest(session)[key]


def roll_back(
    session: Session, revision: ArticleRevision, *, seen: int, by: str, name: str, now: datetime, today: date
) -> ArticleRevision:
    """An earlier version becomes the newest. One that was approved is so again, by ``name``; another is a draft."""
    take_turns(session, "import")
    key = (revision.article, revision.language)
    known = _newest(session)[key]
    if known.version != seen:
        raise ChangedMeanwhile(known)
    if known.id == revision.id:
        return known
    is_approved = revision.approved_by is not None
    text = _Text(revision.content, name if is_approved else None, today if is_approved else None)
    _add(session, key, text, revision.digest, version=known.version + 1, now=now, by=by)
    queries.record(
        session,
        "rolled-back",
        actor=by,
        now=now,
        article=key[0],
        language=key[1],
        version=known.version + 1,
        to=revision.version,
    )
    return _newest(session)[key]


def newest_of(session: Session, article: str, language: str) -> ArticleRevision | None:
    """The newest version of a text, approved or not."""
    return session.scalar(
        select(ArticleRevision)
        .where(ArticleRevision.article == article, ArticleRevision.language == language)
        .order_by(ArticleRevision.version.desc())
        .limit(1)
    )


def settle(session: Session, article: str, language: str, *, take: bool, by: str, now: datetime) -> None:
    """Settle a conflict: what the file says becomes the newest version, a draft, or the store's stays."""
    row = session.get(ArticleImport, (article, language))
    if row is None or row.conflict is None:
        raise NotPublishable("Konflikten är redan avgjord.")
    content, known = row.conflict, newest_of(session, article, language)
    if take:
        version = known.version + 1 if known else 1
        _add(
            session, (article, language), _Text(content, None, None), _digest(content), version=version, now=now, by=by
        )
    row.digest, row.conflict, row.imported_at = _digest(content), None, now
    queries.record(session, "settled-import", actor=by, now=now, article=article, language=language, take=take)


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
    session: Session,
    article: str,
    *,
    by: str,
    language: str = "sv",
    now: datetime,
    today: date,
    seen: int | None = None,
    not_by_writer: str | None = None,
) -> ArticleRevision:
    """A named city employee approves the newest revision of a text; it may be sent by itself from now on.

    ``seen`` is the version they have read; where a newer one has come, ChangedMeanwhile. ``not_by_writer`` is who asks,
    where a text must not be approved by whoever wrote it.
    """
    if not by.strip():
        raise NotPublishable("Ange vem som godkänner.", terminal="--by ”Förnamn Efternamn”")
    revision = _newest(session).get((article, language))
    if revision is None:
        raise NotPublishable(
            "Det finns ingen artikel ”{article}” på språket ”{language}”.", article=article, language=language
        )
    if seen is not None and revision.version != seen:
        raise ChangedMeanwhile(revision)
    if not_by_writer is not None and revision.created_by == not_by_writer:
        raise NotPublishable("Någon annan än den som skrev texten ska godkänna den. Be en kollega.")
    if revision.approved_by is None:
        revision.approved_by, revision.approved_on = by.strip(), today
        queries.record(
            session, "approved", actor=by.strip(), now=now, article=article, language=language, version=revision.version
        )
        if language == "sv":
            _approve_unchanged(session, article, by=by.strip(), now=now, today=today)
    return revision


def _approve_unchanged(session: Session, article: str, *, by: str, now: datetime, today: date) -> None:
    """Translations that got a new version only because the sources or the owner changed stay approved."""
    own = ("questions", "answer", "short")
    approved = _newest(session, approved_only=True)
    for key, newest in _newest(session).items():
        before = approved.get(key)
        if key[0] != article or newest.approved_by is not None or before is None:
            continue
        if all(newest.content[field] == before.content[field] for field in own):
            newest.approved_by, newest.approved_on = by, today
            queries.record(
                session, "approved", actor=by, now=now, article=article, language=key[1], version=newest.version
            )


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
