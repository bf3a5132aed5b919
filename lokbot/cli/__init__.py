"""The commands, and the only place where parts are wired together. A command's module is imported when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from lokbot.masking import mask_personal_numbers
from lokbot.model import UserError

# Command -> where it stands. The order is that of a newcomer's day.
COMMANDS = {
    "demo": "running:demo",
    "ask": "questions:ask",
    "parse": "questions:parse",
    "check": "questions:check",
    "evaluate": "measuring:evaluate",
    "train": "training:train",
    "vectors": "training:vectors_command",
    "run": "running:run",
    "mail": "running:mail",
    "telegram": "running:telegram",
    "worker": "running:worker",
    "web": "running:web",
    "migrate": "running:migrate_command",
    "health": "running:health",
    "balance": "running:balance",
    "cases": "cases:cases",
    "case": "cases:case",
    "take": "cases:take",
    "hand-back": "cases:hand_back",
    "release": "cases:release",
    "reply": "cases:reply",
    "forward": "cases:forward",
    "resolve": "cases:resolve",
    "snooze": "desk:snooze",
    "move": "desk:move",
    "wake": "desk:wake",
    "call": "desk:call",
    "correct": "learning:correct",
    "review": "desk:review",
    "correct-all": "desk:correct_all",
    "steering": "desk:steering",
    "promote": "learning:promote",
    "gaps": "learning:gaps",
    "statistics": "statistics:statistics",
    "records": "keeping:records",
    "register": "keeping:register",
    "audit": "keeping:audit",
    "let-in": "people:let_in",
    "retry": "cases:retry",
    "pause": "cases:pause",
    "resume": "cases:resume",
    "approve": "texts:approve",
    "knowledge": "texts:knowledge",
}


class Lokbot(click.Group):
    """Finds commands by name, and turns what a person can mend into one clear message instead of a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"lokbot.cli.{module}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            _stop(str(error), error.exit_code)


def _stop(message: str, code: int) -> None:
    click.echo(mask_personal_numbers(message), err=True)
    sys.exit(code)


@click.group(cls=Lokbot, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("lokbot"), prog_name="lokbot")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Settings file (default: lokbot.yaml).")
@click.pass_context
def main(ctx: click.Context, config_file: Path | None) -> None:
    """lokbot: the single point of contact between the associations of Helsingborg and the city."""
    ctx.obj = config_file


if __name__ == "__main__":
    main()
