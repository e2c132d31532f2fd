"""Records that could not be landed, kept with their bytes and their reason until they land or are offered again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from careloom.store.database import Store
from careloom.store.statements import statements


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLanding:
    """A record that waits. `body` is the record as it came; `message` names a column, never a value."""

    stream: str
    key: str
    code: str
    column: str | None = None
    message: str = ""
    body: bytes = field(default=b"", repr=False)
    first_seen: datetime | None = None
    attempts: int = 1


DriftKey = tuple[str, str, str]
"""A column, the code of what its values are not, and the kind of value that they are: object, list, text, number, boolean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Values of a column came that are not of its type, in so many `records`, which landed without them."""

    stream: str
    column: str
    code: str
    kind: str
    first_seen: datetime
    records: int


def note_drift(connection: psycopg.Connection, stream: str, drifts: Mapping[DriftKey, int]) -> Sequence[DriftKey]:
    """Count what drifted; what never did before."""
    fresh: list[DriftKey] = []
    for (column, code, kind), records in sorted(drifts.items()):
        values = {"stream": stream, "column": column, "code": code, "kind": kind, "records": records}
        row = connection.execute(_SQL["note_drift"], values).fetchone()
        if row and row[0]:
            fresh.append((column, code, kind))
    return fresh


def drift_of(store: Store, stream: str) -> Sequence[Drift]:
    """The columns of `stream` whose values could not be read within the last week, the longest known first."""
    with store.transaction() as connection, connection.cursor(row_factory=class_row(Drift)) as cursor:
        return cursor.execute(_SQL["drift"], {"stream": stream}).fetchall()


def hold_landings(connection: psycopg.Connection, landings: Sequence[HeldLanding]) -> None:
    """Keep these; one that was held before keeps its first time."""
    with connection.cursor() as cursor:
        cursor.executemany(
            _SQL["hold"],
            [
                {
                    "stream": landing.stream,
                    "key": landing.key,
                    "code": landing.code,
                    "column": landing.column,
                    "message": landing.message,
                    "body": landing.body,
                }
                for landing in landings
            ],
        )


def forget_landings(connection: psycopg.Connection, stream: str, keys: Sequence[str]) -> None:
    """These landed: they are no longer held."""
    connection.execute(_SQL["forget"], {"stream": stream, "keys": list(keys)})


def held_among(connection: psycopg.Connection, stream: str, keys: Sequence[str]) -> Sequence[HeldLanding]:
    """Those of `keys` that wait, with their bytes."""
    with connection.cursor(row_factory=class_row(HeldLanding)) as cursor:
        return cursor.execute(_SQL["among"], {"stream": stream, "keys": list(keys)}).fetchall()


def held_landings(store: Store, stream: str | None = None) -> Sequence[HeldLanding]:
    """What waits, oldest first, without its bytes."""
    with store.transaction() as connection, connection.cursor(row_factory=class_row(HeldLanding)) as cursor:
        return cursor.execute(_SQL["list"], {"stream": stream}).fetchall()


def held_bodies(store: Store, stream: str, limit: int) -> Sequence[HeldLanding]:
    """What waits of one stream, with its bytes, to be offered again."""
    with store.transaction() as connection, connection.cursor(row_factory=class_row(HeldLanding)) as cursor:
        return cursor.execute(_SQL["bodies"], {"stream": stream, "limit": limit}).fetchall()


_SQL = statements("landing_held")
