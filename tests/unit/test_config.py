"""Settings: one file, then the environment; anything unknown or wrong stops the start in words that help."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from pathlib import Path

import pytest
from pydantic import BaseModel

from lokbot import config
from lokbot.config import Settings, SettingsError
from lokbot.model import AnsweringMode, ChannelName, Role

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory without lokbot.yaml."""
    monkeypatch.chdir(tmp_path)


def load(text: str = "", **environ: str) -> Settings:
    file = Path("settings.yaml")
    file.write_text(text, encoding="utf-8")
    return config.load(file, environ)


def complaint(text: str = "", **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(text, **environ)
    return str(caught.value)


# ------------------------------------------------------------------ where settings come from


def test_without_file_or_environment_the_defaults_hold() -> None:
    settings = config.load(environ={})
    assert settings == Settings()
    assert settings.answering.default is AnsweringMode.SUGGEST
    assert settings.knowledge_dir.is_dir()
    assert settings.intents_dir.is_dir()
    assert not settings.drafts_allowed


def test_the_file_gives_values_in_their_types() -> None:
    settings = load(
        """
        var_dir: /srv/lokbot
        imap: {host: imap.example.org, port: 143, tls: starttls}
        coordinators: [anna@stad.example, bo@stad.example]
        answering:
          default: suggest
          channels: {mail: send}
          topics: {bidrag: suggest}
        promise:
          working_days: 2
          day_ends: "15:30"
          closed_days: [2026-12-23]
        outbox: {retry_seconds: [1, 2.5]}
        """
    )
    assert settings.var_dir == Path("/srv/lokbot")
    assert (settings.imap.host, settings.imap.port, settings.imap.tls) == ("imap.example.org", 143, "starttls")
    assert settings.coordinators == ("anna@stad.example", "bo@stad.example")
    assert settings.answering.channels == {ChannelName.MAIL: AnsweringMode.SEND}
    assert (settings.promise.working_days, settings.promise.day_ends) == (2, time(15, 30))
    assert settings.promise.closed_days == (date(2026, 12, 23),)
    assert settings.outbox.retry_seconds == (1.0, 2.5)


def test_lokbot_yaml_here_is_read_unless_another_is_named() -> None:
    Path("lokbot.yaml").write_text("log_level: DEBUG", encoding="utf-8")
    Path("other.yaml").write_text("log_level: ERROR", encoding="utf-8")
    Path("third.yaml").write_text("log_level: WARNING", encoding="utf-8")
    assert config.load(environ={}).log_level == "DEBUG"
    assert config.load(environ={"LOKBOT_CONFIG": "other.yaml"}).log_level == "ERROR"
    assert config.load(Path("third.yaml"), {"LOKBOT_CONFIG": "other.yaml"}).log_level == "WARNING"
    assert config.load(environ={"LOKBOT_CONFIG": ""}).log_level == "DEBUG"


def test_the_environment_wins_over_the_file_setting_by_setting() -> None:
    settings = load(
        "imap: {host: imap.example.org, user: fil}\nlog_level: DEBUG",
        LOKBOT_IMAP__USER="miljö",
        LOKBOT_LOG_LEVEL="ERROR",
        PATH="/usr/bin",
    )
    assert (settings.imap.host, settings.imap.user, settings.log_level) == ("imap.example.org", "miljö", "ERROR")


def test_lists_and_mappings_in_the_environment() -> None:
    settings = load(
        LOKBOT_COORDINATORS="anna@stad.example, bo@stad.example,",
        LOKBOT_ANSWERING__CHANNELS='{"mail": "send"}',
        LOKBOT_ANSWERING__TOPICS__BIDRAG="send",
        LOKBOT_PROMISE__CLOSED_DAYS="2026-12-23, 2026-12-28",
        LOKBOT_PROMISE__DAY_ENDS="15:00",
        LOKBOT_OUTBOX__RETRY_SECONDS="1,2",
        LOKBOT_DRAFTS_ALLOWED="true",
    )
    assert settings.coordinators == ("anna@stad.example", "bo@stad.example")
    assert settings.answering.channels == {ChannelName.MAIL: AnsweringMode.SEND}
    assert settings.answering.topics == {"bidrag": AnsweringMode.SEND}
    assert settings.promise.closed_days == (date(2026, 12, 23), date(2026, 12, 28))
    assert settings.promise.day_ends == time(15)
    assert settings.outbox.retry_seconds == (1.0, 2.0)
    assert settings.drafts_allowed


def test_a_value_may_stand_in_a_file_of_its_own() -> None:
    Path("secret").write_text("hemligt lösen\n", encoding="utf-8")
    settings = load(
        "smtp: {password: annat}",
        LOKBOT_SMTP__PASSWORD_FILE="secret",
        LOKBOT_DATABASE_PASSWORD="öppet",
        LOKBOT_DATABASE_PASSWORD_FILE="secret",
    )
    assert settings.smtp.password.get_secret_value() == "hemligt lösen"
    assert settings.database_password.get_secret_value() == "hemligt lösen"


def test_a_section_left_empty_is_not_set() -> None:
    """In the example file every line of a section may be commented out."""
    settings = load("imap:\nsmtp:\n  # host: x\ncoordinators:\nlog_level: DEBUG", LOKBOT_IMAP__HOST="imap.example.org")
    assert settings.imap.host == "imap.example.org"
    assert settings.smtp == Settings().smtp
    assert settings.log_level == "DEBUG"


@pytest.mark.parametrize("text", ["", "# only a comment", "---", "null"])
def test_an_empty_file_sets_nothing(text: str) -> None:
    assert load(text) == Settings()


def test_the_example_file_is_valid() -> None:
    settings = config.load(ROOT / "lokbot.example.yaml", {})
    assert settings.imap.host
    assert settings.smtp.host
    assert settings.coordinators
    assert settings.answering.default is AnsweringMode.SUGGEST


# ------------------------------------------------------------------ what is wrong


def test_a_setting_that_does_not_exist_is_named_with_its_place() -> None:
    said = complaint("imap: {hst: x}\nlog: INFO", LOKBOT_SMTP__HOSTT="y")
    assert "imap.hst (in settings.yaml): there is no such setting; see docs/operations.md" in said
    assert "log (in settings.yaml)" in said
    assert "smtp.hostt (in the environment variable LOKBOT_SMTP__HOSTT)" in said


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("imap: {port: nittio}", "imap.port"),
        ("imap: {port: 0}", "imap.port"),
        ("imap: {tls: maybe}", "imap.tls"),
        ("imap: [a]", "imap"),
        ("coordinators: {a: b}", "coordinators"),
        ("answering: {default: always}", "answering.default"),
        ("answering: {channels: {fax: send}}", "answering.channels"),
        ("answering: {channels: mail}", "answering.channels"),
        ("answer_threshold: 1.5", "answer_threshold"),
        ("answer_threshold: 0", "answer_threshold"),
        ("semantic: on", "semantic"),
        ("promise: {closed_days: [igår]}", "promise.closed_days"),
        ("promise: {working_days: -1}", "promise.working_days"),
        ("outbox: {retry_seconds: []}", "outbox.retry_seconds"),
        ("drafts_allowed: kanske", "drafts_allowed"),
        ("log_level: LOUD", "log_level"),
        ("smtp: {password: 12345}", "smtp.password"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(text: str, name: str) -> None:
    said = complaint(text)
    assert f"  {name}" in said
    assert "(in settings.yaml)" in said
    assert "12345" not in said, "a message must not show a value that may be a password"


@pytest.mark.parametrize("written", ["16:00", "9:30", "960", "16:00:00"])
def test_an_hour_without_quotes_is_refused_where_yaml_reads_a_number(written: str) -> None:
    """YAML 1.1 reads ``16:00`` as 960, sixteen sixties: it would silently become sixteen past midnight."""
    said = complaint(f"promise: {{day_ends: {written}}}")
    assert "promise.day_ends (in settings.yaml)" in said
    assert '"16:00"' in said


def test_a_wrong_value_in_the_environment_is_named_by_its_variable() -> None:
    assert "imap.port (in the environment variable LOKBOT_IMAP__PORT)" in complaint(
        "imap: {port: 993}", LOKBOT_IMAP__PORT="x"
    )
    said = complaint(LOKBOT_ANSWERING__CHANNELS="{mail")
    assert "answering.channels (in the environment variable LOKBOT_ANSWERING__CHANNELS)" in said


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert len(complaint("imap: {port: x, tls: y}\nnonsense: 1").splitlines()) == 4


def test_broken_yaml_is_named_with_its_line() -> None:
    assert "settings.yaml:2: " in complaint("log_level: INFO\nvar_dir: a: b")


@pytest.mark.parametrize("text", ["- a", "words", "5"])
def test_a_file_must_hold_names_and_values(text: str) -> None:
    assert "settings.yaml: must hold `name: value` lines" in complaint(text)


def test_a_file_that_is_not_there_or_not_text() -> None:
    with pytest.raises(SettingsError, match=r"gone\.yaml: there is no such settings file"):
        config.load(Path("gone.yaml"), {})
    with pytest.raises(SettingsError, match=r"gone\.yaml: there is no such settings file"):
        config.load(environ={"LOKBOT_CONFIG": "gone.yaml"})
    Path("latin.yaml").write_bytes("smtp: {from_name: Hälsingborg}".encode("latin-1"))
    with pytest.raises(SettingsError, match=r"latin\.yaml: cannot be read"):
        config.load(Path("latin.yaml"), {})
    with pytest.raises(SettingsError, match="cannot be read"):
        config.load(Path("."), {})


def test_a_secret_file_that_is_not_there() -> None:
    assert "LOKBOT_IMAP__PASSWORD_FILE: the file gone cannot be read" in complaint(LOKBOT_IMAP__PASSWORD_FILE="gone")


def test_a_setting_inside_a_plain_value() -> None:
    assert "`log_level` has no settings inside it" in complaint("log_level: INFO", LOKBOT_LOG_LEVEL__DEEP="x")


# ------------------------------------------------------------------ the database


def test_the_database_is_sqlite_in_var_dir_unless_named() -> None:
    assert load("var_dir: /srv/x").database == "sqlite:////srv/x/lokbot.db"
    url = "postgresql://lokbot@db.example/lokbot"
    assert load(f"database_url: {url}").database == url
    assert load(f"database_url: {url}", LOKBOT_DATABASE_PASSWORD="p@ss/ord").database == (
        "postgresql://lokbot:p%40ss%2Ford@db.example/lokbot"
    )


@pytest.mark.parametrize("url", ["not a url", "postgres://lokbot@db.example/lokbot", "mysql://db.example/lokbot"])
def test_a_database_that_lokbot_cannot_use_stops_the_start(url: str) -> None:
    said = complaint(f"database_url: '{url}'")
    assert said.startswith("database_url: ")
    assert "postgresql://" in said


def test_secrets_are_not_shown() -> None:
    settings = load(LOKBOT_IMAP__PASSWORD="hemligt", LOKBOT_DATABASE_PASSWORD="hemligt")
    assert "hemligt" not in repr(settings)
    assert "hemligt" not in str(settings)


# ------------------------------------------------------------------ answering


def test_a_topics_mode_wins_over_its_channels_and_that_over_the_default() -> None:
    answering = load("answering: {default: suggest, channels: {mail: send}, topics: {bidrag: suggest}}").answering
    assert answering.mode(ChannelName.MAIL, "bidrag") is AnsweringMode.SUGGEST
    assert answering.mode(ChannelName.MAIL, "lokaler") is AnsweringMode.SEND
    assert answering.mode(ChannelName.MAIL, None) is AnsweringMode.SEND
    assert answering.mode(ChannelName.TELEGRAM, "lokaler") is AnsweringMode.SUGGEST


# ------------------------------------------------------------------ tokens

TOKENS = {"LOKBOT_IMAP__AUTH": "xoauth2", "LOKBOT_OAUTH__TOKEN_URL": "https://login.example.org/token"}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"LOKBOT_IMAP__AUTH": "xoauth2"}, "oauth.token_url"),
        ({**TOKENS, "LOKBOT_OAUTH__TOKEN_URL": "http://login.example.org/token"}, "oauth.token_url"),
        ({**TOKENS, "LOKBOT_OAUTH__TOKEN_URL": "https:///token"}, "oauth.token_url"),
        (TOKENS, "oauth.client_id"),
        ({**TOKENS, "LOKBOT_OAUTH__CLIENT_ID": "lokbot"}, "oauth.client_secret"),
    ],
)
def test_tokens_need_what_fetches_them(values: dict[str, str], named: str) -> None:
    assert complaint(**values).startswith(f"{named}: ")


