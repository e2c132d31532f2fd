"""How long a call is tried for, how long is waited in between, and when nobody asks any more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from random import SystemRandom
from threading import Lock

from careloom.core.errors import RemoteUnavailable

_RANDOM = SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long a call is tried for. Waits and timeouts in seconds.

    `longest_backoff` ends the doubling; `longest_wait` is the longest wait inside a run that a vendor may ask for. After
    `failures_in_a_row` nobody asks for `rest` seconds; 0: never so.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_backoff: float = 20.0
    longest_wait: float = 60.0
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    failures_in_a_row: int = 0
    rest: float = 30.0

    def ceiling(self, failures: int) -> float:
        """The longest that is waited after so many failures (1 and more): it doubles."""
        return min(self.longest_backoff, self.first_wait * 2.0 ** (failures - 1))

    def backoff(self, failures: int) -> float:
        """Full jitter: anything up to the ceiling, so that threads do not come back together."""
        return _RANDOM.uniform(0, self.ceiling(failures))


class CircuitBreaker:
    """Counts failures in a row over all threads of one client.

    Once `threshold` is reached, `enter` raises RemoteUnavailable for `rest` seconds; then one caller may try, and its
    success lets everyone in again. `name` is the vendor's; a threshold of 0 lets everyone in always.
    """

    def __init__(self, clock: Callable[[], float], *, name: str, threshold: int, rest_seconds: float) -> None:
        self._clock = clock
        self._name = name
        self._threshold = threshold
        self._rest = rest_seconds
        self._lock = Lock()
        self._failures = 0
        self._until = 0.0

    def enter(self) -> None:
        """Let the caller pass, or raise RemoteUnavailable."""
        with self._lock:
            if not self._threshold or self._failures < self._threshold:
                return
            now = self._clock()
            if now < self._until:
                raise RemoteUnavailable(
                    f"{self._name} does not answer: stopped asking for a while", after=self._until - now
                )
            self._until = now + self._rest

    def succeeded(self) -> None:
        """The other side answered: whatever was counted is forgotten."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """The other side did not answer, or answered that it is broken."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._threshold:
                self._until = self._clock() + self._rest


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The seconds that a Retry-After names, as a number or, where `now` is given, as a date; None where it names none."""
    text = headers.get("retry-after", "")
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    if now is None:
        return None
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return None
