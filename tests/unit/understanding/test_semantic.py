"""Finding by meaning, with an encoder that knows four concepts in three languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from lokbot import understanding
from lokbot.model import Intent, IntentAction, Rule
from lokbot.understanding import LEXICAL, SEMANTIC, answer_threshold, build, passages, semantic
from lokbot.understanding.confidence import HINT_ONLY, fitted
from lokbot.understanding.semantic import Table, VectorIndex, Vectors, standard, windows
from tests.unit.understanding.knowledge_sample import KNOWLEDGE

CONCEPTS = (
    ("ansl", "gå med", "join", "beitreten"),
    ("bidrag", "stöd", "grant", "zuschuss"),
    ("lokal", "room", "raum"),
    ("styrgrupp", "steering"),
)


class Encoder:
    """A text's vector says which concepts it names; ``works`` turned off, there are no vectors for questions."""

    def __init__(self, *, works: bool = True, indexes: bool = True) -> None:
        self.works, self.indexes = works, indexes
        self.asked: list[str] = []

    def questions(self, texts: Sequence[str]) -> Vectors | None:
        self.asked += texts
        return _vectors(texts) if self.works else None

    def wordings(self, texts: Sequence[str]) -> Vectors | None:
        return _vectors(texts) if self.indexes else None

    passages = wordings


def _vectors(texts: Sequence[str]) -> Vectors:
    rows = []
    for text in texts:
        row = [0.1, *(float(any(word in text.lower() for word in each)) for each in CONCEPTS)]
        rows.append(np.array(row, dtype=np.float32) / np.linalg.norm(row))
    return np.array(rows, dtype=np.float32)


def test_a_question_in_another_language_finds_the_swedish_article() -> None:
    encoder = Encoder()
    asked = "Wie kann unser Verein der Vereinbarung beitreten?"
    (question,) = build(KNOWLEDGE, encoder).understand(asked).questions
    assert (question.language, question.calibration) == ("de", SEMANTIC)
    assert question.matches[0].article == "ansluta-forening"
    assert {each.matcher for each in question.matches[0].evidence} >= {"semantic"}
    assert encoder.asked == [asked]


def test_in_another_language_what_means_a_matter_for_a_person_is_answered_with_nothing() -> None:
    asked = "Raum und Zuschuss, beitreten?"
    sure = build(KNOWLEDGE, Encoder()).understand(asked).questions[0].matches[0]
    intent = Intent("fara", IntentAction.URGENT, "fara", (Rule(any=("fara",)),), examples=("room, grant, join",))
    warned = replace(KNOWLEDGE, intents=(*KNOWLEDGE.intents, intent))
    (question,) = build(warned, Encoder()).understand(asked).questions
    assert question.language == "de"
    assert all(match.confidence <= HINT_ONLY * sure.confidence + 0.01 for match in question.matches)


def test_without_vectors_for_a_question_it_is_understood_as_if_there_were_none() -> None:
    asked = "Hur ansluter vi oss till överenskommelsen egentligen?"
    failing = build(KNOWLEDGE, Encoder(works=False))
    assert failing.is_semantic
    assert failing.understand(asked) == build(KNOWLEDGE).understand(asked)
    assert failing.understand(asked).questions[0].calibration == LEXICAL


def test_without_vectors_for_the_articles_there_are_none_for_questions() -> None:
    encoder = Encoder(indexes=False)
    understander = build(KNOWLEDGE, encoder)
    assert not understander.is_semantic
    assert understander.understand("Hur går vi med?").questions[0].calibration == LEXICAL
    assert encoder.asked == []


def test_the_strictest_threshold_of_a_messages_questions_counts() -> None:
    understood = build(KNOWLEDGE, Encoder()).understand("Hur går vi med?")
    (question,) = understood.questions
    others = replace(question, language="de", calibration=LEXICAL)
    both = replace(understood, questions=(question, others))
    models = fitted()
    least = [models[SEMANTIC].threshold(0.01), models[LEXICAL].threshold(0.01, is_other=True)]
    assert answer_threshold(both, 0.01) == max(least)
    assert answer_threshold(replace(understood, questions=()), 0.01) == 1.0


