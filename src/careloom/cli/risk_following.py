"""`careloom risk gaps`, `reconcile` and `report`: what follows from the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.options import Json, finite
from careloom.cli.risk_doing import (
    THIS_YEAR,
    V28,
    Diagnoses,
    Frailty,
    Mode,
    ModelName,
    OwnFactors,
    Pace,
    People,
    Year,
    asked,
    known,
    money_for,
    payment_unknown,
)
from careloom.cli.showing import out as page
from careloom.cli.showing import print_json, progress_for
from careloom.core.errors import UsageFault
from careloom.engine.drawing import Drawn, Unit, drawn
from careloom.project.model import ChartPage
from careloom.risk import read_tables
from careloom.risk.desk import check_out, desk, show, write
from careloom.risk.distributions import FEW, Distributions, Rows, distributions
from careloom.risk.paid import COLUMNS, REASONS, TOLERANCE, Reconciled
from careloom.risk.paid import reconcile as compare
from careloom.risk.recapture import LOOK_BACK, Gaps, check_look_back, opportunities, recapture, show_years
from careloom.services.charting import html

_MOST = 15
LookBack = Annotated[
    int, typer.Option("--look-back", help="How many former service years are looked at.", min=1, max=100)
]


def gaps(
    people: People,
    diagnoses: Diagnoses,
    *,
    year: Year = THIS_YEAR,
    model: ModelName = V28,
    thoughts: Annotated[
        Path | None,
        typer.Option(
            "--opportunities", help="Categories that somebody thinks a person has: person_id, hcc.", metavar="FILE"
        ),
    ] = None,
    look_back: LookBack = LOOK_BACK,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where each gap goes: .parquet or .csv.", metavar="FILE")
    ] = None,
    json: Json = False,
) -> None:
    """List chronic categories of former years that are not coded this year, and opportunities that are still open."""
    with asked(), progress_for(quiet=json) as progress, desk() as at:
        name = known(model, year, Mode.cms)
        if out:
            check_out(out)
        progress.step("scoring this year and the years before")
        show_years(at, people, diagnoses, model=name, year=year, look_back=check_look_back(look_back))
        found = {"recapture": recapture(at)}
        if thoughts is not None:
            found["opportunities"] = opportunities(at, thoughts, model=name, year=year)
        if out:
            kinds = (f"select '{kind}' as kind, * from {kind}" for kind in found)
            write(at, " union all by name ".join(kinds), out)
        progress.rest()
    if json:
        print_json({kind: asdict(one) for kind, one in found.items()})
        return
    for kind, one in found.items():
        _show_gaps(kind, one)


def _show_gaps(kind: str, found: Gaps) -> None:
    parts = ", ".join(f"{number:,} {status}" for status, number in found.statuses.items()) or "nothing"
    page.print(f"{kind}: {parts}; open of {found.people:,} people", markup=False)
    for hcc, label, people, worth in found.open[:_MOST]:
        page.print(f"  HCC {hcc:<4} {people:>8,} people {worth:>10,.3f}  {label or ''}".rstrip(), markup=False)
    if len(found.open) > _MOST:
        page.print(f"  and {len(found.open) - _MOST} more categories", markup=False)


class Compared(StrEnum):
    """Which of our scores CMS's is compared with."""

    payment = "payment"
    raw = "raw"


