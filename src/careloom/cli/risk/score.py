"""`careloom risk score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.console import print_json, progress_for
from careloom.cli.console import printer as page
from careloom.cli.options import Json
from careloom.cli.risk.options import (
    Diagnoses,
    EveryDate,
    Frailty,
    ModelOrBlend,
    ModeName,
    OwnFactors,
    Pace,
    People,
    Year,
    notice,
)
from careloom.core.errors import UsageFault
from careloom.services.risk import defaults, faults
from careloom.services.risk import score as scoring
from careloom.services.risk.options import Mode, ScoringOptions


def score(
    people: People,
    diagnoses: Diagnoses,
    output: Annotated[Path, typer.Option("--out", help="Where the scores go: .parquet or .csv.", metavar="FILE")],
    *,
    year: Year = defaults.YEAR,
    model: ModelOrBlend = defaults.MODEL,
    mode: ModeName = Mode.cms,
    trace: Annotated[
        Path | None,
        typer.Option("--trace", help="Where every step of every score goes, one row each.", metavar="FILE"),
    ] = None,
    every_date: EveryDate = False,
    pace: Pace = False,
    frailty: Frailty = None,
    factors: OwnFactors = None,
    json: Json = False,
) -> None:
    """Score everybody of a file of people by a file of diagnoses."""
    options = ScoringOptions(
        people=people,
        diagnoses=diagnoses,
        year=year,
        model=model,
        mode=mode,
        every_date=every_date,
        pace=pace,
        frailty=frailty,
        factors=factors,
    )
    if scoring.is_blend(model) and (trace is not None or mode is not Mode.cms):
        raise UsageFault("--trace and --mode compat are of one model: take them away, or write one in place of BLEND")
    with faults.usage_faults(), progress_for(quiet=json) as progress:
        run = scoring.score_population(options, output, trace, progress, notice)
    if json:
        print_json(run.json)
        return
    _show(run)
    if run.coded_years:
        service_year = next(iter(run.coded_years))
        page.print(
            f"! none of the {run.counts.diagnoses:,} diagnoses counted: payment year {year} counts those of {year - 1}, and "
            f"{run.coded_years[service_year]:,} are of {service_year}. Score them with --year {service_year + 1}, or all of them with --every-date",
            markup=False,
        )
    page.print(f"Wrote {output}{f' and {trace}' if trace else ''}, which only you can read.", markup=False)


def _show(run: scoring.ScoringRun) -> None:
    counts = run.counts
    score = "payment score" if run.shares else "score"
    mean = "" if counts.mean is None else f", mean {score} {counts.mean:.3f}"
    page.print(
        f"{counts.people:,} people by {run.title} of {run.year} ({run.mode_and_status}) in {run.seconds:.1f} s{mean}",
        markup=False,
    )
    held_counts = ", ".join(f"{number:,} {reason}" for reason, number in counts.held.items())
    lines = {"scored": f"{counts.scored:,}", "held": held_counts, "without diagnoses": f"{counts.without_diagnoses:,}"}
    lines["defaults taken"] = ", ".join(f"{name} {number:,}" for name, number in counts.defaults.items())
    lines["diagnoses"] = f"{counts.diagnoses:,}"
    lines["  of another year"] = _number(counts.left_out_by_date)
    lines["  date not readable"] = f"{counts.date_unreadable:,}, counted" if counts.date_unreadable else ""
    lines["  of no one here"] = _number(counts.of_nobody)
    lines["  without a category"] = _number(counts.without_category)
    lines["  no ICD-10 code"] = _number(counts.not_icd_10)
    lines["payment score"] = run.payment_unknown
    for name, value in lines.items():
        if value:
            page.print(f"  {name:<20} {value}", markup=False)


def _number(number: int) -> str:
    return f"{number:,}" if number else ""
