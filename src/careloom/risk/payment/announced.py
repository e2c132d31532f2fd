"""Published factors by payment year: normalisation, coding intensity, and which models a year's payment blends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from careloom.core.errors import Fix


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One published number, the document that has it, and whether CMS pays by it: see `editions.Status`."""

    value: float
    source: str
    status: str = "final"


def _announcement(year: int, value: float) -> Factor:
    return Factor(
        value=value, source=f"CMS, Announcement of Calendar Year {year} MA Capitation Rates: normalization factors"
    )


_COMMUNITY: Mapping[str, Mapping[int, float]] = {
    "V22": {2024: 1.159, 2026: 1.187, 2027: 1.202},
    "V24": {
        2020: 1.069,
        2021: 1.097,
        2022: 1.118,
        2023: 1.127,
        2024: 1.146,
        2025: 1.153,
    },
    "V28": {2024: 1.015, 2025: 1.045, 2026: 1.067, 2027: 1.079},
    "ESRD-V21": {2024: 1.100, 2026: 1.129, 2027: 1.145},
    "ESRD-V24": {2024: 1.022, 2026: 1.062, 2027: 1.072},
    "RX-V08-MAPD": {2026: 1.194, 2027: 1.109},
    "RX-V08-PDP": {2026: 0.887, 2027: 1.005},
    "RX-V08-PDP-AND-MAPD": {2026: 1.202, 2027: 1.237},
    "RX-V08": {2024: 1.063},
}
_GRAFTS: Mapping[str, Mapping[int, float]] = {
    "ESRD-V21": {2024: 1.159, 2026: 1.203, 2027: 1.209},
    "ESRD-V24": {2024: 1.028, 2026: 1.104, 2027: 1.119},
}
NORMALIZATION: Mapping[tuple[str, int], Factor] = {
    (model, year): _announcement(year, value) for model, found in _COMMUNITY.items() for year, value in found.items()
}
"""By model and payment year. The ESRD models' are those of dialysis and transplant; grafts have their own."""
GRAFT_NORMALIZATION: Mapping[tuple[str, int], Factor] = {
    (model, year): _announcement(year, value) for model, found in _GRAFTS.items() for year, value in found.items()
}
CODING_INTENSITY: Mapping[int, Factor] = {
    year: Factor(
        value=0.059,
        source=f"CMS, Announcement of Calendar Year {year} MA Capitation Rates: MA coding pattern adjustment 5.90%",
    )
    for year in range(2019, 2028)
}
"""The statutory minimum of section 1853(a)(1)(C)(ii) of the Social Security Act, which CMS has kept every year.

It is for Medicare Advantage: RxHCC scores have none, and neither have the scores of PACE organisations.
"""
BLENDS: Mapping[int, Mapping[str, float]] = {
    2022: {"V24": 1.0},
    2023: {"V24": 1.0},
    2024: {"V24": 0.67, "V28": 0.33},
    2025: {"V24": 0.33, "V28": 0.67},
    2026: {"V28": 1.0},
    2027: {"V28": 1.0},
}
"""CMS, Announcements of Calendar Years 2024 (the phase-in of three years) to 2026 (its end)."""
PACE_BLENDS: Mapping[int, Mapping[str, float]] = {
    2022: {"V22": 1.0},
    2023: {"V22": 1.0},
    2024: {"V22": 1.0},
    2025: {"V22": 1.0},
    2026: {"V22": 0.9, "V28": 0.1},
    2027: {"V22": 0.5, "V28": 0.5},
}
"""CMS, Announcements of Calendar Years 2026 (PACE begins with 10 % of the 2024 model beside 90 % of that of 2017) and 2027 (half
of each)."""


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
    whose = "models of PACE organisations" if pace else "blend of the models of Medicare Advantage"
    return f"CMS, Announcement of Calendar Year {year} MA Capitation Rates: {whose}"
