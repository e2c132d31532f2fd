"""The application's rate limits: 500 calls an hour and nine in a second, shared by all workers.

DrChrono counts an hour from its top and states nothing in headers. The budget counts any hour, which is never more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from time import monotonic, sleep
from typing import Any

from careloom.core.errors import Later
from careloom.core.log import LOG
from careloom.core.ports import Budget, Lane, Limit
from careloom.systems.drchrono.options import LimitOptions

_AVAILABLE = re.compile(r"available in (\d{1,6}) second")


class RateLimiter:
    """Takes places in the shared budget, and closes it when DrChrono says 429.

    Without a budget there are no limits but the pauses that DrChrono asks for.
    """

    def __init__(
        self, budget: Budget | None, lane: Lane, limits: LimitOptions, *, pause: Callable[[float], None] = sleep
    ) -> None:
        self._budget = budget
        self._lane = lane
        self.hourly = Limit(name="hourly", most=limits.hourly, window=3600.0)
        self.secondly = Limit(name="secondly", most=limits.secondly, window=1.0)
        self._sleep = pause
        self._lock = Lock()
        self._until = 0.0

    @contextmanager
    def place(self) -> Iterator[None]:
        """One call's place in both limits, given back when the block ends. RemoteUnavailable where the hour is full."""
        if self._budget is None:
            self._wait_out_pause()
            yield
            return
        tickets: list[int] = []
        try:
            tickets.append(self._budget.take(self.hourly, self._lane))
            tickets.append(self._budget.take(self.secondly, self._lane))
            yield
        finally:
            for ticket in tickets:
                with _spared():
                    self._budget.give_back(ticket)

    def pause(self, limit: Limit, seconds: float) -> None:
        """No worker asks for so long: DrChrono said 429."""
        if self._budget is not None:
            with _spared():
                self._budget.pause(limit, seconds)
        else:
            with self._lock:
                self._until = max(self._until, monotonic() + seconds)

    def _wait_out_pause(self) -> None:
        with self._lock:
            seconds = self._until - monotonic()
        if seconds > 0:
            self._sleep(seconds)


@contextmanager
def _spared() -> Iterator[None]:
    """A budget that fails after a call was made must not take the call's answer with it."""
    try:
        yield
    except Later as error:
        LOG.warning("the rate budget did not answer", error=type(error).__name__)


def said_wait(body: Mapping[str, Any]) -> float | None:
    """The seconds that the body of a 429 names, one more to be sure; None where it names none."""
    detail = body.get("detail")
    match = _AVAILABLE.search(detail) if isinstance(detail, str) else None
    return int(match[1]) + 1.0 if match else None


def to_the_hour(now: datetime) -> float:
    """Seconds until the next hour begins, where the count starts anew; two more for clocks that differ."""
    return 3600.0 - (now.minute * 60 + now.second) + 2.0
