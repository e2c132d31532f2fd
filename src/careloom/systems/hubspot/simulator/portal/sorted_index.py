"""Records in the order of one property, repaired for what changed instead of sorted again at every search."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection
from typing import Any

from careloom.systems.hubspot.simulator.portal.definitions import Kind
from careloom.systems.hubspot.simulator.portal.record import Record
from careloom.systems.hubspot.simulator.portal.values import instant_ms

# (key, record number, record): the number breaks ties, so that records themselves are never compared.
Entry = tuple[Any, int, Record]

_FEW = 64


def comparable(kind: Kind, name: str, value: str) -> float | int | str:
    """A stored or asked value in the form in which it is compared; ValueError where it cannot be."""
    definition = kind.properties.get(name)
    type_ = definition.type if definition is not None else "string"
    if type_ in {"date", "datetime"}:
        return instant_ms(value)
    if type_ == "number":
        return int(value) if value.lstrip("-").isdigit() else float(value)
    return value if type_ == "enumeration" else value.lower()


def sort_key(kind: Kind, name: str, record: Record) -> float | int | str | None:
    """What a record is sorted by; None if it has no value."""
    if name == kind.modified_property:
        return record.updated_ms
    if name == kind.created_property:
        return record.created_ms
    if name == "hs_object_id":
        return record.number
    value = record.values.get(name)
    return comparable(kind, name, value) if value else None


class SortedIndex:
    """Live records that have the property, ascending. `dirty` maps record numbers to the record, or None once gone."""

    def __init__(self, kind: Kind, name: str) -> None:
        self.kind = kind
        self.name = name
        self.entries: list[Entry] = []
        self.keys: dict[int, Any] = {}
        self.dirty: dict[int, Record | None] = {}

    def rebuild(self, records: Collection[Record]) -> None:
        """Sort everything."""
        kind, name = self.kind, self.name
        self.entries = sorted(
            (key, record.number, record) for record in records if (key := sort_key(kind, name, record)) is not None
        )
        self.keys = {number: key for key, number, _record in self.entries}
        self.dirty.clear()

    def settle(self, records: Collection[Record]) -> None:
        """Take in what changed since the last time: one by one where little did."""
        if len(self.dirty) > max(_FEW, len(self.entries) // 20):
            self.rebuild(records)
            return
        for number, record in self.dirty.items():
            old = self.keys.pop(number, None)
            if old is not None:
                del self.entries[bisect_left(self.entries, (old, number))]
            key = sort_key(self.kind, self.name, record) if record is not None else None
            if record is not None and key is not None:
                insort(self.entries, (key, number, record))
                self.keys[number] = key
        self.dirty.clear()

    def place(self, key: Any) -> int:
        """Where the first entry at or above `key` stands."""
        return bisect_left(self.entries, (key,))
