"""The content folders become knowledge, or every fault in them a problem with file, line and remedy."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from lokbot.knowledge.loading import golden_from, load, read, with_digest
from lokbot.knowledge.problems import KnowledgeError, Severity
from lokbot.model import (
    AdministrationKind,
    GoldenQuestion,
    IntentAction,
    LocalText,
    Outcome,
    Perishable,
    Person,
    Rule,
    Source,
)
from tests.unit.knowledge.sample import FILES, line_of, read_from, reading, write

ARTICLE = "knowledge/articles/ansluta-forening.yaml"
OWNERS = "knowledge/administrations.yaml"
INTENTS = "intents/forvaxlingar.yaml"


def test_the_sample_becomes_nouns(tmp_path: Path) -> None:
    write(tmp_path)
    knowledge = load(tmp_path / "knowledge", tmp_path / "intents")

    article = knowledge.articles["ansluta-forening"]
    assert article.perishable == {Perishable.DEADLINE}
    assert article.checked_on == date(2026, 1, 15)
    assert article.link_checked_on == date(2026, 1, 16), "a day may stand within quotes"
    assert article.sources == (Source("Lokal överenskommelse", "https://helsingborg.se/lok", "2020-12"),)
    swedish = article.text("sv")
    assert swedish is not None
    assert swedish.questions == ("Hur går vi med?", "bli medlem: hur")
    assert swedish.answer == (
        "Styrelsen fattar ett beslut.\n\n"
        "- Skicka beslutet till lok@helsingborg.se.\n- Läs mer på https://helsingborg.se/lok."
    )
    assert swedish.approved_on == date(2026, 2, 1)
    assert swedish.version is None
    english = article.text("en")
    assert english is not None
    assert english.short == ""

    owner = knowledge.administrations["samordnare"]
    assert owner.kind is AdministrationKind.COORDINATORS
    assert owner.name == LocalText("föreningssamordnarna", "the coordinators")
    assert owner.auto_forward
    assert knowledge.administrations["rf-sisu"].source == Source("RF", "https://www.rf.se/stod")

    (intent,) = knowledge.intents
    assert intent.action is IntentAction.ANSWER
    assert intent.rules == (Rule(any=("lok stöd*", "lokstöd*"), none=("bluff",), max_words=20),)

    assert list(knowledge.topics) == ["anslutning", "ovrigt"]
    assert knowledge.phrases["en"]["case"] == "Your case number is {case}."
    assert knowledge.glossary[0].synonyms == ("utdrag ur protokoll",)
    assert knowledge.people == (Person("Kim Prov", "Föreningen Exempel", ("barn",), "2020"),)
    assert knowledge.golden == (
        GoldenQuestion(
            id="g001",
            text="Vi vill ansluta oss, hur gör vi?",
            language="sv",
            style="formal-mail",
            outcomes=frozenset({Outcome.ANSWER, Outcome.ROUTE}),
            articles=("ansluta-forening",),
            administration="samordnare",
        ),
        GoldenQuestion(
            id="g002",
            text="Ni har inte svarat oss.",
            language="sv",
            style="chat",
            outcomes=frozenset({Outcome.ESCALATE}),
            is_urgent=True,
        ),
    )


def test_an_article_may_have_further_languages(tmp_path: Path) -> None:
    knowledge = reading(tmp_path, ARTICLE, "\nen:\n", "\nar:\n").knowledge
    assert knowledge is not None
    assert set(knowledge.articles["ansluta-forening"].texts) == {"sv", "ar"}


def test_positions_lead_to_every_value(tmp_path: Path) -> None:
    positions = reading(tmp_path).positions
    article = tmp_path / ARTICLE
    for trail, file, text in [
        (("articles", "ansluta-forening", "topic"), article, "topic:"),
        (("articles", "ansluta-forening", "sv", "questions", 1), article, "bli medlem"),
        (("articles", "ansluta-forening", "sources", 0, "url"), article, "title:"),
        (("administrations", "rf-sisu", "contact", "sv"), tmp_path / OWNERS, "Se https"),
        (("topics", "ovrigt", "name"), tmp_path / "intents/topics.yaml", "Övrigt"),
        (("intents", "lok-stod", "counterexamples", 0), tmp_path / INTENTS, "counterexamples"),
        (("phrases", "en", "case"), tmp_path / "knowledge/phrases.yaml", "Your case"),
        (("golden", "g002", "expect"), tmp_path / "knowledge/golden/development/all.yaml", "urgent"),
        (("glossary", "protokollsutdrag", "explanation"), tmp_path / "knowledge/glossary.yaml", "explanation"),
    ]:
        position = positions.find(*trail)
        assert (position.file, position.line) == (file, line_of(file, text)), trail
    assert positions.find("articles", "unknown").file == tmp_path / "knowledge/articles"
    with pytest.raises(KeyError):
        positions.find("nothing")


@pytest.mark.parametrize(
    ("file", "old", "new", "at", "message", "remedy"),
    [
        (ARTICLE, "topic: anslutning\n", "", "id:", "fältet »topic» saknas", "intents/topics.yaml"),
        (ARTICLE, "topic: anslutning", "topik: anslutning", "topik", "okänt fält »topik»", "»topic»"),
        (ARTICLE, "  short:", "  shrt:", "shrt", "okänt fält »shrt»", "»short»"),
        (ARTICLE, "sv:\n", "sv:\n  topic: x\n", "  topic", "okänt fält »topic»", "ta bort"),
        (ARTICLE, "topic: anslutning", "topic: Gå med", "topic", "»Gå med» är inte ett id", "a-z"),
        (ARTICLE, "topic: anslutning", "topic: no", "topic", "»no» läses som nej", '"no"'),
        (ARTICLE, "topic: anslutning", "topic: yes", "topic", "»yes» läses som ja", '"yes"'),
        (ARTICLE, "topic: anslutning", "topic:", "topic", "»topic» saknar innehåll", "rubriken"),
        (ARTICLE, "topic: anslutning", "topic: [a]", "topic", "här står en lista", "en text på en rad"),
        (ARTICLE, 'as_of: "2020-12"', "as_of: 2020", "as_of", "»2020» läses som ett tal", '"2020"'),
        (ARTICLE, 'as_of: "2020-12"', "as_of: 2020-12-01", "as_of", "läses som ett datum", '"2020-12-01"'),
        (ARTICLE, 'as_of: "2020-12"', 'as_of: "2020-13"', "as_of", "»2020-13» är inte ett år", '"2020-12"'),
        (ARTICLE, "[deadline]", "[deadlin]", "perishable", "»deadlin» är inte ett värde", "amount, deadline"),
        (ARTICLE, "[deadline]", "deadline", "perishable", "»perishable» ska vara en lista", "- "),
        (ARTICLE, "2026-01-15", "2026", "checked_on", "»checked_on» är inte ett datum", "2026-03-01"),
        (ARTICLE, "2026-01-15", "2026-02-30", "checked_on", "»2026-02-30» finns inte", "år-månad-dag"),
        (ARTICLE, '"2026-01-16"', '"2026-02-30"', "link_checked_on", "»2026-02-30» finns inte", "år-månad-dag"),
        (ARTICLE, '"2026-01-16"', "i går", "link_checked_on", "»i går»", "år-månad-dag"),
        (ARTICLE, "https://helsingborg.se/lok", "helsingborg.se", "title", "inte en webbadress", "https://"),
        (ARTICLE, "    - Hur går", "    - Fråga: Hur går", "- Fråga", "här står fältet »Fråga»", "citattecken"),
        (ARTICLE, "    - Hur går vi med?", "    - 112", "- 112", "»112» läses som ett tal", '"112"'),
        (ARTICLE, "    - Hur går vi med?", "    -", "    -", "en punkt i »questions» saknar", "formulering"),
        (ARTICLE, "[How do we join?]", "[]", "questions: []", "»questions» saknar innehåll", "formulering"),
        (ARTICLE, "[How do we join?]", "How", "questions: How", "»questions» ska vara en lista", "- "),
        (ARTICLE, "en:\n", "en: x\nfi:\n", "en: x", "»en» ska ha egna fält: här står »x»", "raderna under"),
        (OWNERS, "kind: outside", "kind: city hall", "city hall", "»city hall» är inte ett värde", "outside"),
        (OWNERS, "auto_forward: true", "auto_forward: ja", "auto_forward", "true eller false", "utan citattecken"),
        (OWNERS, "  auto_forward: true", "", "", "", ""),
        (OWNERS, "  address: samordnare@example.org\n", "", "id: samordnare", "ingen mejladress", "auto_forward"),
        (OWNERS, "  url:", "  address: a@example.org\n  auto_forward: true\n  url:", "id: rf", "inte till staden", ""),
        (OWNERS, "samordnare@example.org", "Kim Prov", "address", "»Kim Prov» är inte en mejladress", ""),
        (OWNERS, '"samordnare*"', '"sam*ordnare"', "words", "»sam*ordnare» är inte ett sökord", "*bidrag*"),
        (OWNERS, '"samordnare*"', '"* x"', "words", "»* x» är inte ett sökord", "*bidrag*"),
        (OWNERS, '"samordnare*"', '"*-"', "words", "»*-» är inte ett sökord", "*bidrag*"),
        (INTENTS, "  article: lok-stod\n", "", "id: lok-stod", "säger inte vilket", "article"),
        (INTENTS, "action: answer", "action: sing", "action", "»sing» är inte ett värde", "urgent, person"),
        (INTENTS, '["lok stöd*", "lokstöd*"]', '[["a", "b"]]', "any", "en punkt i »any» är inte en text", "två regler"),
        (INTENTS, 'any: ["lok stöd*", "lokstöd*"]', "any: []", "any", "varken all eller any", "sökord"),
        (INTENTS, "max_words: 20", "max_words: 0", "max_words", "helt tal större än noll", "siffror"),
        (INTENTS, "max_words: 20", 'max_words: "20"', "max_words", "helt tal större än noll", "siffror"),
        ("knowledge/phrases.yaml", "en:\n", "no:\n", "no:", "»no» läses av YAML som ja eller nej", '"no":'),
        ("knowledge/phrases.yaml", "en:\n", "eng:\n", "eng:", "okänt fält »eng»", ""),
        ("knowledge/phrases.yaml", "Skriv {{så}}.", "", "braces:", "»braces» saknar innehåll", ""),
        (
            "knowledge/golden/development/all.yaml",
            "language: sv",
            "language: svenska",
            "language",
            "inte en språkkod",
            "sv, en",
        ),
        (
            "knowledge/golden/development/all.yaml",
            "escalate",
            "eskalera",
            "urgent",
            "»eskalera» är inte ett värde",
            "escalate",
        ),
        (
            "knowledge/golden/development/all.yaml",
            "outcome: escalate",
            "outcome: answer",
            "urgent",
            "inget rätt svar",
            "articles",
        ),
        (
            "knowledge/golden/development/all.yaml",
            "outcome: escalate",
            "outcome: route",
            "urgent",
            "ingen rätt förvaltning",
            "",
        ),
        (
            "knowledge/golden/development/all.yaml",
            "id: g002",
            "id: g001",
            "",
            "»g001» finns redan, på rad 1",
            "Byt namn",
        ),
        ("knowledge/people.yaml", "as_of", "asof", "name", "fältet »as_of» saknas", "gällde"),
        ("intents/topics.yaml", "- id: ovrigt", "- id: anslutning", "", "»anslutning» finns redan, på rad 1", ""),
        (ARTICLE, "id: ansluta-forening", "id: ansluta", "id:", "inte samma som filnamnet", "ansluta.yaml"),
    ],
)
def test_each_fault_is_told_on_its_line_with_a_remedy(
    tmp_path: Path, file: str, old: str, new: str, at: str, message: str, remedy: str
) -> None:
    found = reading(tmp_path, file, old, new)
    if not message:
        assert found.knowledge is not None
        return
    assert found.knowledge is None
    matching = [problem for problem in found.problems if message in problem.message]
    assert matching, found.problems
    (problem,) = matching
    assert problem.file == tmp_path / file
    assert problem.severity is Severity.ERROR
    assert remedy in problem.remedy
    if at:
        assert problem.line == line_of(tmp_path / file, at)


def test_the_same_id_in_two_files_names_the_other_file(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, {"intents/zebra.yaml": FILES[INTENTS]})
    (problem,) = read_from(tmp_path).problems
    assert problem.file.name == "zebra.yaml"
    assert problem.line == 1
    assert problem.message == "»lok-stod» finns redan, på forvaxlingar.yaml rad 1"


def test_a_route_needs_an_administration(tmp_path: Path) -> None:
    text = FILES[INTENTS].replace("action: answer", "action: route").replace("  administration: rf-sisu\n", "")
    write(tmp_path)
    write(tmp_path, {INTENTS: text})
    assert "säger inte vart" in read_from(tmp_path).problems[0].message


def test_a_refused_value_is_told_once(tmp_path: Path) -> None:
    found = reading(tmp_path, ARTICLE, "topic: anslutning", "topic: *anslutning")
    (problem,) = found.problems
    assert "hänvisning" in problem.message


def test_load_raises_with_all_problems_of_all_files(tmp_path: Path) -> None:
    write(tmp_path)
    write(
        tmp_path,
        {
            ARTICLE: FILES[ARTICLE].replace("responsible: ", "responsibel: ").replace("topic: ", "topic: Ö"),
            OWNERS: FILES[OWNERS].replace("kind: outside", "kind: x"),
            INTENTS: "- [",
        },
    )
    with pytest.raises(KnowledgeError) as raised:
        load(tmp_path / "knowledge", tmp_path / "intents")
    places = [(problem.file.name, problem.line) for problem in raised.value.problems]
    assert places == [
        ("forvaxlingar.yaml", 2),
        ("administrations.yaml", 10),
        ("ansluta-forening.yaml", 1),
        ("ansluta-forening.yaml", 2),
        ("ansluta-forening.yaml", 4),
    ]
    lines = str(raised.value).splitlines()
    assert len(lines) == 6
    assert lines[-1].startswith("5 fel i kunskapsfilerna")


def test_missing_files_and_folders(tmp_path: Path) -> None:
    found = read(tmp_path / "knowledge", tmp_path / "intents")
    assert found.knowledge is None
    told = {(problem.file.relative_to(tmp_path).as_posix(), problem.message) for problem in found.problems}
    assert told == {
        ("knowledge", "mappen går inte att läsa (No such file or directory)"),
        ("knowledge/articles", "mappen går inte att läsa (No such file or directory)"),
        ("knowledge/administrations.yaml", "filen saknas"),
        ("knowledge/phrases.yaml", "filen saknas"),
        ("intents", "mappen går inte att läsa (No such file or directory)"),
        ("intents/topics.yaml", "filen saknas"),
    }


@pytest.mark.parametrize("name", ["glossary", "people", "golden"])
def test_glossary_people_and_golden_questions_may_be_missing(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    if name == "golden":
        shutil.rmtree(tmp_path / "knowledge/golden")
    else:
        (tmp_path / f"knowledge/{name}.yaml").unlink()
    knowledge = load(tmp_path / "knowledge", tmp_path / "intents")
    assert getattr(knowledge, name) == ()


UNSEEN = "knowledge/golden/unseen/a.yaml"
QUESTION = """\
- id: {id}
  q: "{q}"
  language: sv
  style: short
  expect: {{outcome: [clarify, answer], articles: [ansluta-forening]}}
