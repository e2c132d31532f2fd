"""careloom weaves a care organisation's systems together."""

from careloom.core.late import load_late

__version__ = "0.2.0"

load_late()
