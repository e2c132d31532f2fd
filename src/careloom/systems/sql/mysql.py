"""Reads MySQL and MariaDB through a server-side cursor: columns arrive as text and Arrow converts them whole.

DECIMAL stays exact; a date with a zero in it (0000-00-00, 2026-00-15) is null; TIME, which may exceed a day, is text;
tinyint(1) stays a number, because it may hold more than yes and no; TIMESTAMP is a moment, DATETIME a wall clock's reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pymysql
from pymysql.constants import FIELD_TYPE, FLAG
from pymysql.converters import conversions
from pymysql.cursors import SSCursor
from sqlglot import exp

from careloom.core.errors import CareloomError, NotPermitted, RemoteUnavailable
from careloom.core.ports import Query, Since
from careloom.core.rooms import RoomContext
from careloom.systems.sql.arrow import described
from careloom.systems.sql.faults import fault
from careloom.systems.sql.queries import Table, check_distinct, column_named, limited, point, relation

DIALECT = "mysql"
ROWS = 10_000
BINARY = 63
DIGITS = 38
SESSION = "set time_zone = '+00:00', net_write_timeout = 3600"
SNAPSHOT = "start transaction with consistent snapshot, read only"
TABLES = """
select table_schema, table_name, table_schema = database() from information_schema.tables
where table_schema not in ('information_schema', 'mysql', 'performance_schema', 'sys')
"""
ENCODERS: Any = {kind: encode for kind, encode in conversions.items() if isinstance(kind, type)}
ZERO_DATE = "^0000|-00"
REFUSED = {1044, 1045, 1142, 1143, 1227, 1698}
WRONG = {1054, 1060, 1064, 1109, 1146, 1305}

Convert = Callable[[Sequence[Any]], "pa.Array[Any]"]

INTEGERS: dict[int, tuple[pa.DataType, pa.DataType]] = {
    FIELD_TYPE.TINY: (pa.int8(), pa.uint8()),
    FIELD_TYPE.SHORT: (pa.int16(), pa.uint16()),
    FIELD_TYPE.YEAR: (pa.int16(), pa.uint16()),
    FIELD_TYPE.INT24: (pa.int32(), pa.uint32()),
    FIELD_TYPE.LONG: (pa.int32(), pa.uint32()),
    FIELD_TYPE.LONGLONG: (pa.int64(), pa.uint64()),
}
MOMENTS: dict[int, pa.DataType] = {
    FIELD_TYPE.DATE: pa.date32(),
    FIELD_TYPE.NEWDATE: pa.date32(),
    FIELD_TYPE.DATETIME: pa.timestamp("us"),
    FIELD_TYPE.TIMESTAMP: pa.timestamp("us", "UTC"),
}
BYTES = {FIELD_TYPE.TINY_BLOB, FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.LONG_BLOB, FIELD_TYPE.BLOB}
BYTES |= {FIELD_TYPE.STRING, FIELD_TYPE.VAR_STRING, FIELD_TYPE.VARCHAR, FIELD_TYPE.GEOMETRY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a result: its Arrow type, and how the values that arrive become it."""

    name: str
    arrow: pa.DataType
    convert: Convert


def open_mysql(url: str, password: str, context: RoomContext) -> Mysql:
    """The database at `url`, mysql://USER@HOST:PORT/DATABASE; `?ssl_ca=FILE` asks for TLS checked against FILE."""
    parts = urlsplit(url)
    if not parts.hostname or not parts.path.strip("/"):
        raise fault("unknown-url", "the mysql:// url is malformed", "write mysql://USER@HOST:PORT/DATABASE", part="url")
    authority = parse_qs(parts.query).get("ssl_ca")
    return Mysql(
        {
            "host": parts.hostname,
            "port": parts.port or 3306,
            "user": unquote(parts.username or ""),
            "password": password or unquote(parts.password or ""),
            "database": unquote(parts.path.strip("/")),
            "ssl_ca": str(context.folder / authority[0]) if authority else None,
            "ssl_verify_identity": bool(authority),
        }
    )


