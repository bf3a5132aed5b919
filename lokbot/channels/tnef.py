"""Opens winmail.dat: the attachments and the text that Outlook packs in TNEF ([MS-OXTNEF]) for other Outlooks.

Own code since tnefparse (LGPL) had its last release in 2021 and raises on damaged files. Read-only, no
recursion; damage ends the reading and keeps what was read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from lokbot.channels import charsets

_SIGNATURE = 0x223E9F78

_ATTACH_REND_DATA = 0x9002
_ATTACH_TITLE = 0x8010
_ATTACH_DATA = 0x800F
_ATTACHMENT = 0x9005
_MESSAGE_PROPERTIES = 0x9003
_BODY = 0x800C

# MAPI property ids ([MS-OXPROPS])
_LONG_FILENAME = 0x3707
_FILENAME = 0x3704
_ATTACH_DATA_BINARY = 0x3701
_TEXT_BODY = 0x1000
_HTML_BODY = 0x1013

# MAPI types of fixed size, each padded to four bytes ([MS-OXTNEF] 2.1.3.5)
_FIXED = {0x0001: 4, 0x0002: 4, 0x0003: 4, 0x0004: 4, 0x0005: 8, 0x0006: 8, 0x0007: 8, 0x000A: 4, 0x000B: 4, 0x0014: 8}
_FIXED |= {0x0040: 8, 0x0048: 16}
_STRING8, _UNICODE, _OBJECT, _BINARY = 0x001E, 0x001F, 0x000D, 0x0102
_MOST = 1_000


@dataclass(slots=True)
class _Attachment:
    name: str = ""
    long_name: str = ""
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Tnef:
    """``text`` and ``html`` are the message's body if it is in there; both may be empty."""

    text: str
    html: str
    attachments: tuple[tuple[str, bytes], ...]


def read(data: bytes) -> Tnef | None:
    """What the file holds, or None if it is no TNEF."""
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != _SIGNATURE:
        return None
    text = markup = ""
    attachments: list[_Attachment] = []
    for attribute, value in _attributes(data):
        if attribute == _ATTACH_REND_DATA and len(attachments) < _MOST:
            attachments.append(_Attachment())
        elif attribute == _BODY:
            text = charsets.decode(value.rstrip(b"\0"), None)[0]
        elif attribute == _MESSAGE_PROPERTIES:
            properties = dict(_properties(value))
            text = _as_text(properties.get(_TEXT_BODY)) or text
            markup = _as_text(properties.get(_HTML_BODY)) or markup
        elif attachments:
            _add(attachments[-1], attribute, value)
    files = tuple((one.long_name or one.name, one.content) for one in attachments if one.content)
    return Tnef(text, markup, files)


def _add(attachment: _Attachment, attribute: int, value: bytes) -> None:
    if attribute == _ATTACH_TITLE:
        attachment.name = charsets.decode(value.rstrip(b"\0"), None)[0]
    elif attribute == _ATTACH_DATA:
        attachment.content = value
    elif attribute == _ATTACHMENT:
        properties = dict(_properties(value))
        name = properties.get(_LONG_FILENAME) or properties.get(_FILENAME)
        attachment.long_name = _as_text(name).rstrip("\0")
        embedded = properties.get(_ATTACH_DATA_BINARY)
        if not attachment.content and isinstance(embedded, bytes):
            attachment.content = embedded


def _as_text(value: bytes | str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else charsets.decode(value.rstrip(b"\0"), None)[0]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 6
    while position + 9 <= len(data):
        _level, attribute, _kind, length = struct.unpack_from("<BHHI", data, position)
        start = position + 9
        yield attribute, data[start : start + length]
        position = start + length + 2  # two bytes of checksum, which some writers get wrong


def _properties(data: bytes) -> Iterator[tuple[int, bytes | str]]:
    """The variable-size MAPI properties; ends at the first thing that does not fit."""
    if len(data) < 4:
        return
    (count,) = struct.unpack_from("<I", data)
    position = 4
    try:
        for _ in range(min(count, _MOST)):
            kind, name = struct.unpack_from("<HH", data, position)
            position += 4
            if name >= 0x8000:
                position = _after_name(data, position)
            base = kind & 0x0FFF
            if kind & 0x1000 or base in (_STRING8, _UNICODE, _OBJECT, _BINARY):
                (values,) = struct.unpack_from("<I", data, position)
                position += 4
                for _ in range(min(values, _MOST)):
                    if base in _FIXED:
                        position += _FIXED[base]
                        continue
                    (length,) = struct.unpack_from("<I", data, position)
                    value = data[position + 4 : position + 4 + length]
                    position += 4 + length + (-length % 4)
                    if base == _OBJECT:
                        value = value[16:]  # the interface id stands before the content
                    yield name, value.decode("utf-16-le", "replace").rstrip("\0") if base == _UNICODE else value
            elif base in _FIXED:
                position += _FIXED[base]
            else:
                return
    except struct.error:
        return


def _after_name(data: bytes, position: int) -> int:
    (kind,) = struct.unpack_from("<I", data, position + 16)
    if kind == 0:
        return position + 24
    length: int = struct.unpack_from("<I", data, position + 20)[0]
    return position + 24 + length + (-length % 4)
