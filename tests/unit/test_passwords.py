"""Which passwords are too easy to guess."""

from __future__ import annotations

import pytest

from lokbot.passwords import LONGEST, SHORTEST, weakness

KIM = ("kim.sand@stad.example", "Kim Sand")


@pytest.mark.parametrize(
    "password",
    [
        "password1234567",
        "p4ssw0rdp4ssw0rd",
        "qwertyuiopåäöasdf",
        "1q2w3e4r5t6y7u8i",
        "iloveyouiloveyou",
        "lösenordlösenord",
        "Helsingborg2026!!",
        "lokbot-helsingborg",
        "aaaaaaaaaaaaaaaaaaaa",
        "kim.sand@stad.example",
        "kimsandkimsand1",
    ],
)
def test_common_passwords_and_the_owners_own_words_are_guessable(password: str) -> None:
    assert weakness(password, KIM) == "guessable"


@pytest.mark.parametrize("password", ["korrekt häst batteri", "katten sitter på mattan", "x9#kQ2!vLp0wZr4"])
def test_several_words_or_much_chance_will_do(password: str) -> None:
    assert weakness(password, KIM) is None


def test_length_has_its_limits() -> None:
    strong = "x9#kQ2!vLp0wZr4"
    assert weakness(strong[: SHORTEST - 1], KIM) == "short"
    assert weakness(strong * 60, KIM) is None, "a long one is judged as well, by its beginning"
    assert weakness("x" * (LONGEST + 1), KIM) == "long"