@pytest.mark.parametrize("secret", ["CLIENT_SECRET", "REFRESH_TOKEN"])
def test_a_secret_or_a_refresh_token_will_do_and_neither_is_shown(secret: str) -> None:
    settings = load(**TOKENS, LOKBOT_OAUTH__CLIENT_ID="lokbot", **{f"LOKBOT_OAUTH__{secret}": "hemlighet-7"})
    assert "hemlighet-7" not in repr(settings)


@pytest.mark.parametrize("label", ["", "två ord", "å", "a(b", 'a"b', "a\\b", "a*b", "a%b", "a]b", "\\Seen"])
def test_a_label_that_no_server_takes_is_refused(label: str) -> None:
    assert "imap.handled_label" in complaint(LOKBOT_IMAP__HANDLED_LABEL=label)


@pytest.mark.parametrize("label", ["$Lokbot", "Klart", "lok-klart_1"])
def test_a_label_that_a_server_takes(label: str) -> None:
    assert load(LOKBOT_IMAP__HANDLED_LABEL=label).imap.handled_label == label


# ------------------------------------------------------------------ documented


def names(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every setting by its dotted name, with its help text."""
    for name, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from names(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field.description or ""


def test_every_setting_has_a_help_text() -> None:
    assert [name for name, text in names(Settings) if not text.strip()] == []


def test_every_setting_stands_in_the_documentation() -> None:
    file = ROOT / "docs" / "operations.md"
    documented = file.read_text(encoding="utf-8") if file.exists() else ""
    missing = [name for name, _ in names(Settings) if f"`{name}`" not in documented]
    assert missing == [], f"{file.name} does not name: {', '.join(missing)}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("login: {password: false}", "lets nobody in unless `sso.issuer` is set"),
        ("sso: {issuer: 'http://city.example', client_id: x}", "must be an https:// address"),
        ("sso: {issuer: 'https://login.microsoftonline.com/common/v2.0', client_id: x}", "your own tenant"),
        ("sso: {issuer: 'https://city.example'}", "sso.client_id"),
        ("sso: {issuer: 'https://city.example', client_id: x, roles: {chief: [a]}}", "sso.roles.chief"),
    ],
)
def test_the_citys_log_in_is_checked_at_the_start(text: str, said: str) -> None:
    assert said in complaint(text)


def test_the_citys_log_in_in_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hemligt\n")
    settings = load(
        LOKBOT_SSO__ISSUER="https://city.example",
        LOKBOT_SSO__CLIENT_ID="x",
        LOKBOT_SSO__CLIENT_SECRET_FILE=str(secret),
        LOKBOT_SSO__ROLES__ADMIN="a, b",
        LOKBOT_SSO__ROLES__COORDINATOR="c",
        LOKBOT_LOGIN__PASSWORD="false",
    )
    assert settings.sso.client_secret.get_secret_value() == "hemligt"
    assert settings.sso.roles == {Role.ADMIN: ("a", "b"), Role.COORDINATOR: ("c",)}
    assert not settings.login.password
