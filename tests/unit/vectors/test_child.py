"""What the child does with a text before its model sees it."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from lokbot.vectors.child import MOST_TOKENS, capped
from lokbot.vectors.process import COMMAND


def words(text: str) -> int:
    return len(text.split())


def test_a_short_text_stays_as_it_is() -> None:
    assert capped("Hur går vi med?", words) == "Hur går vi med?"


def test_a_long_text_is_cut_at_a_word() -> None:
    found = capped("a b " * 500, words)
    assert words(found) <= MOST_TOKENS
    assert set(found.split()) == {"a", "b"}


@given(st.text(max_size=3000))
def test_no_text_is_above_the_cap(text: str) -> None:
    assert len(capped(text, len)) <= MOST_TOKENS


def test_the_child_imports_nothing_of_lokbot() -> None:
    script = "import runpy, sys; runpy.run_path(sys.argv[1]); print([m for m in sys.modules if m.startswith('lokbot')])"
    found = subprocess.run([sys.executable, "-c", script, COMMAND[-1]], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
