"""The register of associations, and which contact belongs to which. Whether one has joined the agreement is not judged.

Every act takes ``actor`` (who does it) and ``source`` (from where), writes a line of the audit log, and leaves the
commit to the caller. A contact may belong to none: a private person asks too.
"""

from __future__ import annotations

from lokbot.register.associations import Found, change, create, everyone, find, search
from lokbot.register.links import Earlier, earlier, link, standing, unlink
from lokbot.register.suggesting import Suggestion, suggest_association

__all__ = [
    "Earlier",
    "Found",
    "Suggestion",
    "change",
    "create",
    "earlier",
    "everyone",
    "find",
    "link",
    "search",
    "standing",
    "suggest_association",
    "unlink",
]
