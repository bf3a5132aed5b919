"""The commands about single questions and the content: ask, parse, check."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from lokbot import asking, describing
from lokbot.cli.common import active_of_files, now, with_settings
from lokbot.config import Settings
from lokbot.conversation.phrases import REQUIRED_PHRASES
from lokbot.conversation.working_days import SWEDEN
from lokbot.knowledge import checks, loading
from lokbot.knowledge.problems import Severity, format_problem
from lokbot.masking import mask_personal_numbers

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("question", nargs=-1)
@click.option("--jsonl", is_flag=True, help='Read {"id","q"} lines on stdin and write one JSON line for each.')
@with_settings
def ask(settings: Settings, question: tuple[str, ...], jsonl: bool) -> None:
    """What the bot would do with a question, and why. Drafts are used; nothing is stored or sent."""
    active = active_of_files(settings)
    if not jsonl:
        if not question:
            raise click.UsageError('Give a question: lokbot ask "Hur går vi med?", or use --jsonl.')
        click.echo(
            mask_personal_numbers(
                describing.asked(asking.ask(_whole(" ".join(question)), active, settings, now=now()), active.knowledge)
            )
        )
        return
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.strip():
            continue
        try:
            text, identity = _request(line)
        except (ValueError, RecursionError):
            error = f'line {number} is not a JSON object with a text "q"; write {{"id": "1", "q": "..."}}'
            _print_json({"id": None, "error": error})
        else:
            _print_json(asking.as_json(asking.ask(text, active, settings, now=now()), identity))


def _request(line: bytes) -> tuple[str, object]:
    """The question of a line, and its id. Raises ValueError or RecursionError where the line holds none."""
    request = json.loads(line.decode("utf-8-sig"))  # Windows programs begin a file with its mark
    if not isinstance(request, dict) or not isinstance(request.get("q"), str):
        raise ValueError("no question")
    return _whole(request["q"]), request.get("id")


def _whole(text: str) -> str:
    """``text`` without half characters, which JSON can spell and a shell can pass on, but which no text can hold."""
    return text.encode("utf-8", "replace").decode()


def _print_json(value: dict[str, Any]) -> None:
    """One line of JSON, in UTF-8 whatever the terminal speaks; half a character (of a file's name) as its escape."""
    click.echo(json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace"))


@click.command()
@click.option("--jsonl", is_flag=True, help="One JSON line for each file (the only form there is).")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def parse(jsonl: bool, files: tuple[Path, ...]) -> None:  # noqa: ARG001
    """How mail files (.eml) are read: who, when, the new words, automatic or not."""
    from lokbot.channels import mime
    from lokbot.understanding.language import detect

    for file in files:
        trouble: list[str] = []
        try:
            raw = file.read_bytes()
        except OSError as error:
            raw, trouble = b"", [f"cannot be read: {error.strerror}"]
        message = mime.parse(raw, received_at=now())
        line = mime.to_json(str(file), message, detect(message.new_text or message.text))
        _print_json(line | {"warnings": [*line["warnings"], *trouble]})


@click.command()
@with_settings
def check(settings: Settings) -> None:
    """Check all content and settings; each problem with file, line and remedy. Exit 1 when there is an error."""
    reading = loading.read(settings.knowledge_dir, settings.intents_dir)
    problems = list(reading.problems)
    if reading.knowledge is not None:
        today = now().astimezone(SWEDEN).date()
        problems += checks.check(
            reading.knowledge,
            reading.positions,
            today=today,
            required_phrases=REQUIRED_PHRASES,
            lix_limit=settings.lix_limit,
        )
    for problem in problems:
        click.echo(format_problem(problem, Path.cwd()))
    click.echo(describing.setup(settings))
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    if errors:
        click.echo(f"{errors} fel måste rättas.", err=True)
        sys.exit(1)
    click.echo("Inga fel.")
