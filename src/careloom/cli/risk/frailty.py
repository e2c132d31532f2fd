"""`careloom risk frailty`: a PACE organisation's frailty score."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.console import print_json
from careloom.cli.console import printer as page
from careloom.cli.options import Json
from careloom.services.risk import factors as payment_factors
from careloom.services.risk import faults


def frailty(
    table: Annotated[
        Path,
        typer.Option(
            "--factors-table", help="CMS's factors as CSV: adl_min, adl_max, medicaid, factor.", metavar="FILE"
        ),
    ],
    survey: Annotated[
        Path,
        typer.Option(
            "--survey", help="The answers as CSV: adl_count, medicaid, respondents if counted.", metavar="FILE"
        ),
    ],
    *,
    json: Json = False,
) -> None:
    """Work out a PACE organisation's frailty score from CMS's factors and the answers of its survey."""
    with faults.usage_faults():
        result = payment_factors.work_out_frailty(table, survey)
    if json:
        print_json(asdict(result))
        return
    page.print(f"{result.score} is the frailty score of {result.respondents:,} respondents: --frailty {result.score}")
    for group in result.groups:
        page.print(
            f"  {group.respondents:>8,} * {group.factor}  {group.adl_min}-{group.adl_max} limitations, "
            f"{'with' if group.medicaid else 'without'} Medicaid",
            markup=False,
        )
