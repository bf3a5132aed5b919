"""A file is brought up to date where it stands: what has not changed keeps its comments, order, quotes and layout."""

from __future__ import annotations

import difflib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lokbot.knowledge.amending import NotAmendable
from lokbot.knowledge.document import parse
from lokbot.knowledge.schemas import ArticleSchema
from lokbot.knowledge.updating import with_article
from lokbot.knowledge.writing import article_to_yaml
from lokbot.model import Article, ArticleText, Source
from tests.unit.knowledge.test_writing import ARTICLES

FILE = Path("ga-med.yaml")
REAL = sorted((Path(__file__).parents[3] / "knowledge" / "articles").glob("*.yaml"))

TEXT = """\
# Om att gå med
id: ga-med          # samma som filnamnet
responsible: föreningssamordnare
topic: anslutning
administration: "samordnare"
checked_on:         # aldrig än
sources:
  # stadens egen sida
  - {title: "Staden: om oss", url: "https://helsingborg.se/x"}
near_misses: ["Vad kostar det?", "Hur går man ur?"]   # kort
sv:
  approved_by: null
  questions:        # korta sist
    - Hur går vi med?
    - "bli medlem: hur"   # ur chatten
    # ur mejlen
    - 'hur blir man medlem'

  # Svaret
  answer: |         # kontrollerat med Kim
    Fatta ett beslut.

# På engelska
en:
  questions: ["How do we join?"]
  answer: Decide.
"""


def read(text: str) -> Article:
    return ArticleSchema.model_validate(parse(text.encode(), FILE).value).value()


def changes(before: str, after: str) -> list[str]:
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


def with_text(article: Article, language: str, **fields: object) -> Article:
    text = replace(article.texts[language], **fields)  # type: ignore[arg-type]
    return replace(article, texts={**article.texts, language: text})


def test_nothing_changes_where_nothing_has_changed() -> None:
    assert with_article(TEXT, FILE, read(TEXT)) == TEXT


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            lambda one: replace(one, administration="kultur"),
            ['- administration: "samordnare"', "+ administration: kultur"],
        ),
        (
            lambda one: replace(one, checked_on=date(2026, 11, 1)),
            ["- checked_on:         # aldrig än", "+ checked_on: 2026-11-01         # aldrig än"],
        ),
        (lambda one: replace(one, review_by=date(2027, 1, 1)), ["+ review_by: 2027-01-01"]),
        (
            lambda one: replace(one, near_misses=("Vad kostar det?",)),
            [
                '- near_misses: ["Vad kostar det?", "Hur går man ur?"]   # kort',
                "+ near_misses: ['Vad kostar det?']   # kort",
            ],
        ),
        (
            lambda one: with_text(one, "sv", questions=("Hur går vi med?", "Vem får?", *one.texts["sv"].questions[1:])),
            ["+     - Vem får?"],
        ),
        (
            lambda one: with_text(one, "sv", questions=one.texts["sv"].questions[:2]),
            ["-     - 'hur blir man medlem'"],
        ),
        (
            lambda one: with_text(one, "sv", questions=("Hur går vi med?", "bli medlem, hur", "hur blir man medlem")),
            ['-     - "bli medlem: hur"   # ur chatten', "+     - bli medlem, hur   # ur chatten"],
        ),
        (
            lambda one: with_text(one, "sv", answer="Fatta ett beslut.\n\nSkriv sedan."),
            ["+     Skriv sedan.", "+ "],
        ),
        (lambda one: with_text(one, "sv", short="Besluta."), ["+   short: Besluta."]),
        (
            lambda one: replace(one, sources=(*one.sources, Source("Ny", None, "2026"))),
            ["+   - title: Ny", "+     date: '2026'"],
        ),
    ],
)
def test_only_what_has_changed_is_written(changed, expected) -> None:  # type: ignore[no-untyped-def]
    article = changed(read(TEXT))
    after = with_article(TEXT, FILE, article)
    assert changes(TEXT, after) == expected
    assert read(after) == article


def test_a_language_comes_and_goes() -> None:
    article = read(TEXT)
    more = replace(article, texts={**article.texts, "ar": ArticleText("ar", ("كيف ننضم؟",), "قرروا.")})
    after = with_article(TEXT, FILE, more)
    assert read(after) == more
    assert "# På engelska" in after
    assert read(with_article(after, FILE, article)) == article


@pytest.mark.parametrize("file", REAL, ids=[file.stem for file in REAL])
def test_every_file_of_ours_can_be_updated_where_it_stands(file: Path) -> None:
    text = file.read_text("utf-8")
    article = read(text)
    assert with_article(text, file, article) == text
    told = article.texts["sv"]
    after = replace(
        with_text(
            article, "sv", questions=(*told.questions, "En fråga till?"), answer=told.answer + "\n\nEn rad till."
        ),
        review_by=date(2027, 5, 1),
    )
    written = with_article(text, file, after)
    assert read(written) == after
    assert {line.strip() for line in text.splitlines() if "#" in line} <= {
        line.strip() for line in written.splitlines()
    }


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.filter_too_much])
@given(ARTICLES, ARTICLES, st.booleans())
def test_any_article_is_written_over_any_other(before: Article, after: Article, has_comments: bool) -> None:
    text = article_to_yaml(before)
    if has_comments:
        text = "# först\n" + text + "# sist\n"
    try:
        written = with_article(text, FILE, replace(after, id=before.id))
    except NotAmendable:
        pytest.fail("laid out as we lay it out")
    assert {"# först", "# sist"} <= set(written.splitlines()) or not has_comments


def test_a_file_with_errors_is_left_alone() -> None:
    with pytest.raises(NotAmendable):
        with_article("id: [", FILE, read(TEXT))
