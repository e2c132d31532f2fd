"""A report's rows as CollaborateMD hands them over: CSV with its oddities, in a ZIP that is the same whenever it is made."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from careloom.systems.collaboratemd.simulator.books import Books
from careloom.systems.collaboratemd.simulator.layouts import Kind, Layout
from careloom.systems.collaboratemd.simulator.tables import Row, Value, rows_of

_STAMP = (2024, 1, 1, 0, 0, 0)
_REPEATED, _CUT, _TRAILING = 0.01, 0.3, 0.03


def report_rows(layout: Layout, books: Books, *, quirks: bool) -> list[Row]:
    """The rows of a report, some of them twice where it has quirks."""
    rows = rows_of(layout.name, books)
    if not quirks:
        return rows
    rng = random.Random(f"{books.account}-{layout.name}")  # noqa: S311 - oddities, not secrets
    return [
        row for source_row in rows for row in ([source_row, source_row] if rng.random() < _REPEATED else [source_row])
    ]


def report_csv(layout: Layout, rows: Sequence[Row], *, encoding: str, quirks: bool) -> bytes:
    """One CSV file. With quirks, rows lack empty cells at their end, or have some too many."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([head for head, _ in layout.columns])
    kinds = [kind for _, kind in layout.columns]
    for row in rows:
        # Of the row alone, so that a row that comes twice is written alike.
        rng = random.Random(repr(row))  # noqa: S311 - oddities, not secrets
        cells = [cell(value, kind, rng) for value, kind in zip(row, kinds, strict=True)]
        writer.writerow(_ragged_cells(cells, rng) if quirks else cells)
    return text.getvalue().encode(encoding)


def cell(value: Value, kind: Kind, rng: random.Random) -> str:
    """A value as the report writes it; nothing is an empty cell."""
    if value is None:
        return ""
    if kind == "money" and isinstance(value, int):
        return _money(value, plain=rng.random() < 0.2)  # noqa: PLR2004
    return f"{value:%m/%d/%Y}" if isinstance(value, date) else str(value)


def _money(cents: int, *, plain: bool) -> str:
    """`$1,234.50`; below zero `(12.00)`; now and then without the sign."""
    text = f"{abs(cents) // 100:,}.{abs(cents) % 100:02d}"
    if cents < 0:
        return f"({text})"
    return text if plain else f"${text}"


def _ragged_cells(cells: list[str], rng: random.Random) -> list[str]:
    chance = rng.random()
    if chance < _CUT:
        length_ = next((length for length in range(len(cells), 0, -1) if cells[length - 1]), 1)
        return cells[:length_]
    return [*cells, "", ""] if chance > 1 - _TRAILING else cells


def zip_archive(members: Iterable[tuple[str, bytes]]) -> bytes:
    """A ZIP of these files, the same bytes whenever it is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, _STAMP), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def split(rows: Sequence[Row], parts: int) -> list[Sequence[Row]]:
    """The rows in so many runs, of which the last may be shorter; at least one, which may be empty."""
    size = max(1, -(-len(rows) // max(1, parts)))
    return [rows[start : start + size] for start in range(0, max(1, len(rows)), size)]


def totals(layout: Layout, rows: Sequence[Row]) -> dict[str, Any]:
    """What a reader must find: rows, rows that differ, and the cents of each money column, of all and of those that differ."""
    distinct = [list(cells) for cells in dict.fromkeys(tuple(row) for row in rows)]
    return {
        "rows": len(rows),
        "distinct_rows": len(distinct),
        "totals": _cents(layout, rows),
        "distinct_totals": _cents(layout, distinct),
    }


def _cents(layout: Layout, rows: Sequence[Row]) -> dict[str, int]:
    money = [(index, head) for index, (head, kind) in enumerate(layout.columns) if kind == "money"]
    sums: dict[str, int] = {}
    for index, head in money:
        values = (row[index] for row in rows)
        sums[head] = sum(value for value in values if isinstance(value, int))
    return sums
