"""Every landing with its balanced counts: a scan, a reconcile, a batch of events, a replay, a second try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from psycopg.rows import dict_row

from careloom.store.database import Store
from careloom.store.statements import statements

FAMILIES: Mapping[str, Sequence[str]] = {
    "webhook": ("webhook",),
    "incremental": ("incremental", "full_sync", "reconcile"),
    "full_sync": ("incremental", "full_sync", "reconcile"),
    "reconcile": ("incremental", "full_sync", "reconcile"),
    "replay": ("replay",),
    "retry": ("retry",),
}
"""For each type, those of which only one may be under way at a time: each is logged under one lock."""

ENDS = ("created", "updated", "unchanged", "deleted", "held")


def is_balanced(counts: Mapping[str, int]) -> bool:
    """Every record that came is accounted for, once."""
    return counts.get("total", 0) == sum(counts.get(end, 0) for end in ENDS)


@dataclass(frozen=True, slots=True)
class LandingRuns:
    """The landings of a store."""

    store: Store

    def start(self, source: str, sync_type: str, table: str) -> int:
        """A new landing of `source` into `table`, which may name several; call it under the lock of its family.

        One that still says "running" then has died, and is marked so. Batches of events have one lock for all tables.
        """
        values = {"source": source, "sync_type": sync_type, "table": table, "family": list(FAMILIES[sync_type])}
        with self.store.transaction() as connection:
            connection.execute(_SQL["mark_interrupted"], values)
            row = connection.execute(_SQL["start"], values).fetchone()
            return int(row[0]) if row else 0

    def note(self, run: int, counts: Mapping[str, int]) -> None:
        """How far it got, so that a landing that dies has told what it did."""
        with self.store.transaction() as connection:
            connection.execute(_SQL["note"], {"run": run, **_columns(counts)})

    def finish(
        self,
        run: int,
        *,
        status: str,
        counts: Mapping[str, int],
        error: str | None = None,
        repairs: int = 0,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """The end of a landing, whatever it was: completed, failed or interrupted. `error` holds no person's data."""
        values = {"run": run, "status": status, "error": error, "repaired": repairs, "balanced": is_balanced(counts)}
        totals = {"details": orjson.dumps(dict(details or {})).decode(), **_columns(counts)}
        with self.store.transaction() as connection:
            connection.execute(_SQL["finish"], values | totals)

    def recent(self, table: str | None, limit: int = 20) -> Sequence[Mapping[str, Any]]:
        """The latest landings into `table` (alone or among others), or into any; newest first."""
        with self.store.transaction() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(_SQL["recent"], {"table": table, "limit": limit}).fetchall()


def _columns(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in ("total", *ENDS)}


_SQL = statements("landing_runs")
