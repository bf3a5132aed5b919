"""The command for the day when nobody gets in."""

from __future__ import annotations

import click

from lokbot import accounts
from lokbot.cli.cases import BY, who
from lokbot.cli.common import now, open_store, with_settings
from lokbot.config import Settings
from lokbot.conversation.escalation import NotPossible


@click.command("let-in")
@click.argument("email")
@click.option("--admin", "make_admin", is_flag=True, help="Make it an administrator's account; a new one if need be.")
@BY
@with_settings
def let_in(settings: Settings, email: str, make_admin: bool, by: str | None) -> None:
    """Let EMAIL in, whatever stands in the way: a lost app, a lost password, a log-in of the city that is down.

    Prints a link that sets a password and logs in, once, within an hour. Takes the second factor away, logs the account
    out everywhere and stands in the audit log.
    """
    with open_store(settings) as session:
        if accounts.find(session, email) is None and not make_admin:
            raise NotPossible(f"{email} har inget konto. Gör ett åt en administratör: lokbot let-in {email} --admin")
        token = accounts.let_in(session, email, make_admin=make_admin, actor=who(by), now=now())
    click.echo(f"{settings.web.public_url}/valkommen/{token}")
    click.echo("Länken gäller i en timme, en gång. Ge den bara till den som äger kontot.", err=True)
