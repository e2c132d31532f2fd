"""`careloom init`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.options import Json
from careloom.cli.showing import out, print_json
from careloom.core.errors import CareloomError
from careloom.services.blueprints import blueprint_names, copy_blueprint, take_over

_FIRST = {
    "syncs": "careloom doctor\n  careloom plan",
    "streams": "careloom serve --sim",
    "reports": "careloom run reports --sim",
}
"""What a newcomer does next, by what the project has."""


def command(
    blueprint: Annotated[str, typer.Argument(help=f"One of: {', '.join(blueprint_names())}.", metavar="BLUEPRINT")],
    directory: Annotated[Path, typer.Argument(help="The new project's folder.", metavar="DIR")],
    *,
    json: Json = False,
    given: Annotated[
        Path | None,
        typer.Option("--from", help="Take over what this file configured for another pipeline.", metavar="FILE"),
    ] = None,
) -> None:
    """Copy a blueprint into a new project folder."""
    copied = copy_blueprint(blueprint, directory)
    told = _taken_over(blueprint, directory, given) if given is not None else []
    if json:
        print_json({"project": str(directory), "files": copied, "taken over": told})
        return
    for line in told:
        out.print(f"Taken over: {line}", markup=False)
    out.print(f"Made {directory} with {len(copied)} files. Next:", markup=False)
    following = [command for part, command in _FIRST.items() if (directory / part).is_dir()]
    out.print("\n".join(f"  {line}" for line in (f"cd {directory}", "careloom check", *following)), markup=False)


def _taken_over(blueprint: str, directory: Path, given: Path) -> Sequence[str]:
    """What was taken over; if it cannot be, the new folder is gone again, so that the command can be repeated."""
    try:
        return take_over(blueprint, directory, given, dict(os.environ))
    except CareloomError:
        shutil.rmtree(directory)
        raise
