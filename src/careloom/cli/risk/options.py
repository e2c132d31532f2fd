"""The options that the verbs of `careloom risk` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.console import talk
from careloom.cli.options import finite
from careloom.services.risk.options import Mode

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
ModeName = Annotated[
    Mode, typer.Option("--mode", help="cms: CMS's rules; compat: as hccinfhir, bug for bug.", metavar="MODE")
]
LookBack = Annotated[
    int, typer.Option("--look-back", help="How many former service years are looked at.", min=1, max=100)
]
Person = Annotated[str, typer.Argument(help="The person's person_id.", metavar="PERSON")]


def notice(text: str) -> None:
    """Show a sentence that should be read before the result."""
    talk.print(text, markup=False)
