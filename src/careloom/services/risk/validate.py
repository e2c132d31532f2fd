"""Validate our `compat` scores against hccinfhir itself, member by member."""

from __future__ import annotations

from pathlib import Path

from careloom.risk import RULES
from careloom.risk import workspace as risk_workspace
from careloom.risk.review import validation
from careloom.risk.review.validation import ValidationResult
from careloom.services.risk.options import Mode, Notice, ScoringOptions, choose_model
from careloom.services.session.progress import Progress

__all__ = ["RULES", "ValidationResult"]


def validate_population(
    options: ScoringOptions, sample: int | None, output: Path | None, progress: Progress, notice: Notice
) -> validation.ValidationResult:
    """Compare everyone, or a `sample` that is the same each time; each comparison is also a row of `output`."""
    with risk_workspace.open_workspace() as workspace:
        model = choose_model(options.model, options.year, Mode.compat, notice)
        if output:
            risk_workspace.check_output(output)
        diagnoses, _ = risk_workspace.diagnoses_in_year(
            workspace, options.diagnoses, options.year, every_date=options.every_date
        )
        progress.step(f"asking hccinfhir for each member's {model} score")
        result = validation.validate(
            workspace,
            options.people,
            diagnoses,
            model=model,
            year=options.year,
            sample=sample,
            on_progress=progress.advance,
        )
        if output:
            risk_workspace.write_view(workspace, "validated", output)
    return result
