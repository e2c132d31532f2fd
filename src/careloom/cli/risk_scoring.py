"""`careloom risk score`, `explain` and `what-if`."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from careloom import risk
from careloom.cli.console import out as page
from careloom.cli.console import print_json, progress_for
from careloom.cli.options import Json
from careloom.cli.risk_doing import (
    Diagnoses,
    EveryDate,
    Frailty,
    Mode,
    ModelName,
    ModelOrBlend,
    ModeName,
    OwnFactors,
    Pace,
    People,
    Year,
    asked,
    known,
    money_for,
)
from careloom.cli.risk_telling import Told, show_counts, show_explanation, show_what_if
from careloom.core.errors import UsageFault
from careloom.risk import workspace as risk_desk
from careloom.risk.payment_years import DEFAULT_MODEL, DEFAULT_YEAR
from careloom.risk.population import counts as tallies
from careloom.risk.scores import blend
from careloom.risk.scores import explain as scores_explain

_STEPS = "select person_id, unnest(trace, recursive := true) from scores"


def score(
    people: People,
    diagnoses: Diagnoses,
    out: Annotated[Path, typer.Option("--out", help="Where the scores go: .parquet or .csv.", metavar="FILE")],
    *,
    year: Year = DEFAULT_YEAR,
    model: ModelOrBlend = DEFAULT_MODEL,
    mode: ModeName = Mode.cms,
    trace: Annotated[
        Path | None,
        typer.Option("--trace", help="Where every step of every score goes, one row each.", metavar="FILE"),
    ] = None,
    every_date: EveryDate = False,
    pace: Pace = False,
    frailty: Frailty = None,
    factors: OwnFactors = None,
    json: Json = False,
) -> None:
    """Score everybody of a file of people by a file of diagnoses."""
    begun = time.monotonic()
    with asked(), progress_for(quiet=json) as progress:
        shares = _shares(model, year, mode, trace, pace=pace)
        names = [*shares] or [known(model, year, mode)]
        money = {name: money_for(name, year, mode, pace=pace, frailty=frailty, factors=factors) for name in names}
        title = " + ".join(f"{name} {share:.0%}" for name, share in shares.items()) or names[0]
        for file in filter(None, (out, trace)):
            risk_desk.check_out(file)
        with risk_desk.desk() as at:
            progress.step("reading people and diagnoses")
            persons = risk_desk.ready(at, "people", people)
            codes, left_out = risk_desk.counting(at, diagnoses, year, every_date=every_date)
            progress.step(f"scoring by {title} of {year}")
            if shares:
                _blended(at, persons, codes, out, {"year": year, "pace": pace, "money": money})
            else:
                how = {"model": names[0], "year": year, "mode": mode.value, "money": money[names[0]]}
                _scored(at, persons, codes, out, trace, how)
            progress.step("counting what was read")
            mean = "risk_score_payment" if shares else "risk_score"
            found = tallies.counts(at.db, model=names, year=year, mode=mode.value, left_out=left_out, score=mean)
            other_years = risk_desk.years_coded(at, diagnoses) if left_out and left_out == found.diagnoses else {}
        progress.rest()
    status = "final" if shares else str(risk.read_tables(names[0], year, mode.value).status)
    seconds = time.monotonic() - begun
    told = Told(model=title, year=year, mode=mode.value, money=money, shares=shares, seconds=seconds, status=status)
    if json:
        print_json({"model": blend.BLEND if shares else title, **asdict(found), **told.json})
        return
    show_counts(found, told)
    if other_years:
        most = next(iter(other_years))
        page.print(
            f"! none of the {found.diagnoses:,} diagnoses counted: payment year {year} counts those of {year - 1}, and "
            f"{other_years[most]:,} are of {most}. Score them with --year {most + 1}, or all of them with --every-date",
            markup=False,
        )
    page.print(f"Wrote {out}{f' and {trace}' if trace else ''}, which only you can read.", markup=False)


def _shares(model: str, year: int, mode: Mode, trace: Path | None, *, pace: bool) -> dict[str, float]:
    """The models of the year's blend with their shares; none if one model is asked for."""
    if model.strip().upper() != blend.BLEND:
        return {}
    if trace is not None or mode is not Mode.cms:
        raise UsageFault(
            f"--trace and --mode compat are of one model: take them away, or write one in place of {blend.BLEND}"
        )
    shares = risk.blend(year, pace=pace)
    for name in shares:
        known(name, year, mode)
    return shares


