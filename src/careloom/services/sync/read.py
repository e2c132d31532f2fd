"""Steps 1 and 2: the source's rows, and what the other side should hold of them."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from careloom.core.ports import Since
from careloom.engine.sync import rows, tables
from careloom.services.session.progress import Watch
from careloom.services.sync.prepare import PreparedSync


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRead:
    """What was read: how many rows, since when (None: all), and the cursor value that the next run may read from."""

    count: int
    since: Since | None
    next_cursor: str | None

    @property
    def is_whole(self) -> bool:
        """Whether every row was read."""
        return self.since is None


def read_source(db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch, *, full: bool) -> SourceRead:
    """Fill `source` with the rows that may have changed; with `full` with all of them."""
    since = None if full else _since(context)
    watch.progress.step(f"reading {context.sync.source.system}")
    count = rows.load_source(db, context.source.read(context.sync.source.query, since), context.columns)
    return SourceRead(
        count=count, since=since, next_cursor=_highest_cursor(db, context) or (since.value if since else None)
    )


def project_rows(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> None:
    """Fill `desired`: each row's fields in the form in which they travel, as a fingerprint, or the fault that holds it."""
    tables.shape_tables(db, context.properties, context.mirrored)
    rows.fingerprint_rows(db, context.fields, context.sync.source.key, context.zone)


def _since(context: PreparedSync) -> Since | None:
    cursor = context.sync.source.cursor
    value = context.ledger.watermark(context.project.digest) if cursor else None
    return Since(column=cursor, value=value) if cursor and value else None


def _highest_cursor(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> str | None:
    """The greatest cursor value read, less the look-back: what committed late at the source is read again."""
    cursor = context.sync.source.cursor
    if not cursor:
        return None
    return rows.highest_value(db, cursor, context.session.clock(), context.sync.source.look_back)
