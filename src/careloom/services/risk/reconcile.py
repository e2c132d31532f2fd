"""Reconcile CMS's monthly report with what is computed here, and another system's scores with ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from careloom import risk
from careloom.core.errors import UsageFault
from careloom.risk import workspace as risk_workspace
from careloom.risk.review import gaps, mor, parallel
from careloom.risk.review.parallel import ParallelRun
from careloom.services.risk.options import (
    ComparedScore,
    Notice,
    ScoringOptions,
    choose_model,
    factors_of,
    payment_unknown,
)
from careloom.services.session.progress import Progress

__all__ = ["ParallelRun"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRun:
    """What came of it, the status of the tables, and why there was no payment score to compare, if there was none."""

    result: mor.MorReconciliation
    status: str
    payment_unknown: str | None


def reconcile_report(  # noqa: PLR0913 - two files, and how each is read
    options: ScoringOptions,
    report: Path,
    output: Path | None,
    progress: Progress,
    notice: Notice,
    *,
    column_names: Mapping[str, str],
    score: ComparedScore,
    tolerance: float,
    look_back: int,
) -> ReconcileRun:
    """Compare what CMS paid on with what is computed here, member by member; each difference is also a row of `output`."""
    with risk_workspace.open_workspace() as workspace:
        model = choose_model(options.model, options.year, options.mode, notice)
        money = factors_of(model, options, notice)
        unknown = payment_unknown(money, model, options.year) if score is ComparedScore.payment else None
        if output:
            risk_workspace.check_output(output)
        progress.step("scoring this year and the years before")
        gaps.show_years(
            workspace,
            options.people,
            options.diagnoses,
            model=model,
            year=options.year,
            look_back=gaps.check_look_back(look_back),
            require_dates=False,
            money=money,
        )
        progress.step("comparing with the report")
        result = mor.reconcile(
            workspace,
            report,
            model=model,
            year=options.year,
            score_name=score.value,
            tolerance=tolerance,
            names=column_names,
        )
        if output:
            risk_workspace.write_view(workspace, "reconciled", output)
    status = str(risk.read_tables(model, options.year).status)
    return ReconcileRun(result=result, status=status, payment_unknown=unknown)


def compare_with_system(
    options: ScoringOptions,
    scores: str,
    output: Path | None,
    progress: Progress,
    notice: Notice,
    *,
    column_names: Mapping[str, str],
    score: ComparedScore,
) -> parallel.ParallelRun:
    """Scores and categories here beside those of another system (a file, or FILE.duckdb:SCHEMA.TABLE), person by person."""
    with risk_workspace.open_workspace() as workspace:
        model = choose_model(options.model, options.year, options.mode, notice)
        money = factors_of(model, options, notice)
        if score is ComparedScore.payment and (unknown := payment_unknown(money, model, options.year)):
            raise UsageFault(f"there is no payment score to compare: it is {unknown}")
        if output:
            risk_workspace.check_output(output)
        progress.step(f"scoring by {model} of {options.year}, and comparing person by person")
        result = parallel.compare_scores(
            workspace,
            options.people,
            options.diagnoses,
            parallel.scores_file(workspace, scores),
            model=model,
            year=options.year,
            score_name=score.value,
            money=money,
            names=column_names,
        )
        if output:
            risk_workspace.write_view(workspace, "parallel", output)
    return result


def column_names(columns: Sequence[str]) -> dict[str, str]:
    """What another's table calls our columns, from texts such as `person_id=MBI`."""
    names = dict(column.partition("=")[::2] for column in columns)
    for own_name, column in names.items():
        if own_name not in mor.COLUMNS or not column:
            raise UsageFault(f"write --column OURS=THEIRS, where OURS is one of {', '.join(mor.COLUMNS)}")
    return names


def report_reason_text(code: str) -> str:
    """What a difference from CMS's report is called for people."""
    return mor.REASONS[code]


def system_reason_text(code: str) -> str:
    """What a difference from another system's scores is called for people."""
    return parallel.REASONS[code]
