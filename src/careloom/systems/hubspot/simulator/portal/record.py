"""One record of the portal."""

from __future__ import annotations

from collections.abc import Mapping

from careloom.systems.hubspot.simulator.responses import Json


class Record:
    """One record. `seen_ms` is when the search index first has it; `values` are in stored text form."""

    __slots__ = (
        "archived_at",
        "created_at",
        "created_ms",
        "id",
        "number",
        "past",
        "seen_ms",
        "updated_at",
        "updated_ms",
        "values",
    )

    def __init__(self, number: int, values: dict[str, str], now_ms: int, now: str) -> None:
        self.number = number
        self.id = str(number)
        self.values = values
        self.created_at = self.updated_at = now
        self.created_ms = self.updated_ms = self.seen_ms = now_ms
        self.archived_at: str | None = None
        # property -> its former values with the moment at which each came, the oldest first
        self.past: dict[str, list[tuple[str, str]]] = {}

    def keep(self, changes: Mapping[str, str]) -> None:
        """Put the values that are about to change into the history."""
        for name, value in changes.items():
            old_value = self.values.get(name, "")
            if value != old_value and (old_value or name in self.past):
                versions = self.past.setdefault(name, [])
                versions.append((old_value, self.updated_at))

    def payload(self, properties: Mapping[str, str | None]) -> Json:
        """The record as the API answers it, with these properties."""
        body: Json = {
            "id": self.id,
            "properties": properties,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "archived": self.archived_at is not None,
        }
        if self.archived_at is not None:
            body["archivedAt"] = self.archived_at
        return body
