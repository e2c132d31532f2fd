"""A DuckDB workspace to look at people's files with: Parquet and CSV as views, what counts of diagnoses, results as files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeAlias

import duckdb
import pyarrow as pa
from sqlglot import exp

from careloom.core.errors import Fix, Later
from careloom.risk.embedded import IN_PLACE, MEMORY, write_whole
from careloom.risk.population.clean import day

PARQUET, CSV = (".parquet", ".pq"), (".csv", ".tsv", ".txt", ".gz")


Rows: TypeAlias = pa.Table

READ_ERRORS = (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException)
"""What DuckDB raises where a file cannot be read to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A connection, and a folder that only this user can read and that goes when the work is done."""

    db: duckdb.DuckDBPyConnection
    folder: Path


@contextmanager
def open_workspace(memory: str = MEMORY) -> Iterator[Workspace]:
    """A workspace for one piece of work.

    Raises:
        Fix: a file is damaged. What DuckDB says of it may quote a person, so it is not repeated.
        Later: memory or disk ran out.

    """
    folder = Path(mkdtemp(prefix="careloom-risk-"))
    db = duckdb.connect(":memory:", config={"memory_limit": memory, "temp_directory": str(folder / "spill")})
    try:
        db.execute("set preserve_insertion_order = false; set enable_progress_bar = false")
        yield Workspace(db=db, folder=folder)
    except duckdb.OutOfMemoryException:
        raise Later(f"out of memory or disk within {memory}; give more memory, or free disk space") from None
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException, UnicodeDecodeError) as error:
        raise Fix(
            f"a file cannot be read to its end ({type(error).__name__}): it is damaged, or not of the kind that its name "
            "says; write it again as Parquet or CSV"
        ) from None
    finally:
        db.close()
        shutil.rmtree(folder, ignore_errors=True)


def show_file(workspace: Workspace, name: str, path: Path, names: Mapping[str, str] | None = None) -> dict[str, str]:
    """Make the file a view called `name`; its columns with their types come back.

    `names` maps a column's name here to the file's. Cells of a CSV are text, and an empty one is nothing.

    Raises:
        Fix: there is no such file or column, or it cannot be read.

    """
    try:
        workspace.db.execute(f"create or replace temp view {name} as select * from {_reader(path)}")
        columns = {column.lower(): kind for column, kind, *_ in workspace.db.execute(f"describe {name}").fetchall()}
    except duckdb.Error:
        raise Fix(f"{path} cannot be read: give a Parquet or CSV file that exists") from None
    if not names:
        return columns
    wrong = [file_column for file_column in names.values() if file_column.lower() not in columns]
    if wrong:
        raise Fix(f"{path} has no column {wrong[0]!r}; it has: {', '.join(columns)}")
    new = [f"{_quote(file_column)} as {_quote(own_name)}" for own_name, file_column in names.items()]
    other_columns = [
        _quote(column)
        for column in columns
        if column not in {*names, *(file_column.lower() for file_column in names.values())}
    ]
    workspace.db.execute(
        f"create or replace temp view {name} as select {', '.join([*new, *other_columns])} from {_reader(path)}"
    )
    return {column.lower(): kind for column, kind, *_ in workspace.db.execute(f"describe {name}").fetchall()}


def _reader(path: Path) -> str:
    where = exp.Literal.string(str(path)).sql("duckdb")
    if path.suffix.lower() in CSV:
        return f"read_csv({where}, all_varchar = true, header = true, union_by_name = true)"
    if path.suffix.lower() in PARQUET or "*" in path.name:
        return f"read_parquet({where}, union_by_name = true)"
    raise Fix(f"{path} is neither Parquet nor CSV by its name; end it in .parquet or .csv")


def _quote(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql("duckdb")


def stage_rows(workspace: Workspace, name: str, query: str) -> Path:
    """The rows of `query` as a Parquet file in the workspace's folder."""
    path = workspace.folder / f"{name}.parquet"
    workspace.db.execute(f"copy ({query}) to {exp.Literal.string(str(path)).sql('duckdb')} (format parquet)")
    return path


def as_parquet(workspace: Workspace, name: str, path: Path) -> Path:
    """The file as Parquet: itself, or what is staged of it; a view `name` shows it either way."""
    show_file(workspace, name, path)
    return path if path.suffix.lower() not in CSV else stage_rows(workspace, name, f"select * from {name}")