def test_a_hub_loses_to_what_is_near_to_this_question_alone() -> None:
    """One passage is somewhat near to all questions; its likeness says less."""

    class Axes:
        def wordings(self, texts: Sequence[str]) -> Vectors:
            return np.array([AXES[text] for text in texts], dtype=np.float32)

        questions = passages = wordings

    axes = np.eye(3)
    hub = (axes[0] + axes[1] + axes[2]) / np.sqrt(3)
    AXES = {"a": axes[0], "b": axes[1], "c": axes[2], "hub": hub}
    asked = (hub * 0.8 + axes[0] * 0.4 + axes[1] * 0.1).astype(np.float32)
    meant = VectorIndex([(), ()], [("a",), ("hub",)], Axes(), references=("b", "c", "hub")).meant(
        asked / np.linalg.norm(asked)
    )
    plain = [float(AXES[name] @ asked) for name in ("a", "hub")]
    assert plain[0] < plain[1]
    assert meant.answer[0] > meant.answer[1]


def test_an_answer_is_read_in_overlapping_windows() -> None:
    assert windows("Ett är sant. Två är sant. Tre är sant. Fyra är sant.") == (
        "Ett är sant. Två är sant. Tre är sant.",
        "Två är sant. Tre är sant. Fyra är sant.",
    )
    assert windows("Kort.") == ("Kort.",)
    assert windows("") == ("",)


@pytest.mark.parametrize("count", range(1, 9))
@pytest.mark.parametrize("step", [1, 2, 3])
def test_windows_further_apart_hold_every_sentence(count: int, step: int) -> None:
    sentences = [f"Mening {number} är sann." for number in range(count)]
    found = windows(" ".join(sentences), step=step)
    assert all(any(sentence in window for window in found) for sentence in sentences)
    assert [window[: len(sentences[0])] for window in found] == sentences[::step][: len(found)]
    assert len(set(found)) == len(found) == max(1, -(-(count - 3) // step) + 1)


def test_of_very_many_answers_every_second_window_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = " ".join(f"Mening {number} är sann." for number in range(9))
    article = next(iter(KNOWLEDGE.articles.values()))
    articles = [replace(article, texts={"sv": replace(article.texts["sv"], answer=answer)})] * 2
    monkeypatch.setattr(understanding, "_MOST_PASSAGES", 14)
    every = passages(articles)
    assert list(every) == list(every) == [windows(answer)] * 2, "they can be gone through twice"
    assert list(passages([*articles, article]))[:2] == [windows(answer, step=2)] * 2


@pytest.mark.parametrize("scores", [[], [1.0, 1.0]])
def test_equal_scores_say_nothing(scores: list[float]) -> None:
    assert standard(np.array(scores)).tolist() == [0.0] * len(scores)


def test_what_only_sounds_like_a_document_is_told_apart() -> None:
    index = VectorIndex([["gå med"], ["lokal"]], [["ansluta"], ["rum"]], Encoder(), near_misses=[["bidrag"], []])
    (asked,) = _vectors(["Vilket bidrag?"])
    assert index.meant(asked).near_miss[0] > 0.5
    assert index.meant(asked).near_miss[1] == 0.0  # nobody has said what sounds like it
    (joining,) = _vectors(["gå med"])
    assert index.meant(joining).near_miss[0] < -0.5


def test_very_many_vectors_are_kept_in_less_memory_and_are_as_near(monkeypatch: pytest.MonkeyPatch) -> None:
    given = np.random.default_rng(7).normal(size=(60, 32)).astype(np.float32)
    given /= np.linalg.norm(given, axis=1, keepdims=True)
    texts = [[str(10 * document + place) for place in range(10)] for document in range(6)]

    def encode(asked: Sequence[str]) -> Vectors:
        return given[[int(text) for text in asked]]

    exact = Table(encode, texts)
    monkeypatch.setattr(semantic, "_MOST_EXACT", 10)
    monkeypatch.setattr(semantic, "_BATCH", 16)
    rough = Table(encode, texts)
    places = exact.of(np.array([1, 4]))
    assert rough.of(np.array([1, 4])).tolist() == places.tolist() == [*range(10, 20), *range(40, 50)]
    for chosen in (places, exact.of(None), places[:0]):
        found = exact.likeness(chosen, given[0])
        np.testing.assert_allclose(found, given[chosen] @ given[0], atol=1e-6)
        np.testing.assert_allclose(rough.likeness(chosen, given[0]), found, atol=0.01)
    np.testing.assert_allclose(rough.rows(places), exact.rows(places), atol=0.01)
    np.testing.assert_allclose(rough.sums(6), exact.sums(6), atol=0.1)
    assert rough.rows(places).dtype == exact.rows(places).dtype == np.float32
    assert (rough.rows(places) != exact.rows(places)).any()
