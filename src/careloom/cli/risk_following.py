"""`careloom risk gaps`, `reconcile` and `report`: what follows from the scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from careloom import risk
from careloom.charts import bars
from careloom.charts import page as charts_page
from careloom.cli.console import out as page
from careloom.cli.console import print_json, progress_for
from careloom.cli.options import Json, finite
from careloom.cli.risk_doing import (
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
from careloom.cli.risk_parallel import Compared, columns_named
from careloom.core.errors import UsageFault
from careloom.project import model as project_model
from careloom.risk import workspace as risk_desk
from careloom.risk.payment_years import DEFAULT_MODEL, DEFAULT_YEAR
from careloom.risk.review import gaps as recaptures
from careloom.risk.review import mor as payments
from careloom.risk.review.defaults import LOOK_BACK, TOLERANCE
from careloom.risk.scores import distributions as spreads

_MOST = 15
LookBack = Annotated[
    int, typer.Option("--look-back", help="How many former service years are looked at.", min=1, max=100)
]


def gaps(
    people: People,
    diagnoses: Diagnoses,
    *,
    year: Year = DEFAULT_YEAR,
    model: ModelName = DEFAULT_MODEL,
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
    with asked(), progress_for(quiet=json) as progress, risk_desk.desk() as at:
        name = known(model, year, Mode.cms)
        if out:
            risk_desk.check_out(out)
        progress.step("scoring this year and the years before")
        recaptures.show_years(
            at, people, diagnoses, model=name, year=year, look_back=recaptures.check_look_back(look_back)
        )
        found = {"recapture": recaptures.recapture(at)}
        if thoughts is not None:
            found["opportunities"] = recaptures.opportunities(at, thoughts, model=name, year=year)
        if out:
            kinds = (f"select '{kind}' as kind, * from {kind}" for kind in found)
            risk_desk.write(at, " union all by name ".join(kinds), out)
        progress.rest()
    if json:
        print_json({kind: asdict(one) for kind, one in found.items()})
        return
    for kind, one in found.items():
        _show_gaps(kind, one)


def _show_gaps(kind: str, found: recaptures.Gaps) -> None:
    parts = ", ".join(f"{number:,} {status}" for status, number in found.statuses.items()) or "nothing"
    page.print(f"{kind}: {parts}; open of {found.people:,} people", markup=False)
    for hcc, label, people, worth in found.open[:_MOST]:
        page.print(f"  HCC {hcc:<4} {people:>8,} people {worth:>10,.3f}  {label or ''}".rstrip(), markup=False)
    if len(found.open) > _MOST:
        page.print(f"  and {len(found.open) - _MOST} more categories", markup=False)


def reconcile(
    people: People,
    diagnoses: Diagnoses,
    paid: Annotated[
        Path,
        typer.Option("--report", help="CMS's monthly report: person_id, hcc or hcc_list, risk_score.", metavar="FILE"),
    ],
    *,
    year: Year = DEFAULT_YEAR,
    model: ModelName = DEFAULT_MODEL,
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
    with asked(), progress_for(quiet=json) as progress, risk_desk.desk() as at:
        name = known(model, year, Mode.cms)
        names = columns_named(column or ())
        money = money_for(name, year, Mode.cms, pace=pace, frailty=frailty, factors=factors)
        unknown = payment_unknown(money, name, year) if score is Compared.payment else None
        if out:
            risk_desk.check_out(out)
        progress.step("scoring this year and the years before")
        years = recaptures.check_look_back(look_back)
        recaptures.show_years(at, people, diagnoses, model=name, year=year, look_back=years, dated=False, money=money)
        progress.step("comparing with the report")
        found = payments.reconcile(
            at, paid, model=name, year=year, compared=score.value, tolerance=tolerance, names=names
        )
        if out:
            risk_desk.write(at, "from reconciled", out)
        progress.rest()
    if json:
        status = str(risk.read_tables(name, year).status)
        print_json({**asdict(found), "status": status, "payment_unknown": unknown})
        return
    _show_reconciled(found)
    if unknown:
        page.print(f"no score was compared, for the payment score is {unknown}; or --score raw", markup=False)


def _show_reconciled(found: payments.Reconciled) -> None:
    page.print(f"{found.here:,} people here, {found.at_cms:,} in CMS's report; {found.agreeing:,} agree in everything")
    for reason, number in found.reasons.items():
        worth = f" worth {found.at_stake[reason]:,.3f}" if reason in found.at_stake else ""
        page.print(f"  {number:>8,} {reason:<28} {payments.REASONS[reason]}{worth}", markup=False)


def report(
    scores: Annotated[Path, typer.Option("--scores", help="What `careloom risk score` wrote.", metavar="FILE")],
    to: Annotated[Path, typer.Option("--html", help="Where the page goes.", metavar="FILE")],
    *,
    year: Year = DEFAULT_YEAR,
    model: ModelName = DEFAULT_MODEL,
) -> None:
    """Draw a scored population as one HTML page: deciles, segments, categories."""
    with asked():
        name = known(model, year, Mode.cms)
        with risk_desk.desk() as at:
            columns = risk_desk.show(at, "scores", scores)
            _check_model(
                at.db.execute("select distinct model from scores").fetchall() if "model" in columns else [], name
            )
            read = risk.read_tables(name, year)
            found = spreads.distributions(at.db, columns, read.labels)
        try:
            to.write_text(_page(found, name, year, read.caution), encoding="utf-8")
        except OSError as error:
            raise UsageFault(f"{to} cannot be written: {error.strerror}") from None
    page.print(f"Wrote {to}: numbers only, nobody in them.", markup=False)


def _check_model(models: Sequence[tuple[str]], name: str) -> None:
    others = sorted({str(model) for (model,) in models} - {name})
    if others:
        raise UsageFault(f"these are scores by {', '.join(others)}; say so: --model {others[0]}")


def _page(found: spreads.Distributions, model: str, year: int, caution: str | None) -> str:
    mean = "" if found.mean is None else f", mean score {found.mean:.3f}"
    about = f"{found.people:,} people, {found.scored:,} scored{mean}. Groups of fewer than {spreads.FEW} people are not shown."
    about += f" {caution}." if caution else ""
    charts = [
        _chart("Mean raw score of each tenth of people, from the lowest", "score", _tenths(found)),
        _chart("People by raw score", "count", found.bands),
        _chart("People by segment", "count", found.segments),
        _chart("People by number of payment HCCs", "count", found.counts),
        _chart("Share of people with a category", "percent", found.categories),
    ]
    title = f"Risk scores by {model} of {year}"
    return charts_page.html(
        project_model.ChartPage(name="risk", title=title, description=about, charts=()), charts, datetime.now(UTC)
    )


def _tenths(scores: spreads.Distributions) -> spreads.Rows:
    """None where a tenth would be a group too small to be shown."""
    return scores.deciles if scores.scored >= 10 * spreads.FEW else ()


def _chart(title: str, unit: bars.Unit, rows: spreads.Rows) -> bars.BarChart:
    values = [(label, Decimal(str(value))) for label, value in rows]
    return bars.bar_chart(title, unit, values, smallest_group=spreads.FEW if unit == "count" else 0)
