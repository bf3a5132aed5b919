"""Reads delivery reports: which addresses failed, whether for good, and which mail of ours it was about.

RFC 3464 reports first, then what servers wrote before and beside the standard (Exim, qmail, Exchange,
Domino, GroupWise), recognised by sender, subject and words.
"""

from __future__ import annotations

import re

from lokbot.channels import charsets, headers
from lokbot.channels.headers import Headers
from lokbot.channels.parts import Part
from lokbot.channels.phrases import begins_with, holds, one_of
from lokbot.model import Bounce

NO_BOUNCE = Bounce(False)

# Subjects of reports by Postfix, Sendmail, Exim, qmail, Exchange, Domino, GroupWise, Gmail and Microsoft 365.
_SUBJECT = begins_with(
    r"""
    undeliver(?:ed|able|d)
    delivery (?:status notification|failure|failed|has failed|report|delayed|incomplete|problem)
    delayed mail
    failure notice
    mail delivery (?:failed|failure|system|subsystem|delayed|problem|status|error)
    (?:mail )?returned (?:mail|to sender)
    mail returned
    message delivery failure
    non[- ]?deliver(?:y|able)
    mail system error
    message status
    (?:e-?mail |mail )?could not (?:send|deliver|be delivered)
    unable to deliver
    warning: (?:could not send|message)
    message (?:not delivered|delayed|undeliverable)
    email delivery failure
    dsn\b
    ndr\b
    your message .{0,60} (?:was not delivered|could not be delivered|couldn't be delivered)
    rejected:
    # Swedish
    olevere?rba(?:r|rt)?
    oleverera[td]
    ej levererb?ar?t?
    ej levererat
    kunde inte leverera
    meddelandet kunde inte levereras
    leverans(?:fel|problem|status)
    leverans(?:en)? (?:misslyckades|har misslyckats|försenad|fördröjd)
    meddelande(?:t)? om leveransstatus
    statusmeddelande om leverans
    (?:fördröjd|försenad)\s*:
    avvisat
    # Norwegian, Danish
    ka?u?nn?e? ikke leveres
    uleverbar
    ikke[- ]lever
    leveringsfeil
    levering (?:mislykkedes|mislyktes)
    returneret mail
    afvist:
    # Finnish, German
    toimittam
    toimitus epäonnistui
    viestiä ei voi
    ei voitu toimittaa
    perille toimittam
    (?:unzustellbar|nicht zustellbar)
    zustellung fehlgeschlagen
    fehler bei der zustellung
    """
)
_DAEMON = re.compile(
    one_of(
        r"""
        mailer-?daemon
        mail-?daemon
        post[-_]?master
        mdaemon
        smtp-?daemon
        mail[-_.]?delivery(?:[-_.]?(?:system|subsystem))?@
        mail-?system@
        microsoftexchange[0-9a-f]{8,}
        """
    ),
    re.IGNORECASE,
)
_FAILED_WORDS = holds(
    r"""
    (?:could not|couldn'?t) be delivered
    delivery (?:to the following|has failed|failed|attempts? failed|is delayed)
    did not reach
    undeliverable
    wasn'?t able to deliver
    (?:not|has not (?:yet )?been) delivered
    unable to deliver
    permanent(?:ly)? (?:error|fail)
    (?:user unknown|unknown (?:user|recipient)|invalid user)
    mailbox (?:unavailable|full|not found)
    no such (?:user|address)
    does not exist
    returned to sender
    following address(?:es)? (?:failed|had)
    will be retried
    e-?mail bounced
    # Swedish
    (?:kunde inte|har inte kunnat|har inte) levererats?
    kunde inte levereras
    inte har kunnat levereras
    (?:gick inte att|kunde inte) leverera
    nådde inte
    okänd mottagare
    fördröj
    # Norwegian, Danish, Finnish, German
    ka?u?nn?e? ikke leveres
    blev ikke leveret
    ei voitu toimittaa
    nicht zugestellt
    konnte nicht
    unzustellbar
    """
)
_DELAYED_WORDS = holds(
    r"""
    will (?:be retried|continue|keep trying|retry)
    still (?:being retried|trying)
    no action is required
    not need to (?:resend|do anything)
    has not (?:yet )?been delivered
    temporar
    \bdelayed\b
    this is a warning
    fördröjd
    försenad
    fortsätter att försöka
    nya försök
    behöver inte skicka
    forsinket
    viivästyn
    verzögert
    """
)
_STATUS = re.compile(r"(?<![\d.])([245])\.\d{1,3}\.\d{1,3}(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.:@-])([45])[0-5]\d(?=[ \-]|$)", re.MULTILINE)
_ADDRESS = re.compile(r"(?<![\w.+=~'#&/-])[\w.+=~'#&/-]+@[\w-]+(?:\.[\w-]+)+")
# Where the text of a report ends and the mail that failed begins.
_ORIGINAL_BELOW = re.compile(
    "^"
    + one_of(
        r"""
        -{2,}\s*(?:this is a copy of|below this line is a copy|the header of the original|the original message)
        -{2,}\s*(?:returned|original|unsent|undelivered|forwarded) message
        -{2,}\s*message header
        .{0,40}(?:original |returned )?message (?:headers? )?follows?\b
        .{0,40}original message headers
        .{0,40}ursprungliga meddelanderubriker
        .{0,40}ursprungligt meddelande
        return-path:\s?<
        received: from
        """
    ),
    re.IGNORECASE | re.MULTILINE,
)
# A thousand failed recipients; a report is about one mail.
_LONGEST_REPORT = 200_000
_ID_LINE = re.compile(r"^[ \t>]*message-id:\s*(<[^<>\s]+>)", re.IGNORECASE | re.MULTILINE)


