"""Tells new words from old ones: what the sender wrote now, without quoted history and signature.

Used for understanding and for the folded view only; the full text is always stored and shown.
The rules know how mail programs of the Nordic countries, Germany and the English-speaking world introduce
a quote; each pattern names the programs that write it. Where a rule is unsure the words stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lokbot.channels.phrases import begins_with, holds, one_of

# Own words of a person end long before this many characters and lines; what follows is history.
LIMIT = 300_000
_MOST_LINES_READ = 6_000


def new_words(text: str, *, history_at: int | None = None) -> str:
    """What was written now. Never empty if ``text`` holds words.

    ``history_at`` is the offset where the mail program itself put the history, None if it did not say.
    """
    if history_at is not None and text[:history_at].strip():
        text = text[:history_at]
    lines = [_without_leftover(line) for line in _lines(text)]
    segments = _own_segments(lines)
    without_signature = [cut for segment in segments if _has_words(cut := _without_signature(segment))]
    return _joined(without_signature) or _joined(segments) or _joined([text.split("\n")])


def has_history(text: str) -> bool:
    """Whether anything in ``text`` reads as quoted from an earlier mail."""
    lines = _lines(text)
    return any(_QUOTED.match(line) for line in lines) or any(
        _introduction_at(lines, number, line) for number, line in enumerate(lines)
    )


def _lines(text: str) -> list[str]:
    return text[:LIMIT].split("\n", _MOST_LINES_READ)[:_MOST_LINES_READ]


def _joined(segments: list[list[str]]) -> str:
    texts = ("\n".join(line.rstrip() for line in segment).strip("\n") for segment in segments)
    whole = "\n\n".join(text for text in texts if text.strip()).strip()
    return re.sub(r"\n{3,}", "\n\n", whole)


def _has_words(lines: list[str]) -> bool:
    return any(map(str.isalnum, "".join(lines)))


def _without_leftover(line: str) -> str:
    """Without what quoted-printable leaves at the end of a line when it was decoded once too little."""
    return line.removesuffix("=20").removesuffix("=20") if line.endswith("=20") else line


_QUOTED = re.compile(r"[ \t]{0,3}(?:>|&gt;)(?!-|= ?\d)")

# --------------------------------------------------------------------------- where history begins


@dataclass(frozen=True, slots=True)
class _Introduction:
    """Lines ``start`` to ``end`` (exclusive) that introduce a quote."""

    start: int
    end: int


def _own_segments(lines: list[str]) -> list[list[str]]:
    """The runs of lines that are not quoted and not introduced as quoted."""
    introductions: dict[int, _Introduction] = {}
    looked_at = 0
    segments: list[list[str]] = [[]]
    has_own = False
    number = 0
    while number < len(lines):
        line = lines[number]
        # An introduction is known by its last line, and found only as far as it is needed.
        for end in range(looked_at, min(number + _MOST_LINES, len(lines))):
            if found := _introduction_at(lines, end, lines[end]):
                introductions[found.start] = found
        looked_at = max(looked_at, min(number + _MOST_LINES, len(lines)))
        if introduction := introductions.get(number):
            following = _next_filled(lines, introduction.end)
            is_marked = following is not None and _QUOTED.match(lines[following]) is not None
            if not is_marked and has_own:
                if _ANSWERS_BELOW.search(" ".join(line for segment in segments for line in segment)):
                    segments += [[], lines[introduction.end :]]
                # Nothing marks the history line by line (Outlook): it goes on to the end.
                break
            segments.append([])
            number = introduction.end
            if not is_marked:
                # The reply stands below (Zimbra, Thunderbird): own words begin after the last marked line.
                number = _first_quoted(lines, number)
            continue
        if _QUOTED.match(line) or _is_torn_off(lines, number):
            if segments[-1]:
                segments.append([])
        else:
            segments[-1].append(line)
            has_own = has_own or any(map(str.isalnum, line))
        number += 1
    return [_without_rule(segment) for segment in segments if _has_words(segment)]


# "Se mina svar i rött nedan": the answers stand inside history that nothing marks, and may not be lost.
_ANSWERS_BELOW = re.compile(
    r"\b(?:svar\w*|kommentar\w*|anteckning\w*|answer\w*|comment\w*|repl(?:y|ies)|antwort\w*|vastau\w*)\b.{0,40}"
    r"\b(?:nedan\w*|i (?:rött|blått|grönt|fetstil|texten|mejlet|mailet)|inline|below|insprängt"
    r"|(?:under|efter|vid) (?:varje|respektive|var och en)|mellan raderna|nedenfor|herunder|unten)\b",
    re.IGNORECASE,
)


def _next_filled(lines: list[str], number: int) -> int | None:
    return next((i for i in range(number, min(number + 12, len(lines))) if lines[i].strip()), None)


def _first_quoted(lines: list[str], number: int) -> int:
    return next((i for i in range(number, len(lines)) if _QUOTED.match(lines[i])), len(lines))


def _is_torn_off(lines: list[str], number: int) -> bool:
    """Whether a line is the end of a quoted line that a gateway broke without repeating the ">"."""
    if not 0 < number < len(lines) - 1:
        return False
    before, line, after = lines[number - 1], lines[number].strip(), lines[number + 1]
    return (
        len(before) >= 60
        and 0 < len(line) <= 40
        and not line[:1].isupper()
        and _QUOTED.match(before) is not None
        and _QUOTED.match(after) is not None
    )


_RULE = re.compile(r"\s*[-_=*–—]{3,}\s*$")


def _without_rule(segment: list[str]) -> list[str]:
    """Without the ruled line that programs draw above the history."""
    end = len(segment)
    while end and (not segment[end - 1].strip() or _RULE.match(segment[end - 1])):
        end -= 1
    return segment[:end]


def _introduction_at(lines: list[str], number: int, line: str) -> _Introduction | None:
    stripped = line.strip(" \t*_\u00a0")
    if not stripped:
        return None
    if _YAHOO_ANDROID.match(stripped):
        return _Introduction(number, number + 1)
    may_end_one = (
        stripped.endswith((":", "：", "-", ")"))
        or (stripped.endswith(">") and "@" in stripped)
        or (_OPENING.match(stripped) and _WROTE_LINE.match(stripped))
    )
    if may_end_one and (one := _attribution_ending_at(lines, number)):
        return one
    if "-" in stripped or ":" in stripped or "–" in stripped:
        if _SEPARATOR.fullmatch(stripped):
            block = _block_at(lines, number + 1, is_after_separator=True)
            return _Introduction(number, block or number + 1)
        if _LABEL.match(line) and not _QUOTED.match(line) and (block := _block_at(lines, number)):
            return _Introduction(number, block)
    if stripped.startswith(">>>") and _GROUPWISE.fullmatch(stripped):
        return _Introduction(number, number + 1)
    return None


# ------- "Den mån 3 feb. 2025 kl 16:02 skrev Anna <anna@example.org>:"

_WROTE = (
    r"skrev|skriver|wrote|writes|schrieb|schrieben|kirjoitti|skreiv|ha scritto|a écrit|escribió|escreveu"
    r"|schreef|geschreven|napisał(?:\(a\))?|napsal(?:\(a\))?|написала?|пише|写道"
)
_TIME = re.compile(r"\b\d{1,2}[.:]\d{2}(?:[.:]\d{2})?\b(?!\.\d)")
_MAILBOX = re.compile(r"[^\s<>()\[\]]@[^\s<>()\[\]]")
_WEEKDAY = (
    r"m[åa]n|tis|ons|tors?|fre|l[öo]r|s[öo]n|tir|man|tor|lør|søn|mon|tue|wed|thu|fri|sat|sun"
    r"|mo|di|mi|do|fr|sa|so|ma|ti|ke|to|pe|la|su"
)
# How an introduction begins, by language; a day, a weekday or a preposition before one.
_OPENING = re.compile(
    rf"(?:(?:den|on|am|at|op|le|el|il|em|dnia|dne|vid|på)[ ,.]|\d{{4}}[-/]\d\d?[-/]\d\d?\b|\d{{1,2}}[. ]+[^\W\d]{{3,}}"
    rf"|\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}\b|(?:{_WEEKDAY})\w{{0,8}}[., ]+(?:(?:den|the|d\.|kl\.?) )?\d"
    rf"|(?:{_WEEKDAY})\w{{0,8}}[., ]+[^\W\d]+[., ]+\d)",
    re.IGNORECASE,
)
_SAYS_WROTE = re.compile(_WROTE, re.IGNORECASE)
_WROTE_LINE = re.compile(rf"(.*?)\b(?:{_WROTE})\b(.*)", re.IGNORECASE | re.DOTALL)
# "Anna Svensson <anna@...> skrev den 3 feb. 2025 kl. 16:02:" (Gmail, older Thunderbird, Apple Mail)
_NAME = re.compile(
    r"\"?[\wÀ-ÿ'’.,\-/ ]{2,60}\"?(?:\s*(?:via|genom|på uppdrag av)\s[^<:]{2,40})?\s*[<(\[]?[^\s<>]*[>)\]]?\s*,?\s*$"
)
_DATE_THEN_MAILBOX = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}[ T]+\d{1,2}[.:]\d\d.*[<(][^<>()\s]+@[^<>()\s]+[>)]\s*:?")
_QUOTING = re.compile(r"(?:quoting|citerar|citat från|citat fra|zitat von|siterer|lainaus)\b.{2,120}:", re.IGNORECASE)
# Older K-9 Mail: "Anna <anna@example.org> skrev: (3 februari 2025 16:02:11 CET)"
_WROTE_THEN_DATE = re.compile(r"(?<=\w)\s?:\s?\([^()]*\d[.:]\d\d[^()]*\)$")
# Lotus Notes: "-----Anna Svensson/Org wrote: -----"
_RULED_ATTRIBUTION = re.compile(rf"-{{2,10}}\s?.{{2,120}}\b(?:{_WROTE})\b.{{0,60}}?-{{2,}}", re.IGNORECASE)
# GroupWise: ">>> Anna Svensson <anna@...> 2009-03-03 10:11 >>>"
_GROUPWISE = re.compile(r">>>\s?[^>\s].{4,200}(?:\d[.:]\d\d|@).{0,60}(?:>>>)?")

# Yahoo Mail for Android lets the old mail begin on the line of the introduction.
_YAHOO_ANDROID = re.compile(r"(?:den|on) .{5,100}<[^<>@]+@[^<>]+> (?:skrev|wrote):\s{2,}\S", re.IGNORECASE)

_MOST_LINES = 4


def _attribution_ending_at(lines: list[str], end: int) -> _Introduction | None:
    """The introduction whose last line is ``end``; programs wrap it over up to four lines."""
    if _QUOTED.match(lines[end]) or len(lines[end]) > 500:
        return None
    is_followed_by_quote = (after := _next_filled(lines, end + 1)) is not None and _QUOTED.match(lines[after])
    window = " ".join(lines[max(0, end - _MOST_LINES + 1) : end + 1])
    if not is_followed_by_quote and "@" not in window and not _SAYS_WROTE.search(window):
        return None
    best: int | None = None
    for start in range(end, max(-1, end - _MOST_LINES), -1):
        line = lines[start].strip()
        if not line or _QUOTED.match(lines[start]):
            break
        if best is not None:
            # The part with the date may stand on lines above the part that was recognised.
            if _OPENING_WORD.match(lines[best].strip()) or line.endswith((".", "!", "?", ":")):
                break
            if not _OPENING_WORD.match(line):
                continue
        joined = " ".join(one.strip(" \t*_\u00a0") for one in lines[start : end + 1])
        if len(joined) > 500:
            break
        if _is_attribution(joined, is_followed_by_quote=bool(is_followed_by_quote)):
            best = start
    return None if best is None else _Introduction(best, end + 1)


_OPENING_WORD = re.compile(r"(?:den|on|am|at|op|le|el)\b", re.IGNORECASE)


def _is_attribution(line: str, *, is_followed_by_quote: bool) -> bool:
    line = _WROTE_THEN_DATE.sub(":", line) if line.endswith(")") else line
    if line.endswith("-"):
        return len(line) < 250 and line.endswith("--") and _RULED_ATTRIBUTION.fullmatch(line) is not None
    if not line.endswith((":", "：")):
        says_all = _OPENING.match(line) and _TIME.search(line) and _WROTE_LINE.match(line)
        return is_followed_by_quote and bool(says_all or _DATE_THEN_MAILBOX.fullmatch(line))
    has_mailbox, has_time = bool(_MAILBOX.search(line)), bool(_TIME.search(line))
    is_sure = has_mailbox or has_time or is_followed_by_quote
    if (match := _WROTE_LINE.match(line)) and is_sure:
        before, after = match[1].strip(), match[2].strip(" :")
        if _OPENING.match(line) and any(character.isdigit() for character in line):
            return True
        if before and _NAME.fullmatch(before) and before[:1].strip("\"'").istitle():
            is_dated = any(character.isdigit() for character in after) and len(after) < 80
            return is_dated or has_mailbox or (is_followed_by_quote and not after)
    if _DATE_THEN_MAILBOX.fullmatch(line):
        return True
    if is_followed_by_quote:
        # Any language: a line with a time or a mailbox that ends in a colon right above a quote.
        is_dated = has_time and any(len(run) == 4 for run in re.findall(r"\d+", line))
        return bool(_QUOTING.fullmatch(line)) or ((has_mailbox or is_dated) and len(line) < 300)
    return False


# ------- "-----Ursprungligt meddelande-----" and "Från: / Skickat: / Till: / Ämne:"

_MESSAGE_WORDS = one_of(
    r"""
    urspr(?:ungligt|\.) (?:meddelande|mejl|mail|e-?post\w*|brev)
    original ?(?:meddelande|mejl|mail|e-?mail|message)
    vidarebefordra[td]e?s? (?:meddelande|mejl|mail|e-?post\w*|brev)(?: från .{1,60})?
    (?:början på|startar?) vidarebefordrat (?:meddelande|mejl|brev)
    svarsmeddelande
    svar på meddelande
    # English
    reply message
    forwarded (?:message|by .{1,60})
    begin forwarded message
    # Norwegian, Danish
    opprinnelig melding
    oprindelig (?:meddelelse|besked)
    videresendt (?:melding|meddelelse|besked|e-?post|mail)
    start på videresendt besked
    # Finnish, German, French, Spanish
    alkuperäinen viesti
    (?:edelleen)?(?:välitetty|lähetetty) viesti
    ursprüngliche (?:nachricht|e?-?mail)
    weitergeleitete (?:nachricht|e?-?mail)
    anfang der weitergeleiteten (?:nachricht|e?-?mail)
    message d'origine
    mensaje original
    """
)
_SEPARATOR = re.compile(
    rf"(?:[-–—_=*]{{2,}}\s*{_MESSAGE_WORDS}\s*:?\s*[-–—_=*]*|{_MESSAGE_WORDS}\s*(?::|[-–—_=*]{{2,}}))",
    re.IGNORECASE,
)

_LABELS = {
    "from": "från from fra von lähettäjä de van avsändare frå",
    "sent": "skickat skickad sänt sent sendt gesendet lähetetty envoyé verzonden",
    "date": "datum date dato päivämäärä päiväys",
    "to": "till to til an vastaanottaja kopia cc kopi kopie kopio bcc à aan mottagare",
    "subject": "ämne subject emne betreff aihe rubrik objet onderwerp ärende",
    "other": "bifogade bilagor attachments vedlegg anlagen prioritet prioritering vikt importance viktighet",
}
_KIND_OF = {label: kind for kind, labels in _LABELS.items() for label in labels.split()}
_LABEL = re.compile(
    rf"[ \t>*_|]*({'|'.join(sorted(_KIND_OF, key=len, reverse=True))})(?: filer)?"
    r"[*_]*\s?(?:\([^)]*\))?[ \t]*[*_]*(?::|\|)",
    re.IGNORECASE,
)


# "Från: kl 18" is a time to book, not a sender.
_CLOCK_VALUE = re.compile(r"\s*(?:kl\.?|klockan)?\s*\d{1,2}(?:[.:]\d\d)?\s*$", re.IGNORECASE)


def _block_at(lines: list[str], start: int, *, is_after_separator: bool = False) -> int | None:
    """The end of the block of header lines that begins at ``start``, or None if there is none.

    "Från:" and "Ämne:" above the message of a web form are no block, nor are "Datum:", "Från:" and "Till:"
    of a booking or a bus trip.
    """
    kinds: set[str] = set()
    has_mailbox = False
    end = start
    loose = 0
    for number in range(start, min(start + 24, len(lines))):
        line = lines[number]
        match = _LABEL.match(line)
        if match:
            kind = _KIND_OF[match[1].lower()]
            value = line[match.end() :]
            if (kind == "from" and "from" in kinds) or _CLOCK_VALUE.match(value):
                break
            has_mailbox = has_mailbox or "@" in value
            kinds.add(kind)
            end, loose = number + 1, 0
        elif kinds or not line.strip():
            # A long list of receivers wraps; empty lines stand between rows that were paragraphs.
            loose += 1
            if loose > (6 if kinds & {"to", "from"} and not kinds & {"subject"} and line.strip() else 2):
                break
        else:
            break
    is_block = "from" in kinds and (
        "sent" in kinds
        or ("subject" in kinds and not kinds.isdisjoint(("to", "date")))
        or (has_mailbox and "date" in kinds)
    )
    return end if is_block or (is_after_separator and len(kinds) >= 2) else None


# --------------------------------------------------------------------------- where the signature begins

_DELIMITER = re.compile(r"\s{0,2}(?:--|—|__)(?:\s*|=20)$")
_SIGNATURE_RULE = re.compile(r"\s{0,2}(?:[-–—_=*~#] ?){5,}$")
_MAILING_LIST_RULE = re.compile(r"_{20,}$")

_DEVICE = one_of(
    r"""
    iphone
    ipad
    ipod
    ios
    android
    samsung
    galaxy
    mobil
    telefon
    puhelim
    handy
    phone
    huawei
    xperia
    sony
    htc
    nokia
    lumia
    oneplus
    motorola
    xiaomi
    redmi
    honor
    blackberry
    windows
    outlook
    yahoo
    hotmail
    gmail
    proton
    thunderbird
    airmail
    bluemail
    spark
    aol
    webmail
    e-?post
    \bmail\b
    \bapp\b
    surfplatta
    padda
    tablet
    laptop
    dator
    macbook
    \bmac\b
    telia
    comhem
    tele2
    """
)
_SENT = (
    r"(?:skicka[tds]|skickades|sänt|skrivet|sent|written|sendt|gesendet|von mei\w+|lähetetty|verzonden|envoyé|from my)"
)
_SENT_FROM = re.compile(
    rf"[\[<(*_ \t]*(?:{_SENT}\b(?=.{{0,80}}{_DEVICE})(?:(?![.?!] [A-ZÅÄÖ]).){{0,120}}"
    rf"|(?:hämta|skaffa|få|prova|ladda ner|get|download|hent|hanki)\s+(?:outlook|bluemail|yahoo)\b.{{0,120}})$",
    re.IGNORECASE,
)
_SENTENCE_AFTER_DEVICE = re.compile(r", |\b(?:is|are|är|men|och|så|but|because)\b")

_ADJECTIVES = one_of(
    r"""
    vänlig(?:a|t|aste)?
    bästa
    varma?
    många
    soliga?
    glada?
    hjärtliga?
    sportsliga?
    idrottsliga?
    kamratliga?
    vårliga?
    höstliga?
    somriga?
    musikaliska
    trevliga?
    hoppfulla?
    tacksamma
    fina
    goda
    kära
    """
)
_CLOSING = one_of(
    rf"""
    m\.?\s?v\.?\s?h\.?(?!\w)
    v\.?h\.?(?=[\s,!.]|$)
    (?:med )?(?:{_ADJECTIVES}(?:,? (?:och )?))*hälsn(?:ing(?:en|ar|arna)?|\.)?(?:[!,.]|\b)
    hälsar\b
    vänligen(?=\s*[,.!]?\s*$)
    vänligast\b
    allt gott\b
    högaktningsfullt
    kram(?:ar)?\b(?=[\s,!]|$)
    # Norwegian, Danish
    (?:med )?(?:(?:de|mange|beste|bedste|venn?lige?|kærlige?|gode) )+hils(?:en|ener|ner)\b
    hils(?:en|ner)\b
    [dk]bh\b
    # Finnish
    (?:(?:ystävällisin|parhain|yhteistyö|kiitollisin|iloisin) ?)?terveisin\b
    terv\.
    # German
    (?:mit )?(?:freundlich|best|lieb|viel|herzlich|schön)e[nr]? (?:und \w+ )?gr(?:ü|ue)(?:ß|ss)(?:en?)?\b
    mfg\b
    gru(?:ß|ss)\b
    hochachtungsvoll
    # English
    (?:with )?(?:(?:best|kind|kindest|warm|warmest|many|my|sincere)(?:,? (?:and )?))*regards\b
    (?:yours |most )?(?:sincerely|faithfully|truly)(?: yours)?\b
    (?:with )?(?:best|warm|good) wishes\b
    all the best\b
    (?:cheers|best|thank you|(?:many )?thanks)(?=\s*,\s*$)
    b\.?r\.?(?=\s*[,/]?\s*$)
    """
)
_CLOSING_LINE = re.compile(rf"[ \t*_>/~–-]*{_CLOSING}(.*)$", re.IGNORECASE)
_CLOSING_TAIL = re.compile(
    r"(?<=[.!?…)])\s+(?i:m\.?v\.?h\.?|med vänliga? hälsning(?:ar)?|(?:vänliga|bästa) hälsningar|hälsningar|hälsar"
    r"|(?:best|kind) regards|venn?lig hilsen|hilsen)[ ,!/]+(.{0,60})$"
)
_LONGEST_SIGNATURE = 100  # lines, with disclaimers
_SLASH_NAME = re.compile(r"\s*/{1,2}\s?[A-ZÅÄÖÆØ][\w'’-]*\.?(?:(?: |, | o | och | & )[\w'’.-]+){0,6}\s*$")

_CONTACT = re.compile(
    r"(?:\+\d{2}[ (]?|\b0)\d[\d \-/()]{5,}\d|[^\s@<>]+@[^\s@<>]+\.\w+|\bwww\.|https?://|\b(?:tel|tfn|mobil|telefon|phone|e-?post|mail)\b\s*[.:]",
    re.IGNORECASE,
)
_PERSON_NAME = re.compile(
    r"\s*[A-ZÅÄÖÆØ][\w'’-]+(?: (?:[A-ZÅÄÖÆØ]\.|(?:von|af|de|van|la) )?[A-ZÅÄÖÆØ][\w'’-]+){1,3},?\s*$"
)
_BOILERPLATE = holds(
    r"""
    konfidentiell
    sekretess
    avse(?:dd|tt) (?:endast )?för
    miljön
    skriver? ut
    utskrift
    \bvirus
    personuppgift
    gdpr
    dataskydd
    (?:följ|gilla) oss
    (?:av)?prenumerera
    nyhetsbrev
    besök (?:oss|vår|gärna)
    läs mer (?:om|på)
    tänk på
    (?:detta|denna|this) (?:mejl|meddelande|e-?post|mail|e-?mail|message)
    medlem i
    org\.?\s?(?:nr|nummer)
    (?:bank|plus)giro
    swish
    sponsor
    öppettider
    (?:besöks|post)adress
    confidential
    intended
    disclaimer
    privileged
    unsubscribe
    follow us
    avast
    mailscanner
    """
)
_AFTERTHOUGHT = re.compile(r"\s*(?:p\.?\s?s\b|ps[.:!]|obs\b|tillägg|glömde)", re.IGNORECASE)
_SPEAKS = re.compile(
    r"\b(?:jag|vi|ni|du|er|oss|kan|har|är|ska|skulle|vill|behöver|undrar|tack|hej|bifogar|skickar|återkom|gäller|fråga"
    r"|i|i'm|we|you|please|could|would|have|jeg|dere|kunne|hei|ich|wir|sie|bitte|minä|me|te|voitte|onko)\b",
    re.IGNORECASE,
)
# What virus scanners write under a mail.
_SCANNED = begins_with(
    r"""
    information (?:från|from) eset
    virusfri(?:tt)?\.? (?:www|http)
    (?:detta|denna) .{0,40}har (?:kontrollerats|sökts av|genomsökts) .{0,80}(?:virus|avast|avg)
    this .{0,40}has been (?:checked|scanned) .{0,80}(?:virus|avast|avg)
    (?:inga virus|no virus) (?:hittades|found)
    """
)
_BANNER = re.compile(
    r"(?:extern|external|outside|utanför).{0,120}(?:avsändare|organi[sz]ation|sender|mejl|mail|kommunen|staden)"
    r".{0,300}(?:klicka|click|länk|link|bifog|attach|försiktig|caution|öppna)",
    re.IGNORECASE | re.DOTALL,
)


def _without_signature(segment: list[str]) -> list[str]:
    lines = _without_banner(segment)
    lines = _without_delimited(lines)
    lines = [line for line in lines if not _is_sent_from(line) and not _SCANNED.match(line)]
    lines = _without_closing(lines)
    return _without_rule(_without_contact_block(lines))


def _is_sent_from(line: str) -> bool:
    """ "Skickat från min iPhone" and its like, but not "Sent from my desk, which is easier"."""
    if len(line) > 200 or not _SENT_FROM.match(line):
        return False
    return _SENTENCE_AFTER_DEVICE.search(re.sub(r"<[^>]*>|\([^)]*\)", "", line)) is None


def _without_banner(lines: list[str]) -> list[str]:
    """Without the warning that a gateway puts first ("mejlet kommer utifrån, klicka inte på länkar")."""
    paragraphs = _paragraphs(lines)
    if len(paragraphs) > 1 and _BANNER.search(" ".join(paragraphs[0])[:600]):
        return [line for paragraph in paragraphs[1:] for line in (*paragraph, "")]
    return lines


def _without_delimited(lines: list[str]) -> list[str]:
    """Cut at "-- " (RFC 3676 4.3), and at "--" where what follows is short enough for a signature."""
    filled_below = sum(1 for line in lines if line.strip())
    for number, line in enumerate(lines):
        filled_below -= bool(line.strip())
        if _DELIMITER.match(line) and (line == "-- " or filled_below <= 15):
            return lines[:number]
        if filled_below <= 10 and _SIGNATURE_RULE.match(line) and _is_about_sender(lines[number + 1 :]):
            return lines[:number]
        if _MAILING_LIST_RULE.match(line) and re.search(
            r"mailing list|https?://", " ".join(lines[number + 1 : number + 4])
        ):
            return lines[:number]
    return lines


def _is_about_sender(lines: list[str]) -> bool:
    text = " ".join(lines)
    is_known = _CONTACT.search(text) is not None or _BOILERPLATE.search(text) is not None
    return is_known and "?" not in re.sub(r"https?://\S+", "", text)


def _without_closing(lines: list[str]) -> list[str]:
    """Cut from "Mvh" on; what follows it stays where it speaks: an afterthought or a question."""
    for number, line in enumerate(lines):
        if not line.strip() or len(line) > 200:
            continue
        if _is_closing(line) or (_SLASH_NAME.match(line) and _is_signature(lines[number + 1 :])):
            return [*lines[:number], "", *_said_after(lines[number + 1 :])]
        tail = _CLOSING_TAIL.search(line)
        if tail and _is_name(tail[1]) and _is_signature(lines[number + 1 :]):
            return [*lines[:number], line[: tail.start()]]
    return lines


def _is_closing(line: str) -> bool:
    match = _CLOSING_LINE.match(line)
    if not match:
        return False
    rest = match[1].strip(" ,.!/*_-–:)")
    # A name or a role may follow on the same line; a sentence means that the words were meant.
    return len(rest.split()) <= 7 and "?" not in rest and not (len(rest.split()) > 2 and _SPEAKS.search(rest))


def _is_name(text: str) -> bool:
    words = text.split()
    return len(words) <= 6 and "?" not in text and all(word[:1].isalpha() or word == "&" for word in words)


def _is_signature(lines: list[str]) -> bool:
    return len(lines) < _LONGEST_SIGNATURE and not _said_after(lines)


def _said_after(lines: list[str]) -> list[str]:
    """The paragraphs after a closing that are words to the reader and not part of the signature."""
    kept: list[str] = []
    for number, paragraph in enumerate(_paragraphs(lines)):
        text = " ".join(paragraph)[:2_000]
        if _AFTERTHOUGHT.match(text) or (kept and not _CONTACT.search(text)):
            kept += [*paragraph, ""]
            continue
        if number == 0 and lines and lines[0].strip() and not text.rstrip().endswith("?"):
            continue  # the name stands right below the closing
        is_sentence = len(text.split()) >= 4 and ("?" in text or len(text.split()) >= 6)
        if is_sentence and _SPEAKS.search(text) and not _BOILERPLATE.search(text) and not _CONTACT.search(text):
            kept += [*paragraph, ""]
    return kept


def _without_contact_block(lines: list[str]) -> list[str]:
    """Without a last paragraph that is a name with telephone, address or role, though no closing comes before."""
    paragraphs = _paragraphs(lines)
    if len(paragraphs) < 2:
        return lines
    last, before = paragraphs[-1], paragraphs[-2]
    is_block = (
        2 <= len(last) <= 10
        and _PERSON_NAME.match(last[0]) is not None
        and all(len(line) <= 80 and "?" not in line for line in last)
        and any(_CONTACT.search(line) for line in last[1:])
        and not before[-1].rstrip().endswith(":")
    )
    if not is_block:
        return lines
    return [line for paragraph in paragraphs[:-1] for line in (*paragraph, "")]


def _paragraphs(lines: list[str]) -> list[list[str]]:
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return [paragraph for paragraph in paragraphs if paragraph]
