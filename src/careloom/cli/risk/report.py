"""`careloom risk report`: a scored population as one page of charts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.console import printer as page
from careloom.cli.risk.options import ModelName, Year, notice
from careloom.services.risk import defaults, faults
from careloom.services.risk import report as score_charts


def report(
    scores: Annotated[Path, typer.Option("--scores", help="What `careloom risk score` wrote.", metavar="FILE")],
    page_file: Annotated[Path, typer.Option("--html", help="Where the page goes.", metavar="FILE")],
    *,
    year: Year = defaults.YEAR,
    model: ModelName = defaults.MODEL,
) -> None:
    """Draw a scored population as one HTML page: deciles, segments, categories."""
    with faults.usage_faults():
        score_charts.draw_scores(scores, page_file, model=model, year=year, notice=notice)
    page.print(f"Wrote {page_file}: numbers only, no person in them.", markup=False)
