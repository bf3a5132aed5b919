"""The formats of the content files, each knowing how to become its noun in ``model``.

Strict: an unknown field, a number where a text belongs, or an empty text is an error and never guessed at.
What the formats themselves demand is said here in Swedish; ``explain`` puts pydantic's own words in Swedish.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    model_validator,
)
from pydantic_core import PydanticCustomError

from lokbot.knowledge.problems import quoted
from lokbot.model import (
    Administration,
    AdministrationKind,
    Article,
    ArticleText,
    GlossaryEntry,
    GoldenQuestion,
    Intent,
    IntentAction,
    LocalText,
    Outcome,
    Perishable,
    Person,
    Rule,
    Source,
    Topic,
)

OWN_ERROR = "in_swedish"
"""The type of an error whose message and remedy stand in its context, ready for a coordinator."""


def wrong(message: str, remedy: str) -> PydanticCustomError:
    """An error in our own words."""
    return PydanticCustomError(OWN_ERROR, "{message}", {"message": message, "remedy": remedy})


# ------------------------------------------------------------------------------- single values


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
        raise wrong(
            f"{quoted(text)} är inte ett id",
            "Skriv med a-z, siffror och bindestreck, utan å, ä, ö och mellanslag: ansluta-forening.",
        )
    return text


def _day(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise wrong(f"datumet {quoted(value)} finns inte", "Skriv år-månad-dag.") from error
    return value


def _coarse_date(text: str) -> str:
    if not re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", text):
        raise wrong(
            f"{quoted(text)} är inte ett år, en månad eller en dag",
            'Skriv "2020", "2020-12" eller "2020-12-01", inom citattecken.',
        )
    return text


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+\S*", text):
        raise wrong(f"{quoted(text)} är inte en webbadress", "Skriv hela adressen, med https:// först.")
    return text


def _mail_address(text: str) -> str:
    if not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+", text):
        raise wrong(f"{quoted(text)} är inte en mejladress", "Skriv bara adressen: namn@example.se.")
    return text


def _term(text: str) -> str:
    if not all(re.fullmatch(r"\*?[^*]*[^\W_][^*]*\*?", word) for word in text.split()):
        raise wrong(
            f"{quoted(text)} är inte ett sökord",
            'Sätt * bara först eller sist i ett ord: "bidrag*", "*bidrag*".',
        )
    return text


def _several(value: object) -> object:
    return value if isinstance(value, list) else [value]


Text = Annotated[str, Field(min_length=1)]
Identifier = Annotated[str, AfterValidator(_identifier)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Day = Annotated[date, BeforeValidator(_day)]
CoarseDate = Annotated[str, AfterValidator(_coarse_date)]
Url = Annotated[str, AfterValidator(_url)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
Term = Annotated[Text, AfterValidator(_term)]


class Schema(BaseModel):
    """What all formats share."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, str_strip_whitespace=True)


class LocalTextSchema(Schema):
    sv: Text
    en: str = ""

    def value(self) -> LocalText:
        return LocalText(self.sv, self.en)


class SourceSchema(Schema):
    title: Text
    url: Url | None = None
    date: CoarseDate | None = None

    def value(self) -> Source:
        return Source(self.title, self.url, self.date)


# ------------------------------------------------------------------------------- articles


class ArticleTextSchema(Schema):
    questions: Annotated[list[Text], Field(min_length=1)]
    answer: Text
    short: Text | None = None
    approved_by: Text | None = None
    approved_on: Day | None = None

    def value(self, language: str) -> ArticleText:
        return ArticleText(
            language=language,
            questions=tuple(self.questions),
            answer=self.answer,
            short=self.short or "",
            approved_by=self.approved_by,
            approved_on=self.approved_on,
        )


