"""`careloom risk snapshots`: scores as they were known at the end of each month."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from careloom import risk
from careloom.cli import rich_output
from careloom.cli.console import out as page
from careloom.cli.console import print_json, progress_for
from careloom.cli.options import Json
from careloom.cli.risk_doing import (
    Diagnoses,
    Frailty,
    Mode,
    ModelName,
    ModeName,
    OwnFactors,
    Pace,
    People,
    Year,
    asked,
    by_tables,
    known,
    money_for,
)
from careloom.core.errors import UsageFault
from careloom.risk import workspace as risk_desk
from careloom.risk.payment_years import DEFAULT_MODEL, DEFAULT_YEAR
from careloom.risk.scores import monthly


def snapshots(
    people: People,
    diagnoses: Diagnoses,
    out: Annotated[Path, typer.Option("--out", help="Where the rows go: .parquet or .csv.", metavar="FILE")],
    *,
    year: Year = DEFAULT_YEAR,
    model: ModelName = DEFAULT_MODEL,
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
    begun = time.monotonic()
    with asked(), progress_for(quiet=json) as progress:
        name, last = known(model, year, mode), _month(through)
        money = money_for(name, year, mode, pace=pace, frailty=frailty, factors=factors)
        risk_desk.check_out(out)
        with risk_desk.desk() as at:
            progress.step("reading people and diagnoses")
            persons, codes = risk_desk.ready(at, "people", people), risk_desk.ready(at, "diagnoses", diagnoses)
            progress.step(f"scoring each month by {name} of {year}")
            made = out if out.suffix.lower() == ".parquet" else at.folder / "snapshots.parquet"
            how: dict[str, Any] = {"model": name, "year": year, "mode": mode.value, "money": money, "through": last}
            risk.snapshots(persons, codes, out=made, said=progress.advance, **how)
            progress.step("counting what each month added")
            risk_desk.show(at, "snapshots", made)
            found = monthly.by_month(at.db, "snapshots")
            if made != out:
                risk_desk.write(at, "from snapshots", out)
        progress.rest()
    if json:
        seconds, status = round(time.monotonic() - begun, 3), str(risk.read_tables(name, year, mode.value).status)
        print_json(
            {
                "model": name,
                "year": year,
                "mode": mode.value,
                "status": status,
                "months": [*map(asdict, found)],
                "seconds": seconds,
            }
        )
        return
    _show(found, f"{name} of {year} ({by_tables(name, year, mode.value)})", time.monotonic() - begun)
    page.print(f"Wrote {out}, which only you can read.", markup=False)


def _month(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
    except ValueError:
        raise UsageFault("--through is a month, such as 2025-06") from None


def _show(found: Sequence[monthly.Month], title: str, seconds: float) -> None:
    people = found[-1].people if found else 0
    page.print(f"{people:,} people by {title}, {len(found)} months in {seconds:.1f} s", markup=False)
    shown = rich_output.Table(box=None, padding=(0, 2, 0, 0))
    for column in ("month", "with an HCC", "mean score", "new HCCs"):
        shown.add_column(column, justify="left" if column == "month" else "right")
    for one in found:
        mean = "" if one.mean is None else f"{one.mean:.3f}"
        shown.add_row(f"{one.month:%Y-%m}", f"{one.with_hcc:,}", mean, f"{one.hccs_added:,}")
    page.print(shown)
