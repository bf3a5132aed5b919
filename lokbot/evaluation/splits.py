"""Which golden questions are learnt from, which are looked at while working, and which are kept for the end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import StrEnum

from lokbot.model import GoldenQuestion

TEST_PERCENT = 85
"""Of the unseen pool. The rest is trained on and looked at, so that the test is not of another kind than those."""


class Split(StrEnum):
    """``TRAIN``: weights and thresholds come from it. ``DEV``: looked at while working. ``TEST``: kept for the end."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


def split_of(golden: GoldenQuestion) -> Split:
    """The split, by SHA-256 of the id alone: a question never changes sides, whoever edits it or its neighbours."""
    digest = hashlib.sha256(golden.id.encode()).digest()
    if golden.is_unseen and int.from_bytes(digest[:4]) % 100 < TEST_PERCENT:
        return Split.TEST
    return Split.DEV if digest[4] % 2 else Split.TRAIN


def of_split(questions: Iterable[GoldenQuestion], *splits: Split) -> tuple[GoldenQuestion, ...]:
    """Those in one of the splits, in their order."""
    return tuple(golden for golden in questions if split_of(golden) in splits)
