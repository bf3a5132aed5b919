"""What our own mail servers found of a sender: reads Authentication-Results (RFC 8601), and only theirs. Pure.

Anybody can write such a field into a mail, so only those count that carry the name of a server of ours (RFC 8601 1.6);
a server takes away those in its own name that come from outside (5). Of several the topmost is the newest.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from lokbot.channels.headers import Headers
from lokbot.model import Authentication

# Exchange Online writes no authserv-id; it always puts its own field on top.
NAMELESS = "none"

_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_RESULT = re.compile(r"\s*([a-z][a-z0-9-]*)(?:\s*/\s*\d+)?\s*=\s*([a-z]+)", re.IGNORECASE)
_NAME = re.compile(r"\s*([^\s;=]+)(?:\s+\d+)?\s*\Z")
_LONGEST = 10_000
_DEEPEST = 4  # comments may be nested (RFC 5322 3.2.2); nobody but an attacker nests them more
_METHODS = ("dmarc", "spf", "dkim", "compauth")


def read(fields: Headers, servers: Collection[str]) -> Authentication:
    """What a server of ``servers`` (authserv-ids, or "none" for a nameless one) says; empty where none of them does."""
    wanted = {server.lower() for server in servers}
    for number, value in enumerate(fields.all("authentication-results")):
        server, results = _parsed(value[:_LONGEST])
        is_ours = server in wanted if server else NAMELESS in wanted and number == 0
        if is_ours:
            return Authentication(
                server=server or NAMELESS,
                dmarc=results.get("dmarc"),
                spf=results.get("spf"),
                dkim=results.get("dkim"),
                composite=results.get("compauth"),
            )
    return Authentication()


def _parsed(value: str) -> tuple[str, dict[str, str]]:
    """The server's name ("" where it gives none) and the result by method, the best where a method has several."""
    for _ in range(_DEEPEST):
        value = _COMMENT.sub(" ", value)
    # What is quoted is a reason in words, and may hold semicolons.
    first, *rest = _QUOTED.sub('""', value).split(";")
    name = _NAME.match(first)
    found: dict[str, str] = {}
    for statement in rest if name else (first, *rest):
        match = _RESULT.match(statement)
        if match and (method := match[1].lower()) in _METHODS and found.get(method) != "pass":
            found[method] = match[2].lower()
    return name[1].lower() if name else "", found
