"""Words and meaning together."""

from __future__ import annotations

import numpy as np
import pytest

from lokbot.understanding import retrieval


@pytest.mark.parametrize("documents", [1, 7, 8, 20])
def test_hubness_is_the_mean_of_the_ten_nearest_of_each_document(
    documents: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    likeness = np.random.default_rng(5).random((13, documents))
    before = likeness.copy()
    monkeypatch.setattr(retrieval, "_BATCH", 7)
    expected = [np.mean(sorted(column)[-10:]) for column in likeness.T]
    np.testing.assert_allclose(retrieval.hubness(likeness), expected)
    assert (likeness == before).all()
    np.testing.assert_allclose(retrieval.hubness(likeness[:4]), likeness[:4].mean(axis=0))
