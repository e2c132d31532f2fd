"""Runs and plans: what was done, and what would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from psycopg.rows import dict_row

from careloom.store.database import Store
from careloom.store.statements import statements


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan as it was made: digests say whether anything moved since. It holds no people."""

    id: int
    project_digest: str
    source_digest: str
    portal_digest: str
    action_digest: str
    report: Mapping[str, Any]
    applied_by: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of a store."""

    store: Store

    def start(self, sync: str) -> int:
        """A new run of `sync`; call it under the sync's lock. Runs that died are marked so."""
        with self.store.transaction() as connection:
            connection.execute(_SQL["mark_interrupted"], {"sync": sync})
            row = connection.execute(_SQL["start_run"], {"sync": sync}).fetchone()
            return int(row[0]) if row else 0

    def progress(self, run: int, counts: Mapping[str, int], requests: int, step: str | None) -> None:
        """How far the run got, and a step that it reached, if it did."""
        values = {"run": run, "counts": _json(counts), "requests": requests, "step": _json([step] if step else [])}
        with self.store.transaction() as connection:
            connection.execute(_SQL["progress"], values)

    def finish(
        self,
        run: int,
        *,
        state: str,
        counts: Mapping[str, int] | None,
        requests: int,
        seconds: float,
        is_balanced: bool,
        error: str | None,
    ) -> None:
        """The end of a run, whatever it was; without `counts`, those last noted stand. `error` holds no person's data."""
        counts_text = None if counts is None else _json(counts)
        values = {"run": run, "state": state, "counts": counts_text, "requests": requests, "seconds": seconds}
        with self.store.transaction() as connection:
            connection.execute(_SQL["finish_run"], values | {"balanced": is_balanced, "error": error})

    def last_start(self, sync: str) -> datetime | None:
        """When `sync` last began."""
        with self.store.transaction() as connection:
            row = connection.execute(_SQL["last_start"], {"sync": sync}).fetchone()
            return row[0] if row else None

    def save_plan(
        self, sync: str, *, project: str, source: str, portal: str, action: str, report: Mapping[str, Any]
    ) -> int:
        """Keep a plan's numbers and digests."""
        values = {"sync": sync, "project": project, "source": source, "portal": portal, "action": action}
        with self.store.transaction() as connection:
            row = connection.execute(_SQL["save_plan"], values | {"report": _json(report)}).fetchone()
            return int(row[0]) if row else 0

    def last_plan(self, sync: str) -> SavedPlan | None:
        """The latest plan of `sync`."""
        with self.store.transaction() as connection, connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(_SQL["last_plan"], {"sync": sync}).fetchone()
        return SavedPlan(**row) if row else None

    def apply_plan(self, plan: int, run: int) -> None:
        """Say which run carried the plan out."""
        with self.store.transaction() as connection:
            connection.execute(_SQL["apply_plan"], {"plan": plan, "run": run})


_SQL = statements("runs")


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
