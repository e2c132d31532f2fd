"""A portal's rate budget, kept in PostgreSQL so that every worker on every machine draws from the same one.

The rule: a request counts from the moment it is taken until one window after its answer. The portal counts it somewhere in
between, so whatever the network does, no window at the portal ever holds more than the limit.

A worker that finds no place leaves a mark and sleeps until the moment when, by its rank among those who wait, one becomes free
for it. No one polls, and a freed place wakes one waiter.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from careloom.core.errors import Later, RemoteUnavailable
from careloom.core.ports import Lane, Limit
from careloom.store.statements import statements

LANES: dict[Lane, int] = {"event": 0, "schedule": 1, "backfill": 2}
RESERVE = 0.02
"""The share of a limit, at least one place, that only events may take."""
IN_FLIGHT = 60.0
"""Seconds after which the worker of an unanswered request counts as dead."""
RECHECK = 5.0
"""No one sleeps longer than this before looking again: the portal may have raised a limit."""
GRACE = 1.0
"""Seconds by which a waiter may oversleep before others pass it."""
BREATH = 0.0005
"""The shortest sleep, in seconds."""


class PostgresBudget:
    """The budget of the portal `system`; implements `core.ports.Budget`. Safe to share among threads."""

    def __init__(self, pool: ConnectionPool, system: str) -> None:
        self._pool = pool
        self._system = system
        self._sql = statements("budget")
        self._taken: dict[int, Limit] = {}
        self._told: dict[str, int] = {}

    def take(self, limit: Limit, lane: Lane, timeout: float = 60.0) -> int:
        """Wait for one request's place; returns a ticket. RemoteUnavailable, with `after`, if it would take too long."""
        deadline = time.monotonic() + timeout
        mark: int | None = None
        while True:
            ticket, mark, wait = self._ask(limit, lane, mark)
            if ticket is not None:
                self._taken[ticket] = limit
                return ticket
            if wait > deadline - time.monotonic():
                self._run("withdraw", [mark])
                raise RemoteUnavailable(
                    f"No request may go to {self._system} for {wait:.0f} s (limit {limit.name}: {limit.most} in "
                    f"{limit.window:g} s); run again then",
                    after=wait,
                )
            time.sleep(min(max(wait, BREATH), RECHECK))

    def give_back(self, ticket: int) -> None:
        """The request of `ticket` was answered: its place counts for one window from now."""
        limit = self._taken.pop(ticket, None)
        if limit is not None:
            self._run("give_back", [self._system, limit.name, limit.window, ticket])

    def pause(self, limit: Limit, seconds: float) -> None:
        """No one takes a place of this limit for so long."""
        self._run("pause", [self._system, limit.name, seconds])

    def learn(self, name: str, ceiling: int | None, remaining: int | None, resets_at: datetime | None) -> None:
        """Keep what the portal's headers say. Told the same again, nothing is written."""
        stop = resets_at if remaining is not None and remaining <= 0 else None
        news = ceiling is not None and self._told.get(name) != ceiling
        if not news and stop is None:
            return
        self._run("learn", [self._system, name, ceiling, stop])
        if ceiling is not None:
            self._told[name] = ceiling

    def known(self, name: str) -> int | None:
        """The `most` that the portal last stated for the limit called `name`, to whichever worker."""
        row = self._run("known", [self._system, name])
        return row[0] if row else None

    def _ask(self, limit: Limit, lane: Lane, mark: int | None) -> tuple[int | None, int | None, float]:
        """Either a ticket, or the mark under which we wait and the seconds until it is worth asking again."""
        values = [self._system, limit.name, limit.most, limit.window, LANES[lane], mark]
        row = self._run("take", [*values, RESERVE, IN_FLIGHT, RECHECK, GRACE])
        if row is None:
            raise AssertionError("a function returns one row")
        ticket, mark, wait = row
        return ticket, mark, wait or 0.0

    def _run(self, name: str, values: Sequence[object]) -> tuple[Any, ...] | None:
        with self._connection() as connection:
            cursor = connection.execute(self._sql[name], values)
            return cursor.fetchone() if cursor.description else None

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        """A connection on which each statement is its own transaction: the limit's lock is held for one statement only."""
        try:
            with self._pool.connection() as connection:
                connection.autocommit = True
                try:
                    yield connection
                finally:
                    if not connection.closed:
                        connection.autocommit = False
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise Later(
                f"the database did not answer ({type(error).__name__}) when asked for a place in the budget of "
                f"{self._system}; check that it runs, then run again"
            ) from error
