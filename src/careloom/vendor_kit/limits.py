"""Rate limits: places in the budget that all workers share, and the pauses that a vendor asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from time import monotonic, sleep

from careloom.core.errors import Later, RemoteUnavailable
from careloom.core.log import LOG
from careloom.core.ports import Budget, Lane, Limit

_LONGEST_WAIT = 60.0
"""As long as a budget's `take` waits."""


class RateLimiter:
    """Takes a place in each window that a call counts in, and closes a window when the vendor says 429.

    The state is the budget's, which all workers share. Without a budget there are no limits but the vendor's own pauses.
    """

    def __init__(
        self,
        budget: Budget | None = None,
        lane: Lane = "schedule",
        *,
        pause: Callable[[float], None] = sleep,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._budget = budget
        self._lane = lane
        self._sleep = pause
        self._clock = clock
        self._lock = Lock()
        self._paused: dict[str, float] = {}

    @contextmanager
    def place(self, limits: Sequence[Limit]) -> Iterator[None]:
        """One call's place in each of `limits`, in their order; given back when the block ends.

        RemoteUnavailable where one is full for longer than a call waits; then nothing is taken.
        """
        if self._budget is None:
            self._wait_out_pauses(limits)
            yield
            return
        tickets: list[int] = []
        try:
            for limit in limits:
                tickets.append(self._budget.take(limit, self._lane))  # noqa: PERF401 (what was taken is given back)
            yield
        finally:
            for ticket in tickets:
                with spared():
                    self._budget.give_back(ticket)

    def pause(self, limit: Limit, seconds: float) -> None:
        """No worker takes a place in `limit` for so long: the vendor said 429."""
        if self._budget is not None:
            with spared():
                self._budget.pause(limit, seconds)
            return
        with self._lock:
            self._paused[limit.name] = max(self._paused.get(limit.name, 0.0), self._clock() + seconds)

    def learn(self, name: str, most: int | None, remaining: int | None, resets_at: datetime | None) -> None:
        """Pass on what a vendor's headers state of the limit called `name`."""
        if self._budget is not None:
            with spared():
                self._budget.learn(name, most, remaining, resets_at)

    def known(self, name: str) -> int | None:
        """What the vendor last stated for the limit called `name`, to any worker."""
        return self._budget.known(name) if self._budget is not None else None

    def _wait_out_pauses(self, limits: Sequence[Limit]) -> None:
        with self._lock:
            seconds = max((self._paused.get(limit.name, 0.0) for limit in limits), default=0.0) - self._clock()
        if seconds > _LONGEST_WAIT:
            raise RemoteUnavailable(f"the rate limit is used up for {seconds:.0f} s", after=seconds)
        if seconds > 0:
            self._sleep(seconds)


@contextmanager
def spared() -> Iterator[None]:
    """A budget that fails after a call was made must not take the call's answer with it."""
    try:
        yield
    except Later as error:
        LOG.warning("rate_budget.unavailable", message="the rate budget did not answer", error=type(error).__name__)
