"""What kind of fact a question asks for, and whether an answer holds one.

"Hur mycket kan vi få i verksamhetsstöd?" shares every word with an article on that support which names no amount.
Such near misses are the dangerous ones: the words agree and the answer is not there.
"""

from __future__ import annotations

import re
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lokbot.understanding.normalize import fold, without_links, words
from lokbot.understanding.question_words import QUESTION_WORDS


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
    DIFFERENCE = "difference"  # what sets two things apart
    NATIONAL = "national"  # how it is in the whole country
    REASON = "reason"
    SHAPE = "shape"  # in another language, easy to read, as a recording
    RANK = "rank"  # which is the largest, the oldest
    LAW = "law"  # which law or section says so
    CHECK = "check"  # who watches over it, how it is measured
    CONSEQUENCE = "consequence"  # what happens to whoever does otherwise


FIGURES = frozenset({Kind.AMOUNT, Kind.COUNT, Kind.DURATION})
"""What is told in a figure or not at all."""

_OTHER_PLACES = (
    "malm[oö]|lunds?|landskrona|g[oö]teborg|stockholm|[aä]ngelholm|h[oö]gan[aä]s|kristianstad|[aå]storp|bjuv|svalöv"
    "|helsing[oø]r"
)

# A verb, by its ending or because it is short and common; no noun in the plural or genitive.
_VERB = (
    r"(?!\w*(?:ningar|klubbar|medlemmar|pengar|ens|ets|(?:ar|or|er)nas)\b)\w+(?:r|s|de|te)"
    r"|är|kan|ska|skall|kom|gick|blev|fick|maste"
)

_SOMEBODY = (
    r"(?:\w+ )?(?:handlagg|chef|ordforand|\w*samordnar|ledam|person|tjanste[mp]|kontaktp|kassor|represent|ansvarig)\w*"
    r"|(?:\w+ )?\w*(?:sekreterare|direktor|politiker)\w*|han|hon|den som|den person"
)

