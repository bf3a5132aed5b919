"""Splits the bytes of a mail into its tree of parts (RFC 2045, 2046), in one pass over the bytes.

One pass, and no recursion, since nesting has no limit in the standard and none in hostile mail: the
standard library's parser looks through every open boundary for every line.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from lokbot.channels import headers
from lokbot.channels.headers import Headers

# More parts than this in one mail is an attack or a fault; the rest stays inside the last part.
MAX_PARTS = 1_000
_MAX_PART_FIELDS = 100
# Lines that begin with two hyphens and are no boundary; a mail of rules and lists has some hundred.
_MOST_LINES_LIKE_A_BOUNDARY = 100_000


@dataclass(eq=False)
class Part:
    """One part: its head, and where its body lies in ``raw``."""

    raw: bytes = field(repr=False)
    headers: Headers
    start: int
    end: int
    default_type: str = "text/plain"
    children: list[Part] = field(default_factory=list)

    @cached_property
    def _content_type(self) -> tuple[str, dict[str, str]]:
        main, params = headers.parameters(self.headers.get("content-type"))
        return (main if _TYPE.fullmatch(main) else self.default_type), params

    @property
    def content_type(self) -> str:
        """``type/subtype`` in lower case; the standard's default where the mail says nothing usable."""
        return self._content_type[0]

    @property
    def params(self) -> dict[str, str]:
        """The parameters of Content-Type."""
        return self._content_type[1]

    @cached_property
    def disposition(self) -> tuple[str, dict[str, str]]:
        """``inline``, ``attachment`` or "", and its parameters (RFC 2183)."""
        return headers.parameters(self.headers.get("content-disposition"))

    @property
    def filename(self) -> str:
        """The name the sender gave the part, unsafe as it is; "" for none."""
        return self.disposition[1].get("filename") or self.params.get("name") or ""

    @property
    def is_multipart(self) -> bool:
        return self.content_type.startswith("multipart/")

    @cached_property
    def content(self) -> bytes:
        """The body with its transfer encoding undone, as far as it can be."""
        return _undo(self.raw[self.start : self.end], self.headers.get("content-transfer-encoding") or "")

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in document order."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.children))

    def leaves(self) -> Iterator[Part]:
        """The parts that hold content."""
        return (part for part in self.walk() if not part.children)


_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")


@dataclass
class _Open:
    """A multipart whose closing line has not come yet."""

    part: Part
    boundary: bytes


def split(raw: bytes) -> Part:
    """The tree of ``raw``. Content before the first and after the last boundary is dropped (RFC 2046 5.1.1)."""
    head, body = headers.read(raw, headers.start_of(raw))
    root = Part(raw, head, body, len(raw))
    open_parts: list[_Open] = []
    depth_of: dict[bytes, int] = {}
    _open(root, open_parts, depth_of)
    current: Part | None = None  # the part that content belongs to; None in a preamble or epilogue
    count = alike = 0
    position = body
    while open_parts and count < MAX_PARTS and alike < _MOST_LINES_LIKE_A_BOUNDARY:
        line_start = position if raw.startswith(b"--", position) else raw.find(b"\n--", position) + 1
        if line_start == 0 and not raw.startswith(b"--", position):
            break
        line_end = raw.find(b"\n", line_start)
        line_end = len(raw) if line_end < 0 else line_end
        # A boundary has 70 characters at most (RFC 2046 5.1.1); some programs write more.
        line = raw[line_start + 2 : min(line_end, line_start + 402)].rstrip()
        is_last = line not in depth_of and line.endswith(b"--") and line[:-2] in depth_of
        depth = depth_of.get(line[:-2] if is_last else line)
        position = line_end
        if depth is None:
            alike += 1
            continue
        if current is not None:
            current.end = _before_line(raw, current.start, line_start)
        for closed in open_parts[depth + (0 if is_last else 1) :]:
            closed.part.end = max(closed.part.start, line_start)
            del depth_of[closed.boundary]
        del open_parts[depth + (0 if is_last else 1) :]
        current = None
        if not is_last:
            parent = open_parts[-1].part
            head, start = headers.read(raw, min(line_end + 1, len(raw)), most=_MAX_PART_FIELDS)
            default = "message/rfc822" if parent.content_type == "multipart/digest" else "text/plain"
            current = Part(raw, head, start, len(raw), default)
            parent.children.append(current)
            count += 1
            # The line that ends the head may itself be followed at once by a boundary.
            position = max(start - 1, line_end)
            if _open(current, open_parts, depth_of):
                current = None
    return root


def _open(part: Part, open_parts: list[_Open], depth_of: dict[bytes, int]) -> bool:
    if not part.is_multipart:
        return False
    boundary = part.params.get("boundary", "").encode("utf-8", "replace").rstrip() or _guessed_boundary(part)
    # Lotus Notes has nested a multipart under its parent's own boundary: the parts are then siblings.
    if not boundary or boundary in depth_of:
        return False
    depth_of[boundary] = len(open_parts)
    open_parts.append(_Open(part, boundary))
    return True


_FIRST_BOUNDARY = re.compile(rb"\s*--([^\s].{0,200}?)[ \t\r]*\n(?=[A-Za-z-]+:|\r?\n)")


def _guessed_boundary(part: Part) -> bytes:
    """The boundary of a multipart whose head forgot to name it: the line its body begins with."""
    match = _FIRST_BOUNDARY.match(part.raw, part.start, part.end)
    return match[1] if match else b""


def _before_line(raw: bytes, start: int, line_start: int) -> int:
    """The end of a body before a boundary line: the line break belongs to the boundary."""
    end = line_start
    if end > start and raw[end - 1 : end] == b"\n":
        end -= 1
        if end > start and raw[end - 1 : end] == b"\r":
            end -= 1
    return max(start, end)


# --------------------------------------------------------------------------- transfer encodings

_SPACED = re.compile(rb"[A-Za-z,.] (?=[A-Za-z])")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\n]*\n", re.MULTILINE)


def _undo(body: bytes, encoding: str) -> bytes:
    name = encoding.partition(";")[0].strip().strip("\"'").lower()
    if name == "quoted-printable":
        return from_quoted_printable(body)
    if name == "base64":
        # Some gateways leave the label and undo the encoding; text has spaces and punctuation throughout.
        head = body[:2_000]
        foreign = len(head.translate(None, _BASE64_OR_SPACE))
        is_text = foreign * 10 > len(head) or len(_SPACED.findall(head)) > 2
        return body if is_text else headers.unbase64(body)
    if name in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return _from_uu(body)
    return body


def from_quoted_printable(body: bytes) -> bytes:
    """The body decoded; what is no valid escape stays as it is."""
    return binascii.a2b_qp(body)


_BASE64_OR_SPACE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n\t -_"


def _from_uu(body: bytes) -> bytes:
    begin = _UU_BEGIN.search(body)
    if not begin:
        return body
    out = []
    for line in body[begin.end() :].splitlines():
        if line.strip() == b"end":
            break
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Some encoders pad lines too long; the first character tells how much counts (as uudecode does).
            wanted = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out.append(binascii.a2b_uu(line[:wanted]))
            except binascii.Error:
                continue
    return b"".join(out)
