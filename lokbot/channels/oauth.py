"""Access tokens for mail servers that take no passwords (OAuth 2.0, RFC 6749), as Microsoft 365 wants them.

Two grants: client credentials (RFC 6749 4.4; the application itself is let into the mailbox) and a refresh token
(RFC 6749 6; somebody has once let the application in). The token goes to the mail server by SASL XOAUTH2, which both
Microsoft and Google describe: https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lokbot.model import ChannelError

# A token is used no longer than so many seconds before it ends: a login takes a while, and clocks differ.
_MARGIN = 300.0
# RFC 6749 5.1 only recommends that the server says how long a token lasts.
_UNTOLD_SECONDS = 600.0
_LARGEST_ANSWER = 1_000_000


@dataclass(frozen=True, slots=True)
class OAuthSettings:
    """Where tokens come from. An empty ``refresh_token`` means the client credentials grant.

    Microsoft gives a new refresh token with each use, and each lasts 90 days: the newest is kept in the file ``keep``
    (readable by its owner only), so that a start in half a year does not depend on the first one.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    refresh_token: str = field(default="", repr=False)
    keep: Path | None = None
    timeout_seconds: float = 30.0


class TokenSource:
    """Gives the current access token, and fetches another when it is about to end; may be shared by threads."""

    def __init__(self, settings: OAuthSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._token = ""
        self._good_until = 0.0
        self._refresh_token = _kept(settings) or settings.refresh_token

    def token(self) -> str:
        """A token that should be good for some minutes. Raises ``ChannelError(permanent=False)`` with a remedy."""
        with self._lock:
            if not self._token or time.monotonic() >= self._good_until:
                self._fetch()
            return self._token

    def forget(self, token: str) -> None:
        """A mail server has refused ``token``: it was revoked, or its rights have changed since it was made."""
        with self._lock:
            if self._token == token:
                self._token = ""

    def _fetch(self) -> None:
        settings = self._settings
        form = {"client_id": settings.client_id}
        if settings.client_secret:
            form["client_secret"] = settings.client_secret
        if settings.scope:
            form["scope"] = settings.scope
        if self._refresh_token:
            form |= {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
        else:
            form["grant_type"] = "client_credentials"
        answer = self._ask(form)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token:
            raise self._error("the answer holds no access_token", "Check oauth.token_url.")
        self._token = token
        self._good_until = time.monotonic() + max(_seconds(answer.get("expires_in")) - _MARGIN, 0.0)
        renewed = answer.get("refresh_token")
        if self._refresh_token and isinstance(renewed, str) and renewed and renewed != self._refresh_token:
            self._refresh_token = renewed
            _keep(settings, renewed)

    def _ask(self, form: dict[str, str]) -> dict[str, Any]:
        request = urllib.request.Request(
            self._settings.token_url,
            data=urllib.parse.urlencode(form).encode("ascii"),
            headers={"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"},
        )
        context = ssl.create_default_context() if self._settings.token_url.startswith("https:") else None
        try:
            with urllib.request.urlopen(request, timeout=self._settings.timeout_seconds, context=context) as answer:
                said = answer.read(_LARGEST_ANSWER)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error.code, error.read(_LARGEST_ANSWER)) from None
        except (OSError, http.client.HTTPException) as error:
            # urllib wraps what happened; its words hold neither form nor secret.
            reason = getattr(error, "reason", None) or error
            remedy = (
                "If the authority is your own, name its file in SSL_CERT_FILE."
                if isinstance(reason, ssl.SSLCertVerificationError)
                else "Check oauth.token_url and the network; it will be tried again."
            )
            raise self._error(str(reason) or type(reason).__name__, remedy) from None
        answered = _json(said)
        if answered is None:
            raise self._error("the answer cannot be read", "Check oauth.token_url.")
        return answered

    def _refused(self, code: int, said: bytes) -> ChannelError:
        """RFC 6749 5.2: ``error`` is one of a few words, ``error_description`` is for whoever mends it."""
        answered = _json(said) or {}
        error = str(answered.get("error") or f"HTTP {code}")
        description = " ".join(str(answered.get("error_description") or "").split())[:300]
        match error:
            case "invalid_client" | "unauthorized_client":
                remedy = "Check oauth.client_id and oauth.client_secret: a secret ends after a time, make a new one."
            case "invalid_grant" | "interaction_required":
                remedy = "The refresh token has ended or was revoked: log in anew and set oauth.refresh_token."
            case "invalid_scope" | "invalid_resource":
                remedy = "Check oauth.scope and what the application has been permitted."
            case _:
                remedy = "Check the section oauth; it will be tried again."
        return self._error(f"{error} {description}".strip(), remedy)

    def _error(self, what: str, remedy: str) -> ChannelError:
        for secret in (self._settings.client_secret, self._settings.refresh_token, self._refresh_token):
            if secret:
                what = what.replace(secret, "***")
        where = urllib.parse.urlsplit(self._settings.token_url).netloc.rpartition("@")[2]
        # Never permanent: what is to be sent must not fail for a secret that ended overnight.
        return ChannelError(f"Could not get an access token at {where}: {what}. {remedy}", permanent=False)


def xoauth2(user: str, token: str) -> str:
    """The one thing a client says in SASL XOAUTH2, before base64."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def _json(said: bytes) -> dict[str, Any] | None:
    try:
        answered = json.loads(said)
    except ValueError:
        return None
    return answered if isinstance(answered, dict) else None


def _seconds(told: object) -> float:
    """Some servers write the number as text."""
    try:
        return float(told)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return _UNTOLD_SECONDS


def _fingerprint(settings: OAuthSettings) -> str:
    return hashlib.sha256(f"{settings.client_id}\0{settings.refresh_token}".encode()).hexdigest()


def _kept(settings: OAuthSettings) -> str:
    """The newest refresh token that came of the one in the settings; none where the settings have another by now."""
    if settings.keep is None or not settings.refresh_token:
        return ""
    try:
        kept = _json(settings.keep.read_bytes()) or {}
    except OSError:
        return ""
    return str(kept.get("token", "")) if kept.get("from") == _fingerprint(settings) else ""


def _keep(settings: OAuthSettings, token: str) -> None:
    if settings.keep is None:
        return
    text = json.dumps({"from": _fingerprint(settings), "token": token}).encode("ascii")
    unfinished = settings.keep.with_suffix(f".{os.getpid()}")
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(file, text)
    finally:
        os.close(file)
    unfinished.replace(settings.keep)
