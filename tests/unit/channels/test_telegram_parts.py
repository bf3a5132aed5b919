"""Long texts in parts that Telegram takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lokbot.channels.telegram import LONGEST_TEXT, parts


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def test_a_short_text_is_one_part() -> None:
    assert parts("Hej!\n\nHur går det?") == ["Hej!\n\nHur går det?"]
    assert parts(" \n ") == ["…"]


def test_a_long_text_is_cut_between_paragraphs_before_lines_and_words() -> None:
    paragraphs = [f"Stycke {number}. " + "ord " * 300 for number in range(9)]
    found = parts("\n\n".join(paragraphs))
    assert all(part.startswith("Stycke") for part in found)
    assert parts("a" * 10 + "\n" + "b" * 10, 15) == ["a" * 10, "b" * 10]
    assert parts("a" * 10 + " " + "b" * 10, 15) == ["a" * 10, "b" * 10]
    assert parts("a" * 20, 15) == ["a" * 15, "a" * 5]


def test_letters_outside_the_first_plane_count_twice_and_are_never_cut_in_two() -> None:
    found = parts("🐘" * 3000)
    assert [units(part) for part in found] == [LONGEST_TEXT, 6000 - LONGEST_TEXT]
    assert "".join(found) == "🐘" * 3000


@given(text=st.text(alphabet=st.characters() | st.sampled_from(" \n🐘"), max_size=200), longest=st.integers(2, 30))
def test_parts_hold_everything_but_the_space_around_the_cuts(text: str, longest: int) -> None:
    found = parts(text, longest)
    assert all(part and units(part) <= longest for part in found)
    assert "".join("".join(found).split()) == ("".join(text.split()) or "…")
