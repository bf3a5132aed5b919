"""Checks of what the texts say: facts that age, links, contact details, style and reading ease."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from lokbot.knowledge.problems import Problem, quoted
from lokbot.knowledge.readability import lix, mean_sentence
from lokbot.knowledge.texts import Content, Said, all_answers, answers, shown, source_urls
from lokbot.model import Article, Knowledge, Perishable

LONGEST_MEAN_SENTENCE = 16
"""Words. The bot's Swedish aims at about twelve (DESIGN section 5)."""

LONGEST_SHORT = 300
"""Characters of a chat answer."""

# ------------------------------------------------------------------------------- facts that age


AMOUNT = re.compile(r"\d[\d\s.,]*(?:kr\b|kronor|tkr|mkr|miljon|SEK\b)", re.IGNORECASE)
WEEKDAY = r"\b(?:(?:mån|tis|ons|tors|fre|lör|sön)dag(?:en|ar|s)?|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)\b"
MONTH = (
    r"(?:januari|februari|mars|april|maj|juni|juli|augusti|september|oktober|november|december"
    r"|january|february|march|may|june|july|august|october)"
)
DATE = re.compile(
    rf"(?:{WEEKDAY},?\s+(?:den\s+)?)?\b(?:\d{{1,2}}\s+{MONTH}|{MONTH}\s+\d{{1,2}}(?!\d))\b(?:,?\s+(?P<year>\d{{4}}))?",
    re.IGNORECASE,
)
DEADLINE = re.compile(
    rf"\bsenast\b|\bsista \w*dag|\bdeadline\b|\bno later than\b|\bat the latest\b|{WEEKDAY}", re.IGNORECASE
)


def facts_that_age(content: Content) -> Iterator[Problem]:
    """Perishable facts carry their date, and what looks perishable is marked so."""
    looks_like: Mapping[Perishable, Callable[[str], re.Match[str] | None]] = {
        Perishable.AMOUNT: AMOUNT.search,
        Perishable.DEADLINE: lambda text: _deadline(text, content.today),
    }
    for article in content.knowledge.articles.values():
        if article.perishable and article.as_of is None:
            yield content.error(
                ("articles", article.id, "perishable"),
                "artikeln har uppgifter som blir gamla men säger inte när de gällde",
                'Lägg till as_of, till exempel as_of: "2020-12".',
            )
        for kind, find in looks_like.items():
            found = (
                (said, match) for said in answers(article) if (match := find(_without_links(said.text))) is not None
            )
            if kind not in article.perishable and (first := next(found, None)) is not None:
                said, match = first
                yield content.warning(
                    said.trail,
                    f"{quoted(match[0])} ser ut som en uppgift som blir gammal",
                    f"Lägg till {kind.value} i perishable, och as_of, eller skriv om utan uppgiften.",
                    text=said.text,
                    index=match.start(),
                )


def _deadline(text: str, today: date) -> re.Match[str] | None:
    """A date to keep. A day in a year gone by is history and does not age."""
    dates = DATE.finditer(text)
    to_keep = (match for match in dates if match["year"] is None or int(match["year"]) >= today.year)
    return next(to_keep, None) or DEADLINE.search(DATE.sub(_blank, text))


def _without_links(text: str) -> str:
    """The text where words and digits are the writer's own and not part of a web address."""
    return LINK.sub(_blank, text)


def _blank(match: re.Match[str]) -> str:
    """As many spaces, so that what follows keeps its place."""
    return " " * len(match[0])


# ------------------------------------------------------------------------------- links and addresses


LINK = re.compile(r"(?:https?://|\bwww\.)[^\s<>\"”»]+", re.IGNORECASE)
MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"(?<![\d-])(?:\+\s?46|0046|0)(?:[\s()-]{0,2}\d){6,11}(?!\d)")
MAY_BE_GIVEN_OUT = frozenset({"lok@helsingborg.se", "kontaktcenter@helsingborg.se"})
SWITCHBOARD = "042105000"
UNSAFE_HOSTS = ("test.", "hela.")


def links(content: Content) -> Iterator[Problem]:
    """Links are https, lead to the public site, and somebody has tried them."""
    for said in _all_linking(content.knowledge):
        for match in LINK.finditer(said.text):
            url = _address(match)
            if (fault := _fault(url)) is not None:
                message, remedy = fault
                yield content.error(said.trail, f"{quoted(url)} {message}", remedy, text=said.text, index=match.start())
    for article in content.knowledge.articles.values():
        if article.link_checked_on is not None:
            continue
        found = ((said, link) for said in _linking(article) if (link := LINK.search(said.text)) is not None)
        if (first := next(found, None)) is not None:
            said, link = first
            yield content.warning(
                said.trail,
                f"ingen har provat länken {quoted(_address(link))}",
                "Öppna länkarna i artikeln och skriv dagens datum i link_checked_on.",
                text=said.text,
                index=link.start(),
            )


def _address(link: re.Match[str]) -> str:
    """Without what ends the sentence that it stands in."""
    return link[0].rstrip(".,;:!?)'")


def _linking(article: Article) -> Iterator[Said]:
    yield from answers(article)
    yield from source_urls(article)


