"""`careloom risk snapshots`: scores as they were known at the end of each month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli import rich_output
from careloom.cli.console import print_json, progress_for
from careloom.cli.console import printer as page
from careloom.cli.options import Json
from careloom.cli.risk.options import (
    Diagnoses,
    Frailty,
    ModelName,
    ModeName,
    OwnFactors,
    Pace,
    People,
    Year,
    notice,
)
from careloom.core.errors import UsageFault
from careloom.services.risk import defaults, faults
from careloom.services.risk import snapshots as monthly_scores
from careloom.services.risk.options import Mode, ScoringOptions, mode_and_status


def snapshots(
    people: People,
    diagnoses: Diagnoses,
    output: Annotated[Path, typer.Option("--out", help="Where the rows go: .parquet or .csv.", metavar="FILE")],
    *,
    year: Year = defaults.YEAR,
    model: ModelName = defaults.MODEL,
    mode: ModeName = Mode.cms,
    through: Annotated[
        str | None, typer.Option("--through", help="The last month, such as 2025-06.", metavar="YYYY-MM")
    ] = None,
    pace: Pace = False,
    frailty: Frailty = None,
    factors: OwnFactors = None,
    json: Json = False,
) -> None:
    """Score everybody as known at the end of each month of the service year, and say what each month added."""
    options = ScoringOptions(
        people=people,
        diagnoses=diagnoses,
        year=year,
        model=model,
        mode=mode,
        pace=pace,
        frailty=frailty,
        factors=factors,
    )
    with faults.usage_faults(), progress_for(quiet=json) as progress:
        run = monthly_scores.score_months(options, output, _month(through), progress, notice)
    if json:
        print_json(
            {
                "model": run.model,
                "year": year,
                "mode": mode.value,
                "status": run.status,
                "months": [*map(asdict, run.months)],
                "seconds": round(run.seconds, 3),
            }
        )
        return
    _show(run.months, f"{run.model} of {year} ({mode_and_status(run.model, year, mode.value)})", run.seconds)
    page.print(f"Wrote {output}, which only you can read.", markup=False)


def _month(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
    except ValueError:
        raise UsageFault("--through is a month, such as 2025-06") from None


def _show(months: Sequence[monthly_scores.Month], title: str, seconds: float) -> None:
    people = months[-1].people if months else 0
    page.print(f"{people:,} people by {title}, {len(months)} months in {seconds:.1f} s", markup=False)
    table = rich_output.Table(box=None, padding=(0, 2, 0, 0))
    for column in ("month", "with an HCC", "mean score", "new HCCs"):
        table.add_column(column, justify="left" if column == "month" else "right")
    for month in months:
        mean = "" if month.mean is None else f"{month.mean:.3f}"
        table.add_row(f"{month.month:%Y-%m}", f"{month.with_hcc:,}", mean, f"{month.hccs_added:,}")
    page.print(table)
