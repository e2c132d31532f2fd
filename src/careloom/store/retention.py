"""Removing what has been kept long enough: in batches of one transaction each, so that no one waits long for a lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import orjson
import psycopg
from psycopg import sql

from careloom.store.audit import append_audit
from careloom.store.database import Store
from careloom.store.statements import statements

BATCH = 1000
Kept = Literal["inbox", "inbox_digest", "change_log", "sync_log", "landing_held", "account_reports", "runs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """`column` of `clinical.TABLE`, whose rows are known as `key`, holds ids of rows that may be removed."""

    table: str
    column: str
    key: str


def count_old(store: Store, kind: Kept, cutoff: datetime, *, stream: str = "") -> int:
    """How many of careloom's own records of `kind` are older than `cutoff`."""
    with store.transaction() as connection:
        row = connection.execute(_SQL[f"count_{kind}"], {"before": cutoff, "stream": stream}).fetchone()
        return int(row[0]) if row else 0


def drop_old(store: Store, kind: Kept, cutoff: datetime, *, stream: str = "") -> int:
    """Remove a batch of them; returns how many. Of an event its digest stays, by which a captured one is known."""
    if kind == "inbox":
        with store.transaction() as connection:
            connection.execute(_SQL["keep_digests"], {"before": cutoff, "most": BATCH})
    with store.transaction() as connection:
        values = {"before": cutoff, "stream": stream, "most": BATCH}
        return connection.execute(_SQL[f"drop_{kind}"], values).rowcount


def count_rows(store: Store, table: str, cutoff: datetime) -> int:
    """How many rows of `clinical.TABLE` nothing has changed since `cutoff`."""
    with store.transaction() as connection:
        row = connection.execute(_COUNT.format(table=_named(table)), {"before": cutoff}).fetchone()
        return int(row[0]) if row else 0


def drop_rows(
    store: Store, table: str, vendor_key: str, cutoff: datetime, ties: Sequence[ForeignKey], actor: str
) -> int:
    """Remove a batch of such rows with all that the change log knows of them, and tell others that they are gone.

    The trigger writes the removed row into the change log; that entry goes too, in the same transaction.
    """
    with store.transaction() as connection:
        connection.execute("select set_config('careloom.actor', %s, true)", (actor,))
        query = _DROP.format(table=_named(table), key=sql.Identifier(vendor_key))
        rows = connection.execute(query, {"before": cutoff, "most": BATCH}).fetchall()
        if not rows:
            return 0
        ids, keys = [id_ for id_, _ in rows], [key for _, key in rows]
        for tie in ties:
            _untie(connection, tie, ids)
        connection.execute(_SQL["forget_changes"], {"table": table, "ids": ids})
        connection.execute(_SQL["tell"], {"table": table, "ids": ids, "keys": keys, "vendor_key": vendor_key})
        return len(rows)


def write_receipt(store: Store, *, moment: datetime, actor: str, dry_run: bool, counts: Mapping[str, int]) -> int:
    """Keep the numbers of a cleanup, and say in the audit that it was done; returns the receipt's number."""
    summary = ", ".join(f"{kind} {number}" for kind, number in counts.items() if number) or "nothing"
    with store.transaction() as connection:
        values = {"at": moment, "actor": actor, "dry_run": dry_run, "removed": orjson.dumps(dict(counts)).decode()}
        row = connection.execute(_SQL["receipt"], values).fetchone()
        action = "cleanup --dry-run" if dry_run else "cleanup"
        append_audit(store, connection, moment=moment, actor=actor, action=action, subject=summary)
        return int(row[0]) if row else 0


def _untie(connection: psycopg.Connection, tie: ForeignKey, ids: Sequence[object]) -> None:
    names = {
        "column": sql.Identifier(tie.column),
        "linked_at": sql.Identifier(f"{tie.column}_linked_at"),
        "key": sql.Identifier(tie.key),
    }
    query = _UNTIE.format(table=_named(tie.table), **names)
    connection.execute(query, {"ids": list(ids), "table": tie.table, "vendor_key": tie.key})


def _named(table: str) -> sql.Identifier:
    return sql.Identifier("clinical", table)


# A mark of deletion is a change too: what was deleted yesterday is kept as long as what was changed then.
_OLD = "greatest(synced_at, coalesce(deleted_at, synced_at)) < %(before)s"
_COUNT = sql.SQL("select count(*) from {table} where " + _OLD)
_DROP = sql.SQL(
    "delete from {table} where id in (select id from {table} where "
    + _OLD
    + " order by id limit %(most)s for update skip locked) returning id, {key}::text"
)
_UNTIE = sql.SQL(
    "with untied as (update {table} set {column} = null, {linked_at} = null where {column} = any(%(ids)s::uuid[])"
    " returning id, {key}::text as key, deleted_at is null as live)"
    " insert into outbox (table_name, operation, record_id, vendor_id, vendor_key)"
    " select %(table)s, 'UPDATE', id, key, %(vendor_key)s from untied where live"
)
_SQL = statements("retention")
