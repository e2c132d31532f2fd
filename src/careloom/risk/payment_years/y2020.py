"""Payment year 2020."""

from __future__ import annotations

from careloom.risk.payment_years.published_year import PaymentYear
from careloom.risk.payment_years.shared_tables import CODING_MINIMUM

PAYMENT_YEAR = PaymentYear(
    year=2020,
    normalization={"V24": 1.069},
    coding_intensity=CODING_MINIMUM,
)
