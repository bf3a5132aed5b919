"""Does the content make sense together, and does it keep the rules? What ``lokbot check`` says of it.

Each check takes the ``Content`` and yields problems; ``CHECKS`` is the order they are asked in. What a single
file must look like is asked earlier, in ``loading``. The rules are those of DESIGN section 5.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

from lokbot.knowledge import prose
from lokbot.knowledge.positions import Positions, Trail
from lokbot.knowledge.problems import Problem, did_you_mean, in_order, quoted
from lokbot.knowledge.texts import Content
from lokbot.model import Article, GoldenQuestion, Knowledge, LocalText
from lokbot.understanding.normalize import fold, words
from lokbot.understanding.rules import Rules

MOST_TOPICS = 25
"""More headings than this no steering group reads, and too few questions fall under each."""

LANGUAGES = ("sv", "en")
"""The languages that every article and phrase should have."""

OTHER_LANGUAGE_LINE = "other-language.line"
"""The phrase of all other languages: that the answer is in Swedish and English, and that a person can help."""


def check(
    knowledge: Knowledge,
    positions: Positions,
    *,
    today: date,
    required_phrases: Mapping[str, frozenset[str]] | None = None,
    lix_limit: float = 45.0,
) -> tuple[Problem, ...]:
    """All findings, by file and line. ``positions`` are those of the reading that gave ``knowledge``.

    ``required_phrases`` maps each phrase key that the replies use to the placeholders they fill in.
    An answer in Swedish above ``lix_limit`` (LIX) gets a warning.
    """
    content = Content(knowledge, positions, today, required_phrases or {}, lix_limit)
    return in_order(problem for ask in CHECKS for problem in ask(content))


# ------------------------------------------------------------------------------- what refers to what


def dangling_references(content: Content) -> Iterator[Problem]:
    """Topics, administrations and articles that are named but do not exist."""
    knowledge = content.knowledge

    def missing(trail: Trail, what: str, name: str | None, known: Iterable[str]) -> Iterator[Problem]:
        if name is not None and name not in known:
            remedy = f"{did_you_mean(name, known)}Rätta id, eller lägg till det som saknas."
            yield content.error(trail, f"{what} {quoted(name)} finns inte", remedy)

    for article in knowledge.articles.values():
        here: Trail = ("articles", article.id)
        yield from missing((*here, "topic"), "rubriken", article.topic, knowledge.topics)
        yield from missing(
            (*here, "administration"), "förvaltningen", article.administration, knowledge.administrations
        )
    for intent in knowledge.intents:
        here = ("intents", intent.id)
        yield from missing((*here, "topic"), "rubriken", intent.topic, knowledge.topics)
        yield from missing((*here, "administration"), "förvaltningen", intent.administration, knowledge.administrations)
        yield from missing((*here, "article"), "artikeln", intent.article, knowledge.articles)
    for golden in knowledge.golden:
        here = ("golden", golden.id, "expect")
        for index, name in enumerate(golden.articles):
            yield from missing((*here, "articles", index), "artikeln", name, knowledge.articles)
        yield from missing((*here, "administration"), "förvaltningen", golden.administration, knowledge.administrations)
    for topic in knowledge.topics.values():
        for index, text in enumerate(topic.elsewhere):
            _, arrow, name = text.replace("→", "->").rpartition("->")
            if arrow:
                trail = ("topics", topic.id, "elsewhere", index)
                yield from missing(trail, "rubriken", name.strip(), knowledge.topics)


def too_many_topics(content: Content) -> Iterator[Problem]:
    names = list(content.knowledge.topics)
    if len(names) > MOST_TOPICS:
        yield content.error(
            ("topics", names[MOST_TOPICS]),
            f"det finns {len(names)} rubriker, fler än {MOST_TOPICS}",
            "Slå ihop rubriker som ligger nära varandra.",
        )


def missing_translations(content: Content) -> Iterator[Problem]:
    """Texts that an English asker would get in Swedish."""
    knowledge = content.knowledge

    def untranslated(trail: Trail, text: LocalText | None) -> Iterator[Problem]:
        if text is not None and not text.en:
            yield content.warning(trail, "engelsk översättning saknas", "Lägg till en: med samma innehåll.")

    for article in knowledge.articles.values():
        if article.text("en") is None:
            yield content.warning(
                ("articles", article.id),
                "artikeln saknar engelsk text",
                "Lägg till en: med questions och answer.",
            )
    for owner in knowledge.administrations.values():
        for field, text in (("name", owner.name), ("matters", owner.matters), ("contact", owner.contact)):
            yield from untranslated(("administrations", owner.id, field), text)
    for topic in knowledge.topics.values():
        yield from untranslated(("topics", topic.id, "name"), topic.name)
    for entry in knowledge.glossary:
        yield from untranslated(("glossary", entry.term, "explanation"), entry.explanation)


# ------------------------------------------------------------------------------- wordings and rules


def _written_questions(article: Article) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Every list of questions of an article, with where it stands."""
    for code, text in article.texts.items():
        yield ("articles", article.id, code, "questions"), text.questions
    for code, found in article.wordings.items():
        yield ("articles", article.id, "wordings", code), found
    yield ("articles", article.id, "near_misses"), article.near_misses


