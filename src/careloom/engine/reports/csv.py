"""A report's CSV files read by DuckDB, every cell as the text that it was, and never a row or a cell less.

DuckDB reads at speed what is written by the rule (RFC 4180) and refuses most of the rest; a few things it would read in its
own way. Those files, and what it refuses, are first rewritten by Python's csv module, which takes everything:

- a short row is filled up with empty cells; the further cells of a long row get columns of their own (`unnamed_column`);
- a line without any cell is no row;
- a quote that is never closed would swallow all rows behind it: the report is held.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv

from careloom.core.errors import Hold, Later
from careloom.engine import sql_text
from careloom.engine.reports.columns import ReportType, column_names, filled, kinds_of, reads, same_columns, value
from careloom.engine.reports.layouts import END, MOST_OF_A_ROW, PLAIN, Layout, rows_of
from careloom.engine.workspace import incoming, text_columns

MOST_COLUMNS = 1500
"""PostgreSQL takes 1,600 columns of a table, those included that were once there."""

_SAMPLE = 2048
_AT_ONCE = 50
_WIDE = 200
"""Columns up to which a quarter of a gigabyte is enough, however many rows there are."""
_CELLS = 400_000
_MEMBER = '"{}":'
_SUM_OF_ALL = "(grand |report |sub-?)?totals?:?|sum:?"


class MisreadRow(Exception):
    """DuckDB cannot read the files as they are: they are to be straightened first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One CSV file that DuckDB can read. `columns`: its columns' names, in its order."""

    path: Path
    columns: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnStats:
    """What one column holds: values that are not empty, and how many of them its type reads. Not counted for text."""

    type: ReportType
    value_count: int = 0
    read: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetStats:
    """A report's rows and columns, every cell looked at."""

    rows: int
    columns: Mapping[str, ColumnStats] = field(default_factory=dict)


# ---------------------------------------------------------------- files


def sheets_of(
    files: Sequence[Path], folder: Path, *, careful: bool, layouts: Sequence[Layout] | None = None
) -> list[Sheet]:
    """The files, ready for DuckDB; straightened into `folder` where `careful`. Hold where they cannot be one table."""
    file_layouts = list(layouts or [PLAIN] * len(files))
    headers = [_header(path, layout) for path, layout in zip(files, file_layouts, strict=True)]
    if not all(headers):
        raise Hold("empty-file", "a file of the report is empty: it has no header, so its columns are unknown")
    if any(not same_columns(headers[0], header) for header in headers):
        raise Hold("different-headers", f"the report came as {len(files)} files whose headers differ")
    _check_width(max(map(len, headers)))
    return [
        _straight(path, header, folder / f"straight-{number}.csv", layout)
        if careful or not layout.plain or _misleads(path, header)
        else Sheet(path=path, columns=column_names(header))
        for number, (path, header, layout) in enumerate(zip(files, headers, file_layouts, strict=True))
    ]


def _misleads(path: Path, header: Sequence[str]) -> bool:
    """Whether DuckDB would read other rows behind this header, without an error.

    It takes all of them for the header where that holds a line break, and none at all where text follows a closed quote.
    """
    if len(header) == 1 or any(mark in cell for cell in header for mark in "\r\n"):
        return True
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            next(filter(None, csv.reader(file, strict=True)))
        except csv.Error:
            return True
    return False


def _check_width(columns: int) -> None:
    if columns > MOST_COLUMNS:
        raise Hold("too-many-columns", f"the report has {columns} columns; a table takes at most {MOST_COLUMNS}")


def _header(path: Path, layout: Layout) -> list[str]:
    header = next(rows_of(path, layout), [END])
    if header != [END] and header[-1].endswith(END):
        raise _unclosed()
    return [] if header == [END] else header


def _straight(path: Path, header: Sequence[str], target: Path, layout: Layout) -> Sheet:
    """The file written by the rule: every cell quoted, every row of one width."""
    width = max(len(header), _widest(path, layout))
    _check_width(width)
    columns = [*header, *[""] * (width - len(header))]
    with target.open("w", newline="", encoding="utf-8") as file:
        target.chmod(0o600)
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(" ".join(cell.split()) for cell in columns)
        rows = rows_of(path, layout)
        next(rows)
        last: list[str] | None = None
        for row in rows:
            if last is not None:
                writer.writerow([*last[:width], *[""] * (width - len(last))])
            last = row
    return Sheet(path=target, columns=column_names(columns))


def _widest(path: Path, layout: Layout) -> int:
    """How many cells the longest row has, empty ones at its end not counted."""
    width, row = 0, [""]
    for row in rows_of(path, layout):
        if len(row) > width:
            width = max(width, next((length for length in range(len(row), 0, -1) if row[length - 1]), 0))
    if row != [END]:
        raise _unclosed()
    return width


