"""Explain one person's score, and say what other diagnoses would make of it."""

from __future__ import annotations

from collections.abc import Sequence

from careloom.risk import workspace as risk_workspace
from careloom.risk.scores import explain as score_steps
from careloom.risk.scores.explain import Explanation, WhatIf
from careloom.risk.sql.rounding import normalized
from careloom.services.risk.options import Notice, ScoringOptions, choose_model, factors_of

__all__ = ["Explanation", "WhatIf"]


def explain_score(person: str, options: ScoringOptions, notice: Notice) -> score_steps.Explanation:
    """How the person's score comes about, from each diagnosis to the payment."""
    model = choose_model(options.model, options.year, options.mode, notice)
    money = factors_of(model, options, notice)
    people, diagnoses = _rows_of(person, options)
    return score_steps.explain(people, diagnoses, model=model, year=options.year, mode=options.mode.value, money=money)


def score_otherwise(
    person: str, options: ScoringOptions, notice: Notice, *, add: Sequence[str], remove: Sequence[str]
) -> score_steps.WhatIf:
    """What the person would score with the codes of `add` and without those of `remove`; nothing is written."""
    model = choose_model(options.model, options.year, options.mode, notice)
    money = factors_of(model, options, notice)
    people, diagnoses = _rows_of(person, options)
    return score_steps.what_if(
        people,
        diagnoses,
        add=add,
        remove=remove,
        model=model,
        year=options.year,
        mode=options.mode.value,
        money=money,
    )


def _rows_of(person: str, options: ScoringOptions) -> tuple[risk_workspace.Rows, risk_workspace.Rows]:
    """One person's rows of both files."""
    with risk_workspace.open_workspace() as workspace:
        risk_workspace.show_file(workspace, "people", options.people)
        risk_workspace.diagnoses_in_year(workspace, options.diagnoses, options.year, every_date=options.every_date)
        return (
            risk_workspace.rows_of_person(workspace, "people", person),
            risk_workspace.rows_of_person(workspace, "diagnoses", person),
        )


def normalized_score(raw: float, normalization: float) -> float:
    """A raw score divided by the normalisation factor, as CMS rounds it."""
    return normalized(int(raw * 1000), normalization) / 1000
