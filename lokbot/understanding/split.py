"""A message to its questions, each with what was said around it.

Measured on 272 real questions to authorities: half of the mails hold several, and most put a statement before
the question ("Vi är en kulturförening. Får vi söka?"). So a question keeps the statements that lead to it;
what leads to another one is its background. Greetings, sign-offs and signatures are no questions, but a message
of nothing else is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lokbot.understanding.normalize import clean, words
from lokbot.understanding.vocabulary import LIGHT, content_words

MOST_QUESTIONS = 8
_MOST_CHARACTERS = 20_000  # twenty pages; what follows is for the person who reads the case
_MOST_FOCUS_WORDS = 60
_WRAPPED = 55  # characters: a line that long ended because the mail program broke it, not the writer


@dataclass(frozen=True, slots=True)
class Part:
    """One question. ``text`` is the question with the statements that lead to it, as written; ``focus`` is what
    is asked, with as much before it as it needs to mean anything; ``background`` is the rest of the message."""

    text: str
    focus: str
    background: str = ""

    @property
    def whole(self) -> str:
        """What is asked with all that was said around it; the focus alone where nothing was."""
        return f"{self.background} {self.focus}" if self.background else self.focus


# --------------------------------------------------------------------------- sentences

_FEWEST_WORDS_BROKEN = 3  # "Hej alla" is a line of its own
_BEGINS = re.compile(r"(?:vi|jag|ni|nu|sen|sedan|tack|i|we|my|our|thanks)\b", re.IGNORECASE)
_ABBREVIATION = re.compile(
    r"\b(?:t\.?\s?ex|bl\.?\s?a|m\.?\s?m|o\.?\s?s\.?\s?v|osv|d\.?\s?v\.?\s?s|dvs|s\.?\s?k|f\.?\s?d|o\.?\s?d|e\.?\s?d"
    r"|m\.?\s?fl|fr\.?o\.?m|t\.?o\.?m|ev|kl|nr|st|tel|ang|resp|inkl|exkl|ca|e\.?g|i\.?e|etc|mr|mrs|dr|[a-zåäö])\.$",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?…؟]+[\"'”’)]*(?=\s|$)|[!?؟]+(?=\w)")
_LIST_ITEM = re.compile(r"^\s*(?:[-*•–·>]+|\(?\d{1,2}[.)]|\(?[a-h][.)])\s+")
_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f]")


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    is_item: bool = False


def _sentences(text: str) -> Iterator[_Sentence]:
    for line, is_item in _lines(text):
        start = 0
        for end in _END.finditer(line):
            if end.group().startswith(".") and _ABBREVIATION.search(line[: end.start() + 1]):
                continue
            yield from _if_any(line[start : end.end()], is_item)
            start = end.end()
        yield from _if_any(line[start:], is_item)


def _if_any(text: str, is_item: bool) -> Iterator[_Sentence]:
    if stripped := text.strip():
        yield _Sentence(stripped, is_item)


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """The lines as the writer meant them, with whether each is an item of a list."""
    held: list[str] = []
    is_item = False
    for line in text.splitlines():
        marker = _LIST_ITEM.match(line)
        rest = line[marker.end() :].strip() if marker else line.strip()
        goes_on = held and (_is_broken(held[-1]) or _is_mid_sentence(" ".join(held), rest))
        if held and (marker or not rest or not goes_on or _GOODBYE.match(rest)):
            yield " ".join(held), is_item
            held = []
        if rest:
            is_item = is_item if held else bool(marker)
            held.append(rest)
    if held:
        yield " ".join(held), is_item


def _is_broken(line: str) -> bool:
    """Whether the mail program ended the line, so that the next one goes on with it."""
    return len(line) >= _WRAPPED and line[-1] not in ".!?:;"


def _is_mid_sentence(begun: str, following: str) -> bool:
    """Whether the writer went to a new line amid a sentence: it began with a capital, and what follows neither does nor
    begins anew."""
    return (
        begun[:1].isupper()
        and following[:1].islower()
        and begun[-1] not in ".!?:;"
        and len(begun.split()) >= _FEWEST_WORDS_BROKEN
        and not _BEGINS.match(following)
        and not _STARTS_ASKING.match(following)
    )


# --------------------------------------------------------------------------- greetings and goodbyes

_GREETING_WORDS = frozenset(
    """hej hejsan hejhej hallå hallo halloj tjena tjenare tja tjo god gott morgon morron dag kväll kvall afton förmiddag
    eftermiddag bästa basta hello hi hey dear good morning afternoon evening there sir madam moin goddag
    """.split()
)
_CLEAN_GREETINGS = frozenset(clean(word) for word in _GREETING_WORDS)
_GREETING = re.compile(
    r"^(?:(?:hej|hejsan|hallå|tjena|tjenare|tja|goddag|hello|hi|hey)(?:\s+(?:hej|på\s+(?:er|dig)|there|igen))?"
    r"|god\s+(?:morgon|dag|kväll|afton)|good\s+(?:morning|afternoon|evening|day))\b[\s,!.:–-]*",
    re.IGNORECASE,
)
_GOODBYE = re.compile(
    r"^\W*(?:mvh|m\.v\.h|v[äa]nligen|(?:med\s+)?(?:v[äa]nlig(?:a|en|t)?|b[äa]sta?|varma?|hj[äa]rtliga?|soliga?|glada?)\s+"
    r"h[äa]lsning(?:ar)?|(?:frid\s+och\s+)?\w*h[äa]lsn(?:ing(?:ar)?)?|h[äa]lsar|med\s+h[öo]gaktning|kram(?:ar)?"
    r"|tacksam(?:ma|t)?\s+f[öo]r\s+(?:ett\s+)?(?:snabbt\s+)?svar"
    r"|ha\s+(?:det\s+)?(?:en\s+)?(?:s[åa]\s+)?(?:bra|gott|fin|trevlig|kul|sk[öo]n)"
    r"|skickat?\s+fr[åa]n\s+min|sent\s+from\s+my"
    r"|(?:best|kind|warm|many)\s+(?:regards|wishes)|regards|sincerely|yours|cheers|bye|hej\s*d[åa])\b",
    re.IGNORECASE,
)
# "Tack, Selam", "Thanks from Maria": what follows is who says it, not for what.
_THANKS_AND_NAME = re.compile(
    r"^(?:stort |många |tusen )?(?:[Tt]ack|[Tt]hanks|[Tt]hank you)"
    r"(?: så (?:hemskt )?mycket| på förhand| in advance| so much)?(?:,|!| från| from)?\s+[A-ZÅÄÖ][\w-]+"
)
_THANKS_WORDS = frozenset(
    """tack tackar tusen stort många manga så sa mycket på pa förhand forhand för for hjälpen hjalpen svar svaret snabbt
    ert ditt er dig snälla snalla ok okej toppen bra suveränt thanks thank you very much so many in advance for your
    the quick reply answer help a lot hej jättebra perfekt vad jag vi är super
    """.split()
)
_THANKING = frozenset({"tack", "tackar", "thanks", "thank"})
_IN_ADVANCE = re.compile(r"på förhand|pa forhand|in advance", re.IGNORECASE)
_SIGNATURE = re.compile(r"^(?:/|--|__|//|~)\s*\w|^\+?[\d\s()/-]{7,}$")
# A last line that only says who wrote ("Lennart, ordförande i en byförening"): it states nothing.
_MOST_SIGNED_WORDS = 7
_STATES = frozenset(
    """är har vill ska kan finns gäller söker behöver får fick undrar hade var blir blev tar gör vet tror tycker hoppas
    väntar håller kommer går vi jag ni det den inte is are was have has had want need we i it they not you
    """.split()
)


def _is_greeting(sentence: str) -> bool:
    found = words(sentence)
    return bool(found) and found[0] in _GREETING_WORDS and len(found) <= 4 and not _asks(sentence)


def _is_thanks(sentence: str) -> bool:
    found = words(sentence)
    return bool(found) and not _THANKING.isdisjoint(found) and _THANKS_WORDS.issuperset(found)


def _is_signed(sentence: str) -> bool:
    found = words(sentence)
    return (
        0 < len(found) <= _MOST_SIGNED_WORDS
        and sentence[0].isupper()
        and sentence[-1] not in ".!?:;…"
        and _STATES.isdisjoint(found)
        and not _asks(sentence)
    )


def _without_frame(sentences: Sequence[_Sentence]) -> list[_Sentence]:
    """The sentences without greetings, thanks, goodbyes and the signature."""
    kept: list[_Sentence] = []
    has_ended = False
    for sentence in sentences:
        text = sentence.text
        is_goodbye = bool(_GOODBYE.match(text) or _THANKS_AND_NAME.match(text)) and not _asks(text)
        if is_goodbye or (_is_thanks(text) and _IN_ADVANCE.search(text)):
            has_ended = True
        elif (
            (has_ended and "?" not in text)
            or _is_greeting(text)
            or _is_thanks(text)
            or _SIGNATURE.match(text)
            or not words(text)
        ):
            continue
        else:
            has_ended = False
            rest = _GREETING.sub("", text).strip()
            kept.append(_Sentence(rest, sentence.is_item) if words(rest) else sentence)
    while (
        len(kept) > 1 and _is_signed(kept[-1].text) and not kept[-1].is_item and any(_asks(each.text) for each in kept)
    ):
        kept.pop()
    return kept


# --------------------------------------------------------------------------- what asks

_LEAD = r"(?:(?:och|men|samt|dessutom|sen|sedan|så|eller|also|and|but|so|ok|okej|okay|jo|then|plus)\s+)*"
_ASKING = (
    r"(?:hur|vad|va|vem|vems|vilken|vilket|vilka|vart|när|nar|varför|varfor|varifrån|hurdan"
    r"|var\s+(?:finns|kan|får|far|ska|hittar|ligger|söker|soker|anmäler|anmaler|hålls|halls|skickar|bokar)"
    r"|how|what|whats|who|whom|which|where|when|why)\b"
)
_ASKING_VERB = (
    r"(?:kan|får|far|finns|måste|maste|behöver|behover|ska|skall|skulle|har|är|ar|går|gar|gäller|galler|kostar|vet|vill"
    r"|brukar|bör|bor|blir|tar|ger|hjälper|erbjuder|var|can|could|may|do|does|is|are|would|should|will|must|did)\s+"
    r"(?:vi|man|ni|jag|du|det|den|de|en|ett|alla|någon|nagon|nån|nan|några|nagra|föreningar|foreningar|föreningen"
    r"|i|we|you|one|it|there|they|an|a|the|my|our|any|anyone)\b"
)
_STARTS_ASKING = re.compile(rf"(?:^|:\s*){_LEAD}(?:{_ASKING}|var\s+\w+|{_ASKING_VERB})", re.IGNORECASE)
_WONDERS = re.compile(
    r"\b(?:undrar|undrade|vill\s+(?:gärna\s+)?veta|skulle\s+vilja\s+veta|berätta|beratta|vet\s+(?:ni|du)"
    r"|wonder|wondering|want\s+to\s+know|like\s+to\s+know|tell\s+(?:me|us))\b",
    re.IGNORECASE,
)
_WISHES = re.compile(
    r"\b(?:vill|skulle\s+vilja|önskar|onskar|söker|soker|letar|behöver|behover|begär|begar|hjälp|hjalp|intresserad\w*"
    r"|tänker|tanker|funderar|planerar|want|need|would\s+like|looking\s+for|request|help|interested|plan)\b",
    re.IGNORECASE,
)
_ANNOUNCES = re.compile(r"\b(?:undrar|frågor|fragor|questions|wonder|följande|foljande)\b[^?]*:?$", re.IGNORECASE)
_CLAUSE = re.compile(
    rf"(?:\s*[,;–]\s*(?:och|samt|men|and|also)?\s*|\s+(?:och|samt|and|also|men)\s+)(?:(?:dessutom|också|även|sen|sedan)\s+)?"
    rf"(?=(?:{_ASKING}|{_ASKING_VERB}))",
    re.IGNORECASE,
)


def _asks(sentence: str) -> bool:
    return (
        "?" in sentence
        or "؟" in sentence
        or bool(_STARTS_ASKING.search(sentence.lstrip()) or _WONDERS.search(sentence))
    )


# A pronoun that points back; not the "det" of "finns det", nor the article of "den lokala överenskommelsen".
_FORMAL_BEFORE = "".join(
    f"(?<!{verb} )" for verb in ("finns", "går", "är", "kostar", "gäller", "blir", "tar", "behövs", "krävs", "räcker")
)
_POINTS_BACK = re.compile(
    r"\b(?:den|de|dem|dom|detta|dessa|dit|därifrån|sådana?t?|they|them|it|those|these)\b"
    r"(?!\s+\w+(?:a|e|här|där|en|er)\b)"
    r"|\bvad\s+(?:är|e)\s+det?\s+för\b"
    rf"|{_FORMAL_BEFORE}\bdet\b(?!\s+(?:finns|går|är|att|som|\w+a|\w+e)\b)",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"^(?:och|men|and|but)\b", re.IGNORECASE)
_MOST_LEADS = 3


def matters(text: str) -> int:
    """How many words of the text carry a matter by themselves, whichever of the two languages it is in."""
    return len(set(content_words(text, "sv")) & set(content_words(text, "en")) - LIGHT)


def _needs_lead(text: str) -> bool:
    found = matters(text)
    return not found or (found == 1 and bool(_GOES_ON.match(text))) or (found <= 2 and bool(_POINTS_BACK.search(text)))


def _clauses(sentence: _Sentence) -> Iterator[_Sentence]:
    """The questions joined in one sentence ("Vem får gå med och när är konferensen?"), where each has a matter.

    A statement before the question ("Vi ska ha loppis, behöver vi tillstånd?") stays with it.
    """
    start = 0
    text = sentence.text
    for joint in _CLAUSE.finditer(text):
        before, after = text[start : joint.start()], text[joint.end() :]
        if _asks(before) and matters(before) and matters(after):
            yield _Sentence(before.strip(), sentence.is_item)
            start = joint.end()
    yield _Sentence(text[start:].strip(), sentence.is_item)


# --------------------------------------------------------------------------- the whole


def split(text: str, subject: str = "") -> tuple[Part, ...]:
    """The questions of a message, at least one and at most eight, in the order they were asked.

    ``text`` is what was written now (no quoted thread); ``subject`` is used where it says something
    ("Fråga om att gå med"), not where it is only "Fråga" or "Hej". Never raises; a text that is empty or
    without letters gives one part with that text.
    """
    text = _INVISIBLE.sub("", text[:_MOST_CHARACTERS])
    topic = subject_matter(subject)
    sentences = [clause for each in _without_frame(list(_sentences(text))) for clause in _clauses(each)]
    if not sentences:
        if topic and not words(text):
            return (Part(topic, topic),)
        return (Part(text.strip(), text.strip(), topic),)
    parts = _parts(sentences, topic)
    if len(parts) > MOST_QUESTIONS:
        rest = parts[MOST_QUESTIONS - 1 :]
        parts = [
            *parts[: MOST_QUESTIONS - 1],
            Part(*(" ".join(getattr(p, f) for p in rest) for f in ("text", "focus"))),
        ]
    return tuple(parts)


def _parts(sentences: Sequence[_Sentence], topic: str) -> list[Part]:
    places = _asking_places(sentences)
    if not places:
        whole = " ".join(sentence.text for sentence in sentences)
        wishes = " ".join(sentence.text for sentence in sentences if _WISHES.search(sentence.text))
        focus = wishes if len(words(whole)) > _MOST_FOCUS_WORDS and wishes else whole
        return [Part(whole, _first_words(focus if matters(focus) else f"{topic} {focus}".strip()), topic)]
    asking = frozenset(places)
    parts: list[Part] = []
    for number, place in enumerate(places):
        first = places[number - 1] + 1 if number else 0
        until = len(sentences) if number == len(places) - 1 else place + 1
        lead = _lead(sentences, place)
        focus = " ".join(sentence.text for sentence in sentences[lead : place + 1])
        # What else is asked is no background: its words belong to other answers.
        around = (*range(first, lead), *range(place + 1, until), *range(first), *range(until, len(sentences)))
        others = [sentences[each].text for each in around if each not in asking]
        if matters(focus):
            others.append(topic)
        else:
            focus = f"{topic or next((other for other in others if matters(other)), '')} {focus}".strip()
        own = " ".join(sentence.text for sentence in sentences[first:until])
        parts.append(Part(own, _first_words(focus), _first_words(" ".join(filter(None, others)))))
    return parts


def _asking_places(sentences: Sequence[_Sentence]) -> list[int]:
    places: list[int] = []
    is_announced = False
    for place, sentence in enumerate(sentences):
        following = sentences[place + 1] if place + 1 < len(sentences) else None
        if following and following.is_item and not sentence.is_item and _ANNOUNCES.search(sentence.text):
            is_announced = True
        elif _asks(sentence.text) or (is_announced and sentence.is_item):
            places.append(place)
        else:
            is_announced = is_announced and sentence.is_item
    return places


def _lead(sentences: Sequence[_Sentence], place: int) -> int:
    """The place of the sentence that the asking one has to be read from: its own, or one that it points back to."""
    lead = place
    while lead > max(0, place - _MOST_LEADS) and _needs_lead(sentences[lead].text):
        lead -= 1
    return lead


def _first_words(text: str) -> str:
    found = text.split()
    return text if len(found) <= _MOST_FOCUS_WORDS else " ".join(found[:_MOST_FOCUS_WORDS])


# --------------------------------------------------------------------------- the subject

_SUBJECT_PREFIX = re.compile(r"^\s*(?:sv|re|vb|fw|fwd|vs|aw|ang|angående)\s*:\s*", re.IGNORECASE)
_CASE_NUMBER = re.compile(r"\[[^\]]*\]|\bLOK-\d{4}-\d+\b", re.IGNORECASE)
_EMPTY_SUBJECT = frozenset(
    """fråga frågor fragor förfrågan forfragan angående angaende ärende arende mail mejl mejla epost meddelande kontakt
    information info viktigt brådskande hjälp ny nytt nya ingen ämne amne rubrik subject question questions inquiry
    enquiry message contact help urgent important förening forening föreningen helsingborg stad kommun
    kommunen till""".split()
)


def subject_matter(subject: str) -> str:
    """The subject without reply marks and case number, or "" where it says nothing ("Fråga", "Hej!")."""
    subject = _CASE_NUMBER.sub(" ", _INVISIBLE.sub("", subject)).strip()
    while (shorter := _SUBJECT_PREFIX.sub("", subject)) != subject:
        subject = shorter
    telling = set(content_words(subject, "sv")) & set(content_words(subject, "en"))
    return subject.strip() if telling - _EMPTY_SUBJECT - _CLEAN_GREETINGS else ""
