"""`careloom risk explain`: one person's score, step by step."""

from __future__ import annotations

from dataclasses import asdict

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
    Person,
    Year,
    notice,
)
from careloom.services.risk import defaults, faults
from careloom.services.risk import explain as explaining
from careloom.services.risk.options import Mode, ScoringOptions, mode_and_status, payment_unknown


def explain(
    person: Person,
    people: People,
    diagnoses: Diagnoses,
    *,
    year: Year = defaults.YEAR,
    model: ModelName = defaults.MODEL,
    mode: ModeName = Mode.cms,
    every_date: EveryDate = False,
    pace: Pace = False,
    frailty: Frailty = None,
    factors: OwnFactors = None,
    json: Json = False,
) -> None:
    """Say how one person's score comes about, from each diagnosis to the payment."""
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
        explanation = explaining.explain_score(person, options, notice)
    if json:
        print_json(asdict(explanation))
    else:
        _show(explanation)


def _show(explanation: explaining.Explanation) -> None:
    row = explanation.row
    made_by = mode_and_status(row["model"], explanation.year, explanation.mode)
    page.print(
        f"{row['person_id']}: {row['model']} of {explanation.year} ({made_by}), segment {row['segment']}", markup=False
    )
    if row["held"]:
        page.print(f"  held: {row['held']}; there is no score", markup=False)
        return
    if row["defaults_taken"]:
        page.print(f"  defaults taken: {', '.join(row['defaults_taken'])}", markup=False)
    page.print("diagnoses" if explanation.codes else "no diagnoses that count")
    for code in explanation.codes:
        category = f"HCC {code.hcc} {code.label or ''}".rstrip() if code.hcc else ""
        page.print(
            f"  {code.code:<8} {' '.join(filter(None, (category, f'({code.why})' if code.why else '')))}", markup=False
        )
    if explanation.dropped:
        page.print("dropped")
        for exclusion in explanation.dropped:
            why = f"by HCC {', '.join(exclusion.by)}" if exclusion.by else "the model does not count it"
            page.print(f"  HCC {exclusion.hcc} {exclusion.label or ''}: {why}", markup=False)
    _show_sums(explanation)
    _show_payment(explanation)


def _show_sums(explanation: explaining.Explanation) -> None:
    row = explanation.row
    page.print("coefficients")
    for term in explanation.terms:
        page.print(f"  {term.value:>8} {term.name:<34} {term.label or ''}".rstrip(), markup=False)
    page.print(
        f"  {row['risk_score']:>8} raw = {row['risk_score_demographics']} demographics + {row['risk_score_hcc']} disease"
        f" (chronic only {row['risk_score_chronic_only']})",
        markup=False,
    )


def _show_payment(explanation: explaining.Explanation) -> None:
    score, money = explanation.row["risk_score_payment"], explanation.money
    if score is None or explanation.normalization is None:
        page.print(f"payment\n  {payment_unknown(money, explanation.row['model'], explanation.year)}", markup=False)
        return
    raw = explanation.row["risk_score"]
    parts = f"{raw} / {explanation.normalization:g}"
    if explanation.mode == "cms":
        parts += f" = {explaining.normalized_score(raw, explanation.normalization):.3f}"
    if money.coding_intensity:
        parts += f", * (1 - {money.coding_intensity:g})"
    parts += f", + {money.frailty:g}" if money.frailty else ""
    if money.coding_intensity or money.frailty or explanation.mode != "cms":
        parts += f" = {score:.3f}" if explanation.mode == "cms" else f" = {score:.4f}, not rounded"
    page.print(f"payment\n  {parts}", markup=False)
    for source in explanation.sources:
        page.print(f"  {source}", markup=False)