def _unclosed() -> Hold:
    return Hold(
        "unclosed-quote", "a file of the report ends within a quoted cell: it was cut off, or a quote in it is wrong"
    )


# ---------------------------------------------------------------- rows


def show(db: duckdb.DuckDBPyConnection, sheets: Sequence[Sheet], *, sums: bool = False) -> list[str]:
    """Make `report_rows` in `db`: the rows of all files in their order, all text; returns its columns.

    `sums`: there may be rows of nothing but empty cells, or of a word like Total and the sums of others; `report_rows` lacks those,
    and `aside` counts them.
    """
    columns = list(dict.fromkeys(column for sheet in sheets for column in sheet.columns))
    db.execute("set preserve_insertion_order = true")
    if len(columns) <= _WIDE:
        db.execute("set memory_limit = '256MB'")
    selects = " union all ".join(_select(sheet, columns) for sheet in sheets)
    db.execute(f"create or replace temp view file_rows as {selects}")
    only = f" where {_kind_of_row(columns)} = 'row'" if sums else ""
    db.execute(f"create or replace temp view report_rows as select * from file_rows{only}")
    return columns


def aside(db: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> dict[str, int]:
    """How many rows of `file_rows` are no data: `empty-rows`, `total-rows`. Crooked where DuckDB cannot read the files."""
    statement = (
        f"select {_kind_of_row(columns)} as kind, count(*) from file_rows group by 1 having kind <> 'row' order by 1"
    )
    try:
        return dict(db.execute(statement).fetchall())
    except duckdb.Error as error:
        raise _refused(error, careful=False) from None


def _kind_of_row(columns: Sequence[str]) -> str:
    """DuckDB: a row of sums has one word, which comes first, and else numbers alone."""
    cells = f"list_filter([{', '.join(map(sql_text.name, columns))}], lambda x: trim(x) <> '')"
    number = f"{reads('x', 'numeric')} or {reads('x', 'percent')}".replace(sql_text.name("x"), "x")
    sums = f"regexp_full_match(lower(trim({cells}[1])), {sql_text.text(_SUM_OF_ALL)})"
    are_numbers = f"len(list_filter({cells}[2:], lambda x: not ({number}))) = 0"
    return (
        f"case when len({cells}) = 0 then 'empty-rows' when {sums} and {are_numbers} then 'total-rows' else 'row' end"
    )


def _select(sheet: Sheet, columns: Sequence[str]) -> str:
    sheet_columns = set(sheet.columns)
    cells = [
        sql_text.name(column) if column in sheet_columns else f"null::varchar as {sql_text.name(column)}"
        for column in columns
    ]
    texts = ", ".join(f"{sql_text.text(column)}: 'VARCHAR'" for column in sheet.columns)
    return (
        f"select {', '.join(cells)} from read_csv({sql_text.text(str(sheet.path))}, columns = {{{texts}}}, header = true, "
        "auto_detect = false, delim = ',', quote = '\"', escape = '\"', comment = '', nullstr = '', strict_mode = true, "
        f"null_padding = false, ignore_errors = false, max_line_size = {MOST_OF_A_ROW}, buffer_size = {4 * MOST_OF_A_ROW})"
    )


_ROWS = ""
"""The name of no column, under which the rows themselves are counted."""


def column_stats(
    db: duckdb.DuckDBPyConnection, columns: Sequence[str], types: Mapping[str, ReportType], *, careful: bool
) -> SheetStats:
    """Look at every cell of `report_rows`: the type of each column that `types` does not settle, and what its type cannot read.

    Crooked where DuckDB cannot read the files; Hold where it cannot although they were straightened (`careful`).
    """
    known_types = {
        column: types[column] for column in columns if types.get(column, "unknown") not in {"unknown", "text"}
    }
    try:
        candidates = _not_refuted(db, [column for column in columns if types.get(column, "unknown") == "unknown"])
        tests = {column: [filled(column), reads(column, kind)] for column, kind in known_types.items()}
        for column, kinds in candidates.items():
            tests[column] = [filled(column), *(reads(column, kind, inferring=True) for kind in kinds)]
        # Each look at the sheet parses its files again, so its rows are counted on the way.
        counts = _count(db, "report_rows", {_ROWS: ["true"], **tests})
        (rows,) = counts.pop(_ROWS)
    except duckdb.Error as error:
        raise _refused(error, careful=careful) from None
    weights = {column: ColumnStats(type="text") for column in columns}
    for column, (values, *fitting) in counts.items():
        fits = [kind for kind, number in zip(candidates.get(column, ()), fitting, strict=False) if number == values]
        kind = known_types.get(column) or ("unknown" if not values else fits[0] if fits else "text")
        weights[column] = ColumnStats(
            type=kind, value_count=values, read=fitting[0] if column in known_types else values
        )
    return SheetStats(rows=rows, columns=weights)


def _not_refuted(db: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> dict[str, list[ReportType]]:
    """For each column, the types that none of its first values refutes. One value refutes; none can prove."""
    tests = {
        column: [f"{filled(column)} and not {reads(column, kind, inferring=True)}" for kind in kinds_of(column)]
        or ["false"]
        for column in columns
    }
    open_ = {
        column: [kind for kind, count in zip(kinds_of(column), counts, strict=False) if not count]
        for column, counts in _count(db, f"(select * from report_rows limit {_SAMPLE})", tests).items()
    }
    return {column: kinds for column, kinds in open_.items() if kinds}


def _count(db: duckdb.DuckDBPyConnection, table: str, tests: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """In how many rows each test of each column holds."""
    counts: dict[str, list[int]] = {}
    columns = list(tests)
    while columns:
        # DuckDB's planning grows with the square of what is asked at once.
        group, columns = columns[:_AT_ONCE], columns[_AT_ONCE:]
        expressions = ", ".join(f"count(*) filter (where {test})" for column in group for test in tests[column])
        numbers = iter(db.execute(f"select {expressions} from {table}").fetchall()[0])
        counts |= {column: [int(next(numbers)) for _ in tests[column]] for column in group}
    return counts


def chunks(
    db: duckdb.DuckDBPyConnection, stats: SheetStats, constants: Mapping[str, str], *, careful: bool
) -> Iterator[bytes]:
    """The rows of `report_rows` as PostgreSQL's COPY takes them in CSV, in the order of `written_columns`.

    `constants`: columns that hold the same in every row. Each row ends with its number and with what could not be read.
    """
    outputs = [f"{sql_text.text(text)} as {sql_text.name(column)}" for column, text in constants.items()]
    outputs += [
        f"{_guarded(column, weight)} as {sql_text.name(column)}"
        for column, weight in stats.columns.items()
        if weight.type != "unknown"
    ]
    statement = f"select {', '.join(outputs)}, {_unparsed(stats.columns)} as unparsed from report_rows"
    row_count, options = 0, pa_csv.WriteOptions(include_header=False)
    try:
        for batch in db.execute(statement).to_arrow_reader(max(64, _CELLS // (len(outputs) + 1))):
            numbers = pa.array(range(row_count + 1, row_count + batch.num_rows + 1), pa.int64())
            sink = pa.BufferOutputStream()
            pa_csv.write_csv(batch.append_column("row_number", numbers), sink, options)
            row_count += batch.num_rows
            yield sink.getvalue().to_pybytes()
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise _refused(error, careful=careful) from None


def written_columns(stats: SheetStats, constants: Mapping[str, str]) -> list[str]:
    """The columns of `chunks`, in order."""
    return [
        *constants,
        *(column for column, weight in stats.columns.items() if weight.type != "unknown"),
        "unparsed",
        "row_number",
    ]


def written_as(
    db: duckdb.DuckDBPyConnection, texts: Sequence[str], type: ReportType
) -> Sequence[tuple[str, str | None]]:
    """Each text with the writing that PostgreSQL takes for `type`; None where it is blank, or cannot be read as one."""
    with incoming(db, text_columns({"cell": texts})):
        return db.execute(
            f"select cell, case when {reads('cell', type)} then {value('cell', type)} end from incoming"
        ).fetchall()


def _guarded(column: str, weight: ColumnStats) -> str:
    if weight.read == weight.value_count:
        return value(column, weight.type)
    return f"case when {reads(column, weight.type)} then {value(column, weight.type)} end"


def _unparsed(columns: Mapping[str, ColumnStats]) -> str:
    """A JSON object of the cells that their column's type cannot read; null where there are none."""
    bad = {
        column: f"({filled(column)} and not {reads(column, weight.type)})"
        for column, weight in columns.items()
        if weight.read < weight.value_count
    }
    if not bad:
        return "null::varchar"
    pairs = ", ".join(
        f"case when {test} then {sql_text.text(_MEMBER.format(column))} || to_json({sql_text.name(column)})::varchar end"
        for column, test in bad.items()
    )
    return f"case when {' or '.join(bad.values())} then '{{' || concat_ws(',', {pairs}) || '}}' end"


def _refused(error: Exception, *, careful: bool) -> Exception:
    """What to do about a file that DuckDB did not read. Its own words quote the file, so they go no further."""
    if isinstance(error, duckdb.OutOfMemoryException) or "Out of Memory" in str(error):
        return Later("out of memory or disk while reading a report; free some space, then run again")
    if careful:
        return Hold("unreadable", "a file of the report cannot be read as CSV, not even rewritten")
    return MisreadRow()
