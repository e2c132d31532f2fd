"""What CMS published for each payment year: a file a year, and nothing of a year anywhere else.

A new payment year is a new file `y2028.py` here, with a `PAYMENT_YEAR`; scores, factors, blends, rules on claims and emitted
projects read it from there.
"""

from __future__ import annotations

DEFAULT_YEAR = 2026
"""The payment year where no other is given."""
DEFAULT_MODEL = "V28"
"""The model where no other is given: the one that Medicare Advantage is paid by in that year."""
