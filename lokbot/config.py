"""Settings: one YAML file, then ``LOKBOT_*`` from the environment; anything unknown or wrong stops the start.

A nested setting is written with two underscores (``LOKBOT_IMAP__HOST``). Any setting may come from a file
named by the same variable with ``_FILE`` at its end, as Docker and Kubernetes give secrets.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from lokbot.model import AnsweringMode, ChannelName, Role, UserError

PREFIX = "LOKBOT_"
ROOT = Path(__file__).resolve().parent.parent

# Read elsewhere than here: which settings file to read.
CONFIG_VARIABLE = "LOKBOT_CONFIG"


class SettingsError(UserError):
    """The settings cannot be used. The message names each setting, what is wrong and what to do."""


def _listed(value: Any) -> Any:
    """In the environment a list is written with commas between."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _mapped(value: Any) -> Any:
    """In the environment a mapping is written as JSON."""
    return json.loads(value) if isinstance(value, str) else value


def _clock(value: Any) -> Any:
    """YAML 1.1 reads ``16:00`` as the number 960, sixteen sixties; as seconds that would be sixteen past midnight."""
    if isinstance(value, int | float):
        raise ValueError('a time of day is written in quotes: "16:00"')
    return value


def _clock_or_none(value: Any) -> Any:
    return None if value == "" else _clock(value)


def _off(value: Any) -> Any:
    """YAML 1.1 reads ``off`` as false."""
    return "off" if value is False else value


Rate = Annotated[float, Field(gt=0, le=0.2)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class ImapSettings(_Section):
    """The mailbox that lokbot reads."""

    host: str = Field("", description="The IMAP server. Empty: no mailbox is read.")
    port: int = Field(993, ge=1, le=65535, description="Its port: 993 for `tls`, 143 for the others.")
    user: str = Field("", description="The mailbox's user name.")
    password: SecretStr = Field(SecretStr(""), description="Its password; best as `LOKBOT_IMAP__PASSWORD_FILE`.")
    auth: Literal["password", "xoauth2"] = Field(
        "password", description="`xoauth2` logs in with a token instead (Microsoft 365); see `oauth`."
    )
    tls: Literal["tls", "starttls", "none"] = Field(
        "tls", description="`none` is for tests on the same machine only: the password goes in clear."
    )
    folder: str = Field("INBOX", description="The folder that is read.")
    junk_folder: str = Field(
        "",
        description="The folder of what a filter caught: read too, for a person. Empty: found by itself; `-`: none.",
    )
    sent_folder: str = Field(
        "",
        description="The folder of sent mail: what people write there silences the bot. Empty: found by itself; "
        "`-`: none.",
    )
    after_handling: Literal["nothing", "label", "move"] = Field(
        "nothing", description="What becomes of a handled mail in `folder`: nothing, a label, or another folder."
    )
    handled_label: str = Field("$Lokbot", pattern=r"^[!#$&'+-\[^-z|}~]+$", description="The label (an IMAP keyword).")
    handled_folder: str = Field("Lok-Klart", min_length=1, description="The folder that handled mail is moved to.")
    balance_at: Annotated[time, BeforeValidator(_clock)] = Field(
        time(6, 0), description="When the mailbox is counted against what is stored, each day (Swedish time)."
    )
    timeout_seconds: float = Field(30, gt=0, description="How long a silent server is waited for.")
    idle_seconds: float = Field(
        240,
        gt=0,
        description="How long one IDLE lasts before it is renewed; where the server has no IDLE, see `poll_seconds`.",
    )
    poll_seconds: float = Field(
        30,
        gt=0,
        description="How often the other folders are looked at, and `folder` too where the server has no IDLE.",
    )
    max_mail_bytes: int = Field(
        25_000_000, gt=0, description="A larger mail stays on the server; its headers become a visible case."
    )
    authserv_ids: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (),
        description="The names under which your own mail servers write Authentication-Results; all others are not "
        "believed. Exchange Online writes no name: `none`. Empty: nothing is known of a sender.",
    )


