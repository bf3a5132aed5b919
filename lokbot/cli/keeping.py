"""The commands for what is kept: records, the register of associations, the audit log."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import IO

import click

from lokbot import audit as audit_log
from lokbot import records as acts
from lokbot import register as associations
from lokbot.audit import Source
from lokbot.cli.cases import BY, find_case, who
from lokbot.cli.common import database_in_words, now, open_store, with_settings
from lokbot.config import Settings
from lokbot.conversation.escalation import NotPossible
from lokbot.conversation.working_days import SWEDEN
from lokbot.describing import moment
from lokbot.knowledge import loading
from lokbot.masking import mask_personal_numbers
from lokbot.model import ASSOCIATION_KINDS, RecordClass
from lokbot.store.schema import Association, AuditEntry, Conversation
from lokbot.store.session import connect

CLI: Source = "cli"
DAY = click.DateTime(["%Y-%m-%d"])
KIND = click.Choice([*ASSOCIATION_KINDS])


def _midnight(day: datetime) -> datetime:
    """When a day begins in Sweden."""
    return datetime.combine(day.date(), time(), tzinfo=SWEDEN)


# ------------------------------------------------------------------ records


@click.group()
def records() -> None:
    """Cases as public documents: their class, the registrator's list, taking one out, erasing by decision."""


@records.command("class")
@click.argument("number", metavar="ID")
@click.argument("record_class", metavar="CLASS", type=click.Choice([str(one) for one in RecordClass]))
@click.option("--diary", "diary_number", metavar="NUMBER", help='The diarienummer; "" takes it away.')
@BY
@with_settings
def class_command(settings: Settings, number: str, record_class: str, diary_number: str | None, by: str | None) -> None:
    """Say what a case is as a record: not_assessed, minor, register or possible_secrecy."""
    with open_store(settings) as session:
        conversation = find_case(session, number)
        acts.classify(
            session,
            conversation,
            RecordClass(record_class),
            actor=who(by),
            source=CLI,
            now=now(),
            diary_number=diary_number,
        )
        diary = f", diarienummer {conversation.diary_number}" if conversation.diary_number else ""
        click.echo(f"{conversation.case_number}: {acts.CLASSES[conversation.record_class]}{diary}.")


@records.command("list")
@click.option("--since", type=DAY, help="The first day of what is new (default: yesterday).")
@click.option("--csv", "is_csv", is_flag=True, help="As a table for a spreadsheet.")
@BY
@with_settings
def list_command(settings: Settings, since: datetime | None, is_csv: bool, by: str | None) -> None:
    """The registrator's daily list: what is new, what is open, what is to be registered and has no number yet."""
    begin = _midnight(since or now().astimezone(SWEDEN) - timedelta(days=1))
    with open_store(settings) as session:
        rows = acts.daily(session, since=begin)
        audit_log.record(session, "listed-records", actor=who(by), source=CLI, now=now(), cases=len(rows))
    text = acts.as_csv(rows) if is_csv else acts.as_text(rows) + "\n"
    click.echo(mask_personal_numbers(text), nl=False)


@records.command()
@click.argument("number", metavar="ID")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@BY
@with_settings
def export(settings: Settings, number: str, directory: Path, by: str | None) -> None:
    """Take a case out: a ZIP file in DIRECTORY with every mail as it came and went, attachments, a page to read."""
    knowledge = loading.load(settings.knowledge_dir, settings.intents_dir)
    with open_store(settings) as session:
        conversation = find_case(session, number)
        try:
            file = _written(
                directory,
                acts.file_name(conversation),
                lambda to: acts.export(
                    session, conversation, to, knowledge=knowledge, actor=who(by), source=CLI, now=now()
                ),
            )
        except OSError as error:
            raise NotPossible(f"{directory} går inte att skriva i ({error.strerror}). Ange en annan katalog.") from None
    click.echo(f"{conversation.case_number} ligger i {file}.")


