"""`careloom schema`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.console import print_json, printer
from careloom.cli.options import Json
from careloom.services.operate import schemas as json_schemas
from careloom.services.session import kinds


def command(
    *,
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Write one file for each kind of file into this folder.", metavar="DIR"),
    ] = None,
    json: Json = False,
) -> None:
    """Print the JSON Schema of careloom.yaml and of the files in its folders, or write them for an editor."""
    if folder is None:
        print_json(json_schemas.schemas(kinds.rooms()))
        return
    paths = json_schemas.write_schemas(folder, kinds.rooms())
    if json:
        print_json([str(path) for path in paths])
    else:
        printer.print(f"Wrote {', '.join(str(path) for path in paths)}.", markup=False)
