"""The SQL of this folder, as text."""

from __future__ import annotations

from importlib.resources import files


def statement(name: str) -> str:
    """The text of a file of `review/sql`."""
    return (files("careloom.risk.review") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
