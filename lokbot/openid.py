"""The city's own log-in by OpenID Connect (Entra ID, Keycloak ...): the way there, what comes back, the way out.

Authlib speaks the protocol (OpenID Connect Core 1.0, PKCE: RFC 7636) over httpx2. Nothing is stored here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OAuthError, OpenIDMixin
from authlib.integrations.httpx_client import OAuth2Client
from joserfc.errors import JoseError

# A key of the provider's, never a shared secret: who can check a token must not be able to make one.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
SCOPE = "openid profile email"
# Clocks differ; what is older or younger by more is not believed.
LEEWAY_SECONDS = 60

_EMAIL = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\"]+")


class NotSignedIn(Exception):
    """The provider cannot be asked, or what it says does not hold. The message is for the log: it names no person."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where a browser is sent, and what must be remembered to know it again when it comes back."""

    url: str
    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is to the city. ``subject`` never changes; ``groups`` is what the token says today."""

    subject: str
    email: str = field(repr=False)
    name: str = field(repr=False)
    groups: frozenset[str]


class _Client(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]
    """Authlib's own client, as its frameworks have it, without one."""

    client_cls = OAuth2Client


class Provider:
    """An OpenID Connect provider; may be shared by threads. What it publishes is fetched once, new keys when needed."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, *, timeout_seconds: float = 10) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client = _Client(
            framework=None,
            client_id=client_id,
            client_secret=client_secret or None,
            client_kwargs={"scope": SCOPE, "code_challenge_method": "S256", "timeout": timeout_seconds},
            # OpenID Connect Discovery 1.0 4.1
            server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        )

    def way_there(self, back: str) -> Way:
        """Where to send a browser that shall come ``back`` to this address. Raises NotSignedIn."""
        try:
            self._metadata()
            way = self._client.create_authorization_url(back)
            return Way(way["url"], way["state"], way["nonce"], way["code_verifier"])
        except _TROUBLE as error:
            raise _told(error) from None

    def identity(
        self, answer: Mapping[str, str], *, nonce: str, verifier: str, back: str, groups_claim: str = "groups"
    ) -> Identity:
        """Who has come back with ``answer`` (the query of ``back``), whose ``state`` the caller has checked.

        Raises NotSignedIn where the token was not made by the provider, for us, now, for this way there.
        """
        try:
            metadata = self._metadata()
            if error := answer.get("error"):
                raise NotSignedIn(f"the provider said {error[:60]!r}")
            # RFC 9207: an answer of another provider than the one that was asked.
            if answer.get("iss", self._issuer) != self._issuer:
                raise NotSignedIn("the answer is another issuer's")
            if metadata.get("authorization_response_iss_parameter_supported") and "iss" not in answer:
                raise NotSignedIn("the answer does not say whose it is")
            token = self._client.fetch_access_token(back, code=answer.get("code", ""), code_verifier=verifier)
            claims = self._client.parse_id_token(token, nonce, self._rules(), leeway=LEEWAY_SECONDS)
        except _TROUBLE as error:
            raise _told(error) from None
        if claims is None:
            raise NotSignedIn("the answer holds no id_token")
        return _identity(claims, groups_claim)

    def way_out(self, back: str) -> str | None:
        """Where a browser is logged out at the provider too, to come ``back`` (RP-Initiated Logout 1.0); None where
        the provider has no such page. Raises NotSignedIn.
        """
        try:
            page = self._metadata().get("end_session_endpoint")
        except _TROUBLE as error:
            raise _told(error) from None
        words = urlencode({"client_id": self._client_id, "post_logout_redirect_uri": back})
        return f"{page}{'&' if '?' in page else '?'}{words}" if page else None

    def _rules(self) -> dict[str, Any]:
        # Authlib checks the audience only where it is told to.
        return {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._client_id},
            "exp": {"essential": True},
            "iat": {"essential": True},
            "sub": {"essential": True},
        }

    def _metadata(self) -> dict[str, Any]:
        metadata: dict[str, Any] = self._client.load_server_metadata()
        # Discovery 4.3: else whoever answers there could speak for another issuer.
        if metadata.get("issuer") != self._issuer:
            said = metadata.get("issuer")
            metadata.clear()
            raise NotSignedIn(f"sso.issuer is {self._issuer!r}, but the provider there calls itself {said!r}")
        offered = metadata.get("id_token_signing_alg_values_supported") or ("RS256",)
        metadata["id_token_signing_alg_values_supported"] = [name for name in offered if name in ALGORITHMS]
        return metadata


@lru_cache(maxsize=4)
def provider(issuer: str, client_id: str, client_secret: str, timeout_seconds: float) -> Provider:
    """The same object for the same settings, so that what the provider publishes is fetched once."""
    return Provider(issuer, client_id, client_secret, timeout_seconds=timeout_seconds)


_TROUBLE = (
    *(AuthlibBaseError, JoseError, httpx2.HTTPError, httpx2.InvalidURL),
    *(ValueError, KeyError, TypeError, RuntimeError, AttributeError),  # an answer of another shape than expected
)


def _told(error: Exception) -> NotSignedIn:
    """What went wrong, without the words of others: descriptions hold people's names."""
    match error:
        case OAuthError():
            return NotSignedIn(f"the provider said {str(error.error)[:60]!r}")
        case JoseError():
            claim = getattr(error, "claim", "")
            return NotSignedIn(f"the id_token does not hold: {error.error} {claim}".rstrip())
        case httpx2.HTTPStatusError():
            return NotSignedIn(f"the provider answered with HTTP {error.response.status_code}")
        case httpx2.HTTPError():
            return NotSignedIn(f"the provider cannot be reached: {type(error).__name__}")
        case _:
            return NotSignedIn(f"the answer cannot be read: {type(error).__name__}")


def _identity(claims: Mapping[str, Any], groups_claim: str) -> Identity:
    groups = claims.get(groups_claim)
    if groups is None and groups_claim in (claims.get("_claim_names") or {}):
        # Entra ID leaves the groups out where somebody is in more than 200.
        raise NotSignedIn(f"too many groups for the claim {groups_claim!r}: use app roles, see docs/operations.md")
    if not isinstance(groups, list):
        groups = [groups] if isinstance(groups, str) else []
    candidates = (claims.get(name) for name in ("email", "preferred_username", "upn"))
    email = next((one for one in candidates if isinstance(one, str) and _EMAIL.fullmatch(one)), None)
    if email is None:
        raise NotSignedIn("the id_token holds no mail address: add the claim email, see docs/operations.md")
    if claims.get("email_verified", True) is not True:
        raise NotSignedIn("the provider has not verified the mail address")
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject:
        raise NotSignedIn("the id_token does not say who it is about")
    name = claims.get("name")
    return Identity(
        subject=subject,
        email=email.strip().lower()[:320],
        name=" ".join(name.split())[:200] if isinstance(name, str) and name.strip() else email.partition("@")[0],
        groups=frozenset(str(group) for group in groups),
    )
