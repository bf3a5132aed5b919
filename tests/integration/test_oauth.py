"""Tokens instead of passwords: from a real token endpoint to Dovecot and an SMTP server by SASL XOAUTH2."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lokbot.channels.imap import Mailbox, MailboxSettings
from lokbot.channels.oauth import OAuthSettings, TokenSource
from lokbot.channels.smtp import SmtpChannel
from lokbot.model import Address, ChannelError, ChannelName, OutgoingMessage
from tests.conftest import do_without
from tests.servers import DovecotServer, MissingServerError, free_port
from tests.smtp_sink import SmtpSink
from tests.token_server import TokenServer

MAIL = OutgoingMessage(
    ChannelName.MAIL, "1@test.example", (Address("Anna", "anna@forening.example"),), "SV: Fråga", "Svar"
)
SCOPE = "https://outlook.office365.com/.default"


@pytest.fixture
def issuer() -> Iterator[TokenServer]:
    with TokenServer() as server:
        yield server


@pytest.fixture
def dovecot_with_tokens(issuer: TokenServer) -> Iterator[DovecotServer]:
    try:
        server = DovecotServer(introspection=issuer.introspection)
    except MissingServerError as missing:
        do_without(missing)
    with server:
        yield server


def source(issuer: TokenServer, **values: object) -> TokenSource:
    settings = OAuthSettings(issuer.url, "lokbot", "hemlighet-7", SCOPE)
    return TokenSource(replace(settings, **values))  # type: ignore[arg-type]


def with_tokens(server: DovecotServer, tokens: TokenSource) -> MailboxSettings:
    return replace(server.mailbox, password="", tokens=tokens)


# ------------------------------------------------------------------ the token endpoint


def test_the_application_logs_in_itself_and_asks_once(issuer: TokenServer) -> None:
    tokens = source(issuer)
    assert [tokens.token(), tokens.token()] == ["token-1", "token-1"]
    assert issuer.asked == [
        {
            "grant_type": "client_credentials",
            "client_id": "lokbot",
            "client_secret": "hemlighet-7",
            "scope": SCOPE,
        }
    ]


def test_a_token_is_fetched_anew_before_it_ends(issuer: TokenServer) -> None:
    issuer.lasts = 299
    tokens = source(issuer)
    assert [tokens.token(), tokens.token()] == ["token-1", "token-2"]


def test_the_newest_refresh_token_is_kept_for_the_next_start(issuer: TokenServer, tmp_path: Path) -> None:
    issuer.refresh_token, issuer.lasts = "refresh-1", 0
    keep = tmp_path / "refresh-token.json"
    tokens = source(issuer, refresh_token="refresh-1", keep=keep)
    assert [tokens.token(), tokens.token()] == ["token-1", "token-2"]
    assert source(issuer, refresh_token="refresh-1", keep=keep).token() == "token-3"
    assert [form["refresh_token"] for form in issuer.asked] == ["refresh-1", "refresh-2", "refresh-3"]
    assert stat.S_IMODE(keep.stat().st_mode) == 0o600

    issuer.refresh_token = "given-anew"  # somebody has logged in again: the kept one no longer counts
    assert source(issuer, refresh_token="given-anew", keep=keep).token() == "token-4"


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"client_secret": "fel-nyckel"}, "make a new one"),
        ({"refresh_token": "gammal-nyckel"}, "log in anew"),
    ],
)
def test_a_refusal_names_the_remedy_and_no_secret(issuer: TokenServer, values: dict[str, str], remedy: str) -> None:
    tokens = source(issuer, **values)
    with pytest.raises(ChannelError, match=remedy) as caught:
        tokens.token()
    assert not caught.value.permanent
    assert "AADSTS" in str(caught.value)
    assert not [secret for secret in values.values() if secret in str(caught.value) + repr(tokens._settings)]


@pytest.mark.parametrize("refusal", [(200, b"<html>"), (200, b"[]"), (200, b"{}"), (503, b""), (400, b'{"error": 7}')])
def test_an_odd_answer_is_an_error_that_may_pass(issuer: TokenServer, refusal: tuple[int, bytes]) -> None:
    issuer.refusal = refusal
    tokens = source(issuer)
    with pytest.raises(ChannelError, match="Could not get an access token") as caught:
        tokens.token()
    assert not caught.value.permanent
    issuer.refusal = None
    assert tokens.token() == "token-1"


def test_nobody_answers_at_the_token_endpoint() -> None:
    tokens = TokenSource(OAuthSettings(f"http://127.0.0.1:{free_port()}/token", "lokbot", "hemlighet-7"))
    with pytest.raises(ChannelError, match=r"Check oauth\.token_url") as caught:
        tokens.token()
    assert not caught.value.permanent


# ------------------------------------------------------------------ IMAP


def test_dovecot_is_read_with_a_token(dovecot_with_tokens: DovecotServer, issuer: TokenServer) -> None:
    dovecot_with_tokens.deliver(b"Subject: hej\r\n\r\nHej\r\n")
    with Mailbox(with_tokens(dovecot_with_tokens, source(issuer))) as box:
        assert len(list(box.fetch(box.uids(0)))) == 1


def test_a_token_that_dovecot_refuses_is_replaced_once(dovecot_with_tokens: DovecotServer, issuer: TokenServer) -> None:
    tokens = source(issuer)
    issuer.revoked.add(tokens.token())
    with Mailbox(with_tokens(dovecot_with_tokens, tokens)) as box:
        assert box.uids(0) == []
    assert issuer.given == ["token-1", "token-2"]


def test_a_mailbox_that_the_application_may_not_open(dovecot_with_tokens: DovecotServer, issuer: TokenServer) -> None:
    issuer.revoked |= {"token-1", "token-2"}
    with (
        pytest.raises(ChannelError, match="Add-MailboxPermission") as caught,
        Mailbox(with_tokens(dovecot_with_tokens, source(issuer))),
    ):
        pass
    assert caught.value.permanent
    assert "token-" not in str(caught.value)
    assert len(issuer.given) == 2


def test_a_mailbox_without_a_token_says_what_the_token_endpoint_said(
    dovecot_with_tokens: DovecotServer, issuer: TokenServer
) -> None:
    settings = with_tokens(dovecot_with_tokens, source(issuer, client_secret="fel-nyckel"))
    with pytest.raises(ChannelError, match="invalid_client") as caught, Mailbox(settings):
        pass
    assert "fel-nyckel" not in str(caught.value)


# ------------------------------------------------------------------ SMTP


def test_mail_is_sent_with_a_token_and_a_refused_one_is_replaced_once(issuer: TokenServer) -> None:
    tokens = source(issuer)
    with SmtpSink(knows=issuer.knows) as sink:
        channel = SmtpChannel(replace(sink.settings, user=issuer.user, tokens=tokens))
        channel.send(MAIL)
        issuer.revoked.add("token-1")
        channel.send(MAIL)
        assert len(sink.accepted) == 2
    assert issuer.given == ["token-1", "token-2"]


def test_an_address_that_the_application_may_not_send_as_fails_no_mail(issuer: TokenServer) -> None:
    issuer.revoked |= {"token-1", "token-2"}
    with SmtpSink(knows=issuer.knows) as sink:
        channel = SmtpChannel(replace(sink.settings, user=issuer.user, tokens=source(issuer)))
        with pytest.raises(ChannelError, match=r"SMTP\.SendAsApp") as caught:
            channel.send(MAIL)
        assert sink.accepted == []
    assert not caught.value.permanent
    assert "token-" not in str(caught.value)
