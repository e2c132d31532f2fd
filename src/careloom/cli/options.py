"""Options that several commands share, said once."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.completion import stream_names, sync_names


def finite(value: float | None) -> float | None:
    """`value` itself; not-a-number fits between any two bounds, and would switch off what it is a limit of.

    Raises:
        typer.BadParameter: it is nan or infinite.

    """
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter("is not a finite number")
    return value


Folder = Annotated[Path, typer.Option("--project", "-p", help="The project's folder.", metavar="DIR")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
SyncName = Annotated[
    str | None, typer.Argument(help="One sync; all of them if left out.", metavar="SYNC", autocompletion=sync_names)
]
StreamName = Annotated[
    str | None,
    typer.Argument(help="One stream; all of them if left out.", metavar="STREAM", autocompletion=stream_names),
]
OneStream = Annotated[
    str | None,
    typer.Option(
        "--stream", help="What waits in a stream that is landed, instead of in syncs.", autocompletion=stream_names
    ),
]
DeleteLimit = Annotated[
    float,
    typer.Option(
        "--delete-limit",
        help="Percent of a table that a whole scan may mark deleted.",
        metavar="PERCENT",
        min=0,
        max=100,
        callback=finite,
    ),
]
PORTS = 65_535
"""The highest port there is."""

MANY = 1_000_000
"""More than a list, a run or a machine has of anything: a number above it is a slip of the hand."""

Reveal = Annotated[bool, typer.Option("--reveal", help="Show people's values; this is written to the audit.")]
Full = Annotated[
    bool, typer.Option("--full", help="Read everything and look at every linked record, as a full reconcile does.")
]
HERE = Path()
