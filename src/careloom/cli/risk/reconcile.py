"""`careloom risk reconcile`: CMS's monthly report against what is computed here."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.console import print_json, progress_for
from careloom.cli.console import printer as page
from careloom.cli.options import Json, finite
from careloom.cli.risk.options import (
    Diagnoses,
    Frailty,
    LookBack,
    ModelName,
    OwnFactors,
    Pace,
    People,
    Year,
    notice,
)
from careloom.services.risk import defaults, faults
from careloom.services.risk import reconcile as reconciliation
from careloom.services.risk.options import ComparedScore, ScoringOptions


def reconcile(
    people: People,
    diagnoses: Diagnoses,
    report: Annotated[
        Path,
        typer.Option("--report", help="CMS's monthly report: person_id, hcc or hcc_list, risk_score.", metavar="FILE"),
    ],
    *,
    year: Year = defaults.YEAR,
    model: ModelName = defaults.MODEL,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column", help="What the report calls a column: person_id=MBI. May be given again.", metavar="OURS=THEIRS"
        ),
    ] = None,
    score: Annotated[
        ComparedScore, typer.Option("--score", help="Which score the report has: payment or raw.", metavar="KIND")
    ] = ComparedScore.payment,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance", help="By how much scores may differ.", metavar="NUMBER", min=0, max=1000, callback=finite
        ),
    ] = defaults.TOLERANCE,
    look_back: LookBack = defaults.LOOK_BACK,
    pace: Pace = False,
    frailty: Frailty = None,
    factors: OwnFactors = None,
    output: Annotated[
        Path | None, typer.Option("--out", help="Where each difference goes: .parquet or .csv.", metavar="FILE")
    ] = None,
    json: Json = False,
) -> None:
    """Compare what CMS paid on with what is computed here, member by member, with the reason."""
    options = ScoringOptions(
        people=people, diagnoses=diagnoses, year=year, model=model, pace=pace, frailty=frailty, factors=factors
    )
    with faults.usage_faults(), progress_for(quiet=json) as progress:
        run = reconciliation.reconcile_report(
            options,
            report,
            output,
            progress,
            notice,
            column_names=reconciliation.column_names(column or ()),
            score=score,
            tolerance=tolerance,
            look_back=look_back,
        )
        progress.rest()
    if json:
        print_json({**asdict(run.result), "status": run.status, "payment_unknown": run.payment_unknown})
        return
    _show(run)


def _show(run: reconciliation.ReconcileRun) -> None:
    result = run.result
    page.print(
        f"{result.here:,} people here, {result.at_cms:,} in CMS's report; {result.agreeing:,} agree in everything"
    )
    for reason, number in result.reasons.items():
        worth = f" worth {result.at_stake[reason]:,.3f}" if reason in result.at_stake else ""
        page.print(f"  {number:>8,} {reason:<28} {reconciliation.report_reason_text(reason)}{worth}", markup=False)
    if run.payment_unknown:
        page.print(
            f"no score was compared, for the payment score is {run.payment_unknown}; or --score raw", markup=False
        )
