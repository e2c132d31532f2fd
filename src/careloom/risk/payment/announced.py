"""Published factors by payment year: normalisation, coding intensity, and which models a year's payment blends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from careloom.core.errors import Fix
from careloom.risk.payment_years.calendar import PAYMENT_YEARS


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One published number, the document that has it, and whether CMS pays by it: see `published_year.Status`."""

    value: float
    source: str
    status: str = "final"


def _announcement(year: int, value: float) -> Factor:
    return Factor(
        value=value, source=f"CMS, Announcement of Calendar Year {year} MA Capitation Rates: normalization factors"
    )


NORMALIZATION: Mapping[tuple[str, int], Factor] = {
    (model, year): _announcement(year, value)
    for year, payment_year in PAYMENT_YEARS.items()
    for model, value in payment_year.normalization.items()
}
"""By model and payment year. The ESRD models' are those of dialysis and transplant; grafts have their own."""
GRAFT_NORMALIZATION: Mapping[tuple[str, int], Factor] = {
    (model, year): _announcement(year, value)
    for year, payment_year in PAYMENT_YEARS.items()
    for model, value in payment_year.graft_normalization.items()
}
CODING_INTENSITY: Mapping[int, Factor] = {
    year: Factor(
        value=payment_year.coding_intensity,
        source=f"CMS, Announcement of Calendar Year {year} MA Capitation Rates: "
        f"MA coding pattern adjustment {payment_year.coding_intensity:.2%}",
    )
    for year, payment_year in PAYMENT_YEARS.items()
    if payment_year.coding_intensity is not None
}
BLENDS: Mapping[int, Mapping[str, float]] = {
    year: payment_year.blend for year, payment_year in PAYMENT_YEARS.items() if payment_year.blend
}
"""The shares of the models that Medicare Advantage is paid by."""
PACE_BLENDS: Mapping[int, Mapping[str, float]] = {
    year: payment_year.pace_blend for year, payment_year in PAYMENT_YEARS.items() if payment_year.pace_blend
}
"""The shares of the models that PACE organisations are paid by."""


def blend(year: int, *, pace: bool = False) -> dict[str, float]:
    """The models that a payment year pays by, with their shares; each is normalised before they are added.

    Raises:
        Fix: the year's shares are not known here.

    """
    table = PACE_BLENDS if pace else BLENDS
    if year not in table:
        raise Fix(
            f"the blend of {year} is not known here; known are {min(table)} to {max(table)}: score each model by itself "
            "and add the payment scores, each times its share"
        )
    return dict(table[year])


def blend_source(year: int, *, pace: bool = False) -> str:
    """The document that has the year's shares."""
    subject = "models of PACE organisations" if pace else "blend of the models of Medicare Advantage"
    return f"CMS, Announcement of Calendar Year {year} MA Capitation Rates: {subject}"
