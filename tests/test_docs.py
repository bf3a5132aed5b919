"""What the documents and messages tell somebody to type exists, and every command is told of."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from lokbot.cli import COMMANDS, main
from lokbot.config import CONFIG_VARIABLE, PREFIX, Settings

ROOT = Path(__file__).resolve().parents[1]
OPERATIONS = ROOT / "docs" / "operations.md"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MESSAGES = [ROOT / "knowledge" / "phrases.yaml", *sorted((ROOT / "lokbot").rglob("*.py"))]

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_TO_TYPE = re.compile(r"(?:: |`)(lokbot [a-z-]+(?: (?:--?)?[a-z][a-z-]*)*)")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_VARIABLE = re.compile(r"\bLOKBOT_[A-Z_]+\b")


def typed(document: Path) -> Iterator[list[str]]:
    """Every command line of a document's shell blocks as words, without comments, variables before it and pipes."""
    for block in _BLOCK.findall(document.read_text("utf-8")):
        for line in re.split(r"\n|&&|\|", block.replace("\\\n", " ")):
            words = shlex.split(line.partition(" <")[0], comments=True)
            while words and "=" in words[0]:
                words.pop(0)
            if words:
                yield words


def inline(document: Path) -> Iterator[list[str]]:
    """Every ``lokbot ...`` in the running text."""
    text = _BLOCK.sub("", document.read_text("utf-8"))
    for code in _INLINE.findall(text):
        if re.match(r"lokbot [a-z]", code):
            yield shlex.split(code)


def in_messages(file: Path) -> Iterator[list[str]]:
    """Every ``lokbot ...`` that a message or a sentence of ours tells somebody to type."""
    for found in _TO_TYPE.findall(file.read_text("utf-8")):
        yield found.split()


def found(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that ``words`` name, and what follows it. Fails where there is none."""
    command: click.Command = main
    rest = words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        inner = command.get_command(click.Context(command), rest[0])
        assert inner is not None, f"there is no `{' '.join(words)}`"
        command, rest = inner, rest[1:]
    return command, rest


def options_of(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}


def variables(section: type[BaseModel] = Settings, prefix: str = PREFIX) -> Iterator[str]:
    for name, field in section.model_fields.items():
        variable = f"{prefix}{name.upper()}"
        yield variable
        yield f"{variable}_FILE"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from variables(field.annotation, f"{variable}__")


def test_documents_hold_commands() -> None:
    assert sum(words[0].endswith("lokbot") for document in DOCUMENTS for words in typed(document)) > 10


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_command_in_a_shell_block_can_be_typed_so(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for words in typed(document):
        if words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= targets, words
        elif words[0] in ("lokbot", ".venv/bin/lokbot"):
            command, rest = found(words)
            try:
                # Under its group: click keeps the help option that a command's first context gives it, for good.
                command.make_context(words[0], list(rest), parent=click.Context(main, **main.context_settings))
            except click.UsageError as error:
                pytest.fail(f"{' '.join(words)}: {error.message}")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_command_in_running_text_exists(document: Path) -> None:
    for words in inline(document):
        command, rest = found(words)
        assert {word for word in rest if word.startswith("-")} <= options_of(command), words


@pytest.mark.parametrize("file", MESSAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_command_in_a_message_exists(file: Path) -> None:
    for words in in_messages(file):
        command, rest = found(words)
        assert {word for word in rest if word.startswith("-")} <= options_of(command), words


def test_messages_hold_commands() -> None:
    assert sum(1 for file in MESSAGES for _ in in_messages(file)) > 10


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_told_of_in_the_operations(command: str) -> None:
    assert re.search(rf"lokbot {command}\b", OPERATIONS.read_text("utf-8"))


@pytest.mark.parametrize(
    "document", [*DOCUMENTS, ROOT / "docker-compose.yml", ROOT / "lokbot.example.yaml"], ids=lambda path: path.name
)
def test_a_variable_that_is_named_is_a_setting(document: Path) -> None:
    named = set(_VARIABLE.findall(document.read_text("utf-8"))) - {PREFIX, CONFIG_VARIABLE}
    assert named <= set(variables())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for link in _LINK.findall(document.read_text("utf-8")):
        assert (document.parent / link).exists(), link
