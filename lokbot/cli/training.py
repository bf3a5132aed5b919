"""The commands that compute what understanding rests on: train (its numbers), vectors (of the articles)."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

import click

from lokbot import training, vectors
from lokbot.cli.common import with_settings
from lokbot.config import Settings, SettingsError
from lokbot.knowledge import loading
from lokbot.understanding import confidence, texts_to_encode

FITTED = Path(confidence.__file__).with_name(confidence.FITTED)


@click.command()
@click.option("--to", type=click.Path(path_type=Path), default=FITTED, help="Where to write; default: the package.")
@click.option("--ablate", is_flag=True, help="Only show what is lost without each part; write nothing.")
@with_settings
def train(settings: Settings, to: Path, ablate: bool) -> None:
    """Fit the numbers that questions are weighed by, on the golden questions, and show what they are worth.

    The same knowledge gives the same file. Needs SciPy: make -s .venv/dev.stamp
    """
    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    found = vectors.for_settings(settings)
    if found is None:
        click.echo("Utan vektorer: bara den kalibrering som jämför ord räknas om.", err=True)
    try:
        with found or nullcontext():
            if ablate:
                click.echo(training.ablation(knowledge, found))
                return
            fitted = training.train(knowledge, found)
    except ModuleNotFoundError as error:
        raise SettingsError(f"{error.name} is not installed. Type: make -s .venv/dev.stamp") from None
    except LookupError:
        raise SettingsError("There are no sentence vectors just now. Type: LOKBOT_SEMANTIC=off lokbot train") from None
    to.write_text(training.as_text(fitted, confidence.fitted()), encoding="utf-8")
    click.echo(training.report(knowledge, fitted))


@click.command("vectors")
@with_settings
def vectors_command(settings: Settings) -> None:
    """Compute the articles' sentence vectors and keep them, so that no later start has to wait for them."""
    found = vectors.for_settings(settings)
    if found is None:
        click.echo("Vektorer: av, eller inte installerade här.")
        return
    wordings, answers, examples = texts_to_encode(loading.load(settings.knowledge_dir, settings.intents_dir))
    with found:
        done = [
            found.wordings([text for texts in wordings for text in texts]),
            found.passages([text for texts in answers for text in texts]),
            found.wordings(examples),
        ]
    if any(each is None for each in done):
        click.echo("Vektorerna gick inte att räkna ut. Boten jämför ord tills vidare.", err=True)
        sys.exit(1)
    click.echo(f"Vektorer: {sum(len(each) for each in done if each is not None)}, i {settings.cache_dir}")
