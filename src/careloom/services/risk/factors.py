"""The factors that make payment scores, and a PACE organisation's frailty score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from careloom import risk
from careloom.risk import Fact

__all__ = ["Fact"]


def list_factors(year: int | None, own_file: Path | None) -> Sequence[risk.Fact]:
    """Every factor that is known, of one payment year or of all, and the normalisations that are not; `own_file` go first."""
    return risk.facts(year, risk.read_factors(own_file) if own_file else None)


def has_tables(year: int) -> bool:
    """Whether there are tables to score by."""
    return year in risk.years()


def is_proposed(model: str | None) -> bool:
    """Whether CMS asked for comments on the model and does not pay by it."""
    return model is not None and risk.MODELS[model].proposed


def work_out_frailty(table: Path, survey: Path) -> risk.Frailty:
    """The score from CMS's factors by limitations of daily living, and the answers of the organisation's survey."""
    return risk.frailty_score(table, survey)
