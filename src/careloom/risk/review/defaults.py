"""What holds for the verbs that compare years and payments where nothing else is asked for."""

from __future__ import annotations

LOOK_BACK = 2
"""How many service years before the one that counts are looked at."""

TOLERANCE = 0.0
"""By how much a score may differ from the paid one: both are rounded as CMS rounds, so they are equal or they differ."""
