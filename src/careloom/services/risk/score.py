"""Score a population: by one model, or by all that a year's payment blends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from careloom import risk
from careloom.risk import workspace as risk_workspace
from careloom.risk.population import counts as population_counts
from careloom.risk.scores import blend
from careloom.services.risk.options import Notice, ScoringOptions, choose_model, factors_of, payment_unknown
from careloom.services.session.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringRun:
    """What a run was by and what came of it: `title` is the model as people read it; of a blend also `shares`, by model.

    `status` is that of the model's coefficients: CMS pays by final ones alone. `coded_years` is filled where no diagnosis
    counted: how many diagnoses are of each year, the most frequent one first.
    """

    title: str
    year: int
    mode: str
    money: Mapping[str, risk.Money]
    shares: Mapping[str, float]
    seconds: float
    status: str
    counts: population_counts.Counts
    coded_years: Mapping[int, int]

    @property
    def payment_unknown(self) -> str:
        """Why there is no payment score; empty if there is one."""
        reasons = (payment_unknown(money, name, self.year) for name, money in self.money.items())
        return next(filter(None, reasons), "")

    @property
    def mode_and_status(self) -> str:
        """The mode, and the status where CMS does not pay by the tables."""
        return self.mode if self.status == "final" else f"{self.mode}, {self.status}"

    @property
    def json(self) -> dict[str, Any]:
        """All of it, for a script."""
        return {
            "model": blend.BLEND if self.shares else self.title,
            **asdict(self.counts),
            "year": self.year,
            "mode": self.mode,
            "status": self.status,
            "shares": self.shares,
            "money": {name: asdict(money) for name, money in self.money.items()},
            "payment_unknown": self.payment_unknown or None,
            "seconds": round(self.seconds, 3),
        }


def is_blend(model: str) -> bool:
    """Whether the name is that of all models that a year pays by."""
    return model.strip().upper() == blend.BLEND


def score_population(
    options: ScoringOptions, output: Path, trace: Path | None, progress: Progress, notice: Notice
) -> ScoringRun:
    """Write everyone's scores to `output`, and each step of them to `trace`."""
    start = time.monotonic()
    shares = _shares(options, notice)
    models = [*shares] or [choose_model(options.model, options.year, options.mode, notice)]
    money = {name: factors_of(name, options, notice) for name in models}
    title = " + ".join(f"{name} {share:.0%}" for name, share in shares.items()) or models[0]
    for file in filter(None, (output, trace)):
        risk_workspace.check_output(file)
    with risk_workspace.open_workspace() as workspace:
        progress.step("reading people and diagnoses")
        people = risk_workspace.as_parquet(workspace, "people", options.people)
        diagnoses, left_out = risk_workspace.diagnoses_in_year(
            workspace, options.diagnoses, options.year, every_date=options.every_date
        )
        progress.step(f"scoring by {title} of {options.year}")
        if shares:
            _write_blended(
                workspace, people, diagnoses, output, {"year": options.year, "pace": options.pace, "money": money}
            )
        else:
            by_model = {"model": models[0], "year": options.year, "mode": options.mode.value, "money": money[models[0]]}
            _write_scores(workspace, people, diagnoses, output, trace, by_model)
        progress.step("counting what was read")
        counts = population_counts.counts(
            workspace.db,
            model=models,
            year=options.year,
            mode=options.mode.value,
            left_out=left_out,
            score="risk_score_payment" if shares else "risk_score",
        )
        none_counted = left_out and left_out == counts.diagnoses
        coded_years = risk_workspace.years_coded(workspace, options.diagnoses) if none_counted else {}
    progress.rest()
    status = "final" if shares else str(risk.read_tables(models[0], options.year, options.mode.value).status)
    return ScoringRun(
        title=title,
        year=options.year,
        mode=options.mode.value,
        money=money,
        shares=shares,
        seconds=time.monotonic() - start,
        status=status,
        counts=counts,
        coded_years=coded_years,
    )


def _shares(options: ScoringOptions, notice: Notice) -> dict[str, float]:
    """The models of the year's blend with their shares; empty if one model is asked for."""
    if not is_blend(options.model):
        return {}
    shares = risk.blend(options.year, pace=options.pace)
    for name in shares:
        choose_model(name, options.year, options.mode, notice)
    return shares


def _write_blended(
    workspace: risk_workspace.Workspace, people: Path, diagnoses: Path, output: Path, blended_by: dict[str, Any]
) -> None:
    """Write the blended scores, and show them as the view `scores`."""
    scores = workspace.folder / "scores.parquet"
    risk.blended(people, diagnoses, out=scores, **blended_by)
    risk_workspace.show_file(workspace, "scores", scores)
    risk_workspace.write_view(workspace, "scores", output)


def _write_scores(
    workspace: risk_workspace.Workspace,
    people: Path,
    diagnoses: Path,
    output: Path,
    trace: Path | None,
    scored_by: dict[str, Any],
) -> None:
    """Write the scores, and show them as the view `scores`."""
    plain = trace is None and output.suffix.lower() == ".parquet"
    scores = output if plain else workspace.folder / "scores.parquet"
    risk.score(people, diagnoses, out=scores, trace=trace is not None, **scored_by)
    risk_workspace.show_file(workspace, "scores", scores)
    if trace is not None:
        risk_workspace.write_traces(workspace, trace)
        risk_workspace.write_view(workspace, "scores", output, leave_out=["trace"])
    elif not plain:
        risk_workspace.write_view(workspace, "scores", output)
