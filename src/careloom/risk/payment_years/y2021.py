"""Payment year 2021."""

from __future__ import annotations

from careloom.risk.payment_years.published_year import PaymentYear
from careloom.risk.payment_years.shared_tables import CODING_MINIMUM

PAYMENT_YEAR = PaymentYear(
    year=2021,
    normalization={"V24": 1.097},
    coding_intensity=CODING_MINIMUM,
)
