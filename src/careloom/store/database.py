"""The store as one thing with a life: a pool of connections, and Arrow in bulk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool, PoolTimeout

from careloom.core.errors import Fix, Later, Stop
from careloom.store import bulk
from careloom.store.audit_anchor import AuditAnchor
from careloom.store.connection_faults import out_of_reach
from careloom.store.environment import refuse_other
from careloom.store.migrations import SCHEMA, pending_in

OPTIONS = f"-c search_path={SCHEMA},public -c timezone=UTC -c application_name=careloom"
"""What every connection to the store begins with."""

_FEW = 2000


@dataclass(slots=True, kw_only=True)
class Store:
    """An open store. `url` is a libpq connection string or URL."""

    url: str
    pool: ConnectionPool
    anchoring: AuditAnchor = field(default_factory=AuditAnchor)
    """What holds the end of the audit outside the database."""
    _bulk: bulk.Bulk | None = field(default=None, repr=False)
    _bulk_lock: Lock = field(default_factory=Lock, repr=False)

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection]:
        """A connection inside one transaction: committed on leaving, rolled back on an exception."""
        try:
            with self.pool.connection() as connection:
                yield connection
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise _away(error) from error

    def clock(self) -> datetime:
        """Now, by the database's clock, which all workers share."""
        with self.transaction() as connection:
            row = connection.execute("select clock_timestamp()").fetchone()
        if row is None:
            raise Stop("the database does not tell the time")
        moment: datetime = row[0]
        return moment

    def arrow(self, statement: str) -> bulk.Table:
        """The rows of `statement` (literals quoted by psycopg.sql, tables named with their schema) as an Arrow table.

        Its columns are text or bigint. A short answer needs no connection of the bulk driver, which is slow to open.
        """
        with self._bulk_lock:
            driver = self._bulk = self._bulk or bulk.Bulk(self.url)
        if not driver.connected and (short := self._short(statement)) is not None:
            return short
        try:
            return driver.table(statement)
        except bulk.Unreachable as error:
            raise _away(error) from error

    def _short(self, statement: str) -> bulk.Table | None:
        """The rows of `statement`, if there are few of them."""
        with self.transaction() as connection:
            cursor = connection.execute(sql.SQL("select * from ({}) few limit {}").format(sql.SQL(statement), _FEW + 1))
            rows = cursor.fetchall()
        return None if len(rows) > _FEW else bulk.as_table(rows, cursor.description or [])

    def close(self) -> None:
        """Give back all connections."""
        if self._bulk is not None:
            self._bulk.close()
        self.pool.close()


def _away(error: Exception) -> Later:
    return Later(
        f"the database did not answer ({type(error).__name__}); nothing that it had not confirmed counts as "
        "done; check that it runs, then run again"
    )


def open_store(url: str, environment: str = "") -> Store:
    """Open the store of `environment` ("": production) at `url`.

    Fix if it was not migrated to this release, or was made for another environment.
    """
    try:
        with psycopg.connect(url) as connection:
            waiting = pending_in(connection)
            if not waiting or environment:
                refuse_other(connection, environment)
    except psycopg.OperationalError as error:
        raise out_of_reach(url, error) from error
    if waiting:
        raise Fix(
            f"the database lacks {', '.join(waiting)}; run: careloom migrate{f' --env {environment}' if environment else ''}"
        )
    pool = ConnectionPool(url, min_size=1, max_size=16, timeout=30, kwargs={"options": OPTIONS}, open=False)
    pool.open(wait=True)
    return Store(url=url, pool=pool)