def diagnoses_in_year(workspace: Workspace, path: Path, year: int, *, every_date: bool) -> tuple[Path, int]:
    """The diagnoses that a payment year counts, as Parquet, and how many rows were left out.

    Those with a service date count if it is in the year before the payment year; those without one always do. A view
    `diagnoses` shows what counts.
    """
    columns = show_file(workspace, "diagnoses", path)
    if every_date or "service_date" not in columns:
        return as_parquet(workspace, "diagnoses", path), 0
    counts = f"coalesce(year({day('service_date', columns['service_date'])}) = {year - 1}, true)"
    counted_path = stage_rows(workspace, "counted_diagnoses", f"select * from diagnoses where {counts}")
    rows = workspace.db.execute(f"select count(*) from diagnoses where not {counts}").fetchone() or (0,)
    show_file(workspace, "diagnoses", counted_path)
    return counted_path, int(rows[0])


def years_coded(workspace: Workspace, path: Path) -> dict[int, int]:
    """How many diagnoses of the file are of each year of service, the most frequent one first."""
    columns = show_file(workspace, "all_diagnoses", path)
    if "service_date" not in columns:
        return {}
    service_day = day("service_date", columns["service_date"])
    query = f"select year({service_day}) as y, count(*) from all_diagnoses where {service_day} is not null group by y order by 2 desc, 1"
    return dict(workspace.db.execute(query).fetchall())


def rows_of_person(workspace: Workspace, view: str, person: str) -> Rows:
    """The rows of a view that are of `person`, whose key is compared as text.

    Raises:
        Fix: the view has no keys.

    """
    columns = [column.lower() for column, *_ in workspace.db.execute(f"describe {view}").fetchall()]
    if "person_id" not in columns:
        raise Fix(f"the {view} have no column 'person_id'; they have: {', '.join(columns)}")
    return workspace.db.execute(f"select * from {view} where cast(person_id as varchar) = ?", [person]).to_arrow_table()


def check_output(output: Path) -> None:
    """Fix, before any work is done, if rows cannot be written to `output`."""
    if output.suffix.lower() not in (".parquet", ".csv"):
        raise Fix(f"{output} is neither Parquet nor CSV by its name; end it in .parquet or .csv")
    if not os.access(output.absolute().parent, os.W_OK):
        raise Fix(f"the folder of {output} does not exist, or you may not write there; make it first")


def write_rows(workspace: Workspace, query: str, output: Path) -> None:
    """Write the rows of `query` to a Parquet or CSV file, whole or not at all, for no one else to read.

    In CSV a list is its parts with spaces between them.
    """
    check_output(output)
    if output.suffix.lower() == ".csv":
        query = f"select {_flat(workspace, query)} from ({query})"
    file_format = "format csv, header" if output.suffix.lower() == ".csv" else "format parquet"
    try:
        with write_whole(output) as part:
            workspace.db.execute(
                f"copy ({query}) to {exp.Literal.string(str(part)).sql('duckdb')} ({file_format}, {IN_PLACE})"
            )
    except OSError as error:
        raise Fix(f"{output} cannot be written: {error.strerror}") from None


def write_view(workspace: Workspace, view: str, output: Path, *, leave_out: Sequence[str] = ()) -> None:
    """Write the rows of a view as `write_rows` does, without the columns to leave out."""
    exclusion = f" exclude ({', '.join(_quote(column) for column in leave_out)})" if leave_out else ""
    write_rows(workspace, f"select *{exclusion} from {_quote(view)}", output)


def write_views(workspace: Workspace, views: Sequence[str], output: Path) -> None:
    """Write the rows of several views into one file, each with its view's name as `kind`."""
    queries = (f"select {exp.Literal.string(view).sql('duckdb')} as kind, * from {_quote(view)}" for view in views)
    write_rows(workspace, " union all by name ".join(queries), output)


def write_traces(workspace: Workspace, output: Path) -> None:
    """Write the steps by which the scores of the view `scores` came about: a row for each step of each person."""
    write_rows(workspace, "select person_id, unnest(trace, recursive := true) from scores", output)


def _flat(workspace: Workspace, query: str) -> str:
    columns = workspace.db.execute(f"describe {query}").fetchall()
    return ", ".join(
        f"array_to_string({_quote(name)}, ' ') as {_quote(name)}" if kind.endswith("[]") else _quote(name)
        for name, kind, *_ in columns
    )


def require_columns(columns: Sequence[str] | Mapping[str, str], names: Sequence[str], holder: str) -> None:
    """Fix if one of the columns is not there."""
    for name in names:
        if name not in columns:
            raise Fix(f"{holder} has no column {name!r}; it needs {', '.join(names)}")
