"""Names of associations as people write them, and where they stand in a mail."""

from __future__ import annotations

import pytest

from lokbot.register.names import as_name, fits, folded, in_signature, in_text, likeness, signature_of

REGISTER = (
    "Råå IF",
    "Råå fotbollsklubb",
    "Helsingborgs schackklubb",
    "Helsingborgs IF",
    "Helsingborgs simsällskap",
    "Maria Parks odlarförening",
    "Eskilsminne IF",
    "Hembygdsföreningen i Kulla",
    "PRO Helsingborg Öster",
    "Scoutkåren Örnen",
    "Föreningen Vi på Höjden",
    "Ödåkra IF",
    "Högaborgs BK",
    "Somaliska kulturföreningen Ilays",
    "Kvinnojouren Vinga",
)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("raa if", "Råå IF"),
        ("RÅÅ", "Råå IF"),
        ("schack", "Helsingborgs schackklubb"),
        ("helsingborgs schackklub", "Helsingborgs schackklubb"),
        ("helsingborgs if", "Helsingborgs IF"),
        ("hogaborgs bollklubb", "Högaborgs BK"),
        ("eskilminne", "Eskilsminne IF"),
        ("eskilsminne idrottsförening", "Eskilsminne IF"),
        ("ilays", "Somaliska kulturföreningen Ilays"),
        ("somalisk kulturförening", "Somaliska kulturföreningen Ilays"),
        ("vipåhöjden", "Föreningen Vi på Höjden"),
        ("oernen", "Scoutkåren Örnen"),
        ("odlarforeningen maria park", "Maria Parks odlarförening"),
        ("simsälskapet", "Helsingborgs simsällskap"),
        ("kullas hembygdsförening", "Hembygdsföreningen i Kulla"),
        ("vinga", "Kvinnojouren Vinga"),
    ],
)
def test_what_people_type_finds_the_association(typed: str, name: str) -> None:
    best = max(REGISTER, key=lambda one: fits(folded(typed), folded(one)))
    assert best == name
    assert fits(folded(typed), folded(name)) >= 0.62


@pytest.mark.parametrize("typed", ["xyz", "bostad", "kommunen", "båtklubben pampus"])
def test_what_is_not_there_is_not_found(typed: str) -> None:
    assert all(fits(folded(typed), folded(name)) < 0.62 for name in REGISTER)


def test_common_words_make_no_two_associations_one() -> None:
    assert likeness(folded("Helsingborgs IF"), folded("Helsingborgs schackklubb")) < 0.86
    assert likeness(folded("Ödåkra IF"), folded("Råå IF")) < 0.86
    assert likeness(folded("Helsingborgs IF"), folded("Helsingborgs FF")) < 0.86
    assert likeness(folded("Råå Kulla hembygdsförening"), folded("Maria Kulla hembygdsförening")) < 0.86
    assert likeness(folded("Råå hembygdsförenning"), folded("Råå hembygdsförening")) > 0.86
    assert likeness("", folded("Råå IF")) == fits("", folded("Råå IF")) == 0.0
    assert likeness(folded("Råå idrottsförening"), folded("Råå IF")) == 1.0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Hej! Vi i Råå IF undrar hur vi går med.", "Råå IF"),
        ("Vi i Helsingborgs IF undrar", "Helsingborgs IF"),
        ("Jag är kassör i Helsingborgs schackklubb och undrar", "Helsingborgs schackklubb"),
        ("Hej, jag skriver för Hembygdsföreningen i Kulla. Kan vi få bidrag?", "Hembygdsföreningen i Kulla"),
        ("Vår förening heter Solrosen", "Solrosen"),
        ("Odlarföreningen vill ha en lott", "Odlarföreningen"),
        ("Hyresgästföreningen Drottninghög vill låna sal", "Hyresgästföreningen Drottninghög"),
        ("Ordförande för PRO Helsingborg Öster", "PRO Helsingborg Öster"),
    ],
)
def test_who_a_mail_speaks_for(text: str, name: str) -> None:
    assert [mention.name for mention in in_text(text)] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "Vi är en ideell förening som vill låna lokal.",
        "Vi i Helsingborg har det bra.",
        "Kan föreningen få bidrag? Idrottsföreningen behöver det.",
        "Hur startar man en förening?",
        "",
    ],
)
def test_who_speaks_for_none(text: str) -> None:
    assert list(in_text(text)) == []


def test_the_signature_is_what_stands_below_the_words_and_above_the_history() -> None:
    text = "Hej!\nFråga?\n\nMed vänlig hälsning\nAnna Prov\nKassör, Råå IF\n\nFrån: lok@stad.example\n> Eskilsminne IF"
    signature = signature_of(text, "Hej!\nFråga?")
    assert signature == "Med vänlig hälsning\nAnna Prov\nKassör, Råå IF"
    assert [one.name for one in in_signature(signature) if one.is_kind] == ["Råå IF"]


def test_a_signature_that_was_not_cut_is_found_by_the_sign_off() -> None:
    text = "Hej, en fråga.\nMvh Anna\nEskilsminne IF"
    assert [one.name for one in in_signature(signature_of(text, text)) if one.is_kind] == ["Eskilsminne IF"]
    assert signature_of("Hej", "Hej") == signature_of("", "") == ""


def test_a_senders_name_may_be_that_of_an_association() -> None:
    found = as_name("Råå IF kansli")
    assert found is not None
    assert found.is_kind
    person = as_name("Anna Prov")
    assert person is not None
    assert not person.is_kind
    assert as_name("IF") is None
