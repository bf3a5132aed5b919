"""`lokbot gaps` on a store that mails have gone through: what counts, and a draft that `lokbot check` takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from lokbot import config, gaps, understanding
from lokbot.channels import mime
from lokbot.cli import main
from lokbot.conversation import corrections, intake, pipeline
from lokbot.knowledge import loading
from lokbot.model import Address
from lokbot.store.migrations import migrate
from lokbot.store.schema import Conversation
from lokbot.store.session import Sessions, connect, session_factory
from lokbot.understanding import Active
from tests import sample_knowledge as sample
from tests import small_content
from tests.integration.world import World
from tests.small_content import JOIN, OWN_MATTER, RECORDS, letter

SAUNA = ("Finns det en bastu att hyra?", "Vem hyr ut bastun vid havet?", "Kan vi hyra bastu, undrar Eva Ek")
PIANO = "Vem kan stämma det gamla pianot i skolans aula?"


def test_only_what_nothing_fitted_is_a_gap(sessions: Sessions) -> None:
    world = World(sessions)
    for number, text in enumerate((sample.NONSENSE, sample.JOIN, sample.OWN, sample.RECORDS, sample.PERSON)):
        world.write(text, sender=Address("", f"s{number}@forening.example"))
    with sessions.begin() as session:
        found = gaps.unanswered(session, since=world.now - timedelta(days=1), until=world.now + timedelta(days=1))
    assert [one.text for one in found] == [sample.NONSENSE]
    assert found[0].language == "sv"


@pytest.mark.parametrize(
    ("said", "is_gap"), [(("ga-med",), False), ((None,), True), (("ga-med", None), True), ((None, "ga-med"), False)]
)
def test_what_somebody_has_named_the_text_of_is_no_gap(
    sessions: Sessions, said: tuple[str | None, ...], is_gap: bool
) -> None:
    world = World(sessions)
    case = world.write(sample.NONSENSE)
    with sessions.begin() as session:
        conversation = session.get_one(Conversation, case.conversation.id)
        (question,) = corrections.questions_of(conversation)
        for article in said:
            corrections.correct(
                session,
                conversation,
                question,
                knowledge=world.knowledge,
                actor="Kim",
                now=world.now,
                article=article,
                is_nothing=article is None,
            )
    with sessions.begin() as session:
        found = gaps.unanswered(session, since=world.now - timedelta(days=1), until=world.now + timedelta(days=1))
    assert bool(found) == is_gap


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(sessions: Sessions) -> None:
    world = World(sessions)
    start = world.now
    world.write(sample.NONSENSE)
    with sessions.begin() as session:
        assert len(gaps.unanswered(session, since=start, until=start + timedelta(seconds=1))) == 1
        assert gaps.unanswered(session, since=start - timedelta(days=1), until=start) == []
        assert gaps.unanswered(session, since=start + timedelta(seconds=1), until=start + timedelta(days=1)) == []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small content, and a store with questions about a sauna, of two people, and others."""
    small_content.write(tmp_path)
    monkeypatch.setenv("LOKBOT_KNOWLEDGE_DIR", str(tmp_path / "knowledge"))
    monkeypatch.setenv("LOKBOT_INTENTS_DIR", str(tmp_path / "intents"))
    monkeypatch.chdir(tmp_path)
    settings = config.load()
    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    active = Active(knowledge, understanding.build(knowledge))
    engine = connect(settings.database)
    migrate(engine)
    sessions, now = session_factory(engine), datetime.now(UTC)
    senders = ("sven", "siv", "sven", "sixten", "stina", "signe", "samir")
    for sender, text in zip(senders, (*SAUNA, PIANO, JOIN, OWN_MATTER, RECORDS), strict=True):
        # One that waits already is left to the coordinator, so each question is a case of its own.
        mail = letter(f"{sender}@forening.example", text, subject=text[:20])
        with sessions.begin() as session:
            intake.receive(session, mime.parse(mail.as_bytes(), received_at=now), now=now)
        assert pipeline.handle_next(sessions, active, settings, now=now)
    engine.dispose()
    return tmp_path


def lokbot(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def test_the_themes_are_listed_masked(folder: Path) -> None:
    shown = lokbot("gaps").output
    assert "Obesvarade frågor: 4, i 2 teman." in shown
    assert "3 frågor från 2 personer" in shown
    assert "Eva Ek" not in shown
    assert "[namn]" in shown
    assert OWN_MATTER not in shown


def test_a_period_without_questions_is_empty(folder: Path) -> None:
    assert "Inga obesvarade frågor" in lokbot("gaps", "--since", "2020-01-01", "--until", "2020-12-31").output
    assert lokbot("gaps", "--since", "2021-01-01", "--until", "2020-12-31").exit_code == 2
    refused = lokbot("gaps", "--draft", "9")
    assert refused.exit_code == 4
    assert "2 teman" in refused.output


def test_a_filled_in_draft_is_content_and_answers_what_was_a_gap(folder: Path) -> None:
    skeleton = lokbot("gaps", "--draft", "1").stdout
    identity = yaml.safe_load(skeleton)["id"]
    file = folder / "knowledge" / "articles" / f"{identity}.yaml"
    file.write_text(skeleton, encoding="utf-8")
    unfilled = lokbot("check")
    assert unfilled.exit_code == 1, "an empty answer is never taken"
    assert f"{identity}.yaml" in unfilled.output
    filled = skeleton.replace("  answer:\n", "  answer: Bastun hyr ni av Exempelbadet.\n")
    filled = filled.replace("  - title:\n", "  - title: Exempelbadets sida\n").replace("[namn]", "")
    file.write_text(filled, encoding="utf-8")
    checked = lokbot("check")
    assert checked.exit_code == 0, checked.output
    assert f"artikel {identity}" in lokbot("ask", SAUNA[0]).output
