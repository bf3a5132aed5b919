"""The desk's sentences: each has its English one, and nothing is translated that nobody says."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import lokbot.web
from lokbot import desk_settings, desk_texts, editing, records
from lokbot.conversation.phrases import REQUIRED_PHRASES
from lokbot.model import ChannelName, ConversationStatus, OutboxKind, OutboxStatus, Outcome
from lokbot.records import page
from lokbot.store.inbox import Folder
from lokbot.understanding.kinds import Kind
from lokbot.web import app, articles, cases, chat, choices, desk_pages, people, registry, rendering, statistics, thread

WEB = Path(lokbot.web.__file__).parent
TABLES = (
    rendering.DONE,
    cases.NAMES,
    cases.EMPTY,
    cases.STATUSES,
    cases.CHANNELS,
    cases.FOUND_IN,
    thread.EVENTS,
    thread.HAPPENED,
    thread.KINDS,
    thread.SENDING,
    thread.OUTCOMES,
    thread.GROUNDS,
    thread.FACTS,
    thread.PRESSED,
    people.ROLES,
    registry.ACTS,
    registry.SOURCES,
    people.MAY,
    desk_pages.VERDICTS,
    records.CLASSES,
    articles.STATES,
    articles.OUTCOMES,
    articles.LANGUAGES,
    choices.LABELS,
    choices.HINTS,
    choices.MODES,
    choices.FOLLOWS,
    choices.GROUP_TEXTS,
    {"": desk_settings.MEANWHILE},
    choices.TO_ASKERS,
    choices.TO_STAFF,
    editing.FIELDS,
    editing.PERISHABLE,
    editing.VERDICTS,
    {key: sentence for key, sentence in chat.ERRORS.items() if key},
)


REFUSING = (
    *("conversation/*.py", "records/*.py", "register/*.py", "web/*.py"),
    *("accounts.py", "city_accounts.py", "desk_settings.py", "desk_texts.py"),
    *("editing.py", "promoting.py", "knowledge/publishing.py", "store/queries.py"),
)


def refusals() -> dict[str, list[str]]:
    """Every sentence by which an act that the desk may ask for is refused, and where it is not a plain sentence."""
    found: dict[str, list[str]] = {}
    for pattern in REFUSING:
        for module in WEB.parent.glob(pattern):
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                    continue
                if node.func.id in ("NotPossible", "NotAllowed", "NotUsable", "NotPublishable"):
                    first = node.args[0]
                    sentence = str(first.value) if isinstance(first, ast.Constant) else ""
                    found.setdefault(sentence, []).append(f"{module.name}:{node.lineno}")
    return found


def sentences() -> set[str]:
    """Every Swedish sentence that the pages say."""
    said = {sentence for table in TABLES for sentence in table.values()}
    said |= set(refusals()) - {""}
    said |= {sentence for pair in (*app.REFUSALS.values(), app.FOREIGN_FORM, app.OLD_FORM) for sentence in pair}
    said |= set(statistics.GROUPS)
    for template in (WEB / "templates").glob("*.html"):
        said |= {found[2] for found in re.finditer(r"_\(([\"'])(.+?)\1", template.read_text(encoding="utf-8"))}
    for module in WEB.glob("*.py"):
        text = module.read_text(encoding="utf-8")
        said |= set(re.findall(r"(?:\.say|_again)\(\s*(?:visit,\s*)?\"((?:[^\"\\]|\\.)+)\"", text))
        said |= set(re.findall(r"EMPTY\.get\(\w+, \"(.+?)\"\)", text))
    return said


def test_every_sentence_has_its_english_one_and_no_other_is_kept() -> None:
    assert set(rendering.english()) == sentences()


def test_a_refusal_is_a_sentence_that_can_be_translated() -> None:
    assert refusals().get("", []) == [], "its words go into braces, not into the sentence"
    assert [sentence for sentence in refusals() if "lokbot " in sentence or "--" in sentence] == [], "no command line"


def test_every_kind_state_and_channel_has_a_name() -> None:
    """A case that holds one without a name could not be shown."""
    assert set(thread.KINDS) == set(OutboxKind)
    assert set(thread.SENDING) == set(OutboxStatus)
    assert set(thread.OUTCOMES) == set(articles.OUTCOMES) == set(Outcome)
    assert set(thread.FACTS) == {str(kind) for kind in Kind}
    assert set(cases.STATUSES) == set(ConversationStatus)
    assert set(cases.CHANNELS) == {str(channel) for channel in ChannelName}
    assert set(cases.NAMES) == set(Folder)
    assert set(page.KINDS) == set(OutboxKind)
    assert set(page.CHANNELS) == {str(channel) for channel in ChannelName}


def test_every_phrase_is_of_a_kind_with_a_name_and_every_word_in_it_has_an_example() -> None:
    kinds = choices.TO_ASKERS | choices.TO_STAFF
    assert {key.partition(".")[0] for key in REQUIRED_PHRASES} <= set(kinds)
    assert {word for words in REQUIRED_PHRASES.values() for word in words} == set(desk_texts.EXAMPLES)


def test_a_translation_has_room_for_the_same_words() -> None:
    def fields(text: str) -> set[str | None]:
        return {field for _, field, _, _ in Formatter().parse(text) if field}

    assert [swedish for swedish, english in rendering.english().items() if fields(swedish) != fields(english)] == []
