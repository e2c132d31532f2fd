"""`careloom risk emit`: the scoring statement for an engine, or a dbt project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.console import printer as page
from careloom.cli.risk.options import ModeName, OwnFactors, notice
from careloom.core.errors import UsageFault
from careloom.services.risk import defaults, faults
from careloom.services.risk import emit as statements
from careloom.services.risk.options import Mode


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
    output: Annotated[
        Path | None, typer.Option("--out", help="Write the statement to this file.", metavar="FILE")
    ] = None,
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
    models, years = model or [defaults.MODEL], year or [defaults.YEAR]
    with faults.usage_faults():
        if project is not None:
            if functions:
                raise UsageFault("--functions and --project write different things; give one of them")
            _show(statements.emit_project(project, models=models, years=years, factors=factors))
            return
        if functions:
            if not statements.is_for_functions(dialect) or mode != Mode.cms or lookup_tables is not None:
                raise UsageFault("functions are cms scores by BigQuery: --dialect bigquery, and no --mode or --tables")
            script = statements.emit_functions(models, years, notice, factors=factors)
            _write(output, script, "Run it where the dbt project was built.")
            return
        if len(models) > 1 or len(years) > 1:
            raise UsageFault("one statement is of one model and year; give several with --project or --functions")
        statement = statements.emit_statement(
            models[0], years[0], mode, dialect, notice, factors=factors, lookup_tables=lookup_tables
        )
        _write(output, statement, "It reads people, diagnoses and the tables hcc_*.")


def _write(output: Path | None, text: str, what_next: str) -> None:
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageFault(f"{output} cannot be written: {error.strerror}") from None
    page.print(f"Wrote {output}. {what_next}", markup=False)


def _show(project: statements.EmittedProject) -> None:
    editions = ", ".join(f"{model} of {year}" for model, year in project.editions)
    page.print(f"Wrote {len(project.files)} files into {project.project}: {editions}.", markup=False)
    for (model, year), why in project.absent.items():
        page.print(f"  without {model} of {year}: {why}", markup=False)
