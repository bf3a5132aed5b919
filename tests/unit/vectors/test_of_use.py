"""Vectors are believed only where there are enough articles to judge a likeness by."""

from __future__ import annotations

from typing import cast

import pytest

from lokbot import vectors


@pytest.mark.parametrize(("articles", "is_used"), [(2, False), (29, False), (30, True), (99, True)])
def test_a_handful_of_articles_is_found_by_words(articles: int, is_used: bool) -> None:
    encoder = cast("vectors.CachedEncoder", object())
    assert vectors.of_use(encoder, articles) == (encoder if is_used else None)
    assert vectors.of_use(None, articles) is None