def reconcile(
    people: People,
    diagnoses: Diagnoses,
    paid: Annotated[
        Path,
        typer.Option("--report", help="CMS's monthly report: person_id, hcc or hcc_list, risk_score.", metavar="FILE"),
    ],
    *,
    year: Year = THIS_YEAR,
    model: ModelName = V28,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column", help="What the report calls a column: person_id=MBI. May be given again.", metavar="OURS=THEIRS"
        ),
    ] = None,
    score: Annotated[
        Compared, typer.Option("--score", help="Which score the report has: payment or raw.", metavar="KIND")
    ] = Compared.payment,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance", help="By how much scores may differ.", metavar="NUMBER", min=0, max=1000, callback=finite
        ),
    ] = TOLERANCE,
    look_back: LookBack = LOOK_BACK,
    pace: Pace = False,
    frailty: Frailty = None,
    factors: OwnFactors = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where each difference goes: .parquet or .csv.", metavar="FILE")
    ] = None,
    json: Json = False,
) -> None:
    """Compare what CMS paid on with what is computed here, member by member, with the reason."""
    with asked(), progress_for(quiet=json) as progress, desk() as at:
        name = known(model, year, Mode.cms)
        names = _names(column or ())
        money = money_for(name, year, Mode.cms, pace=pace, frailty=frailty, factors=factors)
        unknown = payment_unknown(money, name, year) if score is Compared.payment else None
        if out:
            check_out(out)
        progress.step("scoring this year and the years before")
        years = check_look_back(look_back)
        show_years(at, people, diagnoses, model=name, year=year, look_back=years, dated=False, money=money)
        progress.step("comparing with the report")
        found = compare(at, paid, model=name, year=year, compared=score.value, tolerance=tolerance, names=names)
        if out:
            write(at, "from reconciled", out)
        progress.rest()
    if json:
        print_json({**asdict(found), "payment_unknown": unknown})
        return
    _show_reconciled(found)
    if unknown:
        page.print(f"no score was compared, for the payment score is {unknown}; or --score raw", markup=False)


def _names(columns: Sequence[str]) -> Mapping[str, str]:
    """What the report calls our columns."""
    names = dict(one.partition("=")[::2] for one in columns)
    for ours, theirs in names.items():
        if ours not in COLUMNS or not theirs:
            raise UsageFault(f"write --column OURS=THEIRS, where OURS is one of {', '.join(COLUMNS)}")
    return names


def _show_reconciled(found: Reconciled) -> None:
    page.print(f"{found.here:,} people here, {found.at_cms:,} in CMS's report; {found.agreeing:,} agree in everything")
    for reason, number in found.reasons.items():
        worth = f" worth {found.at_stake[reason]:,.3f}" if reason in found.at_stake else ""
        page.print(f"  {number:>8,} {reason:<28} {REASONS[reason]}{worth}", markup=False)


def report(
    scores: Annotated[Path, typer.Option("--scores", help="What `careloom risk score` wrote.", metavar="FILE")],
    to: Annotated[Path, typer.Option("--html", help="Where the page goes.", metavar="FILE")],
    *,
    year: Year = THIS_YEAR,
    model: ModelName = V28,
) -> None:
    """Draw a scored population as one HTML page: deciles, segments, categories."""
    with asked():
        name = known(model, year, Mode.cms)
        with desk() as at:
            columns = show(at, "scores", scores)
            _check_model(
                at.db.execute("select distinct model from scores").fetchall() if "model" in columns else [], name
            )
            found = distributions(at.db, columns, read_tables(name, year).labels)
        try:
            to.write_text(_page(found, name, year), encoding="utf-8")
        except OSError as error:
            raise UsageFault(f"{to} cannot be written: {error.strerror}") from None
    page.print(f"Wrote {to}: numbers only, nobody in them.", markup=False)


def _check_model(models: Sequence[tuple[str]], name: str) -> None:
    others = sorted({str(model) for (model,) in models} - {name})
    if others:
        raise UsageFault(f"these are scores by {', '.join(others)}; say so: --model {others[0]}")


def _page(found: Distributions, model: str, year: int) -> str:
    mean = "" if found.mean is None else f", mean score {found.mean:.3f}"
    about = (
        f"{found.people:,} people, {found.scored:,} scored{mean}. Categories of fewer than {FEW} people are not shown."
    )
    charts = [
        _chart("Mean raw score of each tenth of people, from the lowest", "count", found.deciles, places=3),
        _chart("People by raw score", "count", found.bands),
        _chart("People by segment", "count", found.segments),
        _chart("People by number of payment HCCs", "count", found.counts),
        _chart("Share of people with a category", "percent", found.categories),
    ]
    title = f"Risk scores by {model} of {year}"
    return html(ChartPage(name="risk", title=title, description=about, charts=()), charts, datetime.now(UTC))


def _chart(title: str, unit: Unit, rows: Rows, *, places: int = 1) -> Drawn:
    return drawn(title, unit, [(label, Decimal(str(round(value, places)))) for label, value in rows])
