"""Statements that a project brings: run only to read, and for so long."""

from __future__ import annotations

from collections.abc import Sequence

from careloom.store.database import Store


def read_rows(store: Store, statement: str, *, limit: int, patience_ms: int) -> Sequence[Sequence[object]]:
    """Up to `limit` rows of `statement`. psycopg's error, which may quote a value, where it fails or takes too long."""
    with store.transaction() as connection:
        connection.execute("set transaction read only")
        connection.execute("select set_config('statement_timeout', %s, true)", (str(patience_ms),))
        return connection.execute(statement.encode()).fetchmany(limit)
