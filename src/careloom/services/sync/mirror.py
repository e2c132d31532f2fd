"""What the other side holds: the mirror brought up to date, and linked records looked at."""

from __future__ import annotations

import duckdb
import orjson

from careloom.engine.sync import linked, match_rows, merge
from careloom.services.session.progress import Watch
from careloom.services.sync.prepare import PreparedSync


def load_mirror(db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch) -> None:
    """Read what changed on the other side, and fill `mirror` with all records."""
    refresh_mirror(context, watch)
    match_rows.load_mirror(db, context.mirror.records(context.mirrored))


def refresh_mirror(context: PreparedSync, watch: Watch) -> None:
    """Bring the mirror up to what the other side holds now."""
    if context.lacking and context.lacking[0].startswith("object "):
        return
    absent = absent_properties(context)
    readable = sorted({*context.mirror.properties(), *context.mirrored} - absent)
    cursor = context.mirror.cursor(readable)
    watch.progress.step(
        f"reading {context.sync.to.object} of {context.sync.to.system}" + ("" if cursor is None else " that changed")
    )
    pages = context.target.scan(context.sync.to.object, readable, cursor)
    context.mirror.take_in(pages, readable, full_scan=cursor is None)


def absent_properties(context: PreparedSync) -> set[str]:
    """The properties that the other side did not have when the sync was prepared."""
    return {line.split()[1] for line in context.lacking if line.startswith("property ")}


def look_at_linked(db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch) -> None:
    """Load what was agreed on with the changed rows that have a record, and what the other side holds of them now.

    Also where every field is the source's: that the record is still this row's alone must be seen before it is written.
    """
    merge.load_base(db, [])
    merge.load_remote(db, {})
    links = linked.linked_rows(db)
    if not links:
        return
    merge.load_base(db, _base(context, [key for key, _ in links]))
    watch.progress.step(f"looking at {len(links)} linked records")
    records = context.target.fetch(context.sync.to.object, [remote_id for _, remote_id in links], context.mirrored)
    linked.check_links(db, links, records, context.key_property)
    merge.load_remote(db, {record.id: record.values for record in records.values()})


def _base(context: PreparedSync, keys: list[str]) -> list[tuple[str, str]]:
    """What was agreed on, without the properties that the other side lost: nothing is agreed about those."""
    bases = context.ledger.base_of(keys)
    if not context.lost_properties:
        return bases
    return [(key, _without(base, context.lost_properties)) for key, base in bases]


def _without(base: str, properties: tuple[str, ...]) -> str:
    return orjson.dumps({prop: value for prop, value in orjson.loads(base).items() if prop not in properties}).decode()
