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
    dice = random.Random(f"{books.account}-{layout.name}")  # noqa: S311 - oddities, not secrets
    return [row for one in rows for row in ([one, one] if dice.random() < _REPEATED else [one])]


def report_csv(layout: Layout, rows: Sequence[Row], *, encoding: str, quirks: bool) -> bytes:
    """One CSV file. With quirks, rows lack empty cells at their end, or have some too many."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([head for head, _ in layout.columns])
    kinds = [kind for _, kind in layout.columns]
    for row in rows:
        # Of the row alone, so that a row that comes twice is written alike.
        dice = random.Random(repr(row))  # noqa: S311 - oddities, not secrets
        cells = [cell(value, kind, dice) for value, kind in zip(row, kinds, strict=True)]
        writer.writerow(_ragged(cells, dice) if quirks else cells)
    return text.getvalue().encode(encoding)


def cell(value: Value, kind: Kind, dice: random.Random) -> str:
    """A value as the report writes it; nothing is an empty cell."""
    if value is None:
        return ""
    if kind == "money" and isinstance(value, int):
        return _money(value, plain=dice.random() < 0.2)  # noqa: PLR2004
    return f"{value:%m/%d/%Y}" if isinstance(value, date) else str(value)


def _money(cents: int, *, plain: bool) -> str:
    """`$1,234.50`; below zero `(12.00)`; now and then without the sign."""
    shown = f"{abs(cents) // 100:,}.{abs(cents) % 100:02d}"
    if cents < 0:
        return f"({shown})"
    return shown if plain else f"${shown}"


def _ragged(cells: list[str], dice: random.Random) -> list[str]:
    chance = dice.random()
    if chance < _CUT:
        filled = next((at for at in range(len(cells), 0, -1) if cells[at - 1]), 1)
        return cells[:filled]
    return [*cells, "", ""] if chance > 1 - _TRAILING else cells


def packed(members: Iterable[tuple[str, bytes]]) -> bytes:
    """A ZIP of these files, the same bytes whenever it is made."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, _STAMP), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def split(rows: Sequence[Row], parts: int) -> list[Sequence[Row]]:
    """The rows in so many runs, of which the last may be shorter; at least one, which may be empty."""
    size = max(1, -(-len(rows) // max(1, parts)))
    return [rows[start : start + size] for start in range(0, max(1, len(rows)), size)]


def totals(layout: Layout, rows: Sequence[Row]) -> dict[str, Any]:
    """What a reader must find: rows, rows that differ, and the cents of each money column, of all and of those that differ."""
    distinct = [list(one) for one in dict.fromkeys(tuple(row) for row in rows)]
    return {
        "rows": len(rows),
        "distinct_rows": len(distinct),
        "totals": _cents(layout, rows),
        "distinct_totals": _cents(layout, distinct),
    }


def _cents(layout: Layout, rows: Sequence[Row]) -> dict[str, int]:
    money = [(at, head) for at, (head, kind) in enumerate(layout.columns) if kind == "money"]
    found: dict[str, int] = {}
    for at, head in money:
        values = (row[at] for row in rows)
        found[head] = sum(value for value in values if isinstance(value, int))
    return found
