"""Reads the bytes of a mail: ``parse`` gives an ``IncomingMessage`` for any bytes, pure and without exceptions.

The parts stand beside it: ``headers`` (the head), ``parts`` (the tree), ``charsets``, ``html_text``, ``quotes``
(new words and old), ``automatic`` and ``bounces`` (machines), ``attachments``, ``tnef`` and ``smime``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lokbot.channels import (
    attachments,
    authentication,
    automatic,
    bounces,
    charsets,
    headers,
    html_text,
    parts,
    quotes,
    smime,
    tnef,
)
from lokbot.channels.headers import Headers
from lokbot.channels.parts import Part
from lokbot.model import Address, Attachment, ChannelName, IncomingMessage, LocalText

# What ``IncomingMessage.warnings`` may hold, and how to say it to a person.
WARNINGS: Mapping[str, LocalText] = {
    key: LocalText(swedish, english)
    for key, swedish, english in (
        ("unreadable", "Mejlet går inte att läsa.", "The mail cannot be read."),
        ("no-sender", "Avsändaren saknas eller går inte att läsa.", "The sender is missing or unreadable."),
        ("several-senders", "Mejlet anger flera avsändare.", "The mail names several senders."),
        ("no-message-id", "Mejlet saknar Message-ID.", "The mail has no Message-ID."),
        ("bad-date", "Datumet i mejlet är orimligt.", "The date in the mail is absurd."),
        ("charset", "Teckenkodningen fick gissas.", "The character set had to be guessed."),
        ("damaged-encoding", "Texten var skadad och har lagats.", "The text was damaged and has been mended."),
        ("encrypted", "Mejlet är krypterat och kan inte läsas här.", "The mail is encrypted, unreadable here."),
        ("opaque-signed", "Signaturen gör att texten inte kan läsas här.", "The signature hides the text here."),
        ("signature-unchecked", "Signaturen har inte kontrollerats.", "The signature was not checked."),
        ("too-many-parts", "Mejlet har för många delar. Alla visas inte.", "Too many parts. Not all are shown."),
        ("too-long", "Texten är mycket lång och har kortats.", "The text is very long and was cut."),
        ("calendar", "Mejlet är en kallelse eller ett svar på en.", "The mail is an invitation or answers one."),
        ("left-on-server", "Mejlet ligger kvar i brevlådan.", "The mail is still in the mailbox, not fetched."),
        ("perhaps-automatic", "En maskin kan ha skrivit mejlet.", "A machine may have written the mail."),
        ("junk", "Mejlet låg i mappen för skräppost.", "The mail was in the junk folder."),
        ("winmail", "Mejlet innehöll winmail.dat, som öppnats.", "The mail held a winmail.dat, now opened."),
    )
}

# Fields of which a mail has at least one; without any the bytes are something else.
_EXPECTED = frozenset(
    "from to subject date message-id received return-path sender reply-to cc mime-version delivered-to".split()
)
# Where servers write down the address that a mail was sent to, before it was changed to the mailbox's.
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_LONGEST_TEXT = 4_000_000
_LONGEST_FIELD = 100_000
_LONGEST_SUBJECT = 998  # RFC 5322 2.1.1
_MOST_REFERENCES = 100  # the newest; longer threads are cut by the programs themselves
_MOST_FLOWED_LINES = 50_000


def parse(raw: bytes, *, received_at: datetime, authserv_ids: Collection[str] = ()) -> IncomingMessage:
    """The message in ``raw``. Never raises: what cannot be read has ``is_readable`` False and keeps its bytes.

    ``received_at`` is the server's time of arrival (aware), ``authserv_ids`` the names of the servers that are believed
    in what they found of the sender. ``external_id`` is the Message-ID and a hash of
    Date, Subject, From and the decoded content of every part: the same mail over another route (other
    Received fields, other transfer encoding, other line ends) has the same one, and two mails that share a
    Message-ID, or have none, do not.
    """
    try:
        return _read(raw, received_at, authserv_ids)
    except Exception:  # noqa: BLE001 - promise 1: a fault of ours must not lose a mail; the fuzzers call _read
        return _unreadable(raw, received_at)


def _unreadable(raw: bytes, received_at: datetime) -> IncomingMessage:
    return IncomingMessage(
        channel=ChannelName.MAIL,
        external_id=f"#{hashlib.sha256(raw).hexdigest()[:32]}",
        received_at=received_at,
        raw=raw,
        sender=Address("", ""),
        subject="",
        text="",
        new_text="",
        warnings=("unreadable",),
        is_readable=False,
    )


def _read(raw: bytes, received_at: datetime, authserv_ids: Collection[str] = ()) -> IncomingMessage:
    # Old Macintosh programs end lines with a bare CR.
    root = parts.split(raw if b"\n" in raw else raw.replace(b"\r", b"\n"))
    fields = root.headers
    if not any(name in _EXPECTED for name, _ in fields.fields):
        return _unreadable(raw, received_at)
    warnings: list[str] = []
    sender = _sender(fields, warnings)
    reply_to = _addresses(fields, "reply-to")
    subject = headers.words(_field(fields, "subject"))[:_LONGEST_SUBJECT]
    date = headers.date(fields.get("date"), received_at=received_at)
    if date is None and (fields.get("date") or "").strip():
        warnings.append("bad-date")
    message_id = next(iter(headers.ids(_field(fields, "message-id"))), None)
    if message_id is None:
        warnings.append("no-message-id")

    content = _Content()
    if _opens_signed(root):
        content.warnings.append("signature-unchecked")
    _collect(root, content)
    chosen = _chosen(content)
    text, history_at = _tidied(chosen)
    new_text = quotes.new_words(text, history_at=history_at)
    bounce = bounces.read(root, fields, sender.email, subject, text)
    verdict = automatic.judge(automatic.Mail(root, fields, sender, reply_to, subject, new_text[:8_000], bounce))
    if verdict.kind == "bounce":
        # The words of a mail server are not divided into new and old.
        new_text = text.strip()
    warnings += content.warnings
    if not verdict.is_automatic and verdict.reason:
        warnings.append("perhaps-automatic")
    return IncomingMessage(
        channel=ChannelName.MAIL,
        external_id=_external_id(root, message_id),
        received_at=received_at,
        raw=raw,
        sender=sender,
        subject=subject,
        text=text,
        new_text=new_text,
        reply_to=reply_to,
        to=_addresses(fields, "to"),
        cc=_addresses(fields, "cc"),
        delivered_to=tuple(address for name in _DELIVERED for address in _addresses(fields, name)),
        authentication=authentication.read(fields, authserv_ids),
        date=date,
        message_id=message_id,
        in_reply_to=headers.ids(*_values(fields, "in-reply-to")),
        references=headers.ids(*_values(fields, "references"))[-_MOST_REFERENCES:],
        automatic=verdict,
        bounce=bounce,
        attachments=tuple(content.attachments),
        warnings=tuple(dict.fromkeys(warnings)),
    )


# --------------------------------------------------------------------------- the head


def _field(fields: Headers, name: str) -> str | None:
    value = fields.get(name)
    return value[:_LONGEST_FIELD] if value else value


def _values(fields: Headers, name: str) -> list[str]:
    """The fields of a name, as much of them together as one field may have."""
    left = _LONGEST_FIELD
    values = []
    for value in fields.all(name):
        if len(value) > left:
            # Half an address would be another address.
            values.append(value[: max(value.rfind(",", 0, left), value.rfind(" ", 0, left), 0)])
            break
        values.append(value)
        left -= len(value)
    return values


def _addresses(fields: Headers, name: str) -> tuple[Address, ...]:
    found = (one for value in _values(fields, name) for one in headers.addresses(value))
    return tuple(dict.fromkeys(found))


def _sender(fields: Headers, warnings: list[str]) -> Address:
    """The first usable address of From; of Sender or Return-Path where From has none."""
    named = _addresses(fields, "from")
    usable = [one for one in named if one.email]
    if len({one.email for one in usable}) > 1:
        warnings.append("several-senders")
    if usable:
        return usable[0]
    warnings.append("no-sender")
    other = next((one for name in ("sender", "return-path") for one in _addresses(fields, name) if one.email), None)
    name = named[0].name if named else ""
    return Address(name or other.name, other.email) if other else Address(name, "")


def _external_id(root: Part, message_id: str | None) -> str:
    digest = hashlib.sha256()
    for name in ("date", "subject", "from"):
        digest.update("".join((root.headers.get(name) or "").split()).encode("utf-8", "replace") + b"\0")
    for part in root.leaves():
        # White space is what gateways change: line ends, trailing space, a last empty line.
        digest.update(part.content.translate(None, b" \t\r\n") + b"\0")
    return f"{(message_id or '')[:200]}#{digest.hexdigest()[:32]}"


# --------------------------------------------------------------------------- the body


@dataclass(slots=True)
class _Block:
    """One piece of the message's own text: plain, HTML, or both as alternatives of each other."""

    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Content:
    blocks: list[_Block] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def has_text(self) -> bool:
        return any(piece.strip() for block in self.blocks for piece in block.plain + block.html)


