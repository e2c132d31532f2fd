"""`careloom history`."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer

from careloom.cli.console import moment, print_json, printer
from careloom.cli.options import HERE, Folder, Json, Reveal
from careloom.cli.project_session import may_reveal, project
from careloom.services.review import history as record_history


def command(
    table: Annotated[str, typer.Argument(help="A landing table, or its stream.", metavar="TABLE")],
    key: Annotated[str, typer.Argument(help="The record's key at its system, or its id.", metavar="KEY")],
    *,
    folder: Folder = HERE,
    json: Json = False,
    reveal: Reveal = False,
) -> None:
    """Say who changed what of a landed record, and when."""
    may_reveal(reveal=reveal)
    with project(folder) as session:
        entries = record_history.history(session, table, key, reveal=reveal)
        zone = session.project.timezone
    if json:
        print_json([entry.as_json() for entry in entries])
        return
    for entry in entries:
        run = f", run {entry.run}" if entry.run else ""
        printer.print(f"{moment(entry.at, zone)}  {entry.operation}  by {entry.actor}{run}", markup=False)
        for column, (old, new) in entry.changed.items():
            printer.print(f"    {column}: {_text(old)} → {_text(new)}", markup=False)


def _text(value: Any) -> str:
    if value is None:
        return "∅"
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