# What asks for each kind, in Swedish and English, in cleaned and folded words but for ``_UNFOLDED``.
_ASKED = {
    Kind.AMOUNT: (
        r"hur (?:mycket|mkt)(?! (?:folk|insyn))",
        r"hur stor\w*(?! (?:(?:var|ar|är) )?(?:\w*intresse|uppslut|deltag|skillnad|andel|del\b))",
        r"hur (?:dyr\w*|manga (?:kronor|spann|kr)\b)|kronor per|how (?:much|big|large)",
        r"how many (?:kronor|crowns|kr)\b",
        r"(?:vilke[nt]|max|maxi?malt|hogsta|lagsta|minsta) (?:belopp|summa)|belopp\w*|summan?",
        r"kosta\w*|kostnad\w*|pris(?:et|er)?|(?<!betalt )(?!arbetsgivar)\w*avgift(?:en)?|rabatt\w*",
        r"(?:far|fa) (?:\w+ )?betalt|(?:ar|är) (?:\w+ ){1,2}gratis|gratis att",
        r"arvode\w*|(?<!utan )\w*ersattning(?:en|ar)?",
        r"(?:hogsta|storsta|lagsta|minsta) (?:bidrag|stod|arvode)\w*|vart vard\w*|vad (?:ar|är) (?:de|det|den) vard\w*",
        r"hyran|hyreskostnad\w*|manadshyra\w*|taxan|taxor\w*|vad tar \w+ (?:betalt|for)",
        r"costs?|fees?|prices?|amounts?|discounts?",
    ),
    Kind.DATE: (
        # "när vi ansluter oss" is a condition, and so is "när kommunen vill".
        rf"nar (?:{_VERB})|nar (?:pa|under) (?:ar|var|host)\w*|nar$|(?:nar|na) (?:e|nasta|sista)",
        r"vilke[nt] (?:datum|dag|ar|manad|vecka|tid)|vilka datum|datum\w*",
        r"sista (?:dag\w*|ansoknings\w*)|deadline\w*|oppettid\w*",
        r"when(?! (?:we|you|i|they|it|one)\b)|(?:what|which) (?:dates?|day|year|time)",
        r"(?:closing|last) (?:date|day)|opening hours",
    ),
    Kind.NOW: (
        r"nasta (?:gang|mote\w*|lok|overenskommelse)|(?:den|det) senaste|next (?:time|meeting)",
        r"just nu|for narvarande|(?:nasta|forra) (?:ar|host|var)\w*|forra aret",
        # "I vinter vill vi" is a plan, and "i vår förening" no spring.
        r"^(?!.*\b(?:vi|jag|oss|mig)\b).*\bi (?:ar|host|vinter|sommar|var(?= (?:ska|är|kan|och|eller|nar|blir)\b|$))",
        r"(?:innan|fore) (?:ar )?(?:19|20)\d\d",  # before what the texts tell of
        r"20(?:2[1-9]|[3-9]\d)|this year|right now|last year|next year|currently",
        r"julafton\w*|jul(?:en|dagen)|nyar\w*|midsommar\w*|pask\w*|helgdag\w*|skartorsdag\w*|langfredag\w*|valborg\w*",
        r"christmas|easter|bank holiday\w*",
    ),
    Kind.DURATION: (
        r"hur (?:lange|lang)|how long|lang (?:ko|tid)|hur (?:snabb\w*|fort|tidigt|sent|langt (?:i forvag|innan|fore))",
        r"hur manga (?:minuter|timmar|dagar|veckor|manader)|how (?:fast|soon|quickly|early|late|far in advance)",
        r"(?:handlaggnings|vante|ko|leverans)tid\w*",
        r"mandat(?:period|tid)\w*|term of office",
        r"hur gam(?:mal|malt|la)(?! (?:ar|är) (?:regl|inform|uppgift|sid|text|det))|alders?grans\w*|vilken alder",
        r"\d+ ar for (?:ung|gam)\w*",
        r"how old|age limit",
    ),
    Kind.FREQUENCY: (r"hur ofta|how often",),
    Kind.PERSON: (
        r"(?<!for )(?<!mellan )vem (?:ar|är|e)(?! (?:det som|de som|till for|ratt|bra|valkom\w*|\w+ oppen)\b)",
        r"vilke[nt] (?:\w*bolag|firma|foretag|handlaggare|tjansteman)",
        r"vem (?:har )?(?:formulera|foresl|starta|forela|forhandla|hittat? p|uppf[ai]nn)\w*",
        r"vem (?:ska|kan|bor) (?:jag|vi|man) (?:fraga efter|be om)",
        r"vem (?:heter|ansvarar|basar|holl|haller|leder|ledde|sitter|satt|grundade|bildade|valdes|skrev)",
        # A grant, a principle or a page has a name too.
        rf"vilka sitter|(?:vad|va) (?:heter|hette) (?:{_SOMEBODY})",
        r"(?:vilket|vilka|vems|med|(?:chef|handlaggar|tjansteman)\w*) namn|namn(?:et|en)? pa (?!(?:\w+ )?medlem)",
        r"namn(?: och \w+)?$|who (?:is|are|sits)|names?",
    ),
    Kind.LIST: (
        r"(?:vad|va) (?:heter|hette) (?:de|dom) (?:\w+ )?(?:alla|olika|tre|fyra|fem|sex|sju|atta|nio|tio)",
        r"vilka (?:andra )?(?:foreningar|organisationer|klubbar) (?:har|ar|är|e|fick|far|hade|var|kom|sitter)",
        r"vilka (?:\w+ )?(?:foreningar|klubbar) (?:(?:det|som) )*(?:grundade|bildade|startade|deltog|skrev|fick|kom)",
        r"vilka (?:\w+ ){0,2}(?:skolor|foretag|kommuner|personer|politiker|lander|klubbar)(?! (?:kan|far|ska|som))",
        r"vilka (?:\w+ )?(?:skolor|foretag|kommuner|klubbar) som (?:\w+ )?(?:kom|fick|deltog|blev|var|gick)",
        r"har (?:nagon|nagra) (?:annan |andra )?forening\w*",
        r"(?:which|what) (?:associations|clubs|organisations|organizations|schools|companies) (?:have|are|got|were)",
    ),
    Kind.CONTACT: (
        r"telefon\w*|(?<!organisations )nummer till|mejladress\w*|mailadress\w*|epost\w*|e post\w*",
        r"phone\w*|e ?mail address\w*",
    ),
    Kind.MOBILE: (r"mobil(?:nummer|nr|tel)\w*|mobile (?:phone|number)|cell ?phone",),
    Kind.PLACE: (
        r"var (?:ligger|halls)|var hittar (?:vi|jag|man|en) (?:er|dit|huset|kontoret|lokalen)\b",
        r"(?:besoks|gatu|brev|(?<!e )post)adress\w*|where is|(?:street|postal) address",
        r"(?:i|pa) vilke[nt] (?:hus|byggnad|lokal|sal|rum|vaning|gata|torg)|vilken (?:lokal|sal|vaning|gata)$",
        r"(?:in|on) which (?:building|room|floor|street)",
    ),
    Kind.COUNT: (
        r"hur manga(?! (?:kronor|spann|kr|minuter|timmar|dagar|veckor|manader)\b)|antal\w*|how many|number of",
        r"hur (?:stor|manga) (?:del|andel|procent)|andel(?:en|ar)?|procent|per ?cent|what share|proportion",
    ),
    Kind.FORM: (
        r"blankett\w*|formular\w*|bilag\w*|checklist\w*|mall(?:en|ar)?|(?<!i )forms?(?! av)|template\w*|enclose\w*",
        r"(?:vilka|skicka for|skicka in for) (?:papper|handlingar|dokument|intyg)|(?:which|what) (?:papers|documents)",
    ),
    Kind.OPINION: (
        r"vad sager ni om|(?:viktigare|battre|samre) an\b",
        r"(?:tycker|tror|anser|rekommenderar) (?:du|ni)|(?:ar|är) det (?:vart|bast|battre|samre|smart\w*|svarare)",
        r"do you (?:think|recommend)|in your opinion|is it (?:worth|better)",
    ),
    Kind.ELSEWHERE: (rf"(?:{_OTHER_PLACES})s?|andra (?:kommuner|stader)|other (?:cities|municipalities)",),
    Kind.DIFFERENCE: (r"skillnad\w*|skiljer (?:sig|det|de)|differen(?:ce|t)\w*|differs?",),
    Kind.NATIONAL: (r"nationella?|i hela landet|national",),
    Kind.SHAPE: (
        r"punktskrift|lattlast\w*|inlast\w*|ljudfil\w*|teckensprak\w*|tolk(?:en)?|oversatt\w*",
        r"easy to read|braille|translat\w*",
    ),
    Kind.REASON: (r"varfor|av vilken anledning|hur kom(?:mer)? det sig|vad beror|why|how come",),
    Kind.RANK: (
        r"(?:vilke[nt]|vilka|vem|which|who) .*(?:(?:stor|ald|yng|dyr|billig|vanlig|snabb)st\w*|flest|most)",
        r"which .*(?:bigg|larg|old|young|cheap)est",
    ),
    Kind.LAW: (r"(?:vilken|vilka|enligt) (?:lag|lagar|paragraf)|lagrum\w*|(?:which|what) law|legal basis",),
    Kind.CHECK: (
        r"(?:vem|vilka|hur) (?:\w+ )?(?:kontrollera|granska|mat|utvardera|bevaka|overvaka)(?:r|s|er)\b",
        r"(?:vem|vilka|hur) (?:\w+ )?(?:foljer|foljs) .*upp|who (?:checks|monitors)",
        r"how (?:\w+ ){1,3}(?:measured|monitored|checked)",
    ),
    Kind.CONSEQUENCE: (
        r"(?:vad (?:hander|gor ni|sker)|va hander) om|konsekvens\w*|pafoljd\w*|what happens if|consequence\w*",
    ),
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
    Kind.LIST: (r"(?:^(?:-|\d\.) .*(?:\n|\Z)){3}",),
    Kind.CONTACT: (r"\S+@\S+|\b0\d{1,3}[- ]\d",),
    Kind.PLACE: (r"\b\w+(?:gatan|vägen|torget|plan) \d",),
    Kind.COUNT: (
        rf"\b(?!(?:19|20)\d\d\b)\d+\b(?!\.|\s{_MONTH})",
        r"\b(?:två|tre|fyra|fem|sex|sju|åtta|nio|tio|two|three|four|five|six|seven|eight|nine|ten)\b",
    ),
    Kind.FORM: (r"formulär|blankett|bilaga|\bmall|protokoll|utdrag|intyg|stadgar|\bforms?\b|template|minutes",),
    Kind.ELSEWHERE: (rf"\b(?:{_OTHER_PLACES})|andra kommuner|other municipalities",),
    Kind.DIFFERENCE: (r"skillnad|skilj|däremot|medan|inte samma|olika|\b(?:differ|whereas|while|not the same)",),
    Kind.NATIONAL: (r"nationell|national|Sverige|Sweden",),
    Kind.SHAPE: (r"lättläst|språk|översatt|översätt|tolk|languages?|translat",),
    Kind.REASON: (
        r"eftersom|därför|anledning|skäl|beror på|syfte|bakgrund|för att|because|reason|so that|in order to",
    ),
    Kind.RANK: (r"(?:stör|äld|yng|dyr|billig|vanlig|snabb)st|flest|(?:bigg|larg|old|young|cheap)est|most common",),
    Kind.LAW: (r"§|\w*lag(?:en|ar)?\b|paragraf|\b(?:act|law)\b",),
    Kind.CHECK: (r"följ\w* upp|uppfölj|utvärder|granska|kontroll|mät|follow|check|measur|monitor",),
    Kind.CONSEQUENCE: (r"återbetal|uteslut|annars|leder till|otherwise",),
    Kind.LETTERS: (r"(?:kort|förkortning|short|står|stands?) (?:av|för|for)\b",),
}
_UNFOLDED = frozenset({"är", "når"})  # folded, they would be "år" and "när"
_PAST_TENSE = re.compile(
    r"\b(?:var|blev|hade|kom|skrev|holls|borjade|startade|skedde|hande|gick|did|was|were|had|\w{4,}[dt]es|antog\w*)\b"
)
_TELEPHONE_OR_LINK = re.compile(r"\b0\d{1,3}[- ][\d ]+|\S+@\S+|https?://\S+")

