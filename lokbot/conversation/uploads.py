"""A file that a coordinator attaches to an answer: a safe name, the type its bytes show, a kind that may be sent."""

from __future__ import annotations

from lokbot.channels.attachments import attachment, safe_name
from lokbot.model import Attachment, NotPossible

# What an office sends, and mail servers let through. No programs, macros or archives: nobody sees what is in them.
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
TYPES = frozenset(
    {
        *("application/pdf", "application/rtf", "text/rtf", "text/plain", "text/csv", "text/markdown", "text/calendar"),
        *(f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp", "heic", "heif", "tiff", "bmp")),
        *("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"),
        *(f"{_OFFICE}{kind}" for kind in ("wordprocessingml.document", "spreadsheetml.sheet")),
        *(f"{_OFFICE}presentationml.{kind}" for kind in ("presentation", "slideshow")),
        *(f"{_OPEN}{kind}" for kind in ("text", "spreadsheet", "presentation")),
    }
)
ENDINGS = (
    *(".pdf", ".rtf", ".txt", ".csv", ".md", ".ics"),
    *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".heic", ".heif", ".tif", ".tiff", ".bmp"),
    *(".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".ppsx", ".odt", ".ods", ".odp"),
)


def read(name: str, content: bytes, declared_type: str = "") -> Attachment:
    """The file as ``escalation.coordinator_reply`` takes it.

    Raises NotPossible for an empty one and for one of another kind: name and bytes must both say that it may go.
    """
    found = attachment(name, declared_type, content)
    if not content:
        raise NotPossible("Filen {name} är tom.", name=found.name)
    if found.content_type not in TYPES or not found.name.lower().endswith(ENDINGS):
        raise NotPossible(
            "Filen {name} kan inte skickas. Det här går att bifoga: PDF, bilder, Word, Excel, PowerPoint, OpenDocument "
            "och ren text.",
            name=found.name,
        )
    return found


def shown(name: str) -> str:
    """``name`` as it may be read on a page: without a path, and without marks that turn or hide its letters."""
    return safe_name(name)
