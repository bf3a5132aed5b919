"""Says whether a machine wrote a mail, by one table of rules; the first that has an opinion wins.

A mail that a machine wrote is stored and never answered (RFC 3834 section 2). What may come from a person
is left to a person: see ``NOT_ENOUGH``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from lokbot.channels import bounces
from lokbot.channels.headers import Headers
from lokbot.channels.parts import Part
from lokbot.channels.phrases import begins_with, holds, one_of
from lokbot.model import Address, Automatic, Bounce

HUMAN = Automatic(False)

# Signs that machines and people share. Alone they decide nothing:
# - X-Auto-Response-Suppress: Exchange puts it on some human mail, rules and add-ins on more.
# - X-MS-Exchange-Inbox-Rules-Loop: a rule forwarded the mail, perhaps a person's.
# - a no-reply From with a Reply-To elsewhere: a web form writes so for the person who filled it in.
# - List-* with our address in To or Cc: the caller decides on the kind "list".
# - a meeting invitation (METHOD:REQUEST): a person invites.
# - a lokbot's kind of Message-ID: whether it is our own, the caller can tell by its signature.
# What has a sign of MAYBE is left to a person, and no receipt goes out.
NOT_ENOUGH = ("x-auto-response-suppress", "x-ms-exchange-inbox-rules-loop")


@dataclass(frozen=True, slots=True)
class Mail:
    """What the rules look at. ``text`` is the beginning of the readable text."""

    root: Part
    headers: Headers
    sender: Address
    reply_to: tuple[Address, ...]
    subject: str
    text: str
    bounce: Bounce


@dataclass(frozen=True, slots=True)
class Rule:
    """``sign`` gives the words that gave the machine away, or None. ``source`` is why we believe them."""

    kind: str
    source: str
    sign: Callable[[Mail], str | None]


def judge(mail: Mail) -> Automatic:
    """What kind of machine wrote ``mail``, and the rule that says so; ``is_automatic`` False for a person.

    With a ``reason`` all the same, where it has a sign that machines and people share.
    """
    for rule in RULES:
        if sign := rule.sign(mail):
            return Automatic(True, rule.kind, f"{sign} ({rule.source})")
    for rule in MAYBE:
        if sign := rule.sign(mail):
            return Automatic(False, None, f"{sign} ({rule.source})")
    return HUMAN


# --------------------------------------------------------------------------- signs


def _has(name: str, pattern: str = "", *, unless: str = r"(?!)") -> Callable[[Mail], str | None]:
    """A field whose value matches; ``unless`` names values that mean nothing."""
    wanted, excluded = re.compile(pattern, re.IGNORECASE), re.compile(unless, re.IGNORECASE)

    def sign(mail: Mail) -> str | None:
        for value in mail.headers.all(name):
            if wanted.search(value) and not excluded.search(value):
                return f"{name}: {value[:60]}".strip()
        return None

    return sign


def _is_report(kind: str) -> Callable[[Mail], str | None]:
    def sign(mail: Mail) -> str | None:
        root = mail.root
        report = root.params.get("report-type", "").lower() if root.content_type == "multipart/report" else ""
        has_part = any(part.content_type == f"message/{kind}" for part in root.walk() if part is not root)
        return f"report-type={kind}" if report == kind or has_part else None

    return sign


def _is_bounce(mail: Mail) -> str | None:
    return "delivery report" if mail.bounce.is_bounce else None


_READ = begins_with(
    r"""
    läst
    oläst
    lest
    ulest
    læst
    ikke læst
    luettu
    gelesen
    ungelesen
    read
    not read
    """,
    after=r"\s*:",
)
_RECEIPT_TEXT = re.compile(
    r"(?:meddelande|message|nachricht|melding|viesti|return receipt|läskvitto|kvitto).{0,400}?"
    + one_of(
        r"""
        lästes
        visades
        togs bort
        utan att läsas
        was (?:read|displayed)
        has been (?:read|displayed|seen)
        deleted without being read
        gelesen
        ble lest
        blev læst
        luettiin
        """
    ),
    re.IGNORECASE | re.DOTALL,
)


def _is_read_receipt(mail: Mail) -> str | None:
    is_empty_from_exchange = "x-ms-tnef-correlator" in mail.headers and not mail.text.strip()
    is_receipt = _READ.match(mail.subject) and (is_empty_from_exchange or _RECEIPT_TEXT.search(mail.text[:1_500]))
    return f"subject {mail.subject[:40]!r} with a receipt's text" if is_receipt else None


_METHOD = re.compile(rb"^METHOD:(\w+)", re.MULTILINE | re.IGNORECASE)
_CALENDAR_SUBJECT = begins_with(
    r"""
    accepterat
    avböjt
    preliminärt(?: accepterat)?
    godkänt
    tackat (?:ja|nej)
    accepted
    declined
    tentative(?:ly accepted)?
    # Norwegian, Danish
    godtatt
    avslått
    akseptert
    avvist
    accepteret
    afvist
    foreløbig\w*
    # Finnish, German
    hyväksytty
    hylätty
    zugesagt
    abgelehnt
    mit vorbehalt
    """,
    after=r"\s*:",
)


def _is_calendar_reply(mail: Mail) -> str | None:
    for part in mail.root.leaves():
        if part.content_type == "text/calendar":
            found = _METHOD.search(part.content[:20_000])
            method = found[1].decode("ascii", "replace") if found else part.params.get("method", "")
            if method.upper() == "REPLY":
                return "METHOD:REPLY"
    if _CALENDAR_SUBJECT.match(mail.subject) and "calendarmessage" in (mail.headers.get("content-class") or "").lower():
        return f"calendar message {mail.subject[:40]!r}"
    return None


def _has_null_path(mail: Mail) -> str | None:
    return "Return-Path: <>" if bounces.has_null_path(mail.headers) else None


def _is_from_server(mail: Mail) -> str | None:
    return f"From: {mail.sender.email}" if bounces.is_daemon(mail.sender.email) else None


_NO_REPLY = re.compile(
    one_of(
        r"""
        (?:no|do|dont)[-_.]?(?:not[-_.]?)?(?:reply|replay|respond|answer)
        (?:inte|ej|ikke|ala|älä|nicht|keine)[-_.]?(?:svara?|svares|besvara?s?|vastaa|antworten)\b
        svara[-_.]?(?:ej|inte)
        ingetsvar
        obesvarad
        bounces?\b
        notifi(?:cation|ering)\w*
        (?:auto)?mailer\b
        auto-?(?:svar|reply)\b
        """
    ),
    re.IGNORECASE,
)


def _is_unanswerable(mail: Mail) -> str | None:
    return None if _has_human_reply_to(mail) else _is_no_reply(mail)


def _is_no_reply(mail: Mail) -> str | None:
    return f"From: {mail.sender.email}" if _NO_REPLY.match(mail.sender.email) else None


def _has_human_reply_to(mail: Mail) -> bool:
    elsewhere = (one.email for one in mail.reply_to if one.email and one.email != mail.sender.email)
    return any(not _NO_REPLY.match(email) for email in elsewhere)


# What programs write themselves. A person who answers such a mail has "SV:" or "Re:" before it.
_AUTO_SUBJECT = begins_with(
    r"""
    autosvar
    automatiskt (?:e-?post)?svar
    frånvaro(?:meddelande|besked|hanterare)
    på semester
    # Norwegian, Danish
    automatisk svar
    fraværs(?:melding|besked|assistent)
    ikke til stede
    ikke på kontoret
    # Finnish
    automaattinen vastaus
    poissaolo\w*
    poissa (?:toimistosta|töistä)
    lomavastaus
    # German, English, others
    automatisch[er]* (?:antwort|antwoord)
    abwesenheits\w*
    auto(?:matic)?[- ]?(?:reply|response|responder|answer)
    out[ -]of[ -](?:the )?office
    vacation (?:reply|response|notice)
    respuesta automática
    réponse automatique
    """,
    after=r"(?=\s*(?:[:!(\-–.\[]|$|from\b|från\b|to\b|re:|sv:|vid\b|assistent))",
)
_WEAK_SUBJECT = begins_with(
    r"""
    frånvar
    semester
    ledig
    bortrest
    föräldraledig
    tjänstledig
    sjukskriven
    (?:har )?slutat
    (?:på )?ferie
    loma
    urlaub
    vacation
    holiday
    away
    absence
    tack för (?:ditt|din|ert|er) (?:mejl|mail|meddelande|e-?post|fråga)
    vi har (?:tagit emot|mottagit)
    bekräftelse
    mottagningsb(?:evis|ekräftelse)
    ärendebekräftelse
    \[?ärende
    ditt ärende
    kvittens
    ticket
    thank you for (?:your|contacting)
    we have received
    ta(?:k|kk) for
    kiitos
    """
)
_AUTO_TEXT = holds(
    r"""
    (?:detta|det här|dette|this) (?:är|er|is) (?:ett|en|et|an) (?:auto|autosvar|automatisk)
    autogenerera
    automatiskt (?:svar|meddelande|genererat|utskick)
    (?:går|kan) (?:inte|ej) (?:att )?(?:svara|besvara)
    svara inte på (?:det|detta)
    jag (?:är|har) (?:på semester|ledig|tillbaka|inte på kontoret|föräldraledig|sjukskriven|bortrest|slutat)
    är (?:åter|tillbaka)(?: på kontoret)? (?:den |på )?(?:\d|mån|tis|ons|tors|fre)
    åter(?:kommer)? (?:till kontoret|i tjänst)
    vi (?:besvarar|svarar|återkommer) (?:normalt|vanligtvis|inom|så snart)
    vi har (?:tagit emot|mottagit) (?:ditt|din)
    (?:ditt|din) (?:ärendenummer|ärende har)
    (?:do not|don't) reply
    auto(?:matically |-?)generated
    i am (?:out of|on vacation|away|currently)
    ich bin (?:nicht im|erst)
    """
)


def _has_auto_subject(mail: Mail) -> str | None:
    return f"subject {mail.subject[:40]!r}" if _AUTO_SUBJECT.match(mail.subject) else None


def _has_weak_subject(mail: Mail) -> str | None:
    """ "Semester" may be a person's question; it is an answer only if text and a sign of Exchange agree."""
    is_auto = (
        (_WEAK_SUBJECT.match(mail.subject) or _is_answer_with_auto_word(mail.subject))
        and any(name in mail.headers for name in NOT_ENOUGH)
        and _AUTO_TEXT.search(mail.text[:2_000])
    )
    return f"subject {mail.subject[:40]!r} with the text of an autosvar" if is_auto else None


def _is_answer_with_auto_word(subject: str) -> bool:
    # Some automatic answers keep the subject they answer, "SV: Fråga (autosvar)".
    return re.search(r"\b(?:autosvar|automatiskt svar|auto-?reply|out of office)\b", subject, re.IGNORECASE) is not None


# The values that ask for no automatic answer; the others are about receipts.
_NO_ANSWER = r"\b(?:all|oof|autoreply)\b"
_MANY = r"\b(?:bulk|junk|list)\b"


def _is_newsletter(mail: Mail) -> str | None:
    leave, write = mail.headers.get("list-unsubscribe"), mail.headers.get("list-post")
    has_list = write is not None and write.strip().upper() != "NO"
    return f"list-unsubscribe: {leave[:60]}" if leave and not has_list else None


def _rule(kind: str, source: str, *signs: Callable[[Mail], str | None]) -> Rule:
    """A rule that holds when any of its signs does."""
    return Rule(kind, source, lambda mail: next((found for sign in signs if (found := sign(mail))), None))


def _fields(*names: str) -> tuple[Callable[[Mail], str | None], ...]:
    """Fields whose mere presence is the sign, unless they say no."""
    return tuple(_has(name, unless=r"^\s*(?:no|false|0)\s*$") for name in names)


_LIST_FIELDS = ("list-id", "list-post", "list-help", "list-unsubscribe", "list-owner", "list-subscribe", "list-archive")

RULES: tuple[Rule, ...] = (
    _rule("own", "our own loop header", _has("x-lokbot-loop")),
    _rule("bounce", "RFC 3464, or a server's report in its own words", _is_bounce),
    _rule("abuse-report", "RFC 5965", _is_report("feedback-report")),
    _rule("receipt", "RFC 8098, message disposition notification", _is_report("disposition-notification")),
    _rule("receipt", "RFC 3464, report of success", _is_report("delivery-status")),
    _rule("receipt", "Outlook's and GroupWise's read receipts", _is_read_receipt),
    _rule("calendar", "RFC 5546, answer to an invitation", _is_calendar_reply),
    _rule("auto-reply", "RFC 3834 5", _has("auto-submitted", r"auto[-_ ]?repl")),
    _rule("auto-reply", "vacation(1), Mailman, cPanel, Barracuda", *_fields("x-autoreply", "x-autorespond")),
    _rule("auto-reply", "FirstClass, Kerio", *_fields("x-autoresponder", "x-auto-reply", "x-mail-autoreply")),
    _rule("auto-reply", "GroupWise, Domino", *_fields("x-autoreply-from", "x-vacation", "x-out-of-office")),
    _rule("auto-reply", "qmail's autoresponder", _has("delivered-to", "autorespond")),
    _rule(
        "auto-reply",
        "vacation(1)",
        _has("precedence", "auto"),
        _has("x-precedence", "auto"),
        _has("preference", "auto"),
    ),
    _rule(
        "auto-reply",
        "X.400 gateways, after Sympa",
        _has("content-identifier", "auto"),
        _has("x400-content-identifier", "auto"),
    ),
    _rule("auto-reply", "CommuniGate", _has("x-post-messageclass", "autorespond")),
    _rule("auto-reply", "FirstClass", _has("x-fc-machinegenerated", "true")),
    _rule("auto-reply", "a subject that programs write", _has_auto_subject),
    _rule("bulk", "RFC 2369 3.2, a newsletter: one may leave it but not write to it", _is_newsletter),
    _rule("list", "RFC 2919, RFC 2369", *_fields(*_LIST_FIELDS)),
    _rule("bulk", "RFC 3834 5", _has("auto-submitted", unless=r"^\s*no\b")),
    _rule("bulk", "sendmail's custom", _has("precedence", _MANY), _has("x-precedence", _MANY)),
    _rule("bulk", "list servers before RFC 2369", *_fields("mailing-list", "x-mailing-list", "x-list", "x-beenthere")),
    _rule("bulk", "cron(8), scripts", *_fields("x-cron-env", "x-autogenerated", "x-auto-generated")),
    _rule("auto-reply", "subject and text of an autosvar, with a sign of Exchange", _has_weak_subject),
    _rule("auto-reply", "procmail(1)", _has("x-loop")),
    _rule("auto-reply", "RFC 5321 4.5.5, empty reverse-path", _has_null_path),
    _rule("auto-reply", "RFC 5321 4.5.1", _is_from_server),
    _rule("bulk", "no-reply sender and nobody to answer", _is_unanswerable),
)

MAYBE: tuple[Rule, ...] = (
    _rule(
        "maybe", "MS-OXCMAIL 2.1.3.2.20, which alone proves no machine", _has("x-auto-response-suppress", _NO_ANSWER)
    ),
    _rule("maybe", "a no-reply sender that names somebody to answer, as web forms do", _is_no_reply),
)
