"""`careloom exec`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.options import HERE, Folder
from careloom.cli.project_session import audited, project
from careloom.core.errors import UsageFault
from careloom.services.analytics import client_command


def command(
    words: Annotated[
        list[str] | None, typer.Argument(help="What to run, with its arguments, behind --.", metavar="COMMAND")
    ] = None,
    *,
    folder: Folder = HERE,
    schema: Annotated[
        str | None,
        typer.Option(
            "--schema", help="The schema that dbt builds into: analytics, or one of your own: dev_anna.", metavar="NAME"
        ),
    ] = None,
) -> None:
    """Run a command of your own (dbt, psql, a script) beside the project's database."""
    if not words:
        raise UsageFault("say what to run, behind --: careloom exec -- dbt build")
    program, arguments = client_command.checked_command(words), client_command.checked_schema(schema)
    with project(folder) as session:
        audited(session, "exec", Path(program).name)
        code = client_command.run_command(session, program, words, arguments)
    raise typer.Exit(code)
