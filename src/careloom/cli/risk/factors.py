"""`careloom risk factors`: what makes a payment score of a raw one."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import Annotated

import typer

from careloom.cli import rich_output
from careloom.cli.console import print_json
from careloom.cli.console import printer as page
from careloom.cli.options import Json
from careloom.cli.risk.options import OwnFactors
from careloom.services.risk import factors as payment_factors
from careloom.services.risk import faults

_FACTOR_NAMES = {
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
    own_factors: OwnFactors = None,
    json: Json = False,
) -> None:
    """Print the factors that make payment scores, with their sources, and say where none is known."""
    with faults.usage_faults():
        facts = payment_factors.list_factors(year, own_factors)
    if json:
        print_json([asdict(fact) for fact in facts])
        return
    if not facts:
        page.print(f"nothing is known of {year}; give your own: --factors FILE")
        return
    for fact_year, of_year in groupby(facts, key=lambda fact: fact.year):
        suffix = (
            ""
            if payment_factors.has_tables(fact_year)
            else ": there are no tables of this year to score by, so no command works out its payment"
        )
        page.print(f"{fact_year}{suffix}", markup=False)
        page.print(_table(list(of_year)))
    page.print(
        "PACE frailty factors are not kept here: see `careloom risk frailty`. Check what you pay or book by against CMS's "
        "announcement.",
        markup=False,
    )


def _table(facts: list[payment_factors.Fact]) -> rich_output.Table:
    table = rich_output.Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for fact in facts:
        value = "not known" if fact.value is None else f"{fact.value:g}"
        give = "give it: --factors FILE" if "share" not in fact.factor else ""
        model = fact.model or ("any model" if "share" in fact.factor else "all but RxHCC")
        table.add_row(
            f"  {model}", _FACTOR_NAMES[fact.factor], value, fact.status or "", fact.source or _why_not(fact) or give
        )
    return table


def _why_not(fact: payment_factors.Fact) -> str:
    """What to say of a model that CMS does not pay by."""
    return (
        "proposed, not finalised: no one is paid by it; give one to see what it would be: --factors FILE"
        if payment_factors.is_proposed(fact.model)
        else ""
    )
