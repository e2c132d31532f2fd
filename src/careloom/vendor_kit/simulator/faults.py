"""Failures that a simulator is told to show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Failures:
    """What goes wrong next.

    `pending`: statuses that the next calls get instead of an answer, 0 breaks the connection. `denied`: such a status for
    every call whose path holds the text.
    """

    pending: list[int] = field(default_factory=list)
    denied: dict[str, int] = field(default_factory=dict)

    def next(self, path: str) -> int | None:
        """What the call of `path` gets instead of an answer; None: its answer."""
        if self.pending:
            return self.pending.pop(0)
        return next((status for text, status in self.denied.items() if text in path), None)

    def add(self, statuses: Iterable[int]) -> None:
        """Let the next calls fail so."""
        self.pending.extend(statuses)

    def clear(self) -> None:
        """Fail no more."""
        self.pending.clear()
        self.denied.clear()
