"""Whether an event could be kept now, found out by keeping one and taking it back; and whether what was kept is worked at."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row
from psycopg_pool import PoolTimeout

from careloom.core.errors import Fix
from careloom.store.database import Store
from careloom.store.inbox import Arrival, put_in
from careloom.store.migrations import pending_in
from careloom.store.statements import statements

PATIENCE = 3.0
"""Seconds for a connection, and for each statement."""
SOURCE = "readiness"
"""A system of its own, so that no real event waits for the one that is taken back."""
FAILURES = 3
"""A job that failed so many times in a row is failing."""
BODY = 1900
"""Bytes of the event that is tried: a fourth of a page, so that a full disk shows by the fourth at the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How the work stands. `late`: seconds for which the oldest event has been due. `stopped`: events that wait for a person."""

    late: float
    stopped: int
    failing: int


def lack_for_events(store: Store, size: int = BODY) -> str:
    """What is lacking to keep an event with a body of `size` bytes: database, migrations, disk or writes; "" if nothing is."""
    arrival = Arrival(
        source=SOURCE,
        event_id=f"readiness:{secrets.token_hex(16)}",
        event="readiness",
        body=secrets.token_bytes(size),
    )
    try:
        with store.pool.connection(timeout=PATIENCE) as connection, connection.transaction(force_rollback=True):
            connection.execute(_SQL["patience"], {"milliseconds": str(int(PATIENCE * 1000))})
            if pending_in(connection):
                return "migrations"
            put_in(connection, [arrival])
    except Fix:
        return "migrations"
    except psycopg.errors.DiskFull:
        return "disk"
    except (PoolTimeout, psycopg.OperationalError):
        return "database"
    except psycopg.Error:
        return "writes"
    return ""


def work_of(store: Store) -> Work | None:
    """How the work stands; None if the database does not answer."""
    try:
        with store.pool.connection(timeout=PATIENCE) as connection:
            connection.execute(_SQL["patience"], {"milliseconds": str(int(PATIENCE * 1000))})
            with connection.cursor(row_factory=class_row(Work)) as cursor:
                return cursor.execute(_SQL["work"], {"failures": FAILURES}).fetchone()
    except (PoolTimeout, psycopg.OperationalError):
        return None


_SQL = statements("readiness")
