"""From source rows to a table of actions: read, compare, match, merge. It writes to nothing but the mirror."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import orjson

from careloom.core.ports import RemoteRecord, Since
from careloom.engine.sql_text import name, names, text
from careloom.engine.sync import actions, diff, merge, rows, unique
from careloom.engine.sync.unique import claims_anew, reroute_taken
from careloom.engine.workspace import load
from careloom.identity.match import match
from careloom.services.session.progress import Watch
from careloom.services.sync.prepare import PreparedSync
from careloom.store.ledger import Ledger

# pending(key, row, fp, class, remote_id, sent_fp, rule, grade, decision) is the heart: one line for each row that something
# must be done about; decision is '', 'create', 'update' or 'hold'.


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDiff:
    """What reading and comparing gave. `high` is the cursor value that the next run may read from."""

    read: int
    same_count: int
    stopped_count: int
    since: Since | None
    high: str | None


def diff_source(db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch, *, full: bool) -> SourceDiff:
    """Read the source and compare it with the ledger: makes `verdict`, `gone` and the faulty rows' `stop`."""
    full = full or bool(context.lost_properties)
    since = None if full else _since(context)
    watch.progress.step(f"reading {context.sync.source.system}")
    read = rows.load_source(db, context.source.read(context.sync.source.query, since), context.columns)
    watch.progress.step("comparing with what was agreed")
    rows.fingerprint_rows(db, context.fields, context.sync.source.key, context.zone)
    diff.recall(db, context.ledger.links(), context.ledger.held())
    diff.compare(db, full=full)
    diff.find_gone(db, full_scan=since is None)
    actions.begin_actions(db)
    actions.stop_faulty(db)
    classes = diff.count_classes(db)
    return SourceDiff(
        read=read,
        same_count=classes.get("same", 0),
        stopped_count=classes.get("stopped", 0),
        since=since,
        high=_high(db, context) or (since.value if since else None),
    )


def _since(context: PreparedSync) -> Since | None:
    cursor = context.sync.source.cursor
    value = context.ledger.watermark(context.project.digest) if cursor else None
    return Since(column=cursor, value=value) if cursor and value else None


