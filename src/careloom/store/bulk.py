"""Rows in bulk, as Arrow, by the driver that is made for it; it takes long to load and to connect."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, TypeAlias

import psycopg
import pyarrow as pa
from adbc_driver_postgresql import dbapi

_ARROW = {20: pa.int64(), 25: pa.string()}
"""The types that bulk statements give, by their number in PostgreSQL: bigint and text."""

Table: TypeAlias = pa.Table

Unreachable = dbapi.OperationalError
"""What the driver raises where the database does not answer."""


class Bulk:
    """One connection, for one statement at a time; made with the first, since the driver then reads all types' catalogue."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: dbapi.Connection | None = None
        self._lock = Lock()

    @property
    def connected(self) -> bool:
        """Whether the next statement costs no connecting."""
        return self._connection is not None

    def table(self, statement: str) -> pa.Table:
        """All rows. Unreachable if the database does not answer; the next statement connects again."""
        with self._lock:
            try:
                # In autocommit, so that it never holds an old view of the tables.
                self._connection = self._connection or dbapi.connect(self._url, autocommit=True)
                with self._connection.cursor() as cursor:
                    cursor.execute(statement)
                    table: pa.Table = cursor.fetch_arrow_table()
                    return table
            except dbapi.OperationalError:
                self.close()
                raise

    def close(self) -> None:
        """Give back the connection."""
        if self._connection is not None:
            with suppress(dbapi.Error):
                self._connection.close()
            self._connection = None


def as_table(rows: Sequence[tuple[Any, ...]], columns: Sequence[psycopg.Column]) -> pa.Table:
    """The rows of a cursor with these columns, of text or bigint."""
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    arrays = [pa.array(list(items), _ARROW[column.type_code]) for column, items in zip(columns, values, strict=True)]
    return pa.Table.from_arrays(arrays, names=[column.name for column in columns])
