"""Arrow schemas in DuckDB's words, which are the words of mappings."""

from __future__ import annotations

from functools import lru_cache

import duckdb
import pyarrow as pa

ROWS = 50_000
"""How many rows a batch holds at most."""


def described(schema: pa.Schema) -> dict[str, str]:
    """Each column of `schema` with the type that DuckDB gives it."""
    return dict(_described(schema))


@lru_cache(maxsize=64)
def _described(schema: pa.Schema) -> tuple[tuple[str, str], ...]:
    with duckdb.connect() as connection:
        connection.register("columns", schema.empty_table())
        rows = connection.execute("describe columns").fetchall()
    return tuple((row[0], row[1]) for row in rows)
