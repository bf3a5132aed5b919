"""The running bot's content: read again when files or versions change, never taken down by a broken file."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lokbot.config import Settings
from lokbot.content import LOOK, Content
from lokbot.knowledge import publishing
from lokbot.knowledge.problems import KnowledgeError
from lokbot.store.schema import ArticleRevision
from lokbot.store.session import Sessions
from tests.sample_knowledge import ROOT
from tests.unit.knowledge import sample

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ARTICLE = "knowledge/articles/ansluta-forening.yaml"
ANSWER = "Styrelsen fattar ett beslut."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small content in which nothing is wrong."""
    sample.write(tmp_path)
    phrases = (ROOT / "knowledge" / "phrases.yaml").read_text(encoding="utf-8")
    (tmp_path / "knowledge" / "phrases.yaml").write_text(phrases, encoding="utf-8")
    return tmp_path


@pytest.fixture
def settings(folder: Path) -> Settings:
    return Settings(knowledge_dir=folder / "knowledge", intents_dir=folder / "intents")


@pytest.fixture
def content(settings: Settings, sessions: Sessions) -> Content:
    return Content(settings, sessions, lambda: NOW)


def edit(folder: Path, old: str, new: str, name: str = ARTICLE) -> None:
    """Change a file, later than the last time whatever the file system's clock."""
    file = folder / name
    before = file.stat().st_mtime_ns
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    os.utime(file, ns=(before + 1_000_000, before + 1_000_000))


def answer(content: Content) -> str:
    return content.current().knowledge.articles["ansluta-forening"].texts["sv"].answer


def version(content: Content) -> tuple[int | None, str | None]:
    text = content.current().knowledge.articles["ansluta-forening"].texts["sv"]
    return text.version, text.approved_by


def test_what_the_files_say_is_imported_and_understood(content: Content) -> None:
    active = content.current()
    assert answer(content).startswith(ANSWER)
    assert version(content) == (1, "Kim Prov")
    (question,) = active.understander.understand("Hur går vi med?").questions
    assert question.matches[0].article == "ansluta-forening"


def test_without_a_change_it_is_not_read_again(content: Content) -> None:
    assert content.current() is content.current()


def test_a_loop_looks_once_a_second(folder: Path, settings: Settings, sessions: Sessions) -> None:
    now = NOW
    content = Content(settings, sessions, lambda: now)
    good = content.lately()
    edit(folder, ANSWER, "Ny text.")
    assert content.lately() is good
    now += LOOK
    assert content.lately() is not good


def test_a_loop_sees_at_once_what_is_approved(folder: Path, content: Content, sessions: Sessions) -> None:
    edit(folder, ANSWER, "Ny text.")
    content.current()
    with sessions.begin() as session:
        publishing.approve(session, "ansluta-forening", by="Lo Prov", now=NOW, today=date(2026, 3, 2))
    lately = content.lately().knowledge.articles["ansluta-forening"].texts["sv"]
    assert (lately.answer[:8], lately.approved_by) == ("Ny text.", "Lo Prov")


def test_a_changed_file_is_a_draft_and_the_approved_version_still_answers(folder: Path, content: Content) -> None:
    edit(folder, ANSWER, "Ny text.")
    assert answer(content).startswith(ANSWER)
    assert version(content) == (1, "Kim Prov")


def test_an_approval_from_elsewhere_is_seen(folder: Path, content: Content, sessions: Sessions) -> None:
    edit(folder, ANSWER, "Ny text.")
    content.current()
    with sessions.begin() as session:
        publishing.approve(session, "ansluta-forening", by="Lo Prov", now=NOW, today=date(2026, 3, 2))
    assert answer(content).startswith("Ny text.")
    assert version(content) == (2, "Lo Prov")


def test_in_the_demo_the_newest_draft_answers(folder: Path, settings: Settings, sessions: Sessions) -> None:
    content = Content(settings.model_copy(update={"drafts_allowed": True}), sessions, lambda: NOW)
    edit(folder, ANSWER, "Ny text.")
    assert answer(content).startswith("Ny text.")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (ARTICLE, "id: ansluta-forening", "id: [ansluta-forening"),
        (ARTICLE, "topic: anslutning", "topic: finns-inte"),
        ("knowledge/phrases.yaml", "receipt.phone:", "receipt.fone:"),
        ("intents/forvaxlingar.yaml", "article: lok-stod", "article: finns-inte"),
        ("intents/forvaxlingar.yaml", '"lok stöd*"', '"!!!"'),
        ("intents/topics.yaml", "- id: anslutning", "- id: annat"),
    ],
)
def test_a_broken_file_leaves_the_last_good_version_until_it_is_mended(
    folder: Path, content: Content, caplog: pytest.LogCaptureFixture, name: str, old: str, new: str
) -> None:
    good = content.current()
    edit(folder, old, new, name)
    assert content.current() is good
    assert content.current() is good
    said = [record.message for record in caplog.records if "the last good version stays" in record.message]
    assert len(said) == 1, "it is said once, not at every look"
    edit(folder, new, old, name)
    edit(folder, "Kim Prov", "Lo Prov")
    assert content.current() is not good
    assert version(content)[0] == 1


def test_a_file_that_vanishes_leaves_the_last_good_version(folder: Path, content: Content) -> None:
    good = content.current()
    (folder / "knowledge" / "administrations.yaml").rename(folder / "away.yaml")
    assert content.current() is good
    (folder / "away.yaml").rename(folder / "knowledge" / "administrations.yaml")
    edit(folder, "How do we join?", "How does one join?")
    assert content.current() is not good


def test_broken_content_stops_the_start(folder: Path, settings: Settings, sessions: Sessions) -> None:
    edit(folder, "topic: anslutning", "topic: finns-inte")
    with pytest.raises(KnowledgeError):
        Content(settings, sessions, lambda: NOW)
    with sessions.begin() as session:
        assert session.query(ArticleRevision).count() == 0


def test_a_conflict_is_said_and_the_stores_version_stays(
    folder: Path, content: Content, sessions: Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    with sessions.begin() as session:
        newest = next(each for each in publishing.history(session, "ansluta-forening") if each.language == "sv")
        session.add(
            ArticleRevision(
                article="ansluta-forening",
                language="sv",
                version=2,
                digest="edited",
                content={**newest.content, "answer": "I lagret."},
                created_by="Kim",
                created_at=NOW,
                approved_by="Lo Prov",
                approved_on=date(2026, 3, 2),
            )
        )
    edit(folder, ANSWER, "I filen.")
    assert answer(content) == "I lagret."
    assert "ansluta-forening (sv) was changed both in its file and in the store" in caplog.text


def test_what_changes_while_it_is_read_is_read_the_next_time(
    folder: Path, settings: Settings, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings.model_copy(update={"drafts_allowed": True})
    content = Content(settings, sessions, lambda: NOW)
    really_import = publishing.import_knowledge

    def slow_import(*arguments: object, **values: object) -> object:
        edit(folder, "Andra texten.", "Tredje texten.")
        return really_import(*arguments, **values)  # type: ignore[arg-type]

    edit(folder, ANSWER, "Andra texten.")
    with monkeypatch.context() as patched:
        patched.setattr(publishing, "import_knowledge", slow_import)
        assert answer(content).startswith("Andra texten.")
    assert answer(content).startswith("Tredje texten.")
