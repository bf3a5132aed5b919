"""Search in many documents: the ways that are chosen for common words find what the plain way finds."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from functools import partial
from typing import Literal

import pytest

from lokbot.conversation import escalation
from lokbot.model import Address
from lokbot.store import inbox, search
from lokbot.store.inbox import Filters, Folder
from lokbot.store.schema import Conversation, Message
from lokbot.store.session import Sessions
from tests.integration.test_escalation import act
from tests.integration.world import World
from tests.sample_mails import ANNA, attachment

WORDS = ("ansökan", "ansökans", "tältet", "ansökan tältet", '"grön ansökan"', "finnsinte", "prov")


@pytest.fixture
def world(sessions: Sessions) -> World:
    """Forty cases with common words, some with rarer ones, written one after the other."""
    world = World(sessions)
    for number in range(40):
        text = "Vi undrar om vår ansökan." if number % 4 else "Det gäller en grön ansökan om tältet."
        world.store(f"{text} Nummer {number}.", sender=ANNA)
    return world


def found(world: World, words: str, *, is_narrowed: bool, most: int = 1000) -> list[int]:
    with world.sessions() as session:
        conditions = (Conversation.id % 3 != 0,) if is_narrowed else ()
        every = search.conversations(session, search.terms(words), *conditions, most=most, is_narrowed=is_narrowed)
        assert not every.is_cut
        return list(every.documents)


@pytest.mark.parametrize(("is_narrowed", "sparse"), [(False, 100), (True, 100), (True, 0)])
@pytest.mark.parametrize("words", WORDS)
def test_common_words_are_found_like_others(
    world: World, words: str, is_narrowed: bool, sparse: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = found(world, words, is_narrowed=is_narrowed)
    assert bool(plain) is (words != "finnsinte")
    monkeypatch.setattr(search, "SAMPLE", 4)
    monkeypatch.setattr(search, "STEPS", (3, 3, 10, 1000))
    monkeypatch.setattr(search, "CASES", 3)
    monkeypatch.setattr(search, "SPARSE", sparse)
    assert sorted(found(world, words, is_narrowed=is_narrowed)) == sorted(plain)
    # Of more than are wanted the newest come, on every way.
    assert found(world, words, is_narrowed=is_narrowed, most=2) == sorted(plain, reverse=True)[:2]


ODD = (
    "Vi är Ærlige Øvelsers vänner på Ängavägen 3½.",
    "Skriv till kassör_2@förening.example, alltså kassören.",
    "Det står Anna\nEk under, och e-post: ANNA.EK@post.example!",
    unicodedata.normalize("NFD", "Råå båtklubb på Ängavägen"),
    "Naïve café №5 över 2026-03-01/2026-04-01, fi\N{LATIN SMALL LIGATURE FI}n",
    "Ελλάδα и Привет مرحبا",
    "İstanbul Straße ẞ",
)
ODDLY_ASKED = (
    "ærlig", "aerlig", "øvelser", "ovelser", "Ängavägens", "angavagen", "3½", "kassör", "kassör_2@förening.example",
    "2@forening.example", '"anna ek"', "anna.ek@post.example", "ek@post.example", "råå", "båtklubbar", "naive", "café",
    "5", "2026-03-01", '"2026 03"', "ελλαδα", "привет", "مرحبا", "strasse", "straße", "istanbul", "post example",
)  # fmt: skip


@pytest.mark.parametrize("words", ODDLY_ASKED)
def test_reading_what_few_cases_say_finds_what_the_index_of_words_finds(
    sessions: Sessions, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(sessions)
    for text in ODD:
        world.store(text, sender=ANNA)
    plain = found(world, words, is_narrowed=False)
    monkeypatch.setattr(search, "SAMPLE", 1)
    monkeypatch.setattr(search, "COMMON", 0)
    monkeypatch.setattr(search, "SPARSE", 0)
    read = found(world, words, is_narrowed=True)
    assert sorted(read) == sorted(one for one in plain if one % 3)


@pytest.mark.parametrize("words", ["båtklubbens", "bryggför", '"råå båtklubb"', "åkesson", "säsong", "årsmöte", "älgö"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_what_a_mac_wrote_in_parts_is_found_by_whole_letters_and_by_parts(
    sessions: Sessions, words: str, asked: Literal["NFC", "NFD"]
) -> None:
    """In the text, the subject, the sender's and a file's name, and a note."""
    world = World(sessions)
    apart = partial(unicodedata.normalize, "NFD")
    text = apart("Hej! Råå båtklubb söker plats för sin bryggförening.")
    case = world.write(
        text,
        subject=apart("Ny säsong"),
        sender=Address(apart("Björn Åkesson"), "b@post.example"),
        attachments=(replace(attachment(), name=apart("årsmöte.pdf")),),
    )
    act(case, escalation.note, apart("Ring Älgö."))
    with sessions() as session:
        found = inbox.cases(session, Folder.ALL, Filters(words=unicodedata.normalize(asked, words)), "Kim").cases
        assert len(found) == 1
        assert text.encode() in session.get_one(Message, case.message_id).raw, "the original is as it came"


def test_an_address_is_asked_for_as_a_whole(world: World) -> None:
    """Of its parts each stands in many texts."""
    world.store("Skriv till styrelsen@tennis.example.", sender=ANNA)
    hit = world.store("Skriv till kassor@tennis.example, inte till styrelsen.", sender=ANNA)
    world.store("Kassor vid tennis enligt example.", sender=ANNA)
    with world.sessions() as session:
        case = session.get_one(Message, hit).conversation_id
    for words in ("kassor@tennis.example", "KASSOR@tennis.exam", "kassor@tennis"):
        assert found(world, words, is_narrowed=False) == [case]


def test_whoever_goes_beyond_what_is_looked_through_is_told_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SAMPLE", 4)
    monkeypatch.setattr(search, "STEPS", (2, 3, 10))
    with world.sessions() as session:
        looked_through = 15 if session.get_bind().dialect.name == "postgresql" else 13
        first = search.conversations(session, search.terms("ansökan"), most=1000, is_narrowed=False)
    assert first.is_cut
    assert len(first.documents) == looked_through
