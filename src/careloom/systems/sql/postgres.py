"""Reads PostgreSQL: described by psycopg, streamed as Arrow by ADBC, with casts for the types that ADBC does not keep.

numeric(p,s) becomes DECIMAL(p,s); numeric without a precision, and with more than 38 digits, stays exact as text; NaN and
infinite dates become null; uuid, json, arrays, intervals and everything unusual become text as PostgreSQL writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import adbc_driver_manager
import psycopg
import pyarrow as pa
from adbc_driver_postgresql import dbapi
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlglot import exp

from careloom.core.errors import CareloomError, NotPermitted, RemoteUnavailable
from careloom.core.ports import Query, Since
from careloom.core.rooms import RoomContext
from careloom.systems.sql.arrow import described
from careloom.systems.sql.faults import fault
from careloom.systems.sql.queries import Table, check_distinct, column_named, limited, point, relation

DIALECT = "postgres"
DIGITS = 38
SESSION = "-c default_transaction_read_only=on -c timezone=UTC -c datestyle=ISO -c extra_float_digits=1"
TABLES = """
select n.nspname, c.relname, n.nspname = any (current_schemas(false))
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'v', 'm', 'p', 'f') and n.nspname not in ('information_schema', 'pg_catalog', 'pg_toast')
"""
REFUSED = ("password authentication failed", "no password supplied", "pg_hba.conf", "is not permitted to log in")

PLAIN: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "text": pa.string(),
    "varchar": pa.string(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a result: how it is asked for, and the Arrow type that it is brought to."""

    name: str
    kind: str
    expression: exp.Expr
    arrow: pa.DataType


def open_postgres(url: str, password: str, _context: RoomContext) -> Postgres:
    """The database at `url`; `password`, where given, stands in for the URL's."""
    try:
        credentials: dict[str, Any] = {"password": password} if password else {}
        options = f"{conninfo_to_dict(url).get('options') or ''} {SESSION}".strip()
        return Postgres(make_conninfo(url, options=options, application_name="careloom", **credentials))
    except psycopg.ProgrammingError:
        raise fault(
            "unknown-url", "the postgresql:// url is malformed", "write postgresql://USER@HOST/DATABASE", part="url"
        ) from None


class Postgres:
    """A source over one database. Every read is one statement, and so sees one snapshot."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo

    def columns(self, query: Query) -> Mapping[str, str]:
        """Names and DuckDB types of what `query` selects."""
        _, columns = self._described(query)
        return described(_schema(columns))

    def read(self, query: Query, since: Since | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of `query`, streamed with COPY."""
        inner, columns = self._described(query)
        statement = exp.select(*(column.expression for column in columns)).from_(inner.subquery("q"))
        if since is not None:
            statement = statement.where(_reached(since, columns))
        schema = _schema(columns)
        try:
            with dbapi.connect(self._conninfo) as connection, connection.cursor() as cursor:
                cursor.execute(statement.sql(dialect=DIALECT, comments=False))
                for batch in cursor.fetch_record_batch():
                    yield _brought_to(batch, schema)
        except (adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
            raise self._explained(error) from None

    def close(self) -> None:
        """Nothing is held between calls."""

    def _described(self, query: Query) -> tuple[exp.Query, list[Column]]:
        try:
            with psycopg.connect(self._conninfo) as connection:
                rows = connection.execute(TABLES).fetchall() if query.table is not None else []
                tables = [Table(schema=schema, name=name, default=default) for schema, name, default in rows]
                inner = relation(query, DIALECT, tables, folds=True)
                described_as = connection.execute(limited(inner, DIALECT).encode()).description or []
                names = {row[0]: row[1] for row in connection.execute("select oid, typname from pg_type").fetchall()}
        except psycopg.Error as error:
            raise self._explained(error) from None
        check_distinct([column.name for column in described_as])
        return inner, [_column(column, names.get(column.type_code, "")) for column in described_as]

    def _explained(self, error: Exception) -> CareloomError:
        where = conninfo_to_dict(self._conninfo)
        place = f"PostgreSQL at {where.get('host', 'localhost')}:{where.get('port', '5432')}"
        state = str(getattr(error, "sqlstate", None) or "")
        # Once rows flow, errors arrive as the stream's, without a state; the server's own begin with this word.
        if isinstance(error, pa.ArrowException) or (isinstance(error, OSError) and "ERROR:" in str(error)):
            return fault("bad-value", f"a value at {place} could not be read", "cast it, or correct it")
        if state.startswith("28") or state == "42501" or (not state and any(word in str(error) for word in REFUSED)):
            return NotPermitted(
                f"{place} refuses user {where.get('user', '')}: check the password and what it may read"
            )
        if not state and "does not exist" in str(error):
            return fault("no-database", f"{place} knows no such database or user", "correct the url", part="url")
        if state.startswith("42") and isinstance(error, psycopg.Error):
            return fault("bad-sql", f"{place} refuses the statement: {error.diag.message_primary}", "correct it")
        if state.startswith(("22", "42")):
            return fault(
                "bad-value", f"a value at {place} could not be read (SQLSTATE {state})", "cast it, or correct it"
            )
        return RemoteUnavailable(
            f"{place} does not answer ({type(error).__name__} {state}): check that it runs", after=30
        )


def _schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([(column.name, column.arrow) for column in columns])


def _column(column: psycopg.Column, kind: str) -> Column:
    name = exp.column(column.name, quoted=True)
    text = exp.cast(name, "text")
    expression: exp.Expr = name
    arrow = PLAIN.get(kind, pa.string())
    if kind == "numeric":
        expression = exp.func("nullif", text, exp.Literal.string("NaN"))
        if column.precision and column.scale is not None and 0 <= column.scale <= column.precision <= DIGITS:
            arrow = pa.decimal128(column.precision, column.scale)
    elif kind == "money":
        expression, arrow = exp.cast(exp.cast(name, "decimal(19,2)"), "text"), pa.decimal128(19, 2)
    elif kind == "oid":
        expression, arrow = exp.cast(name, "bigint"), pa.int64()
    elif kind in {"date", "timestamp", "timestamptz"}:
        expression = exp.Case().when(exp.func("isfinite", name), name)
    elif kind not in PLAIN:
        expression = text
    return Column(name=column.name, kind=kind, expression=exp.alias_(expression, column.name, quoted=True), arrow=arrow)


def _reached(since: Since, columns: Sequence[Column]) -> exp.Expr:
    name = column_named(since.column, [column.name for column in columns])
    (kind,) = [column.kind for column in columns if column.name == name]
    # An untyped literal takes the column's type; COPY, which ADBC streams with, admits no parameters.
    literal = exp.Literal.string(point(since, aware=kind == "timestamptz"))
    return exp.column(name, quoted=True) >= literal


def _brought_to(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    arrays = [array.cast(field.type) for array, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
