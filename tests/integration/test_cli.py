"""The commands: what they say and do, also with bad input. Nobody sees a traceback for what a person can mend."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from lokbot import config, desk_settings, understanding
from lokbot.channels import mime
from lokbot.cli import COMMANDS, main
from lokbot.conversation import delivery, intake, pipeline
from lokbot.knowledge import loading, publishing
from lokbot.model import ChannelName, OutgoingMessage
from lokbot.store.migrations import migrate
from lokbot.store.session import connect, session_factory
from lokbot.understanding import Active
from tests import small_content
from tests.processes import LOKBOT
from tests.servers import free_port
from tests.small_content import HALL, JOIN, OWN_MATTER, letter

ROOT = Path(__file__).resolve().parents[2]
USAGE, SETTINGS, CONTENT, NOT_POSSIBLE, DATABASE = 2, 2, 3, 4, 5

ASKED = {"id", "language", "outcome", "questions", "reply"}
QUESTION = {"text", "outcome", "article", "topic", "administration", "confidence", "evidence"}
PARSED = {
    *("path", "from", "reply_to", "to", "cc", "subject", "date", "message_id", "in_reply_to", "references"),
    *("language", "automatic", "bounce", "text", "new_text", "attachments", "warnings"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to work in, with the small content and no store yet."""
    small_content.write(tmp_path)
    for name in [name for name in os.environ if name.startswith(config.PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LOKBOT_KNOWLEDGE_DIR", str(tmp_path / "knowledge"))
    monkeypatch.setenv("LOKBOT_INTENTS_DIR", str(tmp_path / "intents"))
    monkeypatch.setenv("LOKBOT_COORDINATORS", "samordnare@stad.example")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def store(folder: Path) -> None:
    """A store with two cases that wait: 1 has a suggested answer, 2 is somebody's own matter."""
    settings = config.load()
    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    active = Active(knowledge, understanding.build(knowledge))
    engine = connect(settings.database)
    migrate(engine)
    sessions = session_factory(engine)
    now = datetime.now(UTC)
    for mail in (letter("sven@forening.example", HALL), letter("siv@forening.example", OWN_MATTER)):
        with sessions.begin() as session:
            intake.receive(session, mime.parse(mail.as_bytes(), received_at=now), now=now)
        assert pipeline.handle_next(sessions, active, settings, now=now)
    engine.dispose()


def lokbot(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(main, list(arguments), input=stdin, catch_exceptions=False)


def said(*arguments: str, stdin: str = "") -> str:
    """What a command says that succeeds."""
    result = lokbot(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: str, code: int, stdin: str | bytes = "") -> str:
    """What a command says that refuses, without a traceback and with nothing on standard output."""
    result = lokbot(*arguments, stdin=stdin)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


# ------------------------------------------------------------------ help


def every_command() -> Iterator[tuple[str, ...]]:
    context = click.Context(main)
    for name in COMMANDS:
        yield (name,)
        command = main.get_command(context, name)
        if isinstance(command, click.Group):
            yield from ((name, inner) for inner in command.list_commands(context))


@pytest.mark.parametrize("command", list(every_command()), ids=" ".join)
def test_every_command_explains_itself_and_its_options(command: tuple[str, ...]) -> None:
    assert said(*command, "--help") == said(*command, "-h")
    context = click.Context(main)
    found: click.Command | None = main
    for name in command:
        assert isinstance(found, click.Group)
        found = found.get_command(context, name)
    assert found is not None
    assert found.help


def test_the_list_of_commands_is_whole() -> None:
    shown = said("--help")
    for name in COMMANDS:
        assert f"\n  {name} " in shown


# ------------------------------------------------------------------ ask


def test_ask_shows_the_decision_the_reason_and_the_reply(folder: Path) -> None:
    shown = said("ask", JOIN)
    assert small_content.JOIN_ANSWER in shown
    assert "answer_what_a_rule_knows" in shown
    assert "går vi med" in shown
    assert not (folder / "var").exists(), "nothing is stored"


def test_ask_writes_a_line_for_each_line_and_survives_bad_ones(folder: Path) -> None:
    good = json.dumps({"id": "a1", "q": JOIN})
    bad = [b"not json", b"[1]", b'{"id": 2}', b'{"q": null}', b'{"q": 5}', b"\xff\xfe", b"[" * 100_000]
    half = rb'{"id": null, "q": "\ud800 hej"}'
    result = lokbot("ask", "--jsonl", stdin=b"\n".join([good.encode(), *bad, b"", half, good.encode()]))

    assert result.exit_code == 0, result.output
    first, *errors, halved, last = lines(result.stdout)
    assert set(first) == ASKED
    assert set(first["questions"][0]) == QUESTION
    assert first["id"] == "a1"
    assert first["outcome"] == "answer"
    assert first["questions"][0]["article"] == "ga-med"
    assert [set(error) for error in errors] == [{"id", "error"}] * len(bad)
    assert errors[0]["error"].startswith("line 2 ")
    assert set(halved) == ASKED
    assert last == first


def test_ask_wants_a_question(folder: Path) -> None:
    assert "Give a question" in refused("ask", code=USAGE)


def test_ask_speaks_utf8_whatever_the_terminal_does_and_needs_no_vectors(folder: Path) -> None:
    done = subprocess.run(
        [LOKBOT, "ask", "--jsonl"],
        input=json.dumps({"id": "å", "q": JOIN}, ensure_ascii=False).encode(),
        env=os.environ | {"PYTHONIOENCODING": "latin-1", "LOKBOT_SEMANTIC": "off"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    (answer,) = lines(done.stdout.decode())
    assert answer["id"] == "å"
    assert "Det här är ett automatiskt svar" in answer["reply"]


def test_ask_loads_nothing_that_only_a_running_lokbot_needs() -> None:
    """Start-up is most of the time of a single question."""
    heavy = "{'lokbot.service', 'alembic', 'imapclient', 'smtplib', 'aiosmtpd', 'pymap', 'psycopg'}"
    code = f"import sys, lokbot.cli, lokbot.cli.questions; print(*sorted({heavy} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert loaded.stdout.split() == []


# ------------------------------------------------------------------ parse


def test_parse_writes_a_line_for_each_file_whatever_it_holds(folder: Path) -> None:
    mail = letter(
        "Anna Å <anna@forening.example>", JOIN, subject="Gå med", headers={"Reply-To": "styrelsen@forening.example"}
    )
    mail.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="protokoll.pdf")
    (folder / "good.eml").write_bytes(mail.as_bytes())
    (folder / "garbage.eml").write_bytes(bytes(range(256)) * 50)
    (folder / "empty.eml").write_bytes(b"")
    strange = os.fsdecode(b"\xff.eml")
    (folder / strange).write_bytes(mail.as_bytes())

    output = said("parse", "--jsonl", "good.eml", "garbage.eml", "empty.eml", "missing.eml", "knowledge", strange)

    parsed = lines(output)
    assert [set(line) for line in parsed] == [PARSED] * 6
    good, garbage, empty, missing, directory, named = parsed
    assert good["from"] == {"name": "Anna Å", "email": "anna@forening.example"}
    assert good["reply_to"] == {"name": "", "email": "styrelsen@forening.example"}
    assert good["to"] == [{"name": "", "email": small_content.LOK}]
    assert (good["subject"], good["language"]) == ("Gå med", "sv")
    assert good["message_id"] == mail["Message-ID"].strip("<>")
    assert good["automatic"] == {"is": False, "kind": None, "reason": None}
    assert good["bounce"] == {"is": False, "recipients": [], "permanent": None}
    assert good["attachments"] == [{"name": "protokoll.pdf", "type": "application/pdf", "size": 8}]
    assert good["new_text"].strip() == JOIN
    assert "unreadable" in garbage["warnings"]
    assert "unreadable" in empty["warnings"]
    assert any(warning.startswith("cannot be read") for warning in missing["warnings"])
    assert any(warning.startswith("cannot be read") for warning in directory["warnings"])
    assert named["path"] == strange


def test_parse_in_a_process_of_its_own_exits_0(tmp_path: Path) -> None:
    done = subprocess.run([LOKBOT, "parse", "--jsonl", tmp_path / "missing.eml"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert lines(done.stdout.decode())[0]["from"] is None


# ------------------------------------------------------------------ check and settings


def test_check_finds_the_shipped_content_usable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOKBOT_KNOWLEDGE_DIR")
    monkeypatch.delenv("LOKBOT_INTENTS_DIR")
    assert "Inga fel." in said("check")


def test_broken_content_is_named_with_file_and_line(folder: Path) -> None:
    article = folder / "knowledge" / "articles" / "ga-med.yaml"
    article.write_text(article.read_text("utf-8").replace("topic:", "tpoic:"), "utf-8")

    result = lokbot("check")
    assert result.exit_code == 1
    assert "knowledge/articles/ga-med.yaml:2:" in result.stdout
    told = refused("ask", JOIN, code=CONTENT)
    assert "knowledge/articles/ga-med.yaml:2:" in told
    assert "lokbot check" in told


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("LOKBOT_IMPA__HOST", "x", ("impa", "LOKBOT_IMPA__HOST", "no such setting")),
        ("LOKBOT_IMAP__PORT", "many", ("imap.port", "LOKBOT_IMAP__PORT")),
        ("LOKBOT_SEMANTIC", "on", ("semantic",)),
        ("LOKBOT_IMAP__PASSWORD_FILE", "missing", ("LOKBOT_IMAP__PASSWORD_FILE", "cannot be read")),
        ("LOKBOT_DATABASE_URL", "nonsense", ("database_url",)),
        ("LOKBOT_VAR_DIR", "lokbot.yaml/var", ("var_dir",)),
    ],
)
def test_a_wrong_setting_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: tuple[str, ...]
) -> None:
    (folder / "lokbot.yaml").write_text("log_level: INFO\n", "utf-8")
    monkeypatch.setenv(variable, value)
    told = refused("cases", code=SETTINGS)
    for word in words:
        assert word in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("imap:\n  host: [x\n", "lokbot.yaml:3"),
        ("imap:\n  hots: x\n", "imap.hots (in lokbot.yaml)"),
        ("just words", "lokbot.yaml: must hold"),
        ("imap: {port: 99999}", "imap.port (in lokbot.yaml)"),
    ],
)
def test_a_wrong_settings_file_is_named_with_its_place(folder: Path, text: str, words: str) -> None:
    (folder / "lokbot.yaml").write_text(text, "utf-8")
    assert words in refused("check", code=SETTINGS)


def test_a_settings_file_that_is_not_there_is_named(folder: Path) -> None:
    assert "other.yaml: there is no such settings file" in refused("--config", "other.yaml", "check", code=SETTINGS)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "imap.host"),
        ({"LOKBOT_IMAP__HOST": "127.0.0.1"}, "smtp.host"),
        ({"LOKBOT_IMAP__HOST": "127.0.0.1", "LOKBOT_SMTP__HOST": "x", "LOKBOT_COORDINATORS": ""}, "coordinators"),
        ({"LOKBOT_DRAFTS_ALLOWED": "true"}, "drafts_allowed"),
    ],
)
def test_run_does_not_start_without_what_it_needs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], words: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert words in refused("run", code=SETTINGS)


