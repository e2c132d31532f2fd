"""One build of a project's models at a time, on any machine: the lock is the building process's own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from careloom.store.database import OPTIONS
from careloom.store.statements import statements

_LOOK = 0.2
_NAME = 63
"""Letters of a session's name in PostgreSQL."""


def session_of(project: str) -> str:
    """The name under which the sessions of a build are known to the server."""
    return f"careloom models {project}"[:_NAME]


@contextmanager
def building(url: str, project: str, patience: float) -> Iterator[bool]:
    """Whether no one else builds the models of `project` (nor will while this lasts), after `patience` seconds at most.

    The sessions that a build left behind when it was killed are gone by then: what they were at would meet ours.
    """
    with psycopg.connect(url, autocommit=True, options=OPTIONS) as connection:
        until = time.monotonic() + patience
        while not (has_lock := _asked(connection, "lock", project=project)) and time.monotonic() < until:
            time.sleep(_LOOK)
        while has_lock and _asked(connection, "end_former", session=session_of(project)):
            time.sleep(_LOOK)
        yield bool(has_lock)


def _asked(connection: psycopg.Connection, statement: str, **values: str) -> int:
    row = connection.execute(_SQL[statement], values).fetchone()
    return int(row[0]) if row else 0


_SQL = statements("models_lock")
