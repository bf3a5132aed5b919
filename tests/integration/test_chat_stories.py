"""What associations write in a chat, with the shipped content, and what they get."""

from __future__ import annotations

import re
from functools import cache

import pytest

from lokbot import understanding
from lokbot.config import Settings
from lokbot.knowledge import loading
from lokbot.model import ChannelName, ConversationStatus
from lokbot.store.session import Sessions
from lokbot.understanding import Active
from tests.integration.chatting import Chat
from tests.integration.world import SEND, World, edited


@cache
def shipped() -> Active:
    """All that is in the files, by words alone."""
    settings = Settings()
    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    return Active(knowledge, understanding.build(knowledge))


@pytest.fixture(params=[ChannelName.TELEGRAM, ChannelName.WEBCHAT])
def chat(sessions: Sessions, request: pytest.FixtureRequest) -> Chat:
    """Somebody who has been greeted, where drafts may be sent."""
    world = World(sessions, edited(SEND, drafts_allowed=True))
    world.active = shipped()
    chat = Chat(world, channel=request.param)
    chat.command("start")
    return chat


def test_whoever_wants_to_join_gets_three_short_steps_and_a_way_to_a_person(chat: Chat) -> None:
    (answer,) = chat.write("vi vil va med i lök hur gör")
    steps = re.findall(r"^(\d)\. (.+)$", answer, re.MULTILINE)
    assert [number for number, _ in steps] == ["1", "2", "3"]
    assert all(len(re.sub(r"https://\S+", "", step).split()) <= 15 for _, step in steps)
    assert "protokollsutdrag. Det är den del av protokollet där beslutet står" in answer
    assert "https://helsingborg.se/" in answer
    assert chat.buttons() == ["Ja", "Nej, jag vill prata med en människa", "Läs mer"]
    (whole,) = chat.press("Läs mer")
    assert "Nya föreningar tas emot vid en ceremoni" in whole
    chat.press("Nej, jag vill prata med en människa")
    assert chat.case.conversation.status is ConversationStatus.WAITING


def test_written_in_three_messages_it_is_the_same_question(chat: Chat) -> None:
    (answer,) = chat.write("hej", "vi vil va med i lök", "hur gör")
    assert "protokollsutdrag" in answer


@pytest.mark.parametrize("word", ["människa", "Manniska", "jag vill prata med en människa", "human"])
def test_one_word_brings_a_person(chat: Chat, word: str) -> None:
    (receipt,) = chat.write(word)
    assert "föreningssamordnare" in receipt or "coordinator" in receipt
    assert chat.case.conversation.status is ConversationStatus.WAITING


@pytest.mark.parametrize("text", ["hej", "tack", "ok tack", "👍"])
def test_small_talk_needs_no_person(chat: Chat, text: str) -> None:
    assert chat.write(text) == []
    assert chat.case.conversation.status is not ConversationStatus.WAITING


def test_whoever_comes_back_with_hello_is_answered(chat: Chat) -> None:
    chat.world.later(days=3)
    (hello,) = chat.write("hej")
    assert hello.startswith("Hej! Skriv din fråga")
    assert chat.write("hej?") == []


def test_every_short_text_is_shorter_than_its_answer_and_no_button_is_too_long() -> None:
    for article in shipped().knowledge.articles.values():
        for text in article.texts.values():
            assert len(text.short) < len(text.answer), article.id
