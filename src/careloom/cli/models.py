"""`careloom models`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from careloom.cli.console import print_json, printer
from careloom.cli.options import HERE, Folder, Json
from careloom.cli.project_session import project_for, watching
from careloom.core.attempts import Kind
from careloom.services.analytics import build as analytics_build


class ModelsAction(StrEnum):
    """What dbt does with the models."""

    build = "build"
    run = "run"
    test = "test"


def command(
    action: Annotated[
        ModelsAction, typer.Argument(help="build: run and test; run; test.", metavar="ACTION")
    ] = ModelsAction.build,
    *,
    folder: Folder = HERE,
    json: Json = False,
    select: Annotated[
        str | None, typer.Option("--select", help="Only these, as dbt selects them: ar_aging_view+.", metavar="NAMES")
    ] = None,
) -> None:
    """Let dbt build and test the project's models."""
    with project_for(Kind.models, None, folder) as session, watching(quiet=json) as watch:
        result = analytics_build.run_models(session, action.value, watch, select=select)
        if json:
            print_json(result.as_json())
        else:
            show_models(result)
        raise typer.Exit(result.exit_code)


def show_models(result: analytics_build.ModelsRun) -> None:
    """What dbt did, in a line; what failed, each in one."""
    if not result.complete:
        printer.print(f"[red]dbt ended before it came to the models[/red]; what it said: {result.log}")
        _show_mistake(result.mistake)
        return
    parts = ", ".join(f"{number} {name}" for name, number in sorted(result.counts.items()))
    colour = "red" if result.failed else "green"
    printer.print(f"[bold]models[/bold]: [{colour}]{parts}[/{colour}] ({result.seconds:.1f} s)")
    for node in result.failed:
        rows = f", {node.failures:,} rows" if node.failures else ""
        printer.print(f"  {node.kind} {node.name}: {node.status}{rows}", markup=False)
        _show_mistake(node.mistake)
    if result.failed:
        printer.print(f"  see: {result.log}", markup=False)


def _show_mistake(mistake: str) -> None:
    for line in mistake.splitlines():
        printer.print(f"    {line}", markup=False)
