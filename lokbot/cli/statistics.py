"""The commands of the statistics: count, rebuild, close months, write files, fill a demo."""

from __future__ import annotations

import gc
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import cast

import click

from lokbot import desk_settings, gaps, vectors
from lokbot.cli.common import make_var_dir, now, open_store, with_settings
from lokbot.config import Settings
from lokbot.conversation.working_days import SWEDEN
from lokbot.knowledge import loading
from lokbot.statistics import closing, demo, facts, files, listing, printing
from lokbot.statistics.figures import Figures, Filter, Period, View, default_period, figures

DAY = click.DateTime(["%Y-%m-%d"])
MONTH = "ÅÅÅÅ-MM"


@click.group(invoke_without_command=True)
@click.option("--from", "since", type=DAY, help="The first day (default: a year ago).")
@click.option("--to", "until", type=DAY, help="The last day (default: today).")
@click.option("--by", default="topic,month", help="Columns to count by, with commas between (default: topic,month).")
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", help="How it is written."
)
@click.pass_context
def statistics(ctx: click.Context, since: datetime | None, until: datetime | None, by: str, form: str) -> None:
    """How many questions there were, by what you like. Raw figures: not for publication."""
    if ctx.invoked_subcommand is None:
        _count(since, until, by, form)


@with_settings
def _count(settings: Settings, since: datetime | None, until: datetime | None, by: str, form: str) -> None:
    last = until.date() if until else _today()
    first = since.date() if since else last - timedelta(days=365)
    if first > last:
        raise click.UsageError("--from is later than --to.")
    columns = [name.strip() for name in by.split(",") if name.strip()]
    with open_store(settings) as session:
        rows = listing.counted(session, since=first, until=last, by=columns)
    click.echo(listing.written(rows, columns, cast(listing.Format, form)))


@statistics.command()
@with_settings
def rebuild(settings: Settings) -> None:
    """Derive every fact anew from its conversation and count all anew; what is published stays as it is."""
    from lokbot.store.session import connect, session_factory

    with open_store(settings) as session:
        promise = desk_settings.promise(session, settings)
    engine = connect(settings.database)
    gc.freeze()  # what is there lives on: to go through it again and again takes a quarter of the time
    try:
        done = facts.rebuild(session_factory(engine), promise)
    finally:
        engine.dispose()
    click.echo(f"{done.derived} fakta räknade på nytt, {done.kept} behållna (ärendet är borta eller raderat).")


@statistics.command()
@with_settings
def close(settings: Settings) -> None:
    """Decide for good what may be published of every month that is due; for cron, or by hand."""
    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    with open_store(settings) as session:
        chosen = desk_settings.current(session, settings).statistics
        encoder = vectors.for_settings(settings)
        if encoder is not None:
            click.get_current_context().call_on_close(encoder.close)
        closed = closing.close_due(
            session,
            chosen,
            knowledge,
            now=now(),
            today=_today(),
            themes=lambda month: gaps.themes_of_month(session, month, encoder),
        )
    click.echo(f"Stängda månader: {', '.join(closed)}." if closed else "Ingen månad är klar att stängas.")


@statistics.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--first", metavar=MONTH, help="The first month (default: since the last meeting).")
@click.option("--last", metavar=MONTH, help="The last month.")
@click.option("--only", metavar="DIMENSION=ID", help="For example topic=lokaler, administration=kultur, channel=mail.")
@click.option("--raw", is_flag=True, help="What coordinators see; not for publication.")
@click.option("--language", type=click.Choice(["sv", "en"]), default="sv", help="The language of the file.")
@with_settings
def export(
    settings: Settings,
    file: Path,
    first: str | None,
    last: str | None,
    only: str | None,
    raw: bool,
    language: str,
) -> None:
    """Write the published figures to FILE, by its ending: .csv, .xlsx, .pdf, or .txt as it is mailed."""
    endings = {".csv": files.as_csv, ".xlsx": files.as_xlsx, ".txt": _as_text, ".pdf": printing.as_pdf}
    write = endings.get(file.suffix)
    if write is None:
        raise click.UsageError("FILE has to end in .csv, .xlsx, .txt or .pdf.")
    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    view = View.COORDINATORS if raw else View.STEERING
    filters = Filter(*only.partition("=")[::2]) if only else None
    with open_store(settings) as session:
        chosen = desk_settings.current(session, settings).statistics
        period = default_period(chosen, view, today=_today())
        period = Period(first or period.first, last or period.last)
        found = figures(session, period, filters, view, knowledge=knowledge, settings=chosen, today=_today())
        file.write_bytes(write(found, language, is_demo=demo.is_demo(session)))
    click.echo(f"Skrev {file}: {period.name().sv}.")


def _as_text(found: Figures, language: str, *, is_demo: bool = False) -> bytes:
    return files.as_mail(found, language, is_demo=is_demo).encode()


@statistics.command("demo")
@click.option("--seed", type=int, default=1, help="The same number gives the same figures.")
@with_settings
def demo_command(settings: Settings, seed: int) -> None:
    """Fill an empty database with a year of invented facts, so that there is something to look at."""
    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    make_var_dir(settings)
    with open_store(settings) as session:
        if facts.are_there(session):
            raise click.UsageError("There are facts already: invented ones beside them would be told as true.")
        count = demo.fill(session, seed=seed, until=_today(), knowledge=knowledge)
        closing.close_due(session, settings.statistics, knowledge, now=now(), today=_today())
    click.echo(f"{count} påhittade frågor under ett år. Överallt där de visas står att de är påhittade.")


def _today() -> date:
    return now().astimezone(SWEDEN).date()
