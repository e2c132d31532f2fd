"""The working tables: made from tables.sql, given the columns of the sync at hand, filled and emptied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from careloom.engine.sql_text import name
from careloom.engine.workspace import incoming

VALUES = ("desired_values", "unlinked_values", "all_values")
"""The tables with a column for each property that the sync may write."""

RESERVED = frozenset(
    ("key", "row", "_row", "fp", "fault", "lacks", "id", "remote_id", "class", "rule", "grade", "decision", "sent_fp")
)
"""Names that no property may have: columns that the tables have, or once had, beside the properties."""


def shape_tables(db: duckdb.DuckDBPyConnection, properties: Sequence[str], mirror_properties: Sequence[str]) -> None:
    """Give the tables of values a column for each of `properties`, and the mirror one for each of `mirror_properties`."""
    for table in VALUES:
        add_columns(db, table, dict.fromkeys(properties, "varchar"))
    add_columns(db, "mirror", dict.fromkeys(mirror_properties, "varchar"))


def add_columns(db: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> None:
    """Put `columns`, name to DuckDB type, behind those that tables.sql gives `table`. What it holds is lost."""
    further = "".join(f", cast(null as {kind}) as {name(column)}" for column, kind in columns.items())
    db.execute(f"create or replace table {table} as select *{further} from {table} limit 0")


def fill(db: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Put `rows` into `table`, each column by its name, in place of what it held."""
    empty(db, table)
    with incoming(db, rows):
        db.execute(f"insert into {table} by name select * from incoming")


def empty(db: duckdb.DuckDBPyConnection, *tables: str) -> None:
    """Take every line out of `tables`. They are made again: what is deleted would stay in memory."""
    for table in tables:
        db.execute(f"create or replace table {table} as select * from {table} limit 0")