# Signed, encrypted and signed again is the deepest that anybody sends (RFC 2634 1.1, "triple wrapping").
_MOST_SIGNATURES = 4


def _opens_signed(root: Part) -> bool:
    """Puts the messages that signatures wrap into the tree; whether there were any."""
    count = 0
    for part in root.walk():
        if count < _MOST_SIGNATURES and not part.children and smime.is_wrapped(part):
            inner = smime.signed_content(part.content)
            if inner is not None:
                part.children.append(parts.split(inner))
                count += 1
    return count > 0


def _collect(root: Part, content: _Content) -> None:
    """Sorts the leaves into text and attachments, in document order."""
    alternatives: dict[int, _Block] = {}
    waiting: list[tuple[Part, Part | None]] = [(root, None)]
    count = 0
    while waiting:
        part, alternative = waiting.pop()
        if part.children:
            inner = part if part.content_type == "multipart/alternative" else alternative
            waiting.extend((child, inner) for child in reversed(part.children))
            if part.content_type == "multipart/encrypted":
                content.warnings.append("encrypted")
            continue
        count += 1
        if not _is_text(part, content):
            _attach(part, content)
            continue
        block = alternatives.get(id(alternative)) if alternative else None
        if block is None:
            block = _Block()
            content.blocks.append(block)
            if alternative:
                alternatives[id(alternative)] = block
        text = _text_of(part, content)
        is_html = part.content_type == "text/html" or _HTML_START.match(text) is not None
        (block.html if is_html else block.plain).append(text)
    if count >= parts.MAX_PARTS:
        content.warnings.append("too-many-parts")


