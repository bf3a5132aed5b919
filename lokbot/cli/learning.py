"""The commands by which the bot learns from people: correct."""

from __future__ import annotations

import click

from lokbot import describing
from lokbot.cli.cases import BY, find_case, who
from lokbot.cli.common import now, open_store, with_settings
from lokbot.config import Settings
from lokbot.conversation import corrections
from lokbot.conversation.escalation import NotPossible
from lokbot.knowledge import loading
from lokbot.masking import mask_personal_numbers
from lokbot.store.schema import Conversation, QuestionRecord


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