def same_wordings(content: Content) -> Iterator[Problem]:
    """Wordings that stand twice, or in the golden questions, where they would make the measurement lie.

    Case, punctuation and spaces do not tell wordings apart, but å ä ö do: LÖK and LOK are different matters.
    """
    golden = {words(question.text): question for question in content.knowledge.golden}
    first: dict[tuple[str, ...], Article] = {}
    for article in content.knowledge.articles.values():
        for trails, questions in _written_questions(article):
            for index, wording in enumerate(questions):
                trail: tuple[str | int, ...] = (*trails, index)
                key = words(wording)
                if (question := golden.get(key)) is not None:
                    yield content.error(
                        trail,
                        f"{quoted(wording)} är också facitfrågan {quoted(question.id)}",
                        "Ta bort den här: en fråga som boten har läst in mäter ingenting.",
                    )
                other = first.setdefault(key, article)
                if other is not article:
                    yield content.error(
                        trail,
                        f"{quoted(wording)} finns också i artikeln {quoted(other.id)}",
                        "Behåll frågan i den artikel som svarar bäst på den.",
                    )
                elif key in map(words, questions[:index]):
                    yield content.warning(trail, f"{quoted(wording)} står två gånger i artikeln", "Ta bort den ena.")


def same_golden_questions(content: Content) -> Iterator[Problem]:
    """A golden question that stands twice weighs twice, and may stand on both sides of a split.

    Case, punctuation, spaces and the dots of å ä ö do not tell them apart, unless the right article does (LÖK, LOK).
    """
    first: dict[tuple[str, ...], GoldenQuestion] = {}
    for golden in content.knowledge.golden:
        key = words(fold(golden.text)) or (golden.text.strip(),)
        other = first.setdefault(key, golden)
        if other is golden or (words(other.text) != words(golden.text) and other.articles != golden.articles):
            continue
        yield content.error(
            ("golden", golden.id, "q"),
            f"frågan {quoted(golden.text)} finns redan, som {quoted(other.id)}",
            "Ta bort den ena, eller skriv om den.",
        )


def intent_examples(content: Content) -> Iterator[Problem]:
    """Every example hits its intent, no counterexample does, and no golden question is compared with."""
    golden = {words(question.text): question for question in content.knowledge.golden}
    for intent in content.knowledge.intents:
        for index, text in enumerate(intent.sounds_like):
            if (question := golden.get(words(text))) is not None:
                yield content.error(
                    ("intents", intent.id, "sounds_like", index),
                    f"{quoted(text)} är också facitfrågan {quoted(question.id)}",
                    "Ta bort den här: en fråga som boten har läst in mäter ingenting.",
                )
        compiled = Rules((intent,))
        for index, text in enumerate(intent.examples):
            if not compiled.hits(text):
                yield content.error(
                    ("intents", intent.id, "examples", index),
                    f"exemplet {quoted(text)} träffar inte {quoted(intent.id)}",
                    "Lägg till ett sökord i reglerna, eller ta bort exemplet.",
                )
        for index, text in enumerate(intent.counterexamples):
            if hit := compiled.hits(text):
                yield content.error(
                    ("intents", intent.id, "counterexamples", index),
                    f"motexemplet {quoted(text)} träffar {quoted(f'{hit[0].intent.id}: {hit[0].evidence.detail}')}",
                    "Gör sökorden smalare, eller lägg till ett ord i none.",
                )