_HTML_START = re.compile(r"\s*(?:<!doctype html|<html\b|<body\b)", re.IGNORECASE)
_TEXT_TYPES = ("text/plain", "text/html", "text/enriched", "text/richtext", "text")


def _is_text(part: Part, content: _Content) -> bool:
    if part.is_multipart:
        return True  # a multipart whose boundary never came: what stands there is the text
    if part.content_type not in _TEXT_TYPES:
        return False
    disposition, _ = part.disposition
    if disposition == "attachment":
        # Some phones call the message's only text an attachment, and give it no name.
        return not part.filename and not content.has_text and part.content_type != "text/html"
    return not part.filename or not content.has_text


def _attach(part: Part, content: _Content) -> None:
    kind = part.content_type
    data = part.content
    if kind == "text/calendar":
        content.warnings.append("calendar")
    elif smime.is_wrapped(part):
        is_signed = part.params.get("smime-type", "").lower() == "signed-data"
        content.warnings.append("opaque-signed" if is_signed else "encrypted")
    elif kind in ("application/ms-tnef", "application/vnd.ms-tnef") or part.filename.lower() == "winmail.dat":
        packed = tnef.read(data)
        if packed is not None:
            content.warnings.append("winmail")
            content.attachments += [attachments.attachment(name, "", file) for name, file in packed.attachments]
            if not content.has_text and (packed.text or packed.html):
                content.blocks.append(
                    _Block([packed.text] if packed.text else [], [packed.html] if packed.html else [])
                )
            return
    if not data and not part.filename:
        return
    content.attachments.append(attachments.attachment(part.filename or _name_for(part, data), kind, data))


