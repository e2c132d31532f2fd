"""`careloom risk validate`, `tables` and `emit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from careloom import risk
from careloom.cli import rich_output
from careloom.cli.console import out as page
from careloom.cli.console import print_json, progress_for
from careloom.cli.options import MANY, Json
from careloom.cli.risk_doing import (
    Diagnoses,
    EveryDate,
    Mode,
    ModelName,
    ModeName,
    OwnFactors,
    People,
    Year,
    asked,
    known,
    money_for,
)
from careloom.cli.risk_parallel import Against, Columns, Compared, TheirScore, beside_another
from careloom.core.errors import UsageFault
from careloom.risk import workspace as risk_desk
from careloom.risk.dbt import emit as dbt_emit
from careloom.risk.dbt import functions as sql_functions
from careloom.risk.payment import factors as payment_factors
from careloom.risk.payment_years import DEFAULT_MODEL, DEFAULT_YEAR
from careloom.risk.published import table_releases
from careloom.risk.review import validation
from careloom.risk.sql import dialects

CHANGED = 20
"""What `tables --check` leaves with if something changed, as `plan --check` does."""
DISAGREES = 1


def validate(
    people: People,
    diagnoses: Diagnoses,
    *,
    year: Year = DEFAULT_YEAR,
    model: ModelName = DEFAULT_MODEL,
    sample: Annotated[
        int | None,
        typer.Option("--sample", help="So many people, the same ones each time.", metavar="NUMBER", min=1, max=MANY),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where each person's comparison goes: .parquet or .csv.", metavar="FILE"),
    ] = None,
    every_date: EveryDate = False,
    against: Against = None,
    column: Columns = None,
    score: TheirScore = Compared.raw,
    factors: OwnFactors = None,
    json: Json = False,
) -> None:
    """Compare with hccinfhir, member by member; with --against, with the scores of another system, person by person."""
    if against is not None:
        if sample is not None or every_date:
            raise UsageFault("--against compares everybody, and by service year: leave --sample and --every-date out")
        how: dict[str, Any] = {
            "year": year,
            "model": model,
            "out": out,
            "column": column or (),
            "score": score,
            "factors": factors,
        }
        beside_another(people, diagnoses, against, json=json, **how)
        return
    if column or factors or score is not Compared.raw:
        raise UsageFault("--column, --score and --factors go with --against")
    with asked(), progress_for(quiet=json) as progress, risk_desk.desk() as at:
        name = known(model, year, Mode.compat)
        if out:
            risk_desk.check_out(out)
        codes, _ = risk_desk.counting(at, diagnoses, year, every_date=every_date)
        progress.step(f"asking hccinfhir for each member's {name} score")
        found = validation.validate(at, people, codes, model=name, year=year, sample=sample, said=progress.advance)
        if out:
            risk_desk.write(at, "from validated", out)
        progress.rest()
    if json:
        print_json(asdict(found))
    else:
        _show_validated(found)
    if found.verdicts.get("disagrees") or found.unexplained:
        raise typer.Exit(DISAGREES)


def _show_validated(found: validation.Validated) -> None:
    agreeing = found.verdicts.get("agrees", 0)
    page.print(f"{agreeing:,} of {found.members:,} members: compat equals hccinfhir, to the thousandth and HCC by HCC")
    said = {
        "disagrees": "do not agree: please report it",
        "random": "hccinfhir answers at random: an edit fires on a code of two categories",
        "refused": "hccinfhir takes no such member (sex, dual status or entitlement)",
        "held": "have no usable age or sex",
    }
    for verdict, words in said.items():
        if number := found.verdicts.get(verdict):
            page.print(f"  {number:,} {words}", markup=False)
    if found.refused:
        page.print(f"no cms scores stand beside them: {found.refused}", markup=False)
        return
    page.print(f"{found.otherwise:,} members score otherwise in cms, by rule:")
    for name, number in found.rules.items():
        rule = risk.RULES[name]
        page.print(f"  {number:>8,} {name}\n           {rule.cms}\n           source: {rule.source}", markup=False)
    if found.unexplained:
        page.print(f"  {found.unexplained:>8,} without a rule: please report it", markup=False)


def tables(
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Say which tables and files differ from those that this release was proved with."),
    ] = False,
    against: Annotated[
        Path | None, typer.Option("--against", help="With --check: compare with this record instead.", metavar="FILE")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option("--write", help="Write the digests of what is installed to this file.", metavar="FILE"),
    ] = None,
    json: Json = False,
) -> None:
    """Say which published tables are used, and what changed in them."""
    with asked():
        if against is not None and not check:
            raise UsageFault("--against goes with --check")
        found = table_releases.installed()
        if record is not None:
            table_releases.write_record(record, found)
        if check:
            _check(table_releases.recorded(against), found, json=json)
            return
    if json:
        print_json(found)
        return
    page.print(f"{found['package']}", markup=False)
    columns = ("edition", "status", "codes", "edits", "hierarchies", "coefficients", "digest", "coefficients of")
    shown = rich_output.Table(*columns, box=None, padding=(0, 2, 0, 0))
    for edition, parts in found["editions"].items():
        numbers = [f"{parts[part]['entries']:,}" for part in ("codes", "edits", "hierarchy", "coefficients")]
        about = found["sources"][edition]
        shown.add_row(
            edition, about["status"], *numbers, parts["coefficients"]["digest"], about["coefficients"]["file"]
        )
    page.print(shown)
    for edition, why in found["refused"].items():
        page.print(f"! {edition}: {why}", markup=False)
    page.print(
        "each table with its source: --json. How they compare with a second source: docs/reference/risk-tables.md"
    )


def _check(was: dict[str, Any], now: dict[str, Any], *, json: bool) -> None:
    found, files = table_releases.changes(was, now), table_releases.file_changes(was, now)
    if json:
        both = {"changes": [asdict(one) for one in found], "files": [asdict(one) for one in files]}
        print_json({"was": was["package"], "now": now["package"], **both})
    else:
        page.print(f"recorded: {was['package']}; installed: {now['package']}", markup=False)
        for one in found:
            page.print(
                f"  {one.edition}: {one.part} changed, {one.was:,} entries before and {one.now:,} now", markup=False
            )
        for file in files:
            page.print(f"  {file.file}: {file.change}, {file.meaning}", markup=False)
        said = [f"{len(found)} tables changed"] * bool(found) + [f"{len(files)} files are others"] * bool(files)
        page.print(", ".join(said) or "nothing changed")
    if found or files:
        raise typer.Exit(CHANGED)


def emit(
    *,
    dialect: Annotated[
        str, typer.Option("--dialect", help="duckdb, postgres, bigquery or spark.", metavar="ENGINE")
    ] = "duckdb",
    year: Annotated[
        list[int] | None,
        typer.Option(
            "--year", help="The payment year; may be given again with --project and --functions.", metavar="YEAR"
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="The model; may be given again with --project and --functions.", metavar="MODEL"),
    ] = None,
    mode: ModeName = Mode.cms,
    out: Annotated[Path | None, typer.Option("--out", help="Write the statement to this file.", metavar="FILE")] = None,
    lookup_tables: Annotated[
        Path | None,
        typer.Option(
            "--tables", help="Write the tables that the statement reads into this folder, as Parquet.", metavar="DIR"
        ),
    ] = None,
    factors: OwnFactors = None,
    project: Annotated[
        Path | None,
        typer.Option(
            "--project", "-p", help="Write models, macros and seeds into this dbt project instead.", metavar="DIR"
        ),
    ] = None,
    functions: Annotated[
        bool,
        typer.Option(
            "--functions", help="Write BigQuery functions over the tables that the dbt project builds instead."
        ),
    ] = False,
) -> None:
    """Write the scoring statement for an engine, or into a dbt project."""
    models, years = model or [DEFAULT_MODEL], year or [DEFAULT_YEAR]
    with asked():
        if project is not None:
            if functions:
                raise UsageFault("--functions and --project write different things; give one of them")
            _show_emitted(dbt_emit.emit_models(project, models=models, years=years, own=_of_project(factors)))
            return
        if functions:
            if dialect != sql_functions.DIALECT or mode != Mode.cms or lookup_tables is not None:
                raise UsageFault("functions are cms scores by BigQuery: --dialect bigquery, and no --mode or --tables")
            _tell(out, _functions(models, years, mode, factors), "Run it where the dbt project was built.")
            return
        if len(models) > 1 or len(years) > 1:
            raise UsageFault("one statement is of one model and year; give several with --project or --functions")
        if dialect not in dialects.DIALECTS:
            raise UsageFault(f"the statement is not made for {dialect!r}; write one of {', '.join(dialects.DIALECTS)}")
        name = known(models[0], years[0], mode)
        money = money_for(name, years[0], mode, pace=False, frailty=None, factors=factors)
        text = risk.scoring_statement(name, years[0], mode=mode.value, money=money, dialect=dialect) + "\n"
        if lookup_tables is not None:
            _write_tables(lookup_tables, name, years[0], mode)
        _tell(out, text, "It reads people, diagnoses and the tables hcc_*.")


def _functions(models: Sequence[str], years: Sequence[int], mode: Mode, factors: Path | None) -> str:
    editions = [(known(name, one, mode), one) for name in models for one in years]
    return sql_functions.functions(
        {key: money_for(*key, mode, pace=False, frailty=None, factors=factors) for key in editions}
    )


def _of_project(factors: Path | None) -> payment_factors.Own:
    """A user's own factors for a dbt project. Fix if one of them is none of its seeds."""
    own = risk.read_factors(factors) if factors else {}
    if wrong := next((one.place for one in own.values() if one.frailty), None):
        raise UsageFault(f"{wrong}: leave frailty empty, for it is a variable of the dbt project: `frailty`")
    return own


def _tell(out: Path | None, text: str, about: str) -> None:
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageFault(f"{out} cannot be written: {error.strerror}") from None
    page.print(f"Wrote {out}. {about}", markup=False)


def _write_tables(folder: Path, model: str, year: int, mode: Mode) -> None:
    try:
        risk.lookups(model, year, mode.value).write(folder)
    except OSError as error:
        raise UsageFault(f"{folder} cannot be written: {error.strerror}") from None


def _show_emitted(made: dbt_emit.Emitted) -> None:
    editions = ", ".join(f"{model} of {year}" for model, year in made.editions)
    page.print(f"Wrote {len(made.files)} files into {made.project}: {editions}.", markup=False)
    for (model, year), why in made.absent.items():
        page.print(f"  without {model} of {year}: {why}", markup=False)
