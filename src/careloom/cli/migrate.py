"""`careloom migrate`."""

from __future__ import annotations

from typing import Annotated

import typer

from careloom.cli.options import HERE, Folder, Json
from careloom.cli.session import settings
from careloom.cli.showing import out, print_json
from careloom.core.errors import Fix, UsageFault
from careloom.project.loader import PROJECT_FILE
from careloom.services.migrating import bring_up, waiting


def command(
    *,
    folder: Folder = HERE,
    json: Json = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what would be applied; exit code 1 if anything.")
    ] = False,
) -> None:
    """Bring the database up to this release."""
    given = settings()
    if given.database_url is None and not (folder / PROJECT_FILE).is_file():
        raise UsageFault(f"{folder} holds no {PROJECT_FILE}; give the project's folder with -p")
    names = waiting(folder.resolve(), given) if check else bring_up(folder.resolve(), given)
    if json:
        print_json({"waiting" if check else "applied": names})
    elif names:
        out.print(("waiting: " if check else "applied: ") + ", ".join(names))
    else:
        out.print("The database is up to date.")
    if check and names:
        raise Fix("the database is not up to date; run: careloom migrate")
