"""Stops hammering a portal that is down: after so many failures in a row, nobody asks until it has had a rest."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from careloom.core.errors import RemoteUnavailable


class CircuitBreaker:
    """Counts failures in a row over all threads of one client.

    Once `threshold` is reached, `enter` raises RemoteUnavailable for `rest` seconds; then one caller may try, and its
    success lets everyone in again.
    """

    def __init__(self, clock: Callable[[], float], *, threshold: int, rest_seconds: float) -> None:
        self._clock = clock
        self._threshold = threshold
        self._rest = rest_seconds
        self._lock = Lock()
        self._failures = 0
        self._until = 0.0

    def enter(self) -> None:
        """Let the caller pass, or raise RemoteUnavailable."""
        with self._lock:
            if self._failures < self._threshold:
                return
            now = self._clock()
            if now < self._until:
                raise RemoteUnavailable("HubSpot does not answer: stopped asking for a while", after=self._until - now)
            self._until = now + self._rest

    def succeeded(self) -> None:
        """The portal answered: whatever was counted is forgotten."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """The portal did not answer, or answered that it is broken."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._threshold:
                self._until = self._clock() + self._rest
