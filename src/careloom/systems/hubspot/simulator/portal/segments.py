"""The portal's lists of records, as they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from careloom.systems.hubspot.simulator.responses import Json

MANUAL, DYNAMIC, SNAPSHOT = "MANUAL", "DYNAMIC", "SNAPSHOT"
PROCESSING_TYPES = (MANUAL, DYNAMIC, SNAPSHOT)


@dataclass(slots=True, kw_only=True)
class Segment:
    """One list. `members` maps record ids to when they joined first and last, in the order in which they joined."""

    id: str
    name: str
    object_type: str
    processing: str
    branch: Json | None
    created_at: str
    updated_at: str
    filters_updated_at: str
    version: int = 1
    deleted_at: str = ""
    members: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Segments:
    """The portal's lists by id, deleted ones among them: they can be restored."""

    by_id: dict[str, Segment] = field(default_factory=dict)
    next_number: int = 1

    def add(self, segment: Segment) -> None:
        """Keep a list."""
        self.by_id[segment.id] = segment
        self.next_number += 1

    def live(self) -> Iterator[Segment]:
        """The lists that are not deleted."""
        return (segment for segment in self.by_id.values() if not segment.deleted_at)

    def find(self, object_type: str, name: str) -> Segment | None:
        """The list of this name; names count without regard to upper and lower case."""
        folded_name = name.casefold()
        return next(
            (
                segment
                for segment in self.live()
                if (segment.object_type, segment.name.casefold()) == (object_type, folded_name)
            ),
            None,
        )