"""


def test_the_unseen_pool_is_told_apart(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, {UNSEEN: QUESTION.format(id="u001", q="Vem får vara med?")})
    golden = load(tmp_path / "knowledge", tmp_path / "intents").golden
    assert [(one.id, one.is_unseen) for one in golden] == [("g001", False), ("g002", False), ("u001", True)]
    assert golden[-1].outcomes == {Outcome.CLARIFY, Outcome.ANSWER}


def test_an_id_is_one_over_both_pools(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, {UNSEEN: QUESTION.format(id="g001", q="Vem får vara med?")})
    (problem,) = read_from(tmp_path).problems
    assert (problem.file.name, problem.line) == ("a.yaml", 1)
    assert "»g001» finns redan, på all.yaml rad 1" in problem.message


def test_what_lies_beside_the_pools_is_told(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, {"knowledge/golden/u.yaml": "- x\n", "knowledge/golden/README.md": "x"})
    (problem,) = read_from(tmp_path).problems
    assert (problem.file.name, problem.message) == ("u.yaml", "läses inte")


def test_golden_questions_are_read_from_any_file_or_folder(tmp_path: Path) -> None:
    write(
        tmp_path, {"a/unseen/x.yaml": QUESTION.format(id="u1", q="En?"), "b.yaml": QUESTION.format(id="b1", q="Två?")}
    )
    found = golden_from([tmp_path / "a", tmp_path / "b.yaml"])
    assert [(one.id, one.is_unseen) for one in found] == [("u1", True), ("b1", False)]
    assert golden_from([tmp_path / "a/unseen/x.yaml"])[0].is_unseen
    with pytest.raises(KnowledgeError, match="finns redan"):
        golden_from([tmp_path / "b.yaml", tmp_path / "b.yaml"])
    with pytest.raises(KnowledgeError, match="filen saknas"):
        golden_from([tmp_path / "c.yaml"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(KnowledgeError, match="inga YAML-filer"):
        golden_from([tmp_path / "empty"])


def test_a_list_file_that_is_no_list(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, {OWNERS: "id: x\n"})
    assert "ska vara en lista" in read_from(tmp_path).problems[0].message


def test_what_is_not_read_is_told_and_what_is_nobodys_matter_is_not(tmp_path: Path) -> None:
    write(tmp_path)
    write(
        tmp_path,
        {
            "knowledge/articles/ny.yml": "x",
            "knowledge/articles/notes.txt": "x",
            "knowledge/articles/.ny.yaml.swp": "x",
            "knowledge/articles/.hidden.yaml": "x",
            "knowledge/articles/ny.yaml~": "x",
            "knowledge/articles/#ny.yaml#": "x",
            "knowledge/article/ny.yaml": "x",
            "intents/old/x.yaml": "x",
        },
    )
    found = read_from(tmp_path)
    assert found.knowledge is not None
    told = {problem.file.relative_to(tmp_path).as_posix(): problem for problem in found.problems}
    assert set(told) == {
        "knowledge/articles/ny.yml",
        "knowledge/articles/notes.txt",
        "knowledge/article",
        "intents/old",
    }
    assert all(problem.severity is Severity.WARNING for problem in found.problems)
    assert told["knowledge/articles/ny.yml"].remedy == "Byt namn till ny.yaml."


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path)
    secret = tmp_path / "secret.yaml"
    secret.write_text("hemlig: text\n", encoding="utf-8")
    (tmp_path / "knowledge/articles/secret.yaml").symlink_to(secret)
    (tmp_path / "knowledge/articles/gone.yaml").symlink_to(tmp_path / "knowledge/articles/none.yaml")
    found = read_from(tmp_path)
    assert found.knowledge is not None
    assert [(problem.file.name, problem.severity) for problem in found.problems] == [
        ("gone.yaml", Severity.WARNING),
        ("secret.yaml", Severity.WARNING),
    ]
    assert "hemlig" not in repr(found.problems)


def test_a_file_that_is_needed_may_not_be_a_link_out_either(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / OWNERS).rename(tmp_path / "owners.yaml")
    (tmp_path / OWNERS).symlink_to(tmp_path / "owners.yaml")
    found = read_from(tmp_path)
    assert found.knowledge is None, "without administrations nothing can be routed"
    assert [problem.severity for problem in found.problems] == [Severity.ERROR]


def test_links_within_the_folder_are_read_as_in_a_mounted_config_map(tmp_path: Path) -> None:
    write(tmp_path)
    folder = tmp_path / "knowledge/articles"
    (folder / "..data").mkdir()
    for file in list(folder.glob("*.yaml")):
        file.rename(folder / "..data" / file.name)
        file.symlink_to(Path("..data") / file.name)
    found = read_from(tmp_path)
    assert found.problems == ()
    assert found.knowledge is not None
    assert len(found.knowledge.articles) == 2


def test_a_pipe_in_a_files_place_does_not_make_lokbot_wait(tmp_path: Path) -> None:
    write(tmp_path)
    os.mkfifo(tmp_path / "knowledge/articles/pipe.yaml")
    (problem,) = read_from(tmp_path).problems
    assert problem.message == "läses inte, eftersom den inte är en vanlig fil"


@contextmanager
def _an_ordinary_user() -> Iterator[None]:
    """Root may read every file, so in a container the test steps down to "nobody" (65534) for a while."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(own)


