"""What kind of fact a question asks for, and whether an answer holds one.

"Hur mycket kan vi få i verksamhetsstöd?" shares every word with an article on that support which names no amount.
Such near misses are the dangerous ones: the words agree and the answer is not there.
"""

from __future__ import annotations

import re
from enum import StrEnum

from lokbot.understanding.normalize import fold, without_links, words


class Kind(StrEnum):
    AMOUNT = "amount"
    DATE = "date"  # of something to come, or that comes each year
    PAST = "past"  # date of something that was
    NOW = "now"  # how it is at the moment, this year, this autumn
    DURATION = "duration"
    FREQUENCY = "frequency"
    PERSON = "person"
    LIST = "list"  # of associations
    CONTACT = "contact"
    MOBILE = "mobile"  # somebody's own number, which is never given out
    PLACE = "place"
    COUNT = "count"
    FORM = "form"  # a form, a template, what to enclose
    LETTERS = "letters"  # what an abbreviation stands for
    OPINION = "opinion"  # what we think, which no article tells
    ELSEWHERE = "elsewhere"  # how it is in another municipality


FIGURES = frozenset({Kind.AMOUNT, Kind.COUNT, Kind.DURATION})
"""What is told in a figure or not at all."""

_OTHER_PLACES = (
    "malm[oö]|lunds?|landskrona|g[oö]teborg|stockholm|[aä]ngelholm|h[oö]gan[aä]s|kristianstad|[aå]storp|bjuv|svalöv"
)

