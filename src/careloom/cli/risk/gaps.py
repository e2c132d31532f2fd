"""`careloom risk gaps`: chronic categories that are not coded this year, and suspected ones."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.console import print_json, progress_for
from careloom.cli.console import printer as page
from careloom.cli.options import Json
from careloom.cli.risk.options import Diagnoses, LookBack, ModelName, People, Year, notice
from careloom.services.risk import defaults, faults
from careloom.services.risk import gaps as gap_search
from careloom.services.risk.options import ScoringOptions

_MOST = 15


def gaps(
    people: People,
    diagnoses: Diagnoses,
    *,
    year: Year = defaults.YEAR,
    model: ModelName = defaults.MODEL,
    suspects: Annotated[
        Path | None,
        typer.Option(
            "--opportunities", help="Categories that somebody thinks a person has: person_id, hcc.", metavar="FILE"
        ),
    ] = None,
    look_back: LookBack = defaults.LOOK_BACK,
    output: Annotated[
        Path | None, typer.Option("--out", help="Where each gap goes: .parquet or .csv.", metavar="FILE")
    ] = None,
    json: Json = False,
) -> None:
    """List chronic categories of former years that are not coded this year, and opportunities that are still open."""
    options = ScoringOptions(people=people, diagnoses=diagnoses, year=year, model=model)
    with faults.usage_faults(), progress_for(quiet=json) as progress:
        gaps_by_kind = gap_search.find_gaps(options, suspects, output, progress, notice, look_back=look_back)
        progress.rest()
    if json:
        print_json({kind: asdict(result) for kind, result in gaps_by_kind.items()})
        return
    for kind, result in gaps_by_kind.items():
        _show(kind, result)


def _show(kind: str, result: gap_search.Gaps) -> None:
    parts = ", ".join(f"{number:,} {status}" for status, number in result.statuses.items()) or "nothing"
    page.print(f"{kind}: {parts}; open of {result.people:,} people", markup=False)
    for hcc, label, people, worth in result.open[:_MOST]:
        page.print(f"  HCC {hcc:<4} {people:>8,} people {worth:>10,.3f}  {label or ''}".rstrip(), markup=False)
    if len(result.open) > _MOST:
        page.print(f"  and {len(result.open) - _MOST} more categories", markup=False)
