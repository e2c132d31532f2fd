"""Writing down what was held, with the candidates that a person will choose from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import duckdb
import orjson

from careloom.engine.sync import holds, match_rows
from careloom.identity.comparisons import COMPARISONS
from careloom.services.sync.prepare import PreparedSync
from careloom.store.ledger import PLANNED, HeldRecord, Offer

_CHUNK = 1000


def write_holds(db: duckdb.DuckDBPyConnection, context: PreparedSync, run: int) -> None:
    """Write every line of `held` to the ledger, with the candidates of rows that wait for their match."""
    _write(context, run, holds.held_rows(db))
    _offer_candidates(db, context)


def list_for_review(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> None:
    """List for review what a plan found ambiguous, in place of what the plan before it did."""
    context.ledger.forget_planned_holds()
    _write(context, PLANNED, holds.held_rows(db, "match"))
    _offer_candidates(db, context)


def _write(context: PreparedSync, run: int, rows: Sequence[holds.HeldRow]) -> None:
    for start in range(0, len(rows), _CHUNK):
        records = [
            HeldRecord(key=key, kind=kind, code=code, property=prop, fingerprint=fingerprint)
            for key, kind, code, prop, fingerprint in rows[start : start + _CHUNK]
        ]
        context.ledger.settle(run, holds=_distinct(records))


def _offer_candidates(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> None:
    # What is offered of a row replaces what was: all its candidates go in one part.
    offers: list[Offer] = []
    for _, candidates in groupby(match_rows.candidates(db), key=lambda candidate: candidate["key"]):
        offers += map(_offer, candidates)
        if len(offers) >= _CHUNK:
            context.ledger.offer(offers)
            offers = []
    if offers:
        context.ledger.offer(offers)


def _offer(row: dict[str, object]) -> Offer:
    # No evidence holds a value: it says, kind by kind, how two records compare.
    evidence = {comparison.name: row[comparison.name] for comparison in COMPARISONS}
    return Offer(
        key=str(row["key"]),
        remote_id=str(row["remote_id"]),
        rule=str(row["rule"]),
        reason=str(row["reason"] or ""),
        verdicts=orjson.dumps(evidence).decode(),
    )


def _distinct(records: list[HeldRecord]) -> list[HeldRecord]:
    """One statement cannot write one key twice: the last reason stands."""
    return list({record.key: record for record in records}.values())