def _all_linking(knowledge: Knowledge) -> Iterator[Said]:
    """Everything shown, and the addresses that have fields of their own."""
    yield from shown(knowledge)
    for article in knowledge.articles.values():
        yield from source_urls(article)
    for owner in knowledge.administrations.values():
        if owner.url is not None:
            yield Said(("administrations", owner.id, "url"), owner.url)
        if owner.source is not None and owner.source.url is not None:
            yield Said(("administrations", owner.id, "source", "url"), owner.source.url)


def _fault(url: str) -> tuple[str, str] | None:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return "går inte att läsa som webbadress", "Kopiera adressen på nytt ur webbläsaren."
    if not url.lower().startswith("https://"):
        return "börjar inte med https://", "Skriv hela adressen med https:// och prova den."
    if host.startswith(UNSAFE_HOSTS):
        return "leder till en provmiljö", "Länka till samma sida på helsingborg.se."
    return None


def contact_details(content: Content) -> Iterator[Problem]:
    """Only the city's common addresses and number are given out; people's own never are."""
    remedy = "Skriv lok@helsingborg.se, kontaktcenter@helsingborg.se eller 042-10 50 00 i stället."
    for said in shown(content.knowledge):
        text = _without_links(said.text)
        for match in MAIL.finditer(text):
            if match[0].lower().rstrip(".") not in MAY_BE_GIVEN_OUT:
                yield content.error(
                    said.trail,
                    f"mejladressen {quoted(match[0])} får inte lämnas ut",
                    remedy,
                    text=said.text,
                    index=match.start(),
                )
        for match in PHONE.finditer(text):
            digits = re.sub(r"^(?:0046|46)0?", "0", re.sub(r"\D", "", match[0]))
            if digits != SWITCHBOARD:
                yield content.error(
                    said.trail,
                    f"telefonnumret {quoted(match[0])} får inte lämnas ut",
                    remedy,
                    text=said.text,
                    index=match.start(),
                )


# ------------------------------------------------------------------------------- style


@dataclass(frozen=True, slots=True)
class Unwanted:
    """A way of writing that answers do not use (DESIGN section 5)."""

    pattern: re.Pattern[str]
    message: str
    remedy: str


def _unwanted(pattern: str, message: str, remedy: str) -> Unwanted:
    return Unwanted(re.compile(pattern, re.IGNORECASE | re.MULTILINE), message, remedy)


UNWANTED = (
    _unwanted(
        r"\b(?:jag|vi) förstår inte\b|\bI (?:do not|don['’]t) understand\b",
        "lägger skulden på den som frågar",
        "Skriv vad som händer nu i stället.",
    ),
    _unwanted(
        r"\b(?:ni|du|man|föreningen) har rätt (?:till|att)\b|\byou (?:are entitled|have the right) to\b",
        "lovar något som andra avgör",
        "Skriv vad som gäller och vem som beslutar.",
    ),
    _unwanted(r"\bjag\b(?! förstår inte)", "låter som om en person skriver", "Skriv »vi» om staden."),
    _unwanted(r"[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B50\u2B55]", "är en bild i texten", "Skriv med ord."),
    _unwanted(r"!", "är ett utropstecken", "Skriv punkt."),
    _unwanted(
        r"\A(?:hej\b|hejsan\b|hello\b|hi\b)", "är en hälsning", "Ta bort den: svaret får sin hälsning när det skickas."
    ),
    _unwanted(
        r"\*\*|\]\(|^#+ |</?(?:a|b|br|p|i|em|strong|ul|ol|li|div|span|h\d)\b[^>]*>",
        "är kod för utseende, som visas som den står",
        "Skriv ren text, med länkar utskrivna och listor med »- ».",
    ),
)


def style(content: Content) -> Iterator[Problem]:
    """Answers keep to the bot's Swedish, and are short where they are for chat."""
    for said in all_answers(content.knowledge):
        text = _without_links(said.text)
        for unwanted in UNWANTED:
            for match in unwanted.pattern.finditer(text):
                yield content.warning(
                    said.trail,
                    f"{quoted(match[0])} {unwanted.message}",
                    unwanted.remedy,
                    text=said.text,
                    index=match.start(),
                )
        if said.trail[-1] == "short" and len(said.text) > LONGEST_SHORT:
            yield content.warning(
                said.trail,
                f"det korta svaret har {len(said.text)} tecken, fler än {LONGEST_SHORT}",
                "Korta det, eller ta bort det så att hela svaret används.",
            )


def reading_ease(content: Content) -> Iterator[Problem]:
    """Long sentences and heavy answers. LIX is for Swedish: its scale was set on Swedish texts."""
    values = []
    for said in all_answers(content.knowledge):
        if said.trail[-1] != "answer":
            continue
        if (mean := mean_sentence(said.text)) > LONGEST_MEAN_SENTENCE:
            yield content.warning(
                said.trail,
                f"meningarna har i snitt {_decimal(mean)} ord, fler än {LONGEST_MEAN_SENTENCE}",
                "Dela de längsta: en tanke i varje mening.",
            )
        if said.language == "sv":
            values.append(value := lix(said.text))
            if value > content.lix_limit:
                yield content.warning(
                    said.trail,
                    f"svaret är tungt att läsa: LIX {value:.0f}, över {content.lix_limit:.0f}",
                    "Dela långa meningar och byt långa ord mot korta.",
                )
    if values:
        median = _decimal(statistics.median(values))
        yield content.info(("articles",), f"median-LIX är {median} för {len(values)} svenska svar")


def _decimal(value: float) -> str:
    return f"{value:.1f}".replace(".", ",")
