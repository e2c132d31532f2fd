"""How a diagnosis or procedure code is written: in capitals, without dots and blanks, by one expression on every engine."""

from __future__ import annotations

SMALL = "abcdefghijklmnopqrstuvwxyz"
BLANKS = "\t\n\r \u00a0\u2002\u2003\u2007\u2009\u200b\u202f\u3000\ufeff"
"""Blanks that spreadsheets and web pages leave in codes. What `trim` takes of them differs by engine; `translate` does not."""


def clean(column: str) -> str:
    """The SQL of a column's code as it is compared."""
    return f"translate({column}, '{SMALL}.{BLANKS}', '{SMALL.upper()}')"
