"""CSV files as tables of text: nothing is guessed from the values, so 01234 stays 01234 and NO stays NO.

The first line names the columns and shows the delimiter. An empty field is null. A line with too many or too few fields is
a fault that names the file and the line, never what stands there.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa
from sqlglot import exp

from careloom.core.errors import ProjectFault
from careloom.systems.sql.arrow import ROWS
from careloom.systems.sql.faults import fault
from careloom.systems.sql.queries import check_distinct

DELIMITERS = ",;\t|"
BLOCK = 1 << 24
HEADER_LIMIT = 1 << 20


class Lines(Protocol):
    """What csv.reader returns, whose own type has no public name."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


def view(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Make the file at `path` known to `connection` as `name` (quoted already). ProjectFault if it has no header."""
    encoding = encoding_of(path)
    columns, delimiter = _header(path, encoding)
    if encoding == "utf-8":
        connection.execute(f"create view {name} as {_read_csv(path, columns, delimiter)}")
        return
    # DuckDB reads only UTF-8 and strict Latin-1, not what Windows programs call so.
    connection.register("transcoded", _transcoded(path, encoding, delimiter, columns))
    connection.execute(f"create table {name} as select * from transcoded")
    connection.unregister("transcoded")


def encoding_of(path: Path) -> str:
    """UTF-8 if every byte of the file fits it; else Windows-1252, which holds all of Latin-1's letters; else Latin-1."""
    for encoding in ("utf-8", "cp1252"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                while block := file.read(BLOCK):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def _header(path: Path, encoding: str) -> tuple[list[str], str]:
    with path.open("rb") as file:
        block = file.read(HEADER_LIMIT)
    text = block.decode(encoding, "ignore").removeprefix("\ufeff")
    if not text.strip():
        raise fault("no-header", f"{path} is empty", "write its columns' names in the first line")
    delimiter = max(DELIMITERS, key=text.splitlines()[0].count)
    columns = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    if not all(column.strip() for column in columns):
        raise fault("no-header", f"{path} has a column without a name", "name every column in the first line")
    check_distinct(columns)
    return columns, delimiter


def _read_csv(path: Path, columns: list[str], delimiter: str) -> str:
    def text(value: str) -> str:
        return exp.Literal.string(value).sql("duckdb")

    column_types = ", ".join(f"{text(column)}: 'VARCHAR'" for column in columns)
    return (
        f"select * from read_csv({text(str(path))}, auto_detect = false, header = true, strict_mode = true, "
        f"delim = {text(delimiter)}, quote = '\"', escape = '\"', columns = {{{column_types}}})"
    )


def _transcoded(path: Path, encoding: str, delimiter: str, columns: list[str]) -> pa.Table:
    schema = pa.schema([(column, pa.string()) for column in columns])
    batches = []
    with path.open(encoding=encoding, newline="") as file:
        lines = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            next(lines)
            while rows := list(islice(_checked(lines, path, len(columns)), ROWS)):
                arrays = [
                    pa.array([value or None for value in values], pa.string()) for values in zip(*rows, strict=True)
                ]
                batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
        except csv.Error:
            raise _malformed(str(path), str(lines.line_num), None) from None
    return pa.Table.from_batches(batches, schema)


def _checked(lines: Lines, path: Path, width: int) -> Iterator[list[str]]:
    for row in lines:
        if row and len(row) != width:
            raise _malformed(str(path), str(lines.line_num), (str(width), str(len(row))))
        if row:
            yield row


def explained(error: Exception) -> ProjectFault | None:
    """DuckDB's complaint about a file without the line that it quotes; None if it is about something else."""
    message = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", message)
    if line is None:
        return None
    # The quoted line comes before these, and may look like one of them.
    counts = re.findall(r"^Expected Number of Columns: (\d+) Found: (\d+)$", message, re.MULTILINE)
    files = re.findall(r"^  file = (.*)$", message, re.MULTILINE)
    return _malformed(files[-1] if files else "the file", line[1], counts[-1] if counts else None)


def _malformed(path: str, line: str | None, counts: tuple[str, str] | None) -> ProjectFault:
    place = f"{path}, line {line}," if line else path
    if counts:
        return fault("bad-csv", f"{place} has {counts[1]} fields where the header has {counts[0]}", "correct that line")
    return fault("bad-csv", f"{place} is malformed, perhaps by a quote that is not closed", "correct that line")