def _blended(at: risk_desk.Desk, people: Path, codes: Path, out: Path, how: dict[str, Any]) -> None:
    """Write the blended scores, and show them as the view `scores`."""
    made = at.folder / "scores.parquet"
    risk.blended(people, codes, out=made, **how)
    risk_desk.show(at, "scores", made)
    risk_desk.write(at, "from scores", out)


def _scored(at: risk_desk.Desk, people: Path, codes: Path, out: Path, trace: Path | None, how: dict[str, Any]) -> None:
    """Write the scores, and show them as the view `scores`."""
    plain = trace is None and out.suffix.lower() == ".parquet"
    made = out if plain else at.folder / "scores.parquet"
    risk.score(people, codes, out=made, trace=trace is not None, **how)
    risk_desk.show(at, "scores", made)
    if trace is not None:
        risk_desk.write(at, _STEPS, trace)
        risk_desk.write(at, "select * exclude (trace) from scores", out)
    elif not plain:
        risk_desk.write(at, "from scores", out)


Person = Annotated[str, typer.Argument(help="The person's person_id.", metavar="PERSON")]


def explain(
    person: Person,
    people: People,
    diagnoses: Diagnoses,
    *,
    year: Year = DEFAULT_YEAR,
    model: ModelName = DEFAULT_MODEL,
    mode: ModeName = Mode.cms,
    every_date: EveryDate = False,
    pace: Pace = False,
    frailty: Frailty = None,
    factors: OwnFactors = None,
    json: Json = False,
) -> None:
    """Say how one person's score comes about, from each diagnosis to the payment."""
    with asked():
        name = known(model, year, mode)
        money = money_for(name, year, mode, pace=pace, frailty=frailty, factors=factors)
        found, codes = _one(person, people, diagnoses, year, every_date=every_date)
        told = scores_explain.explain(found, codes, model=name, year=year, mode=mode.value, money=money)
    if json:
        print_json(asdict(told))
    else:
        show_explanation(told)


def _one(
    person: str, people: Path, diagnoses: Path, year: int, *, every_date: bool
) -> tuple[risk_desk.Rows, risk_desk.Rows]:
    """One person's rows of both files."""
    with risk_desk.desk() as at:
        risk_desk.show(at, "people", people)
        risk_desk.counting(at, diagnoses, year, every_date=every_date)
        return risk_desk.one_person(at, "people", person), risk_desk.one_person(at, "diagnoses", person)


def what_if(
    people: People,
    diagnoses: Diagnoses,
    person: Annotated[str, typer.Option("--person", help="The person's person_id.", metavar="PERSON")],
    *,
    add: Annotated[
        list[str] | None, typer.Option("--add", help="A code to add; may be given again.", metavar="CODE")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", help="A code to take away; likewise.", metavar="CODE")
    ] = None,
    year: Year = DEFAULT_YEAR,
    model: ModelName = DEFAULT_MODEL,
    mode: ModeName = Mode.cms,
    every_date: EveryDate = False,
    pace: Pace = False,
    frailty: Frailty = None,
    factors: OwnFactors = None,
    json: Json = False,
) -> None:
    """Say what a person would score with other diagnoses; nothing is written."""
    with asked():
        name = known(model, year, mode)
        money: risk.Money = money_for(name, year, mode, pace=pace, frailty=frailty, factors=factors)
        found, codes = _one(person, people, diagnoses, year, every_date=every_date)
        would = scores_explain.what_if(
            found, codes, add=add or (), remove=remove or (), model=name, year=year, mode=mode.value, money=money
        )
    if json:
        print_json({**asdict(would), "difference": would.difference})
    else:
        show_what_if(would)
