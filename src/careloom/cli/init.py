"""`careloom init`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.completion import blueprint_names as names_to_complete
from careloom.cli.console import print_json, printer
from careloom.cli.interrupts import begin
from careloom.cli.options import Json
from careloom.core.errors import CareloomError
from careloom.services.operate import blueprints, schemas
from careloom.services.session import kinds, projects

_FIRST = {
    "syncs": "careloom doctor\n  careloom plan",
    "streams": "careloom serve --sim",
    "reports": "careloom run reports --sim",
}
"""What a newcomer does next, by what the project has."""


def command(
    blueprint: Annotated[
        str,
        typer.Argument(
            help=f"One of: {', '.join(blueprints.blueprint_names())}.",
            metavar="BLUEPRINT",
            autocompletion=names_to_complete,
        ),
    ],
    directory: Annotated[Path, typer.Argument(help="The new project's folder.", metavar="DIR")],
    *,
    json: Json = False,
    source_file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Take over what this file configured for another pipeline; of `csv`: propose a sync for this file.",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """Copy a blueprint into a new project folder."""
    begin()
    blueprints.copy_blueprint(blueprint, directory)
    lines = _take_over(blueprint, directory, source_file) if source_file is not None else []
    schemas.write_schemas(directory / schemas.FOLDER, kinds.rooms())
    schemas.lead_editors(directory)
    files = blueprints.files_of(directory)
    if json:
        print_json({"project": str(directory), "files": files, "taken over": lines})
        return
    for line in lines:
        printer.print(f"Taken over: {line}", markup=False)
    printer.print(f"Made {directory} with {len(files)} files. Next:", markup=False)
    for name, where in _addresses(directory):
        printer.print(f"  {where}: the url of {name} is to be changed to where your data is", markup=False)
    following = [command for part, command in _FIRST.items() if (directory / part).is_dir()]
    printer.print("\n".join(f"  {line}" for line in (f"cd {directory}", "careloom check", *following)), markup=False)


def _addresses(directory: Path) -> list[tuple[str, str]]:
    """The systems of a new project whose data is in files that are not there, each with its place."""
    project = projects.load(directory.resolve())
    addresses = []
    for name, system in project.systems.items():
        scheme, _, path = str(getattr(system.options, "url", "")).partition("://")
        if path and scheme in ("csv", "parquet", "duckdb") and not (directory / path).exists():
            addresses.append((name, f"careloom.yaml:{system.place.line}"))
    return addresses


def _take_over(blueprint: str, directory: Path, source: Path) -> Sequence[str]:
    """What was taken over; if it cannot be, the new folder is gone again, so that the command can be repeated."""
    try:
        return blueprints.take_over(blueprint, directory, source, dict(os.environ))
    except CareloomError:
        blueprints.undo(directory)
        raise
