"""`careloom plan`."""

from __future__ import annotations

from typing import Annotated

import typer

from careloom.cli.console import print_json
from careloom.cli.options import HERE, MANY, Folder, Full, Json, Reveal, SyncName
from careloom.cli.project_session import audited, chosen, may_reveal, project_for, watching
from careloom.cli.summary_tables import show_report
from careloom.core.attempts import Kind
from careloom.services.sync import run

PLAN_NOT_EMPTY = 20


def command(
    sync: SyncName = None,
    *,
    folder: Folder = HERE,
    json: Json = False,
    reveal: Reveal = False,
    full: Full = False,
    check: Annotated[
        bool, typer.Option("--check", help="Leave with exit code 20 if anything would be written.")
    ] = False,
    examples: Annotated[
        int, typer.Option("--examples", help="How many examples of each kind to show.", min=0, max=MANY)
    ] = 3,
) -> None:
    """Show what a run would do."""
    may_reveal(reveal=reveal)
    with project_for(Kind.plan, sync, folder) as session, watching(quiet=json) as watch:
        reports = []
        for chosen_sync in chosen(session, sync):
            if reveal:
                audited(session, "plan --reveal", chosen_sync.name)
            reports.append(run.plan_sync(session, chosen_sync, watch, full=full, reveal=reveal, example_count=examples))
    if json:
        plain = [report.as_json() for report in reports]
        print_json(plain[0] if sync else plain)
    else:
        for report in reports:
            show_report(report, is_plan=True)
    if check and not all(report.empty for report in reports):
        raise typer.Exit(PLAN_NOT_EMPTY)
