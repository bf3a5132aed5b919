"""The commands about texts: approve, review, import, export, differences, history."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lokbot import asking
from lokbot.cli.common import now, open_store, with_settings
from lokbot.config import Settings
from lokbot.conversation.reply import ReplyContext, compose
from lokbot.conversation.working_days import SWEDEN
from lokbot.knowledge import exporting, loading, publishing
from lokbot.knowledge.publishing import NotPublishable
from lokbot.model import Article, Decision, Knowledge, Outcome, Question


@click.command()
@click.argument("article", required=False)
@click.option("--by", required=True, help="First and last name of the city employee who approves.")
@click.option("--language", default="sv", show_default=True)
@click.option("--review", is_flag=True, help="Walk through every draft, the most asked first, and decide one by one.")
@with_settings
def approve(settings: Settings, article: str | None, by: str, language: str, review: bool) -> None:
    """Approve the newest version of ARTICLE (or `administration:ID`): from now on it may be sent by itself."""
    if review == (article is not None):
        raise click.UsageError("Give one article, or --review.")
    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    with open_store(settings) as session:
        publishing.import_knowledge(session, knowledge, now=now())
        knowledge = publishing.active(session, knowledge, prefer_approved=False)
        waiting = publishing.drafts(session, knowledge)
    if article is not None:
        _approve(settings, article, language, by)
        return
    for number, (draft, code) in enumerate(waiting, start=1):
        click.secho(f"\n━━ {number} av {len(waiting)}: {draft.id} ({code})", bold=True)
        click.echo(shown_for_review(draft, code, knowledge))
        choice = click.prompt("Godkänn, hoppa över eller sluta", type=click.Choice(["g", "h", "s"]), default="h")
        if choice == "s":
            return
        if choice == "g":
            _approve(settings, draft.id, code, by)


def _approve(settings: Settings, article: str, language: str, by: str) -> None:
    with open_store(settings) as session:
        today = now().astimezone(SWEDEN).date()
        revision = publishing.approve(session, article, by=by, language=language, now=now(), today=today)
        click.echo(
            f"{article} ({language}), version {revision.version}, "
            f"är godkänd av {revision.approved_by} den {revision.approved_on}."
        )


def shown_for_review(article: Article, language: str, knowledge: Knowledge) -> str:
    """What a coordinator needs to judge a draft: why it matters, what ages, its sources, the reply as it would read."""
    text = article.texts[language]
    facts = [f"Ägare: {knowledge.administrations[article.administration].name.sv}. Ansvarig: {article.responsible}."]
    if article.approve_first:
        facts.append(f"Godkänn tidigt: {article.approve_first}")
    if article.perishable:
        facts.append(
            f"Åldras ({', '.join(sorted(article.perishable))}), kontrollerat: {article.checked_on or 'aldrig'}."
        )
    facts += [f"Källa: {source.title} {source.date or ''} {source.url or ''}".rstrip() for source in article.sources]
    facts.append("Frågor: " + " | ".join(text.questions))
    question = Question(text.questions[0], language)
    decision = Decision(Outcome.ANSWER, "review", "sure", question, article=article.id, language=language)
    context = ReplyContext(knowledge, text.questions[0], language, asking.CASE_NUMBER, now())
    return "\n".join(facts) + "\n\n" + compose([decision], [], context).text


@click.group()
def knowledge() -> None:
    """Versions of the texts: what the files say, what the store has, and who approved what."""


@knowledge.command("import")
@click.option("--take", metavar="ARTICLE", help="Settle a conflict: the file's text becomes the newest version.")
@click.option("--keep", metavar="ARTICLE", help="Settle a conflict: the store's text stays.")
@with_settings
def import_command(settings: Settings, take: str | None, keep: str | None) -> None:
    """Make new versions of what has changed in the files (`lokbot run` does it by itself)."""
    content = loading.load(settings.knowledge_dir, settings.intents_dir)
    if missing := {take, keep} - {None} - set(content.articles):
        raise NotPublishable(f"Det finns ingen artikel ”{missing.pop()}”.")
    with open_store(settings) as session:
        imported = publishing.import_knowledge(session, content, now=now(), take=take, keep=keep)
    click.echo(f"Nya: {len(imported.new)}. Ändrade: {len(imported.changed)}. Konflikter: {len(imported.conflicts)}.")
    for article, language in imported.conflicts:
        click.echo(
            f"  {article} ({language}) är ändrad både i filen och i lagret. Lagrets version gäller. "
            f"Jämför: lokbot knowledge diff {article}. Avgör: lokbot knowledge import --take {article}, eller --keep."
        )


@knowledge.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@with_settings
def export(settings: Settings, folder: Path) -> None:
    """Write every article's newest version, with its approvals, into FOLDER, a knowledge directory such as knowledge/.

    Files that are there are updated where they stand, with their comments; what else is missing is copied.
    """
    content = loading.load(settings.knowledge_dir, settings.intents_dir)
    with open_store(settings) as session:
        torn = publishing.conflicts(session)
        content = publishing.active(session, content, prefer_approved=False)
    done = exporting.export(content, settings.knowledge_dir, folder)
    click.echo(f"{len(done.written) + len(done.anew)} artiklar skrevs till {folder}, {len(done.same)} var lika.")
    for file in done.anew:
        click.echo(f"  {file} kunde inte uppdateras på plats. Den är skriven på nytt, utan kommentarer.")
    for row in torn:
        click.echo(f"  {row.article} ({row.language}) är en konflikt. Det som skrevs är lagrets version.")


@knowledge.command()
@click.argument("article", required=False)
@with_settings
def diff(settings: Settings, article: str | None) -> None:
    """Where the files and the store's newest versions differ."""
    content = loading.load(settings.knowledge_dir, settings.intents_dir)
    with open_store(settings) as session:
        found = [
            difference
            for difference in publishing.differences(session, content)
            if article in (None, difference.article)
        ]
    for difference in found:
        mark = " (konflikt)" if difference.is_conflict else ""
        click.secho(f"{difference.article} ({difference.language}){mark}", bold=True)
        click.echo("\n".join(_compared(difference.store or {}, difference.file)))
    if not found:
        click.echo("Filerna och lagret säger samma sak.")


def _compared(store: Mapping[str, Any], file: Mapping[str, Any]) -> list[str]:
    before, after = (_lines(content) for content in (store, file))
    return list(difflib.unified_diff(before, after, "lagret", "filen", lineterm=""))


def _lines(content: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, value in content.items():
        values = value if isinstance(value, list) else [value]
        for part in values:
            text = part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)
            lines += [f"{name}: {line}" for line in text.splitlines()]
    return lines


@knowledge.command()
@click.argument("article")
@with_settings
def history(settings: Settings, article: str) -> None:
    """Every version of ARTICLE: when, by whom, approved by whom."""
    with open_store(settings) as session:
        revisions = publishing.history(session, article)
        if not revisions:
            raise NotPublishable(f"Lagret har ingen version av ”{article}”. Läs in filerna: lokbot knowledge import")
        for revision in revisions:
            approval = (
                f"godkänd av {revision.approved_by} {revision.approved_on}" if revision.approved_by else "ej godkänd"
            )
            at = revision.created_at.astimezone(SWEDEN)
            version = f"{revision.language} version {revision.version}"
            click.echo(f"{version}  {at:%Y-%m-%d %H.%M}  {revision.created_by}  {approval}")