def test_files_and_folders_that_may_not_be_read() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write(root)
        root.chmod(0o755)
        (root / ARTICLE).chmod(0)
        (root / "intents").chmod(0o311)
        with _an_ordinary_user():
            found = read_from(root)
        (root / "intents").chmod(0o755)
    told = [(problem.file.relative_to(root).as_posix(), problem.message) for problem in found.problems]
    assert told == [
        ("intents", "mappen går inte att läsa (Permission denied)"),
        (ARTICLE, "filen går inte att läsa (Permission denied)"),
    ]


def test_the_digest_follows_the_content_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path)
    first = load(tmp_path / "knowledge", tmp_path / "intents")
    write(tmp_path, {ARTICLE: "# en kommentar\n" + FILES[ARTICLE]})
    assert load(tmp_path / "knowledge", tmp_path / "intents").digest == first.digest

    turned = replace(first, articles=dict(reversed(list(first.articles.items()))))
    assert with_digest(turned).digest == first.digest

    digests = {first.digest}
    for file, old, new in [
        (ARTICLE, "ett beslut", "beslut"),
        (ARTICLE, "[deadline]", "[deadline, amount]"),
        (ARTICLE, "Kim Prov", "Robin Prov"),
        (ARTICLE, "2026-02-01", "2026-02-02"),
        (OWNERS, "Ring ", "Slå "),
        (INTENTS, "max_words: 20", "max_words: 21"),
        (INTENTS, "bluff", "blåsning"),
        ("intents/topics.yaml", "Allt annat.", "Resten."),
        ("knowledge/phrases.yaml", "Write", "Type"),
        ("knowledge/golden/development/all.yaml", "urgent: true", "urgent: false"),
        ("knowledge/glossary.yaml", "en del", "delar"),
        ("knowledge/people.yaml", "barn", "unga"),
    ]:
        write(tmp_path, {**FILES, file: FILES[file].replace(old, new, 1)})
        digests.add(load(tmp_path / "knowledge", tmp_path / "intents").digest)
    assert len(digests) == 13


def test_every_fault_has_an_own_message_and_the_line_of_what_surrounds_it(tmp_path: Path) -> None:
    """Kinds of value that the formats do not have, in the place of every kind that they have."""
    for old in ("topic: anslutning", "perishable: [deadline]", "checked_on: 2026-01-15", "en:\n"):
        field = old.partition(":")[0]
        for value in ("{}", "{a: 1, b: 2}", "[[]]", "1.5", "0x1F", "2026-01-01", "yes", '""', "' '"):
            new = f"{field}: {value}\n" + ("fi:\n" if field == "en" else "")
            found = reading(tmp_path, ARTICLE, old, new)
            for problem in found.problems:
                assert problem.line == line_of(tmp_path / ARTICLE, f"{field}: {value}"), (new, problem)
                assert "should" not in problem.message, "pydantic's English shows"
                assert problem.remedy
            assert found.problems or (field, value) == ("checked_on", "2026-01-01"), new
