"""Personal numbers out of texts. All numbers here are made by the rule or are Skatteverket's test numbers."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lokbot.masking import MASK, has_personal_number, mask_personal_data, mask_personal_numbers, mask_writer


def check_digit(nine: str) -> str:
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(nine))
    return str(-total % 10)


def number(born: date, serial: int, *, is_coordination: bool = False) -> tuple[str, str]:
    """The eight digits of the date and the last four."""
    day = born.day + (60 if is_coordination else 0)
    short = f"{born:%y%m}{day:02d}"
    last = f"{serial:03d}"
    return f"{born.year // 100}{short}", last + check_digit(short + last)


@pytest.mark.parametrize(
    "written",
    [
        "19121212-1212",
        "191212121212",
        "121212-1212",
        "121212+1212",
        "121212 1212",
        "1212121212",
        "19121212 1212",
        "1912-12-12-1212",
        "121212–1212",
        "121212 - 1212",
        "121212\u00a01212",
        "19701063-2391",
        "701063-2391",
    ],
)
def test_each_way_to_write_one(written: str) -> None:
    assert mask_personal_numbers(f"Mitt nummer är {written}, tack.") == f"Mitt nummer är {MASK}, tack."
    assert has_personal_number(f"pnr:{written}.")


@pytest.mark.parametrize(
    "written",
    [
        "121212-1213",  # check digit
        "121312-1219",  # no such month
        "120230-1219",  # no such day
        "202100-2742",  # an organisation number: third digit 2 or more
        "16202100-2742",  # the same with its prefix
        "802001-0000",
        "0701234560",  # a mobile telephone in a row
        "070-123 45 60",
        "+46701234560",
        "042-10 50 00",
        "5050-1055",  # bankgiro
        "12 34 56-7",  # plusgiro
        "8327-121212 1212 3",
        "1121212-12121",
        "121212-1212-3",
        "2031-12-31",
        "18001212",
    ],
)
def test_what_is_no_personal_number(written: str) -> None:
    assert mask_personal_numbers(f"Se {written} här") == f"Se {written} här"
    assert not has_personal_number(written)


def test_several_in_a_row_are_all_masked() -> None:
    assert mask_personal_numbers("121212-1212 121212-1212,121212-1212") == f"{MASK} {MASK},{MASK}"


def test_a_number_in_the_middle_of_words() -> None:
    assert mask_personal_numbers("pnr121212-1212x") == f"pnr{MASK}x"


def test_a_digit_before_a_space_does_not_hide_one() -> None:
    assert mask_personal_numbers("barn 2 121212-1212") == f"barn 2 {MASK}"


def test_a_date_is_read_in_either_century() -> None:
    # 29 February 2000 was, 29 February 1900 was not.
    digits, last = number(date(2000, 2, 29), 123)
    assert has_personal_number(f"{digits[2:]}-{last}")


BORN = st.dates(date(1890, 1, 1), date(2035, 12, 31))
SEPARATORS = st.sampled_from(["", "-", "+", " ", " - ", "–"])


@given(BORN, st.integers(0, 999), st.booleans(), st.booleans(), SEPARATORS)
def test_every_valid_number_is_masked(
    born: date, serial: int, is_coordination: bool, is_long: bool, separator: str
) -> None:
    digits, last = number(born, serial, is_coordination=is_coordination)
    written = f"{digits if is_long else digits[2:]}{separator}{last}"
    assume(is_long or separator or not written.startswith(("070", "072", "073", "076", "079", "010", "020")))
    text = f"Hej! {written} är mitt nummer."
    assert mask_personal_numbers(text) == f"Hej! {MASK} är mitt nummer."
    assert has_personal_number(text)


@given(BORN, st.integers(0, 999), st.integers(1, 9))
def test_a_wrong_check_digit_is_never_masked(born: date, serial: int, wrong: int) -> None:
    digits, last = number(born, serial)
    written = f"{digits}-{last[:3]}{(int(last[3]) + wrong) % 10}"
    assert mask_personal_numbers(written) == written


@given(st.integers(20, 99), st.text("0123456789", min_size=8, max_size=8))
def test_an_organisation_number_is_never_masked(third_pair: int, rest: str) -> None:
    written = f"{rest[:2]}{third_pair}{rest[2:4]}-{rest[4:]}"
    assert mask_personal_numbers(written) == written


@given(st.text(max_size=300))
def test_masking_breaks_on_nothing_and_leaves_none(text: str) -> None:
    masked = mask_personal_numbers(text)
    assert not has_personal_number(masked)
    assert (masked != text) == has_personal_number(text)


# ------------------------------------------------------------------ all personal data


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Skriv till eva.ek@forening.example, tack.", "Skriv till [mejladress], tack."),
        ("Ring mig på 070-123 45 67.", "Ring mig på [telefonnummer]."),
        ("Ring +46 (0)70 123 45 67 i dag", "Ring [telefonnummer] i dag"),
        ("tel 0701234567", "tel [telefonnummer]"),
        ("Jag är 811228-9874.", "Jag är [personnummer]."),
        ("Hur går vi med? Mvh Eva Ek", "Hur går vi med? Mvh [namn]"),
        ("Hur går vi med?\nMed vänlig hälsning,\nEva Ek-Åberg", "Hur går vi med?\nMed vänlig hälsning,\n[namn]"),
        ("Hur går vi med? Vänliga hälsningar från Åke och Birgit", "Hur går vi med? Vänliga hälsningar från [namn]"),
        ("Hur går vi med? mvh eva", "Hur går vi med? mvh [namn]"),
        ("När är konferensen? /Bo", "När är konferensen? /[namn]"),
        ("Hej, jag heter Eva Ek och undrar", "Hej, jag heter [namn] och undrar"),
        ("My name is Eva Ek. How do we join?", "My name is [namn]. How do we join?"),
        ("How do we join? Best regards, Eva", "How do we join? Best regards, [namn]"),
    ],
)
def test_what_tells_who_somebody_is_is_masked(text: str, masked: str) -> None:
    assert mask_personal_data(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Får vi 10 000 000 kr 2026-11-24?",
        "Ring kontaktcenter på 042-10 50 00 eller +46 42 10 50 00.",
        "Vårt organisationsnummer är 802000-1234.",
        "Kan vi låna lokal kl 08.00-16.00 den 1/2?",
        "Gäller det idrott/kultur?",
        "Vi hälsar alla välkomna",
        "Var söker man bidrag?",
    ],
)
def test_what_is_nobodys_own_stays(text: str) -> None:
    assert mask_personal_data(text) == text


@given(st.text())
def test_masking_never_raises_and_is_done_once(text: str) -> None:
    assert mask_personal_data(mask_personal_data(text)) == mask_personal_data(text)


@pytest.mark.parametrize(
    ("text", "name", "masked"),
    [
        ("Vad hände med ansökan? Anna", "Anna Prov", "Vad hände med ansökan? [namn]"),
        ("Vad hände med ansökan? anna prov", "Anna Prov", "Vad hände med ansökan? [namn]"),
        ("Vad hände med ansökan? Anna P", "Anna Prov", "Vad hände med ansökan? [namn]"),
        ("Vad hände med ansökan? Anna", "Prov, Anna", "Vad hände med ansökan? [namn]"),
        ("Vi har inte fått något Anna", "Anna Prov", "Vi har inte fått något [namn]"),
        ("Vi har inte fått något\nAnna\nRåå IF", "Anna Prov", "Vi har inte fått något\n[namn]\nRåå IF"),
        ("Svara Anna Prov i vår styrelse. Hur gör vi?", "Anna Prov", "Svara [namn] i vår styrelse. Hur gör vi?"),
        ("Vad hände med ansökan? -Eva", "Föreningen Nytta", "Vad hände med ansökan? -[namn]"),
        ("Vad hände med ansökan? Tack! Eva Ek", "", "Vad hände med ansökan? Tack! [namn]"),
        ("Hur gör vi? Mvh Eva, 070-123 45 67", "", "Hur gör vi? Mvh [namn], [telefonnummer]"),
        ("Vad kostar det? Tack", "", "Vad kostar det? Tack"),
        ("Vad kostar det? tack så mycket", "", "Vad kostar det? tack så mycket"),
        ("Anna frågar var vi bor i Helsingborg", "Bo Ek", "Anna frågar var vi bor i Helsingborg"),
        ("När är Annas möte?", "Anna Prov", "När är Annas möte?"),
        ("Vad gäller (.*)?", "( [.*", "Vad gäller (.*)?"),
    ],
)
def test_who_wrote_is_not_told_with_the_matter(text: str, name: str, masked: str) -> None:
    assert mask_writer(text, name) == masked


@given(st.text(), st.text())
def test_masking_the_writer_never_raises(text: str, name: str) -> None:
    mask_writer(text, name)
