"""Signed ids of what we send: in each Message-ID, and in the address that answers go to where the server allows it.

Whoever answers with one has seen our mail, and nobody can make one up: an answer finds its conversation by it even
where the row of the mail itself is gone. Pure; letters are lower case, as servers change the case of what they pass on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

# 80 bits each: nobody guesses one by asking a mail server (RFC 2104 section 5 allows to cut an HMAC to 80 bits).
_BYTES = 10
_PART = r"[a-z2-7]{16}"
_MESSAGE_ID = re.compile(rf"lokbot\.([0-9a-z]{{1,13}})\.({_PART})\.({_PART})@", re.IGNORECASE)
_LOOKS_OURS = re.compile(r"lokbot\.[0-9a-z.]{20,}@", re.IGNORECASE)
_ADDRESS = re.compile(rf"[+.\-_=]([0-9a-z]{{1,13}})-({_PART})@", re.IGNORECASE)


def message_id(key: bytes, conversation_id: int, domain: str) -> str:
    """A new Message-ID (without brackets) for a mail of this conversation."""
    number, nonce = _written(conversation_id), _text(secrets.token_bytes(_BYTES))
    return f"lokbot.{number}.{nonce}.{_signature(key, f'mail {number} {nonce}')}@{domain}"


def conversation_of(key: bytes, message_id: str) -> int | None:
    """The conversation that a Message-ID of ours belongs to; None for any that we did not sign."""
    match = _MESSAGE_ID.match(message_id)
    if match is None:
        return None
    number, nonce, signature = (part.lower() for part in match.groups())
    return int(number, 36) if _is_signed(key, f"mail {number} {nonce}", signature) else None


def looks_ours(message_id: str) -> bool:
    """Whether some lokbot seems to have given this Message-ID, ours or another installation."""
    return _LOOKS_OURS.match(message_id) is not None


def reply_address(key: bytes, conversation_id: int, address: str, separator: str) -> str:
    """``address`` with the conversation's signature in it (RFC 5233 calls it a subaddress)."""
    local, _, domain = address.rpartition("@")
    number = _written(conversation_id)
    return f"{local}{separator}{number}-{_signature(key, f'address {number}')}@{domain}"


def conversation_at(key: bytes, address: str) -> int | None:
    """The conversation whose ``reply_address`` this is; None for any that we did not sign."""
    match = _ADDRESS.search(address)
    if match is None:
        return None
    number, signature = (part.lower() for part in match.groups())
    return int(number, 36) if _is_signed(key, f"address {number}", signature) else None


def answer_address(key: bytes, conversation_id: int, coordinator: str, address: str, separator: str) -> str:
    """``address`` with a signature that only this coordinator's answers in this conversation may use."""
    local, _, domain = address.rpartition("@")
    number = _written(conversation_id)
    return f"{local}{separator}{number}-{_signature(key, f'answer {number} {coordinator.lower()}')}@{domain}"


def answered_at(key: bytes, address: str, coordinator: str) -> int | None:
    """The conversation whose ``answer_address`` for this coordinator it is; None for any other."""
    match = _ADDRESS.search(address)
    if match is None:
        return None
    number, signature = (part.lower() for part in match.groups())
    is_theirs = _is_signed(key, f"answer {number} {coordinator.lower()}", signature)
    return int(number, 36) if is_theirs else None


def is_reply_address(address: str) -> bool:
    """Whether an address has the form of a ``reply_address``, whoever signed it."""
    return _ADDRESS.search(address) is not None


def _signature(key: bytes, what: str) -> str:
    return _text(hmac.new(key, what.encode(), hashlib.sha256).digest()[:_BYTES])


def _is_signed(key: bytes, what: str, signature: str) -> bool:
    return hmac.compare_digest(_signature(key, what), signature)


def _text(value: bytes) -> str:
    return base64.b32encode(value).decode().lower()


def _written(number: int) -> str:
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
        if not number:
            return digits
