"""Reads a folder of CSV or Parquet files: a file is a table, a folder in it a schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlglot import exp

from careloom.core.errors import ProjectFault
from careloom.core.ports import Query, Since
from careloom.core.rooms import RoomContext
from careloom.systems.sql import csv_file
from careloom.systems.sql.arrow import described
from careloom.systems.sql.duckdb_file import DIALECT, reader, rows
from careloom.systems.sql.faults import fault
from careloom.systems.sql.queries import Table, find_table, limited, relation

_SHOWN = 5
View = Callable[[duckdb.DuckDBPyConnection, Path, str], None]


def open_csv(url: str, _password: str, context: RoomContext) -> Folder:
    """The folder of *.csv and *.tsv files that `url` (csv://FOLDER) names."""
    return Folder(context.folder / url.partition("://")[2], (".csv", ".tsv"), csv_file.view)


def open_parquet(url: str, _password: str, context: RoomContext) -> Folder:
    """The folder of *.parquet files that `url` (parquet://FOLDER) names."""
    return Folder(context.folder / url.partition("://")[2], (".parquet",), _parquet_view)


class Folder:
    """A source over the files of one folder, listed anew for each call."""

    def __init__(self, path: Path, suffixes: tuple[str, ...], view: View) -> None:
        self._path = path.resolve()
        self._suffixes = suffixes
        self._view = view

    def columns(self, query: Query) -> Mapping[str, str]:
        """Names and DuckDB types of what `query` selects; in CSV files everything is text."""
        with self._opened(query) as (connection, inner):
            return described(reader(connection, limited(inner, DIALECT), []).schema)

    def read(self, query: Query, since: Since | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of `query`. ProjectFault, naming file and line but no value, where a file is malformed."""
        with self._opened(query) as (connection, inner):
            yield from rows(connection, inner, since)

    def close(self) -> None:
        """Nothing is held between calls."""

    @contextmanager
    def _opened(self, query: Query) -> Iterator[tuple[duckdb.DuckDBPyConnection, exp.Query]]:
        """A connection that knows the files that `query` needs and can open no other; and the query."""
        files = self._files()
        inner = relation(query, DIALECT, files, folds=True)
        with duckdb.connect() as connection:
            connection.execute(f"set allowed_directories = [{exp.Literal.string(f'{self._path}/').sql(DIALECT)}]")
            connection.execute("set enable_external_access = false")
            for table in _needed(inner, files):
                connection.execute(
                    exp.Create(this=exp.to_identifier(table.schema, quoted=True), kind="SCHEMA", exists=True).sql(
                        DIALECT
                    )
                )
                with _readable(files[table]):
                    self._view(
                        connection, files[table], exp.table_(table.name, db=table.schema, quoted=True).sql(DIALECT)
                    )
            yield connection, inner

    def _files(self) -> dict[Table, Path]:
        if self._path.is_file():
            fix = "give the folder that it is in: each file of it is a table"
            raise fault("no-folder", f"{self._path} is a file, not a folder", fix, part="url")
        if not self._path.is_dir():
            raise fault(
                "no-folder", f"there is no folder {self._path}", "correct the url, or put the files there", part="url"
            )
        files = [path for path in sorted(self._path.rglob("*")) if path.is_file()]
        tables = [path for path in files if path.suffix.lower() in self._suffixes]
        if not tables:
            raise self._nothing(files)
        return {_table(path.relative_to(self._path)): path for path in tables}

    def _nothing(self, files: Sequence[Path]) -> ProjectFault:
        kinds = " or ".join(self._suffixes)
        names = ", ".join(path.name for path in files[:_SHOWN] if not path.name.startswith("."))
        cause = f"the folder {self._path} has no file that ends in {kinds}"
        fix = f"save {names} as {kinds}" if names else "put the files there, or correct the url"
        return fault("no-files", cause, fix, part="url")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise fault("unreadable", f"{path} cannot be read: {error.strerror}", "check the file and its rights") from None


def _table(file: Path) -> Table:
    """amd/Patients.csv and amd.Patients.csv are both the table Patients of the schema amd."""
    *schema, name = [*file.parts[:-1], *file.stem.split(".")]
    return Table(schema=".".join(schema) or "main", name=name, default=not schema)


def _needed(inner: exp.Query, files: Mapping[Table, Path]) -> Iterable[Table]:
    cte_names = {cte.alias_or_name.casefold() for cte in inner.find_all(exp.CTE)}
    table_nodes = [table for table in inner.find_all(exp.Table) if isinstance(table.this, exp.Identifier)]
    needed_names = {
        exp.table_(table.this, db=table.args.get("db")).sql(DIALECT)
        for table in table_nodes
        if not _is_own(table, cte_names)
    }
    return {find_table(name, list(files), DIALECT, folds=True): None for name in sorted(needed_names)}


def _is_own(table: exp.Table, cte_names: set[str]) -> bool:
    return not table.db and table.name.casefold() in cte_names


def _parquet_view(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    file = exp.Literal.string(str(path)).sql(DIALECT)
    try:
        connection.execute(f"create view {name} as select * from read_parquet({file})")
    except duckdb.Error:
        raise fault(
            "not-parquet", f"{path} is no Parquet file", "write it again, or take it out of the folder"
        ) from None
