"""`careloom exec`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.options import HERE, Folder
from careloom.cli.session import audited, project
from careloom.core.errors import UsageFault
from careloom.services import companion


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
    program, own = companion.checked_command(words), companion.checked_schema(schema)
    with project(folder) as ready:
        audited(ready, "exec", Path(program).name)
        code = companion.run_beside(ready, program, words, own)
    raise typer.Exit(code)
