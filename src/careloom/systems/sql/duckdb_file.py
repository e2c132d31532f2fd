"""Reads a DuckDB database file, and nothing else on the disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlglot import exp

from careloom.core.errors import ProjectFault
from careloom.core.ports import Query, Since
from careloom.core.rooms import RoomContext
from careloom.systems.sql import csv_file
from careloom.systems.sql.arrow import ROWS, described
from careloom.systems.sql.faults import fault
from careloom.systems.sql.queries import Table, check_distinct, column_named, limited, point, relation

DIALECT = "duckdb"
# A file begins with a checksum of 8 bytes, these letters, and the storage version as 8 bytes.
_MAGIC, _MAGIC_AT, _HEADER = b"DUCK", 8, 20
TABLES = "select schema_name, table_name from duckdb_tables() union all select schema_name, view_name from duckdb_views() where not internal"


def open_duckdb(url: str, _password: str, context: RoomContext) -> DuckdbFile:
    """The database file that `url` (duckdb://FILE) names; a relative one starts at the project's folder."""
    return DuckdbFile(context.folder / url.partition("://")[2])


class DuckdbFile:
    """A source over one database file, opened for reading when first used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: duckdb.DuckDBPyConnection | None = None
        self._mutex = threading.Lock()

    def columns(self, query: Query) -> Mapping[str, str]:
        """Names and DuckDB types of what `query` selects."""
        with self._cursor() as cursor:
            return described(reader(cursor, limited(self._relation(cursor, query), DIALECT), []).schema)

    def read(self, query: Query, since: Since | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of one statement, which sees one state of the file."""
        with self._cursor() as cursor:
            yield from rows(cursor, self._relation(cursor, query), since)

    def close(self) -> None:
        """Let go of the file."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _relation(self, cursor: duckdb.DuckDBPyConnection, query: Query) -> exp.Query:
        rows = cursor.execute(TABLES).fetchall()
        tables = [Table(schema=schema, name=name, default=schema == "main") for schema, name in rows]
        return relation(query, DIALECT, tables, folds=True)

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._mutex:
            if self._opened is None:
                self._opened = self._open()
            return self._opened.cursor()

    def _open(self) -> duckdb.DuckDBPyConnection:
        if not self._path.is_file():
            raise fault(
                "no-file", f"there is no file {self._path}", "correct the url, or make the file first", part="url"
            )
        try:
            return duckdb.connect(self._path, read_only=True, config={"enable_external_access": False})
        except duckdb.IOException as error:
            if "could not set lock" in str(error).lower():
                raise fault(
                    "locked-file",
                    f"another process is writing {self._path}",
                    "run again when it has closed the file",
                    part="url",
                ) from None
            raise self._unreadable() from None
        except duckdb.Error:  # newer files fail in other ways too, once their header was read
            raise self._unreadable() from None

    def _unreadable(self) -> ProjectFault:
        """Why the file cannot be opened: by its header it is none of DuckDB's, or one of another storage version."""
        try:
            with self._path.open("rb") as file:
                head = file.read(_HEADER)
        except OSError as error:
            return fault("unreadable", f"{self._path} cannot be read: {error.strerror}", "check its rights", part="url")
        if head[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] != _MAGIC:
            return fault("not-duckdb", f"{self._path} is no DuckDB database", "correct the url", part="url")
        version = int.from_bytes(head[_MAGIC_AT + len(_MAGIC) :], "little")
        return fault(
            "duckdb-version",
            f"{self._path} is a DuckDB database of storage version {version}, which DuckDB {duckdb.__version__} in here "
            "cannot read: a newer release wrote it, or it is damaged",
            "copy it to an older storage version with the DuckDB that wrote it: ATTACH 'new.duckdb' AS o (STORAGE_VERSION "
            "'v1.0.0'); COPY FROM DATABASE … TO o; or write Parquet files and read them with parquet://FOLDER",
            part="url",
        )


def rows(cursor: duckdb.DuckDBPyConnection, inner: exp.Query, since: Since | None) -> Iterator[pa.RecordBatch]:
    """The rows of `inner`, from `since` on."""
    statement = exp.select("*").from_(inner.subquery("q"))
    values: list[str] = []
    if since is not None:
        types = described(reader(cursor, limited(inner, DIALECT), []).schema)
        name = column_named(since.column, types)
        statement, values = statement.where(_reached(name, types[name])), [point(since, aware="ZONE" in types[name])]
    batches = reader(cursor, statement.sql(dialect=DIALECT, comments=False), values)
    try:
        yield from batches
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise explained(error) from None


def _reached(column: str, type_name: str) -> exp.Expr:
    """Whether `column` is at or after the parameter. Text is compared as a moment; text that is none counts as reached."""
    name = exp.column(column, quoted=True)
    if type_name != "VARCHAR":
        return name >= exp.cast(exp.Placeholder(), type_name, dialect=DIALECT)
    moment = exp.TryCast(this=name, to=exp.DataType.build("timestamp"))
    earlier = moment < exp.cast(exp.Placeholder(), "timestamp")
    return exp.func("coalesce", exp.not_(exp.paren(earlier)), exp.not_(name.is_(exp.null())))


def reader(cursor: duckdb.DuckDBPyConnection, sql: str, values: list[str]) -> pa.RecordBatchReader:
    """The result of `sql` as a stream. ProjectFault, without what the data holds, if it cannot be run."""
    try:
        batches: pa.RecordBatchReader = cursor.execute(sql, values).to_arrow_reader(ROWS)
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise explained(error) from None
    check_distinct(batches.schema.names)
    return batches


def explained(error: Exception) -> ProjectFault:
    """What went wrong, as far as it can be said without quoting the data."""
    if isinstance(error, (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException)):
        # These speak of names in the statement only, and their first line says what.
        return fault("bad-sql", str(error).partition("\n")[0], "correct the statement")
    if isinstance(error, duckdb.PermissionException):
        return fault("not-allowed", "the statement reads outside of this source", "read its own tables only")
    return csv_file.explained(error) or fault(
        "bad-value", f"a value could not be read ({type(error).__name__})", "cast it with TRY_CAST, or correct it"
    )