def _name_for(part: Part, data: bytes) -> str:
    if part.content_type == "message/rfc822":
        enclosed, _ = headers.read(data, headers.start_of(data), most=100)
        subject = headers.words(enclosed.get("subject"))[:80]
        return f"{subject.replace('/', '-')}.eml" if subject else ""
    return {"text/calendar": "kallelse.ics", "message/delivery-status": "delivery-status.txt"}.get(
        part.content_type, ""
    )


_MARKED_UP = re.compile(r"<param>[^<]{0,200}</param>|</?[a-z][^<>]{0,60}>", re.IGNORECASE)
_QP_TRACES = re.compile(rb"=C3=[A-B89][0-9A-F]|=(?:E[4569]|F6|C4|C5|D6|20)(?=\r?\n|[A-Za-z .,!?])|=\r?\n")


def _text_of(part: Part, content: _Content) -> str:
    data = part.content
    if (len(_QP_TRACES.findall(data, 0, 20_000)) > 1 and b"=C3=" in data) or data.count(b"=\n") + data.count(
        b"=\r\n"
    ) > 2:
        # Forwarded once too often: quoted-printable inside a part that no longer says so.
        encoding = (part.headers.get("content-transfer-encoding") or "").lower()
        if "quoted" not in encoding:
            data = parts.from_quoted_printable(data)
            content.warnings.append("damaged-encoding")
    # Detection costs milliseconds; only an attacker has more than a few parts in unknown charsets.
    detects = content.warnings.count("charset") < 5
    text, was_sure = charsets.decode(data, part.params.get("charset"), detects=detects)
    if not was_sure:
        content.warnings.append("charset")
    if len(text) > _LONGEST_TEXT:
        content.warnings.append("too-long")
        text = text[:_LONGEST_TEXT]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if part.params.get("format", "").lower() == "flowed" and part.content_type == "text/plain":
        text = _unflowed(text, deletes_space=part.params.get("delsp", "").lower() == "yes")
    if part.content_type in ("text/enriched", "text/richtext"):
        text = _MARKED_UP.sub("", text)
    return text


def _unflowed(text: str, *, deletes_space: bool) -> str:
    """Joins the lines that format=flowed broke (RFC 3676 4); a signature delimiter is never joined."""
    out: list[list[str]] = []
    is_open: int | None = None  # the quote depth of a line that goes on
    lines = text.split("\n", _MOST_FLOWED_LINES)
    rest = lines.pop() if len(lines) > _MOST_FLOWED_LINES else None
    for line in lines:
        depth = len(line) - len(line.lstrip(">"))
        body = line[depth:]
        body = body[1:] if body.startswith(" ") else body
        flows = body.endswith(" ") and body != "-- "
        kept = body[:-1] if flows and deletes_space else body
        if is_open == depth and out and body != "-- ":
            out[-1].append(kept)
        else:
            out.append([f"{'>' * depth} {kept}" if depth else kept])
        is_open = depth if flows else None
    joined = "\n".join("".join(pieces) for pieces in out)
    return joined if rest is None else f"{joined}\n{rest}"


_STUB = re.compile(
    r"html|your (?:e-?mail|mail) (?:client|program|reader)|(?:mejl|mail|e-?post)(?:program|klient)"
    r"|view (?:it|this|the)",
    re.IGNORECASE,
)
_HTML_QUOTE = re.compile(
    r"divRplyFwdMsg|OutlookMessageHeader|blockquote|_quote|yahoo_quoted|__QUOTED|moz-cite|border-top:\s*solid",
    re.IGNORECASE,
)


