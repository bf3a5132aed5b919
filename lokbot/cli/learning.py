"""The commands by which the bot learns from people: correct, promote, gaps."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime, time, timedelta
from typing import cast

import click

from lokbot import describing, promoting, vectors
from lokbot import gaps as unanswered
from lokbot.cli.cases import BY, find_case, who
from lokbot.cli.common import now, open_store, with_settings
from lokbot.config import Settings
from lokbot.conversation import corrections
from lokbot.conversation.escalation import NotPossible
from lokbot.conversation.working_days import SWEDEN
from lokbot.knowledge import loading
from lokbot.masking import mask_personal_numbers
from lokbot.promoting import Lesson, Proposal
from lokbot.store.schema import Conversation, Correction, QuestionRecord


@click.command()
@click.argument("number", metavar="ID")
@click.option("--question", "which", type=click.IntRange(1), help="Which of the case's questions (1 is the first).")
@click.option("--article", help="The article that answers it.")
@click.option("--topic", help="The topic it belongs under.")
@click.option("--administration", help="Whose matter it is.")
@click.option("--none", "is_nothing", is_flag=True, help="No text of ours answers it: a person had to.")
@BY
@with_settings
def correct(
    settings: Settings,
    number: str,
    which: int | None,
    article: str | None,
    topic: str | None,
    administration: str | None,
    is_nothing: bool,
    by: str | None,
) -> None:
    """Say what the bot should have understood. Kept as an example to measure on and learn from; nothing is sent."""
    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    with open_store(settings) as session:
        conversation = find_case(session, number)
        question = _question(conversation, which)
        correction = corrections.correct(
            session,
            conversation,
            question,
            knowledge=knowledge,
            actor=who(by),
            now=now(),
            article=article,
            topic=topic,
            administration=administration,
            is_nothing=is_nothing,
        )
        click.echo(f"Rättelsen {correction.id} är sparad: {describing.corrected(correction)}.")


def _question(conversation: Conversation, which: int | None) -> QuestionRecord:
    """The question that is meant. Raises NotPossible where that is not clear, with the questions to choose among."""
    found = corrections.questions_of(conversation)
    if not found:
        raise NotPossible(f"I {conversation.case_number} har boten inte avgjort någon fråga.")
    if which is None and len(found) == 1:
        return found[0]
    if which is None or which > len(found):
        listed = "\n".join(f"  {place}. {' '.join(one.text.split())}" for place, one in enumerate(found, start=1))
        raise NotPossible(f"Vilken fråga? Ange --question:\n{mask_personal_numbers(listed)}")
    return found[which - 1]


@click.command()
@click.argument("correction", type=int, required=False)
@click.option("--as", "lesson", type=click.Choice(["wording", "golden"]), help="What CORRECTION becomes.")
@click.option("--text", help="The question in your own words, where the asker's should not be published.")
@click.option("--reject", is_flag=True, help="CORRECTION teaches nothing.")
@BY
@with_settings
def promote(
    settings: Settings, correction: int | None, lesson: str | None, text: str | None, reject: bool, by: str | None
) -> None:
    """List what people have corrected, or make CORRECTION a wording of its article or a golden question.

    It is written into the files below knowledge/, personal data masked. A new wording waits for approval.
    """
    if (correction is None) != (lesson is None and not reject) or (lesson is not None and reject):
        raise click.UsageError("Give CORRECTION with --as or --reject, or nothing to list what waits.")
    with open_store(settings) as session:
        if correction is None:
            listed = "\n".join(_proposed(proposal) for proposal in promoting.proposals(session))
            click.echo(mask_personal_numbers(listed) or "Inga rättelser väntar.")
            return
        found = next((one for one in corrections.waiting(session) if one.id == correction), None)
        if found is None:
            raise NotPossible(f"Ingen rättelse {correction} väntar. Se vilka som gör det: lokbot promote")
        if reject:
            corrections.settle(session, found, "rejected", actor=who(by), now=now())
            click.echo(f"Rättelsen {correction} är avvisad.")
            return
        promoted = promoting.promote(
            session,
            found,
            cast(Lesson, lesson),
            settings=settings,
            actor=who(by),
            now=now(),
            today=now().astimezone(SWEDEN).date(),
            text=text,
        )
    click.echo(f"”{promoted.text}” står nu i {promoted.file}.")
    if promoted.article is not None:
        click.echo(
            f"{promoted.article} ({promoted.language}) har version {promoted.version}, som väntar på godkännande: "
            f"lokbot approve {promoted.article}"
        )


def _proposed(proposal: Proposal) -> str:
    correction: Correction = proposal.correction
    case_number = correction.question.message.conversation.case_number
    lines = [
        f"{correction.id}  {case_number}  {describing.corrected(correction)}  "
        f"(av {correction.made_by} {describing.moment(correction.made_at)})",
        f"    ”{proposal.text}”",
    ]
    for place, lesson in enumerate(proposal.lessons):
        what = f"ny fråga i {correction.article}" if lesson == "wording" else "facitfråga"
        lines.append(
            f"    {'förslag' if place == 0 else 'eller'}: {what}: lokbot promote {correction.id} --as {lesson}"
        )
    if not proposal.lessons:
        lines.append(f"    bara en rubrik, ingen lärdom: lokbot promote {correction.id} --reject")
    return "\n".join(lines)


DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--since", type=DAY, help="The first day (default: 90 days ago).")
@click.option("--until", type=DAY, help="The last day (default: today).")
@click.option("--draft", "number", type=click.IntRange(1), help="Instead, the skeleton of an article for this theme.")
@with_settings
def gaps(settings: Settings, since: datetime | None, until: datetime | None, number: int | None) -> None:
    """What people ask that no text answers: the ten largest themes, with examples, personal data masked."""
    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    last = until.date() if until else now().astimezone(SWEDEN).date()
    first = since.date() if since else last - timedelta(days=90)
    if first > last:
        raise click.UsageError("--since is later than --until.")
    begin, end = (datetime.combine(day, time(), tzinfo=SWEDEN) for day in (first, last + timedelta(days=1)))
    with open_store(settings) as session:
        questions = unanswered.unanswered(session, since=begin, until=end)
    with (vectors.for_settings(settings) if questions else None) or nullcontext() as encoder:
        found = unanswered.themes(questions, encoder)
    if number is None:
        click.echo(f"{first} till {last}. {unanswered.listed(found)}")
        return
    if number > len(found):
        raise NotPossible(f"Det finns {len(found)} teman. Se vilka: lokbot gaps")
    click.echo(unanswered.draft(found[number - 1], knowledge), nl=False)
