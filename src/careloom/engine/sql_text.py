"""Names and literals as DuckDB writes them; the only way by which text becomes part of a statement."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from sqlglot import exp


@lru_cache(maxsize=4096)
def name(identifier: str) -> str:
    """`identifier` quoted."""
    return exp.to_identifier(identifier, quoted=True).sql("duckdb")


def text(value: str) -> str:
    """`value` as a string literal."""
    return exp.Literal.string(value).sql("duckdb")


def texts(values: Iterable[str]) -> str:
    """`values` as a list literal."""
    return f"[{', '.join(text(value) for value in values)}]"


def names(identifiers: Iterable[str]) -> str:
    """`identifiers` quoted, with commas between."""
    return ", ".join(name(identifier) for identifier in identifiers)
