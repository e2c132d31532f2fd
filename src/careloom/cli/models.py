"""`careloom models`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from careloom.cli.console import out, print_json
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
        found = analytics_build.run_models(session, action.value, watch, select=select)
        if json:
            print_json(found.as_json())
        else:
            show_models(found)
        raise typer.Exit(found.exit_code)


def show_models(found: analytics_build.ModelsRun) -> None:
    """What dbt did, in a line; what failed, each in one."""
    if not found.complete:
        out.print(f"[red]dbt ended before it came to the models[/red]; what it said: {found.log}")
        _show_mistake(found.mistake)
        return
    parts = ", ".join(f"{number} {name}" for name, number in sorted(found.counts.items()))
    colour = "red" if found.failed else "green"
    out.print(f"[bold]models[/bold]: [{colour}]{parts}[/{colour}] ({found.seconds:.1f} s)")
    for one in found.failed:
        rows = f", {one.failures:,} rows" if one.failures else ""
        out.print(f"  {one.kind} {one.name}: {one.status}{rows}", markup=False)
        _show_mistake(one.mistake)
    if found.failed:
        out.print(f"  see: {found.log}", markup=False)


def _show_mistake(mistake: str) -> None:
    for line in mistake.splitlines():
        out.print(f"    {line}", markup=False)
