"""Payment year 2024."""

from __future__ import annotations

from careloom.risk.payment_years.published_year import PaymentYear
from careloom.risk.payment_years.shared_tables import (
    CODING_MINIMUM,
    COEFFICIENTS_2024,
    CURRENT,
    HIERARCHY_2025,
    PART_C,
    mapping,
)

PAYMENT_YEAR = PaymentYear(
    year=2024,
    tables=(
        mapping(
            "ra_dx_to_cc_2025.csv",
            PART_C,
            "CMS, ICD-10 mappings of payment year 2025, whose models are those of 2024: beside those of 2024 they lack only "
            "codes that ICD-10-CM ended before 2023, and have those that it began in October 2023",
        ),
        COEFFICIENTS_2024,
        HIERARCHY_2025,
        *CURRENT,
    ),
    normalization={"V22": 1.159, "V24": 1.146, "V28": 1.015, "ESRD-V21": 1.100, "ESRD-V24": 1.022, "RX-V08": 1.063},
    graft_normalization={"ESRD-V21": 1.159, "ESRD-V24": 1.028},
    coding_intensity=CODING_MINIMUM,
    blend={"V24": 0.67, "V28": 0.33},  # CMS, Announcement of Calendar Year 2024: the phase-in of V28 takes three years
    pace_blend={"V22": 1.0},
)
