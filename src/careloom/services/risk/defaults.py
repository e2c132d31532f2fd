"""What holds where nothing else is asked for."""

from __future__ import annotations

from careloom.risk import payment_years
from careloom.risk.review import defaults

YEAR = payment_years.DEFAULT_YEAR
MODEL = payment_years.DEFAULT_MODEL
LOOK_BACK = defaults.LOOK_BACK
TOLERANCE = defaults.TOLERANCE