def read(root: Part, fields: Headers, sender: str, subject: str, text: str) -> Bounce:
    """The report in a mail; ``is_bounce`` is False for every other mail, and for a report of success.

    ``sender`` is the address in From, ``text`` the readable text. A delayed delivery is a bounce that is
    not permanent.
    """
    status = next(
        (
            part
            for part in root.walk()
            if part.content_type.startswith("message/") and part.content_type.endswith("delivery-status")
        ),
        None,
    )
    if status is not None:
        return _from_standard(root, status, fields, text)
    if not _looks_like_report(root, fields, sender, subject, text):
        return NO_BOUNCE
    above = _above_original(text)
    recipients = _recipients_in(fields, above)
    return Bounce(True, recipients, _is_permanent(above, subject), _original_id(root, fields, text))


def has_null_path(fields: Headers) -> bool:
    """Whether the mail came with an empty reverse-path, as reports do (RFC 5321 4.5.5); some servers write a name."""
    paths = [path.strip(" <>\t").lower() for path in fields.all("return-path")]
    return bool(paths) and all(not path or path == "mailer-daemon" for path in paths)


def is_daemon(sender: str) -> bool:
    """Whether an address is one that mail servers speak from (RFC 5321 4.5.1, custom since sendmail)."""
    return bool(_DAEMON.match(sender))


def _from_standard(root: Part, status: Part, fields: Headers, text: str) -> Bounce:
    report = _decoded(status)
    failed: list[str] = []
    delayed: list[str] = []
    codes: list[str] = []
    was_reported = False
    for block in re.split(r"\n[ \t]*\n", report[:_LONGEST_REPORT].replace("\r\n", "\n")):
        values, _ = headers.read(block.strip().encode("utf-8", "replace") + b"\n", most=100)
        recipient = _recipient(values.get("final-recipient")) or _recipient(values.get("original-recipient"))
        action = (values.get("action") or "").lower()
        if not (recipient or action):
            continue
        was_reported = True
        code = _STATUS.search(values.get("status") or "")
        if action.startswith(("delivered", "relayed", "expanded")) or (not action and code and code[1] == "2"):
            continue
        (delayed if action.startswith("delay") else failed).append(recipient)
        if code:
            codes.append(code[1])
    if was_reported and not failed and not delayed:
        return NO_BOUNCE
    recipients = tuple(dict.fromkeys(one for one in (failed or delayed) if one)) or _recipients_in(
        fields, _above_original(text)
    )
    if failed:
        permanent = "5" in codes or (None if not codes else False)
        if not codes:
            permanent = _is_permanent(_above_original(text), "")
    else:
        permanent = False
    return Bounce(True, recipients, permanent, _original_id(root, fields, text))


