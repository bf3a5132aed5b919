"""Names of associations: how alike two are, and which ones a text seems to hold. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz, process

from lokbot.understanding.normalize import fold, words

# Mailboxes that anybody gets: their domain says nothing of an association. Common in Sweden.
FREEMAIL = frozenset(
    """gmail.com googlemail.com hotmail.com hotmail.se outlook.com outlook.se live.com live.se msn.com passport.com
    yahoo.com yahoo.se ymail.com rocketmail.com icloud.com me.com mac.com aol.com proton.me protonmail.com pm.me gmx.com
    gmx.net gmx.de mail.com zoho.com yandex.com fastmail.com tutanota.com hey.com telia.com tele2.se comhem.se
    bredband.net bredband2.com bredband2.se spray.se home.se passagen.se swipnet.se glocalnet.net tiscali.se
    bahnhof.se ownit.nu ownit.se tre.se telenor.se algonet.se swedenmail.com mail.ru o2.pl wp.pl web.de""".split()
)

# What a name says by its kind, folded, and how it is shortened.
_SHORT_FORMS = {
    "if": "idrottsforening",
    "ik": "idrottsklubb",
    "fk": "fotbollsklubb",
    "ff": "fotbollsforening",
    "fc": "fotbollsklubb",
    "bk": "bollklubb",
    "hk": "handbollsklubb",
    "sk": "sportklubb",
    "gf": "gymnastikforening",
    "gk": "golfklubb",
    "ok": "orienteringsklubb",
    "tk": "tennisklubb",
    "rk": "ridklubb",
    "kf": "kulturforening",
    "hf": "hembygdsforening",
}
_KINDS = (
    "förening|föreningen|föreningar|klubb|klubben|scoutkår|scoutkåren|kår|kåren|kör|kören|sällskap|sällskapet|förbund"
    "|förbundet|församling|församlingen|orkester|orkestern|teater|teatern|byalag|byalaget|samfund|samfundet|gille|gillet"
    "|krets|kretsen|lokalavdelning|lokalavdelningen|distrikt|distriktet|stiftelse|stiftelsen|kommitté|kommittén"
    "|frivilligcentral|moské|moskén|nätverk|nätverket"
)
# Words that tell no association of a city from another: the city, and words that may as well be left out.
_CITY = frozenset("helsingborg helsingborgs halsingborg halsingborgs hbg".split())
_SMALL = frozenset("i och for av pa the of vid foreningen forening klubben klubb ideell ideella".split())

_WORD = r"[A-ZÅÄÖÉÜÆØ][\w'’&-]*"
_NAME = rf"{_WORD}(?:[ \t]+(?:(?:och|i|på|för|av|vid|&)[ \t]+)?(?:{_WORD}|\d+)){{0,5}}"
_REST = rf"(?:[ \t]+(?:(?:och|i|på|för|av|vid|&)[ \t]+)?{_NAME})"
# "Råå fotbollsförening", "Maria Park odlarförening"; the kind may also come first ("Föreningen Vi på Höjden").
_NAME_OF_KIND = rf"(?:{_WORD}[ \t]+){{1,4}}\w*(?:{_KINDS})\b|\w*(?:{_KINDS})\b{_REST}?"
_ASSOCIATION = rf"(?P<name>{_NAME_OF_KIND}|{_NAME})"
_KIND = re.compile(rf"\w*(?:{_KINDS})", re.IGNORECASE)
_SHORT_KIND = re.compile(rf"(?:{'|'.join(form.upper() for form in _SHORT_FORMS)}|IFK|KFUM|KFUK|AIS|PRO|SPF|FUB|DHR)")
_SPEAKS_FOR = re.compile(
    rf"\b(?:[Vv]i (?:i|på|från|hos|inom)|(?:[Jj]ag|[Vv]i) (?:är|kommer|skriver|ringer|representerar|företräder)"
    rf"(?: (?:med i|aktiva i|från|för|på|i|ifrån))?|[Rr]epresenterar|[Ff]öreträder|(?:av mig|av oss) från"
    rf"|[Vv]år förening(?: heter|,)?|(?:[Oo]rdförande|[Kk]assör|[Ss]ekreterare|[Ll]edamot|[Tt]ränare|[Ll]edare"
    rf"|[Ss]tyrelsen|[Kk]anslist|[Vv]erksamhetsledare|[Mm]edlem(?:mar)?) (?:i|för|på|hos|av))[ \t]+{_ASSOCIATION}"
)
_COMPOUND = re.compile(
    rf"\b(?P<name>(?:{_WORD}[ \t]+)?[^\W\d_]{{3,}}(?:föreningen|klubben|scoutkåren|sällskapet)\b{_REST}?)"
)
_IN_SIGNATURE = re.compile(_ASSOCIATION)
# Kinds of association, which no single one is called by.
_GENERIC = frozenset(
    """idrottsforeningen kulturforeningen ideellaforeningen fotbollsklubben idrottsklubben ridklubben scoutkaren
    foreningen klubben sallskapet bostadsrattsforeningen hyresgastforeningen samfallighetsforeningen huvudforeningen
    moderforeningen systerforeningen intresseforeningen""".split()
)

_SIGN_OFF = re.compile(
    r"^[ \t]*(?:(?:med )?(?:vänlig|bäst|varm|hjärtlig|soliga?)\w*[ \t]+hälsning\w*|hälsning(?:ar|en)?|m\.?v\.?h\.?"
    r"|v\.?h\.?|allt gott|tack på förhand|best regards|kind regards|regards)\b[^\n]{0,60}$",
    re.IGNORECASE | re.MULTILINE,
)
_HISTORY = re.compile(
    r"^[ \t]*(?:>|-{3,}|_{5,}|(?:från|from|skickat|sent):|(?:den|on)\b.{0,120}(?:skrev|wrote)|skickat från)",
    re.IGNORECASE,
)
_SIGNATURE_LINES = 10
_SAME_WORD = 70  # rapidfuzz's ratio: one slip in a word of four letters is 75
# Every search asks all names of the register again: a city has some thousand.
_NAMES = 20_000


@dataclass(frozen=True, slots=True)
class Mention:
    """A name that a text seems to hold, and the words around it. ``is_kind`` where the name itself says association."""

    name: str
    quote: str
    is_kind: bool


@lru_cache(_NAMES)
def folded(name: str) -> str:
    """``name`` as words without accents and case, one space between."""
    return fold(" ".join(words(name)))


def likeness(name: str, other: str) -> float:
    """How surely ``name``, as somebody wrote it, means the association called ``other`` (0-1), both folded: slips,
    short forms, another order, words left out.

    Words that many names share ("Helsingborgs", "IF") prove nothing, and long ones that two share ("hembygdsförening")
    do not outweigh a word that ``other`` does not have.
    """
    if not name or not other:
        return 0.0
    written = _written_out(name), _written_out(other)
    found = max(fuzz.ratio(*written), fuzz.token_sort_ratio(*written) * 0.98) / 100
    core, core_of_other = _core(written[0]), _core(written[1])
    if core and core_of_other:
        alike = fuzz.token_sort_ratio(" ".join(core), " ".join(core_of_other)) / 100
        found = max(alike * 0.95, found if alike >= 0.5 else min(found, 0.6))
    words_of_other = written[1].split()
    is_foreign = any(
        max(fuzz.ratio(word, one) for one in words_of_other) < _SAME_WORD
        for word in written[0].split()
        if word not in _SMALL
    )
    return min(found, 0.8) if is_foreign else found


def nearest(wanted: str, known: Sequence[str], *, most: int = 40) -> list[int]:
    """The places in ``known`` of the names that may be alike, all folded: a quick look before a closer one."""
    return [place for _, _, place in process.extract(wanted, known, scorer=fuzz.WRatio, limit=most)]


def spelt_alike(name: str, other: str) -> float:
    """How alike two names are letter by letter (0-1), both folded."""
    return fuzz.ratio(name, other) / 100


def fits(typed: str, name: str) -> float:
    """How well a name fits what somebody has typed so far (0-1), both folded: also the beginnings or parts of words."""
    if not typed:
        return 0.0
    found = likeness(typed, name)
    parts = _core(typed) or tuple(typed.split())
    of_name = (*name.split(), *_written_out(name).split())
    if all(any(word.startswith(part) for word in of_name) for part in parts):
        return max(found, 0.85 + 0.1 * min(1.0, sum(map(len, parts)) / len(name)))
    joined = "".join(parts)
    if len(joined) >= 5:
        found = max(found, fuzz.partial_ratio(joined, name.replace(" ", "")) / 100 * 0.85)
    return found


@lru_cache(_NAMES)
def _core(name: str) -> tuple[str, ...]:
    return tuple(word for word in name.split() if word not in _SMALL and word not in _CITY)


@lru_cache(_NAMES)
def _written_out(name: str) -> str:
    return " ".join(_SHORT_FORMS.get(word, word) for word in name.split())


def signature_of(text: str, new_text: str) -> str:
    """What stands under the words of a mail: ``new_text`` is ``text`` without history and, mostly, signature.

    "" where nothing does.
    """
    last = next((line.strip() for line in reversed(new_text.splitlines()) if line.strip()), "")
    lines = text.splitlines()
    end = next((number for number, line in enumerate(lines) if last and line.strip() == last), -1)
    below = _until_history(lines[end + 1 :]) if end >= 0 else []
    if not any(map(str.strip, below)) and (found := list(_SIGN_OFF.finditer(new_text))):
        below = _until_history(new_text[found[-1].start() :].splitlines())
    return "\n".join(below).strip()


def _until_history(lines: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for line in lines:
        if _HISTORY.match(line) and line.strip() not in ("--", "---"):
            break
        if line.strip():
            kept.append(line)
        if len(kept) == _SIGNATURE_LINES:
            break
    return kept


def in_signature(signature: str) -> Iterator[Mention]:
    """Names in a signature, line by line."""
    for line in signature.splitlines():
        for found in _IN_SIGNATURE.finditer(line):
            yield from _mention(found["name"], line)


def in_text(text: str) -> Iterator[Mention]:
    """Names of associations that whoever wrote seems to speak for, each once."""
    seen: set[str] = set()
    for pattern in (_SPEAKS_FOR, _COMPOUND):
        for found in pattern.finditer(text):
            for mention in _mention(found["name"], found.group()):
                if folded(mention.name) not in seen:
                    seen.add(folded(mention.name))
                    yield mention


def as_name(display_name: str) -> Mention | None:
    """A sender's display name, where it can be that of an association."""
    return next(_mention(display_name, display_name), None)


def _mention(name: str, quote: str) -> Iterator[Mention]:
    name = name.strip(" \t,.-&")
    if len(name) < 3 or folded(name).replace(" ", "") in _GENERIC:
        return
    parts = name.split()
    is_kind = any(_KIND.fullmatch(part) or _SHORT_KIND.fullmatch(part) for part in parts)
    # A kind alone ("föreningen", "IF") names nobody, nor does a city.
    says_which = [word for word in _core(folded(name)) if word not in _SHORT_FORMS]
    if not (says_which or (is_kind and len(parts) > 1)):
        return
    yield Mention(name[:1].upper() + name[1:], " ".join(quote.split())[:100], is_kind)


def holds(folded_text: str, folded_name: str) -> bool:
    """Whether the words of a name stand in a text, one after the other."""
    return bool(folded_name) and f" {folded_name} " in f" {folded_text} "
