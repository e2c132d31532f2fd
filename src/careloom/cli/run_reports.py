"""`careloom run reports`: ask, wait, load, build."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import typer

from careloom.cli.after_run import charts_to_show, show_tables
from careloom.cli.console import print_json
from careloom.cli.models import show_models
from careloom.cli.project_session import settings, watching
from careloom.cli.reports import show_reports_run
from careloom.cli.run_syncs import severity
from careloom.cli.simulated_project import maybe_simulated
from careloom.core.attempts import Kind
from careloom.core.errors import CareloomError
from careloom.services.analytics import build
from careloom.services.operate import alerts
from careloom.services.reports import fetch
from careloom.services.session import sessions as sessions

REPORTS = "reports"
"""What `careloom run` calls all reports of a project."""


def carry_out_reports(folder: Path, *, json: bool, due: bool, sim: bool) -> NoReturn:
    """Run the project's reports and build its models; leaves with the worst exit code."""
    trigger: sessions.Trigger = "schedule" if due else "hand"
    opening = maybe_simulated(folder.resolve(), settings(), sim=sim, kind=Kind.reports, trigger=trigger)
    with opening as (ready, _), watching(quiet=json) as watch:
        try:
            found = fetch.run_reports(ready, fetch.reports_named(ready), watch, due_only=due)
            watch.progress.rest()
            if not json:
                show_reports_run(found)
            built = build.build_after(ready, watch)
            watch.progress.rest()
        except CareloomError as error:
            alerts.alert_job(ready, "reports", ready.project.name, str(error))
            raise
        charts, reason = charts_to_show(ready) if found.outcomes else ([], "")
        if json:
            shown = {"charts": [chart.as_json() for chart in charts], "no_charts": reason}
            print_json({"reports": found.as_json(), "models": built.as_json() if built else None, **shown})
        else:
            if built:
                show_models(built)
            show_tables(charts, reason)
        raise typer.Exit(max([found.exit_code, built.exit_code if built else 0], key=severity))