class SmtpSettings(_Section):
    """The server that lokbot sends through."""

    host: str = Field("", description="The SMTP server. Empty: nothing is sent, everything waits in the outbox.")
    port: int = Field(587, ge=1, le=65535, description="Its port: 587 for `starttls`, 465 for `tls`.")
    user: str = Field("", description="User name; empty where the server asks for none.")
    password: SecretStr = Field(SecretStr(""), description="Its password; best as `LOKBOT_SMTP__PASSWORD_FILE`.")
    auth: Literal["password", "xoauth2"] = Field("password", description="As for the mailbox.")
    tls: Literal["tls", "starttls", "none"] = Field("starttls", description="As for the mailbox.")
    timeout_seconds: float = Field(30, gt=0, description="How long a silent server is waited for.")
    from_address: str = Field("lok@helsingborg.se", description="The address that answers come from.")
    from_name: str = Field("Helsingborgs stad, lokal överenskommelse", description="The name beside that address.")
    reply_separator: Literal["", "+", ".", "-", "_", "="] = Field(
        "",
        description="Where the mail server delivers `lok+anything@` to `lok@`: the sign between. Answers then go to an "
        "address that is signed for their case. Empty: to `from_address`.",
    )
    copy_to_sent: bool = Field(
        True, description="Put a copy of what is sent into the mailbox's folder of sent mail, unless it is there."
    )


class OAuthSettings(_Section):
    """Where `auth: xoauth2` gets its tokens."""

    token_url: str = Field(
        "", description="For Microsoft 365: `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`."
    )
    client_id: str = Field("", description="The application's id.")
    client_secret: SecretStr = Field(
        SecretStr(""), description="Its secret; best as `LOKBOT_OAUTH__CLIENT_SECRET_FILE`."
    )
    scope: str = Field("https://outlook.office365.com/.default", description="What the token is for.")
    refresh_token: SecretStr = Field(
        SecretStr(""),
        description="Empty: the application logs in itself (client credentials). Else it acts for the person or "
        "mailbox that this token was given for.",
    )


class TelegramSettings(_Section):
    """The bot in Telegram. It starts only when the city has decided so and assessed what it means for people's data."""

    token: SecretStr = Field(
        SecretStr(""),
        description="The bot's token from @BotFather; best as `LOKBOT_TELEGRAM__TOKEN_FILE`. Empty: no bot.",
    )
    decision: str = Field(
        "", description="The city's decision to be on Telegram: its number in the register (diarienummer)."
    )
    assessment: str = Field(
        "", description="The data-protection assessment of it (GDPR article 35): its number in the register."
    )
    api_url: str = Field("https://api.telegram.org", description="The Bot API; another for a server of your own.")
    poll_seconds: int = Field(30, ge=0, le=50, description="How long one question for news stays open.")
    timeout_seconds: float = Field(30, gt=0, description="How long a silent server is waited for.")
    max_file_bytes: int = Field(
        20_000_000,
        gt=0,
        le=20_000_000,
        description="A larger file is not fetched; Telegram gives bots no more than this.",
    )
    coordinators_chat: str = Field(
        "",
        pattern=r"^(-\d{1,20})?$",
        description="The number of the coordinators' group, as `-1001234567890`: cases that wait are told there, and "
        "may be answered there. Empty: no group. The desk may set it.",
    )
    coordinators_text: bool = Field(
        False,
        description="Whether the group is told what somebody wrote, masked; never what is urgent or holds a personal "
        "number. Else case number, topic and link only.",
    )

    @property
    def is_allowed(self) -> bool:
        """Whether there is a bot, and the city has decided of it."""
        return bool(self.token.get_secret_value() and self.decision.strip() and self.assessment.strip())


def _origin(value: str) -> str:
    """An origin as a header holds it; a star or a semicolon would say more than is meant."""
    if not re.fullmatch(r"https?://(?:\*\.)?[a-z0-9.-]+(?::(?:\d{1,5}|\*))?", value):
        raise ValueError(f"{value!r} is no origin; write for example https://foreningar.helsingborg.se")
    return value


class ChatSettings(_Section):
    """What all chats have in common, and the web chat."""

    quiet_seconds: float = Field(
        2, ge=0, le=30, description="What somebody writes until they have paused for so long is read as one."
    )
    web: bool = Field(True, description="Whether the web chat is open, at `/chatt`. Closed, its pages do not exist.")
    embed_on: Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], BeforeValidator(_listed)] = Field(
        (),
        description="Origins of the pages that may show the chat in a panel (`/chat.js`): "
        "`https://foreningar.helsingborg.se, https://*.helsingborg.se`.",
    )
    max_letters: int = Field(
        8000, ge=500, le=50_000, description="A longer message is kept whole as a text file, for a person to read."
    )
    max_file_bytes: int = Field(
        10_000_000, gt=0, description="The largest file (PDF or picture) that may be sent in the web chat."
    )
    per_minute: int = Field(20, ge=1, description="Messages and pressed buttons in one web chat in a minute.")
    per_place_per_hour: int = Field(
        600, ge=1, description="The same from one network address in an hour; a school or an office shares one."
    )


