"""The active knowledge: read at start, read again when its files or the store's revisions change.

A broken file never takes the running bot down: the last good knowledge stays and the log says so.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lokbot import understanding, vectors
from lokbot.config import Settings
from lokbot.conversation.phrases import REQUIRED_PHRASES
from lokbot.conversation.working_days import SWEDEN
from lokbot.knowledge import checks, loading, publishing
from lokbot.knowledge.problems import KnowledgeError, Severity
from lokbot.model import Knowledge
from lokbot.store.schema import ArticleCare, ArticleImport, ArticleRevision
from lokbot.store.session import Sessions, reading
from lokbot.understanding import Active, Encoder

log = logging.getLogger(__name__)

Stamp = tuple[object, ...]

# To look whether any file has changed costs as much as to handle half a mail.
LOOK = timedelta(seconds=1)
_VECTORS_AGAIN = timedelta(minutes=10)


class Content:
    """Holds the ``Active`` of one process. ``now`` is asked whenever something is written to the store."""

    def __init__(self, settings: Settings, sessions: Sessions, now: Callable[[], datetime]) -> None:
        """Load everything. Raises KnowledgeError when the files cannot be used: there is no last good version yet."""
        self._settings = settings
        self._sessions = sessions
        self._reading = reading(sessions)
        self._lock = threading.Lock()
        self._now = now
        self._stamp: Stamp = ()
        # To read all files takes seconds; what a coordinator approves is to be told at once.
        self._of_files: tuple[Stamp, Knowledge] | None = None
        self._looked = now()
        self._encoder = vectors.for_settings(settings)
        self._active = self._load()

    @property
    def encoder(self) -> Encoder | None:
        """What computes sentence vectors on this machine, if anything does."""
        return self._encoder

    def lately(self) -> Active:
        """What the bot knew of its files at most ``LOOK`` ago, for a loop that asks again and again. What was approved
        in the store counts at once: whoever did so may tell somebody to ask.
        """
        now = self._now()
        has_rested = abs(now - self._looked) >= LOOK  # a clock may be set back
        if has_rested:
            self._looked = now  # others who ask meanwhile need not wait
        return self.current() if has_rested or self._has_other_revisions() else self._active

    def _has_other_revisions(self) -> bool:
        with self._reading() as session:
            return _revisions(session) != self._stamp[-1]

    def current(self) -> Active:
        """What the bot knows now. Any thread may ask, but not inside a transaction: there may be news to store."""
        with self._lock:
            self._looked = self._now()
            return self._current()

    def _current(self) -> Active:
        with self._reading() as session:
            stamp = (self._files(), _revisions(session))
        if stamp == self._stamp:
            if not self._has_vectors or self._active.understander.is_semantic or self._now() < self._try_vectors_at:
                return self._active
            # The vectors' process had failed when the knowledge was read: once more.
            log.info("trying again to compute the articles' vectors")
        try:
            self._active = self._load()
        except KnowledgeError as error:
            self._stamp = stamp
            log.error(
                "the knowledge has %s problems; the last good version stays. Run: lokbot check", len(error.problems)
            )
        else:
            log.info("the knowledge was read again: %s", self._active.knowledge.digest[:12])
        return self._active

    def _load(self) -> Active:
        # Looked at before they are read: what changes meanwhile is then read the next time.
        files = self._files()
        if self._of_files is None or self._of_files[0] != files:
            self._of_files = (files, usable(self._settings, today=self._now().astimezone(SWEDEN).date()))
        knowledge = self._of_files[1]
        with self._sessions.begin() as session:
            imported = publishing.import_knowledge(session, knowledge, now=self._now())
            for article, language in imported.conflicts:
                log.warning(
                    "%s (%s) was changed both in its file and in the store; the store's stays", article, language
                )
            knowledge = publishing.active(session, knowledge, prefer_approved=not self._settings.drafts_allowed)
            revisions = _revisions(session)
        self._stamp = (files, revisions)
        self._try_vectors_at = self._now() + _VECTORS_AGAIN
        encoder = vectors.of_use(self._encoder, len(knowledge.articles))
        self._has_vectors = encoder is not None
        return Active(knowledge, understanding.build(knowledge, encoder))

    def _files(self) -> Stamp:
        return (*_marks(self._settings.knowledge_dir), *_marks(self._settings.intents_dir))


def _revisions(session: Session) -> Stamp:
    """What differs when a text got a new version or an approval, or the desk changed what is kept beside it."""
    care = select(func.max(ArticleCare.changed_at)).scalar_subquery()
    imported = select(func.count(ArticleImport.digest)).scalar_subquery()
    query = select(func.max(ArticleRevision.id), func.count(ArticleRevision.approved_by), care, imported)
    return tuple(session.execute(query).one())


def usable(settings: Settings, *, today: date) -> Knowledge:
    """The content of the files, if it holds together. Raises KnowledgeError with every error `lokbot check` would show.

    What merely loads could still name an article that is not there, and fail only when somebody asks for it.
    """
    reading = loading.read(settings.knowledge_dir, settings.intents_dir)
    if reading.knowledge is None:
        raise KnowledgeError(reading.problems)
    found = checks.check(reading.knowledge, reading.positions, today=today, required_phrases=REQUIRED_PHRASES)
    if any(problem.severity is Severity.ERROR for problem in found):
        raise KnowledgeError(found)
    return reading.knowledge


def _marks(folder: Path) -> list[tuple[str, int, int]]:
    """What differs when a file has changed."""
    marks, folders = [], [str(folder)]
    while folders:
        # Not Path.rglob, which takes several times as long: every page of the desk looks.
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    folders.append(entry.path)
                elif entry.name.endswith(".yaml"):
                    with suppress(FileNotFoundError):  # an editor may be replacing it just now
                        status = entry.stat()
                        marks.append((entry.path, status.st_mtime_ns, status.st_size))
    return sorted(marks)
