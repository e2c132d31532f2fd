"""Scores as people read them: numbers of a run, one person's score step by step, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from careloom import risk
from careloom.cli.console import out
from careloom.cli.risk_doing import by_tables, payment_unknown
from careloom.risk.population import counts
from careloom.risk.scores import explain
from careloom.risk.sql import rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a run was by: `model` as people read it, and its money; of a blend also `shares`, each by model.

    `status` is that of the model's coefficients: CMS pays by final ones alone.
    """

    model: str
    year: int
    mode: str
    money: Mapping[str, risk.Money]
    shares: Mapping[str, float]
    seconds: float
    status: str = "final"

    @property
    def unknown(self) -> str:
        """Why nobody has a payment score; nothing if people have one."""
        told = (payment_unknown(money, name, self.year) for name, money in self.money.items())
        return next(filter(None, told), "")

    @property
    def made(self) -> str:
        """The mode, and the status where CMS does not pay by the tables."""
        return self.mode if self.status == "final" else f"{self.mode}, {self.status}"

    @property
    def json(self) -> dict[str, Any]:
        """All of it but the model, for a script."""
        return {
            "year": self.year,
            "mode": self.mode,
            "status": self.status,
            "shares": self.shares,
            "money": {name: asdict(money) for name, money in self.money.items()},
            "payment_unknown": self.unknown or None,
            "seconds": round(self.seconds, 3),
        }


def show_counts(found: counts.Counts, told: Told) -> None:
    """A run over a population."""
    score = "payment score" if told.shares else "score"
    mean = "" if found.mean is None else f", mean {score} {found.mean:.3f}"
    out.print(
        f"{found.people:,} people by {told.model} of {told.year} ({told.made}) in {told.seconds:.1f} s{mean}",
        markup=False,
    )
    held = ", ".join(f"{number:,} {reason}" for reason, number in found.held.items())
    lines = {"scored": f"{found.scored:,}", "held": held, "without diagnoses": f"{found.without_diagnoses:,}"}
    lines["defaults taken"] = ", ".join(f"{name} {number:,}" for name, number in found.defaults.items())
    lines["diagnoses"] = f"{found.diagnoses:,}"
    lines["  of another year"] = _many(found.left_out_by_date)
    lines["  date not readable"] = f"{found.date_unreadable:,}, counted" if found.date_unreadable else ""
    lines["  of nobody here"] = _many(found.of_nobody)
    lines["  without a category"] = _many(found.without_category)
    lines["  no ICD-10 code"] = _many(found.not_icd_10)
    lines["payment score"] = told.unknown
    for name, value in lines.items():
        if value:
            out.print(f"  {name:<20} {value}", markup=False)


def _many(number: int) -> str:
    return f"{number:,}" if number else ""


def show_explanation(told: explain.Explanation) -> None:
    """One person's score."""
    row, made = told.row, by_tables(told.row["model"], told.year, told.mode)
    out.print(f"{row['person_id']}: {row['model']} of {told.year} ({made}), segment {row['segment']}", markup=False)
    if row["held"]:
        out.print(f"  held: {row['held']}; there is no score", markup=False)
        return
    if row["defaults_taken"]:
        out.print(f"  defaults taken: {', '.join(row['defaults_taken'])}", markup=False)
    out.print("diagnoses" if told.codes else "no diagnoses that count")
    for one in told.codes:
        to = f"HCC {one.hcc} {one.label or ''}".rstrip() if one.hcc else ""
        out.print(f"  {one.code:<8} {' '.join(filter(None, (to, f'({one.why})' if one.why else '')))}", markup=False)
    if told.dropped:
        out.print("dropped")
        for gone in told.dropped:
            why = f"by HCC {', '.join(gone.by)}" if gone.by else "the model does not count it"
            out.print(f"  HCC {gone.hcc} {gone.label or ''}: {why}", markup=False)
    _show_sums(told)
    _show_payment(told)


def _show_sums(told: explain.Explanation) -> None:
    row = told.row
    out.print("coefficients")
    for term in told.terms:
        out.print(f"  {term.value:>8} {term.name:<34} {term.label or ''}".rstrip(), markup=False)
    out.print(
        f"  {row['risk_score']:>8} raw = {row['risk_score_demographics']} demographics + {row['risk_score_hcc']} disease"
        f" (chronic only {row['risk_score_chronic_only']})",
        markup=False,
    )


def _show_payment(told: explain.Explanation) -> None:
    score, money = told.row["risk_score_payment"], told.money
    if score is None or told.normalization is None:
        out.print(f"payment\n  {payment_unknown(money, told.row['model'], told.year)}", markup=False)
        return
    raw = told.row["risk_score"]
    parts = f"{raw} / {told.normalization:g}"
    if told.mode == "cms":
        parts += f" = {rounding.normalized(int(raw * 1000), told.normalization) / 1000:.3f}"
    if money.coding_intensity:
        parts += f", * (1 - {money.coding_intensity:g})"
    parts += f", + {money.frailty:g}" if money.frailty else ""
    if money.coding_intensity or money.frailty or told.mode != "cms":
        parts += f" = {score:.3f}" if told.mode == "cms" else f" = {score:.4f}, not rounded"
    out.print(f"payment\n  {parts}", markup=False)
    for source in told.sources:
        out.print(f"  {source}", markup=False)


def show_what_if(would: explain.WhatIf) -> None:
    """Two scores and what lies between them."""
    before, after = would.before.row, would.after.row
    if would.difference is None:
        out.print(f"{before['person_id']} is held ({before['held']}); there is no score", markup=False)
        return
    out.print(
        f"{before['person_id']}: {before['risk_score']} → {after['risk_score']} ({_signed(would.difference)}), "
        f"{before['model']} of {would.before.year}{_unless_final(would.before)}",
        markup=False,
    )
    labels = {term.name: term.label for one in (would.before, would.after) for term in one.terms}
    for name, value in would.changes.items():
        out.print(f"  {_signed(value):>8} {name:<34} {labels.get(name) or ''}".rstrip(), markup=False)
    _show_without_effect(would)
    if before["risk_score_payment"] is not None:
        change = after["risk_score_payment"] - before["risk_score_payment"]
        out.print(
            f"  payment {before['risk_score_payment']:.3f} → {after['risk_score_payment']:.3f} ({change:+.3f})",
            markup=False,
        )
    elif unknown := payment_unknown(would.before.money, before["model"], would.before.year):
        out.print(f"  payment {unknown}", markup=False)


def _unless_final(told: explain.Explanation) -> str:
    return "" if told.status == "final" else f" ({told.status})"


def _show_without_effect(would: explain.WhatIf) -> None:
    was = {one.code for one in would.before.codes}
    for one in would.after.codes:
        if one.code not in was and one.why:
            out.print(f"  {one.code}: {one.why}", markup=False)
    for gone in would.after.dropped:
        if gone.by and gone.hcc not in {one.hcc for one in would.before.dropped}:
            out.print(f"  HCC {gone.hcc} is dropped by HCC {', '.join(gone.by)}", markup=False)


def _signed(value: Decimal) -> str:
    return f"{value:+}"
