"""The portal's imports, as they are kept: files of rows that become records, some time after they were taken in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from careloom.systems.hubspot.simulator.responses import Json
from careloom.systems.hubspot.simulator.settings import MOST_IMPORTS_AT_ONCE

DATE_FORMATS: Mapping[str, tuple[str, ...]] = {
    "MONTH_DAY_YEAR": ("%m/%d/%Y", "%m-%d-%Y"),
    "DAY_MONTH_YEAR": ("%d/%m/%Y", "%d-%m-%Y"),
    "YEAR_MONTH_DAY": ("%Y/%m/%d", "%Y-%m-%d"),
}
OPERATIONS = frozenset({"CREATE", "UPDATE", "UPSERT"})
OPEN = frozenset({"STARTED", "PROCESSING", "DEFERRED"})


class Column(NamedTuple):
    """What one column of a file holds: a property of an object, or (without a property) nothing that is imported."""

    object_type: str
    property: str
    type: str


class Sheet(NamedTuple):
    """One file: its columns and its rows, each with its line number."""

    file_id: int
    columns: Sequence[Column]
    rows: Sequence[tuple[int, list[str]]]


@dataclass(slots=True, kw_only=True)
class Import:
    """One import. `owner` is the token that asked for it: no one else sees it. `begun_ms` is 0 while it waits."""

    id: str
    owner: str
    request: Json
    sheets: Sequence[Sheet]
    created_at: str
    updated_at: str
    state: str = "STARTED"
    begun_ms: int = 0
    counters: Counter[str] = field(default_factory=Counter)
    errors: list[Json] = field(default_factory=list)
    lists: list[Json] = field(default_factory=list)
    record_ids: dict[str, list[str]] = field(default_factory=dict)

    def object_types(self) -> list[str]:
        """The objects that its columns name, in their order."""
        columns = [column for sheet in self.sheets for column in sheet.columns if column.property]
        return list(dict.fromkeys(column.object_type for column in columns))


@dataclass(slots=True, kw_only=True)
class Imports:
    """The portal's imports by id."""

    by_id: dict[str, Import] = field(default_factory=dict)
    next_number: int = 1

    def running(self) -> int:
        """How many are under way."""
        return sum(import_.state in {"STARTED", "PROCESSING"} for import_ in self.by_id.values())

    def add(self, new: Import, now_ms: int) -> None:
        """Take an import in: it begins at once, or waits while three others run."""
        running = self.running()
        self.by_id[new.id] = new
        self.next_number += 1
        if running >= MOST_IMPORTS_AT_ONCE:
            new.state = "DEFERRED"
        else:
            new.begun_ms = now_ms
