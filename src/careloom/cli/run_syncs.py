"""What `apply` and `run` share: one sync after the other, an alert for what fails, one exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import typer

from careloom.cli.console import print_json, talk
from careloom.cli.failure_json import failure_of
from careloom.cli.summary_tables import show_report
from careloom.core.errors import CareloomError
from careloom.services.operate import alerts
from careloom.services.session import progress, projects, sessions
from careloom.services.sync import run
from careloom.services.sync import summary as run_report


def carry_out(
    session: sessions.Session,
    syncs: Sequence[projects.Sync],
    watch: progress.Watch,
    act: Callable[[projects.Sync], run_report.RunSummary],
    *,
    json: bool,
    single: bool,
    after: Callable[[], int] | None = None,
) -> None:
    """Do `act` for each sync; a failed one does not keep the others from theirs. Leaves with the worst exit code.

    `after` is done when all are over, and gives an exit code too.
    """
    plain: list[dict[str, Any]] = []
    codes = [0]
    for sync in syncs:
        if watch.stop.is_set():
            break
        codes.append(_one(session, sync, watch, act, plain, json=json))
    if after is not None:
        codes.append(after())
    if json:
        print_json(plain[0] if single and plain else plain)
    raise typer.Exit(max(codes, key=severity))


def _one(
    session: sessions.Session,
    sync: projects.Sync,
    watch: progress.Watch,
    act: Callable[[projects.Sync], run_report.RunSummary],
    plain: list[dict[str, Any]],
    *,
    json: bool,
) -> int:
    try:
        report = act(sync)
        watch.progress.rest()
    except CareloomError as error:
        alerts.alert_failure(session, sync.name, str(error))
        talk.print(f"careloom: sync {sync.name}: {error}", markup=False)
        plain.append({"sync": sync.name, "error": failure_of(error)})
        return error.exit_code
    except Exception as error:
        alerts.alert_failure(session, sync.name, f"{type(error).__name__}, which is a bug: please report it")
        raise
    plain.append(report.as_json())
    if report.state == "failed":
        alerts.alert_failure(session, sync.name, "; ".join(report.notes))
    if not json:
        show_report(report, is_plan=False)
    return run.trouble_exit(report)


def severity(code: int) -> int:
    """Being interrupted says the most, a failure more than held records, and those more than nothing."""
    return {0: 0, 4: 1, 6: 2}.get(code, 3 if code != 130 else 4)  # noqa: PLR2004 the shell's own number
