"""`careloom runs`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from careloom.cli.options import HERE, MANY, Folder, Json, SyncName
from careloom.cli.session import project
from careloom.cli.showing import out, print_json, uncut
from careloom.store.runs import Runs


def command(
    sync: SyncName = None,
    *,
    folder: Folder = HERE,
    json: Json = False,
    limit: Annotated[int, typer.Option("--limit", help="How many to show, newest first.", min=1, max=MANY)] = 20,
) -> None:
    """List what was run."""
    with project(folder) as ready:
        found = Runs(ready.store).recent(sync, limit)
    if json:
        print_json(found)
        return
    table = Table("run", "sync", "state", "started (UTC)", "seconds", "requests", "counts", "what went wrong", box=None)
    for run in found:
        counts = " ".join(f"{name} {number}" for name, number in run["counts"].items() if number)
        balanced = "" if run["balanced"] is not False or run["state"] == "running" else " (unbalanced)"
        started = f"{run['started_at']:%Y-%m-%d %H:%M:%S}"
        seconds, requests = f"{run['seconds']:.1f}", str(run["requests"])
        table.add_row(
            str(run["id"]), run["sync"], run["state"] + balanced, started, seconds, requests, counts, run["error"] or ""
        )
    out.print(uncut(table, "run", "sync", "state"))
