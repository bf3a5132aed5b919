"""What the desk wrote goes into the files and comes back: no loss, no new version, comments and order kept."""

from __future__ import annotations

import difflib
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from lokbot.conversation.phrases import REQUIRED_PHRASES
from lokbot.knowledge import checks, exporting, loading, publishing
from lokbot.knowledge.problems import Severity
from lokbot.model import Article, Knowledge
from lokbot.store.session import Sessions

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
KIM = "kim@stad.example"


def content(folder: Path) -> Knowledge:
    """What the files say; fails where ``lokbot check`` finds an error."""
    reading = loading.read(folder, ROOT / "intents")
    assert reading.knowledge is not None, reading.problems
    found = checks.check(reading.knowledge, reading.positions, today=NOW.date(), required_phrases=REQUIRED_PHRASES)
    assert [one for one in found if one.severity is Severity.ERROR] == []
    return reading.knowledge


def our_files(tmp_path: Path) -> Path:
    """The shipped content without the golden questions, so that none is read that should stay unseen."""
    folder = tmp_path / "knowledge"
    shutil.copytree(ROOT / "knowledge", folder, ignore=shutil.ignore_patterns("golden"))
    return folder


def write(sessions: Sessions, base: Knowledge, before: Article | None, after: Article) -> None:
    with sessions.begin() as session:
        newest = publishing.newest_of(session, after.id, "sv")
        publishing.save_draft(session, after, "sv", seen=newest.version if newest else 0, by=KIM, now=NOW)
        publishing.save_care(session, before, after, by=KIM, now=NOW)


def newest(sessions: Sessions, base: Knowledge) -> Knowledge:
    with sessions.begin() as session:
        return publishing.active(session, base, prefer_approved=False)


def test_export_and_import_again_change_nothing(sessions: Sessions, tmp_path: Path) -> None:
    source = our_files(tmp_path)
    base = content(source)
    with sessions.begin() as session:
        publishing.import_knowledge(session, base, now=NOW)
    old = base.articles["alkoholtillstand"]
    told = old.texts["sv"]
    edited = replace(
        old,
        review_by=date(2027, 5, 1),
        near_misses=old.near_misses[1:],
        texts={**old.texts, "sv": replace(told, questions=(*told.questions, "Vem säger ja till glögg?"))},
    )
    write(sessions, base, old, edited)
    own = replace(old, id="eget-svar", texts={"sv": replace(told, questions=("Helt egen ryttarstaty?",), answer="Ja.")})
    write(sessions, base, None, replace(own, near_misses=(), wordings={}))
    with sessions.begin() as session:
        publishing.approve(session, "alkoholtillstand", by="Kim Sand", now=NOW, today=NOW.date())
    wanted = newest(sessions, base)

    done = exporting.export(wanted, source, tmp_path / "ut")
    assert done.anew == ()
    exported = content(tmp_path / "ut")
    with sessions.begin() as session:
        imported = publishing.import_knowledge(session, exported, now=NOW)
        assert (imported.new, imported.changed, imported.conflicts) == ((), (), ())
        assert publishing.differences(session, exported) == ()
    assert newest(sessions, exported).articles == wanted.articles
    assert exported.articles["alkoholtillstand"].texts["sv"].approved_by == "Kim Sand"
    again = exporting.export(newest(sessions, exported), source, tmp_path / "ut")
    assert (again.written, again.anew) == ((), ())

    before, after = (
        (folder / "articles" / "alkoholtillstand.yaml").read_text("utf-8").splitlines()
        for folder in (source, tmp_path / "ut")
    )
    changes = {line for line in difflib.ndiff(before, after) if line[0] in "+-"}
    assert changes == {
        "- review_by: null",
        "+ review_by: 2027-05-01",
        f'-   - "{old.near_misses[0]}"',
        "-   approved_by: null",
        "+   approved_by: Kim Sand",
        "-   approved_on: null",
        "+   approved_on: 2026-11-26",
        "+     - Vem säger ja till glögg?",
    }


def test_files_are_updated_where_they_stand(sessions: Sessions, tmp_path: Path) -> None:
    source = our_files(tmp_path)
    base = content(source)
    with sessions.begin() as session:
        publishing.import_knowledge(session, base, now=NOW)
    assert exporting.export(newest(sessions, base), source, source).written == ()
    old = base.articles["alkoholtillstand"]
    write(sessions, base, old, replace(old, administration="kultur"))
    done = exporting.export(newest(sessions, base), source, source)
    assert done.written == (source / "articles" / "alkoholtillstand.yaml",)
    assert content(source).articles["alkoholtillstand"].administration == "kultur"


def test_an_export_of_a_conflict_writes_what_the_store_says(sessions: Sessions, tmp_path: Path) -> None:
    source = our_files(tmp_path)
    base = content(source)
    with sessions.begin() as session:
        publishing.import_knowledge(session, base, now=NOW)
    old = base.articles["alkoholtillstand"]
    write(sessions, base, old, replace(old, administration="kultur"))
    elsewhere = replace(base, articles={**base.articles, old.id: replace(old, administration="idrott")})
    with sessions.begin() as session:
        assert (old.id, "sv") in publishing.import_knowledge(session, elsewhere, now=NOW).conflicts
    exporting.export(newest(sessions, elsewhere), source, source)
    with sessions.begin() as session:
        assert publishing.import_knowledge(session, content(source), now=NOW).conflicts == ()
        assert publishing.conflicts(session) == []