class Answering(_Section):
    """Whether approved answers go out by themselves. A topic's setting wins over its channel's."""

    default: AnsweringMode = Field(
        AnsweringMode.SUGGEST,
        description="`suggest`: the asker gets a receipt, the coordinators a draft. `send`: what is approved is sent.",
    )
    channels: Annotated[dict[ChannelName, AnsweringMode], BeforeValidator(_mapped)] = Field(
        default_factory=dict, description="Per channel, for example `{mail: send}`."
    )
    topics: Annotated[dict[str, AnsweringMode], BeforeValidator(_mapped)] = Field(
        default_factory=dict, description="Per topic, for example `{bidrag: suggest}`."
    )

    undo_minutes: int = Field(
        10, ge=0, le=120, description="How long what a coordinator answers by mail can be stopped before it leaves."
    )

    def mode(self, channel: ChannelName, topic: str | None) -> AnsweringMode:
        """The mode for one question."""
        if topic in self.topics:
            return self.topics[topic]
        return self.channels.get(channel, self.default)


class Promise(_Section):
    """When somebody answers, as the receipts say it."""

    working_days: int = Field(1, ge=0, le=30, description="A person answers within so many working days.")
    day_begins: Annotated[time, BeforeValidator(_clock)] = Field(
        time(8, 0), description="When the working day begins: the statistics count waiting in working time."
    )
    day_ends: Annotated[time, BeforeValidator(_clock)] = Field(
        time(16, 0), description="What comes in later counts as the next working day (Swedish time)."
    )
    closed_days: Annotated[tuple[date, ...], BeforeValidator(_listed)] = Field(
        (),
        description="Days nobody answers, beside Saturdays, Sundays and Swedish holidays: `2026-12-23, ...`.",
    )


class Alarm(_Section):
    """Who hears of what is urgent or overdue, and how often."""

    deputies: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (), description="Mail addresses told beside the coordinators of what is urgent or overdue, such as a manager's."
    )
    repeat_minutes: int = Field(60, ge=1, description="How often an urgent case is told again until somebody takes it.")


class Caps(_Section):
    """The last line against storms of mail: what is over a cap goes to a person, unanswered."""

    per_sender_per_day: int = Field(20, ge=1, description="Automatic mails to one address in 24 hours.")
    per_case_per_day: int = Field(5, ge=1, description="Automatic mails in one case in 24 hours; of receipts one.")
    outbox_per_hour: int = Field(200, ge=1, description="Automatic mails to askers in all in an hour.")
    per_chat_per_day: int = Field(100, ge=1, description="Automatic messages in one chat in 24 hours.")
    notifications_per_hour: int = Field(
        100, ge=1, description="Mails about waiting cases to each coordinator in an hour; urgent ones always go."
    )


class TextsSettings(_Section):
    """How the texts are kept in the desk."""

    second_person: bool = Field(
        False, description="Whoever wrote a text in the desk may not be the one who approves it."
    )
    remind_days_before: int = Field(
        30, ge=0, le=365, description="So many days before its review date a text is told by mail. 0: never."
    )
    keepers: Annotated[dict[str, str], BeforeValidator(_mapped)] = Field(
        {},
        description="Where to: a mail address for a city role (`responsible`). Other texts are told to the "
        "coordinators.",
    )


class StatisticsSettings(_Section):
    """What the steering group sees, and when."""

    meetings: Annotated[tuple[date, ...], BeforeValidator(_listed)] = Field(
        (), description="The steering group's meetings, held and to come: `2026-09-15, ...`."
    )
    least: int = Field(
        5, ge=3, le=100, description="Published figures of fewer people than this are hidden (”färre än 5”)."
    )
    closes_after_days: int = Field(
        7,
        ge=0,
        le=60,
        description="A month is closed for publication so many days after its end, when what was asked has been "
        "answered.",
    )
    report_to: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (), description="Mail addresses that get the report before each meeting. Empty: no report is mailed."
    )
    report_days_before: int = Field(7, ge=0, le=60, description="How many days before a meeting that is.")
    report_monthly: bool = Field(False, description="Mail it also each time a month has been closed.")


