"""Stored events that were held: listed without their bytes, and offered again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from careloom.store.database import Store
from careloom.store.statements import statements


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEvent:
    """An event that waits for a person. `key` is its number; `message` holds no person's data."""

    key: str
    event: str
    code: str
    message: str
    first_seen: datetime
    attempts: int


def held_events(store: Store, source: str, *, code: str | None = None, limit: int = 50) -> Sequence[HeldEvent]:
    """The held events of `source`, oldest first."""
    values = {"source": source, "code": code, "limit": limit}
    with store.transaction() as connection, connection.cursor(row_factory=class_row(HeldEvent)) as cursor:
        return cursor.execute(_SQL["held_events"], values).fetchall()


def count_held_events(store: Store, source: str, *, code: str | None = None) -> int:
    """How many events of `source` are held."""
    with store.transaction() as connection:
        row = connection.execute(_SQL["count_held_events"], {"source": source, "code": code}).fetchone()
        return int(row[0]) if row else 0


def offer_events(connection: psycopg.Connection, source: str, *, code: str | None, key: str | None) -> int:
    """Held events of `source` count as new again; returns how many."""
    return connection.execute(_SQL["offer_events"], {"source": source, "code": code, "key": key}).rowcount


_SQL = statements("held_events")
