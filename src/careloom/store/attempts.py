"""Attempts: whatever was tried, one row each, also where it failed before anything was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from psycopg.rows import dict_row

from careloom.store.database import Store
from careloom.store.locks import own_connection
from careloom.store.statements import statements

State = Literal["running", "done", "failed", "interrupted"]
_LOCK = 726_613
"""Any number: the class of the advisory locks that say which attempts are alive."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """The attempts of a store."""

    store: Store

    @contextmanager
    def under_way(self, kind: str, name: str, trigger: str) -> Iterator[int]:
        """A new attempt under way, by its number, for as long as this lasts.

        A lock of its own connection says that it is alive: if its process dies, however it dies, everybody sees that at once.
        """
        with own_connection(self.store) as connection:
            values = {"kind": kind, "name": name, "trigger": trigger, "lock": _LOCK}
            row = connection.execute(_SQL["begin"], values).fetchone()
            yield int(row[0]) if row else 0

    def end(
        self,
        number: int,
        *,
        state: State,
        counts: Mapping[str, int],
        is_balanced: bool | None,
        code: str,
        error: str | None,
        run: int | None,
    ) -> None:
        """How an attempt ended. `error` holds no person's data."""
        values = {"id": number, "state": state, "counts": _json(counts), "balanced": is_balanced}
        with self.store.transaction() as connection:
            connection.execute(_SQL["end"], values | {"code": code, "error": error, "run": run})

    def note(self, kind: str, name: str, trigger: str, *, code: str, error: str) -> None:
        """An attempt that failed before it could begin."""
        values = {"kind": kind, "name": name, "trigger": trigger, "code": code, "error": error}
        with self.store.transaction() as connection:
            connection.execute(_SQL["note"], values)

    def add_round(
        self,
        kind: str,
        name: str,
        trigger: str,
        *,
        state: State,
        counts: Mapping[str, int],
        code: str = "",
        error: str | None = None,
    ) -> None:
        """One of the short rounds that come by the thousand: those of one hour that ended alike are one row."""
        values = {"kind": kind, "name": name, "trigger": trigger, "state": state, "counts": _json(counts)}
        with self.store.transaction() as connection:
            connection.execute(_SQL["add_round"], values | {"code": code, "error": error})

    def recent(
        self,
        *,
        name: str | None = None,
        kind: str | None = None,
        failures_only: bool = False,
        since: datetime | None = None,
        limit: int = 20,
    ) -> Sequence[Mapping[str, Any]]:
        """The latest attempts, newest first; `failures_only`: those that failed, were interrupted, or died. Those that died are marked so."""
        values = {"name": name, "kind": kind, "failed": failures_only, "since": since, "limit": limit}
        with self.store.transaction() as connection, connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(_SQL["mark_died"], {"lock": _LOCK})
            return cursor.execute(_SQL["recent"], values).fetchall()

    def last_start(self, kind: str, name: str, *, codes: Sequence[str] = ()) -> datetime | None:
        """When `kind` of `name` last began and was done, is under way, or failed with one of `codes`."""
        with self.store.transaction() as connection:
            connection.execute(_SQL["mark_died"], {"lock": _LOCK})
            row = connection.execute(_SQL["last_start"], {"kind": kind, "name": name, "codes": list(codes)}).fetchone()
            return row[0] if row else None

    def anything_changed(self, since: datetime | None, tables: Sequence[str], reports: Sequence[str]) -> bool:
        """Whether a scan, a reconcile or a replay changed rows of `tables`, or rows of `reports` were loaded, after `since`.

        Single events are not looked at: they come all day.
        """
        values = {"since": since, "tables": list(tables), "reports": list(reports)}
        with self.store.transaction() as connection:
            row = connection.execute(_SQL["anything_changed"], values).fetchone()
            return bool(row and row[0])


_SQL = statements("attempts")


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
