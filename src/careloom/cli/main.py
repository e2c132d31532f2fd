"""The command line: it turns arguments into use-cases, and their outcome into text and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from careloom import __version__
from careloom.cli.completion import environment_names
from careloom.cli.exit import end_with
from careloom.cli.interrupts import raise_on_interrupt
from careloom.cli.output_mode import MANNER, Manner
from careloom.cli.verbs import COMMANDS, EXAMPLES, GROUPS
from careloom.core.errors import UsageFault

Command = TyperCommand | TyperGroup


def taken_as_written(command: Any, readers: Mapping[str, Callable[[Any, Any], Any]]) -> Any:
    """`command`, whose own options are taken as they were written, or by their reader; `--help` is among them.

    The library asks pydantic about each, whose loading is half of what `--help` would cost.
    """
    helps = command.get_help_option

    def plain(option: Any) -> Any:
        read = readers.get(option.name or "", lambda _context, value: value)

        def process(context: Any, value: Any) -> Any:
            value = read(context, value)
            return value if option.callback is None else option.callback(context, option, value)

        if option is not None:
            option.process_value = process
        return option

    command.get_help_option = lambda context: plain(helps(context))
    for option in command.params:
        plain(option)
    return command


class LazyGroup(TyperGroup):
    """A group whose commands are loaded when they are called, so that `--help` answers at once."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 the group's own signature
        """The names, in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Command | None:  # noqa: ARG002 likewise
        """A stand-in that knows its one line of help."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name], rich_markup_mode=None)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The real command.

        Raises:
            UsageFault: there is none of this name.

        """
        if not ctx.resilient_parsing and args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UsageFault(_no_such(args[0]))
        name, command, arguments = super().resolve_command(ctx, args)
        loaded_command = loaded(name) if name and command else command
        raise_on_interrupt()
        return name, loaded_command, arguments

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 likewise
        """The commands by what they are for, each with its whole line."""
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[name]) for name in names])


def _no_such(name: str) -> str:
    near = get_close_matches(name, COMMANDS, n=2)
    hint = f"Did you mean {' or '.join(repr(candidate) for candidate in near)}?" if near else "See: careloom --help"
    return f"No such command {name!r}. {hint}"


@cache
def loaded(name: str) -> Command:
    """The command called `name`, from its own module; made once in a process."""
    app = import_module(f"careloom.cli.{name}").command
    if not isinstance(app, typer.Typer):  # a command without verbs of its own
        work, app = app, typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        app.command(name)(work)
    command: Any = typer.main.get_command(app)
    command.name = name
    command.help = COMMANDS[name]
    command.epilog = f"Example: {EXAMPLES[name]}"
    for verb in verbs(command).values():
        _in_our_words(verb)
    group: Command = taken_as_written(command, {}) if isinstance(command, TyperGroup) else command
    return group


_WORDS = {int: "NUMBER", float: "NUMBER", Path: "FILE", datetime: "TIME", str: "TEXT"}
"""What `--help` calls a value, where nothing better was said; the library would give Python's name of its type."""


def _in_our_words(command: Any) -> None:
    for parameter in command.params:
        kind = parameter.type_descriptor.annotation
        if kind is Path and parameter.callback is None:
            parameter.callback = _usable
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: ""  # noqa: ARG005 the library's own signature
        elif parameter.metavar is None and not parameter.is_flag and kind in _WORDS:
            parameter.metavar = _WORDS[kind]


def verbs(command: Command) -> dict[str, Any]:
    """A command's verbs by name; a command without verbs is its own, with no name."""
    return dict(command.commands) if isinstance(command, TyperGroup) else {"": command}


app = typer.Typer(
    add_completion=True,
    cls=LazyGroup,
    name="careloom",
    help="Weave a care organisation's systems together.",
    epilog="careloom help COMMAND shows a command's options and an example. --env, -v, -q, --no-color and --log-level may be given anywhere.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _usable(_context: Any, _parameter: Any, value: Any) -> Any:
    """A path that can be looked at, whatever is there; others fail in every library in another way.

    Raises:
        typer.BadParameter: no file can ever have this path.

    """
    for path in value if isinstance(value, list | tuple) else [value]:
        try:
            if path is not None:
                path.lstat() if not path.is_symlink() else path.stat()
        except ValueError:
            raise typer.BadParameter("a path holds no NUL character") from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENAMETOOLONG):
                raise typer.BadParameter(f"{os.strerror(error.errno)}: {str(path)[:_SHOWN]}") from None
    return value


_SHOWN = 60


class LogLevel(StrEnum):
    """From which severity up log lines are written."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


def _level(context: Any, value: str | None) -> str | None:
    if value is None or value.lower() in set(LogLevel):
        return value.lower() if value else None
    raise typer.BadParameter(f"{value!r} is not one of {', '.join(LogLevel)}.", ctx=context)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"careloom {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[  # noqa: ARG001 its callback acts
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose", "-v", count=True, show_default=False, help="Log more: -v what is done, -vv everything."
        ),
    ] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, and only errors are logged.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours; NO_COLOR does the same.")] = False,
    env: Annotated[
        str | None,
        typer.Option(
            "--env",
            help="The project's environment of this name, as CARELOOM_ENV does.",
            metavar="NAME",
            autocompletion=environment_names,
        ),
    ] = None,
    log_level: Annotated[
        LogLevel | None, typer.Option("--log-level", help="Log from this severity up, as CARELOOM_LOG_LEVEL does.")
    ] = None,
) -> None:
    """Weave a care organisation's systems together."""
    if no_color:
        os.environ["NO_COLOR"] = "1"
    MANNER.quiet = quiet
    if env is not None:
        os.environ["CARELOOM_ENV"] = env
    by_flags = "error" if quiet else ("", "info", "debug")[min(verbose, 2)]
    if level := log_level or by_flags:
        os.environ["CARELOOM_LOG_LEVEL"] = str(level)


_ANYWHERE = frozenset({"-v", "-vv", "--verbose", "-q", "--quiet", "--no-color"})


def _arrange(words: Sequence[str]) -> list[str]:
    """The arguments with what all commands know in front, and `help COMMAND` as `COMMAND --help`."""
    options, tail = list(words), list[str]()
    if "--" in options:
        tail = options[options.index("--") :]
        options = options[: options.index("--")]
    everywhere = [word for word in options if word in _ANYWHERE or word.startswith(("--log-level=", "--env="))]
    options = [word for word in options if word not in everywhere]
    for option in ("--log-level", "--env"):
        if option in options[:-1]:
            number = options.index(option)
            everywhere += options[number : number + 2]
            del options[number : number + 2]
    if options[:1] == ["help"]:
        options = [*options[1:], "--help"]
    return [*everywhere, *options, *tail]


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and leave with its exit code."""
    words = _arrange(sys.argv[1:] if arguments is None else arguments)
    for part in fields(Manner):
        setattr(MANNER, part.name, part.default)
    MANNER.json = "--json" in (words[: words.index("--")] if "--" in words else words)
    command = taken_as_written(typer.main.get_command(app), {"log_level": _level})
    sys.exit(end_with(lambda: command.main(args=words, prog_name="careloom", standalone_mode=False)))


if __name__ == "__main__":
    main()
