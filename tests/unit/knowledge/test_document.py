"""YAML texts, well meant and hostile, become values with exact lines or plain Swedish."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lokbot.knowledge import document as module
from lokbot.knowledge.document import MAX_BYTES, Document, parse

FILE = Path("a.yaml")


@pytest.fixture(params=["libyaml", "python"])
def _either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where libyaml is missing, PyYAML's own parser serves, whose errors are worded otherwise."""
    if request.param == "python":
        monkeypatch.setattr(module, "Loader", yaml.SafeLoader)


def parsed(text: str) -> Document:
    return parse(text.encode(), FILE)


def told(document: Document) -> list[tuple[int | None, str]]:
    return [(problem.line, problem.message) for problem in document.problems]


def test_plain_values() -> None:
    document = parsed("a: text\nb: 12\nc: true\nd: null\ne: 2026-03-01\nf: [x, y]\ng: {h: 0}\ni: 1_000\n")
    assert document.problems == ()
    assert document.value == {
        "a": "text",
        "b": 12,
        "c": True,
        "d": None,
        "e": date(2026, 3, 1),
        "f": ["x", "y"],
        "g": {"h": 0},
        "i": 1000,
    }


def test_a_text_with_time_stays_a_text_and_odd_numbers_are_no_whole_numbers() -> None:
    document = parsed("a: 2026-03-01 10:00:00\nb: 0x1F\nc: 12:30\n")
    assert isinstance(document.value, dict)
    assert document.value["a"] == "2026-03-01 10:00:00"
    assert isinstance(document.value["b"], float)
    assert isinstance(document.value["c"], float)


def test_lines_of_keys_list_items_and_nested_lists() -> None:
    document = parsed(
        "# först\na:\n  - x\n  -\n    - y\n    - z\nb:\n  c: |\n\n    rad ett\n    rad två\n  d: >\n    e\n"
    )
    find = document.positions.find
    assert find("a").line == 2
    assert find("a", 0).line == 3
    assert find("a", 1, 0).line == 5
    assert find("a", 1, 1).line == 6
    assert find("b", "c").line == 8
    assert find("b", "c").text_line == 10
    assert find("b", "c").line_at("rad ett\nrad två", 9) == 11
    assert find("b", "d").text_line is None
    assert find("b", "d").line_at("e", 0) == 12
    assert find("b", "nothing").line == 7


def test_text_is_brought_to_one_unicode_form() -> None:
    assert parsed("a: fo\u0308rening\n").value == {"a": "förening"}


def test_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    document = parse(b"\xef\xbb\xbfa: x\r\nb: |\r\n  y\r\n  z\r\n", FILE)
    assert document.value == {"a": "x", "b": "y\nz\n"}
    assert document.problems == ()


