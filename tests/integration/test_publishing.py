"""Versions of the texts: what the files say, what the store has, what was approved, and which of it answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from lokbot.knowledge import publishing
from lokbot.knowledge.publishing import ADMINISTRATION, Imported, NotPublishable
from lokbot.model import Article, Knowledge, LocalText
from lokbot.store.schema import ArticleRevision, Event
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.together import in_threads

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TODAY = date(2026, 3, 2)
SAMPLE = sample.knowledge()
TEXTS = sum(len(article.texts) for article in SAMPLE.articles.values()) + len(SAMPLE.administrations)
DRAFT = "valberedning"


def imported(sessions: Sessions, knowledge: Knowledge = SAMPLE, **settle: str) -> Imported:
    with sessions.begin() as session:
        return publishing.import_knowledge(session, knowledge, now=NOW, **settle)


def active(sessions: Sessions, knowledge: Knowledge = SAMPLE, *, prefer_approved: bool = True) -> Knowledge:
    with sessions.begin() as session:
        return publishing.active(session, knowledge, prefer_approved=prefer_approved)


def approve(sessions: Sessions, article: str, *, by: str = "Lo Prov", language: str = "sv") -> ArticleRevision:
    with sessions.begin() as session:
        return publishing.approve(session, article, by=by, language=language, now=NOW, today=TODAY)


def versions(sessions: Sessions, article: str, language: str = "sv") -> list[tuple[int, str, str | None]]:
    """Version, answer and approver, oldest first."""
    with sessions.begin() as session:
        return [
            (revision.version, revision.content["answer"], revision.approved_by)
            for revision in publishing.history(session, article)
            if revision.language == language
        ]


def edit_in_store(sessions: Sessions, article: str, answer: str) -> None:
    """What the desk will do: a new revision that no file says."""
    with sessions.begin() as session:
        newest = publishing.history(session, article)[-1]
        session.add(
            ArticleRevision(
                article=article,
                language="sv",
                version=newest.version + 1,
                digest=f"edited: {answer}"[:64],
                content={**newest.content, "answer": answer},
                created_by="Kim",
                created_at=NOW,
            )
        )


def written(answer: str, article: str = DRAFT, *, by: str | None = None) -> Knowledge:
    return sample.with_article(sample.rewritten(article, answer, by=by))


def text(knowledge: Knowledge, article: str = DRAFT, language: str = "sv") -> tuple[str, str | None, int | None]:
    """The active answer, who approved it and its version."""
    found = knowledge.articles[article].texts[language]
    return found.answer, found.approved_by, found.version


ORIGINAL = SAMPLE.articles[DRAFT].texts["sv"].answer


# ------------------------------------------------------------------ import


def test_the_first_import_makes_a_version_of_every_text(sessions: Sessions) -> None:
    result = imported(sessions)
    assert (len(result.new), result.changed, result.conflicts) == (TEXTS, (), ())
    assert (("ga-med", "en") in result.new, (f"{ADMINISTRATION}kultur", "sv") in result.new) == (True, True)
    assert versions(sessions, DRAFT) == [(1, ORIGINAL, None)]
    assert versions(sessions, "ga-med")[0][2] == sample.APPROVER


def test_importing_again_changes_nothing(sessions: Sessions) -> None:
    imported(sessions)
    assert imported(sessions) == Imported((), (), ())
    with sessions.begin() as session:
        assert [event.verb for event in session.query(Event)] == ["imported"]


def test_a_changed_file_makes_a_new_version(sessions: Sessions) -> None:
    imported(sessions)
    assert imported(sessions, written("Ny text.")).changed == ((DRAFT, "sv"),)
    assert versions(sessions, DRAFT) == [(1, ORIGINAL, None), (2, "Ny text.", None)]
    assert imported(sessions, written("Ny text.")) == Imported((), (), ())


@pytest.mark.parametrize(
    "change",
    [
        {"topic": "lokaler"},
        {"administration": "kultur"},
        {"sources": ()},
        {"as_of": "2022"},
        {"responsible": "annan"},
    ],
)
def test_what_is_shown_with_an_answer_belongs_to_its_version(sessions: Sessions, change: dict[str, Any]) -> None:
    imported(sessions)
    changed = sample.with_article(replace(SAMPLE.articles["ga-med"], **change))
    assert imported(sessions, changed).changed == (("ga-med", "sv"), ("ga-med", "en"))


@pytest.mark.parametrize("change", [{"checked_on": TODAY}, {"review_by": TODAY}, {"link_checked_on": TODAY}])
def test_a_check_of_a_text_is_not_a_new_version(sessions: Sessions, change: dict[str, Any]) -> None:
    imported(sessions)
    checked = sample.with_article(replace(SAMPLE.articles["ga-med"], **change))
    assert imported(sessions, checked) == Imported((), (), ())


def test_a_new_language_is_a_first_version(sessions: Sessions) -> None:
    imported(sessions)
    article = SAMPLE.articles[DRAFT]
    english = replace(article.texts["sv"], language="en", answer="A committee.")
    both = sample.with_article(replace(article, texts={**article.texts, "en": english}))
    assert imported(sessions, both).new == ((DRAFT, "en"),)
    assert versions(sessions, DRAFT, "en") == [(1, "A committee.", None)]


def test_two_processes_may_import_at_once(sessions: Sessions) -> None:
    results = in_threads(3, lambda _: imported(sessions))
    assert sorted(len(result.new) for result in results) == [0, 0, TEXTS]


# ------------------------------------------------------------------ approvals


def test_an_approval_belongs_to_its_version(sessions: Sessions) -> None:
    imported(sessions)
    revision = approve(sessions, DRAFT)
    assert (revision.version, revision.approved_by, revision.approved_on) == (1, "Lo Prov", TODAY)
    assert text(active(sessions)) == (ORIGINAL, "Lo Prov", 1)
    imported(sessions, written("Ny text."))
    assert versions(sessions, DRAFT) == [(1, ORIGINAL, "Lo Prov"), (2, "Ny text.", None)]


def test_the_newest_approved_version_answers_and_the_newest_is_shown_in_the_demo(sessions: Sessions) -> None:
    imported(sessions)
    approve(sessions, DRAFT)
    changed = written("Ny text.")
    imported(sessions, changed)
    assert text(active(sessions, changed)) == (ORIGINAL, "Lo Prov", 1)
    assert text(active(sessions, changed, prefer_approved=False)) == ("Ny text.", None, 2)
    approve(sessions, DRAFT, by="Mo Prov")
    assert text(active(sessions, changed)) == ("Ny text.", "Mo Prov", 2)


def test_where_nothing_is_approved_the_newest_draft_can_be_suggested(sessions: Sessions) -> None:
    imported(sessions)
    changed = written("Ny text.")
    imported(sessions, changed)
    assert text(active(sessions, changed)) == ("Ny text.", None, 2)


def test_an_approved_version_is_shown_with_its_own_source_and_owner(sessions: Sessions) -> None:
    imported(sessions)
    changed: Article = replace(
        sample.rewritten("ga-med", "Ny text."), topic="bidrag", administration="kultur", sources=(), as_of=None
    )
    knowledge = sample.with_article(changed)
    imported(sessions, knowledge)
    shown = active(sessions, knowledge).articles["ga-med"]
    original = SAMPLE.articles["ga-med"]
    assert (shown.topic, shown.administration, shown.sources, shown.as_of, shown.perishable) == (
        original.topic,
        original.administration,
        original.sources,
        original.as_of,
        original.perishable,
    )


def test_each_language_has_its_own_approval(sessions: Sessions) -> None:
    imported(sessions)
    changed = sample.with_article(sample.rewritten("ga-med", "New text.", language="en"))
    imported(sessions, changed)
    approve(sessions, "ga-med", language="en")
    shown = active(sessions, changed)
    assert text(shown, "ga-med", "en") == ("New text.", "Lo Prov", 2)
    assert text(shown, "ga-med", "sv")[1:] == (sample.APPROVER, 1)


def test_an_approval_in_the_file_counts(sessions: Sessions) -> None:
    imported(sessions)
    imported(sessions, written(ORIGINAL, by="Lo Prov"))
    assert versions(sessions, DRAFT) == [(1, ORIGINAL, "Lo Prov")]


def test_an_approval_in_the_store_is_not_taken_back_by_a_file_without_one(sessions: Sessions) -> None:
    imported(sessions)
    approve(sessions, DRAFT)
    imported(sessions)
    assert versions(sessions, DRAFT) == [(1, ORIGINAL, "Lo Prov")]


def test_nobody_approves_a_text_by_having_approved_the_one_before(sessions: Sessions) -> None:
    """Whoever edits an answer in its file may leave ``approved_by`` as it stood: no approval is invented."""
    approved = written("Godkänd text.", by=sample.APPROVER)
    imported(sessions, approved)
    for answer in ("Ändrad text.", "Ändrad igen."):
        changed = written(answer, by=sample.APPROVER)
        for _ in range(2):  # each start imports
            imported(sessions, changed)
        assert versions(sessions, DRAFT)[-1] == (versions(sessions, DRAFT)[-1][0], answer, None)
        assert text(active(sessions, changed)) == ("Godkänd text.", sample.APPROVER, 1)


def test_a_text_restored_in_its_file_keeps_its_approval(sessions: Sessions) -> None:
    approved = written("Godkänd text.", by=sample.APPROVER)
    for knowledge in (approved, written("Ändrad text."), approved):
        imported(sessions, knowledge)
    assert versions(sessions, DRAFT)[-1] == (3, "Godkänd text.", sample.APPROVER)


def test_a_new_approval_in_the_file_of_a_changed_text_counts(sessions: Sessions) -> None:
    imported(sessions, written("Godkänd text.", by=sample.APPROVER))
    imported(sessions, written("Ändrad text.", by="Lo Prov"))
    assert versions(sessions, DRAFT)[-1] == (2, "Ändrad text.", "Lo Prov")


def test_a_text_is_approved_once(sessions: Sessions) -> None:
    imported(sessions)
    approve(sessions, DRAFT, by=" Lo Prov ")
    again = approve(sessions, DRAFT, by="Mo Prov")
    assert again.approved_by == "Lo Prov"
    with sessions.begin() as session:
        approvals = [event for event in session.query(Event) if event.verb == "approved"]
        assert [(event.actor, event.detail) for event in approvals] == [
            ("Lo Prov", {"article": DRAFT, "language": "sv", "version": 1})
        ]


def test_what_cannot_be_approved(sessions: Sessions) -> None:
    imported(sessions)
    with pytest.raises(NotPublishable, match="Ange vem"):
        approve(sessions, DRAFT, by="  ")
    with pytest.raises(NotPublishable, match="ingen artikel ”finns-inte”"):
        approve(sessions, "finns-inte")
    with pytest.raises(NotPublishable, match=f"ingen artikel ”{DRAFT}” på språket ”en”"):
        approve(sessions, DRAFT, language="en")


def test_a_pointer_is_approved_for_what_it_says_now(sessions: Sessions) -> None:
    imported(sessions)
    assert active(sessions).administrations["miljo"].approved_by is None
    approve(sessions, f"{ADMINISTRATION}miljo")
    assert active(sessions).administrations["miljo"].approved_by == "Lo Prov"
    moved = replace(SAMPLE.administrations["miljo"], contact=LocalText("Ring någon annan.", ""))
    changed = replace(SAMPLE, administrations={**SAMPLE.administrations, "miljo": moved})
    imported(sessions, changed)
    assert active(sessions, changed).administrations["miljo"].approved_by is None
    silent = replace(SAMPLE.administrations["kultur"], words=("opera",), address="kultur@stad.example")
    same = replace(SAMPLE, administrations={**SAMPLE.administrations, "kultur": silent})
    imported(sessions, same)
    assert active(sessions, same).administrations["kultur"].approved_by == sample.APPROVER


def test_what_waits_for_an_approval(sessions: Sessions) -> None:
    first = replace(sample.rewritten("ga-med", "Ny text."), approve_first="Många frågar.")
    knowledge = sample.with_article(first)
    imported(sessions, knowledge)
    with sessions.begin() as session:
        waiting = [(article.id, language) for article, language in publishing.drafts(session, knowledge)]
    assert waiting == [("ga-med", "sv"), (DRAFT, "sv")]


def test_the_digest_tells_one_knowledge_from_another(sessions: Sessions) -> None:
    imported(sessions)
    before = active(sessions)
    assert active(sessions).digest == before.digest
    changed = written("Ny text.")
    imported(sessions, changed)
    after = active(sessions, changed)
    assert after.digest != before.digest


def test_what_was_never_imported_stands_as_in_its_file(sessions: Sessions) -> None:
    shown = active(sessions)
    assert text(shown) == (ORIGINAL, None, None)
    assert shown.administrations["kultur"].approved_by is None


# ------------------------------------------------------------------ conflicts


def torn(sessions: Sessions) -> Knowledge:
    """A text that was changed both in the store and in its file; gives what the files say."""
    imported(sessions)
    edit_in_store(sessions, DRAFT, "I lagret.")
    return written("I filen.")


def conflicts(sessions: Sessions) -> list[tuple[str, str | None]]:
    with sessions.begin() as session:
        return [(row.article, (row.conflict or {}).get("answer")) for row in publishing.conflicts(session)]


def test_a_change_in_the_store_alone_stays(sessions: Sessions) -> None:
    imported(sessions)
    edit_in_store(sessions, DRAFT, "I lagret.")
    assert imported(sessions) == Imported((), (), ())
    assert versions(sessions, DRAFT)[-1] == (2, "I lagret.", None)
    assert text(active(sessions, prefer_approved=False)) == ("I lagret.", None, 2)


def test_a_text_changed_on_both_sides_is_a_conflict_and_the_stores_stays(sessions: Sessions) -> None:
    files = torn(sessions)
    for _ in range(2):
        assert imported(sessions, files).conflicts == ((DRAFT, "sv"),)
    assert conflicts(sessions) == [(DRAFT, "I filen.")]
    assert versions(sessions, DRAFT)[-1] == (2, "I lagret.", None)
    assert imported(sessions, written("I filen igen.")).conflicts == ((DRAFT, "sv"),)
    assert conflicts(sessions) == [(DRAFT, "I filen igen.")]


def test_a_conflict_settled_for_the_file(sessions: Sessions) -> None:
    files = torn(sessions)
    imported(sessions, files)
    assert imported(sessions, files, take=DRAFT).changed == ((DRAFT, "sv"),)
    assert conflicts(sessions) == []
    assert versions(sessions, DRAFT)[-1] == (3, "I filen.", None)
    assert imported(sessions, files) == Imported((), (), ())


def test_a_conflict_settled_for_the_store(sessions: Sessions) -> None:
    files = torn(sessions)
    imported(sessions, files)
    assert imported(sessions, files, keep=DRAFT) == Imported((), (), ())
    assert conflicts(sessions) == []
    assert versions(sessions, DRAFT)[-1] == (2, "I lagret.", None)
    assert imported(sessions, files) == Imported((), (), ())
    assert imported(sessions, written("I filen senare.")).conflicts == ((DRAFT, "sv"),)


def test_settling_one_conflict_leaves_the_others(sessions: Sessions) -> None:
    imported(sessions)
    edit_in_store(sessions, DRAFT, "I lagret.")
    edit_in_store(sessions, "skatepark", "I lagret.")
    files = sample.with_article(sample.rewritten("skatepark", "I filen."), written("I filen."))
    imported(sessions, files)
    assert imported(sessions, files, take=DRAFT).conflicts == (("skatepark", "sv"),)


def test_a_conflict_ends_when_the_file_is_put_back(sessions: Sessions) -> None:
    files = torn(sessions)
    imported(sessions, files)
    imported(sessions)
    assert conflicts(sessions) == []
    assert versions(sessions, DRAFT)[-1] == (2, "I lagret.", None)


def test_a_conflict_ends_when_the_file_says_what_the_store_says(sessions: Sessions) -> None:
    files = torn(sessions)
    imported(sessions, files)
    with sessions.begin() as session:
        newest = publishing.history(session, DRAFT)[-1]
        newest.digest = publishing._digest(newest.content)
    assert imported(sessions, written("I lagret.")) == Imported((), (), ())
    assert conflicts(sessions) == []


def test_where_files_and_store_differ(sessions: Sessions) -> None:
    files = torn(sessions)
    imported(sessions, files)
    new = sample.with_article(replace(SAMPLE.articles[DRAFT], id="ny-artikel"), files)
    with sessions.begin() as session:
        found = {each.article: each for each in publishing.differences(session, new)}
    assert set(found) == {DRAFT, "ny-artikel"}
    assert found[DRAFT].is_conflict
    assert (found[DRAFT].store or {})["answer"] == "I lagret."
    assert found[DRAFT].file["answer"] == "I filen."
    assert (found["ny-artikel"].store, found["ny-artikel"].is_conflict) == (None, False)
