"""What `apply` and `run` share: one sync after the other, an alert for what fails, one exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import typer

from careloom.cli.showing import print_json, talk
from careloom.cli.tables import show_report
from careloom.core.errors import CareloomError
from careloom.project.model import Sync
from careloom.services.alerting import alert_failure
from careloom.services.opening import Opened
from careloom.services.progress import Watch
from careloom.services.report import Report
from careloom.services.syncing import trouble_exit


def carry_out(
    ready: Opened,
    syncs: Sequence[Sync],
    watch: Watch,
    act: Callable[[Sync], Report],
    *,
    json: bool,
    single: bool,
    after: Callable[[], int] | None = None,
) -> None:
    """Do `act` for each sync; a failed one does not keep the others from theirs. Leaves with the worst exit code.

    `after` is done when all are over, and gives an exit code too.
    """
    reports: list[Report] = []
    codes = [0]
    for sync in syncs:
        if watch.stop.is_set():
            break
        codes.append(_one(ready, sync, watch, act, reports, json=json))
    if after is not None:
        codes.append(after())
    if json:
        plain = [report.as_json() for report in reports]
        print_json(plain[0] if single and plain else plain)
    raise typer.Exit(max(codes, key=severity))


def _one(
    ready: Opened, sync: Sync, watch: Watch, act: Callable[[Sync], Report], reports: list[Report], *, json: bool
) -> int:
    try:
        report = act(sync)
        watch.progress.rest()
    except CareloomError as error:
        alert_failure(ready, sync.name, str(error))
        talk.print(f"careloom: sync {sync.name}: {error}", markup=False)
        return error.exit_code
    except Exception as error:
        alert_failure(ready, sync.name, f"{type(error).__name__}, which is a bug: please report it")
        raise
    reports.append(report)
    if report.state == "failed":
        alert_failure(ready, sync.name, "; ".join(report.notes))
    if not json:
        show_report(report, planned=False)
    return trouble_exit(report)


def severity(code: int) -> int:
    """Being interrupted says the most, a failure more than held records, and those more than nothing."""
    return {0: 0, 4: 1, 6: 2}.get(code, 3 if code != 130 else 4)  # noqa: PLR2004 the shell's own number
