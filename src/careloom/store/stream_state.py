"""How far each stream was read, and what an unfinished whole scan has seen: where a scan continues after a crash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from careloom.store.database import Store
from careloom.store.statements import statements

ScanKind = Literal["incremental", "full_sync", "reconcile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """`changed_until`: all that changed before was read. The `scan_` fields and `checkpoint` are of an unfinished scan."""

    stream: str
    changed_until: datetime | None = None
    scan_kind: ScanKind | None = None
    scan_began: datetime | None = None
    checkpoint: str = ""
    scanned_at: datetime | None = None
    reconciled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a page showed of one stream: keys, in the form that the table's key has as text; and how many had none."""

    keys: Sequence[str]
    keyless: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """Of `live` rows of a table, those that a whole scan did not show and no one changed since it began, in any order."""

    live: int
    keys: Sequence[str]


@dataclass(frozen=True, slots=True)
class StreamStates:
    """The streams of a store, each by the name of its landing."""

    store: Store

    def read(self, stream: str) -> StreamState:
        """How far `stream` was read; a stream that never was is at the beginning."""
        with self.store.transaction() as connection, connection.cursor(row_factory=class_row(StreamState)) as cursor:
            state = cursor.execute(_SQL["read"], {"stream": stream}).fetchone()
        return state or StreamState(stream=stream)

    def begin(self, stream: str, kind: ScanKind) -> StreamState:
        """A scan begins now, whatever became of the one before."""
        with self.store.transaction() as connection, connection.cursor(row_factory=class_row(StreamState)) as cursor:
            cursor.execute(_SQL["forget_pages"], {"stream": stream})
            state = cursor.execute(_SQL["begin"], {"stream": stream, "kind": kind}).fetchone()
        return state or StreamState(stream=stream)

    def advance(
        self, connection: psycopg.Connection, stream: str, checkpoint: str, pages: Mapping[str, Seen] | None
    ) -> None:
        """Go on behind this page from now on. `pages`: by member stream, of a whole scan."""
        for member, page in (pages or {}).items():
            values = {"stream": stream, "member": member, "keys": list(page.keys), "keyless": page.keyless}
            connection.execute(_SQL["add_page"], values)
        connection.execute(_SQL["advance"], {"stream": stream, "checkpoint": checkpoint})

    def complete(self, stream: str, members: Sequence[str], began: datetime, *, full_scan: bool) -> None:
        """The scan is complete, and with it those of the landings `members`; `stream` is one of them."""
        values = {"streams": list(members), "began": began, "whole": full_scan}
        with self.store.transaction() as connection:
            connection.execute(_SQL["complete"], values)
            connection.execute(_SQL["forget_pages"], {"stream": stream})

    def keyless(self, stream: str, member: str) -> int:
        """How many records without a usable key the whole scan under way has shown."""
        with self.store.transaction() as connection:
            row = connection.execute(_SQL["keyless"], {"stream": stream, "member": member}).fetchone()
            return int(row[0]) if row else 0

    def absent(self, stream: str, member: str, table: str, key_column: str, began: datetime) -> Absent:
        """What the whole scan under way has not shown of `member`, which lands in `table`."""
        names = {"table": sql.Identifier("clinical", table), "key": sql.Identifier(key_column)}
        values = {"stream": stream, "member": member, "began": began}
        with self.store.transaction() as connection:
            live = connection.execute(_LIVE.format(**names)).fetchone()
            keys = connection.execute(_ABSENT.format(**names), values).fetchall()
        return Absent(live=int(live[0]) if live else 0, keys=[key for (key,) in keys])

    def still_absent(
        self, connection: psycopg.Connection, table: str, key_column: str, keys: Sequence[str], began: datetime
    ) -> list[str]:
        """Those of `keys` whose rows no one has touched in the meantime; no one can until the transaction ends."""
        names = {"table": sql.Identifier("clinical", table), "key": sql.Identifier(key_column)}
        rows = connection.execute(_STILL.format(**names), {"keys": list(keys), "began": began}).fetchall()
        return [key for (key,) in rows]


_LIVE = sql.SQL("select count(*) from {table} where deleted_at is null")
_ABSENT = sql.SQL(
    # Keys are made a set first: the planner takes an array for ten rows, and would look through all for each row.
    "with seen as materialized ("
    "select distinct key from scan_page, unnest(keys) key where stream = %(stream)s and member = %(member)s)"
    " select t.{key}::text from {table} t left join seen on seen.key = t.{key}::text"
    " where seen.key is null and t.deleted_at is null and t.synced_at < %(began)s order by random()"
)
_STILL = sql.SQL(
    "select {key}::text from {table} where {key}::text = any(%(keys)s) and deleted_at is null and synced_at < %(began)s"
    " for update"
)
_SQL = statements("stream_state")
