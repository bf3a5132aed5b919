"""Names, types and content of what is attached: safe names, and the type that the bytes show, not the one claimed."""

from __future__ import annotations

import hashlib
import mimetypes
import re
import unicodedata
import zipfile
from io import BytesIO

from lokbot.model import Attachment

# Python's own table, not the machine's: the same mail reads the same everywhere.
_TYPES = mimetypes.MimeTypes()

# First bytes, and where they stand, of the files that people and attackers send.
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"MZ", "application/x-msdownload"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"\xca\xfe\xba\xbe", "application/x-mach-binary"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (0, b"#!", "text/x-script"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (8, b"WAVE", "audio/wav"),
    (257, b"ustar", "application/x-tar"),
    (0, b"\x78\x9f\x3e\x22", "application/ms-tnef"),
)
_HTML = re.compile(
    rb"\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype html|html|head|body|script|iframe)\b", re.IGNORECASE | re.DOTALL
)
_SVG = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,500}?-->\s*|<!doctype svg[^>]*>\s*)*<svg\b", re.IGNORECASE | re.DOTALL
)

_OFFICE_ZIP = (
    ("word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_OFFICE_OLE = {
    "doc": "application/msword",
    "dot": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "pps": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook",
    "pub": "application/vnd.ms-publisher",
}
_EXTENSION_OF = {
    "application/pdf": ".pdf",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/html": ".html",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "text/vcard": ".vcf",
    "application/pkcs7-signature": ".p7s",
    "application/x-pkcs7-signature": ".p7s",
    "application/pgp-signature": ".asc",
}
# Names of devices on Windows: a file of such a name cannot be saved there.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
_UNSAFE = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')
# Invisible marks that turn the reading direction: "rcs.pdf" for "fdp.scr".
_DIRECTION = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_LONGEST = 120


def attachment(name: str, declared_type: str, content: bytes) -> Attachment:
    """The attachment with a safe name and the type its bytes show."""
    content_type = sniff(content, declared_type, name)
    return Attachment(
        name=safe_name(name, content_type),
        content_type=content_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
    )


def safe_name(name: str, content_type: str = "") -> str:
    """``name`` without path, control and direction marks, at most 120 characters; never empty."""
    name = unicodedata.normalize("NFC", _DIRECTION.sub("", name))
    name = _UNSAFE.sub("_", re.split(r"[/\\]", name.strip())[-1]).strip(" .")
    if not name.strip("._ "):
        return "bilaga" + _EXTENSION_OF.get(content_type, "")
    if _RESERVED.match(name):
        name = f"_{name}"
    if len(name) > _LONGEST:
        stem, dot, extension = name.rpartition(".")
        name = (
            f"{stem[: _LONGEST - 1 - len(extension)]}.{extension}" if dot and len(extension) < 10 else name[:_LONGEST]
        )
    return name


def sniff(content: bytes, declared_type: str, name: str) -> str:
    """The type that the first bytes show; else the declared one; else what the name's ending says."""
    head = content[:1024]
    for offset, signature, content_type in _SIGNATURES:
        if head.startswith(signature, offset):
            return _inside(content_type, content, declared_type, name)
    if _HTML.match(head):
        return "text/html"
    if _SVG.match(head):
        return "image/svg+xml"
    if declared_type in ("", "application/octet-stream", "application/x-unknown", "application/unknown"):
        return _TYPES.guess_type(name.lower())[0] or "application/octet-stream"
    # A picture, document or film always shows itself by its first bytes; this one is something else.
    if declared_type in ("application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp"):
        return "application/octet-stream"
    return declared_type


def _inside(content_type: str, content: bytes, declared_type: str, name: str) -> str:
    if content_type == "application/zip":
        return _zip_type(content) or content_type
    if content_type == "application/x-ole-storage":
        return _OFFICE_OLE.get(name.lower().rpartition(".")[2][:3], content_type)
    if content_type in ("image/bmp", "application/x-msdownload", "text/x-script") and declared_type.startswith("text/"):
        # Two letters are too few to overrule a text that happens to begin with them.
        return declared_type
    return content_type


def _zip_type(content: bytes) -> str | None:
    # OpenDocument and EPUB name their type in a first, uncompressed member.
    if content[30:38] == b"mimetype" and (match := re.match(rb"[a-z0-9.+/-]{5,100}?(?=PK|\Z)", content[38:160])):
        return match[0].decode("ascii")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = archive.namelist()[:200]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeError, EOFError):
        return None
    return next((kind for folder, kind in _OFFICE_ZIP if any(one.startswith(folder) for one in names)), None)
