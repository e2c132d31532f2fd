"""Find gaps: chronic categories of former years that are not coded this year, and suspected ones that are still open."""

from __future__ import annotations

from pathlib import Path

from careloom.risk import workspace as risk_workspace
from careloom.risk.review import gaps
from careloom.risk.review.gaps import Gaps
from careloom.services.risk.options import Notice, ScoringOptions, choose_model
from careloom.services.session.progress import Progress

__all__ = ["Gaps"]


def find_gaps(
    options: ScoringOptions,
    suspects: Path | None,
    output: Path | None,
    progress: Progress,
    notice: Notice,
    *,
    look_back: int,
) -> dict[str, gaps.Gaps]:
    """The gaps by their kind, `recapture` and `opportunities`; each of them is also a row of `output`."""
    with risk_workspace.open_workspace() as workspace:
        model = choose_model(options.model, options.year, options.mode, notice)
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
        )
        gaps_by_kind = {"recapture": gaps.recapture(workspace)}
        if suspects is not None:
            gaps_by_kind["opportunities"] = gaps.suspects(workspace, suspects, model=model, year=options.year)
        if output:
            risk_workspace.write_views(workspace, list(gaps_by_kind), output)
    return gaps_by_kind
