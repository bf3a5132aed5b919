"""File names out of names that strangers gave: safe on every computer, none like another, still readable. Pure."""

from __future__ import annotations

import re
import unicodedata

# Bytes of UTF-8 that a name may take: file systems hold 255, and folders and a number come before it.
_LONGEST = 120
_UNNAMED = "bilaga"
# Signs that part folders or mean something to a shell or to Windows.
_FORBIDDEN = re.compile(r'[/\\:*?"<>|]')
# Names that Windows gives to devices, whatever ending they have ("Naming Files, Paths, and Namespaces", Microsoft).
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)", re.IGNORECASE)


def safe(name: str) -> str:
    """``name`` as the name of a file: one part, no direction marks ("gpj.exe" that reads as "exe.jpg"), not hidden."""
    composed = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
    visible = "".join(c if unicodedata.category(c)[0] != "C" else "" for c in re.sub(r"\s+", " ", composed))
    whole = _FORBIDDEN.sub("_", visible).strip(" .") or _UNNAMED
    if _DEVICES.match(whole):
        whole = f"_{whole}"
    stem, dot, ending = whole.rpartition(".")
    if not dot or len(ending.encode()) > 16:
        stem, ending = whole, ""
    return _cut(stem, _LONGEST - len(ending.encode()) - 1).strip(" .") + (f".{ending}" if ending else "")


def apart(name: str, taken: set[str]) -> str:
    """``name``, or with a number where one like it is in ``taken``, which then holds it too.

    Alike is what a file system takes for the same: whatever the case (Windows, macOS) and the Unicode form.
    """
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = name, ""
    number, found = 1, name
    while _alike(found) in taken:
        number += 1
        found = f"{stem} ({number}){dot}{ending}"
    taken.add(_alike(found))
    return found


def _alike(name: str) -> str:
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())


def _cut(text: str, most: int) -> str:
    """The beginning of ``text`` that takes at most so many bytes, with no letter halved."""
    return text.encode()[:most].decode("utf-8", "ignore")
