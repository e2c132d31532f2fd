"""Score a population as it was known at the end of each month of the service year."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from careloom import risk
from careloom.risk import workspace as risk_workspace
from careloom.risk.scores import monthly
from careloom.risk.scores.monthly import Month
from careloom.services.risk.options import Notice, ScoringOptions, choose_model, factors_of
from careloom.services.session.progress import Progress

__all__ = ["Month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRun:
    """What each month added, by which model with the status of its tables, and how long it took."""

    model: str
    status: str
    months: Sequence[monthly.Month]
    seconds: float


def score_months(
    options: ScoringOptions, output: Path, through: date | None, progress: Progress, notice: Notice
) -> SnapshotRun:
    """Write everyone's scores at the end of each month to `output`."""
    start = time.monotonic()
    model = choose_model(options.model, options.year, options.mode, notice)
    money = factors_of(model, options, notice)
    risk_workspace.check_output(output)
    with risk_workspace.open_workspace() as workspace:
        progress.step("reading people and diagnoses")
        people = risk_workspace.as_parquet(workspace, "people", options.people)
        diagnoses = risk_workspace.as_parquet(workspace, "diagnoses", options.diagnoses)
        progress.step(f"scoring each month by {model} of {options.year}")
        snapshots = output if output.suffix.lower() == ".parquet" else workspace.folder / "snapshots.parquet"
        risk.snapshots(
            people,
            diagnoses,
            out=snapshots,
            on_progress=progress.advance,
            model=model,
            year=options.year,
            mode=options.mode.value,
            money=money,
            through=through,
        )
        progress.step("counting what each month added")
        risk_workspace.show_file(workspace, "snapshots", snapshots)
        months = monthly.by_month(workspace.db, "snapshots")
        if snapshots != output:
            risk_workspace.write_view(workspace, "snapshots", output)
    progress.rest()
    status = str(risk.read_tables(model, options.year, options.mode.value).status)
    return SnapshotRun(model=model, status=status, months=months, seconds=time.monotonic() - start)