@records.command()
@click.argument("number", metavar="ID")
@click.option("--decision", required=True, help="The decision that the erasure rests on; kept for good.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@BY
@with_settings
def erase(settings: Settings, number: str, decision: str, yes: bool, by: str | None) -> None:
    """Erase all texts, originals, attachments and addresses of a case, for good. That it was there is kept."""
    with open_store(settings) as session:
        conversation = find_case(session, number)
        case_number, subject = conversation.case_number, conversation.subject
    if not yes:
        asked = mask_personal_numbers(f"Radera {case_number} ”{subject}” för gott?")
        click.confirm(asked, abort=True)
    with open_store(settings) as session:
        conversation = find_case(session, case_number)
        done = acts.erase(session, conversation, decision=decision, actor=who(by), source=CLI, now=now())
    engine = connect(settings.database)
    with database_in_words():
        is_swept = acts.sweep(engine, now=now())
    engine.dispose()
    shared = f" {done.shared} filer finns kvar i andra ärenden." if done.shared else ""
    click.echo(
        f"{case_number} är raderat: {done.messages} meddelanden, {done.outgoing} utgående texter, "
        f"{done.attachments} bilagor.{shared} Mejlen i brevlådan raderar du där."
    )
    if not is_swept:
        click.echo("Databasfilen var upptagen och städas nästa gång lokbot startar.", err=True)


def _written(directory: Path, name: str, write: Callable[[IO[bytes]], None]) -> Path:
    """The file ``name``, whole or not at all, for its owner only. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    number, unfinished = tempfile.mkstemp(prefix=f".{name}.", dir=directory)
    try:
        with os.fdopen(number, "w+b") as file:
            write(file)
        Path(unfinished).replace(directory / name)
    except BaseException:
        Path(unfinished).unlink()
        raise
    return directory / name


# ------------------------------------------------------------------ the register


@click.group()
def register() -> None:
    """The register of associations, and who writes for which."""


@register.command("find")
@click.argument("text", required=False)
@with_settings
def find_command(settings: Settings, text: str | None) -> None:
    """Find associations by name, however it is spelt; all of them without TEXT."""
    with open_store(settings) as session:
        found = (
            associations.everyone(session)
            if text is None
            else [one.association for one in associations.search(session, text)]
        )
        click.echo("\n".join(map(_association, found)) or "Ingen förening hittades.")


def _association(one: Association) -> str:
    more = [*(one.aliases or ()), one.domain, one.organisation_number, one.notes]
    said = "; ".join(" ".join(value.split()) for value in more if value)
    return f"{one.id}  {one.name}" + (f"  ({said})" if said else "")


@register.command("add")
@click.argument("name")
@click.option("--alias", "aliases", multiple=True, help="Another name for it; may be given several times.")
@click.option("--domain", help="What its mail addresses end in.")
@click.option("--number", "organisation_number", help="Its organisation number.")
@click.option("--notes", default="", help="What is good to know of it.")
@click.option("--kind", type=KIND, help="What kind of association it is, for the statistics.")
@BY
@with_settings
def add_command(
    settings: Settings,
    name: str,
    aliases: tuple[str, ...],
    domain: str | None,
    organisation_number: str | None,
    notes: str,
    kind: str | None,
    by: str | None,
) -> None:
    """Add an association."""
    with open_store(settings) as session:
        made = associations.create(
            session,
            name,
            aliases=aliases,
            domain=domain,
            organisation_number=organisation_number,
            notes=notes,
            kind=kind,
            actor=who(by),
            source=CLI,
            now=now(),
        )
        click.echo(f"{made.name} finns nu i registret (nummer {made.id}).")


@register.command("kind")
@click.argument("association")
@click.argument("kind", type=KIND)
@BY
@with_settings
def kind_command(settings: Settings, association: str, kind: str, by: str | None) -> None:
    """Say what kind of association ASSOCIATION (a name or its number in the register) is."""
    with open_store(settings) as session:
        found = associations.find(session, association)
        associations.change(session, found, actor=who(by), source=CLI, now=now(), kind=kind)
        click.echo(f"{found.name}: {ASSOCIATION_KINDS[kind].sv}.")


@register.command()
@click.argument("number", metavar="ID")
@with_settings
def suggest(settings: Settings, number: str) -> None:
    """Which association the sender of a case may belong to, and why."""
    with open_store(settings) as session:
        found = associations.suggest_association(session, find_case(session, number))
        lines = [
            f"{one.association.id if one.association else 'ny'}  {one.name} ({one.strength:.0%}): {one.reason}"
            for one in found
        ]
        click.echo(mask_personal_numbers("\n".join(lines)) or "Inget förslag.")


@register.command()
@click.argument("number", metavar="ID")
@click.argument("association")
@BY
@with_settings
def link(settings: Settings, number: str, association: str, by: str | None) -> None:
    """Say that the sender of a case belongs to ASSOCIATION (a name or its number in the register)."""
    with open_store(settings) as session:
        conversation, found = find_case(session, number), associations.find(session, association)
        associations.link(session, conversation, found, actor=who(by), source=CLI, now=now())
        click.echo(f"Avsändaren i {conversation.case_number} hör till {found.name}.")


@register.command()
@click.argument("number", metavar="ID")
@BY
@with_settings
def unlink(settings: Settings, number: str, by: str | None) -> None:
    """Say that the sender of a case belongs to no association."""
    with open_store(settings) as session:
        conversation = find_case(session, number)
        associations.unlink(session, conversation, actor=who(by), source=CLI, now=now())
        click.echo(f"Avsändaren i {conversation.case_number} hör inte till någon förening.")


# ------------------------------------------------------------------ the audit log


@click.command()
@click.option("--by", "actor", help="Who looked or acted.")
@click.option("--act", help="What was done, such as looked-at, exported or erased.")
@click.option("--case", "number", help="In which case.")
@click.option("--since", type=DAY, help="The first day.")
@click.option("--until", type=DAY, help="The last day.")
@click.option("--before", type=int, help="Go on from here: the number that the page before ended with.")
@click.option("--limit", type=click.IntRange(1, 1000), default=audit_log.PAGE, show_default=True)
@with_settings
def audit(
    settings: Settings,
    actor: str | None,
    act: str | None,
    number: str | None,
    since: datetime | None,
    until: datetime | None,
    before: int | None,
    limit: int,
) -> None:
    """Who looked at or did what with personal data, newest first."""
    with open_store(settings) as session:
        conversation = find_case(session, number) if number else None
        page = audit_log.search(
            session,
            actor=actor,
            act=act,
            conversation=conversation,
            since=_midnight(since) if since else None,
            until=_midnight(until + timedelta(days=1)) if until else None,
            before=before,
            limit=limit,
        )
        cases = {
            entry.conversation_id: session.get_one(Conversation, entry.conversation_id).case_number
            for entry in page.entries
            if entry.conversation_id is not None
        }
        lines = [_entry(entry, cases.get(entry.conversation_id or 0)) for entry in page.entries]
    click.echo(mask_personal_numbers("\n".join(lines)) or "Inget i loggen.")
    if page.older is not None:
        click.echo(f"Äldre: --before {page.older}", err=True)


def _entry(entry: AuditEntry, case_number: str | None) -> str:
    what = [
        case_number,
        f"kontakt {entry.contact_id}" if entry.contact_id else None,
        f"förening {entry.association_id}" if entry.association_id else None,
        entry.article,
        *(f"{key}={value}" for key, value in entry.detail.items() if value is not None),
    ]
    said = " ".join(part for part in what if part)
    return f"{entry.id}  {moment(entry.at)}  {entry.actor} ({entry.source}): {entry.act} {said}".rstrip()
