"""Step 4: which record each changed row is."""

from __future__ import annotations

import duckdb

from careloom.engine.sync import diff, match_rows, rows
from careloom.services.session.progress import Watch
from careloom.services.sync.mirror import load_mirror, look_at_linked
from careloom.services.sync.prepare import PreparedSync


def match_changed(db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch) -> bool:
    """Say in `changed_rows` which record each row is, if any, and hold the rows of which that is not sure.

    True if `mirror` was filled on the way.
    """
    if not diff.has_changed(db):
        return False
    match_rows.load_decisions(db, context.ledger.decisions())
    rows.project_changed(db, context.fields, context.sync.source.key, context.zone, context.key_property)
    look_at_linked(db, context, watch)
    if not match_rows.has_unlinked(db):
        return False
    load_mirror(db, context, watch)
    watch.progress.step("matching people")
    _match_unlinked(db, context)
    match_rows.take_outcomes(db, policy=context.sync.unmatched, properties=context.mirrored)
    return True


def _match_unlinked(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> None:
    match_rows.list_unlinked(db)
    if not match_rows.may_fit(db, context.key_property, has_tiers=bool(context.sync.match)):
        match_rows.match_none(db)
        return
    rows.project_all(db, context.fields, context.sync.source.key, context.zone, context.key_property)
    match_rows.match_unlinked(db, context.match_spec(), context.mirror.merged(), context.session.clock().date())