def _chosen(content: _Content) -> list[html_text.HtmlText]:
    """The text of each block. Plain text is preferred, as the sender's own words without layout, unless it
    is empty or a stub ("your program cannot show HTML"), or only the HTML tells where the history begins.
    """
    chosen: list[html_text.HtmlText] = []
    tags_left = html_text.MOST_TAGS
    for block in content.blocks:
        plain = "\n".join(block.plain)
        markup = "\n".join(block.html)
        is_stub = not plain.strip() or (len(plain) < 400 and len(markup) > 600 and _STUB.search(plain) is not None)
        if markup and is_stub:
            rendered = html_text.render(markup, most_tags=tags_left)
            tags_left = max(0, tags_left - markup.count("<"))
            chosen.append(rendered if rendered.text.strip() else html_text.HtmlText(plain))
        elif markup and _HTML_QUOTE.search(markup) and not quotes.has_history(plain):
            rendered = html_text.render(markup, most_tags=tags_left)
            tags_left = max(0, tags_left - markup.count("<"))
            is_told = rendered.history_at is not None or quotes.has_history(rendered.text)
            chosen.append(rendered if is_told else html_text.HtmlText(plain))
        else:
            chosen.append(html_text.HtmlText(plain))
    if any(one.is_cut for one in chosen):
        content.warnings.append("too-long")
    return chosen


# A database refuses NUL; the others are invisible, and inside a word they hide it from every search.
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\u00ad\u200b\u2060\ufeff\ud800-\udfff]")


def _tidied(chosen: list[html_text.HtmlText]) -> tuple[str, int | None]:
    """All blocks as one text without invisible characters, and the offset where history begins."""
    texts: list[str] = []
    history_at: int | None = None
    length = 0
    for one in chosen:
        own, old = one.text, ""
        if one.history_at is not None:
            own, old = own[: one.history_at], own[one.history_at :]
        own = _tidy(own).lstrip("\n")
        if one.history_at is not None and history_at is None:
            history_at = length + len(own)
        text = own + _tidy(old)
        if text.strip():
            texts.append(text.rstrip("\n"))
            length += len(texts[-1]) + 2
    return "\n\n".join(texts), history_at


def _tidy(text: str) -> str:
    return _INVISIBLE.sub("", text.replace("\u00a0", " ").replace("\u2028", "\n").replace("\f", "\n"))


# --------------------------------------------------------------------------- the fixed interface of `lokbot parse`


def to_json(path: str, message: IncomingMessage, language: str) -> dict[str, Any]:
    """One line of ``lokbot parse --jsonl``, ready for ``json.dumps``. Message ids have no angle brackets."""

    def address(one: Address) -> dict[str, str]:
        return {"name": one.name, "email": one.email}

    return {
        "path": path,
        "from": address(message.sender) if message.sender.email or message.sender.name else None,
        "reply_to": address(message.reply_to[0]) if message.reply_to else None,
        "to": [address(one) for one in message.to],
        "cc": [address(one) for one in message.cc],
        "subject": message.subject,
        "date": message.date.isoformat() if message.date else None,
        "message_id": message.message_id,
        "in_reply_to": message.in_reply_to[0] if message.in_reply_to else None,
        "references": list(message.references),
        "language": language,
        "automatic": {
            "is": message.automatic.is_automatic,
            "kind": message.automatic.kind,
            "reason": message.automatic.reason,
        },
        "bounce": {
            "is": message.bounce.is_bounce,
            "recipients": list(message.bounce.recipients),
            "permanent": message.bounce.permanent,
        },
        "text": message.text,
        "new_text": message.new_text,
        "attachments": [{"name": one.name, "type": one.content_type, "size": one.size} for one in message.attachments],
        "warnings": list(message.warnings),
    }
