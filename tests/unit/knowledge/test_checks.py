"""Each check finds its fault in a sample where nothing else is wrong, on the right line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lokbot.knowledge.checks import CHECKS, MOST_TOPICS, check, placeholders
from lokbot.knowledge.problems import Problem, Severity
from tests.unit.knowledge.sample import FILES, TODAY, findings, line_of, read_from, reading, write

ARTICLE = "knowledge/articles/ansluta-forening.yaml"
LOOK_ALIKE = "knowledge/articles/lok-stod.yaml"
OWNERS = "knowledge/administrations.yaml"
PHRASES = "knowledge/phrases.yaml"
GOLDEN = "knowledge/golden/development/all.yaml"
TOPICS = "intents/topics.yaml"
INTENTS = "intents/forvaxlingar.yaml"

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


def noteworthy(problems: tuple[Problem, ...]) -> list[Problem]:
    return [problem for problem in problems if problem.severity is not INFO]


def test_nothing_is_wrong_with_the_sample(tmp_path: Path) -> None:
    (median,) = findings(tmp_path)
    assert median.severity is INFO
    assert median.line is None
    assert median.message == "median-LIX är 24,2 för 2 svenska svar"


def test_every_check_is_in_the_table() -> None:
    assert len(CHECKS) == len(set(CHECKS)) == 13


@pytest.mark.parametrize(
    ("file", "old", "new", "severity", "at", "message"),
    [
        # references
        (ARTICLE, "topic: anslutning", "topic: ansluta", ERROR, "topic:", "rubriken »ansluta» finns inte"),
        (
            ARTICLE,
            "administration: samordnare",
            "administration: x",
            ERROR,
            "administration:",
            "förvaltningen »x» finns",
        ),
        (INTENTS, "topic: anslutning", "topic: x", ERROR, "topic:", "rubriken »x» finns inte"),
        (INTENTS, "administration: rf-sisu", "administration: x", ERROR, "administration:", "förvaltningen »x» finns"),
        (INTENTS, "article: lok-stod", "article: x", ERROR, "article:", "artikeln »x» finns inte"),
        (GOLDEN, "[ansluta-forening]", "[lok-stod, x]", ERROR, "expect:", "artikeln »x» finns inte"),
        (GOLDEN, "administration: samordnare", "administration: x", ERROR, "expect:", "förvaltningen »x» finns inte"),
        (TOPICS, "-> ovrigt", "→ ovrig", ERROR, "elsewhere:", "rubriken »ovrig» finns inte"),
        # translations
        (
            OWNERS,
            "name: {sv: RF-SISU, en: RF-SISU}",
            "name: {sv: RF}",
            WARNING,
            "name: {sv: RF}",
            "engelsk översättning",
        ),
        (OWNERS, ", en: support for sports", "", WARNING, "stöd till idrott", "engelsk översättning"),
        (OWNERS, ', en: "See https://www.rf.se."', "", WARNING, "Se https", "engelsk översättning"),
        (TOPICS, ", en: Other", "", WARNING, "Övrigt", "engelsk översättning"),
        ("knowledge/glossary.yaml", ", en: a part of the minutes", "", WARNING, "explanation", "engelsk översättning"),
        # wordings
        (
            LOOK_ALIKE,
            "[Vad är LOK?]",
            "[hur går vi  MED]",
            ERROR,
            "questions:",
            "finns också i artikeln »ansluta-forening»",
        ),
        (ARTICLE, '"bli medlem: hur"', "hur går vi med...", WARNING, "med...", "står två gånger i artikeln"),
        (ARTICLE, "How do we join?", '"vi vill ansluta oss, hur gör vi"', ERROR, "hur gör vi", "facitfrågan »g001»"),
        # rules
        (
            INTENTS,
            "Hur söker vi LOK-stöd?",
            "Hur söker vi bluff-LOK-stöd?",
            ERROR,
            "examples",
            "träffar inte »lok-stod»",
        ),
        (INTENTS, "[Vad är LÖK?]", "[Vad är lok stödet?]", ERROR, "counterexamples", "träffar »lok-stod: lok stödet»"),
        # phrases
        (PHRASES, "  braces: Write {{so}}.\n", "", ERROR, "en:", "frasen »braces» saknas på »en»"),
        (
            PHRASES,
            "number is {case}",
            "number is {number}",
            ERROR,
            "number is",
            "fyller i {number} men ska fylla i {case}",
        ),
        (PHRASES, "number is {case}", "number is {case:>9}", ERROR, "number is", "fyller i {case:>9} men"),
        (PHRASES, "number is {case}", "number is {case.__class__}", ERROR, "number is", "{case.__class__} men"),
        (
            PHRASES,
            "number is {case}",
            "number is yours",
            ERROR,
            "number is",
            "fyller i ingenting men ska fylla i {case}",
        ),
        (PHRASES, "{{so}}", "{so}}", ERROR, "Write", "klammer som inte hör ihop"),
        # facts that age
        (ARTICLE, 'as_of: "2020-12"\n', "", ERROR, "perishable:", "säger inte när de gällde"),
        (LOOK_ALIKE, "ett annat stöd", "upp till 1 500 kr", WARNING, "1 500", "»1 500 kr» ser ut som en uppgift"),
        (LOOK_ALIKE, "another grant", "up to SEK or 20 SEK", WARNING, "20 SEK", "»20 SEK» ser ut som"),
        (LOOK_ALIKE, "ett annat stöd", "stöd att söka senast i vår", WARNING, "senast", "»senast» ser ut som"),
        (LOOK_ALIKE, "ett annat stöd", "öppet den 1 mars", WARNING, "1 mars", "»1 mars» ser ut som"),
        (LOOK_ALIKE, "ett annat stöd", "öppet tisdagen den 14 mars 2026", WARNING, "14", "»tisdagen den 14 mars 2026»"),
        (LOOK_ALIKE, "ett annat stöd", "öppet på tisdagar", WARNING, "tisdagar", "»tisdagar» ser ut som"),
        (LOOK_ALIKE, "another grant", "open March 3", WARNING, "March", "»March 3» ser ut som"),
        # approval
        (
            ARTICLE,
            "approved_by: Kim Prov",
            "approved_by: null",
            ERROR,
            "approved_on",
            "approved_on men inte approved_by",
        ),
        (
            ARTICLE,
            "approved_on: 2026-02-01",
            "approved_on: null",
            ERROR,
            "approved_by",
            "approved_by men inte approved_on",
        ),
        (ARTICLE, "approved_on: 2026-02-01", "approved_on: 2026-03-03", ERROR, "approved_on", "har inte varit än"),
        (ARTICLE, "checked_on: 2026-01-15", "checked_on: 2027-01-15", ERROR, "checked_on", "har inte varit än"),
        (ARTICLE, '"2026-01-16"', "2026-03-16", ERROR, "link_checked_on", "har inte varit än"),
        (ARTICLE, "2027-01-01", "2026-03-01", WARNING, "review_by", "setts över senast 2026-03-01"),
        # links
        (ARTICLE, "på https://", "på http://", ERROR, "Läs mer", "börjar inte med https://"),
        (ARTICLE, "på https://", "på www.", ERROR, "Läs mer", "»www.helsingborg.se/lok» börjar inte med https://"),
        (ARTICLE, "på https://", "på https://test.", ERROR, "Läs mer", "provmiljö"),
        (ARTICLE, 'url: "https://', 'url: "https://hela.', ERROR, "title", "»https://hela.helsingborg.se/lok» leder"),
        (ARTICLE, "på https://helsingborg.se/", "på https://[helsingborg.se/", ERROR, "Läs mer", "går inte att läsa"),
        (OWNERS, "url: https://www.rf.se\n", "url: http://www.rf.se\n", ERROR, "url: http", "börjar inte med https://"),
        (OWNERS, "https://www.rf.se/stod", "http://www.rf.se/stod", ERROR, "source:", "börjar inte med https://"),
        (OWNERS, "Se https://www.rf.se.", "Se http://www.rf.se.", ERROR, "Se http", "»http://www.rf.se» börjar inte"),
        (
            ARTICLE,
            'link_checked_on: "2026-01-16"\n',
            "",
            WARNING,
            "Läs mer",
            "provat länken »https://helsingborg.se/lok»",
        ),
        # contact details
        (
            ARTICLE,
            "lok@helsingborg.se.",
            "kim.prov@helsingborg.se.",
            ERROR,
            "- Skicka",
            "»kim.prov@helsingborg.se» får",
        ),
        (ARTICLE, "ett beslut", "ett beslut, ring 0701-23 45 67", ERROR, "Styrelsen", "»0701-23 45 67» får inte"),
        (ARTICLE, "Hur går vi med?", "kim@example.org?", ERROR, "kim@", "»kim@example.org» får inte"),
        (LOOK_ALIKE, "title: Riks", "title: 042-10 00 00 Riks", ERROR, "title", "»042-10 00 00» får inte"),
        (OWNERS, "Ring 042-10 50 00.", "Ring 042-10 50 01.", ERROR, "Ring", "»042-10 50 01» får inte"),
        (OWNERS, "+46 42 10 50 00", "+46 (0)42 10 50 09", ERROR, "+46", "»+46 (0)42 10 50 09» får inte"),
        (OWNERS, "stöd till idrott", "kim@example.org", ERROR, "kim@", "får inte lämnas ut"),
        (PHRASES, "Ditt ärendenummer", "Mejla kim@example.org. Ditt", ERROR, "Mejla", "»kim@example.org» får inte"),
        (TOPICS, "en: Other", "en: kim@example.org", ERROR, "Övrigt", "får inte lämnas ut"),
        ("knowledge/glossary.yaml", "en del av", "kim@example.org", ERROR, "explanation", "får inte lämnas ut"),
        # style
        (ARTICLE, "fattar ett", "säger jag förstår inte ett", WARNING, "Styrelsen", "lägger skulden på"),
        (ARTICLE, "The board takes", "I don't understand", WARNING, "I don't", "lägger skulden på"),
        (ARTICLE, "fattar ett", "ni har rätt till ett", WARNING, "Styrelsen", "lovar något som andra avgör"),
        (ARTICLE, "Skicka beslutet", "Jag tar beslutet", WARNING, "Jag tar", "låter som om en person skriver"),
        (ARTICLE, "Skicka beslutet", "Skicka 🎉 beslutet", WARNING, "🎉", "en bild"),
        (ARTICLE, "ett beslut.\n", "ett beslut!\n", WARNING, "beslut!", "utropstecken"),
        (ARTICLE, "Styrelsen", "Hej, styrelsen", WARNING, "Hej", "hälsning"),
        (ARTICLE, "Styrelsen", "**Styrelsen", WARNING, "**", "kod för utseende"),
        (ARTICLE, "    - Läs mer", "    # Läs mer", WARNING, "# Läs mer", "kod för utseende"),
        (ARTICLE, "Styrelsen", "<b>Styrelsen", WARNING, "<b>", "kod för utseende"),
        (ARTICLE, "short: Skicka", f"short: {'Ni. ' * 76}Skicka", WARNING, "short:", "det korta svaret har 346 tecken"),
    ],
)
def test_each_check_finds_its_fault_and_no_other_does(
    tmp_path: Path, file: str, old: str, new: str, severity: Severity, at: str, message: str
) -> None:
    (problem,) = noteworthy(findings(tmp_path, file, old, new))
    assert message in problem.message
    assert problem.severity is severity
    assert problem.file == tmp_path / file
    assert problem.line == line_of(tmp_path / file, at)
    assert problem.remedy


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (LOOK_ALIKE, "ett annat stöd", "från tisdagen den 14 mars 2017"),
        (LOOK_ALIKE, "ett annat stöd", "från 2008 och 1 mars 2025"),
        (ARTICLE, "ett beslut", "ett beslut senast den 1 mars"),
        (ARTICLE, "lok@helsingborg.se.", "kontaktcenter@helsingborg.se."),
        (ARTICLE, "ett beslut", "ett beslut, ring 042-105000 eller 0046 42 10 50 00"),
        (ARTICLE, "ett beslut", "ett beslut 2017-03-14, 802400-1234, 10 000 000, 112 eller kl 08-17"),
        (ARTICLE, "på https://helsingborg.se/lok", "på https://helsingborg.se/0701234567"),
        (ARTICLE, "på https://helsingborg.se/lok", "på https://helsingborg.se/jag-ar-aktiv/senast/#!1-mars"),
        (LOOK_ALIKE, "[Vad är LOK?]", "[Vad är LÖK?, Vad är LOK?]"),
        (ARTICLE, "ett beslut", "ett beslut (jaga inte). Hejda er"),
    ],
)
def test_what_only_looks_wrong_is_left_alone(tmp_path: Path, file: str, old: str, new: str) -> None:
    assert noteworthy(findings(tmp_path, file, old, new)) == []


def test_an_article_without_english(tmp_path: Path) -> None:
    article = FILES[LOOK_ALIKE].split("\nen:\n")[0] + "\n"
    write(tmp_path)
    write(tmp_path, {LOOK_ALIKE: article})
    found = read_from(tmp_path)
    assert found.knowledge is not None
    (problem,) = noteworthy(check(found.knowledge, found.positions, today=TODAY))
    assert (problem.message, problem.severity) == ("artikeln saknar engelsk text", WARNING)
    assert problem.file == tmp_path / LOOK_ALIKE


def test_a_dangling_reference_suggests_the_nearest_id(tmp_path: Path) -> None:
    (problem,) = noteworthy(findings(tmp_path, ARTICLE, "topic: anslutning", "topic: anslutningar"))
    assert problem.remedy.startswith("Menade du »anslutning»?")


def test_too_many_topics(tmp_path: Path) -> None:
    extra = "".join(
        f"- id: t{number}\n  name: {{sv: x, en: x}}\n  definition: x\n" for number in range(MOST_TOPICS - 1)
    )
    (problem,) = noteworthy(findings(tmp_path, TOPICS, "- id: ovrigt", extra + "- id: ovrigt"))
    assert problem.message == "det finns 26 rubriker, fler än 25"
    assert problem.severity is ERROR
    assert problem.line == line_of(tmp_path / TOPICS, "id: ovrigt")


def test_as_many_topics_as_allowed(tmp_path: Path) -> None:
    extra = "".join(
        f"- id: t{number}\n  name: {{sv: x, en: x}}\n  definition: x\n" for number in range(MOST_TOPICS - 2)
    )
    assert noteworthy(findings(tmp_path, TOPICS, "- id: ovrigt", extra + "- id: ovrigt")) == []


def test_unapproved_texts_are_summed_up_in_one_line(tmp_path: Path) -> None:
    text = FILES[ARTICLE].replace("Kim Prov", "null").replace("2026-02-01", "null")
    write(tmp_path)
    write(tmp_path, {ARTICLE: text})
    found = read_from(tmp_path)
    assert found.knowledge is not None
    problems = check(found.knowledge, found.positions, today=TODAY)
    assert [(problem.severity, problem.message) for problem in problems if "godkända" in problem.message] == [
        (INFO, "2 av 4 texter är inte godkända och skickas inte av sig själva")
    ]
    assert problems[0].file == tmp_path / "knowledge/articles"
    assert noteworthy(problems) == []


def test_a_review_on_its_last_day_has_not_passed(tmp_path: Path) -> None:
    assert noteworthy(findings(tmp_path, ARTICLE, "2027-01-01", TODAY.isoformat())) == []


def test_today_is_what_it_is_told_to_be(tmp_path: Path) -> None:
    found = reading(tmp_path)
    assert found.knowledge is not None
    (problem,) = noteworthy(check(found.knowledge, found.positions, today=date(2027, 1, 2)))
    assert "2027-01-01" in problem.message


def test_required_phrases(tmp_path: Path) -> None:
    required = {"case": frozenset({"case", "name"}), "greeting": frozenset[str]()}
    problems = noteworthy(findings(tmp_path, required=required))
    assert [(problem.message, problem.line) for problem in problems] == [
        ("frasen »greeting» saknas på »sv»", 1),
        ("frasen »case» fyller i {case} men ska fylla i {case}, {name}", 2),
        ("frasen »greeting» saknas på »en»", 4),
        ("frasen »case» fyller i {case} men ska fylla i {case}, {name}", 5),
    ]


def test_a_language_without_any_phrase(tmp_path: Path) -> None:
    problems = noteworthy(findings(tmp_path, PHRASES, FILES[PHRASES].partition("en:\n")[2], "  case: '{case}'\n"))
    assert [problem.message for problem in problems] == ["frasen »braces» saknas på »en»"]


def test_lix_above_the_limit(tmp_path: Path) -> None:
    problems = noteworthy(findings(tmp_path, lix_limit=20))
    assert [(problem.file.name, problem.message) for problem in problems] == [
        ("ansluta-forening.yaml", "svaret är tungt att läsa: LIX 23, över 20"),
        ("lok-stod.yaml", "svaret är tungt att läsa: LIX 25, över 20"),
    ]
    assert problems[0].line == line_of(tmp_path / ARTICLE, "answer: |")


def test_placeholders() -> None:
    assert placeholders("{a} och {b} {{inte}} {a}") == {"a", "b"}
    with pytest.raises(ValueError, match="expected '}'"):
        placeholders("{a")


def test_long_sentences_in_any_language(tmp_path: Path) -> None:
    (problem,) = noteworthy(findings(tmp_path, ARTICLE, "The board takes a", "a " * 16))
    assert problem.message == "meningarna har i snitt 17,0 ord, fler än 16"
    assert problem.severity is WARNING
    assert problem.line == line_of(tmp_path / ARTICLE, "How do we join?") + 1


def test_sentences_of_the_greatest_length_are_fine(tmp_path: Path) -> None:
    assert noteworthy(findings(tmp_path, ARTICLE, "The board takes a", "a " * 15)) == []


@pytest.mark.parametrize(
    ("text", "is_twice"),
    [
        ("vi vill ansluta oss  hur gör vi", True),
        ("Vi vill ansluta oss, hur gor vi?", True),
        ("Vi vill ansluta oss, hur gör man?", False),
    ],
)
def test_a_golden_question_stands_once_over_the_pools(tmp_path: Path, text: str, is_twice: bool) -> None:
    expect = "{outcome: answer, articles: [ansluta-forening]}"
    item = f'- {{id: u1, q: "{text}", language: sv, style: chat, expect: {expect}}}'
    write(tmp_path, {**FILES, "knowledge/golden/unseen/u.yaml": item})
    found = read_from(tmp_path)
    assert found.knowledge is not None
    told = [one.message for one in check(found.knowledge, found.positions, today=TODAY) if "g001" in one.message]
    assert bool(told) == is_twice
