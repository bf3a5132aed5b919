"""Takes the message out of a signature that wraps it: S/MIME "opaque" signing (RFC 8551 3.5.2), as Outlook sends it.

The signed message lies in the CMS structure as it is (RFC 5652 5.2), so no cryptography is needed to read it, and
none is done: whoever reads it is told that the signature was not checked. Own code since asn1crypto had its last
release in 2022 and refuses the indefinite lengths that OpenSSL and Outlook write, and cryptography reads no content.
"""

from __future__ import annotations

from collections.abc import Iterator

from lokbot.channels.parts import Part

_TYPES = ("application/pkcs7-mime", "application/x-pkcs7-mime")
# 1.2.840.113549.1.7.2 (RFC 5652 5.1)
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_INTEGER, _OCTETS, _OID, _SEQUENCE, _SET, _EXPLICIT_0 = 0x02, 0x04, 0x06, 0x30, 0x31, 0xA0
_CONSTRUCTED_OCTETS = 0x24


def is_wrapped(part: Part) -> bool:
    """Whether a part is S/MIME's wrapping of a message, signed or encrypted. Gateways forget the type, not the name."""
    return part.content_type in _TYPES or (
        part.content_type == "application/octet-stream" and part.filename.lower().endswith(".p7m")
    )


def signed_content(data: bytes) -> bytes | None:
    """The signed message in a CMS structure (BER or DER); None where there is none, as in an encrypted one.

    Raises nothing; a structure that is cut off gives what is there.
    """
    try:
        return _signed_content(data)
    except (_NotThereError, IndexError):
        return None


class _NotThereError(Exception):
    """The structure is another than that of a signed message."""


def _signed_content(data: bytes) -> bytes:
    # ContentInfo, then SignedData: version, digest algorithms, EncapsulatedContentInfo: type, content
    position, _ = _enter(data, 0, _SEQUENCE)
    start, end = _enter(data, position, _OID)
    if end is None or data[start:end] != _SIGNED_DATA:
        raise _NotThereError
    position, _ = _enter(data, end, _EXPLICIT_0)
    position, _ = _enter(data, position, _SEQUENCE)
    position = _after(data, position, _INTEGER)
    position = _after(data, position, _SET)
    position, _ = _enter(data, position, _SEQUENCE)
    position = _after(data, position, _OID)
    position, _ = _enter(data, position, _EXPLICIT_0)
    return b"".join(_octets(data, position))


def _octets(data: bytes, position: int) -> Iterator[bytes]:
    """An OCTET STRING, whole or in pieces (X.690 8.7)."""
    tag, start, end = _head(data, position)
    if tag == _OCTETS and end is not None:
        yield data[start:end]
        return
    if tag != _CONSTRUCTED_OCTETS:
        raise _NotThereError
    last = len(data) if end is None else min(end, len(data))
    position = start
    while position < last:
        tag, start, end = _head(data, position)
        if tag == _OCTETS and end is not None:
            yield data[start : min(end, last)]
            position = end
        elif tag == _CONSTRUCTED_OCTETS:
            position = start  # pieces in pieces
        else:
            return  # the end of an indefinite length, or damage


def _enter(data: bytes, position: int, tag: int) -> tuple[int, int | None]:
    """Where the content of an element begins and ends. Raises _NotThereError for any other element than ``tag``."""
    found, start, end = _head(data, position)
    if found != tag:
        raise _NotThereError
    return start, end


def _after(data: bytes, position: int, tag: int) -> int:
    """Where the element after this one begins."""
    start, end = _enter(data, position, tag)
    if end is not None:
        return end
    depth = 1
    position = start
    while depth:
        tag, start, end = _head(data, position)
        if end is None:
            depth += 1
        elif tag == 0:
            depth -= 1
        position = start if end is None else end
    return position


def _head(data: bytes, position: int) -> tuple[int, int, int | None]:
    """The tag of an element, and where its content begins and ends; None for an indefinite length (X.690 8.1)."""
    tag, length = data[position], data[position + 1]
    start = position + 2
    if length < 0x80:
        return tag, start, start + length
    if length == 0x80:
        return tag, start, None
    size = length - 0x80
    if size > 8:
        raise _NotThereError
    return tag, start + size, start + size + int.from_bytes(data[start : start + size])
