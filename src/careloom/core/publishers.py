"""The words for what is told to others: change events, and the places that take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from careloom.core.ports import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEvent:
    """A row of a landing table changed. Ids only, never a person's values. `operation`: INSERT, UPDATE or DELETE."""

    id: int
    table: str
    operation: str
    record_id: str
    vendor_id: str
    vendor_key: str
    """The name under which `vendor_id` travels: the landing table's key column."""
    timestamp: datetime


class Publisher(Protocol):
    """A place that change events are told to, at least once, in order for each record."""

    def publish(self, events: Sequence[ChangeEvent]) -> Sequence[int]:
        """Tell these, in order; returns the ids that were acknowledged. Later if the place does not answer at all."""
        ...

    def check(self) -> Sequence[Finding]:
        """Whether the place could be told, without telling it anything; an error is the fault."""
        ...

    def close(self) -> None:
        """Flush and give back connections; harmless when called twice."""
        ...
