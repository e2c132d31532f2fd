"""Step 3: what is new, changed, the same or gone, against the ledger."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from careloom.engine.sync import diff, holds
from careloom.services.session.progress import Watch
from careloom.services.sync.prepare import PreparedSync


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDiff:
    """What comparing gave: how many rows are as they were, and how many were refused before and are as they were."""

    same_count: int
    refused_count: int


def compare_rows(
    db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch, *, full: bool, is_whole: bool
) -> SourceDiff:
    """Fill `row_class`, `gone_links`, `changed_rows` and, with the faulty rows, `held`.

    With `full`, rows that are the same are looked at as well. `is_whole`: every row was read, so what is missing is gone.
    """
    watch.progress.step("comparing with what was agreed")
    diff.recall(db, context.ledger.links(), context.ledger.held())
    diff.compare(db, full=full)
    diff.find_gone(db, full_scan=is_whole)
    holds.hold_faulty(db)
    diff.list_changed(db)
    classes = diff.count_classes(db)
    return SourceDiff(same_count=classes.get("same", 0), refused_count=classes.get("refused", 0))