class WebSettings(_Section):
    """The desk, and the public pages."""

    host: str = Field(
        "127.0.0.1", description="Where the web server listens; `0.0.0.0` behind a proxy or in a container."
    )
    port: int = Field(8080, ge=0, le=65535, description="Its port; 0: any free one.")
    public_url: str = Field(
        "http://localhost:8080",
        pattern=r"^https?://[^/\s?#]+$",
        description="How people reach it. Other host names are refused; with `https` cookies are sent over TLS only.",
    )
    trusted_proxies: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (), description="Addresses of proxies whose `X-Forwarded-For` is believed (who tries passwords, the audit log)."
    )
    max_upload_bytes: int = Field(10_000_000, gt=0, description="The largest file that may be attached to an answer.")


class LoginSettings(_Section):
    """How people come in."""

    password: bool = Field(
        True,
        description="Whether people may log in with a password of lokbot's own. `false`: only by `sso`; "
        "`lokbot let-in` still opens a way.",
    )
    second_factor_for: Annotated[tuple[Role, ...], BeforeValidator(_listed)] = Field(
        (),
        description="Roles that must log in with a code from an app besides the password: `coordinator, admin`. "
        "Others may.",
    )


class SsoSettings(_Section):
    """The city's own log-in, by OpenID Connect."""

    issuer: str = Field(
        "",
        description="The provider's issuer, to the letter. For Entra ID: "
        "`https://login.microsoftonline.com/TENANT_ID/v2.0`. Empty: only passwords.",
    )
    client_id: str = Field("", description="The application's id there.")
    client_secret: SecretStr = Field(
        SecretStr(""),
        description="Its secret; best as `LOKBOT_SSO__CLIENT_SECRET_FILE`. Empty: a public client, by PKCE alone.",
    )
    roles: Annotated[dict[Role, Annotated[tuple[str, ...], BeforeValidator(_listed)]], BeforeValidator(_mapped)] = (
        Field(
            default_factory=dict,
            description="Role -> the groups that give it, taken anew at each log-in: `{coordinator: [GROUP_ID]}`. "
            "Empty: whoever was invited comes in, with the roles given in the desk.",
        )
    )
    groups_claim: str = Field(
        "groups", min_length=1, description="The claim of the id_token that holds them; `roles` for Entra's app roles."
    )
    timeout_seconds: float = Field(10, gt=0, description="How long a silent provider is waited for.")


class PublicPages(_Section):
    """What the public pages say of the city (the law asks for it); `lokbot check` warns while something is empty."""

    controller: str = Field("", description="Who is responsible for personal data (GDPR art. 13), such as a board.")
    data_protection_officer: str = Field("", description="How to reach the data protection officer.")
    legal_basis: str = Field("", description="The legal basis for the handling, in plain Swedish.")
    kept_for: str = Field("", description="How long conversations are kept, by which decision.")
    accessibility_contact: str = Field("", description="Where to report what is not accessible: a mail address.")
    accessibility_assessed_on: date | None = Field(None, description="When accessibility was last assessed.")
    accessibility_known_faults: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (), description="What is known not to be accessible, a sentence each."
    )


class OutboxSettings(_Section):
    """How what is to be sent is tried."""

    lease_seconds: float = Field(
        900, gt=0, description="A sender that died is given up after so long; longer than a slow server's last word."
    )
    retry_seconds: Annotated[tuple[float, ...], BeforeValidator(_listed)] = Field(
        (10, 60, 300, 900, 3600), min_length=1, description="Waits between tries; the last is repeated."
    )
    give_up_hours: float = Field(48, gt=0, description="After so long without success the mail is shown as failed.")


