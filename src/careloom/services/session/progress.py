"""How long work says where it is, and how it is asked to stop."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event
from typing import Protocol


class Progress(Protocol):
    """What shows progress."""

    def step(self, text: str) -> None:
        """A new step begins; `text` names no person."""
        ...

    def advance(self, count: int, total: int | None) -> None:
        """So many records of the step are done; `total` None while it is not known."""
        ...

    def rest(self) -> None:
        """The step is over and none has begun: other things may be shown."""
        ...


@dataclass(frozen=True, slots=True)
class Quiet:
    """Shows nothing."""

    def step(self, text: str) -> None:
        """Nothing."""

    def advance(self, count: int, total: int | None) -> None:
        """Nothing."""

    def rest(self) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Progress, and the wish to stop at the next checkpoint."""

    progress: Progress = field(default_factory=Quiet)
    stop: Event = field(default_factory=Event)
