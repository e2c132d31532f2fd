"""Step 5: field by field, what is written: who may hold a unique value, and who owns what both sides changed."""

from __future__ import annotations

import duckdb

from careloom.engine.sync import diff, merge, unique
from careloom.services.session.progress import Watch
from careloom.services.sync.mirror import load_mirror
from careloom.services.sync.prepare import PreparedSync


def merge_fields(db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch, *, has_mirror: bool) -> None:
    """Fill `rerouted`, `field_state` and `record_changes`. `has_mirror`: matching filled the mirror already."""
    if not diff.has_changed(db):
        return
    # A linked row may want a unique value that another record holds.
    if not has_mirror and unique.has_new_claims(db, context.fields):
        load_mirror(db, context, watch)
        has_mirror = True
    unique.reroute_taken(db, context.fields, context.shape, context.key_property, has_mirror=has_mirror)
    owners = {field.property: field.owner for field in context.fields}
    merge.merge(
        db,
        context.types,
        {**owners, context.key_property: "source"},
        context.likeness,
        context.aliases,
        context.text_form,
    )
