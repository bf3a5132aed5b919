"""One line is added and nothing else of a file changes: comments, order, quotes and layout stay."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lokbot.knowledge.amending import NotAmendable, with_golden_question, with_wording
from lokbot.knowledge.document import parse
from lokbot.model import GoldenQuestion, Outcome

FILE = Path("ga-med.yaml")

BLOCK = """\
# Om att gå med
id: ga-med          # samma som filnamnet
sv:
  approved_by: null
  questions:        # korta sist
    - Hur går vi med?
    - "bli medlem: hur"   # ur chatten

  # Svaret
  answer: |
    Fatta ett beslut.
en:
  questions: ["How do we join?", "Join: how?"]  # English
  answer: Decide.
"""


def added(before: str, after: str) -> list[str]:
    """The lines that are new; fails where one is gone."""
    changes = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]
    assert [line for line in changes if line[0] == "-"] == []
    return [line[2:] for line in changes]


@pytest.mark.parametrize(
    ("wording", "line"),
    [
        ("Vem får vara med?", "    - Vem får vara med?"),
        ("gå med: hur", '    - "gå med: hur"'),
        ("- hur då", '    - "- hur då"'),
        ("ja", "    - ja"),
        ("no", '    - "no"'),
        ('Vad är "LÖK"?', '    - "Vad är \\"LÖK\\"?"'),
    ],
)
def test_a_wording_comes_last_in_its_list(wording: str, line: str) -> None:
    after = with_wording(BLOCK, FILE, language="sv", wording=wording)
    assert added(BLOCK, after) == [line]
    assert yaml.safe_load(after)["sv"]["questions"] == ["Hur går vi med?", "bli medlem: hur", wording]
    assert after.splitlines()[7] == line


def test_a_list_within_brackets_stays_one() -> None:
    after = with_wording(BLOCK, FILE, language="en", wording="Can we join, too?")
    assert '  questions: ["How do we join?", "Join: how?", "Can we join, too?"]  # English\n' in after
    ends = BLOCK.replace('"Join: how?"]', '"Join: how?" , ]')
    after = with_wording(ends, FILE, language="en", wording="Ja?")
    assert yaml.safe_load(after)["en"]["questions"] == ["How do we join?", "Join: how?", "Ja?"]


@pytest.mark.parametrize(
    "last",
    [
        "    - |\n      En lång\n      fråga\n",
        "    - En fråga som\n      fortsätter\n",
        "    -   Långt in\n",
        "    - Sist",
    ],
)
def test_a_wording_follows_whatever_stands_last(last: str) -> None:
    text = f"sv:\n  questions:\n    - Först\n{last}"
    assert yaml.safe_load(with_wording(text, FILE, language="sv", wording="Ny?"))["sv"]["questions"][-1] == "Ny?"


@given(st.text(min_size=1))
def test_any_wording_is_read_back_or_refused(wording: str) -> None:
    try:
        after = with_wording(BLOCK, FILE, language="sv", wording=wording)
    except NotAmendable:
        return
    value = parse(after.encode(), FILE).value
    assert isinstance(value, dict)
    assert isinstance(value["sv"], dict)
    assert value["sv"]["questions"] == ["Hur går vi med?", "bli medlem: hur", wording]


@given(st.text("abcåäö ?!-:#'\"[]{}&*|>%@`0123456789,.", min_size=1).map(str.strip).filter(bool))
def test_what_people_type_is_never_refused(wording: str) -> None:
    with_wording(BLOCK, FILE, language="sv", wording=wording)
    with_wording(BLOCK, FILE, language="en", wording=wording)


@pytest.mark.parametrize(
    ("text", "language"),
    [("sv: [", "sv"), ("- a\n", "sv"), (BLOCK, "fi"), ("sv: {questions: []}\n", "sv"), ("sv: {questions: x}\n", "sv")],
)
def test_what_cannot_be_added_to_is_refused(text: str, language: str) -> None:
    with pytest.raises(NotAmendable, match=r"ga-med\.yaml"):
        with_wording(text, FILE, language=language, wording="Ny?")


QUESTION = GoldenQuestion("p1", 'Vad är "LÖK": svar?', "no", "corrected", frozenset({Outcome.ROUTE, Outcome.ESCALATE}))


def test_a_golden_question_opens_a_file_and_follows_in_one() -> None:
    first = with_golden_question("", FILE, QUESTION)
    assert first.startswith("# ")
    second = with_golden_question(
        first + "# slut\n",
        FILE,
        GoldenQuestion("p2", "Hur?", "sv", "corrected", frozenset({Outcome.ANSWER}), ("ga-med",), "kultur", True),
    )
    assert second.startswith(first + "# slut\n")
    assert yaml.safe_load(second) == [
        {
            "id": "p1",
            "q": 'Vad är "LÖK": svar?',
            "language": "no",
            "style": "corrected",
            "expect": {"outcome": ["escalate", "route"]},
        },
        {
            "id": "p2",
            "q": "Hur?",
            "language": "sv",
            "style": "corrected",
            "expect": {"outcome": ["answer"], "articles": ["ga-med"], "administration": "kultur", "urgent": True},
        },
    ]
