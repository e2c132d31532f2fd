"""`careloom migrate`."""

from __future__ import annotations

from typing import Annotated

import typer

from careloom.cli.console import print_json, printer
from careloom.cli.options import HERE, Folder, Json
from careloom.cli.project_session import settings
from careloom.core.errors import Fix, UsageFault
from careloom.services.operate import migrate
from careloom.services.session import projects


def command(
    *,
    folder: Folder = HERE,
    json: Json = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what would be applied; exit code 1 if anything.")
    ] = False,
    roles: Annotated[
        bool,
        typer.Option("--roles", help="Then make the roles of receiver, worker and reader, with what each needs only."),
    ] = False,
) -> None:
    """Bring the database up to this release."""
    if check and roles:
        raise UsageFault("--check changes nothing and --roles does: use only one of them")
    environment = settings()
    if environment.database_url is None and not (folder / projects.PROJECT_FILE).is_file():
        raise UsageFault(f"{folder} holds no {projects.PROJECT_FILE}; give the project's folder with -p")
    names = migrate.waiting(folder.resolve(), environment) if check else migrate.bring_up(folder.resolve(), environment)
    roles_made = migrate.bring_up_roles(folder.resolve(), environment) if roles else []
    if json:
        print_json({"waiting" if check else "applied": names, **({"roles": roles_made} if roles else {})})
    elif names:
        printer.print(("waiting: " if check else "applied: ") + ", ".join(names))
    else:
        printer.print("The database is up to date.")
    if roles_made and not json:
        printer.print("roles: " + ", ".join(roles_made))
    if check and names:
        raise Fix("the database is not up to date; run: careloom migrate")