class ArticleSchema(Schema):
    """``knowledge/articles/<id>.yaml``. Languages beside ``sv`` are further fields named by their code."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[Language, ArticleTextSchema]

    id: Identifier
    topic: Identifier
    administration: Identifier
    responsible: Text
    sources: Annotated[list[SourceSchema], Field(min_length=1)]
    sv: ArticleTextSchema
    as_of: CoarseDate | None = None
    perishable: list[Annotated[Perishable, Field(strict=False)]] = []
    checked_on: Day | None = None
    link_checked_on: Day | None = None
    review_by: Day | None = None
    approve_first: Text | None = None
    wordings: dict[Language, Annotated[list[Text], Field(min_length=1)]] = {}
    near_misses: list[Text] = []

    def value(self) -> Article:
        texts = {"sv": self.sv, **self.__pydantic_extra__}
        return Article(
            id=self.id,
            topic=self.topic,
            administration=self.administration,
            responsible=self.responsible,
            texts={language: text.value(language) for language, text in texts.items()},
            sources=tuple(source.value() for source in self.sources),
            as_of=self.as_of,
            perishable=frozenset(self.perishable),
            checked_on=self.checked_on,
            link_checked_on=self.link_checked_on,
            review_by=self.review_by,
            approve_first=self.approve_first,
            wordings={language: tuple(found) for language, found in self.wordings.items()},
            near_misses=tuple(self.near_misses),
        )


# ------------------------------------------------------------------------------- owners, words, people


class AdministrationSchema(Schema):
    """An item of ``knowledge/administrations.yaml``."""

    id: Identifier
    name: LocalTextSchema
    kind: Annotated[AdministrationKind, Field(strict=False)]
    matters: LocalTextSchema
    contact: LocalTextSchema
    words: list[Term] = []
    url: Url | None = None
    address: MailAddress | None = None
    auto_forward: bool = False
    as_of: CoarseDate | None = None
    source: SourceSchema | None = None
    approved_by: Text | None = None
    approved_on: Day | None = None

    @model_validator(mode="after")
    def _can_forward(self) -> Self:
        if self.auto_forward and self.kind is AdministrationKind.OUTSIDE:
            raise wrong(
                f"{quoted(self.id)} hör inte till staden, så ärenden får inte vidarebefordras dit",
                "Skriv auto_forward: false.",
            )
        if self.auto_forward and self.address is None:
            raise wrong(
                f"{quoted(self.id)} ska få ärenden av sig själv men har ingen mejladress",
                "Skriv en adress i address, eller auto_forward: false.",
            )
        return self

    def value(self) -> Administration:
        return Administration(
            id=self.id,
            name=self.name.value(),
            kind=self.kind,
            matters=self.matters.value(),
            contact=self.contact.value(),
            words=tuple(self.words),
            url=self.url,
            address=self.address,
            auto_forward=self.auto_forward,
            as_of=self.as_of,
            source=self.source.value() if self.source else None,
            approved_by=self.approved_by,
            approved_on=self.approved_on,
        )


class GlossarySchema(Schema):
    """An item of ``knowledge/glossary.yaml``."""

    term: Text
    synonyms: Annotated[list[Text], Field(min_length=1)]
    explanation: LocalTextSchema | None = None

    def value(self) -> GlossaryEntry:
        explanation = self.explanation.value() if self.explanation else None
        return GlossaryEntry(self.term, tuple(self.synonyms), explanation)


class PersonSchema(Schema):
    """An item of ``knowledge/people.yaml``."""

    name: Text
    represents: Text
    as_of: CoarseDate
    interests: list[Text] = []

    def value(self) -> Person:
        return Person(self.name, self.represents, tuple(self.interests), self.as_of)


class PhrasesSchema(RootModel[dict[Language, dict[str, Text]]]):
    """``knowledge/phrases.yaml``: per language, the fixed sentences by key."""

    model_config = ConfigDict(strict=True, frozen=True, str_strip_whitespace=True)

    def value(self) -> Mapping[str, Mapping[str, str]]:
        return self.root


# ------------------------------------------------------------------------------- topics and intents


class TopicSchema(Schema):
    """An item of ``intents/topics.yaml``."""

    id: Identifier
    name: LocalTextSchema
    definition: Text
    elsewhere: list[Text] = []

    def value(self) -> Topic:
        return Topic(self.id, self.name.value(), self.definition, tuple(self.elsewhere))


class RuleSchema(Schema):
    all: list[Term] = []
    any: list[Term] = []
    none: list[Term] = []
    max_words: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _needs_a_word(self) -> Self:
        if not self.all and not self.any:
            raise wrong(
                "regeln har varken all eller any och skulle träffa allt som inte utesluts",
                "Skriv minst ett sökord i all eller any.",
            )
        return self

    def value(self) -> Rule:
        return Rule(tuple(self.all), tuple(self.any), tuple(self.none), self.max_words)


class IntentSchema(Schema):
    """An item of ``intents/<group>.yaml``."""

    id: Identifier
    action: Annotated[IntentAction, Field(strict=False)]
    topic: Identifier
    rules: list[RuleSchema] = []
    administration: Identifier | None = None
    article: Identifier | None = None
    phrase: Identifier | None = None
    examples: list[Text] = []
    counterexamples: list[Text] = []
    sounds_like: list[Text] = []

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if not self.rules and not self.sounds_like:
            raise wrong(
                f"{quoted(self.id)} säger inte hur frågan känns igen",
                "Skriv sökord i rules, eller meddelanden i sounds_like.",
            )
        if self.action is IntentAction.ANSWER and self.article is None:
            raise wrong(
                f"{quoted(self.id)} ska ge ett svar men säger inte vilket",
                "Skriv artikelns id i article.",
            )
        if self.action is IntentAction.ROUTE and self.administration is None:
            raise wrong(
                f"{quoted(self.id)} ska visa vidare men säger inte vart",
                "Skriv förvaltningens id i administration.",
            )
        return self

    def value(self) -> Intent:
        return Intent(
            id=self.id,
            action=self.action,
            topic=self.topic,
            rules=tuple(rule.value() for rule in self.rules),
            administration=self.administration,
            article=self.article,
            phrase=self.phrase,
            examples=tuple(self.examples),
            counterexamples=tuple(self.counterexamples),
            sounds_like=tuple(self.sounds_like),
        )


# ------------------------------------------------------------------------------- golden questions


class ExpectSchema(Schema):
    """What is right: any of ``outcome`` with any of ``articles``."""

    outcome: Annotated[list[Annotated[Outcome, Field(strict=False)]], Field(min_length=1), BeforeValidator(_several)]
    articles: list[Identifier] = []
    administration: Identifier | None = None
    urgent: bool = False

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        if self.outcome == [Outcome.ANSWER] and not self.articles:
            raise wrong("inget rätt svar är angivet", "Skriv en eller flera artiklar i articles.")
        if self.outcome == [Outcome.ROUTE] and self.administration is None:
            raise wrong("ingen rätt förvaltning är angiven", "Skriv dess id i administration.")
        return self


class GoldenSchema(Schema):
    """An item of ``knowledge/golden/<pool>/<group>.yaml``."""

    id: Identifier
    q: Text
    language: Language
    style: Text
    expect: ExpectSchema

    def value(self) -> GoldenQuestion:
        return GoldenQuestion(
            id=self.id,
            text=self.q,
            language=self.language,
            style=self.style,
            outcomes=frozenset(self.expect.outcome),
            articles=tuple(self.expect.articles),
            administration=self.expect.administration,
            is_urgent=self.expect.urgent,
        )
