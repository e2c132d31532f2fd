"""What became of one landed row, as its trigger wrote it down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from careloom.store.database import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a row. `changed`: of an update {"column": [old, new]}, else the whole row."""

    at: datetime
    actor: str
    run: int | None
    operation: str
    record_id: UUID
    changed: Mapping[str, Any] = field(repr=False)


def changes_of(store: Store, table: str, key_column: str, key: str) -> Sequence[Change]:
    """All changes of the row of `clinical.TABLE` whose key, or whose own id, is `key`; oldest first."""
    names = {"table": sql.Identifier("clinical", table), "key": sql.Identifier(key_column)}
    values = {"table": table, "key": key}
    with store.transaction() as connection, connection.cursor(row_factory=class_row(Change)) as cursor:
        return cursor.execute(_CHANGES.format(**names), values).fetchall()


_CHANGES = sql.SQL(
    "select at, actor, run, operation, record_id, changed from change_log"
    " where table_name = %(table)s and record_id in ("
    "select id from {table} where {key}::text = %(key)s or id::text = %(key)s) order by change_log.id"
)
