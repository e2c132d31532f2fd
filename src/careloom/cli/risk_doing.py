"""What the verbs of `careloom risk` share: their options, how they end, and a score's money."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from careloom import risk
from careloom.cli.console import talk
from careloom.cli.options import finite
from careloom.core.errors import Fix, UsageFault
from careloom.risk import workspace

People = Annotated[
    Path, typer.Option("--people", help="People: person_id, sex, age or birth_date, and what is known.", metavar="FILE")
]
Diagnoses = Annotated[
    Path,
    typer.Option("--diagnoses", help="Diagnoses: person_id, diagnosis_code, service_date if known.", metavar="FILE"),
]
Year = Annotated[int, typer.Option("--year", help="The payment year.", min=1900, max=2200)]
ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        help="V22, V24, V28, ESRD-V21, ESRD-V24, RX-V08-MAPD, …; V28-PROPOSED by this name only.",
        metavar="MODEL",
    ),
]
ModelOrBlend = Annotated[
    str,
    typer.Option(
        "--model",
        help="V22, V24, V28, ESRD-V21, ESRD-V24, RX-V08-MAPD, …; BLEND: all that the year pays by, each by its share.",
        metavar="MODEL",
    ),
]
EveryDate = Annotated[
    bool,
    typer.Option("--every-date", help="Count diagnoses of every date, not only of the year before the payment year."),
]
Pace = Annotated[bool, typer.Option("--pace", help="For a PACE organisation: no coding-intensity adjustment.")]
Frailty = Annotated[
    float | None,
    typer.Option(
        "--frailty", help="A PACE organisation's frailty score.", metavar="NUMBER", min=-10, max=10, callback=finite
    ),
]
OwnFactors = Annotated[
    Path | None,
    typer.Option(
        "--factors",
        help="Your own factors, which go before the published ones: model, payment_year, normalization, …, source.",
        metavar="FILE",
    ),
]


class Mode(StrEnum):
    """cms: what CMS's rules say; compat: what the installed hccinfhir gives."""

    cms = "cms"
    compat = "compat"


ModeName = Annotated[
    Mode, typer.Option("--mode", help="cms: CMS's rules; compat: as hccinfhir, bug for bug.", metavar="MODE")
]


@contextmanager
def asked() -> Iterator[None]:
    """What a user can mend ends with a sentence and exit code 2; nothing that a library says of rows is repeated."""
    try:
        yield
    except Fix as error:
        if error.exit_code != Fix.exit_code:
            raise
        raise UsageFault(str(error)) from None
    except workspace.READ_ERRORS as error:
        raise UsageFault(
            f"a file cannot be read to its end ({type(error).__name__}); write it anew as Parquet or CSV"
        ) from None


def known(model: str, year: int, mode: Mode) -> str:
    """The model's own name, if there are tables of it; where CMS does not pay by them, that is said. Fix if there are none."""
    name = risk.model_named(model).name
    if caution := risk.read_tables(name, year, mode.value).caution:
        talk.print(f"! {name} of {year}: {caution}", markup=False)
    return name


def by_tables(model: str, year: int, mode: str) -> str:
    """How the scores of a model are made, such as `cms`, or `cms, proposed` where CMS does not pay by its tables."""
    read = risk.read_tables(model, year, mode)
    return f"{mode}, {read.status}" if read.caution else mode


def money_for(
    model: str, year: int, mode: Mode, *, pace: bool, frailty: float | None, factors: Path | None = None
) -> risk.Money:
    """The published factors, with a user's own and what the organisation says of itself before them.

    Raises:
        Fix: a factor is none.

    """
    own = risk.read_factors(factors) if factors else {}
    if factors and (risk.model_named(model).name, year) not in own:
        talk.print(f"{factors} has no line for {model} of {year}: what is published holds", markup=False)
    money = risk.standard_money(model, year, mode.value, pace=pace, own=own)
    if frailty is None:
        return money
    if not isfinite(frailty):
        raise UsageFault("--frailty is a number, such as 0.123")
    return replace(money, frailty=frailty)


def payment_unknown(money: risk.Money, model: str, year: int) -> str | None:
    """What to tell where there is no payment score; None where there is one."""
    if money.normalization is not None:
        return None
    return (
        f"empty: no normalization of {model} for {year} is known here. Take it from CMS's announcement and give it with "
        f"--factors FILE: a line with model {model}, payment_year {year}, normalization and source"
    )
