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
    with opening as (session, _), watching(quiet=json) as watch:
        try:
            result = fetch.run_reports(session, fetch.reports_named(session), watch, due_only=due)
            watch.progress.rest()
            if not json:
                show_reports_run(result)
            models = build.build_after(session, watch)
            watch.progress.rest()
        except CareloomError as error:
            alerts.alert_job(session, "reports", session.project.name, str(error))
            raise
        charts, reason = charts_to_show(session) if result.outcomes else ([], "")
        if json:
            chart_json = {"charts": [chart.as_json() for chart in charts], "no_charts": reason}
            print_json({"reports": result.as_json(), "models": models.as_json() if models else None, **chart_json})
        else:
            if models:
                show_models(models)
            show_tables(charts, reason)
        raise typer.Exit(max([result.exit_code, models.exit_code if models else 0], key=severity))
