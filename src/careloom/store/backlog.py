"""All that waits in a store, counted by its cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql
from psycopg.rows import class_row

from careloom.store.database import Store
from careloom.store.landed_rows import SCHEMA
from careloom.store.statements import statements


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """So many of one kind that wait for one reason. `name`: of the sync, stream, system or report; `tries`: the most of any."""

    name: str
    kind: str
    code: str
    column: str | None
    number: int
    oldest: datetime | None
    tries: int


def causes(store: Store) -> Iterator[Cause]:
    """Whatever is held, refused, or fails again and again; links that wait are seen by their tables alone."""
    with store.transaction() as connection, connection.cursor(row_factory=class_row(Cause)) as cursor:
        for statement in _SQL.values():
            yield from cursor.execute(statement).fetchall()


def first_seen(store: Store, table: str, ids: Sequence[str]) -> Mapping[str, datetime]:
    """When these rows of a landing table were first seen, by their ids."""
    query = sql.SQL("select id::text, first_seen_at from {} where id = any(%s::uuid[])").format(
        sql.Identifier(SCHEMA, table)
    )
    with store.transaction() as connection:
        return dict(connection.execute(query, [list(ids)]).fetchall())


_SQL = statements("backlog")
