"""`careloom risk validate --against`: scores and categories here beside those of another system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.console import out as page
from careloom.cli.console import print_json, progress_for
from careloom.cli.risk_doing import Mode, asked, known, money_for, payment_unknown
from careloom.core.errors import UsageFault
from careloom.risk import workspace as risk_desk
from careloom.risk.review import mor, parallel

DIFFERS = 1
"""What it leaves with unless everybody is equal."""


class Compared(StrEnum):
    """Which of our scores theirs is compared with."""

    payment = "payment"
    raw = "raw"


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
    Compared, typer.Option("--score", help="With --against: which score it has, raw or payment.", metavar="KIND")
]


def columns_named(columns: Sequence[str]) -> dict[str, str]:
    """What another's table calls our columns."""
    names = dict(one.partition("=")[::2] for one in columns)
    for ours, theirs in names.items():
        if ours not in mor.COLUMNS or not theirs:
            raise UsageFault(f"write --column OURS=THEIRS, where OURS is one of {', '.join(mor.COLUMNS)}")
    return names


def beside_another(
    people: Path,
    diagnoses: Path,
    against: str,
    *,
    year: int,
    model: str,
    out: Path | None,
    column: Sequence[str],
    score: Compared,
    factors: Path | None,
    json: bool,
) -> None:
    """Compare, tell, and leave with 1 unless every person has the same score and categories on both sides."""
    with asked(), progress_for(quiet=json) as progress, risk_desk.desk() as at:
        name = known(model, year, Mode.cms)
        money = money_for(name, year, Mode.cms, pace=False, frailty=None, factors=factors)
        if score is Compared.payment and (unknown := payment_unknown(money, name, year)):
            raise UsageFault(f"there is no payment score to compare: it is {unknown}")
        if out:
            risk_desk.check_out(out)
        progress.step(f"scoring by {name} of {year}, and comparing person by person")
        told = parallel.beside(
            at,
            people,
            diagnoses,
            parallel.as_file(at, against),
            model=name,
            year=year,
            compared=score.value,
            money=money,
            names=columns_named(column),
        )
        if out:
            risk_desk.write(at, "from parallel", out)
        progress.rest()
    if json:
        print_json({**asdict(told), "share": told.share})
    else:
        _show(told)
    if told.equal < told.persons or not told.persons:
        raise typer.Exit(DIFFERS)


def _show(told: parallel.Parallel) -> None:
    percent = int(told.share * 10_000) / 100  # never rounded up to a hundred
    page.print(
        f"{percent:.2f} %: {told.equal:,} of {told.persons:,} people have the same score and categories on both sides"
    )
    for reason, number in told.reasons.items():
        page.print(f"  {number:>8,} {reason:<20} {parallel.REASONS[reason]}", markup=False)
    if told.categories:
        page.print("categories that only one side has (CMS in these words is the other table)")
    for reason, number in told.categories.items():
        page.print(f"  {number:>8,} {reason:<28} {mor.REASONS[reason]}", markup=False)
