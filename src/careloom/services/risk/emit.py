"""Emit the scoring statement: for an engine, as functions of BigQuery, or into a dbt project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from careloom import risk
from careloom.core.errors import UsageFault
from careloom.risk.dbt import emit, functions
from careloom.risk.dbt.emit import EmittedProject
from careloom.risk.payment import factors as payment_factors
from careloom.risk.sql import dialects
from careloom.services.risk.options import Mode, Notice, choose_factors, choose_model

__all__ = ["EmittedProject"]


def emit_statement(
    model: str,
    year: int,
    mode: Mode,
    dialect: str,
    notice: Notice,
    *,
    factors: Path | None,
    lookup_tables: Path | None,
) -> str:
    """The scoring statement; the tables that it reads go into the folder `lookup_tables`, if one is given."""
    if dialect not in dialects.DIALECTS:
        raise UsageFault(f"the statement is not made for {dialect!r}; write one of {', '.join(dialects.DIALECTS)}")
    name = choose_model(model, year, mode, notice)
    money = choose_factors(name, year, mode, notice, factors=factors)
    statement = risk.scoring_statement(name, year, mode=mode.value, money=money, dialect=dialect) + "\n"
    if lookup_tables is not None:
        try:
            risk.lookups(name, year, mode.value).write(lookup_tables)
        except OSError as error:
            raise UsageFault(f"{lookup_tables} cannot be written: {error.strerror}") from None
    return statement


def emit_functions(models: Sequence[str], years: Sequence[int], notice: Notice, *, factors: Path | None) -> str:
    """BigQuery's functions over the tables that the dbt project builds."""
    editions = [(choose_model(name, year, Mode.cms, notice), year) for name in models for year in years]
    return functions.functions(
        {(name, year): choose_factors(name, year, Mode.cms, notice, factors=factors) for name, year in editions}
    )


def is_for_functions(dialect: str) -> bool:
    """Whether there are functions for the engine."""
    return dialect == functions.DIALECT


def emit_project(
    folder: Path, *, models: Sequence[str], years: Sequence[int], factors: Path | None
) -> emit.EmittedProject:
    """Models, macros and seeds into the dbt project in `folder`."""
    return emit.emit_models(folder, models=models, years=years, own_factors=_project_factors(factors))


def _project_factors(file: Path | None) -> payment_factors.Own:
    """A user's own factors for a dbt project. Fix if one of them is not a factor of its seeds."""
    own_factors = risk.read_factors(file) if file else {}
    if place := next((factors.place for factors in own_factors.values() if factors.frailty), None):
        raise UsageFault(f"{place}: leave frailty empty, for it is a variable of the dbt project: `frailty`")
    return own_factors
