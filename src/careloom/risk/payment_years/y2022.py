"""Payment year 2022."""

from __future__ import annotations

from careloom.risk.payment_years.published_year import PaymentYear
from careloom.risk.payment_years.shared_tables import CODING_MINIMUM

PAYMENT_YEAR = PaymentYear(
    year=2022,
    normalization={"V24": 1.118},
    coding_intensity=CODING_MINIMUM,
    blend={"V24": 1.0},
    pace_blend={"V22": 1.0},
)
