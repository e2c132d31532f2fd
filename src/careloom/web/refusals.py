"""Who is refused again and again is told to wait, and learns no more from the answers.

Only refused requests are counted and answered so: one that is signed is taken, since a stranger may share an address (a proxy,
a NAT) with the vendor, and must not be able to keep its events out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

REFUSALS, WINDOW, KNOWN = 30, 60.0, 10_000


@dataclass(slots=True)
class Refusals:
    """Refusals by client, counted by the minute. Only so many clients are remembered: the oldest are forgotten."""

    clock: Callable[[], float] = monotonic
    _counts: OrderedDict[str, tuple[float, int]] = field(default_factory=OrderedDict)

    def wait(self, client: str) -> int:
        """Seconds that `client` must wait; 0 if it may continue."""
        began, count = self._counts.get(client, (0.0, 0))
        seconds = began + WINDOW - self.clock()
        return int(seconds) + 1 if count >= REFUSALS and seconds > 0 else 0

    def note(self, client: str) -> None:
        """`client` was refused."""
        now = self.clock()
        began, count = self._counts.pop(client, (now, 0))
        self._counts[client] = (now, 1) if now - began > WINDOW else (began, count + 1)
        if len(self._counts) > KNOWN:
            self._counts.popitem(last=False)
