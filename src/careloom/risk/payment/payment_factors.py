"""What turns a raw score into what a plan is paid."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """How a raw score becomes a payment score: score / normalization * (1 - coding_intensity) + frailty.

    It is rounded to three decimals after each step, as CMS rounds (see `rounding`); in `compat` nothing is, as in hccinfhir.
    `grafts` normalises the functioning-graft segments of the ESRD models, where it differs. Without a normalization
    there is no payment score. `sources` are the documents that have the numbers; the score does not depend on them.
    """

    normalization: float | None = 1.0
    coding_intensity: float = 0.0
    frailty: float = 0.0
    grafts: float | None = None
    sources: tuple[str, ...] = field(default=(), compare=False)
