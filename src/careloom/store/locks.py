"""One at a time, on any machine: a lock that lasts as long as its holder's connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from careloom.core.errors import Later
from careloom.store.database import OPTIONS, Store


@contextmanager
def advisory_lock(store: Store, kind: str, name: str, *, patience: float = 0.0) -> Iterator[bool]:
    """Whether no one else is at `kind` of `name` (and no one will be while this lasts), after `patience` seconds at most.

    The lock has a connection of its own, so that those who wait never take the pool from the one who works. It is the
    session's: if the holder dies, however it dies, the next one has it at once.
    """
    with own_connection(store) as connection:
        has_lock = _taken(connection, f"careloom {kind}", name, patience)
        try:
            yield has_lock
        finally:
            if has_lock:
                # The server notices a closed connection only a moment later; the next one must not find the lock taken.
                with suppress(psycopg.OperationalError):
                    connection.execute("select pg_advisory_unlock_all()")


def _taken(connection: psycopg.Connection, kind: str, name: str, patience: float) -> bool:
    if patience <= 0:
        row = connection.execute("select pg_try_advisory_lock(hashtext(%s), hashtext(%s))", (kind, name)).fetchone()
        return bool(row and row[0])
    try:
        connection.execute("select set_config('lock_timeout', %s, false)", (f"{patience * 1000:.0f}ms",))
        connection.execute("select pg_advisory_lock(hashtext(%s), hashtext(%s))", (kind, name))
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def own_connection(store: Store) -> psycopg.Connection:
    """A connection beside the pool, in autocommit; what it locks is free once it is closed, however that comes about."""
    try:
        return psycopg.connect(store.url, autocommit=True, options=OPTIONS)
    except psycopg.OperationalError as error:
        raise Later(f"the database did not answer ({type(error).__name__}); check that it runs") from error
