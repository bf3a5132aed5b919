"""The commands about single questions and the content: ask, parse, check, evaluate."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from lokbot import asking, describing, evaluation, swefaq, understanding, vectors
from lokbot.cli.common import now, with_settings
from lokbot.config import Settings, SettingsError
from lokbot.conversation.phrases import REQUIRED_PHRASES
from lokbot.conversation.working_days import SWEDEN
from lokbot.knowledge import checks, loading
from lokbot.knowledge.problems import Severity, format_problem
from lokbot.masking import mask_personal_numbers
from lokbot.understanding import Active

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def _files(settings: Settings) -> Active:
    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    # The child ends with this process, whose pipe it reads.
    found = vectors.for_settings(settings)
    if found is not None:
        found.start()  # loads the model while the articles are indexed
    return Active(knowledge, understanding.build(knowledge, found))


@click.command()
@click.argument("question", nargs=-1)
@click.option("--jsonl", is_flag=True, help='Read {"id","q"} lines on stdin and write one JSON line for each.')
@with_settings
def ask(settings: Settings, question: tuple[str, ...], jsonl: bool) -> None:
    """What the bot would do with a question, and why. Drafts are used; nothing is stored or sent."""
    active = _files(settings)
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


@click.command()
@click.option("--split", type=click.Choice(["dev", "test", "all"]), default="dev", show_default=True)
@click.option("--mistakes", is_flag=True, help="Also every question that did not end as it should.")
@click.option("--swefaq", "swefaq_file", type=FILE, help="Instead: the retriever on a swefaq_*.jsonl of Superlim.")
@with_settings
def evaluate(settings: Settings, split: str, mistakes: bool, swefaq_file: Path | None) -> None:
    """How often the bot is right on the golden questions of knowledge/golden.yaml."""
    if swefaq_file is not None:
        _evaluate_retriever(settings, swefaq_file)
        return
    active = _files(settings)
    questions = [golden for golden in active.knowledge.golden if split in ("all", evaluation.split_of(golden))]
    graded = evaluation.evaluate(questions, active, settings, now=now())
    click.echo(evaluation.report(graded))
    if mistakes:
        click.echo("\n" + evaluation.mistakes(graded))


def _evaluate_retriever(settings: Settings, file: Path) -> None:
    try:
        questions = swefaq.read(file)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        raise SettingsError(f"{file} is no SweFAQ file. Give a swefaq_*.jsonl of the Superlim collection.") from None
    found = vectors.for_settings(settings)
    try:
        with found or nullcontext():
            figures = swefaq.measure(questions, found)
    except LookupError:
        raise SettingsError(
            "There are no sentence vectors just now. Type: LOKBOT_SEMANTIC=off lokbot evaluate ..."
        ) from None
    click.echo(swefaq.report(figures))