@pytest.mark.usefixtures("_either_parser")
@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: b\n\tc: d\n", 2, "tabb"),
        ("a:\n\t- b\n", 2, "tabb"),
        ("a: x\nanswer: Obs: detta\n", 2, "kolon"),
        ("a:\n  - b\n c: d\n", 3, "indragen"),
        ("a: |\n  x\n y\n", 3, "indragen"),
        ("- a\nb: c\n", 2, "indragen"),
        ('x: y\na: "hej\nb: c\n', 2, "stängs aldrig"),
        ("a: [b, c\nd: e\n", 2, "börjar på rad 1 är inte avslutad med ]"),
        ("a: {b: c\nd: e\n", 2, "börjar på rad 1 är inte avslutad med }"),
        ("a: b\nx: @b\n", 2, "kan inte börja med tecknet »@»"),
        ("a: b\nx: %b\n", 2, "kan inte börja med tecknet »%»"),
        ("a: b\nc\nd: e\n", 2, "varken ett fält"),
        ('a: b\nc: "b" d\n', 2, "efter ett stängt citattecken"),
        ('q:\n  - x\n  - "Hur" gör vi?\n  - y\n', 3, "efter ett stängt citattecken"),
        ("a: 'det's'\n", 1, "efter ett stängt citattecken"),
        ("a: - b\n", 1, "samma rad som fältnamnet"),
        ('a: b\nc: "x\\q"\n', 2, "omvänt snedstreck"),
        ("a: b\nwords: [*bidrag*, c]\n", 2, "citattecken"),
        ("a: b\n---\nc: d\n", 2, "nytt dokument"),
        ("%YAML 3.0\n---\na: b\n", 1, "inte att läsa som YAML"),
        ("", 1, "tom"),
        ("# bara en kommentar\n", 1, "tom"),
    ],
)
def test_syntax_errors_say_in_swedish_which_line_to_mend(text: str, line: int, message: str) -> None:
    document = parsed(text)
    assert not document.is_readable
    assert document.value is None
    (problem,) = document.problems
    assert message in problem.message
    assert problem.line == line
    assert problem.remedy


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: b\nno: c\n", 2, "»no» läses av YAML som ja eller nej"),
        ("a: b\non: c\n", 2, "»on» läses av YAML som ja eller nej"),
        ("2020: c\n", 1, "»2020» läses av YAML som ett tal"),
        ("~: c\n", 1, "»~» läses av YAML som tomt"),
        ("a:\n  b: c\n  d: e\n  b: f\n", 4, "»b» står två gånger, första gången på rad 2"),
        ("a: &x b\n", 1, "ankare"),
        ("a: b\nc: *x\n", 2, "hänvisning"),
        ("a: b\nc: !!python/object:os.system x\n", 2, "tagg"),
        ("a: b\nc: !viktigt\n", 2, "tagg"),
        ("*a : b\n", 1, "hänvisning"),
        ("a: b\n&x c: d\n", 2, "ankare"),
        ("!viktigt : b\n", 1, "tagg"),
        ("a: !!str 12\n", 1, "tagg"),
        ("? [a]\n: b\n", 1, "måste vara ett ord"),
        ("a: b\nc: 2026-02-30\n", 2, "»2026-02-30» finns inte"),
    ],
)
def test_what_yaml_would_take_for_something_else_is_refused(text: str, line: int, message: str) -> None:
    document = parsed(text)
    assert document.is_readable
    ((at, said),) = told(document)
    assert message in said
    assert at == line


def test_all_problems_of_a_file_are_told_at_once() -> None:
    document = parsed("no: 1\na: *x\na: 2\nb: [\n")
    assert [line for line, _ in told(document)] == [1, 2, 3, 5]


def test_the_first_of_two_equal_fields_is_kept_with_its_line() -> None:
    document = parsed("a:\n  b: first\na:\n  b: second\n")
    assert document.value == {"a": {"b": "first"}}
    assert document.positions.find("a", "b").line == 2


def test_a_file_in_another_encoding_names_the_line() -> None:
    document = parse("a: b\nc: förening\n".encode("cp1252"), FILE)
    ((line, message),) = told(document)
    assert line == 2
    assert "UTF-8" in message


def test_a_control_character_names_the_line() -> None:
    document = parse(b"a: b\nc: d\x1b[31m\n", FILE)
    assert told(document) == [(2, "raden har ett osynligt styrtecken (U+001B)")]


def test_a_large_file_is_refused() -> None:
    document = parse(b"a: " + b"x" * MAX_BYTES, FILE)
    assert told(document) == [(None, "filen är större än 1 MB")]


@pytest.mark.parametrize("opening", ["[", "- ", "? ", "a: {", "{? "])
def test_depth_is_bounded_so_that_the_c_parser_never_overflows(opening: str) -> None:
    document = parsed(opening * 100_000)
    assert not document.is_readable
    assert "nivåer" in document.problems[-1].message


def test_aliases_cannot_multiply() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    document = parsed(bomb)
    assert len(document.problems) == 25
    assert all("hänvisning" in message or "ankare" in message for _, message in told(document))


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_whatever_raise(content: bytes) -> None:
    document = parse(content, FILE)
    assert document.is_readable or document.problems


YAML_BITS = st.lists(
    st.sampled_from(
        ["a", ":", " ", "\n", "-", "?", "[", "]", "{", "}", "*a", "&a", "!", "|", ">", '"', "'", "#", ",", "no", "b"]
    ),
    max_size=40,
).map("".join)


@settings(deadline=None, max_examples=300)
@given(YAML_BITS)
def test_what_is_read_without_complaint_is_what_yaml_means(text: str) -> None:
    document = parsed(text)
    if document.problems:
        return
    expected: Any = yaml.load(text, Loader=module.Loader)  # libyaml and PyYAML read odd texts otherwise
    assert document.value == expected
