"""`lokbot let-in`: the way in for whoever may run commands on the server."""

from __future__ import annotations

import re

import pytest

from tests.integration.test_cli import NOT_POSSIBLE, folder, lokbot, refused, said, store  # noqa: F401

pytestmark = pytest.mark.usefixtures("store")


def test_a_link_is_printed_and_the_log_says_so() -> None:
    assert "lokbot let-in anna@stad.example --admin" in refused("let-in", "anna@stad.example", code=NOT_POSSIBLE)
    told = lokbot("let-in", "anna@stad.example", "--admin", "--by", "Drift")
    assert re.fullmatch(r"http://localhost:8080/valkommen/[\w-]{43}\n", told.stdout)
    assert "en timme" in told.stderr
    assert "Drift (cli): let-in" in said("audit", "--act", "let-in")
    again = said("let-in", "anna@stad.example", "--by", "Drift")
    assert again != told.stdout
