"""A correction becomes content: a wording of its article, or a golden question, in the files that people edit.

What is written is masked, checked with all other content before it stays, and approved by nobody: a new wording makes
a new version of the article that waits for its approval, as every edit does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from lokbot import content
from lokbot.config import Settings
from lokbot.conversation import corrections
from lokbot.conversation.decision import answer_language
from lokbot.conversation.escalation import NotPossible
from lokbot.knowledge import publishing
from lokbot.knowledge.amending import with_golden_question, with_wording
from lokbot.knowledge.exporting import replace_file
from lokbot.knowledge.problems import KnowledgeError
from lokbot.masking import mask_personal_data
from lokbot.model import Knowledge
from lokbot.store.schema import Correction
from lokbot.understanding.normalize import words

Lesson = Literal["wording", "golden"]

FROM_PEOPLE = Path("golden/development/from-people.yaml")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A correction with its text as it may be published, and what it can become, the proposed first."""

    correction: Correction
    text: str
    lessons: tuple[Lesson, ...]


def proposals(session: Session) -> tuple[Proposal, ...]:
    """The corrections that wait, each with what it can become.

    A wording teaches, so it is proposed where an article answers; a golden question measures, so it is proposed where
    the right outcome is a person or an owner. It cannot be both: a question that was learnt measures nothing.
    """
    return tuple(_proposal(correction) for correction in corrections.waiting(session))


def _proposal(correction: Correction) -> Proposal:
    lessons: tuple[Lesson, ...] = ()
    if correction.article:
        lessons = ("wording", "golden")
    elif corrections.example(correction) is not None:
        lessons = ("golden",)
    return Proposal(correction, publishable(correction.question.text), lessons)


def publishable(text: str) -> str:
    """``text`` on one line, personal data masked."""
    return " ".join(mask_personal_data(text).split())


_REMEDY = "--text ”...”"


def clean(text: str) -> str:
    """``text`` on one line. Raises NotPossible where it has no words, or personal data left."""
    written = " ".join(text.split())
    if not words(written):
        raise NotPossible("Frågan har inga ord. Skriv om den.", terminal=_REMEDY)
    if mask_personal_data(written) != written:
        raise NotPossible("Texten har personuppgifter kvar. Skriv om den.", terminal=_REMEDY)
    return written


@dataclass(frozen=True, slots=True)
class Promoted:
    """What was written where; ``version`` is that of the article's new draft."""

    file: Path
    text: str
    article: str | None = None
    language: str | None = None
    version: int | None = None


def promote(
    session: Session,
    correction: Correction,
    lesson: Lesson,
    *,
    settings: Settings,
    actor: str,
    now: datetime,
    today: date,
    text: str | None = None,
) -> Promoted:
    """Write the lesson into its file and mark the correction done. ``text`` where the asker's words are to be mended.

    The file is written last but one: the caller's commit follows. If that fails the file says more than the store,
    and the same call again finds the wording there and only marks the correction. Raises NotPossible, NotAmendable, or
    KnowledgeError where the content would not hold together; the file is then as it was.
    """
    proposal = _proposal(correction)
    if lesson not in proposal.lessons:
        raise NotPossible("Rättelsen säger inte vad som är rätt svar. Avvisa den, eller rätta frågan på nytt.")
    written = clean(text if text is not None else proposal.text)
    if lesson == "wording" and "[" in written and text is None:
        raise NotPossible("Personuppgifter är maskerade i texten. Skriv om den utan dem.", terminal=_REMEDY)
    knowledge = content.usable(settings, today=today)
    if lesson == "wording":
        promoted = _add_wording(session, correction, written, knowledge, settings=settings, now=now, today=today)
    else:
        promoted = _add_golden_question(correction, written, settings=settings, today=today)
    corrections.settle(session, correction, lesson, actor=actor, now=now)
    return promoted


def _add_wording(
    session: Session,
    correction: Correction,
    text: str,
    knowledge: Knowledge,
    *,
    settings: Settings,
    now: datetime,
    today: date,
) -> Promoted:
    article = knowledge.articles.get(correction.article or "")
    if article is None:
        raise NotPossible("Rättelsen nämner ingen artikel som finns. Avvisa den, eller rätta frågan på nytt.")
    own = correction.question.language
    language = own if own in article.texts else answer_language(own)
    if language is None or language not in article.texts:
        raise NotPossible(
            "{article} har ingen text på språket ”{language}”. Spara frågan som facitfråga.",
            terminal="--as golden",
            article=article.id,
            language=own,
        )
    # What the file says now gets its revision first. Else an approval that stands in a file nobody has imported yet
    # would be taken for one of the text with the new wording.
    publishing.import_knowledge(session, knowledge, now=now)
    file = settings.knowledge_dir / "articles" / f"{article.id}.yaml"
    if words(text) not in map(words, article.texts[language].questions):
        kept = file.read_text(encoding="utf-8")
        _write(file, with_wording(kept, file, language=language, wording=text), kept, settings, today)
    changed = content.usable(settings, today=today)
    publishing.import_knowledge(session, changed, now=now)
    newest = publishing.active(session, changed, prefer_approved=False).articles[article.id]
    return Promoted(file, text, article.id, language, newest.texts[language].version)


def _add_golden_question(correction: Correction, text: str, *, settings: Settings, today: date) -> Promoted:
    golden = corrections.example(correction)
    assert golden is not None, "only offered where there is an example"
    # The id says nothing of the case that it came from.
    identity = "p" + hashlib.sha256(text.encode()).hexdigest()[:8]
    golden = replace(golden, id=identity, text=text, language=_language(golden.language))
    file = settings.knowledge_dir / FROM_PEOPLE
    kept = file.read_text(encoding="utf-8") if file.exists() else ""
    if f"- id: {identity}\n" not in kept:
        _write(file, with_golden_question(kept, file, golden), kept or None, settings, today)
    return Promoted(file, text)


def _language(code: str) -> str:
    """A golden question's language; words of no language count as Swedish, as when they are answered."""
    return code if len(code) == 2 else answer_language(code) or "sv"


def _write(file: Path, text: str, kept: str | None, settings: Settings, today: date) -> None:
    """Replace the file in one step; where the content then no longer holds together, put back what was."""
    _replace(file, text)
    try:
        content.usable(settings, today=today)
    except KnowledgeError:
        if kept is None:
            file.unlink()
        else:
            _replace(file, kept)
        raise


def _replace(file: Path, text: str) -> None:
    try:
        replace_file(file, text)
    except OSError as error:
        raise NotPossible("{file} går inte att skriva ({why}).", file=file, why=error.strerror) from None
