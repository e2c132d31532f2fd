"""Options that several commands share, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Option("--project", "-p", help="The project's folder.", metavar="DIR")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
SyncName = Annotated[str | None, typer.Argument(help="One sync; all of them if left out.", metavar="[SYNC]")]
StreamName = Annotated[str | None, typer.Argument(help="One stream; all of them if left out.", metavar="[STREAM]")]
OneStream = Annotated[
    str | None, typer.Option("--stream", help="What waits in a stream that is landed, instead of in syncs.")
]
DeleteLimit = Annotated[
    float, typer.Option("--delete-limit", help="Percent of a table that a whole scan may mark deleted.")
]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show people's values; this is written to the audit.")]
Full = Annotated[
    bool, typer.Option("--full", help="Read everything and look at every linked record, as a full reconcile does.")
]
HERE = Path()
