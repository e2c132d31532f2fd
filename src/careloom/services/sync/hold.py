"""Writing down what was held, with the candidates that a person will choose from."""

from __future__ import annotations

import duckdb
import orjson

from careloom.services.sync.prepare import PreparedSync
from careloom.store.ledger import PLANNED, HeldRecord, Offer

_CHUNK = 1000
_VERDICTS = ("vf", "vl", "vd", "em", "ph", "ad", "zp", "sx", "gx", "mx", "ma")
"""The columns of `match_candidate` that say, field by field, how two records compare; none holds a value."""


def write_stops(db: duckdb.DuckDBPyConnection, context: PreparedSync, run: int) -> None:
    """Write every line of `stop` to the ledger, and renew the records that were refused before and have not changed."""
    rows = db.execute("select key, kind, code, property, fp from stop").fetchall()
    for start in range(0, len(rows), _CHUNK):
        records = [
            HeldRecord(key=key, kind=kind, code=code, property=prop, fingerprint=fp)
            for key, kind, code, prop, fp in rows[start : start + _CHUNK]
        ]
        context.ledger.settle(run, holds=_distinct(records))
    offer_candidates(db, context)


def write_review(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> None:
    """List for review what a plan found ambiguous, in place of what the plan before it did."""
    context.ledger.forget_planned_holds()
    rows = db.execute("select key, code, fp from stop where kind = 'match'").fetchall()
    for start in range(0, len(rows), _CHUNK):
        records = [
            HeldRecord(key=key, kind="match", code=code, fingerprint=fp)
            for key, code, fp in rows[start : start + _CHUNK]
        ]
        context.ledger.settle(PLANNED, holds=_distinct(records))
    offer_candidates(db, context)


def offer_candidates(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> None:
    """Keep the candidates of the rows that were held for their match."""
    if not db.execute("select 1 from information_schema.tables where table_name = 'match_candidate'").fetchall():
        return
    cursor = db.execute("select * from match_candidate where key in (select key from stop where kind = 'match')")
    columns = [column[0] for column in cursor.description]
    offers = [_offer(dict(zip(columns, row, strict=True))) for row in cursor.fetchall()]
    for start in range(0, len(offers), _CHUNK):
        context.ledger.offer(offers[start : start + _CHUNK])


def _offer(row: dict[str, object]) -> Offer:
    verdicts = {column: row[column] for column in _VERDICTS if column in row}
    return Offer(
        key=str(row["key"]),
        remote_id=str(row["remote_id"]),
        rule=str(row["rule"]),
        reason=str(row["reason"] or ""),
        verdicts=orjson.dumps(verdicts).decode(),
    )


def _distinct(records: list[HeldRecord]) -> list[HeldRecord]:
    """One statement cannot write one key twice: the last reason stands."""
    return list({record.key: record for record in records}.values())
