"""What is kept of vectors: in memory boundedly, on disk so that a broken file harms nobody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lokbot.understanding.semantic import Vectors
from lokbot.vectors import cache
from lokbot.vectors.cache import FILE, Kept, Recent


class Lengths:
    """Computes (length, 0.5) and remembers what it was asked for; ``works`` turned off gives None."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.works = True

    def __call__(self, texts: Sequence[str]) -> Vectors | None:
        self.asked += texts
        return np.array([[len(text), 0.5] for text in texts], dtype=np.float32) if self.works else None

    def of_kind(self, kind: str, texts: Sequence[str]) -> Vectors | None:  # noqa: ARG002
        return self(texts)


@pytest.fixture
def compute() -> Lengths:
    return Lengths()


def rows(found: Vectors | None) -> list[list[float]]:
    assert found is not None
    return found.tolist()  # type: ignore[no-any-return]


def test_a_question_is_computed_once_and_given_in_order(compute: Lengths) -> None:
    recent = Recent(10)
    assert rows(recent.get_all(["a", "bb", "a"], compute)) == [[1.0, 0.5], [2.0, 0.5], [1.0, 0.5]]
    assert rows(recent.get_all(["bb", "ccc"], compute)) == [[2.0, 0.5], [3.0, 0.5]]
    assert compute.asked == ["a", "bb", "ccc"]


def test_the_oldest_questions_are_forgotten(compute: Lengths) -> None:
    recent = Recent(2)
    for text in ("a", "bb", "a", "ccc", "a", "bb"):
        recent.get_all([text], compute)
    assert compute.asked == ["a", "bb", "ccc", "bb"]


def test_without_vectors_nothing_is_kept(compute: Lengths) -> None:
    recent = Recent(10)
    compute.works = False
    assert recent.get_all(["a"], compute) is None
    compute.works = True
    assert rows(recent.get_all(["a"], compute)) == [[1.0, 0.5]]


def test_articles_are_kept_for_the_next_start(compute: Lengths, tmp_path: Path) -> None:
    first = rows(Kept(tmp_path / "new").get_all("q", ["a", "bb"], compute.of_kind))
    assert rows(Kept(tmp_path / "new").get_all("q", ["bb", "a"], compute.of_kind)) == first[::-1]
    assert compute.asked == ["a", "bb"]


def test_two_processes_keep_what_the_other_computed(compute: Lengths, tmp_path: Path) -> None:
    one, other = Kept(tmp_path), Kept(tmp_path)
    one.get_all("q", [], compute.of_kind)
    other.get_all("q", ["a"], compute.of_kind)
    one.get_all("q", ["bb"], compute.of_kind)
    Kept(tmp_path).get_all("q", ["a", "bb"], compute.of_kind)
    assert compute.asked == ["a", "bb"]


def test_a_question_and_a_passage_of_the_same_text_are_two(compute: Lengths, tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.get_all("q", ["a"], compute.of_kind)
    kept.get_all("p", ["a"], compute.of_kind)
    assert compute.asked == ["a", "a"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file", b"\x93NUMPY", b"no archive at all"])
def test_a_broken_file_is_computed_anew(compute: Lengths, tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert rows(Kept(tmp_path).get_all("q", ["a"], compute.of_kind)) == [[1.0, 0.5]]
    assert rows(Kept(tmp_path).get_all("q", ["a"], compute.of_kind)) == [[1.0, 0.5]]
    assert compute.asked == ["a"]


def test_a_folder_that_cannot_be_written_is_no_error(compute: Lengths, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    kept = Kept(tmp_path / "file" / "below")
    for _ in range(2):
        assert rows(kept.get_all("q", ["a"], compute.of_kind)) == [[1.0, 0.5]]
    assert compute.asked == ["a"], "it is held in memory"


def test_what_is_added_batch_by_batch_is_all_kept(compute: Lengths, tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(40)]
    kept = Kept(tmp_path)
    for start in range(0, len(texts), 10):
        kept.get_all("q", texts[start : start + 10], compute.of_kind)
    assert len(rows(Kept(tmp_path).get_all("q", texts, compute.of_kind))) == len(texts)
    assert compute.asked == texts


def test_of_very_many_the_first_go(compute: Lengths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_MOST_ON_DISK", 3)
    kept = Kept(tmp_path)
    for text in ("a", "bb", "ccc", "dddd"):
        kept.get_all("q", [text], compute.of_kind)
    assert rows(kept.get_all("q", ["dddd", "ccc", "bb"], compute.of_kind)) == [[4.0, 0.5], [3.0, 0.5], [2.0, 0.5]]
    assert compute.asked == ["a", "bb", "ccc", "dddd"]
    kept.get_all("q", ["a"], compute.of_kind)
    assert compute.asked[4:] == ["a"]


def test_no_texts_are_no_vectors(compute: Lengths, tmp_path: Path) -> None:
    assert rows(Kept(tmp_path).get_all("q", [], compute.of_kind)) == []