class Settings(_Section):
    """Everything that can be set. Each field's description is its help text, and stands in docs/operations.md."""

    database_url: str = Field(
        "",
        description="SQLAlchemy URL; empty: SQLite in `var_dir`. PostgreSQL: `postgresql://lokbot@host/lokbot`.",
    )
    database_password: SecretStr = Field(
        SecretStr(""), description="Put into the URL; best as `LOKBOT_DATABASE_PASSWORD_FILE`."
    )
    var_dir: Path = Field(Path("var"), description="Where lokbot writes: the SQLite database and lock files.")
    knowledge_dir: Path = Field(ROOT / "knowledge", description="Articles, administrations, phrases, glossary.")
    intents_dir: Path = Field(ROOT / "intents", description="Topics, and rules for what people want.")
    imap: ImapSettings = Field(ImapSettings(), description="The mailbox that is read.")
    smtp: SmtpSettings = Field(SmtpSettings(), description="The server that is sent through.")
    form_senders: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (),
        description="Addresses that web forms of the city mail from, such as the joining form: what they send is a "
        "person's matter, and is answered to its Reply-To.",
    )
    oauth: OAuthSettings = Field(OAuthSettings(), description="Where `auth: xoauth2` gets its tokens.")
    coordinators: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (),
        description="Mail addresses of the coordinators: every escalation, suggestion and failure is mailed to them.",
    )
    telegram: TelegramSettings = Field(TelegramSettings(), description="The bot in Telegram.")
    chat: ChatSettings = Field(ChatSettings(), description="What all chats have in common.")
    answering: Answering = Field(Answering(), description="Whether answers go out by themselves.")
    drafts_allowed: bool = Field(
        False,
        description="Send texts nobody has approved, marked as such. For `lokbot demo` only; `lokbot run` refuses it.",
    )
    promise: Promise = Field(Promise(), description="When somebody answers.")
    digest_at: Annotated[time | None, BeforeValidator(_clock_or_none)] = Field(
        time(7, 30),
        description="When each coordinator gets a mail of what waits, on working days (Swedish time). Empty: never.",
    )
    alarm: Alarm = Field(Alarm(), description="Who hears of what is urgent or overdue.")
    caps: Caps = Field(Caps(), description="The last line against storms of mail.")
    outbox: OutboxSettings = Field(OutboxSettings(), description="How sending is tried.")
    texts: TextsSettings = Field(TextsSettings(), description="How the texts are kept in the desk.")
    statistics: StatisticsSettings = Field(StatisticsSettings(), description="What the steering group sees.")
    web: WebSettings = Field(WebSettings(), description="The desk.")
    login: LoginSettings = Field(LoginSettings(), description="How people come in.")
    sso: SsoSettings = Field(SsoSettings(), description="The city's own log-in.")
    public: PublicPages = Field(PublicPages(), description="What the public pages say of the city.")
    wrong_answer_rate: float = Field(
        0.01,
        gt=0,
        le=0.2,
        description="The bot answers by itself only where, as measured, at most this share of all questions would be "
        "answered wrongly; the rest goes to a person.",
    )
    wrong_answer_rates: Annotated[dict[ChannelName, Rate], BeforeValidator(_mapped)] = Field(
        default_factory=dict, description="The same per channel, for example `{telegram: 0.02}`."
    )
    answer_threshold: float | None = Field(
        None,
        gt=0,
        le=1,
        description="The bot answers only with at least this confidence; below, a person does. "
        "Empty: what `wrong_answer_rate` asks for.",
    )
    lix_limit: float = Field(
        45, gt=0, description="`lokbot check` warns of answers that are harder to read than this (LIX, Björnsson 1968)."
    )
    semantic: Annotated[Literal["auto", "off"], BeforeValidator(_off)] = Field(
        "auto",
        description="Sentence vectors: `auto` uses them where their package is installed, `off` compares words only.",
    )
    semantic_seconds: float = Field(
        1.0, gt=0, le=60, description="How long a question's vector is waited for before words alone decide."
    )
    cache_dir: Path = Field(
        ROOT / ".cache",
        description="Vectors of articles, which can be computed again at any time. They may be read-only.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much is logged. Logs hold ids, never what people wrote or their addresses."
    )

    def rate(self, channel: ChannelName | None = None) -> float:
        """The share of all questions that may be answered wrongly on a channel."""
        rates = self.wrong_answer_rates
        return self.wrong_answer_rate if channel is None else rates.get(channel, self.wrong_answer_rate)

    @property
    def database(self) -> str:
        """The URL that SQLAlchemy connects to, password and all. Never log it."""
        if not self.database_url:
            return f"sqlite:///{self.var_dir / 'lokbot.db'}"
        from sqlalchemy import make_url  # costs half a second that `lokbot ask` need not pay

        url = make_url(self.database_url)
        if password := self.database_password.get_secret_value():
            url = url.set(password=password)
        return url.render_as_string(hide_password=False)


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from ``path`` (else ``LOKBOT_CONFIG``, else ``lokbot.yaml`` here if there is one) and ``environ``.

    Raises SettingsError naming every wrong setting, where it stands and the remedy.
    """
    environ = os.environ if environ is None else environ
    file = path or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    if file is None and Path("lokbot.yaml").is_file():
        file = Path("lokbot.yaml")
    values = _from_file(file) if file else {}
    places = dict.fromkeys(_leaves(values), str(file))
    for name, value in sorted(_from_environment(environ).items()):
        keys = name.removeprefix(PREFIX).lower().split("__")
        places[".".join(keys)] = f"the environment variable {name}"
        _put(values, keys, value, name)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_explain(error, places, file)) from None
    if not _is_known_database(settings):
        raise SettingsError(
            "database_url: cannot be read as the address of an SQLite or PostgreSQL database. "
            "Write for example postgresql://lokbot@host/lokbot."
        )
    if missing := _missing_for_tokens(settings) or _missing_for_sso(settings):
        raise SettingsError(missing)
    return settings


def _missing_for_sso(settings: Settings) -> str | None:
    """What the city's own log-in needs and has not got; None where there is nothing to mend."""
    sso, address = settings.sso, urlsplit(settings.sso.issuer)
    if not sso.issuer:
        return None if settings.login.password else "login.password: `false` lets nobody in unless `sso.issuer` is set."
    if not _is_safe(sso.issuer):
        return "sso.issuer: must be an https:// address. See docs/operations.md, Entra ID."
    # There an account of any organisation in the world would do, with whatever address it says it has.
    if {"common", "organizations", "consumers"} & set(address.path.split("/")):
        return "sso.issuer: must name your own tenant by its id. See docs/operations.md, Entra ID."
    if not sso.client_id:
        return "sso.client_id: the city's log-in needs the application's id. See docs/operations.md, Entra ID."
    return None


