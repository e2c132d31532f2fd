"""`careloom risk what-if`: what a person would score with other diagnoses."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated

import typer

from careloom.cli.console import print_json
from careloom.cli.console import printer as page
from careloom.cli.options import Json
from careloom.cli.risk.options import (
    Diagnoses,
    EveryDate,
    Frailty,
    ModelName,
    ModeName,
    OwnFactors,
    Pace,
    People,
    Year,
    notice,
)
from careloom.services.risk import defaults, faults
from careloom.services.risk import explain as explaining
from careloom.services.risk.options import Mode, ScoringOptions, payment_unknown


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
    year: Year = defaults.YEAR,
    model: ModelName = defaults.MODEL,
    mode: ModeName = Mode.cms,
    every_date: EveryDate = False,
    pace: Pace = False,
    frailty: Frailty = None,
    factors: OwnFactors = None,
    json: Json = False,
) -> None:
    """Say what a person would score with other diagnoses; nothing is written."""
    options = ScoringOptions(
        people=people,
        diagnoses=diagnoses,
        year=year,
        model=model,
        mode=mode,
        every_date=every_date,
        pace=pace,
        frailty=frailty,
        factors=factors,
    )
    with faults.usage_faults():
        comparison = explaining.score_otherwise(person, options, notice, add=add or (), remove=remove or ())
    if json:
        print_json({**asdict(comparison), "difference": comparison.difference})
    else:
        _show(comparison)


def _show(comparison: explaining.WhatIf) -> None:
    old, new = comparison.before.row, comparison.after.row
    if comparison.difference is None:
        page.print(f"{old['person_id']} is held ({old['held']}); there is no score", markup=False)
        return
    page.print(
        f"{old['person_id']}: {old['risk_score']} → {new['risk_score']} ({_signed(comparison.difference)}), "
        f"{old['model']} of {comparison.before.year}{_unless_final(comparison.before)}",
        markup=False,
    )
    labels = {term.name: term.label for score in (comparison.before, comparison.after) for term in score.terms}
    for name, value in comparison.changes.items():
        page.print(f"  {_signed(value):>8} {name:<34} {labels.get(name) or ''}".rstrip(), markup=False)
    _show_without_effect(comparison)
    if old["risk_score_payment"] is not None:
        change = new["risk_score_payment"] - old["risk_score_payment"]
        page.print(
            f"  payment {old['risk_score_payment']:.3f} → {new['risk_score_payment']:.3f} ({change:+.3f})",
            markup=False,
        )
    elif unknown := payment_unknown(comparison.before.money, old["model"], comparison.before.year):
        page.print(f"  payment {unknown}", markup=False)


def _unless_final(explanation: explaining.Explanation) -> str:
    return "" if explanation.status == "final" else f" ({explanation.status})"


def _show_without_effect(comparison: explaining.WhatIf) -> None:
    coded_before = {code.code for code in comparison.before.codes}
    for code in comparison.after.codes:
        if code.code not in coded_before and code.why:
            page.print(f"  {code.code}: {code.why}", markup=False)
    for category in comparison.after.dropped:
        if category.by and category.hcc not in {earlier.hcc for earlier in comparison.before.dropped}:
            page.print(f"  HCC {category.hcc} is dropped by HCC {', '.join(category.by)}", markup=False)


def _signed(value: Decimal) -> str:
    return f"{value:+}"
