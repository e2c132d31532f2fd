"""`careloom risk validate`: against hccinfhir, or beside the scores of another system."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.console import print_json, progress_for
from careloom.cli.console import printer as page
from careloom.cli.options import MANY, Json
from careloom.cli.risk.options import (
    Diagnoses,
    EveryDate,
    ModelName,
    OwnFactors,
    People,
    Year,
    notice,
)
from careloom.core.errors import UsageFault
from careloom.services.risk import defaults, faults
from careloom.services.risk import reconcile as reconciliation
from careloom.services.risk import validate as comparison
from careloom.services.risk.options import ComparedScore, ScoringOptions

DIFFERS = 1
"""What it leaves with unless everything is equal."""


Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        help="Another system's scores: person_id, risk_score, hcc_list or hcc. Parquet, CSV, or FILE.duckdb:SCHEMA.TABLE.",
        metavar="FILE|TABLE",
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column", help="What their table calls a column: person_id=MBI. May be given again.", metavar="OURS=THEIRS"
    ),
]
TheirScore = Annotated[
    ComparedScore, typer.Option("--score", help="With --against: which score it has, raw or payment.", metavar="KIND")
]


def validate(
    people: People,
    diagnoses: Diagnoses,
    *,
    year: Year = defaults.YEAR,
    model: ModelName = defaults.MODEL,
    sample: Annotated[
        int | None,
        typer.Option("--sample", help="So many people, the same ones each time.", metavar="NUMBER", min=1, max=MANY),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--out", help="Where each person's comparison goes: .parquet or .csv.", metavar="FILE"),
    ] = None,
    every_date: EveryDate = False,
    against: Against = None,
    column: Columns = None,
    score: TheirScore = ComparedScore.raw,
    factors: OwnFactors = None,
    json: Json = False,
) -> None:
    """Compare with hccinfhir, member by member; with --against, with the scores of another system, person by person."""
    options = ScoringOptions(
        people=people, diagnoses=diagnoses, year=year, model=model, every_date=every_date, factors=factors
    )
    if against is not None:
        if sample is not None or every_date:
            raise UsageFault("--against compares everybody, and by service year: leave --sample and --every-date out")
        _compare(options, against, output, column or [], score, json=json)
        return
    if column or factors or score is not ComparedScore.raw:
        raise UsageFault("--column, --score and --factors go with --against")
    with faults.usage_faults(), progress_for(quiet=json) as progress:
        result = comparison.validate_population(options, sample, output, progress, notice)
        progress.rest()
    if json:
        print_json(asdict(result))
    else:
        _show_result(result)
    if result.verdicts.get("disagrees") or result.unexplained:
        raise typer.Exit(DIFFERS)


def _show_result(result: comparison.ValidationResult) -> None:
    agreeing = result.verdicts.get("agrees", 0)
    page.print(f"{agreeing:,} of {result.members:,} members: compat equals hccinfhir, to the thousandth and HCC by HCC")
    meanings = {
        "disagrees": "do not agree: please report it",
        "random": "hccinfhir answers at random: an edit fires on a code of two categories",
        "refused": "hccinfhir takes no such member (sex, dual status or entitlement)",
        "held": "have no usable age or sex",
    }
    for verdict, meaning in meanings.items():
        if number := result.verdicts.get(verdict):
            page.print(f"  {number:,} {meaning}", markup=False)
    if result.refused:
        page.print(f"no cms scores stand beside them: {result.refused}", markup=False)
        return
    page.print(f"{result.otherwise:,} members score otherwise in cms, by rule:")
    for name, number in result.rules.items():
        rule = comparison.RULES[name]
        page.print(f"  {number:>8,} {name}\n           {rule.cms}\n           source: {rule.source}", markup=False)
    if result.unexplained:
        page.print(f"  {result.unexplained:>8,} without a rule: please report it", markup=False)


def _compare(
    options: ScoringOptions,
    against: str,
    output: Path | None,
    columns: list[str],
    score: ComparedScore,
    *,
    json: bool,
) -> None:
    """Leave with 1 unless every person has the same score and categories on both sides."""
    with faults.usage_faults(), progress_for(quiet=json) as progress:
        run = reconciliation.compare_with_system(
            options,
            against,
            output,
            progress,
            notice,
            column_names=reconciliation.column_names(columns),
            score=score,
        )
        progress.rest()
    if json:
        print_json({**asdict(run), "share": run.share})
    else:
        _show_comparison(run)
    if run.equal < run.persons or not run.persons:
        raise typer.Exit(DIFFERS)


def _show_comparison(run: reconciliation.ParallelRun) -> None:
    percent = int(run.share * 10_000) / 100  # never rounded up to a hundred
    page.print(
        f"{percent:.2f} %: {run.equal:,} of {run.persons:,} people have the same score and categories on both sides"
    )
    for reason, number in run.reasons.items():
        page.print(f"  {number:>8,} {reason:<20} {reconciliation.system_reason_text(reason)}", markup=False)
    if run.categories:
        page.print("categories that only one side has (CMS in these words is the other table)")
    for reason, number in run.categories.items():
        page.print(f"  {number:>8,} {reason:<28} {reconciliation.report_reason_text(reason)}", markup=False)
