"""The command line: it turns arguments into use-cases, and their outcome into text and an exit code."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, NoReturn

import typer
from typer._click.core import Command, Context
from typer.core import TyperCommand, TyperGroup

from careloom import __version__
from careloom.cli.ending import end_with

COMMANDS = {
    "init": "Copy a blueprint into a new project folder.",
    "check": "Read the whole project and say everything that is wrong with it.",
    "doctor": "Say what is missing: token, scopes, properties, database, secrets.",
    "plan": "Show what a run would do, in exact numbers; nothing is written.",
    "apply": "Do what the last plan says, and only that.",
    "run": "Plan and apply in one go, for schedulers.",
    "serve": "Receive webhooks and answer the scheduler; with --work, do the work too.",
    "land": "Read streams from their systems into their tables: what changed, or all of it.",
    "reconcile": "Compare landed tables with their systems, and repair what differs.",
    "work": "Do the project's jobs: land what comes in, keep schedules, tell of changes.",
    "connect": "Let careloom into a system, once; the token is kept sealed.",
    "review": "List and settle what a machine must not decide.",
    "held": "List the records that were stopped, with their reasons.",
    "retry": "Offer refused records again at the next run.",
    "explain": "Say why a record is linked, and where each of its values came from.",
    "history": "Say who changed what of a landed record, and when.",
    "replay": "Land what stored events say, again; others hear nothing of it unless asked.",
    "reports": "Say how far each report of each account is, and since when its rows are shown.",
    "models": "Let dbt build and test the project's models.",
    "report": "Show a page of the project's charts, here or as HTML.",
    "risk": "Score people's risk by CMS-HCC, explain and check the scores, find gaps.",
    "cleanup": "Remove what the project's rules of retention keep no longer.",
    "runs": "List what was run, and how it ended.",
    "sim": "Serve a vendor's simulator on this machine.",
    "demo": "Show the whole thing on invented people, in an empty folder.",
    "migrate": "Bring the database up to this release.",
    "schema": "Print the JSON Schema of the project language, for editors.",
}
"""Each command and what it does; its module is `careloom.cli.NAME`, loaded only when it is called."""


class LazyGroup(TyperGroup):
    """A group whose commands are loaded when they are called, so that `--help` answers at once."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 the group's own signature
        """The names, in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002 likewise
        """A stand-in that knows its one line of help."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name], rich_markup_mode=None)

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """The real command."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, loaded(name) if name and command else command, rest


def loaded(name: str) -> Command:
    """The command called `name`, from its own module."""
    app = import_module(f"careloom.cli.{name}").command
    if not isinstance(app, typer.Typer):  # a command without verbs of its own
        work, app = app, typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        app.command(name, help=COMMANDS[name])(work)
    command = typer.main.get_command(app)
    command.name = name
    command.help = COMMANDS[name]
    return command


def verbs(command: Command) -> dict[str, Command]:
    """A command's verbs by name; a command without verbs is its own, with no name."""
    return dict(command.commands) if isinstance(command, TyperGroup) else {"": command}


app = typer.Typer(
    add_completion=True,
    cls=LazyGroup,
    name="careloom",
    help="Weave a care organisation's systems together.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"careloom {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Weave a care organisation's systems together."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and leave with its exit code."""
    sys.exit(end_with(lambda: typer.main.get_command(app).main(args=arguments, prog_name="careloom")))


if __name__ == "__main__":
    main()
