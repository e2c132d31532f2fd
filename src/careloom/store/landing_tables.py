"""What landing tables look like: made when a stream first lands, widened when it names more, never narrowed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import LiteralString

import psycopg
from psycopg import sql

from careloom.core.errors import Fix
from careloom.core.streams import Stream
from careloom.store.database import Store
from careloom.store.landed_rows import SCHEMA, pg_type, table_of
from careloom.store.statements import statements

KEPT = ("id", "fingerprint", "source_version", "observed_at", "first_seen_at", "synced_at", "deleted_at")
"""The columns that every landing table has, beside its key and the record as it came."""
_UDT = {"bigint": "int8", "boolean": "bool"}
_MOST = 63


def ensure_table(store: Store, stream: Stream) -> list[str]:
    """Make or widen the stream's table; one line for each thing done. Fix where a column would have to change its type."""
    with store.transaction() as connection:
        connection.execute(_SQL["lock_shapes"])
        steps = _make(connection, stream)
        steps += _widen(connection, stream)
        if steps:
            _describe(connection, stream)
        return steps


def _make(connection: psycopg.Connection, stream: Stream) -> list[str]:
    if _columns(connection, stream.table or stream.name):
        return []
    table = table_of(stream)
    connection.execute(
        sql.SQL(_SQL["make_table"]).format(
            table=table,
            key=sql.Identifier(stream.key_column),
            key_type=sql.SQL(pg_type(stream.key_type)),
            raw=sql.Identifier(stream.raw),
        )
    )
    connection.execute(sql.SQL(_SQL["make_trigger"]).format(table=table, raw_name=sql.Literal(stream.raw)))
    connection.execute(sql.SQL(_SQL["make_truncate_trigger"]).format(table=table))
    return [f"made the table {SCHEMA}.{stream.table or stream.name}"]


def _widen(connection: psycopg.Connection, stream: Stream) -> list[str]:
    table, name = table_of(stream), stream.table or stream.name
    column_types = _columns(connection, name)
    steps: list[str] = []
    for column, kind in _wanted(stream):
        if column in column_types:
            if column_types[column] != _UDT.get(kind, kind):
                raise Fix(
                    f"the column {column} of {SCHEMA}.{name} is of type {column_types[column]} and the stream {stream.name!r} "
                    f"wants {kind}: give the stream's column another name, or change the table by hand"
                )
            continue
        statement = sql.SQL("alter table {} add column {} {}")
        connection.execute(statement.format(table, sql.Identifier(column), sql.SQL(kind)))
        if column_types:
            steps.append(f"added {column} to {SCHEMA}.{name}")
    for lookup_table, columns in _looked_up(stream):
        _index(connection, lookup_table, columns)
    return steps


def _index(connection: psycopg.Connection, table: str, columns: Sequence[str]) -> None:
    """Make an index unless there is one. None on a table that is yet to be made: whatever links to it comes after it."""
    indexes = connection.execute(_SQL["indexes_of"], {"table": table}).fetchall()
    if (list(columns),) in indexes or not set(columns) <= set(_columns(connection, table)):
        return
    label = f"{table}_{'_'.join(columns)}_at"
    if len(label) > _MOST:
        label = f"{label[: _MOST - 9]}_{hashlib.blake2b(label.encode(), digest_size=4).hexdigest()}"
    statement = sql.SQL("create index {} on {} ({})")
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    connection.execute(statement.format(sql.Identifier(label), sql.Identifier(SCHEMA, table), names))


def _wanted(stream: Stream) -> Iterator[tuple[str, LiteralString]]:
    """The key, the record, each column and each link, with PostgreSQL's types."""
    yield stream.key_column, pg_type(stream.key_type)
    yield stream.raw, "jsonb"
    for column in stream.columns:
        yield column.name, pg_type(column.type)
    for link in stream.links:
        yield link.column, "uuid"
        yield f"{link.column}_linked_at", "timestamptz"


def _looked_up(stream: Stream) -> Iterator[tuple[str, Sequence[str]]]:
    """Tables and the columns by which rows are found there: those that are linked to, and those that wait for them."""
    own_table = stream.table or stream.name
    for link in stream.links:
        yield own_table, (link.column,)
        for tier in link.tiers:
            yield own_table, tuple(column for column, _ in tier)
            yield link.to, tuple(linked_column for _, linked_column in tier)


def _columns(connection: psycopg.Connection, table: str) -> dict[str, str]:
    return dict(connection.execute(_SQL["columns_of"], {"table": table}).fetchall())


def _describe(connection: psycopg.Connection, stream: Stream) -> None:
    """Each column's class of personal data, where all who query the table see it."""
    statement = sql.SQL("comment on column {}.{} is {}")
    for column in stream.columns:
        comment = f"{column.description} [{column.phi.name.lower()}]".strip()
        connection.execute(statement.format(table_of(stream), sql.Identifier(column.name), sql.Literal(comment)))


_SQL = statements("landed_rows")