_ASKED_PATTERNS = {
    kind: re.compile(rf"\b(?:{'|'.join((*parts, *QUESTION_WORDS.get(kind.value, ())))})\b")
    for kind, parts in _ASKED.items()
}
_HELD_PATTERNS = {
    kind: re.compile("|".join(parts), re.MULTILINE if kind is Kind.PERSON else re.MULTILINE | re.IGNORECASE)
    for kind, parts in _HELD.items()
}
Bits = NDArray[np.uint32]
"""Sets of kinds, a bit for each kind."""
_BITS = {kind: 1 << number for number, kind in enumerate(Kind)}
_NO_KIND = 1 << 31
_SHARE_OF_KINDS = 0.3  # of how alike two questions are

# Thousands of answers hold one of a few dozen sets of kinds.
_HELD_SETS: dict[frozenset[Kind], frozenset[Kind]] = {}


def asked(question: str) -> frozenset[Kind]:
    """The kinds of fact that a question, as written, asks for."""
    plain = " ".join(word if word in _UNFOLDED else fold(word) for word in words(without_links(question)))
    found = {kind for kind, pattern in _ASKED_PATTERNS.items() if pattern.search(plain)}
    if Kind.DATE in found and _PAST_TENSE.search(plain):
        found = found - {Kind.DATE} | {Kind.PAST}
    return frozenset(found)


