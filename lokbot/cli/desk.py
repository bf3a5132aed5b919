"""The commands for coordinators beside answering: rest, calls, reviews, a correction to all, the steering group."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from lokbot import describing
from lokbot.cli.cases import BY, find_case, who
from lokbot.cli.common import as_it_holds, now, open_store, with_settings
from lokbot.config import Settings
from lokbot.conversation import calls, escalation, recalling, reviewing
from lokbot.conversation import steering as meetings
from lokbot.conversation.escalation import NotPossible
from lokbot.conversation.working_days import SWEDEN
from lokbot.knowledge import loading, publishing
from lokbot.masking import mask_personal_numbers
from lokbot.model import ChannelName
from lokbot.store.schema import ArticleRevision, DecisionRecord

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.argument("number", metavar="ID")
@click.argument("until", type=DAY)
@BY
@with_settings
def snooze(settings: Settings, number: str, until: datetime, by: str | None) -> None:
    """Let a case rest until the morning of a day (2026-11-24). A new message wakes it before."""
    with open_store(settings) as session:
        conversation = find_case(session, number)
        escalation.snooze(session, conversation, until.date(), actor=who(by), now=now())
        click.echo(f"{conversation.case_number} vilar till {until.date()}.")


@click.command()
@click.argument("number", metavar="ID")
@click.argument("to", metavar="ADDRESS_OR_NUMBER")
@BY
@with_settings
def move(settings: Settings, number: str, to: str, by: str | None) -> None:
    """Go on with a chat's case by mail or telephone. Whoever asked is told so in the chat."""
    with open_store(settings) as session:
        conversation = find_case(session, number)
        settings, knowledge = as_it_holds(session, settings)
        escalation.move(session, conversation, to, actor=who(by), settings=settings, knowledge=knowledge, now=now())
        click.echo(f"{conversation.case_number} fortsätter: {conversation.moved_to}.")


@click.command()
@click.argument("number", metavar="ID")
@BY
@with_settings
def wake(settings: Settings, number: str, by: str | None) -> None:
    """Put a case that rests back among the others."""
    with open_store(settings) as session:
        conversation = find_case(session, number)
        woke = escalation.wake(session, conversation, actor=who(by), now=now())
        click.echo(f"{conversation.case_number} {'väntar igen' if woke else 'vilade inte'}.")


@click.command()
@click.argument("text")
@click.option("--visit", is_flag=True, help="A visit; otherwise a telephone call.")
@click.option("--name", default="", help="Who it was.")
@click.option("--phone", default="", help="Their telephone number.")
@click.option("--mail", default="", help="Their mail address: the case can then be answered by mail.")
@click.option("--done", is_flag=True, help="Nothing is left to do.")
@BY
@with_settings
def call(
    settings: Settings, text: str, visit: bool, name: str, phone: str, mail: str, done: bool, by: str | None
) -> None:
    """Write down a call or a visit as a case of yours. Nothing is sent to anybody."""
    with open_store(settings) as session:
        settings, _ = as_it_holds(session, settings)
        conversation = calls.log_call(
            session,
            text=text,
            channel=ChannelName.VISIT if visit else ChannelName.PHONE,
            actor=who(by),
            settings=settings,
            now=now(),
            name=name,
            phone=phone,
            mail=mail,
            is_done=done,
        )
        click.echo(f"{conversation.case_number} är {'klart' if done else 'ditt'}.")


