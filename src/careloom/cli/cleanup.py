"""`careloom cleanup`."""

from __future__ import annotations

from typing import Annotated

import typer

from careloom.cli.console import print_json, printer
from careloom.cli.options import HERE, Folder, Json
from careloom.cli.project_session import project, watching
from careloom.services.operate import retention


def command(
    *,
    folder: Folder = HERE,
    json: Json = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much would be removed.")] = False,
) -> None:
    """Remove what the project's rules of retention keep no longer."""
    with project(folder) as session, watching(quiet=True) as watch:
        report = retention.cleanup(session, dry_run=dry_run, stop=watch.stop)
    if json:
        print_json(report.as_json())
    elif not report.removed:
        printer.print("The project has no rules of retention: everything is kept. See `retention:` in careloom.yaml.")
    else:
        for category, number in report.removed.items():
            printer.print(f"{number:>10,}  {category}{'  would be removed' if dry_run else '  removed'}", markup=False)
        printer.print(f"receipt {report.receipt}")
    raise typer.Exit(0 if report.complete else 130)
