"""The commands for coordinators: read cases, act in them, pause the bot."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from sqlalchemy.orm import Session

from lokbot import audit, describing
from lokbot.cli.common import as_it_holds, now, open_store, with_settings
from lokbot.config import Settings
from lokbot.conversation import escalation, parties, uploads
from lokbot.conversation.escalation import NotPossible, PauseScope
from lokbot.masking import mask_personal_numbers
from lokbot.model import Attachment, ChannelName, ConversationStatus, Knowledge
from lokbot.store import queries
from lokbot.store.schema import Conversation

BY = click.option("--by", help="Who does it (default: the user of this machine).")

ATTACH = click.option(
    "--attach",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A file to send along; may be repeated.",
)


def who(by: str | None) -> str:
    """The name of who acts: as given, else the user of this machine. Raises NotPossible where there is neither."""
    try:
        return by or getpass.getuser()
    except (KeyError, OSError):  # a container's user has a number and no name
        raise NotPossible("Ange vem som gör det: --by ”Förnamn Efternamn”.") from None


def _read(files: Iterable[Path]) -> list[Attachment]:
    return [uploads.read(file.name, file.read_bytes()) for file in files]


def find_case(session: Session, number: str) -> Conversation:
    """The case with this number. Raises NotPossible where there is none."""
    conversation = queries.conversation_for(session, number)
    if conversation is None:
        raise NotPossible(f"Det finns inget ärende {number}. Se vilka som finns: lokbot cases --all")
    return conversation


@click.command()
@click.option("--waiting", "which", flag_value="waiting", default=True, help="Those that wait for a person (default).")
@click.option("--failed", "which", flag_value="failed", help="Messages and mails that failed.")
@click.option("--resting", "which", flag_value="resting", help="Those that rest until a day.")
@click.option("--all", "which", flag_value="all", help="All.")
@with_settings
def cases(settings: Settings, which: str) -> None:
    """List cases, urgent and longest waiting first."""
    with open_store(settings) as session:
        if which == "failed":
            text = describing.failures(queries.failed_messages(session), queries.failed_outbox(session))
        else:
            statuses = () if which == "all" else (ConversationStatus.WAITING, ConversationStatus.TAKEN)
            found = queries.conversations(session, *statuses)
            rests = which == "resting"
            listed = [one for one in found if which == "all" or (one.snoozed_until is not None) == rests]
            text = describing.cases(listed, now=now())
        click.echo(mask_personal_numbers(text))


@click.command()
@click.argument("number", metavar="ID")
@click.option("--why", is_flag=True, help="What was understood, which rules decided, from which article version.")
@BY
@with_settings
def case(settings: Settings, number: str, why: bool, by: str | None) -> None:
    """Read one case: every message, answer and event. That you read it is logged."""
    with open_store(settings) as session:
        conversation = find_case(session, number)
        audit.record(session, audit.LOOKED_AT, actor=who(by), source="cli", now=now(), conversation=conversation)
        events = queries.events_of(session, conversation)
        click.echo(mask_personal_numbers(describing.case(conversation, events, with_reasons=why)))


@click.command()
@click.argument("number", metavar="ID")
@BY
@with_settings
def take(settings: Settings, number: str, by: str | None) -> None:
    """Take a case over: the bot is silent in it from now on."""
    with open_store(settings) as session:
        conversation = find_case(session, number)
        cancelled = escalation.take_over(session, conversation, actor=who(by), now=now())
        click.echo(f"{conversation.case_number} är ditt. {cancelled} automatiska svar drogs tillbaka.")


@click.command("hand-back")
@click.argument("number", metavar="ID")
@BY
@with_settings
def hand_back(settings: Settings, number: str, by: str | None) -> None:
    """Give a case back to the others."""
    with open_store(settings) as session:
        conversation = find_case(session, number)
        escalation.hand_back(session, conversation, actor=who(by), now=now())
        click.echo(f"{conversation.case_number} är lämnat tillbaka.")


@click.command()
@click.argument("number", metavar="ID")
@BY
@with_settings
def release(settings: Settings, number: str, by: str | None) -> None:
    """Send the suggested answer as it stands."""
    with open_store(settings) as session:
        conversation = find_case(session, number)
        released = escalation.release(session, conversation, actor=who(by), now=now())
        click.echo(f"Förslaget i {conversation.case_number} skickas ({len(released)} mejl).")


@click.command()
@click.argument("number", metavar="ID")
@click.argument("text", required=False)
@click.option("--copy", "cc", multiple=True, help="Keep somebody of the thread in copy; may be repeated.")
@ATTACH
@BY
@with_settings
def reply(
    settings: Settings, number: str, text: str | None, cc: tuple[str, ...], attach: tuple[Path, ...], by: str | None
) -> None:
    """Answer the asker in your own words (TEXT, or read from stdin)."""
    try:
        text = (sys.stdin.buffer.read() if text is None else os.fsencode(text)).decode()
    except UnicodeDecodeError:
        raise NotPossible("Texten är inte UTF-8. Spara den som UTF-8 och försök igen.") from None
    with open_store(settings) as session:
        settings, _ = as_it_holds(session, settings)
        conversation = find_case(session, number)
        escalation.coordinator_reply(
            session,
            conversation,
            text,
            actor=who(by),
            settings=settings,
            now=now(),
            cc=cc,
            attachments=_read(attach),
        )
        click.echo(f"Svaret i {conversation.case_number} skickas.")


@click.command()
@click.argument("number", metavar="ID")
@click.argument("administration")
@click.option("--to", "address", help="The address, where the administration has none of its own.")
@click.option("--text", help="What goes along (default: the questions that nobody has answered).")
@click.option("--with-asker", is_flag=True, help="Say who asks as well.")
@click.option("--whole", is_flag=True, help="All that the asker has written goes along, not only the questions.")
@ATTACH
@click.option("--direct", is_flag=True, help="What they answer goes to the asker by itself, if it is proven theirs.")
@BY
@with_settings
def forward(
    settings: Settings,
    number: str,
    administration: str,
    address: str | None,
    text: str | None,
    with_asker: bool,
    whole: bool,
    attach: tuple[Path, ...],
    direct: bool,
    by: str | None,
) -> None:
    """Send a case on to an administration; the asker is told once it has been sent."""
    with open_store(settings) as session:
        settings, knowledge = as_it_holds(session, settings)
        conversation = find_case(session, number)
        escalation.forward(
            session,
            conversation,
            administration,
            actor=who(by),
            settings=settings,
            knowledge=knowledge,
            now=now(),
            address=address,
            text=text,
            names_asker=with_asker,
            directly=direct,
            messages=[message.id for message in parties.from_asker(conversation)] if whole else (),
            attachments=_read(attach),
        )
        click.echo(
            f"{conversation.case_number} skickas vidare till {knowledge.administrations[administration].name.sv}."
        )


@click.command()
@click.argument("number", metavar="ID")
@BY
@with_settings
def resolve(settings: Settings, number: str, by: str | None) -> None:
    """Mark a case as done. A new message opens it again."""
    with open_store(settings) as session:
        conversation = find_case(session, number)
        escalation.resolve(session, conversation, actor=who(by), now=now())
        click.echo(f"{conversation.case_number} är klart.")


@click.command()
@click.argument("number", metavar="ID")
@BY
@with_settings
def retry(settings: Settings, number: str, by: str | None) -> None:
    """Try again what failed in a case."""
    with open_store(settings) as session:
        conversation = find_case(session, number)
        count = escalation.retry(session, conversation, actor=who(by), now=now())
        click.echo(f"{count} försök görs om i {conversation.case_number}.")


def _scope(channel: str | None, topic: str | None, article: str | None) -> tuple[PauseScope, str]:
    given: list[tuple[PauseScope, str | None]] = [("channel", channel), ("topic", topic), ("article", article)]
    chosen = [(scope, value) for scope, value in given if value]
    if len(chosen) > 1:
        raise click.UsageError("Give one of --channel, --topic and --article.")
    return chosen[0] if chosen else ("all", "")


def scope_options(command: Callable[..., None]) -> Callable[..., None]:
    """What a pause is about; nothing means everything."""
    for name in ("article", "topic", "channel"):
        command = click.option(f"--{name}")(command)
    return command


@click.command()
@scope_options
@click.option("--list", "is_list", is_flag=True, help="Show what is paused.")
@BY
@with_settings
def pause(
    settings: Settings, channel: str | None, topic: str | None, article: str | None, is_list: bool, by: str | None
) -> None:
    """Silence the bot, at once: everywhere, in a channel, on a topic or about an article. Receipts still go."""
    with open_store(settings) as session:
        if is_list:
            click.echo(describing.pauses(queries.pauses(session)))
            return
        scope, value = _scope(channel, topic, article)
        settings, knowledge = as_it_holds(session, settings)
        _must_exist(knowledge, scope, value)
        count = escalation.pause(
            session, scope, value, actor=who(by), settings=settings, knowledge=knowledge, now=now()
        )
        click.echo(f"Boten är pausad ({value or 'allt'}). {count} svar i kön blev förslag.")


@click.command()
@scope_options
@BY
@with_settings
def resume(settings: Settings, channel: str | None, topic: str | None, article: str | None, by: str | None) -> None:
    """Let the bot answer again."""
    with open_store(settings) as session:
        scope, value = _scope(channel, topic, article)
        escalation.resume(session, scope, value, actor=who(by), now=now())
        click.echo(f"Boten svarar igen ({value or 'allt'}).")


def _must_exist(knowledge: Knowledge, scope: PauseScope, value: str) -> None:
    names: dict[str, Iterable[str]] = {
        "topic": knowledge.topics,
        "article": knowledge.articles,
        "channel": [str(channel) for channel in ChannelName if not channel.is_logged],
    }
    known = names.get(scope)
    if known is not None and value not in known:
        raise NotPossible(f"Det finns inget som heter ”{value}”. Välj bland: {', '.join(sorted(known))}.")