@click.command()
@click.argument("decision", type=int, required=False)
@click.argument("verdict", type=click.Choice(reviewing.VERDICTS), required=False)
@click.option("--comment", default="", help="Why.")
@click.option("--article", help="The article that answers the question.")
@click.option("--none", "is_nothing", is_flag=True, help="No text of ours answers it: a person had to.")
@click.option("--count", default=10, show_default=True, type=click.IntRange(1, 200), help="How many to list.")
@BY
@with_settings
def review(
    settings: Settings,
    decision: int | None,
    verdict: str | None,
    comment: str,
    article: str | None,
    is_nothing: bool,
    count: int,
    by: str | None,
) -> None:
    """List a sample of what the bot answered by itself; with DECISION and VERDICT, say what one of them was."""
    if (decision is None) != (verdict is None):
        raise click.UsageError("Give both DECISION and VERDICT, or neither.")
    with open_store(settings) as session:
        if decision is None or verdict is None:
            text = describing.sample(reviewing.sample(session, now=now(), count=count))
            click.echo(mask_personal_numbers(text))
            return
        found = session.get(DecisionRecord, decision)
        if found is None:
            raise NotPossible(f"Det finns inget svar {decision}. Se vilka som finns: lokbot review")
        reviewing.review(
            session,
            found,
            verdict,
            knowledge=loading.load(settings.knowledge_dir, settings.intents_dir),
            actor=who(by),
            now=now(),
            comment=comment,
            article=article,
            is_nothing=is_nothing,
        )
        click.echo(f"Bedömningen av svar {decision} är sparad: {describing.VERDICTS[verdict]}.")


@click.command("correct-all")
@click.argument("article")
@click.argument("text", required=False)
@click.option("--version", "wanted", type=int, help="Which version was wrong (default: the newest that was sent).")
@click.option("--language", default="sv", show_default=True)
@click.option("--stop", is_flag=True, help="Take back the corrections that have not left yet.")
@BY
@with_settings
def correct_all(
    settings: Settings,
    article: str,
    text: str | None,
    wanted: int | None,
    language: str,
    stop: bool,
    by: str | None,
) -> None:
    """List who got a version of ARTICLE; with TEXT, send each of them one correction. Pause the article first."""
    with open_store(settings) as session:
        revision = _revision(session, article, language, wanted)
        if stop:
            count = recalling.stop_all(session, revision, actor=who(by), now=now())
            click.echo(f"{count} rättelser stoppades.")
        elif text is None:
            click.echo(mask_personal_numbers(describing.receivers(revision, recalling.receivers(session, revision))))
        else:
            settings, knowledge = as_it_holds(session, settings)
            queued = recalling.correct_all(
                session,
                revision,
                text,
                actor=who(by),
                settings=settings,
                knowledge=knowledge,
                now=now(),
            )
            minutes = settings.answering.undo_minutes
            click.echo(f"{len(queued)} rättelser går om {minutes} minuter. Stoppa: lokbot correct-all {article} --stop")


def _revision(session: Session, article: str, language: str, wanted: int | None) -> ArticleRevision:
    revisions = [one for one in publishing.history(session, article) if one.language == language]
    if wanted is not None:
        revisions = [one for one in revisions if one.version == wanted]
    if not revisions:
        raise NotPossible(f"Det finns ingen sådan version av ”{article}”. Se vilka som finns: lokbot knowledge history")
    return next((one for one in reversed(revisions) if recalling.receivers(session, one)), revisions[-1])


@click.command()
@click.argument("number", metavar="ID", required=False)
@click.argument("line", required=False)
@click.option("--remove", is_flag=True, help="The group need not hear of ID.")
@click.option("--met", is_flag=True, help="The group has met today and heard of all that was collected.")
@BY
@with_settings
def steering(settings: Settings, number: str | None, line: str | None, remove: bool, met: bool, by: str | None) -> None:
    """List what the steering group is to hear of; with ID and LINE (no personal data), add a case."""
    with open_store(settings) as session:
        if met:
            count = meetings.hold_meeting(session, _today(), actor=who(by), now=now())
            click.echo(f"{count} ärenden är dragna för styrgruppen.")
        elif number is None:
            click.echo(mask_personal_numbers(describing.matters(meetings.collected(session))))
        elif remove:
            conversation = find_case(session, number)
            meetings.unmark(session, conversation, actor=who(by), now=now())
            click.echo(f"{conversation.case_number} tas inte upp.")
        elif line is None:
            raise click.UsageError("Give a LINE, or --remove.")
        else:
            conversation = find_case(session, number)
            meetings.mark(session, conversation, line, actor=who(by), now=now())
            click.echo(f"{conversation.case_number} tas upp på nästa möte.")


def _today() -> date:
    return now().astimezone(SWEDEN).date()