# What asks for each kind, in Swedish and English, in cleaned and folded words; "är" stays, for "år" folds to the same.
_ASKED = {
    Kind.AMOUNT: (
        r"hur (?:mycket|mkt|stor\w*|dyr\w*)|hur manga (?:kronor|spann|kr)\b|kronor per|how (?:much|big|large)",
        r"(?:vilke[nt]|max|maxi?malt|hogsta|lagsta|minsta) (?:belopp|summa)|belopp\w*|summan?",
        r"kosta\w*|kostnad\w*|pris(?:et|er)?|\w*avgift(?:en|er|erna|s)?|betalt|rabatt\w*|gratis",
        r"arvode\w*|\w*ersattning(?:en|ar)?",
        r"(?:hogsta|storsta|lagsta|minsta) (?:bidrag|stod|arvode)\w*|vart vard\w*|vad (?:ar|är) (?:de|det|den) vard\w*",
        r"costs?|fees?|prices?|amounts?|discounts?",
    ),
    Kind.DATE: (
        # "när vi ansluter oss" is a condition, and "hur når vi" folds to the same letters.
        r"(?<!hur )(?<!vem )nar(?! (?:man|vi|ni|jag|du|de|det|den|en|nagon)\b)|na e",
        r"vilke[nt] (?:datum|dag|ar|manad|vecka|tid)|vilka datum|datum\w*",
        r"sista (?:dag\w*|ansoknings\w*)|deadline\w*|oppettid\w*",
        r"when(?! (?:we|you|i|they|it|one)\b)|(?:what|which) (?:dates?|day|year|time)|closing date|opening hours",
    ),
    Kind.NOW: (
        r"nasta (?:gang|mote\w*)|next (?:time|meeting)",
        r"i ar|just nu|for narvarande|i (?:host|vinter|var|sommar)|(?:nasta|forra) (?:ar|host|var)\w*|forra aret",
        r"20(?:2[1-9]|[3-9]\d)|this year|right now|last year|next year|currently",
        r"julafton\w*|jul(?:en|dagen)|nyar\w*|midsommar\w*|pask\w*|helgdag\w*|skartorsdag\w*|langfredag\w*|valborg\w*",
        r"christmas|easter|bank holiday\w*",
    ),
    Kind.DURATION: (
        r"hur (?:lange|lang)|how long|lang (?:ko|tid)|(?:handlaggnings|vante|ko|leverans)tid\w*",
        r"mandat(?:period|tid)\w*|term of office",
        r"hur gam(?:mal|malt|la)|alders?grans\w*|vilken alder|how old|age limit",
    ),
    Kind.FREQUENCY: (r"hur ofta|how often",),
    Kind.PERSON: (
        r"vem (?:ar|är|e|heter|ansvarar|holl|haller|leder|ledde|grundade|bildade|valdes|skrev)",
        r"vilka sitter|(?:vad|va) (?:heter|hette)|namn(?:et)?|who (?:is|are|sits)|names?",
    ),
    Kind.LIST: (
        r"vilka (?:andra )?(?:foreningar|organisationer|klubbar) (?:har|ar|är|e|fick|far|hade|var|kom|sitter)",
        r"(?:which|what) (?:associations|clubs|organisations|organizations) (?:have|are|got|were)",
    ),
    Kind.CONTACT: (
        r"telefon\w*|(?<!organisations )nummer till|mejladress\w*|mailadress\w*|epost\w*|e post\w*",
        r"phone\w*|e ?mail address\w*",
    ),
    Kind.MOBILE: (r"mobil(?:nummer|nr|tel)\w*|mobile (?:phone|number)|cell ?phone",),
    Kind.PLACE: (r"var (?:ligger|halls|hittar)|besoksadress\w*|gatuadress\w*|where is|street address",),
    Kind.COUNT: (r"hur manga(?! (?:kronor|spann|kr)\b)|antal\w*|how many|number of",),
    Kind.FORM: (r"blankett\w*|formular\w*|bilag\w*|mall(?:en|ar)?|forms?|template\w*|enclose\w*",),
    Kind.OPINION: (
        r"(?:tycker|tror|anser|rekommenderar) (?:du|ni)|(?:ar|är) det (?:vart|bast|battre|samre|smart\w*|svarare)",
        r"do you (?:think|recommend)|in your opinion|is it (?:worth|better)",
    ),
    Kind.ELSEWHERE: (rf"(?:{_OTHER_PLACES})s?|andra (?:kommuner|stader)|other (?:cities|municipalities)",),
    Kind.LETTERS: (r"bokstaver\w*|forkortning\w*|kort for|what do the letters|stands? for|short for",),
}
_NUMBER = r"(?:\d+|en|ett|två|tre|fyra|fem|sex|sju|åtta|nio|tio|one|two|three|four|five|six|seven|eight|nine|ten)"
_MONTH = (
    r"(?:januari|februari|mars|april|maj|juni|juli|augusti|september|oktober|november|december"
    r"|january|february|march|may|june|july|august|october)"
)
# What an answer holds of each kind, as written.
_HELD = {
    Kind.AMOUNT: (r"\d\s?(?:kr\b|kronor|mkr|miljon|procent|%|SEK)",),
    # A month with its year is when something happened, or how old the source is.
    Kind.DATE: (
        rf"\b{_MONTH}\b(?! (?:19|20)\d\d)",
        r"\b\d{1,2}[.:]\d\d\b|\b\d{1,2}[–-]\d{1,2}\b",
    ),
    Kind.PAST: (rf"\b{_MONTH}\b|\b(?:19|20)\d\d\b",),
    Kind.DURATION: (
        rf"\b{_NUMBER}(?: \w+)? (?:dag|dagar|arbetsdag\w*|timm\w+|veck\w+|månad\w*|år)\b",
        rf"\b{_NUMBER}(?: \w+)? (?:days?|hours?|weeks?|months?|years?)\b",
    ),
    Kind.FREQUENCY: (r"\b(?:varje|årlig\w*|vart\w*|gång\w*|löpande|every|yearly|annual\w*|times?|once|twice)\b",),
    # Two names in a row, not at the start of a line or a sentence: there any word has a capital letter.
    Kind.PERSON: (
        r"(?<=[a-zåäö,:] )(?!Helsingborg|Region|Engagemang)[A-ZÅÄÖ][a-zåäöé]+ (?:[A-Z] )?[A-ZÅÄÖ][a-zåäöé]+\b",
    ),
    Kind.LIST: (r"(?:^- .*\n){3}",),
    Kind.CONTACT: (r"\S+@\S+|\b0\d{1,3}[- ]\d",),
    Kind.PLACE: (r"\b\w+(?:gatan|vägen|torget|plan) \d",),
    Kind.COUNT: (
        rf"\b(?!(?:19|20)\d\d\b)\d+\b(?!\.|\s{_MONTH})",
        r"\b(?:två|tre|fyra|fem|sex|sju|åtta|nio|tio|two|three|four|five|six|seven|eight|nine|ten)\b",
    ),
    Kind.FORM: (r"formulär|blankett|bilaga|\bmall|\bforms?\b|template",),
    Kind.ELSEWHERE: (rf"\b(?:{_OTHER_PLACES})|andra kommuner|other municipalities",),
    Kind.LETTERS: (r"(?:kort|förkortning|short|står|stands?) (?:av|för|for)\b",),
}
_PAST_TENSE = re.compile(
    r"\b(?:var|blev|hade|kom|skrev|holls|borjade|startade|skedde|hande|gick|did|was|were|had|\w{4,}[dt]es|antog\w*)\b"
)
_TELEPHONE_OR_LINK = re.compile(r"\b0\d{1,3}[- ][\d ]+|\S+@\S+|https?://\S+")

_ASKED_PATTERNS = {kind: re.compile(rf"\b(?:{'|'.join(parts)})\b") for kind, parts in _ASKED.items()}
_HELD_PATTERNS = {
    kind: re.compile("|".join(parts), re.MULTILINE if kind is Kind.PERSON else re.MULTILINE | re.IGNORECASE)
    for kind, parts in _HELD.items()
}
# Thousands of answers hold one of a few dozen sets of kinds.
_HELD_SETS: dict[frozenset[Kind], frozenset[Kind]] = {}


def asked(question: str) -> frozenset[Kind]:
    """The kinds of fact that a question, as written, asks for."""
    plain = " ".join(word if word == "är" else fold(word) for word in words(without_links(question)))
    found = {kind for kind, pattern in _ASKED_PATTERNS.items() if pattern.search(plain)}
    if Kind.DATE in found and _PAST_TENSE.search(plain):
        found = found - {Kind.DATE} | {Kind.PAST}
    return frozenset(found)


def held(answer: str) -> frozenset[Kind]:
    """The kinds of fact that an answer, as written, seems to hold; never ``NOW``, which no kept text can."""
    plain = _TELEPHONE_OR_LINK.sub(" ", answer)
    found = frozenset(
        kind for kind, pattern in _HELD_PATTERNS.items() if pattern.search(answer if kind is Kind.CONTACT else plain)
    )
    return _HELD_SETS.setdefault(found, found)