def _decoded(part: Part) -> str:
    # Some servers label the fields of the report as base64 or leave them inside a further part.
    body = part.content if not part.children else part.raw[part.start : part.end]
    return charsets.decode(body, part.params.get("charset"))[0]


def _recipient(value: str | None) -> str:
    """The address of ``rfc822; anna@example.org`` (RFC 3464 2.3.2)."""
    if not value:
        return ""
    match = _ADDRESS.search(value.partition(";")[2] or value)
    return match[0].lower() if match else ""


def _looks_like_report(root: Part, fields: Headers, sender: str, subject: str, text: str) -> bool:
    is_labelled = root.content_type == "multipart/report" and "delivery-status" in root.params.get("report-type", "")
    if is_labelled or "x-failed-recipients" in fields:
        return True
    head = text[:6_000]
    if is_daemon(sender):
        return bool(_SUBJECT.match(subject) or _FAILED_WORDS.search(head))
    if has_null_path(fields):
        return bool(_SUBJECT.match(subject))
    # Without a server's sign everything must say so: people write "Kunde inte leverera handlingarna i tid".
    has_code = _STATUS.search(head) or _REPLY_CODE.search(head)
    return bool(_SUBJECT.match(subject) and _FAILED_WORDS.search(head) and has_code)


def _above_original(text: str) -> str:
    head = text[:50_000]
    match = _ORIGINAL_BELOW.search(head)
    return head[: match.start()] if match else head[:6_000]


def _recipients_in(fields: Headers, text: str) -> tuple[str, ...]:
    if failed := fields.get("x-failed-recipients"):
        return tuple(dict.fromkeys(match.lower() for match in _ADDRESS.findall(failed)))
    ours = {address.email for name in ("to", "cc", "from") for address in headers.addresses(fields.get(name))}
    lines = (line for line in text.split("\n") if not _ABOUT_ORIGINAL.match(line))
    found = dict.fromkeys(match.strip("'.").lower() for line in lines for match in _ADDRESS.findall(line))
    return tuple(one for one in found if one not in ours and not is_daemon(one))[:20]


# Lines of a report that describe the mail that failed; its receivers may be others than those who failed.
_ABOUT_ORIGINAL = re.compile(
    r"\s*(?:(?:mail )?from|från|to|till|cc|kopia|sent|subject|ämne|message-id)\s*:", re.IGNORECASE
)


def _is_permanent(text: str, subject: str) -> bool | None:
    status = _STATUS.findall(text)
    if "5" in status:
        return True
    if "4" in status:
        return False
    if _DELAYED_WORDS.search(subject) or _DELAYED_WORDS.search(text):
        return False
    code = _REPLY_CODE.search(text)
    if code:
        return code[1] == "5"
    return True if _FAILED_WORDS.search(text) or _SUBJECT.match(subject) else None


def _original_id(root: Part, fields: Headers, text: str) -> str | None:
    """The Message-ID of the mail that failed, from the copy in the report or the report's own threading."""
    for part in root.leaves():
        if part.content_type in (
            "message/rfc822",
            "text/rfc822-headers",
            "message/rfc822-headers",
            "message/global-headers",
            "message/global",
        ):
            enclosed, _ = headers.read(part.content, headers.start_of(part.content), most=200)
            if found := headers.ids(enclosed.get("message-id")):
                return found[0]
    for part in root.leaves():
        if part is not root and (match := _ID_LINE.search(_decoded(part)[:200_000])):
            return headers.ids(match[1])[0]
    if match := _ID_LINE.search(text):
        return headers.ids(match[1])[0]
    threading = headers.ids(
        fields.get("x-original-message-id"),
        fields.get("original-message-id"),
        fields.get("in-reply-to"),
        fields.get("references"),
    )
    return threading[0] if threading else None