class Mysql:
    """A source over one database. Every read is one statement in one consistent snapshot."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._how = settings

    def columns(self, query: Query) -> Mapping[str, str]:
        """Names and DuckDB types of what `query` selects."""
        with self._connected() as connection:
            _, columns = _described(connection, query)
        return described(_schema(columns))

    def read(self, query: Query, since: Since | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of `query`, read from the server as they are asked for."""
        with self._connected() as connection:
            inner, columns = _described(connection, query)
            statement, values = exp.select("*").from_(inner.subquery("q")), []
            sql = statement.sql(dialect=DIALECT, comments=False).replace("%", "%%")
            if since is not None:
                column, value = _reached(since, columns)
                sql, values = f"{sql} WHERE {column} >= %s", [value]
            with connection.cursor(SSCursor) as cursor:
                cursor.execute(sql, values)
                while rows := cursor.fetchmany(ROWS):
                    yield _batch(rows, columns)

    def close(self) -> None:
        """Nothing is held between calls."""

    @contextmanager
    def _connected(self) -> Iterator[pymysql.Connection[Any]]:
        connection: pymysql.Connection[Any] | None = None
        try:
            connection = pymysql.connect(**self._how, charset="utf8mb4", conv=ENCODERS, connect_timeout=10)
            with connection.cursor() as cursor:
                cursor.execute(SESSION)
                cursor.execute(SNAPSHOT)
            yield connection
        except (pymysql.MySQLError, pa.ArrowException, OSError) as error:
            raise self._explained(error) from None
        finally:
            if connection is not None and connection.open:
                # Not close(): that would first read what is left of a result that nobody wants any more.
                connection._force_close()  # type: ignore[attr-defined]  # noqa: SLF001

    def _explained(self, error: Exception) -> CareloomError:
        place = f"MySQL at {self._how['host']}:{self._how['port']}"
        if isinstance(error, pa.ArrowException):
            return fault("bad-value", f"a value at {place} could not be read", "cast it to char, or correct it")
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        if code in REFUSED:
            return NotPermitted(f"{place} refuses user {self._how['user']}: check the password and what it may read")
        if code == 1049:  # noqa: PLR2004 (ER_BAD_DB_ERROR)
            return fault(
                "no-database", f"{place} knows no database {self._how['database']}", "correct the url", part="url"
            )
        if code in WRONG:
            return fault("bad-sql", f"{place} refuses the statement: {error.args[1]}", "correct it")
        return RemoteUnavailable(f"{place} does not answer (error {code}): check that it runs", after=30)


def _described(connection: pymysql.Connection[Any], query: Query) -> tuple[exp.Query, list[Column]]:
    with connection.cursor() as cursor:
        cursor.execute("select @@lower_case_table_names")
        folds = cursor.fetchone() != ("0",)
        cursor.execute(TABLES if query.table is not None else f"{TABLES} and false")
        tables = [
            Table(schema=schema, name=name, default=default == "1") for schema, name, default in cursor.fetchall()
        ]
        inner = relation(query, DIALECT, tables, folds=folds)
        cursor.execute(limited(inner, DIALECT))
        fields = cursor._result.fields  # noqa: SLF001 (the description lacks signs and character sets)
    check_distinct([field.name for field in fields])
    return inner, [_column(field) for field in fields]


def _schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([(column.name, column.arrow) for column in columns])


def _batch(rows: Sequence[Sequence[Any]], columns: Sequence[Column]) -> pa.RecordBatch:
    arrays = [column.convert(values) for column, values in zip(columns, zip(*rows, strict=True), strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=_schema(columns))


def _reached(since: Since, columns: Sequence[Column]) -> tuple[str, str]:
    name = column_named(since.column, [column.name for column in columns])
    quoted_name = exp.column(name, quoted=True).sql(dialect=DIALECT).replace("%", "%%")
    return quoted_name, point(since, aware=False)


# ---------------------------------------------------------------- types


def _column(field: Any) -> Column:
    arrow, convert = _conversion(field)
    return Column(name=field.name, arrow=arrow, convert=convert)


def _conversion(field: Any) -> tuple[pa.DataType, Convert]:
    kind, is_unsigned = field.type_code, bool(field.flags & FLAG.UNSIGNED)
    if kind in INTEGERS:
        return _parsed(INTEGERS[kind][is_unsigned])
    if kind in MOMENTS:
        return MOMENTS[kind], lambda values: _moments(values, MOMENTS[kind])
    if kind in {FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL}:
        digits = field.length - (0 if is_unsigned else 1) - (1 if field.scale else 0)
        return _parsed(pa.decimal128(digits, field.scale)) if digits <= DIGITS else _parsed(pa.string())
    if kind == FIELD_TYPE.BIT:
        return (pa.bool_(), _flags) if field.length == 1 else (pa.uint64(), _bits)
    if kind in BYTES and field.charsetnr == BINARY:
        return pa.binary(), lambda values: pa.array(values, pa.binary())
    return _parsed(pa.float64() if kind in {FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE} else pa.string())


def _parsed(arrow: pa.DataType) -> tuple[pa.DataType, Convert]:
    return arrow, lambda values: pa.array(values, pa.string()).cast(arrow)


def _moments(values: Sequence[Any], arrow: pa.DataType) -> pa.Array[Any]:
    texts = pa.array(values, pa.string())
    moments = pc.if_else(pc.match_substring_regex(texts, ZERO_DATE), pa.scalar(None, pa.string()), texts)
    if pa.types.is_timestamp(arrow) and arrow.tz:
        moments = moments.cast(pa.timestamp("us"))
    return cast("pa.Array[Any]", moments.cast(arrow))


def _flags(values: Sequence[Any]) -> pa.Array[Any]:
    return pa.array([None if value is None else value != b"\0" for value in values], pa.bool_())


def _bits(values: Sequence[Any]) -> pa.Array[Any]:
    return pa.array([None if value is None else int.from_bytes(value, "big") for value in values], pa.uint64())
