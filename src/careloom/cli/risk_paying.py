"""`careloom risk factors` and `frailty`: what makes a payment score of a raw one."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from careloom import risk
from careloom.cli import rich_output
from careloom.cli.console import out as page
from careloom.cli.console import print_json
from careloom.cli.options import Json
from careloom.cli.risk_doing import OwnFactors, asked

_SAID = {
    "normalization": "normalization",
    "graft_normalization": "graft normalization",
    "coding_intensity": "coding intensity",
    "frailty": "frailty",
    "share": "share",
    "pace_share": "share for PACE",
}


def factors(
    *,
    year: Annotated[int | None, typer.Option("--year", help="Only this payment year.", min=1900, max=2200)] = None,
    own: OwnFactors = None,
    json: Json = False,
) -> None:
    """Print the factors that make payment scores, with their sources, and say where none is known."""
    with asked():
        found = risk.facts(year, risk.read_factors(own) if own else None)
    if json:
        print_json([asdict(one) for one in found])
        return
    if not found:
        page.print(f"nothing is known of {year}; give your own: --factors FILE")
        return
    for one, several in groupby(found, key=lambda fact: fact.year):
        without = (
            ""
            if one in risk.years()
            else ": there are no tables of this year to score by, so no command works out its payment"
        )
        page.print(f"{one}{without}", markup=False)
        page.print(_shown(list(several)))
    page.print(
        "PACE frailty factors are not kept here: see `careloom risk frailty`. Check what you pay or book by against CMS's "
        "announcement.",
        markup=False,
    )


def _shown(found: list[risk.Fact]) -> rich_output.Table:
    shown = rich_output.Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for one in found:
        value = "not known" if one.value is None else f"{one.value:g}"
        give = "give it: --factors FILE" if "share" not in one.factor else ""
        of = one.model or ("any model" if "share" in one.factor else "all but RxHCC")
        shown.add_row(f"  {of}", _SAID[one.factor], value, one.status or "", one.source or _why_not(one) or give)
    return shown


def _why_not(fact: risk.Fact) -> str:
    """What to say of a model that CMS does not pay by."""
    proposed = fact.model is not None and risk.MODELS[fact.model].proposed
    return (
        "proposed, not finalised: nobody is paid by it; give one to see what it would be: --factors FILE"
        if proposed
        else ""
    )


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
    with asked():
        found = risk.frailty_score(table, survey)
    if json:
        print_json(asdict(found))
        return
    page.print(f"{found.score} is the frailty score of {found.respondents:,} respondents: --frailty {found.score}")
    for one in found.groups:
        page.print(
            f"  {one.respondents:>8,} * {one.factor}  {one.adl_min}-{one.adl_max} limitations, "
            f"{'with' if one.medicaid else 'without'} Medicaid",
            markup=False,
        )
