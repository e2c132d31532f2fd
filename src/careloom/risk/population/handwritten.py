"""Small tables that a person writes by hand, as CSV: every mistake is told with its line, its column and what to write."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from careloom.core.errors import Fix
from careloom.risk.population.input_tables import NO, YES

_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
"""So neither nan nor infinity, and sums of them stay exact."""

_LONGEST = 1000
"""Characters of a cell: one open quotation mark makes one cell of the rest of the file."""


class Row:
    """One line of the table. What it says of a cell names file, line and column, and never what is in the cell."""

    def __init__(self, place: str, cells: dict[str, str]) -> None:
        self.place = place
        self._cells = cells

    def text(self, column: str) -> str:
        """What is in the cell, without spaces around it; empty where there is no such column."""
        return self._cells.get(column, "")

    def wrong(self, column: str, write: str) -> Fix:
        """What to raise if the cell cannot be taken; `write` says what to write there."""
        return Fix(f"{self.place}: {column} is wrong; write {write}")

    def number(self, column: str, write: str, *, minimum: str = "-1000000", maximum: str = "1000000") -> Decimal | None:
        """The cell as an exact number between `minimum` and `maximum`; None if it is empty.

        Raises:
            Fix: it is no such number.

        """
        text = self.text(column)
        if not text:
            return None
        if not _NUMBER.fullmatch(text) or not Decimal(minimum) <= Decimal(text) <= Decimal(maximum):
            raise self.wrong(column, write)
        return Decimal(text)

    def whole(self, column: str, minimum: int, maximum: int) -> int:
        """The cell as a whole number.

        Raises:
            Fix: it is empty, or none between `minimum` and `maximum`.

        """
        write = f"a whole number from {minimum} to {maximum}"
        number = self.number(column, write, minimum=str(minimum), maximum=str(maximum))
        if number is None or number != int(number):
            raise self.wrong(column, write)
        return int(number)

    def truth(self, column: str) -> bool:
        """The cell as yes or no.

        Raises:
            Fix: it is empty, or neither.

        """
        text = self.text(column).lower()
        if text not in (*YES, *NO):
            raise self.wrong(column, "yes or no")
        return text in YES


def rows(path: Path, required_columns: Sequence[str], other_columns: Sequence[str] | None = None) -> Iterator[Row]:
    """The lines of a CSV file whose columns are `required_columns` and any of `other_columns`; with `other_columns` None any others.

    Raises:
        Fix: it cannot be read, a column is missing or unknown, or a line has more cells than the header.

    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            header = [name.strip().lower() for name in next(lines, [])]
            _check(path, header, required_columns, other_columns)
            for cells in lines:
                if not any(cell.strip() for cell in cells):
                    continue
                place = f"{path}, line {lines.line_num}"
                if max(map(len, cells)) > _LONGEST:
                    raise Fix(f"{place}: a cell is longer than {_LONGEST} characters; is a quotation mark left open?")
                if len(cells) > len(header):
                    raise Fix(f"{place}: it has more cells than the header; write one for each of {', '.join(header)}")
                yield Row(place, {name: cell.strip() for name, cell in zip(header, cells, strict=False)})
    except (OSError, UnicodeDecodeError, csv.Error):
        raise Fix(f"{path} cannot be read: give a CSV file that exists, in UTF-8, with commas") from None


def _check(
    path: Path, header: Sequence[str], required_columns: Sequence[str], other_columns: Sequence[str] | None
) -> None:
    for name in required_columns:
        if name not in header:
            raise Fix(f"{path}, line 1: there is no column {name!r}; write a header with {', '.join(required_columns)}")
    known_columns = header if other_columns is None else [*required_columns, *other_columns]
    for place, name in enumerate(header):
        if name not in known_columns:
            raise Fix(f"{path}, line 1: the column {name!r} is unknown; known are {', '.join(known_columns)}")
        if name in known_columns and name in header[:place]:
            raise Fix(f"{path}, line 1: the column {name!r} is there twice; leave one out")