# ------------------------------------------------------------------------------- phrases


def phrases(content: Content) -> Iterator[Problem]:
    """Every phrase exists in Swedish and English, with the placeholders that are filled in.

    Any further language holds ``OTHER_LANGUAGE_LINE`` and may hold no more.
    """
    by_language = content.knowledge.phrases
    languages = (*LANGUAGES, *sorted(by_language.keys() - set(LANGUAGES)))
    keys = {*content.required_phrases, *(key for texts in by_language.values() for key in texts)}
    for key in sorted(keys):
        expected = content.required_phrases.get(key)
        for language in languages:
            if (key == OTHER_LANGUAGE_LINE) is (language in LANGUAGES):
                continue  # the one sentence that the other languages have, and Swedish and English do not need
            trail = ("phrases", language, key)
            text = by_language.get(language, {}).get(key)
            if text is None:
                yield content.error(
                    trail, f"frasen {quoted(key)} saknas på {quoted(language)}", f"Lägg till {key}: under {language}."
                )
                continue
            try:
                found = placeholders(text)
            except ValueError:
                yield content.error(
                    trail,
                    f"frasen {quoted(key)} har en klammer som inte hör ihop med någon annan",
                    "Skriv {namn}, eller {{ och }} för klamrar som ska synas.",
                )
                continue
            # Where the replies demand nothing, the first language that has the phrase sets the pattern.
            expected = found if expected is None else expected
            if found != expected:
                yield content.error(
                    trail,
                    f"frasen {quoted(key)} fyller i {_listed(found)} men ska fylla i {_listed(expected)}",
                    "Ändra orden inom klamrar så att de stämmer.",
                )


def placeholders(text: str) -> frozenset[str]:
    """The names within braces as ``str.format`` reads them. Raises ValueError for a lone brace."""
    return frozenset(
        name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
        for _, name, spec, conversion in string.Formatter().parse(text)
        if name is not None
    )


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names)) or "ingenting"


# ------------------------------------------------------------------------------- approval


def approvals(content: Content) -> Iterator[Problem]:
    """An approval has a name and a day, both real; what nobody approved is counted."""
    unapproved = total = 0
    for article in content.knowledge.articles.values():
        here: Trail = ("articles", article.id)
        for language, text in article.texts.items():
            total += 1
            unapproved += text.approved_by is None
            if (text.approved_by is None) != (text.approved_on is None):
                lacking = "approved_on" if text.approved_by else "approved_by"
                has = "approved_by" if text.approved_by else "approved_on"
                yield content.error(
                    (*here, language, has),
                    f"godkännandet har {has} men inte {lacking}",
                    f"Fyll i {lacking}, eller skriv null i båda.",
                )
            yield from _not_yet((*here, language, "approved_on"), text.approved_on, content)
        yield from _not_yet((*here, "checked_on"), article.checked_on, content)
        yield from _not_yet((*here, "link_checked_on"), article.link_checked_on, content)
        if article.review_by is not None and article.review_by < content.today:
            yield content.warning(
                (*here, "review_by"),
                f"texten skulle ha setts över senast {article.review_by} och skickas inte längre av sig själv",
                "Läs igenom texten, godkänn den på nytt och flytta fram review_by.",
            )
    if unapproved:
        yield content.info(
            ("articles",),
            f"{unapproved} av {total} texter är inte godkända och skickas inte av sig själva",
            "Gå igenom dem med lokbot approve --review.",
        )


def _not_yet(trail: Trail, day: date | None, content: Content) -> Iterator[Problem]:
    if day is not None and day > content.today:
        yield content.error(trail, f"dagen {day} har inte varit än", "Rätta datumet.")


CHECKS: tuple[Callable[[Content], Iterator[Problem]], ...] = (
    dangling_references,
    too_many_topics,
    missing_translations,
    same_wordings,
    same_golden_questions,
    intent_examples,
    phrases,
    prose.facts_that_age,
    approvals,
    prose.links,
    prose.contact_details,
    prose.style,
    prose.reading_ease,
)
