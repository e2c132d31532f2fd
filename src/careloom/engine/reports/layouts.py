"""How a report's CSV file is laid out, where it is not as the rule says: its delimiter, titles above the header, loose quotes.

What is recognised is read as it was meant, and told; where cells would shift under other headers, the report is held.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from careloom.core.errors import Hold
from careloom.engine.reports.columns import column_names

MOST_OF_A_ROW = 8 * 2**20
"""Bytes."""
END = "-- the end of the file --"
"""Read behind the last row, so that a quote that is never closed is seen."""
_DELIMITERS = ",;\t|"
_LINES = 60
_LETTER = re.compile(r"[^\W\d_]")
_LOOSE = re.compile(r'[ \t]+"')
_SAME = 0.8
"""So many of the first rows must have one width for another delimiter than the comma to be believed."""

csv.field_size_limit(MOST_OF_A_ROW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`titles`: rows above the header. `loose`: spaces stand between a delimiter and the quote that opens a cell."""

    delimiter: str = ","
    titles: int = 0
    loose: bool = False

    @property
    def plain(self) -> bool:
        """By the rule (RFC 4180)."""
        return self == PLAIN


PLAIN = Layout()


def rows_of(path: Path, layout: Layout = PLAIN) -> Iterator[list[str]]:
    """The rows as Python's csv module reads them, from the header on, without lines that have no cell; `END` is the last."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(chain(file, ["\n", END]), delimiter=layout.delimiter, skipinitialspace=layout.loose)
        try:
            yield from islice(filter(None, reader), layout.titles, None)
        except csv.Error:
            raise Hold(
                "row-too-long",
                f"a cell of the report has more than {MOST_OF_A_ROW} characters: perhaps a quote is never closed",
            ) from None


def layout_of(path: Path, columns: Collection[str] = (), *, needs_rewrite: bool = False) -> Layout:
    """How the file is laid out; `columns`: columns that the report should have. Hold: shifted-cells.

    `needs_rewrite`: a quote stands beside a space somewhere, so that the file is looked through.
    """
    samples = {delimiter: _sample(path, delimiter) for delimiter in _DELIMITERS}
    titles = {delimiter: _titles(rows, columns) for delimiter, rows in samples.items()}
    delimiter = max(
        _DELIMITERS, key=lambda candidate: _believed(samples[candidate][titles[candidate] :], columns, candidate)
    )
    layout = Layout(delimiter=delimiter, titles=titles[delimiter])
    return _loosened(path, layout) if needs_rewrite else layout


def _sample(path: Path, delimiter: str) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            return list(filter(None, csv.reader(islice(file, _LINES), delimiter=delimiter)))
        except csv.Error:
            return []


def _titles(rows: Sequence[Sequence[str]], columns: Collection[str]) -> int:
    """How many rows stand above the header: it is the one that has most of what is expected, or the first of several cells."""
    matches = [_matches(row, columns) for row in rows[:20]]
    if matches and max(matches) > max(1, len(columns) // 2):
        return matches.index(max(matches))
    for place, row in enumerate(rows[:20]):
        cells = [cell for cell in row if cell.strip()]
        if len(cells) > 1:
            has_names = len(set(cells)) == len(cells) and all(map(_LETTER.search, cells))
            return place if place and has_names else 0
    return 0


def _matches(row: Sequence[str], columns: Collection[str]) -> int:
    return len(set(column_names(row)) & set(columns)) if columns else 0


def _believed(rows: Sequence[Sequence[str]], columns: Collection[str], delimiter: str) -> tuple[int, bool, int]:
    """How much speaks for a delimiter. Without known columns the comma is one wherever it divides the header."""
    if not rows:
        return 0, delimiter == ",", 0
    width = len(rows[0])
    steady = sum(len(row) == width for row in rows) >= _SAME * len(rows)
    divides = width > 1 and (steady or delimiter == ",")
    return _matches(rows[0], columns), divides and delimiter == ",", width if divides else 0


def _loosened(path: Path, layout: Layout) -> Layout:
    """With `loose` where cells begin with spaces and a quote; Hold where rows have too many cells read that way too."""
    if not any(_LOOSE.match(cell) for row in rows_of(path, layout) for cell in row):
        return layout
    loose = Layout(delimiter=layout.delimiter, titles=layout.titles, loose=True)
    rows = rows_of(path, loose)
    width = len(next(rows))
    if any(any(row[width:]) for row in rows):
        raise Hold(
            "shifted-cells",
            "quotes in a file of the report do not close where they should, so that cells would be under other headers: have it made again",
        )
    return loose
