"""Near-identical wordings and misspelt names."""

from __future__ import annotations

import pytest

from lokbot.understanding.fuzzy import closest, in_order, name_in, spellings

WORDINGS = tuple(in_order(each.split()) for each in ("hur bokar vi en lokal", "vem kan soka", "gratis lokaler"))


def named(text: str, name: str) -> tuple[str, float]:
    return name_in(spellings(text.split(), frozenset(name.split())), name.split())


def test_the_closest_wording_whatever_the_order_of_its_words() -> None:
    assert closest(in_order("en lokal bokar vi hur".split()), WORDINGS) == (0, 1.0)
    place, likeness = closest(in_order("vem kna soka".split()), WORDINGS)
    assert place == 1
    assert 0.8 < likeness < 1.0


def test_nothing_to_compare() -> None:
    assert closest("", WORDINGS) == (-1, 0.0)
    assert closest("hej", ()) == (-1, 0.0)


@pytest.mark.parametrize(
    ("text", "name", "is_found"),
    [
        ("vi ringde kulturforvaltningen", "kulturforvaltningen", True),
        ("vi ringde kulturforvaltningens chef", "kulturforvaltningen", True),
        ("vi ringde kulturforvaltnigen", "kulturforvaltningen", True),
        ("en kulturforvaltning", "kulturforvaltningen", True),
        ("vi ringde socialforvaltningen", "kulturforvaltningen", False),
        ("hiso", "hiso", True),
        ("hisa", "hiso", False),
        ("helsingborg ar fint", "helsingborg kontaktcenter", False),
        ("kontaktcenter i helsingborg", "helsingborg kontaktcenter", True),
        ("", "hiso", False),
    ],
)
def test_names(text: str, name: str, is_found: bool) -> None:
    spelled, likeness = named(text, name)
    assert bool(spelled) is is_found
    assert (likeness > 0) is is_found


def test_a_misspelt_name_is_less_sure() -> None:
    assert named("kulturforvaltnigen", "kulturforvaltningen")[1] < named("hiso", "hiso")[1]


def test_a_name_of_no_words_is_nowhere() -> None:
    assert named("hej", "") == ("", 0.0)
