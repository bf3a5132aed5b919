"""An OpenID Connect provider as a process of its own: discovery, keys, authorization code with PKCE, end of session.

``python -m tests.openid_provider`` prints its issuer. What is told to ``/person`` is who logs in next, and how the
provider misbehaves; everything else is as OpenID Connect Core 1.0 and RFC 7636 want it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
import sys
import time
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID, CLIENT_SECRET = "lokbot-test", "en hemlighet: med / tecken"


class Provider:
    """One provider's state: who logs in next, codes that wait to be used, keys."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.keys = [RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})]
        self.codes: dict[str, dict[str, Any]] = {}
        self.person: dict[str, Any] = {}
        self.ended: list[dict[str, str]] = []

    async def told(self, request: Request) -> Response:
        self.person = await request.json()
        if self.person.get("new_key"):
            self.keys = [RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig", "alg": "RS256"})]
        return JSONResponse({"ended": self.ended})

    async def metadata(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse(
            {
                "issuer": self.person.get("calls_itself", self.issuer),
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "end_session_endpoint": f"{self.issuer}/end",
                "id_token_signing_alg_values_supported": ["RS256", "HS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def published(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def authorize(self, request: Request) -> Response:
        asked = request.query_params
        is_right = (
            asked.get("client_id") == CLIENT_ID
            and asked.get("response_type") == "code"
            and "openid" in asked.get("scope", "").split()
            and asked.get("code_challenge_method") == "S256"
            and asked.get("nonce")
            and asked.get("state")
        )
        if not is_right:
            return HTMLResponse("<h1>Fel fråga</h1>", status_code=400)
        if self.person.get("asks") and "yes" not in asked:
            here = f"{self.issuer}/authorize?{urlencode([*asked.multi_items(), ('yes', '1')])}".replace("&", "&amp;")
            return HTMLResponse(f'<html lang="sv"><title>Staden</title><a href="{here}">Det är jag</a></html>')
        if error := self.person.get("error"):
            return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'error': error, 'state': asked['state']})}")
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**asked, "person": self.person}
        answer = {"code": code, "state": asked["state"], **self.person.get("answer", {})}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", status_code=303)

    async def token(self, request: Request) -> Response:
        form = await request.form()
        told = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        if told != f"{CLIENT_ID}:{CLIENT_SECRET}":
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        asked = self.codes.pop(str(form.get("code")), None)
        challenge = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        if (
            asked is None
            or asked["redirect_uri"] != form.get("redirect_uri")
            or asked["code_challenge"] != base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        ):
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        person = asked["person"]
        answer = {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 3600}
        if not person.get("no_id_token"):
            answer["id_token"] = self._id_token(asked, person)
        return JSONResponse(answer)

    def _id_token(self, asked: dict[str, Any], person: dict[str, Any]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **person.get("claims", {}),
        }
        claims |= {name: now + seconds for name, seconds in person.get("relative", {}).items()}
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": self.keys[0].kid}
        match person.get("signed", "well"):
            case "unsigned":
                parts = [json.dumps({"alg": "none"}), json.dumps(claims)]
                return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts) + "."
            case "with another key":
                return jwt.encode(header, claims, RSAKey.generate_key(2048))
            case _:
                return jwt.encode(header, claims, self.keys[0])

    async def end(self, request: Request) -> Response:
        self.ended.append(dict(request.query_params))
        return RedirectResponse(request.query_params["post_logout_redirect_uri"], status_code=303)


def main() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    provider = Provider(f"http://127.0.0.1:{listening.getsockname()[1]}/tenant/v2.0")
    under = "/tenant/v2.0"
    routes = [
        Route(f"{under}/.well-known/openid-configuration", provider.metadata),
        Route(f"{under}/keys", provider.published),
        Route(f"{under}/authorize", provider.authorize),
        Route(f"{under}/token", provider.token, methods=["POST"]),
        Route(f"{under}/end", provider.end),
        Route("/person", provider.told, methods=["POST"]),
    ]
    sys.stdout.write(f"{provider.issuer}\n")
    sys.stdout.flush()
    config = uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
