"""Turns the bytes of a mail into text, whatever the mail claims about them.

A declared charset is a hint. What decides is which reading makes words: valid UTF-8 with letters outside
ASCII is never Latin-1 by accident, and a Swedish text has its å, ä and ö inside words.
Nothing here raises; what cannot be read becomes U+FFFD.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from charset_normalizer import from_bytes

# Labels that mail programs write and Python does not know, or knows as something narrower than what the
# programs mean (the WHATWG Encoding standard reads ISO-8859-1 and US-ASCII as windows-1252 for this reason).
_MEANT = {
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "l1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "ansi": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "ansi_x3.110-1983": "cp1252",
    "windows-874": "cp874",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "x-gbk": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "x-windows-949": "cp949",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-macintosh": "mac_roman",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "utf8mb4": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "utf-16": "utf-16",
    "unicode": "utf-16",
    "cp-850": "cp850",
    "ibm-850": "cp850",
}

# A byte above 127 stands for (part of) a character only in these; a stray reading would still succeed.
_MULTIBYTE = {"gb18030", "cp932", "cp949", "big5", "big5hkscs", "euc_jp", "hz", "johab"}
# Seven-bit charsets that shift by escapes: pure ASCII bytes do not mean ASCII text.
_SHIFTING = ("iso2022", "hz", "utf-7", "utf-16", "utf-32")
# Python calls these text encodings; no mail means them, and punycode takes quadratic time.
_NOT_FOR_MAIL = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}

_NORDIC = frozenset("åäöÅÄÖéÉæøÆØüÜ")
# What old Swedish programs wrote without saying so: Windows, DOS, old Macintosh.
_UNDECLARED = ("cp1252", "cp850", "mac_roman")
_HIGH = re.compile(rb"[\x80-\xff]")
_HIGH_IN_WORD = re.compile(rb"[A-Za-z][\x80-\xff]+|[\x80-\xff]+[A-Za-z]")

# charset-normalizer tries dozens of tables over the whole text: 200 ms for 100 kB. A sample tells as much.
_SAMPLE = 6_000


@lru_cache(maxsize=256)
def codec(label: str) -> str | None:
    """Python's own name for a charset label as found in mail, or None for one that nobody knows."""
    name = label.strip().strip("\"'").lower()
    name = _MEANT.get(name, name)
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    # Some codecs (rot13, base64, zip) turn bytes into bytes; they are not charsets.
    is_charset = info._is_text_encoding and info.name.replace("-", "_") not in _NOT_FOR_MAIL
    return info.name if is_charset else None


def decode(data: bytes, declared: str | None, *, detects: bool = True) -> tuple[str, bool]:
    """The text of ``data``, and whether it could be read without guessing.

    ``declared`` is the charset label of the mail, None where it has none. Without ``detects`` only the
    charsets of this part of the world are guessed, which is fast.
    """
    name = codec(declared) if declared else None
    shifting = name is not None and name.startswith(_SHIFTING)
    if data.isascii() and not shifting:
        return data.decode("ascii"), True
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace"), name == "utf-16"
    if data.startswith(codecs.BOM_UTF8):
        data = data[3:]
    if name in _MULTIBYTE or shifting:
        text = _strictly(data, name or "")
        if text is not None:
            return text, True
    text = _strictly(data, "utf-8")
    if text is not None:
        return text, name in ("utf-8", "cp1252") or not declared
    if name == "utf-8" and _is_nearly_utf8(data):
        return data.decode("utf-8", "replace"), False
    if name is not None and name not in ("utf-8", "cp1252") and not shifting:
        text = _strictly(data, name)
        if text is not None:
            return text, True
    # "citat” in cp1252 would read as "citatö" in cp850: who said cp1252 is believed until it makes nonsense.
    is_said = name == "cp1252" and declared is not None and "ascii" not in declared.lower()
    if is_said and _nordic_score(data[:_SAMPLE].decode("cp1252", "replace")) >= 0:
        guess = "cp1252"
    else:
        guess = _guess(data, detects=detects)
    text = _strictly(data, guess)
    if text is None:
        # cp1252 leaves five bytes undefined; Latin-1 leaves none.
        text = data.decode("latin-1" if guess == "cp1252" else guess, "replace")
    return text, guess == name


def _strictly(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeError, ValueError):
        return None


def _is_nearly_utf8(data: bytes) -> bool:
    """Whether UTF-8 explains most of what is not ASCII: a cut or damaged text rather than another charset."""
    text = data.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    read = sum(1 for character in text[:100_000] if character > "\x7f") - lost
    return read >= lost


def _guess(data: bytes, *, detects: bool) -> str:
    """The charset of bytes that are not UTF-8 and not what they were declared to be."""
    sample = data[:_SAMPLE] if _HIGH.search(data, 0, _SAMPLE) else _around_first_high(data)
    high = len(_HIGH.findall(sample))
    # In Swedish, and every language written in Latin letters, few bytes are high and most stand in a word
    # with ASCII letters. There charset-normalizer is no better than chance between a dozen Latin tables.
    if not detects or (high * 4 < len(sample) and len(_HIGH_IN_WORD.findall(sample)) * 3 >= high):
        return max(_UNDECLARED, key=lambda name: _nordic_score(sample.decode(name, "replace")))
    best = from_bytes(sample, steps=3, chunk_size=512, threshold=0.4).best()
    return best.encoding if best is not None else "cp1252"


def _around_first_high(data: bytes) -> bytes:
    match = _HIGH.search(data)
    start = max(0, match.start() - _SAMPLE // 2) if match else 0
    return data[start : start + _SAMPLE]


def _nordic_score(text: str) -> int:
    """How Nordic a reading looks: letters of ours count for it, other letters and signs inside words against it."""
    score = 0
    for match in re.finditer(r"[^\x00-\x7f]+", text):
        run = match.group()
        score += sum(2 if character in _NORDIC else -1 for character in run if character.isalpha())
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if not run.isalpha() and before.isalpha() and after.isalpha():
            score -= 2
    return score
