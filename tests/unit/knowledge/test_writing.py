"""An article written as YAML reads as the same article, in a form that a coordinator can edit."""

from __future__ import annotations

import unicodedata
from datetime import date
from pathlib import Path
from textwrap import dedent

from hypothesis import given, settings
from hypothesis import strategies as st

from lokbot.knowledge.document import UNPRINTABLE, parse
from lokbot.knowledge.schemas import ArticleSchema
from lokbot.knowledge.writing import article_to_yaml
from lokbot.model import Article, ArticleText, Perishable, Source


def read_back(text: str) -> Article:
    document = parse(text.encode(), Path("a.yaml"))
    assert document.problems == (), text
    return ArticleSchema.model_validate(document.value).value()


def test_the_form() -> None:
    article = Article(
        id="ansluta",
        topic="anslutning",
        administration="samordnare",
        responsible="föreningssamordnare",
        texts={
            "en": ArticleText("en", ("How: join?",), "One line."),
            "sv": ArticleText(
                "sv",
                ("Hur går vi med?", "no", "2020", "*bidrag"),
                "Först.\n\n- Sedan\n- # mera",
                short="Kort.",
                approved_by="Kim Prov",
                approved_on=date(2026, 2, 1),
                version=3,
                revision_id=17,
            ),
        },
        sources=(Source("Staden: om oss", "https://helsingborg.se/x", "2020"), Source("Bara titel")),
        as_of="2020-12",
        perishable=frozenset({Perishable.PERSON, Perishable.AMOUNT}),
        review_by=date(2027, 1, 1),
    )
    assert article_to_yaml(article) == dedent("""\
        id: ansluta
        topic: anslutning
        administration: samordnare
        responsible: föreningssamordnare
        as_of: 2020-12
        perishable:
          - amount
          - person
        checked_on: null
        link_checked_on: null
        review_by: 2027-01-01
        approve_first: null
        sources:
          - title: 'Staden: om oss'
            url: https://helsingborg.se/x
            date: '2020'
          - title: Bara titel
        sv:
          approved_by: Kim Prov
          approved_on: 2026-02-01
          questions:
            - Hur går vi med?
            - 'no'
            - '2020'
            - '*bidrag'
          answer: |
            Först.

            - Sedan
            - # mera
          short: Kort.
        en:
          approved_by: null
          approved_on: null
          questions:
            - 'How: join?'
          answer: |
            One line.
        """)


LETTERS = st.sampled_from("abåäöé🎉:#-*&!|>'\"%@`{}[],?. \n\t\r\x85\u2028\u200b1230~=<\\")
TEXT = (
    (st.text(LETTERS) | st.text())
    .map(lambda text: unicodedata.normalize("NFC", text).replace("\r\n", "\n").strip())
    .filter(lambda text: text != "" and not UNPRINTABLE.search(text) and text == text.strip("\ufeff\x85\u2028"))
)
DAY = st.none() | st.dates(date(1900, 1, 1), date(2999, 12, 31))
IDENTIFIER = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True)
COARSE_DATE = st.none() | st.sampled_from(["2020", "2020-12", "2020-12-01"])


def article_text(language: str) -> st.SearchStrategy[ArticleText]:
    return st.builds(
        ArticleText,
        language=st.just(language),
        questions=st.lists(TEXT, min_size=1, max_size=3).map(tuple),
        answer=TEXT,
        short=st.just("") | TEXT,
        approved_by=st.none() | TEXT,
        approved_on=DAY,
    )


ARTICLES = st.builds(
    Article,
    id=IDENTIFIER,
    topic=IDENTIFIER,
    administration=IDENTIFIER,
    responsible=TEXT,
    texts=st.fixed_dictionaries(
        {"sv": article_text("sv")}, optional={"en": article_text("en"), "no": article_text("no")}
    ),
    sources=st.lists(
        st.builds(Source, TEXT, st.none() | st.just("https://helsingborg.se/å"), COARSE_DATE), min_size=1, max_size=2
    ).map(tuple),
    as_of=COARSE_DATE,
    perishable=st.frozensets(st.sampled_from(Perishable)),
    checked_on=DAY,
    link_checked_on=DAY,
    review_by=DAY,
    approve_first=st.none() | TEXT,
)


@settings(deadline=None, max_examples=30)
@given(ARTICLES)
def test_reading_what_was_written_gives_the_same_article(article: Article) -> None:
    written = article_to_yaml(article)
    assert read_back(written) == article
    assert article_to_yaml(read_back(written)) == written