# ------------------------------------------------------------------ the store


def test_a_store_without_tables_says_what_to_do(folder: Path) -> None:
    assert "lokbot migrate" in refused("cases", code=SETTINGS)
    said("migrate")
    said("migrate")
    assert "Inga ärenden." in said("cases", "--all")


def test_a_database_that_does_not_answer_is_no_traceback(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOKBOT_DATABASE_URL", f"postgresql://lokbot:hemligt@127.0.0.1:{free_port()}/lokbot")
    told = refused("cases", code=DATABASE)
    assert "database_url" in told
    assert "hemligt" not in told


def test_health_fails_when_nothing_runs(store: None) -> None:
    result = lokbot("health")
    assert result.exit_code == 1
    assert "alive: none" in result.stdout


def test_cases_are_listed_by_what_is_wanted(store: None) -> None:
    waiting = said("cases")
    assert waiting == said("cases", "--waiting")
    assert "sven@forening.example" in waiting
    assert "siv@forening.example" in waiting
    said("resolve", "1")
    assert "sven@forening.example" not in said("cases")
    assert "sven@forening.example" in said("cases", "--all")
    assert "Inget har misslyckats." in said("cases", "--failed")


def test_a_case_is_named_by_its_number_in_any_form(store: None) -> None:
    year = datetime.now(UTC).year
    shown = said("case", "2")
    assert OWN_MATTER in shown
    assert shown == said("case", f"LOK-{year}-00002") == said("case", f" lok-{year}-00002 ")
    assert "regel: keep_own_matters_with_people" in said("case", "2", "--why")


def test_a_person_takes_hands_back_answers_forwards_and_resolves(store: None) -> None:
    said("take", "2", "--by", "Kim")
    assert "taget av Kim" in said("cases")
    assert "redan taget av Kim" in refused("take", "2", "--by", "Robin", code=NOT_POSSIBLE)
    said("hand-back", "2", "--by", "Kim")
    assert "taget" not in said("cases")
    said("forward", "2", "kultur", "--to", "kultur@stad.example")
    assert "hos förvaltning" in said("cases", "--all")
    said("reply", "2", "Hej Siv!", "--by", "Kim")
    shown = said("case", "2", "--why")
    assert "Hej Siv!" in shown
    assert "Kim: answered" in shown
    said("release", "1", "--by", "Kim")
    assert "Inga ärenden." in said("cases")


def test_a_reply_is_read_from_standard_input(store: None) -> None:
    said("reply", "2", stdin="Första raden.\nAndra raden: åäö.\n")
    assert "Andra raden: åäö." in said("case", "2")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("case", "99"), "Det finns inget ärende 99"),
        (("case", "hej"), "Det finns inget ärende hej"),
        (("take", "99"), "Det finns inget ärende 99"),
        (("hand-back", "99"), "Det finns inget ärende 99"),
        (("release", "99"), "Det finns inget ärende 99"),
        (("release", "2"), "inget förslag"),
        (("reply", "99", "hej"), "Det finns inget ärende 99"),
        (("reply", "2", "  "), "Svaret är tomt"),
        (("forward", "99", "kultur"), "Det finns inget ärende 99"),
        (("forward", "2", "kulturen"), "Välj bland: kultur, samordnare"),
        (("forward", "2", "kultur"), "--to"),
        (("resolve", "99"), "Det finns inget ärende 99"),
        (("retry", "99"), "Det finns inget ärende 99"),
        (("retry", "2"), "har misslyckats"),
        (("correct", "99", "--none"), "Det finns inget ärende 99"),
        (("correct", "2"), "Säg vad som är rätt"),
        (("correct", "2", "--article", "x"), "Välj bland: ga-med"),
        (("correct", "2", "--none", "--question", "2"), "1. Har ni fått vår ansökan"),
        (("resume",), "ingen sådan paus"),
        (("pause", "--topic", "vaktmästeri"), "Välj bland: anslutning"),
        (("pause", "--article", "x"), "Välj bland: ga-med"),
        (("pause", "--channel", "fax"), "Välj bland: mail"),
        (("approve", "finns-inte", "--by", "Kim Prov"), "ingen artikel"),
        (("approve", "ga-med", "--by", " "), "--by"),
        (("approve", "ga-med", "--by", "Kim Prov", "--language", "fi"), "fi"),
        (("knowledge", "history", "finns-inte"), "finns-inte"),
        (("knowledge", "import", "--take", "finns-inte"), "finns-inte"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_refused_with_the_reason(store: None, arguments: tuple[str, ...], words: str) -> None:
    assert words in refused(*arguments, code=NOT_POSSIBLE)


def test_a_decided_question_is_corrected_and_measured_on(store: None) -> None:
    assert "artikel ga-med" in said("correct", "2", "--article", "ga-med", "--by", "Kim")
    assert "rättat av Kim" in said("case", "2", "--why")
    measured = said("evaluate", "--corrections", "--mistakes")
    assert "Frågor: 1." in measured
    assert "i onödan till en person" in measured


def test_an_empty_or_unreadable_reply_is_refused(store: None) -> None:
    assert "Svaret är tomt" in refused("reply", "2", stdin="\n", code=NOT_POSSIBLE)
    assert "UTF-8" in refused("reply", "2", stdin="åäö".encode("latin-1"), code=NOT_POSSIBLE)


@pytest.mark.parametrize(
    "arguments",
    [
        ("pause", "--topic", "anslutning", "--article", "ga-med"),
        ("approve", "ga-med"),
        ("approve", "--by", "Kim Prov"),
        ("forward", "2"),
        ("case",),
        ("cases", "--waitng"),
        ("fly",),
    ],
    ids=" ".join,
)
def test_a_command_used_wrongly_shows_how_it_is_used(store: None, arguments: tuple[str, ...]) -> None:
    assert "Usage: " in refused(*arguments, code=USAGE)


def test_the_bot_is_paused_and_resumed_by_scope(store: None) -> None:
    assert "Inget är pausat." in said("pause", "--list")
    for scope in ((), ("--channel", "mail"), ("--topic", "lokaler"), ("--article", "ga-med")):
        said("pause", *scope, "--by", "Kim")
        assert "Kim" in said("pause", "--list")
        said("resume", *scope)
    assert "Inget är pausat." in said("pause", "--list")


def test_a_text_is_approved_once_and_its_versions_are_told(store: None, folder: Path) -> None:
    assert "godkänd av Kim Prov" in said("approve", small_content.NOT_APPROVED, "--by", "Kim Prov")
    again = said("approve", small_content.NOT_APPROVED, "--by", "Robin Prov")
    assert "godkänd av Kim Prov" in again, "who approved first stands"
    small_content.write_article(folder, small_content.NOT_APPROVED, "odling", small_content.GARDEN, "Nytt svar.")
    assert "+answer: Nytt svar." in said("knowledge", "diff", small_content.NOT_APPROVED)
    said("knowledge", "import")
    assert "samma sak" in said("knowledge", "diff")
    history = said("knowledge", "history", small_content.NOT_APPROVED)
    assert "version 1" in history
    assert "version 2" in history
    said("knowledge", "export", "ut")
    assert "Nytt svar." in (folder / "ut" / "articles" / "odlingslott.yaml").read_text("utf-8")


def test_personal_numbers_are_not_shown(folder: Path) -> None:
    assert "811228-9874" not in said("ask", f"{JOIN} Jag är 811228-9874.")


# ------------------------------------------------------------------ beside answering


class Door:
    """Takes everything."""

    def send(self, message: OutgoingMessage) -> None:
        pass


@pytest.fixture
def answered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store with one case, 1, that the bot has answered by itself."""
    monkeypatch.setenv("LOKBOT_ANSWERING__DEFAULT", "send")
    settings = config.load()
    engine = connect(settings.database)
    migrate(engine)
    sessions = session_factory(engine)
    now = datetime.now(UTC)
    with sessions.begin() as session:
        knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
        publishing.import_knowledge(session, knowledge, now=now)
        knowledge = publishing.active(session, knowledge, prefer_approved=True)
        intake.receive(session, mime.parse(letter("sven@forening.example", JOIN).as_bytes(), received_at=now), now=now)
    active = Active(knowledge, understanding.build(knowledge))
    assert pipeline.handle_next(sessions, active, settings, now=now)
    assert delivery.deliver_next(sessions, {ChannelName.MAIL: Door()}, settings, knowledge, worker="w", now=now)
    engine.dispose()


def test_a_case_rests_and_wakes(store: None) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    assert f"vilar till {tomorrow}" in said("snooze", "2", tomorrow, "--by", "Kim")
    assert "siv@forening.example" not in said("cases")
    assert f"vilar till {tomorrow}" in said("cases", "--resting")
    assert "väntar igen" in said("wake", "2")
    assert "vilade inte" in said("wake", "2")
    assert "siv@forening.example" in said("cases")


def test_the_coordinator_says_what_goes_to_an_administration(store: None, folder: Path) -> None:
    said("forward", "2", "kultur", "--to", "kultur@stad.example", "--text", "Vem äger salen?", "--with-asker")
    shown = said("case", "2")
    assert "> Vem äger salen?" in shown
    assert "Den som frågar: siv@forening.example" in shown
    assert "Hela meddelandet som kom in" not in shown
    (folder / "karta.pdf").write_bytes(b"%PDF-1.7")
    said("forward", "2", "kultur", "--to", "kultur@stad.example", "--whole", "--attach", "karta.pdf")
    assert "Hela meddelandet som kom in" in said("case", "2")
    assert "(bilaga: karta.pdf, 8 byte)" in said("case", "2")
    assert "authserv_ids" in refused(
        "forward", "2", "kultur", "--to", "kultur@stad.example", "--direct", code=NOT_POSSIBLE
    )


def test_a_file_goes_along_with_an_answer(store: None, folder: Path) -> None:
    (folder / "blankett.pdf").write_bytes(b"%PDF-1.7")
    said("reply", "2", "Se bilagan.", "--attach", "blankett.pdf")
    assert "(bilaga: blankett.pdf, 8 byte)" in said("case", "2")
    assert "inte med i" in refused("reply", "2", "Hej", "--copy", "okand@stad.example", code=NOT_POSSIBLE)


def test_a_call_and_a_visit_are_written_down(store: None) -> None:
    assert "är ditt" in said("call", "Ville veta när salen är ledig.", "--name", "Siv", "--phone", "042-123456")
    assert "är klart" in said("call", "Hämtade en broschyr.", "--visit", "--done")
    assert "från Siv (samtal)" in said("case", "3")
    assert "från någon (besök)" in said("case", "4")


def test_what_the_bot_answered_is_reviewed_and_corrected(answered: None) -> None:
    listed = said("review")
    assert JOIN in listed
    number = listed.split()[0]
    assert "fel" in said("review", number, "wrong", "--article", "samlingssal", "--comment", "Nej.")
    assert "Inget att granska." in said("review")
    assert "rättat av" in said("case", "1", "--why")
    assert "Det finns inget svar 99" in refused("review", "99", "right", code=NOT_POSSIBLE)
    refused("review", number, code=USAGE)


def test_a_wrong_text_is_corrected_to_all(answered: None) -> None:
    assert "sven@forening.example" in said("correct-all", "ga-med")
    assert "lokbot pause" in refused("correct-all", "ga-med", "Så här är det.", code=NOT_POSSIBLE)
    said("pause", "--article", "ga-med")
    settings = config.load()
    engine = connect(settings.database)
    with session_factory(engine).begin() as session:
        none = desk_settings.stamp(None)
        put = {"seen": none, "settings": settings, "actor": "kim", "now": datetime.now(UTC)}
        desk_settings.put_setting(session, desk_settings.UNDO, 45, **put)  # type: ignore[arg-type]
    engine.dispose()
    assert "1 rättelser går om 45 minuter" in said("correct-all", "ga-med", "Så här är det."), "as the desk has set it"
    assert "0 rättelser" in said("correct-all", "ga-med", "Så här är det.")
    assert "Så här är det." in said("case", "1")
    assert "1 rättelser stoppades" in said("correct-all", "ga-med", "--stop")
    assert "ingen sådan version" in refused("correct-all", "ga-med", "--version", "7", code=NOT_POSSIBLE)


def test_matters_are_collected_for_the_steering_group(store: None) -> None:
    assert "Inget är samlat" in said("steering")
    said("steering", "1", "Salar saknas på kvällar.")
    assert "Salar saknas på kvällar." in said("steering")
    said("steering", "1", "--remove")
    said("steering", "2", "Svar dröjer.")
    assert "1 ärenden" in said("steering", "--met")
    assert "Inget är samlat" in said("steering")
    refused("steering", "1", code=USAGE)
