"""`careloom runs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from careloom.cli import rich_output
from careloom.cli.console import print_json, printer
from careloom.cli.options import HERE, MANY, Folder, Json
from careloom.cli.project_session import project
from careloom.core.attempts import Kind
from careloom.services.session import attempts

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
_COLOURS = {"done": "green", "running": "yellow", "interrupted": "yellow"}


def command(
    name: Annotated[
        str | None,
        typer.Argument(help="One sync, stream, system or project; all of them if left out.", metavar="[NAME]"),
    ] = None,
    *,
    folder: Folder = HERE,
    json: Json = False,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only attempts of this kind.")] = None,
    failures_only: Annotated[bool, typer.Option("--failed", help="Only those that did not come to their end.")] = False,
    since: Annotated[
        datetime | None, typer.Option("--since", formats=_FORMATS, help="Only what ended from then on, project's time.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MANY, help="How many to show, newest first.")] = 20,
) -> None:
    """List what was tried, and how it ended."""
    with project(folder) as session:
        zone, environment = session.project.timezone, session.project.environment
        rows = attempts.recent(
            session,
            name=name,
            kind=kind.value if kind else None,
            failures_only=failures_only,
            since=since.replace(tzinfo=zone) if since else None,
            limit=limit,
        )
    if json:
        print_json([{"environment": environment, **row} for row in rows])
    elif not rows:
        printer.print("Nothing failed." if failures_only else "Nothing was run yet.")
    else:
        if environment:
            printer.print(f"environment {environment}", markup=False)
        _show(rows, zone)


def _show(rows: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> None:
    table = rich_output.Table(
        "what", "name", "run", "by", "state", f"started ({zone.key})", "seconds", "counts", box=None
    )
    for row in rows:
        colour = _COLOURS.get(row["state"], "red")
        balance = " (unbalanced)" if row["balanced"] is False else ""
        table.add_row(
            row["kind"],
            row["name"],
            "" if row["run"] is None else str(row["run"]),
            row["trigger"],
            f"[{colour}]{row['state']}{balance}[/{colour}]",
            f"{row['started_at'].astimezone(zone):%Y-%m-%d %H:%M:%S}",
            f"{row['seconds']:.1f}",
            " ".join(f"{kind} {number}" for kind, number in row["counts"].items() if number),
        )
    printer.print(rich_output.uncut(table, "name", "run", "state"))
    for row in rows:
        if row["error"]:
            times = f" ({row['rounds']} times in that hour)" if row["rounds"] > 1 else ""
            start = f"{row['started_at'].astimezone(zone):%Y-%m-%d %H:%M:%S}"
            printer.print(f"  {start} {row['kind']} {row['name']}: {row['error']}{times}", markup=False)
