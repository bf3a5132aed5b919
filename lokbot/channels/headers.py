"""The head of a mail: its fields (RFC 5322), encoded words (RFC 2047), parameters (RFC 2231), addresses, ids, dates.

Written by hand since the standard library's parser raises on what real mail holds: ``email.policy.default``
on address groups, line breaks in addresses, bad dates and unknown charsets. Nothing here raises.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from itertools import islice
from urllib.parse import unquote_to_bytes

from lokbot.channels import charsets
from lokbot.model import Address

# --------------------------------------------------------------------------- fields


@dataclass(frozen=True, slots=True)
class Headers:
    """The fields in their order: lower-case name and unfolded value, encoded words still as written."""

    fields: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """The first field ``name`` (lower case), or None."""
        return next((value for key, value in self.fields if key == name), None)

    def all(self, name: str) -> list[str]:
        """Every field ``name`` (lower case), in order."""
        return [value for key, value in self.fields if key == name]

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.fields)

    def __bool__(self) -> bool:
        return bool(self.fields)


# More fields than this in one head is an attack; a mail that has been through ten servers has a hundred.
MAX_FIELDS = 1_000
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)")
_BLANK = re.compile(rb"\r?\n")
_END = re.compile(rb"\n\r?\n")
_STRAY = re.compile(rb"[^\n]*\n(?=[A-Za-z][A-Za-z0-9-]*:)")
_SPACE = re.compile(r"[ \t\r\n]+")
# An mbox file starts each mail with "From sender date"; programs that export mail leave it there.
_LEADING = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:>?From [^\n]*\n)?")
# Half surrogates come out of UTF-7; neither they nor NUL can be stored.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def read(raw: bytes, start: int = 0, end: int | None = None, *, most: int = MAX_FIELDS) -> tuple[Headers, int]:
    """The first ``most`` fields from ``start``, and where the body begins.

    A line that is no field is taken as the rest of the field before when another field follows (old
    programs fold without the space that RFC 5322 2.2.3 asks for); otherwise the body begins there.
    """
    end = len(raw) if end is None else end
    fields: list[tuple[str, str]] = []
    position = start
    while position < end:
        if len(fields) >= most:
            found = _END.search(raw, position - 1, end)
            return Headers(tuple(fields)), found.end() if found else end
        if blank := _BLANK.match(raw, position, end):
            return Headers(tuple(fields)), blank.end()
        match = None if raw.startswith(b"--", position) else _FIELD.match(raw, position, end)
        if match:
            fields.append((match[1].decode("ascii").lower(), _text(match[2])))
        else:
            match = None if raw.startswith(b"--", position) else _STRAY.match(raw, position, end)
            if match is None:
                return Headers(tuple(fields)), position
            if fields:
                name, value = fields[-1]
                fields[-1] = (name, f"{value} {_text(match[0])}".strip())
        position = match.end()
    return Headers(tuple(fields)), end


def start_of(raw: bytes) -> int:
    """Where the head begins: after byte order mark, empty lines and an mbox line."""
    match = _LEADING.match(raw)
    return match.end() if match else 0


def _text(value: bytes) -> str:
    text, _ = charsets.decode(value, None, detects=False)
    return _CONTROL.sub("", _SPACE.sub(" ", text)).strip()


# --------------------------------------------------------------------------- encoded words

# Broken programs leave spaces inside the text and forget the last "=" or more; the language suffix is RFC 2231 5.
_WORD = re.compile(
    r"=\?([^?\s*]{1,40})(?:\*[^?\s]*)?\?([bBqQ])\?((?:(?!=\?[^=]).)*?)(?:\?=|\??\s*\Z|(?==\?[^=]))", re.DOTALL
)


def words(value: str | None) -> str:
    """A header value for people: encoded words decoded, white space collapsed, no control characters."""
    if not value:
        return ""
    text = _decode_words(value) if "=?" in value else value
    return " ".join(_CONTROL.sub("", text).split())


def _decode_words(value: str) -> str:
    out: list[str] = []
    position = 0
    pending: tuple[str, bytes] | None = None  # a charset and bytes: a letter may be split over two words
    for match in _WORD.finditer(value):
        between = value[position : match.start()]
        charset, data = match[1].lower(), _word_bytes(match[2], match[3])
        if pending and not between.strip():
            if pending[0] == charset:
                data = pending[1] + data
            else:
                out.append(charsets.decode(pending[1], pending[0], detects=False)[0])
        else:
            if pending:
                out.append(charsets.decode(pending[1], pending[0], detects=False)[0])
            out.append(between)
        pending = (charset, data)
        position = match.end()
    if pending:
        out.append(charsets.decode(pending[1], pending[0], detects=False)[0])
    out.append(value[position:])
    return "".join(out)


def _word_bytes(encoding: str, text: str) -> bytes:
    if encoding in "bB":
        return unbase64(text.encode("ascii", "ignore"))
    raw = text.replace("_", " ").encode("utf-8", "ignore")
    return re.sub(rb"=([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), raw)


_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))


# Programs that pad every line have one for every 76 bytes; 3 MB are 40,000.
_MOST_PADDINGS = 50_000


def unbase64(data: bytes) -> bytes:
    """What base64 text holds, reading past foreign characters, inner padding and a cut end."""
    out = []
    pieces = re.split(rb"=+", data.translate(None, _NOT_BASE64), maxsplit=_MOST_PADDINGS)
    pieces[-1] = pieces[-1].replace(b"=", b"")
    for piece in pieces:
        # One character alone over a multiple of four carries six bits: half a byte of nothing.
        usable = piece[: len(piece) - 1] if len(piece) % 4 == 1 else piece
        try:
            out.append(base64.b64decode(usable + b"=" * (-len(usable) % 4)))
        except binascii.Error:  # pragma: no cover - the alphabet and the length were made right above
            continue
    return b"".join(out)


# --------------------------------------------------------------------------- parameters

_PARAMETER = re.compile(r'(?<![^\s=;"])([^\s=;"]+) ?= ?(?:"((?:[^"\\]|\\.)*)(?:"|\\?\Z)|([^;]*))')
# A name of 255 characters in another alphabet fills 40 sections.
_LONGEST_PARAMETERS, _MOST_PARAMETERS = 20_000, 50
_SECTION = re.compile(r"(.+?)\*(\d{1,4})?(\*)?\Z")


def parameters(value: str | None) -> tuple[str, dict[str, str]]:
    """A value such as ``text/plain; charset="utf-8"`` as its first part (lower case) and its parameters.

    Parameters in sections and in other charsets (RFC 2231) are put together; encoded words, which have no
    place here but are common, are read as well.
    """
    if not value:
        return "", {}
    main, _, rest = value.partition(";")
    plain: dict[str, str] = {}
    sections: dict[str, list[tuple[int, bool, str]]] = {}
    for match in islice(_PARAMETER.finditer(rest[:_LONGEST_PARAMETERS]), _MOST_PARAMETERS):
        name = match[1].lower()
        text = re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3].strip()
        section = _SECTION.match(name) if "*" in name else None
        if section:
            found = sections.setdefault(section[1], [])
            found.append((int(section[2] or 0), bool(section[3]) or section[2] is None, text))
        else:
            plain.setdefault(name, words(text))
    for name, parts in sections.items():
        plain[name] = _joined_sections(sorted(parts, key=lambda part: part[0]))
    return main.strip().lower(), plain


def _joined_sections(parts: list[tuple[int, bool, str]]) -> str:
    charset = None
    data = b""
    for number, (_, is_encoded, text) in enumerate(parts):
        if is_encoded and number == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        data += unquote_to_bytes(text) if is_encoded else text.encode("utf-8", "replace")
    return " ".join(_CONTROL.sub("", charsets.decode(data, charset or None, detects=False)[0]).split())


# --------------------------------------------------------------------------- addresses

# Every pattern here is anchored or cannot fail after a long run, so that no header takes quadratic time.
# An encoded word may hold any of the signs that divide addresses, though RFC 2047 5 (3) forbids it.
_TOKEN = re.compile(
    r'"((?:[^"\\]|\\.)*)(?:"|\\?\Z)|<([^<>]*)>|([,;:])|[()<>]|(=\?[^?\s]{1,40}\?[bBqQ]\?[^?\s]*\?=)'
    r'|((?:[^"<>,;:()=]|=(?!\?[^?\s]{1,40}\?[bBqQ]\?[^?\s]*\?=))+)'
)
_AROUND_AT = re.compile(r"\s*@\s*")  # a line folded inside the address leaves a space
_LONGEST_ADDRESS = 320  # 64 before the @ and 255 after it (RFC 5321 4.5.3.1)
_NO_ATOM = r"\s@<>()\",;:\[\]\\"
_ADDRESS = re.compile(rf"(?<![^{_NO_ATOM}])[^{_NO_ATOM}]+@[^\s@<>()\",;:\\]+")


def addresses(value: str | None) -> tuple[Address, ...]:
    """Every address of a field, in order; groups (``undisclosed-recipients:;``) give their members.

    An address without a usable mailbox keeps its name, with an empty ``email``.
    """
    return tuple(_addresses(value)) if value else ()


def _addresses(value: str) -> Iterator[Address]:
    display: list[str] = []
    comment: list[str] = []
    mailbox: str | None = None
    has_bare = False  # a mailbox without angle brackets stands among the words of ``display``
    depth = 0
    for match in _TOKEN.finditer(value):
        quoted, angled, mark, word, plain = match[1], match[2], match[3], match[4], match[5]
        if match[0] == "(":
            depth += 1
        elif match[0] == ")":
            depth = max(0, depth - 1)
        elif depth:
            comment.append(match[0])
        elif quoted is not None:
            display.append(re.sub(r"\\(.)", r"\1", quoted))
        elif angled is not None:
            mailbox = _AROUND_AT.sub("@", angled)
        elif word:
            display.append(word)
        elif plain:
            display.append(plain)
            has_bare = has_bare or _ADDRESS.search(plain) is not None
        elif mark == ":":
            display.clear()  # what stood there was the name of a group
        elif mark == "," and mailbox is None and not has_bare:
            # "Svensson, Anna <anna@...>" without the quotes it needs: the comma belongs to the name.
            if display:
                display.append(",")
        elif mark:
            if found := _address(display, comment, mailbox):
                yield found
            display, comment, mailbox, has_bare = [], [], None, False
    if found := _address(display, comment, mailbox):
        yield found


def _address(display: list[str], comment: list[str], mailbox: str | None) -> Address | None:
    name = words(" ".join(display)).replace(" ,", ",").strip(" ,'\"")
    if mailbox is None and (match := _ADDRESS.search(name)):
        mailbox = match[0]
        name = (name[: match.start()] + name[match.end() :]).strip(" ,'\"<>")
    match = _ADDRESS.search(words(mailbox)) if mailbox else None
    email = match[0].strip(".'").lower() if match else ""
    if len(email) > _LONGEST_ADDRESS:
        email = ""
    name = name or words(" ".join(comment))
    if not name and not email:
        return None
    return Address("" if name.lower() == email else name, email)


# --------------------------------------------------------------------------- ids and dates

_LONGEST_ID = 500  # a line has 998 characters at most (RFC 5322 2.1.1), a database index less
_ID = re.compile(r"<([^<>]*)>")
_BARE_ID = re.compile(r"(?<![^\s<>,;\"'])[^\s<>,;\"']+@[^\s<>,;\"']+")


def ids(*values: str | None) -> tuple[str, ...]:
    """The message ids in the values, without brackets, in order, each once; empty and absurd ones are left out."""
    found: dict[str, None] = {}
    for value in values:
        if not value:
            continue
        in_brackets = ["".join(one.split()) for one in _ID.findall(value)]
        for one in in_brackets or _BARE_ID.findall(value):
            if 0 < len(one) <= _LONGEST_ID and one != "@":
                found[one] = None
    return tuple(found)


def date(value: str | None, *, received_at: datetime) -> datetime | None:
    """The Date field in UTC; None when missing, unreadable, before 1990 or over two days after ``received_at``.

    Mail is older than 1990 only by a clock that lost its battery, and arrives before it was written only
    by a clock that is wrong; two days leave room for wrong time zones.
    """
    if not value:
        return None
    try:
        parsed = parsedate_tz(words(value[:200]))
        if parsed is None:
            return None
        offset = timedelta(seconds=parsed[9] or 0)
        moment = datetime(*parsed[:6], tzinfo=timezone(offset)).astimezone(UTC)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    if moment.year < 1990 or moment > received_at + timedelta(days=2):
        return None
    return moment
