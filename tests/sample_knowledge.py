"""A small invented knowledge for tests: fixed, so that no test depends on the wording of the real articles.

Only the phrases are the real ones, since what the replies say around an answer is what is tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import yaml

from lokbot import understanding
from lokbot.knowledge.loading import with_digest
from lokbot.model import (
    Administration,
    AdministrationKind,
    Article,
    ArticleText,
    Intent,
    IntentAction,
    Knowledge,
    LocalText,
    Perishable,
    Rule,
    Source,
    Topic,
)
from lokbot.understanding import Active

ROOT = Path(__file__).resolve().parent.parent
APPROVER = "Kim Prov"
APPROVED_ON = date(2026, 2, 1)

# Questions that the sample understands, each in words that its article is written for.
JOIN = "Hur blir vår förening medlem i samverkan?"
JOIN_EN = "How does our association join the cooperation?"
PREMISES = "Hur lånar vi stadens möteslokal?"
AMOUNT = "Vilket belopp ger startbidraget?"
OLD = "När öppnar skateparken på våren?"
DRAFT = "Vad betyder ordet valberedning?"
SPORTS = "Hur söker vi aktivitetsstöd för idrott?"
CULTURE = "Vem ansvarar för konserter i parken?"
GARDEN = "Vi vill ha en odlingslott."
POLICE = "Hur begär vi belastningsregister?"
OWN = "Har ni fått vår ansökan?"
HAND_IN = "Här kommer vårt protokollsutdrag."
PERSON = "Jag vill prata med en människa."
RECORDS = "Jag begär ut en allmän handling."
DANGER = "Någon hotar oss just nu."
THANKS = "Tack så mycket!"
NONSENSE = "Vem målade den gröna elefanten i trappan?"


def _text(language: str, answer: str, *questions: str, by: str | None = APPROVER, short: str = "") -> ArticleText:
    return ArticleText(language, questions, answer, short, by, APPROVED_ON if by else None)


def _article(
    identity: str,
    topic: str,
    administration: str,
    *texts: ArticleText,
    sources: tuple[Source, ...] = (Source("Provsidan", "https://example.org/prov", "2020-12"),),
    as_of: str | None = None,
    perishable: frozenset[Perishable] = frozenset(),
    checked_on: date | None = None,
    review_by: date | None = None,
) -> Article:
    return Article(
        id=identity,
        topic=topic,
        administration=administration,
        responsible="föreningssamordnare",
        texts={text.language: text for text in texts},
        sources=sources,
        as_of=as_of,
        perishable=perishable,
        checked_on=checked_on,
        review_by=review_by,
    )


ARTICLES = (
    _article(
        "ga-med",
        "anslutning",
        "samordnare",
        _text(
            "sv",
            "Styrelsen fattar ett beslut.\n\n- Skicka beslutet till oss.\n- Läs mer på https://example.org/ga-med.",
            JOIN,
            "Hur går vi med i samverkan?",
            short="Skicka styrelsens beslut.",
        ),
        _text("en", "The board takes a decision and sends it to us.", JOIN_EN, "How do we join the cooperation?"),
        as_of="2021",
    ),
    _article(
        "lana-lokal",
        "lokaler",
        "fritid",
        _text("sv", "Ni bokar möteslokalen på stadens webbplats.", PREMISES, "Kan vi låna en möteslokal av staden?"),
        sources=(Source("Lokaler & salar <prov>", None, "2021"),),
    ),
    _article(
        "startbidrag",
        "bidrag",
        "fritid",
        _text("sv", "Startbidraget är 1 500 kronor.", AMOUNT, "Hur mycket är startbidraget?"),
        perishable=frozenset({Perishable.AMOUNT}),
        checked_on=date(2026, 1, 15),
    ),
    _article(
        "skatepark",
        "lokaler",
        "fritid",
        _text("sv", "Skateparken öppnar i april.", OLD, "Är skateparken öppen?"),
        review_by=date(2026, 3, 31),
    ),
    _article(
        "valberedning",
        "driva-forening",
        "samordnare",
        _text("sv", "En valberedning föreslår en styrelse.", DRAFT, "Vad gör en valberedning?", by=None),
    ),
    _article(
        "idrottens-stod",
        "forvaxlingar",
        "idrottsforbundet",
        _text("sv", "Stödet söker ni hos Idrottsförbundet.", SPORTS, "Var söks aktivitetsstödet?"),
        _text("en", "You apply at the Sports Federation.", "How do we apply for sports support?"),
        sources=(Source("Idrottsförbundet", "https://example.org/idrott"), Source("Provboken", None, "2019")),
    ),
)

_CONTACT = LocalText("Ring kontaktcenter på 042-10 50 00.", "Call the contact centre on +46 42 10 50 00.")

ADMINISTRATIONS = (
    Administration(
        "samordnare",
        LocalText("föreningssamordnarna", "the coordinators"),
        AdministrationKind.COORDINATORS,
        LocalText("samverkan", "the cooperation"),
        _CONTACT,
        approved_by=APPROVER,
        approved_on=APPROVED_ON,
    ),
    Administration(
        "kontaktcenter",
        LocalText("kontaktcenter", "the contact centre"),
        AdministrationKind.CONTACT_CENTRE,
        LocalText("frågor om hela staden", "questions about all of the city"),
        _CONTACT,
        approved_by=APPROVER,
        approved_on=APPROVED_ON,
    ),
    Administration(
        "kultur",
        LocalText("kulturförvaltningen", "the culture administration"),
        AdministrationKind.CITY,
        LocalText("konserter och teater.", "concerts and theatre."),
        _CONTACT,
        words=("konsert*", "teater*"),
        approved_by=APPROVER,
        approved_on=APPROVED_ON,
    ),
    Administration(
        "fritid",
        LocalText("fritidsförvaltningen", "the leisure administration"),
        AdministrationKind.CITY,
        LocalText("lokaler och lotter", "premises and plots"),
        _CONTACT,
        words=("odlingslott*",),
        address="fritid@stad.example",
        auto_forward=True,
        approved_by=APPROVER,
        approved_on=APPROVED_ON,
    ),
    Administration(
        "miljo",
        LocalText("miljöförvaltningen", "the environment administration"),
        AdministrationKind.CITY,
        LocalText("miljö", "the environment"),
        _CONTACT,
    ),
    Administration(
        "polisen",
        LocalText("Polisen", "the police"),
        AdministrationKind.OUTSIDE,
        LocalText("belastningsregistret", "the criminal records"),
        LocalText("Läs mer på Polisens webbplats.", "Read more on the website of the police."),
        url="https://polisen.example/register",
        approved_by=APPROVER,
        approved_on=APPROVED_ON,
    ),
    Administration(
        "idrottsforbundet",
        LocalText("Idrottsförbundet", "the Sports Federation"),
        AdministrationKind.OUTSIDE,
        LocalText("stöd till idrott", "support for sports"),
        LocalText("Se https://example.org/idrott.", "See https://example.org/idrott."),
        url="https://example.org/idrott",
        approved_by=APPROVER,
        approved_on=APPROVED_ON,
    ),
)


def _intent(
    identity: str,
    action: IntentAction,
    topic: str,
    *any_of: str,
    administration: str | None = None,
    article: str | None = None,
    phrase: str | None = None,
    max_words: int | None = None,
) -> Intent:
    return Intent(identity, action, topic, (Rule(any=any_of, max_words=max_words),), administration, article, phrase)


INTENTS = (
    _intent("begaran-handling", IntentAction.URGENT, "allman-handling", "allmän handling"),
    _intent("fara", IntentAction.URGENT, "fara", "hotar oss", phrase="emergency"),
    _intent("manniska", IntentAction.PERSON, "kontakt", "prata med en människa", administration="samordnare"),
    _intent("var-ansokan", IntentAction.OWN_MATTER, "eget-arende", "vår ansökan"),
    _intent("inlamning", IntentAction.HAND_IN, "eget-arende", "här kommer vårt", administration="samordnare"),
    _intent(
        "idrott", IntentAction.ANSWER, "forvaxlingar", "aktivitetsstöd*", "sports support", article="idrottens-stod"
    ),
    _intent("konserter", IntentAction.ROUTE, "evenemang", "konsert*", administration="kultur"),
    _intent("odling", IntentAction.ROUTE, "odling", "odlingslott*", administration="fritid"),
    _intent("register", IntentAction.ROUTE, "ovrigt", "belastningsregister", administration="polisen"),
    _intent("tack", IntentAction.IGNORE, "ovrigt", "tack", "thanks", max_words=6),
)

TOPICS = tuple(
    Topic(identity, LocalText(identity.capitalize(), f"On {identity}"), f"Allt om {identity}.")
    for identity in sorted({article.topic for article in ARTICLES} | {intent.topic for intent in INTENTS})
)


@cache
def phrases() -> Mapping[str, Mapping[str, str]]:
    """The real ones, read once."""
    read: Mapping[str, Mapping[str, str]] = yaml.safe_load((ROOT / "knowledge/phrases.yaml").read_text("utf-8"))
    return read


@cache
def knowledge() -> Knowledge:
    """The sample as files would give it."""
    return with_digest(
        Knowledge(
            articles={article.id: article for article in ARTICLES},
            topics={topic.id: topic for topic in TOPICS},
            intents=INTENTS,
            administrations={owner.id: owner for owner in ADMINISTRATIONS},
            phrases=phrases(),
            glossary=(),
            digest="",
        )
    )


def with_article(article: Article, of: Knowledge | None = None) -> Knowledge:
    """The sample with one article added or exchanged, and the digest that follows from it."""
    base = of or knowledge()
    return with_digest(replace(base, articles={**base.articles, article.id: article}))


def rewritten(identity: str, answer: str, *, language: str = "sv", by: str | None = None) -> Article:
    """An article of the sample with another answer in one language."""
    article = knowledge().articles[identity]
    text = replace(article.texts[language], answer=answer, approved_by=by, approved_on=APPROVED_ON if by else None)
    return replace(article, texts={**article.texts, language: text})


@cache
def active() -> Active:
    """The sample with the real understanding of it."""
    return Active(knowledge(), understanding.build(knowledge()))
