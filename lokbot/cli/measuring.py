"""The command that measures: evaluate."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import click

from lokbot import swefaq as public_set
from lokbot import vectors
from lokbot.cli.common import active_of_files, now, open_store, with_settings
from lokbot.config import Settings, SettingsError
from lokbot.evaluation import baselines, floors, page, runs, text
from lokbot.evaluation.baselines import Row, Search
from lokbot.evaluation.figures import as_json, figures
from lokbot.evaluation.grading import Graded, threshold_of
from lokbot.evaluation.grading import evaluate as evaluate_all
from lokbot.evaluation.splits import Split, of_split, split_of
from lokbot.knowledge import loading
from lokbot.model import GoldenQuestion, UserError
from lokbot.understanding import Active

NO_ENCODER = "Det finns inga meningsvektorer just nu."
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--split",
    type=click.Choice([*(split.value for split in Split), "all"]),
    help="train, dev, test or all (default: dev; all where FILES lie outside the knowledge). test is logged.",
)
@click.option("--corrections", "is_on_corrections", is_flag=True, help="On what coordinators have corrected instead.")
@click.option("--mistakes", is_flag=True, help="Also every question that did not end as it should.")
@click.option("--explain", metavar="ID", help="One question only: what was understood, every rule, why graded so.")
@click.option("--baseline", is_flag=True, help="Also what simpler matching would have done, in the same run.")
@click.option(
    "--wrong-rate",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="Wrong answers that a baseline's threshold may give on the train split.",
)
@click.option("--html", "html_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a report to FILE.")
@click.option("--json", "is_json", is_flag=True, help="The figures as JSON, for machines.")
@click.option("--floors", "floors_file", type=click.Path(dir_okay=False, path_type=Path), help="Exit 1 below these.")
@click.option("--renew", is_flag=True, help="With --floors: write its list of known mistakes anew.")
@click.option("--swefaq", type=FILE, help="Instead: the retriever on a swefaq_*.jsonl of Superlim.")
@click.option("--log", "log_file", type=click.Path(dir_okay=False, path_type=Path), help="Log of test runs.")
@with_settings
def evaluate(
    settings: Settings,
    files: tuple[Path, ...],
    split: str | None,
    is_on_corrections: bool,
    mistakes: bool,
    explain: str | None,
    baseline: bool,
    wrong_rate: float,
    html_file: Path | None,
    is_json: bool,
    floors_file: Path | None,
    renew: bool,
    swefaq: Path | None,
    log_file: Path | None,
) -> None:
    """How often the bot is right on the golden questions of knowledge/golden/, or of FILES (files and folders)."""
    if renew and not floors_file:
        raise click.UsageError("--renew needs --floors FILE.")
    if swefaq is not None:
        click.echo(_on_public_set(settings, swefaq))
        return
    active = active_of_files(settings)
    knowledge = active.knowledge
    if is_on_corrections:
        questions, split = _corrections(settings), split or "all"
    else:
        questions = loading.golden_from(files) if files else knowledge.golden
        is_outside = bool(files) and not any(_lies_in(file, settings.knowledge_dir) for file in files)
        split = split or ("all" if is_outside else Split.DEV)
    chosen = questions if split == "all" else of_split(questions, Split(split))
    if explain is not None:
        click.echo(_explained(explain, questions, chosen, active, settings))
        return
    if not chosen:
        raise UserError("Det finns inga frågor att mäta på. Välj en annan fil, eller --split all.")

    evaluate_all(chosen[:5], active, settings, now=now())  # warm: the first questions fill caches
    graded = evaluate_all(chosen, active, settings, now=now())
    threshold = threshold_of(active, settings)
    found = figures(graded, threshold=threshold)
    rows, skipped = _compare(active, graded, settings, wrong_rate=wrong_rate) if baseline else ((), {})
    is_test = any(split_of(golden) is Split.TEST for golden in chosen)
    revision = runs.revision_of(settings.knowledge_dir)
    if is_test:
        log = log_file or settings.knowledge_dir.parent / "docs" / "test-split-runs.md"
        runs.log(log, found, digest=knowledge.digest, revision=revision, now=now())
    if is_json:
        comparison = [baselines.as_json(row) for row in rows]
        head = {"split": split, "revision": revision, "knowledge": knowledge.digest}
        click.echo(json.dumps({**head, **as_json(found), "baselines": comparison}, ensure_ascii=False, allow_nan=False))
    else:
        click.echo(f"Del: {text.SPLITS[split]}. Kunskap {knowledge.digest[:12]}, version {revision}.")
        click.echo(text.report(found))
        if rows:
            click.echo("\n" + text.comparison(rows, skipped))
        if mistakes:
            click.echo("\n" + text.mistakes(graded))
    if html_file:
        heading = page.Heading(text.SPLITS[split], now(), knowledge.digest, revision)
        html = page.report(found, () if is_test else graded, rows, skipped, heading)
        html_file.write_text(html, encoding="utf-8")
        click.echo(f"Rapporten är skriven till {html_file}.", err=True)
    if floors_file:
        _hold(floors_file, graded, threshold=threshold, renew=renew)


def _on_public_set(settings: Settings, file: Path) -> str:
    try:
        questions = public_set.read(file)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        raise SettingsError(f"{file} is no SweFAQ file. Give a swefaq_*.jsonl of the Superlim collection.") from None
    encoder = vectors.for_settings(settings)
    try:
        with encoder or nullcontext():
            return public_set.report(public_set.measure(questions, encoder))
    except LookupError:
        raise SettingsError(
            "There are no sentence vectors just now. Type: LOKBOT_SEMANTIC=off lokbot evaluate ..."
        ) from None


def _lies_in(file: Path, folder: Path) -> bool:
    return file.resolve().is_relative_to(folder.resolve())


def _corrections(settings: Settings) -> tuple[GoldenQuestion, ...]:
    from lokbot.conversation import corrections

    with open_store(settings) as session:
        return tuple(corrections.examples(session))


def _explained(
    identity: str,
    questions: Sequence[GoldenQuestion],
    chosen: Sequence[GoldenQuestion],
    active: Active,
    settings: Settings,
) -> str:
    found = next((golden for golden in questions if golden.id == identity), None)
    if found is None:
        raise UserError(f"Det finns ingen fråga ”{identity}” här.")
    if found not in chosen and split_of(found) is Split.TEST:
        raise UserError(f"”{identity}” hör till testet, som ingen ska läsa. Vill du ändå: --split test")
    (graded,) = evaluate_all([found], active, settings, now=now())
    return text.explained(graded, active.knowledge)


def _compare(
    active: Active, graded: Sequence[Graded], settings: Settings, *, wrong_rate: float
) -> tuple[Sequence[Row], Mapping[str, str]]:
    articles = tuple(active.knowledge.articles.values())
    searches: dict[str, Search] = {
        "lokbot, samma gräns": baselines.own(active.understander),
        "WRatio": baselines.wratio(articles),
        "BM25, stammar": baselines.stems(articles),
        "BM25, 4-gram": baselines.four_grams(articles),
    }
    skipped = {}
    encoder = active.understander.encoder
    if encoder is not None and active.understander.is_semantic:
        searches["vektorer"] = baselines.vectors(articles, encoder)
    else:
        skipped["vektorer"] = NO_ENCODER
    train = evaluate_all(of_split(active.knowledge.golden, Split.TRAIN), active, settings, now=now())
    if not train:
        raise UserError("Det finns inga frågor i träningsdelen att sätta jämförelsernas tröskel på.")
    return baselines.compare(searches, train, graded, wrong_rate=wrong_rate), skipped


def _hold(file: Path, graded: Sequence[Graded], *, threshold: float, renew: bool) -> None:
    held = floors.read(file)
    changes = floors.changed(held, graded)
    broken = floors.broken(held, figures(graded, threshold=threshold))
    for line in (*(f"Golvet håller inte: {one}" for one in broken), *changes):
        click.echo(line, err=True)
    if renew:
        floors.renew(file, graded)
    if broken:
        sys.exit(1)
