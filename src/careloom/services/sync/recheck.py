"""Rows whose unique value proved to be another record's: matched, merged and planned once more with that record in view."""

from __future__ import annotations

import duckdb

from careloom.engine.sync import actions, diff, holds, unique
from careloom.engine.workspace import text_columns
from careloom.services.session.progress import Watch
from careloom.services.sync.hold import write_holds
from careloom.services.sync.match import match_changed
from careloom.services.sync.merge import merge_fields
from careloom.services.sync.plan import plan_writes
from careloom.services.sync.prepare import PreparedSync
from careloom.services.sync.settle import Tally


def recheck_duplicates(
    db: duckdb.DuckDBPyConnection, context: PreparedSync, run: int, watch: Watch, tally: Tally
) -> None:
    """Read the records that hold our values, and plan `tally.duplicates` anew; what stops now is counted as held."""
    duplicates, tally.duplicates = tally.duplicates, []
    holders = sorted({holder for _, _, holder in duplicates})
    context.mirror.put(list(context.target.fetch(context.sync.to.object, holders, context.mirrored).values()))
    unique.deny(db, [(key, prop) for key, prop, _ in duplicates if prop])
    # What this run has linked meanwhile is another row's: it must not be taken for a stranger's.
    diff.recall_links(db, context.ledger.links())
    diff.list_again(db, text_columns({"key": [key for key, _, _ in duplicates]}))
    actions.discard(db)
    holds.discard(db)
    has_mirror = match_changed(db, context, watch)
    merge_fields(db, context, watch, has_mirror=has_mirror)
    plan_writes(db, context)
    write_holds(db, context, run)
    for kind, code, prop, records in holds.stopped_by_reason(db):
        tally.counts["held"] += records
        tally.refusals[kind, code, prop] += records