def bits(asked: frozenset[Kind]) -> int:
    """Kinds as the bits of a number, to compare with thousands; there is one for none at all."""
    return sum(_BITS[kind] for kind in asked) or _NO_KIND


def often(asked: Bits, owners: NDArray[np.int64], size: int, least: int) -> Bits:
    """The kinds that at least ``least`` of each owner's questions ask for; ``owners`` are 0 to ``size`` - 1."""
    found = np.zeros(size, dtype=np.uint32)
    for bit in _BITS.values():
        times = np.bincount(owners[asked & np.uint32(bit) != 0], minlength=size)
        found[times >= least] |= np.uint32(bit)
    return found


def among(some: frozenset[Kind], found: int) -> frozenset[Kind]:
    """Those of ``some`` that are among the bits ``found``."""
    return frozenset(kind for kind in some if found & _BITS[kind])


def alike(some: Bits, others: Bits) -> NDArray[np.float32]:
    """The share (0.7 to 1) of their likeness that questions keep, all where they ask for the same kinds.

    The date of a thing and its amount share every other word. (The cosine of the two sets.)
    """
    both = np.bitwise_count(some & others).astype(np.float32)
    sizes = np.bitwise_count(some).astype(np.float32) * np.bitwise_count(others)
    found: NDArray[np.float32] = 1 - _SHARE_OF_KINDS * (1 - both / np.sqrt(sizes))
    return found


def held(answer: str) -> frozenset[Kind]:
    """The kinds of fact that an answer, as written, seems to hold; never ``NOW``, which no kept text can."""
    plain = _TELEPHONE_OR_LINK.sub(" ", answer)
    found = frozenset(
        kind for kind, pattern in _HELD_PATTERNS.items() if pattern.search(answer if kind is Kind.CONTACT else plain)
    )
    return _HELD_SETS.setdefault(found, found)