def _high(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> str | None:
    """The greatest cursor value read, less the look-back: what committed late at the source is read again.

    A time that is still to come counts as now, or one wrong row would hide all that changes until then.
    """
    if not context.sync.source.cursor:
        return None
    column = f"source.{name(context.sync.source.cursor)}"
    value = f"max({column})"
    kind = db.execute(f"select typeof({value}) from source").fetchall()[0][0]
    if kind.startswith(("TIMESTAMP", "DATE")):
        now = text(f"{context.session.clock():%Y-%m-%d %H:%M:%S}")
        back = int(context.sync.source.look_back.total_seconds())
        value = f"least({value}, cast({now} as {kind})) - interval {back} second"
    row = db.execute(f"select cast({value} as varchar) from source having max({column}) is not null").fetchone()
    return None if row is None else str(row[0])


def plan_changes(db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch) -> None:
    """Decide what to do about every new and changed row: fills `action` and `stop`."""
    db.execute(
        "create table pending as select key, row, fp, class, remote_id, sent_fp, 'key' as rule, 'certain' as grade, '' as decision"
        " from verdict where class in ('new', 'changed')"
    )
    db.execute("create table refused (key varchar, property varchar)")
    if db.execute("select 1 from pending limit 1").fetchall():
        decide(db, context, watch)
    else:
        merge.begin(db)
        unique.begin(db)


def decide(db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch) -> None:
    """Decide about the rows of `pending`, as far as nothing was decided yet."""
    _load_decisions(db, context)
    zone, key = context.zone, context.sync.source.key
    rows.project_rows(db, context.fields, key, zone, rows="pending", into="ours", key_property=context.key_property)
    merge.load_base(db, [])
    merge.load_remote(db, {})
    _look_at_linked(db, context, watch)
    has_mirror = _match_new(db, context, watch) or _view_holders(db, context, watch)
    reroute_taken(db, context.fields, context.shape, context.key_property, has_mirror=has_mirror)
    owners = {field.property: field.owner for field in context.fields}
    merge.merge(db, context.types, {**owners, context.key_property: "source"}, context.likeness, context.aliases)
    actions.add_updates(db)
    actions.add_creates(db, context.properties, context.shape, context.key_property)


def archive_gone(db: duckdb.DuckDBPyConnection, context: PreparedSync, read: int) -> str | None:
    """Archive what left the source, if the sync says so; returns why not where the share is beyond its limit."""
    gone_count = int(db.execute("select count(*) from gone").fetchall()[0][0])
    if context.sync.missing != "archive" or not gone_count:
        return None
    if db.execute("select count(*) from verdict where code = 'null-key'").fetchall()[0][0]:
        return f"{gone_count} linked records seem to have left the source, but rows without a key came: nothing was archived"
    _spare_shared(db, context)
    linked_count = int(db.execute("select count(*) from sent").fetchall()[0][0])
    if gone_count * 100 > linked_count * context.sync.archive_limit:
        return (
            f"{gone_count} of {linked_count} linked records left the source ({read} rows read), more than archive_limit "
            f"{context.sync.archive_limit:g} %: nothing was archived; check the source, or raise the limit for this run"
        )
    actions.add_archives(db)
    return None


def _spare_shared(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> None:
    """A record that another sync of the same object links does not leave with this sync's row."""
    for sibling in context.project.syncs.values():
        if sibling.name != context.sync.name and (sibling.to.system, sibling.to.object) == (
            context.sync.to.system,
            context.sync.to.object,
        ):
            db.register("incoming", Ledger(context.session.store, sibling.name).links())
            db.execute("delete from gone where remote_id in (select remote_id from incoming)")
            db.unregister("incoming")


def _load_decisions(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> None:
    rulings = context.ledger.rulings()
    columns = zip(*rulings, strict=True) if rulings else ([], [], [], [])
    load(db, "ruled", dict(zip(("key", "verdict", "remote_id", "property"), columns, strict=True)))


# ---------------------------------------------------------------- rows that have a record


def _look_at_linked(db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch) -> None:
    """Load what was agreed on, and what the other side holds now.

    Also where every field is the source's: that the record is still this row's alone must be seen before it is written.
    """
    links = db.execute("select key, remote_id from pending where remote_id is not null order by key").fetchall()
    if not links:
        return
    merge.load_base(db, _still_agreed(context, context.ledger.agreed([key for key, _ in links])))
    watch.progress.step(f"looking at {len(links)} linked records")
    now = context.target.fetch(context.sync.to.object, [remote_id for _, remote_id in links], context.mirrored)
    _settle_identity(db, links, now, context.key_property)
    merge.load_remote(db, {record.id: record.values for record in now.values()})


def _still_agreed(context: PreparedSync, rows_: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """What was agreed on, without the properties that the other side lost: nothing is agreed about those."""
    if not context.lost_properties:
        return rows_
    return [
        (
            key,
            orjson.dumps(
                {prop: value for prop, value in orjson.loads(base).items() if prop not in context.lost_properties}
            ).decode(),
        )
        for key, base in rows_
    ]


def _settle_identity(
    db: duckdb.DuckDBPyConnection,
    links: Sequence[tuple[str, str]],
    now: Mapping[str, RemoteRecord],
    key_property: str,
) -> None:
    """Follow merges; hold what is gone, what is no longer ours, and what a merge would make one record of two rows."""
    remote_records = {key: now[remote_id] for key, remote_id in links if remote_id in now}
    moves = [
        (remote_records[key].id, key)
        for key, remote_id in links
        if key in remote_records and remote_records[key].id != remote_id
    ]
    if moves:
        load(db, "moved", {"id": [row[0] for row in moves], "key": [row[1] for row in moves]})
        db.execute("update pending set remote_id = moved.id from moved where moved.key = pending.key")
    _stop_shared(db, remote_records)
    missing_keys = [key for key, _ in links if key not in remote_records or remote_records[key].archived]
    _stop(db, missing_keys, "remote", "missing-remote")
    # A record that carries another key, or no key, is not ours: another portal behind the same ledger, say.
    strange = [
        key
        for key, remote_id in links
        if key in remote_records
        and not remote_records[key].archived
        and _is_strange(remote_records[key], remote_id, key, key_property)
    ]
    _stop(db, strange, "remote", "not-our-record")


def _is_strange(record: RemoteRecord, remote_id: str, key: str, key_property: str) -> bool:
    remote_key = (record.values.get(key_property) or "").strip()
    is_merged = record.id != remote_id
    return remote_key.casefold() != key.casefold() if remote_key else not is_merged


def _stop_shared(db: duckdb.DuckDBPyConnection, remote_records: Mapping[str, RemoteRecord]) -> None:
    """Hold each row whose record stands for another row too: by its own id, or by one of those merged into it.

    The other row may be unchanged and its link still name a former id, so links are held against all of them.
    """
    stands = [
        (key, remote_id) for key, record in remote_records.items() for remote_id in {record.id, *record.merged_ids}
    ]
    load(db, "standing", {"key": [row[0] for row in stands], "remote_id": [row[1] for row in stands]})
    shared_rows = db.execute(
        "select distinct i.key from standing i join sent s on s.remote_id = i.remote_id and s.key <> i.key"
    ).fetchall()
    _stop(db, [row[0] for row in shared_rows], "match", "two-rows-one-record")


def _stop(db: duckdb.DuckDBPyConnection, keys: Sequence[str], kind: str, code: str) -> None:
    if not keys:
        return
    load(db, "stopping", {"key": keys})
    db.execute(
        f"insert into stop select key, {text(kind)}, {text(code)}, null, fp from pending semi join stopping using (key)"
    )
    db.execute("delete from ours where key in (select key from stopping)")
    db.execute("delete from pending where key in (select key from stopping)")


# ---------------------------------------------------------------- rows that have none yet


def _match_new(db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch) -> bool:
    """Match the new rows to the records that the other side holds; True if the mirror was loaded as `theirs`."""
    if not db.execute("select count(*) from pending where remote_id is null").fetchall()[0][0]:
        return False
    refresh_mirror(context, watch)
    load_mirror(db, context)
    watch.progress.step("matching people")
    run_match(db, context)
    _take_decisions(db, context)
    return True


def _view_holders(db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch) -> bool:
    """Load the mirror where a linked row wants a unique value that another record may hold."""
    if not claims_anew(db, context.fields):
        return False
    refresh_mirror(context, watch)
    load_mirror(db, context)
    return True


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


def load_mirror(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> None:
    """Make `theirs`: the mirror, one VARCHAR column a property."""
    db.register("incoming", context.mirror.records(context.mirrored))
    db.execute("create or replace table theirs as select * from incoming")
    db.unregister("incoming")


def run_match(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> None:
    """Make `match_decision` and `match_candidate` for the rows of `ours` without a record."""
    columns = names([*(field.property for field in context.fields), context.key_property])
    db.execute(
        f"create or replace table newcomer as select key, {columns} from ours where key in (select key from pending where remote_id is null)"
    )
    if not _may_fit(db, context):
        _match_nobody(db)
        return
    db.execute("create or replace table everyone_row as select key, row, fp from verdict where class <> 'held'")
    rows.project_rows(
        db,
        context.fields,
        context.sync.source.key,
        context.zone,
        rows="everyone_row",
        into="everyone",
        key_property=context.key_property,
    )
    db.register("incoming", context.mirror.merged())
    db.execute(
        "create or replace table linked as select s.key, coalesce(m.merged_into, s.remote_id) as remote_id"
        " from sent s left join incoming m on m.id = s.remote_id"
    )
    db.unregister("incoming")
    db.execute(
        "create or replace table ruled_match as select key, remote_id, verdict from ruled where verdict in ('never', 'link')"
    )
    match(
        db,
        context.match_spec(),
        source="newcomer",
        remote="theirs",
        links="linked",
        decisions="ruled_match",
        everyone="everyone",
        today=context.session.clock().date(),
    )
    db.execute("drop table everyone")


def _may_fit(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> bool:
    """False if no record can be a newcomer's: a first load, and a sync by key alone, are spared the normal forms of all."""
    if context.sync.match:
        suitors = "select 1 from theirs"
    else:
        suitors = (
            f"select 1 from theirs join newcomer on trim(theirs.{name(context.key_property)}) = newcomer.key"
            " union all select 1 from ruled semi join newcomer using (key) where verdict = 'link'"
        )
    return bool(db.execute(f"{suitors} limit 1").fetchall())


def _match_nobody(db: duckdb.DuckDBPyConnection) -> None:
    """What matching finds where no record can fit."""
    db.execute("drop table if exists match_candidate")
    db.execute(
        "create or replace table match_decision as select key, 'none' as outcome, cast(null as varchar) as remote_id,"
        " cast(null as varchar) as rule, cast(null as varchar) as grade, 'no-candidate' as reason, 0 as candidates from newcomer"
    )


def _take_decisions(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> None:
    otherwise = "'create'" if context.sync.unmatched == "create" else "'hold'"
    db.execute(
        f"""
        create or replace table chosen as
        select d.key, d.remote_id, d.rule, d.grade, d.reason,
            case when r.key is not null then 'create' when d.outcome = 'link' then 'update'
                 when d.outcome = 'none' then {otherwise} else 'hold' end as decision,
            d.outcome
        from match_decision d
        left join (select distinct key from ruled where verdict = 'create') r using (key)
        """
    )
    db.execute(
        "update pending set decision = c.decision, rule = coalesce(c.rule, pending.rule), grade = coalesce(c.grade, pending.grade),"
        " remote_id = case when c.decision = 'update' then c.remote_id end"
        " from chosen c where c.key = pending.key"
    )
    db.execute(
        "insert into stop select p.key, 'match', case when c.outcome = 'none' then 'unmatched' else c.reason end, null, p.fp"
        " from pending p join chosen c using (key) where p.decision = 'hold'"
    )
    db.execute("delete from ours where key in (select key from pending where decision = 'hold')")
    _show_mirror(db, context)


def _show_mirror(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> None:
    """What the records just linked hold, as `held_there`."""
    columns = ", ".join(name(prop) for prop in context.mirrored)
    db.execute(
        f"""
        insert into held_there
        from (
            select id as remote_id, {columns} from theirs
            where id in (select remote_id from pending where class = 'new' and remote_id is not null)
        ) unpivot (value for property in ({columns}))
        """
    )