def _is_safe(url: str) -> bool:
    address = urlsplit(url)
    is_near = address.scheme == "http" and address.hostname in ("127.0.0.1", "localhost")
    return bool(address.hostname) and (address.scheme == "https" or is_near)


def _missing_for_tokens(settings: Settings) -> str | None:
    """What `auth: xoauth2` needs and has not got; None where there is nothing to mend."""
    if "xoauth2" not in (settings.imap.auth, settings.smtp.auth):
        return None
    oauth = settings.oauth
    if not _is_safe(oauth.token_url):
        return "oauth.token_url: `auth: xoauth2` needs an https:// address. See docs/operations.md, Microsoft 365."
    if not oauth.client_id:
        return "oauth.client_id: `auth: xoauth2` needs the application's id. See docs/operations.md, Microsoft 365."
    if not oauth.client_secret.get_secret_value() and not oauth.refresh_token.get_secret_value():
        return "oauth.client_secret: `auth: xoauth2` needs it, or oauth.refresh_token. See docs/operations.md."
    return None


def _is_known_database(settings: Settings) -> bool:
    if not settings.database_url:
        return True
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(settings.database).get_backend_name() in ("sqlite", "postgresql")
    except ArgumentError:
        return False


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such settings file. Copy lokbot.example.yaml there.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}). Save it as UTF-8 text that lokbot may read.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise SettingsError(f"{path}{line}: {problem}. Compare with lokbot.example.yaml.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: must hold `name: value` lines. Compare with lokbot.example.yaml.")
    # A section whose lines are all commented out is not set.
    return {name: value for name, value in content.items() if value is not None}


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE:
            continue
        if name.endswith("_FILE"):
            try:
                found[name.removesuffix("_FILE")] = Path(value).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"{name}: the file {value} cannot be read ({error.__class__.__name__}).") from None
        else:
            found.setdefault(name, value)
    return found


def _put(values: dict[str, Any], keys: list[str], value: str, name: str) -> None:
    for key in keys[:-1]:
        inner = values.setdefault(key, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"{name}: `{key}` has no settings inside it. See docs/operations.md for the names.")
        values = inner
    values[keys[-1]] = value


def _leaves(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    names = []
    for key, value in values.items():
        names.append(f"{prefix}{key}")
        if isinstance(value, Mapping):
            names.extend(_leaves(value, f"{prefix}{key}."))
    return names


def _explain(error: ValidationError, places: Mapping[str, str], file: Path | None) -> str:
    lines = ["The settings cannot be used:"]
    for problem in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in problem["loc"])
        # An unknown section is named where something is written inside it.
        inside = [key for key in places if key.startswith(f"{name}.")]
        place = next((places[key] for key in (*_upwards(name), *inside) if key in places), str(file or "defaults"))
        message = (
            "there is no such setting; see docs/operations.md for the names"
            if problem["type"] == "extra_forbidden"
            else problem["msg"]
        )
        lines.append(f"  {name} (in {place}): {message}.")
    return "\n".join(lines)


def _upwards(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
