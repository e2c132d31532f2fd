"""careloom weaves a care organisation's systems together."""

__version__ = "0.1.0"
