"""`careloom demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from careloom.cli import rich_output
from careloom.cli.console import own_name, print_json, printer
from careloom.cli.options import Json
from careloom.cli.project_session import settings, watching
from careloom.cli.summary_tables import show_report
from careloom.services.operate import blueprints, demo


def command(
    directory: Annotated[Path, typer.Argument(help="The folder to play in.", metavar="DIR")] = Path("careloom-demo"),
    *,
    blueprint: Annotated[str, typer.Option("--blueprint", help="Which blueprint to play.")] = next(
        iter(blueprints.blueprint_names()), ""
    ),
    json: Json = False,
) -> None:
    """Show the whole thing on invented people."""
    with watching(quiet=json) as watch:
        show = _nothing if json else _show
        verdict = demo.run_demo(blueprint, directory.resolve(), settings(), watch, show)
    if json:
        print_json(verdict)
    else:
        _summary(verdict, directory)
    if verdict.links["wrong"] or not all(report.balanced for phase in verdict.phases for report in phase.reports):
        raise typer.Exit(1)


def _nothing(_phase: demo.Phase) -> None:
    pass


def _show(phase: demo.Phase) -> None:
    rich_output.console().rule(phase.title, align="left")
    for report in phase.reports:
        show_report(report, is_plan=phase.is_plan)


def _summary(verdict: demo.DemoResult, directory: Path) -> None:
    rich_output.console().rule("what happened", align="left")
    columns = ("read", "create", "update", "same", "held", "conflict", "later")
    table = rich_output.Table("", "sync", *columns, "requests", "seconds", box=None)
    for phase in verdict.phases:
        for report in phase.reports:
            numbers = [f"{report.counts[column]:,}" for column in columns]
            table.add_row(phase.title, report.sync, *numbers, f"{report.requests:,}", f"{report.seconds:.1f}")
    printer.print(table)
    counts = ", ".join(f"{number:,} {outcome}" for outcome, number in verdict.links.items())
    printer.print(f"\n{verdict.people} matched to records that were there before, held against the truth: {counts}.")
    printer.print(
        "Every row is accounted for: read = created + updated + the same + held + in conflict + left for later."
    )
    printer.print("The simulator has ended; what the store knows is still there to look at:", markup=False)
    for words in ("runs", "held", "review --limit 3", "explain 100001"):
        printer.print(f"  {own_name()} {words} -p {directory}", markup=False)
